//! Batches of a data set, made beside the training.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::dataset::{Example, One};
use crate::{Augmentation, Dataset, Error, PartName, Values};

/// Batches of one thread that wait to be taken.
const WAITING: usize = 2;

/// How an epoch is cut into batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    /// Examples in a batch.
    pub batch: usize,
    /// The epoch's number and the seed of order and changes: the same pair gives the same batches, for any
    /// number of threads.
    pub number: u64,
    /// See there.
    pub seed: u64,
    /// How images are changed.
    pub augmentation: Augmentation,
    /// Threads that make batches.
    pub threads: usize,
}

/// Some examples.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The values of all, one after the other, in the order of their [`Shape`](crate::Shape).
    pub values: Values,
    /// Their labels.
    pub labels: Vec<i64>,
}

/// The batches of an epoch, in order. They are made in threads of their own, which end when this is dropped.
#[derive(Debug)]
pub struct Batches {
    threads: Vec<Receiver<Result<Batch, Error>>>,
    next: usize,
    left: usize,
}

impl Dataset {
    /// The training part in random order, changed at random. Examples that fill no batch are left out, but
    /// for a part that is smaller than a batch.
    ///
    /// # Errors
    /// [`Error::Sizes`] without one shape. A batch is [`Error::Unreadable`] where a file cannot be read.
    pub fn shuffled(self: &Arc<Self>, epoch: Epoch) -> Result<Batches, Error> {
        let mut examples = self.part(PartName::Train).to_vec();
        examples.shuffle(&mut random(epoch, u64::MAX));
        let whole = examples.len() / epoch.batch.max(1) * epoch.batch.max(1);
        if whole > 0 {
            examples.truncate(whole);
        }
        self.batches(examples, epoch)
    }

    /// A part in its own order, unchanged, the last batch as small as it is.
    ///
    /// # Errors
    /// As for [`Dataset::shuffled`].
    pub fn in_order(
        self: &Arc<Self>,
        part: PartName,
        batch: usize,
        threads: usize,
    ) -> Result<Batches, Error> {
        let augmentation = Augmentation::default();
        let epoch = Epoch { batch, number: 0, seed: 0, augmentation, threads };
        self.batches(self.part(part).to_vec(), epoch)
    }

    fn batches(self: &Arc<Self>, examples: Vec<Example>, epoch: Epoch) -> Result<Batches, Error> {
        // So that a batch cannot fail for its shape.
        self.shape()?;
        let batch = epoch.batch.max(1);
        let left = examples.len().div_ceil(batch);
        let examples = Arc::new(examples);
        let count = epoch.threads.clamp(1, left.max(1));
        let threads = (0..count)
            .map(|thread| {
                let (sender, receiver) = sync_channel(WAITING);
                let (data, examples) = (Arc::clone(self), Arc::clone(&examples));
                thread::spawn(move || {
                    for number in (thread..left).step_by(count) {
                        let first = number * batch;
                        let of_batch = &examples[first..(first + batch).min(examples.len())];
                        // Nobody takes it any more: the epoch was left.
                        if sender.send(data.batch(of_batch, first, epoch)).is_err() {
                            return;
                        }
                    }
                });
                receiver
            })
            .collect();
        Ok(Batches { threads, next: 0, left })
    }

    /// Examples as a batch; `first` is the position of the first in the epoch.
    fn batch(&self, examples: &[Example], first: usize, epoch: Epoch) -> Result<Batch, Error> {
        let shape = self.shape()?;
        let mut values: Option<Values> = None;
        let mut unreadable: Vec<(PathBuf, String)> = Vec::new();
        for (position, example) in (first as u64..).zip(examples) {
            let mut random = random(epoch, position);
            let augmentation = epoch.augmentation;
            let room = shape.count() * examples.len();
            match self.store.read(example.at as usize) {
                Ok(One::Bytes(one)) => {
                    let all = values.get_or_insert_with(|| Values::Bytes(Vec::with_capacity(room)));
                    if let Values::Bytes(all) = all {
                        augmentation.apply(&one, shape, &mut random, all);
                    }
                }
                Ok(One::Floats(one)) => {
                    let all =
                        values.get_or_insert_with(|| Values::Floats(Vec::with_capacity(room)));
                    if let Values::Floats(all) = all {
                        augmentation.apply(one, shape, &mut random, all);
                    }
                }
                Err(problem) => unreadable.push(problem),
            }
        }
        match values {
            Some(values) if unreadable.is_empty() => Ok(Batch {
                values,
                labels: examples.iter().map(|one| i64::from(one.label)).collect(),
            }),
            _ => Err(Error::Unreadable { files: unreadable }),
        }
    }
}

/// The random numbers of an example of an epoch, by its position.
fn random(epoch: Epoch, position: u64) -> ChaCha8Rng {
    let mut seed = [0; 32];
    for (bytes, number) in seed.chunks_exact_mut(8).zip([epoch.seed, epoch.number, position]) {
        bytes.copy_from_slice(&number.to_le_bytes());
    }
    ChaCha8Rng::from_seed(seed)
}

impl Iterator for Batches {
    type Item = Result<Batch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let batch = self.threads[self.next].recv().ok();
        self.next = (self.next + 1) % self.threads.len();
        batch
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Batches {}
