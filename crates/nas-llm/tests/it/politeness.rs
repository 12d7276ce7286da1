//! A server that asks for fewer requests gets fewer.

use std::{
    future::ready,
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

use futures_util::future::join_all;
use nas_llm::{Budget, Client, Endpoint, Kind};

use crate::server::{Response, Server, request};

/// In place of a second.
const SECOND: Duration = Duration::from_millis(40);

/// A server that answers as `answer` says for the number of the request, and the times of requests.
async fn timed(
    answer: impl Fn(usize) -> Response + Send + Sync + 'static,
) -> (Server, Arc<Mutex<Vec<Instant>>>) {
    let times = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&times);
    let server = Server::answering(move |_| {
        let mut times = log.lock().unwrap();
        times.push(Instant::now());
        ready(answer(times.len()))
    })
    .await;
    (server, times)
}

fn endpoint(server: &Server) -> Endpoint {
    server.endpoint().waits(SECOND, 60 * SECOND).retries(4).parallel(6)
}

fn refusals() -> Vec<(&'static str, Response)> {
    let past = SystemTime::now() - Duration::from_secs(3600);
    let past = format!("Retry-After: {}\r\n", httpdate::fmt_http_date(past));
    vec![
        ("0", Response::new("429 Too Many Requests", "Retry-After: 0\r\n", "slow down")),
        ("past", Response::new("429 Too Many Requests", &past, "slow down")),
        ("none", Response::new("429 Too Many Requests", "", "slow down")),
        ("less than our wait", Response::new("429 X", "Retry-After: 0.001\r\n", "slow down")),
        ("503", Response::new("503 Service Unavailable", "Retry-After: 0\r\n", "loading")),
        ("529", Response::new("529 Overloaded", "", "overloaded")),
        ("inside 200", Response::new("200 OK", "", "{\"error\":{\"code\":429,\"message\":\"x\"}}")),
    ]
}

/// The server sees no more than one request in a second after the first six, which are sent before it
/// answers. Requests may arrive later than they are sent, but not sooner.
#[track_caller]
fn is_polite(name: &str, times: &[Instant]) {
    for (index, time) in times.iter().enumerate().skip(6) {
        let least = SECOND * u32::try_from(index - 5).unwrap();
        assert!(
            *time - times[0] + SECOND / 20 >= least,
            "{name}: {index} after {:?}",
            *time - times[0]
        );
    }
}

#[tokio::test]
async fn our_own_wait_is_the_least_and_all_calls_wait_for_each_other() {
    for (name, refusal) in refusals() {
        let (server, times) = timed(move |_| refusal.clone()).await;
        let client = Client::new(endpoint(&server), Budget::default()).unwrap();
        let request = request("hello");
        let begun = Instant::now();
        let results = join_all((0..6).map(|_| client.chat(&request))).await;
        // Waits of 1, 2, 4 and 8 seconds, or half of that by chance.
        assert!(begun.elapsed() >= SECOND * 15 / 2, "{name}: {:?}", begun.elapsed());
        for result in results {
            let error = result.unwrap_err();
            assert!(matches!(error.kind(), Kind::RateLimited | Kind::Server), "{name}: {error}");
            assert!(!error.to_string().contains("for 0 s"), "{name}: {error}");
        }
        let times = times.lock().unwrap();
        assert_eq!(times.len(), 6 * 5, "{name}");
        is_polite(name, &times);
    }
}

#[tokio::test]
async fn a_server_that_limits_the_rate_for_a_while_loses_no_call() {
    for (name, refusal) in refusals() {
        let (server, times) = timed(move |number| match number {
            ..=12 => refusal.clone(),
            _ => Response::chat("yes"),
        })
        .await;
        let client = Client::new(endpoint(&server), Budget::default()).unwrap();
        let request = request("hello");
        for result in join_all((0..12).map(|_| client.chat(&request))).await {
            assert_eq!(result.unwrap().text, "yes", "{name}");
        }
        let times = times.lock().unwrap();
        assert_eq!(times.len(), 12 + 12, "{name}");
        is_polite(name, &times);
    }
}

#[tokio::test]
async fn no_call_asks_before_the_time_that_one_was_told() {
    let (server, times) = timed(|number| match number {
        1 => Response::new("429 Too Many Requests", "Retry-After: 1\r\n", "slow down"),
        _ => Response::chat("yes"),
    })
    .await;
    let client = Client::new(endpoint(&server).parallel(1), Budget::default()).unwrap();
    let request = request("hello");
    join_all((0..3).map(|_| client.chat(&request))).await.into_iter().for_each(|reply| {
        reply.unwrap();
    });
    let times = times.lock().unwrap();
    assert_eq!(times.len(), 4);
    assert!(times[1] - times[0] >= Duration::from_millis(990), "{:?}", times[1] - times[0]);
}

#[tokio::test]
async fn a_server_that_refuses_nothing_is_asked_at_once() {
    let (server, times) = timed(|_| Response::chat("yes")).await;
    let slow = endpoint(&server).waits(Duration::from_secs(600), Duration::from_secs(600));
    let client = Client::new(slow, Budget::default()).unwrap();
    let request = request("hello");
    let calls = join_all((0..12).map(|_| client.chat(&request)));
    tokio::time::timeout(Duration::from_secs(60), calls).await.unwrap();
    assert_eq!(times.lock().unwrap().len(), 12);
}
