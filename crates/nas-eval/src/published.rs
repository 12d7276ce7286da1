//! What a benchmark published of a space's networks.

use nas_hw::Metric;
use nas_search::Objective;
use nas_space::Arch;

use crate::{Error, Source};

/// What was published of a space's networks, opened.
pub trait Published: Send + Sync {
    /// The accuracies that a search may see.
    ///
    /// # Errors
    /// Those of the benchmark.
    fn accuracies(&self) -> Result<PublishedAccuracies, Error>;

    /// Test accuracy in % of all architectures, by the benchmark's numbers: what scores a final
    /// front.
    ///
    /// # Errors
    /// Those of the benchmark.
    fn test_accuracies(&self) -> Result<Option<Vec<f64>>, Error> {
        Ok(None)
    }

    /// Latency or energy on a device; absent where the device cannot run the network.
    ///
    /// # Errors
    /// [`nas_bench::Error::NoDevice`], which lists the devices that it was published for.
    fn cost(&self, device: &str, metric: Metric) -> Result<Box<dyn Source + Send>, Error>;
}

/// The accuracies that a benchmark published.
pub enum PublishedAccuracies {
    /// None.
    None,
    /// Those of some networks, in %.
    OfSome {
        /// The networks with their accuracies.
        trained: Vec<(Arch, f64)>,
        /// What the accuracies are, in words.
        from: String,
    },
    /// Those of all networks, in %, by the benchmark's numbers.
    OfAll {
        /// The objective's name, which names the split.
        objective: &'static str,
        /// The accuracies.
        accuracies: Vec<f64>,
        /// What the accuracies are, in words.
        from: String,
    },
}

/// Latency in ms or energy in mJ; less is better.
pub fn cost_objective(metric: Metric) -> Objective {
    match metric {
        Metric::Latency => Objective::latency(),
        Metric::Energy => Objective::energy(),
    }
}
