//! Replies of servers that stream although they are not asked to.

use serde_json::{Map, Value, json};

/// Why a stream without an end has ended, in place of a server's `finish_reason`.
pub(crate) const CUT: &str = "cut";

/// The text of a message: a string, or a list of parts with texts.
pub(crate) fn content(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// The completion that a stream of server-sent events, or of lines of JSON, adds up to. `None` where the
/// text is no such stream.
///
/// Events that are not JSON are left out. Where an event contains an error, the completion has the error
/// and no choice. A stream that ends without saying so has the finish reason [`CUT`].
pub(crate) fn assemble(body: &str) -> Option<Value> {
    let Events { events, ended } = events(body);
    let is_chunk = |event: &Value| event["choices"].is_array() || !event["error"].is_null();
    if !events.iter().any(is_chunk) {
        return None;
    }
    if let Some(failed) = events.iter().find(|event| !event["error"].is_null()) {
        return Some(json!({ "choices": [], "error": failed["error"] }));
    }
    let mut message = Map::new();
    let mut finish = if ended { Value::Null } else { json!(CUT) };
    let mut usage = Value::Null;
    for event in events {
        if event["usage"].is_object() {
            usage.clone_from(&event["usage"]);
        }
        let choices = event["choices"].as_array().into_iter().flatten();
        for choice in choices.filter(|choice| choice["index"].as_u64().unwrap_or(0) == 0) {
            if !choice["finish_reason"].is_null() {
                finish.clone_from(&choice["finish_reason"]);
            }
            // The last event of some streams repeats the whole message.
            let is_part = choice["delta"].is_object();
            let part = &choice[if is_part { "delta" } else { "message" }];
            for field in ["content", "reasoning_content", "reasoning", "refusal"] {
                let text = content(&part[field]);
                match message.get_mut(field) {
                    Some(Value::String(whole)) if is_part => whole.push_str(&text),
                    Some(_) => {}
                    None if text.is_empty() => {}
                    None => drop(message.insert(field.to_owned(), text.into())),
                }
            }
        }
    }
    let choice = json!({ "message": message, "finish_reason": finish });
    Some(json!({ "choices": [choice], "usage": usage }))
}

struct Events {
    events: Vec<Value>,
    /// Whether the stream says that it ends.
    ended: bool,
}

/// The data of server-sent events (WHATWG HTML, 9.2), or lines of JSON.
fn events(body: &str) -> Events {
    let mut events = Vec::new();
    let mut ended = false;
    // An event may have several lines of data, but most servers send one, some without the empty line
    // that ends an event.
    let mut several = String::new();
    let body = body.trim_start_matches('\u{feff}');
    for line in body.lines().chain([""]) {
        let data = match line.strip_prefix("data:") {
            Some(data) => data.trim(),
            None if line.starts_with('{') => line.trim(),
            None => "",
        };
        match serde_json::from_str::<Value>(data) {
            Ok(event) if event.is_object() => events.push(event),
            _ if data == "[DONE]" => ended = true,
            _ if !data.is_empty() => several = several + data + "\n",
            _ if line.trim().is_empty() => {
                events.extend(serde_json::from_str::<Value>(&std::mem::take(&mut several)));
            }
            _ => {}
        }
    }
    Events { events, ended }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: &str) -> String {
        assemble(body).unwrap()["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
    }

    #[test]
    fn events_are_read_in_any_form() {
        let chunk =
            |text: &str| json!({ "choices": [{ "index": 0, "delta": { "content": text } }] });
        let (a, b) = (chunk("a"), chunk("b"));
        let other = json!({ "choices": [{ "index": 1, "delta": { "content": "other" } }] });
        let pretty = serde_json::to_string_pretty(&b).unwrap().replace('\n', "\ndata: ");
        for body in [
            format!("data: {a}\n\ndata: {b}\n\ndata: [DONE]\n\n"),
            format!("data:{a}\r\n\r\ndata:{b}\r\n\r\ndata:[DONE]\r\n\r\n"),
            format!("\u{feff}: waiting\n\nevent: chunk\nid: 1\ndata: {a}\n\ndata: {b}\n\n"),
            format!("data: {a}\ndata: {b}"),
            format!("data: {a}\n\ndata: {pretty}\n\n"),
            format!("data: {a}\n\ndata: {other}\n\ndata: {b}\n\ndata: {{\"choices\": []}}\n\n"),
            format!("{a}\n{b}\n"),
            format!("data: {a}\n\ndata: {b}\n\ndata: {{\"choices\": [{{\"del"),
        ] {
            assert_eq!(text(&body), "ab", "{body}");
        }
        let whole = json!({ "choices": [{ "message": { "content": "ab" } }] });
        assert_eq!(text(&format!("data: {whole}\n\n")), "ab");
        assert_eq!(text(&format!("data: {a}\n\ndata: {b}\n\ndata: {whole}\n\n")), "ab");
    }

    #[test]
    fn the_end_and_the_usage_are_kept() {
        let body = "data: {\"choices\": [{\"delta\": {\"content\": \"a\"}, \"finish_reason\": null}]}\n\n\
            data: {\"choices\": [{\"delta\": {}, \"finish_reason\": \"stop\"}]}\n\n\
            data: {\"choices\": [], \"usage\": {\"completion_tokens\": 3}}\n\n";
        let whole = assemble(body).unwrap();
        assert_eq!(whole["choices"][0]["finish_reason"], "stop");
        assert_eq!(whole["usage"]["completion_tokens"], 3);
        let cut = assemble(&body[..body.find("\n\n").unwrap()]).unwrap();
        assert_eq!(cut["choices"][0]["finish_reason"], CUT);
    }

    #[test]
    fn other_texts_are_no_streams() {
        for body in ["", "<html>", "data", "data: hello\n\n", "{\"a\": 1}\n{\"b\": 2}", "data: [1]"]
        {
            assert_eq!(assemble(body), None, "{body}");
        }
    }
}
