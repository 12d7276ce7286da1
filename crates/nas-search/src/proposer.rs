use std::collections::HashSet;

use nas_pareto::PointSet;
use nas_partition::Partition;
use nas_space::{Arch, Error as SpaceError, Space};

use crate::{BoxError, Evaluated, Objective, SearchRng};

/// Suggests architectures for a niche: a language model, evolution, random sampling.
pub trait Proposer {
    /// The name under which its proposals are counted.
    fn name(&self) -> &str;

    /// At most `request.count` architectures for the niche. Fewer, or wrong ones, are allowed:
    /// the search validates every proposal and fills what is missing by random sampling.
    ///
    /// # Errors
    /// A proposer that fails costs its niche this generation's proposals, not the search.
    fn propose(
        &mut self,
        request: &Request<'_>,
        rng: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError>;
}

/// A suggested architecture and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The architecture.
    pub arch: Arch,
    /// Why it was suggested, in the proposer's words.
    pub rationale: Option<String>,
}

/// What a proposer is asked for.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The space.
    pub space: &'a Space,
    /// Its niches.
    pub partition: &'a Partition,
    /// The niche that proposals must lie in, by its position.
    pub niche: usize,
    /// The objectives, in the order of the parents' values.
    pub objectives: &'a [Objective],
    /// The niche's non-dominated architectures, best in the first objective first; empty at
    /// the start.
    pub parents: &'a [&'a Evaluated],
    /// Everything evaluated so far, in all niches, oldest first.
    pub evaluated: &'a [Evaluated],
    /// How many proposals are wanted.
    pub count: usize,
    /// Generations done before this one.
    pub generation: usize,
    pub(crate) seen: &'a HashSet<Arch>,
}

/// Why a proposal was not taken.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// It is not in the space.
    Illegal(SpaceError),
    /// It was evaluated before, or proposed twice.
    Duplicate,
    /// It lies in another niche.
    OutsideNiche {
        /// The niche that it lies in.
        niche: usize,
    },
}

impl<'a> Request<'a> {
    /// Whether the search would take the architecture.
    pub fn check(&self, arch: &Arch) -> Result<(), Refusal> {
        check(self.space, self.partition, self.niche, self.seen, arch)
    }

    /// The parents' crowding distances, in their order: infinite at the ends of the front, large
    /// next to its gaps.
    ///
    /// # Errors
    /// Passed on from the computation; parents have all objectives.
    pub fn crowding(&self) -> Result<Vec<f64>, nas_pareto::Error> {
        nas_pareto::crowding_distance(&self.points(self.parents)?)
    }

    /// The architectures of the niche that only its parents dominate.
    ///
    /// # Errors
    /// Passed on from the computation; what lacks an objective is left out.
    pub fn second_front(&self) -> Result<Vec<&'a Evaluated>, nas_pareto::Error> {
        let parents: HashSet<&Arch> = self.parents.iter().map(|parent| &parent.arch).collect();
        let mine = self.evaluated.iter().filter(|one| one.niche == self.niche);
        let dominated: Vec<&Evaluated> = mine
            .filter(|one| one.values.iter().all(Option::is_some) && !parents.contains(&one.arch))
            .collect();
        if dominated.is_empty() {
            return Ok(dominated);
        }
        let second = nas_pareto::non_dominated(&self.points(&dominated)?)?;
        Ok(second.into_iter().map(|position| dominated[position]).collect())
    }

    fn points(&self, evaluated: &[&Evaluated]) -> Result<PointSet, nas_pareto::Error> {
        let directions: Vec<_> = self.objectives.iter().map(|o| o.direction).collect();
        PointSet::from_rows(evaluated.iter().filter_map(|one| one.complete()), &directions)
    }

    /// New architectures of the niche, each the first acceptable of at most `tries` that `draw`
    /// makes; fewer than `count` where the tries run out.
    pub fn draw(&self, tries: usize, mut draw: impl FnMut() -> Arch) -> Vec<Arch> {
        let mut drawn: Vec<Arch> = Vec::with_capacity(self.count);
        'proposals: for _ in 0..self.count {
            for _ in 0..tries {
                let arch = draw();
                if self.check(&arch).is_ok() && !drawn.contains(&arch) {
                    drawn.push(arch);
                    continue 'proposals;
                }
            }
            break;
        }
        drawn
    }
}

/// The validator: an architecture is taken if it is legal, new, and inside the niche.
pub(crate) fn check(
    space: &Space,
    partition: &Partition,
    niche: usize,
    seen: &HashSet<Arch>,
    arch: &Arch,
) -> Result<(), Refusal> {
    space.check(arch).map_err(Refusal::Illegal)?;
    if seen.contains(arch) {
        return Err(Refusal::Duplicate);
    }
    match partition.niche_of(arch) {
        found if found == niche => Ok(()),
        found => Err(Refusal::OutsideNiche { niche: found }),
    }
}
