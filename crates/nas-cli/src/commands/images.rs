//! The images that proxies are computed on.

#[cfg(feature = "torch")]
use std::path::PathBuf;

#[cfg(feature = "torch")]
use nas_eval::{Problem, live::Blueprint};
#[cfg(feature = "torch")]
use nas_net::Task;
#[cfg(feature = "torch")]
use nas_proxy::{Batch, Selection};
#[cfg(feature = "torch")]
use tch::Device;

#[cfg(feature = "torch")]
use crate::failure::Failure;

/// The batch of images that proxies are computed on.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Zero-cost proxies")]
pub struct ProxyArguments {
    /// Images in a batch [default: 64; 8 of 224×224 pixels]
    #[cfg(feature = "torch")]
    #[arg(long, value_name = "N")]
    pub batch: Option<usize>,
    /// A file of images: CIFAR in its binary format, or ImageNet as 64×64 planes [default: Gaussian noise
    /// with random labels, from the seed]
    #[cfg(feature = "torch")]
    #[arg(long, value_name = "FILE")]
    pub images: Option<PathBuf>,
}

/// No proxy gains from more images, and a typing error does not fill the memory.
#[cfg(feature = "torch")]
const MOST_IMAGES: usize = 65_536;

/// How a problem's networks are built.
#[cfg(feature = "torch")]
pub fn blueprint(problem: &Problem) -> Result<&Blueprint, Failure> {
    problem.blueprint.as_ref().ok_or_else(|| {
        Failure::input(format!(
            "how networks of {} are built is not known: name another --space{}",
            problem.space.name(),
            with_networks()
        ))
    })
}

/// The known spaces with networks, as the end of a sentence.
#[cfg(feature = "torch")]
fn with_networks() -> String {
    let known = nas_eval::spaces::ALL.iter();
    let names = known.filter(|known| known.blueprint(known.default_dataset()).is_some());
    let names: Vec<&str> = names.map(|known| known.space().name()).collect();
    format!(", one of {}", names.join(", "))
}

#[cfg(feature = "torch")]
impl ProxyArguments {
    /// The batch with labels, on the device where proxies are computed.
    pub fn images(&self, problem: &Problem, seed: u64, device: Device) -> Result<Batch, Failure> {
        let blueprint = blueprint(problem)?;
        let Task { channels, side, classes } = blueprint.task;
        let count = self.batch.unwrap_or(blueprint.batch);
        if !(2..=MOST_IMAGES).contains(&count) {
            return Err(Failure::input(format!(
                "--batch {count}: expected 2 to {MOST_IMAGES}, since proxies compare the images of a batch"
            )));
        }
        let batch = match &self.images {
            None => Batch::gaussian([count, channels, side, side], seed)?,
            Some(file) => {
                let images = blueprint.images(file, Selection::Random { count, seed });
                images.ok_or_else(|| {
                    Failure::input(format!(
                        "--images {}: no format of files with images of {} is known: leave it out for Gaussian noise",
                        file.display(),
                        problem.dataset_name.unwrap_or("this data set")
                    ))
                })??
            }
        };
        let batch = match batch.labels() {
            Some(_) => batch,
            None => batch.with_random_labels(classes, seed)?,
        };
        Ok(batch.to_device(device)?)
    }
}
