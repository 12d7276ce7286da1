//! The candidates that a model chooses from, as it sees them.

use std::ops::Range;

use nas_search::{Child, Evaluated, Request, groups};

use crate::prompt::Subject;

/// The largest number of evaluated architectures beside a slate, and of characters that those have which
/// are no parents of candidates.
const EVALUATED: usize = 10;
const CHARACTERS: usize = 2_000;

/// The candidates that a model chooses from: from each group one, so that no two choices are the same.
pub(crate) struct Slate<'a> {
    children: &'a [Child<'a>],
    /// The position among the children of each candidate, in the order in which the model sees them.
    order: Vec<usize>,
    groups: usize,
    /// The evaluated architectures that the model sees, best in the first objective first.
    evaluated: Vec<&'a Evaluated>,
}

impl<'a> Slate<'a> {
    /// A slate for so many choices; `reversed` is the same slate in the reverse order.
    pub fn new(
        subject: Subject<'_>,
        children: &'a [Child<'a>],
        evaluated: &'a [Evaluated],
        reversed: bool,
    ) -> Self {
        let mut order: Vec<usize> = (0..children.len()).collect();
        if reversed {
            order.reverse();
        }
        let evaluated = shown_beside(subject, children, evaluated);
        Self { children, order, groups: subject.request.count, evaluated }
    }

    /// The evaluated architectures that the model sees: the candidates' parents, and others of the niche.
    pub fn evaluated(&self) -> &[&'a Evaluated] {
        &self.evaluated
    }

    /// The groups: positions of candidates, from 0 on.
    pub fn groups(&self) -> impl Iterator<Item = Range<usize>> {
        groups(self.order.len(), self.groups)
    }

    /// The position among the children of a candidate.
    pub fn position(&self, candidate: usize) -> usize {
        self.order[candidate]
    }

    /// A candidate.
    pub fn child(&self, candidate: usize) -> &Child<'a> {
        &self.children[self.order[candidate]]
    }

    /// Of a candidate the number of its parent, from 1 on, and how it differs from it; without a parent its
    /// choices.
    pub fn made(&self, subject: Subject<'_>, candidate: usize) -> (Option<usize>, String) {
        let Child { arch, parent } = self.child(candidate);
        let at =
            |parent: &&Evaluated| self.evaluated.iter().position(|one| one.arch == parent.arch);
        match parent.as_ref().and_then(|parent| Some((at(parent)?, parent))) {
            Some((at, parent)) => (Some(at + 1), subject.change(&parent.arch, arch)),
            None => (None, subject.choices(arch, false)),
        }
    }
}

/// The candidates' parents, and the last others of the niche as far as they have room.
fn shown_beside<'a>(
    subject: Subject<'_>,
    children: &[Child<'a>],
    evaluated: &'a [Evaluated],
) -> Vec<&'a Evaluated> {
    let Request { niche, objectives, .. } = *subject.request;
    let mut shown: Vec<&Evaluated> = Vec::new();
    for parent in children.iter().filter_map(|child| child.parent) {
        if shown.iter().all(|one| one.arch != parent.arch) {
            shown.push(parent);
        }
    }
    let mut room = CHARACTERS;
    for one in evaluated.iter().rev().filter(|one| one.niche == niche) {
        let characters = subject.choices(&one.arch, false).len();
        if shown.len() >= EVALUATED || characters > room {
            break;
        }
        if shown.iter().all(|other| other.arch != one.arch) {
            room -= characters;
            shown.push(one);
        }
    }
    let cost = |one: &Evaluated| {
        let first = objectives.first().zip(one.values.first().copied().flatten());
        first.map_or(f64::INFINITY, |(objective, value)| objective.cost(value))
    };
    shown.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
    shown
}
