//! `nas export`: an architecture's network as a file for other programs.

use std::path::PathBuf;

use crate::space_arguments::SpaceArguments;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nas export 6111 --format onnx
  nas export 6111 --format python --data flowers --out network.py
  ARCH=$(nas space sample -n 1 --space fbnet --format arch)
  nas export \"$ARCH\" --space fbnet --format torchscript
  nas export runs/train-flowers --format onnx

The network takes batches of any size. That of a run of nas train has the
weights of its best epoch. Of an architecture it is not trained: its weights are
random, from the seed, as in nas score and nas latency. Operations of a cell
that are on no path from input to output are left out.

Beside a Python module, train.py is written: it trains the module in PyTorch,
with the recipe of the run or the defaults of nas train.")]
#[cfg_attr(not(feature = "torch"), allow(dead_code))]
pub struct Arguments {
    /// The folder of a trained run; or an arch string, an op tuple like "(4, 3, 3, 0, 0, 0)", a
    /// NAS-Bench-201 index, or operations like "3x3 skip - 3x3 pool 1x1"
    #[arg(value_name = "RUN|ARCH")]
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
    /// Labelled images of yours (see nas data), in the place of --dataset: the network takes such images and has
    /// their classes
    #[arg(long, value_name = "WHERE", conflicts_with = "dataset")]
    data: Option<PathBuf>,
    /// The side in pixels that these images are scaled to
    #[arg(long, value_name = "PIXELS", requires = "data")]
    size: Option<usize>,
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
pub use torch::{export_run, run};

#[cfg(feature = "torch")]
mod torch {
    use std::{
        fs,
        path::{Path, PathBuf},
        process::ExitCode,
    };

    use nas_data::{Options, Shape};
    use nas_eval::{Error, Problem, live::Networks};
    use nas_net::{
        BuiltNetwork, Task,
        export::{Description, Format},
    };
    use nas_proxy::NetworkKind;
    use nas_space::Arch;
    use nas_train::Recipe;
    use tch::Device;

    use super::Arguments;
    use crate::{
        commands::{
            images::blueprint,
            train::{Trained, accuracy_in_onnx, problem_on, trained_network},
        },
        failure::Failure,
        run_folder::CONFIG,
        terminal::{note, print},
    };

    const VERSION: &str = env!("CARGO_PKG_VERSION");

    pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
        let run = Path::new(&arguments.arch);
        let exported = if run.join(CONFIG).is_file() {
            if arguments.data.is_some() || arguments.space.dataset.is_some() {
                return Err(Failure::input(
                    "--data and --dataset have no effect on a run, which has its own: leave them out",
                ));
            }
            Exported::of_run(run)?
        } else {
            Exported::untrained(arguments)?
        };
        let format = arguments.format;
        let end = format.extension;
        let default = || PathBuf::from(format!("{}.{end}", exported.name));
        let file = arguments.out.clone().unwrap_or_else(default);
        Failure::occupied(&file, arguments.force, &format!("network.{end}"))?;
        let script = (format.name == PYTHON).then(|| file.with_file_name(SCRIPT_NAME));
        if script.as_ref() == Some(&file) {
            return Err(Failure::input(format!(
                "{}: the script that trains the module has this name: name the module otherwise, for example --out network.py",
                file.display()
            )));
        }
        exported.write(format, &file)?;
        let Task { channels, side, classes } = exported.task;
        let bytes = file.metadata().map_err(|error| Failure::file("read", &file, &error))?.len();
        print(&format!(
            "{}: {}, {bytes} bytes, {} parameters, {}\n  \
             images  float32 [batch, {channels}, {side}, {side}]\n  \
             logits  float32 [batch, {classes}]\n{}",
            file.display(),
            format.title,
            exported.parameters(),
            exported.weights(format),
            exported.normalised
        ))?;
        if let Some(script) = script {
            write_script(&script, &file)?;
        }
        if format.name == ONNX && run.join(CONFIG).is_file() {
            check(run, &file)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The name of the format that is checked.
    const ONNX: &str = "onnx";
    /// The name of the format that a script trains.
    const PYTHON: &str = "python";
    /// The script. It is the same for each network: what differs is in the module's metadata.
    const SCRIPT: &str = include_str!("train.py");
    const SCRIPT_NAME: &str = "train.py";
    /// What each version of it contains.
    const SCRIPT_MARK: &str = "Trains a network that `nas export --format python` wrote";

    /// Writes the script that trains a module beside it, unless the user has a file of that name.
    fn write_script(script: &Path, module: &Path) -> Result<(), Failure> {
        let found = fs::read(script).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        if script.exists() && !found.is_ok_and(|text| text.contains(SCRIPT_MARK)) {
            note(&format!(
                "{} is a file of yours and stays as it is: for the script that trains the module, export into another folder",
                script.display()
            ));
            return Ok(());
        }
        write(script, |making| {
            fs::write(making, SCRIPT).map_err(|error| Failure::file("write", script, &error))
        })?;
        print(&format!(
            "To train it on folders of images: python {} {} IMAGES\n",
            script.display(),
            module.display()
        ))
    }

    /// Writes the network of a trained run as ONNX into its folder, and compares its accuracy.
    pub fn export_run(run: &Path, file: &Path) -> Result<(), Failure> {
        let format = nas_net::export::format(ONNX)?;
        Exported::of_run(run)?.write(format, file)?;
        check(run, file)
    }

    /// Compares the accuracy of a file in ONNX Runtime with that of its run.
    fn check(run: &Path, file: &Path) -> Result<(), Failure> {
        let trained = trained_network(run, Device::Cpu)?;
        let bytes = fs::read(file).map_err(|error| Failure::file("read", file, &error))?;
        let of_run = trained.accuracy;
        match accuracy_in_onnx(&trained, &bytes) {
            Err(failure) => note(&format!("not checked in ONNX Runtime: {failure}")),
            // The weights may have been computed on another device: an image in a thousand may differ.
            Ok(accuracy) if (accuracy - of_run).abs() > 0.1 => {
                return Err(Failure::work(format!(
                    "{}: in ONNX Runtime its accuracy is {accuracy:.2} %, that of the run {of_run:.2} %: please report this",
                    file.display()
                )));
            }
            Ok(accuracy) => print(&format!("in ONNX Runtime: {accuracy:.2} %, as trained\n"))?,
        }
        Ok(())
    }

    /// A network with what is said of it.
    struct Exported {
        network: Box<dyn BuiltNetwork>,
        /// Of the file, without its extension.
        name: String,
        task: Task,
        /// The space, and what the network is for.
        what: String,
        arch: String,
        /// What its weights are, in words.
        weights: String,
        /// How images are made from pixels, in words; empty where that is open.
        normalised: String,
        metadata: Vec<(&'static str, String)>,
    }

    impl Exported {
        fn parameters(&self) -> usize {
            self.network.parameters().iter().map(|(_, one)| one.numel()).sum()
        }

        /// What the weights of a file are, in words.
        fn weights(&self, format: &Format) -> &str {
            if format.has_weights {
                &self.weights
            } else {
                "without weights: a new network begins untrained"
            }
        }

        fn write(&self, format: &Format, file: &Path) -> Result<(), Failure> {
            let Self { network, task, what, arch, normalised, metadata, .. } = self;
            let Task { channels, side, classes } = *task;
            let description = Description {
                text: format!(
                    "A network of {what}, {}.\n\
                     {arch}\n\
                     From images of shape (batch, {channels}, {side}, {side}) to logits of shape (batch, {classes}).\n\
                     {normalised}{} parameters. Written by nas {VERSION}.",
                    self.weights(format),
                    self.parameters()
                ),
                metadata: metadata
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), value.clone()))
                    .collect(),
            };
            write(file, |making| match format.write(&**network, side, &description, making) {
                Err(nas_net::Error::Write { source, .. }) => {
                    Err(Failure::file("write", file, &source))
                }
                written => Ok(written?),
            })
        }

        fn untrained(arguments: &Arguments) -> Result<Self, Failure> {
            let mut problem = arguments.space.problem()?;
            blueprint(&problem)?;
            if let Some(data) = &arguments.data {
                let options = Options { size: arguments.size, ..Options::default() };
                problem = problem_on(problem, data, &options)?;
            }
            let blueprint = blueprint(&problem)?.clone();
            let arch = problem.parse(&arguments.arch)?;
            let task = blueprint.task;
            let networks = Networks { blueprint, seed: arguments.seed, device: Device::Cpu };
            let network = networks.build(&arch)?;
            let Task { channels, side, .. } = task;
            let shape = Shape::Image { channels, height: side, width: side };
            let recipe =
                Recipe::default_for(network.kind().unwrap_or(NetworkKind::Convolutional), shape);
            let mut metadata = vec![
                ("weights", "untrained".to_owned()),
                ("arch", problem.space.format(&arch)),
                ("space", problem.space.name().to_owned()),
                ("dataset", dataset(&problem, arguments).to_owned()),
                ("seed", arguments.seed.to_string()),
            ];
            metadata.extend(common_metadata(task, &recipe)?);
            Ok(Self {
                network,
                name: default_name(&problem, arguments, &arch),
                task,
                what: problem.title.clone(),
                arch: problem.space.format(&arch),
                weights: "untrained: its weights are random".to_owned(),
                normalised: String::new(),
                metadata,
            })
        }

        /// The network of a trained run, with the weights of its best epoch.
        fn of_run(run: &Path) -> Result<Self, Failure> {
            let Trained { config, problem, network, epoch, accuracy } =
                trained_network(run, Device::Cpu)?;
            let name = run.file_name().and_then(|name| name.to_str()).unwrap_or("trained");
            let found = &config.found;
            let [means, deviations] = found.normalisation();
            let normalised = format!(
                "Images are (pixels - mean) / deviation in each channel, with means {means} and deviations {deviations}.\n"
            );
            let weights = format!(
                "trained on {} to {accuracy:.2} % validation accuracy (epoch {epoch})",
                config.plan.data.display()
            );
            let mut metadata = vec![
                ("weights", "trained".to_owned()),
                ("arch", config.plan.arch.clone()),
                ("space", problem.space.name().to_owned()),
                ("classes", found.classes.join("\n")),
                ("means", means),
                ("deviations", deviations),
                ("accuracy", accuracy.to_string()),
                ("epoch", epoch.to_string()),
            ];
            metadata.extend(common_metadata(found.task(), &config.plan.recipe)?);
            Ok(Self {
                network,
                name: name.replace('-', "_"),
                task: found.task(),
                what: problem.space.name().to_owned(),
                arch: config.plan.arch.clone(),
                weights,
                normalised,
                metadata,
            })
        }
    }

    /// The name of the benchmark's data set, or of the user's data.
    fn dataset<'a>(problem: &Problem, arguments: &'a Arguments) -> &'a str {
        let own = arguments.data.as_ref().and_then(|data| data.file_stem()?.to_str());
        own.or(problem.dataset_name).unwrap_or_default()
    }

    /// Named after the space, the data set, and the architecture's number or a checksum of its text;
    /// without hyphens, as Python's modules are.
    fn default_name(problem: &Problem, arguments: &Arguments, arch: &Arch) -> String {
        let arch = problem.index(arch).map_or_else(
            || format!("{:08x}", crc32fast::hash(problem.space.format(arch).as_bytes())),
            |index| index.to_string(),
        );
        [problem.space.name(), dataset(problem, arguments), &arch].join("_").replace('-', "_")
    }

    /// Metadata of trained and untrained networks: what goes in and comes out, and how it is trained.
    fn common_metadata(
        Task { channels, side, classes }: Task,
        recipe: &Recipe,
    ) -> Result<[(&'static str, String); 4], Failure> {
        let recipe = serde_json::to_string(recipe)
            .map_err(|error| Failure::work(format!("a recipe has no form in JSON: {error}")))?;
        Ok([
            ("images", format!("{channels}x{side}x{side}")),
            ("logits", classes.to_string()),
            ("recipe", recipe),
            ("nas_version", VERSION.to_owned()),
        ])
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
