//! A server whose responses and failures are scripted.

use std::{
    future::{Future, ready},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use nas_llm::{Budget, ChatRequest, Client, Endpoint, Message};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// One response: these bytes, then the end of the connection.
#[derive(Clone)]
pub struct Response {
    bytes: Vec<u8>,
    /// Whether the connection stays open without further bytes.
    hangs: bool,
}

impl Response {
    pub fn new(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let head = format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        );
        Self { bytes: [head.as_bytes(), body].concat(), hangs: false }
    }

    /// A response of these bytes.
    pub fn raw(bytes: Vec<u8>) -> Self {
        Self { bytes, hangs: false }
    }

    /// The body of a chat completion.
    pub fn body(text: &str) -> Value {
        json!({
            "choices": [{
                "message": { "role": "assistant", "content": text },
                "finish_reason": "stop",
            }],
            "usage": { "prompt_tokens": 11, "completion_tokens": 7 },
        })
    }

    pub fn json(body: &Value) -> Self {
        Self::new("200 OK", "", body.to_string())
    }

    /// A chat completion.
    pub fn chat(text: &str) -> Self {
        Self::json(&Self::body(text))
    }

    /// An error in OpenAI's form.
    pub fn error(status: &str, message: &str) -> Self {
        Self::new(status, "", json!({ "error": { "message": message } }).to_string())
    }

    /// The same response without its last bytes.
    pub fn cut(mut self, bytes: usize) -> Self {
        self.bytes.truncate(self.bytes.len() - bytes);
        self
    }

    /// The same response, after which the connection stays open.
    pub fn hangs(mut self) -> Self {
        self.hangs = true;
        self
    }
}

/// One request that arrived.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The request's first line.
    pub line: String,
    pub authorization: Option<String>,
    pub body: Value,
}

pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// A server that sends these responses in turn, and repeats the last one.
    pub async fn start(answers: impl IntoIterator<Item = Response>) -> Self {
        let answers: Vec<_> = answers.into_iter().collect();
        let asked = Mutex::new(0);
        Self::answering(move |_| {
            let mut index = asked.lock().unwrap();
            *index += 1;
            ready(answers[usize::min(*index, answers.len()) - 1].clone())
        })
        .await
    }

    pub async fn answering<F>(answer: impl Fn(Asked) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Response> + Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                tokio::spawn(async move {
                    let Some(request) = read(&mut stream).await else { return };
                    log.lock().unwrap().push(request.clone());
                    let answer = answer(request).await;
                    // A client may close the connection before it has read everything.
                    let _ = stream.write_all(&answer.bytes).await;
                    if answer.hangs {
                        std::future::pending::<()>().await;
                    }
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { url, asked }
    }

    /// The requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An endpoint that does not wait long.
    pub fn endpoint(&self) -> Endpoint {
        quick(&self.url)
    }

    pub fn client(&self) -> Client {
        Client::new(self.endpoint(), Budget::default()).unwrap()
    }
}

/// An endpoint that does not wait long.
pub fn quick(url: &str) -> Endpoint {
    Endpoint::new(url, "tiny")
        .unwrap()
        .retries(3)
        .waits(Duration::from_millis(2), Duration::from_secs(5))
        .timeout(Duration::from_secs(20))
}

pub fn request(text: &str) -> ChatRequest {
    ChatRequest::new(vec![Message::system("Be brief."), Message::user(text)])
}

/// Reads a request with its body.
async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let header = |wanted: &str| {
        head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case(wanted).then(|| value.to_owned())
        })
    };
    let mut body = vec![0; header("content-length")?.parse().ok()?];
    stream.read_exact(&mut body).await.ok()?;
    Some(Asked {
        line: head.lines().next()?.to_owned(),
        authorization: header("authorization"),
        body: serde_json::from_slice(&body).ok()?,
    })
}
