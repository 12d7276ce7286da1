//! A language model that chooses among candidates, shares a search, and is shown outcomes and neutral names,
//! through the real program. The model is simulated: it reads the prompt, and chooses with a known skill.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hasher as _},
    sync::Arc,
};

use nas_tests::{ChatAnswer, ChatServer, Nas};
use serde_json::{Map, Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");

const SHORT: [&str; 5] = ["none", "skip", "1x1", "3x3", "pool"];
const LONG: [&str; 5] = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"];
const EDGES: [&str; 6] = ["0→1", "0→2", "1→2", "0→3", "1→3", "2→3"];

type Cell = [usize; 6];

/// Accuracy and latency of every cell.
type Truth = HashMap<Cell, [f64; 2]>;

/// The accuracy and latency of each cell on the Edge GPU, from a scan of the whole space.
fn truth(nas: &Nas) -> Truth {
    let scan =
        "search --searcher exhaustive --accuracy benchmark --device edgegpu --run scan --force";
    assert_eq!(nas.run_line(scan).code, 0);
    let table = nas.read("scan/evaluations.csv");
    let mut rows = table.lines().map(|line| line.split(',').collect::<Vec<&str>>());
    let header = rows.next().unwrap();
    let at = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let (arch, accuracy) = (at("arch"), at("validation_accuracy_percent"));
    let latency = at("latency_ms");
    let rows = rows.map(|row| {
        // By target node in the text, by edge as the prompt lists them: the same order.
        let names = row[arch].split(['|', '+']).filter_map(|part| Some(part.split_once('~')?.0));
        let names = names.map(|name| LONG.iter().position(|long| *long == name).unwrap());
        let cell: Vec<usize> = names.collect();
        (cell.try_into().unwrap(), [row[accuracy].parse().unwrap(), row[latency].parse().unwrap()])
    });
    rows.collect()
}

/// What a prompt for a choice shows.
#[derive(Debug, Default)]
struct Seen {
    evaluated: Vec<(Cell, bool)>,
    /// For each group the candidates by number.
    groups: Vec<Vec<(usize, Cell)>>,
}

fn cell(choices: &str) -> Cell {
    let choices = choices.split(' ').map(|name| SHORT.iter().position(|one| *one == name).unwrap());
    choices.collect::<Vec<usize>>().try_into().unwrap()
}

fn read(prompt: &str) -> Seen {
    let mut seen = Seen::default();
    for line in prompt.lines() {
        let Some((head, rest)) = line.split_once(": ").or(line.split_once(':')) else { continue };
        if head.starts_with("Group ") && rest.is_empty() {
            seen.groups.push(Vec::new());
        } else if head.strip_prefix('A').is_some_and(|number| number.parse::<usize>().is_ok()) {
            let choices = rest.split(" | ").next().unwrap();
            seen.evaluated.push((cell(choices), rest.ends_with("front")));
        } else if let (Ok(number), Some(group)) = (head.parse::<usize>(), seen.groups.last_mut()) {
            let candidate = match rest.split_once(": ") {
                None => cell(rest),
                Some((parent, changes)) => {
                    let parent: usize = parent[1..].parse().unwrap();
                    let mut made = seen.evaluated[parent - 1].0;
                    for change in changes.split(", ") {
                        let words: Vec<&str> = change.split(' ').collect();
                        let edge = EDGES.iter().position(|edge| *edge == words[0]).unwrap();
                        assert_eq!(SHORT[made[edge]], words[1], "{prompt}");
                        made[edge] = SHORT.iter().position(|one| *one == words[3]).unwrap();
                    }
                    made
                }
            };
            group.push((number, candidate));
        }
    }
    seen
}

/// The area that points dominate, with errors and latencies up to 100 % and 20 ms.
fn area(points: &[[f64; 2]]) -> f64 {
    let mut costs: Vec<(f64, f64)> =
        points.iter().map(|[accuracy, ms]| (1.0 - accuracy / 100.0, ms / 20.0)).collect();
    costs.sort_by(|a, b| a.partial_cmp(b).unwrap());
    let (mut area, mut height) = (0.0, 1.0_f64);
    for (error, latency) in costs {
        area += (1.0 - error).max(0.0) * (height - latency).max(0.0);
        height = height.min(latency);
    }
    area
}

/// A number from 0 to 1 that follows from a text.
fn number(of: impl std::hash::Hash) -> f64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish() as f64 / u64::MAX as f64
}

/// Chooses from each group, with this probability, what adds most to what the prompt shows, else at random.
fn choose(prompt: &str, truth: &Truth, skill: f64) -> Value {
    let seen = read(prompt);
    assert!(!seen.groups.is_empty(), "{prompt}");
    let front: Vec<[f64; 2]> = seen.evaluated.iter().map(|(cell, _)| truth[cell]).collect();
    let mut choices = Map::from_iter([("reason".to_owned(), json!("by skill"))]);
    for (at, group) in seen.groups.iter().enumerate() {
        let gain = |cell: &Cell| area(&[&front[..], &[truth[cell]]].concat());
        let best = group.iter().max_by(|a, b| gain(&a.1).total_cmp(&gain(&b.1))).unwrap();
        let other = &group[(number((prompt, at)) * group.len() as f64) as usize % group.len()];
        let chosen = if number((at, prompt)) < skill { best } else { other };
        choices.insert(format!("group {}", at + 1), json!(chosen.0));
    }
    Value::Object(choices)
}

fn prompt(request: &Value) -> String {
    request["messages"][1]["content"].as_str().unwrap().to_owned()
}

fn search(nas: &Nas, server: &ChatServer, arguments: &str) -> Value {
    let ran = nas.run_line(&format!(
        "search --proposer llm --device edgegpu --accuracy benchmark --evaluations 120 \
         --llm-url {} --run run --force --format json {arguments}",
        server.url()
    ));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn a_model_with_skill_finds_more_than_one_without() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let truth = Arc::new(truth(&nas));
    let found = |skill: f64| {
        let truth = Arc::clone(&truth);
        let server = ChatServer::start(move |request| {
            ChatAnswer::Text(choose(&prompt(request), &truth, skill).to_string())
        });
        let (mut ratio, mut percentile) = (0.0, 0.0);
        for seed in 1..=4 {
            let report = search(&nas, &server, &format!("--prompting choose --seed {seed}"));
            let choices = &report["model"]["choices"];
            // Every choice is a new architecture of its niche.
            assert_eq!((&choices["made"], &choices["accepted"]), (&json!(60), &json!(60)));
            ratio += report["scores"]["hypervolume_ratio"].as_f64().unwrap() / 4.0;
            percentile += report["model_proposals"]["percentile"].as_f64().unwrap() / 4.0;
        }
        (ratio, percentile)
    };
    let (without, with) = (found(0.0), found(1.0));
    assert!(with.0 > without.0, "{with:?} {without:?}");
    assert!(with.1 > without.1 + 0.08, "{with:?} {without:?}");
}

#[test]
fn a_preference_for_the_first_is_cancelled_by_both_orders() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let server = ChatServer::start(|request| {
        let first = read(&prompt(request)).groups.into_iter().zip(1..);
        let first = first.map(|(group, number)| (format!("group {number}"), json!(group[0].0)));
        ChatAnswer::Text(Value::Object(first.collect()).to_string())
    });
    let report = search(&nas, &server, "--prompting choose --llm-both-orders");
    assert_eq!(server.calls(), 24);
    let choices = &report["model"]["choices"];
    assert_eq!((&choices["made"], &choices["accepted"]), (&json!(60), &json!(60)));
}

#[test]
fn outcomes_are_shown_and_expectations_are_compared_with_what_came() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let server = ChatServer::start(|request| {
        let prompt = prompt(request);
        // The first generation has no outcomes.
        let outcomes =
            prompt.lines().filter(|line| line.contains("expected 90.00, 5.000: came")).count();
        assert!(outcomes == 0 || outcomes == 5, "{prompt}");
        assert!(prompt.contains("State which values you expect of it."), "{prompt}");
        let first = read(&prompt).groups.into_iter().zip(1..);
        let first = first.map(|(group, number)| {
            let expected =
                json!({ "candidate": group[0].0, "validation_accuracy": 90.0, "latency": 5 });
            (format!("group {number}"), expected)
        });
        ChatAnswer::Text(Value::Object(first.collect()).to_string())
    });
    let report = search(&nas, &server, "--prompting choose --llm-memory");
    let expected = report["model"]["expected"].as_array().unwrap();
    assert_eq!(expected.len(), 2, "{report}");
    for one in expected {
        assert_eq!(one["count"], 60, "{one}");
        assert!(one["mean_absolute_error"].as_f64().unwrap() > 0.0, "{one}");
        assert!(one["of_parent"].as_f64().unwrap() > 0.0, "{one}");
    }
}

#[test]
fn a_disguise_hides_all_names_and_what_the_model_says_is_mapped_back() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let server = ChatServer::start(|request| {
        let text = request.to_string();
        for known in ["nasbench", "conv", "skip", "pool", "0→1", "3x3", "1x1", "cell"] {
            assert!(!text.contains(known), "{known} in {text}");
        }
        if request["response_format"]["json_schema"]["name"] == "rules" {
            let rule = json!({ "polarity": "do", "decision": "any", "choice": "c2", "at_least": 2, "reason": "so" });
            return ChatAnswer::Text(json!({ "rules": [rule] }).to_string());
        }
        let edit = |decision: usize, choice: usize| json!({ "parent": 1, "edits": [{ "decision": format!("d{decision}"), "choice": format!("c{choice}") }] });
        let all: Vec<Value> = (1..=6).flat_map(|at| (1..=5).map(move |to| edit(at, to))).collect();
        ChatAnswer::Text(json!({ "proposals": all }).to_string())
    });
    let report = search(&nas, &server, "--prompting co-evolution --disguise 3");
    let edits = &report["model"]["edits"];
    assert!(edits["accepted"].as_u64().unwrap() >= 10, "{edits}");
    // The rule is about one of the operations, whichever the disguise made of it.
    let knowledge = nas.read("run/knowledge.md");
    assert!(
        LONG.iter().any(|name| knowledge.contains(&format!("{name} at 2 or more"))),
        "{knowledge}"
    );
    assert!(!knowledge.contains("c2 at 2"), "{knowledge}");
}

#[test]
fn a_model_that_brings_nothing_is_asked_rarely_where_it_shares_a_search() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let server = ChatServer::start(|_| ChatAnswer::Text("I cannot help.".to_owned()));
    let ran = nas.run_line(&format!(
        "search --searcher operators --operators choose,statistical --device edgegpu --accuracy benchmark \
         --evaluations 300 --llm-url {} --run run --force",
        server.url()
    ));
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stdout.contains("share, first half"), "{}", ran.stdout);
    let table = nas.read("run/operators.csv");
    let last: Vec<Vec<&str>> =
        table.lines().rev().take(2).map(|line| line.split(',').collect()).collect();
    let asked = |name: &str| -> usize {
        last.iter().find(|row| row[1] == name).unwrap()[4].parse().unwrap()
    };
    assert!(asked("choose") * 2 < asked("statistical"), "{table}");
    assert!(server.calls() < 20, "{}", server.calls());
    // The page has the same, with the share in each generation.
    let page = nas.read("run/report.html");
    let (_, data) = page.split_once(r#"<script type="application/json" id="data">"#).unwrap();
    let data: Value = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
    let operators = data["runs"][0]["operators"].as_array().unwrap();
    assert_eq!(operators.len(), 2);
    for operator in operators {
        let name = operator["name"].as_str().unwrap();
        assert_eq!(operator["asked"], asked(name));
        let generations = table.lines().filter(|line| line.split(',').nth(1) == Some(name)).count();
        assert_eq!(operator["shares"].as_array().unwrap().len(), generations);
    }
}

/// The candidates of a prompt for a letter, in order.
fn lettered(prompt: &str) -> Vec<Cell> {
    // In the form of a prompt with one group.
    let numbered = prompt.lines().map(|line| match line.split_once(") ") {
        Some((letter, rest)) if letter.len() == 1 => {
            format!("{}: {rest}", letter.as_bytes()[0] - b'A' + 1)
        }
        _ if line.starts_with("Candidates") => "Group 1:".to_owned(),
        _ => line.to_owned(),
    });
    let numbered: Vec<String> = numbered.collect();
    let mut seen = read(&numbered.join("\n"));
    seen.groups.remove(0).into_iter().map(|(_, cell)| cell).collect()
}

/// A completion of one letter, with log-probabilities of some, from A on.
fn letter(probabilities: impl IntoIterator<Item = f64>) -> ChatAnswer {
    let letters = (b'A'..).zip(probabilities);
    likely_tokens(letters.map(|(letter, logprob)| (format!(" {}", char::from(letter)), logprob)))
}

/// A reply with the log-probabilities of its likeliest first tokens.
fn likely_tokens(likely: impl IntoIterator<Item = (String, f64)>) -> ChatAnswer {
    let tokens: Vec<Value> = likely
        .into_iter()
        .map(|(token, logprob)| json!({ "token": token, "logprob": logprob }))
        .collect();
    let body = json!({
        "choices": [{
            "message": { "role": "assistant", "content": "A" },
            "finish_reason": "length",
            "logprobs": { "content": [{ "token": " A", "logprob": -1.0, "top_logprobs": tokens }] },
        }],
        "usage": { "prompt_tokens": 10, "completion_tokens": 1 },
    });
    ChatAnswer::Http(200, body.to_string())
}

#[test]
fn candidates_are_ranked_by_the_probabilities_of_their_letters() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let truth = Arc::new(truth(&nas));
    let server = ChatServer::start(move |request| {
        assert_eq!((&request["logprobs"], &request["top_logprobs"]), (&json!(true), &json!(20)));
        let prompt = prompt(request);
        let front: Vec<[f64; 2]> =
            read(&prompt).evaluated.iter().map(|(cell, _)| truth[cell]).collect();
        let score = |cell: &Cell| area(&[&front[..], &[truth[cell]]].concat()) - 1.0;
        letter(lettered(&prompt).iter().map(score))
    });
    let report = search(&nas, &server, "--prompting rank");
    let choices = &report["model"]["choices"];
    assert_eq!((&choices["made"], &choices["accepted"]), (&json!(60), &json!(60)));
    assert_eq!(server.calls(), 12);
    let url = server.url();
    let test =
        format!("skill-test --situations 18 --prompting rank --llm-both-orders --llm-url {url}");
    let ran = nas.run_line(&test);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    // It knows validation accuracy, and is scored on test accuracy.
    assert!(skill(&ran.stdout, "both orders together") > 0.6, "{}", ran.stdout);
    assert!(skill(&ran.stdout, "the best") > 0.99, "{}", ran.stdout);
    assert!(
        ran.stdout.contains("in the reverse order it makes 100 % of the same"),
        "{}",
        ran.stdout
    );
}

/// A search whose model gives no candidate's letter a probability goes on.
fn nothing_is_ranked(nas: &Nas, server: &ChatServer) {
    let ran = nas.run_line(&format!(
        "search --proposer llm --device edgegpu --accuracy benchmark --evaluations 120 --prompting rank \
         --llm-url {} --run run --force",
        server.url()
    ));
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stdout.contains("60 no-probabilities"), "{}", ran.stdout);
    assert_eq!(nas.read("run/evaluations.csv").lines().count(), 121);
}

#[test]
fn a_candidate_whose_letter_is_not_among_the_likeliest_replies_is_no_choice() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    // Only the first two letters have a probability.
    let server = ChatServer::start(|_| letter([1.0, 2.0]));
    let report = search(&nas, &server, "--prompting rank");
    let choices = &report["model"]["choices"];
    assert_eq!((&choices["made"], &choices["accepted"]), (&json!(24), &json!(24)));
    assert_eq!(nas.read("run/evaluations.csv").lines().count(), 121);
    let ran = nas.run_line(&format!(
        "skill-test --situations 6 --prompting rank --llm-both-orders --llm-url {}",
        server.url()
    ));
    assert!(ran.stdout.contains("24 choices in 6 situations"), "{}", ran.stdout);
    assert!(ran.stdout.contains("it scored 17 % of the candidates"), "{}", ran.stdout);
    // None of the likeliest replies is a letter.
    let words = ChatServer::start(|_| likely_tokens([("The".to_owned(), -0.5)]));
    nothing_is_ranked(&nas, &words);
}

#[test]
fn without_log_probabilities_nothing_is_ranked_and_the_search_goes_on() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let server = ChatServer::start(|request| {
        if !request["logprobs"].is_null() {
            let refusal = r#"{"error":{"message":"logprobs is not supported"}}"#;
            return ChatAnswer::Http(400, refusal.to_owned());
        }
        ChatAnswer::Text("A".to_owned())
    });
    nothing_is_ranked(&nas, &server);
}

#[test]
fn the_skill_of_a_simulated_model_is_found_and_replayed() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let truth = Arc::new(truth(&nas));
    let mut found = Vec::new();
    for skill in [0.0, 1.0] {
        let truth = Arc::clone(&truth);
        let server = ChatServer::start(move |request| {
            ChatAnswer::Text(choose(&prompt(request), &truth, skill).to_string())
        });
        let ran = nas.run_line(&format!(
            "skill-test --situations 30 --llm-url {} --record {skill}.jsonl",
            server.url()
        ));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(server.calls(), 30);
        let replayed = nas.run_line(&format!("skill-test --situations 30 --replay {skill}.jsonl"));
        assert_eq!(replayed.stdout, ran.stdout);
        let line = ran.stdout.lines().find(|line| line.starts_with("the model's")).unwrap();
        let percentile = line.split_whitespace().nth(2).unwrap().parse::<f64>().unwrap();
        found.push(percentile);
        let rows = nas
            .run_line(&format!("skill-test --situations 30 --replay {skill}.jsonl --format csv"));
        // With as many by statistics, and as many of the best.
        assert_eq!(rows.stdout.lines().count(), 1 + 3 * 90);
    }
    assert!((found[0] - 0.5).abs() < 0.1 && found[1] > 0.65, "{found:?}");
}

#[test]
fn chosen_are_the_candidates_of_which_most_is_expected() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let truth = Arc::new(truth(&nas));
    let server = ChatServer::start(move |request| {
        let prompt = prompt(request);
        let line = prompt.lines().find(|line| line.starts_with("A candidate")).unwrap();
        let choices = line.split(": ").nth(1).unwrap().split(" (").next().unwrap();
        let [accuracy, latency] = truth[&cell(choices)];
        let answer = json!({ "validation_accuracy": accuracy, "latency": latency });
        ChatAnswer::Text(format!("Like A1. {answer}"))
    });
    let report = search(&nas, &server, "--prompting estimate --candidates 10");
    let choices = &report["model"]["choices"];
    assert_eq!((&choices["made"], &choices["accepted"]), (&json!(60), &json!(60)));
    assert_eq!(server.calls(), 2 * 6 * 10);
    let url = server.url();
    let test = format!("skill-test --situations 12 --prompting estimate --llm-url {url}");
    let ran = nas.run_line(&test);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(skill(&ran.stdout, "the model's") > 0.6, "{}", ran.stdout);
    // The order of what it expects is compared with the true one.
    let table = ran.stdout.split_once("expected values").unwrap().1;
    let latency = |row: &str| skill(table, row);
    assert!(latency("the model's") > 0.99, "{table}");
    assert!((0.0..0.99).contains(&latency("of the nearest")), "{table}");
    let ran = nas.run_line(&format!("{test} --format json"));
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    let rows = json["expected"].as_array().unwrap();
    assert!(rows.len() <= 12 * 2 * 2 && rows.len() > 12 * 2, "{rows:?}");
    assert!(rows.iter().all(|row| row["correlation"].as_f64().unwrap().abs() < 1.001));
    // There is no second order of one candidate.
    let refused = nas.run_line(&format!("{test} --llm-both-orders"));
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    let refused = nas.run_line(&format!(
        "search --proposer llm --device edgegpu --llm-both-orders --llm-url {url} --run other"
    ));
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("--prompting choose or rank"), "{}", refused.stderr);
}

/// The skill in a row of the table of `nas skill-test`.
fn skill(table: &str, row: &str) -> f64 {
    let line = table.lines().find(|line| line.starts_with(row)).unwrap();
    let of = line.split_whitespace().rev().nth(2).unwrap();
    of.trim_start_matches('+').replace('−', "-").parse().unwrap()
}

/// The paper's niches, as prompts describe them.
const NICHES: [&str; 6] =
    ["3x3 = 0, 1x1 = 0", "3x3 = 0, 1x1 ≥ 1", "3x3 = 1", "3x3 = 2", "3x3 = 3", "3x3 ≥ 4"];

#[test]
fn a_navigator_sees_all_niches_and_each_niche_sees_its_strategy() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let server = ChatServer::start(|request| {
        let prompt = prompt(request);
        if request["response_format"]["json_schema"]["name"] == "strategies" {
            for (niche, of) in (1..).zip(NICHES) {
                assert!(prompt.contains(&format!("\nNiche {niche}, {of}: ")), "{prompt}");
            }
            // One niche is left out.
            let of = (1..=5).map(|niche| (format!("niche {niche}"), json!(format!("try {niche}"))));
            return ChatAnswer::Text(Value::Object(of.collect()).to_string());
        }
        let is_in = |of: &str| prompt.contains(&format!("of this niche count: {of}.\n"));
        let niche = NICHES.into_iter().position(is_in);
        let strategy = format!("\nStrategy of this generation: try {}\n", niche.unwrap() + 1);
        assert_eq!(prompt.contains(&strategy), niche.unwrap() < 5, "{prompt}");
        let first = read(&prompt).groups.into_iter().zip(1..);
        let first = first.map(|(group, number)| (format!("group {number}"), json!(group[0].0)));
        ChatAnswer::Text(Value::Object(first.collect()).to_string())
    });
    let report = search(&nas, &server, "--prompting choose --llm-navigator");
    assert_eq!(server.calls(), 2 * (6 + 1));
    assert_eq!(report["model"]["navigations"], 2, "{report}");
    assert_eq!(report["model"]["choices"]["accepted"], 60, "{report}");
}

#[test]
fn disguised_operations_can_be_described() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let server = ChatServer::start(|request| {
        let prompt = prompt(request);
        assert!(prompt.contains("is the input unchanged"), "{prompt}");
        assert!(!prompt.contains("skip"), "{prompt}");
        ChatAnswer::Text("none".to_owned())
    });
    let ran = nas.run_line(&format!(
        "search --proposer llm --device edgegpu --accuracy benchmark --evaluations 120 --prompting choose \
         --disguise 1 --describe-operations --llm-url {} --run run --force",
        server.url()
    ));
    assert_eq!(ran.code, 4, "{}", ran.stderr);
}

#[test]
fn a_model_that_reads_accuracies_is_found_out_and_one_that_always_states_the_same_is_not() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    // A model that reads what it is shown.
    let reader = ChatServer::start(|request| {
        let prompt = prompt(request);
        let line = prompt.lines().find(|line| line.starts_with("An architecture, ")).unwrap();
        let known = format!("\n{} | ", line.split(": ").nth(1).unwrap());
        let rest = prompt.split(known.as_str()).nth(1).unwrap_or("0");
        let accuracy: f64 = rest.lines().next().unwrap().parse().unwrap();
        ChatAnswer::Text(json!({ "accuracy": accuracy }).to_string())
    });
    let ran = nas.run_line(&format!(
        "memorise-test --pairs 20 --known 5 --llm-url {} --record known.jsonl",
        reader.url()
    ));
    // Equal requests are made once.
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("the model             1.000"), "{}", ran.stdout);
    assert!(ran.stdout.contains("it states 100 % of the accuracies"), "{}", ran.stdout);
    let replayed = nas.run_line("memorise-test --pairs 20 --known 5 --replay known.jsonl");
    assert_eq!(replayed.stdout, ran.stdout);
    let rows = nas.run_line("memorise-test --pairs 20 --known 5 --replay known.jsonl --format csv");
    assert_eq!(rows.stdout.lines().count(), 21);
    // Where it was interrupted, it goes on.
    let record = nas.read("known.jsonl");
    let half: Vec<&str> = record.split_inclusive('\n').take(10).collect();
    nas.write("known.jsonl", &half.concat());
    let asked = reader.calls();
    let resumed = nas.run_line(&format!(
        "memorise-test --pairs 20 --known 5 --llm-url {} --replay known.jsonl",
        reader.url()
    ));
    assert_eq!(resumed.stdout, ran.stdout, "{}", resumed.stderr);
    assert_eq!(reader.calls(), 2 * asked - 10);

    let same = ChatServer::start(|_| ChatAnswer::Text(r#"{"accuracy": 93}"#.to_owned()));
    let ran = nas.run_line(&format!("memorise-test --pairs 20 --llm-url {}", same.url()));
    assert!(ran.stdout.contains("the model             0.500"), "{}", ran.stdout);

    let silent = ChatServer::start(|_| ChatAnswer::Text("I do not know.".to_owned()));
    let ran = nas.run_line(&format!("memorise-test --pairs 4 --llm-url {}", silent.url()));
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stderr.contains("stated no accuracy"), "{}", ran.stderr);
}

#[test]
fn the_skill_of_simulated_choices_is_what_was_asked_for() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    for (asked, low, high) in [(0.0, -0.2, 0.2), (0.5, 0.3, 0.7), (1.0, 0.99, 1.01)] {
        let ran = nas.run_line(&format!("skill-test --situations 150 --simulate {asked}"));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let found = skill(&ran.stdout, "the model's");
        assert!((low..=high).contains(&found), "{}", ran.stdout);
    }
}
