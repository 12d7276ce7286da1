use rand::{Rng, RngExt};

use crate::{Arch, Space};

impl Space {
    /// An architecture drawn uniformly from the space.
    pub fn sample(&self, rng: &mut impl Rng) -> Arch {
        let choices = self.decisions().iter();
        let choices = choices.map(|decision| rng.random_range(0..decision.choices.len()) as u8);
        Arch::new(choices.collect::<Vec<u8>>())
    }

    /// The architecture with another choice at one decision, both drawn uniformly.
    ///
    /// A space in which no decision has a second choice returns the architecture as it is.
    pub fn mutate(&self, arch: &Arch, rng: &mut impl Rng) -> Arch {
        let open: Vec<usize> = (0..self.decisions().len())
            .filter(|&i| self.decisions()[i].choices.len() > 1)
            .collect();
        if open.is_empty() {
            return arch.clone();
        }
        self.mutate_at(arch, open[rng.random_range(0..open.len())], rng)
    }

    /// The architecture with another choice at the decision of that position, drawn uniformly; as it
    /// is where there is no other.
    pub fn mutate_at(&self, arch: &Arch, decision: usize, rng: &mut impl Rng) -> Arch {
        let choices = self.decisions().get(decision).map_or(0, |decision| decision.choices.len());
        if choices < 2 {
            return arch.clone();
        }
        let current = arch.choices()[decision];
        let other = rng.random_range(0..choices - 1) as u8;
        arch.with(decision, if other < current { other } else { other + 1 })
    }

    /// Every architecture that differs in exactly one decision.
    pub fn neighbours<'a>(&'a self, arch: &'a Arch) -> impl Iterator<Item = Arch> + 'a {
        self.decisions().iter().enumerate().flat_map(move |(at, decision)| {
            let others = (0..decision.choices.len()).map(|choice| choice as u8);
            others
                .filter(move |&choice| choice != arch.choices()[at])
                .map(move |c| arch.with(at, c))
        })
    }

    /// Uniform crossover: each choice from either parent with equal probability.
    pub fn crossover(&self, one: &Arch, other: &Arch, rng: &mut impl Rng) -> Arch {
        let pairs = one.choices().iter().zip(other.choices());
        let choices = pairs.map(|(&a, &b)| if rng.random::<bool>() { a } else { b });
        Arch::new(choices.collect::<Vec<u8>>())
    }

    /// Every architecture, in lexicographic order of the choices.
    pub fn enumerate(&self) -> impl Iterator<Item = Arch> + '_ {
        let first = Some(Arch::new(vec![0; self.decisions().len()]));
        std::iter::successors(first, |arch| self.successor(arch))
    }

    fn successor(&self, arch: &Arch) -> Option<Arch> {
        let mut choices = arch.choices().to_vec();
        for (choice, decision) in choices.iter_mut().zip(self.decisions()).rev() {
            if usize::from(*choice) + 1 < decision.choices.len() {
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

    use crate::nasbench201;

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
