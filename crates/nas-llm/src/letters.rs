//! Questions whose answer is a letter.

use crate::{ChatModel, ChatRequest, Error, Message, Reply, prompt};

/// The most likely first tokens that a server is asked for: the most that OpenAI's gives.
const TOP_TOKENS: u8 = 20;

/// Tokens of a reply that is a letter: some models begin with a space.
const LETTER_TOKENS: u32 = 2;

/// Asks a question whose answer is one of the first `count` letters. Returns the log-probability of each;
/// `None` where the server gives none of them.
pub(crate) async fn ask(
    model: &ChatModel,
    question: String,
    count: usize,
    seed: u64,
) -> Result<Option<Vec<f64>>, Error> {
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
    // One that is not among the likeliest is less likely than they are.
    let all = likely.iter().map(|one| one.unwrap_or(least - 1.0)).collect();
    Ok(likely.iter().any(Option::is_some).then_some(all))
}
