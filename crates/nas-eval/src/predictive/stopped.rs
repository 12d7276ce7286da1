//! What trainings that were stopped early would have reached.

use nas_search::{Detail, Evaluated, Objective};

use crate::line::Line;

/// The values of an objective after fewer steps, each with the line that leads from it to the end; most
/// steps first.
pub(super) struct Expected(Vec<(usize, Line)>);

impl Expected {
    /// Learns from whole trainings. `at` is the objective's position.
    pub(super) fn learn(
        details: &[Detail],
        objective: &Objective,
        at: usize,
        evaluated: &[Evaluated],
    ) -> Self {
        let is_of =
            |detail: &Detail| detail.name == objective.name && detail.unit == objective.unit;
        let mut rungs: Vec<(u64, usize)> = details
            .iter()
            .enumerate()
            .filter(|(_, detail)| is_of(detail))
            .filter_map(|(position, detail)| Some((detail.steps?, position)))
            .collect();
        rungs.sort_unstable();
        let line = |(_, position): (u64, usize)| {
            let pair =
                |one: &Evaluated| Some((one.details.get(position).copied()??, one.values[at]?));
            Some((position, Line::through(&evaluated.iter().filter_map(pair).collect::<Vec<_>>())?))
        };
        Self(rungs.into_iter().rev().filter_map(line).collect())
    }

    /// The value that a training would have reached, and its standard error.
    pub(super) fn of(&self, one: &Evaluated) -> Option<[f64; 2]> {
        let mut reached = self.0.iter().filter(|_| one.stopped);
        reached.find_map(|(at, line)| {
            let reached = one.details[*at]?;
            Some([line.at(reached), line.deviation_at(reached)])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nas_space::Arch;

    fn one(details: &[Option<f64>], value: Option<f64>) -> Evaluated {
        Evaluated {
            arch: Arch::new([0]),
            values: vec![value],
            details: details.to_vec(),
            failure: None,
            stopped: value.is_none(),
            niche: 0,
            generation: 0,
            proposer: String::new(),
            rationale: None,
        }
    }

    #[test]
    fn a_training_that_was_stopped_is_expected_to_reach_what_others_did_from_there() {
        let objective = Objective::accuracy("accuracy");
        let details =
            [3, 1].map(|steps| Detail { steps: Some(steps), ..Detail::new("accuracy", "%") });
        // After 1 step half of what is reached at the end, after 3 steps 10 less.
        let whole = [40.0, 50.0, 60.0, 80.0]
            .map(|end: f64| one(&[Some(end - 10.0), Some(end / 2.0)], Some(end)));
        let expected = Expected::learn(&details, &objective, 0, &whole);
        let near = |a: Option<[f64; 2]>, b: f64| (a.unwrap()[0] - b).abs() < 1e-9;
        assert!(near(expected.of(&one(&[None, Some(15.0)], None)), 30.0));
        // The value after more steps counts.
        assert!(near(expected.of(&one(&[Some(45.0), Some(15.0)], None)), 55.0));
        // No training differs from the others here: it is certain.
        assert!(expected.of(&one(&[None, Some(15.0)], None)).unwrap()[1] < 1e-9);
        assert_eq!(expected.of(&whole[0]), None);
        assert_eq!(expected.of(&one(&[None, None], None)), None);
        // From few, the mean difference.
        let expected = Expected::learn(&details, &objective, 0, &whole[..2]);
        assert!(near(expected.of(&one(&[None, Some(15.0)], None)), 15.0 + 22.5));
        assert!(expected.of(&one(&[None, Some(15.0)], None)).unwrap()[1] > 2.0);
        let nothing = Expected::learn(&details, &objective, 0, &[]);
        assert_eq!(nothing.of(&one(&[None, Some(15.0)], None)), None);
    }
}
