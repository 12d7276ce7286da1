//! A chat model, live or replayed.

use std::path::Path;

use crate::{
    Budget, ChatRequest, Client, Endpoint, Error, Failed, Replay, Reply, Transcript, Usage,
    transcript::Record,
};

/// A chat model, live or replayed. Its callers need not know which.
#[derive(Debug)]
pub struct ChatModel(Source);

#[derive(Debug)]
enum Source {
    Live { client: Box<Client>, transcript: Option<Transcript> },
    Replayed(Box<Replay>),
    Continued { replay: Box<Replay>, failed: Failed, client: Box<Client>, transcript: Transcript },
}

impl ChatModel {
    /// A model at an endpoint. Each call is written to the transcript, if there is one.
    ///
    /// # Errors
    ///
    /// As [`Client::new`].
    pub fn live(
        endpoint: Endpoint,
        budget: Budget,
        transcript: Option<Transcript>,
    ) -> Result<Self, Error> {
        let client = Box::new(Client::new(endpoint, budget)?);
        Ok(Self(Source::Live { client, transcript }))
    }

    /// The recorded calls of a transcript, without a network.
    ///
    /// # Errors
    ///
    /// As [`Replay::open`].
    pub fn replay(path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(Self(Source::Replayed(Box::new(Replay::open(path)?))))
    }

    /// Continues a transcript: requests with a recorded reply get it, and all others are sent and added
    /// to the transcript. So a run that was killed repeats no call that cost money. What the recorded
    /// calls used counts for the budget.
    ///
    /// # Errors
    ///
    /// [`Error::OtherModel`] for a transcript of another model or temperature; as [`Client::new`],
    /// [`Replay::open`] and [`Transcript::append`].
    pub fn resume(
        endpoint: Endpoint,
        budget: Budget,
        path: impl AsRef<Path>,
        failed: Failed,
    ) -> Result<Self, Error> {
        let client = Box::new(Client::new(endpoint, budget)?);
        let replay = Box::new(Replay::open(&path)?);
        if let Some(asked) = replay.asked() {
            let (recorded, given) = (asked.describe(), asked.describe_as_here(client.endpoint()));
            if recorded != given {
                let path = path.as_ref().to_owned();
                return Err(Error::OtherModel { path, recorded, given });
            }
        }
        let transcript = Transcript::append(path)?;
        Ok(Self(Source::Continued { replay, failed, client, transcript }))
    }

    /// Calls the model.
    ///
    /// # Errors
    ///
    /// As [`Client::chat`] or [`Replay::chat`], or [`Error::Transcript`] if the call cannot be
    /// recorded.
    pub async fn chat(&self, request: &ChatRequest) -> Result<Reply, Error> {
        match &self.0 {
            Source::Live { client, transcript } => {
                let outcome = client.call(request).await;
                if let Some(transcript) = transcript {
                    transcript.write(&Record::new(client.endpoint(), request, &outcome))?;
                }
                outcome.into_reply()
            }
            Source::Replayed(replay) => replay.chat(request),
            Source::Continued { replay, failed, client, transcript } => {
                if let Some(outcome) = replay.next(request, *failed) {
                    client.count(&outcome)?;
                    return outcome.into_reply();
                }
                let outcome = client.call(request).await;
                transcript.write(&Record::new(client.endpoint(), request, &outcome))?;
                outcome.into_reply()
            }
        }
    }

    /// What all calls used so far; in a replay, what they used when they were recorded.
    pub fn usage(&self) -> Usage {
        match &self.0 {
            Source::Live { client, .. } | Source::Continued { client, .. } => client.usage(),
            Source::Replayed(replay) => replay.usage(),
        }
    }

    /// The endpoint of a live model.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match &self.0 {
            Source::Live { client, .. } | Source::Continued { client, .. } => {
                Some(client.endpoint())
            }
            Source::Replayed(_) => None,
        }
    }

    /// The transcript that is replayed.
    pub fn replayed(&self) -> Option<&Replay> {
        match &self.0 {
            Source::Live { .. } => None,
            Source::Replayed(replay) | Source::Continued { replay, .. } => Some(replay),
        }
    }
}
