//! Servers that refuse a part of a request.

use std::future::ready;

use nas_llm::{ChatRequest, Kind};
use serde_json::{Value, json};

use crate::server::{Answer, Server, request};

/// A request with everything that a server may refuse.
fn whole(text: &str) -> ChatRequest {
    request(text).schema("edits", json!({ "type": "object" })).seed(3)
}

/// A server that refuses requests with a field.
async fn refusing(field: &'static str, status: &'static str, error: Value) -> Server {
    Server::answering(move |asked| {
        let refused = !asked.body[field].is_null();
        ready(if refused { Answer::new(status, "", error.to_string()) } else { Answer::says("{}") })
    })
    .await
}

/// The first call is asked twice, the second one is asked as it succeeded.
async fn learns(server: &Server) -> Vec<Value> {
    let client = server.client();
    let first = client.chat(&whole("one")).await.unwrap();
    let second = client.chat(&whole("two")).await.unwrap();
    assert_eq!((first.attempts, second.attempts), (2, 1));
    assert_eq!(client.usage().failures[&Kind::Refused], 1);
    server.asked().into_iter().map(|asked| asked.body).collect()
}

#[tokio::test]
async fn structured_output_is_asked_for() {
    let server = Server::start([Answer::says("{}")]).await;
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
async fn a_refused_response_format_becomes_a_sentence() {
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
async fn a_request_that_is_wrong_in_itself_teaches_nothing() {
    let refused = Answer::error("400 Bad Request", "this context is too long");
    let server = Server::start([refused.clone(), refused, Answer::says("{}")]).await;
    let client = server.client();
    assert_eq!(client.chat(&whole("one")).await.unwrap_err().kind(), Kind::Refused);
    assert!(client.chat(&whole("two")).await.unwrap().structured);
}

#[tokio::test]
async fn max_completion_tokens_takes_the_place_of_max_tokens() {
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
async fn a_server_may_refuse_one_thing_after_another() {
    let server = Server::answering(|asked| {
        let refused = ["max_tokens", "temperature", "seed", "response_format"]
            .into_iter()
            .find(|field| !asked.body[field].is_null());
        ready(match refused {
            Some(field) => Answer::error("400 Bad Request", &format!("unknown field {field}")),
            None => Answer::says("{}"),
        })
    })
    .await;
    let client = server.client();
    assert_eq!(client.chat(&whole("one")).await.unwrap().attempts, 5);
    assert_eq!(client.chat(&whole("two")).await.unwrap().attempts, 1);
}

#[tokio::test]
async fn a_server_that_refuses_everything_is_asked_a_bounded_number_of_times() {
    let server = Server::start([Answer::error("400 Bad Request", "temperature seed schema")]).await;
    assert_eq!(server.client().chat(&whole("one")).await.unwrap_err().kind(), Kind::Refused);
    assert_eq!(server.asked().len(), 4);
}
