//! Trains what a search asks for: the program of `--accuracy train`, which answers as a user's own does.

use std::{
    io::{BufRead, Write, stdin, stdout},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::mpsc::{Receiver, channel},
    thread,
};

use nas_bench::container;
use nas_eval::{Problem, live::Blueprint};
use nas_space::Arch;
use nas_train::{Go, Recipe, Setting, Training};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tch::Device;

use super::{
    Arguments,
    data::Data,
    plan::{Plan, blueprint_for, kind_of},
};
use crate::{failure::Failure, space_arguments::SpaceArguments};

/// A question, or the end of the training under way.
#[derive(Deserialize)]
struct Question {
    id: u64,
    arch: Option<String>,
    #[serde(default)]
    stop: bool,
}

/// What came of a training, kept for others on the same data with the same settings.
#[derive(Serialize, Deserialize)]
struct Known {
    /// Everything that the accuracies depend on.
    settings: String,
    /// Validation accuracy in % after each epoch.
    accuracies: Vec<f64>,
}

/// Answers the questions on standard input, a line of JSON each.
pub fn answer(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let space = SpaceArguments { space: arguments.space.clone(), dataset: None };
    let problem = space.problem()?;
    let scale = arguments.scale.scale(&problem)?;
    let device = nas_proxy::device(&arguments.machine.compute)?;
    let path = arguments.data.as_deref().unwrap_or(Path::new(""));
    let data = Data::open_quietly(path, &arguments.how.options())?;
    let blueprint = blueprint_for(&problem, &data.found, scale)?;
    let questions = questions();
    let mut trainer = None;
    while let Ok(question) = questions.recv() {
        let Some(text) = question.arch.filter(|_| !question.stop) else {
            // It came after the last answer.
            continue;
        };
        let answer = problem.parse(&text).map_err(Failure::from).and_then(|arch| {
            let trainer = match &mut trainer {
                Some(trainer) => trainer,
                none => {
                    let kind = kind_of(blueprint.clone(), &arch)?;
                    let recipe = arguments.recipe.recipe(kind, data.set.shape()?)?;
                    let plan = Plan::resolve(arguments, &problem, &arch, scale, recipe)?;
                    none.insert(Trainer {
                        plan,
                        data: &data,
                        problem: &problem,
                        blueprint: &blueprint,
                        device,
                    })
                }
            };
            trainer.train(&arch, question.id, &questions, arguments.cache.as_deref())
        });
        match answer {
            Ok(accuracy) => {
                let accuracy = accuracy.map(|value| ("accuracy_percent".to_owned(), json!(value)));
                let id = ("id".to_owned(), json!(question.id));
                say(&serde_json::Value::Object([id].into_iter().chain(accuracy).collect()))?;
            }
            Err(failure) => say(&json!({ "id": question.id, "error": failure.to_string() }))?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The lines of standard input that are questions.
fn questions() -> Receiver<Question> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in stdin().lock().lines().map_while(Result::ok) {
            if let Ok(question) = serde_json::from_str(&line)
                && sender.send(question).is_err()
            {
                return;
            }
        }
    });
    receiver
}

fn say(answer: &serde_json::Value) -> Result<(), Failure> {
    let mut output = stdout().lock();
    writeln!(output, "{answer}")
        .and_then(|()| output.flush())
        .map_err(|error| Failure::work(format!("cannot write to standard output: {error}")))
}

/// Trains architectures with one recipe on the same data.
struct Trainer<'a> {
    plan: Plan,
    data: &'a Data,
    problem: &'a Problem,
    blueprint: &'a Blueprint,
    device: Device,
}

impl Trainer<'_> {
    /// The accuracy after the last epoch in %; nothing where the search stopped the training.
    fn train(
        &mut self,
        arch: &Arch,
        id: u64,
        questions: &Receiver<Question>,
        cache: Option<&Path>,
    ) -> Result<Option<f64>, Failure> {
        self.plan.arch = self.problem.space.format(arch);
        let Plan { recipe, threads, .. } = &self.plan;
        let epochs = recipe.epochs;
        let cached = cache.map(|folder| self.cached(arch, folder)).transpose()?;
        if let Some((_, _, Some(known))) = &cached {
            for (step, accuracy) in (1..epochs).zip(&known.accuracies) {
                say(&json!({ "id": id, "step": step, "accuracy_percent": accuracy }))?;
                if questions.try_iter().any(|question| question.stop) {
                    return Ok(None);
                }
            }
            return Ok(known.accuracies.last().copied());
        }
        tch::set_num_threads(*threads as i32);
        let network = self.plan.network(self.problem, &self.data.found, self.device)?;
        let setting = Setting {
            data: self.data.set.clone(),
            survey: &self.data.survey,
            device: self.device,
            computed_in: self.plan.computed_in(),
            threads: *threads,
            teacher: None,
        };
        let mut training = Training::new(&*network, setting, recipe.clone())?;
        let mut accuracies = Vec::new();
        while training.epochs() < epochs {
            let mut stopped = false;
            let mut look = |_, _, _| {
                stopped |= questions.try_iter().any(|question| question.stop);
                if stopped { Go::Stop } else { Go::On }
            };
            let Some(metrics) = training.epoch(&mut look)? else { return Ok(None) };
            accuracies.push(metrics.validation.accuracy);
            if metrics.epoch < epochs {
                let accuracy = metrics.validation.accuracy;
                say(&json!({ "id": id, "step": metrics.epoch, "accuracy_percent": accuracy }))?;
            }
        }
        let last = accuracies.last().copied();
        if let Some((file, settings, _)) = cached {
            let known = serde_json::to_vec(&Known { settings, accuracies });
            let known = known.map_err(|error| Failure::work(error.to_string()))?;
            container::replace(&file, &known)
                .map_err(|error| Failure::file("write", &file, &error))?;
        }
        Ok(last)
    }

    /// The file of a network in the cache, what it must be of, and its content if that is so.
    fn cached(
        &self,
        arch: &Arch,
        folder: &Path,
    ) -> Result<(PathBuf, String, Option<Known>), Failure> {
        #[derive(Serialize)]
        struct Settings<'a> {
            space: &'a str,
            arch: String,
            width: Option<usize>,
            cells: Option<usize>,
            precision: &'a str,
            compute: &'a str,
            recipe: &'a Recipe,
            task: [usize; 3],
            checksum: u32,
        }
        let Plan { space, width, cells, precision, compute, recipe, .. } = &self.plan;
        let found = &self.data.found;
        let settings = Settings {
            space,
            // Equal networks are trained once.
            arch: self.problem.space.format(&self.blueprint.representative(arch)),
            width: *width,
            cells: *cells,
            precision,
            compute,
            recipe,
            task: [found.channels, found.side, found.classes.len()],
            checksum: found.checksum,
        };
        let settings =
            serde_json::to_string(&settings).map_err(|error| Failure::work(error.to_string()))?;
        std::fs::create_dir_all(folder).map_err(|error| Failure::file("create", folder, &error))?;
        let file = folder.join(format!("{:08x}.json", crc32fast::hash(settings.as_bytes())));
        let known = std::fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let known = known.filter(|known: &Known| known.settings == settings);
        Ok((file, settings, known))
    }
}
