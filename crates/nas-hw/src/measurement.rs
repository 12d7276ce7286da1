//! Measures the time of a closure.

use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

use crate::Millis;

/// How a closure is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Calls before timing starts, to fill caches and let clocks settle.
    pub warm_up: u32,
    /// The fewest timed calls.
    pub min_repeats: u32,
    /// The most timed calls.
    pub max_repeats: u32,
    /// Timed calls stop after this long, once `min_repeats` are done.
    pub budget: Duration,
}

impl Default for Plan {
    /// 3 warm-up calls, then 10 to 200 timed calls for at most 100 ms.
    fn default() -> Self {
        Self { warm_up: 3, min_repeats: 10, max_repeats: 200, budget: Duration::from_millis(100) }
    }
}

/// The time that one call of a closure takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measurement {
    /// The median over the calls kept.
    pub median: Millis,
    /// Half the width of the central half of the calls kept (half the interquartile range).
    pub spread: Millis,
    /// Calls kept.
    pub repeats: usize,
    /// Calls set aside as outliers.
    pub outliers: usize,
}

/// Times `run`. The closure must do the work to its end: on a GPU it has to synchronise.
///
/// Calls that lie above the upper quartile by more than three times the interquartile range
/// (Tukey's far outliers: interruptions by the system) are set aside; the median is taken over
/// the rest.
pub fn measure(plan: &Plan, mut run: impl FnMut()) -> Measurement {
    let infallible = measure_fallible::<Infallible>(plan, || {
        run();
        Ok(())
    });
    match infallible {
        Ok(measurement) => measurement,
        Err(impossible) => match impossible {},
    }
}

/// [`measure`] for a closure that can fail.
///
/// # Errors
/// The first error of the closure, at once.
pub fn measure_fallible<E>(
    plan: &Plan,
    mut run: impl FnMut() -> Result<(), E>,
) -> Result<Measurement, E> {
    for _ in 0..plan.warm_up {
        run()?;
    }
    let mut millis = Vec::new();
    let begin = Instant::now();
    let most = plan.max_repeats.max(plan.min_repeats).max(1) as usize;
    while millis.len() < most
        && (millis.len() < plan.min_repeats.max(1) as usize || begin.elapsed() < plan.budget)
    {
        let start = Instant::now();
        run()?;
        millis.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(summarise(millis))
}

fn summarise(mut millis: Vec<f64>) -> Measurement {
    millis.sort_unstable_by(f64::total_cmp);
    let all = millis.len();
    let (lower, upper) = (quantile(&millis, 0.25), quantile(&millis, 0.75));
    let fence = upper + 3.0 * (upper - lower);
    millis.truncate(millis.partition_point(|value| *value <= fence));
    Measurement {
        median: Millis(quantile(&millis, 0.5)),
        spread: Millis((quantile(&millis, 0.75) - quantile(&millis, 0.25)) / 2.0),
        repeats: millis.len(),
        outliers: all - millis.len(),
    }
}

/// The quantile of sorted values, interpolated linearly.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let position = q * (sorted.len() - 1) as f64;
    let (low, fraction) = (position.floor() as usize, position.fract());
    let high = (low + 1).min(sorted.len() - 1);
    sorted[low] + fraction * (sorted[high] - sorted[low])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_median_ignores_an_interruption() {
        let summary = summarise(vec![1.0, 1.1, 0.9, 1.0, 250.0]);
        approx::assert_relative_eq!(summary.median.0, 1.0);
        assert_eq!((summary.repeats, summary.outliers), (4, 1));
        assert!(summary.spread.0 < 0.1);
    }

    #[test]
    fn a_sleeping_closure_takes_at_least_its_sleep() {
        let plan = Plan { warm_up: 1, min_repeats: 3, max_repeats: 3, budget: Duration::ZERO };
        let mut calls = 0;
        let summary = measure(&plan, || {
            calls += 1;
            std::thread::sleep(Duration::from_millis(2));
        });
        assert!(summary.median.0 >= 2.0);
        assert_eq!(calls, 4);
    }

    #[test]
    fn a_failure_ends_the_measurement() {
        let mut calls = 0;
        let failed = measure_fallible(&Plan::default(), || {
            calls += 1;
            if calls == 5 { Err("broken") } else { Ok(()) }
        });
        assert_eq!(failed, Err("broken"));
    }

    proptest! {
        #[test]
        fn the_summary_lies_within_the_values(values in prop::collection::vec(0.0..1e6f64, 1..50)) {
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(0.0, f64::max);
            let summary = summarise(values.clone());
            prop_assert!(summary.median.0 >= least && summary.median.0 <= most);
            prop_assert_eq!(summary.repeats + summary.outliers, values.len());
            prop_assert!(summary.repeats > 0);
        }
    }
}
