//! `nas benchmark`: searchers compared on equal terms.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Mutex,
    time::Instant,
};

use clap::ValueEnum;
use nas_bench::{Fidelity, NasBench201, ScoreTable};
use nas_eval::{Labels, Lookup, Predicted, Source, Sources, Task, Truth, benchmark};
use nas_hw::{Device, Metric};
use nas_pareto::statistics::{Estimate, mean};
use nas_partition::{Allocation, Partition};
use nas_predict::{Predictor, draw_trained};
use nas_search::{
    Evaluated, Evaluator, Listed, Objective, Outcome, Proposer, Rule, Search, Settings,
};
use nas_space::{
    Arch,
    nasbench201::{self, Dataset},
};
use rayon::prelude::*;

use crate::{
    commands::{
        parse_dataset, predict,
        search::{BINS, TOLERANCE},
        tables,
    },
    failure::Failure,
    output::{Cell, Format, Records, counted, print, print_json},
    partition::{AllocationArgument, Cut, PartitionArguments, allocation_name},
    progress::Progress,
    rules::RulesArgument,
    searcher::{Searcher, scan, schedule},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nas benchmark                                          three searchers, all data sets and devices
  nas benchmark --searchers nsga2,local --seeds 10       others
  nas benchmark --partition pel-nas --devices fpga       in the paper's niches
  nas benchmark --at 50,100,200,400,600 --format csv     how they converge")]
pub struct Arguments {
    /// What is compared
    #[arg(
        long,
        value_enum,
        value_name = "NAME,…",
        value_delimiter = ',',
        default_value = "random,evolution,statistical"
    )]
    searchers: Vec<Searcher>,
    /// Of cifar10, cifar100, ImageNet16-120 [default: all]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = parse_dataset)]
    datasets: Vec<Dataset>,
    /// Of edgegpu, raspi4, edgetpu, pixel3, eyeriss, fpga [default: all]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = parse_device)]
    devices: Vec<Device>,
    /// Searches of each searcher on each pair of data set and device
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    seeds: u32,
    /// The first seed
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Architectures that each search evaluates
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=15_625))]
    evaluations: u32,
    /// Also score what was found after so many evaluations
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    at: Vec<u32>,
    /// What the searches see: published accuracy; what a predictor that all searches of a seed
    /// share has learnt from random labels; accuracy predicted from labels that each search buys,
    /// as in `nas search`; or a single zero-cost proxy
    #[arg(long, value_enum, default_value = "benchmark")]
    accuracy: Accuracy,
    /// Labels of a predictor, each of another class
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=6_466))]
    labels: u32,
    /// The proxy, as pel-nas computed it on CIFAR-10; the greater the better
    #[arg(long, value_name = "NAME", default_value = "nwot")]
    proxy: String,
    /// Also write the front of each search to this file, as CSV
    #[arg(long, value_name = "FILE")]
    fronts: Option<PathBuf>,
    /// Also minimise energy, on devices that have it published
    #[arg(long)]
    energy: bool,
    #[command(flatten)]
    partition: PartitionArguments,
    #[command(flatten)]
    allocation: AllocationArgument,
    #[command(flatten)]
    rules: RulesArgument,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Accuracy {
    Benchmark,
    Predictor,
    Bought,
    Proxy,
}

fn parse_device(name: &str) -> Result<Device, String> {
    name.parse().map_err(|_| {
        nas_space::Error::unknown_name("device", name, Device::ALL.map(Device::name)).to_string()
    })
}

/// What one search came to.
struct Row {
    dataset: Dataset,
    device: Device,
    searcher: Searcher,
    seed: u64,
    evaluations: usize,
    scores: Option<nas_eval::Scores>,
    coverage: f64,
    /// The given rules that stand.
    standing: String,
    seconds: f64,
    /// What the search found in the end.
    front: Vec<Evaluated>,
}

/// A pair of data set and device.
struct Pair {
    dataset: Dataset,
    device: Device,
    metrics: &'static [Metric],
    truth: Truth,
    cut: Cut,
    rules: Vec<Rule>,
}

/// What searches see in place of an accuracy, by index, for each data set and seed.
type Seen = BTreeMap<(&'static str, u64), Vec<Option<f64>>>;

pub fn run(arguments: &Arguments, data: Option<&Path>) -> Result<ExitCode, Failure> {
    for searcher in &arguments.searchers {
        let why = match (searcher, arguments.accuracy) {
            (Searcher::Llm, _) => "run it by `nas search --searcher llm`",
            (Searcher::Exhaustive, Accuracy::Benchmark) => {
                "with --accuracy benchmark it finds the exact front; name another --accuracy"
            }
            _ => continue,
        };
        return Err(Failure::input(format!("{} is not compared here: {why}", searcher.name())));
    }
    if let Some(at) = arguments.at.iter().find(|at| **at > arguments.evaluations) {
        let all = arguments.evaluations;
        return Err(Failure::input(format!(
            "--at {at}: each search ends after {all} evaluations; raise --evaluations, or leave it out"
        )));
    }
    if let Some(file) = &arguments.fronts {
        Failure::no_folder(file)?;
    }
    let tables = tables(data)?;
    let seen = match arguments.accuracy {
        Accuracy::Benchmark | Accuracy::Bought => Seen::new(),
        Accuracy::Predictor => arguments.predictions(&tables)?,
        Accuracy::Proxy => arguments.proxies()?,
    };
    let pairs = arguments.pairs(&tables)?;
    let searchers = distinct(&arguments.searchers);
    let jobs: Vec<(&Pair, Searcher, u64)> = pairs
        .iter()
        .flat_map(|pair| searchers.iter().map(move |&searcher| (pair, searcher)))
        .flat_map(|(pair, searcher)| arguments.seeds().map(move |seed| (pair, searcher, seed)))
        .collect();
    let progress = Mutex::new((Progress::new("searching", jobs.len()), 0));
    let rows: Vec<Vec<Row>> = jobs
        .par_iter()
        .map(|&(pair, searcher, seed)| {
            let rows = arguments.search(&tables, pair, searcher, seed, &seen);
            if let Ok(mut progress) = progress.lock() {
                progress.1 += 1;
                let done = progress.1;
                progress.0.update(done, "");
            }
            rows
        })
        .collect::<Result<_, Failure>>()?;
    if let Ok(progress) = progress.lock() {
        progress.0.finish();
    }
    let rows: Vec<Row> = rows.into_iter().flatten().collect();
    if let Some(file) = &arguments.fronts {
        let fronts = arguments.fronts(&tables, &pairs, &rows)?.csv()?;
        std::fs::write(file, fronts).map_err(|error| Failure::file("write", file, &error))?;
    }
    arguments.report(&rows, pairs.len())?;
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    fn datasets(&self) -> Vec<Dataset> {
        if self.datasets.is_empty() { Dataset::ALL.to_vec() } else { distinct(&self.datasets) }
    }

    fn seeds(&self) -> impl Iterator<Item = u64> + use<> {
        (self.seed..).take(self.seeds as usize)
    }

    fn pairs(&self, tables: &NasBench201) -> Result<Vec<Pair>, Failure> {
        let devices =
            if self.devices.is_empty() { Device::ALL.to_vec() } else { distinct(&self.devices) };
        let mut pairs = Vec::new();
        for dataset in self.datasets() {
            for &device in &devices {
                // Of devices that are not named, those without energy are left out.
                if self.energy && self.devices.is_empty() && tables.energy(dataset, device).is_err()
                {
                    continue;
                }
                let metrics = &[Metric::Latency, Metric::Energy][..=usize::from(self.energy)];
                let truth = benchmark::truth(tables, dataset, device, metrics)?;
                let cut = self.partition.build(&Task::nasbench201(dataset), "whole")?;
                let rules = self.rules.read(nasbench201::space(), &cut)?;
                pairs.push(Pair { dataset, device, metrics, truth, cut, rules });
            }
        }
        Ok(pairs)
    }

    /// The same proxy for all searches.
    fn proxies(&self) -> Result<Seen, Failure> {
        let table = ScoreTable::cifar10()?;
        let column = table.column(&self.proxy).ok_or_else(|| {
            let known = table.header().proxies.iter().map(String::as_str);
            nas_space::Error::unknown_name("proxy", &self.proxy, known)
        })?;
        let value = |arch: &Arch| table.values(arch)?[column];
        let values: Vec<Option<f64>> = predict::cells().iter().map(value).collect();
        let datasets = self.datasets().into_iter();
        let keys =
            datasets.flat_map(|dataset| self.seeds().map(move |seed| (dataset.name(), seed)));
        Ok(keys.map(|key| (key, values.clone())).collect())
    }

    fn predictions(&self, tables: &NasBench201) -> Result<Seen, Failure> {
        let mut values = Seen::new();
        let cells = predict::cells();
        let classes: Vec<usize> = cells.iter().map(nasbench201::class).collect();
        for dataset in self.datasets() {
            let published = tables.accuracy(dataset, benchmark::search_fidelity(dataset))?;
            let domain = benchmark::domain(dataset)?;
            let table = (domain.features)(&cells)?;
            for seed in self.seeds() {
                let labelled = draw_trained(&classes, self.labels as usize, seed).trained;
                let labels: Vec<(usize, f64)> =
                    labelled.into_iter().map(|row| (row, published[row])).collect();
                let settings = nas_predict::Settings {
                    unconnected: Some(domain.chance),
                    seed,
                    ..nas_predict::Settings::default()
                };
                let predicted = Predictor::fit(&table, &labels, settings)?.predict(&table)?;
                let predicted =
                    predicted.into_iter().map(|predicted| Some(predicted.value)).collect();
                values.insert((dataset.name(), seed), predicted);
            }
        }
        Ok(values)
    }

    fn search(
        &self,
        tables: &NasBench201,
        pair: &Pair,
        searcher: Searcher,
        seed: u64,
        shown: &Seen,
    ) -> Result<Vec<Row>, Failure> {
        let begun = Instant::now();
        let mut evaluator = self.evaluator(tables, pair, seed, shown)?;
        let outcome = self.outcome(pair, searcher, seed, &mut *evaluator)?;
        let seconds = begun.elapsed().as_secs_f64();
        let all = outcome.evaluated.len();
        let mut at: Vec<usize> =
            self.at.iter().map(|&at| at as usize).filter(|&at| at < all).collect();
        at.push(all);
        at.into_iter()
            .map(|evaluations| {
                let front = outcome.front_after(evaluations);
                let archs = || front.iter().map(|found: &&Evaluated| &found.arch);
                let found = front.iter().filter(|_| evaluations == all);
                Ok(Row {
                    dataset: pair.dataset,
                    device: pair.device,
                    searcher,
                    seed,
                    evaluations,
                    scores: pair.truth.score(archs())?,
                    coverage: pair.truth.coverage(archs(), 1, BINS, TOLERANCE),
                    standing: standing(&pair.rules, &outcome, evaluations),
                    seconds,
                    front: found.map(|&found| found.clone()).collect(),
                })
            })
            .collect()
    }

    fn evaluator(
        &self,
        tables: &NasBench201,
        pair: &Pair,
        seed: u64,
        shown: &Seen,
    ) -> Result<Box<dyn Evaluator>, Failure> {
        let dataset = pair.dataset;
        let costs = pair.metrics.iter().map(|metric| -> Result<Box<dyn Source>, Failure> {
            Ok(Box::new(benchmark::cost(tables, dataset, pair.device, *metric)?))
        });
        let mut costs = costs.collect::<Result<Vec<_>, _>>()?;
        if let Some(values) = shown.get(&(dataset.name(), seed)).cloned() {
            let objective = match self.accuracy {
                Accuracy::Proxy => Objective::maximise(&self.proxy, ""),
                _ => Objective::maximise("predicted_accuracy", "%"),
            };
            let value = move |arch: &Arch| values.get(nasbench201::index(arch)).copied().flatten();
            costs.insert(0, Box::new(Lookup::new(objective, value)));
            return Ok(Box::new(Sources::new(costs)));
        }
        let fidelity = benchmark::search_fidelity(dataset);
        let accuracy = Box::new(benchmark::accuracy(tables, dataset, fidelity)?);
        if self.accuracy == Accuracy::Bought {
            let buying = nas_eval::Buying::Active;
            let labels = Labels { budget: self.labels as usize, buying, seed };
            let (domain, costs) = (benchmark::domain(dataset)?, Sources::new(costs));
            return Ok(Box::new(Predicted::new(domain, accuracy, costs, labels)));
        }
        costs.insert(0, accuracy);
        Ok(Box::new(Sources::new(costs)))
    }

    fn outcome(
        &self,
        pair: &Pair,
        searcher: Searcher,
        seed: u64,
        evaluator: &mut dyn Evaluator,
    ) -> Result<Outcome, Failure> {
        let space = nasbench201::space();
        let on_event = &mut |_: &nas_search::Event<'_>| {};
        let Some(mut proposer) = searcher.proposer(&Task::nasbench201(pair.dataset))? else {
            let all: Vec<Arch> = space.enumerate().collect();
            let whole = Partition::whole();
            let settings = scan(all.len(), Settings { seed, ..Settings::default() });
            let all: &mut dyn Proposer = &mut Listed::new(all);
            return Ok(Search::new(space, &whole, settings).run(all, evaluator, on_event)?);
        };
        let allocation = self.allocation.or(Allocation::Adaptive);
        let settings = Settings { allocation, ..schedule(self.evaluations as usize, seed) };
        let search = pair.cut.search(space, settings).believing(&pair.rules);
        Ok(search.run(&mut *proposer, evaluator, on_event)?)
    }

    /// The networks on each pair's exact front, under the first seed, and on each search's front,
    /// with their true accuracy.
    fn fronts(
        &self,
        tables: &NasBench201,
        pairs: &[Pair],
        rows: &[Row],
    ) -> Result<Records, Failure> {
        let mut columns = vec!["dataset", "device", "searcher", "seed", "index", "connected"];
        columns.extend(["seen", "test_accuracy_percent", "latency_ms"]);
        let mut records = Records::new(columns);
        let mut push =
            |dataset: Dataset, device: Device, by: String, seed, arch: &Arch, seen, cost| {
                let index = nasbench201::index(arch);
                let accuracy = tables.accuracy(dataset, Fidelity::TEST)?[index];
                records.push(vec![
                    dataset.name().into(),
                    device.name().into(),
                    by.into(),
                    Cell::Count(seed),
                    index.into(),
                    Cell::Flag(nasbench201::space().is_connected(arch)),
                    Cell::from(seen),
                    Some(accuracy).into(),
                    Cell::from(cost),
                ]);
                Ok::<(), Failure>(())
            };
        for Pair { dataset, device, truth, .. } in pairs {
            for arch in truth.front() {
                let values =
                    |at: usize| truth.values(arch).and_then(|values| values.get(at).copied());
                push(*dataset, *device, "exact".into(), self.seed, arch, values(0), values(1))?;
            }
        }
        for row in rows {
            for found in &row.front {
                let [seen, cost] = [found.values[0], found.values[1]];
                let by = row.searcher.name();
                push(row.dataset, row.device, by, row.seed, &found.arch, seen, cost)?;
            }
        }
        Ok(records)
    }

    fn report(&self, rows: &[Row], pairs: usize) -> Result<(), Failure> {
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
            "rules",
            "seconds",
        ]);
        for row in rows {
            let score = |of: fn(&nas_eval::Scores) -> f64| Cell::from(row.scores.as_ref().map(of));
            records.push(vec![
                row.dataset.name().into(),
                row.device.name().into(),
                row.searcher.name().into(),
                self.partition.name("whole").into(),
                allocation_name(self.allocation.or(Allocation::Adaptive)).into(),
                Cell::Count(row.seed),
                row.evaluations.into(),
                score(|scores| scores.hypervolume_ratio),
                score(|scores| scores.hypervolume),
                score(|scores| scores.igd),
                score(|scores| scores.igd_plus),
                Some(row.coverage).into(),
                row.standing.as_str().into(),
                Some(row.seconds).into(),
            ]);
        }
        match self.format {
            Format::Csv => records.print(Format::Csv),
            Format::Json => print_json(&records.json()),
            Format::Table => print(&self.table(rows, pairs)),
        }
    }

    /// Means over pairs and seeds, with an interval over the seeds.
    fn table(&self, rows: &[Row], pairs: usize) -> String {
        let mut groups: Vec<(Searcher, usize, Vec<&Row>)> = Vec::new();
        for row in rows {
            let same = |group: &&mut (Searcher, usize, Vec<&Row>)| {
                (group.0, group.1) == (row.searcher, row.evaluations)
            };
            match groups.iter_mut().find(same) {
                Some(group) => group.2.push(row),
                None => groups.push((row.searcher, row.evaluations, vec![row])),
            }
        }
        let mut records =
            Records::new(["searcher", "after", "HV ratio", "worst", "IGD", "coverage", "seconds"]);
        for (searcher, evaluations, rows) in groups {
            let ratio = |row: &&Row| row.scores.map_or(0.0, |scores| scores.hypervolume_ratio);
            let by_seed = means(rows.iter().map(|row| (row.seed, ratio(row))));
            let by_pair =
                means(rows.iter().map(|row| ((row.dataset.name(), row.device.name()), ratio(row))));
            let igd: Vec<f64> = rows.iter().filter_map(|row| Some(row.scores?.igd)).collect();
            let coverage: Vec<f64> = rows.iter().map(|row| row.coverage).collect();
            let seconds: Vec<f64> = rows.iter().map(|row| row.seconds).collect();
            records.push(vec![
                searcher.name().into(),
                evaluations.into(),
                Cell::Text(Estimate::of(&by_seed).text(4)),
                Cell::Text(format!("{:.4}", by_pair.into_iter().fold(f64::INFINITY, f64::min))),
                Cell::Text(format!("{:.4}", mean(&igd))),
                Cell::Text(format!("{:.2}", mean(&coverage))),
                Some(mean(&seconds)).into(),
            ]);
        }
        let seen = match self.accuracy {
            Accuracy::Benchmark => "published accuracy of all".to_owned(),
            Accuracy::Predictor => {
                let labels = counted(self.labels as usize, "random label");
                format!("accuracy predicted from {labels}, the same for all")
            }
            Accuracy::Bought => {
                let labels = counted(self.labels as usize, "label");
                format!("accuracy predicted from {labels} that each buys")
            }
            Accuracy::Proxy => format!("{} in place of accuracy", self.proxy),
        };
        format!(
            "{}\nmeans over {} of data set and device, {} each; worst: the worst pair\n  \
             after: evaluations; ±: 95 % interval over the seeds\n  \
             the searches see {seen}\n  \
             scored on test accuracy, against the exact front of the whole space\n",
            records.table(),
            counted(pairs, "pair"),
            counted(self.seeds as usize, "seed"),
        )
    }
}

/// The positions, from 1 on, of the given rules that no evidence had refuted after so many
/// evaluations.
fn standing(rules: &[Rule], outcome: &Outcome, evaluations: usize) -> String {
    let dropped = outcome.knowledge.dropped().iter().filter(|one| one.evaluated <= evaluations);
    let dropped: Vec<_> = dropped.map(|one| &one.rule).collect();
    let stands = |rule: &Rule| !dropped.iter().any(|other| other.states_the_same(rule));
    let standing = (1..).zip(rules).filter(|(_, rule)| stands(rule));
    standing.map(|(at, _)| format!("{at}")).collect::<Vec<_>>().join(" ")
}

/// Each once, in order: what is named twice counts once.
fn distinct<T: Copy + PartialEq>(named: &[T]) -> Vec<T> {
    let mut once = Vec::with_capacity(named.len());
    for &one in named {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    once
}

/// The mean of each key's values.
fn means<K: Ord>(values: impl Iterator<Item = (K, f64)>) -> Vec<f64> {
    let mut groups: BTreeMap<K, Vec<f64>> = BTreeMap::new();
    for (key, value) in values {
        groups.entry(key).or_default().push(value);
    }
    groups.into_values().map(|values| mean(&values)).collect()
}
