use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Error;

/// The devices of HW-NAS-Bench (Li et al. 2021, arXiv 2103.10584), batch size 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// NVIDIA Jetson TX2, measured.
    EdgeGpu,
    /// Raspberry Pi 4, measured.
    Raspi4,
    /// Google Edge TPU (Dev Board), measured; it cannot run every NAS-Bench-201 cell.
    EdgeTpu,
    /// Google Pixel 3, measured.
    Pixel3,
    /// The Eyeriss accelerator, simulated.
    Eyeriss,
    /// Xilinx ZC706, estimated.
    Fpga,
}

/// What a device is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// Milliseconds for one input.
    Latency,
    /// Millijoules for one input.
    Energy,
}

impl Device {
    /// All six.
    pub const ALL: [Self; 6] =
        [Self::EdgeGpu, Self::Raspi4, Self::EdgeTpu, Self::Pixel3, Self::Eyeriss, Self::Fpga];

    /// The name in the benchmark's files, for example `edgegpu`.
    pub fn name(self) -> &'static str {
        match self {
            Self::EdgeGpu => "edgegpu",
            Self::Raspi4 => "raspi4",
            Self::EdgeTpu => "edgetpu",
            Self::Pixel3 => "pixel3",
            Self::Eyeriss => "eyeriss",
            Self::Fpga => "fpga",
        }
    }

    /// What it is, for people.
    pub fn description(self) -> &'static str {
        match self {
            Self::EdgeGpu => "NVIDIA Jetson TX2, measured",
            Self::Raspi4 => "Raspberry Pi 4, measured",
            Self::EdgeTpu => "Google Edge TPU, measured; cannot run every cell",
            Self::Pixel3 => "Google Pixel 3, measured",
            Self::Eyeriss => "Eyeriss accelerator, simulated",
            Self::Fpga => "Xilinx ZC706 FPGA, estimated",
        }
    }

    /// Whether the benchmark holds this metric for the device.
    pub fn has(self, metric: Metric) -> bool {
        match metric {
            Metric::Latency => true,
            Metric::Energy => matches!(self, Self::EdgeGpu | Self::Eyeriss | Self::Fpga),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Device {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|device| device.name().eq_ignore_ascii_case(name)).ok_or_else(
            || nas_space::Error::unknown_name("device", name, Self::ALL.map(Self::name)).into(),
        )
    }
}

impl Metric {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_names_read_back_and_a_near_miss_is_helped() {
        for device in Device::ALL {
            assert_eq!(device.name().parse(), Ok(device));
        }
        let message = "raspberrypi4".parse::<Device>().unwrap_err().to_string();
        assert!(message.contains("did you mean `raspi4`?"), "{message}");
    }
}
