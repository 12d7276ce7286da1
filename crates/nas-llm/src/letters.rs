//! Questions whose answer is a letter.

use crate::{ChatModel, ChatRequest, Error, Message, Reply, prompt};

/// The most likely first tokens that a server is asked for: the most that OpenAI's gives.
const TOP_TOKENS: u8 = 20;

/// Tokens of a reply that is a letter: some models begin with a space.
const LETTER_TOKENS: u32 = 2;

/// The most candidates that are ranked by their letters: more cannot all be among the most likely tokens.
pub const RANKED: usize = TOP_TOKENS as usize;

/// How likely letters are as a reply.
#[derive(Debug, Default)]
pub(crate) struct Letters {
    /// The log-probability of each; of one that is not among the likeliest tokens a value below theirs.
    pub likely: Vec<f64>,
    /// Which are among the likeliest tokens.
    pub named: Vec<bool>,
    /// Whether the server gives log-probabilities.
    pub given: bool,
}

/// Asks a question whose answer is one of the first `count` letters.
pub(crate) async fn ask(
    model: &ChatModel,
    question: String,
    count: usize,
    seed: u64,
) -> Result<Letters, Error> {
    let messages = vec![Message::system(prompt::system_of_letters()?), Message::user(question)];
    let request = ChatRequest::new(messages).max_tokens(LETTER_TOKENS).seed(seed);
    let Reply { first_tokens, .. } = model.chat(&request.top_tokens(TOP_TOKENS)).await?;
    let least = first_tokens.iter().map(|one| one.1).fold(0.0, f64::min);
    let likely = |at: usize| {
        let letter = prompt::letter(at).to_string();
        let named = first_tokens.iter().filter(|(token, _)| token.trim() == letter);
        named.map(|one| one.1).reduce(f64::max)
    };
    let likely: Vec<Option<f64>> = (0..count).map(likely).collect();
    Ok(Letters {
        named: likely.iter().map(Option::is_some).collect(),
        likely: likely.into_iter().map(|one| one.unwrap_or(least - 1.0)).collect(),
        given: !first_tokens.is_empty(),
    })
}
