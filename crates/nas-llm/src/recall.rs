//! Contamination: whether a model has memorised a benchmark.

use nas_space::{Arch, Space};

use crate::{
    ChatModel, ChatRequest, Disguise, Error, Fault, Message, Reply, blocking,
    names::Names,
    prompt, reply,
    schema::{Written, accuracy_schema, items_of_architecture, proposals_schema, reply_tokens},
    turn::messages,
};

/// Asks a model for the best architectures of a space from memory, without any data.
///
/// A model that names them has seen the benchmark in its training: then a good search with this model
/// shows nothing about the search. Returns what it named, in its order, with the fault in place of what
/// is not an architecture; and the reply itself.
///
/// # Errors
/// Those of [`ChatModel::chat`].
pub fn recall_best(
    model: &ChatModel,
    space: &Space,
    dataset: &str,
    count: usize,
) -> Result<(Vec<Result<Arch, Fault>>, Reply), Error> {
    let messages = vec![
        Message::system(prompt::system()?),
        Message::user(prompt::memorise(space, dataset, count)?),
    ];
    let choices = prompt::all_choices(space);
    let written = Written::Whole { choices: &choices };
    let request = ChatRequest::new(messages)
        .schema("proposals", proposals_schema(space, &written, &[], count))
        .max_tokens(reply_tokens(count * items_of_architecture(space)))
        .temperature(0.0);
    let reply = blocking::wait(model.chat(&request))?;
    let named = reply::proposals(&Names::own(space)?, &[], &[], &reply.text).into_iter();
    let named = named.take(count).map(|named| match named {
        Ok(proposed) => Ok(proposed.arch),
        Err(rejected) => Err(rejected.fault),
    });
    Ok((named.collect(), reply))
}

/// Asks a model for accuracies of a benchmark.
#[derive(Debug, Clone, Copy)]
pub struct Recall<'a> {
    /// The space.
    pub space: &'a Space,
    /// What accuracy is measured on.
    pub dataset: &'a str,
    /// What the model is shown before: architectures with their accuracies in %.
    pub known: &'a [(Arch, f64)],
    /// Architectures without an accuracy, between those and the question.
    pub others: &'a [Arch],
    /// Neutral names for decisions and choices.
    pub disguise: Option<Disguise>,
}

impl Recall<'_> {
    /// The accuracy in % that the model states of an architecture, at temperature 0; `None` where it states
    /// none.
    ///
    /// # Errors
    /// Those of [`ChatModel::chat`].
    pub fn accuracy(&self, model: &ChatModel, arch: &Arch) -> Result<Option<f64>, Error> {
        let names = Names::of(self.space, self.disguise)?;
        let prompt = prompt::accuracy(&names, self.dataset, (self.known, self.others), arch)?;
        let request = ChatRequest::new(messages(prompt)?)
            .schema("accuracy", accuracy_schema())
            .max_tokens(reply_tokens(1))
            .temperature(0.0);
        let Reply { text, .. } = blocking::wait(model.chat(&request))?;
        Ok(reply::accuracy(&text))
    }
}
