//! What became of a model's proposals.

use std::collections::HashMap;

use nas_search::{Evaluated, Request};
use nas_space::Arch;

use crate::{
    calibration::Calibration,
    prompt::{Subject, values},
};

/// The largest number of outcomes in a prompt, and of their characters.
const OUTCOMES: usize = 8;
const CHARACTERS: usize = 1_600;

/// A proposal, and what the model expected of it.
#[derive(Debug, Clone)]
pub(crate) struct Tried {
    pub arch: Arch,
    /// The evaluated architecture that it was made from.
    pub parent: Option<Arch>,
    /// One value for each objective, as far as the model stated them.
    pub expected: Vec<Option<f64>>,
    /// Why it was not evaluated.
    pub refused: Option<String>,
}

/// All that a model proposed, by niche, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    niches: HashMap<usize, Vec<Tried>>,
}

/// What became of a proposal.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    tried: Tried,
    /// The parent's values.
    before: Option<Vec<Option<f64>>>,
    /// Its own; `None` where it was refused.
    after: Option<Vec<Option<f64>>>,
    front: bool,
}

impl Memory {
    pub fn add(&mut self, niche: usize, tried: impl IntoIterator<Item = Tried>) {
        self.niches.entry(niche).or_default().extend(tried);
    }

    /// The last outcomes of the niche, oldest first.
    pub fn outcomes(&self, request: &Request<'_>) -> Vec<Outcome> {
        let values = values_of(request.evaluated);
        let value = |arch: &Arch| values.get(arch).map(|one| one.values.clone());
        let all = self.niches.get(&request.niche).into_iter().flatten().rev();
        let outcomes = all.filter_map(|tried| {
            let after = value(&tried.arch).filter(|_| tried.refused.is_none());
            (after.is_some() || tried.refused.is_some()).then(|| Outcome {
                before: tried.parent.as_ref().and_then(value),
                front: request.parents.iter().any(|one| one.arch == tried.arch),
                after,
                tried: tried.clone(),
            })
        });
        let mut last: Vec<Outcome> = outcomes.take(OUTCOMES).collect();
        last.reverse();
        last
    }

    /// How near the model's expectations were.
    pub fn calibration(&self, objectives: usize, evaluated: &[Evaluated]) -> Vec<Calibration> {
        let values = values_of(evaluated);
        let mut all = vec![Calibration::default(); objectives];
        let mut niches: Vec<&usize> = self.niches.keys().collect();
        niches.sort();
        for tried in niches.into_iter().flat_map(|niche| &self.niches[niche]) {
            let came = values.get(&tried.arch).filter(|_| tried.refused.is_none());
            let Some(came) = came else { continue };
            let before = tried.parent.as_ref().and_then(|parent| values.get(parent));
            for (at, calibration) in all.iter_mut().enumerate() {
                let of = |one: &Evaluated| one.values.get(at).copied().flatten();
                let expected = tried.expected.get(at).copied().flatten();
                if let Some((expected, came)) = expected.zip(of(came)) {
                    calibration.add(expected, came, before.and_then(|before| of(before)));
                }
            }
        }
        all
    }
}

fn values_of(evaluated: &[Evaluated]) -> HashMap<&Arch, &Evaluated> {
    evaluated.iter().map(|one| (&one.arch, one)).collect()
}

impl Outcome {
    /// The outcome on one line.
    pub fn line(&self, subject: Subject<'_>) -> String {
        let Tried { arch, parent, expected, refused } = &self.tried;
        let mut line = match parent {
            Some(parent) if parent == arch => "no change".to_owned(),
            Some(parent) => subject.change(parent, arch),
            None => subject.choices(arch, false),
        };
        if let Some(before) = &self.before {
            line += &format!(" (was {})", values(before));
        }
        if let Some(why) = refused {
            return format!("{line}: refused, {why}");
        }
        if expected.iter().any(Option::is_some) {
            line += &format!(": expected {}", values(expected));
        }
        let after = values(self.after.as_deref().unwrap_or_default());
        let front = if self.front { "front" } else { "not on the front" };
        format!("{line}: came {after}, {front}")
    }
}

/// The last outcomes that have room in a prompt.
pub(crate) fn within_room(lines: Vec<String>) -> Vec<String> {
    let mut room = CHARACTERS;
    let fits = |line: &&String| {
        room = room.saturating_sub(line.len());
        room > 0
    };
    let kept = lines.iter().rev().take_while(fits).count();
    lines.into_iter().rev().take(kept).rev().collect()
}
