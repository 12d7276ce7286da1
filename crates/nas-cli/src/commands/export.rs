//! `nas export`: an architecture's network as a file for other programs.

use std::path::PathBuf;

use crate::space_arguments::SpaceArguments;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nas export 6111 --format onnx
  nas export 6111 --format python --dataset cifar100 --out network.py
  ARCH=$(nas space sample -n 1 --space fbnet --format arch)
  nas export \"$ARCH\" --space fbnet --format torchscript

The network takes batches of any size. It is not trained: its weights are
random, from the seed, as in nas score and nas latency. Operations of a cell
that are on no path from input to output are left out.")]
#[cfg_attr(not(feature = "torch"), allow(dead_code))]
pub struct Arguments {
    /// An arch string, an op tuple like "(4, 3, 3, 0, 0, 0)", a NAS-Bench-201 index, or operations
    /// like "3x3 skip - 3x3 pool 1x1"
    #[arg(value_name = "ARCH")]
    arch: String,
    /// The format of the file
    #[arg(long, value_parser = formats())]
    format: Format,
    /// The file to write [default: named after the architecture, in this folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace a file that exists
    #[arg(long)]
    force: bool,
    /// The seed of the random weights
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    space: SpaceArguments,
}

#[cfg(feature = "torch")]
type Format = &'static nas_net::export::Format;

/// A build without libtorch knows no formats.
#[cfg(not(feature = "torch"))]
type Format = String;

#[cfg(feature = "torch")]
fn formats() -> impl clap::builder::TypedValueParser<Value = Format> {
    use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
    use nas_net::export::{FORMATS, format};

    let value =
        |format: &nas_net::export::Format| PossibleValue::new(format.name).help(format.description);
    PossibleValuesParser::new(FORMATS.iter().map(value)).try_map(|name| format(&name))
}

#[cfg(not(feature = "torch"))]
fn formats() -> clap::builder::ValueParser {
    clap::builder::ValueParser::string()
}

#[cfg(not(feature = "torch"))]
pub fn run(_: &Arguments) -> Result<std::process::ExitCode, crate::failure::Failure> {
    Err(crate::failure::Failure::without_torch("export networks"))
}

#[cfg(feature = "torch")]
pub use torch::run;

#[cfg(feature = "torch")]
mod torch {
    use std::{
        fs,
        path::{Path, PathBuf},
        process::ExitCode,
    };

    use nas_eval::{Error, Problem, live::Networks};
    use nas_net::export::Description;
    use nas_space::Arch;
    use tch::Device;

    use super::Arguments;
    use crate::{commands::images::blueprint, failure::Failure, terminal::print};

    const VERSION: &str = env!("CARGO_PKG_VERSION");

    pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
        let problem = arguments.space.problem()?;
        let blueprint = blueprint(&problem)?.clone();
        let arch = problem.parse(&arguments.arch)?;
        let format = arguments.format;
        let end = format.extension;
        let file = arguments.out.clone().unwrap_or_else(|| default_file(&problem, &arch, end));
        Failure::occupied(&file, arguments.force, &format!("network.{end}"))?;
        let (side, classes) = (blueprint.side, blueprint.classes);
        let networks = Networks { blueprint, seed: arguments.seed, device: Device::Cpu };
        let network = networks.build(&arch)?;
        let parameters: usize = network.parameters().iter().map(|(_, one)| one.numel()).sum();
        let weights = if format.has_weights {
            "untrained: its weights are random"
        } else {
            "without weights: a new network begins untrained"
        };
        let description = Description {
            text: format!(
                "A network of {}, {weights}.\n\
                 {}\n\
                 From images of shape (batch, 3, {side}, {side}) to logits of shape (batch, {classes}).\n\
                 {parameters} parameters. Written by nas {VERSION}.",
                problem.title,
                problem.space.format(&arch)
            ),
            metadata: metadata(&problem, &arch, arguments.seed),
        };
        write(&file, |making| match format.write(&*network, side, &description, making) {
            Err(nas_net::Error::Write { source, .. }) => {
                Err(Failure::file("write", &file, &source))
            }
            written => Ok(written?),
        })?;
        let bytes = file.metadata().map_err(|error| Failure::file("read", &file, &error))?.len();
        print(&format!(
            "{}: {}, {bytes} bytes, {parameters} parameters, {weights}\n  \
             images  float32 [batch, 3, {side}, {side}]\n  \
             logits  float32 [batch, {classes}]\n",
            file.display(),
            format.title
        ))?;
        Ok(ExitCode::SUCCESS)
    }

    /// Named after the space, the data set, and the architecture's number or a checksum of its text;
    /// without hyphens, as Python's modules are.
    fn default_file(problem: &Problem, arch: &Arch, end: &str) -> PathBuf {
        let arch = problem.index(arch).map_or_else(
            || format!("{:08x}", crc32fast::hash(problem.space.format(arch).as_bytes())),
            |index| index.to_string(),
        );
        let names = [problem.space.name(), problem.dataset_name.unwrap_or_default(), &arch];
        PathBuf::from(format!("{}.{end}", names.join("_").replace('-', "_")))
    }

    fn metadata(problem: &Problem, arch: &Arch, seed: u64) -> Vec<(String, String)> {
        [
            ("weights", "untrained".to_owned()),
            ("arch", problem.space.format(arch)),
            ("space", problem.space.name().to_owned()),
            ("dataset", problem.dataset_name.unwrap_or_default().to_owned()),
            ("seed", seed.to_string()),
            ("nas_version", VERSION.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Writes a file in a folder of its own beside its place, then moves it there.
    fn write(file: &Path, write: impl FnOnce(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
        let cannot = |error: std::io::Error| Failure::file("write", file, &error);
        let beside = file.parent().unwrap_or(Path::new("")).join(".");
        let making = tempfile::Builder::new().prefix(".nas-export-").tempdir_in(beside);
        let folder = making.map_err(cannot)?;
        let making = folder.path().join("network");
        write(&making)?;
        fs::rename(making, file).map_err(cannot)
    }

    impl From<nas_net::Error> for Failure {
        fn from(error: nas_net::Error) -> Self {
            Error::from(error).into()
        }
    }
}
