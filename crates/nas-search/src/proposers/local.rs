//! Pareto local search.

use std::collections::HashSet;

use nas_space::Arch;
use rand::{RngExt, seq::SliceRandom};

use crate::{BoxError, Proposal, Proposer, Request, SearchRng, Searcher};

/// Pareto local search (Paquete, Chiarandini & Stützle 2004; as a searcher of architectures with a
/// single objective: White, Nolen & Savani 2021): all neighbours of a random member of the front,
/// which differ from it in one decision, then those of the next.
///
/// Where the neighbours of all members are evaluated, the search fills by the statistical proposer or
/// by random sampling, in place of a restart.
#[derive(Debug, Clone, Default)]
pub struct LocalSearch {
    explored: HashSet<Arch>,
}

impl LocalSearch {
    /// The proposer's name in results.
    pub const NAME: &'static str = "local";
}

pub(super) const SEARCHER: Searcher = Searcher {
    name: LocalSearch::NAME,
    summary: "Pareto local search: all neighbours of members of the front",
    make: |_| Ok(Box::new(LocalSearch::default())),
};

impl Proposer for LocalSearch {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn propose(
        &mut self,
        request: &Request<'_>,
        rng: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError> {
        let mut proposals: Vec<Proposal> = Vec::new();
        let mut open: Vec<&Arch> = request.front.iter().map(|member| &member.arch).collect();
        open.retain(|arch| !self.explored.contains(*arch));
        while proposals.len() < request.count && !open.is_empty() {
            let member = open.swap_remove(rng.random_range(0..open.len()));
            let mut neighbours: Vec<Arch> = request.space.neighbours(member).collect();
            neighbours.retain(|arch| {
                request.check(arch).is_ok() && proposals.iter().all(|other| other.arch != *arch)
            });
            neighbours.shuffle(rng);
            let room = request.count - proposals.len();
            if neighbours.len() <= room {
                self.explored.insert(member.clone());
            }
            proposals.extend(neighbours.into_iter().take(room).map(Proposal::from));
        }
        Ok(proposals)
    }
}
