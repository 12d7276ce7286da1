//! Tests of programs that answer in every way.

use std::sync::{Arc, Mutex};

use super::{
    failures::{Fault, HOPELESS},
    *,
};

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
    noted(command, workers, timeout, |_| {})
}

fn noted(
    command: &str,
    workers: usize,
    timeout: Duration,
    note: impl Fn(&str) + Send + Sync + 'static,
) -> Program {
    let objectives = vec![Objective::accuracy("accuracy"), Objective::latency()];
    Program::new(command, space(), objectives, workers, timeout, note)
}

/// The failures of evaluations.
fn failures(evaluations: &[Evaluation]) -> Vec<&str> {
    evaluations.iter().filter_map(|one| one.failure.as_deref()).collect()
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
        assert!(failures(&values).is_empty());
        for (arch, evaluation) in more.iter().zip(values) {
            let kernel = space().choice_names(arch).nth(1).unwrap().parse().unwrap_or(0.0);
            assert_eq!(evaluation.values, [Some(kernel), None]);
        }
    }
}

#[test]
fn a_program_that_ends_after_each_answer_is_started_again() {
    let command = answering(GOOD).replace("while read -r q; do", "read -r q;");
    let command = command.strip_suffix("; done").unwrap();
    let mut program = program(command, 1);
    for evaluation in program.evaluate(&all()).unwrap() {
        assert_eq!(evaluation.values, [Some(70.5), Some(2.0)], "{:?}", evaluation.failure);
    }
}

fn fails(command: &str, fault: Fault, expected: &str) {
    let mut program = program(command, 1);
    let values = program.evaluate(&all()).unwrap();
    assert!(values.iter().all(|one| one.values == [None, None]));
    let failures = failures(&values);
    assert_eq!(failures.len(), 3);
    for failure in failures {
        assert!(failure.starts_with(fault.name()) && failure.contains(expected), "{failure}");
    }
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
    let values = within(&command, 1, Duration::from_millis(300)).evaluate(&all()).unwrap();
    let failures = failures(&values);
    assert!(failures.iter().all(|failure| failure.starts_with(Fault::NotAnAnswer.name())));
    assert!(failures[0].contains("an answer to \"id\": 990, expected \"id\": 0"), "{failures:?}");
}

/// What a program tells the user, and whether all architectures have the good values.
fn told(command: &str, timeout: Duration) -> (String, bool) {
    let told = Arc::new(Mutex::new(String::new()));
    let notes = Arc::clone(&told);
    let note = move |note: &str| *notes.lock().unwrap() += &format!("{note}\n");
    let mut program = noted(command, 1, timeout, note);
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
}

#[test]
fn log_lines_are_kept_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("program.log");
    let mut program = program(&answering(&format!("epoch 1\\n{GOOD}")), 2);
    program.log().log_to(file.clone());
    program.evaluate(&all()).unwrap();
    assert_eq!(std::fs::read_to_string(file).unwrap(), "epoch 1\nepoch 1\nepoch 1\n");
    assert_eq!(program.log().logged(), Some((3, "epoch 1".to_owned())));
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
    assert!(message.contains("3 × did not answer in time: no answer within 0.4 s"), "{message}");
}

#[test]
fn a_crash_costs_one_evaluation() {
    // The third question of each process kills it.
    let mut command = answering(GOOD).replace("do id", "do n=$((n+1)); [ $n -eq 3 ] && exit 9; id");
    command.insert_str(0, "n=0; ");
    let mut program = program(&command, 1);
    let more: Vec<Arch> = all().into_iter().cycle().take(9).collect();
    let values = program.evaluate(&more).unwrap();
    let failed: Vec<usize> = (0..9).filter(|&at| values[at].values == [None, None]).collect();
    assert_eq!(failed, [2, 5, 8]);
    assert!(failures(&values).iter().all(|failure| failure.starts_with(Fault::Ended.name())));
}

/// A program that trains in nine steps: accuracies of `space()`'s architectures are 30, 20 and 10. `after`
/// is what it does after each step of the last two, from its eighth question on.
fn training(after: &str) -> String {
    format!(
        r#"n=0; while read -r q; do case "$q" in *stop*) continue;; esac
id=${{q#*\"id\":}}; id=${{id%%[,\}}]*}}; n=$((n + 1))
case "$q" in *'"steps":9'*) ;; *) exit 1;; esac
case "$q" in *'"kernel":5'*) a=10;; *'"kernel"'*) a=20;; *) a=30;; esac
for s in 1 2 3 4 5 6 7 8; do
echo "{{\"id\":$id,\"step\":$s,\"accuracy_percent\":$a,\"latency_ms\":2}}"
if [ $a -lt 30 ] && [ $n -gt 7 ]; then {after}; fi
done; echo "{{\"id\":$id,\"accuracy_percent\":$((a + 1)),\"latency_ms\":2}}"; done"#
    )
}

/// The space's architectures again and again, one fewer than have to be trained before some are stopped.
fn seven() -> Vec<Arch> {
    all().into_iter().cycle().take(7).collect()
}

#[test]
fn trainings_are_stopped_and_their_values_are_none() {
    let listens = training(r#"read -r q; echo "{\"id\":$id}"; continue 2"#);
    // One that does not listen is ended, wherever it stands.
    let does_not = training("sleep 0.1");
    for command in [&listens, &does_not] {
        let mut program = program(command, 1).with_steps(9, Some(Box::new(|_| Vec::new())));
        assert_eq!(program.details().len(), 6);
        // From few whole trainings nothing is expected.
        assert!(program.evaluate(&seven()).unwrap().iter().all(|one| !one.stopped));
        for _ in 0..2 {
            let evaluations = program.evaluate(&all()).unwrap();
            assert!(failures(&evaluations).is_empty(), "{evaluations:?}");
            assert_eq!(evaluations[0].values, [Some(31.0), Some(2.0)]);
            assert_eq!(evaluations[0].details, [9.0, 30.0, 30.0, 30.0, 30.0, 30.0].map(Some));
            for (Evaluation { values, details, stopped, .. }, first) in
                evaluations[1..].iter().zip([20.0, 10.0])
            {
                assert!(*stopped && !evaluations[0].stopped);
                assert_eq!((&values[..], details[1]), (&[None, Some(2.0)][..], Some(first)));
                assert_eq!(details[0], Some(1.0));
            }
        }
    }
    // Without what costs are known by, all go to their ends.
    let mut program = program(&does_not, 1).with_steps(9, None);
    for _ in 0..2 {
        assert!(program.evaluate(&seven()).unwrap().iter().all(|one| !one.stopped));
    }
}

#[test]
fn a_step_takes_its_own_time_and_needs_no_steps_asked_for() {
    // Each step takes most of the limit.
    let command = answering(GOOD).replace(
        "printf",
        r#"for s in 1 2 3; do sleep 0.7; echo "{\"id\":$id,\"step\":$s,\"accuracy_percent\":1}"; done; printf"#,
    );
    let mut program = within(&command, 1, Duration::from_millis(1500));
    let evaluations = program.evaluate(&all()[..1]).unwrap();
    assert_eq!(evaluations[0].values, [Some(70.5), Some(2.0)], "{:?}", evaluations[0].failure);
    assert!(program.details().is_empty());
}

/// Tasks of which each is lost, after a log line.
#[derive(Default)]
struct Losing(Vec<Arch>);

impl Tasks for Losing {
    fn begin(&mut self, arch: &Arch, _: Vec<f64>) -> Result<(), BoxError> {
        self.0.push(arch.clone());
        Ok(())
    }

    fn wait(&mut self, log: &mut dyn FnMut(&str)) -> Result<(Arch, Answer), BoxError> {
        log("epoch 1");
        let arch = self.0.pop().ok_or("nothing was begun")?;
        Ok((arch, Err(Failure(Fault::Lost, "by its node".to_owned()))))
    }
}

#[test]
fn tasks_elsewhere_have_the_failures_and_log_lines_of_processes_here() {
    let mut program = program("true", 2).run_by(Box::new(Losing::default()));
    assert_eq!(Parallel::capacity(&program), 2);
    for _ in 0..2 {
        let lost = program.evaluate(&all()[..1]).unwrap();
        assert_eq!(failures(&lost), ["was lost: by its node"]);
    }
    assert_eq!(program.log().logged(), Some((2, "epoch 1".to_owned())));
    let message = program.evaluate(&all()[..1]).unwrap_err().to_string();
    assert!(message.contains("3 × was lost: by its node"), "{message}");
}

#[test]
fn one_question_has_its_id_and_ends_when_it_is_stopped() {
    let by_id = answering(r#"{"id":%s,"accuracy_percent":42,"latency_ms":2}"#);
    let by_id = by_id.replace("printf", "[ $id = 7 ] && printf");
    let answer = program(&by_id, 1).ask(7, &all()[0]).unwrap();
    assert_eq!(answer.values, [Some(42.0), Some(2.0)]);
    let begun = std::time::Instant::now();
    let stopped = program("sleep 60", 1).stopped_by(Arc::new(AtomicBool::new(true)));
    let Err(Failure(fault, _)) = stopped.ask(7, &all()[0]) else { panic!("an answer") };
    assert_eq!(fault, Fault::Ended);
    assert!(begun.elapsed() < Duration::from_secs(20));
}

/// It would take what tells it to stop for its next question.
#[test]
fn a_program_that_answers_before_it_hears_is_not_asked_again() {
    let command = r#"while read -r q; do case "$q" in *stop*) exit 1;; esac
id=${q#*\"id\":}; id=${id%%[,\}]*}
case "$q" in *'"kernel":5'*) a=10;; *'"kernel"'*) a=20;; *) a=30;; esac
for s in 1 2; do echo "{\"id\":$id,\"step\":$s,\"accuracy_percent\":$a,\"latency_ms\":2}"; done
echo "{\"id\":$id,\"accuracy_percent\":$((a + 1)),\"latency_ms\":2}"; done"#;
    let mut program = program(command, 1).with_steps(3, Some(Box::new(|_| Vec::new())));
    assert!(program.evaluate(&seven()).unwrap().iter().all(|one| !one.stopped));
    let mut stopped = 0;
    for _ in 0..3 {
        let evaluations = program.evaluate(&all()).unwrap();
        assert!(failures(&evaluations).is_empty(), "{evaluations:?}");
        stopped += evaluations.iter().filter(|one| one.stopped).count();
    }
    assert_eq!(stopped, 6);
}
