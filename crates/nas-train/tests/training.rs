//! Whole trainings of small networks on small images.

use std::sync::Arc;

use image::{Rgb, RgbImage};
use nas_data::{Dataset, Options, PartName, Survey};
use nas_net::{BuiltNetwork, NasBench201Network, Scale, Task};
use nas_proxy::NetworkKind;
use nas_space::nasbench201::from_index;
use nas_train::{Checkpoint, Error, Go, Metrics, Optimizer, Recipe, Setting, Training};
use tch::{Device, Kind, Tensor};
use tempfile::TempDir;

/// Forty images of 8×8 pixels of each of three classes: the brightest channel is the class, over noise.
fn data() -> (TempDir, Arc<Dataset>, Survey) {
    let folder = tempfile::tempdir().unwrap();
    let mut noise = 1_u32;
    for class in 0..3 {
        let of_class = folder.path().join(class.to_string());
        std::fs::create_dir(&of_class).unwrap();
        for number in 0..40 {
            let image = RgbImage::from_fn(8, 8, |_, _| {
                let mut value = || {
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (noise >> 24) as u8 / 2
                };
                let mut pixel = [value(), value(), value()];
                pixel[class] += 60;
                Rgb(pixel)
            });
            image.save(of_class.join(format!("{number}.png"))).unwrap();
        }
    }
    let data = Arc::new(Dataset::open(folder.path(), &Options::default()).unwrap());
    let survey = data.survey(1, |_| ());
    (folder, data, survey)
}

fn network() -> Box<dyn BuiltNetwork> {
    let task = Task { channels: 3, side: 8, classes: 3 };
    let scale = Scale { width: 4, cells: 1 };
    let cell = from_index(6111).unwrap();
    Box::new(NasBench201Network::scaled(&cell, scale, task, 1, Device::Cpu).unwrap())
}

fn setting<'a>(data: &Arc<Dataset>, survey: &'a Survey) -> Setting<'a> {
    let (data, device) = (Arc::clone(data), Device::Cpu);
    Setting { data, survey, device, computed_in: None, threads: 2, teacher: None }
}

fn recipe(data: &Dataset) -> Recipe {
    let recipe = Recipe::default_for(NetworkKind::Convolutional, data.shape().unwrap());
    Recipe { epochs: 4, ..recipe.with_batch(16) }
}

fn epoch(training: &mut Training) -> Metrics {
    training.epoch(&mut |_, _, _| Go::On).unwrap().unwrap()
}

/// All weights and statistics, one after the other.
fn state(network: &dyn BuiltNetwork) -> Vec<f32> {
    let flat = |one: &Tensor| Vec::<f32>::try_from(one.flatten(0, -1)).unwrap();
    network.state().unwrap().iter().flat_map(|(_, one)| flat(one)).collect()
}

#[test]
fn a_network_learns_by_either_optimizer_and_a_teacher() {
    let (_folder, data, survey) = data();
    for optimizer in [Optimizer::Sgd, Optimizer::Adamw] {
        let network = network();
        let learning_rate = if optimizer == Optimizer::Sgd { 0.05 } else { 0.01 };
        let recipe = Recipe { optimizer, learning_rate, mixup: 0.2, ..recipe(&data) };
        let mut training = Training::new(&*network, setting(&data, &survey), recipe).unwrap();
        let before = training.scores(PartName::Validation).unwrap();
        let all: Vec<Metrics> = (0..4).map(|_| epoch(&mut training)).collect();
        let last = all[3];
        assert!(last.validation.accuracy > 90.0 && before.accuracy < 70.0, "{before:?} {all:?}");
        assert!(last.loss < all[0].loss && last.learning_rate < all[1].learning_rate);
        assert_eq!((last.epoch, last.examples), (4, 96));
        assert!(last.waited < last.seconds);
    }
    // A teacher that is right teaches a network that sees no label.
    let (network, right) = (network(), |examples: &Tensor| {
        Ok(examples.mean_dim([2, 3].as_slice(), false, Kind::Float) * 50.0)
    });
    let setting = Setting { teacher: Some(&right), ..setting(&data, &survey) };
    let recipe = Recipe { teacher_share: 1.0, learning_rate: 0.02, ..recipe(&data) };
    let mut training = Training::new(&*network, setting, recipe).unwrap();
    let last = (0..4).map(|_| epoch(&mut training)).last().unwrap();
    assert!(last.validation.accuracy > 90.0, "{last:?}");
}

#[test]
fn a_training_that_goes_on_from_a_checkpoint_ends_with_the_same_weights() {
    let (_folder, data, survey) = data();
    tch::set_num_threads(1);
    for optimizer in [Optimizer::Sgd, Optimizer::Adamw] {
        let recipe = Recipe { optimizer, learning_rate: 0.01, ..recipe(&data) };
        let whole = network();
        let mut training = Training::new(&*whole, setting(&data, &survey), recipe.clone()).unwrap();
        let mut checkpoint = None;
        for number in 0..4 {
            epoch(&mut training);
            if number == 1 {
                checkpoint = Some(training.checkpoint().unwrap());
            }
        }
        training.exchange().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("checkpoint.safetensors");
        checkpoint.unwrap().write(&file).unwrap();
        let second = network();
        let mut training = Training::new(&*second, setting(&data, &survey), recipe).unwrap();
        // Of an epoch that is left nothing stays, since the checkpoint is of the epoch before.
        assert_eq!(training.epoch(&mut |_, _, _| Go::Stop).unwrap(), None);
        training.restore(&Checkpoint::read(&file).unwrap()).unwrap();
        assert_eq!(training.epochs(), 2);
        while training.epochs() < 4 {
            epoch(&mut training);
        }
        training.exchange().unwrap();
        assert_eq!(state(&*whole), state(&*second));
    }
}

#[test]
fn a_checkpoint_of_another_network_is_refused() {
    let (_folder, data, survey) = data();
    let other = network();
    let mut training = Training::new(&*other, setting(&data, &survey), recipe(&data)).unwrap();
    let mut checkpoint = training.checkpoint().unwrap();
    checkpoint.tensors[0].1 = Tensor::from_slice(&[1.0_f32; 7]);
    let error = training.restore(&checkpoint).unwrap_err();
    assert!(error.contains("weights has 7 values, expected"), "{error}");
    checkpoint.texts.clear();
    assert_eq!(training.restore(&checkpoint).unwrap_err(), "epochs is missing");
}

#[test]
fn a_loss_that_is_no_number_ends_the_training_with_advice() {
    let (_folder, data, survey) = data();
    let network = network();
    let recipe = Recipe { learning_rate: 1e20, clip: 0.0, warm_up: 0.0, ..recipe(&data) };
    let mut training = Training::new(&*network, setting(&data, &survey), recipe).unwrap();
    let mut go = |_: u64, _: u64, _: Option<f64>| Go::On;
    let error = loop {
        match training.epoch(&mut go) {
            Ok(_) => assert!(training.epochs() < 4, "the loss stayed a number"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Diverged { .. }), "{error}");
    assert!(error.to_string().contains("try a lower one, such as 1.0e19"), "{error}");
}

#[test]
fn settings_that_no_training_can_have_are_refused() {
    let (_folder, data, survey) = data();
    let network = network();
    let refused = |recipe| {
        let training = Training::new(&*network, setting(&data, &survey), recipe);
        training.map(drop).unwrap_err().to_string()
    };
    assert_eq!(refused(Recipe { epochs: 0, ..recipe(&data) }), "epochs 0: expected at least 1");
    let error = refused(Recipe { learning_rate: f64::NAN, ..recipe(&data) });
    assert_eq!(error, "learning-rate NaN: expected more than 0");
    assert!(refused(Recipe { averaging: 1.0, ..recipe(&data) }).starts_with("averaging 1"));
}
