//! The device that networks are for: this machine, or one with published costs.

use nas_bench::Manifest;
use nas_eval::Problem;
use nas_hw::Device;

use crate::failure::Failure;

/// The device that a network is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// This machine's processor, measured.
    Host,
    /// A GPU of this machine, measured.
    Cuda(usize),
    /// A device with published costs, by its name.
    Published(String),
}

/// All devices with published costs.
fn devices() -> &'static [Device] {
    Manifest::embedded().map_or(&[], Manifest::all_devices)
}

/// The names of all devices with published costs.
fn names() -> impl Iterator<Item = &'static str> {
    devices().iter().map(|device| device.name.as_str())
}

/// What `--device` takes, as help.
pub fn device_help() -> String {
    let names: Vec<&str> = names().collect();
    format!(
        "The device that networks are for. host measures on this machine's processor, cuda or \
         cuda:N on its GPU. Devices with published costs: {}",
        names.join(", ")
    )
}

/// Reads the name of a device with published costs; for clap.
pub fn parse_published(name: &str) -> Result<String, String> {
    known(name, names())
}

fn known(name: &str, all: impl Iterator<Item = &'static str>) -> Result<String, String> {
    let found = names().find(|known| known.eq_ignore_ascii_case(name));
    let unknown = || nas_space::Error::unknown_name("device", name, all).to_string();
    found.map(str::to_owned).ok_or_else(unknown)
}

impl Target {
    /// Reads `host`, `cuda`, `cuda:N` or a device's name; for clap.
    pub fn parse(name: &str) -> Result<Self, String> {
        match name.strip_prefix("cuda") {
            _ if name == "host" => return Ok(Self::Host),
            Some("") => return Ok(Self::Cuda(0)),
            Some(number) => {
                if let Some(Ok(number)) = number.strip_prefix(':').map(str::parse) {
                    return Ok(Self::Cuda(number));
                }
            }
            None => {}
        }
        known(name, ["host", "cuda"].into_iter().chain(names())).map(Self::Published)
    }

    /// The name, which may be part of a file's name.
    pub fn name(&self) -> String {
        match self {
            Self::Host => "host".to_owned(),
            Self::Cuda(number) => format!("cuda{number}"),
            Self::Published(name) => name.clone(),
        }
    }

    /// The number of this machine's GPU.
    pub fn gpu(&self) -> Option<usize> {
        match self {
            Self::Cuda(number) => Some(*number),
            Self::Host | Self::Published(_) => None,
        }
    }

    /// The device whose costs were published.
    pub fn published(&self) -> Option<&str> {
        match self {
            Self::Published(name) => Some(name),
            Self::Host | Self::Cuda(_) => None,
        }
    }
}

/// Refuses a device without published costs of the space's networks.
pub fn check_published(problem: &Problem, device: &str) -> Result<(), Failure> {
    let devices = problem.devices()?;
    if devices.iter().any(|known| known.name == device) {
        return Ok(());
    }
    let known: Vec<&str> = devices.iter().map(|known| known.name.as_str()).collect();
    let known = match known[..] {
        [] => String::new(),
        _ => format!(", only for {}", known.join(", ")),
    };
    let measured =
        if problem.has_networks() { "measure on this machine with --device host, or " } else { "" };
    Err(Failure::input(format!(
        "no costs of {} were published for {device}{known}: {measured}name your own table with --latency-table",
        problem.title
    )))
}
