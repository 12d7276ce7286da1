//! Servers that refuse a part of a request.

use std::future::ready;

use nas_llm::{ChatRequest, Kind};
use serde_json::{Value, json};

use crate::server::{Response, Server, request};

/// A request with every part that a server may refuse.
fn whole(text: &str) -> ChatRequest {
    request(text).schema("edits", json!({ "type": "object" })).seed(3)
}

/// A server that refuses requests with this field.
async fn refusing(field: &'static str, status: &'static str, error: Value) -> Server {
    Server::answering(move |asked| {
        let refused = !asked.body[field].is_null();
        ready(if refused {
            Response::new(status, "", error.to_string())
        } else {
            Response::chat("{}")
        })
    })
    .await
}

/// The first call needs two requests; the second call sends the form that worked.
async fn learns(server: &Server) -> Vec<Value> {
    let client = server.client();
    let first = client.chat(&whole("one")).await.unwrap();
    let second = client.chat(&whole("two")).await.unwrap();
    assert_eq!((first.attempts, second.attempts), (2, 1));
    assert_eq!(client.usage().failures[&Kind::Refused], 1);
    server.asked().into_iter().map(|asked| asked.body).collect()
}

#[tokio::test]
async fn structured_output_is_requested() {
    let server = Server::start([Response::chat("{}")]).await;
    let reply = server.client().chat(&whole("one")).await.unwrap();
    assert!(reply.structured);
    let body = &server.asked()[0].body;
    assert_eq!(
        body["response_format"],
        json!({
            "type": "json_schema",
            "json_schema": { "name": "edits", "strict": true, "schema": { "type": "object" } },
        })
    );
    assert_eq!(body["seed"], 3);
}

#[tokio::test]
async fn a_refused_response_format_moves_into_the_prompt() {
    for status in ["400 Bad Request", "404 Not Found", "422 Unprocessable Entity"] {
        let error = json!({ "error": "no" });
        let server = refusing("response_format", status, error).await;
        let client = server.client();
        let first = client.chat(&whole("one")).await.unwrap();
        let second = client.chat(&whole("two")).await.unwrap();
        assert_eq!((first.attempts, second.attempts), (2, 1), "{status}");
        assert!(!first.structured && !second.structured);
        let content = &server.asked()[2].body["messages"][1]["content"];
        let content = content.as_str().unwrap();
        assert!(content.starts_with("two\n\nAnswer with one JSON value"), "{content}");
        assert!(content.ends_with("{\"type\":\"object\"}"), "{content}");
    }
}

#[tokio::test]
async fn an_invalid_request_does_not_change_the_form_of_later_ones() {
    let refused = Response::error("400 Bad Request", "this context is too long");
    let server = Server::start([refused.clone(), refused, Response::chat("{}")]).await;
    let client = server.client();
    assert_eq!(client.chat(&whole("one")).await.unwrap_err().kind(), Kind::Refused);
    assert!(client.chat(&whole("two")).await.unwrap().structured);
}

#[tokio::test]
async fn max_completion_tokens_replaces_max_tokens() {
    let error = json!({ "error": {
        "message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use \
                    'max_completion_tokens' instead.",
        "param": "max_tokens",
    } });
    let bodies = learns(&refusing("max_tokens", "400 Bad Request", error).await).await;
    assert_eq!(bodies[2]["max_completion_tokens"], 2048);
    assert!(!bodies[2]["response_format"].is_null());
}

#[tokio::test]
async fn a_refused_temperature_is_left_out() {
    let error = json!({ "error": {
        "message": "Unsupported value: 'temperature' does not support 0.7", "param": "temperature",
    } });
    let bodies = learns(&refusing("temperature", "400 Bad Request", error).await).await;
    assert!(!bodies[2]["response_format"].is_null() && !bodies[2]["seed"].is_null());
}

#[tokio::test]
async fn a_refused_seed_is_left_out() {
    let error = json!({ "detail": [{ "loc": ["body", "seed"], "msg": "extra fields" }] });
    let bodies = learns(&refusing("seed", "422 Unprocessable Entity", error).await).await;
    assert!(!bodies[2]["temperature"].is_null());
}

#[tokio::test]
async fn a_server_may_refuse_one_part_after_another() {
    let server = Server::answering(|asked| {
        let refused = ["max_tokens", "temperature", "seed", "response_format"]
            .into_iter()
            .find(|field| !asked.body[field].is_null());
        ready(match refused {
            Some(field) => Response::error("400 Bad Request", &format!("unknown field {field}")),
            None => Response::chat("{}"),
        })
    })
    .await;
    let client = server.client();
    assert_eq!(client.chat(&whole("one")).await.unwrap().attempts, 5);
    assert_eq!(client.chat(&whole("two")).await.unwrap().attempts, 1);
}

#[tokio::test]
async fn a_server_that_refuses_everything_gets_a_bounded_number_of_requests() {
    let server =
        Server::start([Response::error("400 Bad Request", "temperature seed schema")]).await;
    assert_eq!(server.client().chat(&whole("one")).await.unwrap_err().kind(), Kind::Refused);
    assert_eq!(server.asked().len(), 4);
}
