//! The end of a search on the user's data: the most accurate of its front are trained in full and exported.

use std::{
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use super::plan::Plan;
use crate::{
    failure::Failure,
    run_folder::{Kind, RunFolder},
};

/// The folder of a network that is trained at the end, by its place from 1.
fn folder_of(run: &Path, place: usize) -> PathBuf {
    let name = run.file_name().unwrap_or_default().to_string_lossy();
    run.with_file_name(format!("{name}-trained-{place}"))
}

/// Whether all networks that are trained at the end have been.
pub fn is_complete(plan: &Plan, run: &Path) -> bool {
    let finish = plan.train.as_ref().map_or(0, |train| train.finish);
    let has_ended = |place| {
        let folder = RunFolder::open(&folder_of(run, place)).and_then(|one| one.of(Kind::Training));
        folder.and_then(|folder| folder.ended()).unwrap_or(false)
    };
    (1..=finish).all(has_ended)
}

#[cfg(not(feature = "torch"))]
pub fn finish(_: &Plan, _: &Path, _: &[String], _: &AtomicBool) -> Result<(), Failure> {
    Ok(())
}

/// Trains architectures in full, each in a run of its own, and exports them.
#[cfg(feature = "torch")]
pub fn finish(
    plan: &Plan,
    run: &Path,
    architectures: &[String],
    stop: &AtomicBool,
) -> Result<(), Failure> {
    use crate::{
        commands::{
            export::export_run,
            train::{self, trained_network},
        },
        terminal::{note, print, typed},
    };
    let Some(train) = &plan.train else { return Ok(()) };
    if architectures.is_empty() && train.finish > 0 {
        note("nothing is trained in full: no architecture of the front keeps the limits");
    }
    for (place, arch) in (1..).zip(architectures) {
        let folder = folder_of(run, place);
        note(&format!("training {arch} in {}", folder.display()));
        let of = train::Plan::of_search(&plan.space, arch, train, plan.seed, &plan.folder)?;
        if !train::complete(of, &folder, stop)? {
            return Err(Failure::stopped(format!(
                "stopped: go on with nas search --resume {}",
                typed(run)
            )));
        }
        let file = folder.join("network.onnx");
        export_run(&folder, &file)?;
        let trained = trained_network(&folder, tch::Device::Cpu)?;
        print(&format!(
            "{}: {:.2} % validation accuracy, {}\n",
            folder.display(),
            trained.accuracy,
            file.display()
        ))?;
    }
    Ok(())
}
