//! Tests of the knowledge base as a whole.

use nas_partition::Partition;
use nas_space::{Arch, nasbench201};

use super::{base::REFUTED_BELOW, *};
use crate::{Evaluated, Objective};

fn objectives() -> [Objective; 2] {
    [Objective::accuracy("accuracy"), Objective::latency()]
}

/// Cells whose last edge decides: a 3×3 convolution there is accurate and costs nothing, a
/// pooling cannot be run; all else is noise.
fn evaluated(count: usize) -> Vec<Evaluated> {
    let partition = Partition::pel_nas(nasbench201::space()).unwrap();
    let all = nasbench201::space().enumerate().step_by(37).enumerate().take(count);
    all.map(|(at, arch): (usize, Arch)| {
        let last = arch.choices()[5];
        let noise = (at * 7919 % 100) as f64 / 100.0;
        let accuracy = if last == 3 { 90.0 } else { 80.0 } + noise;
        Evaluated {
            values: vec![Some(accuracy), (last != 4).then_some(5.0 + noise)],
            details: vec![],
            failure: None,
            stopped: false,
            niche: partition.niche_of(&arch),
            generation: 0,
            proposer: String::new(),
            rationale: None,
            arch,
        }
    })
    .collect()
}

fn rule(polarity: Polarity, choice: u8) -> Rule {
    Rule {
        polarity,
        condition: Condition::Choice { decision: 5, choice },
        niche: None,
        author: Author::Model,
        reason: "it says so".into(),
        since: 1,
        evidence: Evidence::default(),
    }
}

fn update(knowledge: &mut KnowledgeBase, evaluated: &[Evaluated], stated: Vec<Rule>) {
    knowledge.update(nasbench201::space(), &objectives(), 6, evaluated, 2, stated);
}

fn holds(knowledge: &KnowledgeBase, rule: &Rule) -> bool {
    knowledge.rules().iter().any(|other| other.states_the_same(rule))
}

#[test]
fn what_the_evidence_shows_is_stated_and_what_it_refutes_is_dropped() {
    let mut knowledge = KnowledgeBase::default();
    let (right, wrong) = (rule(Polarity::Do, 3), rule(Polarity::Do, 4));
    update(&mut knowledge, &evaluated(400), vec![right.clone(), wrong.clone()]);
    assert!(holds(&knowledge, &right) && !holds(&knowledge, &wrong));
    let [dropped] = knowledge.dropped() else { panic!("{:?}", knowledge.dropped()) };
    assert!(dropped.rule.states_the_same(&wrong) && dropped.evaluated == 400);
    assert!(dropped.rule.evidence.significance() < REFUTED_BELOW);
    let warns = |rule: &Rule| (rule.author, rule.polarity) == (Author::Statistics, Polarity::Avoid);
    assert!(knowledge.rules().iter().any(warns));
    let found = knowledge.rules().iter().find(|other| other.states_the_same(&right)).unwrap();
    assert_eq!((found.author, found.since), (Author::Model, 1));
    assert!(found.evidence.significance() > 2.0);
    assert!(found.evidence.effects[0].unwrap() > 9.0);
    for &position in &found.evidence.supporting {
        assert_eq!(evaluated(400)[position].arch.choices()[5], 3);
    }
}

#[test]
fn a_rule_without_evidence_is_kept_until_the_evidence_refutes_it() {
    let mut knowledge = KnowledgeBase::default();
    let wrong = rule(Polarity::Avoid, 3);
    let (first, all): (Vec<_>, _) =
        (evaluated(400).into_iter().filter(|e| e.arch.choices()[5] != 3).collect(), evaluated(400));
    update(&mut knowledge, &first, vec![wrong.clone()]);
    assert!(holds(&knowledge, &wrong));
    update(&mut knowledge, &all, vec![]);
    assert!(!holds(&knowledge, &wrong));
}

#[test]
fn the_knowledge_is_bounded_and_its_effects_are_costs() {
    let mut knowledge = KnowledgeBase::default();
    let stated =
        (0..5).flat_map(|choice| [rule(Polarity::Do, choice), rule(Polarity::Avoid, choice)]);
    update(&mut knowledge, &evaluated(400), stated.collect());
    for niche in 0..6 {
        assert!(knowledge.rules_for(niche).len() <= 2 * KnowledgeBase::CAPACITY);
    }
    let (space, objectives) = (nasbench201::space(), objectives());
    let effects = &knowledge.effects(space, &objectives, &evaluated(400))[0];
    assert!(effects.of(5, 3) - effects.of(5, 1) < -9.0);
}

#[test]
fn as_markdown() {
    let mut knowledge = KnowledgeBase::default();
    update(&mut knowledge, &evaluated(400), vec![rule(Polarity::Do, 3)]);
    let space = nasbench201::space();
    knowledge.effects(space, &objectives(), &evaluated(400));
    let partition = Partition::pel_nas(space).unwrap();
    insta::assert_snapshot!(knowledge.markdown(space, partition.niches(), &objectives()));
}

/// Depth 1 is best; the decision of the second layer is inactive there, and has its first choice.
#[test]
fn an_inactive_decision_takes_no_choice_and_an_avoid_shows_the_effect_of_taking_it() {
    let text = "name = \"conditional\"\n[[decision]]\nname = \"depth\"\nchoices = [1, 2]\n\
                [[decision]]\nname = \"first\"\nchoices = [3, 5, 7, 9]\n\
                [[decision]]\nname = \"second\"\nchoices = [3, 5, 7, 9]\nif = { depth = 2 }\n";
    let space = nas_space::Space::from_toml(text).unwrap();
    let all: Vec<Evaluated> = space
        .enumerate()
        .map(|arch| {
            let shallow = arch.choices()[0] == 0;
            // Kernel 7 of the first layer costs accuracy and gains nothing.
            let wide = f64::from(u8::from(arch.choices()[1] == 2));
            let noise = f64::from(arch.choices()[1] + arch.choices()[2]) / 100.0;
            let (accuracy, latency) = if shallow { (90.0, 1.0) } else { (80.0, 2.0) };
            Evaluated {
                values: vec![Some(accuracy - 5.0 * wide + noise), Some(latency + wide + noise)],
                details: vec![],
                failure: None,
                stopped: false,
                niche: 0,
                generation: 0,
                proposer: String::new(),
                rationale: None,
                arch,
            }
        })
        .collect();
    let of = |polarity, decision, choice| Rule {
        condition: Condition::Choice { decision, choice },
        ..rule(polarity, choice)
    };
    let mut knowledge = KnowledgeBase::default();
    let stated = vec![of(Polarity::Do, 2, 0), of(Polarity::Avoid, 1, 2)];
    knowledge.update(&space, &objectives(), 1, &all, 2, stated);
    let seconds = |rule: &&Rule| matches!(rule.condition, Condition::Choice { decision: 2, .. });
    for rule in knowledge.rules().iter().filter(seconds) {
        let counted = rule.evidence.supporting.iter().chain(&rule.evidence.contradicting);
        assert!(counted.into_iter().all(|at| all[*at].arch.choices()[0] == 1), "{rule:?}");
        assert_ne!((rule.polarity, rule.author), (Polarity::Do, Author::Statistics), "{rule:?}");
    }
    let wide = of(Polarity::Avoid, 1, 2);
    let avoid = knowledge.rules().iter().find(|one| one.states_the_same(&wide)).unwrap();
    // Most that take it are in the worse half, which is for the rule. Its effects are those of taking it.
    let Evidence { supporting, contradicting, .. } = &avoid.evidence;
    assert!(supporting.len() > contradicting.len(), "{avoid:?}");
    assert!(avoid.evidence.effects[0].unwrap() < 0.0 && avoid.evidence.effects[1].unwrap() > 0.0);
}
