//! The HTML page of a search: one file that shows one or several runs, without a network.

mod data;

pub use data::{
    Architectures, Cost, Coverage, Decision, ExactFront, Generation, Objective, Operator, Other,
    Predicted, Proposals, Rule, Run, Scores, Space, Stopped,
};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The version of the data in a page.
const VERSION: u32 = 2;

/// The text before and after the data in a page.
const OPENS: &str = r#"<script type="application/json" id="data">"#;
const CLOSES: &str = "</script>";

const TEMPLATE: &str = include_str!("report.html");

/// A page of a search that goes on loads itself again after so many seconds.
const REFRESH: &str = "<meta http-equiv=\"refresh\" content=\"5\">\n";

/// The data of a page.
#[derive(Debug, Serialize, Deserialize)]
struct Data<R> {
    version: u32,
    runs: Vec<R>,
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// A page that shows these runs.
pub fn page(runs: &[&Run]) -> Result<String, Failure> {
    let title = match runs {
        [run] => &run.title,
        _ => "Runs side by side",
    };
    let data = serde_json::to_string(&Data { version: VERSION, runs: runs.to_vec() })
        .map_err(|error| Failure::work(format!("cannot write the report's data: {error}")))?;
    // No text in the data can end its element.
    let data = data.replace('<', "\\u003c");
    let mut page = String::with_capacity(data.len() + (2 << 20));
    let mut rest = TEMPLATE;
    // In one pass: inserted text is not searched again.
    while let Some(at) = rest.find("{{") {
        let (before, from) = rest.split_at(at);
        let Some((name, after)) = from[2..].split_once("}}") else { break };
        page.push_str(before);
        match name {
            "title" => page.push_str(&escaped(title)),
            "refresh" if runs.iter().any(|run| run.running) => page.push_str(REFRESH),
            "style" => page.push_str(include_str!("report.css")),
            "chart_library" => page.push_str(include_str!("vendor/echarts.common.min.js")),
            "script" => page.push_str(include_str!("report.js")),
            "data" => page.push_str(&data),
            _ => {}
        }
        rest = after;
    }
    page.push_str(rest);
    Ok(page)
}

/// The runs that a page shows.
///
/// # Errors
/// The reason, for a file that is no page of this version.
pub fn runs(page: &str) -> Result<Vec<Run>, String> {
    let data = page.split_once(OPENS).and_then(|(_, rest)| Some(rest.split_once(CLOSES)?.0));
    let data = data.ok_or("it contains no data of a run")?;
    let Versioned { version } = serde_json::from_str(data).map_err(|error| error.to_string())?;
    if version != VERSION {
        return Err(format!("format {version}, but this program reads {VERSION}"));
    }
    let Data { runs, .. } = serde_json::from_str::<Data<Run>>(data).map_err(|e| e.to_string())?;
    runs.iter().try_for_each(Run::check)?;
    Ok(runs)
}

/// A text as HTML shows it.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
