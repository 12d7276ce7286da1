//! What a proposer is asked for.

use std::{borrow::Cow, collections::HashSet};

use nas_partition::Partition;
use nas_space::{Arch, Space};

use crate::{
    Candidates, Evaluated, KnowledgeBase, Objective, Proposal, Rejection, Rule, SearchRng,
    archives::Archives, feasibility::Feasibility, rejection::check,
};

/// Tries for one new child: where all neighbours of the parents are evaluated, there may be none.
pub(crate) const TRIES: usize = 50;

/// A niche may be a small part of the space; after this many random draws without a new architecture it
/// counts as exhausted.
pub(crate) const SAMPLES: usize = 20_000;

/// What a proposer is asked for: new architectures of one niche.
///
/// A search makes one for each niche and generation. To test a proposer or a prompt without a search,
/// make one by hand:
///
/// ```
/// use nas_partition::Partition;
/// use nas_search::{BoxError, Evaluated, Objective, Proposal, Proposer, Request, SearchRng};
/// use nas_space::{Arch, nasbench201};
/// use rand::SeedableRng;
///
/// /// Proposes all neighbours of the best architecture.
/// struct Neighbours;
///
/// impl Proposer for Neighbours {
///     fn name(&self) -> &str {
///         "neighbours"
///     }
///
///     fn propose(
///         &mut self,
///         request: &Request<'_>,
///         _: &mut SearchRng,
///     ) -> Result<Vec<Proposal>, BoxError> {
///         let Some(best) = request.parents.first() else { return Ok(Vec::new()) };
///         let neighbours = request.space.neighbours(&best.arch);
///         let new = neighbours.filter(|arch| request.check(arch).is_ok());
///         Ok(new.take(request.count).map(Proposal::from).collect())
///     }
/// }
///
/// let space = nasbench201::space();
/// let partition = Partition::whole();
/// let objectives = [Objective::accuracy("accuracy"), Objective::latency()];
/// let one = |arch, accuracy, latency| Evaluated {
///     arch,
///     values: vec![Some(accuracy), Some(latency)],
///     details: vec![],
///     failure: None,
///     stopped: false,
///     niche: 0,
///     generation: 0,
///     proposer: "random".to_owned(),
///     rationale: None,
/// };
/// let best = Arch::new([3; 6]);
/// let evaluated = [one(Arch::new([1; 6]), 60.0, 5.0), one(best.clone(), 90.0, 4.0)];
///
/// let request = Request::new(space, &partition, &objectives)
///     .with_evaluated(&evaluated)
///     .with_count(5);
/// let proposals = Neighbours.propose(&request, &mut SearchRng::seed_from_u64(0))?;
/// assert_eq!(proposals.len(), 5);
/// assert!(space.neighbours(&best).any(|arch| arch == proposals[0].arch));
/// # Ok::<(), BoxError>(())
/// ```
#[derive(Clone)]
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
    pub parents: Vec<&'a Evaluated>,
    /// Everything evaluated so far, in all niches, oldest first.
    pub evaluated: &'a [Evaluated],
    /// How many proposals are wanted.
    pub count: usize,
    /// The generation's number; 0 is the initial sample.
    pub generation: usize,
    /// Architectures that are being evaluated now, oldest first.
    pub pending: Vec<&'a Arch>,
    pub(crate) candidates: Option<&'a Candidates<'a>>,
    pub(crate) knowledge: Cow<'a, KnowledgeBase>,
    /// What was evaluated or proposed before.
    pub(crate) seen: Cow<'a, HashSet<Arch>>,
    /// Whether architectures of other niches may be parents too.
    pub(crate) shared: bool,
    /// The non-dominated ones of all that may be parents.
    pub(crate) front: Vec<&'a Evaluated>,
    /// The ones that few others dominate of all that may be parents, oldest first.
    pub(crate) nearly_best: Vec<&'a Evaluated>,
    pub(crate) feasibility: Cow<'a, Feasibility>,
}

impl<'a> Request<'a> {
    /// A request for one proposal in the first niche, in generation 1, before anything is
    /// evaluated or learnt.
    pub fn new(space: &'a Space, partition: &'a Partition, objectives: &'a [Objective]) -> Self {
        Self {
            space,
            partition,
            niche: 0,
            objectives,
            parents: Vec::new(),
            evaluated: &[],
            count: 1,
            generation: 1,
            pending: Vec::new(),
            candidates: None,
            knowledge: Cow::default(),
            seen: Cow::default(),
            shared: false,
            front: Vec::new(),
            nearly_best: Vec::new(),
            feasibility: Cow::Owned(Feasibility::new(space)),
        }
    }

    /// In this niche, by its position.
    #[must_use]
    pub fn with_niche(self, niche: usize) -> Self {
        let evaluated = self.evaluated;
        Self { niche, ..self }.with_evaluated(evaluated)
    }

    /// With these evaluated architectures, oldest first. The [parents](Self::parents) are the
    /// non-dominated ones of the niche. Each has a finite value or `None` for each objective, and
    /// names the niche that it lies in.
    #[must_use]
    pub fn with_evaluated(mut self, evaluated: &'a [Evaluated]) -> Self {
        self.evaluated = evaluated;
        self.seen = Cow::Owned(evaluated.iter().map(|one| one.arch.clone()).collect());
        let niches = self.partition.niches().len();
        // Without objectives there are no parents.
        if let Ok(archives) = Archives::of(self.space, self.objectives, niches, evaluated) {
            self.parents = archives.front(self.niche, evaluated);
            self.front.clone_from(&self.parents);
            self.nearly_best = archives.nearly_best(self.niche, evaluated);
            self.feasibility = Cow::Owned(archives.feasibility);
        }
        self
    }

    /// With this knowledge base.
    #[must_use]
    pub fn with_knowledge(self, knowledge: &'a KnowledgeBase) -> Self {
        Self { knowledge: Cow::Borrowed(knowledge), ..self }
    }

    /// Of these architectures only.
    #[must_use]
    pub fn with_candidates(self, candidates: &'a Candidates<'a>) -> Self {
        Self { candidates: Some(candidates), ..self }
    }

    /// For this many proposals.
    #[must_use]
    pub fn with_count(self, count: usize) -> Self {
        Self { count, ..self }
    }

    /// In this generation.
    #[must_use]
    pub fn with_generation(self, generation: usize) -> Self {
        Self { generation, ..self }
    }

    /// What the search has learnt so far.
    pub fn knowledge(&self) -> &KnowledgeBase {
        &self.knowledge
    }

    /// The rules for the proposals: the niche's own, then those for all niches.
    pub fn rules(&self) -> Vec<&Rule> {
        // Where the whole space is one niche, the rules of niches belong to other requests.
        let whole = self.partition.niches().len() < 2;
        let rules = self.knowledge.rules_for(self.niche).into_iter();
        rules.filter(|rule| !whole || rule.niche.is_none()).collect()
    }

    /// Whether the search would accept the architecture.
    ///
    /// # Errors
    /// Why it would be rejected.
    pub fn check(&self, arch: &Arch) -> Result<(), Rejection> {
        check(self.space, self.partition, self.niche, &self.seen, self.candidates, arch)
    }

    /// Whether an architecture is among the candidates, evaluated or not.
    pub fn is_candidate(&self, arch: &Arch) -> bool {
        self.candidates.is_none_or(|candidates| candidates.contains(arch))
    }

    /// How likely an architecture can be evaluated, by the choices of those that could and could not:
    /// above 0, at most 1.
    pub fn feasibility(&self, arch: &Arch) -> f64 {
        self.feasibility.of(arch)
    }

    /// A random architecture of the candidates, or of the space; it may be one that the search would
    /// reject.
    pub fn sample(&self, rng: &mut SearchRng) -> Arch {
        match self.candidates {
            Some(candidates) => candidates.sample(self.space, rng),
            None => self.space.sample(rng),
        }
    }

    /// The list of candidates, if there is one.
    pub fn listed(&self) -> Option<&'a [Arch]> {
        self.candidates.and_then(Candidates::list)
    }

    /// Proposals of new architectures of the niche, each the first acceptable one of at most `tries`
    /// that `draw` makes; fewer than `count` where the tries are used up.
    pub fn draw(&self, tries: usize, mut draw: impl FnMut() -> Arch) -> Vec<Proposal> {
        let mut drawn: Vec<Proposal> = Vec::with_capacity(self.count);
        'proposals: for _ in 0..self.count {
            for _ in 0..tries {
                let arch = draw();
                if self.check(&arch).is_ok() && drawn.iter().all(|other| other.arch != arch) {
                    drawn.push(arch.into());
                    continue 'proposals;
                }
            }
            break;
        }
        drawn
    }

    /// Everything evaluated that may be a parent, oldest first.
    pub fn pool(&self) -> impl DoubleEndedIterator<Item = &'a Evaluated> {
        let Self { evaluated, shared, niche, .. } = *self;
        evaluated.iter().filter(move |one| shared || one.niche == niche)
    }
}
