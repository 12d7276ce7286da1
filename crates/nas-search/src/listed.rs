use std::collections::VecDeque;

use nas_space::Arch;

use crate::{BoxError, Proposal, Proposer, Request, SearchRng};

/// Proposes given architectures, in order: for spaces of which only a list is of interest.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    open: VecDeque<Arch>,
}

impl Listed {
    /// A proposer of these architectures.
    pub fn new(architectures: impl IntoIterator<Item = Arch>) -> Self {
        Self { open: architectures.into_iter().collect() }
    }
}

impl Proposer for Listed {
    fn name(&self) -> &'static str {
        "listed"
    }

    fn propose(
        &mut self,
        request: &Request<'_>,
        _: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError> {
        let (proposed, open): (Vec<Arch>, Vec<Arch>) =
            self.open.drain(..).partition(|arch| request.partition.niche_of(arch) == request.niche);
        let (now, later) = proposed.split_at(request.count.min(proposed.len()));
        self.open = later.iter().cloned().chain(open).collect();
        Ok(now.iter().cloned().map(|arch| Proposal { arch, rationale: None }).collect())
    }
}
