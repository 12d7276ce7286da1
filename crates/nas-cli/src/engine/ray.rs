//! Workers as jobs of a Ray cluster.

use std::{collections::BTreeMap, time::Duration};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{Engine, Worker};
use crate::failure::Failure;

/// Jobs of a Ray cluster, by the REST interface of its dashboard: one for each part, no more than
/// there are workers.
pub struct Ray {
    worker: Worker,
    address: String,
    client: reqwest::Client,
    runtime: Runtime,
    /// The parts under way, and their jobs.
    jobs: Vec<(usize, String)>,
}

const ADDRESS: &str = "http://127.0.0.1:8265";
const TIMEOUT: Duration = Duration::from_secs(60);

/// A dashboard that does not answer is asked again so often, a pause apart.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(2);

impl Ray {
    pub fn new(worker: Worker, address: Option<&str>) -> Result<Self, Failure> {
        // Another part of the program may have chosen before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let address = address.unwrap_or(ADDRESS).trim_end_matches('/').to_owned();
        let client =
            reqwest::Client::builder().timeout(TIMEOUT).default_headers(headers()?).build();
        let client = client.map_err(|error| Failure::work(format!("cannot use HTTP: {error}")))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::work(format!("no thread: {error}")))?;
        Ok(Self { worker, address, client, runtime, jobs: Vec::new() })
    }

    /// The dashboard's answer; a body is posted.
    fn ask(&self, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let url = format!("{}/api/jobs/{path}", self.address);
        let once = async || -> Result<Value, String> {
            let request = match body {
                Some(body) => self
                    .client
                    .post(&url)
                    .header("content-type", "application/json")
                    .body(body.to_string()),
                None => self.client.get(&url),
            };
            let answer = request.send().await.map_err(|error| with_causes(&error))?;
            let status = answer.status();
            let text = answer.text().await.map_err(|error| with_causes(&error))?;
            if !status.is_success() {
                let start: String = text.chars().take(300).collect();
                return Err(format!("{status}: {}", start.trim()));
            }
            serde_json::from_str(&text).map_err(|error| format!("no JSON: {error}"))
        };
        let mut problem = String::new();
        for attempt in 0..TRIES {
            if attempt > 0 {
                std::thread::sleep(PAUSE);
            }
            match self.runtime.block_on(once()) {
                Ok(answer) => return Ok(answer),
                Err(error) => problem = error,
            }
            // A job that is posted twice would be done twice.
            if body.is_some() {
                break;
            }
        }
        Err(Failure::work(format!(
            "the Ray dashboard at {} does not answer as expected: {problem}; start one with `ray start --head`, or name its address with --ray-address",
            self.address
        )))
    }
}

/// The variable with further headers of each request, as Ray's own commands read it.
const HEADERS: &str = "RAY_JOB_HEADERS";

/// The headers of the variable, a JSON object of texts. Their values are never shown.
fn headers() -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    let Ok(text) = std::env::var(HEADERS) else { return Ok(headers) };
    let wrong = || {
        Failure::input(format!(
            "{HEADERS}: expected a JSON object of texts, such as {{\"Authorization\": \"Bearer …\"}}"
        ))
    };
    let object: BTreeMap<String, String> = serde_json::from_str(&text).map_err(|_| wrong())?;
    for (name, value) in object {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        let mut value = HeaderValue::from_str(&value).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Refuses an address with a password or token: it would be written into the run's folder.
pub fn check_address(address: &str) -> Result<(), Failure> {
    let shown = nas_llm::shown_url(address);
    if shown.contains("REDACTED") {
        return Err(Failure::input(format!(
            "--ray-address {shown}: an address with a user name, password or query would be written into files: set the variable {HEADERS} instead, for example to {{\"Authorization\": \"Bearer …\"}}"
        )));
    }
    Ok(())
}

/// An error and its causes in one line.
fn with_causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

impl Engine for Ray {
    fn room(&self) -> usize {
        self.worker.workers.saturating_sub(self.jobs.len())
    }

    fn start(&mut self, parts: &[usize]) -> Result<(), Failure> {
        for &part in parts {
            let log = super::log(&self.worker.job, part);
            let line = self.worker.line(&part.to_string());
            let entrypoint = format!("{line} 2>> '{}'", log.display());
            let job = json!({
                "entrypoint": entrypoint,
                "entrypoint_num_cpus": self.worker.cpus,
                "entrypoint_num_gpus": self.worker.gpus,
                "metadata": { "program": "nas worker", "shard": part.to_string() },
            });
            let answer = self.ask("", Some(&job))?;
            let Some(id) = answer["submission_id"].as_str() else {
                return Err(Failure::work(format!(
                    "the Ray dashboard answered {answer}, expected a submission_id"
                )));
            };
            self.jobs.push((part, id.to_owned()));
        }
        Ok(())
    }

    fn open(&mut self) -> Result<Vec<usize>, Failure> {
        let mut open = Vec::new();
        for (part, id) in &self.jobs {
            let answer = self.ask(id, None)?;
            if matches!(answer["status"].as_str(), Some("PENDING" | "RUNNING")) {
                open.push((*part, id.clone()));
            }
        }
        self.jobs = open;
        Ok(self.jobs.iter().map(|(part, _)| *part).collect())
    }

    fn is_scheduler(&self) -> bool {
        true
    }

    fn end(&mut self) {
        for (_, id) in &self.jobs {
            let _ = self.ask(&format!("{id}/stop"), Some(&json!({})));
        }
    }
}
