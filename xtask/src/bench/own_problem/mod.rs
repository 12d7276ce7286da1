//! `cargo xtask bench own-problem`: the predictor that chooses what a user's program evaluates, on
//! benchmarks posed as a user's own problem: a space in TOML, a program that answers, a table of
//! latencies. The program `nas` cannot know that it is a benchmark.

mod blocks;
mod cells;
pub(super) mod nas;
pub(super) mod problem;
mod report;
mod runs;
mod transformers;

use std::process::ExitCode;

use clap::ValueEnum;

use self::blocks::Blocks;
use self::cells::Cells;
use self::nas::Nas;
use self::problem::Problem;
use self::runs::{Found, Runs, Search};
use self::transformers::Transformers;
use crate::bench::acquisition::{DATASETS, DEVICES};
use crate::error::Error;
use crate::nas::{Build, Program, hash};
use crate::workspace::Workspace;

/// How problems are posed: with `nas` it determines what searches find.
const POSED: [&str; 5] = [
    include_str!("blocks.py"),
    include_str!("blocks.rs"),
    include_str!("cells.rs"),
    include_str!("table.py"),
    include_str!("transformers.rs"),
];

/// Evaluations of problems other than cells.
const FEW: u32 = 40;

#[derive(clap::Args)]
pub struct Arguments {
    /// Only these problems, separated by commas [default: all]
    #[arg(long, value_name = "NAME,…", value_enum, value_delimiter = ',')]
    problems: Vec<Kind>,
    /// Cells: numbers of evaluations
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values_t = [200, 60, 30])]
    evaluations: Vec<u32>,
    /// Cells: only these data sets
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', default_values_t = DATASETS.map(str::to_owned))]
    datasets: Vec<String>,
    /// Cells: only these devices
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', default_values_t = DEVICES.map(str::to_owned))]
    devices: Vec<String>,
    /// The searchers; the first is compared with the others
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', default_values_t = ["predictor", "statistical", "random"].map(str::to_owned))]
    searchers: Vec<String>,
    /// Searches of each kind [default: 5 of cells, 10 of the others]
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// The first search's seed
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
}

/// Problems of one kind, which share a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// The cells of NAS-Bench-201, all data sets and devices
    Cells,
    /// The networks of ViT-Bench-101
    Transformers,
    /// FBNet's rows of blocks
    Blocks,
}

impl Kind {
    /// Its tables: what is said of each, and its problems.
    fn tables(self, arguments: &Arguments) -> Vec<(String, Vec<Box<dyn Problem>>)> {
        match self {
            Self::Cells => {
                let mut pairs: Vec<Box<dyn Problem>> = Vec::new();
                for dataset in &arguments.datasets {
                    for device in &arguments.devices {
                        pairs.push(Box::new(Cells {
                            dataset: dataset.clone(),
                            device: device.clone(),
                            budgets: arguments.evaluations.clone(),
                        }));
                    }
                }
                let says = format!(
                    "The cells of NAS-Bench-201, accuracy by the program, latency from a table.\n\
                     The search sees validation accuracy on CIFAR-10; fronts are scored on test\n\
                     accuracy. Means over pairs of data set and device, {} in all.",
                    pairs.len()
                );
                vec![(says, pairs)]
            }
            Self::Transformers => ["cifar100", "flowers"]
                .into_iter()
                .map(|dataset| {
                    let says = format!(
                        "200 vision transformers of ViT-Bench-101 on {dataset}, accuracy by the\n\
                         program. No latency was published: FLOPs at 50 GFLOP/s stand in, in a table."
                    );
                    let problem = Transformers { dataset, evaluations: FEW };
                    (says, vec![Box::new(problem) as Box<dyn Problem>])
                })
                .collect(),
            Self::Blocks => {
                let says = "FBNet's 9^22 rows of blocks, all by the program: latency on raspi4, a sum of\n\
                            blocks. No accuracy was published: FLOPs stand in, of which more are better.";
                let problem = Blocks { device: "raspi4", evaluations: FEW };
                vec![(says.to_owned(), vec![Box::new(problem) as Box<dyn Problem>])]
            }
        }
    }

    /// Searches of each kind by default.
    fn seeds(self) -> u64 {
        if self == Self::Cells { 5 } else { 10 }
    }
}

pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<ExitCode, Error> {
    let program = Program::built(workspace, Build::Installed)?;
    let key = format!("{:016x}", hash(format!("{}{POSED:?}", program.hash()).as_bytes()));
    let folder = workspace.root().join("target/own-problem").join(key);
    let nas = Nas(program.path().to_owned());
    println!(
        "HV ratio: hypervolume by true values, of that of the exact front. A predictor's front\n\
         has networks that it only predicts; measured alone: without them. worst: the least\n\
         mean of a problem. s: seconds of a search on one core. ±: 95 % interval over seeds."
    );
    let kinds = match arguments.problems.as_slice() {
        [] => Kind::value_variants(),
        some => some,
    };
    for kind in kinds {
        let seeds = arguments.seeds.unwrap_or(kind.seeds());
        for (says, problems) in kind.tables(arguments) {
            let mut searches = Vec::new();
            for (problem, posed) in problems.iter().enumerate() {
                for evaluations in posed.budgets() {
                    for searcher in &arguments.searchers {
                        searches.extend((arguments.seed..arguments.seed + seeds).map(|seed| {
                            Search { problem, searcher: searcher.clone(), evaluations, seed }
                        }));
                    }
                }
            }
            let runs = Runs { nas: &nas, problems: &problems, folder: folder.clone() };
            let found: Vec<Found> = runs.run(&searches)?;
            println!("\n{says}\nSearches with {seeds} seeds, from {}.\n", arguments.seed);
            print!("{}", report::table(&found));
        }
    }
    println!("\nThe fronts are in {}", folder.display());
    Ok(ExitCode::SUCCESS)
}
