//! Files of runs: events, and pages that are read again.

#![no_main]

use libfuzzer_sys::fuzz_target;

// The first byte chooses what it is.
fuzz_target!(|data: &[u8]| {
    let Some((which, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    if which % 2 == 0 {
        nas_cli::fuzzing::page(text);
    } else {
        nas_cli::fuzzing::events(text.as_bytes());
    }
});
