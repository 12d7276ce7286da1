//! Tests of all searchers.

use std::collections::HashSet;

use nas_partition::{Axis, Partition};
use nas_space::{Arch, nasbench201::space};
use rand::RngExt;

use super::*;
use crate::{
    BoxError, Child, Context, Error, Evaluated, Evaluation, Evaluator, Objective, Outcome,
    Proposal, Proposer, Request, Search, SearchRng, Settings,
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

/// What is compared with random sampling. The library of SPEA2 has no niches, and crossover alone adds no
/// choice that the parents do not have.
fn searchers() -> impl Iterator<Item = &'static Searcher> {
    let others = ["random", "spea2", "random-crossover"];
    SEARCHERS.iter().filter(move |one| !others.contains(&one.name))
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

/// A cell space with a rich front: each operation adds to accuracy and latency, more so on later edges;
/// architectures with a pooling on the first edge cannot be run.
struct Smooth([Objective; 2]);

impl Smooth {
    fn values(arch: &Arch) -> [f64; 2] {
        let sum = |each: [f64; 5], more: f64| {
            let choices = arch.choices().iter().enumerate();
            choices.map(|(at, choice)| each[usize::from(*choice)] * (1.0 + more * at as f64)).sum()
        };
        [sum([0.0, 3.0, 5.0, 6.0, 1.0], 0.1), sum([0.1, 0.2, 0.8, 1.2, 0.5], 0.07)]
    }
}

impl Evaluator for Smooth {
    fn objectives(&self) -> &[Objective] {
        &self.0
    }

    fn evaluate(&mut self, architectures: &[Arch]) -> Result<Vec<Evaluation>, BoxError> {
        let evaluate = |arch: &Arch| {
            let runs = arch.choices()[0] != 4;
            let values = Self::values(arch).map(|value| Some(value).filter(|_| runs)).to_vec();
            Evaluation { values, ..Evaluation::default() }
        };
        Ok(architectures.iter().map(evaluate).collect())
    }
}

fn shared_search(operators: &mut Operators<'_>, partition: &Partition, seed: u64) -> Outcome {
    let objectives = [Objective::accuracy("accuracy"), Objective::latency()];
    let settings =
        Settings { evaluations: 200, initial: 50, generation: 5, seed, ..Settings::default() };
    Search::new(space(), partition, settings)
        .run(operators, &mut Smooth(objectives), &mut |_| {})
        .unwrap()
}

/// Knows the values: of many children the best by random weights.
struct Seer;

impl Proposer for Seer {
    fn name(&self) -> &'static str {
        "seer"
    }

    fn propose(
        &mut self,
        request: &Request<'_>,
        rng: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError> {
        let mut children = request.children(40, 0.0, rng);
        let mut best = Vec::new();
        while best.len() < request.count && !children.is_empty() {
            let weight: f64 = rng.random();
            let worth = |child: &Child<'_>| {
                let [accuracy, latency] = Smooth::values(&child.arch);
                let runs = if child.arch.choices()[0] == 4 { 100.0 } else { 0.0 };
                weight * accuracy / 45.0 - (1.0 - weight) * latency / 8.0 - runs
            };
            let all = children.iter().enumerate();
            let at = all.max_by(|a, b| worth(a.1).total_cmp(&worth(b.1))).map_or(0, |one| one.0);
            best.push(children.swap_remove(at).arch.into());
        }
        Ok(best)
    }
}

/// Proposes what cannot be run.
struct Fool;

impl Proposer for Fool {
    fn name(&self) -> &'static str {
        "fool"
    }

    fn propose(
        &mut self,
        request: &Request<'_>,
        rng: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError> {
        Ok(request.draw(1_000, || space().sample(rng).with(0, 4)))
    }
}

/// Proposes nothing.
struct Mute;

impl Proposer for Mute {
    fn name(&self) -> &'static str {
        "mute"
    }

    fn propose(&mut self, _: &Request<'_>, _: &mut SearchRng) -> Result<Vec<Proposal>, BoxError> {
        Err("nothing".into())
    }
}

fn operators(selection: Selection, with: &str) -> Operators<'static> {
    let other: Box<dyn Proposer> = if with == "fool" { Box::new(Fool) } else { Box::new(Mute) };
    let all = vec![
        Operator { name: "seer".to_owned(), proposer: Box::new(Seer) as Box<dyn Proposer> },
        Operator { name: with.to_owned(), proposer: other },
        Operator { name: "random-edits".to_owned(), proposer: Box::new(RandomEdits::Mutation) },
    ];
    Operators::new(all, selection)
}

#[test]
fn operators_that_bring_nothing_are_asked_less_and_less() {
    for selection in [Selection::ProbabilityMatching, Selection::Thompson] {
        for with in ["fool", "mute"] {
            let (mut of_seer, mut of_other) = (0, 0);
            for seed in 1..=5 {
                let mut operators = operators(selection, with);
                let outcome = shared_search(&mut operators, &Partition::whole(), seed);
                assert_eq!(outcome.evaluated.len(), 200);
                let history = operators.history();
                assert_eq!(history.len(), 3 * 30);
                for generation in history.chunks(3) {
                    let sum: f64 = generation.iter().map(|share| share.probability).sum();
                    assert!((sum - 1.0).abs() < 1e-9, "{sum}");
                    assert!(generation.iter().all(|share| share.probability > 0.049));
                }
                let last =
                    |name: &str| history.iter().rev().find(|share| share.operator == name).unwrap();
                let proposed = outcome.evaluated.iter().filter(|one| one.proposer == "seer");
                assert!(proposed.count() >= last("seer").proposals);
                of_seer += last("seer").asked;
                of_other += last(with).asked;
            }
            // By chance each is asked 50 times of 150.
            assert!(of_seer > 60, "{selection:?} {with}: {of_seer}");
            assert!(of_other < 35, "{selection:?} {with}: {of_other}");
        }
    }
}

/// All architectures are equally good.
struct Flat([Objective; 2]);

impl Evaluator for Flat {
    fn objectives(&self) -> &[Objective] {
        &self.0
    }

    fn evaluate(&mut self, architectures: &[Arch]) -> Result<Vec<Evaluation>, BoxError> {
        let same = Evaluation { values: vec![Some(1.0); 2], ..Evaluation::default() };
        Ok(vec![same; architectures.len()])
    }
}

#[test]
fn an_operator_that_proposes_nothing_is_asked_rarely_also_where_nothing_can_be_better() {
    let objectives = [Objective::accuracy("accuracy"), Objective::latency()];
    let settings = Settings { evaluations: 200, initial: 20, generation: 5, ..Settings::default() };
    for selection in [Selection::ProbabilityMatching, Selection::Thompson] {
        let mut operators = operators(selection, "mute");
        Search::new(space(), &Partition::whole(), settings)
            .run(&mut operators, &mut Flat(objectives.clone()), &mut |_| {})
            .unwrap();
        let of_mute = operators.history().iter().rev().find(|share| share.operator == "mute");
        // By chance it is asked 12 times of 36.
        assert!(of_mute.unwrap().asked <= 6, "{selection:?}: {of_mute:?}");
    }
}

#[test]
fn an_operator_of_whose_proposals_none_is_evaluated_gets_the_least_share() {
    for selection in [Selection::ProbabilityMatching, Selection::Thompson] {
        let mut most = 0;
        for seed in 1..=5 {
            let mut operators = operators(selection, "mute");
            shared_search(&mut operators, &Partition::whole(), seed);
            let shares = operators.history().iter().filter(|share| share.operator == "mute");
            let mut before = 0;
            for share in shares {
                // From the generation on before which it was asked three times.
                assert!(before < 3 || share.probability < 0.051, "{selection:?}: {share:?}");
                before = share.asked;
            }
            most = most.max(before);
        }
        assert!(most > 3, "{selection:?}: it was asked");
    }
}

#[test]
fn operators_share_niches_too() {
    let partition = Partition::pel_nas(space()).unwrap();
    let mut operators = operators(Selection::Thompson, "fool");
    let outcome = shared_search(&mut operators, &partition, 1);
    let by = |name: &str| outcome.evaluated.iter().filter(|one| one.proposer == name).count();
    assert!(by("seer") > by("fool"), "{} {}", by("seer"), by("fool"));
}

#[test]
fn a_search_with_operators_is_the_same_for_the_same_seed() {
    for selection in [Selection::ProbabilityMatching, Selection::Thompson] {
        let run =
            |seed| shared_search(&mut operators(selection, "fool"), &Partition::whole(), seed);
        assert_eq!(run(3), run(3));
        assert_ne!(run(3), run(4));
    }
}
