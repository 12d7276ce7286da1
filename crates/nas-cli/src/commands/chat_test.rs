//! `nas chat-test`: a round trip to a language model.

use std::process::ExitCode;

use nas_eval::spaces;
use nas_llm::{LanguageModel, recall_best};
use serde_json::json;

use super::{
    model::{Calls, EndpointArguments, note_truncated},
    search::CHILDREN,
};
use crate::{
    failure::{Failure, NOTHING_FROM_MODEL},
    output::{Format, print_json},
    terminal::{note, print},
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The format of the results
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    endpoint: EndpointArguments,
}

/// Calls of a search of 10 generations in 6 niches, two for each (PEL-NAS).
const CALLS: u64 = 120;

/// Tokens of a call's prompt and reply in such a search: means over the first 38 calls of one with
/// Qwen2.5-Coder-1.5B-Instruct, five architectures for each niche and generation.
const TOKENS: (u64, u64) = (840, 190);

/// Architectures that the test asks for.
const ASKED: usize = 3;

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.format == Format::Csv {
        return Err(Failure::input("--format csv: chat-test prints a table or JSON only"));
    }
    let model = arguments.endpoint.model(Calls::New(None))?;
    let endpoint = arguments.endpoint.endpoint()?;
    let problem = spaces::default_problem(None)?;
    let (named, reply) =
        recall_best(&model, problem.space, problem.dataset_name.unwrap_or_default(), ASKED)?;
    let valid = named.iter().filter(|named| named.is_ok()).count();
    let speed = reply.completion_tokens as f64 / reply.seconds.max(1e-9);
    let (prompt, completion) = TOKENS;
    let price = endpoint.token_prices().map(|prices| prices.of(CALLS * prompt, CALLS * completion));
    let code = if valid == 0 { ExitCode::from(NOTHING_FROM_MODEL) } else { ExitCode::SUCCESS };
    if arguments.format == Format::Json {
        print_json(&json!({
            "url": endpoint.shown_url(),
            "model": endpoint.model(),
            "structured_output": reply.structured,
            "valid_of_asked": [valid, ASKED],
            "seconds": reply.seconds,
            "attempts": reply.attempts,
            "prompt_tokens": reply.prompt_tokens,
            "completion_tokens": reply.completion_tokens,
            "thinking_tokens": reply.thinking_tokens,
            "tokens_estimated": reply.estimated,
            "tokens_per_second": speed,
            "price_of_a_search": price,
        }))?;
        return Ok(code);
    }
    let counted = if reply.estimated { "estimated: the server sent no counts" } else { "counted" };
    let structured = if reply.structured {
        "yes: the server accepts the schema"
    } else {
        "no: the schema is put into the prompt, and JSON is searched for in the reply"
    };
    let thinking = match reply.thinking_tokens {
        0 => String::new(),
        tokens => format!(", {tokens} of the reply's for thinking"),
    };
    let price = match price {
        Some(price) => format!("about {price:.4}, at these prices"),
        None => "unknown: add --llm-prices PROMPT,REPLY, per million tokens".to_owned(),
    };
    print(&format!(
        "{} at {} answered\n\
         structured output: {structured}\n\
         valid architectures: {valid} of {ASKED} asked for\n\
         time: {:.1} s for {} + {} tokens ({counted}){thinking}, {speed:.1} reply tokens/s\n\
         a search of {CALLS} calls, about {prompt} + {completion} tokens each:\n\
         \x20 price: {price}\n\
         \x20 time at this speed, one call after the other: {:.0} min\n",
        endpoint.model(),
        endpoint.shown_url(),
        reply.seconds,
        reply.prompt_tokens,
        reply.completion_tokens,
        CALLS as f64 * completion as f64 / speed.max(1e-9) / 60.0,
    ))?;
    let tokens = endpoint.token_limit().unwrap_or_else(|| LanguageModel::reply_tokens(CHILDREN));
    let timeout = arguments.endpoint.timeout;
    let longest = f64::from(tokens) / speed.max(1e-9);
    if longest > timeout as f64 {
        note(&format!(
            "at this speed a reply of {tokens} tokens takes {longest:.0} s, longer than --llm-timeout {timeout}: raise that, and lower --llm-parallel if the server answers one call at a time"
        ));
    }
    note_truncated(&reply);
    if valid == 0 {
        note("nothing in the reply could be used");
    }
    Ok(code)
}
