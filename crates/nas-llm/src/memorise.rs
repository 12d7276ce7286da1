use nas_space::{Arch, Space};
use tokio::runtime;

use crate::{ChatRequest, Error, Fault, Message, Model, Reply, prompt, reply};

/// Asks a model for the best architectures of a space that it knows by heart, without any context.
///
/// A model that names them has seen the benchmark in its training, and what it finds in a search
/// is no evidence for the search. Returns what it named, in its order, with what was wrong in
/// place of what is no architecture, and the reply itself.
///
/// # Errors
/// Those of [`Model::chat`].
pub fn memorised(
    model: &Model,
    space: &Space,
    dataset: &str,
    count: usize,
) -> Result<(Vec<Result<Arch, Fault>>, Reply), Error> {
    let messages = vec![
        Message::system(prompt::system()?),
        Message::user(prompt::memorise(space, dataset, count)?),
    ];
    let tokens = 160_u32.saturating_mul(count as u32).saturating_add(100);
    let request = ChatRequest::new(messages)
        .schema("proposals", reply::proposals_schema(space, &space.all_choice_names(), None, count))
        .max_tokens(tokens)
        .temperature(0.0);
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let reply = runtime.map_err(Error::Runtime)?.block_on(model.chat(&request))?;
    let named = reply::proposals(space, &[], &reply.text).into_iter();
    let named = named.take(count).map(|named| match named {
        Ok(proposed) => Ok(proposed.arch),
        Err(refused) => Err(refused.fault),
    });
    Ok((named.collect(), reply))
}
