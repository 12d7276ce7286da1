//! Features: numbers that describe an architecture to a model that predicts accuracy or latency.

use std::collections::BTreeMap;

use crate::{Arch, Space};

/// The longest sequence of operations along a path that has a feature of its own.
const LONGEST: usize = 3;

/// What a feature describes. Features of one group are of a kind: a model may weigh a group as a
/// whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FeatureGroup {
    /// 1 where a decision is active and takes a choice, else 0.
    Decisions,
    /// How many decisions take a choice.
    Counts,
    /// How many paths from a cell's input to its output apply a sequence of operations,
    /// identities left out.
    Paths,
    /// The number of paths; how many operations, of any kind and of each, are on the shortest and
    /// the longest of them, on all together and on the average one.
    PathStatistics,
}

/// The features of a space's architectures: numbers that describe them to a model.
///
/// Operations without a path from a cell's input to its output count as absent, so that
/// operations without effect do not change a feature.
#[derive(Debug, Clone)]
pub struct Features<'a> {
    space: &'a Space,
    /// The names of all choices, each once where decisions share it.
    choices: Vec<&'a str>,
    /// Those that compute something on a path: all but the absent edge and the identity.
    operations: Vec<usize>,
    /// The position of each sequence of choices among the features of paths.
    sequences: BTreeMap<Vec<usize>, usize>,
    names: Vec<(FeatureGroup, String)>,
}

impl Space {
    /// The features of this space's architectures.
    ///
    /// ```
    /// let space = nas_space::nasbench201::space();
    /// let features = space.features();
    /// let cell = nas_space::nasbench201::from_index(6111)?;
    /// assert_eq!(features.of(&cell).len(), features.names().len());
    /// # Ok::<(), nas_space::Error>(())
    /// ```
    pub fn features(&self) -> Features<'_> {
        let choices = self.all_choice_names();
        let operations = self.cell().map_or_else(Vec::new, |cell| {
            let acts =
                |choice: &usize| choices[*choice] != cell.none && choices[*choice] != cell.identity;
            (0..choices.len()).filter(acts).collect()
        });
        let mut names = Vec::new();
        for decision in self.decisions() {
            for choice in &decision.choices {
                names.push((FeatureGroup::Decisions, format!("{}={choice}", decision.name)));
            }
        }
        names.extend(choices.iter().map(|choice| (FeatureGroup::Counts, (*choice).to_owned())));
        let mut features =
            Features { space: self, choices, operations, sequences: BTreeMap::new(), names };
        features.name_paths();
        features
    }
}

impl Features<'_> {
    /// Group and name of each feature, in the order of the values.
    pub fn names(&self) -> &[(FeatureGroup, String)] {
        &self.names
    }

    fn name_paths(&mut self) {
        if self.space.cell().is_none() {
            return;
        }
        let operations = self.operations.clone();
        let mut sequences = vec![Vec::new()];
        let mut longest = sequences.clone();
        for _ in 0..LONGEST {
            longest = longest
                .iter()
                .flat_map(|sequence: &Vec<usize>| {
                    operations.iter().map(|&operation| [&sequence[..], &[operation]].concat())
                })
                .collect();
            sequences.extend(longest.iter().cloned());
        }
        for sequence in sequences {
            let steps: Vec<&str> = sequence.iter().map(|&choice| self.choices[choice]).collect();
            let name = if steps.is_empty() { "identity".to_owned() } else { steps.join(">") };
            self.sequences.insert(sequence, self.sequences.len());
            self.names.push((FeatureGroup::Paths, name));
        }
        self.names.push((FeatureGroup::PathStatistics, "paths".to_owned()));
        let kinds = operations.iter().map(|&choice| self.choices[choice]);
        for kind in std::iter::once("operations").chain(kinds) {
            for statistic in ["shortest", "longest", "all", "average"] {
                self.names.push((FeatureGroup::PathStatistics, format!("{statistic} {kind}")));
            }
        }
    }

    /// The values, in the order of [`Self::names`]. `arch` must belong to the space.
    pub fn of(&self, arch: &Arch) -> Vec<f64> {
        let pruned = self.space.prune(arch);
        let mut values = Vec::with_capacity(self.names.len());
        let active = self.space.active(&pruned);
        for ((decision, &taken), active) in
            self.space.decisions().iter().zip(pruned.choices()).zip(active)
        {
            let is_taken = |choice| active && choice == usize::from(taken);
            values.extend(
                (0..decision.choices.len()).map(|choice| f64::from(u8::from(is_taken(choice)))),
            );
        }
        values.extend(self.choices.iter().map(|choice| self.space.count(&pruned, choice) as f64));
        if self.space.cell().is_some() {
            self.paths(&pruned, &mut values);
        }
        values
    }

    fn paths(&self, pruned: &Arch, values: &mut Vec<f64>) {
        let paths = self.sequences_of(pruned);
        let mut counts = vec![0.0; self.sequences.len()];
        for path in &paths {
            if let Some(&position) = self.sequences.get(path) {
                counts[position] += 1.0;
            }
        }
        values.extend(counts);
        values.push(paths.len() as f64);
        let mut statistics = |count: &dyn Fn(&Vec<usize>) -> usize| {
            let lengths: Vec<f64> = paths.iter().map(|path| count(path) as f64).collect();
            let all: f64 = lengths.iter().sum();
            let shortest = lengths.iter().copied().reduce(f64::min);
            // Without a path: a shortest above any, a longest below any.
            values.push(shortest.unwrap_or(pruned.choices().len() as f64));
            values.push(lengths.iter().copied().fold(-1.0, f64::max));
            values.push(all);
            values.push(all / lengths.len().max(1) as f64);
        };
        statistics(&|path| path.len());
        for &operation in &self.operations {
            statistics(&|path| path.iter().filter(|&&choice| choice == operation).count());
        }
    }

    /// The operations along each path from input to output, identities left out.
    fn sequences_of(&self, pruned: &Arch) -> Vec<Vec<usize>> {
        let Some(cell) = self.space.cell() else { return Vec::new() };
        let names: Vec<&str> = self.space.choice_names(pruned).collect();
        let mut arriving: Vec<Vec<Vec<usize>>> = vec![Vec::new(); cell.output() + 1];
        arriving[0].push(Vec::new());
        for edge in cell.forward_order() {
            let (source, target) = cell.edges[edge];
            if names[edge] == cell.none {
                continue;
            }
            let operation = self.choices.iter().position(|choice| *choice == names[edge]);
            let operation = operation.filter(|_| names[edge] != cell.identity);
            let longer: Vec<Vec<usize>> = arriving[source]
                .iter()
                .map(|path| path.iter().copied().chain(operation).collect())
                .collect();
            arriving[target].extend(longer);
        }
        arriving.pop().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nasbench201;

    fn of(text: &str) -> BTreeMap<String, f64> {
        let features = nasbench201::space().features();
        let values = features.of(&nasbench201::parse(text).unwrap());
        let names = features.names().iter();
        names
            .zip(values)
            .map(|((group, name), value)| (format!("{group:?} {name}"), value))
            .collect()
    }

    #[test]
    fn paths_are_counted_by_what_they_apply() {
        let features =
            of("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|avg_pool_3x3~2|");
        for (name, expected) in [
            ("Paths identity", 1.0),
            ("Paths nor_conv_3x3>avg_pool_3x3", 1.0),
            ("Paths nor_conv_3x3", 0.0),
            ("PathStatistics paths", 2.0),
            ("PathStatistics longest operations", 2.0),
            ("PathStatistics shortest operations", 0.0),
            ("PathStatistics average nor_conv_3x3", 0.5),
        ] {
            approx::assert_relative_eq!(features[name], expected);
        }
    }

    #[test]
    fn operations_without_a_path_change_no_feature() {
        let none = of("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|");
        let dead = of("|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|none~0|none~1|none~2|");
        assert_eq!(none, dead);
        approx::assert_relative_eq!(none["PathStatistics paths"], 0.0);
        approx::assert_relative_eq!(none["Counts none"], 6.0);
    }

    #[test]
    fn every_feature_has_a_name_and_differs_somewhere() {
        let features = nasbench201::space().features();
        let rows: Vec<Vec<f64>> =
            nasbench201::space().enumerate().map(|arch| features.of(&arch)).collect();
        assert_eq!(rows[0].len(), 30 + 5 + 40 + 17);
        for (column, name) in features.names().iter().enumerate() {
            let first = rows[0][column];
            assert!(rows.iter().any(|row| (row[column] - first).abs() > 0.1), "{name:?}");
        }
    }
}
