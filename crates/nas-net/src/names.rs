//! The names of layers in a file.

use std::{collections::HashMap, fmt};

/// Names the layers of a network by its part, the kind of layer, and a number among these, such as
/// `stage1_cell2_conv1`.
#[derive(Default)]
pub(crate) struct Names {
    part: String,
    counts: HashMap<&'static str, usize>,
}

impl Names {
    pub fn part(&mut self, part: fmt::Arguments) {
        self.part = part.to_string();
        self.counts.clear();
    }

    pub fn layer(&mut self, kind: &'static str) -> String {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        format!("{}_{kind}{count}", self.part)
    }
}
