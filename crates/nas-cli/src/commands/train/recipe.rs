//! The options of a recipe.

use std::path::PathBuf;

use nas_data::Shape;
use nas_proxy::NetworkKind;
use nas_train::{Optimizer, Recipe};

use crate::failure::Failure;

/// How a network is trained.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Recipe")]
pub struct RecipeArguments {
    #[arg(long, value_name = "N", help = help("Passes through the training part", |r| r.epochs.to_string()))]
    epochs: Option<u32>,
    #[arg(long, value_name = "N", help = help("Examples in a step", |r| r.batch.to_string()))]
    batch: Option<usize>,
    #[arg(long, value_name = "NAME", value_parser = optimizer, help = help("sgd, with Nesterov's momentum, or adamw", |r| name(r.optimizer)))]
    optimizer: Option<Optimizer>,
    #[arg(long, value_name = "RATE", help = help("The learning rate after the warm-up, from which it falls as half a cosine; the default is in proportion to --batch", |r| r.learning_rate.to_string()))]
    learning_rate: Option<f64>,
    #[arg(long, value_name = "SHARE", help = help("The share of all steps in which the learning rate rises", |r| r.warm_up.to_string()))]
    warm_up: Option<f64>,
    #[arg(long, value_name = "RATE", help = help("What weights shrink by in a step, times the learning rate", |r| r.weight_decay.to_string()))]
    weight_decay: Option<f64>,
    #[arg(long, value_name = "SHARE", help = help("The share of a label that is spread over all classes", |r| r.label_smoothing.to_string()))]
    label_smoothing: Option<f64>,
    /// Pixels by which images are moved at random at most [default: an eighth of their height]
    #[arg(long, value_name = "PIXELS")]
    crop: Option<usize>,
    #[arg(long, value_name = "true|false", help = help("Whether half of the images are mirrored, left to right", |r| r.flip.to_string()))]
    flip: Option<bool>,
    #[arg(long, value_name = "PIXELS", help = help("The side of a square that is cut out of each image", |r| r.cutout.to_string()))]
    cutout: Option<usize>,
    #[arg(long, value_name = "ALPHA", help = help("Mix images and labels by a share of Beta(α, α); 0 for none", |r| r.mixup.to_string()))]
    mixup: Option<f64>,
    #[arg(long, value_name = "SHARE", help = help("How much of the averaged weights stays in a step; 0 for no average", |r| r.averaging.to_string()))]
    averaging: Option<f64>,
    #[arg(long, value_name = "NORM", help = help("The norm that all gradients together are cut to; 0 for none", |r| r.clip.to_string()))]
    clip: Option<f64>,
    /// Let rare classes count as much as frequent ones
    #[arg(long)]
    class_weights: bool,
    /// Learn the probabilities of a teacher as well: the folder of a trained run, or a TorchScript file that
    /// takes normalised images
    #[arg(long, value_name = "RUN|FILE")]
    pub teacher: Option<PathBuf>,
    #[arg(long, value_name = "SHARE", requires = "teacher", help = help("The teacher's share of the loss", |r| r.teacher_share.to_string()))]
    teacher_share: Option<f64>,
    #[arg(long, value_name = "T", requires = "teacher", help = help("The temperature of the probabilities in it", |r| r.temperature.to_string()))]
    temperature: Option<f64>,
    #[arg(long, value_name = "SEED", help = help("The seed of weights, order and augmentation", |r| r.seed.to_string()))]
    seed: Option<u64>,
}

/// Help that ends with the default; with that of transformers where it is another.
fn help(text: &str, of: fn(&Recipe) -> String) -> String {
    let shape = Shape::Image { channels: 3, height: 32, width: 32 };
    let [common, transformer] = [NetworkKind::Convolutional, NetworkKind::Transformer]
        .map(|kind| of(&Recipe::default_for(kind, shape)));
    if common == transformer {
        return format!("{text} [default: {common}]");
    }
    format!("{text} [default: {common}; of transformers {transformer}]")
}

fn name(optimizer: Optimizer) -> String {
    match optimizer {
        Optimizer::Sgd => "sgd",
        Optimizer::Adamw => "adamw",
    }
    .to_owned()
}

fn optimizer(text: &str) -> Result<Optimizer, String> {
    let all = [Optimizer::Sgd, Optimizer::Adamw];
    let found = all.into_iter().find(|one| name(*one) == text);
    found.ok_or_else(|| "expected sgd or adamw".to_owned())
}

fn set<T: Copy>(setting: &mut T, given: Option<T>) {
    *setting = given.unwrap_or(*setting);
}

impl RecipeArguments {
    /// The recipe for a kind of network and a shape of examples.
    pub fn recipe(&self, kind: NetworkKind, shape: Shape) -> Result<Recipe, Failure> {
        let mut recipe = Recipe::default_for(kind, shape);
        if let Some(batch) = self.batch {
            recipe = recipe.with_batch(batch);
        }
        let adamw = self.optimizer.is_some_and(|one| one != recipe.optimizer);
        if adamw && self.learning_rate.is_none() {
            return Err(Failure::input(
                "--optimizer: the default learning rate is that of another optimizer: name one as well, for example --learning-rate 1e-3 of adamw or 0.1 of sgd",
            ));
        }
        set(&mut recipe.epochs, self.epochs);
        set(&mut recipe.optimizer, self.optimizer);
        set(&mut recipe.learning_rate, self.learning_rate);
        set(&mut recipe.warm_up, self.warm_up);
        set(&mut recipe.weight_decay, self.weight_decay);
        set(&mut recipe.label_smoothing, self.label_smoothing);
        set(&mut recipe.crop, self.crop);
        set(&mut recipe.flip, self.flip);
        set(&mut recipe.cutout, self.cutout);
        set(&mut recipe.mixup, self.mixup);
        set(&mut recipe.averaging, self.averaging);
        set(&mut recipe.clip, self.clip);
        set(&mut recipe.class_weights, self.class_weights.then_some(true));
        set(&mut recipe.teacher_share, self.teacher_share);
        set(&mut recipe.temperature, self.temperature);
        set(&mut recipe.seed, self.seed);
        Ok(recipe)
    }
}
