//! What a search found.

use std::cmp::Ordering;

use nas_pareto::Archive;
use nas_partition::Niche;
use nas_space::Arch;

use crate::{Evaluated, KnowledgeBase, Objective};

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The objectives, in the order of the values.
    pub objectives: Vec<Objective>,
    /// Every evaluated architecture, in order of evaluation.
    pub evaluated: Vec<Evaluated>,
    /// The niches at the end.
    pub niches: Vec<Niche>,
    /// The rules and effects that it learnt.
    pub knowledge: KnowledgeBase,
    /// Whether the search was stopped before its end.
    pub interrupted: bool,
}

/// The answer to "the best within these limits".
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Within<'a> {
    /// The best architecture within all limits.
    Best(&'a Evaluated),
    /// None is within them; this one exceeds them by the least factor.
    Nearest(&'a Evaluated),
    /// No eligible architecture has a value of each objective.
    Nothing,
}

impl Outcome {
    /// The non-dominated architectures, best in the first objective last.
    ///
    /// Of architectures with equal objectives only the first found is on it.
    pub fn front(&self) -> Vec<&Evaluated> {
        self.front_of(|_| true)
    }

    /// The non-dominated ones of the first architectures evaluated, in the same order.
    pub fn front_after(&self, evaluations: usize) -> Vec<&Evaluated> {
        self.front_among(self.evaluated.iter().take(evaluations))
    }

    /// The non-dominated ones of those architectures that `belongs` accepts, in the same order.
    pub fn front_of(&self, belongs: impl Fn(&Evaluated) -> bool) -> Vec<&Evaluated> {
        self.front_among(self.evaluated.iter().filter(|evaluated| belongs(evaluated)))
    }

    fn front_among<'a>(
        &self,
        evaluated: impl Iterator<Item = &'a Evaluated>,
    ) -> Vec<&'a Evaluated> {
        let directions = Objective::directions(&self.objectives);
        // Without objectives there is no front. The search checks that values are finite.
        let Ok(mut archive) = Archive::new(&directions) else { return Vec::new() };
        for evaluated in evaluated {
            if let Some(values) = evaluated.complete() {
                let _ = archive.insert(&values, evaluated);
            }
        }
        archive.iter().rev().map(|member| member.payload).collect()
    }

    /// The architecture that is best in the first objective among those that keep all limits
    /// and that `eligible` accepts; ties go to the lower cost in the later objectives.
    ///
    /// `excess` is the greatest factor by which an architecture exceeds a limit; at most 1 where it keeps
    /// all.
    pub fn best_within(
        &self,
        excess: impl Fn(&Evaluated) -> f64,
        eligible: impl Fn(&Arch) -> bool,
    ) -> Within<'_> {
        let costs = |evaluated: &Evaluated| {
            let values = self.objectives.iter().zip(evaluated.complete()?);
            Some(values.map(|(objective, value)| objective.cost(value)).collect::<Vec<f64>>())
        };
        let candidates: Vec<Candidate<'_>> = self
            .evaluated
            .iter()
            .filter(|evaluated| eligible(&evaluated.arch))
            .filter_map(|evaluated| {
                let excess = excess(evaluated);
                Some(Candidate { evaluated, costs: costs(evaluated)?, excess })
            })
            .collect();
        let cheaper = |a: &&Candidate<'_>, b: &&Candidate<'_>| {
            a.costs.partial_cmp(&b.costs).unwrap_or(Ordering::Equal)
        };
        let nearer = |a: &&Candidate<'_>, b: &&Candidate<'_>| a.excess.total_cmp(&b.excess);
        let within = candidates.iter().filter(|candidate| candidate.excess <= 1.0);
        match (within.min_by(cheaper), candidates.iter().min_by(nearer)) {
            (Some(best), _) => Within::Best(best.evaluated),
            (None, Some(nearest)) => Within::Nearest(nearest.evaluated),
            (None, None) => Within::Nothing,
        }
    }
}

struct Candidate<'a> {
    evaluated: &'a Evaluated,
    costs: Vec<f64>,
    excess: f64,
}
