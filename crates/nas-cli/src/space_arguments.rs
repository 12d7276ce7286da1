//! The options that name a search space and a data set; their help is made from the catalogue.

use std::path::Path;

use nas_eval::{KnownSpace, Problem, read_text, spaces};
use nas_space::Space;

use crate::failure::Failure;

/// The search space, and what its networks are trained on.
#[derive(Debug, Clone, clap::Args)]
pub struct SpaceArguments {
    #[arg(
        long,
        value_name = "NAME|FILE",
        default_value_t = default_space(),
        help = space_help("; or a TOML file with a space of your own (see nas space check)")
    )]
    pub space: String,
    #[arg(long, value_name = "NAME", help = dataset_help())]
    pub dataset: Option<String>,
}

/// The extension of a file with a space.
const TOML: &str = "toml";

/// The name of the default space.
pub fn default_space() -> String {
    spaces::ALL[0].space().name().to_owned()
}

/// The names of the known spaces, as help that continues with `more`.
pub fn space_help(more: &str) -> String {
    let names: Vec<&str> = spaces::names().collect();
    format!("The search space: {}{more}", names.join(", "))
}

/// The data sets of each known space, as help; spaces with equal data sets share an entry.
pub fn dataset_help() -> String {
    let mut groups: Vec<(Vec<&str>, Vec<&str>, &str)> = Vec::new();
    for known in spaces::ALL {
        let (name, datasets) = (known.space().name(), known.datasets());
        let default = datasets.get(known.default_dataset()).copied().unwrap_or_default();
        match groups.iter_mut().find(|group| group.1 == datasets && group.2 == default) {
            Some(group) => group.0.push(name),
            None => groups.push((vec![name], datasets, default)),
        }
    }
    let groups = groups.iter().map(|(names, datasets, default)| {
        format!("{}: {} [default: {default}]", names.join(", "), datasets.join(", "))
    });
    format!("What networks are trained on. {}", groups.collect::<Vec<_>>().join("; "))
}

impl SpaceArguments {
    /// The space on its data set.
    pub fn problem(&self) -> Result<Problem, Failure> {
        let name = self.space.as_str();
        if let Some(file) = file_of(name) {
            if self.dataset.is_some() {
                return Err(Failure::input(format!(
                    "--dataset has no effect on {name}: a space of your own has no data sets"
                )));
            }
            // Made once, and needed as long as the program runs.
            return Ok(Problem::own(Box::leak(Box::new(space_of(file)?))));
        }
        let known = spaces::named(name).map_err(|unknown| {
            Failure::input(format!("{unknown}; or a file of your own that ends in .{TOML}"))
        })?;
        Ok(Problem::new(known, self.dataset.as_deref())?)
    }
}

/// The file that a space's name is, if it is one.
pub fn file_of(name: &str) -> Option<&Path> {
    Some(Path::new(name)).filter(|file| file.extension().is_some_and(|end| end == TOML))
}

/// A known space by its name, for a command that needs what was published of it.
pub fn known(name: &str) -> Result<&'static dyn KnownSpace, Failure> {
    if file_of(name).is_some() {
        return Err(Failure::input(format!(
            "--space {name}: nothing was published of a space of your own: name one of {}, or use nas search",
            spaces::names().collect::<Vec<_>>().join(", ")
        )));
    }
    Ok(spaces::named(name)?)
}

/// A user's own space.
pub fn space_of(file: &Path) -> Result<Space, Failure> {
    let text = read_text(file).map_err(|error| Failure::file("read", file, &error))?;
    Space::from_toml(&text).map_err(|error| Failure::input(format!("{}, {error}", file.display())))
}
