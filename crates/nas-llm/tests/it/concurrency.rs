//! Concurrent calls.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use nas_llm::{Budget, ChatModel};
use tokio::sync::Barrier;

use crate::server::{Response, Server, request};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_as_many_calls_as_allowed_run_at_the_same_time() {
    const PARALLEL: usize = 4;
    // The server responds once as many requests as allowed have arrived; with fewer at the same time
    // the calls would time out.
    let together = Arc::new(Barrier::new(PARALLEL));
    let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = (Arc::clone(&open), Arc::clone(&most));
    let server = Server::answering(move |_| {
        let (open, most) = (Arc::clone(&counts.0), Arc::clone(&counts.1));
        let together = Arc::clone(&together);
        async move {
            most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            together.wait().await;
            // Time for one request too many to arrive.
            tokio::time::sleep(Duration::from_millis(30)).await;
            open.fetch_sub(1, Ordering::SeqCst);
            Response::chat("yes")
        }
    })
    .await;
    let endpoint = server.endpoint().parallel(PARALLEL).retries(0);
    let model = Arc::new(ChatModel::live(endpoint, Budget::default(), None).unwrap());
    let calls = (0..3 * PARALLEL).map(|index| {
        let model = Arc::clone(&model);
        tokio::spawn(async move { model.chat(&request(&index.to_string())).await })
    });
    for result in join_all(calls).await {
        result.unwrap().unwrap();
    }
    assert_eq!(most.load(Ordering::SeqCst), PARALLEL);
    assert_eq!(server.asked().len(), 3 * PARALLEL);
}
