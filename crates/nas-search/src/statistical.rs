use nas_space::Arch;

use crate::{
    BoxError, Polarity, Proposal, Proposer, Request, SearchRng,
    mating::{Mating, breed},
};

/// Proposes by what the search has measured, without a language model.
///
/// Children are bred as by [`Evolution`](crate::Evolution); of two, the one is proposed whose
/// weighted costs are the lower by the knowledge base's effects, where each rule that the child
/// follows counts for it and each that it breaks against it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Statistical;

/// Children that one proposal is the best of. More would follow the additive model's errors:
/// measured over 18 pairs of dataset and device, 2 is the best at 100, 200 and 600 evaluations.
const CHILDREN: usize = 2;

/// As in PEL-NAS.
const CROSSOVER: f64 = 0.5;

/// What a rule counts, in the range of the front: enough to decide between near equals.
const RULE: f64 = 0.01;

impl Proposer for Statistical {
    fn name(&self) -> &'static str {
        "statistical"
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
        let effects = request.knowledge.effects(space, objectives, evaluated);
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
