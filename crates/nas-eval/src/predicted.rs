//! Accuracy predicted from few trained networks, which are chosen during the search.

use std::{collections::HashSet, ops::ControlFlow};

use nas_partition::Partition;
use nas_predict::{Predictor, Settings, Table, acquisition_scores};
use nas_search::{BoxError, Detail, Evaluated, Evaluation, Evaluator, Objective, SearchRng};
use nas_space::{Arch, Space};
use rand::{SeedableRng, seq::SliceRandom};
use serde::{Deserialize, Serialize};

use crate::{Class, Features, Source, Sources};

/// The share of the trained networks that is drawn at random before any prediction guides the choice.
const AT_RANDOM: f64 = 0.3;

/// How many are drawn at random at least: the first predictions from fewer are too poor.
const AT_RANDOM_AT_LEAST: usize = 16;

/// The share of the trained networks that is added between two fits.
const ROUND: f64 = 0.1;

/// The name of the detail with the accuracy of a trained network.
pub const TRAINED_ACCURACY: &str = "trained_accuracy";

/// The details of a predicted accuracy: that of the trained network, if there is one, and the ends of
/// the interval.
pub(crate) fn details(unit: &str) -> Vec<Detail> {
    let detail = |name: &str| Detail::new(name, unit);
    [TRAINED_ACCURACY, "predicted_low", "predicted_high"].map(detail).to_vec()
}

/// How many networks may be trained, and which. A trained accuracy is a training run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingBudget {
    /// How many at most, one of a class of equal networks.
    pub count: usize,
    /// Which ones.
    pub acquisition: Acquisition,
    /// The seed of what is drawn at random, and of the predictor.
    pub seed: u64,
}

/// Which networks are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Acquisition {
    /// Three in ten at random, but 16 at least, the others in rounds where the front is expected to
    /// gain most ([`acquisition_scores`]).
    #[default]
    Active,
    /// All at random.
    Random,
}

/// A space as a predictor sees it.
pub struct Domain {
    /// The space.
    pub space: &'static Space,
    /// Features of architectures, a row each.
    pub features: Box<Features>,
    /// Networks that count as one have one class: one trained accuracy is enough for them.
    pub class: Box<dyn Fn(&Arch) -> Class + Send + Sync>,
    /// The accuracy of networks without a path from input to output, in %; `None` where there are no
    /// such networks.
    pub chance: Option<f64>,
    /// The niches that trained networks are spread over.
    pub partition: Partition,
}

/// Accuracy predicted from networks that are trained during the search, and other objectives that
/// are looked up or measured.
///
/// Only evaluated architectures can be trained. There are predictions from the first
/// [`update`](Evaluator::update) on, and new ones whenever networks were trained.
pub struct Predicted {
    domain: Domain,
    training: Box<dyn Source>,
    costs: Sources,
    budget: TrainingBudget,
    objectives: Vec<Objective>,
    details: Vec<Detail>,
    rng: SearchRng,
    trained: Vec<(usize, f64)>,
    classes: HashSet<Class>,
    predictor: Option<Predictor>,
}

impl Predicted {
    /// An evaluator of accuracy, which `training` returns for a few architectures and which is predicted
    /// for all others, and of `costs`.
    pub fn new(
        domain: Domain,
        training: Box<dyn Source>,
        costs: Sources,
        budget: TrainingBudget,
    ) -> Self {
        let accuracy = training.objective().clone();
        let details = details(&accuracy.unit);
        let predicted = Objective { name: "predicted_accuracy".to_owned(), ..accuracy };
        Self {
            objectives: [&[predicted][..], costs.objectives()].concat(),
            details: [&details[..], costs.details()].concat(),
            domain,
            training,
            costs,
            budget,
            rng: SearchRng::seed_from_u64(budget.seed),
            trained: Vec::new(),
            classes: HashSet::new(),
            predictor: None,
        }
    }

    /// The rows to train next, at most `count`, each of another class that was not trained.
    fn next(
        &mut self,
        evaluated: &[Evaluated],
        table: &Table,
        costs: &[Option<Vec<f64>>],
        count: usize,
    ) -> Result<Vec<usize>, BoxError> {
        let Domain { space, class, partition, .. } = &self.domain;
        let useful =
            |row: &usize| costs[*row].is_some() && space.is_connected(&evaluated[*row].arch);
        let mut rows: Vec<usize> = (0..evaluated.len()).filter(useful).collect();
        rows.shuffle(&mut self.rng);
        if let (Some(predictor), Acquisition::Active) = (&self.predictor, self.budget.acquisition) {
            // Architectures of equal score, for example none, are in random order.
            let scores = acquisition_scores(&predictor.predict(table)?, costs)?;
            rows.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        }
        let mut classes = self.classes.clone();
        rows.retain(|&row| classes.insert(class(&evaluated[row].arch)));
        if self.budget.acquisition == Acquisition::Active {
            // An even share of the random ones for each niche, of the others at most twice that.
            let shares = if self.predictor.is_some() { 2 } else { 1 };
            let most = (shares * count).div_ceil(partition.niches().len());
            let mut chosen = vec![0; partition.niches().len()];
            let (mut first, later): (Vec<usize>, Vec<usize>) = rows.into_iter().partition(|&row| {
                let chosen = &mut chosen[partition.niche_of(&evaluated[row].arch)];
                *chosen += 1;
                *chosen <= most
            });
            first.extend(later);
            rows = first;
        }
        rows.truncate(count);
        Ok(rows)
    }

    /// Trains at most `allowed` networks in all, and fits the predictor.
    fn learn(
        &mut self,
        evaluated: &[Evaluated],
        table: &Table,
        costs: &[Option<Vec<f64>>],
        allowed: usize,
        on_trained: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<(), BoxError> {
        let of_budget = |share: f64| ((self.budget.count as f64 * share).round() as usize).max(1);
        let (at_random, round) = (of_budget(AT_RANDOM).max(AT_RANDOM_AT_LEAST), of_budget(ROUND));
        loop {
            let step = match (&self.predictor, self.budget.acquisition) {
                (None, Acquisition::Active) => at_random,
                (None, Acquisition::Random) => allowed.max(at_random),
                (Some(_), _) => round,
            };
            let step = step.min(self.budget.count - self.trained.len());
            if step == 0 || (self.predictor.is_some() && self.trained.len() + step > allowed) {
                return Ok(());
            }
            let rows = self.next(evaluated, table, costs, step)?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                let arch = &evaluated[row].arch;
                self.classes.insert((self.domain.class)(arch));
                if let Some(accuracy) = self.training.value(arch)?.value {
                    self.trained.push((row, accuracy));
                }
            }
            let continues = on_trained(self.trained.len()).is_continue();
            // None of them has an accuracy: others may have one.
            if self.trained.is_empty() {
                continue;
            }
            let unconnected = self.domain.chance;
            let settings = Settings { seed: self.budget.seed, unconnected, ..Settings::default() };
            self.predictor = Some(Predictor::fit(table, &self.trained, settings)?);
            if !continues {
                return Ok(());
            }
        }
    }
}

impl Evaluator for Predicted {
    fn objectives(&self) -> &[Objective] {
        &self.objectives
    }

    fn details(&self) -> &[Detail] {
        &self.details
    }

    fn batch(&self) -> usize {
        self.costs.batch()
    }

    fn evaluate(&mut self, architectures: &[Arch]) -> Result<Vec<Evaluation>, BoxError> {
        let costs = self.costs.evaluate(architectures)?;
        let with_accuracy = |costs: Evaluation| Evaluation {
            values: [&[None][..], &costs.values].concat(),
            details: [&[None; 3][..], &costs.details].concat(),
            failure: costs.failure,
            stopped: costs.stopped,
        };
        Ok(costs.into_iter().map(with_accuracy).collect())
    }

    fn update(
        &mut self,
        evaluated: &[Evaluated],
        share: f64,
        on_trained: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Option<Vec<Evaluation>>, BoxError> {
        let architectures: Vec<Arch> = evaluated.iter().map(|one| one.arch.clone()).collect();
        let table = (self.domain.features)(&architectures)?;
        let costs: Vec<Option<Vec<f64>>> =
            evaluated.iter().map(|one| one.values[1..].iter().copied().collect()).collect();
        let allowed = (self.budget.count as f64 * share) as usize;
        self.learn(evaluated, &table, &costs, allowed, on_trained)?;
        let Some(predictor) = &self.predictor else { return Ok(None) };
        let accuracy = &self.objectives[0];
        let mut evaluations: Vec<Evaluation> = evaluated
            .iter()
            .zip(predictor.predict(&table)?)
            .map(|(one, predicted)| {
                let mut evaluation = one.evaluation();
                let [value, low, high] = [predicted.value, predicted.low, predicted.high]
                    .map(|one| Some(accuracy.nearest(one)));
                evaluation.values[0] = value;
                (evaluation.details[1], evaluation.details[2]) = (low, high);
                evaluation
            })
            .collect();
        for &(row, accuracy) in &self.trained {
            evaluations[row].details[0] = Some(accuracy);
        }
        Ok(Some(evaluations))
    }

    fn learns(&self) -> bool {
        true
    }

    fn remember(&mut self, arch: &Arch, evaluation: &Evaluation) {
        // Before the costs come the accuracy and its details.
        let (values, details) = (evaluation.values.get(1..), evaluation.details.get(3..));
        if let (Some(values), Some(details)) = (values, details) {
            let (values, details) = (values.to_vec(), details.to_vec());
            let costs = Evaluation { values, details, ..Evaluation::default() };
            self.costs.remember(arch, &costs);
        }
    }
}

#[cfg(test)]
mod tests {
    use nas_search::{Outcome, Random, Search};
    use nas_space::nasbench201::{class, space};

    use super::*;
    use crate::Lookup;

    /// Accuracy grows with convolutions; cells whose first operation is a pooling have none.
    fn accuracy(arch: &Arch) -> Option<f64> {
        let count = |operation| space().count(arch, operation) as f64;
        let accuracy = 60.0 + 5.0 * count("nor_conv_3x3") + 2.0 * count("nor_conv_1x1");
        (arch.choices()[0] != 4).then_some(accuracy)
    }

    fn search(evaluations: usize, budget: TrainingBudget) -> Outcome {
        let domain = Domain {
            space: space(),
            features: Box::new(|architectures| Ok(Table::new(space(), architectures))),
            class: Box::new(|arch| Class::Numbered(class(arch))),
            chance: Some(10.0),
            partition: Partition::pel_nas(space()).unwrap(),
        };
        let training = Lookup::new(Objective::maximise("validation_accuracy", "%"), accuracy);
        let operations = |arch: &Arch| Some(6.0 - space().count(arch, "none") as f64);
        let latency = Lookup::new(Objective::minimise("latency", "ms"), operations);
        let costs = Sources::new(vec![Box::new(latency)]);
        let mut predicted = Predicted::new(domain, Box::new(training), costs, budget);
        let whole = Partition::whole();
        let settings = nas_search::Settings { evaluations, ..nas_search::Settings::default() };
        Search::new(space(), &whole, settings)
            .run(&mut Random, &mut predicted, &mut |_| {})
            .unwrap()
    }

    fn trained(outcome: &Outcome) -> Vec<&Evaluated> {
        outcome.evaluated.iter().filter(|one| one.details[0].is_some()).collect()
    }

    #[test]
    fn one_network_of_a_class_is_trained_and_all_accuracies_are_predicted() {
        for acquisition in [Acquisition::Active, Acquisition::Random] {
            let outcome = search(300, TrainingBudget { count: 30, acquisition, seed: 5 });
            let trained = trained(&outcome);
            let classes: HashSet<usize> = trained.iter().map(|one| class(&one.arch)).collect();
            assert_eq!((trained.len(), classes.len()), (30, 30));
            for one in &trained {
                assert_eq!(one.details[0], accuracy(&one.arch));
                assert!(space().is_connected(&one.arch));
            }
            for one in &outcome.evaluated {
                let [low, high] = [1, 2].map(|end| one.details[end].unwrap());
                let value = one.values[0].unwrap();
                assert!(low <= value && value <= high);
                assert!(space().is_connected(&one.arch) || (low, high) == (10.0, 10.0));
            }
        }
    }

    #[test]
    fn active_acquisition_trains_better_networks_than_chance() {
        let mean = |acquisition| {
            let outcome = search(300, TrainingBudget { count: 40, acquisition, seed: 1 });
            let sum: f64 = trained(&outcome).iter().filter_map(|one| one.details[0]).sum();
            sum / 40.0
        };
        assert!(mean(Acquisition::Active) > mean(Acquisition::Random));
    }

    #[test]
    fn a_budget_larger_than_the_number_of_classes_is_not_used_up() {
        let acquisition = Acquisition::Active;
        let outcome = search(60, TrainingBudget { count: 500, acquisition, seed: 1 });
        let useful =
            |one: &&Evaluated| space().is_connected(&one.arch) && accuracy(&one.arch).is_some();
        let classes = outcome.evaluated.iter().filter(useful).map(|one| class(&one.arch));
        let classes: HashSet<usize> = classes.collect();
        assert!(trained(&outcome).len() <= classes.len() && trained(&outcome).len() > 20);
    }

    #[test]
    fn an_accuracy_that_does_not_exist_is_no_failure() {
        for seed in 0..20 {
            let acquisition = Acquisition::Active;
            let outcome = search(60, TrainingBudget { count: 1, acquisition, seed });
            assert_eq!(trained(&outcome).len(), 1);
            assert!(outcome.evaluated.iter().all(|one| one.values[0].is_some()));
        }
    }

    #[test]
    fn the_same_seed_trains_the_same_networks() {
        let budget = TrainingBudget { count: 20, acquisition: Acquisition::Active, seed: 3 };
        assert_eq!(search(100, budget), search(100, budget));
        assert_ne!(search(100, budget), search(100, TrainingBudget { seed: 4, ..budget }));
    }
}
