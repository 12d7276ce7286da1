//! Files of text that users write: lists, tables, spaces, rules.

use std::{collections::HashSet, fs, io, path::Path};

/// The text of a file in UTF-8, without a byte-order mark and with line feeds at the ends of lines.
///
/// # Errors
/// Those of reading the file; for another encoding, one that says so.
pub fn read_text(file: &Path) -> io::Result<String> {
    text_of(fs::read(file)?)
}

/// The text of bytes, as [`read_text`] reads it.
///
/// # Errors
/// For another encoding than UTF-8.
pub fn text_of(bytes: Vec<u8>) -> io::Result<String> {
    let other = |problem: &str| io::Error::new(io::ErrorKind::InvalidData, problem.to_owned());
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(other("its encoding is UTF-16: save it as UTF-8"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.split(|byte| *byte == b'\n').count();
        other(&format!("line {line} is not UTF-8: save it as UTF-8"))
    })?;
    let text =
        text.strip_prefix('\u{feff}').map_or(text.as_str(), |rest| rest).replace("\r\n", "\n");
    Ok(text)
}

/// Refuses a header in which two columns have the same name.
///
/// # Errors
/// What is wrong, in words.
pub fn check_header<'a>(titles: impl IntoIterator<Item = &'a str>) -> Result<(), String> {
    let mut known = HashSet::new();
    for title in titles {
        if !title.is_empty() && !known.insert(title) {
            return Err(format!("two columns are named `{title}`: rename one of them"));
        }
    }
    Ok(())
}

/// A CSV reader's error in words, without its position.
pub fn csv_problem(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let quotes = "; a text with commas needs quotes: \"a, b\"";
            let hint = if len > expected_len { quotes } else { "" };
            let fields = if *len == 1 { "field" } else { "fields" };
            format!("{len} {fields} where the header has {expected_len}{hint}")
        }
        csv::ErrorKind::Utf8 { err, .. } => err.to_string(),
        _ => error.to_string(),
    }
}

/// A CSV reader's error in words, with the file and, where it is known, the row.
pub fn csv_place(file: &str, error: &csv::Error) -> String {
    let problem = csv_problem(error);
    match error.position() {
        Some(position) => format!("{file}, row {}: {problem}", position.line()),
        None => format!("{file}: {problem}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_and_other_ends_of_lines_do_not_matter() {
        let text = |bytes: &[u8]| text_of(bytes.to_vec()).map_err(|error| error.to_string());
        assert_eq!(text("\u{feff}a\r\nb\n".as_bytes()), Ok("a\nb\n".to_owned()));
        assert_eq!(text(b"a\nb"), Ok("a\nb".to_owned()));
        assert!(text(b"\xff\xfea\0").unwrap_err().contains("UTF-16"));
        assert!(text(b"a\nb\xe9\n").unwrap_err().contains("line 2 is not UTF-8"));
    }

    #[test]
    fn columns_of_one_name_are_refused() {
        assert!(check_header(["a", "b", "", ""]).is_ok());
        assert!(check_header(["a", "b", "a"]).unwrap_err().contains("`a`"));
    }
}
