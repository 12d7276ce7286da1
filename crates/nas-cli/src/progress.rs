//! Progress of long work, on standard error.

use std::{
    fmt,
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};

use crate::terminal::{BARS, note};

/// A bar if standard error is a terminal; else a line at every tenth of the work, unless that
/// passes quickly.
pub struct Progress {
    bar: ProgressBar,
    /// The lines below the bar.
    rows: Vec<ProgressBar>,
    plain: bool,
    what: &'static str,
    tenths: u64,
    begun: Instant,
    /// What was done before this began.
    before: u64,
    printed: Instant,
}

/// Lines of a progress without a terminal are at least this far apart.
const PAUSE: Duration = Duration::from_secs(2);

impl Progress {
    /// Shows messages only.
    #[cfg(feature = "torch")]
    pub fn hidden() -> Self {
        Self::of("", ProgressBar::hidden(), false)
    }

    pub fn new(what: &'static str, total: usize) -> Self {
        let template = "{wide_msg} [{bar:8}] {pos}/{len}{left}";
        // Before the first is done, nothing is known of the time for the others.
        let left = |state: &ProgressState, text: &mut dyn fmt::Write| {
            if state.pos() > 0 {
                let _ = write!(text, ", {} left", HumanDuration(state.eta()));
            }
        };
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("left", left)
            .progress_chars("=> ");
        let bar = ProgressBar::new(total as u64).with_style(style).with_message(what);
        let bar = BARS.add(bar);
        bar.enable_steady_tick(Duration::from_millis(500));
        Self::of(what, bar, !std::io::stderr().is_terminal())
    }

    fn of(what: &'static str, bar: ProgressBar, plain: bool) -> Self {
        let now = Instant::now();
        Self { bar, rows: Vec::new(), plain, what, tenths: 0, begun: now, before: 0, printed: now }
    }

    /// Continues after so many that an earlier run did.
    #[cfg(feature = "torch")]
    pub fn start_at(&mut self, before: usize) {
        self.before = before as u64;
        self.bar.set_position(self.before);
        self.bar.reset_eta();
    }

    /// Shows that `done` are done, with a few words on the state.
    pub fn update(&mut self, done: usize, state: &str) {
        let (what, done) = (self.what, done as u64);
        let comma = if state.is_empty() { "" } else { ", " };
        self.bar.set_position(done);
        self.bar.set_message(format!("{what}{comma}{state}"));
        let total = self.bar.length().unwrap_or(done).max(1);
        let tenths = done * 10 / total;
        if self.plain
            && done > self.before
            && tenths > self.tenths
            && self.printed.elapsed() >= PAUSE
        {
            (self.tenths, self.printed) = (tenths, Instant::now());
            let rate = (done - self.before) as f64 / self.begun.elapsed().as_secs_f64();
            let left = HumanDuration(Duration::from_secs_f64((total - done) as f64 / rate));
            note(&format!("{what}: {done}/{total}, {rate:.1}/s, {left} left{comma}{state}"));
        }
    }

    /// Whether a bar is shown.
    pub fn is_shown(&self) -> bool {
        !self.plain
    }

    /// Sets the lines below the bar; nothing without a terminal.
    pub fn rows(&mut self, texts: &[String]) {
        while self.rows.len() > texts.len() {
            self.rows.pop().into_iter().for_each(|row| row.finish_and_clear());
        }
        while self.rows.len() < texts.len() {
            let style = ProgressStyle::with_template("  {msg}");
            let row = ProgressBar::new_spinner();
            let row = row.with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            self.rows.push(BARS.add(row));
        }
        for (row, text) in self.rows.iter().zip(texts) {
            row.set_message(text.clone());
        }
    }

    pub fn finish(&self) {
        self.rows.iter().for_each(ProgressBar::finish_and_clear);
        self.bar.finish_and_clear();
    }
}
