//! Transcripts and their replay.

use std::{
    fs,
    future::ready,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use nas_llm::{Budget, ChatModel, ChatRequest, Error, Kind, Message, Transcript};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::{Response, Server, request};

/// What a caller sees of a call, exactly.
async fn seen(model: &ChatModel, request: &ChatRequest) -> String {
    match model.chat(request).await {
        Ok(reply) => format!("{reply:?}"),
        Err(error) => format!("{} {error}", error.kind()),
    }
}

fn requests() -> Vec<ChatRequest> {
    let schema = json!({ "type": "object", "properties": { "b": {}, "a": {} } });
    let mut requests: Vec<_> =
        ["one", "broken", "two", "one", "nul\u{0} \"quotes\" ü\n"].map(request).into();
    requests.push(request("one").schema("s", schema).temperature(0.1).seed(u64::MAX));
    // Past the budget.
    requests.push(request("six"));
    requests.push(request("seven"));
    requests
}

/// Records all requests; returns the transcript and what was seen.
async fn record(folder: &TempDir) -> (PathBuf, Vec<String>, nas_llm::Usage) {
    let asked = AtomicUsize::new(0);
    let server = Server::answering(move |request| {
        let index = asked.fetch_add(1, Ordering::SeqCst);
        let content = request.body["messages"][1]["content"].as_str().unwrap();
        ready(if content == "broken" {
            Response::error("500 Internal Server Error", "oops")
        } else {
            Response::chat(&format!("{index}: {content} \u{2028}\r\n"))
        })
    })
    .await;
    let path = folder.path().join("transcript.jsonl");
    let budget = Budget { calls: Some(6), ..Budget::default() };
    let transcript = Transcript::create(&path).unwrap();
    let endpoint = server.endpoint().prices(0.123_456_789, 1.0 / 3.0);
    let model = ChatModel::live(endpoint, budget, Some(transcript)).unwrap();
    let mut all = Vec::new();
    for (index, request) in requests().iter().enumerate() {
        all.push(seen(&model, request).await);
        // A call's line is there when the call ends.
        assert_eq!(lines(&path).len(), index + 1);
    }
    (path, all, model.usage())
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_replay_equals_the_recorded_run() {
    let folder = tempfile::tempdir().unwrap();
    let (path, recorded, usage) = record(&folder).await;
    // The server is gone, and a replay knows no URL.
    let model = ChatModel::replay(&path).unwrap();
    let mut replayed = Vec::new();
    for request in requests() {
        replayed.push(seen(&model, &request).await);
    }
    assert_eq!(replayed, recorded);
    assert_eq!(model.usage(), usage);
    assert!(recorded[1].starts_with("server model tiny"), "{}", recorded[1]);
    assert!(recorded[6].starts_with("budget budget spent: 6 of 6 calls"), "{}", recorded[6]);
}

#[tokio::test]
async fn a_replay_does_not_depend_on_the_order_of_calls() {
    let folder = tempfile::tempdir().unwrap();
    let (path, recorded, _) = record(&folder).await;
    let model = ChatModel::replay(&path).unwrap();
    let requests = requests();
    // The equal requests 0 and 3 get their answers in the recorded order.
    for (index, answer) in [(7, 7), (3, 0), (5, 5), (4, 4), (0, 3), (2, 2), (6, 6), (1, 1)] {
        assert_eq!(seen(&model, &requests[index]).await, recorded[answer]);
    }
}

#[tokio::test]
async fn a_line_contains_everything_about_a_call() {
    let folder = tempfile::tempdir().unwrap();
    let (path, ..) = record(&folder).await;
    let lines = lines(&path);
    let line = &lines[5];
    assert_eq!(line["version"], 1);
    assert_eq!(line["key"], requests()[5].key());
    assert_eq!(line["asked"]["model"], "tiny");
    assert_eq!(line["asked"]["max_tokens"], 2048);
    // The request has its own.
    assert!(line["asked"]["temperature"].is_null());
    assert_eq!(line["request"]["temperature"], 0.1);
    assert!(lines[0]["request"]["temperature"].is_null());
    assert_eq!(lines[0]["asked"]["temperature"], 0.7);
    assert_eq!(line["request"]["messages"][1]["content"], "one");
    assert_eq!(line["request"]["schema"]["name"], "s");
    assert_eq!(line["request"]["seed"], u64::MAX);
    assert_eq!(line["reply"]["structured"], true);
    assert_eq!(
        line["took"]["tokens"],
        json!({ "prompt": 11, "completion": 7, "estimated": false })
    );
    assert_eq!(line["took"]["attempts"], 1);
    let line = &lines[1];
    assert_eq!(line["reply"], Value::Null);
    assert_eq!(line["error"]["kind"], "server");
    assert_eq!(line["took"]["failures"], json!(["server", "server", "server", "server"]));
}

#[tokio::test]
async fn the_error_names_a_request_that_was_not_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let (path, ..) = record(&folder).await;
    let model = ChatModel::replay(&path).unwrap();
    let error = model.chat(&request("something new")).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::NotRecorded { recorded: 0, asked: 1, lines: 8, .. }), "{text}");
    assert!(text.contains("\"something new\"") && text.contains("transcript.jsonl"), "{text}");
    model.chat(&request("two")).await.unwrap();
    let error = model.chat(&request("two")).await.unwrap_err();
    assert!(matches!(error, Error::NotRecorded { recorded: 1, asked: 2, .. }), "{error}");
}

#[tokio::test]
async fn an_incomplete_last_line_is_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let (path, recorded, _) = record(&folder).await;
    let whole = fs::read(&path).unwrap();
    let ends: Vec<_> = (0..whole.len()).filter(|index| whole[*index] == b'\n').collect();
    // In the middle of the fifth line, in the middle of the two bytes of its ü.
    let middle = whole.iter().position(|byte| *byte == 0xc3).unwrap() + 1;
    assert!(ends[3] < middle && middle < ends[4]);
    fs::write(&path, &whole[..middle]).unwrap();
    let model = ChatModel::replay(&path).unwrap();
    let replay = model.replayed().unwrap();
    assert_eq!((replay.calls(), replay.incomplete_line()), (4, Some(5)));
    assert_eq!(seen(&model, &requests()[2]).await, recorded[2]);

    let server = Server::start([Response::chat("again")]).await;
    let transcript = Transcript::append(&path).unwrap();
    let live = ChatModel::live(server.endpoint(), Budget::default(), Some(transcript)).unwrap();
    live.chat(&requests()[4]).await.unwrap();
    assert!(fs::read(&path).unwrap().starts_with(&whole[..=ends[3]]));
    assert_eq!(lines(&path).len(), 5);
    // A whole line of which only the end of line is missing is a whole line.
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert_eq!(ChatModel::replay(&path).unwrap().replayed().unwrap().calls(), 8);
}

#[tokio::test]
async fn any_other_malformed_line_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (path, ..) = record(&folder).await;
    let whole = fs::read_to_string(&path).unwrap();
    let first = whole.lines().next().unwrap();
    for wrong in [
        "{}".to_owned(),
        String::new(),
        first[..first.len() - 1].to_owned(),
        first.replace("\"version\":1", "\"version\":2"),
        first.replace("\"error\":null", "\"error\":{\"kind\":\"server\",\"message\":\"\"}"),
        first.replace("\"key\"", "\"kez\""),
    ] {
        fs::write(&path, format!("{first}\n{wrong}\n{first}\n")).unwrap();
        let error = ChatModel::replay(&path).unwrap_err();
        assert_eq!(error.kind(), Kind::Transcript);
        assert!(error.to_string().contains("transcript.jsonl, line 2: "), "{error}");
    }
}

#[test]
fn a_transcript_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("transcript.jsonl");
    Transcript::create(&path).unwrap();
    let error = Transcript::create(&path).unwrap_err();
    assert!(matches!(error, Error::Transcript { .. }), "{error}");
    assert!(ChatModel::replay(folder.path().join("none.jsonl")).is_err());
    assert_eq!(ChatModel::replay(&path).unwrap().replayed().unwrap().calls(), 0);
}

#[test]
fn a_model_can_be_shared_between_tasks() {
    fn shared<T: Send + Sync + 'static>(_: &T) {}
    fn sendable<T: Send>(_: &T) {}
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("transcript.jsonl");
    Transcript::create(&path).unwrap();
    let model = ChatModel::replay(&path).unwrap();
    shared(&model);
    let request = ChatRequest::new(vec![Message::user("hello")]);
    sendable(&model.chat(&request));
}
