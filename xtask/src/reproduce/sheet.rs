//! A report: text, tables and figures, as Markdown, CSV and SVG.

use crate::error::Error;

/// A table.
#[derive(Debug, Clone, Default)]
pub struct Sheet {
    /// The file's name, without its ending.
    pub name: String,
    pub title: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// Too long for a page: only a file.
    pub file_only: bool,
}

impl Sheet {
    pub fn new(name: &str, title: &str, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            columns,
            rows: Vec::new(),
            file_only: false,
        }
    }

    pub fn push(&mut self, row: impl IntoIterator<Item = impl Into<String>>) {
        self.rows.push(row.into_iter().map(Into::into).collect());
    }

    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule = vec!["---".to_owned(); self.columns.len()];
        let rows = self.rows.iter().map(|row| line(row));
        [line(&self.columns), line(&rule)].into_iter().chain(rows).collect()
    }

    fn csv(&self) -> Result<String, Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in std::iter::once(&self.columns).chain(&self.rows) {
            writer.write_record(row).map_err(problem)?;
        }
        let bytes = writer.into_inner().map_err(problem)?;
        String::from_utf8(bytes).map_err(problem)
    }
}

fn problem(error: impl std::fmt::Display) -> Error {
    Error::Bench { step: "write a table", problem: error.to_string() }
}

/// What one page of `reports/` says.
#[derive(Debug, Default)]
pub struct Report {
    /// The page's name, without its ending.
    pub name: &'static str,
    pub title: &'static str,
    /// Paragraphs before and after the tables.
    pub before: String,
    pub after: String,
    pub sheets: Vec<Sheet>,
    /// Names, without their ending, what they show, and SVG.
    pub figures: Vec<(String, String, String)>,
    /// What pages of text take over, by the block's name.
    pub blocks: Vec<(String, String)>,
}

impl Report {
    /// The files' names and contents.
    pub fn files(&self) -> Result<Vec<(String, String)>, Error> {
        let mut page = format!("# {}\n\n{}\n", self.title, self.before.trim());
        let mut files = Vec::new();
        for sheet in &self.sheets {
            if sheet.file_only {
                page += &format!("\n[{}, as CSV]({}.csv)\n", sheet.title, sheet.name);
            } else {
                page += &format!("\n## {}\n\n{}", sheet.title, sheet.markdown());
                page += &format!("\n[as CSV]({}.csv)\n", sheet.name);
            }
            files.push((format!("{}.csv", sheet.name), sheet.csv()?));
        }
        for (name, shows, svg) in &self.figures {
            page += &format!("\n![{shows}]({name}.svg)\n");
            files.push((format!("{name}.svg"), svg.clone()));
        }
        if !self.after.is_empty() {
            page += &format!("\n{}\n", self.after.trim());
        }
        files.push((format!("{}.md", self.name), page));
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_its_tables_and_figures() {
        let mut sheet = Sheet::new("t", "Numbers", &["a", "b"]);
        sheet.push(["1", "2, 3"]);
        let report = Report {
            name: "page",
            title: "Title",
            before: "Before.".to_owned(),
            after: "After.".to_owned(),
            sheets: vec![sheet],
            figures: vec![("f".to_owned(), "a curve".to_owned(), "<svg/>".to_owned())],
            blocks: Vec::new(),
        };
        let files = report.files().unwrap();
        assert_eq!(files[0], ("t.csv".to_owned(), "a,b\n1,\"2, 3\"\n".to_owned()));
        assert_eq!(files[1], ("f.svg".to_owned(), "<svg/>".to_owned()));
        assert_eq!(
            files[2].1,
            "# Title\n\nBefore.\n\n## Numbers\n\n| a | b |\n| --- | --- |\n| 1 | 2, 3 |\n\n\
             [as CSV](t.csv)\n\n![a curve](f.svg)\n\nAfter.\n"
        );
    }
}
