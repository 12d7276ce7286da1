//! Architectures as rows of numbers.

use std::borrow::Cow;

use nas_space::{Arch, FeatureGroup, Space};
use serde::{Deserialize, Serialize};

use crate::Error;

/// What kind of number a column holds; the Gaussian process has one length scale for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Group {
    /// Which choices are made.
    Choices,
    /// How many decisions make each choice.
    Counts,
    /// The paths of a cell: counts of sequences of operations.
    Paths,
    /// Numbers of paths, and of operations on them.
    PathStatistics,
    /// Zero-cost proxies and other scores, of which only the order is used.
    Scores,
}

/// Name and group of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// For example `jacov` or `0→1=nor_conv_3x3`.
    pub name: String,
    /// What kind of number it holds.
    pub group: Group,
}

/// Architectures as rows of numbers. A value that does not exist is absent.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    space: String,
    columns: Vec<Column>,
    /// The values of each column; NaN stands for an absent one.
    values: Vec<Vec<f64>>,
    /// Whether there is a path from the network's input to its output.
    connected: Vec<bool>,
}

impl Table {
    /// The features of the architectures themselves, which must belong to the space.
    pub fn new(space: &Space, architectures: &[Arch]) -> Self {
        let features = space.features();
        let columns: Vec<Column> = features
            .names()
            .iter()
            .map(|(group, name)| Column {
                name: name.clone(),
                group: match group {
                    FeatureGroup::Decisions => Group::Choices,
                    FeatureGroup::Counts => Group::Counts,
                    FeatureGroup::Paths => Group::Paths,
                    FeatureGroup::PathStatistics => Group::PathStatistics,
                },
            })
            .collect();
        let mut values = vec![Vec::with_capacity(architectures.len()); columns.len()];
        for arch in architectures {
            for (column, value) in values.iter_mut().zip(features.of(arch)) {
                column.push(value);
            }
        }
        let connected = architectures.iter().map(|arch| space.is_connected(arch)).collect();
        Self { space: space.name().to_owned(), columns, values, connected }
    }

    /// Adds a column of scores, one for each row.
    ///
    /// # Errors
    /// [`Error::Rows`] for another number of values, [`Error::NotFinite`] for a NaN or an
    /// infinity, [`Error::ColumnTwice`] for a name that is there.
    pub fn with_scores(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = Option<f64>>,
    ) -> Result<Self, Error> {
        let name = name.into();
        let values: Vec<Option<f64>> = values.into_iter().collect();
        if values.len() != self.rows() {
            return Err(Error::Rows { column: name, expected: self.rows(), found: values.len() });
        }
        if self.columns.iter().any(|column| column.name == name) {
            return Err(Error::ColumnTwice { column: name });
        }
        let finite = |value: &Option<f64>| value.is_some_and(|value| !value.is_finite());
        if let Some(row) = values.iter().position(finite) {
            let value = values[row].unwrap_or(f64::NAN);
            return Err(Error::NotFinite { what: name, row, value });
        }
        self.columns.push(Column { name, group: Group::Scores });
        self.values.push(values.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect());
        Ok(self)
    }

    /// The table with only the columns that `keep` accepts.
    #[must_use]
    pub fn only(mut self, keep: impl Fn(&Column) -> bool) -> Self {
        let kept = |(column, _): &(Column, Vec<f64>)| keep(column);
        let columns = self.columns.drain(..).zip(self.values.drain(..));
        (self.columns, self.values) = columns.filter(kept).unzip();
        self
    }

    /// The table with its columns in this order; `None` where they are other columns.
    pub(crate) fn in_order(&self, columns: &[Column]) -> Option<Cow<'_, Self>> {
        if self.columns == columns {
            return Some(Cow::Borrowed(self));
        }
        let place = |column: &Column| self.columns.iter().position(|own| own == column);
        let places: Vec<usize> = columns.iter().map(place).collect::<Option<_>>()?;
        (places.len() == self.columns.len()).then(|| {
            Cow::Owned(Self {
                columns: columns.to_vec(),
                values: places.iter().map(|at| self.values[*at].clone()).collect(),
                ..self.clone()
            })
        })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.connected.len()
    }

    /// Name and group of each column.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The name of the space.
    pub fn space(&self) -> &str {
        &self.space
    }

    /// The value of a column in a row, both of the table's.
    pub fn value(&self, row: usize, column: usize) -> Option<f64> {
        Some(self.values[column][row]).filter(|value| !value.is_nan())
    }

    /// The values of a column; NaN stands for an absent one.
    pub(crate) fn column(&self, column: usize) -> &[f64] {
        &self.values[column]
    }

    pub(crate) fn is_connected(&self, row: usize) -> bool {
        self.connected[row]
    }
}
