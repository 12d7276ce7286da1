//! New architectures made from evaluated ones by few edits.

use std::ops::Range;

use nas_space::Arch;
use rand::{
    RngExt,
    seq::{SliceRandom, index},
};

use crate::{
    Evaluated, Request, SearchRng,
    request::{SAMPLES, TRIES},
};

/// The largest number of decisions in which a child differs from its parent, before decisions that an
/// edit activates.
const EDITS: usize = 2;

/// The share of a slate that is made by crossover; as in PEL-NAS.
const CROSSOVER: f64 = 0.5;

/// An architecture that differs from its parent in few decisions.
#[derive(Debug, Clone, PartialEq)]
pub struct Child<'a> {
    /// The architecture.
    pub arch: Arch,
    /// The one that it was made from; `None` for a random architecture.
    pub parent: Option<&'a Evaluated>,
}

/// Positions of so many candidates in groups of about equal size, in order; no more groups than candidates.
pub fn groups(candidates: usize, groups: usize) -> impl Iterator<Item = Range<usize>> {
    let groups = groups.min(candidates);
    (0..groups).map(move |group| group * candidates / groups..(group + 1) * candidates / groups)
}

impl<'a> Request<'a> {
    /// Different architectures that the search would accept, made from the [parents](Self::parents) by one
    /// or two edits. Parents, numbers of edits, decisions and choices are drawn uniformly. `crossover` is
    /// the share that takes its edits from another parent. Where a child of a kind is not found, another
    /// kind takes its place, and last a random architecture; fewer than `count` where there are none.
    pub fn children(&self, count: usize, crossover: f64, rng: &mut SearchRng) -> Vec<Child<'a>> {
        let mut children: Vec<Child<'a>> = Vec::with_capacity(count);
        for at in 0..count {
            // Spread evenly: of any first so many, this share is crossed.
            let is_crossed =
                ((at + 1) as f64 * crossover).floor() > (at as f64 * crossover).floor();
            let is_new = |arch: &Arch, children: &[Child<'_>]| {
                children.iter().all(|other| other.arch != *arch) && self.check(arch).is_ok()
            };
            let mut find = |tries, draw: &mut dyn FnMut(&mut SearchRng) -> Option<Child<'a>>| {
                let drawn = std::iter::repeat_with(|| draw(rng)).take(tries);
                drawn.map_while(|child| child).find(|child| is_new(&child.arch, &children))
            };
            let crossed = if is_crossed { find(TRIES, &mut |rng| self.crossed(rng)) } else { None };
            let child = crossed.or_else(|| find(TRIES, &mut |rng| self.mutated(rng)));
            let sampled =
                |rng: &mut SearchRng| Some(Child { arch: self.sample(rng), parent: None });
            let Some(child) = child.or_else(|| find(SAMPLES, &mut { sampled })) else { break };
            children.push(child);
        }
        children
    }

    /// The candidates that one is chosen from for each wanted proposal: [children](Self::children), half of
    /// them by crossover, in random order; at least twice as many as are wanted.
    pub fn slate(&self, candidates: usize, rng: &mut SearchRng) -> Vec<Child<'a>> {
        let mut slate = self.children(candidates.max(2 * self.count), CROSSOVER, rng);
        slate.shuffle(rng);
        slate
    }

    /// A parent with other choices at one or two decisions.
    fn mutated(&self, rng: &mut SearchRng) -> Option<Child<'a>> {
        let parent = self.parent(rng)?;
        let active = self.space.active(&parent.arch);
        let decisions = self.space.decisions().iter().zip(active).enumerate();
        let open = decisions.filter(|(_, (at, active))| *active && at.choices.len() > 1);
        let open: Vec<usize> = open.map(|(at, _)| at).collect();
        let mut arch = parent.arch.clone();
        for at in some_of(&open, open.len(), rng) {
            arch = self.space.mutate_at(&arch, at, rng);
        }
        Some(Child { arch, parent: Some(parent) })
    }

    /// A parent with one or two choices of another one. Two that differ in no more have no such child.
    fn crossed(&self, rng: &mut SearchRng) -> Option<Child<'a>> {
        if self.parents.len() < 2 {
            return None;
        }
        let parent = self.parent(rng)?;
        let other = self.parent(rng)?;
        let pairs = parent.arch.choices().iter().zip(other.arch.choices()).enumerate();
        let differ: Vec<usize> = pairs.filter(|(_, (a, b))| a != b).map(|(at, _)| at).collect();
        let mut arch = parent.arch.clone();
        // All of them would make the other parent.
        for at in some_of(&differ, differ.len().saturating_sub(1), rng) {
            arch = arch.with(at, other.arch.choices()[at]);
        }
        Some(Child { arch: self.space.settle(arch), parent: Some(parent) })
    }

    /// A member of the niche's front; where it has none, of that of all niches whose members may be
    /// parents.
    fn parent(&self, rng: &mut SearchRng) -> Option<&'a Evaluated> {
        let parents = if self.parents.is_empty() { &self.front } else { &self.parents };
        (!parents.is_empty()).then(|| parents[rng.random_range(0..parents.len())])
    }
}

/// One or two of some decisions, with equal probability, at most `most`.
fn some_of(decisions: &[usize], most: usize, rng: &mut SearchRng) -> Vec<usize> {
    let count = rng.random_range(1..=EDITS).min(most);
    index::sample(rng, decisions.len(), count).into_iter().map(|at| decisions[at]).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use nas_partition::Partition;
    use nas_space::nasbench201::space;
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;
    use crate::Objective;

    /// Random cells, whose values are a trade-off: all of a niche are on its front.
    fn evaluated(partition: &Partition, count: usize, rng: &mut SearchRng) -> Vec<Evaluated> {
        let one = |at: usize| {
            let arch = space().sample(rng);
            Evaluated {
                niche: partition.niche_of(&arch),
                arch,
                values: vec![Some(at as f64), Some(1.0 + at as f64)],
                details: vec![],
                failure: None,
                stopped: false,
                generation: 0,
                proposer: "random".to_owned(),
                rationale: None,
            }
        };
        (0..count).map(one).collect()
    }

    fn edits(child: &Child<'_>) -> usize {
        let parent = child.parent.unwrap();
        child.arch.choices().iter().zip(parent.arch.choices()).filter(|(a, b)| a != b).count()
    }

    proptest! {
        #[test]
        fn children_are_accepted_and_one_or_two_edits_from_a_parent(
            seed: u64,
            count in 1_usize..20,
            crossover in 0.0_f64..=1.0,
        ) {
            let rng = &mut SearchRng::seed_from_u64(seed);
            let partition = Partition::pel_nas(space()).unwrap();
            let objectives = [Objective::accuracy("accuracy"), Objective::latency()];
            let evaluated = evaluated(&partition, 60, rng);
            let niche = rng.random_range(0..6);
            let request = Request::new(space(), &partition, &objectives)
                .with_niche(niche)
                .with_evaluated(&evaluated);
            let children = request.children(count, crossover, rng);
            prop_assert_eq!(children.len(), count);
            let distinct: HashSet<&Arch> = children.iter().map(|child| &child.arch).collect();
            prop_assert_eq!(distinct.len(), count);
            for child in &children {
                prop_assert!(request.check(&child.arch).is_ok());
                if let Some(parent) = child.parent {
                    prop_assert!(request.parents.contains(&parent));
                    prop_assert!((1..=2).contains(&edits(child)));
                } else {
                    prop_assert!(request.parents.is_empty() || niche == 0 || niche == 5);
                }
            }
        }
    }

    #[test]
    fn half_of_the_children_take_their_choices_from_another_parent() {
        let whole = Partition::whole();
        let objectives = [Objective::accuracy("accuracy"), Objective::latency()];
        // Both parents have only two of the five operations.
        let mut evaluated = evaluated(&whole, 2, &mut SearchRng::seed_from_u64(0));
        evaluated[0].arch = Arch::new([1; 6]);
        evaluated[1].arch = Arch::new([3; 6]);
        let request = Request::new(space(), &whole, &objectives).with_evaluated(&evaluated);
        let (mut crossed, mut of_two, mut all) = (0.0, 0.0, 0.0);
        for seed in 0..100 {
            let children = request.children(12, 0.5, &mut SearchRng::seed_from_u64(seed));
            for child in &children {
                all += 1.0;
                let is_of_both = child.arch.choices().iter().all(|choice| [1, 3].contains(choice));
                crossed += f64::from(u8::from(is_of_both));
                of_two += f64::from(u8::from(edits(child) == 2));
            }
        }
        // Few mutants have only these two operations: one in four of one edit, one in sixteen of two.
        let share = crossed / all;
        assert!((0.5..0.65).contains(&share), "{share}");
        let share = of_two / all;
        assert!((0.45..0.65).contains(&share), "{share}");
    }

    #[test]
    fn where_all_near_the_parents_are_evaluated_others_are_drawn() {
        let whole = Partition::whole();
        let objectives = [Objective::accuracy("accuracy"), Objective::latency()];
        let mut evaluated = evaluated(&whole, 1, &mut SearchRng::seed_from_u64(0));
        let parent = evaluated[0].clone();
        let near = |arch: &Arch| {
            let pairs = arch.choices().iter().zip(parent.arch.choices());
            (1..=2).contains(&pairs.filter(|(a, b)| a != b).count())
        };
        // Worse than the parent, so that it alone is one.
        let others = space().enumerate().filter(near);
        let others = others.map(|arch| Evaluated {
            arch,
            values: vec![Some(-1.0), Some(9.0)],
            ..parent.clone()
        });
        evaluated.extend(others);
        let request = Request::new(space(), &whole, &objectives).with_evaluated(&evaluated);
        let children = request.children(5, 0.5, &mut SearchRng::seed_from_u64(1));
        assert_eq!(children.len(), 5);
        assert!(children.iter().all(|child| child.parent.is_none()));
    }
}
