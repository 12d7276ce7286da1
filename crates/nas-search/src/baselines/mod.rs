//! Searchers of the literature, to compare with.

mod local;
mod map_elites;
mod nsga2;
mod regularised;
#[cfg(feature = "spea2")]
mod spea2;

pub use local::LocalSearch;
pub use map_elites::MapElites;
pub use nsga2::Nsga2;
pub use regularised::RegularisedEvolution;
#[cfg(feature = "spea2")]
pub use spea2::Spea2;

use nas_pareto::PointSet;
use nas_space::Arch;

use crate::{BoxError, Objective, Proposal, Request};

/// How often a child is drawn again that is known already or lies in another niche.
const TRIES: usize = 50;

/// Rows of objectives as costs: less is better.
fn costs(objectives: &[Objective], rows: &[Vec<f64>]) -> Result<PointSet, BoxError> {
    let directions: Vec<_> = objectives.iter().map(|objective| objective.direction).collect();
    Ok(PointSet::from_rows(rows, &directions)?)
}

/// As many new children of the niche as are asked for, or as can be found.
fn children(request: &Request<'_>, child: impl FnMut() -> Arch) -> Vec<Proposal> {
    let children = request.draw(TRIES, child).into_iter();
    children.map(|arch| Proposal { arch, rationale: None }).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use nas_partition::{Axis, Partition};
    use nas_space::nasbench201::space;

    use super::*;
    use crate::{Evaluated, Evaluation, Evaluator, Outcome, Proposer, Random, Search, Settings};

    /// As accurate as it has convolutions of 3×3, as slow as it has operations; what pools first
    /// cannot be run.
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
                Evaluation { values: vec![accuracy, latency], details: vec![] }
            };
            Ok(architectures.iter().map(evaluate).collect())
        }
    }

    fn search(proposer: &mut dyn Proposer, partition: &Partition, seed: u64) -> Outcome {
        let objectives =
            [Objective::maximise("accuracy", "%"), Objective::minimise("latency", "ms")];
        let settings = Settings { evaluations: 300, initial: 50, seed, ..Settings::default() };
        Search::new(space(), partition, settings)
            .run(proposer, &mut Toy(objectives), &mut |_| {})
            .unwrap()
    }

    fn baselines() -> [Box<dyn Proposer>; 4] {
        let operations = Axis::count_others(space(), &["none"]).unwrap();
        let all: Vec<Arch> = space().enumerate().collect();
        [
            Box::new(LocalSearch::default()),
            Box::new(RegularisedEvolution::default()),
            Box::new(Nsga2::new(30)),
            Box::new(MapElites {
                cells: Partition::by_quantiles(operations, &all, 7).unwrap(),
                crossover: 0.5,
            }),
        ]
    }

    /// What is missing, at each latency, of the accuracy that is to be had there.
    fn loss(outcome: &Outcome) -> f64 {
        let best = |latency: f64| {
            let within = |one: &&Evaluated| one.values[1].is_some_and(|ms| ms <= latency);
            let evaluated = outcome.evaluated.iter().filter(within);
            evaluated.filter_map(|one| one.values[0]).fold(0.0, f64::max)
        };
        (1..=6).map(|latency| f64::from(latency) - best(f64::from(latency))).sum()
    }

    #[test]
    fn all_find_more_than_chance_by_their_own_proposals_in_any_partition() {
        for partition in [Partition::whole(), Partition::pel_nas(space()).unwrap()] {
            let chance: f64 =
                (1..=5).map(|seed| loss(&search(&mut Random, &partition, seed))).sum();
            for at in 0..baselines().len() {
                let found = (1..=5).map(|seed| {
                    let proposer = &mut baselines()[at];
                    let outcome = search(&mut **proposer, &partition, seed);
                    let distinct: HashSet<&Arch> =
                        outcome.evaluated.iter().map(|one| &one.arch).collect();
                    assert_eq!(distinct.len(), 300);
                    let own =
                        outcome.evaluated.iter().filter(|one| one.proposer == proposer.name());
                    assert!(own.count() > 50, "{}", proposer.name());
                    loss(&outcome)
                });
                let found: f64 = found.sum();
                assert!(found < chance, "{}: {found}, by chance {chance}", baselines()[at].name());
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_search() {
        for at in 0..baselines().len() {
            let run = |seed| search(&mut *baselines()[at], &Partition::whole(), seed);
            assert_eq!(run(3), run(3));
            assert_ne!(run(3), run(4));
        }
    }

    /// The library knows no niches.
    #[cfg(feature = "spea2")]
    #[test]
    fn the_librarys_optimiser_finds_more_than_chance_and_its_thread_ends() {
        let whole = Partition::whole();
        let run = |seed| search(&mut Spea2::new(30), &whole, seed);
        let found: f64 = (1..=5).map(|seed| loss(&run(seed))).sum();
        let chance: f64 = (1..=5).map(|seed| loss(&search(&mut Random, &whole, seed))).sum();
        assert!(found < chance, "{found}, by chance {chance}");
        let outcome = run(3);
        let own = outcome.evaluated.iter().filter(|one| one.proposer == "spea2");
        assert!(own.count() > 100);
        assert_eq!(outcome, run(3));
        assert_ne!(outcome, run(4));
    }
}
