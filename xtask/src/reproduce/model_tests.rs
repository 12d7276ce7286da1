//! Tests of language models outside searches: which they are, and what they showed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use nas_pareto::statistics::mean;
use serde::Deserialize;

use super::arms::{GEMMA, Model, QWEN, SMOLLM2};
use super::resampling::interval;
use super::rows::{EstimateScore, PairsScore, SkillScore};
use crate::error::Error;
use crate::nas::printed_with_model;

/// Calls of a test: situations in which a model chooses candidates.
pub const SITUATIONS: usize = 100;

/// Choices in each.
const CHOICES: usize = 5;

/// The form in which a model is asked for the values of each candidate.
const ESTIMATE: &str = "estimate";

/// A test of a model.
pub struct ModelTest {
    pub model: &'static Model,
    pub asked: Asked,
    /// Whether the model sees neutral names.
    pub disguised: bool,
}

/// What a model is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// To choose among candidates, in this way (`nas skill-test`).
    Skill(&'static str),
    /// The accuracies of two cells (`nas memorise-test --pairs`), where it is shown some cells with their
    /// accuracies before or nothing.
    Pairs { known: bool },
}

/// All tests, the most telling first.
pub fn planned() -> Vec<ModelTest> {
    let skills = ["rank", "choose"].map(Asked::Skill);
    let pairs = [true, false].map(|known| Asked::Pairs { known });
    let mut tests = Vec::new();
    for asked in skills.into_iter().chain(pairs) {
        for disguised in [false, true] {
            // What is known of a cell by its own name is known by a neutral one.
            if disguised && asked == (Asked::Pairs { known: true }) {
                continue;
            }
            let models = [&QWEN, &SMOLLM2, &GEMMA].into_iter();
            tests.extend(models.map(|model| ModelTest { model, asked, disguised }));
        }
    }
    tests.push(ModelTest { model: &QWEN, asked: Asked::Skill(ESTIMATE), disguised: false });
    tests
}

impl ModelTest {
    /// The recorded calls.
    pub fn calls(&self, root: &Path) -> PathBuf {
        let (folder, asked) = match self.asked {
            Asked::Skill(prompting) => ("skill", prompting),
            Asked::Pairs { known: false } => ("memorised", "pairs"),
            Asked::Pairs { known: true } => ("memorised", "pairs-known"),
        };
        let disguised = if self.disguised { "-disguised" } else { "" };
        let name = format!("{}-{asked}{disguised}.jsonl", self.model.name);
        root.join("bench-data").join(folder).join(name)
    }

    /// The arguments of `nas`.
    pub fn arguments(&self) -> String {
        let asked = match self.asked {
            // A call for each candidate.
            Asked::Skill(ESTIMATE) => {
                format!("skill-test --situations 30 --choices 3 --prompting {ESTIMATE} --seed 1000")
            }
            Asked::Skill(prompting) => format!(
                "skill-test --situations {SITUATIONS} --choices {CHOICES} --prompting {prompting} --llm-both-orders"
            ),
            Asked::Pairs { known } => {
                let known = if known { " --known 5" } else { "" };
                format!("memorise-test --pairs 100{known}")
            }
        };
        if self.disguised { asked + " --disguise 1" } else { asked }
    }
}

/// A choice of a skill test.
#[derive(Deserialize)]
struct Choice {
    situation: usize,
    #[serde(rename = "choice")]
    kind: String,
    place: Option<f64>,
    percentile: f64,
}

/// The choices of one kind: the mean percentile in each situation.
struct Means {
    kind: String,
    by_situation: Vec<(usize, f64)>,
}

impl Means {
    fn values(&self) -> Vec<f64> {
        self.by_situation.iter().map(|one| one.1).collect()
    }
}

fn means(choices: &[Choice]) -> Vec<Means> {
    let mut kinds: Vec<&str> = choices.iter().map(|one| one.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let of = |kind: &str| {
        let mine: Vec<&Choice> = choices.iter().filter(|one| one.kind == kind).collect();
        let by_situation = mine.chunk_by(|a, b| a.situation == b.situation).map(|all| {
            let values: Vec<f64> = all.iter().map(|one| one.percentile).collect();
            (all[0].situation, mean(&values))
        });
        Means { kind: kind.to_owned(), by_situation: by_situation.collect() }
    };
    kinds.into_iter().map(of).collect()
}

/// Simulated models of known skill, beside which real ones are shown.
const SIMULATED: [&str; 4] = ["0", "0.1", "0.25", "0.5"];

/// The results of all recorded skill tests, and of simulated models.
pub fn skills(root: &Path, program: &Path) -> Result<Vec<SkillScore>, Error> {
    let mut all = Vec::new();
    // With own names, which are planned before neutral ones: by model and how it was asked.
    let mut own: HashMap<(&str, &str), Vec<Means>> = HashMap::new();
    for test in planned() {
        let Asked::Skill(prompting) = test.asked else { continue };
        if !test.calls(root).exists() {
            continue;
        }
        let key = (test.model.title, prompting);
        let choices = run(program, &test.arguments(), Some(&test.calls(root)))?;
        let with_own = own.get(&key).filter(|_| test.disguised).map_or(&[][..], Vec::as_slice);
        all.extend(scores(test.model.title, prompting, test.disguised, &choices, with_own));
        if !test.disguised {
            own.insert(key, means(&choices));
        }
    }
    for skill in SIMULATED {
        let arguments =
            format!("skill-test --situations {SITUATIONS} --choices {CHOICES} --simulate {skill}");
        let choices = run(program, &arguments, None)?;
        let model = format!("simulated, skill {skill}");
        let mut scores = scores(&model, "choose", false, &choices, &[]);
        scores.retain(|one| one.choice == "as drawn");
        all.extend(scores);
    }
    Ok(all)
}

fn scores(
    model: &str,
    prompting: &str,
    disguised: bool,
    choices: &[Choice],
    with_own: &[Means],
) -> Vec<SkillScore> {
    let means = means(choices);
    let of_best = means.iter().find(|one| one.kind == "best");
    let best = mean(&of_best.map(Means::values).unwrap_or_default());
    let score = |one: &Means| {
        let values = one.values();
        let [low, high] = interval(&values).unwrap_or([f64::NAN; 2]);
        let with_own = with_own.iter().find(|own| own.kind == one.kind);
        // The same situations, with own names and neutral ones.
        let differences: Vec<f64> = with_own.map_or_else(Vec::new, |own| {
            let other = |at: usize| own.by_situation.iter().find(|one| one.0 == at);
            let pairs = one.by_situation.iter();
            pairs.filter_map(|(at, value)| Some(value - other(*at)?.1)).collect()
        });
        let difference = (!differences.is_empty()).then(|| mean(&differences));
        let [difference_low, difference_high] = match interval(&differences) {
            Some(ends) => ends.map(|end| Some(rounded(end))),
            None => [None, None],
        };
        let places: Vec<f64> = choices
            .iter()
            .filter(|choice| choice.kind == one.kind)
            .filter_map(|choice| choice.place)
            .collect();
        SkillScore {
            model: model.to_owned(),
            prompting: prompting.to_owned(),
            disguised,
            choice: one.kind.clone(),
            situations: values.len() as u64,
            choices: choices.iter().filter(|choice| choice.kind == one.kind).count() as u64,
            percentile: rounded(mean(&values)),
            low: rounded(low),
            high: rounded(high),
            deviation: rounded(deviation(&values)),
            best: rounded(best),
            place: (!places.is_empty()).then(|| rounded(mean(&places))),
            difference: difference.map(rounded),
            difference_low,
            difference_high,
        }
    };
    means.iter().filter(|one| one.kind != "best").map(score).collect()
}

fn deviation(values: &[f64]) -> f64 {
    let centre = mean(values);
    let squares = values.iter().map(|value| (value - centre).powi(2)).sum::<f64>();
    (squares / (values.len().max(2) - 1) as f64).sqrt()
}

fn rounded(value: f64) -> f64 {
    (value * 1e5).round() / 1e5
}

/// What `nas skill-test --format json` prints.
#[derive(Deserialize)]
struct SkillTest {
    expected: Vec<Order>,
}

/// How well values are in the order of the true ones in a situation.
#[derive(Deserialize)]
struct Order {
    objective: String,
    values: String,
    correlation: f64,
}

/// Whether the values that a model expects are in the order of the true ones, in all recorded tests.
pub fn estimates(root: &Path, program: &Path) -> Result<Vec<EstimateScore>, Error> {
    let mut all = Vec::new();
    for test in planned() {
        if test.asked != Asked::Skill(ESTIMATE) || !test.calls(root).exists() {
            continue;
        }
        let arguments = test.arguments();
        let printed = printed(program, &arguments, "json", Some(&test.calls(root)))?;
        let SkillTest { expected } =
            serde_json::from_slice(&printed).map_err(|error| unreadable(&arguments, &error))?;
        let mut kinds: Vec<(&str, &str)> = Vec::new();
        for Order { objective, values, .. } in &expected {
            if !kinds.contains(&(objective, values)) {
                kinds.push((objective, values));
            }
        }
        for (objective, values) in kinds {
            let mine =
                expected.iter().filter(|one| one.objective == objective && one.values == values);
            let correlations: Vec<f64> = mine.map(|one| one.correlation).collect();
            let [low, high] = interval(&correlations).unwrap_or([f64::NAN; 2]);
            all.push(EstimateScore {
                model: test.model.title.to_owned(),
                objective: objective.to_owned(),
                values: values.to_owned(),
                situations: correlations.len() as u64,
                correlation: rounded(mean(&correlations)),
                low: rounded(low),
                high: rounded(high),
            });
        }
    }
    Ok(all)
}

/// An answer of a test of pairs.
#[derive(Deserialize)]
struct Answer {
    /// The number of what the model was shown before.
    set: usize,
    /// How many of the two accuracies are stated exactly.
    exact: f64,
    right: f64,
    right_by_flops: f64,
}

/// The results of all recorded tests of pairs.
pub fn pairs(root: &Path, program: &Path) -> Result<Vec<PairsScore>, Error> {
    let mut all = Vec::new();
    for test in planned() {
        let Asked::Pairs { known } = test.asked else { continue };
        if !test.calls(root).exists() {
            continue;
        }
        let answers: Vec<Answer> = run(program, &test.arguments(), Some(&test.calls(root)))?;
        let of = |value: fn(&Answer) -> f64| answers.iter().map(value).collect::<Vec<f64>>();
        let sets = answers.chunk_by(|one, other| one.set == other.set);
        let by_set = |value: fn(&Answer) -> f64| -> Vec<f64> {
            sets.clone().map(|set| mean(&set.iter().map(value).collect::<Vec<f64>>())).collect()
        };
        let right = by_set(|one| one.right);
        let by_flops = by_set(|one| one.right_by_flops);
        let [low, high] = interval(&right).unwrap_or([f64::NAN; 2]);
        let [flops_low, flops_high] = interval(&by_flops).unwrap_or([f64::NAN; 2]);
        all.push(PairsScore {
            model: test.model.title.to_owned(),
            known,
            disguised: test.disguised,
            pairs: answers.len() as u64,
            right: rounded(mean(&right)),
            low: rounded(low),
            high: rounded(high),
            exact: rounded(mean(&of(|one| one.exact)) / 2.0),
            by_flops: rounded(mean(&by_flops)),
            flops_low: rounded(flops_low),
            flops_high: rounded(flops_high),
        });
    }
    Ok(all)
}

/// Runs a test, and reads its rows.
fn run<T: for<'a> Deserialize<'a>>(
    program: &Path,
    arguments: &str,
    calls: Option<&Path>,
) -> Result<Vec<T>, Error> {
    let printed = printed(program, arguments, "csv", calls)?;
    let mut reader = csv::Reader::from_reader(printed.as_slice());
    let rows = reader.deserialize().collect::<Result<_, _>>();
    rows.map_err(|error| unreadable(arguments, &error))
}

/// Runs a test, and returns what it prints.
fn printed(
    program: &Path,
    arguments: &str,
    format: &str,
    calls: Option<&Path>,
) -> Result<Vec<u8>, Error> {
    let mut command = Command::new(program);
    command.args(arguments.split(' ')).args(["--format", format]);
    if let Some(calls) = calls {
        command.arg("--replay").arg(calls);
    }
    let what = format!("`nas {arguments}`");
    printed_with_model(&mut command, "replay a test of a model", &what)
}

fn unreadable(arguments: &str, error: &dyn std::fmt::Display) -> Error {
    let problem = format!("`nas {arguments}`: {error}");
    Error::Step { step: "read what a test has printed", problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_tests_have_a_file_in_common() {
        let mut files: Vec<PathBuf> =
            planned().iter().map(|test| test.calls(Path::new(""))).collect();
        let all = files.len();
        files.sort();
        files.dedup();
        assert_eq!(files.len(), all);
    }

    #[test]
    fn choices_are_averaged_in_each_situation_and_compared_with_own_names() {
        let choice = |situation, kind: &str, percentile| Choice {
            situation,
            kind: kind.to_owned(),
            place: Some(0.5),
            percentile,
        };
        let own = [choice(1, "together", 0.5), choice(2, "together", 0.25)];
        let all = [
            choice(1, "together", 0.5),
            choice(1, "together", 1.0),
            choice(2, "together", 0.0),
            choice(1, "best", 1.0),
            choice(2, "best", 0.5),
        ];
        let [score] = &scores("m", "rank", true, &all, &means(&own))[..] else {
            panic!("one row");
        };
        assert_eq!((score.situations, score.choices), (2, 3));
        assert_eq!((score.percentile, score.best), (0.375, 0.75));
        // (0.75 − 0.5, 0 − 0.25)
        assert_eq!(score.difference, Some(0.0));
    }
}
