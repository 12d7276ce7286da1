//! Replies of a model, and recorded calls.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nas_space::{fbnet, nasbench201};

// The first byte chooses what it is.
fuzz_target!(|data: &[u8]| {
    let Some((which, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    match which % 3 {
        0 => nas_llm::fuzzing::reply(nasbench201::space(), text),
        1 => nas_llm::fuzzing::reply(fbnet::space(), text),
        _ => nas_llm::fuzzing::call(text.as_bytes()),
    }
});
