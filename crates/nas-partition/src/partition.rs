//! A space cut into niches.

use nas_space::{Arch, Space};

use crate::{Axis, Error};

/// A space cut into disjoint niches. Every architecture lies in exactly one.
#[derive(Debug, Clone)]
pub struct Partition {
    axes: Vec<Axis>,
    niches: Vec<Niche>,
}

/// One niche: the architectures within all of its bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Niche {
    /// A human-readable description, also for prompts, for example `nor_conv_3x3 = 0, nor_conv_1x1 ≥
    /// 1`.
    pub description: String,
    /// The bounds that together define it.
    pub bounds: Vec<Bound>,
}

/// An interval on one axis: `at_least` ≤ value < `below`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    /// The axis, by its position in the partition.
    pub axis: usize,
    /// The least value inside; −∞ where there is none.
    pub at_least: f64,
    /// The least value above; ∞ where there is none.
    pub below: f64,
}

impl Partition {
    /// The whole space as one niche.
    pub fn whole() -> Self {
        let niche = Niche { description: "the whole space".into(), bounds: Vec::new() };
        Self { axes: Vec::new(), niches: vec![niche] }
    }

    /// The six niches of PEL-NAS on NAS-Bench-201 (arXiv 2510.01472): by the number of
    /// `nor_conv_3x3`, and without any by whether there is a `nor_conv_1x1`.
    ///
    /// # Errors
    /// A space without these two operations.
    pub fn pel_nas(space: &Space) -> Result<Self, Error> {
        const THREE: usize = 0;
        const ONE: usize = 1;
        let axes = vec![Axis::count(space, "nor_conv_3x3")?, Axis::count(space, "nor_conv_1x1")?];
        let between = |axis, at_least, below| Bound { axis, at_least, below };
        let none_of = |axis| between(axis, f64::NEG_INFINITY, 1.0);
        let exactly = |n: f64| between(THREE, n, n + 1.0);
        let bounds = vec![
            vec![none_of(THREE), none_of(ONE)],
            vec![none_of(THREE), between(ONE, 1.0, f64::INFINITY)],
            vec![exactly(1.0)],
            vec![exactly(2.0)],
            vec![exactly(3.0)],
            vec![between(THREE, 4.0, f64::INFINITY)],
        ];
        Ok(Self::from_bounds(axes, bounds))
    }

    /// A niche for each combination of choices of some decisions, for example one for each depth at each
    /// width. The decisions choose from whole numbers, and are always active.
    ///
    /// # Errors
    /// A decision that the space does not have, or whose choices are not increasing whole numbers.
    pub fn by_choices(space: &Space, decisions: &[&str]) -> Result<Self, Error> {
        let mut axes = Vec::new();
        let mut bounds: Vec<Vec<Bound>> = vec![Vec::new()];
        for (axis, name) in decisions.iter().enumerate() {
            let (decision, numbers) = Axis::of_decision(space, name)?;
            axes.push(decision);
            let each = |outer: Vec<Bound>| {
                let bound = |&number: &f64| Bound { axis, at_least: number, below: number + 1.0 };
                let inner = numbers.iter().map(bound);
                inner.map(|bound| [&outer[..], &[bound]].concat()).collect::<Vec<_>>()
            };
            bounds = bounds.into_iter().flat_map(each).collect();
        }
        Ok(Self::from_bounds(axes, bounds))
    }

    /// Niches between thresholds: below the first, from each up to the next, from the last on.
    ///
    /// # Errors
    /// [`Error::Thresholds`] unless they are finite and increase strictly.
    pub fn by_thresholds(axis: Axis, thresholds: &[f64]) -> Result<Self, Error> {
        let rising = thresholds.windows(2).all(|pair| pair[0] < pair[1]);
        if !rising || !thresholds.iter().all(|threshold| threshold.is_finite()) {
            return Err(Error::Thresholds {
                axis: axis.name().to_owned(),
                thresholds: thresholds.to_vec(),
            });
        }
        let lower = std::iter::once(f64::NEG_INFINITY).chain(thresholds.iter().copied());
        let upper = thresholds.iter().copied().chain(std::iter::once(f64::INFINITY));
        let bounds = lower
            .zip(upper)
            .map(|(at_least, below)| vec![Bound { axis: 0, at_least, below }])
            .collect();
        Ok(Self::from_bounds(vec![axis], bounds))
    }

    /// At most `niches` niches that hold about equally many architectures of the sample.
    ///
    /// There are fewer where the sample has too few different values: equal values stay together.
    ///
    /// # Errors
    /// [`Error::Quantiles`] for an empty sample or no niches.
    pub fn by_quantiles(axis: Axis, sample: &[Arch], niches: usize) -> Result<Self, Error> {
        if sample.is_empty() || niches == 0 {
            let (axis, sample) = (axis.name().to_owned(), sample.len());
            return Err(Error::Quantiles { axis, niches, sample });
        }
        let mut values: Vec<f64> = sample.iter().map(|arch| axis.value(arch)).collect();
        values.sort_unstable_by(f64::total_cmp);
        let mut thresholds: Vec<f64> = (1..niches)
            .map(|niche| values[niche * values.len() / niches])
            .filter(|threshold| threshold.is_finite() && *threshold > values[0])
            .collect();
        thresholds.dedup();
        Self::by_thresholds(axis, &thresholds)
    }

    fn from_bounds(axes: Vec<Axis>, bounds: Vec<Vec<Bound>>) -> Self {
        let describe = |bounds: &[Bound]| {
            let parts = bounds.iter().map(|bound| bound.describe(&axes[bound.axis]));
            parts.collect::<Vec<_>>().join(", ")
        };
        let niches = bounds
            .into_iter()
            .map(|bounds| Niche { description: describe(&bounds), bounds })
            .collect();
        Self { axes, niches }
    }

    /// The niches, in order of complexity.
    pub fn niches(&self) -> &[Niche] {
        &self.niches
    }

    /// Whether architectures of the niche may take the choice at the decision. It is `false` only
    /// where a single bound on a count or a sum excludes all of them; axes that are any function
    /// exclude nothing.
    pub fn admits(&self, niche: usize, decision: usize, choice: u8) -> bool {
        self.niches.get(niche).is_some_and(|niche| {
            niche.bounds.iter().all(|bound| {
                let (least, greatest) = self.axes[bound.axis].range_with(decision, choice);
                least < bound.below && greatest >= bound.at_least
            })
        })
    }

    /// The niche that an architecture lies in, by its position.
    ///
    /// A position that is not a number counts as the lowest.
    pub fn niche_of(&self, arch: &Arch) -> usize {
        let position = |bound: &Bound| {
            let value = self.axes[bound.axis].value(arch);
            if value.is_nan() { f64::NEG_INFINITY } else { value }
        };
        let inside = |bound: &Bound| {
            let value = position(bound);
            bound.at_least <= value && value < bound.below
        };
        let niche = self.niches.iter().position(|niche| niche.bounds.iter().all(inside));
        // Only +∞ is below no bound; it belongs to the highest niche.
        niche.unwrap_or(self.niches.len() - 1)
    }
}

impl Bound {
    fn describe(&self, axis: &Axis) -> String {
        let (name, at_least, below) = (axis.name(), self.at_least, self.below);
        let counted = axis.is_integral();
        match (at_least.is_finite(), below.is_finite()) {
            (false, false) => format!("any {name}"),
            (false, true) if counted && below <= 1.0 => format!("{name} = 0"),
            (false, true) if counted => format!("{name} ≤ {}", below.ceil() - 1.0),
            (false, true) => format!("{name} < {below}"),
            (true, false) => format!("{name} ≥ {at_least}"),
            (true, true) if counted && below - at_least <= 1.0 => format!("{name} = {at_least}"),
            (true, true) if counted => format!("{at_least} ≤ {name} ≤ {}", below.ceil() - 1.0),
            (true, true) => format!("{at_least} ≤ {name} < {below}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use nas_space::autoformer::Size;
    use nas_space::nasbench201::{self, Dataset};
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn sizes(partition: &Partition) -> Vec<usize> {
        let mut sizes = vec![0; partition.niches().len()];
        for arch in nasbench201::space().enumerate() {
            sizes[partition.niche_of(&arch)] += 1;
        }
        sizes
    }

    #[test]
    fn each_depth_at_each_width_is_a_niche() {
        let space = Size::Tiny.space();
        let partition = Partition::by_choices(space, &["embedding dimension", "depth"]).unwrap();
        let descriptions = partition.niches().iter().map(|niche| niche.description.as_str());
        let descriptions: Vec<_> = descriptions.collect();
        assert_eq!(descriptions.len(), 9);
        assert_eq!(descriptions[0], "embedding dimension = 192, depth = 12");
        assert_eq!(descriptions[5], "embedding dimension = 216, depth = 14");
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..100 {
            let arch = space.sample(&mut rng);
            let network = Size::Tiny.network(&arch).unwrap();
            let niche = &partition.niches()[partition.niche_of(&arch)];
            let (width, depth) = (network.embedding, network.layers.len());
            let expected = format!("embedding dimension = {width}, depth = {depth}");
            assert_eq!(niche.description, expected);
        }
        // Another width is outside the niche.
        assert!(partition.admits(0, 0, 0) && !partition.admits(0, 0, 1));
        for (decision, problem) in [("depht", "depth"), ("MLP ratio 1", "whole numbers")] {
            let error = Partition::by_choices(space, &[decision]).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }

    #[test]
    fn the_papers_niches_have_the_published_sizes() {
        let partition = Partition::pel_nas(nasbench201::space()).unwrap();
        assert_eq!(sizes(&partition), [729, 3367, 6144, 3840, 1280, 265]);
        let descriptions: Vec<_> =
            partition.niches().iter().map(|niche| niche.description.as_str()).collect();
        assert_eq!(
            descriptions,
            [
                "nor_conv_3x3 = 0, nor_conv_1x1 = 0",
                "nor_conv_3x3 = 0, nor_conv_1x1 ≥ 1",
                "nor_conv_3x3 = 1",
                "nor_conv_3x3 = 2",
                "nor_conv_3x3 = 3",
                "nor_conv_3x3 ≥ 4",
            ]
        );
    }

    #[test]
    fn operations_are_counted_as_everything_but_none() {
        let axis = Axis::count_others(nasbench201::space(), &["none"]).unwrap();
        let partition = Partition::by_thresholds(axis, &[3.0, 5.0]).unwrap();
        let binomial = [1, 24, 240, 1280, 3840, 6144, 4096];
        let expected =
            [binomial[..3].iter().sum(), binomial[3] + binomial[4], binomial[5] + binomial[6]];
        assert_eq!(sizes(&partition), expected);
        assert_eq!(partition.niches()[1].description, "3 ≤ not none ≤ 4");
    }

    #[test]
    fn a_choice_is_admitted_where_some_architecture_of_the_niche_has_it() {
        let space = nasbench201::space();
        let operations = Axis::count_others(space, &["none"]).unwrap();
        let flops = |arch: &Arch| nasbench201::flops(arch, Dataset::Cifar10) as f64;
        for partition in [
            Partition::pel_nas(space).unwrap(),
            Partition::by_thresholds(operations, &[1.0, 6.0]).unwrap(),
            Partition::by_thresholds(Axis::new("flops", flops), &[5e7]).unwrap(),
            Partition::whole(),
        ] {
            let mut taken = vec![[[false; 5]; 6]; partition.niches().len()];
            for arch in space.enumerate() {
                let niche = &mut taken[partition.niche_of(&arch)];
                for (decision, choice) in arch.choices().iter().enumerate() {
                    niche[decision][usize::from(*choice)] = true;
                }
            }
            for (niche, taken) in taken.iter().enumerate() {
                for (decision, taken) in taken.iter().enumerate() {
                    for (choice, taken) in (0..).zip(taken) {
                        assert_eq!(partition.admits(niche, decision, choice), *taken);
                    }
                }
            }
        }
        assert!(!Partition::whole().admits(1, 0, 0));
    }

    #[test]
    fn the_whole_space_is_one_niche() {
        assert_eq!(sizes(&Partition::whole()), [15_625]);
    }

    #[test]
    fn invalid_partitions_are_refused() {
        let axis = || Axis::new("size", |_| 0.0);
        for thresholds in [&[2.0, 1.0][..], &[1.0, 1.0], &[f64::NAN], &[f64::INFINITY]] {
            assert!(Partition::by_thresholds(axis(), thresholds).is_err(), "{thresholds:?}");
        }
        assert!(Partition::by_quantiles(axis(), &[], 2).is_err());
        assert!(Axis::count(nasbench201::space(), "nor_conv_5x5").is_err());
    }

    #[test]
    fn undefined_and_infinite_positions_still_have_a_niche() {
        let partition =
            |value: f64| Partition::by_thresholds(Axis::new("x", move |_| value), &[0.0]).unwrap();
        let arch = Arch::new([0; 6]);
        assert_eq!(partition(f64::NAN).niche_of(&arch), 0);
        assert_eq!(partition(f64::NEG_INFINITY).niche_of(&arch), 0);
        assert_eq!(partition(f64::INFINITY).niche_of(&arch), 1);
    }

    proptest! {
        #[test]
        fn quantile_niches_are_about_equal(seed: u64, niches in 1usize..12) {
            let space = nasbench201::space();
            let rng = &mut ChaCha8Rng::seed_from_u64(seed);
            let sample: Vec<Arch> = (0..500).map(|_| space.sample(rng)).collect();
            let flops = |arch: &Arch| nasbench201::flops(arch, Dataset::Cifar10) as f64;
            let partition = Partition::by_quantiles(Axis::new("flops", flops), &sample, niches).unwrap();
            prop_assert!(partition.niches().len() <= niches);
            let mut counts = vec![0; partition.niches().len()];
            for arch in &sample {
                counts[partition.niche_of(arch)] += 1;
            }
            prop_assert!(counts.iter().all(|count| *count > 0));
        }
    }
}
