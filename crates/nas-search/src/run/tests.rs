//! Tests of the loop.

use std::sync::atomic::AtomicBool;

use nas_partition::{Automatic, Axis};
use nas_space::nasbench201;

use super::*;
use crate::{
    BoxError, Detail, Evolution, FixedList, KnowledgeBase, Proposal, RegularisedEvolution,
    Rejection, Rejections, ReplayedEvaluator, Request, SearchRng, Within,
};

/// Accuracy grows with 3×3 convolutions, latency with operations; `avg_pool_3x3` on the
/// first edge cannot be run.
struct Toy {
    objectives: Vec<Objective>,
    answers: usize,
}

impl Toy {
    fn new() -> Self {
        let objectives = vec![Objective::accuracy("accuracy"), Objective::latency()];
        Self { objectives, answers: usize::MAX }
    }
}

impl Evaluator for Toy {
    fn objectives(&self) -> &[Objective] {
        &self.objectives
    }

    fn details(&self) -> &[Detail] {
        &[]
    }

    fn evaluate(&mut self, architectures: &[Arch]) -> Result<Vec<Evaluation>, BoxError> {
        let space = nasbench201::space();
        let evaluate = |arch: &Arch| {
            let operations = 6 - space.count(arch, "none");
            let latency = (arch.choices()[0] != 4).then_some(operations as f64);
            let accuracy = space.count(arch, "nor_conv_3x3") as f64;
            Evaluation { values: vec![Some(accuracy), latency], ..Evaluation::default() }
        };
        Ok(architectures.iter().map(evaluate).take(self.answers).collect())
    }
}

fn search(settings: Settings, partition: &Partition) -> Outcome {
    let search = Search::new(nasbench201::space(), partition, settings);
    search.run(&mut Evolution::default(), &mut Toy::new(), &mut |_| {}).unwrap()
}

fn pel_nas() -> Partition {
    Partition::pel_nas(nasbench201::space()).unwrap()
}

#[test]
fn the_budget_is_spent_on_distinct_architectures_and_the_front_is_found() {
    let outcome = search(Settings { evaluations: 400, ..Settings::default() }, &pel_nas());
    assert_eq!(outcome.evaluated.len(), 400);
    let distinct: HashSet<_> = outcome.evaluated.iter().map(|e| &e.arch).collect();
    assert_eq!(distinct.len(), 400);
    let front: Vec<_> = outcome.front().iter().map(|e| e.values[0].unwrap()).collect();
    // Those of 0 and 1 operations are nearly all without a path, and hardly tried.
    assert!(front.ends_with(&[2.0, 3.0, 4.0, 5.0, 6.0]), "{front:?}");
}

#[test]
fn a_fixed_list_is_evaluated_in_order_under_its_name() {
    let list: Vec<Arch> = nasbench201::space().enumerate().take(77).collect();
    let settings = Settings { evaluations: 77, initial: 0, ..Settings::default() };
    let partition = Partition::whole();
    let search = Search::new(nasbench201::space(), &partition, settings);
    let mut proposer = FixedList::new("mine", list.clone());
    let outcome = search.run(&mut proposer, &mut Toy::new(), &mut |_| {}).unwrap();
    assert!(outcome.evaluated.iter().all(|e| e.proposer == "mine"));
    let evaluated: Vec<_> = outcome.evaluated.into_iter().map(|e| e.arch).collect();
    assert_eq!(evaluated, list);
}

#[test]
fn the_same_seed_gives_the_same_search_and_another_seed_another() {
    let run = |seed| search(Settings { seed, ..Settings::default() }, &pel_nas());
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

#[test]
fn every_architecture_lies_in_its_niche() {
    let partition = pel_nas();
    for evaluated in search(Settings::default(), &partition).evaluated {
        assert_eq!(partition.niche_of(&evaluated.arch), evaluated.niche);
    }
}

#[test]
fn a_budget_beyond_the_space_ends_with_the_space() {
    let settings = Settings { evaluations: 20_000, generation: 2_000, ..Settings::default() };
    let found = search(settings, &Partition::whole()).evaluated.len();
    assert!(found > 15_600, "{found}");
}

#[test]
fn an_architecture_that_cannot_be_run_is_on_no_front() {
    let outcome = search(Settings::default(), &Partition::whole());
    assert!(outcome.evaluated.iter().any(|e| e.values[1].is_none()));
    assert!(outcome.front().iter().all(|e| e.values[1].is_some()));
}

#[test]
fn the_best_within_a_limit_is_the_best_and_the_nearest_is_near() {
    let outcome = search(Settings::default(), &Partition::whole());
    let over = |at_most: f64| {
        move |one: &Evaluated| {
            one.values[1].map_or(f64::INFINITY, |value| value / at_most.max(1e-9))
        }
    };
    let within = |at_most| outcome.best_within(over(at_most), |_| true);
    assert!(matches!(within(3.5), Within::Best(e) if e.values == [Some(3.0), Some(3.0)]));
    let no_zero = |arch: &Arch| nasbench201::space().count(arch, "none") < 6;
    let nearest = outcome.best_within(over(0.5), no_zero);
    assert!(matches!(nearest, Within::Nearest(e) if e.values[1] == Some(1.0)), "{nearest:?}");
    let least = outcome.best_within(over(0.0), no_zero);
    assert!(matches!(least, Within::Nearest(e) if e.values[1] == Some(1.0)), "{least:?}");
    assert_eq!(outcome.best_within(|_| 1.0, |_| false), Within::Nothing);
}

#[test]
fn an_evaluator_that_returns_too_few_evaluations_ends_the_search() {
    let partition = Partition::whole();
    let search = Search::new(nasbench201::space(), &partition, Settings::default());
    let mut evaluator = Toy { answers: 3, ..Toy::new() };
    let result = search.run(&mut Evolution::default(), &mut evaluator, &mut |_| {});
    assert!(matches!(result, Err(Error::Count { expected: 100, found: 3, .. })));
}

/// Returns no accuracy before its first update; then the number of 3×3 convolutions, and in the last
/// update the negative of that.
struct Learning(Toy);

impl Evaluator for Learning {
    fn objectives(&self) -> &[Objective] {
        self.0.objectives()
    }

    fn evaluate(&mut self, architectures: &[Arch]) -> Result<Vec<Evaluation>, BoxError> {
        let mut evaluations = self.0.evaluate(architectures)?;
        for evaluation in &mut evaluations {
            evaluation.values[0] = None;
        }
        Ok(evaluations)
    }

    fn update(
        &mut self,
        evaluated: &[Evaluated],
        share: f64,
        trained: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Option<Vec<Evaluation>>, BoxError> {
        assert!(share > 0.0 && share <= 1.0);
        let _ = trained(evaluated.len());
        let space = nasbench201::space();
        let update = |one: &Evaluated| {
            let accuracy = space.count(&one.arch, "nor_conv_3x3") as f64;
            let sign = if share < 1.0 { 1.0 } else { -1.0 };
            let values = vec![Some(sign * accuracy), one.values[1]];
            Evaluation { values, ..Evaluation::default() }
        };
        Ok(Some(evaluated.iter().map(update).collect()))
    }
}

#[test]
fn an_update_replaces_all_evaluations() {
    let partition = pel_nas();
    let search = Search::new(nasbench201::space(), &partition, Settings::default());
    let (mut fronts, mut all_trained) = (Vec::new(), 0);
    let outcome = search
        .run(&mut Statistical, &mut Learning(Toy::new()), &mut |event| {
            if let Event::Trained { trained, done } = event {
                assert_eq!(trained, done);
                all_trained = *trained;
            }
            if let Event::Generation { front, .. } = event {
                fronts.push(*front);
            }
        })
        .unwrap();
    // Without an update nothing is on the front; while convolutions are good, they trade latency for
    // accuracy; and after the last update the fastest without one dominates all.
    let (last, before) = fronts.split_last().unwrap();
    assert!(before.len() > 1 && before.iter().all(|front| *front > 1), "{fronts:?}");
    assert_eq!((*last, all_trained), (1, outcome.evaluated.len()));
    let front = outcome.front();
    assert_eq!(front.len(), 1);
    assert_eq!(front[0].values[0], Some(0.0));
}

#[test]
fn a_search_that_ends_early_still_has_its_last_update() {
    let partition = Partition::whole();
    let settings =
        Settings { evaluations: 90, initial: 0, fill: Fill::Nothing, ..Settings::default() };
    let search = Search::new(nasbench201::space(), &partition, settings);
    let mut proposer = FixedList::new("list", nasbench201::space().enumerate().take(77));
    let outcome = search.run(&mut proposer, &mut Learning(Toy::new()), &mut |_| {}).unwrap();
    assert_eq!(outcome.evaluated.len(), 77);
    assert!(outcome.evaluated.iter().all(|one| one.values[0] <= Some(0.0)));
}

/// Fails for one niche, and in the others proposes one architecture again and again.
struct Stubborn;

impl Proposer for Stubborn {
    fn name(&self) -> &'static str {
        "stubborn"
    }

    fn propose(
        &mut self,
        request: &Request<'_>,
        _: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError> {
        if request.niche == 0 {
            return Err("no connection".into());
        }
        let proposal = Proposal::from(Arch::new([3; 6]));
        Ok(vec![proposal; request.count])
    }
}

#[test]
fn without_filling_the_proposer_is_asked_as_often_and_nothing_is_added() {
    let partition = pel_nas();
    let settings = Settings {
        evaluations: 30,
        initial: 0,
        generation: 6,
        fill: Fill::Nothing,
        seed: 1,
        ..Settings::default()
    };
    let search = Search::new(nasbench201::space(), &partition, settings);
    let mut generations = Vec::new();
    let outcome = search
        .run(&mut Stubborn, &mut Toy::new(), &mut |event| {
            if let Event::Generation { generation, .. } = event {
                generations.push(*generation);
            }
        })
        .unwrap();
    assert_eq!(generations, [1, 2, 3, 4, 5]);
    let found: Vec<&Arch> = outcome.evaluated.iter().map(|e| &e.arch).collect();
    assert_eq!(found, [&Arch::new([3; 6])]);
}

#[test]
fn automatic_niches_follow_what_explains_the_latency() {
    let space = nasbench201::space();
    let count = |name: &str| Axis::count(space, name).unwrap();
    let by = |axis| Partition::by_thresholds(axis, &[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
    let operations = Axis::count_others(space, &["none"]).unwrap();
    let partitions = Automatic::new(vec![
        ("3x3".to_owned(), by(count("nor_conv_3x3"))),
        ("operations".to_owned(), by(operations.clone())),
    ]);
    let settings =
        Settings { evaluations: 450, allocation: Allocation::Adaptive, ..Settings::default() };
    let search = Search::automatic(space, &partitions, settings);
    let mut chosen = Vec::new();
    let outcome = search
        .run(&mut Evolution::default(), &mut Toy::new(), &mut |event| {
            if let Event::Partitioned { ranked, done } = event {
                chosen.push((ranked.name.clone(), *done));
            }
        })
        .unwrap();
    // After the sample, then after the generation in which that much has doubled.
    assert_eq!((chosen.len(), chosen[0].1), (3, 100));
    for pair in chosen.windows(2) {
        assert!((0..15).contains(&(pair[1].1 - 2 * pair[0].1)), "{chosen:?}");
    }
    assert!(chosen.iter().all(|chosen| chosen.0 == "operations"), "{chosen:?}");
    let expected = by(operations);
    assert_eq!(outcome.niches, expected.niches());
    assert!(outcome.evaluated.iter().all(|one| one.niche == expected.niche_of(&one.arch)));
    assert!(outcome.knowledge.rules().iter().any(|rule| rule.niche.is_some()));
}

#[test]
fn a_proposer_that_fails_or_repeats_itself_loses_only_its_proposals() {
    let partition = pel_nas();
    // With this seed the initial sample does not hold the architecture proposed.
    let settings = Settings { seed: 1, ..Settings::default() };
    let search = Search::new(nasbench201::space(), &partition, settings);
    let (mut failures, mut total) = (0, Rejections::default());
    let outcome = search
        .run(&mut Stubborn, &mut Toy::new(), &mut |event| match event {
            Event::ProposerFailed { niche, .. } => {
                assert_eq!(*niche, 0);
                failures += 1;
            }
            Event::Generation { rejections, .. } => {
                total.duplicate += rejections.duplicate;
                total.outside_niche += rejections.outside_niche;
            }
            _ => {}
        })
        .unwrap();
    assert_eq!(outcome.evaluated.len(), 600);
    assert!(failures > 0 && total.duplicate > 0 && total.outside_niche > 0, "{failures} {total:?}");
}

/// The states between generations, as a file holds them, and the outcome.
fn states(search: &Search<'_>, proposer: &mut dyn Proposer) -> (Vec<String>, Outcome) {
    let mut states = Vec::new();
    let outcome = search
        .run(proposer, &mut Toy::new(), &mut |event| {
            if let Event::Generation { state, .. } = event {
                states.extend(state.map(|state| serde_json::to_string(state).unwrap()));
            }
        })
        .unwrap();
    (states, outcome)
}

fn automatic() -> Automatic {
    let space = nasbench201::space();
    let axis = Axis::count_others(space, &["none"]).unwrap();
    let by = Partition::by_thresholds(axis, &[2.0, 3.0, 4.0]).unwrap();
    let given = vec![("operations".to_owned(), by)];
    let sample = space.enumerate().step_by(50).collect();
    Automatic::new(given).with_predicted(space, "latency", 4, sample).unwrap()
}

#[test]
fn a_search_resumed_between_any_two_generations_ends_the_same() {
    let (space, cut, automatic) = (nasbench201::space(), pel_nas(), automatic());
    let equal = Settings { evaluations: 300, seed: 3, ..Settings::default() };
    let adaptive = Settings { allocation: Allocation::Adaptive, ..equal };
    let alone = Settings { initial: 0, fill: Fill::Nothing, ..equal };
    let mut searches = Vec::new();
    for settings in [equal, adaptive, alone] {
        searches.push(Search::new(space, &cut, settings));
        searches.push(Search::automatic(space, &automatic, settings));
    }
    for search in searches {
        let proposers: [fn() -> Box<dyn Proposer>; 3] = [
            || Box::new(Statistical),
            || Box::new(Evolution::default()),
            || Box::new(RegularisedEvolution::default()),
        ];
        for proposer in proposers {
            let (states, outcome) = states(&search, &mut *proposer());
            assert!(states.len() > 10, "{}", states.len());
            for (at, state) in states.iter().enumerate() {
                let mut later = Vec::new();
                let resumed = search
                    .resume(
                        serde_json::from_str(state).unwrap(),
                        &mut *proposer(),
                        &mut Toy::new(),
                        &mut |event| {
                            if let Event::Generation { state, .. } = event {
                                later.push(serde_json::to_string(state.unwrap()).unwrap());
                            }
                        },
                    )
                    .unwrap();
                assert!(resumed == outcome, "{:?} from {at}", search.settings);
                assert_eq!(later, states[at + 1..]);
            }
        }
    }
}

#[test]
fn a_proposer_with_a_state_of_its_own_has_no_resumable_states() {
    let (space, cut) = (nasbench201::space(), pel_nas());
    let search = Search::new(space, &cut, Settings::default());
    assert!(states(&search, &mut FixedList::new("list", [])).0.is_empty());
}

#[test]
fn recorded_evaluations_are_not_evaluated_again() {
    let (space, cut) = (nasbench201::space(), pel_nas());
    let search = Search::new(space, &cut, Settings::default());
    let (_, outcome) = states(&search, &mut Statistical);
    let recorded = outcome.evaluated.iter().take(333).map(|one| {
        let evaluation = one.evaluation();
        (one.arch.clone(), evaluation)
    });
    let mut asked = Asked(Toy::new(), 0);
    let mut replayed = ReplayedEvaluator::new(recorded, &mut asked);
    let again = search.run(&mut Statistical, &mut replayed, &mut |_| {}).unwrap();
    assert!(again == outcome);
    assert_eq!(asked.1, 600 - 333);
}

/// Counts the architectures that it evaluates.
struct Asked(Toy, usize);

impl Evaluator for Asked {
    fn objectives(&self) -> &[Objective] {
        self.0.objectives()
    }

    fn batch(&self) -> usize {
        4
    }

    fn evaluate(&mut self, architectures: &[Arch]) -> Result<Vec<Evaluation>, BoxError> {
        self.1 += architectures.len();
        self.0.evaluate(architectures)
    }
}

#[test]
fn a_stopped_search_ends_after_its_current_batch() {
    let (space, cut) = (nasbench201::space(), pel_nas());
    let stop = AtomicBool::new(false);
    let search = Search::new(space, &cut, Settings::default()).with_stop_flag(&stop);
    let mut asked = Asked(Toy::new(), 0);
    let outcome = search
        .run(&mut Statistical, &mut asked, &mut |event| {
            if let Event::Evaluated { done: 206, .. } = event {
                stop.store(true, Ordering::Relaxed);
            }
        })
        .unwrap();
    assert!(outcome.interrupted);
    assert!((206..210).contains(&outcome.evaluated.len()), "{}", outcome.evaluated.len());
    assert_eq!(asked.1, outcome.evaluated.len());
    let (_, whole) = states(&Search { stop: None, ..search }, &mut Statistical);
    assert_eq!(whole.evaluated[..outcome.evaluated.len()], outcome.evaluated);
    assert!(!whole.interrupted && !outcome.front().is_empty());
}

#[test]
fn a_state_of_another_search_is_refused() {
    let (space, cut) = (nasbench201::space(), pel_nas());
    let search = Search::new(space, &cut, Settings::default());
    let state = states(&search, &mut Statistical).0.swap_remove(9);
    let state: State = serde_json::from_str(&state).unwrap();
    let refuses = |change: fn(&mut State)| {
        let mut state = state.clone();
        change(&mut state);
        let result =
            search.resume(state, &mut Statistical, &mut Toy::new(), &mut |_| {}).unwrap_err();
        assert!(matches!(result, Error::State(_)), "{result}");
    };
    refuses(|state| state.evaluated[5].arch = Arch::new([9; 6]));
    refuses(|state| state.evaluated[5].arch = Arch::new([1; 60]));
    refuses(|state| state.evaluated[5] = state.evaluated[6].clone());
    refuses(|state| state.evaluated[5].niche = 1_000_000);
    refuses(|state| state.evaluated[5].values.clear());
    refuses(|state| state.evaluated[5].values[0] = Some(f64::NAN));
    refuses(|state| state.evaluated[5].generation = usize::MAX);
    refuses(|state| state.evaluated = Vec::new());
    refuses(|state| state.counted = usize::MAX);
    refuses(|state| state.cut = Some(("latency".to_owned(), usize::MAX)));
    refuses(|state| {
        let (other, rows) = (nas_space::fbnet::space(), Vec::new());
        let mut knowledge = KnowledgeBase::default();
        knowledge.effects(other, &[Objective::maximise("accuracy", "%")], &rows);
        state.knowledge = std::mem::take(&mut knowledge);
    });
}

/// Niches without an architecture, or with few, leave their part of the budget to the others.
#[test]
fn exhausted_and_empty_niches_do_not_end_a_search() {
    let space = nasbench201::space();
    for name in ["nor_conv_3x3", "nor_conv_1x1"] {
        for thresholds in [vec![100.0], vec![-1.0, 0.5, 5.5, 50.0]] {
            for allocation in [Allocation::Equal, Allocation::Adaptive] {
                let axis = Axis::count(space, name).unwrap();
                let partition = Partition::by_thresholds(axis, &thresholds).unwrap();
                let settings = Settings {
                    evaluations: 60,
                    initial: 10,
                    generation: 1,
                    allocation,
                    ..Settings::default()
                };
                let outcome = search(settings, &partition);
                assert_eq!(outcome.evaluated.len(), 60, "{name}, {thresholds:?}, {allocation:?}");
                let distinct: HashSet<_> = outcome.evaluated.iter().map(|e| &e.arch).collect();
                assert_eq!(distinct.len(), 60);
            }
        }
    }
}

/// Proposes one architecture again and again, until that was refused several times.
#[derive(Default)]
struct Proud {
    refused: usize,
}

impl Proposer for Proud {
    fn name(&self) -> &'static str {
        "proud"
    }

    fn propose(
        &mut self,
        request: &Request<'_>,
        _: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError> {
        Ok(vec![Arch::new([3; 6]).into(); request.count])
    }

    fn rejected(&mut self, proposal: &Proposal, why: &Rejection) {
        assert_eq!((&proposal.arch, why), (&Arch::new([3; 6]), &Rejection::Duplicate));
        self.refused += 1;
    }

    fn gives_up(&mut self) -> Option<BoxError> {
        (self.refused > 20).then(|| "nobody wants it".into())
    }
}

#[test]
fn a_proposer_is_told_what_is_rejected_and_ends_the_search_when_it_gives_up() {
    let partition = Partition::whole();
    let search = Search::new(nasbench201::space(), &partition, Settings::default());
    let mut done = 0;
    let ended = search.run(&mut Proud::default(), &mut Toy::new(), &mut |event| {
        done += usize::from(matches!(event, Event::Evaluated { .. }));
    });
    // Of the first 15 proposals one is accepted; what it cannot propose then is filled once.
    assert_eq!(done, 100 + 15);
    let Err(Error::Proposer { proposer, source }) = ended else { panic!("{done}") };
    assert_eq!((proposer.as_str(), source.to_string().as_str()), ("proud", "nobody wants it"));
}
