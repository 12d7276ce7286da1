//! Names of data sets, devices and searchers: as `nas` takes them, and as tables show them.

pub const DATASETS: [&str; 3] = ["cifar10", "cifar100", "ImageNet16-120"];

pub const DEVICES: [&str; 6] = ["edgegpu", "raspi4", "edgetpu", "pixel3", "eyeriss", "fpga"];

/// All searchers that need no model.
pub const SEARCHERS: [&str; 8] = [
    "random",
    "local",
    "regularised-evolution",
    "nsga2",
    "spea2",
    "map-elites",
    "evolution",
    "statistical",
];

/// The searchers that are this project's own.
pub const OURS: [&str; 2] = ["evolution", "statistical"];

/// How a budget is shared among niches.
pub const ALLOCATIONS: [&str; 2] = ["adaptive", "equal"];

/// A searcher's name in tables.
pub fn named(searcher: &str) -> &str {
    match searcher {
        "random" => "random search",
        "random-edits" => "random edits",
        "random-choice" => "random choice",
        "local" => "Pareto local search",
        "regularised-evolution" => "regularised evolution",
        "nsga2" => "NSGA-II",
        "spea2" => "SPEA2, by the library moors",
        "map-elites" => "MAP-Elites",
        "evolution" => "evolution by random weights",
        "exhaustive" => "scan of the whole space",
        other => other,
    }
}
