//! Several proxies combined by their ranks.

use crate::{Direction, Error, Proxy};

/// One score from several proxies by their ranks in a reference: the sum over proxies of the
/// logarithm of the rank, best rank 1 (Lee and Ham 2024, arXiv 2403.19232, equation 9). It is at
/// most 0, and higher is better: a network that one proxy ranks low gets a low score however high
/// the others rank it.
#[derive(Debug, Clone, PartialEq)]
pub struct RankAggregate {
    references: Vec<Reference>,
}

/// A proxy's values in the reference, from the worst to the best.
#[derive(Debug, Clone, PartialEq)]
struct Reference {
    sign: f64,
    ascending: Vec<f64>,
}

impl RankAggregate {
    /// Ranks among these scores: for each proxy those of the same networks, absent ones left out.
    ///
    /// # Errors
    ///
    /// [`Error::Reference`] where a proxy is the same, or absent, for all networks.
    pub fn new(reference: &[(Proxy, Vec<Option<f64>>)]) -> Result<Self, Error> {
        let of = |(proxy, values): &(Proxy, Vec<Option<f64>>)| {
            let sign = match proxy.description().direction {
                Direction::HigherIsBetter => 1.0,
                Direction::LowerIsBetter => -1.0,
            };
            let mut ascending: Vec<f64> = values.iter().flatten().map(|one| sign * one).collect();
            ascending.sort_by(f64::total_cmp);
            if ascending.first() == ascending.last() {
                return Err(Error::Reference { proxy: proxy.name(), networks: values.len() });
            }
            Ok(Reference { sign, ascending })
        };
        Ok(Self { references: reference.iter().map(of).collect::<Result<_, _>>()? })
    }

    /// The score of a network from its values, in the order of the reference's proxies; `None`
    /// where one of them is `None`.
    pub fn score(&self, values: &[Option<f64>]) -> Option<f64> {
        let pairs = self.references.iter().zip(values);
        pairs.map(|(reference, value)| Some(reference.rank(reference.sign * (*value)?).ln())).sum()
    }
}

impl Reference {
    /// The share of the reference that is not better, above 0 and at most 1. Between values it is
    /// interpolated; beyond them it continues, so that networks still differ.
    fn rank(&self, value: f64) -> f64 {
        let values = &self.ascending;
        let count = values.len() as f64;
        let below = values.partition_point(|one| *one < value);
        let equal = values[below..].partition_point(|one| *one <= value);
        let place = if equal > 0 {
            // The mean of the ranks of equal values.
            below as f64 + f64::midpoint(equal as f64, 1.0)
        } else {
            let spread = values[values.len() - 1] - values[0];
            match (below.checked_sub(1).map(|last| values[last]), values.get(below)) {
                (Some(lower), Some(upper)) => below as f64 + (value - lower) / (upper - lower),
                (Some(best), None) => count + (value - best) / (value - best + spread),
                (None, _) => spread / (values[0] - value + spread),
            }
        };
        place / (count + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    use super::*;

    fn one(values: &[f64]) -> RankAggregate {
        RankAggregate::new(&[(Proxy::Naswot, values.iter().copied().map(Some).collect())]).unwrap()
    }

    #[test]
    fn the_reference_itself_is_ranked_as_in_the_paper() {
        let aggregate = one(&[30.0, 10.0, 20.0, 20.0]);
        let rank = |value| aggregate.score(&[Some(value)]).unwrap().exp() * 5.0;
        assert_relative_eq!(rank(10.0), 1.0, max_relative = 1e-12);
        assert_relative_eq!(rank(20.0), 2.5, max_relative = 1e-12);
        assert_relative_eq!(rank(30.0), 4.0, max_relative = 1e-12);
    }

    #[test]
    fn an_absent_value_has_no_score_and_equal_ones_no_ranks() {
        assert_eq!(one(&[1.0, 2.0]).score(&[None]), None);
        let equal = vec![Some(1.0), None, Some(1.0)];
        let error = RankAggregate::new(&[(Proxy::Zen, equal)]).unwrap_err().to_string();
        assert!(error.contains("zen") && error.contains('3'), "{error}");
    }

    proptest! {
        #[test]
        fn better_values_rank_higher_anywhere(
            reference in proptest::collection::vec(-1e3..1e3_f64, 2..20),
            a in -1e4..1e4_f64,
            b in -1e4..1e4_f64,
        ) {
            prop_assume!(a < b && reference.iter().any(|one| *one > reference[0]));
            let aggregate = one(&reference);
            let (a, b) = (aggregate.score(&[Some(a)]).unwrap(), aggregate.score(&[Some(b)]).unwrap());
            prop_assert!(a <= b && b <= 0.0, "{a} {b}");
        }
    }
}
