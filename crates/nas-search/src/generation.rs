//! The proposals of one generation: asked for, validated, and counted.

use std::{borrow::Cow, collections::HashSet};

use nas_partition::Partition;
use nas_space::{Arch, Space};

use crate::{
    Answer, BoxError, Candidates, Evaluated, KnowledgeBase, Objective, Proposal, Proposer,
    Rejections, Request, Rule, SearchRng, archives::Archives, rejection::check,
};

/// What proposals are made from.
pub(crate) struct Situation<'a> {
    pub space: &'a Space,
    pub partition: &'a Partition,
    /// The whole space as one niche.
    pub whole: &'a Partition,
    pub objectives: &'a [Objective],
    pub evaluated: &'a [Evaluated],
    pub archives: &'a Archives,
    pub knowledge: &'a KnowledgeBase,
    pub generation: usize,
    pub candidates: Option<&'a Candidates<'a>>,
    /// What is being evaluated now, oldest first.
    pub pending: &'a [Arch],
    /// Whether architectures of all niches are parents in each.
    pub shared: bool,
}

/// The proposals of one generation.
pub(crate) struct Proposals {
    /// The number still missing in each niche, and last in the whole space.
    open: Vec<usize>,
    pub accepted: Vec<Accepted>,
    pub rejections: Rejections,
    /// The rules that were stated.
    pub rules: Vec<Rule>,
}

/// An accepted proposal.
pub(crate) struct Accepted {
    pub niche: usize,
    pub generation: usize,
    pub proposer: String,
    pub proposal: Proposal,
}

impl Situation<'_> {
    /// The partition and the niche of a part: a niche, or after them the whole space.
    fn place(&self, part: usize) -> (&Partition, usize) {
        if part < self.archives.niches() { (self.partition, part) } else { (self.whole, 0) }
    }

    fn request<'a>(&'a self, part: usize, count: usize, seen: &'a HashSet<Arch>) -> Request<'a> {
        let Self { space, objectives, evaluated, archives, generation, shared, .. } = *self;
        let (partition, niche) = self.place(part);
        let parents = archives.front(part, evaluated);
        let pool = if shared { archives.niches() } else { part };
        Request {
            space,
            partition,
            niche,
            objectives,
            front: if shared { archives.front(pool, evaluated) } else { parents.clone() },
            parents,
            nearly_best: archives.nearly_best(pool, evaluated),
            evaluated,
            count,
            generation,
            pending: self.pending.iter().collect(),
            candidates: self.candidates,
            knowledge: Cow::Borrowed(self.knowledge),
            seen: Cow::Borrowed(seen),
            shared,
            feasibility: Cow::Borrowed(&archives.feasibility),
        }
    }
}

impl Proposals {
    /// No proposals yet. `wanted` holds the number wanted in each niche, and last in the whole space.
    pub fn new(wanted: &[usize]) -> Self {
        Self {
            open: wanted.to_vec(),
            accepted: Vec::new(),
            rejections: Rejections::default(),
            rules: Vec::new(),
        }
    }

    /// Asks a proposer for what is missing. `seen` holds what was evaluated or accepted before.
    /// Where the proposer fails for a niche, `failed` is called with the niche and the error.
    pub fn ask(
        &mut self,
        proposer: &mut dyn Proposer,
        situation: &Situation<'_>,
        seen: &mut HashSet<Arch>,
        rng: &mut SearchRng,
        failed: &mut dyn FnMut(usize, &BoxError),
    ) {
        let parts: Vec<usize> = (0..self.open.len()).filter(|&part| self.open[part] > 0).collect();
        if parts.is_empty() {
            return;
        }
        let request = |&part: &usize| situation.request(part, self.open[part], seen);
        let requests: Vec<Request<'_>> = parts.iter().map(request).collect();
        let answers = proposer.propose_all(&requests, rng);
        drop(requests);
        for (part, answer) in parts.into_iter().zip(answers) {
            let (partition, niche) = situation.place(part);
            let Answer { proposals, rules, unreadable } = answer.unwrap_or_else(|error| {
                failed(niche, &error);
                Answer::default()
            });
            self.rules.extend(rules);
            self.rejections.illegal += unreadable;
            for proposal in proposals {
                let Situation { space, candidates, generation, .. } = *situation;
                match check(space, partition, niche, seen, candidates, &proposal.arch) {
                    Ok(()) if self.open[part] > 0 => {
                        seen.insert(proposal.arch.clone());
                        self.accepted.push(Accepted {
                            niche: situation.partition.niche_of(&proposal.arch),
                            generation,
                            proposer: match &proposal.by {
                                Some(name) => name.clone(),
                                None => proposer.name().to_owned(),
                            },
                            proposal,
                        });
                        self.open[part] -= 1;
                    }
                    Ok(()) => {}
                    Err(rejection) => {
                        self.rejections.count(&rejection);
                        proposer.rejected(&proposal, &rejection);
                    }
                }
            }
        }
    }
}
