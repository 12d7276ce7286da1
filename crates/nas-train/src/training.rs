//! The training loop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nas_data::{Dataset, Epoch, PartName, Survey};
use nas_net::BuiltNetwork;
use nas_proxy::Role;
use tch::{Device, Kind, Tensor};

use crate::Error;
use crate::batch::Normalisation;
use crate::checkpoint::Checkpoint;
use crate::flat::Flat;
use crate::loss::{Mixed, distillation};
use crate::optimizer::Steps;
use crate::recipe::Recipe;

/// A network whose probabilities another one learns: logits of shape (count, classes) for normalised
/// examples.
pub type Teacher<'a> = &'a dyn Fn(&Tensor) -> Result<Tensor, Error>;

/// Where and from what a network is trained.
pub struct Setting<'a> {
    /// Examples and classes.
    pub data: Arc<Dataset>,
    /// Its means and deviations.
    pub survey: &'a Survey,
    /// Where it is trained: that of the network's weights.
    pub device: Device,
    /// The type of convolutions and linear layers, where it is another than that of the weights.
    pub computed_in: Option<Kind>,
    /// Threads that make batches.
    pub threads: usize,
    /// The teacher, if there is one.
    pub teacher: Option<Teacher<'a>>,
}

impl Setting<'_> {
    /// How good a network is on a part.
    ///
    /// # Errors
    /// Files that cannot be read, and failures of libtorch.
    pub fn scores(
        &self,
        network: &dyn BuiltNetwork,
        batch: usize,
        part: PartName,
    ) -> Result<Scores, Error> {
        self.scores_by(batch, part, &mut |examples| Ok(network.forward_inference(examples)?))
    }

    /// How good logits are on a part: of shape (count, classes), for normalised examples, of which there are at
    /// most 2 · `batch` at once.
    ///
    /// # Errors
    /// Files that cannot be read, failures of libtorch, and those of `logits`.
    pub fn scores_by(
        &self,
        batch: usize,
        part: PartName,
        logits: &mut dyn FnMut(&Tensor) -> Result<Tensor, Error>,
    ) -> Result<Scores, Error> {
        let normalisation = Normalisation::of(self.survey, self.data.shape()?, self.device)?;
        let (mut loss, mut right, mut count) = (0.0, 0.0, 0.0);
        for batch in self.data.in_order(part, 2 * batch, self.threads)? {
            let batch = batch?;
            let labels = normalisation.labels(&batch)?;
            let logits = logits(&normalisation.examples(&batch)?)?;
            let sum = tch::Reduction::Sum;
            let of = logits.f_cross_entropy_loss(&labels, None::<&Tensor>, sum, -100, 0.0)?;
            loss += of.f_double_value(&[])?;
            let is_right = logits.f_argmax(1, false)?.f_eq_tensor(&labels)?;
            right += is_right.f_sum(Kind::Float)?.f_double_value(&[])?;
            count += batch.labels.len() as f64;
        }
        Ok(Scores { loss: loss / count, accuracy: 100.0 * right / count })
    }
}

/// What came of an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metrics {
    /// Its number, from 1.
    pub epoch: u32,
    /// The learning rate of its last step.
    pub learning_rate: f64,
    /// The mean loss of its steps.
    pub loss: f64,
    /// Of the validation part, with the averaged weights where weights are averaged.
    pub validation: Scores,
    /// Seconds of the steps.
    pub seconds: f64,
    /// Seconds of these in which no batch was ready.
    pub waited: f64,
    /// Examples of the steps.
    pub examples: usize,
}

/// How good a network is on a part of the data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scores {
    /// The mean cross-entropy, in nats.
    pub loss: f64,
    /// The share of examples whose class is predicted, in percent.
    pub accuracy: f64,
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Go {
    /// With the next step.
    On,
    /// No further: the epoch is left.
    Stop,
}

/// A network in training.
pub struct Training<'a> {
    network: &'a dyn BuiltNetwork,
    setting: Setting<'a>,
    recipe: Recipe,
    normalisation: Normalisation,
    class_weights: Option<Tensor>,
    parameters: Vec<Tensor>,
    weights: Flat,
    /// Running statistics of normalisations.
    statistics: Flat,
    /// Averages of weights and statistics.
    averages: Option<[Tensor; 2]>,
    steps: Steps,
    /// Epochs so far.
    epochs: u32,
}

/// Steps between looks at the loss on a GPU, where a look waits for it.
const LOOKS: u64 = 20;

impl<'a> Training<'a> {
    /// A network before its first epoch. Its weights are changed in place.
    ///
    /// # Errors
    /// [`Error::Recipe`] for settings that no training can have, [`nas_data::Error::Sizes`], and failures of
    /// libtorch.
    pub fn new(
        network: &'a dyn BuiltNetwork,
        setting: Setting<'a>,
        recipe: Recipe,
    ) -> Result<Self, Error> {
        recipe.check()?;
        let shape = setting.data.shape()?;
        let normalisation = Normalisation::of(setting.survey, shape, setting.device)?;
        let (mut parameters, mut decays) = (Vec::new(), Vec::new());
        for (role, parameter) in network.parameters() {
            let decay = if matches!(role, Role::Weight | Role::Attention) { 1.0 } else { 0.0 };
            decays.push(parameter.f_full_like(decay)?.detach());
            parameters.push(parameter);
        }
        let state = network.state()?;
        let statistics: Vec<Tensor> = state
            .into_iter()
            .filter(|(_, tensor)| !tensor.requires_grad())
            .map(|(_, tensor)| tensor)
            .collect();
        let (weights, statistics) = (Flat::of(&parameters)?, Flat::of(&statistics)?);
        let decays = weights.joined(&decays)?;
        let averages = if recipe.averaging > 0.0 {
            Some([weights.values.f_detach_copy()?, statistics.values.f_detach_copy()?])
        } else {
            None
        };
        let class_weights = if recipe.class_weights {
            Some(class_weights(&setting.data)?.f_to_device(setting.device)?)
        } else {
            None
        };
        let steps = Steps::new(&recipe, &decays)?;
        Ok(Self {
            network,
            setting,
            recipe,
            normalisation,
            class_weights,
            parameters,
            weights,
            statistics,
            averages,
            steps,
            epochs: 0,
        })
    }

    /// Epochs so far.
    pub fn epochs(&self) -> u32 {
        self.epochs
    }

    /// Steps of an epoch.
    pub fn steps(&self) -> u64 {
        let examples = self.setting.data.count(PartName::Train);
        (examples / self.recipe.batch).max(1) as u64
    }

    /// All that the next epoch depends on, after whole epochs.
    ///
    /// # Errors
    /// Failures of libtorch.
    pub fn checkpoint(&self) -> Result<Checkpoint, Error> {
        let mut tensors: Vec<(String, Tensor)> = Vec::new();
        for (name, tensor) in self.state() {
            tensors.push((name, tensor.f_detach_copy()?));
        }
        let texts = [("epochs", u64::from(self.epochs)), ("steps", self.steps.count)];
        let texts = texts.map(|(name, number)| (name.to_owned(), number.to_string()));
        Ok(Checkpoint { tensors, texts: texts.into() })
    }

    /// Goes on from a checkpoint of the same network, data and recipe.
    ///
    /// # Errors
    /// What is missing in it or of another length.
    pub fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), String> {
        let number = |name: &str| -> Result<u64, String> {
            let text = checkpoint.texts.get(name).ok_or_else(|| format!("{name} is missing"))?;
            text.parse().map_err(|_| format!("{name} is {text}, expected a number"))
        };
        let (epochs, steps) = (number("epochs")?, number("steps")?);
        let epochs = u32::try_from(epochs).map_err(|_| format!("{epochs} epochs are too many"))?;
        for (name, mut tensor) in self.state() {
            let found = checkpoint.tensor(&name).ok_or_else(|| format!("{name} is missing"))?;
            if found.size() != tensor.size() {
                let (found, expected) = (found.numel(), tensor.numel());
                return Err(format!("{name} has {found} values, expected {expected}"));
            }
            tch::no_grad(|| tensor.f_copy_(found)).map_err(|error| error.to_string())?;
        }
        (self.epochs, self.steps.count) = (epochs, steps);
        Ok(())
    }

    /// The vectors that training changes.
    fn state(&self) -> Vec<(String, Tensor)> {
        let mut all = vec![
            ("weights".to_owned(), self.weights.values.shallow_clone()),
            ("statistics".to_owned(), self.statistics.values.shallow_clone()),
        ];
        for (number, moment) in self.steps.moments.iter().enumerate() {
            all.push((format!("moments{number}"), moment.shallow_clone()));
        }
        for (name, average) in ["weights", "statistics"].iter().zip(self.averages.iter().flatten())
        {
            all.push((format!("averaged_{name}"), average.shallow_clone()));
        }
        all
    }

    /// The network's weights and statistics by name, averaged where weights are averaged.
    ///
    /// # Errors
    /// Failures of libtorch.
    pub fn weights(&mut self) -> Result<Checkpoint, Error> {
        self.exchange()?;
        let weights = Checkpoint::of(self.network);
        self.exchange()?;
        weights
    }

    /// Trains for an epoch; `None` if `look` stopped it, which is called with the number of steps done and of all,
    /// and the loss where it is known.
    ///
    /// # Errors
    /// [`Error::Diverged`], files that cannot be read, and failures of libtorch.
    pub fn epoch(
        &mut self,
        look: &mut dyn FnMut(u64, u64, Option<f64>) -> Go,
    ) -> Result<Option<Metrics>, Error> {
        let recipe = &self.recipe;
        let order = Epoch {
            batch: recipe.batch,
            number: u64::from(self.epochs),
            seed: recipe.seed,
            augmentation: recipe.augmentation(),
            threads: self.setting.threads,
        };
        let mut batches = self.setting.data.shuffled(order)?;
        let (begun, mut waited, mut examples) = (Instant::now(), Duration::ZERO, 0);
        let each = batches.len() as u64;
        let all = each * u64::from(recipe.epochs);
        let mut losses = Tensor::f_zeros(1, (Kind::Float, self.setting.device))?;
        let mut learning_rate = 0.0;
        for step in 1..=each {
            let before = Instant::now();
            let Some(batch) = batches.next() else { break };
            let batch = batch?;
            waited += before.elapsed();
            examples += batch.labels.len();
            learning_rate = self.recipe.learning_rate_at(self.steps.count, all);
            let loss = self.step(&batch, learning_rate)?;
            let _ = losses.f_add_(&loss)?;
            let is_seen = self.setting.device == Device::Cpu || step % LOOKS == 0 || step == each;
            let loss = is_seen.then(|| loss.f_double_value(&[])).transpose()?;
            if loss.is_some_and(|loss| !loss.is_finite()) {
                let (epoch, peak) = (self.epochs + 1, self.recipe.learning_rate);
                return Err(Error::Diverged { epoch, learning_rate, peak });
            }
            if look(step, each, loss) == Go::Stop {
                return Ok(None);
            }
        }
        self.epochs += 1;
        let seconds = begun.elapsed().as_secs_f64();
        let validation = self.scores(PartName::Validation)?;
        Ok(Some(Metrics {
            epoch: self.epochs,
            learning_rate,
            loss: losses.f_double_value(&[0])? / each as f64,
            validation,
            seconds,
            waited: waited.as_secs_f64(),
            examples,
        }))
    }

    /// A step; returns the loss, a tensor without dimensions.
    fn step(&mut self, batch: &nas_data::Batch, learning_rate: f64) -> Result<Tensor, Error> {
        let recipe = &self.recipe;
        let examples = self.normalisation.examples(batch)?;
        let labels = self.normalisation.labels(batch)?;
        let mixed = Mixed::of(examples, labels, recipe, self.steps.count)?;
        let logits = self.network.forward_training(&mixed.examples, self.setting.computed_in)?;
        let weights = self.class_weights.as_ref();
        let mut loss = mixed.cross_entropy(&logits, weights, recipe.label_smoothing)?;
        if let Some(teacher) = self.setting.teacher {
            let theirs = tch::no_grad(|| teacher(&mixed.examples))?;
            let share = recipe.teacher_share;
            let divergence = distillation(&logits, &theirs, recipe.temperature)?;
            loss = loss.f_mul_scalar(1.0 - share)?.f_add(&divergence.f_mul_scalar(share)?)?;
        }
        let gradients = Tensor::f_run_backward(&[&loss], &self.parameters, false, false)?;
        tch::no_grad(|| -> Result<(), Error> {
            let gradients = self.weights.joined(&gradients)?;
            self.steps.step(&mut self.weights.values, &gradients, learning_rate)?;
            if let Some(averages) = &mut self.averages {
                // In the first steps the average is of few.
                let steps = self.steps.count as f64;
                let kept = self.recipe.averaging.min(steps / (steps + 10.0));
                let now = [&self.weights.values, &self.statistics.values];
                for (average, now) in averages.iter_mut().zip(now) {
                    let _ = average.f_lerp_(now, 1.0 - kept)?;
                }
            }
            Ok(())
        })?;
        Ok(loss.detach())
    }

    /// How good the network is on a part, with the averaged weights where weights are averaged.
    ///
    /// # Errors
    /// Files that cannot be read, and failures of libtorch.
    pub fn scores(&mut self, part: PartName) -> Result<Scores, Error> {
        self.exchange()?;
        let scores = self.setting.scores(self.network, self.recipe.batch, part);
        self.exchange()?;
        scores
    }

    /// Exchanges the weights and statistics with their averages, if there are any.
    pub fn exchange(&mut self) -> Result<(), Error> {
        let Some(averages) = &mut self.averages else { return Ok(()) };
        let now = [&mut self.weights.values, &mut self.statistics.values];
        tch::no_grad(|| {
            for (average, now) in averages.iter_mut().zip(now) {
                let kept = now.f_detach_copy()?;
                now.f_copy_(average)?;
                average.f_copy_(&kept)?;
            }
            Ok(())
        })
    }
}

/// The weight of each class: its examples' share of a mean class, inverted.
fn class_weights(data: &Dataset) -> Result<Tensor, Error> {
    let counts = data.counts(PartName::Train);
    let mean = counts.iter().sum::<usize>() as f64 / counts.len() as f64;
    let weights: Vec<f32> = counts.iter().map(|count| (mean / *count as f64) as f32).collect();
    Ok(Tensor::f_from_slice(&weights)?)
}
