//! Sources of one objective each, and several as one evaluator.

use nas_search::{BoxError, Detail, Evaluation, Evaluator, Objective};
use nas_space::Arch;

/// A source of one objective.
pub trait Source {
    /// The objective.
    fn objective(&self) -> &Objective;

    /// The details that it reports of each architecture.
    fn details(&self) -> &[Detail] {
        &[]
    }

    /// How many architectures it takes at once.
    fn pace(&self) -> Pace {
        Pace::AtOnce
    }

    /// Receives the architectures that will be asked for next, to work on them together.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    fn prepare(&mut self, _architectures: &[Arch]) -> Result<(), BoxError> {
        Ok(())
    }

    /// The architecture's value.
    ///
    /// # Errors
    /// Only a failure that would affect every architecture.
    fn value(&mut self, arch: &Arch) -> Result<SourceValue, BoxError>;

    /// Restores an earlier value of its own, as if it had just returned it.
    fn remember(&mut self, _arch: &Arch, _value: &SourceValue) {}
}

/// A source's value of an architecture, with details.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SourceValue {
    /// The objective's value, in its unit; `None` where it does not exist.
    pub value: Option<f64>,
    /// One value for each detail.
    pub details: Vec<Option<f64>>,
}

impl From<Option<f64>> for SourceValue {
    /// A value without details.
    fn from(value: Option<f64>) -> Self {
        Self { value, details: Vec::new() }
    }
}

/// How many architectures a source takes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pace {
    /// Any number: it returns immediately.
    AtOnce,
    /// One by one: each takes so long that progress is shown after it.
    Slow,
    /// A whole generation at a time, which workers compute in parallel.
    Together,
}

/// A source that looks up values with a function.
pub struct Lookup<F> {
    objective: Objective,
    find: F,
}

impl<F: FnMut(&Arch) -> Option<f64>> Lookup<F> {
    /// A source from an objective and a function that returns its values.
    pub fn new(objective: Objective, find: F) -> Self {
        Self { objective, find }
    }
}

impl<F: FnMut(&Arch) -> Option<f64>> Source for Lookup<F> {
    fn objective(&self) -> &Objective {
        &self.objective
    }

    fn value(&mut self, arch: &Arch) -> Result<SourceValue, BoxError> {
        Ok((self.find)(arch).into())
    }
}

/// Several sources as one evaluator, an objective from each, in order.
pub struct Sources {
    parts: Vec<Box<dyn Source>>,
    objectives: Vec<Objective>,
    details: Vec<Detail>,
}

impl Sources {
    /// An evaluator from its sources.
    pub fn new(sources: Vec<Box<dyn Source>>) -> Self {
        let objectives = sources.iter().map(|source| source.objective().clone()).collect();
        let details = sources.iter().flat_map(|source| source.details().to_vec()).collect();
        Self { parts: sources, objectives, details }
    }
}

impl Evaluator for Sources {
    fn objectives(&self) -> &[Objective] {
        &self.objectives
    }

    fn details(&self) -> &[Detail] {
        &self.details
    }

    fn batch(&self) -> usize {
        match self.parts.iter().map(|source| source.pace()).max() {
            Some(Pace::Slow) => 1,
            _ => usize::MAX,
        }
    }

    fn evaluate(&mut self, architectures: &[Arch]) -> Result<Vec<Evaluation>, BoxError> {
        for source in &mut self.parts {
            source.prepare(architectures)?;
        }
        let mut evaluate = |arch| {
            let mut evaluation = Evaluation::default();
            for source in &mut self.parts {
                let SourceValue { value, details } = source.value(arch)?;
                evaluation.values.push(value);
                evaluation.details.extend(details);
            }
            Ok(evaluation)
        };
        architectures.iter().map(&mut evaluate).collect()
    }

    fn remember(&mut self, arch: &Arch, evaluation: &Evaluation) {
        let mut details = &evaluation.details[..];
        for (source, value) in self.parts.iter_mut().zip(&evaluation.values) {
            let (own, others) = details.split_at(source.details().len().min(details.len()));
            source.remember(arch, &SourceValue { value: *value, details: own.to_vec() });
            details = others;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_gives_its_objective_in_order() {
        let first = Lookup::new(Objective::maximise("a", ""), |arch: &Arch| {
            Some(f64::from(arch.choices()[0]))
        });
        let second = Lookup::new(Objective::minimise("b", "ms"), |_: &Arch| None);
        let mut sources = Sources::new(vec![Box::new(first), Box::new(second)]);
        let evaluations = sources.evaluate(&[Arch::new([2]), Arch::new([3])]).unwrap();
        let values: Vec<_> = evaluations.into_iter().map(|evaluation| evaluation.values).collect();
        assert_eq!(values, [[Some(2.0), None], [Some(3.0), None]]);
        assert_eq!(sources.objectives()[1].column(), "b_ms");
    }
}
