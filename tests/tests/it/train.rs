//! Networks that are trained on a user's data.

use std::{
    fs,
    path::Path,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use nas_eval::onnx::OnnxNetwork;
use nas_tests::{Nas, shapes, trains_by};
use tch::{CModule, Tensor};

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");

fn nas() -> Nas {
    let nas = Nas::without_tables(PROGRAM);
    shapes(&nas.folder().join("shapes"), 40);
    nas
}

const TRAIN: &str = "train 6111 --data shapes --width 4 --cells 1 --batch 32 --threads 1";

fn bytes(nas: &Nas, file: &str) -> Vec<u8> {
    fs::read(nas.folder().join(file)).unwrap()
}

/// The columns of a run's epochs that do not depend on time.
fn epochs(nas: &Nas, run: &str) -> Vec<String> {
    let rows = nas.read(&format!("{run}/metrics.csv"));
    rows.lines().map(|row| row.split(',').take(5).collect::<Vec<_>>().join(",")).collect()
}

#[test]
fn a_network_is_trained_shown_and_exported_with_its_weights() {
    let nas = nas();
    let trained = nas.json(&format!("{TRAIN} --epochs 12 --run run"));
    let accuracy = trained["validation"]["accuracy"].as_f64().unwrap();
    // Chance: 33 %.
    assert!(accuracy >= 75.0, "{trained:#}");
    assert_eq!((&trained["epochs"], &trained["interrupted"]), (&12.into(), &false.into()));
    assert_eq!(epochs(&nas, "run").len(), 13);
    assert!(nas.read("run/curve.svg").contains("accuracy [%]"));
    let page = nas.read("run/report.html");
    for text in ["shapes", "learning rate", "<svg", "validation, at the best epoch"] {
        assert!(page.contains(text), "{text}");
    }
    let runs = nas.run_line("runs .").stdout;
    assert!(runs.contains("ended") && runs.contains("accuracy"), "{runs}");
    let ran = nas.run_line("export run --format onnx --out network.onnx");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("trained on shapes"), "{}", ran.stdout);
    if nas_tests::onnx_runtime() {
        let same = format!("in ONNX Runtime: {accuracy:.2} %");
        assert!(ran.stdout.contains(&same), "{}{}", ran.stdout, ran.stderr);
    }
    for (format, end) in [("torchscript", "pt"), ("python", "py")] {
        let ran = nas.run_line(&format!("export run --format {format} --out network.{end}"));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    // A run of a training is none of a search, and the other way round.
    for command in ["search --resume run", "report run", "knowledge run"] {
        let ran = nas.run_line(command);
        assert_eq!(ran.code, 2, "{command}");
        assert!(ran.stderr.contains("is a run of nas train"), "{}", ran.stderr);
    }
    let again = nas.run_line("train --resume run");
    assert!(again.stderr.contains("has ended"), "{}", again.stderr);
}

/// The numbers of a list in a run's `config.toml`.
fn numbers(config: &str, name: &str) -> Vec<f32> {
    let (_, list) = config.split_once(&format!("{name} = [")).unwrap();
    let (list, _) = list.split_once(']').unwrap();
    list.split(',').map(|number| number.trim().parse().unwrap()).collect()
}

#[test]
fn trained_weights_predict_the_same_in_each_format() {
    let Some(images) = nas_tests::images() else { return };
    let nas = Nas::without_tables(PROGRAM);
    let file = images.join("cifar10_test_2k.bin");
    let line =
        format!("train 6111 --data {} --width 4 --cells 1 --epochs 2 --run run", file.display());
    let ran = nas.run_line(&line);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for (format, end) in [("torchscript", "pt"), ("onnx", "onnx"), ("python", "py")] {
        let ran = nas.run_line(&format!("export run --format {format} --out network.{end}"));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    let config = nas.read("run/config.toml");
    let (means, deviations) = (numbers(&config, "means"), numbers(&config, "deviations"));
    let records = fs::read(file).unwrap();
    let (count, plane) = (2000, 32 * 32);
    let pixels: Vec<f32> = records
        .chunks_exact(1 + 3 * plane)
        .flat_map(|record| record[1..].chunks_exact(plane).enumerate())
        .flat_map(|(channel, plane)| {
            let (mean, deviation) = (means[channel], deviations[channel]);
            plane.iter().map(move |pixel| (f32::from(*pixel) - mean) / deviation)
        })
        .collect();
    let batch = Tensor::from_slice(&pixels).reshape([count, 3, 32, 32]);
    let module = CModule::load(nas.folder().join("network.pt")).unwrap();
    let torchscript = tch::no_grad(|| module.forward_ts(&[&batch])).unwrap();
    let classes = torchscript.argmax(1, false);
    // It has learnt something: more than two classes are predicted.
    assert!(classes.unique_consecutive(false, false, None).0.numel() > 2);
    let compare = |format: &str, logits: &[f32]| {
        let found = Tensor::from_slice(logits).reshape([count, 10]);
        assert!(found.argmax(1, false).equal(&classes), "{format}: the same classes of all images");
        let apart = (found - &torchscript).abs().max().double_value(&[]);
        assert!(apart <= 1e-3, "{format}: {apart}");
    };
    if nas_tests::onnx_runtime() {
        let mut network = OnnxNetwork::new(&bytes(&nas, "network.onnx"), 2).unwrap();
        compare("ONNX", &network.logits(&pixels, [count as usize, 3, 32, 32]).unwrap());
    }
    if let Some(pytorch) = nas_tests::pytorch() {
        let pixels: Vec<u8> = pixels.iter().flat_map(|pixel| pixel.to_le_bytes()).collect();
        fs::write(nas.folder().join("images"), pixels).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/predict.py");
        let arguments = ["network.py", "run/weights.safetensors", "images", "logits"];
        python(&nas, &pytorch, &script, &arguments);
        let logits = bytes(&nas, "logits");
        let logits =
            logits.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap()));
        compare("Python", &logits.collect::<Vec<f32>>());
    }
}

/// What a script prints.
fn python(nas: &Nas, interpreter: &Path, script: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(interpreter);
    let ran = command.arg(script).args(arguments).current_dir(nas.folder()).output().unwrap();
    let (printed, problems) =
        (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{printed}{problems}");
    printed.into_owned()
}

/// The validation accuracies that the exported script prints, of each epoch.
fn accuracies(printed: &str) -> Vec<f64> {
    let lines = printed.lines().filter_map(|line| line.split_once("validation "));
    lines.map(|(_, rest)| rest.split(' ').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn the_script_beside_a_module_trains_it_on_the_same_images() {
    let Some(pytorch) = nas_tests::pytorch() else { return };
    let nas = Nas::without_tables(PROGRAM);
    shapes(&nas.folder().join("shapes"), 67);
    let trained = nas.json(&format!("{TRAIN} --epochs 24 --run run"));
    let accuracy = trained["validation"]["accuracy"].as_f64().unwrap();
    let ran = nas.run_line("export run --format python --out network.py");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("python train.py network.py IMAGES"), "{}", ran.stdout);
    let train = |arguments: &[&str]| {
        let all = [&["network.py", "shapes", "--workers", "0"], arguments].concat();
        python(&nas, &pytorch, Path::new("train.py"), &all)
    };
    // With the recipe of the run, from new weights.
    let printed = train(&[]);
    assert!(printed.contains("162 images to train, 39 held out, 3 classes"), "{printed}");
    let found = accuracies(&printed);
    assert_eq!(found.len(), 24, "{printed}");
    // Chance: 33 %.
    assert!(found.iter().any(|one| *one >= 75.0), "{printed}");
    assert!(nas.folder().join("network.safetensors").exists());
    // From the weights of the run, hardly changed, it is as good on what this script holds out.
    let few = ["--weights", "run/weights.safetensors", "--out", "few", "--set", "epochs=1"];
    let few = [&few[..], &["learning-rate=1e-9"]].concat();
    let kept = accuracies(&train(&few))[0];
    assert!((kept - accuracy).abs() <= 15.0, "{kept}, of the run {accuracy}");
    // With each part of the recipe.
    let ran = nas.run_line("export run --format torchscript --out teacher.pt");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let all = ["--teacher", "teacher.pt", "--out", "all", "--set", "epochs=1", "optimizer=adamw"];
    let all =
        [&all[..], &["mixup=0.8", "cutout=4", "class-weights=true", "learning-rate=1e-3"]].concat();
    assert_eq!(accuracies(&train(&all)).len(), 1);
    // A network for other classes, and a script of the user's own.
    let other = nas.run_line("export 6111 --format python --out other.py");
    assert_eq!(other.code, 0, "{}", other.stderr);
    let script = nas.folder().join("train.py");
    let mut command = Command::new(&pytorch);
    let ran = command.arg(&script).args(["other.py", "shapes"]).current_dir(nas.folder()).output();
    let problems = String::from_utf8_lossy(&ran.unwrap().stderr).into_owned();
    assert!(problems.contains("has 3 classes, other.py predicts 10"), "{problems}");
    assert_eq!(nas.run_line("export 6111 --format python --data shapes --out fit.py").code, 0);
    assert!(nas.read("fit.py").contains("\"logits\": \"3\""));
    fs::write(script, "mine").unwrap();
    let again = nas.run_line("export run --format python --out again.py");
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(again.stderr.contains("train.py is a file of yours"), "{}", again.stderr);
    assert_eq!(nas.read("train.py"), "mine");
}

#[test]
fn a_training_that_is_killed_goes_on_to_the_same_bytes() {
    let nas = nas();
    let whole = nas.run_line(&format!("{TRAIN} --epochs 6 --run whole"));
    assert_eq!(whole.code, 0, "{}", whole.stderr);
    let line = format!("{TRAIN} --epochs 6 --run run");
    let mut child = nas.spawn(line.split_whitespace());
    let begun = Instant::now();
    let metrics = nas.folder().join("run/metrics.csv");
    let rows = || fs::read_to_string(&metrics).map_or(0, |text| text.lines().count());
    while rows() < 4 && begun.elapsed() < Duration::from_secs(300) {
        sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(rows() < 7, "it was killed before its end");
    assert!(nas.run_line("runs .").stdout.contains("killed"));
    let refused = nas.run_line(&line);
    assert!(refused.stderr.contains("resume it with nas train --resume run"), "{}", refused.stderr);
    let ran = nas.run_line("train --resume run");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for file in ["checkpoint.safetensors", "weights.safetensors"] {
        assert!(bytes(&nas, &format!("run/{file}")) == bytes(&nas, &format!("whole/{file}")));
    }
    assert_eq!(epochs(&nas, "run"), epochs(&nas, "whole"));
}

#[cfg(unix)]
#[test]
fn a_training_that_is_stopped_keeps_the_best_and_changed_data_are_refused() {
    let nas = nas();
    let line = format!("{TRAIN} --epochs 500 --run run");
    let mut child = nas.spawn(line.split_whitespace());
    let begun = Instant::now();
    let weights = nas.folder().join("run/weights.safetensors");
    while !weights.exists() && begun.elapsed() < Duration::from_secs(300) {
        sleep(Duration::from_millis(20));
    }
    Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let trained: serde_json::Value = serde_json::from_str(&nas.read("run/trained.json")).unwrap();
    assert_eq!(trained["interrupted"], true);
    assert!(nas.run_line("runs .").stdout.contains("stopped"));
    let ran = nas.run_line("export run --format torchscript --out network.pt");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    fs::remove_file(nas.folder().join("shapes/dots/3.png")).unwrap();
    let ran = nas.run_line("train --resume run");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("shapes has changed since the run began"), "{}", ran.stderr);
}

#[test]
fn what_cannot_be_trained_is_refused_before_anything_is_written() {
    let nas = nas();
    nas.write("mine.toml", nas_tests::SPACE);
    for (arguments, expected) in [
        ("train", "required"),
        ("train 6111", "--data"),
        ("train 6111 --data nowhere", "cannot read nowhere"),
        ("train 99999 --data shapes", "99999"),
        ("train 6111 --data shapes --epochs 0", "epochs 0: expected at least 1"),
        ("train 6111 --data shapes --learning-rate -1", "learning-rate -1: expected more than 0"),
        ("train 6111 --data shapes --optimizer adamw", "name one as well"),
        ("train 6111 --data shapes --optimizer adam", "expected sgd or adamw"),
        ("train 6111 --data shapes --compute cuda", "cuda"),
        ("train 6111 --data shapes --width 0", "width"),
        ("train 6111 --data shapes --teacher nowhere.pt", "--teacher nowhere.pt"),
        ("train 6111 --space mine.toml --data shapes", "how networks of"),
        ("train --resume shapes", "is no run"),
        ("train --resume shapes --epochs 3", "--epochs cannot be changed by --resume"),
    ] {
        let ran = nas.run_line(arguments);
        assert_eq!(ran.code, 2, "{arguments}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(expected), "{arguments}: {}", ran.stderr);
    }
    let left = |folder: &Path| {
        let entries = fs::read_dir(folder).unwrap().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(left(nas.folder()), ["mine.toml", "runs", "shapes"]);
    assert!(left(&nas.folder().join("runs")).is_empty());
}

#[test]
fn a_loss_that_is_no_number_ends_the_training_with_what_to_try() {
    let nas = nas();
    let ran = nas.run_line(&format!(
        "{TRAIN} --epochs 3 --learning-rate 1e30 --clip 0 --averaging 0 --run run"
    ));
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("the loss is no number"), "{}", ran.stderr);
    assert!(ran.stderr.contains("try a lower one"), "{}", ran.stderr);
    assert!(nas.run_line("runs .").stdout.contains("failed"));
}

#[test]
fn a_search_trains_what_it_evaluates_and_the_best_to_the_end() {
    let nas = nas();
    let search = "search --accuracy train --data shapes --trained 6 --epochs 2 --width 4 --cells 1 \
                  --minimise flops --seed 1 --cache cache --run run";
    let ran = nas.run_line(&format!("{search} --finish 1 --finish-epochs 2"));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let evaluations = nas.read("run/evaluations.csv");
    assert_eq!(evaluations.lines().count(), 7, "{evaluations}");
    assert!(nas.folder().join("run-trained-1/network.onnx").is_file());
    assert!(nas.read("run-trained-1/trained.json").contains("\"interrupted\": false"));
    // Nothing is trained twice: the same search is answered from the cache, with the same values.
    let cached = fs::read_dir(nas.folder().join("cache")).unwrap().count();
    assert_eq!(cached, 6);
    let again = nas.run_line(&search.replace("--run run", "--run again"));
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(nas.read("again/evaluations.csv"), evaluations);
    assert_eq!(fs::read_dir(nas.folder().join("cache")).unwrap().count(), 6);
    let resumed = nas.run_line("search --resume run");
    assert!(resumed.stderr.contains("has ended"), "{}", resumed.stderr);
    for (arguments, expected) in [
        ("search --accuracy train", "what are networks trained on?"),
        ("search --data shapes", "--data has no effect without --accuracy train"),
        ("search --accuracy train --data shapes --evaluate cat", "--evaluate has no effect"),
    ] {
        let ran = nas.run_line(arguments);
        assert_eq!(ran.code, 2, "{arguments}: {}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{arguments}: {}", ran.stderr);
    }
}

#[test]
fn trainings_as_tasks_lose_nothing_when_they_are_killed() {
    trains_by(&Nas::without_tables(PROGRAM), PROGRAM, "local", Path::new(""));
}
