//! Which partition explains a cost best.

use nas_space::{Arch, Space};

use crate::{Axis, Effects, Error, Partition};

/// Partitions of a space, of which the one is chosen that explains a cost best, for example the latency
/// on a device.
///
/// What a partition explains is the share of the variance of the costs' ranks that lies between its
/// niches, adjusted for the number of niches (ε², Kelley 1935). It is 0 in the mean for a partition that
/// is unrelated to the cost, and 1 where each niche holds equal costs. Because of the ranks it is the
/// same for a cost and its logarithm.
#[derive(Debug, Clone, Default)]
pub struct Automatic {
    given: Vec<(String, Partition)>,
    predicted: Option<Predicted>,
}

/// Niches by the predicted cost.
#[derive(Debug, Clone)]
struct Predicted {
    space: Space,
    name: String,
    niches: usize,
    /// The architectures of which each niche holds about as many.
    sample: Vec<Arch>,
}

/// A partition and how much of a cost it explains.
#[derive(Debug, Clone)]
pub struct Ranked {
    /// The name that it was given with.
    pub name: String,
    /// The share of the cost's variance that lies between its niches, at most 1. For the predicted
    /// cost it is computed on architectures that the prediction was not fitted to.
    pub explained: f64,
    /// The partition.
    pub partition: Partition,
}

/// Parts of the measured costs, of which each is predicted from the others.
const FOLDS: usize = 5;

impl Automatic {
    /// Chooses among partitions, given with their names.
    pub fn new(partitions: Vec<(String, Partition)>) -> Self {
        Self { given: partitions, predicted: None }
    }

    /// Adds a partition by the cost itself, predicted from the measured costs ([`Effects`]), into
    /// `niches` niches that hold about equally many of `sample`. `name` is the name of the axis, for
    /// example `predicted latency [ms]`.
    ///
    /// # Errors
    /// [`Error::Quantiles`] for an empty sample or no niches.
    pub fn with_predicted(
        mut self,
        space: &Space,
        name: impl Into<String>,
        niches: usize,
        sample: Vec<Arch>,
    ) -> Result<Self, Error> {
        let name = name.into();
        if sample.is_empty() || niches == 0 {
            return Err(Error::Quantiles { axis: name, niches, sample: sample.len() });
        }
        self.predicted = Some(Predicted { space: space.clone(), name, niches, sample });
        Ok(self)
    }

    /// The partition of that name, as [`rank`](Self::rank) makes it from the same costs.
    pub fn named(&self, name: &str, costs: &[(&Arch, f64)]) -> Option<Partition> {
        let given = self.given.iter().find(|(given, _)| given == name);
        let predicted = || self.predicted.as_ref().filter(|predicted| predicted.name == name);
        match given {
            Some((_, partition)) => Some(partition.clone()),
            None => predicted().and_then(|predicted| predicted.partition(costs)),
        }
    }

    /// All partitions, the one that explains most first. `costs` holds the measured costs. Of equal
    /// ones the first given comes first, and the one by predicted cost last.
    pub fn rank(&self, costs: &[(&Arch, f64)]) -> Vec<Ranked> {
        let ranks = ranks(costs.iter().map(|(_, cost)| *cost));
        let given = self.given.iter().map(|(name, partition)| {
            let niches: Vec<usize> =
                costs.iter().map(|(arch, _)| partition.niche_of(arch)).collect();
            let explained = explained(&niches, &ranks);
            Ranked { name: name.clone(), explained, partition: partition.clone() }
        });
        let predicted = self.predicted.iter().filter_map(|predicted| {
            let partition = predicted.partition(costs)?;
            let explained = explained(&predicted.niches_of(costs), &ranks);
            Some(Ranked { name: predicted.name.clone(), explained, partition })
        });
        let mut ranked: Vec<Ranked> = given.chain(predicted).collect();
        ranked.sort_by(|a, b| b.explained.total_cmp(&a.explained));
        ranked
    }
}

impl Predicted {
    /// The niches by the cost predicted from these costs.
    fn partition(&self, costs: &[(&Arch, f64)]) -> Option<Partition> {
        let axis = Axis::predicted(&self.name, &Effects::fit(&self.space, costs));
        Partition::by_quantiles(axis, &self.sample, self.niches).ok()
    }

    /// Each architecture's niche, predicted without its own cost.
    fn niches_of(&self, costs: &[(&Arch, f64)]) -> Vec<usize> {
        let mut niches = vec![0; costs.len()];
        for fold in 0..FOLDS.min(costs.len()) {
            let others = costs.iter().enumerate().filter(|(row, _)| row % FOLDS != fold);
            let others: Vec<_> = others.map(|(_, cost)| *cost).collect();
            if let Some(partition) = self.partition(&others) {
                for row in (fold..costs.len()).step_by(FOLDS) {
                    niches[row] = partition.niche_of(costs[row].0);
                }
            }
        }
        niches
    }
}

/// Ranks from 0; equal values have the mean of their ranks.
fn ranks(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let values: Vec<f64> = values.collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    for equal in order.chunk_by(|&a, &b| values[a].total_cmp(&values[b]).is_eq()) {
        for &row in equal {
            ranks[row] = from as f64 + (equal.len() - 1) as f64 / 2.0;
        }
        from += equal.len();
    }
    ranks
}

/// ε²: 1 − (variance within niches) / (variance of all), both unbiased; 0 where that is not defined.
fn explained(niches: &[usize], values: &[f64]) -> f64 {
    let squares = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        values.iter().map(|value| (value - mean).powi(2)).sum::<f64>()
    };
    let mut groups = vec![Vec::new(); niches.iter().max().map_or(0, |most| most + 1)];
    for (&niche, &value) in niches.iter().zip(values) {
        groups[niche].push(value);
    }
    groups.retain(|group| !group.is_empty());
    let all = squares(values);
    if all <= 0.0 || values.len() <= groups.len() {
        return 0.0;
    }
    let within: f64 = groups.iter().map(|group| squares(group)).sum();
    1.0 - within / (values.len() - groups.len()) as f64 * (values.len() - 1) as f64 / all
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;
    use nas_space::nasbench201::{self, Dataset};
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn sample(count: usize, seed: u64) -> Vec<Arch> {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        (0..count).map(|_| nasbench201::space().sample(rng)).collect()
    }

    fn automatic() -> Automatic {
        let space = nasbench201::space();
        let flops = Axis::new("flops", |arch| nasbench201::flops(arch, Dataset::Cifar10) as f64);
        let given = vec![
            ("pel-nas".to_owned(), Partition::pel_nas(space).unwrap()),
            ("flops".to_owned(), Partition::by_quantiles(flops, &sample(500, 1), 6).unwrap()),
        ];
        Automatic::new(given).with_predicted(space, "predicted", 6, sample(500, 2)).unwrap()
    }

    fn ranked(cost: impl Fn(&Arch) -> f64) -> Vec<Ranked> {
        let sample = sample(100, 3);
        let costs: Vec<_> = sample.iter().map(|arch| (arch, cost(arch))).collect();
        automatic().rank(&costs)
    }

    #[test]
    fn the_partition_that_decides_the_cost_comes_first() {
        let space = nasbench201::space();
        let by_count = ranked(|arch| space.count(arch, "nor_conv_3x3") as f64);
        assert_eq!(by_count[0].name, "pel-nas");
        assert!(by_count[0].explained > 0.8, "{by_count:?}");
        // Only the first two edges matter: no count explains that, the prediction does.
        let by_edges = ranked(|arch| f64::from(arch.choices()[0]) + f64::from(arch.choices()[1]));
        assert_eq!(by_edges[0].name, "predicted");
        assert!(by_edges[0].explained > 0.6 && by_edges[1].explained < 0.3, "{by_edges:?}");
        assert_eq!(by_edges[0].partition.niches().len(), 6);
    }

    #[test]
    fn a_random_cost_is_not_explained_in_the_mean() {
        let shares: Vec<f64> = (0..200_u64)
            .flat_map(|seed| {
                let sample = sample(60, 100 + seed);
                let hash = |row: usize| ((row as u64 + seed) * 2_654_435_761 % 1009) as f64;
                let costs: Vec<_> =
                    sample.iter().enumerate().map(|(row, arch)| (arch, hash(row))).collect();
                automatic().rank(&costs).into_iter().map(|ranked| ranked.explained)
            })
            .collect();
        assert_abs_diff_eq!(shares.iter().sum::<f64>() / shares.len() as f64, 0.0, epsilon = 0.02);
    }

    #[test]
    fn a_cost_and_its_logarithm_rank_the_same() {
        let cost = |arch: &Arch| nasbench201::parameters(arch, Dataset::Cifar10) as f64;
        let given = |ranked: Vec<Ranked>| -> Vec<(String, f64)> {
            let given = ranked.into_iter().filter(|ranked| ranked.name != "predicted");
            given.map(|ranked| (ranked.name, ranked.explained)).collect()
        };
        assert_eq!(given(ranked(cost)), given(ranked(|arch| cost(arch).ln())));
    }

    #[test]
    fn few_or_no_measured_costs_are_no_error() {
        let sample = sample(3, 5);
        for count in 0..=3 {
            let costs: Vec<_> = sample[..count].iter().map(|arch| (arch, 1.0)).collect();
            let ranked = automatic().rank(&costs);
            assert_eq!(ranked[0].name, "pel-nas");
            assert!(ranked.iter().all(|ranked| ranked.explained == 0.0), "{ranked:?}");
        }
        assert!(Automatic::default().rank(&[]).is_empty());
        let space = nasbench201::space();
        assert!(Automatic::default().with_predicted(space, "x", 6, vec![]).is_err());
    }

    proptest! {
        #[test]
        fn niches_of_equal_costs_explain_everything_and_a_single_niche_nothing(groups in 2..6_usize, each in 2..9_usize) {
            let niches: Vec<usize> = (0..groups * each).map(|row| row / each).collect();
            let equal: Vec<f64> = niches.iter().map(|&niche| niche as f64).collect();
            prop_assert!((explained(&niches, &equal) - 1.0).abs() < 1e-12);
            prop_assert!(explained(&vec![0; niches.len()], &equal).abs() < 1e-12);
        }

        #[test]
        fn ranks_are_counts_of_smaller_values(values in prop::collection::vec(-3..4_i32, 0..30)) {
            let found = ranks(values.iter().map(|&value| f64::from(value)));
            for (value, rank) in values.iter().zip(found) {
                let below = values.iter().filter(|other| *other < value).count() as f64;
                let equal = values.iter().filter(|other| *other == value).count() as f64;
                prop_assert!((rank - below - (equal - 1.0) / 2.0).abs() < 1e-12);
            }
        }
    }
}
