//! The seam behind which architectures are proposed.

use crate::{BoxError, Proposal, Rejection, Request, Rule, SearchRng};

/// Proposes architectures for a niche: evolution, random sampling, a language model.
pub trait Proposer {
    /// The name under which results show its proposals.
    fn name(&self) -> &str;

    /// At most `request.count` architectures for the niche. Fewer, or wrong ones, are allowed: the
    /// search validates every proposal, and fills what is missing by the statistical proposer and
    /// by random sampling.
    ///
    /// # Errors
    /// A proposer that fails loses its niche's proposals of this generation; the search continues.
    fn propose(
        &mut self,
        request: &Request<'_>,
        rng: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError>;

    /// Whether its proposals follow from the request and the random numbers alone. A search with
    /// such a proposer can be resumed between any two generations; any other search is resumed from
    /// its first evaluation, with what was recorded.
    fn is_stateless(&self) -> bool {
        false
    }

    /// Whether it is asked for a generation at a time also where evaluations run at the same time, since
    /// each question is dear.
    fn in_generations(&self) -> bool {
        false
    }

    /// The answers for all niches of a generation, in order. A proposer that waits for a server, or
    /// that states rules, implements it.
    fn propose_all(
        &mut self,
        requests: &[Request<'_>],
        rng: &mut SearchRng,
    ) -> Vec<Result<Answer, BoxError>> {
        let answer =
            |request| Ok(Answer { proposals: self.propose(request, rng)?, ..Answer::default() });
        requests.iter().map(answer).collect()
    }

    /// Called for each of its proposals that the search rejects.
    fn rejected(&mut self, _proposal: &Proposal, _why: &Rejection) {}

    /// Why it can never propose anything, which ends the search; asked after each generation's requests.
    fn gives_up(&mut self) -> Option<BoxError> {
        None
    }
}

/// [`Proposer::propose`] of a proposer that answers requests in [`Proposer::propose_all`].
///
/// # Errors
/// Those of its answer.
pub fn propose_by_all(
    proposer: &mut dyn Proposer,
    request: &Request<'_>,
    rng: &mut SearchRng,
) -> Result<Vec<Proposal>, BoxError> {
    let mut answers = proposer.propose_all(std::slice::from_ref(request), rng).into_iter();
    answers.next().map_or_else(|| Ok(Vec::new()), |answer| Ok(answer?.proposals))
}

/// A proposer's answer to one request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// The architectures that it proposes.
    pub proposals: Vec<Proposal>,
    /// The rules that it states. The knowledge base counts their evidence.
    pub rules: Vec<Rule>,
    /// Proposals that name no architecture. They are counted as rejected.
    pub unreadable: usize,
}
