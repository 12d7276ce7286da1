//! How the client handles each way in which a server can fail.

use std::time::{Duration, Instant, SystemTime};

use nas_llm::{Budget, Client, Error, Kind, Reply, extract_json};
use serde_json::json;

use crate::server::{Response, Server, quick, request};

/// The result of one call, and the number of requests that it needed.
async fn call(answers: impl IntoIterator<Item = Response>) -> (Result<Reply, Error>, usize) {
    let server = Server::start(answers).await;
    let result = server.client().chat(&request("hello")).await;
    (result, server.asked().len())
}

async fn succeeds_after(failures: &[Response]) {
    let answers = failures.iter().cloned().chain([Response::chat("yes")]);
    let (result, requests) = call(answers).await;
    let reply = result.unwrap();
    assert_eq!(reply.text, "yes");
    assert_eq!((reply.attempts as usize, requests), (failures.len() + 1, failures.len() + 1));
}

async fn fails(answers: impl IntoIterator<Item = Response>, kind: Kind, requests: usize) -> Error {
    let (result, sent) = call(answers).await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), sent), (kind, requests), "{error}");
    assert!(error.to_string().contains("model tiny at http://127.0.0.1:"), "{error}");
    error
}

#[tokio::test]
async fn a_reply_is_read() {
    let server = Server::start([Response::chat("yes")]).await;
    let client = server.client();
    let reply = client.chat(&request("hello")).await.unwrap();
    assert_eq!((&*reply.text, reply.prompt_tokens, reply.completion_tokens), ("yes", 11, 7));
    assert!(!reply.estimated && !reply.structured && !reply.truncated);
    assert_eq!((reply.cost, reply.attempts), (None, 1));
    let asked = &server.asked()[0];
    assert_eq!(asked.line, "POST /v1/chat/completions HTTP/1.1");
    assert_eq!(asked.authorization, None);
    assert_eq!(
        asked.body,
        json!({
            "model": "tiny",
            "stream": false,
            "messages": [
                { "role": "system", "content": "Be brief." },
                { "role": "user", "content": "hello" },
            ],
            "max_tokens": 2048,
            "temperature": 0.7,
        })
    );
    let usage = client.usage();
    assert_eq!((usage.calls, usage.attempts, usage.failed), (1, 1, 0));
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (11, 7));
}

#[tokio::test]
async fn reasoning_is_left_out_and_parts_are_joined() {
    let message = json!({
        "content": [{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }],
        "reasoning_content": "long thoughts",
    });
    let body = json!({ "choices": [{ "message": message, "finish_reason": "length" }] });
    let reply = call([Response::json(&body)]).await.0.unwrap();
    assert_eq!(reply.text, "ab");
    assert!(reply.truncated);
}

#[tokio::test]
async fn tokens_that_are_not_counted_are_estimated() {
    let body = json!({ "choices": [{ "message": { "content": "12345" } }], "usage": null });
    let reply = call([Response::json(&body)]).await.0.unwrap();
    // "Be brief." and "hello" are 14 characters.
    assert_eq!((reply.prompt_tokens, reply.completion_tokens, reply.estimated), (4, 2, true));
}

#[tokio::test]
async fn http_429_with_seconds_waits_that_long() {
    let limited = Response::new("429 Too Many Requests", "Retry-After: 1\r\n", "slow down");
    let begun = Instant::now();
    succeeds_after(&[limited]).await;
    // A wait cannot be shorter than asked for, however slow the machine.
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn http_429_with_a_date_waits_until_then() {
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(2));
    let limited = Response::new("429 Too Many Requests", &format!("Retry-After: {date}\r\n"), "");
    let begun = Instant::now();
    succeeds_after(&[limited]).await;
    // Dates have whole seconds, so that up to one is lost.
    assert!(begun.elapsed() >= Duration::from_millis(500));
}

#[tokio::test]
async fn http_429_that_asks_for_too_long_a_wait_fails() {
    let limited = Response::new("429 Too Many Requests", "Retry-After: 3600\r\n", "come tomorrow");
    let error = fails([limited], Kind::RateLimited, 1).await.to_string();
    assert!(error.contains("for 3600 s: come tomorrow"), "{error}");
}

#[tokio::test]
async fn http_429_without_a_time_backs_off() {
    let limited = Response::error("429 Too Many Requests", "slow down");
    succeeds_after(&[limited.clone(), limited.clone(), limited.clone()]).await;
    fails([limited], Kind::RateLimited, 4).await;
}

/// An error of one call after which no other call is sent.
async fn ends_all(answer: Response, kind: Kind, words: &str) {
    let server = Server::start([answer]).await;
    let client = server.client();
    let first = client.chat(&request("one")).await.unwrap_err();
    let second = client.chat(&request("two")).await.unwrap_err();
    assert_eq!((first.kind(), second.kind()), (kind, kind));
    assert!(kind.ends_all());
    assert_eq!(first.to_string(), second.to_string());
    assert!(first.to_string().contains(words), "{first}");
    assert_eq!(server.asked().len(), 1);
    let usage = client.usage();
    assert_eq!((usage.calls, usage.attempts, usage.failed), (1, 1, 2));
    assert_eq!(usage.failures[&kind], 2);
}

#[tokio::test]
async fn an_exhausted_quota_ends_all_calls() {
    let body = json!({ "error": {
        "message": "You exceeded your current quota", "code": "insufficient_quota",
    } });
    let answer = Response::new("429 Too Many Requests", "Retry-After: 1\r\n", body.to_string());
    ends_all(answer, Kind::Quota, "exceeded your current quota").await;
}

#[tokio::test]
async fn http_402_is_an_exhausted_quota() {
    let answer = Response::error("402 Payment Required", "Insufficient Balance");
    ends_all(answer, Kind::Quota, "Insufficient Balance").await;
}

#[tokio::test]
async fn http_401_ends_all_calls() {
    let answer = Response::error("401 Unauthorized", "no such key");
    ends_all(answer, Kind::Unauthorised, "(HTTP 401): no such key").await;
}

#[tokio::test]
async fn http_403_ends_all_calls() {
    ends_all(Response::error("403 Forbidden", "not you"), Kind::Unauthorised, "HTTP 403").await;
}

#[tokio::test]
async fn a_refused_request_ends_its_own_call_only() {
    let refused = Response::error("404 Not Found", "no model tiny");
    let server = Server::start([refused, Response::chat("yes")]).await;
    let client = server.client();
    let error = client.chat(&request("one")).await.unwrap_err();
    assert!(error.to_string().contains("(HTTP 404): no model tiny"), "{error}");
    client.chat(&request("two")).await.unwrap();
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let answer = Response::new("308 Permanent Redirect", "Location: https://else.example/\r\n", "");
    let error = fails([answer], Kind::Refused, 1).await.to_string();
    assert!(error.contains("redirects to https://else.example/"), "{error}");
}

#[tokio::test]
async fn http_500_is_repeated_until_it_succeeds() {
    let broken = Response::error("500 Internal Server Error", "oops");
    let busy = Response::new("503 Service Unavailable", "Retry-After: 0\r\n", "loading");
    let late = Response::error("408 Request Timeout", "too slow");
    succeeds_after(&[broken, busy, late]).await;
}

#[tokio::test]
async fn http_500_fails_after_the_last_retry() {
    let broken = Response::error("500 Internal Server Error", "oops");
    let server = Server::start([broken]).await;
    let client = server.client();
    let error = client.chat(&request("hello")).await.unwrap_err();
    assert!(error.to_string().contains("(HTTP 500): oops"), "{error}");
    assert_eq!(server.asked().len(), 4);
    let usage = client.usage();
    assert_eq!((usage.calls, usage.attempts, usage.failed), (1, 4, 1));
    assert_eq!(usage.failures[&Kind::Server], 4);
}

#[tokio::test]
async fn an_error_inside_http_200_is_an_error() {
    let answer = Response::json(&json!({ "error": { "code": 502, "message": "upstream" } }));
    fails([answer.clone()], Kind::Server, 4).await;
    succeeds_after(&[answer]).await;
}

#[tokio::test]
async fn a_connection_cut_in_the_middle_of_a_body_is_repeated() {
    let cut = Response::chat("a text of which the end is lost").cut(20);
    fails([cut.clone()], Kind::Connection, 4).await;
    succeeds_after(&[cut]).await;
}

#[tokio::test]
async fn no_server_at_all_is_repeated_and_fails() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new(quick(&url), Budget::default()).unwrap();
    let error = client.chat(&request("hello")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Connection, "{error}");
    assert_eq!(client.usage().attempts, 4);
}

#[tokio::test]
async fn a_server_that_never_answers_times_out() {
    let says_half = Response::chat("the rest never comes").cut(10).hangs();
    let server = Server::start([says_half]).await;
    let endpoint = server.endpoint().timeout(Duration::from_millis(50)).retries(1);
    let client = Client::new(endpoint, Budget::default()).unwrap();
    let error = client.chat(&request("hello")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout, "{error}");
    assert!(error.to_string().contains("in 0.05 s"), "{error}");
    assert_eq!(client.usage().attempts, 2);
}

#[tokio::test]
async fn a_reply_of_10_mb_is_not_read() {
    let announced = Response::chat(&"x".repeat(10 << 20));
    fails([announced.clone()], Kind::TooLarge, 2).await;
    succeeds_after(&[announced]).await;
}

#[tokio::test]
async fn a_reply_of_10_mb_without_a_length_is_read_up_to_the_limit() {
    let body = vec![b' '; 10 << 20];
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    let endless = Response::raw([head.as_bytes(), &body].concat());
    let error = fails([endless], Kind::TooLarge, 2).await.to_string();
    assert!(error.contains("longer than 2097152 bytes"), "{error}");
}

#[tokio::test]
async fn invalid_utf8_is_retried_once() {
    let broken = Response::new("200 OK", "", b"{\"choices\": \"\xff\xfe\"}");
    let error = fails([broken.clone()], Kind::NotUtf8, 2).await.to_string();
    assert!(error.contains("from byte 13 on"), "{error}");
    succeeds_after(&[broken]).await;
}

#[tokio::test]
async fn a_body_that_is_not_json_is_retried_once() {
    let page = Response::new("200 OK", "", "<html>\n<body>Welcome</body>");
    let error = fails([page.clone()], Kind::NotJson, 2).await.to_string();
    assert!(error.contains("begins \"<html> <body>Welcome</body>\""), "{error}");
    succeeds_after(&[page]).await;
}

#[tokio::test]
async fn empty_choices_are_retried_once() {
    let empty = Response::json(&json!({ "choices": [] }));
    fails([empty.clone()], Kind::NoContent, 2).await;
    succeeds_after(&[empty]).await;
}

#[tokio::test]
async fn an_empty_text_is_retried_and_its_tokens_count() {
    let server = Server::start([Response::chat(" \n"), Response::chat("yes")]).await;
    let reply = server.client().chat(&request("hello")).await.unwrap();
    assert_eq!((reply.prompt_tokens, reply.completion_tokens, reply.attempts), (22, 14, 2));
    let refusal = json!({ "choices": [{ "message": { "content": null, "refusal": "I won't" } }] });
    let error = fails([Response::json(&refusal)], Kind::NoContent, 2).await.to_string();
    assert!(error.contains("declines: I won't"), "{error}");
}

#[tokio::test]
async fn json_in_a_fence_is_found() {
    let text = "Of course:\n```json\n{\"edits\": [1]}\n```\nAnything else?";
    let reply = call([Response::chat(text)]).await.0.unwrap();
    assert_eq!(extract_json(&reply.text), Some(json!({ "edits": [1] })));
}

#[tokio::test]
async fn json_after_reasoning_is_found() {
    let text = "<think>{\"edits\": [0]} or {</think>\n{\"edits\": [1]}";
    let reply = call([Response::chat(text)]).await.0.unwrap();
    assert_eq!(extract_json(&reply.text), Some(json!({ "edits": [1] })));
}

#[tokio::test]
async fn a_request_without_messages_is_not_sent() {
    let server = Server::start([Response::chat("yes")]).await;
    let empty = nas_llm::ChatRequest::new(Vec::new());
    let error = server.client().chat(&empty).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Configuration);
    assert!(server.asked().is_empty());
}
