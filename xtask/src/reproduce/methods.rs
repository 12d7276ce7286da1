//! Searches with a language model: the methods, and which searches were recorded.

use std::path::Path;
use std::process::Command;

/// A way to find networks with a language model, or what it is compared with.
pub struct Method {
    pub name: &'static str,
    /// Its name in tables.
    pub title: &'static str,
    /// The arguments of `nas search`.
    pub search: &'static str,
    /// Generations with as many calls as one of the whole method.
    pub generations: u32,
}

/// Calls of the whole method in a generation: two in each of the paper's six niches.
const CALLS: u32 = 12;

impl Method {
    /// Whether it takes a language model.
    pub fn has_model(&self) -> bool {
        self.search.contains("llm")
    }

    /// Adds its arguments to a command.
    pub fn add_arguments(&self, nas: &mut Command, generations: u32, seed: u64, run: &Path) {
        nas.arg("search").args(ON.split(' ')).args(self.search.split(' '));
        nas.arg("--generations").arg(generations.to_string());
        nas.arg("--seed").arg(seed.to_string()).arg("--run").arg(run);
    }
}

/// All methods; the first are those of figure 1.
pub const METHODS: [Method; 10] = [
    Method {
        name: "plain",
        title: "asked plainly",
        search: "--proposer llm --prompting plain",
        generations: CALLS,
    },
    Method {
        name: "latency-oriented",
        title: "asked for the range of latency",
        search: "--proposer llm --prompting latency-oriented",
        generations: CALLS,
    },
    WHOLE,
    STATISTICS,
    Method {
        name: "plain-in-niches",
        title: "asked plainly in the niches",
        search: "--proposer llm --prompting plain --partition pel-nas",
        generations: 2,
    },
    WITHOUT_RULES,
    Method {
        name: "sensible-rules",
        title: "the whole method, starting with sensible rules",
        search: "--proposer llm --rules bench-data/rules/sensible.csv",
        generations: 1,
    },
    Method {
        name: "wrong-rules",
        title: "the whole method, starting with wrong rules",
        search: "--proposer llm --rules bench-data/rules/wrong.csv",
        generations: 1,
    },
    Method {
        name: "small-plain",
        title: "the small model, asked plainly",
        search: "--proposer llm --prompting plain",
        generations: CALLS,
    },
    Method {
        name: "small-co-evolution",
        title: "the small model, the whole method",
        search: "--proposer llm",
        generations: 1,
    },
];

pub const FIGURE_1: usize = 4;

const WHOLE: Method = Method {
    name: "co-evolution",
    title: "the whole method",
    search: "--proposer llm",
    generations: 1,
};

const WITHOUT_RULES: Method = Method {
    name: "without-rules",
    title: "without the knowledge base",
    search: "--proposer llm --prompting without-rules",
    generations: 2,
};

/// The same without a model.
const STATISTICS: Method = Method {
    name: "statistical",
    title: "statistics instead of the model",
    search: "--proposer statistical --partition pel-nas --allocation equal",
    generations: 1,
};

/// A method's name in tables.
pub fn title(name: &str) -> &str {
    METHODS.iter().find(|method| method.name == name).map_or(name, |method| method.title)
}

pub const SEEDS: [u64; 3] = [1, 2, 3];

const ON: &str = "--dataset cifar10 --device edgegpu --accuracy benchmark --format json --force";

/// A recorded search.
pub struct Record {
    pub method: &'static Method,
    pub seed: u64,
    pub generations: u32,
    /// The file of its calls below `bench-data/`; `None` without a model.
    pub calls: Option<String>,
}

/// Generations of the longer recorded search of the whole method, with seed 1: the paper's 120
/// calls.
pub const LONGER: u32 = 10;

/// All recorded searches.
pub fn records() -> Vec<Record> {
    let mut records = Vec::new();
    for (at, method) in METHODS.iter().enumerate() {
        let folder = if at < FIGURE_1 { "figure-1" } else { "search" };
        let seeds = if method.name.starts_with(SMALL) { &SEEDS[..1] } else { &SEEDS[..] };
        for &seed in seeds {
            let calls = format!("{folder}/{}-seed{seed}.jsonl", method.name);
            let calls = method.has_model().then_some(calls);
            records.push(Record { method, seed, generations: method.generations, calls });
        }
    }
    // The first half of their calls: as many architectures as in one generation of the whole method.
    for seed in SEEDS {
        let calls = Some(format!("search/{}-seed{seed}.jsonl", WITHOUT_RULES.name));
        records.push(Record { method: &WITHOUT_RULES, seed, generations: 1, calls });
    }
    let longer = |method, calls| Record { method, seed: 1, generations: LONGER, calls };
    records.push(longer(&WHOLE, Some(format!("search/co-evolution-{LONGER}-seed1.jsonl"))));
    records.push(longer(&STATISTICS, None));
    records
}

/// What the names of the small model's records begin with; it was asked with the first seed alone.
pub const SMALL: &str = "small-";

/// The models: what their records' names begin with, and their own.
pub const MODELS: [(&str, &str); 2] = [("", "Qwen2.5-Coder-1.5B"), (SMALL, "SmolLM2-135M")];
