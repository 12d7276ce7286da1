//! The data sets of the benchmark.

use std::{fmt, str::FromStr};

use crate::{Error, Task};

/// The data sets of NAS-Bench-201.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dataset {
    /// CIFAR-10: 32×32 images, 10 classes.
    Cifar10,
    /// CIFAR-100: 32×32 images, 100 classes.
    Cifar100,
    /// ImageNet16-120: 16×16 images, 120 classes.
    ImageNet16_120,
}

impl Dataset {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Cifar10, Self::Cifar100, Self::ImageNet16_120];

    /// The name in the benchmark's files: `cifar10`, `cifar100`, `ImageNet16-120`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cifar10 => "cifar10",
            Self::Cifar100 => "cifar100",
            Self::ImageNet16_120 => "ImageNet16-120",
        }
    }

    /// The number of classes.
    pub fn classes(self) -> usize {
        match self {
            Self::Cifar10 => 10,
            Self::Cifar100 => 100,
            Self::ImageNet16_120 => 120,
        }
    }

    /// Height and width of an image, in pixels.
    pub fn image_size(self) -> usize {
        match self {
            Self::Cifar10 | Self::Cifar100 => 32,
            Self::ImageNet16_120 => 16,
        }
    }
}

impl From<Dataset> for Task {
    fn from(dataset: Dataset) -> Self {
        Self { channels: 3, side: dataset.image_size(), classes: dataset.classes() }
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Dataset {
    type Err = Error;

    /// Reads a name; upper and lower case are the same.
    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|dataset| dataset.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| Error::unknown_name("data set", name, Self::ALL.map(Self::name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dataset_names_read_back_in_any_case() {
        for dataset in Dataset::ALL {
            assert_eq!(dataset.name().to_lowercase().parse(), Ok(dataset));
        }
        let message = "cifar11".parse::<Dataset>().unwrap_err().to_string();
        assert!(message.contains("did you mean `cifar10`?"), "{message}");
    }
}
