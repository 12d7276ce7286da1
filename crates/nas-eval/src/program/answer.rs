//! What a line of a user's program says.

use nas_search::Objective;
use serde_json::{Map, Value};

use super::failures::{Failure, Fault};

/// Characters of a program's output that a message shows at most.
pub(super) const SHOWN: usize = 200;

/// A line that a program printed, beside the question that it was asked.
#[derive(Debug, PartialEq)]
pub(super) enum Line {
    /// A JSON object with the question's `id`, and something that was asked for or an error.
    Answer(Map<String, Value>),
    /// An answer with the number of steps after which it holds.
    Step(u64, Map<String, Value>),
    /// A JSON object with the question's `id` and nothing of these.
    Bare,
    /// A JSON object with another `id`.
    OfAnother(u64),
    /// The start of an object with the question's `id` that is no valid JSON, and why.
    Broken(String),
    /// Anything else.
    Log,
}

/// Reads a line; an answer has one of the expected keys, or an error. Programs show progress by carriage returns: what the last of them left counts.
pub(super) fn read(line: &str, id: usize, expected: &[String]) -> Line {
    let line = line.rsplit('\r').find(|part| !part.trim().is_empty()).unwrap_or(line).trim();
    // A log line may stand before it where its line was not ended.
    let Some(start) = line.find('{') else { return Line::Log };
    let text = &line[start..];
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Map<String, Value>>();
    match values.next() {
        Some(Ok(object)) => match object.get("id").and_then(number) {
            // The question itself, or how far the program is, as logs have them.
            Some(found) if !has_one_or_error(&object, expected) => {
                if found == id as u64 {
                    Line::Bare
                } else {
                    Line::Log
                }
            }
            Some(found) if found == id as u64 => match object.get("step") {
                None | Some(Value::Null) => Line::Answer(object),
                Some(_) if error(&object).is_some() => Line::Answer(object),
                // Anything but a whole number counts as step 0, which is refused.
                Some(step) => Line::Step(number(step).unwrap_or(0), object),
            },
            Some(found) => Line::OfAnother(found),
            None => Line::Log,
        },
        Some(Err(error)) if is_about(text, id) => Line::Broken(if has_nan_or_infinity(text) {
            "JSON has no NaN and no Infinity: print null for a value that does not exist".to_owned()
        } else {
            error.to_string()
        }),
        _ => Line::Log,
    }
}

/// An id, which some programs print as a text or with a fraction of zero.
fn number(id: &Value) -> Option<u64> {
    match id {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64().or_else(|| {
            let id = other.as_f64().filter(|id| id.fract() == 0.0 && *id >= 0.0)?;
            Some(id as u64)
        }),
    }
}

/// Whether an object has one of the expected keys, or reports an error.
fn has_one_or_error(object: &Map<String, Value>, expected: &[String]) -> bool {
    error(object).is_some() || expected.iter().any(|key| object.contains_key(key))
}

/// The error that an answer reports: neither `null` nor empty.
pub(super) fn error(answer: &Map<String, Value>) -> Option<String> {
    match answer.get("error")? {
        Value::Null | Value::Bool(false) => None,
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        other => Some(other.to_string()),
    }
}

/// Whether a text has a value that JSON does not have: NaN, or an infinity.
fn has_nan_or_infinity(text: &str) -> bool {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let plain = plain.to_lowercase();
    [":nan", ":-nan", ":inf", ":-inf"].iter().any(|number| plain.contains(number))
}

/// Whether a text that is no JSON begins as the answer to a question does.
fn is_about(text: &str, id: usize) -> bool {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).take(SHOWN).collect();
    let Some(at) = plain.find("\"id\":") else { return false };
    let number: String = plain[at + 5..].chars().take_while(char::is_ascii_digit).collect();
    number == id.to_string()
}

/// The values that an answer has, each of them one that its objective can have.
pub(super) fn some_values(
    answer: &Map<String, Value>,
    objectives: &[Objective],
) -> Vec<Option<f64>> {
    let value =
        |objective: &Objective| objective.checked(answer.get(&objective.column())?.as_f64()?).ok();
    objectives.iter().map(value).collect()
}

/// The objectives' values in an answer.
pub(super) fn values(
    answer: &Map<String, Value>,
    objectives: &[Objective],
) -> Result<Vec<Option<f64>>, Failure> {
    if let Some(error) = error(answer) {
        return Err(Failure(Fault::Reported, error));
    }
    let value = |objective: &Objective| {
        let column = objective.column();
        let wrong = |found: &str, expected: &str| {
            Failure(Fault::Value, format!("{column}: {found}, expected {expected}"))
        };
        match answer.get(&column) {
            Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => {
                let value = number.as_f64().unwrap_or(f64::NAN);
                let checked = objective.checked(value);
                checked.map(Some).map_err(|expected| wrong(&number.to_string(), &expected))
            }
            Some(other) => Err(wrong(&format!("`{other}`"), "a number or null")),
            None => Err(wrong("nothing", "a number or null")),
        }
    };
    objectives.iter().map(value).collect()
}

/// The start of a text, for a message.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Line {
        read(line, 7, &["accuracy_percent".to_owned(), "latency_ms".to_owned()])
    }

    #[test]
    fn an_answer_is_an_object_with_the_questions_id_wherever_it_stands() {
        for line in [
            r#"{"id": 7, "latency_ms": 2}"#,
            r#"  {"latency_ms": 2, "id": 7} done"#,
            "epoch 3/3\r{\"id\":7,\"latency_ms\":2}\r",
            r#"WARNING: no GPU {"id": 7, "latency_ms": 2}"#,
        ] {
            let Line::Answer(answer) = of(line) else { panic!("{line}") };
            assert_eq!(answer["latency_ms"], 2);
        }
        for line in [
            "",
            "epoch 1 of 10",
            "[1, 2]",
            "{not json",
            r#"{"accuracy_percent": 71.3}"#,
            r#"{"id": "seven", "accuracy_percent": 71.3}"#,
            r#"{"id": 6, "epoch": 3}"#,
        ] {
            assert_eq!(of(line), Line::Log, "{line}");
        }
        for line in [
            r#"asked {"id": 7, "arch": "x", "choices": {}}"#,
            r#"{"id": 7, "epoch": 3, "error": null}"#,
        ] {
            assert_eq!(of(line), Line::Bare, "{line}");
        }
        let step = of(r#"{"id": 7, "step": 3, "latency_ms": 2}"#);
        assert!(matches!(step, Line::Step(3, _)), "{step:?}");
        let part = of(r#"{"id": 7, "step": 1.5, "latency_ms": 2}"#);
        assert!(matches!(part, Line::Step(0, _)), "{part:?}");
        assert!(matches!(of(r#"{"id":7,"step":null,"latency_ms":2}"#), Line::Answer(_)));
        assert_eq!(of(r#"{"id": 6, "latency_ms": 2}"#), Line::OfAnother(6));
        assert!(matches!(of(r#"{"id": 7, "latency_ms": NaN}"#), Line::Broken(_)));
        assert_eq!(of(r#"{"id": 71, "latency_ms": NaN}"#), Line::Log);
    }

    #[test]
    fn values_are_checked_as_those_of_tables() {
        let objectives = [Objective::accuracy("accuracy"), Objective::latency()];
        let answer = |accuracy: &str, latency: &str| {
            let text = format!(r#"{{"accuracy_percent":{accuracy},"latency_ms":{latency}}}"#);
            let answer: Map<String, Value> = serde_json::from_str(&text).unwrap();
            values(&answer, &objectives).map_err(|failure| failure.1)
        };
        assert_eq!(answer("71.3", "null").unwrap(), [Some(71.3), None]);
        for (accuracy, latency, expected) in [
            ("187", "1", "accuracy_percent: 187, expected a finite number between 0 and 100"),
            ("-0.1", "1", "accuracy_percent: -0.1, expected a finite number between 0 and 100"),
            ("50", "-12.8", "latency_ms: -12.8, expected a finite number above 0"),
            ("\"7\"", "1", "accuracy_percent: `\"7\"`, expected a number or null"),
        ] {
            assert_eq!(answer(accuracy, latency).unwrap_err(), expected);
        }
    }
}
