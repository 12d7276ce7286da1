//! What a whole data set contains: read once from end to end.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::dataset::{Example, One};
use crate::{Dataset, PartName, Shape};

/// What values of a channel with this deviation are divided by: a channel that never changes is not scaled.
pub fn divisor(deviation: f64) -> f64 {
    if deviation > 0.0 { deviation } else { 1.0 }
}

/// What was found when everything was read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Survey {
    /// Of each channel of the training part, over all examples and places: bytes from 0 to 255, or an array's
    /// own numbers.
    pub means: Vec<f64>,
    /// The standard deviations of the same.
    pub deviations: Vec<f64>,
    /// Files that cannot be read, each with what is wrong with it.
    pub unreadable: Vec<(PathBuf, String)>,
    /// Examples outside the training part that are in the training part too, each with its part: accuracy on
    /// them is too good.
    pub leaks: Vec<(PartName, String)>,
    /// Examples of the training part that are a copy of another in it.
    pub copies: usize,
    /// Examples with copies whose class is another.
    pub contradictions: usize,
}

/// What is read of one example.
struct Read {
    hash: u64,
    /// Of each channel: how many values, their sum, and the sum of their squares.
    sums: Vec<[f64; 3]>,
}

impl Survey {
    pub(crate) fn of(data: &Dataset, threads: usize, progress: &(impl Fn(usize) + Sync)) -> Self {
        let mut survey = Self::default();
        let mut sums: Vec<[f64; 3]> = Vec::new();
        // The classes of what was seen in the training part, by its content.
        let mut seen: HashMap<u64, u32> = HashMap::new();
        let done = AtomicUsize::new(0);
        for part in PartName::ALL {
            let examples = data.part(part);
            let read = read_all(data, examples, threads, &|| {
                progress(done.fetch_add(1, Ordering::Relaxed) + 1);
            });
            for (example, read) in examples.iter().zip(read) {
                let read = match read {
                    Ok(read) => read,
                    Err(unreadable) => {
                        survey.unreadable.push(unreadable);
                        continue;
                    }
                };
                let known = seen.get(&read.hash);
                survey.contradictions +=
                    usize::from(known.is_some_and(|label| *label != example.label));
                if part == PartName::Train {
                    survey.copies += usize::from(known.is_some());
                    seen.insert(read.hash, example.label);
                    sums.resize(read.sums.len().max(sums.len()), [0.0; 3]);
                    for (sum, more) in sums.iter_mut().zip(read.sums) {
                        for (sum, more) in sum.iter_mut().zip(more) {
                            *sum += more;
                        }
                    }
                } else if known.is_some() {
                    survey.leaks.push((part, data.store.name(example.at as usize)));
                }
            }
        }
        for [count, sum, squares] in sums {
            let mean = sum / count;
            survey.means.push(mean);
            survey.deviations.push((squares / count - mean * mean).max(0.0).sqrt());
        }
        survey
    }
}

/// Reads examples in several threads; what comes back is in their order.
fn read_all(
    data: &Dataset,
    examples: &[Example],
    threads: usize,
    progress: &(dyn Fn() + Sync),
) -> Vec<Result<Read, (PathBuf, String)>> {
    let each = examples.len().div_ceil(threads.max(1)).max(1);
    thread::scope(|scope| {
        let workers: Vec<_> = examples
            .chunks(each)
            .map(|chunk| {
                scope.spawn(move || {
                    let read = |example: &Example| {
                        let read = data.store.read(example.at as usize);
                        let read = read.map(|one| read_one(&one, data.shape().ok()));
                        progress();
                        read
                    };
                    chunk.iter().map(read).collect::<Vec<_>>()
                })
            })
            .collect();
        let joined = workers.into_iter().map(|worker| match worker.join() {
            Ok(read) => read,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.flatten().collect()
    })
}

/// Images of several sizes are as many values as they have, of three channels.
fn read_one(one: &One, shape: Option<Shape>) -> Read {
    let mut hasher = DefaultHasher::new();
    let sums = match one {
        One::Bytes(bytes) => {
            bytes.hash(&mut hasher);
            sums(bytes.iter().map(|byte| f64::from(*byte)), shape)
        }
        One::Floats(floats) => {
            floats.iter().for_each(|float| float.to_bits().hash(&mut hasher));
            sums(floats.iter().map(|float| f64::from(*float)), shape)
        }
    };
    Read { hash: hasher.finish(), sums }
}

fn sums(values: impl Iterator<Item = f64>, shape: Option<Shape>) -> Vec<[f64; 3]> {
    let channels = shape.map_or(3, Shape::channels);
    let mut sums = vec![[0.0; 3]; channels];
    for (position, value) in values.enumerate() {
        let channel = shape.map_or(position % channels, |shape| shape.channel_at(position));
        let [count, sum, squares] = &mut sums[channel];
        *count += 1.0;
        *sum += value;
        *squares += value * value;
    }
    sums
}
