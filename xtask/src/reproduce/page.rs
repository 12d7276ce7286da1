//! A page of `reports/`: text, tables and figures, as Markdown, CSV and SVG.

use super::sheet::Sheet;
use crate::error::Error;

/// A page of `reports/`.
#[derive(Debug, Default)]
pub struct Page {
    /// The page's name, without its ending.
    pub name: &'static str,
    pub title: &'static str,
    /// Paragraphs before and after the tables.
    pub before: String,
    pub after: String,
    pub sheets: Vec<Sheet>,
    /// Each figure's name without its ending, what it shows, and its SVG.
    pub figures: Vec<(String, String, String)>,
    /// What other pages show between `<!-- generated: NAME -->` and `<!-- end -->`, by name.
    pub blocks: Vec<(String, String)>,
}

impl Page {
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
    fn a_page_names_its_tables_and_figures() {
        let mut sheet = Sheet::new("t", "Numbers", &["a", "b"]);
        sheet.push(["1", "2, 3"]);
        let page = Page {
            name: "page",
            title: "Title",
            before: "Before.".to_owned(),
            after: "After.".to_owned(),
            sheets: vec![sheet],
            figures: vec![("f".to_owned(), "a curve".to_owned(), "<svg/>".to_owned())],
            blocks: Vec::new(),
        };
        let files = page.files().unwrap();
        assert_eq!(files[0], ("t.csv".to_owned(), "a,b\n1,\"2, 3\"\n".to_owned()));
        assert_eq!(files[1], ("f.svg".to_owned(), "<svg/>".to_owned()));
        assert_eq!(
            files[2].1,
            "# Title\n\nBefore.\n\n## Numbers\n\n| a | b |\n| --- | --- |\n| 1 | 2, 3 |\n\n\
             [as CSV](t.csv)\n\n![a curve](f.svg)\n\nAfter.\n"
        );
    }
}
