use std::path::Path;

use crate::{
    Budget, ChatRequest, Client, Endpoint, Error, Replay, Reply, Transcript, Usage,
    transcript::Record,
};

/// A language model, live or recorded; who asks it need not know which.
#[derive(Debug)]
pub struct Model(Source);

#[derive(Debug)]
enum Source {
    Live { client: Box<Client>, transcript: Option<Transcript> },
    Recorded(Box<Replay>),
}

impl Model {
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

    /// The recorded calls of a transcript, with no network.
    ///
    /// # Errors
    ///
    /// As [`Replay::open`].
    pub fn replay(path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(Self(Source::Recorded(Box::new(Replay::open(path)?))))
    }

    /// Asks the model.
    ///
    /// # Errors
    ///
    /// As [`Client::chat`] or [`Replay::chat`], or [`Error::Transcript`] if the call could not be
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
            Source::Recorded(replay) => replay.chat(request),
        }
    }

    /// What all calls so far have taken; of a replay, what they took when they were recorded.
    pub fn usage(&self) -> Usage {
        match &self.0 {
            Source::Live { client, .. } => client.usage(),
            Source::Recorded(replay) => replay.usage(),
        }
    }

    /// The endpoint of a live model.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match &self.0 {
            Source::Live { client, .. } => Some(client.endpoint()),
            Source::Recorded(_) => None,
        }
    }

    /// The transcript that is replayed.
    pub fn replayed(&self) -> Option<&Replay> {
        match &self.0 {
            Source::Live { .. } => None,
            Source::Recorded(replay) => Some(replay),
        }
    }
}
