//! Each option's default and each refusal of a plan, case by case.

use std::path::PathBuf;

use clap::Parser;
use nas_eval::{Acquisition, Problem};
use nas_search::Objective;

use super::super::arguments::FillName;
use super::{Accuracies, AccuracySource, Facts, LatencySource, Objectives, Plan};
use crate::{
    Command,
    commands::{
        live::ProxyPlan,
        search::{
            arguments::{AcquisitionName, Arguments},
            limit::Limit,
        },
    },
    failure::Failure,
    output::Format,
    partition::{AllocationName, PartitionArguments},
    searcher::Searcher,
    space_arguments::SpaceArguments,
};

/// The default facts of these tests: published accuracies of all networks.
fn facts(accuracies: Accuracies) -> Facts {
    let folder = PathBuf::from("/work");
    Facts { accuracies, smallest_table: None, candidates: None, folder }
}

fn typed(command: &str) -> Arguments {
    // A value in double quotes has spaces.
    let mut words = Vec::new();
    for (at, part) in command.split('"').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    let all = ["nas".to_owned(), "search".to_owned()].into_iter().chain(words);
    match crate::Arguments::try_parse_from(all).unwrap().command {
        Command::Search(arguments) => *arguments,
        _ => unreachable!("nas search was typed"),
    }
}

fn problem(arguments: &Arguments) -> Problem {
    let SpaceArguments { space, dataset } = &arguments.space;
    match space.as_str() {
        "own" => {
            let text = "name = \"own\"\n[[decision]]\nname = \"depth\"\nchoices = [1, 2, 3]\n\
                        [[decision]]\nname = \"width\"\nchoices = [8, 16]\n";
            Problem::own(Box::leak(Box::new(nas_space::Space::from_toml(text).unwrap())))
        }
        name => nas_eval::spaces::problem(name, dataset.as_deref()).unwrap(),
    }
}

fn resolve(command: &str, facts: Facts) -> Result<Plan, Failure> {
    let arguments = typed(command);
    Plan::resolve(&arguments, None, &problem(&arguments), || Ok(facts))
}

/// The plan where the tables of the benchmark are there.
fn plan(command: &str) -> Plan {
    resolve(command, facts(Accuracies::OfAll)).unwrap()
}

/// The plan where no accuracies are there.
fn without_tables(command: &str) -> Plan {
    resolve(command, facts(Accuracies::Nothing)).unwrap()
}

fn with_tables_of(command: &str, rows: usize) -> Result<Plan, Failure> {
    let (smallest_table, candidates) = (Some(rows), Some(rows));
    resolve(command, Facts { smallest_table, candidates, ..facts(Accuracies::OfAll) })
}

/// The command after the advice of a refusal: the option that it names, in place of an earlier value.
fn advised(command: &str, message: &str) -> Option<String> {
    let named = |word: &str| message.find(word).map(|at| &message[at + word.len() - 2..]);
    let advice = named("add --").or_else(|| named("without --"))?;
    let mut words = advice.split([' ', ',', ':']).filter(|word| !word.is_empty());
    let option = words.next()?;
    let value =
        words.next().filter(|word| !word.starts_with("--") && !["or", "and"].contains(word));
    let mut kept = Vec::new();
    let mut typed = command.split_whitespace();
    while let Some(word) = typed.next() {
        if word == option {
            typed.next();
        } else {
            kept.push(word);
        }
    }
    let value = value.map_or("", |value| if value == "COMMAND" { "x" } else { value });
    Some(format!("{} {option} {value}", kept.join(" ")))
}

/// Following the advice of a refusal leads to a plan, or at least to another step.
fn advice_works(command: &str, message: &str) {
    let Some(next) = advised(command, message) else { return };
    if let Err(failure) = resolve(&next, facts(Accuracies::OfAll)) {
        assert_ne!(failure.to_string(), message, "{command} -> {next}");
    }
}

/// Refused from what was typed alone: what is there is not asked for.
fn refused(command: &str, expected: &str) {
    let arguments = typed(command);
    let never = || -> Result<Facts, Failure> { unreachable!("facts were asked for") };
    let plan = Plan::resolve(&arguments, None, &problem(&arguments), never);
    let message = plan.unwrap_err().to_string();
    assert!(message.contains(expected), "{command}: {message}");
    advice_works(command, &message);
}

fn refused_with(command: &str, facts: Facts, expected: &str) {
    let message = resolve(command, facts).unwrap_err().to_string();
    assert!(message.contains(expected), "{command}: {message}");
    advice_works(command, &message);
}

fn sources(plan: &Plan) -> (&AccuracySource, &LatencySource, &Option<String>) {
    let Objectives { accuracy, program, latency, energy, .. } = &plan.objectives;
    assert_eq!(*program, None);
    (accuracy.as_ref().unwrap(), latency.as_ref().unwrap(), energy)
}

#[test]
fn by_default_with_a_published_device_the_space_is_predicted_from_200_trained_networks() {
    let plan = plan("--device raspi4");
    let (accuracy, latency, energy) = sources(&plan);
    let acquisition = AcquisitionName::Active;
    assert_eq!(*accuracy, AccuracySource::Trained { count: 200, acquisition });
    assert_eq!(*latency, LatencySource::Published { device: "raspi4".to_owned() });
    assert_eq!(*energy, None);
    assert_eq!((plan.space.as_str(), plan.dataset.as_deref()), ("nasbench201", Some("cifar10")));
    assert_eq!((plan.searcher, plan.device.as_str()), (Searcher::Exhaustive, "raspi4"));
    assert_eq!((plan.evaluations, plan.initial, plan.generation), (15_625, 0, 15_625));
    assert_eq!(
        (plan.allocation, plan.fill, plan.seed),
        (AllocationName::Adaptive, FillName::Statistical, 0)
    );
    assert_eq!(plan.partition, PartitionArguments::whole());
    assert_eq!((&plan.rules, &plan.model, plan.format), (&None, &None, Format::Table));
    assert_eq!((plan.limits.len(), plan.confirm, &plan.known), (0, 0, &None));
}

#[test]
fn by_default_on_this_machine_200_networks_are_searched_by_statistics() {
    let plan = plan("");
    assert_eq!(*sources(&plan).1, LatencySource::Measured { gpu: None });
    assert_eq!((plan.searcher, plan.device.as_str()), (Searcher::DEFAULT, "host"));
    assert_eq!((plan.evaluations, plan.initial, plan.generation), (200, 33, 5));
    let gpu = super::tests::plan("--device cuda:2");
    assert_eq!(*sources(&gpu).1, LatencySource::Measured { gpu: Some(2) });
    assert_eq!(gpu.device, "cuda2");
}

#[cfg(feature = "torch")]
#[test]
fn without_tables_accuracy_is_a_score_of_proxies() {
    let plan = without_tables("");
    assert!(matches!(sources(&plan).0, AccuracySource::Proxies(ProxyPlan::Before)));
    for option in ["--batch 32", "--compute cpu", "--images x.bin"] {
        let plan = super::tests::plan(option);
        let AccuracySource::Proxies(proxies) = sources(&plan).0 else { panic!("{option}") };
        assert!(!proxies.is_computed_before(), "{option}");
    }
    // Computed proxies take a while.
    assert_eq!(without_tables("--dataset cifar100 --device fpga").evaluations, 200);
    assert_eq!(without_tables("--device fpga").evaluations, 600);
}

#[test]
fn published_accuracies_decide_how_accuracy_is_predicted() {
    let of_some = |command| resolve(command, facts(Accuracies::OfSome));
    let plan = of_some("--space autoformer-tiny").unwrap();
    assert_eq!(*sources(&plan).0, AccuracySource::Published);
    let benchmark = super::tests::plan("--device fpga --accuracy benchmark");
    assert_eq!(*sources(&benchmark).0, AccuracySource::Benchmark);
    assert_eq!((benchmark.searcher, benchmark.evaluations), (Searcher::DEFAULT, 600));
    refused_with(
        "--space autoformer-tiny --accuracy benchmark",
        facts(Accuracies::OfSome),
        "use --accuracy predictor",
    );
    refused_with(
        "--space fbnet --accuracy predictor",
        facts(Accuracies::Nothing),
        "--accuracy proxies",
    );
    let trained = "--space autoformer-tiny --trained 50";
    refused_with(trained, facts(Accuracies::OfSome), "learns from all published accuracies");
    refused_with("--trained 50", facts(Accuracies::Nothing), "--trained has no effect");
}

#[test]
fn training_options_are_kept() {
    let plan = plan("--device fpga --trained 50 --acquisition random --seed 7");
    let budget = plan.training().unwrap();
    assert_eq!((budget.count, budget.acquisition, budget.seed), (50, Acquisition::Random, 7));
    assert_eq!(super::tests::plan("--accuracy benchmark").training(), None);
}

#[test]
fn budgets_follow_from_evaluations_generations_and_children() {
    let plan = plan("--device fpga --evaluations 300");
    assert_eq!(plan.searcher, Searcher::DEFAULT);
    assert_eq!((plan.evaluations, plan.initial, plan.generation), (300, 50, 7));
    let plan = super::tests::plan("--device fpga --generations 4 --partition pel-nas");
    assert_eq!((plan.evaluations, plan.initial, plan.generation), (60 + 4 * 30, 60, 30));
    let plan = super::tests::plan("--device fpga --children 2 --partition pel-nas");
    assert_eq!((plan.evaluations, plan.generation), (600, 12));
    let plan = super::tests::plan("--device fpga --evaluations 99999");
    assert_eq!((plan.searcher, plan.evaluations), (Searcher::Exhaustive, 15_625));
    let plan = super::tests::plan("--device fpga --searcher evolution --allocation equal");
    assert_eq!((plan.searcher.name(), plan.allocation), ("evolution", AllocationName::Equal));
}

#[test]
fn limits_and_energy_are_kept() {
    let plan = plan("--device fpga --max-latency 5ms --max-energy 10mJ");
    assert_eq!(plan.limits, [Limit::at_most("latency", 5.0), Limit::at_most("energy", 10.0)]);
    let limited = super::tests::plan("--device fpga --limit latency_ms<=5 --limit flops<=50M");
    assert_eq!(limited.limits[1], Limit::at_most("flops", 5e7));
    assert_eq!(sources(&plan).2.as_deref(), Some("fpga"));
    refused("--energy", "name one of edgegpu, eyeriss, fpga with --device");
    refused("--energy --device raspi4", "name one of edgegpu, eyeriss, fpga");
    refused("--space fbnet --device edgetpu", "only for edgegpu, raspi4");
    refused("--space pit --device raspi4", "no costs of pit, cifar100 were published");
}

#[test]
fn a_program_computes_all_objectives() {
    let plan = plan("--space own --evaluate \"python train.py\" --workers 3 --timeout 5s");
    let Some(program) = &plan.objectives.program else { panic!("{plan:?}") };
    assert_eq!((program.command.as_str(), program.workers), ("python train.py", 3));
    assert!((program.timeout_seconds - 5.0).abs() < 1e-9);
    assert_eq!(program.objectives, [Objective::accuracy("accuracy"), Objective::latency()]);
    // Six architectures are all of them.
    assert_eq!((plan.evaluations, plan.device.as_str()), (6, "program"));
    assert_eq!(plan.searcher, Searcher::Exhaustive);
    let three =
        "--space own --evaluate x --objectives top1_percent:max,memory_mb:min,latency_ms:min";
    assert!(resolve(&format!("{three} --max-latency 2ms"), facts(Accuracies::Nothing)).is_ok());
    let one = "--space own --evaluate x --objectives a:max";
    refused_with(one, facts(Accuracies::Nothing), "two or more objectives");
    let twice = "--space own --evaluate x --objectives a:max,a:min";
    refused_with(twice, facts(Accuracies::Nothing), "a is named twice");
}

#[test]
fn an_engine_runs_the_program_and_computes_proxies_beside_it() {
    let plan =
        plan("--evaluate x --engine slurm --workers 8 --gpus 1 --retries 0 --evaluations 60");
    let program = plan.objectives.program.as_ref().unwrap();
    let engine = program.engine.as_ref().unwrap();
    assert_eq!((program.workers, engine.workers(), engine.gpus), (8, 8, Some(1)));
    assert!(plan.has_tasks());
    let text = toml::to_string(&plan).unwrap();
    assert_eq!(toml::from_str::<Plan>(&text).unwrap(), plan, "{text}");
    let plan = super::tests::plan("--evaluate x --engine local");
    assert_eq!(plan.objectives.program.unwrap().workers, 2);
    assert!(!super::tests::plan("--evaluate x --workers 4").has_tasks());
    refused("--evaluate x --engine local --shards 4", "--shards has no effect with --evaluate");
    refused("--engine local --accuracy benchmark", "--engine has no effect unless accuracy comes");
    #[cfg(feature = "torch")]
    {
        let both = "--evaluate x --objectives latency_ms:min --accuracy proxies --engine local";
        let Objectives { accuracy, program, .. } = super::tests::plan(both).objectives;
        let Some(AccuracySource::Proxies(ProxyPlan::Computed { engine, .. })) = accuracy else {
            panic!("{accuracy:?}")
        };
        assert_eq!((engine.unwrap().workers(), program.unwrap().workers), (2, 2));
    }
}

#[test]
fn a_users_searcher_takes_the_place_of_the_others_and_is_in_the_plan() {
    let plan = plan("--device fpga --propose \"tpe: python3 tpe.py\" --timeout 5s --seed 3");
    assert_eq!((plan.searcher.name(), plan.evaluations, plan.initial), ("tpe", 600, 100));
    let own = plan.propose.clone().unwrap();
    assert_eq!(own.command, "python3 tpe.py");
    assert!((own.timeout_seconds - 5.0).abs() < 1e-9);
    let text = toml::to_string(&plan).unwrap();
    assert_eq!(toml::from_str::<Plan>(&text).unwrap(), plan);
    let few = "--space own --evaluate x --propose \"y z\" --evaluations 4";
    assert_eq!(super::tests::plan(few).searcher.name(), "y");
    refused("--timeout 5s", "without --evaluate COMMAND or --propose COMMAND");
    let confirm = "--device fpga --propose x --confirm 3";
    let message = resolve(confirm, facts(Accuracies::OfAll)).unwrap_err().to_string();
    assert!(message.contains("no effect without --searcher predictor"), "{message}");
    let both = ["nas", "search", "--propose", "x", "--searcher", "nsga2"];
    assert!(crate::Arguments::try_parse_from(both).is_err());
}

#[test]
fn each_objective_has_its_own_source() {
    let plan = plan("--evaluate x --device fpga --energy --minimise flops --evaluations 60");
    let Objectives { accuracy, program, latency, energy, counted } = &plan.objectives;
    assert_eq!(*accuracy, None);
    assert_eq!(program.as_ref().unwrap().objectives, [Objective::accuracy("accuracy")]);
    assert_eq!(*latency, Some(LatencySource::Published { device: "fpga".to_owned() }));
    assert_eq!((energy.as_deref(), &counted[..]), (Some("fpga"), &["flops".to_owned()][..]));
    // A predictor chooses what the program computes.
    assert_eq!((plan.searcher, plan.device.as_str()), (Searcher::Predictor, "fpga"));
    assert_eq!((plan.evaluations, plan.initial, plan.confirm), (60, 7, 3));
    let plan = super::tests::plan("--evaluate x --accuracy benchmark --objectives latency_ms:min");
    assert_eq!(plan.objectives.accuracy, Some(AccuracySource::Benchmark));
    assert_eq!((&plan.objectives.latency, plan.device.as_str()), (&None, "program"));
    let plan = super::tests::plan("--accuracy benchmark --minimise parameters");
    assert_eq!((&plan.objectives.latency, plan.device.as_str()), (&None, "counted"));
    let both = "--evaluate x --device fpga --objectives accuracy_percent:max,latency_ms:min";
    refused_with(both, facts(Accuracies::OfAll), "comes from the program and from --device");
    let both = "--evaluate x --accuracy benchmark --objectives accuracy_percent:max";
    refused_with(both, facts(Accuracies::OfAll), "comes from the program and from --accuracy");
    let predicted = "--evaluate x --accuracy predictor --objectives latency_ms:min";
    refused_with(predicted, facts(Accuracies::OfAll), "use --accuracy benchmark");
    refused("--minimise flopses", "flops");
    let all = "--evaluate x --accuracy benchmark --device fpga";
    refused_with(all, facts(Accuracies::OfAll), "--objectives what the program computes");
}

#[test]
fn a_predictor_chooses_what_a_program_evaluates_unless_another_searcher_is_named() {
    let plan = plan("--evaluate x --evaluations 200 --confirm 20");
    assert_eq!((plan.searcher, plan.confirm, plan.initial), (Searcher::Predictor, 20, 16));
    let named = super::tests::plan("--evaluate x --evaluations 200 --searcher statistical");
    assert_eq!((named.searcher, named.confirm, named.initial), (Searcher::DEFAULT, 0, 33));
    let ruled = super::tests::plan("--evaluate x --rules r.csv");
    assert_eq!(ruled.searcher, Searcher::DEFAULT);
    let small = facts(Accuracies::OfAll);
    refused_with("--evaluate x --evaluations 9 --confirm 9", small, "fewer than the 9 evaluations");
    refused_with("--device fpga --confirm 3", facts(Accuracies::OfAll), "--searcher predictor");
}

#[test]
fn a_run_is_extended_where_what_was_evaluated_does_not_depend_on_its_budget() {
    let mut plan = plan("--evaluate x --evaluations 60");
    assert!(plan.extend(60).unwrap_err().to_string().contains("more than the 60"));
    plan.extend(120).unwrap();
    plan.extend(200).unwrap();
    assert_eq!((plan.evaluations, &plan.extended[..]), (200, &[60, 120][..]));
    let text = toml::to_string(&plan).unwrap();
    assert_eq!(toml::from_str::<Plan>(&text).unwrap(), plan, "{text}");
    for (command, why) in [
        ("--device fpga", "every architecture"),
        ("--device fpga --evaluations 100", "which networks are trained"),
    ] {
        let refused = super::tests::plan(command).extend(100_000).unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
}

#[test]
fn options_without_effect_are_refused_before_anything_is_opened() {
    for (command, expected) in [
        ("--llm-url http://h/v1", "--llm-url has no effect without --searcher llm"),
        ("--llm-reply-tokens 8000", "--llm-reply-tokens has no effect without --searcher llm"),
        ("--prompting plain", "--prompting has no effect without --searcher llm"),
        (
            "--searcher operators --operators random,statistical --llm-url http://h/v1",
            "--llm-url has no effect without an operator that is a language model: add choose,",
        ),
        (
            "--proposer llm --llm-url http://h/v1 --prompting plain --llm-memory",
            "--llm-memory: with --prompting plain",
        ),
        (
            "--proposer llm --llm-url http://h/v1 --prompting latency-oriented --llm-navigator",
            "--llm-navigator: with --prompting latency-oriented",
        ),
        (
            "--proposer llm --llm-url http://h/v1 --prompting rank --candidates 21",
            "--candidates 21: expected at most 20 with --prompting rank",
        ),
        ("--proposer llm --llm-url http://h/v1 --allocation adaptive", "a language model is asked"),
        (
            "--searcher exhaustive --evaluations 5",
            "--evaluations has no effect with --searcher exhaustive",
        ),
        (
            "--searcher exhaustive --partition pel-nas",
            "--partition has no effect with --searcher exhaustive",
        ),
        ("--searcher exhaustive --rules x.csv", "--rules has no effect with --searcher exhaustive"),
        ("--space fbnet --searcher exhaustive", "too many architectures"),
        ("--trained 5 --accuracy proxies", "--trained has no effect unless accuracy is predicted"),
        ("--acquisition random --accuracy benchmark", "--acquisition has no effect"),
        ("--trained 5 --accuracy-table x.csv", "--trained has no effect"),
        (
            "--objectives a:max,b:min --evaluate x --trained 5 --space own",
            "--trained has no effect",
        ),
        ("--workers 2", "--workers has no effect without --evaluate COMMAND or --engine"),
        ("--space own", "own has no known objectives"),
    ] {
        refused(command, expected);
    }
    #[cfg(feature = "torch")]
    for (command, expected) in [
        ("--batch 8 --accuracy benchmark", "--batch has no effect unless accuracy comes"),
        ("--images x.bin --accuracy-table y.csv", "--images has no effect"),
        ("--space own --evaluate x --compute cpu", "--compute has no effect with --evaluate"),
    ] {
        refused(command, expected);
    }
}

/// An earlier version announced to evaluate a small table whole, and then asked a model without niches.
#[test]
fn a_model_is_not_asked_if_a_whole_table_is_evaluated() {
    let llm = "--latency-table t.csv --proposer llm --llm-url http://h/v1";
    let message = with_tables_of(llm, 30).unwrap_err().to_string();
    assert!(message.contains("your tables contain only 30 architectures"), "{message}");
    let plan = with_tables_of(llm, 5_000).unwrap();
    assert_eq!((plan.searcher, plan.evaluations), (Searcher::Llm, 60 + 10 * 30));
    assert_eq!(plan.partition.name("whole"), "pel-nas");
    assert!(plan.model.is_some());
}

/// Once, a search of a list was recorded as `statistical`.
#[test]
fn a_search_of_a_whole_table_is_recorded_as_exhaustive() {
    let plan = with_tables_of("--latency-table t.csv", 30).unwrap();
    assert_eq!((plan.searcher, plan.evaluations, plan.generation), (Searcher::Exhaustive, 30, 30));
    assert_eq!(*sources(&plan).0, AccuracySource::Benchmark);
    assert_eq!(plan.device, "table");
    let message = with_tables_of("--latency-table t.csv --searcher evolution", 30).unwrap_err();
    assert!(message.to_string().contains("leave --searcher out"), "{message}");
    let message = with_tables_of("--latency-table t.csv --partition flops", 30).unwrap_err();
    assert!(message.to_string().contains("--partition has no effect here"), "{message}");
    let large = with_tables_of("--latency-table t.csv --evaluations 300", 5_000).unwrap();
    assert_eq!(large.searcher, Searcher::DEFAULT);
}

/// Once, settings were changed after the configuration had been made from them.
#[test]
fn the_settings_are_those_of_the_plan() {
    let plan = plan("--device fpga");
    let settings = plan.settings();
    assert_eq!(settings.evaluations, plan.evaluations);
    assert_eq!((settings.initial, settings.generation), (0, plan.evaluations));
}

#[test]
fn a_model_searches_in_the_papers_niches_with_calls_for_its_generations() {
    let plan = plan("--device edgegpu --proposer llm --llm-url http://h/v1 --llm-model m");
    let model = plan.model.as_ref().unwrap();
    assert_eq!((model.generations, model.calls), (10, 120));
    assert_eq!((plan.evaluations, plan.allocation), (360, AllocationName::Equal));
    let alone = super::tests::plan(
        "--device edgegpu --proposer llm --llm-url http://h/v1 --prompting plain --generations 2",
    );
    assert_eq!((alone.initial, alone.fill, alone.evaluations), (0, FillName::Nothing, 10));
    assert_eq!(alone.partition, PartitionArguments::whole());
    refused_with(
        "--device edgegpu --proposer llm",
        facts(Accuracies::OfAll),
        "no language model given: name a server",
    );
}

#[test]
fn a_plan_is_read_back_from_its_file() {
    for command in [
        "--device raspi4 --max-latency 5ms --trained 50",
        "--space autoformer-tiny --seed 3 --partition flops --niches 4 --generations 2",
        "--device edgegpu --proposer llm --llm-url http://h/v1 --llm-prices 1,2 --llm-reply-tokens 8000 \
         --rules r.csv",
        "--space own --evaluate \"python train.py\" --objectives a_percent:max,b:min",
        "--energy --device fpga --searcher nsga2 --evaluations 100",
    ] {
        let plan = plan(command);
        let text = toml::to_string(&plan).unwrap();
        assert_eq!(toml::from_str::<Plan>(&text).unwrap(), plan, "{text}");
    }
}

#[test]
fn a_run_is_named_after_its_space_device_searcher_and_seed() {
    let arguments = typed("--device raspi4 --seed 4");
    let problem = problem(&arguments);
    assert_eq!(
        plan("--device raspi4 --seed 4").run_name(&problem),
        "cifar10-raspi4-exhaustive-seed4"
    );
}
