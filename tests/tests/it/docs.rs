//! The written pages: their links lead somewhere, the book lists all its pages, and the commands that
//! are marked as tested run.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use nas_bench::Manifest;
use nas_tests::Nas;

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");

/// What marks a block of commands that are run here, after its language.
const TESTED: &str = "tested";

/// Lines that README.md may have.
const FRONT_DOOR: usize = 200;

/// A part of a page between two fences.
struct Block<'a> {
    /// The language and, for a file that commands read, its name.
    info: Vec<&'a str>,
    lines: Vec<&'a str>,
}

impl Block<'_> {
    fn is_tested(&self) -> bool {
        self.info == ["sh", TESTED]
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The entries of a folder, in order.
fn entries(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// README.md and the pages of the book.
fn book() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md")];
    let is_page = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    pages.extend(entries("docs/src").into_iter().filter(is_page));
    pages
}

/// Every page whose links are checked.
fn pages() -> Vec<PathBuf> {
    let mut pages = book();
    let others = ["ARCHITECTURE.md", "CONTRIBUTING.md", "fuzz/README.md", "reports/README.md"];
    pages.extend(others.map(|name| root().join(name)));
    pages.extend(entries("crates").into_iter().map(|folder| folder.join("README.md")));
    pages
}

/// A page's text outside fences, and its blocks.
fn split(text: &str) -> (Vec<&str>, Vec<Block<'_>>) {
    let (mut prose, mut blocks) = (Vec::new(), Vec::new());
    let mut open: Option<Block<'_>> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => {
                open = Some(Block { info: info.split_whitespace().collect(), lines: Vec::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.lines.push(line),
            (None, None) => prose.push(line),
        }
    }
    assert!(open.is_none(), "a fence is never closed");
    (prose, blocks)
}

/// What a page's links lead to, but for other servers and for items of a crate.
fn links<'a>(prose: &[&'a str]) -> Vec<&'a str> {
    let targets = prose.iter().flat_map(|line| line.split("](").skip(1));
    let targets = targets.filter_map(|rest| rest.split([')', ' ']).next());
    targets.filter(|target| !target.contains("://") && !target.contains("::")).collect()
}

/// The anchors of a page's headings, as GitHub and mdBook make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut anchors = BTreeSet::new();
    for heading in split(text).0.iter().filter(|line| line.starts_with('#')) {
        let title = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let count = seen.entry(anchor.clone()).or_default();
        anchors.insert(if *count == 0 { anchor } else { format!("{anchor}-{count}") });
        *count += 1;
    }
    anchors
}

#[test]
fn links_lead_to_files_and_headings_that_exist() {
    let mut broken = Vec::new();
    let mut checked = 0;
    for page in pages() {
        let text = read(&page);
        for link in links(&split(&text).0) {
            checked += 1;
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => page.clone(),
                path => page.parent().unwrap().join(path),
            };
            let leads = target.exists()
                && (anchor.is_empty()
                    || target.is_file() && anchors(&read(&target)).contains(anchor));
            if !leads {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "these links lead nowhere:\n{}", broken.join("\n"));
    assert!(checked > 50, "only {checked} links were found");
}

#[test]
fn the_book_lists_every_page_once() {
    let folder = root().join("docs/src");
    let summary = read(&folder.join("SUMMARY.md"));
    let (prose, _) = split(&summary);
    let listed = links(&prose);
    let pages: BTreeSet<String> = entries("docs/src")
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .filter(|name| name != "SUMMARY.md")
        .collect();
    assert_eq!(listed.iter().copied().map(str::to_owned).collect::<BTreeSet<_>>(), pages);
    assert_eq!(listed.len(), pages.len(), "a page is listed twice: {listed:?}");
}

#[test]
fn the_readme_is_short() {
    let lines = read(&root().join("README.md")).lines().count();
    assert!(lines <= FRONT_DOOR, "README.md has {lines} lines; move text to docs/src");
}

#[test]
fn the_book_describes_every_published_device() {
    let page = read(&root().join("docs/src/data.md"));
    for device in Manifest::embedded().unwrap().all_devices() {
        let (name, description) = (&device.name, &device.description);
        let row = format!("| `{name}` | {description} | {} |", device.origin.name());
        assert!(page.contains(&row), "docs/src/data.md lacks the row\n{row}");
    }
}

#[test]
fn commands_that_are_marked_as_tested_run() {
    let mut run = 0;
    for page in book() {
        let text = read(&page);
        let (_, blocks) = split(&text);
        if !blocks.iter().any(Block::is_tested) {
            continue;
        }
        // A folder for each page: a page is read alone.
        let Some(nas) = Nas::with_tables(PROGRAM) else { return };
        for block in blocks {
            if !block.is_tested() {
                if let [_, file] = block.info[..] {
                    nas.write(file, &format!("{}\n", block.lines.join("\n")));
                }
                continue;
            }
            for line in block.lines.iter().filter(|line| !line.is_empty()) {
                let ran = nas.shell(&format!("nas() {{ '{PROGRAM}' \"$@\"; }}\n{line}"));
                assert_eq!(ran.code, 0, "{}: {line}\n{}", page.display(), ran.stderr);
                run += 1;
            }
        }
    }
    assert!(run >= 10, "only {run} commands are marked with `{TESTED}`");
}
