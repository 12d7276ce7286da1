//! A navigator: one call that states for all niches what to try next.

use crate::{
    ChatModel, ChatRequest, Error, Reply,
    prompt::{self, Subject},
    reply,
    schema::{reply_tokens, strategies_schema},
    turn::messages,
};

/// Strategies whose words take as many tokens as a proposal.
const STRATEGIES: usize = 3;

/// Asks what to try next in each niche, with a subject for each. Returns the words for each, as far as the
/// model states them.
pub(crate) async fn navigate(
    model: &ChatModel,
    subjects: &[Subject<'_>],
    seed: u64,
) -> Result<Vec<Option<String>>, Error> {
    let request = ChatRequest::new(messages(prompt::navigate(subjects)?)?)
        .schema("strategies", strategies_schema(subjects.len()))
        .max_tokens(reply_tokens(subjects.len().div_ceil(STRATEGIES)))
        .seed(seed);
    let Reply { text, .. } = model.chat(&request).await?;
    Ok(reply::strategies(subjects.len(), &text))
}
