//! The study of language models: whether one proposes better than chance, and what a search with one
//! costs.

use nas_pareto::statistics::{Estimate, mean};

use super::scores::{SCORED, by_seed, differences, of, p_value, p_value_text, ratio};
use crate::error::Error;
use crate::reproduce::arms::{Cell, Control, METHOD, OPERATORS, PAIRS, Pair, planned};
use crate::reproduce::experiment::{Experiment, Kept};
use crate::reproduce::model_tests::{self, Asked, ModelTest};
use crate::reproduce::names::named;
use crate::reproduce::page::Page;
use crate::reproduce::part::Part;
use crate::reproduce::published::PRICES;
use crate::reproduce::resampling::{holm, interval, sign_flip};
use crate::reproduce::results::Results;
use crate::reproduce::rows::{OnFront, Recorded, Scores, SkillScore};
use crate::reproduce::sheet::Sheet;

pub const LANGUAGE_MODEL: Part = Part {
    name: "language-model",
    about: "Whether a language model proposes better than chance",
    experiments,
    replays: true,
    page: study,
};

pub const T4: Part = Part {
    name: "T4",
    about: "What a search costs",
    experiments: Vec::new,
    replays: true,
    page: costs,
};

/// The controls: proposers without any judgement, and statistics.
const CONTROLS: [&str; 4] = ["random", "random-edits", "random-choice", "statistical"];

const EVALUATIONS: [u32; 2] = [60, 120];

/// What the controls see: published accuracies, or accuracies that are predicted from 200 networks.
const SEEN: [(&str, &str); 2] = [("published", "benchmark"), ("predicted", "shared-predictor")];

/// The controls on a pair: half of the evaluations are the random sample, then a generation is five for
/// each niche, as in the searches with a model.
fn controls((dataset, device): Pair, seen: &str, niches: bool, evaluations: u32) -> Experiment {
    let accuracy = SEEN.iter().find(|one| one.0 == seen).map_or("", |one| one.1);
    let cut = if niches { " --partition pel-nas --allocation equal" } else { "" };
    let where_ = if niches { "niches" } else { "whole" };
    Experiment::new(
        Kept::Proposals,
        format!("controls-{dataset}-{device}-{seen}-{where_}-{evaluations}"),
        format!(
            "--searchers {} --datasets {dataset} --devices {device} --accuracy {accuracy} \
             --evaluations {evaluations} --initial {} --children 5{cut} --proposals",
            CONTROLS.join(","),
            evaluations / 2,
        ),
    )
}

/// Skills of simulated models.
const SKILLS: [&str; 6] = ["0", "0.1", "0.25", "0.5", "0.75", "1"];

/// Evaluations where simulated models share a search with statistics.
const SHARED: u64 = 200;

/// Simulated models that choose among candidates, all by themselves.
fn skilled(niches: bool) -> Experiment {
    let (name, cut) =
        if niches { ("niches", " --partition pel-nas --allocation equal") } else { ("whole", "") };
    Experiment::scores(
        format!("skill-{name}"),
        format!(
            "--searchers random-choice,statistical --skill {} --evaluations 120 --initial 60 \
             --children 5{cut}",
            SKILLS.join(",")
        ),
    )
}

/// The same, as one of two operators that share the search; the other is the statistical searcher.
fn sharing(selection: &str) -> Experiment {
    Experiment::new(
        Kept::Operators,
        format!("skill-operators-{selection}"),
        format!(
            "--searchers statistical --skill {} --operators statistical --selection {selection} \
             --evaluations {SHARED} --at {}",
            SKILLS.join(","),
            SHARES_AT.map(|at| at.to_string()).join(","),
        ),
    )
}

/// Evaluations after which the share of a simulated model is counted.
const SHARES_AT: [u64; 5] = [80, 110, 140, 170, SHARED];

/// The exact fronts, beside those of a searcher that is as good as any.
fn exact_fronts() -> Experiment {
    let devices = PAIRS.map(|(_, device)| device).join(",");
    let arguments = format!("--searchers random --evaluations 20 --devices {devices}");
    Experiment::new(Kept::Fronts, "fronts-exact", arguments)
}

/// Parts of the exact front's range of latency.
const PARTS: f64 = 10.0;

/// The coverage that the exact front itself has.
fn ceiling(fronts: &[OnFront], (dataset, device): Pair) -> f64 {
    let mine = fronts.iter().filter(|one| {
        (one.searcher.as_str(), one.seed) == ("exact", 1)
            && (one.dataset.as_str(), one.device.as_str()) == (dataset, device)
    });
    let latencies: Vec<f64> = mine.map(|one| one.latency_ms.ln()).collect();
    let least = latencies.iter().copied().fold(f64::INFINITY, f64::min);
    let most = latencies.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let part = |latency: &f64| ((latency - least) / (most - least) * PARTS).min(PARTS - 1.0) as u64;
    let mut parts: Vec<u64> = latencies.iter().map(part).collect();
    parts.sort_unstable();
    parts.dedup();
    parts.len() as f64 / PARTS
}

fn experiments() -> Vec<Experiment> {
    let mut all = vec![
        exact_fronts(),
        method(),
        skilled(true),
        skilled(false),
        sharing("matching"),
        sharing("thompson"),
    ];
    for pair in PAIRS {
        for (seen, _) in SEEN {
            for niches in [true, false] {
                let both = EVALUATIONS.iter();
                all.extend(both.map(|evaluations| controls(pair, seen, niches, *evaluations)));
            }
        }
    }
    all
}

/// The whole method without a model.
fn method() -> Experiment {
    let (dataset, device) = PAIRS[0];
    Experiment::scores(
        "controls-method",
        format!(
            "--searchers random-edits,statistical --datasets {dataset} --devices {device} --accuracy predictor \
             --partition pel-nas --allocation equal --initial 60 --children 5 --evaluations 360"
        ),
    )
}

/// The searches of a cell's control.
fn of_control(results: &Results, cell: &Cell) -> Result<Vec<Scores>, Error> {
    let Control { searcher, niches, evaluations } = cell.arm.control;
    let experiment = match cell.arm.name {
        OPERATORS => sharing("thompson"),
        METHOD => method(),
        _ => controls(cell.pair, "published", niches, evaluations),
    };
    let mine = |row: &Scores| {
        row.searcher == searcher
            && row.evaluations == u64::from(evaluations)
            && (row.dataset.as_str(), row.device.as_str()) == cell.pair
    };
    Ok(results.scores(&experiment.name)?.into_iter().filter(mine).collect())
}

/// A cell of the study with its recorded searches, and those of its control with the same seeds.
struct Compared {
    cell: Cell,
    rows: Vec<Recorded>,
    control: Vec<Scores>,
    /// The coverage of the exact front.
    ceiling: f64,
}

fn compared(results: &Results) -> Result<Vec<Compared>, Error> {
    let all = results.model()?;
    let fronts = results.fronts(&exact_fronts().name)?;
    let mut compared = Vec::new();
    for cell in planned() {
        let rows = all.iter().filter(|row| {
            (row.arm.as_str(), row.model.as_str()) == (cell.arm.name, cell.model.name)
                && (row.dataset.as_str(), row.device.as_str()) == cell.pair
        });
        let rows: Vec<Recorded> = rows.cloned().collect();
        let mut control = of_control(results, &cell)?;
        control.retain(|other| rows.iter().any(|row| row.seed == other.seed));
        let ceiling = ceiling(&fronts, cell.pair);
        compared.push(Compared { cell, rows, control, ceiling });
    }
    Ok(compared)
}

impl Compared {
    /// Differences to the control with the same seed.
    fn differences(
        &self,
        one: impl Fn(&Recorded) -> Option<f64>,
        other: impl Fn(&Scores) -> Option<f64>,
    ) -> Vec<f64> {
        let pairs = self.rows.iter().filter_map(|row| {
            let control = self.control.iter().find(|control| control.seed == row.seed)?;
            Some(one(row)? - other(control)?)
        });
        pairs.collect()
    }

    fn start(&self) -> [String; 4] {
        let (dataset, device) = self.cell.pair;
        [
            self.cell.model.title.to_owned(),
            format!("{dataset}, {device}"),
            self.cell.arm.title.to_owned(),
            format!("{} of {}", self.rows.len(), self.cell.seeds),
        ]
    }

    /// The control's name in tables.
    fn control_title(&self) -> String {
        named(self.cell.arm.control.searcher).to_owned()
    }
}

/// A mean with its interval by resampling.
fn with_interval(values: &[f64], decimals: usize, signed: bool) -> String {
    if values.is_empty() {
        return "-".to_owned();
    }
    let text = |value: f64| {
        let value = Estimate { mean: value, half: None };
        if signed { value.signed(decimals) } else { value.text(decimals) }
    };
    match interval(values) {
        Some([low, high]) => format!("{} [{}, {}]", text(mean(values)), text(low), text(high)),
        None => text(mean(values)),
    }
}

/// A mean with ±, which fewer than five values have not.
fn spread(values: &[f64]) -> Estimate {
    let estimate = Estimate::of(values);
    Estimate { half: estimate.half.filter(|_| values.len() >= 5), ..estimate }
}

/// The cells of twelve calls of which something is recorded.
fn recorded(compared: &[Compared]) -> impl Iterator<Item = &Compared> {
    compared
        .iter()
        .filter(|one| !one.rows.is_empty() && ![OPERATORS, METHOD].contains(&one.cell.arm.name))
}

/// The cells of which searches are missing, in words.
fn open_cells(compared: &[Compared]) -> String {
    let missing = |one: &Compared| one.cell.seeds as usize - one.rows.len();
    let open = compared.iter().filter(|one| missing(one) > 0).map(|one| {
        let [model, on, asked, _] = one.start();
        format!("- {model}, {on}: {asked}: {} of {}\n", missing(one), one.cell.seeds)
    });
    open.collect()
}

/// The tests that are missing, in words.
fn open_tests(results: &Results) -> Result<String, Error> {
    let (skills, pairs) = (results.skills()?, results.pairs()?);
    let is_open = |test: &ModelTest| match test.asked {
        Asked::Skill(prompting) => !skills.iter().any(|one| {
            (one.model.as_str(), one.prompting.as_str()) == (test.model.title, prompting)
                && one.disguised == test.disguised
        }),
        Asked::Pairs { known } => !pairs.iter().any(|one| {
            one.model == test.model.title && (one.known, one.disguised) == (known, test.disguised)
        }),
    };
    let line = |test: ModelTest| format!("- {}: `nas {}`\n", test.model.title, test.arguments());
    Ok(model_tests::planned().into_iter().filter(is_open).map(line).collect())
}

/// Whole searches, compared with their controls.
fn searches(compared: &[Compared]) -> Sheet {
    let mut sheet = Sheet::new(
        "language-model",
        "Searches of twelve calls",
        &[
            "model",
            "on",
            "asked",
            "seeds",
            "taken",
            "HV ratio",
            "IGD",
            "coverage",
            "control",
            "its HV ratio",
            "difference",
            "p",
        ],
    );
    let ratio = |one: &Compared| {
        one.differences(|row| Some(row.hypervolume_ratio), |control| control.hypervolume_ratio)
    };
    let p_values: Vec<Option<f64>> = recorded(compared).map(|one| sign_flip(&ratio(one))).collect();
    for (one, p) in recorded(compared).zip(holm(&p_values)) {
        let of = |value: fn(&Recorded) -> f64| one.rows.iter().map(value).collect::<Vec<f64>>();
        let text = |values: &[f64], decimals| match values {
            [] => "-".to_owned(),
            _ => spread(values).text(decimals),
        };
        let made: u64 = one.rows.iter().map(|row| row.made).sum();
        let taken: u64 = one.rows.iter().map(|row| row.taken).sum();
        let control: Vec<f64> =
            one.control.iter().filter_map(|row| row.hypervolume_ratio).collect();
        let cells = [
            if made > 0 {
                format!("{:.0} %", 100.0 * taken as f64 / made as f64)
            } else {
                "-".to_owned()
            },
            text(&of(|row| row.hypervolume_ratio), 4),
            text(&of(|row| row.igd), 3),
            format!("{} of {:.1}", text(&of(|row| row.coverage), 2), one.ceiling),
            one.control_title(),
            text(&control, 4),
            with_interval(&ratio(one), 4, true),
            p_value_text(p),
        ];
        sheet.push(one.start().into_iter().chain(cells));
    }
    sheet
}

/// Models that share a search with statistics, compared with statistics alone, over six devices.
fn operators(compared: &[Compared]) -> Sheet {
    let mut sheet = Sheet::new(
        "operators",
        "Models that share a search with statistics",
        &["model", "searches", "calls of each", "HV ratio", "statistics alone", "difference", "p"],
    );
    let mine: Vec<&Compared> =
        compared.iter().filter(|one| one.cell.arm.name == OPERATORS).collect();
    for cells in mine.chunk_by(|a, b| a.cell.model.name == b.cell.model.name) {
        let rows: Vec<&Recorded> = cells.iter().flat_map(|one| &one.rows).collect();
        if rows.is_empty() {
            continue;
        }
        // Of each search.
        let by_search = |value: &dyn Fn(&Compared, u64) -> Option<f64>| -> Vec<f64> {
            let of = |one: &&Compared| -> Vec<f64> {
                (1..=one.cell.seeds).filter_map(|seed| value(one, seed)).collect()
            };
            cells.iter().flat_map(of).collect()
        };
        let found = |one: &Compared, seed: u64| {
            Some(one.rows.iter().find(|row| row.seed == seed)?.hypervolume_ratio)
        };
        let alone = |one: &Compared, seed: u64| {
            found(one, seed)?;
            one.control.iter().find(|row| row.seed == seed)?.hypervolume_ratio
        };
        let differences = by_search(&|one, seed| Some(found(one, seed)? - alone(one, seed)?));
        let calls: Vec<f64> = rows.iter().map(|row| row.calls as f64).collect();
        sheet.push([
            cells[0].cell.model.title.to_owned(),
            rows.len().to_string(),
            format!("{:.1}", mean(&calls)),
            spread(&by_search(&found)).text(4),
            spread(&by_search(&alone)).text(4),
            with_interval(&differences, 4, true),
            p_value_text(sign_flip(&differences)),
        ]);
    }
    sheet
}

/// The whole method: what it uses, and what it finds.
fn whole_method(results: &Results, compared: &[Compared]) -> Result<Sheet, Error> {
    let mut sheet = Sheet::new(
        "method",
        "The paper's method: rules and a predictor",
        &[
            "search",
            "seeds",
            "evaluated",
            "trained networks",
            "calls",
            "tokens",
            "taken",
            "HV ratio",
            "IGD",
        ],
    );
    let text = |values: &[f64], decimals| Estimate::of(values).text(decimals);
    for one in compared.iter().filter(|one| one.cell.arm.name == METHOD && !one.rows.is_empty()) {
        let of = |value: fn(&Recorded) -> f64| one.rows.iter().map(value).collect::<Vec<f64>>();
        let count = |value: fn(&Recorded) -> f64| format!("{:.0}", mean(&of(value)));
        sheet.push([
            one.cell.model.title.to_owned(),
            one.rows.len().to_string(),
            count(|row| row.evaluated as f64),
            count(|row| row.trained as f64),
            count(|row| row.calls as f64),
            count(|row| (row.prompt_tokens + row.completion_tokens) as f64),
            format!("{} of {}", count(|row| row.taken as f64), count(|row| row.made as f64)),
            text(&of(|row| row.hypervolume_ratio), 4),
            text(&of(|row| row.igd), 3),
        ]);
    }
    let rows = results.scores(&method().name)?;
    for searcher in ["statistical", "random-edits"] {
        let rows = of(&rows, searcher);
        let igd: Vec<f64> = rows.iter().filter_map(|row| row.igd).collect();
        let ratios: Vec<f64> = rows.iter().map(ratio).collect();
        let dash = || "-".to_owned();
        sheet.push([
            named(searcher).to_owned(),
            rows.len().to_string(),
            "360".to_owned(),
            "200".to_owned(),
            "0".to_owned(),
            "0".to_owned(),
            dash(),
            text(&ratios, 4),
            text(&igd, 3),
        ]);
    }
    Ok(sheet)
}

/// Single proposals, compared with those of the controls.
fn proposals(compared: &[Compared]) -> Sheet {
    let mut sheet = Sheet::new(
        "language-model-proposals",
        "Single proposals",
        &[
            "model",
            "on",
            "asked",
            "seeds",
            "proposals",
            "entered",
            "percentile",
            "control",
            "its entered",
            "its percentile",
            "difference of percentiles",
            "p",
        ],
    );
    let percentile = |one: &Compared| one.differences(|row| row.percentile, |row| row.percentile);
    let p_values: Vec<Option<f64>> =
        recorded(compared).map(|one| sign_flip(&percentile(one))).collect();
    for (one, p) in recorded(compared).zip(holm(&p_values)) {
        let percent = |values: Vec<f64>| match values.as_slice() {
            [] => "-".to_owned(),
            values => format!("{:.0} %", 100.0 * mean(values)),
        };
        let number = |values: Vec<f64>| match values.as_slice() {
            [] => "-".to_owned(),
            values => format!("{:.3}", mean(values)),
        };
        let of = |value: fn(&Recorded) -> Option<f64>| one.rows.iter().filter_map(value).collect();
        let by = |value: fn(&Scores) -> Option<f64>| one.control.iter().filter_map(value).collect();
        let count: u64 = one.rows.iter().map(|row| row.proposals).sum();
        let cells = [
            count.to_string(),
            percent(of(|row| row.entered)),
            number(of(|row| row.percentile)),
            one.control_title(),
            percent(by(|row| row.entered)),
            number(by(|row| row.percentile)),
            with_interval(&percentile(one), 3, true),
            p_value_text(p),
        ];
        sheet.push(one.start().into_iter().chain(cells));
    }
    sheet
}

/// All controls.
fn all_controls(results: &Results) -> Result<Sheet, Error> {
    let mut sheet = Sheet::new(
        "controls",
        "Controls: ten seeds each",
        &[
            "on",
            "accuracy",
            "niches",
            "evaluations",
            "searcher",
            "HV ratio",
            "IGD",
            "coverage",
            "entered",
            "percentile",
        ],
    );
    for pair in PAIRS {
        for (seen, _) in SEEN {
            for niches in [true, false] {
                for evaluations in EVALUATIONS {
                    let rows = results.scores(&controls(pair, seen, niches, evaluations).name)?;
                    for searcher in CONTROLS {
                        let mine = || rows.iter().filter(|row| row.searcher == searcher);
                        let of = |value: fn(&Scores) -> Option<f64>| {
                            Estimate::of(&mine().filter_map(value).collect::<Vec<_>>())
                        };
                        sheet.push([
                            format!("{}, {}", pair.0, pair.1),
                            seen.to_owned(),
                            if niches { "six" } else { "none" }.to_owned(),
                            evaluations.to_string(),
                            named(searcher).to_owned(),
                            of(|row| row.hypervolume_ratio).text(4),
                            of(|row| row.igd).text(3),
                            of(|row| Some(row.coverage)).text(2),
                            format!("{:.0} %", 100.0 * of(|row| row.entered).mean),
                            of(|row| row.percentile).text(3),
                        ]);
                    }
                }
            }
        }
    }
    Ok(sheet)
}

/// What a model of a known skill would bring.
fn skills(results: &Results) -> Result<Sheet, Error> {
    let mut sheet = Sheet::new(
        "skill",
        "What a simulated model of known skill brings, HV ratio, means over 18 pairs",
        &[
            "skill",
            "six niches, 120 evaluations",
            "no niches, 120",
            "no niches, 200",
            "sharing with statistics, 200",
            "difference to statistics alone",
            "p",
            "the same by probability matching",
            "difference",
            "p",
        ],
    );
    let niches = results.scores(&skilled(true).name)?;
    let whole = results.scores(&skilled(false).name)?;
    let shared = |selection: &str| -> Result<Vec<Scores>, Error> {
        let mut rows = results.scores(&sharing(selection).name)?;
        rows.retain(|row| row.evaluations == SHARED);
        Ok(rows)
    };
    let (matching, thompson) = (shared("matching")?, shared("thompson")?);
    let shown = |rows: &[Scores]| Estimate::of(&by_seed(rows, ratio)).text(4);
    let statistics = of(&matching, "statistical");
    for skill in SKILLS {
        let alone = format!("simulated-choice-{skill}");
        let mut row = vec![skill.to_owned()];
        row.extend([&niches, &whole, &matching].map(|rows| shown(&of(rows, &alone))));
        for rows in [&thompson, &matching] {
            let rows = of(rows, &format!("operators-{skill}"));
            let differences = differences(&rows, &statistics, ratio);
            row.push(shown(&rows));
            row.push(Estimate::of(&differences).signed(4));
            row.push(p_value(&differences));
        }
        sheet.push(row);
    }
    let controls = [("random choice", "random-choice"), ("statistics", "statistical")];
    for (title, searcher) in controls {
        let mut row = vec![title.to_owned()];
        for rows in [&niches, &whole, &matching] {
            let rows = of(rows, searcher);
            row.push(if rows.is_empty() { String::new() } else { shown(&rows) });
        }
        row.resize(10, String::new());
        sheet.push(row);
    }
    Ok(sheet)
}

/// How soon the credit finds a skill: the share of a simulated model in a search.
fn credit(results: &Results) -> Result<Sheet, Error> {
    let mut columns = vec!["skill".to_owned(), "operators are chosen by".to_owned()];
    let mut before = None;
    for at in SHARES_AT {
        columns.push(match before {
            None => format!("up to {at}"),
            Some(before) => format!("{} to {at}", before + 1),
        });
        before = Some(at);
    }
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let title = "The share of a simulated model, by evaluations";
    let mut sheet = Sheet::new("credit", title, &columns);
    for (selection, words) in
        [("thompson", "Thompson sampling"), ("matching", "probability matching")]
    {
        let rows = results.scores(&sharing(selection).name)?;
        for skill in SKILLS {
            let mine = of(&rows, &format!("operators-{skill}"));
            let shares = SHARES_AT.map(|at| {
                let mut there = mine.clone();
                there.retain(|row| row.evaluations == at && row.first_operator.is_some());
                let share = by_seed(&there, |row| row.first_operator.unwrap_or_default());
                format!("{:.0} %", 100.0 * mean(&share))
            });
            sheet.push([skill.to_owned(), words.to_owned()].into_iter().chain(shares));
        }
    }
    Ok(sheet)
}

/// How a model is asked to choose, and whether it sees neutral names, in words.
const ASKED: [(&str, &str); 3] = [
    ("choose", "one of each group"),
    ("rank", "a letter, ranked by probability"),
    ("estimate", "the values of each"),
];

/// Which choices a skill test judges, in words.
const CHOICES: [(&str, &str); 5] = [
    ("as drawn", "in one order"),
    ("reversed", "in the reverse order"),
    ("together", "both orders"),
    ("without means", "both, without the letters' means"),
    (STATISTICS, "by statistics"),
];

/// Choices by the additive model of what was evaluated.
const STATISTICS: &str = "statistics";

/// Choices outside searches, of real models and of simulated ones.
fn skill_tests(results: &Results) -> Result<Sheet, Error> {
    let mut sheet = Sheet::new(
        "skill-tests",
        "Choices in given situations",
        &["model", "asked", "names", "choices", "number", "percentile", "skill", "place"],
    );
    let all = results.skills()?;
    for (at, one) in all.iter().enumerate() {
        let is_statistics = one.choice == STATISTICS;
        // Statistics choose the same in all tests of one form.
        let is_repeated =
            |other: &SkillScore| other.choice == STATISTICS && other.prompting == one.prompting;
        if is_statistics && all[..at].iter().any(is_repeated) {
            continue;
        }
        let skill = |percentile: f64| signed((percentile - 0.5) / (one.best - 0.5));
        sheet.push([
            if is_statistics { "none".to_owned() } else { one.model.clone() },
            word(&ASKED, &one.prompting),
            if one.disguised { "neutral" } else { "own" }.to_owned(),
            word(&CHOICES, &one.choice),
            one.choices.to_string(),
            format!("{:.3} [{:.3}, {:.3}]", one.percentile, one.low, one.high),
            format!("{} [{}, {}]", skill(one.percentile), skill(one.low), skill(one.high)),
            one.place.map_or_else(|| "-".to_owned(), |place| format!("{place:.2}")),
        ]);
    }
    Ok(sheet)
}

/// Whose values are expected, in words.
const EXPECTED: [(&str, &str); 2] =
    [("model", "the model"), ("nearest", "the nearest evaluated, without a model")];

/// Whether the values that a model expects are in the true order.
fn estimates(results: &Results) -> Result<Sheet, Error> {
    let mut sheet = Sheet::new(
        "estimates",
        "The order of expected values",
        &["model", "value", "expected by", "situations", "rank correlation with the true values"],
    );
    for one in results.estimates()? {
        sheet.push([
            one.model,
            one.objective.replace('_', " "),
            word(&EXPECTED, &one.values),
            one.situations.to_string(),
            format!("{} [{}, {}]", signed(one.correlation), signed(one.low), signed(one.high)),
        ]);
    }
    Ok(sheet)
}

fn signed(value: f64) -> String {
    Estimate { mean: value, half: None }.signed(2)
}

/// What a key is in words, if it is known.
fn word(words: &[(&str, &str)], key: &str) -> String {
    let found = words.iter().find(|pair| pair.0 == key);
    found.map_or_else(|| key.to_owned(), |pair| pair.1.to_owned())
}

/// Calls of tests.
const CALLS: [f64; 6] = [25.0, 50.0, 100.0, 200.0, 500.0, 1_000.0];

/// What skill a test of so many calls can exclude, from the spread of chance.
fn power(results: &Results) -> Result<Sheet, Error> {
    let mut sheet = Sheet::new(
        "power",
        "What a test of so many situations can tell",
        &["situations", "choices", "no skill: excludes more than", "finds in four of five tests"],
    );
    let all = results.skills()?;
    let chance = all.iter().find(|one| one.model == "simulated, skill 0");
    for calls in CALLS {
        let Some(chance) = chance else { break };
        let error = chance.deviation / calls.sqrt() / (chance.best - 0.5);
        let each = chance.choices as f64 / chance.situations as f64;
        // The standard normal's quantiles of 0.975 and 0.8.
        sheet.push([
            format!("{calls}"),
            format!("{:.0}", calls * each),
            format!("{:.2}", 1.96 * error),
            format!("{:.2}", (1.96 + 0.84) * error),
        ]);
    }
    Ok(sheet)
}

fn study(results: &Results) -> Result<Page, Error> {
    let compared = compared(results)?;
    let (searches, proposals) = (searches(&compared), proposals(&compared));
    let operators = operators(&compared);
    let method = whole_method(results, &compared)?;
    let done = compared.iter().map(|one| one.rows.len()).sum::<usize>();
    let all = compared.iter().map(|one| one.cell.seeds as usize).sum::<usize>();
    let (skills, tests) = (skills(results)?, skill_tests(results)?);
    let blocks = vec![
        ("language-model".to_owned(), searches.markdown()),
        ("language-model-proposals".to_owned(), proposals.markdown()),
        ("skill".to_owned(), skills.markdown()),
        ("skill-tests".to_owned(), tests.markdown()),
        ("operators".to_owned(), operators.markdown()),
    ];
    let mut after = "A simulated model chooses among the same candidates: with the probability that is its \
                     skill the one that truly adds most to the niche's front, else at random. Sharing: it is \
                     one of two operators, which are asked by what each has added beyond chance (`nas search \
                     --searcher operators`); the other is the statistical searcher. Differences are paired by \
                     seed, p by Student's t, not corrected.\n\n\
                     Coverage is shown with its ceiling, what the exact front reaches.\n\n\
                     Half of a control's evaluations are its random sample; with predicted accuracy, all \
                     searches of a seed share a predictor that has learnt from 200 random networks.\n\n\
                     Choices in given situations (`nas skill-test`): what searches with random choices have \
                     found, seen from one niche, and twelve candidates of which five are chosen (three by \
                     the values of each, which are asked for one by one). \
                     Percentile: of what a choice truly adds to the niche's front, among the candidates, \
                     ties averaged; [95 % interval by resampling situations]. Skill: 0 is chance, 1 the \
                     best candidates. Place: of the choices in the list that the model saw, 0 is the \
                     first; chance is 0.5. Without the letters' means: a model may prefer some letters \
                     whatever they mean; of each letter's log-probability its mean over all situations is \
                     subtracted. A candidate whose letter is not among the 20 likeliest replies is no choice. By \
                     statistics: the additive model of what was evaluated chooses, of all candidates or one of \
                     each group. The order of expected values: within a situation, Spearman's rank \
                     correlation; 0 is chance. The nearest: the means of the architectures of the niche that \
                     differ in the fewest decisions. The share of a \
                     model with skill grows slowly, since the gains of single proposals vary more than skills \
                     differ. What a test can tell follows from the spread of chance over situations, with one \
                     choice of each group; where all candidates are ranked, the intervals are narrower. \
                     Whether the models know the benchmark: [contamination](contamination.md)."
        .to_owned();
    let open = open_cells(&compared) + &open_tests(results)?;
    if !open.is_empty() {
        after += &format!("\n\nNot recorded yet:\n\n{open}");
    }
    let mut sheets = vec![
        searches,
        proposals,
        tests,
        estimates(results)?,
        skills,
        operators,
        method,
        credit(results)?,
        power(results)?,
        all_controls(results)?,
    ];
    sheets.retain(|sheet| !sheet.rows.is_empty());
    Ok(Page {
        name: "language-model",
        title: "Does a language model propose better than chance?",
        before: format!(
            "At equal evaluations, shown the same parents and history, does a language model propose \
             better than random edits, and does the partition change that? Each search makes twelve \
             calls, but those that share and the paper's method. Where a model proposes less than was asked for, random edits take the place of the \
             rest, so that it evaluates as many architectures as its control, and starts from the same \
             random sample. The calls were recorded once on two cores (Q4_K_M, llama.cpp) and are \
             replayed; {done} of the {all} searches of the study are recorded so far.\n\n\
             Controls do the same without a model. Random edits: one or two decisions of a member of \
             the niche's front. Random choice: from the candidates that the model chooses from. Taken: \
             the share of the model's proposals that are new architectures of the niche. Entered: the \
             share of single proposals that no member of their niche's front dominated. Percentile: of \
             the hypervolume that a single proposal adds to its niche's front, among all architectures \
             of the niche that were not evaluated before, ties averaged; uniform proposals are at 0.5. \
             Both by true values. Differences are paired by seed; [95 % interval by resampling seeds], of \
             one comparison, where there are five seeds; p by flips of signs, adjusted by Holm's method for all comparisons of a table. {SCORED}"
        ),
        after,
        sheets,
        blocks,
        ..Page::default()
    })
}

fn costs(results: &Results) -> Result<Page, Error> {
    let mut sheet = Sheet::new(
        "T4",
        "What a search costs",
        &[
            "search",
            "evaluations",
            "trained networks",
            "calls",
            "prompt tokens",
            "completion tokens",
            "seconds of the model",
            &format!("US$ as {}", PRICES[0].0),
            &format!("US$ as {}", PRICES[1].0),
        ],
    );
    let all = compared(results)?;
    let first = all.first().map(|one| one.cell.model.name);
    let mine = all.iter().filter(|one| {
        Some(one.cell.model.name) == first && one.cell.pair == PAIRS[0] && !one.rows.is_empty()
    });
    for one in mine {
        let of =
            |value: fn(&Recorded) -> f64| mean(&one.rows.iter().map(value).collect::<Vec<_>>());
        let asked = of(|row| row.prompt_tokens as f64);
        let answered = of(|row| row.completion_tokens as f64);
        let mut row = vec![
            one.cell.arm.title.to_owned(),
            format!("{:.0}", of(|row| row.evaluated as f64)),
            format!("{:.0}", of(|row| row.trained as f64)),
            format!("{:.0}", of(|row| row.calls as f64)),
            format!("{asked:.0}"),
            format!("{answered:.0}"),
            format!("{:.0}", of(|row| row.seconds)),
        ];
        let prices = PRICES.iter();
        row.extend(
            prices
                .map(|(_, ask, answer)| format!("{:.4}", (asked * ask + answered * answer) / 1e6)),
        );
        sheet.push(row);
    }
    let free = |search: &str, evaluations: &str, trained: &str| {
        let zeros = ["0"; 6];
        let cells = [search, evaluations, trained].into_iter().chain(zeros);
        cells.map(str::to_owned).collect::<Vec<_>>()
    };
    sheet.push(free("statistical or evolution, published accuracy", "600", "0"));
    sheet.push(free("the same, predicted accuracy", "600", "200"));
    sheet.push(free(
        "`nas search` with its defaults: networks chosen for training, every architecture predicted",
        "15625",
        "200",
    ));
    Ok(Page {
        name: "T4",
        title: "Table 4: what a search costs",
        before: "The searches with a model are recorded, on CIFAR-10 and the Edge GPU, with \
                 Qwen2.5-Coder-1.5B-Instruct (Q4_K_M) on two cores; means over their seeds. A price is \
                 the cost of their tokens by the vendor's list of 2024. The paper states 120 calls and \
                 about three minutes for each data set and device."
            .to_owned(),
        after: "What the paper leaves out: the predictor learns from 200 networks for each data set, \
                trained for 200 epochs, whatever the device; and the proxies are computed once for all \
                devices, here 21 of them for 6,877 networks in some hours on two cores. Searches on \
                published accuracy are possible on a benchmark only: in practice each evaluation would be \
                a training run. Searches without a model take fractions of a second (`nas benchmark` \
                prints the time); to choose networks for training and predict every architecture takes \
                some seconds."
            .to_owned(),
        sheets: vec![sheet],
        ..Page::default()
    })
}
