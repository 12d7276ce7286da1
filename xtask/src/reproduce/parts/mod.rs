//! The tables and figures, each from what is kept in `reports/data/`.

mod ablations;
mod limits;
mod model;
mod models;
mod partition;
mod rules;
mod scores;
mod searchers;
mod transformers;

use super::Part;
use super::experiments::Results;
use super::sheet::Report;
use crate::error::Error;

pub const DATASETS: [&str; 3] = ["cifar10", "cifar100", "ImageNet16-120"];

/// The reports of a part.
pub fn reports(part: Part, results: &Results) -> Result<Vec<Report>, Error> {
    Ok(vec![match part {
        Part::T2 => limits::limits(results)?,
        Part::T3 => searchers::searchers(results)?,
        Part::T4 => model::costs(results)?,
        Part::T5 => ablations::ablations(results)?,
        Part::T6 => transformers::transformers(results)?,
        Part::Figure1 => model::coverage(results)?,
        Part::Convergence => searchers::convergence(results)?,
        Part::Niches => partition::niches(results)?,
        Part::Axes => partition::axes(results)?,
        Part::Rules => rules::rules(results)?,
        Part::Models => models::models(results)?,
        Part::Energy => searchers::energy(results)?,
    }])
}
