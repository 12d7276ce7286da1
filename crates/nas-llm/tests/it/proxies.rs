//! Proxies that the environment names: an unusable one is named, without its secrets.

use std::{env, future::ready, process::Command};

use nas_llm::{Budget, Client};

use crate::server::{Response, Server, quick, request};

const URL: &str = "NAS_LLM_TEST_URL";
const PROXIES: [&str; 8] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// What one call to this URL prints, in a process with this environment.
async fn call(url: &str, environment: &[(&str, &str)]) -> String {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "proxies::in_a_process_of_its_own", "--ignored", "--nocapture"]);
    for variable in PROXIES {
        command.env_remove(variable);
    }
    command.env(URL, url).envs(environment.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{printed}");
    for secret in ["hunter2", "dXNlcjpodW50ZXIy"] {
        assert!(!printed.contains(secret), "{printed}");
    }
    printed
}

#[tokio::test]
#[ignore = "run by the tests below in a process of its own"]
async fn in_a_process_of_its_own() {
    tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::TRACE).init();
    let endpoint = quick(&env::var(URL).unwrap()).retries(1);
    let client = match Client::new(endpoint, Budget::default()) {
        Ok(client) => client,
        Err(error) => return println!("\nrefused: {error}\n{error:?}"),
    };
    match client.chat(&request("hello")).await {
        Ok(reply) => println!("\nreply: {}", reply.text),
        Err(error) => println!("\nfailed after {}: {error}\n{error:?}", client.usage().attempts),
    }
}

#[track_caller]
fn contains(printed: &str, words: &[&str]) {
    for word in words {
        assert!(printed.contains(word), "no {word:?} in {printed}");
    }
}

const SOCKS: &str = "socks5://user:hunter2@127.0.0.1:1080";

#[tokio::test]
async fn a_proxy_that_is_not_supported_is_named_before_anything_is_sent() {
    let words = [
        "refused: the proxy socks5://REDACTED@127.0.0.1:1080 of ALL_PROXY cannot be used",
        "SOCKS proxies are not supported",
        "expected http://HOST:PORT",
        "correct ALL_PROXY, or call the server without a proxy: NO_PROXY=models.example",
    ];
    for url in ["http://models.example/v1", "https://models.example/v1"] {
        contains(&call(url, &[("ALL_PROXY", SOCKS)]).await, &words);
    }
    let unreadable = [("https_proxy", "http://user:hunter2@no host:1")];
    let printed = call("https://models.example/v1", &unreadable).await;
    contains(&printed, &["the proxy http://REDACTED@no host:1 of https_proxy cannot be used"]);
}

#[tokio::test]
async fn a_proxy_that_refuses_connections_is_named() {
    let proxy = "http://user:hunter2@127.0.0.1:9";
    for (url, variable) in [
        ("http://models.example/v1", "HTTP_PROXY"),
        ("https://models.example/v1", "HTTPS_PROXY"),
        ("https://models.example/v1", "ALL_PROXY"),
    ] {
        let through = format!("through the proxy http://REDACTED@127.0.0.1:9/ of {variable}");
        let printed = call(url, &[(variable, proxy)]).await;
        let words = ["failed after 2: no connection to model tiny", "is the proxy running"];
        contains(&printed, &words);
        contains(&printed, &[&through, "NO_PROXY=models.example"]);
    }
}

#[tokio::test]
async fn errors_of_a_proxy_that_answers_name_it() {
    for (status, words) in [
        ("407 Proxy Authentication Required", ["failed after 1: the proxy", "(HTTP 407): who is"]),
        ("502 Bad Gateway", ["failed after 2: model tiny", "(HTTP 502): who is"]),
    ] {
        // It repeats what it was sent, as some do.
        let proxy = Server::answering(move |_| {
            ready(Response::error(status, "who is user:hunter2, dXNlcjpodW50ZXIy?"))
        })
        .await;
        let url = proxy.url.replace("http://", "http://user:hunter2@").replace("/v1", "");
        let shown = format!("{}/ of HTTP_PROXY", url.replace("user:hunter2", "REDACTED"));
        let printed = call("http://models.example/v1", &[("HTTP_PROXY", &url)]).await;
        contains(&printed, &words);
        contains(&printed, &[&shown]);
        assert!(!proxy.asked().is_empty());
    }
}

#[tokio::test]
async fn a_proxy_that_works_or_is_not_needed_is_no_error() {
    let server = Server::start([Response::chat("yes")]).await;
    // The model is on this machine.
    contains(&call(&server.url, &[("ALL_PROXY", SOCKS)]).await, &["reply: yes"]);
    let proxy = server.url.replace("/v1", "");
    let through = [("ALL_PROXY", SOCKS), ("HTTP_PROXY", &*proxy)];
    contains(&call("http://models.example/v1", &through).await, &["reply: yes"]);
    assert_eq!(server.asked()[1].line, "POST http://models.example/v1/chat/completions HTTP/1.1");
}
