//! Reader of FBNet's look-up tables.

use std::{collections::BTreeMap, fmt, path::Path};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
};

use crate::{Error, manifest::CostColumn};

/// Blocks in each look-up table.
pub(crate) const BLOCKS: usize = 225;

/// The look-up tables of FBNet.
pub(crate) struct Lookup {
    /// Block names, sorted.
    pub(crate) blocks: Vec<String>,
    /// For each column the costs of all blocks, in the metric's unit.
    pub(crate) columns: Vec<Vec<f64>>,
}

/// Reads a file such as `fbnet_cached_metrics.json`: HW-NAS-Bench's FBNet tables (arXiv 2103.10584),
/// for each column an object from block names to costs.
pub(crate) fn parse(path: &Path, bytes: &[u8], columns: &[CostColumn]) -> Result<Lookup, Error> {
    parse_blocks(path, bytes, columns, BLOCKS)
}

fn parse_blocks(
    path: &Path,
    bytes: &[u8],
    wanted: &[CostColumn],
    expected: usize,
) -> Result<Lookup, Error> {
    let malformed = |problem: String| Error::Malformed { file: path.to_owned(), line: 0, problem };
    let tables = tables(bytes, wanted).map_err(|error| Error::Malformed {
        file: path.to_owned(),
        line: error.line() as u64,
        problem: error.to_string(),
    })?;
    let mut blocks: Option<Vec<String>> = None;
    let mut columns = Vec::new();
    for CostColumn { column: name, .. } in wanted {
        let Some(Costs(costs)) = tables.get(name) else {
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
        columns.push(costs.values().copied().collect());
    }
    Ok(Lookup { blocks: blocks.unwrap_or_default(), columns })
}

/// The wanted tables of the file by name; its other entries are skipped.
fn tables(
    bytes: &[u8],
    wanted: &[CostColumn],
) -> Result<BTreeMap<String, Costs>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let tables = deserializer.deserialize_map(Tables(wanted))?;
    deserializer.end()?;
    Ok(tables)
}

struct Tables<'a>(&'a [CostColumn]);

impl<'de> Visitor<'de> for Tables<'_> {
    type Value = BTreeMap<String, Costs>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of cost tables")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut tables = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if self.0.iter().all(|column| column.column != name) {
                map.next_value::<IgnoredAny>()?;
            } else if tables.insert(name.clone(), map.next_value()?).is_some() {
                return Err(A::Error::custom(format!("table `{name}` is there twice")));
            }
        }
        Ok(tables)
    }
}

/// Block names and costs. JSON has no infinite numbers, so all are finite.
struct Costs(BTreeMap<String, f64>);

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
    use nas_hw::Metric;

    use super::*;

    const TABLES: [&str; 2] = ["fpga_energy", "raspi4_latency"];

    fn columns() -> Vec<CostColumn> {
        let column = |(name, metric): (&str, Metric)| CostColumn {
            column: name.to_owned(),
            device: name.split('_').next().unwrap().to_owned(),
            metric,
            absent: None,
        };
        TABLES.into_iter().zip([Metric::Energy, Metric::Latency]).map(column).collect()
    }

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
        let lookup = parse_blocks(Path::new("f.json"), text.as_bytes(), &columns(), 2).unwrap();
        assert_eq!(lookup.blocks, ["Conv", "Skip"]);
        assert_eq!(lookup.columns, [[2.0, 0.0], [1.5, 0.25]]);
    }

    #[test]
    fn faults_name_the_table_and_the_block() {
        let check = |bad: &'static str, expected: &str| {
            let text = file(|name| match name {
                "raspi4_latency" => bad,
                _ => r#"{"Conv": 1.5, "Skip": 0.25}"#,
            });
            let result = parse_blocks(Path::new("f.json"), text.as_bytes(), &columns(), 2);
            let message = result.err().unwrap().to_string();
            assert!(message.contains(expected), "{message}");
        };
        check(r#"{"Conv": 1}"#, "`raspi4_latency`: 1 blocks, expected 2");
        check(r#"{"Conv": 1, "Skip": 1, "Conv": 2}"#, "f.json:3: block `Conv` is there twice");
        check(r#"{"Conv": 1, "Jump": 1}"#, "`raspi4_latency`: other blocks");
        check(r#"{"Conv": 1, "Skip": -1}"#, "`raspi4_latency`, `Skip`: -1, expected");
        check(r#"{"Conv": 1, "Skip": NaN}"#, "f.json:3: ");
        check(r#"{"Conv": 1, "Skip": null}"#, "expected f64");
    }
}
