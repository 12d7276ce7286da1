//! Contamination: whether a model has memorised a benchmark.

use nas_space::{Arch, Space};
use tokio::runtime;

use crate::{
    ChatModel, ChatRequest, Error, Fault, Message, Reply,
    names::Names,
    prompt, reply,
    schema::{proposals_schema, reply_tokens},
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
        .schema("proposals", proposals_schema(space, &space.all_choice_names(), None, &[], count))
        .max_tokens(reply_tokens(count))
        .temperature(0.0);
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let reply = runtime.map_err(Error::Runtime)?.block_on(model.chat(&request))?;
    let named = reply::proposals(&Names::own(space)?, &[], &[], &reply.text).into_iter();
    let named = named.take(count).map(|named| match named {
        Ok(proposed) => Ok(proposed.arch),
        Err(rejected) => Err(rejected.fault),
    });
    Ok((named.collect(), reply))
}
