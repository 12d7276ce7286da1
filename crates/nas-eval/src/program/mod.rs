//! Objectives from a user's program: what it is asked, and what it answers.

mod answer;
mod asking;
mod failures;
mod log;
mod pool;
#[cfg(all(test, unix))]
mod tests;
mod worker;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize},
    },
    time::Duration,
};

use nas_search::{BoxError, Evaluation, Evaluator, Objective, Parallel, Role};
use nas_space::{Arch, Space};

use self::{
    asking::{Output, Setting},
    failures::{Failure, Fault},
    pool::Pool,
};
use crate::Error;

pub use self::log::Log;

/// This many failed evaluations, if none succeeded, end a search: the program does not work. Each
/// time-out counts for several: it may have taken long.
const HOPELESS: usize = 10;
const TIMED_OUT: usize = 4;

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
/// A program that does not flush its output answers only once its input ends. Where no answer comes,
/// the input is ended to find out; if that is the reason, the program is started anew for each question.
pub struct Program {
    setting: Arc<Setting>,
    workers: usize,
    pool: Option<Pool>,
    succeeded: bool,
    /// Failures by kind, with their number and the first message, until one evaluation succeeds.
    failed: BTreeMap<Fault, (usize, String)>,
    /// Accuracies so far, until fractions are ruled out.
    accuracies: Option<Vec<f64>>,
}

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
        let setting = Setting {
            command: command.into(),
            space,
            objectives,
            timeout,
            sent: AtomicUsize::new(0),
            log: Log::default(),
            output: Output::default(),
            note: Box::new(note),
            abandoned: AtomicBool::new(false),
        };
        Self {
            setting: Arc::new(setting),
            workers: workers.max(1),
            pool: None,
            succeeded: false,
            failed: BTreeMap::new(),
            accuracies: Some(Vec::new()),
        }
    }

    /// The log lines so far, and those to come.
    pub fn log(&self) -> Log {
        self.setting.log.clone()
    }

    fn pool(&mut self) -> &mut Pool {
        self.pool.get_or_insert_with(|| Pool::start(&self.setting, self.workers))
    }

    /// Takes note of an answer.
    fn take(&mut self, answer: Result<Vec<Option<f64>>, Failure>) -> Result<Evaluation, BoxError> {
        let Setting { objectives, .. } = &*self.setting;
        match answer {
            Ok(values) => {
                self.succeeded = true;
                let at_accuracy = Objective::position(objectives, Role::Accuracy);
                let accuracy = at_accuracy.and_then(|at| values[at]);
                self.accuracies.iter_mut().for_each(|kept| kept.extend(accuracy));
                self.check_fractions();
                Ok(Evaluation { values, ..Evaluation::default() })
            }
            Err(Failure(fault, message)) => {
                let values = vec![None; objectives.len()];
                let failure = Some(format!("{}: {message}", fault.name()));
                self.failed.entry(fault).or_insert((0, message)).0 += 1;
                self.check_hopeless()?;
                Ok(Evaluation { values, failure, ..Evaluation::default() })
            }
        }
    }

    /// Ends a search with a program that does not work.
    fn check_hopeless(&self) -> Result<(), BoxError> {
        let weight = |fault: Fault| if fault == Fault::TimedOut { TIMED_OUT } else { 1 };
        let weighed: usize =
            self.failed.iter().map(|(fault, (count, _))| count * weight(*fault)).sum();
        if self.succeeded || weighed < HOPELESS {
            return Ok(());
        }
        let problems = self.failed.iter();
        let problems =
            problems.map(|(fault, (count, first))| format!("{count} × {}: {first}", fault.name()));
        Err(Box::new(Error::Program {
            command: self.setting.command.clone(),
            count: self.failed.values().map(|(count, _)| count).sum(),
            problems: problems.collect::<Vec<_>>().join("; "),
        }))
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
}

impl Parallel for Program {
    fn capacity(&self) -> usize {
        self.workers
    }

    fn begin(&mut self, arch: &Arch) -> Result<(), BoxError> {
        self.pool().begin(arch);
        Ok(())
    }

    fn wait(&mut self) -> Result<(Arch, Evaluation), BoxError> {
        let (arch, answer) = self.pool().wait().ok_or("no worker is left")?;
        Ok((arch, self.take(answer)?))
    }
}
