//! The files that a reproduction makes: written, or compared with what is there.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use crate::error::Error;

/// Writes files, or compares them with what is there.
pub struct Files<'a> {
    pub root: &'a Path,
    /// Whether to compare.
    pub check: bool,
    /// What differs.
    pub stale: Vec<String>,
    pub written: usize,
    /// What is made, for messages.
    pub what: String,
}

impl Files<'_> {
    /// A file that is made.
    pub fn put(&mut self, path: &Path, text: &str) -> Result<(), Error> {
        let there = fs::read_to_string(path).ok();
        if there.as_deref() == Some(text) {
            return Ok(());
        }
        let name = path.strip_prefix(self.root).unwrap_or(path).display().to_string();
        if self.check {
            self.stale.push(format!("{name} differs from what reports/data gives"));
            return Ok(());
        }
        fs::write(path, text).map_err(Error::file(path))?;
        println!("wrote {name}");
        self.written += 1;
        Ok(())
    }

    /// Puts generated blocks between `<!-- generated: NAME -->` and `<!-- end -->`.
    pub fn fill(&mut self, path: &Path, blocks: &[(String, String)]) -> Result<(), Error> {
        let mut text = fs::read_to_string(path).map_err(Error::file(path))?;
        for (name, block) in blocks {
            let begin = format!("<!-- generated: {name} -->\n");
            let Some(from) = text.find(&begin).map(|at| at + begin.len()) else { continue };
            let Some(to) = text[from..].find("<!-- end -->").map(|at| at + from) else {
                let problem = format!("the block {name} of {} has no end", path.display());
                return Err(Error::Step { step: "fill in generated numbers", problem });
            };
            text.replace_range(from..to, &format!("{}\n", block.trim_end()));
        }
        self.put(path, &text)
    }

    /// Reports what was written, or fails with what differs.
    pub fn end(self) -> Result<ExitCode, Error> {
        if !self.check {
            println!("{}: files written: {}; the others are unchanged", self.what, self.written);
            return Ok(ExitCode::SUCCESS);
        }
        if self.stale.is_empty() {
            println!("{}: reproduced", self.what);
            return Ok(ExitCode::SUCCESS);
        }
        let problem =
            format!("{}\nmake them again with `cargo xtask reproduce`", self.stale.join("\n"));
        Err(Error::Step { step: "reproduce what reports/ contains", problem })
    }
}
