//! The results of a search as a figure, and as data of the HTML page.

use std::{
    collections::{BTreeSet, HashSet},
    path::Path,
};

use nas_eval::{Covered, PredictedMember};
use nas_llm::Contribution;
use nas_pareto::Direction;
use nas_search::{Evaluated, Objective, Role, Rule, Within};
use nas_space::{Arch, Decision, Space};

use super::{BINS, Report, TOLERANCE};
use crate::{
    figure::FrontFigure,
    report::{self, Run},
};

/// Architectures that a page shows at most, and bytes of their text; the front, and all that were
/// proposed with a reason, are always shown.
const SHOWN: usize = 10_000;
const TEXT: usize = 1_500_000;

const TEST_ACCURACY: &str = "test accuracy [%]";

/// Settings that a page does not show: only the program uses them.
const UNSHOWN: [&str; 2] = ["folder", "format"];

/// An objective's name and unit for an axis.
fn axis_title(objective: &Objective) -> String {
    let name = match objective.name.as_str() {
        "score" => "score of zero-cost proxies".to_owned(),
        name => name.replace('_', " "),
    };
    titled(&name, &objective.unit)
}

fn titled(name: &str, unit: &str) -> String {
    let name = name.replace('_', " ");
    if unit.is_empty() { name } else { format!("{name} [{unit}]") }
}

impl Report<'_> {
    /// True accuracies, if they are known: figures then show them instead of the search's own objective.
    fn true_accuracies(&self) -> Option<&Vec<f64>> {
        self.opened.test_accuracy.as_ref().filter(|_| self.opened.truth.is_some())
    }

    /// The exact front in cost and true accuracy; of two objectives only, since of more it is a surface.
    fn exact_front(&self) -> Option<Vec<(f64, f64)>> {
        let truth = self.opened.truth.as_ref();
        let truth = truth.filter(|_| self.outcome.objectives.len() == 2)?;
        let accuracies = self.true_accuracies()?;
        let (cost, _) = self.axes();
        let place =
            |arch: &Arch| Some((*truth.values(arch)?.get(cost)?, self.of_table(accuracies, arch)?));
        let mut exact: Vec<(f64, f64)> = truth.front().iter().filter_map(place).collect();
        exact.sort_by(|a, b| a.0.total_cmp(&b.0));
        Some(exact)
    }

    /// The objectives of the figure by their positions: the cost that matters most, and accuracy, or
    /// else the first other.
    fn axes(&self) -> (usize, usize) {
        let objectives = &self.outcome.objectives;
        let x = Objective::main_cost(objectives).unwrap_or(0);
        let other = || (0..objectives.len()).find(|at| *at != x);
        let y = Objective::position(objectives, Role::Accuracy).or_else(other).unwrap_or(0);
        (x, y)
    }

    /// The title of the figure and the page.
    fn title(&self) -> String {
        format!("{} on {}", self.problem.title, self.plan.device)
    }

    /// The figure: on true accuracy if it is known, else on the objectives.
    pub fn figure(&self) -> FrontFigure {
        let outcome = self.outcome;
        let accuracies = self.true_accuracies();
        let (x, y) = self.axes();
        let place = |found: &Evaluated| {
            let value = |at: usize| found.values.get(at).copied().flatten();
            let y = match accuracies {
                Some(accuracies) => self.of_table(accuracies, &found.arch),
                None => value(y),
            };
            Some((value(x)?, y?))
        };
        let title = |at: usize| outcome.objectives.get(at).map(axis_title).unwrap_or_default();
        let of_y = accuracies.map_or_else(|| title(y), |_| TEST_ACCURACY.to_owned());
        FrontFigure {
            title: format!(
                "{}: {} of {} evaluated on the front",
                self.title(),
                self.front.len(),
                outcome.evaluated.len()
            ),
            x: title(x),
            y: of_y,
            evaluated: outcome.evaluated.iter().filter_map(place).collect(),
            front: self.front.iter().copied().filter_map(place).collect(),
            predicted: match accuracies {
                // True accuracies are drawn beside true accuracies only.
                Some(_) => Vec::new(),
                None => self
                    .predicted
                    .iter()
                    .map(|member| (member.values[x].value, member.values[y].value))
                    .collect(),
            },
            exact: self.exact_front().unwrap_or_default(),
        }
    }

    /// The data of the page. `settings` are the plan's by name, `rejected` counts the proposals that the
    /// search rejected, by kind.
    pub fn page(
        &self,
        name: &Path,
        settings: Vec<(String, String)>,
        rejected: Vec<(String, u64)>,
    ) -> Run {
        let Self { outcome, problem, .. } = self;
        let shown = self.shown();
        // What is not shown has no position.
        let place = |found: &Evaluated| {
            shown.iter().position(|at| std::ptr::eq(&raw const outcome.evaluated[*at], found))
        };
        let best = match self.within {
            Within::Best(found) if !self.opened.limits.is_empty() => place(found),
            _ => None,
        };
        let names: BTreeSet<&str> = outcome.evaluated.iter().map(|one| &*one.proposer).collect();
        let proposers: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let model = self.model.as_ref();
        let all = model.map(Contribution::all);
        let faults = all.iter().flat_map(|all| &all.faults);
        let faults = faults.map(|(fault, count)| (fault.name().to_owned(), *count));
        Run {
            name: name.display().to_string(),
            title: self.title(),
            ended: !outcome.interrupted,
            running: self.running,
            evaluated: outcome.evaluated.len(),
            budget: self.plan.evaluations,
            settings: shown_settings(settings),
            origins: self.opened.origins.clone(),
            objectives: outcome.objectives.iter().map(objective).collect(),
            space: space(problem.space),
            niches: outcome.niches.iter().map(|niche| niche.description.clone()).collect(),
            architectures: self.architectures(&shown, &proposers),
            proposers,
            front: self.front.iter().filter_map(|found| place(found)).collect(),
            predicted: self
                .predicted
                .iter()
                .map(|member| predicted(problem.space, member))
                .collect(),
            failures: self
                .failures()
                .into_iter()
                .map(|(kind, count, first)| (kind.to_owned(), count as u64, first.to_owned()))
                .collect(),
            stopped: self.steps(),
            exact_front: self.exact_front().map(|points| report::ExactFront {
                title: "exact front of the whole space".to_owned(),
                column: TEST_ACCURACY.to_owned(),
                points,
            }),
            scores: self.scores.map(|scores| report::Scores {
                hypervolume_ratio: scores.hypervolume_ratio,
                hypervolume: scores.hypervolume,
                igd: scores.igd,
                igd_plus: scores.igd_plus,
            }),
            coverage: self.opened.truth.as_ref().map(|truth| {
                let found = self.front.iter().map(|found| &found.arch);
                let Covered { from, to, parts } = truth.coverage_by_part(found, BINS, TOLERANCE);
                report::Coverage { from, to, covered: parts }
            }),
            generations: self.generations.clone(),
            best,
            limits: if self.opened.limits.is_empty() {
                vec![]
            } else {
                vec![self.limits_in_words()]
            },
            rules: outcome.knowledge.rules().iter().map(|rule| self.rule_of(rule, None)).collect(),
            dropped_rules: outcome
                .knowledge
                .dropped()
                .iter()
                .map(|one| self.rule_of(&one.rule, Some(one.evaluated)))
                .collect(),
            cost: model.map(|model| report::Cost {
                calls: model.usage.calls,
                prompt_tokens: model.usage.prompt_tokens,
                completion_tokens: model.usage.completion_tokens,
                seconds: model.usage.seconds,
                money: model.usage.cost,
                asked_again: model.asked_again,
                failed: model
                    .failures
                    .iter()
                    .map(|(kind, failed)| (kind.to_string(), failed.count, failed.first.clone()))
                    .collect(),
            }),
            proposals: all
                .as_ref()
                .map(|all| report::Proposals { made: all.made, accepted: all.accepted }),
            operators: self.operators_by_name(),
            rejections: faults.chain(rejected).filter(|(_, count)| *count > 0).collect(),
        }
    }

    /// The positions of the architectures that a page shows, in order: the front, those proposed with a
    /// reason, and evenly spaced others as far as there is room.
    fn shown(&self) -> Vec<usize> {
        let evaluated = &self.outcome.evaluated;
        let on_front: HashSet<&Arch> = self.front.iter().map(|found| &found.arch).collect();
        let best = self.best().map(|found| &found.arch);
        let always = |one: &Evaluated| {
            one.rationale.is_some() || best == Some(&one.arch) || on_front.contains(&one.arch)
        };
        let (mut shown, others): (Vec<usize>, Vec<usize>) =
            (0..evaluated.len()).partition(|at| always(&evaluated[*at]));
        let length = evaluated.first().map_or(1, |one| self.problem.space.format(&one.arch).len());
        let room = SHOWN.min(TEXT / length.max(1)).saturating_sub(shown.len());
        let step = others.len().div_ceil(room.max(1)).max(1);
        shown.extend(others.into_iter().step_by(step).take(room));
        shown.sort_unstable();
        shown
    }

    /// The columns of what is shown.
    fn architectures(&self, shown: &[usize], proposers: &[String]) -> report::Architectures {
        let Self { outcome, problem, .. } = self;
        let rows = || shown.iter().map(|at| &outcome.evaluated[*at]);
        let other = |title: String, value: &dyn Fn(&Evaluated) -> Option<f64>| report::Other {
            title,
            values: rows().map(value).collect(),
        };
        let accuracy = self.test_accuracy().map(|accuracies| {
            other(TEST_ACCURACY.to_owned(), &|one| self.of_table(accuracies, &one.arch))
        });
        let details = self.opened.details.iter().enumerate().map(|(at, detail)| {
            let name = match detail.steps {
                Some(steps) => format!("{} after {steps}", detail.name),
                None => detail.name.clone(),
            };
            other(titled(&name, &detail.unit), &|one| one.details[at])
        });
        let statistics = self
            .statistics()
            .map(|statistic| other(statistic.title(), &|one| Some(statistic.in_unit(&one.arch))));
        report::Architectures {
            arch: rows().map(|one| problem.space.format(&one.arch)).collect(),
            choices: rows().map(|one| one.arch.choices().to_vec()).collect(),
            values: (0..outcome.objectives.len())
                .map(|objective| rows().map(|one| one.values[objective]).collect())
                .collect(),
            others: accuracy.into_iter().chain(details).chain(statistics).collect(),
            niche: rows().map(|one| one.niche).collect(),
            generation: rows().map(|one| one.generation).collect(),
            proposer: rows()
                .map(|one| proposers.binary_search(&one.proposer).unwrap_or_default())
                .collect(),
            connected: problem
                .space
                .cell()
                .map(|_| rows().map(|one| problem.space.is_connected(&one.arch)).collect()),
            rationale: rows()
                .enumerate()
                .filter_map(|(at, one)| Some((at, one.rationale.clone()?)))
                .collect(),
        }
    }

    /// The operators at the end, each with its share in every generation.
    fn operators_by_name(&self) -> Vec<report::Operator> {
        let last = self.shares.last().map(|share| share.generation);
        let at_end = self.shares.iter().filter(|share| Some(share.generation) == last);
        let shares_of = |operator: &str| {
            let mine = self.shares.iter().filter(|share| share.operator == operator);
            mine.map(|share| (share.generation, share.probability)).collect()
        };
        at_end
            .map(|share| report::Operator {
                name: share.operator.clone(),
                asked: share.asked,
                proposals: share.proposals,
                credit: share.credit,
                shares: shares_of(&share.operator),
            })
            .collect()
    }

    fn rule_of(&self, rule: &Rule, evaluated: Option<usize>) -> report::Rule {
        let effects = self.outcome.objectives.iter().map(axis_title).zip(&rule.evidence.effects);
        report::Rule {
            polarity: rule.polarity.name().to_owned(),
            condition: rule.condition.describe(self.problem.space),
            niche: rule.niche,
            by: rule.author.name().to_owned(),
            reason: rule.reason.clone(),
            since: rule.since,
            supporting: rule.evidence.supporting.len(),
            contradicting: rule.evidence.contradicting.len(),
            significance: rule.evidence.significance(),
            effects: effects.map(|(title, effect)| (title, *effect)).collect(),
            evaluated,
        }
    }
}

fn predicted(space: &Space, member: &PredictedMember) -> report::Predicted {
    report::Predicted {
        arch: space.format(&member.arch),
        values: member.values.iter().map(|one| [one.value, one.low, one.high]).collect(),
    }
}

fn objective(objective: &Objective) -> report::Objective {
    let direction = match objective.direction {
        Direction::Maximise => "maximise",
        Direction::Minimise => "minimise",
    };
    report::Objective {
        name: objective.name.clone(),
        unit: objective.unit.clone(),
        direction: direction.to_owned(),
        title: axis_title(objective),
    }
}

fn space(space: &Space) -> report::Space {
    let decision = |at: &Decision| report::Decision {
        name: at.name.clone(),
        choices: at.choices.clone(),
        active: at.active.clone(),
        short: at.choices.iter().map(|choice| space.short_name(choice).to_owned()).collect(),
    };
    report::Space {
        name: space.name().to_owned(),
        decisions: space.decisions().iter().map(decision).collect(),
        edges: space.cell().map(|cell| cell.edges.clone()),
        none: space.cell().map(|cell| cell.none.clone()),
    }
}

/// The settings that a page shows.
fn shown_settings(settings: Vec<(String, String)>) -> Vec<(String, String)> {
    let shown = settings.into_iter().filter(|(key, _)| !UNSHOWN.contains(&key.as_str()));
    shown.map(|(key, value)| (key.replace(['_', '.'], " "), value)).collect()
}
