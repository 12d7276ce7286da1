//! The progress of a search.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use nas_llm::ChatModel;
use nas_pareto::{Bounds, Direction, Error, PointSet, hypervolume, non_dominated};
use nas_partition::Niche;
use nas_search::{Evaluated, Event, Objective, Settings};

use crate::{progress::Progress, terminal::note};

/// Niches with a row at most.
const ROWS: usize = 12;

/// Characters of a niche's description at most.
const WIDEST: usize = 36;

/// Updates of the rows are at least this far apart, and take at most one part in so many of the time.
const PAUSE: Duration = Duration::from_millis(500);
const SHARE: u32 = 20;

/// On a terminal a bar over all evaluations with a row for each niche; else a line now and then.
pub struct View {
    progress: Progress,
    evaluations: usize,
    directions: Vec<Direction>,
    /// Networks that are trained at most.
    most: usize,
    /// The bar that is shown once all is evaluated and networks are trained.
    training: Option<Progress>,
    model: Option<Arc<ChatModel>>,
    /// Failures that were shown.
    failures: HashSet<String>,
    /// When the niches were last counted, and how long that took.
    counted: (Instant, Duration),
}

impl View {
    pub fn new(
        settings: &Settings,
        objectives: &[Objective],
        most: Option<usize>,
        model: Option<Arc<ChatModel>>,
    ) -> Self {
        Self {
            directions: objectives.iter().map(|objective| objective.direction).collect(),
            progress: Progress::new("evaluating", settings.evaluations),
            evaluations: settings.evaluations,
            most: most.unwrap_or_default(),
            training: None,
            model,
            failures: HashSet::new(),
            counted: (Instant::now(), Duration::ZERO),
        }
    }

    pub fn show(&mut self, event: &Event<'_>) {
        match event {
            Event::Evaluated { done, front, .. } => {
                // Where accuracy is still to be predicted, there is no front yet.
                let front =
                    if *front > 0 { format!("{front} on the front") } else { String::new() };
                let standing = format!("{front}{}", self.asked());
                self.progress.update(*done, standing.trim_start_matches(", "));
            }
            Event::Trained { trained, done } if *done < self.evaluations => {
                self.progress
                    .update(*done, &format!("{trained} of {} networks trained", self.most));
            }
            // Training takes the time now.
            Event::Trained { trained, .. } => {
                self.progress.finish();
                let new = || Progress::new("training networks", self.most);
                self.training.get_or_insert_with(new).update(*trained, "");
            }
            Event::Partitioned { ranked, .. } => note(&format!(
                "niches by {}, which explain {:.0} % of the variance of latency ranks",
                ranked.name,
                100.0 * ranked.explained.max(0.0)
            )),
            // A failure that all niches have is shown once.
            Event::ProposerFailed { niche, error, .. }
                if self.failures.insert(error.to_string()) =>
            {
                note(&format!("niche {}: no proposals: {error}", niche + 1));
            }
            Event::Generation { evaluated, niches, .. } if niches.len() > 1 => {
                self.count(evaluated, niches);
            }
            _ => {}
        }
    }

    pub fn finish(&self) {
        self.progress.finish();
        if let Some(training) = &self.training {
            training.finish();
        }
    }

    /// The usage of a model so far.
    fn asked(&self) -> String {
        self.model.as_ref().map_or_else(String::new, |model| {
            let usage = model.usage();
            let tokens = (usage.prompt_tokens + usage.completion_tokens) as f64 / 1e3;
            format!(", {} calls, {tokens:.0}k tokens", usage.calls)
        })
    }

    /// Shows the progress of each niche.
    fn count(&mut self, evaluated: &[Evaluated], niches: &[Niche]) {
        let (when, took) = self.counted;
        if !self.progress.is_shown() || when.elapsed() < PAUSE.max(SHARE * took) {
            return;
        }
        let begun = Instant::now();
        // Finite rows of one width, as the search checks them, are never refused.
        if let Ok(rows) = rows(evaluated, niches, &self.directions) {
            self.progress.rows(&rows);
        }
        self.counted = (Instant::now(), begun.elapsed());
    }
}

/// A row for each niche: its evaluations, its own front, and the hypervolume of that, with objectives
/// scaled by the range of all.
fn rows(
    evaluated: &[Evaluated],
    niches: &[Niche],
    directions: &[Direction],
) -> Result<Vec<String>, Error> {
    let complete: Vec<(usize, Vec<f64>)> =
        evaluated.iter().filter_map(|one| Some((one.niche, one.complete()?))).collect();
    if complete.is_empty() {
        return Ok(Vec::new());
    }
    let bounds =
        Bounds::of(&PointSet::from_rows(complete.iter().map(|(_, values)| values), directions)?)?;
    let reference = vec![1.0; directions.len()];
    let row = |(at, niche): (usize, &Niche)| {
        let count = evaluated.iter().filter(|one| one.niche == at).count();
        let own = complete.iter().filter(|(niche, _)| *niche == at).map(|(_, values)| values);
        let costs = bounds.scale(&PointSet::from_rows(own, directions)?)?;
        let (front, volume) = (non_dominated(&costs)?.len(), hypervolume(&costs, &reference)?);
        let mut name = niche.description.clone();
        if name.chars().count() > WIDEST {
            name = name.chars().take(WIDEST - 1).chain(['…']).collect();
        }
        Ok(format!("{name:<WIDEST$} {count:>6} evaluated, {front:>3} on front, HV {volume:.3}"))
    };
    let mut rows = niches.iter().enumerate().take(ROWS).map(row).collect::<Result<Vec<_>, _>>()?;
    if niches.len() > ROWS {
        rows.push(format!("and {} more niches", niches.len() - ROWS));
    }
    Ok(rows)
}
