//! The advice in errors, followed: what an error says to type next gets further.

use nas_tests::Nas;

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");

/// What was typed, what its error advises, and what a user types who follows the advice.
type Case<'a> = (&'a str, &'a str, &'a str);

/// Each error contains its advice, and following it ends well.
fn followed(nas: &Nas, cases: &[Case]) {
    for (typed, advice, next) in cases {
        let error = refused(nas, typed, advice);
        let ran = nas.run_line(next);
        assert_eq!(ran.code, 0, "{typed}: {error}{next}: {}", ran.stderr);
    }
}

/// Following the advice leads to another step.
fn further(nas: &Nas, cases: &[Case]) {
    for (typed, advice, next) in cases {
        refused(nas, typed, advice);
        let ran = nas.run_line(next);
        assert!(!ran.stderr.contains(advice), "{typed}: {next}: {}", ran.stderr);
    }
}

fn refused(nas: &Nas, typed: &str, advice: &str) -> String {
    let ran = nas.run_line(typed);
    assert_eq!(ran.code, 2, "{typed}: {}", ran.stderr);
    assert!(ran.stderr.contains(advice), "{typed}: {}", ran.stderr);
    ran.stderr
}

const MINE: &str = "\
name = \"mine\"
[[decision]]
name = \"depth\"
choices = [\"1\", \"2\", \"3\"]
[[decision]]
name = \"width\"
choices = [\"8\", \"16\", \"32\"]
";

/// What needs no tables.
const BARE: [Case<'static>; 15] = [
    ("front t.csv --objectives a,b", "latency_ms:min", "front t.csv --objectives a:min,b:min"),
    ("front t.csv --objectives a:min,c:min", "name, a, b", "front t.csv --objectives a:min,b:min"),
    (
        "front t.csv --objectives a:min,b:min --reference 3",
        "give one for each",
        "front t.csv --objectives a:min,b:min --reference 3,3",
    ),
    ("score --proxies params", "name a cell, for example", "score 6111 --proxies params"),
    (
        "score --space fbnet --proxies params",
        "nas space sample --space fbnet --format arch",
        "space sample --space fbnet --format arch",
    ),
    (
        "score 6111 --proxies params --engine local",
        "add --out, for example --out scores.bin",
        "score 6111 --proxies params --engine local --out scores.bin",
    ),
    (
        "score 6111 --proxies params --out x.txt",
        "ends in .csv or .bin",
        "score 6111 --proxies params --out x.csv",
    ),
    (
        "score 6111 --proxies params --out scores.csv",
        "another",
        "score 6111 --proxies params --out other.csv",
    ),
    (
        "score --proxies params --engine local --out y.bin --file -",
        "name a file that they can read",
        "score --proxies params --engine local --out y.bin --file two.txt",
    ),
    ("score --space pit --proxies params", "one of nasbench201", "score 6111 --proxies params"),
    ("space sample --space nasbench", "nasbench201", "space sample --space nasbench201"),
    ("space sample --space mine", "ends in .toml", "space sample --space mine.toml"),
    ("latency --runtime torch", "name one, for example `6111`", "latency 6111"),
    ("export 6111", "--format <FORMAT>", "export 6111 --format python"),
    ("predict folds --space mine.toml", "name one of nasbench201", "niches --space nasbench201"),
];

/// The same, where the next step has another mistake.
const BARE_FURTHER: [Case<'static>; 8] = [
    (
        "search --device raspi4 --tables elsewhere",
        "run `nas download --tables elsewhere`",
        "download --tables elsewhere --mirror no-such-folder",
    ),
    (
        "benchmark --space mine.toml --devices raspi4",
        "or use nas search",
        "search --space mine.toml",
    ),
    (
        "search --space mine.toml",
        "add --evaluate COMMAND, or --accuracy-table and --latency-table",
        "search --space mine.toml --accuracy-table t.csv --latency-table t.csv",
    ),
    (
        "search --space mine.toml --evaluate true --engine local --shards 4",
        "leave --shards out; --workers",
        "search --space mine.toml --evaluate true --engine local --workers 4",
    ),
    (
        "search --searcher llm",
        "--llm-url http://127.0.0.1:8911/v1 --llm-model NAME",
        "search --searcher llm --llm-url ftp://127.0.0.1 --llm-model NAME",
    ),
    (
        "chat-test",
        "--llm-url http://127.0.0.1:8911/v1 --llm-model NAME",
        "chat-test --llm-url ftp://127.0.0.1 --llm-model NAME",
    ),
    (
        "benchmark --devices raspi4 --searchers llm",
        "use `nas search --searcher llm`",
        "search --searcher llm",
    ),
    ("search --space pit", "add --latency-table FILE", "search --space pit --latency-table t.csv"),
];

/// What needs tables.
const TABLES: [Case<'static>; 12] = [
    (
        "search --space pit",
        "add --latency-table FILE",
        "search --space pit --latency-table pit.csv",
    ),
    (
        "search --space pit --device raspi4",
        "name your own table with --latency-table",
        "search --space pit --latency-table pit.csv",
    ),
    (
        "search --space pit --accuracy proxies --latency-table pit.csv",
        "leave it out",
        "search --space pit --latency-table pit.csv",
    ),
    (
        "search --energy --device edgetpu",
        "name one of",
        "search --energy --device eyeriss --evaluations 60 --trained 20",
    ),
    ("niches --partition automatic", "use --rank with --device", "niches --rank --device raspi4"),
    (
        "niches --space fbnet --rank --device host",
        "name a device with published costs",
        "niches --space fbnet --rank --device raspi4",
    ),
    (
        "predict folds --space nasbench201",
        "use nas predict eval",
        "predict eval --seeds 1 --trained 50",
    ),
    (
        "predict eval --seeds 1 --space autoformer-tiny",
        "ask for fewer with --trained",
        "predict eval --seeds 1 --space autoformer-tiny --trained 50",
    ),
    ("predict eval --space fbnet", "name another --space", "predict eval --seeds 1 --trained 50"),
    (
        "latency fit --space autoformer-tiny",
        "name another --space (see nas space list)",
        "latency fit",
    ),
    (
        "latency 6111 --runtime onnx --device raspi4",
        "leave out --device raspi4",
        "latency 6111 --device raspi4",
    ),
    (
        "benchmark --devices raspi4 --at 700 --seeds 1 --searchers random",
        "raise --evaluations",
        "benchmark --devices raspi4 --at 700 --seeds 1 --searchers random --evaluations 700",
    ),
];

#[test]
fn without_tables() {
    let nas = Nas::without_tables(PROGRAM);
    nas.write("mine.toml", MINE);
    nas.write("t.csv", "name,a,b\nx,1,2\ny,2,1\n");
    nas.write("scores.csv", "mine\n");
    nas.write("two.txt", "6111\n1462\n");
    followed(&nas, &BARE);
    further(&nas, &BARE_FURTHER);
}

#[test]
fn with_tables() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    nas.write("mine.toml", MINE);
    let sampled = nas.run_line("space sample --space pit -n 6 --format arch").stdout;
    let rows = sampled.lines().zip(1..).map(|(arch, ms)| format!("\"{arch}\",{ms}\n"));
    nas.write("pit.csv", &format!("arch,latency_ms\n{}", rows.collect::<String>()));
    nas.write("accuracies.csv", "arch,accuracy_percent\n6111,90\n1462,80\n7581,60\n");
    let rules = "polarity,niche,condition\nprefer,3,decision edge 1 = skip\n";
    nas.write("rules.csv", rules);
    followed(&nas, &TABLES);
    // What is there already is not replaced, and the error says how to.
    let search = "search --device raspi4 --evaluations 60 --trained 20 --run first";
    followed(&nas, &[("search --run mine.toml", "choose another folder", search)]);
    let forced = format!("{search} --force");
    let next = "search --device raspi4 --evaluations 60 --trained 20 --run second --seed 2";
    followed(
        &nas,
        &[
            (search, "--force", forced.as_str()),
            (search, "choose another folder with --run", next),
            ("search --resume first --evaluations 90", "--evaluations", "search --resume first"),
            ("compare first first", "name one of them", "compare first second"),
            ("report", "<RUN>...", "report first"),
            ("report first --out mine.toml", "--force", "report first --out mine.toml --force"),
            (
                "report first --out mine.toml",
                "name another file with --out",
                "report first --out other.html",
            ),
            (
                "predict fit",
                "--accuracy-table <FILE>",
                "predict fit --accuracy-table accuracies.csv",
            ),
            (
                "predict fit --accuracy-table accuracies.csv --out mine.toml",
                "--force",
                "predict fit --accuracy-table accuracies.csv --out mine.toml --force",
            ),
            ("compare second mine.toml", "nas runs", "runs ."),
        ],
    );
    // A folder of a run is one that `nas runs` shows.
    assert!(nas.run_line("runs first").stdout.contains("\n1 run\n"));
}
