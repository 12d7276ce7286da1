//! Several evaluators as one.

use std::collections::HashMap;

use nas_search::{BoxError, Detail, Evaluation, Evaluator, Objective, Parallel};
use nas_space::Arch;

/// Several evaluators as one, with the objectives of each in order. One of them may be one that works
/// on several architectures at the same time.
///
/// An architecture for which one of them fails has the values of the others.
pub struct Joined {
    parts: Vec<Box<dyn Evaluator>>,
    objectives: Vec<Objective>,
    details: Vec<Detail>,
    /// The position of the part that works on several at the same time.
    parallel: Option<usize>,
    capacity: usize,
    /// What the other parts returned for architectures that are under way.
    under_way: HashMap<Arch, Vec<Evaluation>>,
}

impl Joined {
    /// An evaluator of these parts.
    pub fn new(mut parts: Vec<Box<dyn Evaluator>>) -> Self {
        let objectives = parts.iter().flat_map(|part| part.objectives().to_vec()).collect();
        let details = parts.iter().flat_map(|part| part.details().to_vec()).collect();
        let parallel = parts.iter_mut().position(|part| part.parallel().is_some());
        let capacity = parallel.and_then(|at| Some(parts[at].parallel()?.capacity())).unwrap_or(1);
        Self { parts, objectives, details, parallel, capacity, under_way: HashMap::new() }
    }

    fn parallel_part(&mut self) -> Result<&mut dyn Parallel, BoxError> {
        let part = self.parallel.and_then(|at| self.parts[at].parallel());
        part.ok_or_else(|| "no part works on several architectures at the same time".into())
    }
}

/// One evaluation from those of the parts, in order.
fn joined(parts: impl IntoIterator<Item = Evaluation>) -> Evaluation {
    parts.into_iter().fold(Evaluation::default(), |mut all, part| {
        all.values.extend(part.values);
        all.details.extend(part.details);
        all.failure = all.failure.or(part.failure);
        all.stopped |= part.stopped;
        all
    })
}

impl Evaluator for Joined {
    fn objectives(&self) -> &[Objective] {
        &self.objectives
    }

    fn details(&self) -> &[Detail] {
        &self.details
    }

    fn batch(&self) -> usize {
        self.parts.iter().map(|part| part.batch()).min().unwrap_or(usize::MAX)
    }

    fn evaluate(&mut self, architectures: &[Arch]) -> Result<Vec<Evaluation>, BoxError> {
        let mut rows = vec![Vec::with_capacity(self.parts.len()); architectures.len()];
        for part in &mut self.parts {
            for (row, evaluation) in rows.iter_mut().zip(part.evaluate(architectures)?) {
                row.push(evaluation);
            }
        }
        Ok(rows.into_iter().map(joined).collect())
    }

    fn parallel(&mut self) -> Option<&mut dyn Parallel> {
        self.parallel.map(|_| self as &mut dyn Parallel)
    }

    fn remember(&mut self, arch: &Arch, evaluation: &Evaluation) {
        let (mut values, mut details) = (&evaluation.values[..], &evaluation.details[..]);
        for part in &mut self.parts {
            let (own, others) = values.split_at(part.objectives().len().min(values.len()));
            let (reported, rest) = details.split_at(part.details().len().min(details.len()));
            let of_part = Evaluation {
                values: own.to_vec(),
                details: reported.to_vec(),
                failure: evaluation.failure.clone(),
                stopped: evaluation.stopped,
            };
            part.remember(arch, &of_part);
            (values, details) = (others, rest);
        }
    }
}

impl Parallel for Joined {
    fn capacity(&self) -> usize {
        self.capacity
    }

    fn begin(&mut self, arch: &Arch) -> Result<(), BoxError> {
        let parallel = self.parallel;
        let mut others = Vec::with_capacity(self.parts.len());
        for (at, part) in self.parts.iter_mut().enumerate() {
            if Some(at) != parallel {
                others.extend(part.evaluate(std::slice::from_ref(arch))?);
            }
        }
        self.under_way.insert(arch.clone(), others);
        self.parallel_part()?.begin(arch)
    }

    fn wait(&mut self) -> Result<(Arch, Evaluation), BoxError> {
        let (arch, evaluation) = self.parallel_part()?.wait()?;
        let mut parts = self.under_way.remove(&arch).unwrap_or_default();
        parts.insert(self.parallel.unwrap_or(parts.len()).min(parts.len()), evaluation);
        Ok((arch, joined(parts)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Lookup, Sources};

    /// Evaluates four at a time, the latest first.
    struct Latest {
        objectives: Vec<Objective>,
        begun: Vec<Arch>,
    }

    fn value(arch: &Arch) -> f64 {
        f64::from(arch.choices()[0])
    }

    impl Evaluator for Latest {
        fn objectives(&self) -> &[Objective] {
            &self.objectives
        }

        fn evaluate(&mut self, architectures: &[Arch]) -> Result<Vec<Evaluation>, BoxError> {
            let one =
                |arch| Evaluation { values: vec![Some(value(arch))], ..Evaluation::default() };
            Ok(architectures.iter().map(one).collect())
        }

        fn parallel(&mut self) -> Option<&mut dyn Parallel> {
            Some(self)
        }
    }

    impl Parallel for Latest {
        fn capacity(&self) -> usize {
            4
        }

        fn begin(&mut self, arch: &Arch) -> Result<(), BoxError> {
            self.begun.push(arch.clone());
            Ok(())
        }

        fn wait(&mut self) -> Result<(Arch, Evaluation), BoxError> {
            let arch = self.begun.pop().ok_or("nothing was begun")?;
            let evaluation = self.evaluate(std::slice::from_ref(&arch))?.remove(0);
            Ok((arch, evaluation))
        }
    }

    #[test]
    fn values_stand_in_the_order_of_the_parts_at_once_and_one_after_the_other() {
        let lookup = |name: &str, factor: f64| {
            let find = move |arch: &Arch| Some(factor * value(arch));
            let source = Lookup::new(Objective::minimise(name, ""), find);
            Box::new(Sources::new(vec![Box::new(source)])) as Box<dyn Evaluator>
        };
        let program =
            Latest { objectives: vec![Objective::accuracy("accuracy")], begun: Vec::new() };
        let mut all = Joined::new(vec![lookup("a", 10.0), Box::new(program), lookup("b", 0.5)]);
        let names: Vec<&str> = all.objectives().iter().map(|one| &*one.name).collect();
        assert_eq!(names, ["a", "accuracy", "b"]);
        let architectures = [2, 3, 4].map(|choice| Arch::new([choice]));
        let at_once = all.evaluate(&architectures).unwrap();
        assert_eq!(at_once[1].values, [30.0, 3.0, 1.5].map(Some));
        let parallel = all.parallel().unwrap();
        assert_eq!(parallel.capacity(), 4);
        for arch in &architectures {
            parallel.begin(arch).unwrap();
        }
        for at in [2, 1, 0] {
            let (arch, evaluation) = parallel.wait().unwrap();
            assert_eq!((&arch, &evaluation), (&architectures[at], &at_once[at]));
        }
    }
}
