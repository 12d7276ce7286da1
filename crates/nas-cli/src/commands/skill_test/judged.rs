//! Choices, compared with what their candidates truly add.

use std::{collections::HashSet, ops::Range};

use nas_eval::Truth;
use nas_llm::{Chosen, Scores};
use nas_pareto::statistics::{Estimate, mean};
use nas_search::{Child, Evaluated, Request, groups};
use nas_space::Arch;

use super::expected::{self, Expected};
use crate::{
    failure::Failure,
    output::{Cell, Records},
};

/// How choices were made, as a table names it and as a row does.
type How = (&'static str, &'static str);
const AS_DRAWN: How = ("the model's", "as drawn");
const REVERSED: How = ("in the reverse order", "reversed");
const TOGETHER: How = ("both orders together", "together");
const UNBIASED: How = ("without the letters' means", "without means");
const STATISTICS: How = ("by statistics", "statistics");
const BEST: How = ("the best", "best");

/// A choice.
struct Choice {
    how: How,
    /// Its place in the list that the model saw, from 0 to 1, where it saw one.
    place: Option<f64>,
    /// Its percentile among the candidates, from 0 to 1, ties averaged.
    percentile: f64,
}

/// What came of one situation.
pub struct Judged {
    pub niche: usize,
    choices: Vec<Choice>,
    /// The percentile of each candidate.
    percentiles: Vec<f64>,
    /// In each order the scores of the candidates, where the model ranks them.
    scores: Vec<Scores>,
    /// How many choices there are in an order.
    count: usize,
    /// How many of the choices in one order are choices in the other.
    agree: Option<f64>,
    /// What was expected of the candidates, where the model was asked for values.
    pub expected: Vec<Expected>,
}

impl Judged {
    /// Compares a model's choices with what their candidates truly add to the niche's front. `in_groups`:
    /// one of each group, else any.
    pub fn of(
        request: &Request<'_>,
        truth: &Truth,
        candidates: &[Child<'_>],
        chosen: &Chosen,
        in_groups: bool,
    ) -> Result<Self, Failure> {
        let here = |one: &&Evaluated| one.niche == request.niche;
        let evaluated: Vec<&Arch> =
            request.evaluated.iter().filter(here).map(|one| &one.arch).collect();
        let gains = truth.gains_of(&evaluated, candidates.iter().map(|child| &child.arch))?;
        let percentiles = percentiles(&gains);
        let count = request.count.min(candidates.len());
        let best = |scores: &[f64]| {
            if in_groups {
                let groups = groups(scores.len(), count);
                groups.flat_map(|group| best_of(scores, group, 1)).collect()
            } else {
                best_of(scores, 0..scores.len(), count)
            }
        };
        let last = candidates.len().saturating_sub(1).max(1) as f64;
        let mut choices = Vec::new();
        let mut add = |how, chosen: &[usize], place: &dyn Fn(usize) -> Option<f64>| {
            choices.extend(chosen.iter().map(|&at| Choice {
                how,
                place: place(at),
                percentile: percentiles[at],
            }));
        };
        for (order, (how, chosen)) in
            [AS_DRAWN, REVERSED].into_iter().zip(&chosen.by_order).enumerate()
        {
            let from_start =
                |at: usize| if order == 0 { at } else { candidates.len() - 1 - at } as f64;
            add(how, chosen, &|at| Some(from_start(at) / last));
        }
        if chosen.by_order.len() > 1 {
            add(TOGETHER, &chosen.together, &|_| None);
        }
        // By the additive model: what it expects the candidates to add.
        add(STATISTICS, &best(&predicted_gains(request, candidates)), &|_| None);
        add(BEST, &best(&gains), &|_| None);
        let agree = match &chosen.by_order[..] {
            [one, other] if !one.is_empty() => {
                let one: HashSet<&usize> = one.iter().collect();
                Some(other.iter().filter(|at| one.contains(at)).count() as f64 / one.len() as f64)
            }
            _ => None,
        };
        let (niche, scores) = (request.niche, chosen.scores.clone());
        let expected = expected::of(request, truth, candidates, &chosen.expected);
        Ok(Self { niche, choices, percentiles, scores, count, agree, expected })
    }

    /// How many choices the model made.
    pub fn made(&self) -> usize {
        self.choices.iter().filter(|choice| choice.place.is_some()).count()
    }
}

/// Adds the choices by scores from which the mean score of each letter, in all situations, is subtracted:
/// a model may prefer some letters whatever they mean.
pub fn without_means(judged: &mut [Judged]) {
    let letters = judged.iter().map(|one| one.percentiles.len()).max().unwrap_or_default();
    let letter = |order: usize, count: usize, at: usize| {
        if order == 0 { at } else { count - 1 - at }
    };
    let mut sums = vec![(0.0, 0.0); letters];
    for one in &*judged {
        for (order, scores) in one.scores.iter().enumerate() {
            for (at, score) in scores.values.iter().enumerate() {
                let (sum, count) = &mut sums[letter(order, scores.values.len(), at)];
                *sum += score;
                *count += 1.0;
            }
        }
    }
    for one in judged {
        for (order, scores) in one.scores.iter_mut().enumerate() {
            let letters = scores.values.len();
            for (at, score) in scores.values.iter_mut().enumerate() {
                let (sum, count) = sums[letter(order, letters, at)];
                *score -= sum / count;
            }
        }
        let choices = Scores::sum(&one.scores).best(one.count).into_iter().map(|at| Choice {
            how: UNBIASED,
            place: None,
            percentile: one.percentiles[at],
        });
        one.choices.extend(choices);
    }
}

/// The positions of the greatest scores in a range.
fn best_of(scores: &[f64], range: Range<usize>, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = range.collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    order.truncate(count);
    order
}

/// For each value the share of the others that are less, of equal ones half.
fn percentiles(values: &[f64]) -> Vec<f64> {
    let others = values.len().saturating_sub(1).max(1) as f64;
    let of = |value: &f64| {
        let less = values.iter().filter(|other| *other < value).count() as f64;
        let no_more = values.iter().filter(|other| *other <= value).count() as f64;
        // Without itself.
        (less + no_more - 1.0) / 2.0 / others
    };
    values.iter().map(of).collect()
}

/// By how much the additive model expects each candidate to be better than its parent, over the objectives
/// in units of their range.
fn predicted_gains(request: &Request<'_>, candidates: &[Child<'_>]) -> Vec<f64> {
    let Request { space, objectives, evaluated, .. } = *request;
    let effects = request.knowledge().effects(space, objectives, evaluated);
    let ranges: Vec<f64> = (0..objectives.len())
        .map(|at| {
            let values = request.parents.iter().filter_map(|one| one.values[at]);
            let (low, high) = values
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                    (low.min(value), high.max(value))
                });
            if high > low { high - low } else { 1.0 }
        })
        .collect();
    let gain = |child: &Child<'_>| {
        let all = effects.iter().zip(&ranges);
        let better = all.map(|(effects, range)| {
            let before = child.parent.map_or(0.0, |parent| effects.predict(&parent.arch));
            (before - effects.predict(&child.arch)) / range
        });
        better.sum()
    };
    candidates.iter().map(gain).collect()
}

/// The means of all ways to choose, with what follows from them.
pub struct Summary<'a> {
    pub judged: &'a [Judged],
    pub choices: u16,
    pub candidates: u16,
}

impl Summary<'_> {
    pub fn table(&self) -> String {
        let Self { judged, .. } = self;
        let mut records = Records::new(["choices", "percentile", "skill"]);
        // A mean for each situation, whose choices depend on each other.
        let means = |how: How| -> Vec<f64> {
            let of = |one: &Judged| -> Vec<f64> {
                let mine = one.choices.iter().filter(|choice| choice.how == how);
                mine.map(|choice| choice.percentile).collect()
            };
            let all = judged.iter().map(of).filter(|values| !values.is_empty());
            all.map(|values| mean(&values)).collect()
        };
        // The percentile of chance is 0.5 and that of the best is known: skill is linear in between.
        let range = (mean(&means(BEST)) - 0.5).max(f64::MIN_POSITIVE);
        for how in [AS_DRAWN, REVERSED, TOGETHER, UNBIASED, STATISTICS, BEST] {
            let values = means(how);
            if values.is_empty() {
                continue;
            }
            let estimate = Estimate::of(&values);
            let skill = Estimate {
                mean: (estimate.mean - 0.5) / range,
                half: estimate.half.map(|half| half / range),
            };
            let cells = [Cell::Text(estimate.text(3)), Cell::Text(skill.signed(2))];
            records.push([how.0.into()].into_iter().chain(cells).collect());
        }
        let places: Vec<f64> =
            judged.iter().flat_map(|one| &one.choices).filter_map(|choice| choice.place).collect();
        let place = match places[..] {
            [] => "it chose nothing".to_owned(),
            _ => format!(
                "its choices are at {:.2} of the list on average (0 is the first, chance is 0.5)",
                mean(&places)
            ),
        };
        let agree: Vec<f64> = judged.iter().filter_map(|one| one.agree).collect();
        let agree = match agree[..] {
            [] => String::new(),
            _ => format!(
                "\n  in the reverse order it makes {:.0} % of the same choices (chance: {:.0} %)",
                100.0 * mean(&agree),
                100.0 * f64::from(self.choices) / f64::from(self.candidates),
            ),
        };
        let is_scored: Vec<f64> = judged
            .iter()
            .flat_map(|one| &one.scores)
            .flat_map(|scores| &scores.is_scored)
            .map(|scored| f64::from(u8::from(*scored)))
            .collect();
        let scored = match is_scored[..] {
            [] => String::new(),
            _ => format!("\n  it scored {:.0} % of the candidates", 100.0 * mean(&is_scored)),
        };
        format!(
            "{}\n{} choices in {} situations, {} of {} candidates each{scored}\n  \
             percentile: of what a choice truly adds to its niche's front, among the candidates,\n    \
             ties averaged; chance is 0.5; ±: 95 % interval over situations\n  \
             skill: 0 is chance, 1 the best candidates\n  \
             {place}{agree}\n",
            records.table(),
            places.len(),
            judged.len(),
            self.choices,
            self.candidates,
        )
    }

    /// A row for each choice.
    pub fn records(&self) -> Records {
        let mut records = Records::new(["situation", "niche", "choice", "place", "percentile"]);
        for (number, one) in self.judged.iter().enumerate() {
            for Choice { how, place, percentile } in &one.choices {
                records.push(vec![
                    (number + 1).into(),
                    (one.niche + 1).into(),
                    how.1.into(),
                    (*place).into(),
                    Some(*percentile).into(),
                ]);
            }
        }
        records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_average_ties_and_have_the_mean_of_one_half() {
        assert_eq!(percentiles(&[0.0, 0.0, 0.0, 1.0, 2.0]), [0.25, 0.25, 0.25, 0.75, 1.0]);
        assert_eq!(percentiles(&[3.0, 3.0]), [0.5, 0.5]);
        assert_eq!(percentiles(&[3.0]), [0.0]);
        let values: Vec<f64> = (0..37).map(|at| f64::from(at * 7 % 10)).collect();
        assert!((mean(&percentiles(&values)) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_preference_for_letters_is_removed() {
        // What a candidate is worth is a tenth of what its letter is.
        let percentiles = [vec![0.0, 1.0, 0.5], vec![0.5, 0.0, 1.0], vec![1.0, 0.5, 0.0]];
        let bias = [3.0, 1.0, 2.0];
        let mut all: Vec<Judged> = percentiles
            .iter()
            .map(|worth| {
                let score = |order: usize, at: usize| {
                    bias[if order == 0 { at } else { 2 - at }] + worth[at] / 10.0
                };
                let scores = |order| Scores {
                    values: (0..3).map(|at| score(order, at)).collect(),
                    is_scored: vec![true; 3],
                };
                Judged {
                    niche: 0,
                    choices: vec![],
                    percentiles: worth.clone(),
                    scores: (0..2).map(scores).collect(),
                    count: 1,
                    agree: None,
                    expected: vec![],
                }
            })
            .collect();
        assert_eq!(all[0].scores[0].best(1), [0]);
        without_means(&mut all);
        for one in &all {
            let [choice] = &one.choices[..] else { panic!("one choice") };
            assert_eq!((choice.how, choice.percentile), (UNBIASED, 1.0));
        }
    }
}
