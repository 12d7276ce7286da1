//! Objectives from a user's program.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write as _},
    process::Stdio,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use nas_search::{BoxError, Evaluation, Evaluator, Objective};
use nas_space::{Arch, Space};
use process_wrap::std::{ChildWrapper, CommandWrap};
use serde_json::{Map, Value, json};

use crate::Error;

/// As many evaluations that failed, with none that succeeded, end a search: the program does not
/// work.
const HOPELESS: usize = 10;

/// The longest line that is read from a program, in bytes.
const LINE: u64 = 1 << 20;

/// How much of what a program printed an error shows, in characters.
const SHOWN: usize = 200;

/// Batches are this many architectures for each worker, so that few wait for the slowest.
const PER_WORKER: usize = 4;

/// How long a program may take to end after its input has ended.
const GRACE: Duration = Duration::from_millis(500);

/// A program that says what architectures are worth.
///
/// It is started by the shell, once for each worker, and reads architectures as lines of JSON from
/// its standard input: `{"id": 7, "arch": "…", "choices": {"depth": 2, …}}`. To each it answers
/// with one line on its standard output, in order: the same `id` and a number, or `null` where there
/// is none, for each objective by its column's name, as in
/// `{"id": 7, "accuracy_percent": 71.3, "latency_ms": 2.4}`, or `{"id": 7, "error": "…"}`. It ends
/// when its input does; a program that ends after each answer is started again.
///
/// What goes wrong costs the architecture its values, never the search: anything else on standard
/// output, a value that is missing or no finite number, silence for too long, an end before the
/// answer. The program is then started anew.
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

/// What went wrong with a user's program, and what it said it cannot do; shared with the evaluator.
#[derive(Debug, Clone, Default)]
pub struct Failures(Arc<Mutex<BTreeMap<Fault, (usize, String)>>>);

/// A way in which a user's program fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Fault {
    /// It could not be started.
    Start,
    /// It ended before it answered.
    Ended,
    /// It was silent for too long.
    TimedOut,
    /// What it printed is no answer.
    NotAnAnswer,
    /// A value is missing or no finite number.
    Value,
    /// It answered with an error.
    Told,
}

impl Fault {
    /// In a few words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "could not be started",
            Self::Ended => "ended before it answered",
            Self::TimedOut => "did not answer in time",
            Self::NotAnAnswer => "printed what is no answer",
            Self::Value => "gave a value that is none",
            Self::Told => "answered with an error",
        }
    }
}

impl Failures {
    fn kinds(&self) -> MutexGuard<'_, BTreeMap<Fault, (usize, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each kind with how often it happened and what happened first.
    pub fn list(&self) -> Vec<(Fault, usize, String)> {
        let kinds = self.kinds();
        kinds.iter().map(|(fault, (count, first))| (*fault, *count, first.clone())).collect()
    }

    fn add(&self, Failure(fault, what): Failure) {
        self.kinds().entry(fault).or_insert((0, what)).0 += 1;
    }
}

/// One evaluation that failed.
struct Failure(Fault, String);

/// A running program.
struct Worker {
    child: Box<dyn ChildWrapper>,
    lines: Receiver<String>,
    errors: Arc<Mutex<String>>,
    answered: bool,
}

impl Program {
    /// An evaluator by `command`, which `workers` processes run side by side; an answer may take
    /// `timeout`.
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

    /// What goes wrong, as it happens.
    pub fn failures(&self) -> Failures {
        self.failures.clone()
    }
}

/// What is the same for all workers.
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
                // A choice that is a number is told as one.
                let number = serde_json::from_str(choice).map(Value::Number);
                (decision.name.clone(), number.unwrap_or_else(|_| choice.into()))
            })
            .collect();
        json!({ "id": id, "arch": self.space.format(arch), "choices": choices }).to_string()
    }

    /// Asks a worker, which is started where it does not run, and stopped where it fails.
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
                // It answers once and ends: the next one is for a new process.
                Err(Failure(Fault::Ended, _)) if answered && running.ended_well() => {}
                Err(failure) => return Err(failure),
            }
        }
    }

    /// The values of a line. The outer error is a program that is out of step, the inner one a
    /// failure that it told.
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
            return Ok(Err(Failure(Fault::Told, error)));
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

impl Worker {
    fn start(command: &str) -> Result<Self, Failure> {
        let (shell, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
        let mut wrap = CommandWrap::with_new(shell, |shell| {
            shell.args([option, command]);
            shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        });
        // What the shell starts ends with it.
        #[cfg(unix)]
        wrap.wrap(process_wrap::std::ProcessGroup::leader());
        #[cfg(windows)]
        wrap.wrap(process_wrap::std::JobObject);
        let cannot = |why: &dyn std::fmt::Display| Failure(Fault::Start, why.to_string());
        let mut child = wrap.spawn().map_err(|error| cannot(&error))?;
        let output = child.stdout().take().ok_or_else(|| cannot(&"it has no output"))?;
        let mut errors_of = child.stderr().take().ok_or_else(|| cannot(&"it has no output"))?;
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            loop {
                let mut line = Vec::new();
                let read = output.by_ref().take(LINE).read_until(b'\n', &mut line);
                let line = String::from_utf8_lossy(&line).trim().to_owned();
                if !matches!(read, Ok(1..)) || sender.send(line).is_err() {
                    break;
                }
            }
        });
        let errors = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&errors);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = errors_of.read(&mut buffer) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                *kept += &String::from_utf8_lossy(&buffer[..count]);
                let all = kept.chars().count();
                if all > SHOWN {
                    *kept = kept.chars().skip(all - SHOWN).collect();
                }
            }
        });
        Ok(Self { child, lines, errors, answered: false })
    }

    fn exchange(&mut self, question: &str, timeout: Duration) -> Result<String, Failure> {
        let asked = match self.child.stdin() {
            Some(input) => writeln!(input, "{question}").and_then(|()| input.flush()),
            None => Ok(()),
        };
        // Where it no longer reads, how it ended tells more than that the pipe is broken.
        match self.lines.recv_timeout(if asked.is_ok() { timeout } else { GRACE }) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) if asked.is_ok() => {
                let seconds = timeout.as_secs_f64();
                Err(Failure(Fault::TimedOut, format!("no answer within {seconds} s")))
            }
            Err(_) => Err(Failure(Fault::Ended, self.end())),
        }
    }

    /// How it ended, in words.
    fn end(&mut self) -> String {
        let mut text = match self.wait() {
            Some(status) => status.to_string(),
            None => "its output ended".to_owned(),
        };
        let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = errors.lines().map(str::trim).rfind(|line| !line.is_empty()) {
            let _ = write!(text, ", after: {last}");
        }
        text
    }

    fn wait(&mut self) -> Option<std::process::ExitStatus> {
        for _ in 0..50 {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            thread::sleep(GRACE / 50);
        }
        None
    }

    fn ended_well(&mut self) -> bool {
        self.wait().is_some_and(|status| status.success())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.child.stdin().take());
        let waits = self.answered && self.wait().is_some();
        if !waits {
            let _ = self.child.kill();
        }
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

    /// Answers with the question's id; `%s` stands for it.
    fn answering(answer: &str) -> String {
        format!(
            r#"while read -r q; do id=${{q#*\"id\":}}; id=${{id%%[,\}}]*}}; printf '{answer}\n' "$id"; done"#
        )
    }

    const GOOD: &str = r#"{"id":%s,"accuracy_percent":70.5,"latency_ms":2}"#;

    #[test]
    fn values_come_in_the_order_of_the_architectures() {
        let more: Vec<Arch> = all().into_iter().cycle().take(20).collect();
        // The arch decides: those with a kernel of 5 say so.
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
        fails(&of(r#"{"id":%s,"error":"no memory"}"#), Fault::Told, "no memory");
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
