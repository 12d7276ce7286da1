use std::path::Path;

use crate::{
    Budget, ChatRequest, Client, Endpoint, Error, Replay, Reply, Transcript, Usage,
    transcript::{Record, in_words},
};

/// A language model, live or recorded; who asks it need not know which.
#[derive(Debug)]
pub struct Model(Source);

#[derive(Debug)]
enum Source {
    Live { client: Box<Client>, transcript: Option<Transcript> },
    Recorded(Box<Replay>),
    Continued { replay: Box<Replay>, failed: Failed, client: Box<Client>, transcript: Transcript },
}

/// What becomes of recorded calls that failed, where a model goes on with its transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// They are made again.
    Again,
    /// They fail again: what was asked since then rests on that.
    Kept,
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

    /// Goes on with a transcript: what it holds a reply to is answered from it, all else is asked
    /// and added to it. So a run that was killed loses no call that has been paid for. What the
    /// recorded calls took counts for the budget.
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
        let given = in_words(client.endpoint().model(), client.endpoint().temperature);
        if let Some(recorded) = replay.asked().filter(|recorded| **recorded != given) {
            let path = path.as_ref().to_owned();
            return Err(Error::OtherModel { path, recorded: recorded.to_owned(), given });
        }
        let transcript = Transcript::append(path)?;
        Ok(Self(Source::Continued { replay, failed, client, transcript }))
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

    /// What all calls so far have taken; of a replay, what they took when they were recorded.
    pub fn usage(&self) -> Usage {
        match &self.0 {
            Source::Live { client, .. } | Source::Continued { client, .. } => client.usage(),
            Source::Recorded(replay) => replay.usage(),
        }
    }

    /// The endpoint of a live model.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match &self.0 {
            Source::Live { client, .. } | Source::Continued { client, .. } => {
                Some(client.endpoint())
            }
            Source::Recorded(_) => None,
        }
    }

    /// The transcript that is replayed.
    pub fn replayed(&self) -> Option<&Replay> {
        match &self.0 {
            Source::Live { .. } => None,
            Source::Recorded(replay) | Source::Continued { replay, .. } => Some(replay),
        }
    }
}
