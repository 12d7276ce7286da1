//! Exported files against their networks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use nas_proxy::Batch;
use nas_space::Arch;
use nas_space::autoformer::{Layer as Block, Network as Plan};
use nas_space::fbnet::Input;
use nas_space::nasbench201::{Dataset, parse_arch_str};
use prost::Message;
use tch::{CModule, Device};

use super::{onnx::proto, *};
use crate::{
    AutoFormerNetwork, BuiltNetwork, Error, FbnetNetwork, Layer, NasBench201Network, Task,
};

const ALL_OPERATIONS: &str =
    "|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|";
const NO_PATH: &str = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|";

/// One network of each kind, and one without a path, each with the side of its images.
fn networks() -> Vec<(Box<dyn BuiltNetwork>, usize)> {
    let device = Device::Cpu;
    let cell = |text| {
        let arch = parse_arch_str(text).unwrap();
        NasBench201Network::new(&arch, Dataset::Cifar10, 1, device).unwrap()
    };
    let arch = Arch::new((0..22).map(|layer| (layer * 5 + 1) % 9).collect::<Vec<u8>>());
    let fbnet = FbnetNetwork::new(&arch, Input::Cifar10, 2, device).unwrap();
    let block = |heads, mlp_ratio| Block { heads, mlp_ratio };
    let plan = Plan { embedding: 48, layers: vec![block(1, 2.0), block(2, 3.5)] };
    let task = Task { channels: 3, side: 64, classes: 10 };
    let transformer = AutoFormerNetwork::new(&plan, task, 3, device).unwrap();
    vec![
        (Box::new(cell(ALL_OPERATIONS)), 32),
        (Box::new(cell(NO_PATH)), 32),
        (Box::new(fbnet), 32),
        (Box::new(transformer), 64),
    ]
}

fn description() -> Description {
    let metadata = vec![("weights".to_owned(), "untrained".to_owned())];
    Description { text: "A \"small\"\nnetwork.".to_owned(), metadata }
}

fn model(network: &dyn BuiltNetwork, side: usize) -> proto::Model {
    proto::Model::decode(&*onnx(network, side, &description()).unwrap()).unwrap()
}

fn save_torchscript(network: &dyn BuiltNetwork, side: usize, file: &Path) -> Result<(), Error> {
    format("torchscript").unwrap().write(network, side, &description(), file)
}

#[test]
fn initializers_are_the_parameters_and_running_statistics() {
    for (network, side) in networks() {
        let graph = model(&*network, side).graph.unwrap();
        let parameters: usize = network.parameters().iter().map(|(_, one)| one.numel()).sum();
        let of_running = |name: &str| name.contains(".running_");
        let (statistics, weights): (Vec<_>, Vec<_>) =
            graph.initializer.iter().partition(|one| of_running(&one.name));
        let count = |all: &[&proto::Tensor]| all.iter().map(|one| one.raw_data.len() / 4).sum();
        let (statistics, weights): (usize, usize) = (count(&statistics), count(&weights));
        assert_eq!(weights, parameters);
        let norms = network.layers().unwrap().into_iter().map(|layer| match layer {
            Layer::BatchNorm { channels } => 2 * channels as usize,
            _ => 0,
        });
        assert_eq!(statistics, norms.sum::<usize>());
        let names: BTreeSet<_> = graph.initializer.iter().map(|one| one.name.clone()).collect();
        assert_eq!(names.len(), graph.initializer.len());
        // And the state that training changes.
        let state = network.state().unwrap();
        assert_eq!(names, state.into_iter().map(|(name, _)| name).collect());
    }
}

#[test]
fn each_layer_is_a_node_and_each_input_was_computed_before() {
    for (network, side) in networks() {
        let model = model(&*network, side);
        assert_eq!(model.opset_import[0].version, 20);
        assert_eq!(model.metadata_props[0].value, "untrained");
        let graph = model.graph.unwrap();
        let mut nodes: BTreeMap<&str, usize> = BTreeMap::new();
        let initializers = graph.initializer.iter().map(|one| one.name.as_str());
        let mut known: BTreeSet<&str> = initializers.chain(["images", ""]).collect();
        for node in &graph.node {
            *nodes.entry(&node.op_type).or_default() += 1;
            assert!(node.input.iter().all(|input| known.contains(input.as_str())), "{node:?}");
            assert!(node.output.iter().all(|output| known.insert(output)), "{node:?}");
        }
        assert_eq!(graph.output[0].name, "logits");
        assert!(known.contains("logits"));
        let layers = network.layers().unwrap();
        let count = |is: fn(&Layer) -> bool| layers.iter().filter(|layer| is(layer)).count();
        for (operator, expected) in [
            ("Relu", count(|layer| matches!(layer, Layer::Relu { .. }))),
            (
                "Conv",
                count(|layer| matches!(layer, Layer::Convolution { .. } | Layer::Patches { .. })),
            ),
            ("BatchNormalization", count(|layer| matches!(layer, Layer::BatchNorm { .. }))),
            ("AveragePool", count(|layer| matches!(layer, Layer::AveragePool { .. }))),
            ("LayerNormalization", count(|layer| matches!(layer, Layer::LayerNorm { .. }))),
            ("Gelu", count(|layer| matches!(layer, Layer::Gelu))),
            ("Softmax", count(|layer| matches!(layer, Layer::Attention { .. }))),
            ("Gemm", 1),
        ] {
            assert_eq!(nodes.get(operator).copied().unwrap_or(0), expected, "{operator}");
        }
    }
}

#[test]
fn a_side_that_a_transformer_does_not_take_is_refused() {
    let (transformer, _) = networks().pop().unwrap();
    let error = onnx(&*transformer, 32, &description()).unwrap_err();
    assert!(error.to_string().contains("images of 32"), "{error}");
}

#[test]
fn a_trace_computes_the_same_for_any_number_of_images() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("network.pt");
    for (network, side) in networks() {
        save_torchscript(&*network, side, &file).unwrap();
        assert!(network.parameters().iter().all(|(_, one)| one.requires_grad()));
        let module = CModule::load(&file).unwrap();
        for count in [1, 3] {
            let images = Batch::gaussian([count, 3, side, side], 5).unwrap();
            let expected = network.forward_inference(images.images()).unwrap();
            let found = module.forward_ts(&[images.images()]).unwrap();
            let most = (found - expected).abs().max().double_value(&[]);
            assert!(most < 1e-6, "{most}");
        }
    }
}

#[test]
fn a_trace_that_cannot_be_written_leaves_the_network_unchanged() {
    let (network, side) = networks().remove(0);
    assert!(save_torchscript(&*network, side, Path::new("/nowhere/network.pt")).is_err());
    assert!(network.parameters().iter().all(|(_, one)| one.requires_grad()));
}

#[test]
fn python_has_each_layer_once_and_a_step_for_it() {
    for (network, side) in networks() {
        let text = python(&*network, &description()).unwrap();
        assert!(text.contains("    A 'small'\n    network.\n"), "{text}");
        assert_eq!(text.matches("\nclass ").count(), 1);
        let weights = model(&*network, side).graph.unwrap().initializer;
        for weight in weights {
            let layer = weight.name.split('.').next().unwrap();
            assert_eq!(text.matches(&format!("self.{layer} = nn.")).count(), 1, "{layer}");
            assert!(text.matches(&format!("self.{layer}")).count() > 1, "{layer}");
        }
    }
}
