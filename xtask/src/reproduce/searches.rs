//! Searches that several tables show.

use super::experiment::Experiment;
use super::names::{OURS, SEARCHERS};

/// All searchers on published accuracy.
pub fn exact() -> Experiment {
    let searchers = SEARCHERS.join(",");
    let arguments = format!("--searchers {searchers} --at 50,100,150,200,300,400");
    Experiment::scores("exact", arguments)
}

/// All searchers, and a scan of the whole space, on accuracy predicted from random trained networks.
pub fn predicted() -> Experiment {
    let searchers = SEARCHERS.join(",");
    let arguments = format!("--searchers {searchers},exhaustive --accuracy shared-predictor");
    Experiment::scores("predicted", arguments)
}

/// A scan of the whole space, on accuracy predicted from networks that are chosen for training.
pub fn bought() -> Experiment {
    Experiment::scores("bought", "--searchers exhaustive --accuracy predictor")
}

/// Our searchers in the paper's niches, on predicted accuracy (`shared-predictor`) or on one proxy (`proxy`).
pub fn in_niches_on(accuracy: &str, allocation: &str) -> Experiment {
    let name = if accuracy == "shared-predictor" { "predicted" } else { accuracy };
    let (ours, niches) = (OURS.join(","), format!("--partition pel-nas --allocation {allocation}"));
    Experiment::scores(
        format!("{name}-{allocation}"),
        format!("--searchers {ours} {niches} --accuracy {accuracy}"),
    )
}

/// Our searchers on published accuracy without niches, 200 evaluations.
pub fn whole() -> Experiment {
    let ours = OURS.join(",");
    Experiment::scores("niches-200-whole", format!("--searchers {ours} --evaluations 200"))
}

/// Our searchers on published accuracy in niches, 200 or 600 evaluations.
pub fn in_niches(evaluations: u32, axis: &str, allocation: &str) -> Experiment {
    let ours = OURS.join(",");
    let mut arguments = format!("--searchers {ours} --partition {axis} --allocation {allocation}");
    // 600 is the default.
    if evaluations != 600 {
        arguments += &format!(" --evaluations {evaluations}");
    }
    Experiment::scores(format!("niches-{evaluations}-{axis}-{allocation}"), arguments)
}
