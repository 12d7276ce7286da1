//! Which architectures a device can run.

use nas_space::{Arch, Space};

use crate::Evaluated;

/// How likely a device can run an architecture, learnt from those that it could and could not run.
///
/// Some devices run only part of a space (HW-NAS-Bench's Edge TPU fails on 30 % of
/// NAS-Bench-201, mostly because of a single choice), and evaluations spent there are lost.
#[derive(Debug, Clone)]
pub(crate) struct Feasibility {
    /// For each decision and choice, the number of architectures that have all objectives, and the
    /// number of all, each plus one: a choice that was never tried counts as feasible.
    counts: Vec<Vec<(f64, f64)>>,
}

impl Feasibility {
    /// Without evidence.
    pub fn new(space: &Space) -> Self {
        let decisions = space.decisions().iter();
        Self { counts: decisions.map(|at| vec![(1.0, 1.0); at.choices.len()]).collect() }
    }

    /// Learns from one more architecture.
    pub fn learn(&mut self, one: &Evaluated) {
        if one.stopped {
            return;
        }
        let complete = f64::from(u8::from(one.values.iter().all(Option::is_some)));
        for (counts, &choice) in self.counts.iter_mut().zip(one.arch.choices()) {
            let (feasible, all) = &mut counts[usize::from(choice)];
            *feasible += complete;
            *all += 1.0;
        }
    }

    /// The least share over the architecture's choices, above 0, at most 1.
    pub fn of(&self, arch: &Arch) -> f64 {
        let counts = self.counts.iter().zip(arch.choices());
        let shares = counts.map(|(counts, &choice)| counts[usize::from(choice)]);
        shares.map(|(feasible, all)| feasible / all).fold(1.0, f64::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nas_space::nasbench201;

    #[test]
    fn a_choice_that_always_fails_becomes_unlikely_and_no_other() {
        let mut feasibility = Feasibility::new(nasbench201::space());
        for arch in nasbench201::space().enumerate().step_by(7) {
            feasibility.learn(&Evaluated {
                values: vec![(arch.choices()[2] != 4).then_some(1.0)],
                arch,
                details: vec![],
                failure: None,
                stopped: false,
                niche: 0,
                generation: 0,
                proposer: String::new(),
                rationale: None,
            });
        }
        assert!(feasibility.of(&Arch::new([1, 1, 4, 1, 1, 1])) < 0.01);
        assert!(feasibility.of(&Arch::new([4, 4, 1, 4, 4, 4])) > 0.7);
    }

    #[test]
    fn without_evidence_every_architecture_is_feasible() {
        let feasibility = Feasibility::new(nasbench201::space());
        assert!((feasibility.of(&Arch::new([0; 6])) - 1.0).abs() < f64::EPSILON);
    }
}
