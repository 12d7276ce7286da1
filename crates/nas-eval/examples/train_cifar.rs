//! A user's own program for `nas search --evaluate`: trains the small convolutional networks of
//! `train_cifar.toml` on CIFAR-10 images, and answers with their test accuracy and latency.
//!
//! ```text
//! cargo build --release -p nas-eval --example train_cifar
//! nas search --space crates/nas-eval/examples/train_cifar.toml --evaluations 40 --workers 2 \
//!   --evaluate "target/release/examples/train_cifar TRAIN.bin TEST.bin"
//! ```
//!
//! The files are CIFAR-10's in its binary format. Each network sees 10,000 images twice, in seconds
//! on one core: enough to rank networks, not the accuracy that they could reach.

use std::{env, error::Error, io, path::Path};

use nas_hw::{Plan, measure};
use nas_proxy::{Batch, Selection, cifar10};
use serde_json::{Map, Value, json};
use tch::{
    Device, Kind, Tensor,
    nn::{self, Module, ModuleT, OptimizerConfig},
};

const TRAINING: usize = 10_000;
const TEST: usize = 2_000;
const EPOCHS: i64 = 2;
const BATCH: i64 = 64;
const LEARNING_RATE: f64 = 0.05;

fn main() -> Result<(), Box<dyn Error>> {
    let [training, test] = &env::args().skip(1).collect::<Vec<_>>()[..] else {
        return Err("expected two files: training images and test images".into());
    };
    let read = |file: &str, count| cifar10(Path::new(file), Selection::First(count));
    let (training, test) = (read(training, TRAINING)?, read(test, TEST)?);
    tch::set_num_threads(1);
    for line in io::stdin().lines() {
        let question: Value = serde_json::from_str(&line?)?;
        let answer = question["choices"]
            .as_object()
            .ok_or_else(|| "a question without choices".into())
            .and_then(|choices| evaluate(choices, &training, &test));
        println!(
            "{}",
            match answer {
                Ok((accuracy, latency)) => json!({
                    "id": question["id"],
                    "accuracy_percent": accuracy,
                    "latency_ms": latency,
                }),
                Err(error) => json!({ "id": question["id"], "error": error.to_string() }),
            }
        );
    }
    Ok(())
}

/// Test accuracy in % after training, and the latency of one image in ms.
fn evaluate(
    choices: &Map<String, Value>,
    training: &Batch,
    test: &Batch,
) -> Result<(f64, f64), Box<dyn Error>> {
    tch::manual_seed(1);
    let variables = nn::VarStore::new(Device::Cpu);
    let network = network(&variables.root(), choices)?;
    let mut optimiser = nn::sgd(0.9, 0.0, 5e-4, true).build(&variables, LEARNING_RATE)?;
    let labels = training.labels().ok_or("training images without labels")?;
    let count = training.count() as i64;
    let steps = EPOCHS * (count / BATCH);
    let mut step: i64 = 0;
    for _ in 0..EPOCHS {
        let order = Tensor::randperm(count, (Kind::Int64, Device::Cpu));
        for batch in order.split(BATCH, 0).iter().filter(|batch| batch.size()[0] == BATCH) {
            // Down to 0 along half a cosine.
            let part = step as f64 / steps as f64;
            optimiser.set_lr(LEARNING_RATE * (1.0 + (std::f64::consts::PI * part).cos()) / 2.0);
            let images = training.images().index_select(0, batch);
            let logits = network.forward_t(&images, true);
            optimiser
                .backward_step(&logits.cross_entropy_for_logits(&labels.index_select(0, batch)));
            step += 1;
        }
    }
    let labels = test.labels().ok_or("test images without labels")?;
    let image = test.images().narrow(0, 0, 1);
    tch::no_grad(|| {
        let accuracy = network.forward_t(test.images(), false).accuracy_for_logits(labels);
        let latency = measure(&Plan::default(), || {
            let _logits = network.forward_t(&image, false);
        });
        Ok((100.0 * accuracy.double_value(&[]), latency.median.0))
    })
}

/// The network of an architecture, from (count, 3, 32, 32) to (count, 10).
fn network(
    root: &nn::Path<'_>,
    choices: &Map<String, Value>,
) -> Result<nn::SequentialT, Box<dyn Error>> {
    let number = |name: &str| {
        choices.get(name).and_then(Value::as_i64).ok_or_else(|| format!("no number for {name}"))
    };
    let (blocks, width) = (number("blocks")?, number("width")?);
    let separable = choices.get("separable").is_some_and(|choice| choice == "yes");
    let mean = choices.get("pooling").is_some_and(|choice| choice == "mean");
    let mut network = nn::seq_t();
    let mut channels = 3;
    for block in 1..=blocks {
        let path = root / block;
        let kernel = number(&format!("kernel {block}"))?;
        let out = width * (block + 1) / 2;
        let config = |groups| nn::ConvConfig {
            padding: kernel / 2,
            bias: false,
            groups,
            ..nn::ConvConfig::default()
        };
        if separable && block > 1 {
            let depthwise =
                nn::conv2d(&path / "depthwise", channels, channels, kernel, config(channels));
            let pointwise = nn::ConvConfig { bias: false, ..nn::ConvConfig::default() };
            network = network.add(depthwise).add(nn::conv2d(
                &path / "pointwise",
                channels,
                out,
                1,
                pointwise,
            ));
        } else {
            network =
                network.add(nn::conv2d(&path / "convolution", channels, out, kernel, config(1)));
        }
        network = network
            .add(nn::batch_norm2d(&path / "normalisation", out, nn::BatchNormConfig::default()))
            .add_fn(move |image| {
                let image = image.relu();
                if mean { image.avg_pool2d_default(2) } else { image.max_pool2d_default(2) }
            });
        channels = out;
    }
    let classifier = nn::linear(root / "classifier", channels, 10, nn::LinearConfig::default());
    Ok(network.add_fn(move |image| {
        classifier.forward(&image.mean_dim([2, 3].as_slice(), false, Kind::Float))
    }))
}
