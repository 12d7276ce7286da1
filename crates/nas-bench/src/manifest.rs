use std::{collections::HashSet, fmt, path::PathBuf};

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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
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
}

impl Entry {
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

/// All files that can be downloaded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    file: Vec<Entry>,
}

impl Manifest {
    /// The manifest that this crate ships.
    ///
    /// # Errors
    /// None in a released crate: its tests read the same text.
    pub fn embedded() -> Result<Self, Error> {
        Self::parse(EMBEDDED)
    }

    /// Reads a manifest from TOML.
    ///
    /// # Errors
    /// [`Error::Manifest`] for what is not valid TOML, an unknown or missing field, a URL that is
    /// not `https://HOST/PATH`, a malformed SHA-256 or a name or URL given twice.
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
        Ok(manifest)
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
        assert_eq!(manifest.group(Group::Tables).len(), 19);
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
    fn an_unknown_name_lists_the_known() {
        let error = Manifest::embedded().unwrap().find("fbnet").unwrap_err();
        assert!(error.to_string().contains("fbnet/blocks"), "{error}");
    }
}
