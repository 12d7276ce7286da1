//! Devices and metrics as data.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A device on which networks were measured, simulated or estimated.
///
/// A benchmark lists its own devices; no code names one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Short name, as in `--device` and in file names, for example `raspi4`.
    pub name: String,
    /// What it is, for example `Raspberry Pi 4`.
    pub description: String,
    /// How its numbers were obtained.
    pub origin: Origin,
}

/// How a device's numbers were obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// On the device itself.
    Measured,
    /// By a simulator of the device.
    Simulated,
    /// By a formula, for example from a synthesis report.
    Estimated,
}

/// A cost of running a network on a device, for one input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// Time in milliseconds.
    Latency,
    /// Energy in millijoules.
    Energy,
}

impl Origin {
    /// In a word, for example `measured`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Simulated => "simulated",
            Self::Estimated => "estimated",
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

impl Metric {
    /// All metrics.
    pub const ALL: [Self; 2] = [Self::Latency, Self::Energy];

    /// The unit's symbol: `ms` or `mJ`.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Latency => "ms",
            Self::Energy => "mJ",
        }
    }

    /// `latency` or `energy`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Energy => "energy",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
