//! The study of language models: how models are asked, on what, and what each is compared with.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::names::DEVICES;

/// A way to ask a language model.
pub struct Arm {
    pub name: &'static str,
    /// Its name in tables.
    pub title: &'static str,
    /// The arguments of `nas search`.
    pub search: &'static str,
    /// What does the same without a model: a searcher, in the same niches with as many evaluations.
    pub control: Control,
}

/// What an arm is compared with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Control {
    pub searcher: &'static str,
    /// Whether in the paper's niches.
    pub niches: bool,
    pub evaluations: u32,
}

const fn control(searcher: &'static str, niches: bool, evaluations: u32) -> Control {
    Control { searcher, niches, evaluations }
}

/// Options of `nas search` where a model proposes and accuracies are published.
macro_rules! benchmark {
    ($asked:literal) => {
        concat!("--accuracy benchmark --proposer llm ", $asked)
    };
}

/// All arms. Each but the last two makes twelve calls, and evaluates as many architectures as its control: what
/// the model does not propose, random edits do.
pub const ARMS: [Arm; 10] = [
    Arm {
        name: "plain",
        title: "asked for architectures",
        search: benchmark!(
            "--prompting plain --partition pel-nas --evaluations 60 --fill random-edits"
        ),
        control: control("random", true, 60),
    },
    Arm {
        name: "parents",
        title: "shown parents",
        search: benchmark!("--prompting without-rules --evaluations 120 --fill random-edits"),
        control: control("random-edits", true, 120),
    },
    Arm {
        name: "parents-memory",
        title: "shown parents and outcomes",
        search: benchmark!(
            "--prompting without-rules --llm-memory --evaluations 120 --fill random-edits"
        ),
        control: control("random-edits", true, 120),
    },
    Arm {
        name: "rules",
        title: "shown parents and rules",
        search: benchmark!("--prompting co-evolution --evaluations 60 --fill random-edits"),
        control: control("random-edits", true, 60),
    },
    Arm {
        name: "choose",
        title: "choosing",
        search: benchmark!("--prompting choose --evaluations 120"),
        control: control("random-choice", true, 120),
    },
    Arm {
        name: "choose-memory",
        title: "choosing, shown outcomes",
        search: benchmark!("--prompting choose --llm-memory --evaluations 120"),
        control: control("random-choice", true, 120),
    },
    Arm {
        name: "rules-whole",
        title: "shown parents and rules, no niches",
        search: benchmark!(
            "--prompting co-evolution --partition whole --initial 30 --children 5 --evaluations 60 \
                 --fill random-edits"
        ),
        control: control("random-edits", false, 60),
    },
    Arm {
        name: "choose-whole",
        title: "choosing, no niches",
        search: benchmark!(
            "--prompting choose --partition whole --initial 60 --children 5 --evaluations 120"
        ),
        control: control("random-choice", false, 120),
    },
    Arm {
        name: OPERATORS,
        title: "choosing, sharing the search with statistics",
        search: "--accuracy benchmark --searcher operators --operators choose,statistical \
                 --evaluations 200",
        control: control("statistical", false, 200),
    },
    Arm {
        name: METHOD,
        title: "the paper's method",
        search: "--accuracy predictor --proposer llm --prompting co-evolution --generations 10",
        control: control("statistical", true, 360),
    },
];

/// The arm in which a model shares the search with statistics, by what each adds: as many calls as that
/// earns.
pub const OPERATORS: &str = "operators";

/// The arm of the whole method: ten generations with rules, 120 calls, and accuracy predicted from 200
/// networks that are chosen as the search goes.
pub const METHOD: &str = "method";

/// A model: its name in files, and its own.
pub struct Model {
    pub name: &'static str,
    pub title: &'static str,
}

pub const QWEN: Model = Model { name: "qwen", title: "Qwen2.5-Coder-1.5B" };
pub const GEMMA: Model = Model { name: "gemma", title: "Gemma-3-270M" };
pub const SMOLLM2: Model = Model { name: "smollm2", title: "SmolLM2-135M" };

/// A data set and a device.
pub type Pair = (&'static str, &'static str);

pub const PAIRS: [Pair; 3] =
    [("cifar10", "edgegpu"), ("cifar100", "fpga"), ("ImageNet16-120", "edgetpu")];

/// Searches of one arm and one model on one pair, with seeds from 1 on.
pub struct Cell {
    pub arm: &'static Arm,
    pub model: &'static Model,
    pub pair: Pair,
    pub seeds: u64,
}

/// All searches of the study, the most telling first.
pub fn planned() -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut add = |names: &[&str], model, pair, seeds| {
        for name in names {
            let arms = ARMS.iter().filter(|arm| arm.name == *name);
            cells.extend(arms.map(|arm| Cell { arm, model, pair, seeds }));
        }
    };
    let [first, others @ ..] = PAIRS;
    add(&["choose", "rules"], &QWEN, first, 10);
    add(&["choose", "rules"], &SMOLLM2, first, 10);
    add(&["choose", "rules"], &GEMMA, first, 10);
    add(&["choose-whole", "rules-whole"], &QWEN, first, 10);
    add(&["choose-memory", "parents-memory", "parents", "plain"], &QWEN, first, 10);
    for pair in others {
        add(&["choose", "rules"], &QWEN, pair, 5);
    }
    for model in [&SMOLLM2, &GEMMA, &QWEN] {
        add(&[METHOD], model, first, 1);
        for device in DEVICES {
            add(&[OPERATORS], model, (first.0, device), 10);
        }
    }
    cells
}

impl Cell {
    /// The recorded calls of a search.
    pub fn calls(&self, root: &Path, seed: u64) -> PathBuf {
        let (dataset, device) = self.pair;
        let name = format!("{}-{dataset}-{device}-seed{seed}.jsonl", self.arm.name);
        root.join("bench-data/language-model").join(self.model.name).join(name)
    }

    /// The seeds whose searches are recorded.
    pub fn recorded(&self, root: &Path) -> Vec<u64> {
        (1..=self.seeds).filter(|seed| self.calls(root, *seed).exists()).collect()
    }

    /// The search, without the model and without where its calls come from.
    pub fn search(&self, nas: &mut Command, seed: u64, run: &Path) {
        self.on_pair(nas, seed, run).args(self.arm.search.split(' '));
    }

    /// A search of its control, on published accuracies.
    pub fn control(&self, nas: &mut Command, seed: u64, run: &Path) {
        let Control { searcher, niches, evaluations } = self.arm.control;
        let nas = self.on_pair(nas, seed, run);
        nas.args(["--accuracy", "benchmark", "--searcher", searcher, "--children", "5"]);
        nas.args(["--partition", if niches { "pel-nas" } else { "whole" }]);
        nas.arg("--evaluations").arg(evaluations.to_string());
        nas.arg("--initial").arg((evaluations / 2).to_string());
    }

    fn on_pair<'a>(&self, nas: &'a mut Command, seed: u64, run: &Path) -> &'a mut Command {
        let (dataset, device) = self.pair;
        nas.args(["search", "--format", "json"]);
        nas.args(["--dataset", dataset, "--device", device]);
        nas.arg("--seed").arg(seed.to_string()).arg("--force").arg("--run").arg(run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_cells_of_the_study_have_a_file_in_common() {
        let mut files: Vec<PathBuf> = Vec::new();
        for cell in planned() {
            files.extend((1..=cell.seeds).map(|seed| cell.calls(Path::new(""), seed)));
        }
        let all = files.len();
        files.sort();
        files.dedup();
        assert_eq!(files.len(), all);
    }
}
