//! Objectives from a user's program: what it is asked, and what it answers.

mod answer;
mod architecture;
mod asking;
mod failures;
mod log;
mod pool;
mod record;
mod searcher;
#[cfg(all(test, unix))]
mod searcher_tests;
mod steps;
mod tasks;
#[cfg(all(test, unix))]
mod tests;
mod told;
mod worker;

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use nas_search::{BoxError, Detail, Evaluation, Evaluator, Objective, Parallel, Role};
use nas_space::{Arch, Space};

use self::{asking::Setting, failures::Tally, pool::Pool, steps::Steps};

pub use self::{
    failures::{Failure, Fault},
    log::Log,
    searcher::SearcherProgram,
    tasks::{Answer, Tasks},
};

/// Accuracies after which fractions in place of percentages are warned of.
const FRACTIONS: usize = 5;

/// A program that computes the objectives of architectures.
///
/// It is started by the shell, once for each worker, and reads architectures as lines of JSON from
/// its standard input: `{"id": 7, "arch": "…", "choices": {"depth": 2, …}}`. To each it answers
/// with one line on its standard output: the same `id` and, for each objective by its
/// column's name, a number, or `null` for a missing one, as in
/// `{"id": 7, "accuracy_percent": 71.3, "latency_ms": 2.4}`, or `{"id": 7, "error": "…"}`. It ends
/// when its input does; a program that ends after each answer is started again. Answers are matched
/// by their `id` alone; all other lines are log lines, which are counted and otherwise ignored.
///
/// A failure leaves the architecture without values, and the search continues: a value that is missing
/// or that the objective cannot have ([`Objective::checked`]), an answer to another question, no answer
/// in time, an end before the answer. The program is then started again.
///
/// It runs in processes of this machine, or in [`Tasks`] elsewhere.
///
/// A program that [trains](Self::with_steps) may answer after each step: `{"id": 7, "step": 3,
/// "accuracy_percent": 41.0}`. What has no `step` is its last answer, as is what has the number of all
/// steps and each objective. Where it is told `{"id": 7, "stop": true}`, it ends the training and answers
/// `{"id": 7}`; one that goes on for more than two steps is ended, and others then too, without being told.
///
/// A program that does not flush its output answers only once its input ends. Where no answer comes,
/// the input is ended to find out; if that is the reason, the program is started anew for each question.
pub struct Program {
    setting: Arc<Setting>,
    workers: usize,
    details: Vec<Detail>,
    /// Finds the costs of an architecture that are known before it is evaluated.
    known: Box<KnownCosts>,
    /// What runs it, once it does.
    tasks: Option<Box<dyn Tasks>>,
    tally: Tally,
    /// Accuracies so far, until fractions are ruled out.
    accuracies: Option<Vec<f64>>,
}

/// Finds the costs of an architecture that are known before it is evaluated, less being better.
pub type KnownCosts = dyn FnMut(&Arch) -> Vec<f64>;

impl Program {
    /// An evaluator that runs `command` in `workers` processes in parallel; `timeout` limits one
    /// answer, and `note` receives messages for the user.
    pub fn new(
        command: impl Into<String>,
        space: &'static Space,
        objectives: Vec<Objective>,
        workers: usize,
        timeout: Duration,
        note: impl Fn(&str) + Send + Sync + 'static,
    ) -> Self {
        let example = |objective: &Objective| format!("\"{}\": 1.0", objective.column());
        let expected = objectives.iter().map(Objective::column).collect();
        let example = objectives.iter().map(example).collect::<Vec<_>>().join(", ");
        let (command, note) = (command.into(), Box::new(note));
        let setting = Setting::new(command, space, objectives, expected, example, timeout, note);
        Self {
            setting: Arc::new(setting),
            workers: workers.max(1),
            details: Vec::new(),
            known: Box::new(|_| Vec::new()),
            tasks: None,
            tally: Tally::default(),
            accuracies: Some(Vec::new()),
        }
    }

    /// With trainings of this many steps, of which the program is told. The best values after some of
    /// them are [details](Detail) of the evaluation.
    ///
    /// With `known` the trainings are stopped early that are not expected to reach the front any more. It
    /// finds the costs of all objectives that are not the program's; an objective of the program's that
    /// does not grow with the steps has to be in each answer.
    #[must_use]
    pub fn with_steps(mut self, all: u64, known: Option<Box<KnownCosts>>) -> Self {
        let stops = known.is_some();
        if let Some(setting) = Arc::get_mut(&mut self.setting) {
            let trained = Steps::new(all, stops, &setting.objectives);
            self.details = trained.details();
            setting.steps = Some(trained);
        }
        self.known = known.unwrap_or(self.known);
        self
    }

    /// The log lines so far, and those to come.
    pub fn log(&self) -> Log {
        self.setting.log.clone()
    }

    /// The same program, run by these tasks, of which as many are under way as there are workers.
    #[must_use]
    pub fn run_by(self, tasks: Box<dyn Tasks>) -> Self {
        Self { tasks: Some(tasks), ..self }
    }

    /// Has its processes ended before they have answered, once this flag is set.
    #[must_use]
    pub fn stopped_by(mut self, stop: Arc<AtomicBool>) -> Self {
        if let Some(setting) = Arc::get_mut(&mut self.setting) {
            setting.abandoned = stop;
        }
        self
    }

    /// Asks a process of its own for one architecture, by a question with this id, and ends it.
    pub fn ask(&self, id: usize, arch: &Arch) -> Answer {
        self.setting.sent.store(id, Ordering::Relaxed);
        self.setting.ask(&mut None, arch, &[])
    }

    fn tasks(&mut self) -> &mut dyn Tasks {
        let (setting, workers) = (&self.setting, self.workers);
        &mut **self.tasks.get_or_insert_with(|| Box::new(Pool::start(setting, workers)))
    }

    /// Takes note of an answer.
    fn take(&mut self, answer: Answer) -> Result<Evaluation, BoxError> {
        let Setting { objectives, .. } = &*self.setting;
        match answer {
            Ok(evaluation) => {
                self.tally.succeed();
                let at_accuracy = Objective::position(objectives, Role::Accuracy);
                let accuracy = at_accuracy.and_then(|at| evaluation.values[at]);
                self.accuracies.iter_mut().for_each(|kept| kept.extend(accuracy));
                self.check_fractions();
                Ok(evaluation)
            }
            Err(failed) => {
                let values = vec![None; objectives.len()];
                let details = vec![None; self.details.len()];
                let failure = Some(failed.to_string());
                self.tally.fail(&failed);
                self.tally.check_hopeless(&self.setting.command, "architectures")?;
                Ok(Evaluation { values, details, failure, stopped: false })
            }
        }
    }

    /// Warns, once, of accuracies that are fractions rather than in percent.
    fn check_fractions(&mut self) {
        let Some(kept) = &self.accuracies else { return };
        let at = Objective::position(&self.setting.objectives, Role::Accuracy);
        let Some(objective) = at.map(|at| &self.setting.objectives[at]) else {
            self.accuracies = None;
            return;
        };
        let few = self.setting.space.allowed(FRACTIONS as u64).unwrap_or(u64::MAX);
        if kept.len() < FRACTIONS.min(usize::try_from(few).unwrap_or(FRACTIONS)) {
            return;
        }
        if objective.are_fractions(kept.iter().copied()) {
            (self.setting.note)(&format!(
                "warning: no {} of `{}` is above 1: accuracies are in percent, not fractions",
                objective.column(),
                self.setting.command
            ));
        }
        self.accuracies = None;
    }
}

impl Evaluator for Program {
    fn objectives(&self) -> &[Objective] {
        &self.setting.objectives
    }

    fn details(&self) -> &[Detail] {
        &self.details
    }

    fn batch(&self) -> usize {
        self.workers
    }

    fn evaluate(&mut self, architectures: &[Arch]) -> Result<Vec<Evaluation>, BoxError> {
        for arch in architectures {
            self.begin(arch)?;
        }
        let mut evaluated: HashMap<Arch, VecDeque<Evaluation>> = HashMap::new();
        for _ in architectures {
            let (arch, evaluation) = self.wait()?;
            evaluated.entry(arch).or_default().push_back(evaluation);
        }
        let mut next = |arch| evaluated.get_mut(arch)?.pop_front();
        Ok(architectures.iter().filter_map(&mut next).collect())
    }

    fn parallel(&mut self) -> Option<&mut dyn Parallel> {
        (self.workers > 1).then_some(self)
    }

    fn remember(&mut self, arch: &Arch, evaluation: &Evaluation) {
        if let Some(steps) = &self.setting.steps {
            steps.remember((self.known)(arch), evaluation);
        }
    }
}

impl Parallel for Program {
    fn capacity(&self) -> usize {
        self.workers
    }

    fn begin(&mut self, arch: &Arch) -> Result<(), BoxError> {
        let known = (self.known)(arch);
        self.tasks().begin(arch, known)
    }

    fn wait(&mut self) -> Result<(Arch, Evaluation), BoxError> {
        let setting = Arc::clone(&self.setting);
        let (arch, answer) = self.tasks().wait(&mut |line| setting.log(line))?;
        Ok((arch, self.take(answer)?))
    }
}
