//! The accuracies that the searches of a benchmark use.

use std::collections::BTreeMap;

use nas_bench::ScoreTable;
use nas_eval::{Class, Lookup, Problem, Published, PublishedAccuracies, Source};
use nas_predict::{Predictor, draw_trained};
use nas_search::{Objective, Role};
use nas_space::Arch;

use super::{Accuracy, Arguments};
use crate::failure::Failure;

/// The accuracies that the searches of a data set use, by index: the same for all searches, or for all
/// of a seed.
pub struct Accuracies {
    objective: Objective,
    values: Values,
}

enum Values {
    Same(Vec<Option<f64>>),
    BySeed(BTreeMap<u64, Vec<Option<f64>>>),
}

impl Accuracies {
    /// The accuracies that the arguments ask for, on a data set with these published accuracies.
    pub fn new(
        arguments: &Arguments,
        problem: &Problem,
        published: &dyn Published,
        accuracies: Vec<f64>,
    ) -> Result<Self, Failure> {
        Ok(match arguments.accuracy {
            Accuracy::Benchmark | Accuracy::Predictor => {
                let name = match published.accuracies()? {
                    PublishedAccuracies::OfAll { objective, .. } => objective,
                    _ => "accuracy",
                };
                Self {
                    objective: Objective::accuracy(name),
                    values: Values::Same(accuracies.into_iter().map(Some).collect()),
                }
            }
            Accuracy::SharedPredictor => Self {
                objective: Objective::accuracy("predicted_accuracy"),
                values: Values::BySeed(shared(arguments, problem, &accuracies)?),
            },
            Accuracy::Proxy => Self {
                objective: Objective::maximise(&arguments.proxy, "").with_role(Role::Accuracy),
                values: Values::Same(proxies(arguments, problem)?),
            },
        })
    }

    /// The values for a search of this seed, as a source.
    pub fn source(&self, problem: &Problem, seed: u64) -> Box<dyn Source> {
        let values = match &self.values {
            Values::Same(values) => values.clone(),
            Values::BySeed(values) => values.get(&seed).cloned().unwrap_or_default(),
        };
        let index = problem.numbering.map(|numbering| numbering.index);
        let value = move |arch: &Arch| values.get(index?(arch)).copied().flatten();
        Box::new(Lookup::new(self.objective.clone(), value))
    }
}

/// The proxy's values, which are part of pel-nas.
fn proxies(arguments: &Arguments, problem: &Problem) -> Result<Vec<Option<f64>>, Failure> {
    let table = ScoreTable::cifar10()?;
    if table.header().space != problem.space.name() {
        return Err(Failure::input(format!(
            "--accuracy proxy: there are computed proxies of {}, not of {}",
            table.header().space,
            problem.space.name()
        )));
    }
    let column = table.column(&arguments.proxy).ok_or_else(|| {
        let known = table.header().proxies.iter().map(String::as_str);
        nas_space::Error::unknown_name("proxy", &arguments.proxy, known)
    })?;
    let all = problem.numbered().unwrap_or_default();
    Ok(all.iter().map(|arch| table.values(arch)?[column]).collect())
}

/// For each seed the predictions of a predictor that was fitted to random networks.
fn shared(
    arguments: &Arguments,
    problem: &Problem,
    accuracies: &[f64],
) -> Result<BTreeMap<u64, Vec<Option<f64>>>, Failure> {
    let all = problem.numbered().unwrap_or_default();
    let domain = problem.domain()?;
    let classes: Vec<Class> = all.iter().map(&domain.class).collect();
    let table = (domain.features)(&all)?;
    let mut values = BTreeMap::new();
    for seed in arguments.seeds() {
        let drawn = draw_trained(&classes, arguments.trained as usize, seed).trained;
        let trained: Vec<(usize, f64)> =
            drawn.into_iter().map(|row| (row, accuracies[row])).collect();
        let settings = nas_predict::Settings {
            unconnected: domain.chance,
            seed,
            ..nas_predict::Settings::default()
        };
        let predicted = Predictor::fit(&table, &trained, settings)?.predict(&table)?;
        let predicted = predicted.into_iter().map(|predicted| Some(predicted.value)).collect();
        values.insert(seed, predicted);
    }
    Ok(values)
}
