//! How a program is asked: one question, with all that can happen before its answer.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use nas_search::Objective;
use nas_space::{Arch, Space};
use serde_json::{Map, Value, json};

use super::{
    answer::{shown, values},
    failures::{Failure, Fault},
    log::Log,
    worker::{Answered, Came, Patience, Worker},
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
    pub(super) timeout: Duration,
    pub(super) sent: AtomicUsize,
    pub(super) log: Log,
    pub(super) output: Output,
    pub(super) note: Box<Note>,
    /// Set when nobody waits for answers any more.
    pub(super) abandoned: AtomicBool,
}

impl Setting {
    fn question(&self, id: usize, arch: &Arch) -> String {
        let names = self.space.decisions().iter().zip(self.space.active(arch));
        let choices: Map<String, Value> = names
            .zip(self.space.choice_names(arch))
            .filter(|((_, active), _)| *active)
            .map(|((decision, _), choice)| {
                // A choice that is a number is sent as one.
                let number = serde_json::from_str(choice).map(Value::Number);
                (decision.name.clone(), number.unwrap_or_else(|_| choice.into()))
            })
            .collect();
        json!({ "id": id, "arch": self.space.format(arch), "choices": choices }).to_string()
    }

    /// Asks a worker, which is started if it does not run, and stopped if it fails.
    pub(super) fn ask(
        &self,
        worker: &mut Option<Worker>,
        arch: &Arch,
    ) -> Result<Vec<Option<f64>>, Failure> {
        let id = self.sent.fetch_add(1, Ordering::Relaxed);
        let question = self.question(id, arch);
        let mut cut_short = false;
        loop {
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
                objectives: &self.objectives,
                abandoned: &self.abandoned,
            };
            match running.exchange(id, &question, &patience) {
                Ok(Answered { answer, came }) => {
                    self.learn(came);
                    let values = values(&answer, &self.objectives);
                    running.answered = true;
                    if !running.is_spent() {
                        *worker = Some(running);
                    }
                    return values;
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
                "`{}` answers only when its input ends, because it does not flush its output: it is started anew for each architecture. In Python: print(…, flush=True)",
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
            None => "it has printed nothing on standard output".to_owned(),
            Some((1, line)) => format!("it has printed a log line: `{line}`"),
            Some((count, first)) => {
                format!("it has printed {count} log lines, the first: `{first}`")
            }
        };
        (self.note)(&format!(
            "no answer from `{}` for {} s ({printed}). An answer is a line such as {{\"id\": 0, {}}}, flushed; --timeout ({} s) limits the time for one",
            self.command,
            hint(self.timeout).as_secs_f64(),
            self.columns(),
            self.timeout.as_secs_f64(),
        ));
    }

    /// The objectives of an answer, as an example.
    fn columns(&self) -> String {
        let columns = self.objectives.iter().map(|one| format!("\"{}\": 1.0", one.column()));
        columns.collect::<Vec<_>>().join(", ")
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
    fn log(&self, line: &str) {
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
#[derive(Debug, Default)]
pub(super) struct Output {
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
