//! The pairs of data set and device that searchers are compared on.

use std::path::Path;

use nas_eval::{Problem, Published, Trained, Truth};
use nas_hw::Metric;
use nas_search::Rule;

use super::{Arguments, accuracy::Accuracies, distinct};
use crate::{
    failure::Failure,
    partition::Cut,
    space_arguments::known,
    tables::{lacking, needed},
    target::check_published,
};

/// A data set with its published tables, and the accuracies that the searches use.
pub struct OnDataset {
    pub problem: Problem,
    pub published: Box<dyn Published>,
    /// Test accuracy in % by index.
    pub test_accuracies: Vec<f64>,
    pub accuracies: Accuracies,
}

/// A pair of data set and device.
pub struct Pair<'a> {
    pub on: &'a OnDataset,
    pub device: &'static str,
    pub metrics: &'static [Metric],
    pub truth: Truth,
    pub cut: Cut,
    pub rules: Vec<Rule>,
}

/// What must be published of a space to compare searchers on it.
const NEEDED: &str = "accuracies of all architectures";

impl Arguments {
    /// The data sets with their tables, opened.
    pub fn datasets(&self, tables: Option<&Path>) -> Result<Vec<OnDataset>, Failure> {
        let known = known(&self.space)?;
        let named: Vec<&str> = match self.datasets[..] {
            [] => known.datasets(),
            _ => self.datasets.iter().map(String::as_str).collect(),
        };
        let mut datasets: Vec<OnDataset> = Vec::new();
        for name in named {
            let problem = Problem::new(known, Some(name))?;
            if datasets.iter().any(|known| known.problem.dataset_name == problem.dataset_name) {
                continue;
            }
            if problem.space.size().is_some_and(|size| u64::from(self.evaluations) > size) {
                return Err(Failure::input(format!(
                    "--evaluations {}: {} has only {} architectures",
                    self.evaluations,
                    problem.space.name(),
                    problem.space.size().unwrap_or_default()
                )));
            }
            let published = needed(&problem, tables, NEEDED)?;
            let lacking = || lacking(&problem, NEEDED);
            let test_accuracies = published.test_accuracies()?.ok_or_else(lacking)?;
            let Trained { accuracies, .. } =
                problem.accuracies(&*published)?.ok_or_else(lacking)?;
            let accuracies = Accuracies::new(self, &problem, &*published, accuracies)?;
            datasets.push(OnDataset { problem, published, test_accuracies, accuracies });
        }
        Ok(datasets)
    }

    pub fn pairs<'a>(&self, datasets: &'a [OnDataset]) -> Result<Vec<Pair<'a>>, Failure> {
        let mut pairs = Vec::new();
        for on in datasets {
            let problem = &on.problem;
            let named = distinct(&self.devices);
            for device in &named {
                check_published(problem, device)?;
            }
            let mut devices = problem.devices()?;
            if !named.is_empty() {
                let all = devices;
                let of_name = |name: &String| all.iter().find(|device| device.name == *name);
                devices = named.iter().filter_map(of_name).copied().collect();
            }
            for device in devices {
                // Unless they are named, devices without energy are left out.
                let has_energy = || problem.has_cost(&device.name, Metric::Energy);
                if self.energy && named.is_empty() && !has_energy()? {
                    continue;
                }
                let metrics = &[Metric::Latency, Metric::Energy][..=usize::from(self.energy)];
                let truth = problem.truth(&*on.published, &device.name, metrics)?;
                let truth = truth.ok_or_else(|| lacking(problem, NEEDED))?;
                let cut = self.partition.build(problem, "whole")?;
                let rules = self.rules.read(problem.space, &cut)?;
                pairs.push(Pair { on, device: &device.name, metrics, truth, cut, rules });
            }
        }
        Ok(pairs)
    }
}
