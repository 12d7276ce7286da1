//! The part of a reply that has the form that was asked for.

use serde_json::Value;

use crate::{
    extract_json,
    fault::{Fault, Rejected},
    json::{after_reasoning, values},
};

/// What a reply is asked for: a list with a name, of items that have one of these properties.
pub(crate) struct Form {
    pub(crate) name: &'static str,
    pub(crate) properties: &'static [&'static str],
}

/// The items of a reply, wherever they are in its text.
///
/// A list with the right name comes first, then other lists of such items and items without a list,
/// and of several the last. Of a list that is cut or broken these are the items that are whole. What a
/// model reasons before `</think>` counts only where nothing with this form follows. Where nothing at
/// all has the form, the last JSON is taken, so that the reasons of rejections name what is wrong.
pub(crate) fn items(text: &str, form: &Form) -> Result<Vec<Value>, Rejected> {
    let parts = [after_reasoning(text), Some(text)];
    let found = parts.into_iter().flatten().find_map(|text| form.find(values(text)));
    found.map_or_else(|| form.last(text), Ok)
}

/// Items that were found so far.
#[derive(Default)]
struct Found {
    /// The last list with the right name.
    named: Option<Vec<Value>>,
    /// The last other list, or the items without a list that follow it.
    other: Vec<Value>,
    other_is_list: bool,
    /// A list with the right name and nothing of the form in it.
    formless: Option<Vec<Value>>,
}

impl Form {
    fn is_item(&self, value: &Value) -> bool {
        self.properties.iter().any(|property| value.get(property).is_some())
    }

    fn find(&self, values: Vec<Value>) -> Option<Vec<Value>> {
        let mut found = Found::default();
        for value in values {
            self.search(value, &mut found);
        }
        let Found { named, other, formless, .. } = found;
        named.or_else(|| (!other.is_empty()).then_some(other)).or(formless)
    }

    fn search(&self, value: Value, found: &mut Found) {
        match value {
            item if self.is_item(&item) => {
                if std::mem::take(&mut found.other_is_list) {
                    found.other.clear();
                }
                found.other.push(item);
            }
            Value::Array(items) if items.iter().any(|item| self.is_item(item)) => {
                found.other = items;
                found.other_is_list = true;
            }
            Value::Array(items) => {
                for item in items {
                    self.search(item, found);
                }
            }
            Value::Object(mut object) => {
                match object.get_mut(self.name).map(Value::take) {
                    Some(Value::Array(items)) if items.iter().any(|item| self.is_item(item)) => {
                        found.named = Some(items);
                        return;
                    }
                    Some(Value::Array(items)) => found.formless = Some(items),
                    Some(other) => self.search(other, found),
                    None => {}
                }
                for (_, value) in object {
                    self.search(value, found);
                }
            }
            // JSON that is written as a string.
            Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
                if let Ok(value) = serde_json::from_str(&text) {
                    self.search(value, found);
                }
            }
            _ => {}
        }
    }

    /// The items in the last JSON of a text, although none has the form.
    fn last(&self, text: &str) -> Result<Vec<Value>, Rejected> {
        let name = self.name;
        let expected = || Rejected::new(Fault::Form, format!("expected {{\"{name}\": [...]}}"));
        match extract_json(text) {
            None => Err(Rejected::new(Fault::NotJson, "the answer held no JSON")),
            Some(Value::Array(items)) => Ok(items),
            Some(Value::Object(object)) if object.contains_key(name) => Err(expected()),
            Some(Value::Object(object)) => {
                let mut lists = object.into_iter().filter_map(|(_, value)| match value {
                    Value::Array(items) => Some(items),
                    _ => None,
                });
                lists.next().ok_or_else(expected)
            }
            Some(_) => Err(expected()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FORM: Form = Form { name: "rules", properties: &["polarity"] };

    #[track_caller]
    fn finds(text: &str, expected: &[i64]) {
        let found = items(text, &FORM).unwrap();
        let found: Vec<_> = found.iter().map(|item| item["polarity"].as_i64().unwrap()).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn the_value_of_the_form_is_taken_wherever_it_is() {
        let list = r#"{"rules": [{"polarity": 1}, {"polarity": 2}]}"#;
        for text in [
            list.to_owned(),
            format!("{list}\nThe idea is from ResNet [1]."),
            format!("As in [1], and {{\"see\": [2]}}: {list} References: [1, 2] {{\"a\": [3]}}"),
            format!("{list} in place of {{\"rules\": []}} or {{\"rules\": [7]}}"),
            format!(
                "{list} with the schema {}",
                json!({"properties": {"rules": {"type": "array"}}})
            ),
            format!("draft {{\"polarity\": 7}} final {list} as {{\"polarity\": 7}} was not enough"),
            format!("{{\"rules\": [{{\"polarity\": 7}}]}} no, {list}"),
            format!("[{list}]"),
            format!("{{\"answer\": {{\"content\": {list}}}}} [1]"),
            json!({ "answer": list, "sources": [1] }).to_string(),
            format!("<think>{list}</think> I have stated them, see [1]."),
            format!("<think>{{\"rules\": [{{\"polarity\": 7}}]}}</think> {list} [1]"),
            r#"{"list": [{"polarity": 1}, {"polarity": 2}]} [1]"#.to_owned(),
            r#"[{"polarity": 1}, {"polarity": 2}] as in [1]"#.to_owned(),
            r#"First {"polarity": 1}, second {"polarity": 2}, see [1]."#.to_owned(),
            "{\"polarity\": 1}\n{\"polarity\": 2}\n".to_owned(),
        ] {
            finds(&text, &[1, 2]);
        }
    }

    #[test]
    fn what_is_whole_in_a_broken_reply_is_kept() {
        let list = r#"{"rules": [{"polarity": 1, "x": [1]}, {"polarity": 2, "x": [1]}, {"polarity": 3, "x": [1]}]}"#;
        let after = |word: &str| list.find(word).unwrap() + word.len();
        for end in 0..list.len() {
            let whole = match end {
                _ if end >= after("3, \"x\": [1]}") => &[1, 2, 3][..],
                _ if end >= after("2, \"x\": [1]}") => &[1, 2],
                _ if end >= after("1, \"x\": [1]}") => &[1],
                _ => &[],
            };
            if whole.is_empty() {
                let of_form = items(&list[..end], &FORM).unwrap_or_default();
                assert!(!of_form.iter().any(|item| FORM.is_item(item)), "{}", &list[..end]);
            } else {
                finds(&list[..end], whole);
            }
        }
        finds(r#"{"rules": [{"polarity": 1}, {"polarity" 7}, {"polarity": 2},]} [1]"#, &[1, 2]);
        finds(r#"{"rules": [{"polarity": 1}], "notes": "cut"#, &[1]);
    }

    #[test]
    fn what_has_not_the_form_is_named() {
        let fault = |text: &str| items(text, &FORM).unwrap_err().fault;
        assert_eq!(fault("none"), Fault::NotJson);
        assert_eq!(fault(r#"{"rules": "none"}"#), Fault::Form);
        assert_eq!(fault(r#"{"a": 1}"#), Fault::Form);
        assert_eq!(items(r#"{"rules": [7]} as in [1]"#, &FORM).unwrap(), [json!(7)]);
        assert_eq!(items(r#"{"a": [7]}"#, &FORM).unwrap(), [json!(7)]);
    }
}
