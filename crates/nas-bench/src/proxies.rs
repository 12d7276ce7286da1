use std::path::Path;

use nas_space::nasbench201::Dataset;
use serde::{Deserialize, Serialize};

use crate::{
    Error, SUITE_ZERO, TableProblem,
    container::Kind,
    nasbench201::complete,
    parse,
    raw::Raw,
    table::{self, Table},
};

/// Zero-cost proxies of NAS-Bench-201 cells as others published them. All slices hold 15,625
/// values by benchmark index; what is undefined or was not published is `None`.
#[derive(Debug, Clone)]
pub struct PublishedProxies {
    /// By data set, in the order of [`Dataset::ALL`].
    naswot: Vec<Scores>,
    log_synflow: Vec<Scores>,
    /// Columns in the order of [`SUITE_ZERO`].
    suite_zero: Vec<(Dataset, Vec<Scores>)>,
}

type Scores = Vec<Option<f64>>;

impl PublishedProxies {
    /// Opens the compiled table of a table folder.
    ///
    /// # Errors
    /// [`Error::MissingTables`] before the first [`compile`](crate::compile), [`Error::Table`]
    /// for a table of another version, or a damaged one.
    pub fn open(tables_dir: &Path) -> Result<Self, Error> {
        let (_, content) = table::read::<Content>(tables_dir)?;
        content.check().map_err(|problem| Error::Table {
            path: table::path::<Content>(tables_dir),
            problem: TableProblem::Content(problem),
        })
    }

    /// NASWOT (Mellor et al. 2021, arXiv 2006.04647) as FreeREA computed it; higher is better.
    /// Undefined for the 201 cells of each data set whose kernel is singular.
    pub fn naswot(&self, dataset: Dataset) -> &[Option<f64>] {
        &self.naswot[dataset as usize]
    }

    /// LogSynflow (Cavagnero et al. 2023, arXiv 2207.05135); higher is better.
    pub fn log_synflow(&self, dataset: Dataset) -> &[Option<f64>] {
        &self.log_synflow[dataset as usize]
    }

    /// One of the 13 proxies of NAS-Bench-Suite-Zero (Krishnakumar et al. 2022, arXiv
    /// 2210.03230), named as in [`SUITE_ZERO`]. They exist for CIFAR-10 and ImageNet16-120, for
    /// the 9,445 cells without unreachable operations.
    ///
    /// # Errors
    /// [`Error::NoProxy`] for another name, or a data set without published proxies.
    pub fn suite_zero(&self, dataset: Dataset, proxy: &str) -> Result<&[Option<f64>], Error> {
        let columns = self.suite_zero.iter().find(|(d, _)| *d == dataset);
        let place = SUITE_ZERO.iter().position(|name| *name == proxy);
        columns
            .zip(place)
            .and_then(|((_, columns), place)| columns.get(place))
            .map(Vec::as_slice)
            .ok_or_else(|| Error::NoProxy {
                proxy: proxy.to_owned(),
                dataset,
                available: columns.map_or(Vec::new(), |_| SUITE_ZERO.map(str::to_owned).to_vec()),
            })
    }
}

/// The data sets of NAS-Bench-Suite-Zero's NAS-Bench-201 files.
const SUITE_ZERO_DATASETS: [Dataset; 2] = [Dataset::Cifar10, Dataset::ImageNet16_120];

/// The table as stored, data sets and columns by name.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Content {
    naswot: Vec<(String, Scores)>,
    log_synflow: Vec<(String, Scores)>,
    suite_zero: Vec<(String, String, Scores)>,
}

impl Table for Content {
    const FILE: &'static str = "nasbench201-proxies.bin";
    const KIND: Kind = Kind { name: *b"n2zc", version: 1 };
}

impl Content {
    /// The raw files that the table is compiled from.
    pub(crate) fn sources() -> Vec<String> {
        let mut names = Vec::new();
        for dataset in Dataset::ALL {
            names.push(format!("naswot/{dataset}"));
            names.push(format!("logsynflow/{dataset}"));
        }
        names.extend(SUITE_ZERO_DATASETS.map(|dataset| format!("suite-zero/{dataset}")));
        names
    }

    pub(crate) fn compile(raw: &Raw<'_>) -> Result<Self, Error> {
        let scores = |column: &str| {
            let of = |dataset: Dataset| {
                let (path, bytes) = raw.read(&format!("{column}/{dataset}"))?;
                let scores = parse::freerea::proxy(&path, &bytes, column)?;
                Ok((dataset.name().to_owned(), scores))
            };
            Dataset::ALL.into_iter().map(of).collect::<Result<Vec<_>, Error>>()
        };
        let mut suite_zero = Vec::new();
        for dataset in SUITE_ZERO_DATASETS {
            let (path, bytes) = raw.read(&format!("suite-zero/{dataset}"))?;
            let columns = parse::suite_zero::parse(&path, &bytes)?;
            for (name, scores) in SUITE_ZERO.into_iter().zip(columns) {
                suite_zero.push((dataset.name().to_owned(), name.to_owned(), scores));
            }
        }
        Ok(Self { naswot: scores("naswot")?, log_synflow: scores("logsynflow")?, suite_zero })
    }

    /// Checks that what was decoded is the whole table.
    fn check(self) -> Result<PublishedProxies, String> {
        let find = |columns: &mut Vec<(String, Scores)>, dataset: Dataset| {
            let place = columns.iter().position(|(name, _)| name == dataset.name());
            let place = place.ok_or_else(|| format!("no scores for {dataset}"))?;
            complete(columns.swap_remove(place).1)
        };
        let all = |mut columns: Vec<(String, Scores)>| {
            Dataset::ALL
                .into_iter()
                .map(|dataset| find(&mut columns, dataset))
                .collect::<Result<Vec<_>, String>>()
        };
        let mut suite_zero = Vec::new();
        for dataset in SUITE_ZERO_DATASETS {
            let mut columns = Vec::new();
            for proxy in SUITE_ZERO {
                let column = self
                    .suite_zero
                    .iter()
                    .find(|(d, name, _)| d == dataset.name() && name == proxy)
                    .ok_or_else(|| format!("no {proxy} for {dataset}"))?;
                columns.push(complete(column.2.clone())?);
            }
            suite_zero.push((dataset, columns));
        }
        Ok(PublishedProxies {
            naswot: all(self.naswot)?,
            log_synflow: all(self.log_synflow)?,
            suite_zero,
        })
    }
}

#[cfg(test)]
mod tests {
    use nas_space::nasbench201::CELLS;

    use super::*;

    fn content() -> Content {
        let column = |value: f64| vec![Some(value); CELLS];
        let everywhere = |base: f64| {
            let of = |dataset: Dataset| {
                (dataset.name().to_owned(), column(base + f64::from(dataset as u8)))
            };
            Dataset::ALL.map(of).to_vec()
        };
        let mut suite_zero = Vec::new();
        for dataset in SUITE_ZERO_DATASETS {
            for (place, proxy) in SUITE_ZERO.into_iter().enumerate() {
                let scores = column(place as f64);
                suite_zero.push((dataset.name().to_owned(), proxy.to_owned(), scores));
            }
        }
        Content { naswot: everywhere(100.0), log_synflow: everywhere(200.0), suite_zero }
    }

    fn opened(content: &Content) -> Result<PublishedProxies, Error> {
        let folder = tempfile::tempdir().unwrap();
        table::write(folder.path(), &Vec::new(), content).unwrap();
        PublishedProxies::open(folder.path())
    }

    #[test]
    fn scores_are_found_by_data_set_and_name() {
        let mut stored = content();
        stored.naswot.reverse();
        stored.suite_zero.reverse();
        let proxies = opened(&stored).unwrap();
        assert_eq!(proxies.naswot(Dataset::Cifar10)[0], Some(100.0));
        assert_eq!(proxies.log_synflow(Dataset::ImageNet16_120)[0], Some(202.0));
        let nwot = proxies.suite_zero(Dataset::ImageNet16_120, "nwot").unwrap();
        assert_eq!(nwot[CELLS - 1], Some(7.0));
    }

    #[test]
    fn what_was_not_published_is_refused() {
        let proxies = opened(&content()).unwrap();
        let message = proxies.suite_zero(Dataset::Cifar10, "naswot").unwrap_err().to_string();
        assert!(message.contains("no published proxy `naswot` for cifar10"), "{message}");
        assert!(message.contains("nwot, params"), "{message}");
        let message = proxies.suite_zero(Dataset::Cifar100, "nwot").unwrap_err().to_string();
        assert!(message.contains("for cifar100; there are: none"), "{message}");
    }

    #[test]
    fn an_incomplete_table_does_not_open() {
        let mut without = content();
        without.suite_zero.retain(|(_, name, _)| name != "zen");
        let message = opened(&without).unwrap_err().to_string();
        assert!(message.contains("no zen for cifar10"), "{message}");
        let mut without = content();
        without.log_synflow.remove(1);
        let message = opened(&without).unwrap_err().to_string();
        assert!(message.contains("no scores for cifar100"), "{message}");
    }
}
