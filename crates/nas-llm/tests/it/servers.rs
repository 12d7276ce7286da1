//! Servers as they are: what the user reads, and how many requests are made.

use std::future::ready;

use nas_llm::{Budget, ChatRequest, Client, Kind, Reply};
use serde_json::{Value, json};

use crate::server::{Asked, Response, Server, request};

/// A request with every part that a server may refuse.
fn whole(text: &str) -> ChatRequest {
    request(text).schema("edits", json!({ "type": "object" })).seed(3).max_tokens(580)
}

/// What the user gets from two calls, one after the other.
struct Two {
    name: &'static str,
    first: Result<Reply, nas_llm::Error>,
    second: Result<Reply, nas_llm::Error>,
    /// Requests of the first call, and of both.
    requests: [usize; 2],
    asked: Vec<Asked>,
    usage: nas_llm::Usage,
}

async fn two(name: &'static str, server: &Server, url: &str) -> Two {
    let client = Client::new(crate::server::quick(url), Budget::default()).unwrap();
    let first = client.chat(&whole("one")).await;
    let requests = server.asked().len();
    let second = client.chat(&whole("two")).await;
    let asked = server.asked();
    Two { name, first, second, requests: [requests, asked.len()], asked, usage: client.usage() }
}

impl Two {
    #[track_caller]
    fn reads(&self, text: &str, requests: [usize; 2]) -> &Reply {
        let reply = self.first.as_ref().unwrap_or_else(|error| panic!("{}: {error}", self.name));
        assert_eq!((&*reply.text, self.requests), (text, requests), "{}", self.name);
        reply
    }

    #[track_caller]
    fn fails(&self, kind: Kind, words: &[&str], requests: [usize; 2]) -> String {
        let error = self.first.as_ref().unwrap_err();
        assert_eq!((error.kind(), self.requests), (kind, requests), "{}: {error}", self.name);
        for word in words {
            assert!(error.to_string().contains(word), "{}: no {word:?} in {error}", self.name);
        }
        error.to_string()
    }
}

async fn always(name: &'static str, answer: Response) -> Two {
    let server = Server::start([answer]).await;
    two(name, &server, &server.url).await
}

fn stream(body: impl AsRef<[u8]>) -> Response {
    Response::new("200 OK", "Content-Type: text/event-stream\r\n", body)
}

fn deltas(deltas: &[Value], finish: &str) -> String {
    let chunk = |delta: &Value, finish: Option<&str>| {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
        format!("data: {}\n\n", json!({ "object": "chat.completion.chunk", "choices": [choice] }))
    };
    let chunks: String = deltas.iter().map(|delta| chunk(delta, None)).collect();
    chunks + &chunk(&json!({}), Some(finish))
}

fn words(field: &str, words: &[&str]) -> Vec<Value> {
    words.iter().map(|word| json!({ field: word })).collect()
}

#[tokio::test]
async fn a_server_that_streams_is_read() {
    let parts = words("content", &["{\"edits\"", ": [1", "]}"]);
    let usage = json!({ "choices": [], "usage": { "prompt_tokens": 11, "completion_tokens": 7 } });
    let body = deltas(&parts, "stop");
    let complete = format!(": ping\n\n{body}data: {usage}\n\ndata: [DONE]\n\n");
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n{:x}\r\n{complete}\r\n0\r\n\r\n",
        complete.len()
    );
    let text = "{\"edits\": [1]}";
    for (name, answer) in [
        ("events", stream(&complete)),
        ("unlabelled events", Response::new("200 OK", "", &complete)),
        ("in chunks", Response::raw(chunked.into_bytes())),
    ] {
        let two = always(name, answer).await;
        let reply = two.reads(text, [1, 2]);
        assert_eq!((reply.prompt_tokens, reply.completion_tokens, reply.truncated), (11, 7, false));
    }
    // Without counts, tokens are estimated.
    let two = always("no usage", stream(&body)).await;
    assert!(two.reads(text, [1, 2]).estimated);
    // What arrived before a cut is kept.
    let cut = body.find("\"]}\"").unwrap();
    let two = always("cut", stream(&body[..cut])).await;
    assert!(two.reads("{\"edits\": [1", [1, 2]).truncated);
    // A long one is larger than other replies may be.
    let long = words("content", &vec!["x"; 40_000]);
    let two = always("long", stream(deltas(&long, "stop"))).await;
    two.reads(&"x".repeat(40_000), [1, 2]);
}

#[tokio::test]
async fn an_error_in_a_stream_is_that_error() {
    let failed = |error: Value| {
        let begun = deltas(&words("content", &["{"]), "stop");
        stream(format!("{begun}data: {}\n\n", json!({ "error": error })))
    };
    let overloaded = failed(json!({ "code": 502, "message": "upstream" }));
    always("502", overloaded).await.fails(Kind::Server, &["(HTTP 502): upstream"], [4, 8]);
    let key = failed(json!({ "code": "401", "message": "no such key" }));
    always("401", key).await.fails(Kind::Unauthorised, &["no such key"], [1, 1]);
    let unnamed = failed(json!({ "message": "it broke" }));
    always("no code", unnamed).await.fails(Kind::NoContent, &["it broke"], [2, 4]);
}

#[tokio::test]
async fn what_is_no_reply_is_shown_and_v1_is_blamed_only_where_it_is_missing() {
    let page = always("text", Response::new("200 OK", "", "hello")).await;
    let error =
        page.fails(Kind::NotJson, &["begins \"hello\"", "is this a chat endpoint?"], [2, 4]);
    assert!(!error.contains("is /v1 missing"), "{error}");
    let empty = always("no events", stream("")).await;
    let error = empty.fails(Kind::NotJson, &["nor a stream of events"], [2, 4]);
    assert!(!error.contains("is /v1 missing"), "{error}");
}

/// A server that refuses the system role.
async fn without_system(status: &'static str, message: &'static str) -> Server {
    Server::answering(move |asked| {
        let messages = asked.body["messages"].as_array().unwrap().clone();
        ready(if messages.iter().any(|message| message["role"] == "system") {
            Response::error(status, message)
        } else {
            Response::chat("{}")
        })
    })
    .await
}

#[tokio::test]
async fn a_refused_system_role_moves_into_the_users_message() {
    for (status, message) in [
        ("400 Bad Request", "System role not supported"),
        ("500 Internal Server Error", "System role not supported"),
        ("500 Internal Server Error", "Conversation roles must alternate user/assistant/user/..."),
        ("400 Bad Request", "Only user and assistant roles are supported!"),
        ("400 Bad Request", "Developer instruction is not enabled for models/gemma-3-27b-it"),
        ("400 Bad Request", "'messages[0].role' does not support 'system' with this model."),
        ("422 Unprocessable Entity", "unexpected role: system"),
        ("501 Not Implemented", "unsupported role \"system\""),
    ] {
        let server = without_system(status, message).await;
        let two = two(message, &server, &server.url).await;
        let reply = two.reads("{}", [2, 3]);
        // The schema is not given up for it.
        assert!(reply.structured, "{message}");
        let sent = &two.asked[2].body;
        assert!(!sent["response_format"].is_null() && sent["seed"] == 3, "{message}");
        assert_eq!(sent["messages"], json!([{ "role": "user", "content": "Be brief.\n\ntwo" }]));
    }
}

#[tokio::test]
async fn a_server_without_system_role_and_structured_output_gets_both_in_one_message() {
    let server = Server::answering(|asked| {
        let system = asked.body["messages"][0]["role"] == "system";
        ready(if system {
            Response::error("400 Bad Request", "System role not supported")
        } else if !asked.body["response_format"].is_null() {
            Response::error("500 Internal Server Error", "failed to parse grammar")
        } else {
            Response::chat("{}")
        })
    })
    .await;
    let two = two("neither", &server, &server.url).await;
    assert!(!two.reads("{}", [3, 4]).structured);
    let sent = &two.asked[3].body["messages"];
    let content = sent[0]["content"].as_str().unwrap();
    assert!(content.starts_with("Be brief.\n\ntwo\n\nAnswer with one JSON value"), "{content}");
    assert_eq!(sent.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_server_that_fails_is_asked_again_in_the_same_form() {
    // It names a part of the request, and does not say that the part is refused.
    let oops = Response::error("500 Internal Server Error", "crashed after the system message");
    let two = always("500", oops).await;
    two.fails(Kind::Server, &["crashed after"], [4, 8]);
    assert!(two.asked.iter().all(|asked| asked.body["messages"][0]["role"] == "system"));
}

fn thinking(message: &Value, finish: &str, usage: &Value) -> Response {
    let choice = json!({ "message": message, "finish_reason": finish });
    Response::json(&json!({ "choices": [choice], "usage": usage }))
}

#[tokio::test]
async fn a_model_that_thinks_until_its_tokens_are_used_up_needs_more() {
    let usage = json!({
        "prompt_tokens": 11, "completion_tokens": 580,
        "completion_tokens_details": { "reasoning_tokens": 577 },
    });
    let advice =
        ["used up all 580 tokens", "allow more with --llm-reply-tokens N, for example 2320"];
    for (name, message) in [
        ("empty", json!({ "content": "" })),
        ("null", json!({ "content": null, "reasoning_content": "Let me see. {\"edits\": [0" })),
        ("in the text", json!({ "content": "<think>Let me see." })),
    ] {
        let two = always(name, thinking(&message, "length", &usage)).await;
        // Asked again with as few tokens it would think again.
        let error = two.fails(Kind::NoContent, &advice, [1, 2]);
        assert!(error.contains("577 of them for thinking"), "{error}");
        assert_eq!((two.usage.completion_tokens, two.usage.thinking_tokens), (1160, 1154));
    }
    let streamed = deltas(&words("reasoning_content", &["Let me ", "see."]), "length");
    always("streamed", stream(streamed)).await.fails(Kind::NoContent, &advice, [1, 2]);
}

#[tokio::test]
async fn more_tokens_are_allowed_for_every_reply() {
    let server = Server::answering(|asked| {
        let enough = asked.body["max_tokens"].as_u64() >= Some(4000);
        let (text, finish) = if enough { ("{}", "stop") } else { ("", "length") };
        ready(thinking(&json!({ "content": text }), finish, &json!(null)))
    })
    .await;
    let few = server.client().chat(&whole("one")).await.unwrap_err();
    assert!(few.to_string().contains("--llm-reply-tokens"), "{few}");
    let endpoint = server.endpoint().reply_tokens(4000);
    let client = Client::new(endpoint, Budget::default()).unwrap();
    assert_eq!(client.chat(&whole("two")).await.unwrap().text, "{}");
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn tokens_of_thinking_are_a_part_of_the_reply() {
    let message = json!({ "content": "{}", "reasoning_content": "12345678" });
    let usage = json!({
        "prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 42,
        "completion_tokens_details": { "reasoning_tokens": 30 },
    });
    let two = always("counted apart", thinking(&message, "stop", &usage)).await;
    let reply = two.reads("{}", [1, 2]);
    assert_eq!((reply.completion_tokens, reply.thinking_tokens), (32, 30));
    assert_eq!((two.usage.completion_tokens, two.usage.thinking_tokens), (64, 60));
    // They count for a budget.
    let server = Server::start([thinking(&message, "stop", &usage)]).await;
    let budget = Budget { tokens: Some(42), ..Budget::default() };
    let client = Client::new(server.endpoint(), budget).unwrap();
    client.chat(&whole("one")).await.unwrap();
    assert_eq!(client.chat(&whole("two")).await.unwrap_err().kind(), Kind::Budget);
    // Without counts, they are estimated with the text.
    let two = always("not counted", thinking(&message, "stop", &json!(null))).await;
    let reply = two.reads("{}", [1, 2]);
    assert_eq!((reply.completion_tokens, reply.estimated), (3, true));
}

#[tokio::test]
async fn a_text_that_is_only_in_the_thoughts_is_used() {
    for field in ["reasoning_content", "reasoning"] {
        for empty in [json!(null), json!(""), json!("\n"), json!([])] {
            let mut message = json!({ "content": empty });
            message[field] = json!("So: {\"edits\": [1]}");
            let two = always(field, thinking(&message, "stop", &json!(null))).await;
            two.reads("So: {\"edits\": [1]}", [1, 2]);
        }
        let streamed = deltas(&words(field, &["{\"edits\"", ": [1]}"]), "stop");
        always(field, stream(streamed)).await.reads("{\"edits\": [1]}", [1, 2]);
    }
    let refusal = json!({ "content": null, "refusal": "I won't", "reasoning": "is this allowed?" });
    let two = always("refusal", thinking(&refusal, "stop", &json!(null))).await;
    two.fails(Kind::NoContent, &["declines: I won't"], [2, 4]);
    let filtered = json!({ "content": null, "reasoning": "is this " });
    let two = always("filter", thinking(&filtered, "content_filter", &json!(null))).await;
    two.fails(Kind::NoContent, &["content filter withholds"], [2, 4]);
}

#[tokio::test]
async fn a_base_url_without_v1_is_named_and_asked_once() {
    for (name, answer) in [
        ("empty 404", Response::new("404 Not Found", "", "")),
        ("text", Response::new("404 Not Found", "", "404 page not found")),
        ("FastAPI", Response::new("404 Not Found", "", "{\"detail\":\"Not Found\"}")),
        ("llama.cpp", Response::error("404 Not Found", "File Not Found")),
        ("OpenAI", Response::error("404 Not Found", "Invalid URL (POST /chat/completions)")),
        ("405", Response::new("405 Method Not Allowed", "", "{\"detail\":\"Method Not Allowed\"}")),
        ("page", Response::new("200 OK", "", "<!doctype html><title>Models</title>")),
    ] {
        let server = Server::start([answer]).await;
        let base = server.url.trim_end_matches("/v1");
        let hint = format!("is /v1 missing? Try {base}/v1");
        // Later calls would ask the same URL.
        two(name, &server, base).await.fails(Kind::Configuration, &[&hint], [1, 1]);
        assert!(server.asked()[0].line.starts_with("POST /chat/completions "));
    }
}

#[tokio::test]
async fn a_404_about_the_model_or_the_path_is_not_asked_again_in_another_form() {
    let model = Response::error("404 Not Found", "model \"tiny\" not found, try pulling it first");
    let server = Server::start([model.clone()]).await;
    let base = server.url.trim_end_matches("/v1");
    let error =
        two("no version", &server, base).await.fails(Kind::Refused, &["pulling it"], [1, 2]);
    assert!(!error.contains("/v1 missing"), "{error}");
    always("version", model).await.fails(Kind::Refused, &["pulling it"], [1, 2]);
    let path = Response::new("404 Not Found", "", "{\"detail\":\"Not Found\"}");
    let error =
        always("path", path).await.fails(Kind::Refused, &["Not Found", "check URL"], [1, 2]);
    assert!(!error.contains("/v1 missing"), "{error}");
}

#[tokio::test]
async fn content_that_is_not_allowed_ends_its_own_call_only() {
    let moderated = json!({ "error": {
        "code": 403, "message": "tiny requires moderation on Input. Your input was flagged for x.",
        "metadata": { "flagged_input": "hidden" },
    } });
    let policy = json!({ "error": { "message": "no", "type": "content_policy_violation" } });
    let azure =
        json!({ "error": { "code": "content_filter", "message": "The prompt was filtered" } });
    for (name, status, body) in [
        ("moderation", "403 Forbidden", moderated.clone()),
        ("inside 200", "200 OK", moderated),
        ("type", "403 Forbidden", policy),
        ("Azure", "400 Bad Request", azure),
        ("451", "451 Unavailable", json!({ "error": { "message": "harmful" } })),
    ] {
        let answers = [Response::new(status, "", body.to_string()), Response::chat("{}")];
        let server = Server::start(answers).await;
        let two = two(name, &server, &server.url).await;
        let error =
            two.fails(Kind::Refused, &["because of its content", "only this call fails"], [1, 2]);
        assert!(!error.contains("the key"), "{name}: {error}");
        assert_eq!(two.second.unwrap().text, "{}", "{name}");
    }
}

#[tokio::test]
async fn a_refused_key_ends_all_calls() {
    for (name, status, message) in [
        ("401", "401 Unauthorized", "flagged by our safety system"),
        ("403", "403 Forbidden", "not you"),
        ("account", "403 Forbidden", "Your account was flagged: ask support"),
        ("key", "403 Forbidden", "This API key violates the content policy"),
    ] {
        let two = always(name, Response::error(status, message)).await;
        two.fails(Kind::Unauthorised, &["refuses the key", message], [1, 1]);
        assert_eq!(two.second.unwrap_err().kind(), Kind::Unauthorised, "{name}");
    }
}
