//! Architectures of a space: sampled, mutated, crossed, and all in turn.

use rand::{Rng, RngExt};

use crate::{Arch, Space};

/// Architectures drawn to find one that satisfies the constraints.
const TRIES: usize = 1000;

impl Space {
    /// An architecture whose active decisions are drawn uniformly, from the first to the last. Where
    /// all are active, all architectures are equally likely. Where 1,000 in a row violate a
    /// constraint, the last of them is returned.
    pub fn sample(&self, rng: &mut impl Rng) -> Arch {
        let mut arch = self.draw(rng);
        for _ in 1..TRIES {
            if self.violation(&arch).is_none() {
                break;
            }
            arch = self.draw(rng);
        }
        arch
    }

    /// As [`Space::sample`], but the architecture may violate constraints.
    pub(crate) fn draw(&self, rng: &mut impl Rng) -> Arch {
        self.choose(|at| rng.random_range(0..self.decisions()[at].choices.len()) as u8)
    }

    /// The architecture with the choice that `choice` returns for each active decision, in order.
    fn choose(&self, mut choice: impl FnMut(usize) -> u8) -> Arch {
        let decisions = self.decisions().len();
        let (mut choices, mut active) =
            (Vec::with_capacity(decisions), Vec::with_capacity(decisions));
        for at in 0..decisions {
            active.push(self.is_active(at, &active, &choices));
            choices.push(if active[at] { choice(at) } else { 0 });
        }
        Arch::new(choices)
    }

    /// The architecture with another choice at one decision, both drawn uniformly; decisions that
    /// this activates are drawn too.
    ///
    /// A space in which no decision has a second choice returns the architecture as it is.
    pub fn mutate(&self, arch: &Arch, rng: &mut impl Rng) -> Arch {
        let active = self.active(arch);
        let open: Vec<usize> = (0..self.decisions().len())
            .filter(|&i| active[i] && self.decisions()[i].choices.len() > 1)
            .collect();
        if open.is_empty() {
            return arch.clone();
        }
        self.mutate_at(arch, open[rng.random_range(0..open.len())], rng)
    }

    /// The architecture with another choice at the decision of that position, drawn uniformly; as it
    /// is where there is no other, or the decision is inactive.
    pub fn mutate_at(&self, arch: &Arch, decision: usize, rng: &mut impl Rng) -> Arch {
        let choices = self.decisions().get(decision).map_or(0, |decision| decision.choices.len());
        let active = self.active(arch);
        if choices < 2 || !active[decision] {
            return arch.clone();
        }
        let current = arch.choices()[decision];
        let other = rng.random_range(0..choices - 1) as u8;
        let mutant = arch.with(decision, if other < current { other } else { other + 1 });
        self.choose(|at| {
            let choices = self.decisions()[at].choices.len();
            if active[at] { mutant.choices()[at] } else { rng.random_range(0..choices) as u8 }
        })
    }

    /// Every architecture that differs in exactly one active decision; decisions that this activates
    /// take their first choice.
    pub fn neighbours<'a>(&'a self, arch: &'a Arch) -> impl Iterator<Item = Arch> + 'a {
        let active = self.active(arch);
        let decisions = self.decisions().iter().enumerate().filter(move |(at, _)| active[*at]);
        decisions.flat_map(move |(at, decision)| {
            let others = (0..decision.choices.len()).map(|choice| choice as u8);
            others
                .filter(move |&choice| choice != arch.choices()[at])
                .map(move |choice| self.settle(arch.with(at, choice)))
                .filter(|arch| self.violation(arch).is_none())
        })
    }

    /// Uniform crossover: each choice from either parent with equal probability, or from the one in
    /// which the decision is active.
    pub fn crossover(&self, one: &Arch, other: &Arch, rng: &mut impl Rng) -> Arch {
        let active = [self.active(one), self.active(other)];
        self.choose(|at| {
            let from_one = match [active[0][at], active[1][at]] {
                [true, false] => true,
                [false, true] => false,
                _ => rng.random::<bool>(),
            };
            if from_one { one.choices()[at] } else { other.choices()[at] }
        })
    }

    /// Every architecture, in lexicographic order of the choices.
    pub fn enumerate(&self) -> impl Iterator<Item = Arch> + '_ {
        let first = Some(Arch::new(vec![0; self.decisions().len()]));
        let all = std::iter::successors(first, |arch| self.successor(arch));
        all.filter(|arch| self.violation(arch).is_none())
    }

    fn successor(&self, arch: &Arch) -> Option<Arch> {
        let mut choices = arch.choices().to_vec();
        let active = self.active(arch);
        for ((choice, decision), active) in
            choices.iter_mut().zip(self.decisions()).zip(active).rev()
        {
            if active && usize::from(*choice) + 1 < decision.choices.len() {
                *choice += 1;
                return Some(Arch::new(choices));
            }
            *choice = 0;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use crate::{Arch, Decision, Space, nasbench201};

    proptest! {
        #[test]
        fn variation_stays_in_the_space(seed: u64) {
            let space = nasbench201::space();
            let rng = &mut ChaCha8Rng::seed_from_u64(seed);
            let (one, other) = (space.sample(rng), space.sample(rng));
            let mutant = space.mutate(&one, rng);
            let child = space.crossover(&one, &other, rng);
            for arch in [&one, &other, &mutant, &child] {
                prop_assert_eq!(space.check(arch), Ok(()));
            }
            let neighbours: Vec<_> = space.neighbours(&one).collect();
            prop_assert_eq!(neighbours.len(), 24);
            prop_assert!(neighbours.contains(&mutant) && !neighbours.contains(&one));
            let changed = one.choices().iter().zip(mutant.choices()).filter(|(a, b)| a != b);
            prop_assert_eq!(changed.count(), 1);
            for ((a, b), c) in one.choices().iter().zip(other.choices()).zip(child.choices()) {
                prop_assert!(c == a || c == b);
            }
        }
    }

    /// A depth of 1 to 3; each layer beyond the first is active from its depth on.
    fn layered() -> Space {
        let mut decisions = vec![Decision::new("depth", ["1", "2", "3"])];
        for (layer, from) in [(1, 0), (2, 1), (3, 2)] {
            let kernel = Decision::new(format!("kernel {layer}"), ["3", "5", "7"]);
            decisions.push(kernel.active_while(0, (from..3).collect::<Vec<u8>>()));
        }
        Space::new("layered", "", decisions, "{} {} {} {}", None).unwrap()
    }

    proptest! {
        #[test]
        fn variation_keeps_inactive_decisions_settled(seed: u64) {
            let space = layered();
            let rng = &mut ChaCha8Rng::seed_from_u64(seed);
            let (one, other) = (space.sample(rng), space.sample(rng));
            let (mutant, child) = (space.mutate(&one, rng), space.crossover(&one, &other, rng));
            for arch in [&one, &other, &mutant, &child].into_iter().cloned().chain(space.neighbours(&one)) {
                prop_assert_eq!(space.check(&arch), Ok(()));
            }
            prop_assert_ne!(&mutant, &one);
            // Every active choice of the child is active in a parent that has it.
            let parents = [&one, &other].map(|parent| (parent, space.active(parent)));
            for (at, active) in space.active(&child).into_iter().enumerate() {
                let given = |(parent, active): &(&Arch, Vec<bool>)| active[at] && parent.choices()[at] == child.choices()[at];
                prop_assert!(!active || parents.iter().any(given));
            }
        }
    }

    #[test]
    fn every_depth_is_drawn_as_often() {
        let space = layered();
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let deep = (0..3000).filter(|_| space.sample(rng).choices()[0] == 2).count();
        assert!((900..1100).contains(&deep), "{deep}");
    }

    #[test]
    fn enumeration_is_complete_and_in_order() {
        let all: Vec<_> = nasbench201::space().enumerate().collect();
        assert_eq!(all.len(), nasbench201::CELLS);
        assert!(all.is_sorted());
    }

    #[test]
    fn mutation_reaches_every_other_choice() {
        let space = nasbench201::space();
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let start = space.sample(rng);
        let reached: std::collections::BTreeSet<_> =
            (0..1000).map(|_| space.mutate(&start, rng)).collect();
        assert_eq!(reached.len(), 24);
    }
}
