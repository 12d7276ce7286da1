use std::{collections::HashSet, ops::ControlFlow};

use nas_partition::Partition;
use nas_predict::{Predictor, Settings, Table, acquisition_scores};
use nas_search::{BoxError, Detail, Evaluated, Evaluation, Evaluator, Objective, SearchRng};
use nas_space::{Arch, Space};
use rand::{SeedableRng, seq::SliceRandom};

use crate::{Error, Source, Sources};

/// The share of the labels that is drawn at random before any prediction tells where to buy.
const AT_RANDOM: f64 = 0.3;

/// How many are drawn at random at least: from fewer, the first predictions lead astray.
const AT_RANDOM_AT_LEAST: usize = 16;

/// The share of the labels that is bought between two fits.
const ROUND: f64 = 0.1;

/// How labels are bought. In real use a label is a training run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Labels {
    /// How many at most, one of a class.
    pub budget: usize,
    /// Which ones.
    pub buying: Buying,
    /// The seed of what is drawn at random, and of the predictor.
    pub seed: u64,
}

/// Which labels are bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Buying {
    /// Three in ten at random, but 16 at least, the others in rounds where they are worth most for
    /// the front ([`acquisition_scores`]).
    #[default]
    Active,
    /// All at random.
    Random,
}

/// Tells the features of architectures, a row each.
pub type Features = dyn Fn(&[Arch]) -> Result<Table, Error>;

/// A space as a predictor sees it.
pub struct Domain {
    /// The space.
    pub space: &'static Space,
    /// Features of architectures, a row each.
    pub features: Box<Features>,
    /// Networks that count as one have one class: one label is enough for them.
    pub class: fn(&Arch) -> usize,
    /// The accuracy of networks without a path from input to output, in %.
    pub chance: f64,
    /// The niches that labels are spread over.
    pub partition: Partition,
}

/// Accuracy predicted from labels that are bought as the search goes, beside objectives that are
/// looked up or measured.
///
/// What has been evaluated can be labelled. Accuracies are there from the first
/// [`revise`](Evaluator::revise) on, and all are predicted anew whenever labels were bought.
pub struct Predicted {
    domain: Domain,
    label: Box<dyn Source>,
    costs: Sources,
    labels: Labels,
    objectives: Vec<Objective>,
    details: Vec<Detail>,
    rng: SearchRng,
    bought: Vec<(usize, f64)>,
    classes: HashSet<usize>,
    predictor: Option<Predictor>,
}

impl Predicted {
    /// An evaluator of the accuracy that `label` tells of an architecture at a price, predicted
    /// for all others, and of `costs`.
    pub fn new(domain: Domain, label: Box<dyn Source>, costs: Sources, labels: Labels) -> Self {
        let Objective { unit, direction, .. } = label.objective().clone();
        let detail = |name: &str| Detail { name: name.to_owned(), unit: unit.clone() };
        let details = ["label", "predicted_low", "predicted_high"].map(detail);
        let predicted =
            Objective { name: "predicted_accuracy".to_owned(), unit: unit.clone(), direction };
        Self {
            objectives: [&[predicted][..], costs.objectives()].concat(),
            details: [&details[..], costs.details()].concat(),
            domain,
            label,
            costs,
            labels,
            rng: SearchRng::seed_from_u64(labels.seed),
            bought: Vec::new(),
            classes: HashSet::new(),
            predictor: None,
        }
    }

    /// The rows to buy next, at most `count`, each of another class that has no label.
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
        if let (Some(predictor), Buying::Active) = (&self.predictor, self.labels.buying) {
            // Of equal worth, for example none, the first by chance.
            let worth = acquisition_scores(&predictor.predict(table)?, costs)?;
            rows.sort_by(|&a, &b| worth[b].total_cmp(&worth[a]));
        }
        let mut classes = self.classes.clone();
        rows.retain(|&row| classes.insert(class(&evaluated[row].arch)));
        if self.labels.buying == Buying::Active {
            // An even share of the random ones for each niche, of the others at most twice that.
            let shares = if self.predictor.is_some() { 2 } else { 1 };
            let most = (shares * count).div_ceil(partition.niches().len());
            let mut taken = vec![0; partition.niches().len()];
            let (mut first, later): (Vec<usize>, Vec<usize>) = rows.into_iter().partition(|&row| {
                let taken = &mut taken[partition.niche_of(&evaluated[row].arch)];
                *taken += 1;
                *taken <= most
            });
            first.extend(later);
            rows = first;
        }
        rows.truncate(count);
        Ok(rows)
    }

    /// Buys what is to be bought while `allowed` labels may be, and learns from it.
    fn learn(
        &mut self,
        evaluated: &[Evaluated],
        table: &Table,
        costs: &[Option<Vec<f64>>],
        allowed: usize,
        labelled: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<(), BoxError> {
        let of_budget = |share: f64| ((self.labels.budget as f64 * share).round() as usize).max(1);
        let (at_random, round) = (of_budget(AT_RANDOM).max(AT_RANDOM_AT_LEAST), of_budget(ROUND));
        loop {
            let step = match (&self.predictor, self.labels.buying) {
                (None, Buying::Active) => at_random,
                (None, Buying::Random) => allowed.max(at_random),
                (Some(_), _) => round,
            };
            let step = step.min(self.labels.budget - self.bought.len());
            if step == 0 || (self.predictor.is_some() && self.bought.len() + step > allowed) {
                return Ok(());
            }
            let rows = self.next(evaluated, table, costs, step)?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                let arch = &evaluated[row].arch;
                self.classes.insert((self.domain.class)(arch));
                if let (Some(label), _) = self.label.value(arch)? {
                    self.bought.push((row, label));
                }
            }
            let goes_on = labelled(self.bought.len()).is_continue();
            // None of them was to be had: others may be.
            if self.bought.is_empty() {
                continue;
            }
            let unconnected = Some(self.domain.chance);
            let settings = Settings { seed: self.labels.seed, unconnected, ..Settings::default() };
            self.predictor = Some(Predictor::fit(table, &self.bought, settings)?);
            if !goes_on {
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
        };
        Ok(costs.into_iter().map(with_accuracy).collect())
    }

    fn revise(
        &mut self,
        evaluated: &[Evaluated],
        share: f64,
        labelled: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Option<Vec<Evaluation>>, BoxError> {
        let architectures: Vec<Arch> = evaluated.iter().map(|one| one.arch.clone()).collect();
        let table = (self.domain.features)(&architectures)?;
        let costs: Vec<Option<Vec<f64>>> =
            evaluated.iter().map(|one| one.values[1..].iter().copied().collect()).collect();
        let allowed = (self.labels.budget as f64 * share) as usize;
        self.learn(evaluated, &table, &costs, allowed, labelled)?;
        let Some(predictor) = &self.predictor else { return Ok(None) };
        let mut evaluations: Vec<Evaluation> = evaluated
            .iter()
            .zip(predictor.predict(&table)?)
            .map(|(one, predicted)| {
                let mut evaluation =
                    Evaluation { values: one.values.clone(), details: one.details.clone() };
                evaluation.values[0] = Some(predicted.value);
                evaluation.details[1] = Some(predicted.low);
                evaluation.details[2] = Some(predicted.high);
                evaluation
            })
            .collect();
        for &(row, label) in &self.bought {
            evaluations[row].details[0] = Some(label);
        }
        Ok(Some(evaluations))
    }

    fn learns(&self) -> bool {
        true
    }

    fn remember(&mut self, arch: &Arch, evaluation: &Evaluation) {
        // In front of the costs stand the accuracy and what is told of it.
        let (values, details) = (evaluation.values.get(1..), evaluation.details.get(3..));
        if let (Some(values), Some(details)) = (values, details) {
            let costs = Evaluation { values: values.to_vec(), details: details.to_vec() };
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

    /// Accuracy grows with convolutions, and the label of what is pooled first is not to be had.
    fn accuracy(arch: &Arch) -> Option<f64> {
        let count = |operation| space().count(arch, operation) as f64;
        let worth = 60.0 + 5.0 * count("nor_conv_3x3") + 2.0 * count("nor_conv_1x1");
        (arch.choices()[0] != 4).then_some(worth)
    }

    fn search(evaluations: usize, labels: Labels) -> Outcome {
        let domain = Domain {
            space: space(),
            features: Box::new(|architectures| Ok(Table::new(space(), architectures))),
            class,
            chance: 10.0,
            partition: Partition::pel_nas(space()).unwrap(),
        };
        let label = Lookup::new(Objective::maximise("validation_accuracy", "%"), accuracy);
        let operations = |arch: &Arch| Some(6.0 - space().count(arch, "none") as f64);
        let latency = Lookup::new(Objective::minimise("latency", "ms"), operations);
        let costs = Sources::new(vec![Box::new(latency)]);
        let mut predicted = Predicted::new(domain, Box::new(label), costs, labels);
        let whole = Partition::whole();
        let settings = nas_search::Settings { evaluations, ..nas_search::Settings::default() };
        Search::new(space(), &whole, settings)
            .run(&mut Random, &mut predicted, &mut |_| {})
            .unwrap()
    }

    fn labelled(outcome: &Outcome) -> Vec<&Evaluated> {
        outcome.evaluated.iter().filter(|one| one.details[0].is_some()).collect()
    }

    #[test]
    fn labels_are_counted_by_class_and_all_accuracies_are_predicted() {
        for buying in [Buying::Active, Buying::Random] {
            let outcome = search(300, Labels { budget: 30, buying, seed: 5 });
            let labelled = labelled(&outcome);
            let classes: HashSet<usize> = labelled.iter().map(|one| class(&one.arch)).collect();
            assert_eq!((labelled.len(), classes.len()), (30, 30));
            for one in &labelled {
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
    fn what_is_bought_for_the_front_is_of_better_networks_than_what_is_bought_at_random() {
        let mean = |buying| {
            let outcome = search(300, Labels { budget: 40, buying, seed: 1 });
            let labels: f64 = labelled(&outcome).iter().filter_map(|one| one.details[0]).sum();
            labels / 40.0
        };
        assert!(mean(Buying::Active) > mean(Buying::Random));
    }

    #[test]
    fn more_labels_than_there_are_to_be_had_end_with_those() {
        let outcome = search(60, Labels { budget: 500, buying: Buying::Active, seed: 1 });
        let useful =
            |one: &&Evaluated| space().is_connected(&one.arch) && accuracy(&one.arch).is_some();
        let classes = outcome.evaluated.iter().filter(useful).map(|one| class(&one.arch));
        let classes: HashSet<usize> = classes.collect();
        assert!(labelled(&outcome).len() <= classes.len() && labelled(&outcome).len() > 20);
    }

    #[test]
    fn labels_that_are_not_to_be_had_are_no_failure() {
        for seed in 0..20 {
            let labels = Labels { budget: 1, buying: Buying::Active, seed };
            let outcome = search(60, labels);
            assert_eq!(labelled(&outcome).len(), 1);
            assert!(outcome.evaluated.iter().all(|one| one.values[0].is_some()));
        }
    }

    #[test]
    fn the_same_seed_buys_the_same_labels() {
        let labels = Labels { budget: 20, buying: Buying::Active, seed: 3 };
        assert_eq!(search(100, labels), search(100, labels));
        assert_ne!(search(100, labels), search(100, Labels { seed: 4, ..labels }));
    }
}
