//! Objectives from a user's program: what it is asked, and what it answers.

mod failures;
mod worker;

use std::{
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use nas_search::{BoxError, Evaluation, Evaluator, Objective};
use nas_space::{Arch, Space};
use serde_json::{Map, Value, json};

use self::{
    failures::Failure,
    worker::{SHOWN, Worker},
};
use crate::Error;

pub use self::failures::{Failures, Fault};

/// This many failed evaluations, if none succeeded, end a search: the program does not work.
const HOPELESS: usize = 10;

/// Batches are this many architectures for each worker, so that few wait for the slowest.
const PER_WORKER: usize = 4;

/// A program that computes the objectives of architectures.
///
/// It is started by the shell, once for each worker, and reads architectures as lines of JSON from
/// its standard input: `{"id": 7, "arch": "…", "choices": {"depth": 2, …}}`. To each it answers
/// with one line on its standard output, in order: the same `id` and, for each objective by its
/// column's name, a number, or `null` for a missing one, as in
/// `{"id": 7, "accuracy_percent": 71.3, "latency_ms": 2.4}`, or `{"id": 7, "error": "…"}`. It ends
/// when its input does; a program that ends after each answer is started again.
///
/// A failure leaves the architecture without values, and the search continues: any other line on
/// standard output, a value that is missing or no finite number, no answer in time, an end before the
/// answer. The program is then started again.
pub struct Program {
    command: String,
    space: &'static Space,
    objectives: Vec<Objective>,
    timeout: Duration,
    workers: Vec<Option<Worker>>,
    sent: AtomicUsize,
    succeeded: bool,
    failures: Failures,
}

impl Program {
    /// An evaluator that runs `command` in `workers` processes in parallel; `timeout` limits one
    /// answer.
    pub fn new(
        command: impl Into<String>,
        space: &'static Space,
        objectives: Vec<Objective>,
        workers: usize,
        timeout: Duration,
    ) -> Self {
        Self {
            command: command.into(),
            space,
            objectives,
            timeout,
            workers: (0..workers.max(1)).map(|_| None).collect(),
            sent: AtomicUsize::new(0),
            succeeded: false,
            failures: Failures::default(),
        }
    }

    /// The failures so far, and those to come.
    pub fn failures(&self) -> Failures {
        self.failures.clone()
    }
}

/// The settings that all workers share.
struct Setting<'a> {
    command: &'a str,
    space: &'static Space,
    objectives: &'a [Objective],
    timeout: Duration,
    sent: &'a AtomicUsize,
}

impl Setting<'_> {
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
    fn ask(&self, worker: &mut Option<Worker>, arch: &Arch) -> Result<Vec<Option<f64>>, Failure> {
        let id = self.sent.fetch_add(1, Ordering::Relaxed);
        let question = self.question(id, arch);
        loop {
            let mut running = match worker.take() {
                Some(running) => running,
                None => Worker::start(self.command)?,
            };
            let answered = running.answered;
            match running.exchange(&question, self.timeout) {
                Ok(line) => {
                    let values = self.values(id, &line)?;
                    running.answered = true;
                    *worker = Some(running);
                    return values;
                }
                // A program that answers once and ends: a new process answers the next question.
                Err(Failure(Fault::Ended, _)) if answered && running.ended_well() => {}
                Err(failure) => return Err(failure),
            }
        }
    }

    /// The values of a line. The outer error is a line that is no answer, after which the program is
    /// stopped; the inner one a failure that it reported.
    #[allow(clippy::type_complexity)]
    fn values(&self, id: usize, line: &str) -> Result<Result<Vec<Option<f64>>, Failure>, Failure> {
        let no_answer = |why: &dyn std::fmt::Display| {
            let shown: String = line.chars().take(SHOWN).collect();
            Failure(Fault::NotAnAnswer, format!("`{shown}`: {why}"))
        };
        let answer: Map<String, Value> =
            serde_json::from_str(line).map_err(|error| no_answer(&error))?;
        if answer.get("id").and_then(Value::as_u64) != Some(id as u64) {
            return Err(no_answer(&format_args!("expected the question's \"id\": {id}")));
        }
        if let Some(error) = answer.get("error") {
            let error = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
            return Ok(Err(Failure(Fault::Reported, error)));
        }
        let value = |objective: &Objective| {
            let column = objective.column();
            match answer.get(&column) {
                Some(Value::Null) => Ok(None),
                Some(Value::Number(number)) if number.as_f64().is_some_and(f64::is_finite) => {
                    Ok(number.as_f64())
                }
                other => {
                    let found = other.map_or("nothing".to_owned(), |other| format!("`{other}`"));
                    let problem = format!("{column}: {found}, expected a finite number or null");
                    Err(Failure(Fault::Value, problem))
                }
            }
        };
        Ok(self.objectives.iter().map(value).collect())
    }
}

impl Evaluator for Program {
    fn objectives(&self) -> &[Objective] {
        &self.objectives
    }

    fn batch(&self) -> usize {
        PER_WORKER * self.workers.len()
    }

    fn evaluate(&mut self, architectures: &[Arch]) -> Result<Vec<Evaluation>, BoxError> {
        let setting = Setting {
            command: &self.command,
            space: self.space,
            objectives: &self.objectives,
            timeout: self.timeout,
            sent: &self.sent,
        };
        let next = AtomicUsize::new(0);
        let (sender, answers) = mpsc::channel();
        thread::scope(|scope| {
            for worker in &mut self.workers {
                let (sender, next, setting) = (sender.clone(), &next, &setting);
                scope.spawn(move || {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(arch) = architectures.get(at) else { break };
                        if sender.send((at, setting.ask(worker, arch))).is_err() {
                            break;
                        }
                    }
                });
            }
        });
        drop(sender);
        let none = Evaluation { values: vec![None; self.objectives.len()], details: Vec::new() };
        let mut evaluations = vec![none; architectures.len()];
        for (at, answer) in answers {
            match answer {
                Ok(values) => {
                    self.succeeded = true;
                    evaluations[at].values = values;
                }
                Err(failure) => self.failures.add(failure),
            }
        }
        let failed = self.failures.list();
        let count: usize = failed.iter().map(|failed| failed.1).sum();
        if !self.succeeded && count >= HOPELESS {
            let problems = failed
                .iter()
                .map(|(fault, count, first)| format!("{count} × {}: {first}", fault.name()));
            let problems = problems.collect::<Vec<_>>().join("; ");
            return Err(Box::new(Error::Program {
                command: self.command.clone(),
                count,
                problems,
            }));
        }
        Ok(evaluations)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn space() -> &'static Space {
        let text = "name = \"mine\"\n[[decision]]\nname = \"depth\"\nchoices = [1, 2]\n\
                    [[decision]]\nname = \"kernel\"\nchoices = [3, 5]\nif = { depth = 2 }\n";
        Box::leak(Box::new(Space::from_toml(text).unwrap()))
    }

    fn program(command: &str, workers: usize) -> Program {
        let objectives =
            vec![Objective::maximise("accuracy", "%"), Objective::minimise("latency", "ms")];
        Program::new(command, space(), objectives, workers, Duration::from_millis(400))
    }

    fn all() -> Vec<Arch> {
        space().enumerate().collect()
    }

    /// A program that answers with the question's id in place of `%s`.
    fn answering(answer: &str) -> String {
        format!(
            r#"while read -r q; do id=${{q#*\"id\":}}; id=${{id%%[,\}}]*}}; printf '{answer}\n' "$id"; done"#
        )
    }

    const GOOD: &str = r#"{"id":%s,"accuracy_percent":70.5,"latency_ms":2}"#;

    #[test]
    fn values_come_in_the_order_of_the_architectures() {
        let more: Vec<Arch> = all().into_iter().cycle().take(20).collect();
        // Architectures with a kernel of 5 get another answer.
        let command = r#"while read -r q; do id=${q#*\"id\":}; id=${id%%[,\}]*}; case "$q" in *'"kernel":5'*) a=5;; *'"kernel"'*) a=3;; *) a=0;; esac; echo "{\"id\":$id,\"accuracy_percent\":$a,\"latency_ms\":null}"; done"#;
        for workers in [1, 3] {
            let mut program = program(command, workers);
            let values = program.evaluate(&more).unwrap();
            for (arch, evaluation) in more.iter().zip(values) {
                let kernel = space().choice_names(arch).nth(1).unwrap().parse().unwrap_or(0.0);
                assert_eq!(evaluation.values, [Some(kernel), None]);
            }
            assert!(program.failures().list().is_empty());
        }
    }

    #[test]
    fn a_program_that_ends_after_each_answer_is_started_again() {
        let command = answering(GOOD).replace("while read -r q; do", "read -r q;");
        let command = command.strip_suffix("; done").unwrap();
        let mut program = program(command, 1);
        for evaluation in program.evaluate(&all()).unwrap() {
            assert_eq!(evaluation.values, [Some(70.5), Some(2.0)]);
        }
        assert!(program.failures().list().is_empty(), "{:?}", program.failures());
    }

    fn fails(command: &str, fault: Fault, expected: &str) {
        let mut program = program(command, 1);
        let values = program.evaluate(&all()).unwrap();
        assert!(values.iter().all(|one| one.values == [None, None]));
        let failures = program.failures().list();
        assert_eq!(failures.len(), 1, "{failures:?}");
        let (found, count, first) = &failures[0];
        assert_eq!((*found, *count), (fault, 3), "{first}");
        assert!(first.contains(expected), "{first}");
    }

    #[test]
    fn what_goes_wrong_costs_the_architecture() {
        fails("no-such-program-anywhere", Fault::Ended, "127");
        fails("echo 'out of memory' >&2; exit 3", Fault::Ended, "after: out of memory");
        fails("read -r q; echo epoch 1 of 10", Fault::NotAnAnswer, "`epoch 1 of 10`");
        fails("read -r q; sleep 60", Fault::TimedOut, "no answer within 0.4 s");
        let of = |answer: &str| answering(answer);
        fails(&of(r#"{"id":%s,"accuracy_percent":NaN,"latency_ms":2}"#), Fault::NotAnAnswer, "NaN");
        fails(&of(r#"{"id":%s,"accuracy_percent":1e999,"latency_ms":2}"#), Fault::NotAnAnswer, "");
        fails(&of(r#"{"id":%s,"latency_ms":2}"#), Fault::Value, "accuracy_percent: nothing");
        fails(&of(r#"{"id":%s,"accuracy_percent":"7","latency_ms":2}"#), Fault::Value, "`\"7\"`");
        fails(&of(r#"{"id":%s,"error":"no memory"}"#), Fault::Reported, "no memory");
        fails(&of(r#"{"id":99%s,"accuracy_percent":1,"latency_ms":2}"#), Fault::NotAnAnswer, "id");
        // Two lines for one question: the second is the answer to none.
        let twice = answering(&format!("{GOOD}\\n{GOOD}")).replace("\"$id\"", "\"$id\" \"$id\"");
        let mut program = program(&twice, 1);
        let values = program.evaluate(&all()).unwrap();
        assert_eq!(values[0].values, [Some(70.5), Some(2.0)]);
        assert_eq!(values[1].values, [None, None]);
        assert_eq!(program.failures().list()[0].0, Fault::NotAnAnswer);
    }

    #[test]
    fn a_program_that_never_answers_ends_the_search() {
        let mut program = program("exit 1", 2);
        let more: Vec<Arch> = all().into_iter().cycle().take(HOPELESS).collect();
        let message = program.evaluate(&more).unwrap_err().to_string();
        assert!(message.contains("`exit 1`") && message.contains("10 ×"), "{message}");
    }

    #[test]
    fn a_crash_costs_one_evaluation() {
        // The third question of each process kills it.
        let mut command =
            answering(GOOD).replace("do id", "do n=$((n+1)); [ $n -eq 3 ] && exit 9; id");
        command.insert_str(0, "n=0; ");
        let mut program = program(&command, 1);
        let more: Vec<Arch> = all().into_iter().cycle().take(9).collect();
        let values = program.evaluate(&more).unwrap();
        let failed: Vec<usize> = (0..9).filter(|&at| values[at].values == [None, None]).collect();
        assert_eq!(failed, [2, 5, 8]);
        let failures = program.failures().list();
        assert_eq!((failures[0].0, failures[0].1), (Fault::Ended, 3));
    }
}
