//! The data of a run in a page. Positions are of [`Architectures`]' columns; niches, proposers and
//! choices are positions in the lists of their names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub struct Run {
    /// The folder as it was typed.
    pub name: String,
    pub title: String,
    /// Whether the search has ended.
    pub ended: bool,
    /// Whether it goes on: the page is written again, and loads itself again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub running: bool,
    pub evaluated: usize,
    pub budget: usize,
    pub settings: Vec<(String, String)>,
    pub origins: Vec<String>,
    pub objectives: Vec<Objective>,
    pub space: Space,
    pub niches: Vec<String>,
    pub proposers: Vec<String>,
    pub architectures: Architectures,
    /// The non-dominated, along the front.
    pub front: Vec<usize>,
    /// What is predicted to be on the front beside them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub predicted: Vec<Predicted>,
    /// Evaluations that failed: kind, how many, and the message of the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<(String, u64, String)>,
    /// Where trainings are stopped early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stopped>,
    pub exact_front: Option<ExactFront>,
    pub scores: Option<Scores>,
    pub coverage: Option<Coverage>,
    pub generations: Vec<Generation>,
    /// The best within the limits.
    pub best: Option<usize>,
    pub limits: Vec<String>,
    pub rules: Vec<Rule>,
    pub dropped_rules: Vec<Rule>,
    pub cost: Option<Cost>,
    /// Of a language model.
    pub proposals: Option<Proposals>,
    /// Operators that share the search.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operators: Vec<Operator>,
    /// Rejected proposals, by kind.
    pub rejections: Vec<(String, u64)>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Objective {
    pub name: String,
    pub unit: String,
    /// `maximise` or `minimise`.
    pub direction: String,
    /// For an axis, with the unit.
    pub title: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Space {
    pub name: String,
    pub decisions: Vec<Decision>,
    /// Of a cell: decision i is the operation on edge i.
    pub edges: Option<Vec<(usize, usize)>>,
    /// The choice that removes an edge.
    pub none: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Decision {
    pub name: String,
    pub choices: Vec<String>,
    pub short: Vec<String>,
    /// When it counts, where it does not always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<nas_space::Activity>,
}

/// All of the front and some of what else was evaluated, in the order of evaluation.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Architectures {
    pub arch: Vec<String>,
    pub choices: Vec<Vec<u8>>,
    /// A column for each objective.
    pub values: Vec<Vec<Option<f64>>>,
    pub others: Vec<Other>,
    pub niche: Vec<usize>,
    pub generation: Vec<usize>,
    pub proposer: Vec<usize>,
    /// Whether a path leads from the input to the output.
    pub connected: Option<Vec<bool>>,
    /// The proposer's reason, if it gave one.
    pub rationale: BTreeMap<usize, String>,
}

/// A candidate that was not evaluated.
#[derive(Debug, Serialize, Deserialize)]
pub struct Predicted {
    pub arch: String,
    /// For each objective the expected value and the ends of its 90 % interval.
    pub values: Vec<[f64; 3]>,
}

/// How much was not trained.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Stopped {
    pub trainings: usize,
    /// The steps that were trained, and those of all trainings to their ends.
    pub steps: f64,
    pub of: f64,
}

/// What else is known of each architecture.
#[derive(Debug, Serialize, Deserialize)]
pub struct Other {
    pub title: String,
    pub values: Vec<Option<f64>>,
}

/// The front of the whole space, on true values.
#[derive(Debug, Serialize, Deserialize)]
pub struct ExactFront {
    pub title: String,
    /// The column that its second value is of.
    pub column: String,
    /// The second objective, then that column.
    pub points: Vec<(f64, f64)>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Scores {
    pub hypervolume_ratio: f64,
    pub hypervolume: f64,
    pub igd: f64,
    pub igd_plus: f64,
}

/// Which of equal parts of the range of a cost, on a log scale, are covered.
#[derive(Debug, Serialize, Deserialize)]
pub struct Coverage {
    pub from: f64,
    pub to: f64,
    pub covered: Vec<bool>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(clippy::struct_field_names)] // The column's name.
pub struct Generation {
    pub generation: usize,
    /// In all.
    pub evaluated: usize,
    pub front: usize,
    /// Of objectives scaled to [0, 1] by the range of all that was evaluated, up to the worst.
    pub hypervolume: f64,
    /// Of that of everything known at the end.
    #[serde(default)]
    pub hypervolume_of_best_known: Option<f64>,
    /// Against the exact front.
    pub hypervolume_ratio: Option<f64>,
    pub igd: Option<f64>,
    pub coverage: Option<f64>,
    /// In this generation, as what follows.
    pub from_model: usize,
    pub class_duplicates: usize,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Rule {
    pub polarity: String,
    pub condition: String,
    pub niche: Option<usize>,
    pub by: String,
    pub reason: String,
    pub since: usize,
    pub supporting: usize,
    pub contradicting: usize,
    pub significance: f64,
    /// By objective.
    pub effects: Vec<(String, Option<f64>)>,
    /// Of a refuted rule: the number of evaluations then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluated: Option<usize>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Cost {
    pub calls: u64,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub seconds: f64,
    pub money: Option<f64>,
    pub asked_again: u64,
    /// Kind, how many, and the message of the first.
    pub failed: Vec<(String, u64, String)>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Proposals {
    pub made: u64,
    pub accepted: u64,
}

/// A proposer that shares a search with others, by what its proposals add.
#[derive(Debug, Serialize, Deserialize)]
pub struct Operator {
    pub name: String,
    /// At the end, as what follows.
    pub asked: usize,
    pub proposals: usize,
    pub credit: f64,
    /// The generation, and the probability of being asked in it.
    pub shares: Vec<(usize, f64)>,
}

impl Run {
    /// Checks that the data are consistent, since a file may contain anything.
    pub fn check(&self) -> Result<(), String> {
        let Architectures { arch, choices, values, others, niche, generation, proposer, .. } =
            &self.architectures;
        let (rows, decisions) = (arch.len(), &self.space.decisions);
        let columns = [choices.len(), niche.len(), generation.len(), proposer.len()];
        let columns = columns
            .into_iter()
            .chain(values.iter().map(Vec::len))
            .chain(others.iter().map(|other| other.values.len()))
            .chain(self.architectures.connected.as_ref().map(Vec::len));
        let is_choice = |(choice, at): (&u8, &Decision)| usize::from(*choice) < at.choices.len();
        let is_arch = |choices: &Vec<u8>| {
            choices.len() == decisions.len() && choices.iter().zip(decisions).all(is_choice)
        };
        let places = self.front.iter().chain(&self.best).chain(self.architectures.rationale.keys());
        let names = |positions: &[usize], names: &[String]| {
            positions.iter().all(|position| *position < names.len())
        };
        let fits = columns.into_iter().all(|column| column == rows)
            && values.len() == self.objectives.len()
            && self.objectives.len() >= 2
            && self.predicted.iter().all(|one| one.values.len() == self.objectives.len())
            && decisions.iter().all(|at| at.short.len() == at.choices.len())
            && choices.iter().all(is_arch)
            && places.into_iter().all(|place| *place < rows)
            && names(niche, &self.niches)
            && names(proposer, &self.proposers)
            && self.space.edges.as_ref().is_none_or(|edges| edges.len() == decisions.len());
        if fits { Ok(()) } else { Err(format!("the data of {} are inconsistent", self.name)) }
    }
}
