//! `nas knowledge`: the design rules that a search ended with.

use std::{fs, io::ErrorKind, path::PathBuf, process::ExitCode};

use crate::{
    commands::runs::RunSummary,
    failure::Failure,
    output::{Cell, Records},
    terminal::{columns, note, print, write},
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The run's folder
    #[arg(value_name = "RUN")]
    run: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let run = RunSummary::search(&arguments.run)?;
    let file = run.folder.file("knowledge.md");
    let text = match fs::read_to_string(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(run.without_results()),
        read => read.map_err(|error| Failure::file("read", &file, &error))?,
    };
    let Some(columns) = columns() else {
        write(&text)?;
        return Ok(ExitCode::SUCCESS);
    };
    let (shown, left_out) = with_tables(&text, columns);
    print(&shown)?;
    if !left_out.is_empty() {
        let named: Vec<&str> =
            left_out.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
        let what = if named.is_empty() { "more columns".to_owned() } else { named.join(", ") };
        note(&format!("a wider terminal also shows {what}; {} has all columns", file.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Markdown with its tables in columns, and the columns that the width has no room for.
fn with_tables(text: &str, columns: usize) -> (String, Vec<String>) {
    let lines: Vec<&str> = text.lines().collect();
    let is_row = |line: &&str| line.starts_with('|');
    let (mut shown, mut all_left_out) = (String::new(), Vec::new());
    for block in lines.chunk_by(|a, b| is_row(a) == is_row(b)) {
        if is_row(&block[0]) {
            let records = records(block);
            let (fitting, left_out) = records.first_within(columns);
            shown += &fitting.table();
            for name in left_out {
                if !all_left_out.iter().any(|known| known == name) {
                    all_left_out.push(name.to_owned());
                }
            }
        } else {
            shown += &(block.join("\n") + "\n");
        }
    }
    (shown, all_left_out)
}

/// A table of Markdown: a header, a rule and rows.
fn records(lines: &[&str]) -> Records {
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim().trim_matches('|');
        inner.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let header = cells(lines[0]);
    // The objectives of rules are many words; the choices of an effect are names.
    let of_rules = header[0].is_empty();
    let title = |name: &String| if of_rules { name.replace('_', " ") } else { name.clone() };
    let mut records = Records::new(header.iter().map(title));
    for line in lines.iter().skip(2) {
        let mut row: Vec<Cell> = cells(line).into_iter().map(Cell::from).collect();
        row.resize(header.len(), Cell::Absent);
        records.push(row);
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_markdown_have_columns() {
        let text = "# Title\n\n| | rule | latency_ms | author |\n|---|---|---|---|\n\
                    | do | skip at 0 | +1.0 | statistics |\n| avoid | none | – | statistics |\n\nEnd.\n";
        let (shown, left_out) = with_tables(text, 30);
        insta::assert_snapshot!(shown, @r"
        # Title

               rule       latency ms
        do     skip at 0  +1.0
        avoid  none       –

        End.
        ");
        assert_eq!(left_out, ["author"]);
        assert!(with_tables(text, 80).1.is_empty());
        // Decisions with different choices have no titles.
        let text = "| decision | | |\n|---|---|---|\n| depth | 2 -1.3 | 3 +0.2 |\n";
        insta::assert_snapshot!(with_tables(text, 80).0, @r"
        decision
        depth     2 -1.3  3 +0.2
        ");
    }
}
