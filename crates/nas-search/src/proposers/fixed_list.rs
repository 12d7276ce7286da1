//! A proposer of given architectures.

use nas_space::Arch;

use crate::{BoxError, Proposal, Proposer, Request, SearchRng};

/// Proposes the architectures of a list, in order: all of a space, or those that a table has values
/// for.
#[derive(Debug, Clone, PartialEq)]
pub struct FixedList {
    name: String,
    open: Vec<Arch>,
}

impl FixedList {
    /// A proposer of these architectures, under this name in results, for example `exhaustive`.
    pub fn new(name: impl Into<String>, architectures: impl IntoIterator<Item = Arch>) -> Self {
        Self { name: name.into(), open: architectures.into_iter().collect() }
    }
}

impl Proposer for FixedList {
    fn name(&self) -> &str {
        &self.name
    }

    fn propose(
        &mut self,
        request: &Request<'_>,
        _: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError> {
        let (mut proposed, mut open): (Vec<Arch>, Vec<Arch>) =
            self.open.drain(..).partition(|arch| request.partition.niche_of(arch) == request.niche);
        let later = proposed.split_off(request.count.min(proposed.len()));
        open.splice(0..0, later);
        self.open = open;
        Ok(proposed.into_iter().map(Proposal::from).collect())
    }
}
