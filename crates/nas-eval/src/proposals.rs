//! How good single proposals were, by true values.

use std::collections::{BTreeMap, HashMap, HashSet};

use nas_pareto::{Direction, PointSet, hypervolume_gain, non_dominated};
use nas_partition::Partition;
use nas_search::Evaluated;
use nas_space::Arch;

use crate::{Error, Truth};

/// How good single proposals were, by true values.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct ProposalScores {
    /// The proposals that have all true values.
    pub proposals: usize,
    /// The share that no member of the niche's front dominated or equalled when it was proposed.
    pub entered: f64,
    /// The mean percentile, from 0 to 1, of what a proposal adds to the hypervolume of the niche's front,
    /// among all architectures of the niche that were not evaluated before. Of equal ones half count as
    /// less, so that the mean of uniform proposals is 0.5.
    pub percentile: f64,
}

impl Truth {
    /// Scores the proposals of a search that satisfy `of`, each against what had been evaluated in its niche
    /// before its generation. The initial sample is left out. `None` where there are none.
    ///
    /// # Errors
    /// None for a truth that was constructed; passed on from the computation.
    pub fn score_proposals(
        &self,
        partition: &Partition,
        evaluated: &[Evaluated],
        of: impl Fn(&Evaluated) -> bool,
    ) -> Result<Option<ProposalScores>, Error> {
        let niches = partition.niches().len();
        let mut unseen: Vec<HashSet<&Arch>> = vec![HashSet::new(); niches];
        for (arch, _) in self.costs() {
            unseen[partition.niche_of(arch)].insert(arch);
        }
        let mut fronts: Vec<Vec<&[f64]>> = vec![Vec::new(); niches];
        let (mut proposals, mut entered, mut percentiles) = (0, 0.0, 0.0);
        for generation in evaluated.chunk_by(|a, b| a.generation == b.generation) {
            let mut by_niche: BTreeMap<usize, Vec<&Evaluated>> = BTreeMap::new();
            for one in generation.iter().filter(|one| one.generation > 0 && of(one)) {
                by_niche.entry(partition.niche_of(&one.arch)).or_default().push(one);
            }
            for (niche, proposed) in by_niche {
                let gains = self.gains(&fronts[niche], &unseen[niche])?;
                let mut sorted: Vec<f64> = gains.values().copied().collect();
                sorted.sort_by(f64::total_cmp);
                for one in proposed {
                    let (Some(&gain), Some(costs)) =
                        (gains.get(&one.arch), self.cost_of(&one.arch))
                    else {
                        continue;
                    };
                    let less = sorted.partition_point(|other| *other < gain);
                    let no_more = sorted.partition_point(|other| *other <= gain);
                    proposals += 1;
                    percentiles += (less + no_more) as f64 / 2.0 / sorted.len() as f64;
                    let is_beaten = fronts[niche].iter().any(|member| is_no_worse(member, costs));
                    entered += f64::from(u8::from(!is_beaten));
                }
            }
            for one in generation {
                let niche = partition.niche_of(&one.arch);
                unseen[niche].remove(&one.arch);
                if let Some(costs) = self.cost_of(&one.arch)
                    && !fronts[niche].iter().any(|member| is_no_worse(member, costs))
                {
                    fronts[niche].retain(|member| !is_no_worse(costs, member));
                    fronts[niche].push(costs);
                }
            }
        }
        let count = proposals as f64;
        Ok((proposals > 0).then(|| ProposalScores {
            proposals,
            entered: entered / count,
            percentile: percentiles / count,
        }))
    }

    /// What each architecture truly adds to the hypervolume of some that were evaluated; 0 where it lacks a
    /// value.
    ///
    /// # Errors
    /// None for a truth that was constructed; passed on from the computation.
    pub fn gains_of<'b>(
        &self,
        evaluated: &[&Arch],
        architectures: impl Iterator<Item = &'b Arch>,
    ) -> Result<Vec<f64>, Error> {
        let reference = self.reference();
        let minimised = vec![Direction::Minimise; reference.len()];
        let known = evaluated.iter().filter_map(|arch| self.cost_of(arch));
        let all = PointSet::from_rows(known, &minimised)?;
        let rows: Vec<&[f64]> = all.as_points().iter().collect();
        let front = non_dominated(&all)?.into_iter().map(|at| rows[at]);
        let front = PointSet::from_rows(front, &minimised)?;
        let gain = |arch: &Arch| match self.cost_of(arch) {
            Some(costs) => Ok(hypervolume_gain(&front, costs, reference)?),
            None => Ok(0.0),
        };
        architectures.map(gain).collect()
    }

    /// What each of some architectures adds to the hypervolume of a front.
    fn gains<'a>(
        &self,
        front: &[&[f64]],
        architectures: &HashSet<&'a Arch>,
    ) -> Result<HashMap<&'a Arch, f64>, Error> {
        let reference = self.reference();
        let minimised = vec![Direction::Minimise; reference.len()];
        let front = PointSet::from_rows(front, &minimised)?;
        let known = architectures.iter().filter_map(|arch| Some((*arch, self.cost_of(arch)?)));
        let gains =
            known.map(|(arch, costs)| Ok((arch, hypervolume_gain(&front, costs, reference)?)));
        gains.collect()
    }
}

/// Whether costs are nowhere greater than others.
fn is_no_worse(costs: &[f64], others: &[f64]) -> bool {
    costs.iter().zip(others).all(|(cost, other)| cost <= other)
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;
    use nas_search::Objective;

    use super::*;

    fn arch(choice: u8) -> Arch {
        Arch::new([choice])
    }

    fn evaluated(choice: u8, generation: usize, proposer: &str) -> Evaluated {
        Evaluated {
            arch: arch(choice),
            // What the search saw does not count.
            values: vec![None, None],
            details: vec![],
            failure: None,
            stopped: false,
            niche: 0,
            generation,
            proposer: proposer.to_owned(),
            rationale: None,
        }
    }

    /// Costs (0, 1), (1, 0), (0.5, 0.5), (0.2, 0.9), (0.9, 0.9), (0.6, 0.6).
    fn truth() -> Truth {
        let objectives = [Objective::minimise("a", ""), Objective::minimise("b", "")];
        let rows = [(0.0, 1.0), (1.0, 0.0), (0.5, 0.5), (0.2, 0.9), (0.9, 0.9), (0.6, 0.6)];
        let rows = rows.into_iter().enumerate();
        let rows = rows.map(|(at, (a, b))| (arch(at as u8), vec![Some(a), Some(b)]));
        Truth::new(&objectives, rows).unwrap()
    }

    fn score(evaluated: &[Evaluated]) -> ProposalScores {
        let whole = Partition::whole();
        let of = |one: &Evaluated| one.proposer == "model";
        truth().score_proposals(&whole, evaluated, of).unwrap().unwrap()
    }

    #[test]
    fn proposals_are_ranked_by_what_they_add_among_all_that_are_new() {
        // The front is (0.5, 0.5). Gains: 0 by the ends of the front, which lie on the reference, by
        // (0.9, 0.9) and by (0.6, 0.6); 0.03 by (0.2, 0.9), the best of five.
        let sample = evaluated(2, 0, "model");
        let one = score(&[sample.clone(), evaluated(3, 1, "model"), evaluated(0, 1, "other")]);
        assert_eq!(one.proposals, 1);
        assert_relative_eq!(one.entered, 1.0);
        assert_relative_eq!(one.percentile, 0.9);
        // Four are equally bad.
        let other = score(&[sample.clone(), evaluated(5, 1, "model")]);
        assert_relative_eq!(other.entered, 0.0);
        assert_relative_eq!(other.percentile, 0.4);
        // An end of the front enters, although it adds nothing.
        assert_relative_eq!(score(&[sample, evaluated(0, 1, "model")]).entered, 1.0);
    }

    #[test]
    fn uniform_proposals_are_in_the_middle() {
        let sample = evaluated(2, 0, "random");
        let all = [0, 1, 3, 4, 5].map(|choice| evaluated(choice, 1, "model"));
        let all = [&[sample][..], &all].concat();
        assert_relative_eq!(score(&all).percentile, 0.5);
    }

    #[test]
    fn later_generations_are_compared_with_what_was_evaluated_by_then() {
        let all = [
            evaluated(4, 0, "random"),
            evaluated(5, 1, "model"),
            // It beats what the sample found, but not what the last generation did.
            evaluated(2, 2, "other"),
            evaluated(3, 3, "model"),
        ];
        let scores = score(&all);
        assert_eq!(scores.proposals, 2);
        assert_relative_eq!(scores.entered, 1.0);
        // (0.6, 0.6) adds 0.15 to the hypervolume of (0.9, 0.9), less than (0.5, 0.5) and more than three
        // others; then (0.2, 0.9) is the best of three.
        assert_relative_eq!(scores.percentile, f64::midpoint(0.7, 2.5 / 3.0));
    }
}
