//! Tests of searches with several evaluations at the same time, of candidates and of known evaluations.

use std::sync::atomic::AtomicBool;

use nas_partition::{Automatic, Axis};
use nas_space::nasbench201;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::{
    BoxError, Candidates, Detail, Evolution, Nsga2, Parallel, Proposal, ReplayedEvaluator, Request,
    SearchRng,
};

/// Evaluates as many as its capacity at the same time; which one ends first is random.
struct Busy {
    objectives: Vec<Objective>,
    capacity: usize,
    begun: Vec<Arch>,
    rng: SearchRng,
    /// How many were under way at once, whenever one ended.
    loads: Vec<usize>,
    /// After so many answers it fails, as if it was killed.
    lives: usize,
}

impl Busy {
    fn new(capacity: usize, seed: u64) -> Self {
        Self {
            objectives: vec![Objective::accuracy("accuracy"), Objective::latency()],
            capacity,
            begun: Vec::new(),
            rng: SearchRng::seed_from_u64(seed),
            loads: Vec::new(),
            lives: usize::MAX,
        }
    }
}

fn value(arch: &Arch) -> Evaluation {
    let space = nasbench201::space();
    let operations = (6 - space.count(arch, "none")) as f64 + f64::from(arch.choices()[5]) / 10.0;
    let accuracy = space.count(arch, "nor_conv_3x3") as f64;
    Evaluation { values: vec![Some(accuracy), Some(operations)], ..Evaluation::default() }
}

impl Evaluator for Busy {
    fn objectives(&self) -> &[Objective] {
        &self.objectives
    }

    fn details(&self) -> &[Detail] {
        &[]
    }

    fn evaluate(&mut self, architectures: &[Arch]) -> Result<Vec<Evaluation>, BoxError> {
        Ok(architectures.iter().map(value).collect())
    }

    fn parallel(&mut self) -> Option<&mut dyn Parallel> {
        (self.capacity > 1).then_some(self)
    }
}

impl Parallel for Busy {
    fn capacity(&self) -> usize {
        self.capacity
    }

    fn begin(&mut self, arch: &Arch) -> Result<(), BoxError> {
        assert!(self.begun.len() < self.capacity, "more than its capacity");
        self.begun.push(arch.clone());
        Ok(())
    }

    fn wait(&mut self) -> Result<(Arch, Evaluation), BoxError> {
        self.loads.push(self.begun.len());
        self.lives = self.lives.checked_sub(1).ok_or("killed")?;
        let arch = self.begun.swap_remove(self.rng.random_range(0..self.begun.len()));
        let evaluation = value(&arch);
        Ok((arch, evaluation))
    }
}

fn settings(evaluations: usize) -> Settings {
    Settings { evaluations, initial: 20, generation: 7, ..Settings::default() }
}

/// Events as text, and the evaluations in them.
type Record = (Vec<String>, Vec<(Arch, Evaluation)>);

/// Runs a search until its end or the evaluator's death, with what was recorded before.
fn run(
    search: &Search<'_>,
    proposer: &mut dyn Proposer,
    recorded: Vec<(Arch, Evaluation)>,
    busy: &mut Busy,
) -> (Record, Option<Outcome>) {
    let (mut events, mut evaluated) = (Vec::new(), Vec::new());
    let mut replayed = ReplayedEvaluator::new(recorded, busy);
    let outcome = search.run(proposer, &mut replayed, &mut |event| match event {
        Event::Evaluated { evaluated: one, front, .. } => {
            events.push(format!("{one:?} {front}"));
            evaluated.push((one.arch.clone(), one.evaluation()));
        }
        Event::Generation { generation, done, rejections, .. } => {
            events.push(format!("generation {generation} {done} {rejections:?}"));
        }
        Event::Partitioned { ranked, done } => events.push(format!("{} {done}", ranked.name)),
        _ => {}
    });
    ((events, evaluated), outcome.ok())
}

#[test]
fn the_evaluator_is_busy_and_the_budget_is_spent_on_distinct_architectures() {
    let whole = Partition::whole();
    let search = Search::new(nasbench201::space(), &whole, settings(150));
    let mut busy = Busy::new(4, 1);
    let (_, outcome) = run(&search, &mut Statistical, Vec::new(), &mut busy);
    let outcome = outcome.unwrap();
    let distinct: HashSet<&Arch> = outcome.evaluated.iter().map(|one| &one.arch).collect();
    assert_eq!((outcome.evaluated.len(), distinct.len()), (150, 150));
    // Until nothing is left to begin.
    assert!(busy.loads[..147].iter().all(|load| *load == 4), "{:?}", busy.loads);
    let generations: Vec<usize> = outcome.evaluated.iter().map(|one| one.generation).collect();
    assert_eq!(generations.iter().filter(|generation| **generation == 0).count(), 20);
    let random = outcome.evaluated.iter().filter(|one| one.proposer == "random").count();
    assert!((20..30).contains(&random), "{random}");
}

#[test]
fn a_search_that_is_killed_again_and_again_ends_as_the_undisturbed_one_of_that_order() {
    let by = |choice| {
        let axis = Axis::count(nasbench201::space(), choice).unwrap();
        (choice.to_owned(), Partition::by_thresholds(axis, &[1.0, 2.0, 3.0]).unwrap())
    };
    let automatic = Automatic::new(vec![by("nor_conv_3x3"), by("none")]);
    let (whole, cut) = (Partition::whole(), Partition::pel_nas(nasbench201::space()).unwrap());
    let space = nasbench201::space();
    let adaptive = Settings { allocation: Allocation::Adaptive, ..settings(120) };
    for search in [
        Search::new(space, &whole, settings(120)),
        Search::new(space, &cut, adaptive),
        Search::automatic(space, &automatic, adaptive),
    ] {
        for seed in 0..4 {
            let proposer = || -> Box<dyn Proposer> {
                if seed % 2 == 0 { Box::new(Nsga2::new(20)) } else { Box::new(Statistical) }
            };
            let mut rng = SearchRng::seed_from_u64(seed);
            let (mut record, mut done) = (Record::default(), None);
            let mut kills = 0;
            while done.is_none() {
                let mut busy = Busy::new(4, rng.random());
                busy.lives = rng.random_range(0..40);
                let before = record.0.clone();
                let recorded = record.1.clone();
                (record, done) = run(&search, &mut *proposer(), recorded, &mut busy);
                assert_eq!(record.0[..before.len()], before, "what was recorded is repeated");
                kills += usize::from(done.is_none());
            }
            assert!(kills > 2, "{kills}");
            // All answers are recorded: nothing is evaluated.
            let mut never = Busy { lives: 0, ..Busy::new(4, 0) };
            let (again, outcome) = run(&search, &mut *proposer(), record.1.clone(), &mut never);
            assert_eq!(again.0, record.0);
            assert!(outcome == done);
        }
    }
}

#[test]
fn a_stopped_search_records_what_is_under_way() {
    let whole = Partition::whole();
    let stop = AtomicBool::new(false);
    let search = Search::new(nasbench201::space(), &whole, settings(100)).with_stop_flag(&stop);
    let outcome = search
        .run(&mut Statistical, &mut Busy::new(4, 3), &mut |event| {
            if let Event::Evaluated { done: 50, .. } = event {
                stop.store(true, Ordering::Relaxed);
            }
        })
        .unwrap();
    assert!(outcome.interrupted);
    assert_eq!(outcome.evaluated.len(), 53);
}

/// Nothing comes that was not recorded, in another place.
#[test]
fn a_search_that_is_stopped_while_it_repeats_another_ends_at_once() {
    let whole = Partition::whole();
    let search = Search::new(nasbench201::space(), &whole, settings(60));
    let (whole_record, _) = run(&search, &mut Statistical, Vec::new(), &mut Busy::new(4, 3));
    for at in [21, 22, 27, 40, 56] {
        let stop = AtomicBool::new(false);
        let search = Search { stop: Some(&stop), ..search };
        let mut busy = Busy::new(4, 4);
        let mut replayed = ReplayedEvaluator::new(whole_record.1.clone(), &mut busy);
        let mut evaluated = Vec::new();
        let outcome = search.run(&mut Statistical, &mut replayed, &mut |event| {
            if let Event::Evaluated { evaluated: one, done, .. } = event {
                evaluated.push((one.arch.clone(), one.evaluation()));
                stop.fetch_or(*done == at, Ordering::Relaxed);
            }
        });
        assert!(outcome.unwrap().interrupted);
        assert_eq!((evaluated.len(), busy.loads.len()), (at, 0));
        assert_eq!(evaluated, whole_record.1[..at]);
    }
}

#[test]
fn only_candidates_are_evaluated_and_a_short_list_ends_the_search() {
    let (space, whole) = (nasbench201::space(), Partition::whole());
    let list: Vec<Arch> = space.enumerate().step_by(137).collect();
    let listed = Candidates::all().listed(list.clone());
    let even = Candidates::all().that(|arch| arch.choices()[0] % 2 == 0);
    let nothing = Candidates::all().that(|_| false);
    for capacity in [1, 4] {
        for with_state in [false, true] {
            let search = Search::new(space, &whole, settings(80));
            let evaluated = |candidates| {
                let search = search.with_candidates(candidates);
                let mut proposer: Box<dyn Proposer> =
                    if with_state { Box::new(Nsga2::new(20)) } else { Box::new(Statistical) };
                let busy = &mut Busy::new(capacity, 5);
                run(&search, &mut *proposer, Vec::new(), busy).1.unwrap().evaluated
            };
            let found = evaluated(&listed);
            assert_eq!(found.len(), 80);
            assert!(found.iter().all(|one| list.contains(&one.arch)));
            assert!(evaluated(&even).iter().all(|one| one.arch.choices()[0] % 2 == 0));
            assert!(evaluated(&nothing).is_empty());
        }
        let search = Search::new(space, &whole, settings(500)).with_candidates(&listed);
        let busy = &mut Busy::new(capacity, 5);
        let (_, outcome) = run(&search, &mut Evolution::default(), Vec::new(), busy);
        assert_eq!(outcome.unwrap().evaluated.len(), list.len());
    }
}

#[test]
fn what_is_known_comes_first_and_is_not_evaluated_again() {
    let (space, whole) = (nasbench201::space(), Partition::whole());
    let known: Vec<Arch> = space.enumerate().step_by(1_500).collect();
    let answers = || known.iter().map(|arch| (arch.clone(), value(arch))).collect();
    for capacity in [1, 4] {
        let search = Search::new(space, &whole, settings(60)).with_known(&known);
        let mut busy = Busy::new(capacity, 2);
        let (_, outcome) = run(&search, &mut Statistical, answers(), &mut busy);
        let outcome = outcome.unwrap();
        let first = &outcome.evaluated[..known.len()];
        assert!(first.iter().zip(&known).all(|(one, arch)| one.arch == *arch));
        assert!(first.iter().all(|one| one.proposer == "known" && one.generation == 0));
        let initial = outcome.evaluated.iter().filter(|one| one.generation == 0).count();
        assert_eq!((outcome.evaluated.len(), initial), (60, 20));
        if capacity > 1 {
            assert_eq!(busy.loads.len(), 60 - known.len());
        }
    }
}

/// A search that ended, extended: it begins as it did.
#[test]
fn an_extended_search_begins_with_what_it_was() {
    let (space, whole) = (nasbench201::space(), Partition::whole());
    for capacity in [1, 4] {
        let short = Search::new(space, &whole, settings(60));
        let run = |search: &Search<'_>, recorded| {
            run(search, &mut Statistical, recorded, &mut Busy::new(capacity, 2))
        };
        let (record, outcome) = run(&short, Vec::new());
        let long = Search::new(space, &whole, settings(101)).with_earlier_ends(&[60]);
        let (longer, extended) = run(&long, record.1.clone());
        let (outcome, extended) = (outcome.unwrap(), extended.unwrap());
        assert_eq!(extended.evaluated.len(), 101);
        assert_eq!(extended.evaluated[..60], outcome.evaluated);
        assert_eq!(longer.0[..record.0.len()], record.0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_capacity_and_generation_spend_the_budget(
        capacity in 2..9_usize,
        evaluations in 1..60_usize,
        initial in 0..30_usize,
        generation in 0..12_usize,
        seed in 0..100_u64,
    ) {
        let whole = Partition::whole();
        let settings = Settings { evaluations, initial, generation, seed, ..Settings::default() };
        let search = Search::new(nasbench201::space(), &whole, settings);
        let (record, outcome) =
            run(&search, &mut Statistical, Vec::new(), &mut Busy::new(capacity, seed));
        prop_assert_eq!(outcome.unwrap().evaluated.len(), evaluations);
        let (again, _) =
            run(&search, &mut Statistical, record.1.clone(), &mut Busy { lives: 0, ..Busy::new(capacity, 0) });
        prop_assert_eq!(again.0, record.0);
    }
}

/// A proposer that is stopped while it works, and proposes nothing because of that.
struct Stopped<'a>(&'a AtomicBool);

impl Proposer for Stopped<'_> {
    fn name(&self) -> &'static str {
        "stopped"
    }

    fn propose(&mut self, _: &Request<'_>, _: &mut SearchRng) -> Result<Vec<Proposal>, BoxError> {
        self.0.store(true, Ordering::Relaxed);
        Ok(Vec::new())
    }
}

/// Once, the search began what others proposed in its place, which no repetition would do.
#[test]
fn nothing_takes_the_place_of_proposals_that_a_stop_prevented() {
    let (partition, stop) = (Partition::whole(), AtomicBool::new(false));
    let search = Search::new(nasbench201::space(), &partition, settings(60)).with_stop_flag(&stop);
    let outcome = search.run(&mut Stopped(&stop), &mut Busy::new(3, 1), &mut |_| {}).unwrap();
    assert!(outcome.interrupted);
    assert!(outcome.evaluated.iter().all(|one| one.proposer == "random"));
}
