//! The tables and figures, a file for each or for a few that belong together.

mod ablations;
mod limits;
mod model;
mod models;
mod partition;
mod recorded;
mod rules;
mod scores;
mod searchers;
mod transformers;

use super::part::Part;

/// All of them. To add one, write its file and name it here.
pub const ALL: &[&Part] = &[
    &limits::T2,
    &searchers::T3,
    &model::T4,
    &ablations::T5,
    &transformers::T6,
    &model::FIGURE_1,
    &searchers::CONVERGENCE,
    &partition::NICHES,
    &partition::AXES,
    &rules::RULES,
    &models::MODELS,
    &searchers::ENERGY,
];
