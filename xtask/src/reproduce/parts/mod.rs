//! The tables and figures, a file for each or for a few that belong together.

mod ablations;
mod contamination;
mod language_model;
mod limits;
mod partition;
mod rules;
mod scores;
mod searchers;
mod transformers;

use super::part::Part;

pub use language_model::LANGUAGE_MODEL;

/// All of them. To add one, write its file and name it here.
pub const ALL: &[&Part] = &[
    &limits::T2,
    &searchers::T3,
    &language_model::T4,
    &ablations::T5,
    &transformers::T6,
    &language_model::LANGUAGE_MODEL,
    &contamination::CONTAMINATION,
    &searchers::CONVERGENCE,
    &partition::NICHES,
    &partition::AXES,
    &rules::RULES,
    &searchers::ENERGY,
];
