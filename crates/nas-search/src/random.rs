use crate::{BoxError, Proposal, Proposer, Request, SearchRng};

/// Uniform random sampling within the niche: the baseline of every comparison.
#[derive(Debug, Clone, Copy, Default)]
pub struct Random;

/// A niche may be a small part of the space; beyond this many draws it counts as exhausted.
const TRIES: usize = 20_000;

impl Proposer for Random {
    fn name(&self) -> &'static str {
        "random"
    }

    fn is_stateless(&self) -> bool {
        true
    }

    fn propose(
        &mut self,
        request: &Request<'_>,
        rng: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError> {
        let drawn = request.draw(TRIES, || request.space.sample(rng));
        Ok(drawn.into_iter().map(|arch| Proposal { arch, rationale: None }).collect())
    }
}
