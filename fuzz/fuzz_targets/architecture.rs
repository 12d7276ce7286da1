//! Texts of architectures, of each space. What is read belongs to the space, and is read again from
//! what is written of it.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use nas_eval::Task;

static TASKS: LazyLock<Vec<Task>> = LazyLock::new(|| {
    Task::names().into_iter().filter_map(|name| Task::named(name, None)?.ok()).collect()
});

// The first byte chooses the space.
fuzz_target!(|data: &[u8]| {
    let Some((which, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let task = &TASKS[usize::from(*which) % TASKS.len()];
    if let Ok(arch) = task.parse(text) {
        assert!(task.space.check(&arch).is_ok());
        assert_eq!(task.parse(&task.space.format(&arch)).ok(), Some(arch));
    }
});
