//! Users' own tables, and files of scores.

#![no_main]

use std::{fs, path::PathBuf, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use nas_bench::ScoreTable;
use nas_eval::UserTable;
use nas_search::Objective;
use nas_space::nasbench201;

/// In memory, if there is such a folder.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    folder.join(format!("nas-fuzz-{}", std::process::id()))
});

// The first byte chooses what it is.
fuzz_target!(|data: &[u8]| {
    let Some((which, bytes)) = data.split_first() else { return };
    fs::write(&*FILE, bytes).expect("the file can be written");
    if which % 2 == 0 {
        let _ = ScoreTable::read(&FILE);
    } else {
        let accuracy = Objective::accuracy("accuracy");
        let _ = UserTable::read(&FILE, nasbench201::parse, &["accuracy_percent"], &accuracy);
    }
});
