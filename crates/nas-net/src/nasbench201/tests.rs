//! The network against published sizes, its listing and its scores.

use approx::{assert_abs_diff_eq, assert_relative_eq};
use nas_proxy::{Batch, Network, Pass, Proxy, ProxySet};
use nas_space::nasbench201::{flops, from_index, parameters, parse_arch_str, pruned_parameters};
use tch::Kind;

use super::*;
use crate::BuiltNetwork;

const ALL_3X3: &str = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|";
const MIXED: &str =
    "|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|";
const DISCONNECTED: &str = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|";

fn network(text: &str, seed: u64) -> Built<NasBench201Network> {
    let arch = parse_arch_str(text).unwrap();
    NasBench201Network::new(&arch, Dataset::Cifar10, seed, Device::Cpu).unwrap()
}

fn count(network: &Built<NasBench201Network>) -> u64 {
    network.parameters().iter().map(|(_, one)| one.numel() as u64).sum()
}

fn images() -> Tensor {
    Batch::gaussian([4, 3, 32, 32], 3).unwrap().images().shallow_clone()
}

#[test]
fn the_all_3x3_network_has_the_published_number_of_parameters() {
    assert_eq!(count(&network(ALL_3X3, 0)), 1_531_546);
}

#[test]
fn parameters_are_those_of_the_benchmark() {
    for index in (0..15_625).step_by(397) {
        let arch = from_index(index).unwrap();
        for dataset in Dataset::ALL {
            let network = NasBench201Network::new(&arch, dataset, 0, Device::Cpu).unwrap();
            assert_eq!(count(&network), parameters(&arch, dataset), "cell {index}, {dataset}");
            let arch = space().prune(&arch);
            let network = NasBench201Network::new(&arch, dataset, 0, Device::Cpu).unwrap();
            assert_eq!(
                count(&network),
                pruned_parameters(&arch, dataset),
                "cell {index}, {dataset}"
            );
        }
    }
}

#[test]
fn layers_come_in_the_order_of_the_benchmark() {
    let cell = |channels: usize| {
        format!(
            "relu, shared by 2\n\
             conv 3×3, stride 1, {channels} → {channels}\n\
             batch norm {channels}\n\
             conv 1×1, stride 1, {channels} → {channels}\n\
             batch norm {channels}\n\
             average pool 3×3, stride 1\n\
             relu\n\
             conv 3×3, stride 1, {channels} → {channels}\n\
             batch norm {channels}\n"
        )
        .repeat(5)
    };
    let reduction = |inputs: usize, channels: usize| {
        format!(
            "relu\n\
             conv 3×3, stride 2, {inputs} → {channels}\n\
             batch norm {channels}\n\
             relu\n\
             conv 3×3, stride 1, {channels} → {channels}\n\
             batch norm {channels}\n\
             average pool 2×2, stride 2\n\
             conv 1×1, stride 1, {inputs} → {channels}\n"
        )
    };
    let expected = [
        "conv 3×3, stride 1, 3 → 16\nbatch norm 16\n",
        &cell(16),
        &reduction(16, 32),
        &cell(32),
        &reduction(32, 64),
        &cell(64),
        "batch norm 64\nrelu\nglobal average pool\nlinear 64 → 10\n",
    ]
    .concat();
    let layers = network(MIXED, 0).layers().unwrap();
    let found: Vec<String> = layers.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected.lines().collect::<Vec<_>>());
}

/// The network again, directly from the benchmark's description and the list of parameters, with
/// every operation computed separately.
struct Reference {
    parameters: std::vec::IntoIter<(Role, Tensor)>,
}

impl Reference {
    fn next(&mut self) -> Tensor {
        self.parameters.next().unwrap().1
    }

    fn convolution(&mut self, x: &Tensor, stride: i64) -> Tensor {
        let weight = self.next();
        let padding = (weight.size()[3] - 1) / 2;
        x.conv2d(&weight, None::<&Tensor>, stride, padding, 1, 1)
    }

    fn batch_norm(&mut self, x: &Tensor) -> Tensor {
        let (weight, bias) = (self.next(), self.next());
        let over: &[i64] = &[0, 2, 3];
        let mean = x.mean_dim(over, true, None);
        let variance = (x - &mean).square().mean_dim(over, true, None);
        let scaled = (x - mean) / (variance + 1e-5).sqrt();
        scaled * weight.reshape([1, -1, 1, 1]) + bias.reshape([1, -1, 1, 1])
    }

    fn relu_conv_bn(&mut self, x: &Tensor, stride: i64) -> Tensor {
        let x = self.convolution(&x.relu(), stride);
        self.batch_norm(&x)
    }

    fn operation(&mut self, name: &str, x: &Tensor) -> Tensor {
        match name {
            "none" => x.zeros_like(),
            "skip_connect" => x.shallow_clone(),
            "avg_pool_3x3" => x.avg_pool2d(3, 1, 1, false, false, None::<i64>),
            _ => self.relu_conv_bn(x, 1),
        }
    }

    /// Operations in the order of the arch string, which is that of the parameters.
    fn cell(&mut self, names: &[&str], x: &Tensor) -> Tensor {
        let one = self.operation(names[0], x);
        let two = self.operation(names[1], x) + self.operation(names[2], &one);
        self.operation(names[3], x)
            + self.operation(names[4], &one)
            + self.operation(names[5], &two)
    }

    fn logits(&mut self, names: &[&str], images: &Tensor) -> Tensor {
        let x = self.convolution(images, 1);
        let mut x = self.batch_norm(&x);
        for stage in 0..3 {
            if stage > 0 {
                let middle = self.relu_conv_bn(&x, 2);
                let residual = self.relu_conv_bn(&middle, 1);
                let pooled = x.avg_pool2d(2, 2, 0, false, true, None::<i64>);
                x = self.convolution(&pooled, 1) + residual;
            }
            for _ in 0..5 {
                x = self.cell(names, &x);
            }
        }
        let x = self.batch_norm(&x).relu().mean_dim([2, 3].as_slice(), false, None);
        x.linear(&self.next(), Some(self.next()))
    }
}

#[test]
fn it_computes_what_the_benchmark_describes() {
    for text in [ALL_3X3, MIXED, DISCONNECTED] {
        let network = network(text, 5);
        let images = images();
        let mut reference = Reference { parameters: network.parameters().into_iter() };
        let names: Vec<&str> = text
            .split(['|', '+'])
            .filter(|part| !part.is_empty())
            .map(|part| part.split('~').next().unwrap())
            .collect();
        let expected = tch::no_grad(|| reference.logits(&names, &images));
        assert!(reference.parameters.next().is_none(), "{text}");
        let found = tch::no_grad(|| network.forward(&images, &mut Pass::plain())).unwrap();
        let difference = (found - expected).abs().max().double_value(&[]);
        assert_abs_diff_eq!(difference, 0.0, epsilon = 1e-4);
    }
}

#[test]
fn parameters_follow_the_seed_and_the_default_of_pytorch() {
    let weights = |seed| network(ALL_3X3, seed).parameters();
    let (one, again, other) = (weights(1), weights(1), weights(2));
    assert!(one.iter().zip(&again).all(|(one, again)| one.1 == again.1));
    assert_ne!(one[0].1, other[0].1);
    // The last 3×3 convolution has 64 · 9 inputs for each unit: uniform within ±1/24.
    let (_, weight) = one.iter().rfind(|(_, one)| one.size().len() == 4).unwrap();
    let largest = weight.abs().max().double_value(&[]);
    assert!(largest < 1.0 / 24.0 && largest > 0.99 / 24.0, "{largest}");
    let deviation = weight.std(true).double_value(&[]);
    approx::assert_relative_eq!(deviation, 1.0 / 24.0 / 3.0_f64.sqrt(), max_relative = 0.02);
}

#[test]
fn inference_uses_the_running_statistics() {
    let network = network(MIXED, 0);
    let images = images();
    let logits = network.forward_inference(&images).unwrap();
    assert_eq!(logits.size(), [4, 10]);
    assert!(!logits.requires_grad());
    // By running statistics no image depends on the others of the batch.
    let alone = network.forward_inference(&images.narrow(0, 2, 1)).unwrap();
    let difference = (logits.narrow(0, 2, 1) - alone).abs().max().double_value(&[]);
    assert_abs_diff_eq!(difference, 0.0, epsilon = 1e-5);
    let by_batch = tch::no_grad(|| network.forward(&images, &mut Pass::plain())).unwrap();
    assert!((logits - by_batch).abs().max().double_value(&[]) > 1e-3);
}

#[test]
fn all_data_sets_have_their_classes_and_sizes() {
    for dataset in Dataset::ALL {
        let arch = parse_arch_str(MIXED).unwrap();
        let network = NasBench201Network::new(&arch, dataset, 0, Device::Cpu).unwrap();
        let size = dataset.image_size() as i64;
        let images = Tensor::zeros([1, 3, size, size], (Kind::Float, Device::Cpu));
        let logits = network.forward_inference(&images).unwrap();
        assert_eq!(logits.size(), [1, dataset.classes() as i64]);
    }
}

#[test]
fn a_disconnected_cell_has_only_scores_that_are_counted() {
    let batch = Batch::gaussian([4, 3, 32, 32], 0).unwrap().with_random_labels(10, 0).unwrap();
    let network = network(DISCONNECTED, 0);
    let set = ProxySet::new(Proxy::ALL).applicable_to(&network);
    let scores = set.score(&network, &batch).unwrap();
    // Only the classifier's bias reaches the output, which is no weight.
    let present = set.proxies().iter().zip(scores).filter(|(_, score)| score.is_some());
    let present: Vec<Proxy> = present.map(|(&proxy, _)| proxy).collect();
    assert_eq!(present, [Proxy::Flops, Proxy::L2Norm, Proxy::Params]);
}

#[test]
fn flops_are_those_of_the_benchmark_and_all_parameters_count() {
    let arch = parse_arch_str(MIXED).unwrap();
    let batch = Batch::gaussian([2, 3, 32, 32], 0).unwrap();
    let set = ProxySet::new([Proxy::Flops, Proxy::Params]);
    let scores = set.score(&network(MIXED, 0), &batch).unwrap();
    let expected = [flops(&arch, Dataset::Cifar10), parameters(&arch, Dataset::Cifar10)];
    assert_eq!(scores, expected.map(|count| Some(count as f64)));
}

#[test]
fn in_double_precision_scores_are_nearly_the_same() {
    let batch = Batch::gaussian([4, 3, 32, 32], 0).unwrap().with_random_labels(10, 0).unwrap();
    let set = ProxySet::new([Proxy::Jacov, Proxy::Snip, Proxy::Zen, Proxy::Fisher]);
    let network = network(MIXED, 0);
    let single = set.score(&network, &batch).unwrap();
    let double = set.score(&network, &batch.to_kind(Kind::Double).unwrap()).unwrap();
    for (single, double) in single.into_iter().zip(double) {
        assert_relative_eq!(single.unwrap(), double.unwrap(), max_relative = 1e-3);
    }
}

#[test]
fn another_spaces_architecture_is_refused() {
    let error = NasBench201Network::new(&Arch::new([9; 6]), Dataset::Cifar10, 0, Device::Cpu);
    assert!(matches!(error, Err(Error::Arch(_))));
}

#[test]
fn a_scaled_network_takes_other_images_and_classes() {
    let arch = parse_arch_str(MIXED).unwrap();
    let scale = Scale { width: 4, cells: 2 };
    let task = Task { channels: 1, side: 28, classes: 7 };
    let network = NasBench201Network::scaled(&arch, scale, task, 0, Device::Cpu).unwrap();
    assert_eq!(network.channels(), 1);
    let images = Batch::gaussian([5, 1, 28, 28], 1).unwrap();
    let logits = network.forward_inference(images.images()).unwrap();
    assert_eq!(logits.size(), [5, 7]);
    // A quarter of the width: about a sixteenth of the operations of as many cells.
    let whole = Scale { cells: 2, ..Scale::PUBLISHED };
    let whole = NasBench201Network::scaled(&arch, whole, task, 0, Device::Cpu).unwrap();
    let flops =
        |network: &Built<NasBench201Network>| network.flops([1, 28, 28], Device::Cpu).unwrap();
    let ratio = flops(&whole) / flops(&network);
    assert!((12.0..16.0).contains(&ratio), "{ratio}");
    for scale in [Scale { width: 0, cells: 1 }, Scale { width: 1, cells: 0 }] {
        let error = NasBench201Network::scaled(&arch, scale, task, 0, Device::Cpu).unwrap_err();
        assert!(matches!(error, Error::Size { .. }), "{error}");
    }
}

#[test]
fn training_moves_the_running_statistics_and_gives_gradients() {
    let network = network(ALL_3X3, 0);
    let state = || -> Vec<(String, Vec<f32>)> {
        let flat = |(name, one): (String, Tensor)| (name, one.flatten(0, -1).try_into().unwrap());
        network.state().unwrap().into_iter().map(flat).collect()
    };
    let before = state();
    let _ = network.forward_inference(&images()).unwrap();
    assert_eq!(before, state());
    let logits = network.forward_training(&images(), None).unwrap();
    for ((name, before), (_, after)) in before.iter().zip(state()) {
        assert_eq!(*before != after, name.contains(".running_"), "{name}");
    }
    logits.sum(Kind::Float).backward();
    assert!(network.parameters().iter().all(|(_, one)| one.grad().defined()));
}

#[test]
fn training_with_fewer_bits_gives_nearly_the_same_logits() {
    let network = network(MIXED, 0);
    let full = network.forward_training(&images(), None).unwrap();
    let half = network.forward_training(&images(), Some(Kind::BFloat16)).unwrap();
    assert_eq!(half.kind(), Kind::Float);
    let most = (&full - half).abs().max().double_value(&[]);
    let spread = full.std(true).double_value(&[]);
    assert!(most > 0.0 && most < 0.2 * spread, "{most} of {spread}");
}
