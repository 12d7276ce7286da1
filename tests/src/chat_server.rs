//! A chat server for tests.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde_json::{Value, json};

/// A chat server on this machine whose answers a test chooses.
pub struct ChatServer {
    url: String,
    calls: Arc<AtomicUsize>,
}

/// What the server answers to one request.
pub enum ChatAnswer {
    /// A completion with this text.
    Text(String),
    /// A status and a body.
    Http(u16, String),
}

impl ChatServer {
    /// A server whose `answer` is called with each request's JSON, for each request on a thread of
    /// its own.
    ///
    /// # Panics
    /// If no port is available.
    pub fn start(answer: impl Fn(&Value) -> ChatAnswer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
        let address = listener.local_addr().expect("the port is known");
        let calls = Arc::new(AtomicUsize::new(0));
        let (answer, counted) = (Arc::new(answer), Arc::clone(&calls));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, counted) = (Arc::clone(&answer), Arc::clone(&counted));
                thread::spawn(move || {
                    // A client that disconnects is ignored.
                    let _ = serve(&stream, |request| {
                        counted.fetch_add(1, Ordering::SeqCst);
                        answer(request)
                    });
                });
            }
        });
        Self { url: format!("http://{address}/v1"), calls }
    }

    /// The base URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Requests so far.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

/// One request, and its answer; the connection is closed after it.
fn serve(stream: &TcpStream, answer: impl Fn(&Value) -> ChatAnswer) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let request = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let (status, body) = match answer(&request) {
        ChatAnswer::Http(status, body) => (status, body),
        ChatAnswer::Text(text) => {
            let message = json!({ "role": "assistant", "content": text });
            let usage = json!({ "prompt_tokens": 100, "completion_tokens": 20 });
            let choice = json!({ "message": message, "finish_reason": "stop" });
            (200, json!({ "choices": [choice], "usage": usage }).to_string())
        }
    };
    write!(
        &mut &*stream,
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}
