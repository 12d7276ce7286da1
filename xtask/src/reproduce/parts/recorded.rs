//! Recorded searches with a language model, selected.

use crate::reproduce::rows::Recorded;

/// The recorded searches of a method with a number of generations.
pub fn of<'a>(records: &'a [Recorded], method: &str, generations: u32) -> Vec<&'a Recorded> {
    let records = records.iter();
    records.filter(|row| row.method == method && row.generations == generations).collect()
}
