//! How a program is asked: one question, with all that can happen before its answer.

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use nas_search::{Evaluation, Objective};
use nas_space::{Arch, Space};
use serde_json::{Map, Value, json};

use super::{
    answer::{shown, some_values, values},
    architecture::choices,
    failures::{Failure, Fault},
    log::Log,
    steps::{Steps, Verdict},
    worker::{AfterStep, Answered, Came, Patience, Worker},
};

/// After this time without any answer, a message is shown, and the program's input is ended.
const HINT: Duration = Duration::from_secs(20);

/// Receives messages for the user.
pub(super) type Note = dyn Fn(&str) + Send + Sync;

/// What all workers of a program share.
pub(super) struct Setting {
    pub(super) command: String,
    pub(super) space: &'static Space,
    pub(super) objectives: Vec<Objective>,
    /// What an answer contains one of, and how that looks, for a message.
    pub(super) expected: Vec<String>,
    pub(super) example: String,
    pub(super) timeout: Duration,
    pub(super) sent: AtomicUsize,
    pub(super) log: Log,
    output: Output,
    pub(super) note: Box<Note>,
    /// How far it trains, where that is asked for.
    pub(super) steps: Option<Steps>,
    /// Set when nobody waits for answers any more.
    pub(super) abandoned: Arc<AtomicBool>,
}

impl Setting {
    /// With the given expectations of an answer, one of which it has to contain.
    pub(super) fn new(
        command: String,
        space: &'static Space,
        objectives: Vec<Objective>,
        expected: Vec<String>,
        example: String,
        timeout: Duration,
        note: Box<Note>,
    ) -> Self {
        Self {
            command,
            space,
            objectives,
            expected,
            example,
            timeout,
            sent: AtomicUsize::new(0),
            log: Log::default(),
            output: Output::default(),
            note,
            steps: None,
            abandoned: Arc::default(),
        }
    }

    fn question(&self, id: usize, arch: &Arch) -> String {
        let choices = choices(self.space, arch);
        let mut question = json!({ "id": id, "arch": self.space.format(arch), "choices": choices });
        if let Some(steps) = &self.steps {
            question["steps"] = steps.all.into();
        }
        question.to_string()
    }

    /// Asks a worker for the values of an architecture, of which the costs `known` are known before.
    pub(super) fn ask(
        &self,
        worker: &mut Option<Worker>,
        arch: &Arch,
        known: &[f64],
    ) -> Result<Evaluation, Failure> {
        let id = self.sent.fetch_add(1, Ordering::Relaxed);
        let training = RefCell::new(None);
        let question = |_| {
            // One that is asked again begins anew.
            *training.borrow_mut() = self.steps.as_ref().map(|one| one.training(known.to_vec()));
            self.question(id, arch)
        };
        let step = |step: u64, answer: &Map<String, Value>| match &mut *training.borrow_mut() {
            Some(training) => {
                let verdict = training.take(step, &some_values(answer, &self.objectives));
                self.after_step(step, verdict)
            }
            None => AfterStep::GoesOn,
        };
        let answer = self.exchange(worker, id, &question, &step)?;
        let values = answer.map(|answer| values(&answer, &self.objectives)).transpose()?;
        Ok(match training.into_inner() {
            Some(training) => {
                if training.has_no_steps() {
                    self.note_of_steps("prints no steps, so nothing is stopped early: before its last answer it prints one after each step, such as {\"id\": 0, \"step\": 1, …}");
                }
                training.end(values)
            }
            None => Evaluation { values: values.unwrap_or_default(), ..Evaluation::default() },
        })
    }

    /// Asks a worker, which is started if it does not run, and ended if it fails. `question` receives
    /// whether it was just started; `step` decides after each step. There is no answer where that stopped it.
    pub(super) fn exchange(
        &self,
        worker: &mut Option<Worker>,
        id: usize,
        question: &dyn Fn(bool) -> String,
        step: &dyn Fn(u64, &Map<String, Value>) -> AfterStep,
    ) -> Result<Option<Map<String, Value>>, Failure> {
        let mut cut_short = false;
        loop {
            let is_new = worker.is_none();
            let mut running = match worker.take() {
                Some(running) => running,
                None => Worker::start(&self.command)?,
            };
            let answered = running.answered;
            let never = !self.output.flushes.load(Ordering::Relaxed);
            let patience = Patience {
                timeout: self.timeout,
                ends_input: self.output.ends_input(self.timeout).filter(|_| !answered),
                hint: (never && !answered).then(|| hint(self.timeout)),
                waiting: &|| self.waiting(),
                log: &|line| self.log(line),
                astray: &|other| self.astray(id, other),
                expected: &self.expected,
                step,
                listens: &self.output.listens,
                abandoned: &self.abandoned,
            };
            match running.exchange(id, &question(is_new), &patience) {
                Ok(Answered { answer, came }) => {
                    self.learn(came);
                    running.answered = true;
                    if !running.is_spent() {
                        *worker = Some(running);
                    }
                    return Ok(answer);
                }
                // Its input was ended too early: it is asked again, and left alone.
                Err(Failure(Fault::Ended, _))
                    if running.was_cut_short && !cut_short && !self.output.is_held_back() =>
                {
                    cut_short = true;
                    self.output.takes_long.store(true, Ordering::Relaxed);
                }
                // A program that answers once and ends: a new process answers the next question.
                Err(Failure(Fault::Ended, _)) if answered && running.ended_well() => {}
                Err(failure) => return Err(failure),
            }
        }
    }

    /// What follows a step.
    fn after_step(&self, step: u64, verdict: Verdict) -> AfterStep {
        match verdict {
            Verdict::GoesOn => AfterStep::GoesOn,
            Verdict::IsWhole => AfterStep::IsWhole,
            Verdict::Stops => AfterStep::Stops,
            Verdict::Unknown(column) => {
                self.note_of_steps(&format!(
                    "names no {column} that is a number before the end, so nothing is stopped early: print it with each step, or take it from another source"
                ));
                AfterStep::GoesOn
            }
            Verdict::NoStep => {
                let all = self.steps.as_ref().map_or(0, |steps| steps.all);
                self.note_of_steps(&format!(
                    "answers \"step\": {step}, which is ignored: expected a whole number from 1 to {all}, not below the one before"
                ));
                AfterStep::GoesOn
            }
        }
    }

    /// Says, once, what is wrong with its steps.
    fn note_of_steps(&self, what: &str) {
        if !self.output.missteps.swap(true, Ordering::Relaxed) {
            (self.note)(&format!("`{}` {what}", self.command));
        }
    }

    /// Takes note of when an answer came.
    fn learn(&self, came: Came) {
        let at_the_limit = match came {
            _ if self.output.is_held_back() => return,
            Came::ByItself => return self.output.flushes.store(true, Ordering::Relaxed),
            Came::Later => return self.output.takes_long.store(true, Ordering::Relaxed),
            Came::WithTheEndOfInput { at_the_limit } => at_the_limit,
        };
        // A program that had all the time is known after one answer.
        let more = if at_the_limit { HELD_BACK } else { 1 };
        let before = self.output.held_back.fetch_add(more, Ordering::Relaxed);
        if before < HELD_BACK && before + more >= HELD_BACK {
            (self.note)(&format!(
                "`{}` answers only when its input ends, because it does not flush its output: it is started anew for each question. In Python: print(…, flush=True)",
                self.command
            ));
        }
    }

    /// Shows, once, that there is no answer yet.
    fn waiting(&self) {
        if self.output.hinted.swap(true, Ordering::Relaxed) || self.output.is_held_back() {
            return;
        }
        let printed = match self.log.logged() {
            None if self.output.strayed.load(Ordering::Relaxed) => {
                "its answers have another id".to_owned()
            }
            None => "it has printed nothing on standard output".to_owned(),
            Some((1, line)) => format!("it has printed a log line: `{line}`"),
            Some((count, first)) => {
                format!("it has printed {count} log lines, the first: `{first}`")
            }
        };
        (self.note)(&format!(
            "no answer from `{}` for {:.1} s ({printed}). An answer is a line such as {{\"id\": 0, {}}}, flushed; --timeout ({} s) limits the time for one",
            self.command,
            hint(self.timeout).as_secs_f64(),
            self.example,
            self.timeout.as_secs_f64(),
        ));
    }

    /// Says, once, that an answer has another id.
    fn astray(&self, id: usize, other: u64) {
        if !self.output.strayed.swap(true, Ordering::Relaxed) {
            (self.note)(&format!(
                "`{}` answers \"id\": {other}, which was not asked: it is ignored; expected \"id\": {id}",
                self.command
            ));
        }
    }

    /// Keeps a line that is no answer; the first is shown.
    pub(super) fn log(&self, line: &str) {
        if self.log.add(line, shown(line.trim())) {
            (self.note)(&format!(
                "`{}` prints log lines on standard output, the first: `{}`; they are ignored",
                self.command,
                shown(line.trim())
            ));
        }
    }
}

/// What is known about how a program flushes its output.
#[derive(Debug)]
struct Output {
    /// Answers that came just after the input was ended.
    held_back: AtomicUsize,
    /// Whether an answer came while the input was open.
    flushes: AtomicBool,
    /// Whether an answer came long after the input was ended, which decides nothing.
    takes_long: AtomicBool,
    /// Whether it was shown that answers are waited for.
    hinted: AtomicBool,
    /// Whether it was shown that an answer has another id.
    strayed: AtomicBool,
    /// Whether it can be told to stop, as far as is known.
    listens: AtomicBool,
    /// Whether it was shown what is wrong with its steps.
    missteps: AtomicBool,
}

impl Default for Output {
    fn default() -> Self {
        Self {
            held_back: AtomicUsize::default(),
            flushes: AtomicBool::default(),
            takes_long: AtomicBool::default(),
            hinted: AtomicBool::default(),
            strayed: AtomicBool::default(),
            listens: AtomicBool::new(true),
            missteps: AtomicBool::default(),
        }
    }
}

/// Answers that come only with the end of input, at different times, before it counts as a rule.
const HELD_BACK: usize = 2;

impl Output {
    /// Whether each answer needs a process of its own.
    fn is_held_back(&self) -> bool {
        self.held_back.load(Ordering::Relaxed) >= HELD_BACK
    }

    /// When a worker's input is ended, for a time limit.
    fn ends_input(&self, timeout: Duration) -> Option<Duration> {
        match self.held_back.load(Ordering::Relaxed) {
            HELD_BACK.. => Some(Duration::ZERO),
            _ if self.flushes.load(Ordering::Relaxed) => None,
            _ if self.takes_long.load(Ordering::Relaxed) => None,
            0 => Some(hint(timeout)),
            // At another time: an evaluation may have taken as long as the first.
            _ => Some(hint(timeout) / 3),
        }
    }
}

/// When it is shown that there is no answer yet.
fn hint(timeout: Duration) -> Duration {
    HINT.min(timeout / 3)
}
