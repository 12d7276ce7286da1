//! Text and metadata of an exported file.

/// What an exported file contains in addition to the layers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Description {
    /// Human-readable, for example that the weights are untrained; one line or several.
    pub text: String,
    /// Machine-readable: names and values.
    pub metadata: Vec<(String, String)>,
}
