//! The page of a search that goes on.

use std::time::{Duration, Instant};

use nas_eval::Problem;
use nas_search::{Event, Outcome};

use super::{evaluator::Opened, plan::Plan, report::Report};
use crate::{
    failure::Failure,
    journal::{EVENTS, rejections},
    report::page,
    run_folder::{PAGE, RunFolder},
    terminal::note,
};

/// Pages are at least this far apart, and take at most one part in so many of the time.
const PAUSE: Duration = Duration::from_secs(2);
const SHARE: u32 = 20;

/// Writes the page after the first generation and then now and then, as far as the search has come. It is
/// only for reading: where it cannot be written, the search goes on.
pub struct Watch<'a> {
    plan: &'a Plan,
    problem: &'a Problem,
    opened: &'a Opened,
    folder: &'a RunFolder,
    /// When it was last written, and how long that took.
    written: (Instant, Duration),
    /// Whether it was said where it is.
    said: bool,
}

impl<'a> Watch<'a> {
    pub fn new(
        plan: &'a Plan,
        problem: &'a Problem,
        opened: &'a Opened,
        folder: &'a RunFolder,
    ) -> Self {
        let written = (Instant::now(), Duration::ZERO);
        Self { plan, problem, opened, folder, written, said: false }
    }

    pub fn show(&mut self, event: &Event<'_>) {
        let Event::Generation { evaluated, niches, knowledge, .. } = event else { return };
        let (when, took) = self.written;
        // A search that takes no time has its page when it ends.
        let is_first = !self.said && self.plan.is_slow();
        let is_due = is_first || when.elapsed() >= PAUSE.max(SHARE * took);
        if !is_due || evaluated.len() >= self.plan.evaluations {
            return;
        }
        let begun = Instant::now();
        let outcome = Outcome {
            objectives: self.opened.objectives.clone(),
            evaluated: evaluated.to_vec(),
            niches: niches.to_vec(),
            knowledge: (*knowledge).clone(),
            interrupted: true,
        };
        if self.write(&outcome).is_ok() && !self.said {
            let page = self.folder.file(PAGE);
            note(&format!(
                "{} shows how far the search is, and loads itself again",
                page.display()
            ));
            self.said = true;
        }
        self.written = (Instant::now(), begun.elapsed());
    }

    fn write(&self, outcome: &Outcome) -> Result<(), Failure> {
        let Self { plan, problem, opened, folder, .. } = self;
        let report = Report::of_running(plan, problem, opened, outcome)?;
        let rejected = rejections(&folder.file(EVENTS));
        let run = report.page(folder.path(), folder.settings()?, rejected);
        folder.write(PAGE, &page(&[&run])?)
    }
}
