//! Fronts that searches found, from users' CSV files.

use std::{collections::HashMap, path::Path};

use nas_search::Objective;
use nas_space::Arch;

use crate::{CsvFile, CsvRow, Error, user_table::number};

/// A front that a search found, as a CSV file contains it: a row for each architecture on it.
///
/// One file may contain several fronts. The columns `dataset`, `device`, `searcher` and `seed`, each of
/// which may be absent, show which row is of which front. Without a column `seed` the seed is the
/// number after the word `seed` in the file's path, as in `mine-seed3.csv` or `seed_3/front.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct UserFront<T> {
    /// What the networks are trained on.
    pub dataset: Option<String>,
    /// The device that costs are of.
    pub device: Option<String>,
    /// The method that found it.
    pub searcher: Option<String>,
    /// The seed of the search.
    pub seed: Option<u64>,
    /// For each architecture its line in the file, and what was read of it.
    pub rows: Vec<(u64, T)>,
}

impl UserFront<Arch> {
    /// Reads the architectures of fronts: those in the column `arch`, or else `index`, with texts that
    /// `parse` reads. Further columns are ignored. The fronts are in the order of their first rows.
    ///
    /// # Errors
    /// File, row and column of the first architecture that is malformed, or that a front contains
    /// twice, and of the first seed that is no whole number.
    pub fn read(
        file: &Path,
        parse: impl Fn(&str) -> Result<Arch, nas_space::Error>,
    ) -> Result<Vec<Self>, Error> {
        let csv = CsvFile::read(file)?;
        let column = csv.first_of(&["arch", "index"])?;
        let fronts = fronts(file, &csv, |row| {
            let arch = parse(row.field(column));
            arch.map(Some).map_err(|error| csv.wrong(row, column, error.to_string()))
        })?;
        for front in &fronts {
            let mut known = HashMap::new();
            for (line, arch) in &front.rows {
                if let Some(first) = known.insert(arch, *line) {
                    let of_seed =
                        front.seed.map_or_else(String::new, |seed| format!(" of seed {seed}"));
                    return Err(Error::Value {
                        file: csv.name().to_owned(),
                        row: *line,
                        column: csv.titles()[column].to_owned(),
                        problem: format!(
                            "the front{of_seed} has this architecture in row {first} already: keep one of the two rows"
                        ),
                    });
                }
            }
        }
        Ok(fronts)
    }
}

impl UserFront<Vec<f64>> {
    /// Reads the objectives of fronts, from the columns that [`Objective::column`] names. Further columns
    /// are ignored, and so are rows that lack an objective. The fronts are in the order of their first
    /// rows.
    ///
    /// # Errors
    /// An objective without a column; file, row and column of the first value that the objective cannot
    /// have, and of the first seed that is no whole number.
    pub fn read_values(file: &Path, objectives: &[Objective]) -> Result<Vec<Self>, Error> {
        let csv = CsvFile::read(file)?;
        let columns = objectives.iter().map(|objective| csv.first_of(&[&objective.column()]));
        let columns = columns.collect::<Result<Vec<usize>, Error>>()?;
        fronts(file, &csv, |row| {
            let value = |(&column, objective): (&usize, &Objective)| {
                let value = number(row.field(column), objective);
                value.map_err(|problem| csv.wrong(row, column, problem))
            };
            columns.iter().zip(objectives).map(value).collect()
        })
    }
}

/// The rows of a file, by the front that they are of.
fn fronts<T>(
    file: &Path,
    csv: &CsvFile,
    read: impl Fn(&CsvRow) -> Result<Option<T>, Error>,
) -> Result<Vec<UserFront<T>>, Error> {
    let [dataset, device, searcher, seed] =
        ["dataset", "device", "searcher", "seed"].map(|title| csv.column(title));
    let of_path = seed_in(&file.display().to_string());
    let mut fronts: Vec<UserFront<T>> = Vec::new();
    for row in csv.rows() {
        let text = |column: Option<usize>| column.map(|column| row.field(column).to_owned());
        let seed = match seed {
            None => of_path,
            Some(column) => Some(row.field(column).parse().map_err(|_| {
                let found = row.field(column);
                csv.wrong(row, column, format!("`{found}`; expected a whole number"))
            })?),
        };
        let Some(value) = read(row)? else { continue };
        let new = UserFront {
            dataset: text(dataset),
            device: text(device),
            searcher: text(searcher),
            seed,
            rows: vec![(row.line, value)],
        };
        let same = |known: &&mut UserFront<T>| {
            (&known.dataset, &known.device, &known.searcher, known.seed)
                == (&new.dataset, &new.device, &new.searcher, new.seed)
        };
        match fronts.iter_mut().find(same) {
            Some(front) => front.rows.extend(new.rows),
            None => fronts.push(new),
        }
    }
    Ok(fronts)
}

/// The number after the last word `seed` of a path that is followed by one.
fn seed_in(path: &str) -> Option<u64> {
    const WORD: &str = "seed";
    // Lower case in ASCII alone leaves all positions as they are.
    let path = path.to_ascii_lowercase();
    path.rmatch_indices(WORD).find_map(|(at, _)| {
        let after = &path[at + WORD.len()..];
        let after = after.strip_prefix(['-', '_', '=', ' ']).unwrap_or(after);
        let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        after[..end].parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use nas_space::nasbench201;

    fn written(name: &str, text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        (folder, file)
    }

    fn read(name: &str, text: &str) -> Result<Vec<UserFront<Arch>>, Error> {
        let (_folder, file) = written(name, text);
        let parse = |text: &str| match text.parse() {
            Ok(index) => nasbench201::from_index(index),
            Err(_) => nasbench201::parse(text),
        };
        UserFront::read(&file, parse)
    }

    #[test]
    fn rows_are_of_the_front_that_their_columns_name() {
        let text = "seed,index,searcher,note\n2,7,a,x\n1,7,a,\n2,8,a,\n2,7,b,\n";
        let fronts = read("mine.csv", text).unwrap();
        let shown: Vec<_> = fronts
            .iter()
            .map(|front| {
                let lines: Vec<u64> = front.rows.iter().map(|(line, _)| *line).collect();
                (front.searcher.as_deref(), front.seed, lines)
            })
            .collect();
        assert_eq!(
            shown,
            [
                (Some("a"), Some(2), vec![2, 4]),
                (Some("a"), Some(1), vec![3]),
                (Some("b"), Some(2), vec![5])
            ]
        );
        assert_eq!(fronts[0].rows[1].1, nasbench201::from_index(8).unwrap());
        assert_eq!((&fronts[0].dataset, &fronts[0].device), (&None, &None));
    }

    #[test]
    fn without_a_column_the_path_names_the_seed() {
        for (path, seed) in [
            ("mine-seed3.csv", Some(3)),
            ("Seed_07/front.csv", Some(7)),
            ("seed1/method-seed=12", Some(12)),
            ("seeds/nsga2.csv", None),
            ("nsga2.csv", None),
            ("ä-SEED 4-raspi4", Some(4)),
        ] {
            assert_eq!(seed_in(path), seed, "{path}");
        }
        assert_eq!(read("mine-seed3.csv", "arch\n5\n").unwrap()[0].seed, Some(3));
        assert_eq!(read("mine-seed3.csv", "arch,seed\n5,4\n").unwrap()[0].seed, Some(4));
    }

    #[test]
    fn mistakes_are_shown_with_row_and_column() {
        for (text, expected) in [
            ("arch\n5\n99999\n", "row 3, column arch"),
            (
                "index,seed\n5,1\n6,1\n5,1\n",
                "row 4, column index: the front of seed 1 has this architecture in row 2 already",
            ),
            ("index\n5\n5\n", "row 3, column index: the front has"),
            ("index,seed\n5,1.5\n", "row 2, column seed: `1.5`; expected a whole number"),
            ("cell,seed\n5,1\n", "no column arch or index; the header is: cell, seed"),
        ] {
            let error = read("mine.csv", text).unwrap_err().to_string();
            assert!(error.contains("mine.csv") && error.contains(expected), "{error}");
        }
        // The same architecture on fronts of two seeds is no mistake.
        assert_eq!(read("mine.csv", "index,seed\n5,1\n5,2\n").unwrap().len(), 2);
        assert!(read("mine.csv", "index\n").unwrap().is_empty());
    }

    #[test]
    fn objectives_are_read_from_their_columns() {
        let objectives = [Objective::accuracy("accuracy"), Objective::latency()];
        let text = "latency_ms,accuracy_percent,seed\n2,90,1\n,91,1\n3,92,2\n";
        let (_folder, file) = written("mine.csv", text);
        let fronts = UserFront::read_values(&file, &objectives).unwrap();
        assert_eq!(fronts.len(), 2);
        assert_eq!(fronts[0].rows, [(2, vec![90.0, 2.0])]);
        assert_eq!(fronts[1].rows, [(4, vec![92.0, 3.0])]);
        let (_folder, file) = written("mine.csv", "latency_ms,accuracy_percent\n0,90\n");
        let error = UserFront::read_values(&file, &objectives).unwrap_err().to_string();
        assert!(error.contains("row 2, column latency_ms: `0`; expected"), "{error}");
    }
}
