use nas_space::{Arch, Space};

use crate::Evaluated;

/// How likely a device can run an architecture, learnt from what it could and could not run.
///
/// Some devices run only part of a space (HW-NAS-Bench's Edge TPU fails on 30 % of
/// NAS-Bench-201, most of it for a single choice), and evaluations spent there are lost.
pub(crate) struct Feasibility {
    /// For each decision and choice, the share of architectures with all objectives.
    shares: Vec<Vec<f64>>,
}

impl Feasibility {
    /// Learns from everything evaluated. A choice that has not been tried counts as feasible.
    pub fn learn(space: &Space, evaluated: &[Evaluated]) -> Self {
        let choices = |decision: usize| space.decisions()[decision].choices.len();
        let mut counts: Vec<Vec<(f64, f64)>> =
            (0..space.decisions().len()).map(|i| vec![(1.0, 1.0); choices(i)]).collect();
        for one in evaluated {
            let complete = f64::from(u8::from(one.values.iter().all(Option::is_some)));
            for (counts, &choice) in counts.iter_mut().zip(one.arch.choices()) {
                let (feasible, all) = &mut counts[usize::from(choice)];
                *feasible += complete;
                *all += 1.0;
            }
        }
        let share = |counts: Vec<(f64, f64)>| counts.iter().map(|(some, all)| some / all).collect();
        Self { shares: counts.into_iter().map(share).collect() }
    }

    /// The least share over the architecture's choices, above 0, at most 1.
    pub fn of(&self, arch: &Arch) -> f64 {
        let shares = self.shares.iter().zip(arch.choices());
        shares.map(|(shares, &choice)| shares[usize::from(choice)]).fold(1.0, f64::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nas_space::nasbench201;

    #[test]
    fn a_choice_that_always_fails_becomes_unlikely_and_others_stay() {
        let evaluated: Vec<Evaluated> = nasbench201::space()
            .enumerate()
            .step_by(7)
            .map(|arch| Evaluated {
                values: vec![(arch.choices()[2] != 4).then_some(1.0)],
                arch,
                details: vec![],
                niche: 0,
                generation: 0,
                proposer: String::new(),
                rationale: None,
            })
            .collect();
        let feasibility = Feasibility::learn(nasbench201::space(), &evaluated);
        assert!(feasibility.of(&Arch::new([1, 1, 4, 1, 1, 1])) < 0.01);
        assert!(feasibility.of(&Arch::new([4, 4, 1, 4, 4, 4])) > 0.7);
    }

    #[test]
    fn without_evidence_everything_is_feasible() {
        let feasibility = Feasibility::learn(nasbench201::space(), &[]);
        assert!((feasibility.of(&Arch::new([0; 6])) - 1.0).abs() < f64::EPSILON);
    }
}
