//! A user's evaluator for tests: answers well, or as its argument chooses.

use std::{env, io, process, thread, time::Duration};

use serde_json::{Value, json};

fn main() {
    let how = env::args().nth(1).unwrap_or_default();
    for line in io::stdin().lines() {
        let line = line.expect("a line");
        let question: Value = serde_json::from_str(&line).expect("JSON");
        let id = &question["id"];
        let choices = question["choices"].as_object().expect("choices");
        let number = |value: &Value| value.as_f64().unwrap_or(0.0);
        let sum: f64 = choices.values().map(number).sum();
        let width = number(&choices["width"]);
        let good = json!({
            "id": id,
            "accuracy_percent": 100.0 - 400.0 / (5.0 + sum),
            "latency_ms": choices.len() as f64 * width / 16.0,
        });
        // Says after each step how far it is, and does not listen.
        for step in 1..question["steps"].as_u64().unwrap_or(0) {
            let share = 1.0 - 0.7_f64.powf(step as f64);
            let mut so_far = good.clone();
            so_far["step"] = step.into();
            so_far["accuracy_percent"] =
                (share * number(&good["accuracy_percent"]).max(0.0)).into();
            println!("{so_far}");
            thread::sleep(Duration::from_millis(1));
        }
        match how.as_str() {
            "slow" => thread::sleep(Duration::from_millis(20)),
            "slower" => thread::sleep(Duration::from_millis(200)),
            "seconds" => thread::sleep(Duration::from_secs(6)),
            _ => {}
        }
        match how.as_str() {
            "warns" => println!("WARNING: no GPU"),
            "fractions" => {
                println!("{}", json!({ "id": id, "accuracy_percent": 0.39, "latency_ms": 1 }));
                continue;
            }
            _ => {}
        }
        match how.as_str() {
            // Every third fails.
            _ if id.as_u64().is_some_and(|id| id % 3 < 2) => println!("{good}"),
            "dies" => process::exit(7),
            "garbage" => println!("epoch 1: loss 0.7"),
            "nan" => println!(r#"{{"id": {id}, "accuracy_percent": NaN, "latency_ms": 1}}"#),
            "above" => println!(r#"{{"id": {id}, "accuracy_percent": 187.0, "latency_ms": 1}}"#),
            "negative" => println!(r#"{{"id": {id}, "accuracy_percent": 1, "latency_ms": -12.8}}"#),
            "few" => println!(r#"{{"id": {id}, "accuracy_percent": 50}}"#),
            "late" => thread::sleep(Duration::from_secs(60)),
            "reports" => println!("{}", json!({ "id": id, "error": "out of memory" })),
            _ => println!("{good}"),
        }
    }
}
