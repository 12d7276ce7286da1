//! The epochs of a training, a row each: `metrics.csv` in the run's folder.

use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
};

use nas_train::{Metrics, Scores};

use crate::{failure::Failure, journal::Journal};

const HEADING: &str =
    "epoch,learning_rate,loss,validation_loss,validation_accuracy,seconds,waited,examples";

/// The file, which is locked as long as the training goes on.
pub struct MetricsFile {
    path: PathBuf,
    file: File,
}

impl MetricsFile {
    /// The file of a new training.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let cannot = |error: &std::io::Error| Failure::file("write", path, error);
        File::create_new(path).map_err(|error| cannot(&error))?;
        let mut this = Self { path: path.to_path_buf(), file: Journal::lock(path)? };
        this.write(HEADING)?;
        Ok(this)
    }

    /// The file of a training that goes on after so many epochs, and these; what was written of later ones is
    /// removed.
    pub fn open(path: &Path, epochs: u32) -> Result<(Self, Vec<Metrics>), Failure> {
        let mut file = Journal::lock(path)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|error| Failure::file("read", path, &error))?;
        let rows: Vec<&str> = text.split_inclusive('\n').take(1 + epochs as usize).collect();
        let metrics = rows.iter().skip(1).enumerate().map(|(row, line)| {
            parse(line).ok_or_else(|| {
                Failure::input(format!(
                    "{}, line {}: no row of {HEADING}: restore the file, or start a new run",
                    path.display(),
                    row + 2
                ))
            })
        });
        let metrics: Vec<Metrics> = metrics.collect::<Result<_, _>>()?;
        if metrics.len() < epochs as usize {
            return Err(Failure::input(format!(
                "{} has {} rows, but the checkpoint is of epoch {epochs}: restore the file, or start a new run",
                path.display(),
                metrics.len()
            )));
        }
        let kept: usize = rows.iter().map(|row| row.len()).sum();
        file.set_len(kept as u64).map_err(|error| Failure::file("write", path, &error))?;
        Ok((Self { path: path.to_path_buf(), file }, metrics))
    }

    /// The file has another name now.
    pub fn moved(&mut self, path: PathBuf) {
        self.path = path;
    }

    /// Adds an epoch.
    pub fn push(&mut self, metrics: &Metrics) -> Result<(), Failure> {
        self.write(&row(metrics))
    }

    fn write(&mut self, line: &str) -> Result<(), Failure> {
        let written = self.file.write_all(format!("{line}\n").as_bytes());
        written
            .and_then(|()| self.file.sync_data())
            .map_err(|error| Failure::file("write", &self.path, &error))
    }
}

fn row(metrics: &Metrics) -> String {
    let Metrics { epoch, learning_rate, loss, validation, seconds, waited, examples } = metrics;
    let Scores { loss: validation_loss, accuracy } = validation;
    format!(
        "{epoch},{learning_rate},{loss},{validation_loss},{accuracy},{seconds:.3},{waited:.3},{examples}"
    )
}

fn parse(line: &str) -> Option<Metrics> {
    let cells: Vec<&str> = line.strip_suffix('\n')?.split(',').collect();
    let &[epoch, learning_rate, loss, validation_loss, accuracy, seconds, waited, examples] =
        cells.as_slice()
    else {
        return None;
    };
    Some(Metrics {
        epoch: epoch.parse().ok()?,
        learning_rate: learning_rate.parse().ok()?,
        loss: loss.parse().ok()?,
        validation: Scores {
            loss: validation_loss.parse().ok()?,
            accuracy: accuracy.parse().ok()?,
        },
        seconds: seconds.parse().ok()?,
        waited: waited.parse().ok()?,
        examples: examples.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(number: u32) -> Metrics {
        Metrics {
            epoch: number,
            learning_rate: 0.1 / 3.0,
            loss: 1.5,
            validation: Scores { loss: 0.25, accuracy: 87.5 },
            seconds: 2.0,
            waited: 0.125,
            examples: 640,
        }
    }

    #[test]
    fn what_is_after_the_checkpoint_is_removed_and_the_rest_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.csv");
        let mut file = MetricsFile::create(&path).unwrap();
        assert!(MetricsFile::open(&path, 0).is_err(), "it is locked");
        (1..=3).for_each(|number| file.push(&epoch(number)).unwrap());
        drop(file);
        let (mut file, read) = MetricsFile::open(&path, 2).unwrap();
        assert_eq!(read, [epoch(1), epoch(2)]);
        file.push(&epoch(3)).unwrap();
        drop(file);
        assert_eq!(MetricsFile::open(&path, 3).unwrap().1, [epoch(1), epoch(2), epoch(3)]);
        let missing = MetricsFile::open(&path, 4).map(drop).unwrap_err().to_string();
        assert!(missing.contains("3 rows, but the checkpoint is of epoch 4"), "{missing}");
        std::fs::write(&path, format!("{HEADING}\n1,2\n")).unwrap();
        let damaged = MetricsFile::open(&path, 1).map(drop).unwrap_err().to_string();
        assert!(damaged.contains("line 2"), "{damaged}");
    }
}
