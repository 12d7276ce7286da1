//! The results of a benchmark: a row for each search, means over them, and fronts.

use std::collections::BTreeMap;

use nas_eval::ProposalScores;
use nas_pareto::statistics::{Estimate, mean};
use nas_partition::Allocation;
use nas_search::Evaluated;
use nas_space::Arch;

use super::{
    Accuracy, Arguments, EXACT,
    pair::Pair,
    search::{Own, Row},
};
use crate::{
    failure::Failure,
    output::{Cell, Format, Records, counted, print_json},
    partition::allocation_name,
    terminal::{note, print},
};

/// A network on a front: the searcher that found it, its objectives in the search.
struct OnFront<'a> {
    by: &'static str,
    seed: u64,
    arch: &'a Arch,
    seen: Option<f64>,
    cost: Option<f64>,
}

impl<'a> OnFront<'a> {
    fn found(row: &Row, found: &'a Evaluated) -> Self {
        let [seen, cost] = [found.values[0], found.values[1]];
        Self { by: row.searcher, seed: row.seed, arch: &found.arch, seen, cost }
    }
}

impl Arguments {
    /// The networks on each pair's exact front, under the first seed, and on each search's front,
    /// with their true accuracy.
    pub fn fronts(&self, pairs: &[Pair<'_>], rows: &[Row]) -> Records {
        let mut columns = vec!["dataset", "device", "searcher", "seed", "index", "connected"];
        columns.extend(["seen", "test_accuracy_percent", "latency_ms"]);
        let mut records = Records::new(columns);
        for pair in pairs {
            for arch in pair.truth.front() {
                let values = pair.truth.values(arch).unwrap_or_default();
                let (seen, cost) = (values.first().copied(), values.get(1).copied());
                let exact = OnFront { by: EXACT, seed: self.seed, arch, seen, cost };
                records.push(of_front(pair, &exact));
            }
        }
        for row in rows {
            let is_of = |pair: &&Pair<'_>| {
                pair.on.problem.dataset_name == Some(row.dataset) && pair.device == row.device
            };
            if let Some(pair) = pairs.iter().find(is_of) {
                for found in &row.front {
                    records.push(of_front(pair, &OnFront::found(row, found)));
                }
            }
        }
        records
    }

    pub fn report(&self, rows: &[Row], pairs: usize) -> Result<(), Failure> {
        let mut records = Records::new([
            "dataset",
            "device",
            "searcher",
            "partition",
            "allocation",
            "seed",
            "evaluations",
            "hypervolume_ratio",
            "hypervolume",
            "igd",
            "igd_plus",
            "coverage",
            "entered",
            "percentile",
            "first_operator",
            "rules",
            "seconds",
        ]);
        for row in rows {
            let score = |of: fn(&nas_eval::Scores) -> f64| Cell::from(row.scores.as_ref().map(of));
            records.push(vec![
                row.dataset.into(),
                row.device.into(),
                row.searcher.into(),
                self.partition.name("whole").into(),
                allocation_name(self.allocation.or(Allocation::Adaptive)).into(),
                Cell::Count(row.seed),
                row.evaluations.into(),
                score(|scores| scores.hypervolume_ratio),
                score(|scores| scores.hypervolume),
                score(|scores| scores.igd),
                score(|scores| scores.igd_plus),
                Some(row.coverage).into(),
                row.proposals.map(|proposals| proposals.entered).into(),
                row.proposals.map(|proposals| proposals.percentile).into(),
                row.first_operator.into(),
                row.holding.as_str().into(),
                Some(row.seconds).into(),
            ]);
        }
        match self.format {
            Format::Csv => records.print(Format::Csv),
            Format::Json => print_json(&records.json()),
            Format::Table => print(&self.table(rows, pairs)),
        }
    }

    /// Says where a user's own searcher did not propose what was evaluated in its name.
    pub fn note_own(&self, rows: &[Row]) {
        for own in &self.propose {
            let name = own.searcher.name();
            let mine = rows.iter().filter(|row| row.searcher == name);
            let did: Vec<&Own> = mine.filter_map(|row| row.own.as_ref()).collect();
            let sum = |of: fn(&Own) -> usize| did.iter().map(|one| of(one)).sum::<usize>();
            let (later, proposed) = (sum(|one| one.later), sum(|one| one.proposed));
            if proposed < later {
                note(&format!(
                    "{name} proposed {proposed} of the {later} architectures that were evaluated after the random samples: the statistical searcher and chance proposed the others"
                ));
            }
            let failed = sum(|one| one.failed.as_ref().map_or(0, |(count, _)| *count));
            if let Some((_, first)) = did.iter().find_map(|one| one.failed.as_ref()) {
                note(&format!("{name}: {}, the first: {first}", counted(failed, "failed request")));
            }
        }
    }

    /// Means over pairs and seeds, with an interval over the seeds.
    fn table(&self, rows: &[Row], pairs: usize) -> String {
        let mut groups: Vec<(&'static str, usize, Vec<&Row>)> = Vec::new();
        for row in rows {
            let same = |group: &&mut (&'static str, usize, Vec<&Row>)| {
                (group.0, group.1) == (row.searcher, row.evaluations)
            };
            match groups.iter_mut().find(same) {
                Some(group) => group.2.push(row),
                None => groups.push((row.searcher, row.evaluations, vec![row])),
            }
        }
        let mut columns = vec!["searcher", "after", "HV ratio", "worst", "IGD", "coverage"];
        if self.proposals {
            columns.extend(["entered", "percentile"]);
        }
        columns.push("seconds");
        let mut records = Records::new(columns);
        for (searcher, evaluations, rows) in groups {
            let ratio = |row: &&Row| row.scores.map_or(0.0, |scores| scores.hypervolume_ratio);
            let by_seed = means(rows.iter().map(|row| (row.seed, ratio(row))));
            let by_pair = means(rows.iter().map(|row| ((row.dataset, row.device), ratio(row))));
            let igd: Vec<f64> = rows.iter().filter_map(|row| Some(row.scores?.igd)).collect();
            let coverage: Vec<f64> = rows.iter().map(|row| row.coverage).collect();
            let seconds: Vec<f64> = rows.iter().map(|row| row.seconds).collect();
            let mut cells = vec![
                searcher.into(),
                evaluations.into(),
                Cell::Text(Estimate::of(&by_seed).text(4)),
                Cell::Text(format!("{:.4}", by_pair.into_iter().fold(f64::INFINITY, f64::min))),
                Cell::Text(format!("{:.4}", mean(&igd))),
                Cell::Text(format!("{:.2}", mean(&coverage))),
            ];
            if self.proposals {
                let of = |score: fn(&ProposalScores) -> f64| {
                    let scores = rows.iter().filter_map(|row| row.proposals.as_ref());
                    let scores: Vec<f64> = scores.map(score).collect();
                    let mean = (!scores.is_empty()).then(|| mean(&scores));
                    Cell::Text(mean.map_or_else(String::new, |mean| format!("{mean:.3}")))
                };
                cells.extend([of(|scores| scores.entered), of(|scores| scores.percentile)]);
            }
            cells.push(Some(mean(&seconds)).into());
            records.push(cells);
        }
        let seen = match self.accuracy {
            Accuracy::Benchmark => "published accuracies".to_owned(),
            Accuracy::SharedPredictor => {
                let trained = counted(self.trained as usize, "random trained network");
                let same = "the same for all searches of a seed";
                format!("accuracies predicted from {trained},\n    {same}")
            }
            Accuracy::Predictor => {
                let trained = counted(self.trained as usize, "trained network");
                format!("accuracies predicted from {trained}\n    that it chooses")
            }
            Accuracy::Proxy => format!("the proxy {} instead of accuracy", self.proxy),
        };
        format!(
            "{}\nmeans over {} of data set and device, {} each; worst: the worst pair\n  \
             after: evaluations; ±: 95 % interval over the seeds\n  \
             each search uses {seen}\n  \
             scored on test accuracy, against the exact front of the whole space\n",
            records.table(),
            counted(pairs, "pair"),
            counted(self.seeds as usize, "seed"),
        )
    }
}

fn of_front(pair: &Pair<'_>, one: &OnFront<'_>) -> Vec<Cell> {
    let problem = &pair.on.problem;
    let index = problem.index(one.arch);
    let accuracy = index.and_then(|index| pair.on.test_accuracies.get(index));
    vec![
        problem.dataset_name.unwrap_or_default().into(),
        pair.device.into(),
        one.by.into(),
        Cell::Count(one.seed),
        index.map_or(Cell::Absent, Cell::from),
        Cell::Flag(problem.space.is_connected(one.arch)),
        one.seen.into(),
        accuracy.copied().into(),
        one.cost.into(),
    ]
}

/// The mean of each key's values.
fn means<K: Ord>(values: impl Iterator<Item = (K, f64)>) -> Vec<f64> {
    let mut groups: BTreeMap<K, Vec<f64>> = BTreeMap::new();
    for (key, value) in values {
        groups.entry(key).or_default().push(value);
    }
    groups.into_values().map(|values| mean(&values)).collect()
}
