//! Texts of architectures, of each space. A parsed architecture belongs to the space, and
//! survives writing and parsing.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use nas_eval::{Problem, spaces};

static PROBLEMS: LazyLock<Vec<Problem>> = LazyLock::new(|| {
    spaces::names().filter_map(|name| spaces::problem(name, None).ok()).collect()
});

// The first byte chooses the space.
fuzz_target!(|data: &[u8]| {
    let Some((which, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let problem = &PROBLEMS[usize::from(*which) % PROBLEMS.len()];
    if let Ok(arch) = problem.parse(text) {
        assert!(problem.space.check(&arch).is_ok());
        assert_eq!(problem.parse(&problem.space.format(&arch)).ok(), Some(arch));
    }
});
