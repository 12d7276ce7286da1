//! Evolution that chooses among children by what the search has learnt.

use nas_space::Arch;

use super::mating::{Mating, breed};
use crate::{BoxError, Polarity, Proposal, Proposer, Request, SearchRng, Searcher};

/// Evolution that chooses among children by what the search has learnt, without a language model.
///
/// It makes children as [`Evolution`](crate::Evolution) does, and proposes the better of two: the one
/// with the lower weighted costs, as the knowledge base's effects predict them. Each `do` rule that a
/// child meets lowers its cost, and each `avoid` rule raises it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Statistical;

/// Children of which one proposal is the best. More would follow the additive model's errors:
/// measured over 18 pairs of data set and device, 2 is the best at 100, 200 and 600 evaluations.
const CHILDREN: usize = 2;

/// As in PEL-NAS.
const CROSSOVER: f64 = 0.5;

/// By how much a rule changes a cost, in units of the front's range: enough to decide between nearly
/// equal children.
const RULE: f64 = 0.01;

impl Statistical {
    /// The proposer's name in results.
    pub const NAME: &'static str = "statistical";
}

pub(super) const SEARCHER: Searcher = Searcher {
    name: Statistical::NAME,
    summary: "Evolution that ranks children by statistics of what the search has evaluated",
    make: |_| Ok(Box::new(Statistical)),
};

impl Proposer for Statistical {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn is_stateless(&self) -> bool {
        true
    }

    fn propose(
        &mut self,
        request: &Request<'_>,
        rng: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError> {
        let rules = request.rules();
        let Request { space, objectives, evaluated, .. } = *request;
        let effects = request.knowledge().effects(space, objectives, evaluated);
        let cost = |mating: &Mating<'_>, child: &Arch, weights: &[f64]| {
            let costs = effects.iter().zip(mating.ranges()).zip(weights);
            let predicted: f64 = costs
                .map(|((effects, range), weight)| weight * effects.predict(child) / range)
                .sum();
            let rules: f64 = rules
                .iter()
                .filter(|rule| rule.condition.is_met(request.space, child))
                .map(|rule| if rule.polarity == Polarity::Do { -RULE } else { RULE })
                .sum();
            predicted + rules * weights.iter().sum::<f64>()
        };
        breed(request, rng, |mating, rng| {
            let weights = mating.weights(rng);
            let parents = mating.parents(&weights);
            let children = (0..CHILDREN).map(|_| mating.child(&parents, CROSSOVER, rng));
            let mut children: Vec<Arch> = children.collect();
            let cost = |child: &Arch| cost(mating, child, &weights);
            children.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
            children.swap_remove(0)
        })
    }
}
