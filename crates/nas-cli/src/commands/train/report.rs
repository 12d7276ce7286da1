//! The results of a training: the picture of its curve, its page, and what is printed.

use std::{fmt::Write as _, path::Path};

use nas_data::PartName;
use nas_train::{Metrics, Scores};
use serde_json::{Value, json};

use super::session::Ended;
use crate::{
    failure::Failure,
    figure::CurveFigure,
    output::{Format, Records, counted, print_json},
    report::escaped,
    run_folder::{PAGE, WEIGHTS},
    terminal::{print, typed},
};

/// The results of a training.
pub struct Report<'a> {
    pub ended: &'a Ended,
    pub folder: &'a Path,
}

impl Report<'_> {
    fn parameters(&self) -> usize {
        self.ended.trained.network.parameters().iter().map(|(_, one)| one.numel()).sum()
    }

    fn seconds(&self) -> f64 {
        self.ended.metrics.iter().map(|one| one.seconds).sum()
    }

    fn images_per_second(&self) -> f64 {
        let examples: usize = self.ended.metrics.iter().map(|one| one.examples).sum();
        examples as f64 / self.seconds()
    }

    /// The share of the time in which no batch was ready.
    fn waited(&self) -> f64 {
        self.ended.metrics.iter().map(|one| one.waited).sum::<f64>() / self.seconds()
    }

    /// The best epoch.
    fn best(&self) -> Option<&Metrics> {
        self.ended.metrics.iter().find(|one| one.epoch == self.ended.trained.epoch)
    }

    fn title(&self) -> String {
        let plan = &self.ended.trained.config.plan;
        format!("{} on {}", self.ended.trained.problem.space.name(), plan.data.display())
    }

    pub fn json(&self) -> Value {
        let scores = |scores: Scores, part| {
            json!({
                "accuracy": scores.accuracy,
                "loss": scores.loss,
                "examples": self.ended.trained.config.found.count(part),
            })
        };
        json!({
            "nas_version": env!("CARGO_PKG_VERSION"),
            "interrupted": self.ended.interrupted,
            "space": self.ended.trained.config.plan.space,
            "arch": self.ended.trained.config.plan.arch,
            "parameters": self.parameters(),
            "epochs": self.ended.metrics.len(),
            "best_epoch": self.ended.trained.epoch,
            "validation": self.best().map(|best| scores(best.validation, PartName::Validation)),
            "test": self.ended.test.map(|test| scores(test, PartName::Test)),
            "seconds": self.seconds(),
            "images_per_second": self.images_per_second(),
            "waited_share": self.waited(),
            "weights": self.folder.join(WEIGHTS),
        })
    }

    /// The epochs, a row each.
    fn epochs(&self) -> Records {
        let mut records = Records::new([
            "epoch",
            "learning_rate",
            "loss",
            "validation_loss",
            "validation_accuracy",
            "seconds",
        ]);
        for one in &self.ended.metrics {
            records.push(vec![
                (one.epoch as usize).into(),
                Some(one.learning_rate).into(),
                Some(one.loss).into(),
                Some(one.validation.loss).into(),
                Some(one.validation.accuracy).into(),
                Some(one.seconds).into(),
            ]);
        }
        records
    }

    /// The picture of accuracy and losses over the epochs.
    pub fn curve(&self) -> Result<String, Failure> {
        let of = |value: fn(&Metrics) -> f64| {
            self.ended.metrics.iter().map(|one| (f64::from(one.epoch), value(one))).collect()
        };
        let best = self.best().map(|best| (f64::from(best.epoch), best.validation.accuracy));
        let figure = CurveFigure {
            title: self.title(),
            accuracy: of(|one| one.validation.accuracy),
            best,
            loss: of(|one| one.loss),
            validation_loss: of(|one| one.validation.loss),
        };
        figure.svg()
    }

    /// A page of one file.
    pub fn page(&self) -> Result<String, Failure> {
        let title = escaped(&self.title());
        let mut rows = String::new();
        let plan = toml::Table::try_from(&self.ended.trained.config.plan)
            .map_err(|error| Failure::work(format!("cannot write the page: {error}")))?;
        let mut settings = Vec::new();
        crate::run_folder::flatten("", plan, &mut settings);
        for (name, value) in settings {
            let _ =
                writeln!(rows, "<tr><th>{}</th><td>{}</td></tr>", escaped(&name), escaped(&value));
        }
        let mut epochs = String::new();
        for one in &self.ended.metrics {
            let best = if one.epoch == self.ended.trained.epoch { " class=\"best\"" } else { "" };
            let _ = writeln!(
                epochs,
                "<tr{best}><td>{}</td><td>{:.3e}</td><td>{:.4}</td><td>{:.4}</td><td>{:.2}</td><td>{:.1}</td></tr>",
                one.epoch,
                one.learning_rate,
                one.loss,
                one.validation.loss,
                one.validation.accuracy,
                one.seconds
            );
        }
        let mut words = String::new();
        for line in self.words().lines() {
            let _ = writeln!(words, "<p>{}</p>", escaped(line.trim()));
        }
        Ok(format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
             <h1>{title}</h1>\n{words}{}\n\
             <h2>Epochs</h2>\n<table>\n<tr><td>epoch</td><td>learning rate</td><td>loss</td>\
             <td>validation loss</td><td>validation accuracy [%]</td><td>seconds</td></tr>\n{epochs}</table>\n\
             <h2>Settings</h2>\n<table class=\"settings\">\n{rows}</table>\n</main>\n</body>\n</html>\n",
            self.curve()?,
        ))
    }

    fn words(&self) -> String {
        let found = &self.ended.trained.config.found;
        let mut text = format!(
            "{} in {:.0} s, {:.0} images/s; {} parameters\n",
            counted(self.ended.metrics.len(), "epoch"),
            self.seconds(),
            self.images_per_second(),
            self.parameters(),
        );
        let mut line = |what: &str, scores: Scores, part| {
            let count = found.count(part);
            let [low, high] = interval(scores.accuracy / 100.0, count).map(|end| 100.0 * end);
            let _ = writeln!(
                text,
                "{what}: {:.2} % of {count} images [95 %: {low:.1} to {high:.1}], loss {:.3}",
                scores.accuracy, scores.loss
            );
        };
        if let Some(best) = self.best() {
            let what = format!("validation, at the best epoch ({})", best.epoch);
            line(&what, best.validation, PartName::Validation);
        }
        if let Some(test) = self.ended.test {
            line("test, of the weights of that epoch", test, PartName::Test);
        }
        text
    }

    pub fn print(&self, format: Format) -> Result<(), Failure> {
        match format {
            Format::Json => print_json(&self.json()),
            Format::Csv => self.epochs().print(Format::Csv),
            Format::Table => {
                let run = typed(self.folder);
                print(&format!(
                    "{}\n{}{}: {WEIGHTS}, metrics.csv, curve.svg, {PAGE}\n\
                     As a file for other programs: nas export {run} --format onnx\n",
                    self.title(),
                    self.words(),
                    self.folder.display(),
                ))
            }
        }
    }
}

/// The 95 % interval of a share of so many (Wilson 1927, Journal of the American Statistical Association 22).
fn interval(share: f64, count: usize) -> [f64; 2] {
    const Z: f64 = 1.959_964;
    let n = count as f64;
    let centre = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    [(centre - half).max(0.0), (centre + half).min(1.0)]
}

const STYLE: &str = "\
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; color: #1d2330; background: #fff; }
main { max-width: 860px; margin: 0 auto; padding: 24px; }
h1 { font-size: 24px; } h2 { font-size: 19px; margin-top: 32px; }
p { margin: 4px 0; }
svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; font-size: 14px; }
td, th { padding: 3px 14px 3px 0; text-align: right; border-bottom: 1px solid #e4e6ea; }
.settings td, .settings th { text-align: left; font-weight: normal; overflow-wrap: anywhere; }
.best { font-weight: 600; }
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_wilsons() {
        // scipy.stats.binomtest(93, 100).proportion_ci(method='wilson')
        let [low, high] = interval(0.93, 100);
        assert!((low - 0.862_5).abs() < 1e-4 && (high - 0.965_7).abs() < 1e-4, "{low} {high}");
        assert!(interval(1.0, 10)[1] > 0.999_999);
    }
}
