//! `nas doctor`: what is installed, what is missing, and what to type.

use std::{path::Path, process::ExitCode};

use nas_bench::{FbnetBlocks, NasBench201, PublishedProxies, VitBench};

use crate::{
    failure::Failure,
    output::{Cell, Format, Records},
    terminal::{print, typed},
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The format of the results
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// The benchmark tables, and how each is opened.
const TABLES: [(&str, Open); 4] = [
    ("NAS-Bench-201 and HW-NAS-Bench", |path| NasBench201::open(path).map(drop)),
    ("published proxies", |path| PublishedProxies::open(path).map(drop)),
    ("FBNet block costs", |path| FbnetBlocks::open(path).map(drop)),
    ("ViT-Bench-101", |path| VitBench::open(path).map(drop)),
];

type Open = fn(&Path) -> Result<(), nas_bench::Error>;

/// The state of one thing that the program may need.
struct Finding {
    thing: String,
    there: bool,
    detail: String,
    remedy: String,
}

impl Finding {
    fn new(thing: impl Into<String>, found: Result<String, String>, remedy: &str) -> Self {
        let (thing, there) = (thing.into(), found.is_ok());
        let (Ok(detail) | Err(detail)) = found;
        let remedy = if there { String::new() } else { remedy.to_owned() };
        Self { thing, there, detail, remedy }
    }
}

pub fn run(arguments: &Arguments, tables: Option<&Path>) -> Result<ExitCode, Failure> {
    let folder = match tables {
        Some(path) => Ok((path.to_path_buf(), "given by --tables".to_owned())),
        None => nas_bench::tables_dir().map(|found| (found.path, found.origin.to_string())),
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut findings = vec![
        Finding::new("nas", Ok(format!("version {}", env!("CARGO_PKG_VERSION"))), ""),
        Finding::new("cores", Ok(cores.to_string()), ""),
        Finding::new(
            "table folder",
            folder
                .as_ref()
                .map(|(path, origin)| format!("{} ({origin})", path.display()))
                .map_err(ToString::to_string),
            "set PEL_NAS_TABLES to a folder",
        ),
    ];
    // By default `nas download` writes to another folder than the one that --tables names.
    let download = tables.map_or_else(
        || "nas download".to_owned(),
        |folder| format!("nas download --tables {}", typed(folder)),
    );
    findings.extend(TABLES.map(|(table, open)| {
        let opened = folder.as_ref().map_err(ToString::to_string).and_then(|(path, _)| {
            // What to type follows.
            let problem = |error: nas_bench::Error| {
                let text = error.to_string();
                text.split("; run `nas download`").next().unwrap_or_default().to_owned()
            };
            open(path).map(|()| "ready".to_owned()).map_err(problem)
        });
        Finding::new(table, opened, &download)
    }));
    findings.extend(torch());

    match arguments.format {
        Format::Table => {
            let mut text = String::new();
            for Finding { thing, there, detail, remedy } in &findings {
                let mark = if *there { "ok     " } else { "missing" };
                text += &format!("{mark}  {thing}: {}\n", detail.replace('\n', "\n         "));
                if !remedy.is_empty() {
                    text += &format!("         type: {remedy}\n");
                }
            }
            print(&text)?;
        }
        format => {
            let mut records = Records::new(["thing", "there", "detail", "remedy"]);
            for Finding { thing, there, detail, remedy } in findings {
                let remedy = if remedy.is_empty() { Cell::Absent } else { remedy.into() };
                records.push(vec![thing.into(), Cell::Flag(there), detail.into(), remedy]);
            }
            records.print(format)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(feature = "torch")]
fn torch() -> Vec<Finding> {
    use tch::{Device, Kind, TchError, Tensor};
    // CUDA first: libtorch looks for it only once.
    let gpus = nas_proxy::cuda_devices();
    // A batch of CIFAR size, forward and back, as proxies need it.
    let convolution = |device: Device| {
        let images = Tensor::f_ones([64, 3, 32, 32], (Kind::Float, device))?;
        let kernel = Tensor::f_ones([16, 3, 3, 3], (Kind::Float, device))?;
        let kernel = kernel.f_set_requires_grad(true)?;
        let maps = images.f_conv2d(&kernel, None::<&Tensor>, 1, 1, 1, 1)?;
        let gradient =
            Tensor::f_run_backward(&[maps.f_sum(Kind::Float)?], &[kernel], false, false)?;
        f64::try_from(gradient[0].f_sum(Kind::Double)?)
    };
    let runs = |device| {
        let error = |error: TchError| nas_proxy::Error::from(error).to_string();
        convolution(device)
            .map(|_| "a convolution runs, forward and back".to_owned())
            .map_err(error)
    };
    let cpu =
        runs(Device::Cpu).map(|text| format!("{text}, on {} threads", tch::get_num_threads()));
    let onnx = nas_eval::onnx::open().map(|path| path.display().to_string());
    let onnx = onnx.map_err(|error| match error {
        nas_eval::Error::NoOnnxRuntime { problem } => problem,
        other => other.to_string(),
    });
    let mut findings = vec![
        Finding::new("libtorch", cpu, "cargo xtask setup"),
        Finding::new(
            "ONNX Runtime",
            onnx,
            "cargo xtask setup --onnxruntime, for nas latency --runtime onnx",
        ),
    ];
    match gpus {
        Err(why) => {
            let remedy = match why {
                nas_proxy::NoCuda::Library(_) => {
                    "cargo xtask setup --cuda, if this machine has an NVIDIA GPU"
                }
                nas_proxy::NoCuda::Device => "nvidia-smi, if this machine has an NVIDIA GPU",
            };
            findings.push(Finding::new("CUDA", Err(why.to_string()), remedy));
        }
        Ok(gpus) => findings.extend(gpus.into_iter().enumerate().map(|(index, gpu)| {
            let remedy = "nvidia-smi, to see its driver and what else runs on it";
            Finding::new(format!("cuda:{index}"), runs(gpu), remedy)
        })),
    }
    findings
}

#[cfg(not(feature = "torch"))]
fn torch() -> Vec<Finding> {
    let built = Err("this nas was built without libtorch".to_owned());
    vec![Finding::new(
        "libtorch",
        built,
        "cargo install with the feature `torch`, which is on by default",
    )]
}
