//! Keys and passwords are sent in requests, and appear nowhere else.

use std::{env, fs, future::ready, path::Path, process::Command};

use nas_llm::{Budget, ChatModel, Endpoint, Kind, Transcript};
use serde_json::json;

use crate::server::{Response, Server, quick, request};

const FOLDER: &str = "NAS_LLM_TEST_FOLDER";
const KEY: &str = "NAS_LLM_TEST_KEY";
const SECRETS: [&str; 7] = [
    "sk-very-secret-key",
    "secret-user",
    "secret-password",
    "secret-query",
    // secret-user:secret-password in base64.
    "c2VjcmV0LXVzZXI6c2VjcmV0LXBhc3N3b3Jk",
    "secret-proxy",
    // secret-user:secret-proxy in base64.
    "c2VjcmV0LXVzZXI6c2VjcmV0LXByb3h5",
];

/// Runs the test below in a process with a key in its environment, and searches everything that
/// it prints and writes.
#[test]
fn no_secret_is_printed_or_written() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "secrets::in_a_process_with_a_key", "--ignored", "--nocapture"])
        .env(FOLDER, folder.path())
        .env(KEY, format!("{}\n", SECRETS[0]))
        // Nothing listens there; servers on this machine are called without a proxy.
        .env("HTTP_PROXY", "http://secret-user:secret-proxy@127.0.0.1:9")
        .env("http_proxy", "http://secret-user:secret-proxy@127.0.0.1:9")
        .output()
        .unwrap();
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8(printed).unwrap();
    assert!(output.status.success(), "{printed}");
    // The output is what it should be: events, errors and all.
    for expected in
        ["call begins", "trying again", "starting new connection", "REDACTED@", "(HTTP 401)"]
    {
        assert!(printed.contains(expected), "no {expected:?} in {printed}");
    }
    let mut texts = vec![printed];
    for entry in fs::read_dir(folder.path()).unwrap() {
        texts.push(fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    assert_eq!(texts.len(), 1 + 11);
    for text in &texts {
        assert!(text.len() > 100);
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[tokio::test]
#[ignore = "run by the test above in a process of its own"]
async fn in_a_process_with_a_key() {
    let folder = env::var(FOLDER).unwrap();
    let folder = Path::new(&folder);
    // Everything that this and the HTTP libraries log, at the finest level.
    tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::TRACE).init();
    // Every answer repeats what it was asked with, as do some real ones.
    for (name, status) in [
        ("200", "200 OK"),
        ("400", "400 Bad Request"),
        ("401", "401 Unauthorized"),
        ("308", "308 Permanent Redirect"),
        ("403", "403 Forbidden"),
        ("404", "404 Not Found"),
        ("429", "429 Too Many Requests"),
        ("500", "500 Internal Server Error"),
    ] {
        let server = echoing(status).await;
        let kind = match name {
            "200" => None,
            "308" | "400" | "404" => Some(Kind::Refused),
            "429" => Some(Kind::RateLimited),
            "401" | "403" => Some(Kind::Unauthorised),
            _ => Some(Kind::Server),
        };
        let endpoint = quick(&secret_url(&server)).key_env(KEY);
        ask(folder, name, endpoint, kind).await;
        let asked = &server.asked()[0];
        assert_eq!(asked.line, "POST /v1/chat/completions?key=secret-query HTTP/1.1");
        assert_eq!(asked.authorization.as_deref(), Some("Bearer sk-very-secret-key"));
    }
    let server = streaming().await;
    ask(folder, "stream", quick(&secret_url(&server)).key_env(KEY), None).await;
    let server = echoing("401 Unauthorized").await;
    ask(folder, "basic", quick(&secret_url(&server)), Some(Kind::Unauthorised)).await;
    let basic = format!("Basic {}", SECRETS[4]);
    assert_eq!(server.asked()[0].authorization.as_deref(), Some(&*basic));

    // A model elsewhere is asked through the proxy; the base URL is of no machine. The proxy repeats
    // its own secrets.
    let server = Server::answering(|_| {
        let text = "you sent c2VjcmV0LXVzZXI6c2VjcmV0LXByb3h5, which is secret-user:secret-proxy";
        ready(Response::error("500 Internal Server Error", text))
    })
    .await;
    let proxy = server.url.replace("http://", "http://secret-user:secret-proxy@");
    let endpoint = quick("http://secret-user:secret-password@models.example/v1?key=secret-query");
    let endpoint = endpoint.key_env(KEY).proxy(&proxy).unwrap();
    ask(folder, "proxy", endpoint, Some(Kind::Server)).await;
    let line = "POST http://models.example/v1/chat/completions?key=secret-query HTTP/1.1";
    assert_eq!(server.asked()[0].line, line);
}

fn secret_url(server: &Server) -> String {
    let url = server.url.replace("http://", "http://secret-user:secret-password@");
    format!("{url}?key=secret-query")
}

/// It repeats in a stream of events what it was asked with, one half in each event.
async fn streaming() -> Server {
    Server::answering(move |asked| {
        let text = format!("you sent {:?} to {}", asked.authorization, asked.line);
        let (one, two) = text.split_at(text.find("very").unwrap());
        let event = |text: &str| {
            let choice = json!({ "delta": { "content": text } });
            format!("data: {}\n\n", json!({ "choices": [choice] }))
        };
        ready(Response::new("200 OK", "", event(one) + &event(two) + "data: [DONE]\n\n"))
    })
    .await
}

async fn echoing(status: &'static str) -> Server {
    Server::answering(move |asked| {
        let text = format!("you sent {:?} to {}", asked.authorization, asked.line);
        ready(if status.starts_with("200") {
            Response::chat(&text)
        } else if status.starts_with("308") {
            // To another server, with a token of its own.
            let to = "http://secret-user:x@else.example/v1?token=secret-query-of-another";
            Response::new(status, &format!("Location: {to}\r\n"), text)
        } else {
            Response::error(status, &text)
        })
    })
    .await
}

/// Calls twice, and prints and writes everything that can be printed and written.
async fn ask(folder: &Path, name: &str, endpoint: Endpoint, kind: Option<Kind>) {
    println!("{endpoint:?}\n{}", toml::to_string(&endpoint).unwrap());
    let transcript = Transcript::create(folder.join(name)).unwrap();
    let model = ChatModel::live(endpoint, Budget::default(), Some(transcript)).unwrap();
    for _ in 0..2 {
        let result = model.chat(&request("hello")).await;
        println!("{result:?}");
        match &result {
            Ok(reply) => assert!(reply.text.contains("you sent"), "{}", reply.text),
            Err(error) => println!("{error}\n{error:#?}"),
        }
        assert_eq!(result.err().map(|error| error.kind()), kind);
    }
    println!("{model:?}\n{:?}", model.usage());
}
