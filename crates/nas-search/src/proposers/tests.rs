//! Tests of all searchers.

use std::collections::HashSet;

use nas_partition::{Axis, Partition};
use nas_space::{Arch, nasbench201::space};

use super::*;
use crate::{
    BoxError, Context, Error, Evaluated, Evaluation, Evaluator, Objective, Outcome, Proposer,
    Search, Settings,
};

/// Accuracy is the number of 3×3 convolutions, latency that of operations; architectures with a
/// pooling on the first edge cannot be run.
struct Toy([Objective; 2]);

impl Evaluator for Toy {
    fn objectives(&self) -> &[Objective] {
        &self.0
    }

    fn evaluate(&mut self, architectures: &[Arch]) -> Result<Vec<Evaluation>, BoxError> {
        let evaluate = |arch: &Arch| {
            let latency = 6.0 - space().count(arch, "none") as f64;
            let latency = (arch.choices()[0] != 4).then_some(latency);
            let accuracy = Some(space().count(arch, "nor_conv_3x3") as f64);
            Evaluation { values: vec![accuracy, latency], ..Evaluation::default() }
        };
        Ok(architectures.iter().map(evaluate).collect())
    }
}

fn search(proposer: &mut dyn Proposer, partition: &Partition, seed: u64) -> Outcome {
    let objectives = [Objective::accuracy("accuracy"), Objective::latency()];
    let settings = Settings { evaluations: 300, initial: 50, seed, ..Settings::default() };
    Search::new(space(), partition, settings)
        .run(proposer, &mut Toy(objectives), &mut |_| {})
        .unwrap()
}

/// What is compared with random sampling. The library of SPEA2 has no niches.
fn searchers() -> impl Iterator<Item = &'static Searcher> {
    SEARCHERS.iter().filter(|one| !["random", "spea2"].contains(&one.name))
}

fn proposer(searcher: &Searcher) -> Box<dyn Proposer> {
    let axis = Some(Axis::count_others(space(), &["none"]).unwrap());
    let sample = || space().enumerate().collect();
    (searcher.make)(&Context { space: space(), axis, sample: &sample, candidates: 12 }).unwrap()
}

/// The sum, over all latencies, of the best possible accuracy minus the best that was found.
fn loss(outcome: &Outcome) -> f64 {
    let best = |latency: f64| {
        let within = |one: &&Evaluated| one.values[1].is_some_and(|ms| ms <= latency);
        let evaluated = outcome.evaluated.iter().filter(within);
        evaluated.filter_map(|one| one.values[0]).fold(0.0, f64::max)
    };
    (1..=6).map(|latency| f64::from(latency) - best(f64::from(latency))).sum()
}

#[test]
fn all_find_more_than_random_search_in_any_partition() {
    for partition in [Partition::whole(), Partition::pel_nas(space()).unwrap()] {
        let random: f64 = (1..=5).map(|seed| loss(&search(&mut Random, &partition, seed))).sum();
        for searcher in searchers() {
            let found = (1..=5).map(|seed| {
                let mut proposer = proposer(searcher);
                let outcome = search(&mut *proposer, &partition, seed);
                let distinct: HashSet<&Arch> =
                    outcome.evaluated.iter().map(|one| &one.arch).collect();
                assert_eq!(distinct.len(), 300);
                let own = outcome.evaluated.iter().filter(|one| one.proposer == proposer.name());
                assert!(own.count() > 50, "{}", proposer.name());
                loss(&outcome)
            });
            let found: f64 = found.sum();
            assert!(found < random, "{}: {found}, random {random}", searcher.name);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_search() {
    for searcher in searchers() {
        let run = |seed| search(&mut *proposer(searcher), &Partition::whole(), seed);
        assert_eq!(run(3), run(3));
        assert_ne!(run(3), run(4));
    }
}

#[test]
fn names_are_those_of_the_proposers_and_no_two_are_equal() {
    for (place, searcher) in SEARCHERS.iter().enumerate() {
        assert!(SEARCHERS[..place].iter().all(|other| other != searcher), "{}", searcher.name);
        if searcher.name != "spea2" || cfg!(feature = "spea2") {
            assert_eq!(proposer(searcher).name(), searcher.name);
        }
    }
}

#[test]
fn map_elites_is_refused_in_a_space_without_an_axis() {
    let context = Context { space: space(), axis: None, sample: &Vec::new, candidates: 12 };
    let made = (map_elites::SEARCHER.make)(&context);
    let error = made.err().unwrap();
    assert!(matches!(error, Error::NoAxis { .. }), "{error}");
}

#[cfg(feature = "spea2")]
#[test]
fn spea2_finds_more_than_random_search_and_its_thread_ends() {
    let whole = Partition::whole();
    let run = |seed| search(&mut Spea2::new(30), &whole, seed);
    let found: f64 = (1..=5).map(|seed| loss(&run(seed))).sum();
    let random: f64 = (1..=5).map(|seed| loss(&search(&mut Random, &whole, seed))).sum();
    assert!(found < random, "{found}, random {random}");
    let outcome = run(3);
    let own = outcome.evaluated.iter().filter(|one| one.proposer == Spea2::NAME);
    assert!(own.count() > 100);
    assert_eq!(outcome, run(3));
    assert_ne!(outcome, run(4));
}
