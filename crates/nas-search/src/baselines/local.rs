use std::collections::HashSet;

use nas_space::Arch;
use rand::{RngExt, seq::SliceRandom};

use crate::{BoxError, Proposal, Proposer, Request, SearchRng};

/// Pareto local search (Paquete, Chiarandini & Stützle 2004; as a searcher of architectures with a
/// single objective: White, Nolen & Savani 2021): all neighbours of a random member of the front,
/// which differ from it in one decision, then those of the next.
///
/// Where the neighbours of all members are known, the search fills by statistics or by chance,
/// which stands for the restart.
#[derive(Debug, Clone, Default)]
pub struct LocalSearch {
    explored: HashSet<Arch>,
}

impl Proposer for LocalSearch {
    fn name(&self) -> &'static str {
        "local"
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
                request.check(arch).is_ok() && proposals.iter().all(|known| known.arch != *arch)
            });
            neighbours.shuffle(rng);
            let room = request.count - proposals.len();
            if neighbours.len() <= room {
                self.explored.insert(member.clone());
            }
            let taken = neighbours.into_iter().take(room);
            proposals.extend(taken.map(|arch| Proposal { arch, rationale: None }));
        }
        Ok(proposals)
    }
}
