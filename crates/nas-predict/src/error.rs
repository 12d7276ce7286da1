//! What can go wrong with a predictor.

/// What can go wrong with a predictor.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A table without columns.
    #[error("a predictor needs at least one column to learn from")]
    NoColumns,
    /// No trained accuracy.
    #[error("a predictor needs at least one trained accuracy")]
    NoAccuracies,
    /// A trained accuracy of a row that the table does not have.
    #[error("trained accuracy of row {row}: the table has {rows} rows, counted from 0")]
    Row {
        /// The row.
        row: usize,
        /// How many there are.
        rows: usize,
    },
    /// Two trained accuracies of one row.
    #[error("row {row} has two trained accuracies: give one, for example their mean")]
    RowTwice {
        /// The row.
        row: usize,
    },
    /// A trained accuracy or score that is NaN or infinite.
    #[error(
        "{what} of row {row} is {value}: expected a finite number, or none where it does not exist"
    )]
    NotFinite {
        /// `trained accuracy` or the column.
        what: String,
        /// The row.
        row: usize,
        /// The value.
        value: f64,
    },
    /// A column with too few or too many values.
    #[error("column {column} has {found} values for {expected} rows")]
    Rows {
        /// The column.
        column: String,
        /// Rows of the table.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// Two columns of one name.
    #[error("column {column} is there already")]
    ColumnTwice {
        /// The column.
        column: String,
    },
    /// A table of another space than the model's.
    #[error("the model was learnt on space {expected}, these architectures are of {found}")]
    Space {
        /// The model's space.
        expected: String,
        /// The table's.
        found: String,
    },
    /// A table of other columns than those learnt from.
    #[error(
        "column {column} is {}: predict from the columns that the model was learnt from",
        if *present { "not in the model" } else { "missing" }
    )]
    Columns {
        /// The column.
        column: String,
        /// Whether the table has it, and not the model.
        present: bool,
    },
    /// Costs that do not match the predictions.
    #[error(
        "expected the same number of finite costs for each prediction, or none where one does not exist"
    )]
    Costs,
    /// Other devices that a device's latencies cannot be predicted from.
    #[error("{problem}")]
    Devices {
        /// What is wrong with them.
        problem: String,
    },
    /// Measurements that latencies cannot be predicted from.
    #[error("expected one or more measurements, all finite numbers above 0; there are {count}")]
    Measurements {
        /// How many there are.
        count: usize,
    },
    /// Measurements of extreme size.
    #[error("the measurements are too large: the predictions from them are no numbers")]
    Overflow,
    /// A model's file of another version.
    #[error(
        "the model's format is {found:?}, expected {expected:?}: fit it again with this version"
    )]
    Version {
        /// What this version reads.
        expected: String,
        /// The file's version.
        found: String,
    },
    /// A file that is not as it was written.
    #[error("the predictor's file was changed or damaged after it was written: fit it again")]
    Checksum,
    /// A file that is not a model's.
    #[error("not a predictor's file: {0}")]
    Read(#[source] serde_json::Error),
    /// A model that cannot be written.
    #[error("cannot write the model: {0}")]
    Write(#[source] serde_json::Error),
    /// The boosted trees could not be grown.
    #[error("cannot grow boosted trees: {0}")]
    Trees(#[source] Box<forust_ml::errors::ForustError>),
    /// The Gaussian process's matrix could not be factorised.
    #[error(
        "the Gaussian process's matrix cannot be factorised: are features of extreme size among the columns?"
    )]
    GaussianProcess,
}
