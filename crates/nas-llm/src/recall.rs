//! Contamination: whether a model has memorised a benchmark.

use nas_space::{Arch, Space};

use crate::{
    ChatModel, ChatRequest, Disguise, Error, Fault, Message, Reply, blocking, letters,
    names::Names,
    prompt, reply,
    schema::{Written, proposals_schema, reply_tokens},
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
    let request = ChatRequest::new(messages)
        .schema(
            "proposals",
            proposals_schema(
                space,
                &Written::Whole { choices: &space.all_choice_names() },
                &[],
                count,
            ),
        )
        .max_tokens(reply_tokens(count))
        .temperature(0.0);
    let reply = blocking::wait(model.chat(&request))?;
    let named = reply::proposals(&Names::own(space)?, &[], &[], &reply.text).into_iter();
    let named = named.take(count).map(|named| match named {
        Ok(proposed) => Ok(proposed.arch),
        Err(rejected) => Err(rejected.fault),
    });
    Ok((named.collect(), reply))
}

/// Asks a model which of two architectures is more accurate.
#[derive(Debug, Clone, Copy)]
pub struct Comparison<'a> {
    /// The space.
    pub space: &'a Space,
    /// What accuracy is measured on.
    pub dataset: &'a str,
    /// What the model is told before: architectures with their accuracies in %.
    pub known: &'a [(Arch, f64)],
    /// Architectures without an accuracy, between those and the question.
    pub others: &'a [Arch],
    /// Neutral names for decisions and choices.
    pub disguise: Option<Disguise>,
}

impl Comparison<'_> {
    /// The logarithm of the odds that the first is more accurate, by the probabilities of the letters of the
    /// reply: asked in this order, and in the reverse one. `None` where the server gives no probabilities.
    ///
    /// # Errors
    /// Those of [`ChatModel::chat`].
    pub fn odds(
        &self,
        model: &ChatModel,
        [first, second]: [&Arch; 2],
    ) -> Result<Option<[f64; 2]>, Error> {
        let names = Names::of(self.space, self.disguise)?;
        let ask = |pair: [&Arch; 2]| {
            let prompt = prompt::compare(&names, self.dataset, (self.known, self.others), pair)?;
            blocking::wait(letters::ask(model, prompt, 2, 0))
        };
        let (one, other) = (ask([first, second])?, ask([second, first])?);
        let difference = |likely: Vec<f64>| likely[0] - likely[1];
        Ok(one.zip(other).map(|(one, other)| [difference(one), -difference(other)]))
    }
}
