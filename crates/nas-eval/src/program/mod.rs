//! Objectives from a user's program: what it is asked, and what it answers.

mod answer;
mod failures;
mod worker;

use std::{
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use nas_search::{BoxError, Evaluation, Evaluator, Objective, Role};
use nas_space::{Arch, Space};
use serde_json::{Map, Value, json};

use self::{
    answer::{shown, values},
    failures::Failure,
    worker::{Answered, Came, Patience, Worker},
};
use crate::Error;

pub use self::failures::{Failures, Fault};

/// This many failed evaluations, if none succeeded, end a search: the program does not work. Each
/// time-out counts for several: it may have taken long.
const HOPELESS: usize = 10;
const TIMED_OUT: usize = 4;

/// After this time without any answer, a message is shown, and the program's input is ended.
const HINT: Duration = Duration::from_secs(20);

/// Accuracies after which fractions in place of percentages are warned of.
const FRACTIONS: usize = 5;

/// Batches are this many architectures for each worker, so that few wait for the slowest.
const PER_WORKER: usize = 4;

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
    command: String,
    space: &'static Space,
    objectives: Vec<Objective>,
    timeout: Duration,
    workers: Vec<Option<Worker>>,
    sent: AtomicUsize,
    succeeded: bool,
    failures: Failures,
    output: Output,
    /// Accuracies so far, until fractions are ruled out.
    accuracies: Option<Vec<f64>>,
    note: Box<Note>,
}

/// Receives messages for the user.
type Note = dyn Fn(&str) + Send + Sync;

/// What is known about how a program flushes its output.
#[derive(Debug, Default)]
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
            output: Output::default(),
            accuracies: Some(Vec::new()),
            note: Box::new(|_| {}),
        }
    }

    /// The same program, with messages for the user.
    #[must_use]
    pub fn with_notes(self, note: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { note: Box::new(note), ..self }
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
    failures: &'a Failures,
    output: &'a Output,
    note: &'a Note,
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
        let mut cut_short = false;
        loop {
            let mut running = match worker.take() {
                Some(running) => running,
                None => Worker::start(self.command)?,
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
                objectives: self.objectives,
            };
            match running.exchange(id, &question, &patience) {
                Ok(Answered { answer, came }) => {
                    self.learn(came);
                    let values = values(&answer, self.objectives);
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
        let printed = match self.failures.logged() {
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
        if self.failures.log(line, shown(line.trim())) {
            (self.note)(&format!(
                "`{}` prints log lines on standard output, the first: `{}`; they are ignored",
                self.command,
                shown(line.trim())
            ));
        }
    }
}

impl Evaluator for Program {
    fn objectives(&self) -> &[Objective] {
        &self.objectives
    }

    fn batch(&self) -> usize {
        match self.workers.len() {
            // Nobody waits for the slowest, and each evaluation is recorded as soon as it is made.
            1 => 1,
            workers => PER_WORKER * workers,
        }
    }

    fn evaluate(&mut self, architectures: &[Arch]) -> Result<Vec<Evaluation>, BoxError> {
        let setting = Setting {
            command: &self.command,
            space: self.space,
            objectives: &self.objectives,
            timeout: self.timeout,
            sent: &self.sent,
            failures: &self.failures,
            output: &self.output,
            note: &*self.note,
        };
        let at_accuracy = Objective::position(&self.objectives, Role::Accuracy);
        let accuracy = |values: &[Option<f64>]| values[at_accuracy?];
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
                    self.accuracies.iter_mut().for_each(|kept| kept.extend(accuracy(&values)));
                    evaluations[at].values = values;
                }
                Err(failure) => self.failures.add(failure),
            }
        }
        self.check_fractions();
        let failed = self.failures.list();
        let count: usize = failed.iter().map(|failed| failed.1).sum();
        let weight = |fault: Fault| if fault == Fault::TimedOut { TIMED_OUT } else { 1 };
        let weighed: usize = failed.iter().map(|failed| failed.1 * weight(failed.0)).sum();
        if !self.succeeded && weighed >= HOPELESS {
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

impl Program {
    /// Warns, once, of accuracies that are fractions rather than in percent.
    fn check_fractions(&mut self) {
        let Some(kept) = &self.accuracies else { return };
        let at = Objective::position(&self.objectives, Role::Accuracy);
        let Some(objective) = at.map(|at| &self.objectives[at]) else {
            self.accuracies = None;
            return;
        };
        let few = self.space.allowed(FRACTIONS as u64).unwrap_or(u64::MAX);
        if kept.len() < FRACTIONS.min(usize::try_from(few).unwrap_or(FRACTIONS)) {
            return;
        }
        if objective.are_fractions(kept.iter().copied()) {
            (self.note)(&format!(
                "warning: no {} of `{}` is above 1: accuracies are in percent, not fractions",
                objective.column(),
                self.command
            ));
        }
        self.accuracies = None;
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    fn space() -> &'static Space {
        let text = "name = \"mine\"\n[[decision]]\nname = \"depth\"\nchoices = [1, 2]\n\
                    [[decision]]\nname = \"kernel\"\nchoices = [3, 5]\nif = { depth = 2 }\n";
        Box::leak(Box::new(Space::from_toml(text).unwrap()))
    }

    /// With time enough on a busy machine.
    fn program(command: &str, workers: usize) -> Program {
        within(command, workers, Duration::from_secs(60))
    }

    fn within(command: &str, workers: usize, timeout: Duration) -> Program {
        let objectives = vec![Objective::accuracy("accuracy"), Objective::latency()];
        Program::new(command, space(), objectives, workers, timeout)
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
        fails("read -r q; echo epoch 1 of 10", Fault::Ended, "exit status: 0");
        let of = |answer: &str| answering(answer);
        fails(
            &of(r#"{"id":%s,"accuracy_percent":NaN,"latency_ms":2}"#),
            Fault::NotAnAnswer,
            "print null",
        );
        fails(&of(r#"{"id":%s,"accuracy_percent":1e999,"latency_ms":2}"#), Fault::NotAnAnswer, "");
        fails(&of(r#"{"id":%s,"latency_ms":2}"#), Fault::Value, "accuracy_percent: nothing");
        fails(&of(r#"{"id":%s,"accuracy_percent":"7","latency_ms":2}"#), Fault::Value, "`\"7\"`");
        fails(&of(r#"{"id":%s,"accuracy_percent":187,"latency_ms":2}"#), Fault::Value, "0 and 100");
        fails(&of(r#"{"id":%s,"accuracy_percent":87,"latency_ms":-2}"#), Fault::Value, "above 0");
        fails(&of(r#"{"id":%s,"error":"no memory"}"#), Fault::Reported, "no memory");
    }

    /// Lines that are nearly answers, before the right one or instead of it.
    #[test]
    fn untidy_answers_count_and_astray_ones_cost_nothing() {
        let slow = Duration::from_secs(60);
        for answer in [
            r#"{"id":1000%s,"accuracy_percent":1,"latency_ms":1}\n{GOOD}"#,
            r#"{"epoch":1,"id":%s}\n{GOOD}"#,
            r#"{"id":%s,"status":"ready"}\n{GOOD}"#,
            r#"{"id":%s,"accuracy_percent":70.5,"latency_ms":2,"error":null}"#,
            r#"{"id":%s,"accuracy_percent":70.5,"latency_ms":2,"error":""}"#,
            r#"{"id":"%s","accuracy_percent":70.5,"latency_ms":2}"#,
            r#"{"id":%s.0,"accuracy_percent":70.5,"latency_ms":2}"#,
        ] {
            let lines = answer.matches("%s").count() + usize::from(answer.contains("{GOOD}"));
            let mut command = answering(&answer.replace("{GOOD}", GOOD));
            if lines == 2 {
                command = command.replace("\"$id\"", "\"$id\" \"$id\"");
            }
            let (told, all_good) = told(&command, slow);
            assert!(all_good, "{answer}: {told}");
            assert_eq!(told.contains("which was not asked"), answer.contains("1000"), "{told}");
        }
        // Where the right one never comes, the failure says so.
        let command = answering(r#"{"id":99%s,"accuracy_percent":1,"latency_ms":2}"#);
        let objectives = vec![Objective::accuracy("accuracy"), Objective::latency()];
        let mut program =
            Program::new(&command, space(), objectives, 1, Duration::from_millis(300));
        program.evaluate(&all()).unwrap();
        let (fault, count, first) = program.failures().list().remove(0);
        assert_eq!((fault, count), (Fault::NotAnAnswer, 3), "{first}");
        assert!(first.contains("an answer to \"id\": 990, expected \"id\": 0"), "{first}");
    }

    /// What a program tells the user, and whether all architectures have the good values.
    fn told(command: &str, timeout: Duration) -> (String, bool) {
        let told = Arc::new(Mutex::new(String::new()));
        let notes = Arc::clone(&told);
        let objectives = vec![Objective::accuracy("accuracy"), Objective::latency()];
        let mut program = Program::new(command, space(), objectives, 1, timeout)
            .with_notes(move |note| *notes.lock().unwrap() += &format!("{note}\n"));
        let more: Vec<Arch> = all().into_iter().cycle().take(9).collect();
        let values = program.evaluate(&more).unwrap();
        let told = told.lock().unwrap().clone();
        (told, values.iter().all(|one| one.values[0].is_some()))
    }

    #[test]
    fn lines_that_are_no_answers_are_ignored_and_answers_never_shift() {
        let slow = Duration::from_secs(60);
        let before = answering(&format!("WARNING: no GPU\\n{GOOD}"));
        let (told, all_good) = told(&before, slow);
        assert!(all_good && told.matches("the first: `WARNING: no GPU`").count() == 1, "{told}");
        // Two answers to one question: the second is late, and answers no other.
        let twice = answering(&format!("{GOOD}\\n{GOOD}")).replace("\"$id\"", "\"$id\" \"$id\"");
        let mut program = program(&twice, 1);
        let values = program.evaluate(&all()).unwrap();
        assert!(values.iter().all(|one| one.values == [Some(70.5), Some(2.0)]));
        assert!(program.failures().list().is_empty());
    }

    #[test]
    fn log_lines_are_kept_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("program.log");
        let mut program = program(&answering(&format!("epoch 1\\n{GOOD}")), 2);
        program.failures().log_to(file.clone());
        program.evaluate(&all()).unwrap();
        assert_eq!(std::fs::read_to_string(file).unwrap(), "epoch 1\nepoch 1\nepoch 1\n");
        assert_eq!(program.failures().logged(), Some((3, "epoch 1".to_owned())));
    }

    #[test]
    fn a_program_that_does_not_flush_loses_no_answer_and_the_user_is_told() {
        // It prints all its answers when its input ends.
        let command = answering(GOOD) + " > held; cat held";
        let folder = tempfile::tempdir().unwrap();
        let command = format!("cd '{}'; {command}", folder.path().display());
        let begun = std::time::Instant::now();
        let (told, all_good) = told(&command, Duration::from_secs(3));
        assert!(all_good && told.contains("does not flush its output"), "{told}");
        assert!(told.contains("no answer from"), "{told}");
        assert!(begun.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn fractions_in_place_of_percentages_are_warned_of_once() {
        let fraction = answering(r#"{"id":%s,"accuracy_percent":0.39,"latency_ms":2}"#);
        let (told, _) = told(&fraction, Duration::from_secs(60));
        assert_eq!(told.matches("not fractions").count(), 1, "{told}");
    }

    #[test]
    fn a_program_that_never_answers_ends_the_search() {
        let mut program = program("exit 1", 2);
        let more: Vec<Arch> = all().into_iter().cycle().take(HOPELESS).collect();
        let message = program.evaluate(&more).unwrap_err().to_string();
        assert!(message.contains("`exit 1`") && message.contains("10 ×"), "{message}");
    }

    #[test]
    fn a_few_time_outs_end_the_search_where_nothing_was_answered() {
        let mut program = within("read -r q; sleep 60", 1, Duration::from_millis(400));
        let one = &all()[..1];
        for _ in 0..2 {
            assert_eq!(program.evaluate(one).unwrap()[0].values, [None, None]);
        }
        let message = program.evaluate(one).unwrap_err().to_string();
        assert!(
            message.contains("3 × did not answer in time: no answer within 0.4 s"),
            "{message}"
        );
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
