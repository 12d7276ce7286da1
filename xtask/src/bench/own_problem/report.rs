//! What searches found, as a table for each group of problems.

use std::fmt::Write;

use nas_pareto::statistics::{Estimate, mean, paired_p};

use super::runs::Found;

/// The searches of some problems, for each budget the searchers one below the other. Intervals are over
/// seeds, of means over the problems; all searchers must have the same problems and seeds.
pub fn table(found: &[Found]) -> String {
    let mut text = format!(
        "{:>11}  {:<11}  {:<15}  {:<15}  {:>6}  {:>6}  {:>4}\n",
        "evaluations", "searcher", "HV ratio", "measured alone", "IGD+", "worst", "s"
    );
    for evaluations in distinct(found.iter().map(|one| one.search.evaluations)) {
        let of_budget: Vec<&Found> =
            found.iter().filter(|one| one.search.evaluations == evaluations).collect();
        let searchers = distinct(of_budget.iter().map(|one| one.search.searcher.as_str()));
        let of = |searcher: &str| -> Vec<&Found> {
            let its = of_budget.iter().filter(|one| one.search.searcher == searcher);
            its.copied().collect()
        };
        for (place, searcher) in searchers.iter().enumerate() {
            let its = of(searcher);
            let ratios = by_seed(&its, |one| one.whole.hypervolume_ratio);
            let measured = by_seed(&its, |one| one.measured.hypervolume_ratio);
            let shown = if place == 0 { evaluations.to_string() } else { String::new() };
            let _ = writeln!(
                text,
                "{shown:>11}  {searcher:<11}  {:<15}  {:<15}  {:>6.4}  {:>6.4}  {:>4.1}",
                Estimate::of(&ratios).text(4),
                Estimate::of(&measured).text(4),
                mean(&by_seed(&its, |one| one.whole.igd_plus)),
                by_problem(&its).into_iter().fold(f64::INFINITY, f64::min),
                mean(&by_seed(&its, |one| one.seconds)),
            );
        }
        let Some((first, others)) = searchers.split_first() else { continue };
        for other in others {
            let compared = compared(&of(first), &of(other));
            let _ = writeln!(text, "{:>13}{first} − {other}: {compared}", "");
        }
    }
    text
}

/// The difference of two searchers in the HV ratio.
fn compared(ours: &[&Found], theirs: &[&Found]) -> String {
    let ratios = |found: &[&Found]| by_seed(found, |one| one.whole.hypervolume_ratio);
    let pairs = ratios(ours).into_iter().zip(ratios(theirs));
    let differences: Vec<f64> = pairs.map(|(ours, theirs)| ours - theirs).collect();
    let p = match paired_p(&differences) {
        None => String::new(),
        Some(p) if p < 0.001 => ", p < 0.001".to_owned(),
        Some(p) => format!(", p = {p:.3}"),
    };
    let problems: Vec<(f64, f64)> = by_problem(ours).into_iter().zip(by_problem(theirs)).collect();
    let ahead = problems.iter().filter(|(ours, theirs)| ours > theirs).count();
    let of_all = match problems.len() {
        1 => String::new(),
        count => format!(", ahead in {ahead} of {count}"),
    };
    format!("{}{p}{of_all}", Estimate::of(&differences).signed(4))
}

/// For each seed the mean over the problems.
fn by_seed(found: &[&Found], of: impl Fn(&Found) -> f64) -> Vec<f64> {
    let seeds = distinct(found.iter().map(|one| one.search.seed));
    let mean_of = |seed: &u64| {
        let its = found.iter().filter(|one| one.search.seed == *seed);
        mean(&its.map(|one| of(one)).collect::<Vec<f64>>())
    };
    seeds.iter().map(mean_of).collect()
}

/// For each problem the mean HV ratio over the seeds.
fn by_problem(found: &[&Found]) -> Vec<f64> {
    let problems = distinct(found.iter().map(|one| one.search.problem));
    let mean_of = |problem: &usize| {
        let its = found.iter().filter(|one| one.search.problem == *problem);
        mean(&its.map(|one| one.whole.hypervolume_ratio).collect::<Vec<f64>>())
    };
    problems.iter().map(mean_of).collect()
}

/// Each value once, in the order of the first.
fn distinct<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut all = Vec::new();
    for value in values {
        if !all.contains(&value) {
            all.push(value);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::own_problem::problem::Scores;
    use crate::bench::own_problem::runs::Search;

    fn found(problem: usize, searcher: &str, seed: u64, ratio: f64) -> Found {
        let search = Search { problem, searcher: searcher.to_owned(), evaluations: 30, seed };
        let scores = |hypervolume_ratio| Scores { hypervolume_ratio, igd_plus: 0.0125 };
        Found { search, seconds: 2.0, whole: scores(ratio), measured: scores(ratio - 0.1) }
    }

    #[test]
    fn means_are_of_problems_and_intervals_of_seeds() {
        let ratios = [("ours", [0.9, 0.8], [0.7, 0.6]), ("theirs", [0.8, 0.8], [0.7, 0.5])];
        let all: Vec<Found> = ratios
            .iter()
            .flat_map(|(searcher, first, second)| {
                let of = |problem, ratios: &[f64; 2]| {
                    [(1, ratios[0]), (2, ratios[1])]
                        .map(|(seed, ratio)| found(problem, searcher, seed, ratio))
                };
                [of(0, first), of(1, second)].into_iter().flatten()
            })
            .collect();
        let table = table(&all);
        let lines: Vec<&str> = table.lines().map(str::trim_end).collect();
        assert_eq!(lines.len(), 4, "{table}");
        // Means of 0.9 and 0.7 with the first seed, 0.8 and 0.6 with the second.
        assert!(lines[1].contains("30  ours         0.7500 ± 0.6353"), "{table}");
        assert!(lines[1].contains("0.6500 ± 0.6353  0.0125  0.6500   2.0"), "{table}");
        assert!(lines[3].contains("ours − theirs: +0.0500 ± 0.0000"), "{table}");
        assert!(lines[3].ends_with("ahead in 2 of 2"), "{table}");
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{table}");
    }
}
