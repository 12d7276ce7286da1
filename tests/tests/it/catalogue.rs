//! README's table of spaces is the program's catalogue.

use std::{fs, path::Path};

use nas_eval::{KnownSpace, Problem, spaces};

const BEGIN: &str = "<!-- spaces -->\n";
const END: &str = "<!-- end spaces -->";

/// A row of the table: name, networks, accuracies, data sets with the default first, and the devices
/// with published costs on it.
fn row(known: &'static dyn KnownSpace) -> String {
    let problem = Problem::new(known, None).unwrap();
    let mut datasets = known.datasets();
    let default = datasets.remove(known.default_dataset());
    datasets.insert(0, default);
    let devices = problem.devices().unwrap();
    let devices: Vec<&str> = devices.iter().map(|device| device.name.as_str()).collect();
    let devices = if devices.is_empty() { "none".to_owned() } else { devices.join(", ") };
    format!(
        "| `{}` | {} | {} | {} | {devices} |\n",
        known.space().name(),
        known.networks_in_words(),
        known.accuracies_in_words().unwrap_or("none"),
        datasets.join(", ")
    )
}

#[test]
fn the_table_of_spaces_in_the_readme_is_the_catalogue() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let begin = readme.find(BEGIN).unwrap() + BEGIN.len();
    let table = &readme[begin..readme.find(END).unwrap()];
    let rows: String = table.trim_start().split_inclusive('\n').skip(2).collect();
    let expected: String = spaces::ALL.into_iter().map(row).collect();
    assert_eq!(rows.trim_end(), expected.trim_end(), "write this:\n{expected}");
}
