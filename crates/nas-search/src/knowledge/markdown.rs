//! The knowledge base as a page of Markdown.

use nas_partition::Niche;
use nas_space::Space;

use super::{
    base::KnowledgeBase,
    rule::{DroppedRule, Rule},
    scope::scopes,
};
use crate::Objective;

impl KnowledgeBase {
    /// The human-readable knowledge base, as Markdown: for each niche the rules with their
    /// evidence, then the effect of every choice, where [`effects`](Self::effects) were computed.
    pub fn markdown(&self, space: &Space, niches: &[Niche], objectives: &[Objective]) -> String {
        let mut text = format!("# What the search learnt about {}\n", space.name());
        text += "\nA rule is judged by the architectures that were evaluated in its niche and take its \
                 choice. *For* counts those that support it: of a `do` those in the better half by \
                 non-domination, of an `avoid` those in the worse half. *Against* counts the others. \
                 *Significance* is the number of standard deviations by which the support exceeds \
                 chance. An effect is that of taking the choice, also for an `avoid`: the mean of the \
                 architectures that take it minus the mean of the others.\n";
        for niche in scopes(niches.len()) {
            let rules: Vec<&Rule> =
                self.rules().iter().filter(|rule| rule.niche == niche).collect();
            let title = match niche {
                None => "All niches".to_owned(),
                Some(at) => format!("Niche {}: {}", at + 1, niches[at].description),
            };
            text += &format!("\n## {title}\n\n");
            if rules.is_empty() {
                text += "No rules.\n";
                continue;
            }
            text += "| | rule | for | against | significance |";
            for objective in objectives {
                text += &format!(" {} |", objective.column());
            }
            text += " since | author |\n|---|---|---|---|---|";
            text += &"---|".repeat(objectives.len() + 2);
            text += "\n";
            for rule in rules {
                text += &row(space, rule);
            }
            for rule in self.rules().iter().filter(|r| r.niche == niche && !r.reason.is_empty()) {
                text += &format!(
                    "\n*{}*: {}\n",
                    rule.condition.describe(space),
                    rule.reason.replace('<', "&lt;")
                );
            }
        }
        text += &self.dropped_table(space, niches);
        text += &self.effect_tables(space, objectives);
        text
    }

    /// The rules that no longer hold.
    fn dropped_table(&self, space: &Space, niches: &[Niche]) -> String {
        if self.dropped().is_empty() {
            return String::new();
        }
        let mut text = "\n## Rules that no longer hold\n\n\
            | | rule | niche | for | against | significance | evaluated | author |\n\
            |---|---|---|---|---|---|---|---|\n"
            .to_owned();
        for DroppedRule { rule, evaluated } in self.dropped() {
            let niche = match rule.niche {
                None => "all".to_owned(),
                Some(at) => niches.get(at).map_or("-", |niche| &niche.description).to_owned(),
            };
            let evidence = &rule.evidence;
            text += &format!(
                "| {} | {} | {niche} | {} | {} | {:+.1} | {evaluated} | {} |\n",
                rule.polarity.name(),
                rule.condition.describe(space),
                evidence.supporting.len(),
                evidence.contradicting.len(),
                evidence.significance(),
                rule.author.name(),
            );
        }
        text
    }

    fn effect_tables(&self, space: &Space, objectives: &[Objective]) -> String {
        let mut text = String::new();
        for (objective, effects) in objectives.iter().zip(self.known_effects()) {
            text += &format!(
                "\n## Effect of each choice on {}\n\nEstimated together; + is more, in the \
                 objective's unit.\n\n| decision |",
                objective.column()
            );
            let widest = space.decisions().iter().max_by_key(|decision| decision.choices.len());
            let shared = widest.filter(|widest| {
                space.decisions().iter().all(|decision| decision.choices == widest.choices)
            });
            for choice in widest.map_or(&[][..], |widest| &widest.choices) {
                text += &if shared.is_some() { format!(" {choice} |") } else { " |".into() };
            }
            text += "\n|---|";
            text += &"---|".repeat(widest.map_or(0, |widest| widest.choices.len()));
            text += "\n";
            for (at, decision) in space.decisions().iter().enumerate() {
                text += &format!("| {} |", decision.name);
                for (choice, name) in decision.choices.iter().enumerate() {
                    let effect = objective.cost(effects.of(at, choice as u8));
                    let name = if shared.is_some() { String::new() } else { format!("{name} ") };
                    text += &format!(" {name}{effect:+.3} |");
                }
                text += "\n";
            }
        }
        text
    }
}

fn row(space: &Space, rule: &Rule) -> String {
    let (polarity, author) = (rule.polarity.name(), rule.author.name());
    let evidence = &rule.evidence;
    let effects = evidence.effects.iter().map(|effect| match effect {
        Some(effect) => format!(" {effect:+.3} |"),
        None => " – |".to_owned(),
    });
    format!(
        "| {polarity} | {} | {} | {} | {:+.1} |{} {} | {author} |\n",
        rule.condition.describe(space),
        evidence.supporting.len(),
        evidence.contradicting.len(),
        evidence.significance(),
        effects.collect::<String>(),
        rule.since,
    )
}
