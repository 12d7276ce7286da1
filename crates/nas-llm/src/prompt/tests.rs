//! Tests of the prompts.

use nas_partition::Partition;
use nas_search::{Author, Condition, Evidence, Objective, Polarity, Request, Rule, SearchRng};
use nas_space::{Arch, Decision, Space, nasbench201};
use rand::SeedableRng as _;

use super::*;
use crate::Disguise;
use crate::{
    memory::{Memory, Tried},
    names::Names,
};

fn objectives() -> [Objective; 2] {
    [Objective::accuracy("validation_accuracy"), Objective::latency()]
}

/// Evaluated architectures, with accuracy and latency by simple formulas.
fn evaluated<const N: usize>(partition: &Partition, all: &[[u8; N]]) -> Vec<Evaluated> {
    let one = |choices: &[u8; N]| {
        let arch = Arch::new(*choices);
        let sum: f64 = choices.iter().map(|choice| f64::from(*choice)).sum();
        Evaluated {
            values: vec![Some(70.0 + sum), Some(1.0 + sum.powi(2) / 50.0)],
            details: vec![],
            failure: None,
            stopped: false,
            niche: partition.niche_of(&arch),
            generation: 0,
            proposer: "random".to_owned(),
            rationale: None,
            arch,
        }
    };
    all.iter().map(one).collect()
}

/// A prompt for a niche of the paper, after these architectures were evaluated.
fn under(
    names: &Names,
    niche: usize,
    all: &[[u8; 6]],
    render: impl Fn(Subject<'_>) -> Result<String, Error>,
) -> String {
    let (space, objectives) = (nasbench201::space(), objectives());
    let partition = Partition::pel_nas(space).unwrap();
    let evaluated = evaluated(&partition, all);
    let request = Request::new(space, &partition, &objectives).with_count(2);
    let request = request.with_niche(niche).with_evaluated(&evaluated);
    render(Subject::new(&request, names)).unwrap()
}

fn in_niche(
    niche: usize,
    all: &[[u8; 6]],
    render: impl Fn(Subject<'_>) -> Result<String, Error>,
) -> String {
    under(&Names::own(nasbench201::space()).unwrap(), niche, all, render)
}

/// A prompt for edits by crossover, or for whole architectures by mutation.
fn proposing(
    subject: Subject<'_>,
    edits: bool,
    rejections: &[String],
    outcomes: Option<&[Outcome]>,
) -> Result<String, Error> {
    let (parents, knowledge) = (subject.parents(), subject.request.knowledge());
    let asked =
        Proposing { parents: &parents, knowledge, rejections, outcomes, edits, crossover: edits };
    propose(subject, &asked)
}

/// A prompt for a choice among six candidates.
fn choosing(subject: Subject<'_>, outcomes: Option<&[Outcome]>) -> Result<String, Error> {
    let children = subject.request.slate(6, &mut SearchRng::seed_from_u64(1));
    let slate = Slate::new(subject, &children, subject.request.evaluated, false);
    choose(subject, &slate, outcomes)
}

/// One proposal that was evaluated, worse than expected, and one that was refused.
fn outcomes(subject: Subject<'_>) -> Vec<Outcome> {
    let of = |choices: [u8; 6]| Arch::new(choices);
    let mut memory = Memory::default();
    let evaluated = Tried {
        arch: of([0, 0, 3, 3, 4, 0]),
        parent: Some(of([0, 0, 0, 3, 3, 2])),
        expected: vec![Some(81.5), None],
        refused: None,
    };
    let refused = Tried {
        arch: of([4, 4, 1, 3, 0, 0]),
        parent: Some(of([4, 4, 1, 3, 0, 3])),
        expected: vec![None, None],
        refused: Some("it is there already".to_owned()),
    };
    memory.add(subject.request.niche, [evaluated, refused]);
    memory.outcomes(subject.request)
}

/// Cells with two 3×3 convolutions, and one with three.
const TWO: [[u8; 6]; 7] = [
    [4, 4, 1, 3, 0, 3],
    [2, 4, 0, 3, 0, 3],
    [3, 3, 2, 1, 1, 1],
    [0, 0, 0, 3, 3, 2],
    [0, 4, 2, 3, 2, 3],
    [0, 0, 3, 3, 4, 0],
    [3, 3, 3, 1, 1, 1],
];

#[test]
fn reflecting() {
    insta::assert_snapshot!(in_niche(3, &TWO, |subject| {
        let here = |one: &&Evaluated| one.niche == subject.request.niche;
        let recent: Vec<&Evaluated> = subject.request.evaluated.iter().filter(here).collect();
        reflect(subject, &recent, 2)
    }));
}

#[test]
fn proposing_edits() {
    insta::assert_snapshot!(in_niche(3, &TWO, |subject| {
        proposing(subject, true, &["3x3 3x3: too short".to_owned()], None)
    }));
}

#[test]
fn proposing_edits_with_memory() {
    insta::assert_snapshot!(in_niche(3, &TWO, |subject| {
        proposing(subject, true, &["not shown".to_owned()], Some(&outcomes(subject)))
    }));
}

#[test]
fn proposing_whole_architectures() {
    let without_convolutions =
        [[4, 0, 4, 4, 1, 0], [0, 0, 4, 4, 0, 4], [0, 4, 0, 1, 4, 0], [4, 1, 1, 0, 0, 0]];
    insta::assert_snapshot!(in_niche(0, &without_convolutions, |subject| {
        proposing(subject, false, &[], None)
    }));
}

#[test]
fn choosing_among_candidates() {
    insta::assert_snapshot!(in_niche(3, &TWO, |subject| choosing(subject, None)));
}

#[test]
fn choosing_with_memory_in_disguise() {
    let names =
        Names::disguised(nasbench201::space(), Disguise { seed: 7, described: true }).unwrap();
    let text = under(&names, 3, &TWO, |subject| choosing(subject, Some(&outcomes(subject))));
    for known in ["nasbench", "conv", "skip", "pool", "0→1", "3x3", "cell", "201"] {
        assert!(!text.to_lowercase().contains(known), "{known} in {text}");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn listed_edits_change_a_parent_and_alone_keep_to_the_niche() {
    let space = nasbench201::space();
    let disguise = Disguise { seed: 3, described: false };
    for names in [Names::own(space).unwrap(), Names::disguised(space, disguise).unwrap()] {
        let seen = names.space();
        for crossover in [false, true] {
            let listed = under(&names, 3, &TWO, |subject| {
                let parents = subject.parents();
                let listed = subject.edits(&parents, crossover).unwrap();
                let mut count = 0;
                for of in &listed {
                    let parent = names.shown(&parents[of.parent - 1].arch);
                    for (decision, choices) in &of.decisions {
                        let decision = seen.decision_named(decision).unwrap();
                        for choice in choices {
                            let choice = seen.decisions()[decision].choice(choice).unwrap();
                            let child = parent.clone().with(decision, choice);
                            assert_ne!(child, parent);
                            if crossover {
                                let has = |other: &&&Evaluated| {
                                    names.shown(&other.arch).choices()[decision] == choice
                                };
                                assert!(parents.iter().any(|other| has(&other)));
                            } else {
                                subject.request.check(&names.real(&child)).unwrap();
                            }
                            count += 1;
                        }
                    }
                }
                Ok(format!("{count}"))
            });
            assert!(listed.parse::<usize>().unwrap() > 20, "{listed}");
        }
    }
}

#[test]
fn the_edits_of_many_decisions_are_not_listed() {
    let decisions = (0..30).map(|at| Decision::new(format!("d{at}"), ["a", "b"])).collect();
    let text = vec!["{}"; 30].join(" ");
    let space = Space::new("mine", "", decisions, text, None).unwrap();
    let (whole, objectives) = (Partition::whole(), objectives());
    let all: Vec<[u8; 30]> = (0..3).map(|at| [at % 2; 30]).collect();
    let evaluated = evaluated(&whole, &all[..2]);
    let request = Request::new(&space, &whole, &objectives).with_evaluated(&evaluated);
    let names = Names::own(&space).unwrap();
    let subject = Subject::new(&request, &names);
    let parents: Vec<&Evaluated> = evaluated.iter().cycle().take(3).collect();
    assert_eq!(subject.edits(&parents, false), None);
    assert!(subject.edits(&parents[..1], false).is_some());
}

/// A user's space: decisions with choices of their own, and constraints.
const OWN: &str = r#"
name = "mine"
description = "A small network."

[[decision]]
name = "width"
choices = [8, 16, 32]

[[decision]]
name = "depth"
choices = [1, 2]

[[axis]]
name = "cost"
terms = [["width", "depth", 100]]

[[constraint]]
axis = "cost"
at_most = 3500

[[constraint]]
forbid = { depth = 2, width = [16, 32] }
"#;

#[test]
fn an_own_space_is_shown_with_its_constraints_and_written_by_decision() {
    let space = Space::from_toml(OWN).unwrap();
    let (whole, objectives) = (Partition::whole(), objectives());
    let request = Request::new(&space, &whole, &objectives).with_count(2);
    let names = Names::own(&space).unwrap();
    let text = plain(Subject::new(&request, &names), false).unwrap();
    insta::assert_snapshot!(text);
    let neutral = Names::disguised(&space, Disguise { seed: 1, described: false }).unwrap();
    let constraints = neutral.constraints().join("\n");
    assert!(!constraints.contains("depth") && !constraints.contains("32"), "{constraints}");
}

#[test]
fn choosing_with_a_strategy() {
    let text = in_niche(3, &TWO, |subject| {
        choosing(Subject { strategy: Some("More skips."), ..subject }, None)
    });
    let without = in_niche(3, &TWO, |subject| choosing(subject, None));
    assert_eq!(text.replace("Strategy of this generation: More skips.\n\n", ""), without);
    assert_ne!(text, without);
}

#[test]
fn estimating_and_ranking() {
    let text = in_niche(3, &TWO, |subject| {
        let children = subject.request.slate(3, &mut SearchRng::seed_from_u64(1));
        let slate = Slate::new(subject, &children, subject.request.evaluated, false);
        let estimates = [0, 1].map(|at| estimate(subject, &slate, at, None).unwrap());
        // What a server has read of one it need not read again for the next.
        let same = estimates[0].bytes().zip(estimates[1].bytes()).take_while(|(a, b)| a == b);
        assert!(same.count() > estimates[0].len() * 3 / 5, "{estimates:?}");
        let rank = rank(subject, &slate, None)?;
        Ok(format!("{}\n=====\n{rank}", estimates[0]))
    });
    insta::assert_snapshot!(text);
}

#[test]
fn navigating() {
    let (space, objectives) = (nasbench201::space(), objectives());
    let partition = Partition::pel_nas(space).unwrap();
    let names = Names::own(space).unwrap();
    let evaluated = evaluated(&partition, &TWO);
    let niches: Vec<Request<'_>> = [0, 3, 4]
        .map(|niche| {
            let request = Request::new(space, &partition, &objectives).with_niche(niche);
            request.with_evaluated(&evaluated).with_generation(2)
        })
        .into();
    let subjects: Vec<Subject<'_>> =
        niches.iter().map(|request| Subject::new(request, &names)).collect();
    insta::assert_snapshot!(navigate(&subjects).unwrap());
}

#[test]
fn asking_for_an_accuracy() {
    let of = |choices: [u8; 6]| Arch::new(choices);
    let arch = of(TWO[0]);
    let known = [(of(TWO[2]), 93.456), (of(TWO[3]), 80.0)];
    let names = Names::own(nasbench201::space()).unwrap();
    let asked = |names: &Names, known: &[(Arch, f64)], others: &[Arch]| {
        accuracy(names, "cifar10", (known, others), &arch).unwrap()
    };
    let disguise = Disguise { seed: 1, described: false };
    let disguised = Names::disguised(nasbench201::space(), disguise).unwrap();
    insta::assert_snapshot!(format!(
        "{}\n=====\n{}\n=====\n{}",
        asked(&names, &[], &[]),
        asked(&names, &known, &[of(TWO[4])]),
        asked(&disguised, &[], &[]),
    ));
}

#[test]
fn plain_and_latency_oriented() {
    let (space, whole, objectives) = (nasbench201::space(), Partition::whole(), objectives());
    let request = Request::new(space, &whole, &objectives).with_count(4);
    let names = Names::own(space).unwrap();
    let subject = Subject::new(&request, &names);
    let text = |device| plain(subject, device).unwrap();
    insta::assert_snapshot!(format!("{}\n=====\n{}", text(false), text(true)));
}

#[test]
fn the_latency_is_found_by_its_role() {
    let (space, whole) = (nasbench201::space(), Partition::whole());
    let objectives = [Objective::energy(), Objective::latency(), Objective::accuracy("accuracy")];
    let request = Request::new(space, &whole, &objectives);
    let names = Names::own(space).unwrap();
    let subject = Subject::new(&request, &names);
    assert!(plain(subject, true).unwrap().contains("the whole range of latency, from"));
}

#[test]
fn asking_again_and_asking_from_memory() {
    let again = again(&["too short".to_owned(), "outside".to_owned()], 2).unwrap();
    let memory = memorise(nasbench201::space(), "cifar10", 10).unwrap();
    insta::assert_snapshot!(format!("{again}\n=====\n{memory}"));
}

#[test]
fn a_users_own_space() {
    let decision = |name: &str, choices: &[&str]| Decision::new(name, choices.iter().copied());
    let decisions = vec![
        decision("depth", &["12", "13", "14"]),
        decision("width", &["192", "216", "240", "256"]),
        decision("ratio", &["3", "4"]),
    ];
    let space = Space::new("mine", "A transformer.", decisions, "d{}w{}r{}", None).unwrap();
    let (whole, objectives) = (Partition::whole(), objectives());
    let all = [[2, 3, 1], [1, 3, 1], [1, 1, 1], [1, 0, 1], [0, 0, 0]];
    let evaluated = evaluated(&whole, &all);
    let request =
        Request::new(&space, &whole, &objectives).with_evaluated(&evaluated).with_count(4);
    let names = Names::own(&space).unwrap();
    let subject = Subject::new(&request, &names);
    insta::assert_snapshot!(proposing(subject, true, &[], None).unwrap());
}

/// Tokens are at least three characters long on average.
#[test]
fn prompts_for_thirty_decisions_have_at_most_3000_tokens() {
    let decisions = (0..30).map(|at| {
        Decision::new(
            format!("stage{} block{} kernel", at / 6 + 1, at % 6 + 1),
            ["3x3", "5x5", "7x7", "skip"],
        )
    });
    let text = vec!["{}"; 30].join(",");
    let space = Space::new("mine", "Stages of blocks.", decisions.collect(), text, None).unwrap();
    let (whole, objectives) = (Partition::whole(), objectives());
    let rng = &mut SearchRng::seed_from_u64(1);
    let all: Vec<[u8; 30]> =
        (0..200).map(|_| space.sample(rng).choices().try_into().unwrap()).collect();
    let mut evaluated = evaluated(&whole, &all);
    // Many on the front.
    for (at, one) in evaluated.iter_mut().enumerate() {
        one.values = vec![Some(at as f64), Some(1.0 + at as f64)];
    }
    let mut knowledge = KnowledgeBase::default();
    knowledge.update(&space, &objectives, 1, &evaluated, 1, []);
    let request = Request::new(&space, &whole, &objectives)
        .with_evaluated(&evaluated)
        .with_knowledge(&knowledge)
        .with_count(5);
    let names = Names::own(&space).unwrap();
    let subject = Subject::new(&request, &names);
    let mut memory = Memory::default();
    memory.add(
        0,
        evaluated.iter().map(|one| Tried {
            arch: one.arch.clone(),
            parent: Some(evaluated[0].arch.clone()),
            expected: vec![Some(1.0), Some(2.0)],
            refused: None,
        }),
    );
    let outcomes = memory.outcomes(&request);
    let children = request.slate(12, rng);
    let slate = Slate::new(subject, &children, &evaluated, false);
    for (name, text) in [
        ("choose", choose(subject, &slate, Some(&outcomes)).unwrap()),
        ("edits", proposing(subject, true, &[], Some(&outcomes)).unwrap()),
        ("whole", proposing(subject, false, &[], Some(&outcomes)).unwrap()),
        ("rank", rank(subject, &slate, Some(&outcomes)).unwrap()),
        ("estimate", estimate(subject, &slate, 0, Some(&outcomes)).unwrap()),
        ("navigate", navigate(&[subject; 6]).unwrap()),
        ("reflect", reflect(subject, &evaluated.iter().collect::<Vec<_>>(), 2).unwrap()),
    ] {
        assert!(text.len() < 9_000, "{name}: {} characters\n{text}", text.len());
    }
}

/// A 3×3 convolution on the last edge is worth 10 %, and one on the first costs 5 ms: a prompt says so,
/// whether a rule says to do or to avoid it.
#[test]
fn rules_state_what_is_true() {
    let space = nasbench201::space();
    let (whole, objectives) = (Partition::whole(), objectives());
    let all: Vec<[u8; 6]> =
        space.enumerate().step_by(7).map(|arch| arch.choices().try_into().unwrap()).collect();
    let mut evaluated = evaluated(&whole, &all);
    for one in &mut evaluated {
        let has = |at: usize| f64::from(u8::from(one.arch.choices()[at] == 3));
        one.values = vec![Some(80.0 + 10.0 * has(5)), Some(2.0 + 5.0 * has(0))];
    }
    let of = |polarity, decision| Rule {
        polarity,
        condition: Condition::Choice { decision, choice: 3 },
        niche: None,
        author: Author::Model,
        reason: String::new(),
        since: 1,
        evidence: Evidence::default(),
    };
    for (polarity, decision, better, effects) in [
        (Polarity::Do, 5, true, "; validation accuracy +10.00 %; latency "),
        (Polarity::Avoid, 5, true, "; validation accuracy +10.00 %; latency "),
        (Polarity::Do, 0, false, "; latency +5.00 ms"),
        (Polarity::Avoid, 0, false, "; latency +5.00 ms"),
    ] {
        let rule = of(polarity, decision);
        let mut knowledge = KnowledgeBase::new(vec![rule.clone()]);
        // Counted once as the search does, which also drops what is refuted.
        knowledge.update(space, &objectives, 1, &evaluated, 1, []);
        let dropped = knowledge.dropped().iter().map(|dropped| &dropped.rule);
        let counted = knowledge.rules().iter().chain(dropped);
        let mut counted = counted.filter(|other| other.states_the_same(&rule));
        let counted = counted.next().unwrap().clone();
        let request = Request::new(space, &whole, &objectives).with_evaluated(&evaluated);
        let names = Names::own(space).unwrap();
        let subject = Subject::new(&request, &names);
        let stated = subject.rules(&KnowledgeBase::new(vec![counted])).remove(0);
        assert!(stated.contains(effects), "{stated}");
        let counts = stated.split(": ").nth(1).unwrap().split(" are better").next().unwrap();
        let (good, of) = counts.split_once(" of ").unwrap();
        let (good, of): (f64, f64) = (good.parse().unwrap(), of.parse().unwrap());
        assert_eq!(good / of > 0.5, better, "{stated}");
    }
}

#[test]
fn rules_have_their_evidence_and_those_without_any_are_left_out() {
    let rule = |author, choice: &str, supporting: &[usize], effects: &[Option<f64>]| Rule {
        polarity: Polarity::Do,
        condition: Condition::AtLeast { choice: choice.to_owned(), count: 2 },
        niche: None,
        author,
        reason: String::new(),
        since: 1,
        evidence: Evidence {
            supporting: supporting.to_vec(),
            effects: effects.to_vec(),
            ..Evidence::default()
        },
    };
    let knowledge = KnowledgeBase::new(vec![
        rule(Author::Model, "none", &[0, 3], &[Some(1.5), Some(-0.25)]),
        rule(Author::Model, "skip_connect", &[], &[]),
        rule(Author::User, "nor_conv_1x1", &[], &[None, None]),
    ]);
    let text = in_niche(3, &TWO, |subject| Ok(subject.rules(&knowledge).join("\n")));
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        [
            "do none at 2 or more: 2 of 2 are better; validation accuracy +1.50 %; latency -0.25 ms",
            "do 1x1 at 2 or more: no evidence yet"
        ]
    );
}
