//! Runs a training, from its plan to its results.

use std::{
    path::Path,
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use nas_data::PartName;
use nas_eval::{Problem, onnx::OnnxNetwork};
use nas_net::BuiltNetwork;
use nas_train::{Checkpoint, Go, Metrics, Scores, Setting, Training};
use tch::{CModule, Device, Tensor};

use super::{
    Arguments,
    data::Data,
    metrics::MetricsFile,
    plan::{Config, Plan, blueprint_for, kind_of},
    report::Report,
};
use crate::{
    commands::images::blueprint,
    failure::{Failure, STOPPED},
    output::Format,
    progress::Progress,
    run_folder::{ERROR, Kind, METRICS, PAGE, RunFolder, STATE, STOPPED_BY_USER, TRAINED, WEIGHTS},
    space_arguments::SpaceArguments,
    stop::stop_signal,
    terminal::{note, typed},
};

/// What is said when the user stops a training.
const STOPPING: &str = "stopping after the step under way: whole epochs are kept";

/// A new training.
pub fn begin(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let space = SpaceArguments { space: arguments.space.clone(), dataset: None };
    let problem = space.problem()?;
    blueprint(&problem)?;
    let arch = problem.parse(arguments.arch.as_deref().unwrap_or_default())?;
    let scale = arguments.scale.scale(&problem)?;
    nas_proxy::device(&arguments.machine.compute)?;
    let path = arguments.data.as_deref().unwrap_or(Path::new(""));
    let data = Data::open(path, &arguments.how.options())?;
    let blueprint = blueprint_for(&problem, &data.found, scale)?;
    let recipe = arguments.recipe.recipe(kind_of(blueprint, &arch)?, data.set.shape()?)?;
    let plan = Plan::resolve(arguments, &problem, &arch, scale, recipe)?;
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or("data");
    let name = format!("train-{name}");
    let folder =
        RunFolder::prepare(Kind::Training, arguments.run.as_deref(), &name, arguments.force)?;
    let mut session = Session { plan, problem, data, folder };
    let stop = stop_signal(STOPPING)?;
    let ended = session.run(false, &stop)?;
    session.results(ended, arguments.format)
}

/// Goes on with an earlier training.
pub fn resume(run: &Path, format: Format) -> Result<ExitCode, Failure> {
    let mut folder = RunFolder::open(run)?.of(Kind::Training)?;
    if folder.ended()? {
        note(&format!("the training of {} has ended: there is nothing to resume", run.display()));
        return Ok(ExitCode::SUCCESS);
    }
    let Config { plan, found, .. } = folder.read_config()?;
    let from = &plan.folder;
    if from.is_dir() && std::env::current_dir().ok().as_ref() != Some(from) {
        let unreadable = |error: std::io::Error| Failure::file("find", run, &error);
        folder = RunFolder::open(&std::path::absolute(run).map_err(unreadable)?)?;
        std::env::set_current_dir(from).map_err(|error| Failure::file("go to", from, &error))?;
    }
    let data = Data::again(&plan.data, &plan.options(), &found)?;
    let problem = plan.problem()?;
    let mut session = Session { plan, problem, data, folder };
    let stop = stop_signal(STOPPING)?;
    let ended = session.run(true, &stop)?;
    session.results(ended, format)
}

/// Trains an architecture in a run's folder, or what is left of it where the folder has a run of the same; an
/// earlier one of another is replaced. Returns whether it has ended, not been stopped.
pub fn complete(plan: Plan, folder: &Path, stop: &AtomicBool) -> Result<bool, Failure> {
    let earlier = RunFolder::open(folder).and_then(|earlier| earlier.of(Kind::Training)).ok();
    let config = earlier.as_ref().map(RunFolder::read_config::<Config>).transpose()?;
    let same = earlier.zip(config).filter(|(_, config)| config.plan == plan);
    let problem = plan.problem()?;
    let (mut session, resumed) = match same {
        Some((folder, _)) if folder.ended()? => return Ok(true),
        Some((folder, Config { found, .. })) => {
            let data = Data::again(&plan.data, &plan.options(), &found)?;
            (Session { plan, problem, data, folder }, true)
        }
        None => {
            let data = Data::open_quietly(&plan.data, &plan.options())?;
            let folder = RunFolder::prepare(Kind::Training, Some(folder), "", true)?;
            (Session { plan, problem, data, folder }, false)
        }
    };
    let Some(ended) = session.run(resumed, stop)? else { return Ok(false) };
    session.write(&ended)?;
    Ok(!ended.interrupted)
}

/// A trained network: the best weights of a run.
pub struct Trained {
    pub config: Config,
    pub problem: Problem,
    pub network: Box<dyn BuiltNetwork>,
    /// The epoch of the weights, and its accuracy on the validation part in %.
    pub epoch: u32,
    pub accuracy: f64,
}

/// The network of a run, with the weights of its best epoch.
pub fn trained_network(run: &Path, device: Device) -> Result<Trained, Failure> {
    let folder = RunFolder::open(run)?.of(Kind::Training)?;
    let config: Config = folder.read_config()?;
    let file = folder.file(WEIGHTS);
    if !file.exists() {
        return Err(Failure::input(format!(
            "{} has no weights yet: its first epoch has not ended; nas train --resume {} goes on with it",
            run.display(),
            typed(run)
        )));
    }
    let weights = Checkpoint::read(&file)?;
    let problem = config.plan.problem()?;
    let network = config.plan.network(&problem, &config.found, device)?;
    let wrong = |what: String| Failure::input(format!("{}: {what}", file.display()));
    weights.load_into(&*network).map_err(wrong)?;
    let number = |name: &str| weights.texts.get(name).and_then(|text| text.parse::<f64>().ok());
    let (epoch, accuracy) = number("epoch")
        .zip(number("accuracy"))
        .ok_or_else(|| wrong("it names neither epoch nor accuracy".to_owned()))?;
    Ok(Trained { config, problem, network, epoch: epoch as u32, accuracy })
}

/// What came of a training.
pub struct Ended {
    pub trained: Trained,
    pub metrics: Vec<Metrics>,
    /// Of the best weights, on the test part where there is one.
    pub test: Option<Scores>,
    /// Whether the user stopped it.
    pub interrupted: bool,
}

/// The accuracy in % of an exported file on the validation part of the run, in ONNX Runtime.
pub fn accuracy_in_onnx(trained: &Trained, file: &[u8]) -> Result<f64, Failure> {
    let Config { plan, found, .. } = &trained.config;
    let data = Data::again(&plan.folder.join(&plan.data), &plan.options(), found)?;
    let mut network = OnnxNetwork::new(file, plan.threads)?;
    let setting = Setting {
        data: data.set.clone(),
        survey: &data.survey,
        device: Device::Cpu,
        computed_in: None,
        threads: plan.threads,
        teacher: None,
    };
    let classes = found.classes.len() as i64;
    let mut logits = |images: &Tensor| -> Result<Tensor, nas_train::Error> {
        let shape = <[i64; 4]>::try_from(images.size()).unwrap_or_default().map(|one| one as usize);
        let pixels = Vec::<f32>::try_from(images.f_contiguous()?.f_reshape(-1)?)?;
        let logits = network
            .logits(&pixels, shape)
            .map_err(|error| nas_train::Error::Weights { problem: error.to_string() })?;
        Ok(Tensor::f_from_slice(&logits)?.f_reshape([-1, classes])?)
    };
    let scores = setting.scores_by(plan.recipe.batch, PartName::Validation, &mut logits)?;
    Ok(scores.accuracy)
}

/// A plan with its opened data.
struct Session {
    plan: Plan,
    problem: Problem,
    data: Data,
    folder: RunFolder,
}

/// Examples of a teacher's trial.
type Logits = Box<dyn Fn(&Tensor) -> Result<Tensor, nas_train::Error>>;

impl Session {
    /// Trains to the end, or until it is stopped; nothing where no epoch has ended.
    fn run(&mut self, resumed: bool, stop: &AtomicBool) -> Result<Option<Ended>, Failure> {
        let device = self.plan.device()?;
        tch::set_num_threads(self.plan.threads as i32);
        let network = self.plan.network(&self.problem, &self.data.found, device)?;
        let teacher = self.teacher(device)?;
        let setting = || Setting {
            data: self.data.set.clone(),
            survey: &self.data.survey,
            device,
            computed_in: self.plan.computed_in(),
            threads: self.plan.threads,
            teacher: teacher.as_deref().map(|teacher| teacher as nas_train::Teacher<'_>),
        };
        let mut training = Training::new(&*network, setting(), self.plan.recipe.clone())?;
        let (mut file, mut metrics) = if resumed {
            self.restore(&mut training)?
        } else {
            let config = Config::new(self.plan.clone(), self.data.found.clone()).text()?;
            let create = |folder: &Path| MetricsFile::create(&folder.join(METRICS));
            let mut file = self.folder.create(&config, None, create)?;
            file.moved(self.folder.file(METRICS));
            (file, Vec::new())
        };
        let epochs = self.plan.recipe.epochs;
        let steps = training.steps() as usize;
        let mut progress = Progress::new("training", epochs as usize * steps);
        progress.start_at(metrics.len() * steps);
        let (begun, mut examples) = (Instant::now(), 0);
        let mut interrupted = false;
        let batch = self.plan.recipe.batch;
        let mut best = best_of(&metrics);
        let trained = loop {
            if training.epochs() >= epochs {
                break Ok(());
            }
            let before = training.epochs() as usize * steps;
            let mut shown = Instant::now();
            let mut look = |step: u64, _, loss: Option<f64>| {
                examples += batch;
                if shown.elapsed() > Duration::from_millis(200) || step as usize == steps {
                    shown = Instant::now();
                    let rate = examples as f64 / begun.elapsed().as_secs_f64();
                    let epoch = before / steps + 1;
                    let best =
                        best.map_or(String::new(), |(_, best)| format!(", best {best:.2} %"));
                    let loss = loss.map_or(String::new(), |loss| format!(", loss {loss:.3}"));
                    let state = format!("epoch {epoch}/{epochs}{loss}{best}, {rate:.0} images/s");
                    progress.update(before + step as usize, &state);
                }
                if stop.load(Ordering::Relaxed) { Go::Stop } else { Go::On }
            };
            match training.epoch(&mut look) {
                Ok(Some(epoch)) => {
                    metrics.push(epoch);
                    best = best_of(&metrics);
                    if let Err(failure) = self.record(&mut training, &mut file, &metrics) {
                        break Err(failure);
                    }
                }
                Ok(None) => {
                    interrupted = true;
                    break Ok(());
                }
                Err(error) => break Err(error.into()),
            }
        };
        progress.finish();
        let run = typed(self.folder.path());
        let kept = format!("whole epochs are kept: go on with nas train --resume {run}");
        trained.map_err(|failure: Failure| {
            let _ = self.folder.write(ERROR, format!("{failure}\n"));
            if metrics.is_empty() { failure } else { failure.and(&kept) }
        })?;
        if metrics.is_empty() {
            self.folder.write(ERROR, STOPPED_BY_USER)?;
            return Ok(None);
        }
        let trained = trained_network(self.folder.path(), device)?;
        let has_test = self.data.found.count(PartName::Test) > 0;
        let test = has_test.then(|| setting().scores(&*trained.network, batch, PartName::Test));
        Ok(Some(Ended { trained, metrics, test: test.transpose()?, interrupted }))
    }

    /// Writes the results into the run's folder.
    fn write(&self, ended: &Ended) -> Result<(), Failure> {
        let report = Report { ended, folder: self.folder.path() };
        self.folder.write("curve.svg", report.curve()?)?;
        self.folder.write(PAGE, report.page()?)?;
        // Written last: it marks the run as complete.
        self.folder.write(TRAINED, format!("{:#}\n", report.json()))
    }

    /// Writes and prints the results.
    fn results(&self, ended: Option<Ended>, format: Format) -> Result<ExitCode, Failure> {
        if let Some(ended) = &ended {
            self.write(ended)?;
            Report { ended, folder: self.folder.path() }.print(format)?;
        }
        if ended.as_ref().is_some_and(|ended| !ended.interrupted) {
            return Ok(ExitCode::SUCCESS);
        }
        note(&format!(
            "stopped after {} of {} epochs: go on with nas train --resume {}",
            ended.map_or(0, |ended| ended.metrics.len()),
            self.plan.recipe.epochs,
            typed(self.folder.path())
        ));
        Ok(ExitCode::from(STOPPED))
    }

    /// What the user's teacher expects of normalised images.
    fn teacher(&self, device: Device) -> Result<Option<Logits>, Failure> {
        let Some(path) = &self.plan.teacher else { return Ok(None) };
        let task = self.data.found.task();
        if path.is_dir() {
            let Trained { network, config, .. } = trained_network(path, device)?;
            if config.found.task() != task || config.found.classes != self.data.found.classes {
                return Err(Failure::input(format!(
                    "--teacher {}: it was trained on other classes or sizes of images: train one on these data",
                    path.display()
                )));
            }
            return Ok(Some(Box::new(move |images| Ok(network.forward_inference(images)?))));
        }
        let refused = |problem: &dyn std::fmt::Display| {
            Failure::input(format!("--teacher {}: {problem}", path.display()))
        };
        let module = CModule::load_on_device(path, device).map_err(|error| {
            refused(&format!(
                "expected the folder of a trained run, or a TorchScript file: {error}"
            ))
        })?;
        let side = task.side as i64;
        let images =
            Tensor::zeros([1, task.channels as i64, side, side], (tch::Kind::Float, device));
        let logits =
            tch::no_grad(|| module.forward_ts(&[images])).map_err(|error| refused(&error))?;
        let expected = [1, task.classes as i64];
        if logits.size() != expected {
            return Err(refused(&format!(
                "of one image it makes the shape {:?}, expected {expected:?}, the logits of the classes",
                logits.size()
            )));
        }
        Ok(Some(Box::new(move |images| Ok(module.forward_ts(&[images])?))))
    }

    /// Brings a training to where its run was: the file of its epochs, and these.
    fn restore(&self, training: &mut Training<'_>) -> Result<(MetricsFile, Vec<Metrics>), Failure> {
        let state = self.folder.file(STATE);
        if state.exists() {
            let checkpoint = Checkpoint::read(&state)?;
            training.restore(&checkpoint).map_err(|what| {
                Failure::input(format!("{}: {what}: start a new run", state.display()))
            })?;
        }
        let (file, metrics) = MetricsFile::open(&self.folder.file(METRICS), training.epochs())?;
        self.folder.clear()?;
        // Its process may have ended between the checkpoint and the weights.
        self.keep_best(training, &metrics)?;
        Ok((file, metrics))
    }

    /// Records an epoch: a row, the checkpoint, and the weights if they are the best.
    fn record(
        &self,
        training: &mut Training<'_>,
        file: &mut MetricsFile,
        metrics: &[Metrics],
    ) -> Result<(), Failure> {
        metrics.last().map_or(Ok(()), |last| file.push(last))?;
        self.folder.write(STATE, training.checkpoint()?.bytes()?)?;
        self.keep_best(training, metrics)
    }

    /// Writes the weights if the last epoch is the best.
    fn keep_best(&self, training: &mut Training<'_>, metrics: &[Metrics]) -> Result<(), Failure> {
        let Some((epoch, accuracy)) = best_of(metrics) else { return Ok(()) };
        if epoch != training.epochs() {
            return Ok(());
        }
        let mut weights = training.weights()?;
        let found = &self.data.found;
        let [means, deviations] = found.normalisation();
        let texts = [
            ("space", self.plan.space.clone()),
            ("arch", self.plan.arch.clone()),
            ("epoch", epoch.to_string()),
            ("accuracy", accuracy.to_string()),
            ("classes", found.classes.join("\n")),
            ("means", means),
            ("deviations", deviations),
            ("nas_version", env!("CARGO_PKG_VERSION").to_owned()),
        ];
        weights.texts = texts.map(|(name, text)| (name.to_owned(), text)).into();
        self.folder.write(WEIGHTS, weights.bytes()?)
    }
}

/// The best epoch with its accuracy, the last of equals.
pub fn best_of(metrics: &[Metrics]) -> Option<(u32, f64)> {
    let accuracy = |one: &&Metrics| one.validation.accuracy;
    let best = metrics.iter().max_by(|a, b| accuracy(a).total_cmp(&accuracy(b)))?;
    Some((best.epoch, best.validation.accuracy))
}

impl From<nas_train::Error> for Failure {
    fn from(error: nas_train::Error) -> Self {
        match error {
            nas_train::Error::Data(error) => error.into(),
            nas_train::Error::Network(error) => error.into(),
            error @ (nas_train::Error::Diverged { .. } | nas_train::Error::Torch(_)) => {
                Self::work(error.to_string())
            }
            error => Self::input(error.to_string()),
        }
    }
}
