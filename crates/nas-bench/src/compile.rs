//! Turns the raw files of a table folder into its tables.

use std::path::{Path, PathBuf};

use crate::{
    Error, Manifest, fbnet, nasbench201, proxies,
    raw::Raw,
    table::{self, Table},
    vit_bench,
};

/// What [`compile`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compiled {
    /// Tables that were written now.
    pub written: Vec<PathBuf>,
    /// Tables that were up to date.
    pub up_to_date: Vec<PathBuf>,
}

/// Compiles the tables of a table folder from the raw files downloaded to it.
///
/// A table that this version of the crate compiled from the same raw files is left alone; the
/// raw files are then not needed.
///
/// # Errors
/// [`Error::NotDownloaded`] for a missing raw file, [`Error::Size`] or [`Error::Checksum`] for
/// one that is not the manifest's, [`Error::Value`] or [`Error::Malformed`] for one that does not
/// hold what it must, [`Error::NoSpace`] or [`Error::Io`] for trouble with the disk.
pub fn compile(tables_dir: &Path) -> Result<Compiled, Error> {
    let manifest = Manifest::embedded()?;
    let raw = Raw { tables_dir, manifest };
    let mut done = Compiled::default();
    update(
        &raw,
        &nasbench201::Content::sources(manifest),
        nasbench201::Content::compile,
        &mut done,
    )?;
    update(&raw, &proxies::Content::sources(), proxies::Content::compile, &mut done)?;
    update(&raw, &fbnet::Content::sources(manifest), fbnet::Content::compile, &mut done)?;
    update(&raw, &vit_bench::Content::sources(), vit_bench::Content::compile, &mut done)?;
    Ok(done)
}

fn update<T: Table>(
    raw: &Raw<'_>,
    sources: &[String],
    compile: impl FnOnce(&Raw<'_>) -> Result<T, Error>,
    done: &mut Compiled,
) -> Result<(), Error> {
    let entries =
        sources.iter().map(|name| raw.manifest.find(name)).collect::<Result<Vec<_>, Error>>()?;
    let wanted = table::sources(&entries);
    let path = table::path::<T>(raw.tables_dir);
    // A table that cannot be read is replaced, whatever is wrong with it.
    if table::read::<T>(raw.tables_dir).is_ok_and(|(sources, _)| sources == wanted) {
        done.up_to_date.push(path);
    } else {
        table::write(raw.tables_dir, &wanted, &compile(raw)?)?;
        done.written.push(path);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::Group;
    use crate::raw_path;

    #[test]
    fn every_source_is_in_the_manifest() {
        let manifest = Manifest::embedded().unwrap();
        let sources = [
            nasbench201::Content::sources(manifest),
            proxies::Content::sources(),
            fbnet::Content::sources(manifest),
            vit_bench::Content::sources(),
        ];
        let tables: Vec<&str> =
            manifest.group(Group::Tables).iter().map(|entry| entry.name.as_str()).collect();
        let mut sources = sources.concat();
        assert_eq!(sources.len(), tables.len());
        sources.retain(|name| !tables.contains(&name.as_str()));
        assert_eq!(sources, [""; 0]);
    }

    #[test]
    fn missing_and_foreign_raw_files_are_named_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = Manifest::embedded().unwrap();
        let path = raw_path(folder.path(), manifest.find("robustness/cifar10").unwrap());
        let error = compile(folder.path()).unwrap_err();
        assert!(matches!(&error, Error::NotDownloaded { path: p } if *p == path), "{error}");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "net,val_accs\n").unwrap();
        let error = compile(folder.path()).unwrap_err();
        assert!(matches!(error, Error::Size { got: 13, .. }), "{error}");
        assert!(!folder.path().join("nasbench201.bin").exists());
    }
}
