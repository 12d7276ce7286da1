//! ViT-Bench-101's networks of AutoFormer's tiny space as the only ones that a user can train. No
//! latency of them was published: their operations at a fixed rate stand in for it.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

use nas_pareto::Direction;

use super::nas::{Nas, failed, number, read, text, write};
use super::problem::{ANSWERS, Exact, Front, LATENCIES, Problem, Scores};
use crate::error::Error;

/// Operations in a millisecond of the device that stands in.
const FLOPS_PER_MS: f64 = 50e6;

/// The published networks on a data set.
pub struct Transformers {
    pub dataset: &'static str,
    pub evaluations: u32,
}

impl Problem for Transformers {
    fn name(&self) -> String {
        format!("transformers-{}", self.dataset)
    }

    fn budgets(&self) -> Vec<u32> {
        vec![self.evaluations]
    }

    fn pose(&self, nas: &Nas, folder: &Path) -> Result<String, Error> {
        let on = ["--space", "autoformer-tiny", "--dataset", self.dataset];
        let networks = nas.run(folder, &[&["predict", "folds", "--networks"][..], &on].concat())?;
        write(&folder.join("networks.txt"), &networks)?;
        let convert = ["space", "convert", "--file", "networks.txt"];
        let counted = nas.table(folder, &[&convert[..], &on].concat())?;
        let (mut published, mut latencies) = ("arch,latency_ms\n".to_owned(), String::new());
        for row in &counted {
            let (arch, flops) = (text(row, "arch")?, number(row, "flops")?);
            let latency = flops / FLOPS_PER_MS;
            let _ = writeln!(published, "{arch},{latency}");
            let _ = writeln!(latencies, "{},{latency}", own(arch));
        }
        write(&folder.join("published.csv"), &published)?;
        write(&folder.join(LATENCIES), &format!("arch,latency_ms\n{latencies}"))?;
        // Of a network that was trained the search shows the accuracy.
        let trained = ["--latency-table", "published.csv", "--accuracy", "predictor"];
        let mut answers = "arch,accuracy_percent\n".to_owned();
        for row in nas.evaluations(folder, &[&on[..], &trained].concat())? {
            let (arch, accuracy) = (text(&row, "arch")?, number(&row, "trained_accuracy_percent")?);
            let _ = writeln!(answers, "{},{accuracy}", own(arch));
        }
        write(&folder.join(ANSWERS), &answers)?;
        Ok(space())
    }

    fn arguments(&self) -> &'static [&'static str] {
        &["--latency-table", LATENCIES]
    }

    fn program(&self) -> (&'static str, &'static str) {
        ("table.py", include_str!("table.py"))
    }

    fn score(&self, _: &Nas, folder: &Path, fronts: &[Front]) -> Result<Vec<Scores>, Error> {
        let mut all: HashMap<String, [f64; 2]> = HashMap::new();
        for (at, (file, column)) in
            [(ANSWERS, "accuracy_percent"), (LATENCIES, "latency_ms")].into_iter().enumerate()
        {
            for row in read(&folder.join(file))? {
                all.entry(text(&row, "arch")?.to_owned()).or_default()[at] = number(&row, column)?;
            }
        }
        let values: Vec<[f64; 2]> = all.values().copied().collect();
        let exact = Exact::new([Direction::Maximise, Direction::Minimise], &values, &values)?;
        let of = |arch: &String| {
            all.get(arch).copied().ok_or_else(|| failed(&format!("{arch} is not published")))
        };
        let score = |front: &Front| {
            let found: Result<Vec<[f64; 2]>, Error> = front.architectures.iter().map(of).collect();
            exact.score(&found?)
        };
        fronts.iter().map(score).collect()
    }
}

/// A network in the user's words, from AutoFormer's: `192 12: 3.5x4 … -x-`.
fn own(arch: &str) -> String {
    arch.replace(':', "").replace('x', " ")
}

/// The user's space.
fn space() -> String {
    let mut text = "name = \"my-transformer\"\n".to_owned();
    let mut decision = |name: &str, choices: &str, condition: &str| {
        let _ =
            write!(text, "\n[[decision]]\nname = \"{name}\"\nchoices = [{choices}]\n{condition}");
    };
    decision("width", "192, 216, 240", "");
    decision("depth", "12, 13, 14", "");
    for layer in 1..=14 {
        let condition = match layer {
            13 => "if = { depth = [13, 14] }\n",
            14 => "if = { depth = 14 }\n",
            _ => "",
        };
        decision(&format!("ratio {layer}"), "3.5, 4", condition);
        decision(&format!("heads {layer}"), "3, 4", condition);
    }
    text
}
