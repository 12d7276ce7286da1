//! How often a server is asked that has asked for fewer requests.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// The time between requests to one server, of all calls together. Before the server has refused one
/// because there were too many, there is none.
#[derive(Debug)]
pub(crate) struct Pace {
    gap: Duration,
    times: Mutex<Option<Times>>,
}

#[derive(Debug, Clone, Copy)]
struct Times {
    /// No request is sent before this.
    closed: Instant,
    /// The next request's turn.
    next: Instant,
}

impl Pace {
    /// A pace of one request in `gap`, once the server refuses one.
    pub(crate) fn new(gap: Duration) -> Self {
        Self { gap, times: Mutex::default() }
    }

    /// Waits until another request may be sent.
    pub(crate) async fn turn(&self) {
        while let Some(turn) = self.take() {
            sleep_until(turn).await;
            let closed = self.lock().is_some_and(|times| Instant::now() < times.closed);
            if !closed {
                return;
            }
        }
    }

    /// The server refused a request, and asks for no other before `wait` is over.
    pub(crate) fn refused(&self, wait: Duration) {
        let mut times = self.lock();
        let now = Instant::now();
        let until = |wait: Duration| now.checked_add(wait).unwrap_or(now);
        let Times { closed, next } = times.unwrap_or(Times { closed: now, next: now });
        let closed = closed.max(until(wait));
        *times = Some(Times { closed, next: next.max(closed).max(until(self.gap)) });
    }

    /// Takes the next turn; none is needed as long as the server refused nothing.
    fn take(&self) -> Option<Instant> {
        let mut times = self.lock();
        let times = times.as_mut()?;
        let turn = times.next.max(Instant::now());
        times.next = turn.checked_add(self.gap).unwrap_or(turn);
        Some(turn)
    }

    /// The times are valid even if a thread panicked while it held them.
    fn lock(&self) -> MutexGuard<'_, Option<Times>> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    const GAP: Duration = Duration::from_secs(1);

    /// The seconds at which so many parallel requests are sent.
    async fn sent(pace: &Pace, requests: usize) -> Vec<f64> {
        let begun = Instant::now();
        let one = async || {
            pace.turn().await;
            begun.elapsed().as_secs_f64().round()
        };
        let mut sent = join_all((0..requests).map(|_| one())).await;
        sent.sort_by(f64::total_cmp);
        sent
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_refuses_nothing_is_asked_at_once() {
        assert_eq!(sent(&Pace::new(GAP), 3).await, [0.0; 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_refusal_all_calls_together_send_one_request_in_each_gap() {
        for wait in [Duration::ZERO, GAP] {
            let pace = Pace::new(GAP);
            pace.refused(wait);
            assert_eq!(sent(&pace, 4).await, [1.0, 2.0, 3.0, 4.0]);
            // Also when the server has answered since.
            assert_eq!(sent(&pace, 2).await, [1.0, 2.0]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_sent_before_the_time_that_the_server_asked_for() {
        let pace = Pace::new(GAP);
        pace.refused(Duration::ZERO);
        let later = async {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            pace.refused(Duration::from_secs(10));
        };
        // One request is sent before the server asks for ten seconds; the others wait, although they
        // had earlier turns.
        let (sent, ()) = tokio::join!(sent(&pace, 3), later);
        assert_eq!(sent.len(), 3);
        assert!((sent[0], sent[1]) == (1.0, 12.0) && sent[2] >= 13.0, "{sent:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn endless_times_do_not_panic() {
        let pace = Pace::new(Duration::MAX);
        pace.refused(Duration::MAX);
        assert_eq!(sent(&pace, 2).await, [0.0; 2]);
    }
}
