use std::{collections::BTreeMap, fmt, path::Path};

use nas_hw::{Device, Metric};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
};

use crate::Error;

/// Blocks in each look-up table.
pub(crate) const BLOCKS: usize = 225;

/// Costs of all blocks on one device, in the order of [`Lookup::blocks`]. Milliseconds or
/// millijoules.
pub(crate) struct Column {
    pub(crate) device: Device,
    pub(crate) metric: Metric,
    pub(crate) values: Vec<f64>,
}

/// The look-up tables of FBNet.
pub(crate) struct Lookup {
    /// Block names, sorted.
    pub(crate) blocks: Vec<String>,
    pub(crate) columns: Vec<Column>,
}

/// Reads `fbnet_cached_metrics.json`: HW-NAS-Bench's FBNet tables (arXiv 2103.10584), an object
/// `<device>_<metric>` from block names to costs for every device but the Edge TPU.
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Lookup, Error> {
    parse_blocks(path, bytes, BLOCKS)
}

fn parse_blocks(path: &Path, bytes: &[u8], expected: usize) -> Result<Lookup, Error> {
    let malformed = |problem: String| Error::Malformed { file: path.to_owned(), line: 0, problem };
    let Tables(tables) = serde_json::from_slice(bytes).map_err(|error| Error::Malformed {
        file: path.to_owned(),
        line: error.line() as u64,
        problem: error.to_string(),
    })?;
    let mut blocks: Option<Vec<String>> = None;
    let mut columns = Vec::new();
    for metric in [Metric::Latency, Metric::Energy] {
        let devices = Device::ALL.into_iter().filter(|device| *device != Device::EdgeTpu);
        for device in devices.filter(|device| device.has(metric)) {
            let name = format!("{device}_{}", metric.name());
            let Some(Costs(costs)) = tables.get(&name) else {
                return Err(malformed(format!("no `{name}`, expected a table of that name")));
            };
            let names: Vec<String> = costs.keys().cloned().collect();
            if names.len() != expected {
                return Err(malformed(format!(
                    "`{name}`: {} blocks, expected {expected}",
                    names.len()
                )));
            }
            if blocks.get_or_insert_with(|| names.clone()) != &names {
                return Err(malformed(format!("`{name}`: other blocks than the tables before")));
            }
            if let Some((block, cost)) = costs.iter().find(|(_, cost)| **cost < 0.0) {
                return Err(malformed(format!(
                    "`{name}`, `{block}`: {cost}, expected a number of at least 0"
                )));
            }
            columns.push(Column { device, metric, values: costs.values().copied().collect() });
        }
    }
    Ok(Lookup { blocks: blocks.unwrap_or_default(), columns })
}

/// The cost tables of the file by name; its other entries are passed over.
struct Tables(BTreeMap<String, Costs>);

/// Block names and costs. JSON has no infinite numbers, so all are finite.
struct Costs(BTreeMap<String, f64>);

impl<'de> Deserialize<'de> for Tables {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Tables;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of cost tables")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tables, A::Error> {
                let mut tables = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    if !(name.ends_with("_latency") || name.ends_with("_energy")) {
                        map.next_value::<IgnoredAny>()?;
                    } else if tables.insert(name.clone(), map.next_value()?).is_some() {
                        return Err(A::Error::custom(format!("table `{name}` is there twice")));
                    }
                }
                Ok(Tables(tables))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

impl<'de> Deserialize<'de> for Costs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Costs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object from block names to costs")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Costs, A::Error> {
                let mut costs = BTreeMap::new();
                while let Some((block, cost)) = map.next_entry::<String, f64>()? {
                    if costs.insert(block.clone(), cost).is_some() {
                        return Err(A::Error::custom(format!("block `{block}` is there twice")));
                    }
                }
                Ok(Costs(costs))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: [&str; 8] = [
        "edgegpu_latency",
        "edgegpu_energy",
        "raspi4_latency",
        "pixel3_latency",
        "eyeriss_latency",
        "eyeriss_energy",
        "fpga_latency",
        "fpga_energy",
    ];

    fn file(costs: impl Fn(&str) -> &'static str) -> String {
        let tables: Vec<String> =
            TABLES.iter().map(|name| format!("\"{name}\": {}", costs(name))).collect();
        format!("{{\"devices\": [\"edgegpu\"],\n{}}}", tables.join(",\n"))
    }

    #[test]
    fn blocks_are_sorted_and_costs_follow_them() {
        let text = file(|name| match name {
            "fpga_energy" => r#"{"Skip": 0, "Conv": 2}"#,
            _ => r#"{"Conv": 1.5, "Skip": 0.25}"#,
        });
        let lookup = parse_blocks(Path::new("f.json"), text.as_bytes(), 2).unwrap();
        assert_eq!(lookup.blocks, ["Conv", "Skip"]);
        assert_eq!(lookup.columns.len(), 8);
        let last = lookup.columns.last().unwrap();
        assert_eq!((last.device, last.metric), (Device::Fpga, Metric::Energy));
        assert_eq!(last.values, [2.0, 0.0]);
    }

    #[test]
    fn faults_name_the_table_and_the_block() {
        let check = |bad: &'static str, expected: &str| {
            let text = file(|name| match name {
                "raspi4_latency" => bad,
                _ => r#"{"Conv": 1.5, "Skip": 0.25}"#,
            });
            let result = parse_blocks(Path::new("f.json"), text.as_bytes(), 2);
            let message = result.err().unwrap().to_string();
            assert!(message.contains(expected), "{message}");
        };
        check(r#"{"Conv": 1}"#, "`raspi4_latency`: 1 blocks, expected 2");
        check(r#"{"Conv": 1, "Skip": 1, "Conv": 2}"#, "f.json:4: block `Conv` is there twice");
        check(r#"{"Conv": 1, "Jump": 1}"#, "`raspi4_latency`: other blocks");
        check(r#"{"Conv": 1, "Skip": -1}"#, "`raspi4_latency`, `Skip`: -1, expected");
        check(r#"{"Conv": 1, "Skip": NaN}"#, "f.json:4: ");
        check(r#"{"Conv": 1, "Skip": null}"#, "expected f64");
    }
}
