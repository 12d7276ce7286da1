//! Asks a model one question, as free text and as JSON under a schema.
//!
//! `cargo run -p nas-llm --example chat -- BASE_URL MODEL [VARIABLE WITH THE KEY]`

use nas_llm::{Budget, ChatModel, ChatRequest, Endpoint, Message, extract_json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(name)) = (arguments.next(), arguments.next()) else {
        return Err("expected a base URL and a model, such as http://127.0.0.1:8911/v1 any".into());
    };
    let mut endpoint = Endpoint::new(&url, name)?.max_reply_tokens(200);
    if let Some(variable) = arguments.next() {
        endpoint = endpoint.key_env(variable);
    }
    let model = ChatModel::live(endpoint, Budget::default(), None)?;

    let question = "Which is faster on a small device, a 3x3 or a 1x1 convolution? One sentence.";
    let free = ChatRequest::new(vec![Message::user(question)]).seed(1);
    let schema = serde_json::json!({
        "type": "object",
        "properties": {
            "faster": { "enum": ["3x3", "1x1"] },
            "why": { "type": "string", "maxLength": 200 },
        },
        "required": ["faster", "why"],
        "additionalProperties": false,
    });
    for request in [free.clone(), free.schema("comparison", schema)] {
        let reply = model.chat(&request).await?;
        println!("{}", reply.text.trim());
        println!(
            "  JSON {:?}; structured {}, {} + {} tokens{}, {:.2} s, {} attempts",
            extract_json(&reply.text),
            reply.structured,
            reply.prompt_tokens,
            reply.completion_tokens,
            if reply.estimated { " (estimated)" } else { "" },
            reply.seconds,
            reply.attempts,
        );
    }
    println!("{:?}", model.usage());
    Ok(())
}
