//! The beginning of a text, for error messages.

/// The first characters of a text, in one line.
pub(crate) fn start(text: &str, characters: usize) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match one_line.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &one_line[..end]),
        None => one_line,
    }
}
