use std::collections::HashSet;

use nas_partition::Partition;
use nas_space::{Arch, Error as SpaceError, Space};

use crate::{
    BoxError, Evaluated, KnowledgeBase, Objective, Rule, SearchRng, feasibility::Feasibility,
};

/// Suggests architectures for a niche: a language model, evolution, random sampling.
pub trait Proposer {
    /// The name under which its proposals are counted.
    fn name(&self) -> &str;

    /// At most `request.count` architectures for the niche. Fewer, or wrong ones, are allowed:
    /// the search validates every proposal and fills what is missing, by the statistical proposer
    /// and by random sampling.
    ///
    /// # Errors
    /// A proposer that fails costs its niche this generation's proposals, not the search.
    fn propose(
        &mut self,
        request: &Request<'_>,
        rng: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError>;

    /// Whether what it answers follows from the request and the random numbers alone. A search with
    /// such a proposer can be taken up between any two generations; else it is taken up from its
    /// first evaluation, with what was recorded.
    fn is_stateless(&self) -> bool {
        false
    }

    /// The answers for all niches of a generation, in order. A proposer that waits for something
    /// outside, or that states rules, has its own.
    fn propose_all(
        &mut self,
        requests: &[Request<'_>],
        rng: &mut SearchRng,
    ) -> Vec<Result<Answer, BoxError>> {
        let answer = |request| Ok(Answer { proposals: self.propose(request, rng)?, rules: vec![] });
        requests.iter().map(answer).collect()
    }
}

/// What a proposer says to one request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// The architectures it suggests.
    pub proposals: Vec<Proposal>,
    /// What it has learnt from the architectures shown; the knowledge base counts the evidence.
    pub rules: Vec<Rule>,
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
    /// What the search has learnt so far.
    pub knowledge: &'a KnowledgeBase,
    /// How many proposals are wanted.
    pub count: usize,
    /// Generations done before this one.
    pub generation: usize,
    pub(crate) seen: &'a HashSet<Arch>,
    /// Whether architectures of other niches may be parents too.
    pub(crate) shared: bool,
    /// Of those that may be parents the non-dominated.
    pub(crate) front: &'a [&'a Evaluated],
    /// Of those that may be parents the ones that few others dominate, oldest first.
    pub(crate) nearly_best: &'a [&'a Evaluated],
    pub(crate) feasibility: &'a Feasibility,
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

impl Request<'_> {
    /// Whether the search would take the architecture.
    pub fn check(&self, arch: &Arch) -> Result<(), Refusal> {
        check(self.space, self.partition, self.niche, self.seen, arch)
    }

    /// Which rules hold for the proposals: the niche's own, then those for all.
    pub fn rules(&self) -> Vec<&Rule> {
        // Where the whole space is one niche, rules of niches are of other requests' niches.
        let whole = self.partition.niches().len() < 2;
        let rules = self.knowledge.rules_for(self.niche).into_iter();
        rules.filter(|rule| !whole || rule.niche.is_none()).collect()
    }

    /// Everything evaluated that may be a parent, oldest first.
    pub(crate) fn pool(&self) -> impl DoubleEndedIterator<Item = &Evaluated> {
        self.evaluated.iter().filter(|one| self.shared || one.niche == self.niche)
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
