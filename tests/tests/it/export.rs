//! Exported networks: files in the ONNX format that its checker accepts, and the same logits from
//! ONNX Runtime, TorchScript and Python as from libtorch.

use std::{fs, path::Path, process::Command};

use nas_eval::{live::Networks, onnx::OnnxNetwork, spaces};
use nas_net::BuiltNetwork;
use nas_net::export::{Description, format, onnx};
use nas_proxy::{Batch, Role};
use nas_tests::{Nas, Ran};
use tch::{CModule, Device, Kind, Tensor};

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");
const SEED: u64 = 3;
/// The one of the networks that has no path from input to output.
const NO_PATH: usize = 1;

/// Spaces, with data sets and architectures.
const NETWORKS: [(&str, &str, &str); 11] = [
    // All operations; no operation, so no path.
    (
        "nasbench201",
        "cifar10",
        "|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|",
    ),
    ("nasbench201", "cifar10", "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"),
    ("nasbench201", "cifar100", "6111"),
    (
        "nasbench201",
        "ImageNet16-120",
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|",
    ),
    (
        "nasbench201",
        "cifar10",
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|",
    ),
    (
        "fbnet",
        "cifar10",
        "k5_e1_g2 k5_e3 k5_e3 k5_e1 k5_e1 k5_e3 k5_e1_g2 k3_e1 k3_e1_g2 k5_e6 k5_e1_g2 k5_e1 k3_e6 k5_e6 k5_e6 skip k5_e1 k5_e6 skip k3_e1_g2 k5_e1 k5_e6",
    ),
    (
        "fbnet",
        "cifar100",
        "skip skip skip skip skip skip skip skip skip skip skip skip skip skip skip skip skip skip skip skip skip skip",
    ),
    (
        "fbnet",
        "imagenet",
        "k3_e1 k3_e6 skip skip skip k5_e6 skip skip skip k5_e6 skip skip skip k5_e3 skip skip skip k5_e6 skip skip skip k3_e1_g2",
    ),
    (
        "autoformer-tiny",
        "imagenet",
        "192 12: 3.5x4 4x3 3.5x4 3.5x3 4x3 4x3 4x4 3.5x4 4x4 3.5x3 4x3 3.5x4 -x- -x-",
    ),
    (
        "autoformer-tiny",
        "flowers",
        "216 14: 4x3 4x4 4x3 3.5x4 4x4 3.5x4 4x4 3.5x4 4x3 3.5x4 4x4 3.5x4 4x3 3.5x4",
    ),
    // Sums without normalisation, which reach millions in an untrained network.
    (
        "nasbench201",
        "ImageNet16-120",
        "|avg_pool_3x3~0|+|avg_pool_3x3~0|skip_connect~1|+|avg_pool_3x3~0|skip_connect~1|avg_pool_3x3~2|",
    ),
];

/// Exports network `number` to `NUMBER.END`.
fn export(nas: &Nas, number: usize, format: &str, end: &str) -> Ran {
    let (space, dataset, arch) = NETWORKS[number];
    let (out, seed) = (format!("{number}.{end}"), SEED.to_string());
    let network = ["export", arch, "--space", space, "--dataset", dataset];
    nas.run(network.into_iter().chain(["--format", format, "--out", &out, "--seed", &seed]))
}

/// A network in libtorch, two images, of which one has more contrast, and its logits for them.
struct Expected {
    network: Box<dyn BuiltNetwork>,
    side: usize,
    images: Tensor,
    logits: Tensor,
}

impl Expected {
    /// Of the network as the program exports it.
    fn new(number: usize) -> Self {
        let (space, dataset, arch) = NETWORKS[number];
        let problem = spaces::problem(space, Some(dataset)).unwrap();
        let arch = problem.parse(arch).unwrap();
        let blueprint = problem.blueprint.unwrap();
        let side = blueprint.task.side;
        let networks = Networks { blueprint, seed: SEED, device: Device::Cpu };
        let images = Batch::gaussian([2, 3, side, side], number as u64).unwrap();
        let contrast = Tensor::from_slice(&[1.0_f32, 2.0]).reshape([2, 1, 1, 1]);
        Self::of(networks.build(&arch).unwrap(), side, images.images() * contrast)
    }

    fn of(network: Box<dyn BuiltNetwork>, side: usize, images: Tensor) -> Self {
        let logits = network.forward_inference(&images).unwrap();
        Self { network, side, images, logits }
    }

    /// With weights that make logits differ between images: untrained, little but the last layer's bias
    /// reaches them, and positions hardly count.
    fn lively(number: usize) -> Self {
        let Self { network, side, images, .. } = Self::new(number);
        tch::no_grad(|| {
            for (role, mut parameter) in network.parameters() {
                let places = Tensor::arange(parameter.numel() as i64, (Kind::Float, Device::Cpu));
                let wave = (places * 12.9898).sin().reshape(parameter.size()) / 2.0;
                match role {
                    // From weights of 1 and biases of 0.
                    Role::Normalisation => parameter += (&parameter + wave) * 0.75,
                    Role::Embedding => parameter *= 25.0,
                    _ => {}
                }
            }
        });
        let lively = Self::of(network, side, images);
        let [one, other] = [0, 1].map(|image| lively.logits.get(image));
        let apart = (one - other).abs().max().double_value(&[]);
        let largest = lively.logits.abs().max().double_value(&[]);
        assert!(number == NO_PATH || apart > 0.002 * largest, "{number}: {apart}, of {largest}");
        lively
    }

    fn to_onnx(&self) -> Vec<u8> {
        onnx(&*self.network, self.side, &Description::default()).unwrap()
    }

    /// The difference of an ONNX file's logits from libtorch's.
    fn difference(&self, file: &[u8]) -> f32 {
        let mut network = OnnxNetwork::new(file, 2).unwrap();
        let images = floats(&self.images);
        let found = network.logits(&images, [2, 3, self.side, self.side]).unwrap();
        difference(&found, &floats(&self.logits))
    }
}

fn floats(tensor: &Tensor) -> Vec<f32> {
    tensor.reshape(-1).try_into().unwrap()
}

/// The largest difference, which has to be at most 1e-4, and 1e-4 of the largest of what is expected.
/// Where that is above 1,000, neighbouring floats are as far apart as the absolute limit, and only the
/// other counts.
fn difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    let differences = found.iter().zip(expected).map(|(one, other)| (one - other).abs());
    let difference = differences.fold(0.0, f32::max);
    let limit = 1e-4 * if largest > 1e3 { largest } else { largest.min(1.0) };
    assert!(difference <= limit, "{difference}, of {largest}");
    difference
}

#[test]
fn onnx_runtime_computes_the_logits_of_libtorch() {
    if !nas_tests::onnx_runtime() {
        return;
    }
    let nas = Nas::without_tables(PROGRAM);
    for (number, name) in NETWORKS.iter().enumerate() {
        let ran = export(&nas, number, "onnx", "onnx");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(ran.stdout.contains("untrained"), "{}", ran.stdout);
        let file = fs::read(nas.folder().join(format!("{number}.onnx"))).unwrap();
        let untrained = Expected::new(number).difference(&file);
        let lively = Expected::lively(number);
        let (apart, most) = (lively.difference(&lively.to_onnx()), lively.logits.abs().max());
        let most = most.double_value(&[]);
        eprintln!("{name:?}: {untrained:.1e}; {apart:.1e}, of {most:.1e}");
    }
}

#[test]
fn torchscript_computes_the_logits_of_libtorch() {
    let nas = Nas::without_tables(PROGRAM);
    for number in [0, 1, 5, 8] {
        let ran = export(&nas, number, "torchscript", "pt");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let file = nas.folder().join(format!("{number}.pt"));
        let compare = |expected: &Expected| {
            let found = CModule::load(&file).unwrap().forward_ts(&[&expected.images]).unwrap();
            difference(&floats(&found), &floats(&expected.logits));
        };
        compare(&Expected::new(number));
        let lively = Expected::lively(number);
        format("torchscript")
            .unwrap()
            .write(&*lively.network, lively.side, &Description::default(), &file)
            .unwrap();
        compare(&lively);
    }
}

/// In Python: the format's checker, and exported modules with the weights of the ONNX file.
#[test]
fn files_are_valid_and_modules_compute_the_logits_of_libtorch() {
    let (Some(packages), Some(pytorch)) = (nas_tests::onnx_packages(), nas_tests::pytorch()) else {
        return;
    };
    let nas = Nas::without_tables(PROGRAM);
    let write = |name: String, tensor: &Tensor| {
        let bytes: Vec<u8> = floats(tensor).into_iter().flat_map(f32::to_le_bytes).collect();
        fs::write(nas.folder().join(name), bytes).unwrap();
    };
    let mut parameters = Vec::new();
    for number in 0..NETWORKS.len() {
        let ran = export(&nas, number, "python", "py");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let expected = Expected::lively(number);
        fs::write(nas.folder().join(format!("{number}.onnx")), expected.to_onnx()).unwrap();
        write(format!("{number}.images"), &expected.images);
        write(format!("{number}.logits"), &expected.logits);
        let counts = expected.network.parameters();
        parameters.push(counts.iter().map(|(_, one)| one.numel()).sum::<usize>());
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/check_export.py");
    let mut check = Command::new(pytorch);
    check.arg(script).env("PYTHONPATH", packages).current_dir(nas.folder());
    check.args((0..NETWORKS.len()).map(|number| format!("{number}.onnx")));
    let checked = check.output().unwrap();
    let (result, problems) =
        (String::from_utf8_lossy(&checked.stdout), String::from_utf8_lossy(&checked.stderr));
    assert!(checked.status.success(), "{problems}");
    eprintln!("{result}");
    let counted = result.lines().map(|line| line.split(' ').next().unwrap().parse().unwrap());
    assert_eq!(counted.collect::<Vec<usize>>(), parameters);
}

#[test]
fn a_file_is_written_whole_and_replaced_only_by_force() {
    let nas = Nas::without_tables(PROGRAM);
    let file = "nasbench201_cifar10_6111.onnx";
    assert_eq!(nas.run_line("export 6111 --format onnx").code, 0);
    let first = fs::read(nas.folder().join(file)).unwrap();
    let again = nas.run_line("export 6111 --format onnx --seed 1");
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
    assert!(fs::read(nas.folder().join(file)).unwrap() == first);
    assert_eq!(nas.run_line("export 6111 --format onnx --seed 1 --force").code, 0);
    assert!(fs::read(nas.folder().join(file)).unwrap() != first);
    let left: Vec<_> = fs::read_dir(nas.folder()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    for (arguments, expected) in [
        ("export 6111 --format onnx --out none/a.onnx", "there is no folder none"),
        ("export 0 --format python --space pit", "how networks of pit are built is not known"),
        ("export 15625 --format python", "15625"),
        ("latency 0 --runtime onnx --device cuda", "leave out --device"),
    ] {
        let ran = nas.run_line(arguments);
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }
}

#[test]
fn latency_in_onnx_runtime_is_printed_and_a_missing_runtime_is_an_error() {
    let nas = Nas::without_tables(PROGRAM);
    let latency = "latency 6111 --dataset ImageNet16-120 --runtime onnx";
    let ran = nas.with_variable("ORT_DYLIB_PATH", "nowhere.so", latency);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    for expected in ["there is no nowhere.so", "cargo xtask setup --onnxruntime"] {
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }
    if nas_tests::onnx_runtime() {
        assert!(nas.json(latency)[0]["latency_ms"].as_f64().unwrap() > 0.0);
    }
}
