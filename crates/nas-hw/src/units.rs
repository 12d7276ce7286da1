//! Units of latency and energy as types.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Error;

/// A duration in milliseconds.
///
/// Reads `5ms`, `350us` (or `µs`), `0.02s`; a number without its unit is refused.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub f64);

/// An energy in millijoules.
///
/// Reads `12mJ`, `300uJ` (or `µJ`), `0.5J`; a number without its unit is refused.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millijoules(pub f64);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

impl fmt::Display for Millijoules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} mJ", self.0)
    }
}

impl FromStr for Millis {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let units = [("ms", 1.0), ("us", 1e-3), ("µs", 1e-3), ("s", 1e3)];
        quantity(text, &units, "a duration of at least 0 with its unit, for example 5ms or 0.02s")
            .map(Self)
    }
}

impl FromStr for Millijoules {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let units = [("mj", 1.0), ("uj", 1e-3), ("µj", 1e-3), ("j", 1e3)];
        quantity(text, &units, "an energy of at least 0 with its unit, for example 12mJ or 0.5J")
            .map(Self)
    }
}

/// The units are tried in order, so that `s` is not taken for the end of `ms`.
fn quantity(text: &str, units: &[(&str, f64)], expected: &'static str) -> Result<f64, Error> {
    let lower = text.trim().to_lowercase();
    units
        .iter()
        .find_map(|(unit, factor)| lower.strip_suffix(unit).map(|number| (number, factor)))
        .and_then(|(number, factor)| Some(number.trim().parse::<f64>().ok()? * factor))
        .filter(|value| value.is_finite() && *value >= 0.0)
        .ok_or_else(|| Error::Quantity { text: text.to_owned(), expected })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_in_every_unit() {
        for (text, expected) in [
            ("5ms", 5.0),
            ("5 ms", 5.0),
            ("350us", 0.35),
            ("350µs", 0.35),
            ("0.02s", 20.0),
            ("1S", 1000.0),
        ] {
            approx::assert_relative_eq!(text.parse::<Millis>().unwrap().0, expected);
        }
    }

    #[test]
    fn energies_read_in_every_unit() {
        for (text, expected) in [("12mJ", 12.0), ("300uJ", 0.3), ("0.5 J", 500.0)] {
            approx::assert_relative_eq!(text.parse::<Millijoules>().unwrap().0, expected);
        }
    }

    #[test]
    fn a_quantity_without_unit_or_sense_is_refused() {
        for text in ["5", "ms", "-1ms", "NaNms", "infs", "5m", ""] {
            let message = text.parse::<Millis>().unwrap_err().to_string();
            assert!(message.contains("for example 5ms"), "{message}");
        }
    }
}
