//! Searches that start with no rules, sensible ones, or wrong ones.

use super::scores::{SCORED, after, differences, p_value, ratio, scores};
use crate::error::Error;
use crate::reproduce::experiment::{Experiment, Kept};
use crate::reproduce::figure::Curves;
use crate::reproduce::page::Page;
use crate::reproduce::part::Part;
use crate::reproduce::results::Results;
use crate::reproduce::rows::{Rule, Scores};
use crate::reproduce::sheet::Sheet;
use nas_pareto::statistics::{Estimate, mean};

pub const RULES: Part = Part {
    name: "rules",
    about: "Searches that start with no rules, sensible ones, or wrong ones",
    experiments,
    replays: false,
    page: rules,
};

/// The rules that a search starts with: none, or those of a file in bench-data/rules/.
const BEGIN: [&str; 3] = ["nothing", "sensible", "wrong"];

/// Budgets of those searches, and after how many evaluations they are compared. The smaller the
/// budget, the smaller the random sample, and the earlier the evidence is counted.
const RULED: [(u64, &str); 3] =
    [(60, "10,12,15,20,25,30,40,50"), (200, "33,50,100"), (600, "100,200,400")];

fn experiments() -> Vec<Experiment> {
    let mut all = Vec::new();
    for begin in BEGIN {
        for (evaluations, at) in RULED {
            let rules = match begin {
                "nothing" => String::new(),
                rules => format!(" --rules bench-data/rules/{rules}.csv"),
            };
            let arguments = format!(
                "--searchers statistical --partition pel-nas{rules} --evaluations {evaluations} --at {at}"
            );
            all.push(Experiment::new(Kept::Rules, name(begin, evaluations), arguments));
        }
    }
    all
}

fn name(begin: &str, evaluations: u64) -> String {
    format!("rules-{evaluations}-{begin}")
}

/// The scores of searches that start with rules.
fn with_rules(results: &Results) -> Result<Sheet, Error> {
    let mut sheet = Sheet::new(
        "rules",
        "Searches that start with rules, means over 18 pairs",
        &["evaluations", "starts with", "HV ratio", "difference to no rules", "p", "coverage"],
    );
    for (evaluations, _) in RULED {
        let nothing = after(&results.scores(&name(BEGIN[0], evaluations))?, None);
        for begin in BEGIN {
            let rows = after(&results.scores(&name(begin, evaluations))?, None);
            let [found, _, _, _, _, coverage] = scores(&rows);
            let differences = differences(&rows, &nothing, ratio);
            let [difference, p] = if begin == BEGIN[0] {
                [String::new(), String::new()]
            } else {
                [Estimate::of(&differences).signed(4), p_value(&differences)]
            };
            let begins = match begin {
                "nothing" => "no rules".to_owned(),
                _ => format!("{begin} rules"),
            };
            sheet.push([evaluations.to_string(), begins, found, difference, p, coverage]);
        }
    }
    Ok(sheet)
}

fn shown(rule: &Rule) -> String {
    let Rule { polarity, decision, choice, .. } = rule;
    match rule.at_least {
        Some(count) => format!("{polarity} {choice} at {count} or more"),
        None => format!("{polarity} {decision} = {choice}"),
    }
}

/// The share of searches in which a rule holds, in percent.
fn share_that_hold(rows: &[Scores], rule: usize) -> f64 {
    let number = (rule + 1).to_string();
    let share = |row: &Scores| f64::from(row.rules.split(' ').any(|other| other == number));
    100.0 * mean(&rows.iter().map(share).collect::<Vec<_>>())
}

/// How long rules hold, and the same as curves.
fn holding(results: &Results) -> Result<(Sheet, Curves), Error> {
    let (evaluations, at) = RULED[0];
    let moments: Vec<u64> =
        at.split(',').filter_map(|at| at.parse().ok()).chain([evaluations]).collect();
    let mut columns = vec!["of".to_owned(), "rule".to_owned()];
    columns.extend(moments.iter().map(ToString::to_string));
    columns.extend(RULED[1..].iter().map(|(budget, _)| format!("of {budget}")));
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut sheet = Sheet::new(
        "rules-standing",
        "Searches in which a rule holds after a number of evaluations, in %",
        &columns,
    );
    let mut series = Vec::new();
    for begin in &BEGIN[1..] {
        let rows = results.scores(&name(begin, evaluations))?;
        let ends = RULED[1..].iter().map(|(budget, _)| results.scores(&name(begin, *budget)));
        let ends = ends.collect::<Result<Vec<_>, _>>()?;
        let rules = results.rules(begin)?;
        let mut points = vec![0.0; moments.len()];
        for (number, rule) in rules.iter().enumerate() {
            let shares: Vec<f64> = moments
                .iter()
                .map(|at| share_that_hold(&after(&rows, Some(*at)), number))
                .collect();
            let last = ends.iter().map(|rows| share_that_hold(&after(rows, None), number));
            let cells = shares.iter().copied().chain(last).map(|share| format!("{share:.0}"));
            sheet.push([(*begin).to_owned(), shown(rule)].into_iter().chain(cells));
            for (point, share) in points.iter_mut().zip(shares) {
                *point += share / rules.len() as f64;
            }
        }
        let points = moments.iter().map(|at| *at as f64).zip(points).collect();
        series.push((format!("{begin} rules"), points));
    }
    let curves = Curves {
        title: format!(
            "Rules that a search of {evaluations} evaluations started with, 10 of them at random"
        ),
        x: "evaluations",
        y: "share that holds [%]",
        range: (0.0, 100.0),
        series,
    };
    Ok((sheet, curves))
}

fn rules(results: &Results) -> Result<Page, Error> {
    let (holding, curves) = holding(results)?;
    let with_rules = with_rules(results)?;
    Ok(Page {
        name: "rules",
        title: "Searches that start with rules",
        before: format!(
            "A search can start with design rules (`--rules FILE`). A rule holds until the evidence \
             refutes it: of the networks that meet the rule, one standard deviation fewer than by chance \
             support it. Two sets of rules were written before any search was run with them: sensible \
             ones, from the literature (`bench-data/rules/sensible.csv`), and the opposite of each \
             (`wrong.csv`). The statistical proposer on published accuracy, in the paper's niches, with \
             adaptive budgets. A sixth of the budget, at most 100, is a random sample; with a budget of \
             60 the evidence is counted after that sample of 10 and after each further evaluation. \
             {SCORED}"
        ),
        after: "Columns *of 200* and *of 600*: at the end of searches with these budgets. A rule that few \
                networks meet has little evidence: it holds because nothing has refuted it. Evidence is \
                non-domination alone, and no slower network dominates one with few operations. The \
                statistical proposer gives a rule the weight of a hundredth of the front's range: enough \
                to decide between nearly equal candidates."
            .to_owned(),
        sheets: vec![with_rules.clone(), holding],
        blocks: vec![("rules".to_owned(), with_rules.markdown())],
        figures: vec![(
            "rules-standing".to_owned(),
            "the share of rules that hold, against evaluations".to_owned(),
            curves.svg()?,
        )],
    })
}
