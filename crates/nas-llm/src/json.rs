//! JSON within a model's text.

use std::ops::Range;

use serde_json::Value;

/// The JSON in a model's text: the last complete object or array, with at least one element, that is
/// not inside another.
///
/// Text and code fences around it are ignored. A model's reasoning before `</think>` counts only where
/// no JSON follows, or where the reasoning does not end. The time is linear in the text's length.
///
/// ```
/// let text = "<think>{\"no\": 0}?</think> Sure:\n```json\n{\"yes\": [1]}\n```";
/// assert_eq!(nas_llm::extract_json(text), Some(serde_json::json!({"yes": [1]})));
/// ```
pub fn extract_json(text: &str) -> Option<Value> {
    after_reasoning(text).and_then(last_value).or_else(|| last_value(text))
}

/// The text after a model's reasoning, where the reasoning ends.
pub(crate) fn after_reasoning(text: &str) -> Option<&str> {
    const END: &str = "</think>";
    text.rfind(END).map(|end| &text[end + END.len()..])
}

/// All complete objects and arrays with at least one element that are not inside another complete one,
/// in order. Of a value that is cut or broken these are the parts that are whole.
pub(crate) fn values(text: &str) -> Vec<Value> {
    let ranges = ranges(text).into_iter();
    ranges.filter_map(|range| serde_json::from_str(&text[range]).ok()).collect()
}

fn last_value(text: &str) -> Option<Value> {
    serde_json::from_str(&text[ranges(text).pop()?]).ok()
}

fn ranges(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(offset) = text[from..].find(BRACKETS) {
        from = scan(text, from + offset, &mut found);
    }
    found
}

const BRACKETS: [char; 2] = ['{', '['];

/// What may come next in JSON.
#[derive(Clone, Copy, PartialEq)]
enum Next {
    Item,
    FirstItem,
    Key,
    FirstKey,
    Colon,
    CommaOrEnd,
}

/// Reads text as JSON from a bracket on, as far as it is JSON. Adds the outermost of the complete objects
/// and arrays with an element to `found`. Returns where the next scan may begin.
///
/// Trying every bracket in turn would take a time quadratic in the text's length. But where a value
/// turns out not to be JSON, neither are the values inside it that are still open, and those that
/// are complete were found; so the next scan begins there. Only the last string is scanned again: its
/// quotation marks may belong to the text around the JSON.
fn scan(text: &str, start: usize, found: &mut Vec<Range<usize>>) -> usize {
    let bytes = text.as_bytes();
    let mut open = Vec::new();
    let mut string = start..start;
    let mut next = Next::Item;
    let mut at = start;
    while let Some(byte) = bytes.get(at).copied() {
        let mut end = at + 1;
        next = match (byte, next) {
            (b' ' | b'\t' | b'\r' | b'\n', _) => next,
            (b'{', Next::Item | Next::FirstItem) => {
                open.push((at, b'}'));
                Next::FirstKey
            }
            (b'[', Next::Item | Next::FirstItem) => {
                open.push((at, b']'));
                Next::FirstItem
            }
            (b'}', Next::FirstKey | Next::CommaOrEnd)
            | (b']', Next::FirstItem | Next::CommaOrEnd) => {
                let Some((begin, _)) = open.pop_if(|(_, closing)| *closing == byte) else {
                    break;
                };
                if next == Next::CommaOrEnd {
                    // It contains those that begin after it.
                    while found.pop_if(|inner| inner.start > begin).is_some() {}
                    found.push(begin..end);
                }
                if open.is_empty() {
                    return end;
                }
                Next::CommaOrEnd
            }
            (b',', Next::CommaOrEnd) => match open.last() {
                Some((_, b'}')) => Next::Key,
                _ => Next::Item,
            },
            (b':', Next::Colon) => Next::Item,
            (b'"', Next::Item | Next::FirstItem | Next::Key | Next::FirstKey) => {
                end = string_end(bytes, at);
                string = at + 1..end;
                if serde_json::from_str::<String>(&text[at..end]).is_err() {
                    break;
                }
                if matches!(next, Next::Key | Next::FirstKey) {
                    Next::Colon
                } else {
                    Next::CommaOrEnd
                }
            }
            (_, Next::Item | Next::FirstItem) => {
                let of_scalar = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
                end = at + bytes[at..].iter().take_while(|byte| of_scalar(byte)).count();
                if serde_json::from_str::<Value>(&text[at..end]).is_err() {
                    break;
                }
                Next::CommaOrEnd
            }
            _ => break,
        };
        at = end;
    }
    let again = text[string.clone()].find(BRACKETS).map(|offset| string.start + offset);
    again.unwrap_or(at.max(string.end).max(start + 1))
}

/// The end of the string that begins at a quotation mark. An unclosed one ends with its line, because
/// no JSON string contains a line break.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\n' => return at,
            b'\\' if bytes.get(at + 1).is_some_and(u8::is_ascii) => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn finds(text: &str, expected: &Value) {
        assert_eq!(extract_json(text).as_ref(), Some(expected), "{text}");
    }

    #[test]
    fn json_is_found_wherever_it_is() {
        let value = json!({"a": [1, "}"]});
        finds("{\"a\": [1, \"}\"]}", &value);
        finds("Here you are: {\"a\": [1, \"}\"]} Enjoy {it}!", &value);
        finds("```json\n{\"a\": [1, \"}\"]}\n```", &value);
        finds("```\n{\"a\": [1, \"}\"]}\n```\nand that's it", &value);
        finds("{\"b\": 1} or rather {\"a\": [1, \"}\"]} {\"c\": 1", &value);
        finds("an \"unclosed { quote: {\"a\": [1, \"}\"]}", &value);
        finds("{\"a\": [1, \"}\"]} [] {}", &value);
        finds("[[1], {}]", &json!([[1], {}]));
        finds("{\"outer\": {\"inner\": 1}", &json!({"inner": 1}));
    }

    #[test]
    fn reasoning_is_ignored() {
        let value = json!({"a": 1});
        finds("<think>maybe {\"b\": 2}</think>{\"a\": 1}", &value);
        finds("maybe {\"b\": 2}\n</think>\n\n```json\n{\"a\": 1}\n```", &value);
        finds("<think>maybe {\"b\": 2}. So: {\"a\": 1}", &value);
        finds("{\"a\": 1}</think>", &value);
        finds("<think>no</think><think>{\"b\": 2}</think>{\"a\": 1}", &value);
    }

    #[test]
    fn text_that_is_not_json_is_not_found() {
        for text in ["", "none", "{", "}{", "[]", "{}", "{a: 1}", "[1,", "42", "\"[1]", "]["] {
            let found = extract_json(text);
            assert_eq!(found.is_some(), text == "\"[1]", "{text}: {found:?}");
        }
    }

    #[test]
    fn long_texts_of_brackets_are_read_to_the_end() {
        for unit in ["{", "[", "{\"a\":", "[1,", "[{},", "\"[\",", "[\"", "{\"a\":[", "\\\"["] {
            let text = unit.repeat((2 << 20) / unit.len());
            assert_eq!(extract_json(&text), None, "{unit}");
            finds(&format!("{text}}} [7]"), &json!([7]));
        }
    }

    #[test]
    fn what_is_whole_in_a_broken_value_is_kept() {
        let whole = vec![json!({"a": [1]}), json!({"a": [2]})];
        for text in [
            r#"{"list": [{"a": [1]}, {"a": [2]}, {"a": "cut"#,
            r#"{"list": [{"a": [1]}, {"a": [2]},]}"#,
            r#"[{"a": [1]}, {"a": 1 2}, {"a": [2]}]"#,
            r#"one {"a": [1]}, two {"a": [2]}"#,
            "{\"a\": [1]}\n{\"a\": [2]}\n{\"a\": ",
        ] {
            assert_eq!(values(text), whole, "{text}");
        }
        assert_eq!(
            values(r#"{"list": [{"a": 1}]} [1]"#),
            [json!({"list": [{"a": 1}]}), json!([1])]
        );
        // A string that is scanned again does not hide what contains it.
        assert_eq!(values(r#"[1, "[2]"] "[3]"#), [json!([1, "[2]"]), json!([3])]);
    }

    /// The definition, in quadratic time.
    fn by_trying(text: &str) -> Option<Value> {
        let (mut found, mut from) = (None, 0);
        while let Some(offset) = text[from..].find(BRACKETS) {
            from += offset;
            let mut values = serde_json::Deserializer::from_str(&text[from..]).into_iter();
            match values.next() {
                Some(Ok(value)) => {
                    from += values.byte_offset();
                    found =
                        if value == json!([]) || value == json!({}) { found } else { Some(value) };
                }
                _ => from += 1,
            }
        }
        found
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[\\[\\]{}\",:1a\\\\ ü]{0,200}") {
            extract_json(&text);
        }

        #[test]
        fn a_scan_finds_the_same_as_trying_every_bracket(
            tokens in proptest::collection::vec(0..9_usize, 0..40),
        ) {
            let words = ["[", "]", "{", "}", ",", "\"a\":", "1", "\"b\"", "x"];
            let text: String = tokens.into_iter().map(|token| words[token]).collect();
            prop_assert_eq!(extract_json(&text), by_trying(&text));
        }

        #[test]
        fn written_json_is_found(
            values in proptest::collection::btree_map("\\PC{0,8}", "\\PC{0,8}", 1..5),
            before in "[^\\[{}\\]\"\\\\<]{0,40}",
            after in "[^\\[{}\\]<]{0,40}",
        ) {
            let value = serde_json::to_value(values).unwrap();
            prop_assert_eq!(extract_json(&format!("{before}{value}{after}")), Some(value));
        }
    }
}
