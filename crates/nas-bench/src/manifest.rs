//! The manifest: which files are published where, and what their columns are.

use std::{collections::HashSet, fmt, path::PathBuf, sync::LazyLock};

use nas_hw::{Device, Metric};
use serde::Deserialize;

use crate::Error;

const EMBEDDED: &str = include_str!("../manifest.toml");

/// Which files are fetched together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// Benchmark files, about 27 MB: what `nas download` fetches unless told otherwise.
    Tables,
    /// The CIFAR archives, about 340 MB: fetched on request.
    Images,
}

impl Group {
    /// The group's name in the manifest: `tables` or `images`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tables => "tables",
            Self::Images => "images",
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One file that can be downloaded, pinned by size and SHA-256.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Short name, unique in the manifest, for example `hw-nas-bench/cifar10`.
    pub name: String,
    /// Which files it is fetched with.
    pub group: Group,
    /// Where it comes from, `https://`.
    pub url: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// SPDX identifier of the licence it is published under; `NOASSERTION` where none is stated.
    pub licence: String,
    /// What it holds, with units.
    pub what: String,
    /// Whom to cite.
    pub cite: Vec<String>,
    /// For a file with costs of networks on devices: which column holds what.
    #[serde(default)]
    pub costs: Option<Costs>,
}

/// Costs of a space's networks in a file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// The space, by its name.
    pub space: String,
    /// The data set that the networks are built for; `None` where costs do not depend on it.
    #[serde(default)]
    pub dataset: Option<String>,
    /// The columns that are read; others may be there.
    pub columns: Vec<CostColumn>,
}

/// One metric on one device.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostColumn {
    /// The column's title in the file.
    pub column: String,
    /// The device, by its name.
    pub device: String,
    /// What the column holds, in the metric's unit.
    pub metric: Metric,
    /// The number that stands for a network that the device cannot run.
    #[serde(default)]
    pub absent: Option<f64>,
}

impl Entry {
    fn cost_columns(&self) -> impl Iterator<Item = (&Costs, &CostColumn)> {
        self.costs.iter().flat_map(|costs| costs.columns.iter().map(move |column| (costs, column)))
    }

    /// Where the file lies below a folder of raw files or a mirror: `<host>/<path of the URL>`.
    pub fn location(&self) -> PathBuf {
        self.url.trim_start_matches("https://").split('/').collect()
    }

    fn check(&self) -> Result<(), String> {
        let name = &self.name;
        let safe = |part: &str| {
            !matches!(part, "" | "." | "..")
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.~".contains(c))
        };
        match self.url.strip_prefix("https://") {
            Some(rest) if rest.contains('/') && rest.split('/').all(safe) => {}
            _ => {
                return Err(format!("{name}: url `{}` is not https://HOST/PATH", self.url));
            }
        }
        let is_lower_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        if self.sha256.len() != 64 || !self.sha256.chars().all(is_lower_hex) {
            return Err(format!(
                "{name}: sha256 `{}` is not 64 lower-case hexadecimal digits",
                self.sha256
            ));
        }
        if self.cite.is_empty() {
            return Err(format!("{name}: cite is empty"));
        }
        Ok(())
    }
}

/// All files that can be downloaded, and the devices that they hold costs of.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    #[serde(default)]
    device: Vec<Device>,
    file: Vec<Entry>,
}

impl Manifest {
    /// The manifest that this crate ships.
    ///
    /// # Errors
    /// None in a released crate: its tests read the same text.
    pub fn embedded() -> Result<&'static Self, Error> {
        static MANIFEST: LazyLock<Result<Manifest, String>> =
            LazyLock::new(|| Manifest::parse(EMBEDDED).map_err(|error| error.to_string()));
        MANIFEST.as_ref().map_err(|problem| Error::Manifest { problem: problem.clone() })
    }

    /// Reads a manifest from TOML.
    ///
    /// # Errors
    /// [`Error::Manifest`] for what is not valid TOML, an unknown or missing field, a URL that is
    /// not `https://HOST/PATH`, a malformed SHA-256, a name or URL given twice, or a column of a
    /// device that is not listed or is there twice.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let problem = |problem: String| Error::Manifest { problem };
        let manifest: Self = toml::from_str(text).map_err(|error| problem(error.to_string()))?;
        let mut seen = HashSet::new();
        for entry in &manifest.file {
            entry.check().map_err(problem)?;
            for key in [&entry.name, &entry.url] {
                if !seen.insert(key) {
                    return Err(problem(format!("`{key}` is there twice")));
                }
            }
        }
        manifest.check_devices().map_err(problem)?;
        Ok(manifest)
    }

    fn check_devices(&self) -> Result<(), String> {
        let mut names = HashSet::new();
        if let Some(device) = self.device.iter().find(|device| !names.insert(&device.name)) {
            return Err(format!("device `{device}` is there twice"));
        }
        let mut seen = HashSet::new();
        for entry in &self.file {
            for (costs, column) in entry.cost_columns() {
                let CostColumn { device, metric, .. } = column;
                if !names.contains(device) {
                    return Err(format!("{}: no [[device]] is named `{device}`", entry.name));
                }
                if !seen.insert((&costs.space, &costs.dataset, device, metric)) {
                    let name = &entry.name;
                    return Err(format!("{name}: the {metric} of `{device}` is there twice"));
                }
            }
        }
        Ok(())
    }

    /// The devices with a published cost of a space's networks, in the manifest's order; on one
    /// data set, or on any.
    pub fn devices(&self, space: &str, dataset: Option<&str>) -> Vec<&Device> {
        let has = |device: &&Device| {
            Metric::ALL.iter().any(|metric| self.has_cost(space, dataset, &device.name, *metric))
        };
        self.device.iter().filter(has).collect()
    }

    /// All devices, in order.
    pub fn all_devices(&self) -> &[Device] {
        &self.device
    }

    /// Whether a cost of a space's networks on a device was published; on one data set, or on any.
    pub fn has_cost(
        &self,
        space: &str,
        dataset: Option<&str>,
        device: &str,
        metric: Metric,
    ) -> bool {
        let is_on = |known: &Option<String>| {
            known.is_none() || dataset.is_none() || known.as_deref() == dataset
        };
        self.file.iter().flat_map(Entry::cost_columns).any(|(costs, column)| {
            costs.space == space
                && is_on(&costs.dataset)
                && column.device == device
                && column.metric == metric
        })
    }

    /// The files with costs of a space's networks.
    pub fn with_costs<'a>(
        &'a self,
        space: &'a str,
    ) -> impl Iterator<Item = (&'a Entry, &'a Costs)> {
        let costs = self.file.iter().filter_map(|entry| Some((entry, entry.costs.as_ref()?)));
        costs.filter(move |(_, costs)| costs.space == space)
    }

    /// All files.
    pub fn files(&self) -> &[Entry] {
        &self.file
    }

    /// The files of one group.
    pub fn group(&self, group: Group) -> Vec<&Entry> {
        self.file.iter().filter(|entry| entry.group == group).collect()
    }

    /// The file of a name.
    ///
    /// # Errors
    /// [`Error::UnknownFile`] with the names that exist.
    pub fn find(&self, name: &str) -> Result<&Entry, Error> {
        self.file.iter().find(|entry| entry.name == name).ok_or_else(|| Error::UnknownFile {
            name: name.to_owned(),
            known: self.file.iter().map(|entry| entry.name.clone()).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_manifest_is_consistent() {
        let manifest = Manifest::embedded().unwrap();
        assert_eq!(manifest.group(Group::Images).len(), 2);
        let entry = manifest.find("fbnet/blocks").unwrap();
        assert_eq!(entry.bytes, 133_438);
        assert!(entry.location().starts_with("raw.githubusercontent.com"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let entry = |url: &str, sha256: &str| {
            format!(
                "[[file]]\nname = 'a'\ngroup = 'tables'\nurl = '{url}'\nbytes = 1\n\
                 sha256 = '{sha256}'\nlicence = 'MIT'\nwhat = 'w'\ncite = ['c']\n"
            )
        };
        let check = |text: &str, expected: &str| {
            let message = Manifest::parse(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        };
        let digest = "0".repeat(64);
        check("[[file]]\nname = 'a'", "missing field");
        check(&entry("http://h/p", &digest), "is not https://HOST/PATH");
        check(&entry("https://h", &digest), "is not https://HOST/PATH");
        check(&entry("https://h/../p", &digest), "is not https://HOST/PATH");
        check(&entry("https://h/p?q", &digest), "is not https://HOST/PATH");
        check(&entry("https://h/p", "ABC"), "is not 64");
        let good = entry("https://h/p", &digest);
        check(&format!("{good}{good}"), "`a` is there twice");
        Manifest::parse(&good).unwrap();
    }

    #[test]
    fn devices_are_those_with_a_published_cost() {
        let manifest = Manifest::embedded().unwrap();
        let names = |space, dataset| -> Vec<&str> {
            manifest.devices(space, dataset).iter().map(|device| device.name.as_str()).collect()
        };
        assert_eq!(names("fbnet", None), ["edgegpu", "raspi4", "pixel3", "eyeriss", "fpga"]);
        assert_eq!(names("nasbench201", Some("cifar10")).len(), 6);
        assert!(names("pit", None).is_empty());
        let energy = |device| manifest.has_cost("fbnet", Some("cifar10"), device, Metric::Energy);
        assert!(energy("fpga") && !energy("pixel3"));
    }

    #[test]
    fn a_column_of_an_unlisted_device_and_one_that_is_there_twice_are_refused() {
        let manifest = |columns: &str| {
            let digest = "0".repeat(64);
            let text = format!(
                "[[device]]\nname = 'a'\ndescription = 'A'\norigin = 'measured'\n\
                 [[file]]\nname = 'f'\ngroup = 'tables'\nurl = 'https://h/p'\nbytes = 1\n\
                 sha256 = '{digest}'\nlicence = 'MIT'\nwhat = 'w'\ncite = ['c']\n\
                 [file.costs]\nspace = 's'\ncolumns = [{columns}]\n"
            );
            Manifest::parse(&text).map(|_| ()).map_err(|error| error.to_string())
        };
        let column =
            |device: &str| format!("{{ column = 'c', device = '{device}', metric = 'latency' }}");
        assert_eq!(manifest(&column("a")), Ok(()));
        let unlisted = manifest(&column("b")).unwrap_err();
        assert!(unlisted.contains("no [[device]] is named `b`"), "{unlisted}");
        let twice = manifest(&format!("{}, {}", column("a"), column("a"))).unwrap_err();
        assert!(twice.contains("the latency of `a` is there twice"), "{twice}");
    }

    #[test]
    fn an_unknown_name_lists_the_known() {
        let error = Manifest::embedded().unwrap().find("fbnet").unwrap_err();
        assert!(error.to_string().contains("fbnet/blocks"), "{error}");
    }
}
