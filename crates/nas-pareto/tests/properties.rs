//! Invariants on random sets, against definitions spelled out by brute force.

// What is exact in floating point is compared exactly.
#![allow(clippy::float_cmp)]

use approx::{assert_abs_diff_eq, assert_relative_eq};
use nas_pareto::{
    Archive, Bounds, Direction, Dominance, Error, Insertion, PointSet, Points, compare,
    crowding_distance, dominates, hypervolume, hypervolume_contributions, hypervolume_gain, igd,
    igd_plus, non_dominated, non_dominated_distinct, non_dominated_sort,
};
use proptest::prelude::*;

/// Integer coordinates from −3 to 4, so that ties, copies, zeros and negatives abound.
fn lattice(rows: std::ops::Range<usize>) -> impl Strategy<Value = PointSet> {
    points(rows, (-3..=4_i32).prop_map(f64::from))
}

/// Coordinates without ties, some of them negative and some beyond 1.
fn continuous(rows: std::ops::Range<usize>) -> impl Strategy<Value = PointSet> {
    points(rows, -1.0..1.2_f64)
}

fn points(
    rows: std::ops::Range<usize>,
    coordinate: impl Strategy<Value = f64> + Clone,
) -> impl Strategy<Value = PointSet> {
    (1..=5_usize, rows)
        .prop_flat_map(move |(dimension, rows)| {
            let values = prop::collection::vec(coordinate.clone(), dimension * rows);
            (values, Just(dimension))
        })
        .prop_map(|(values, dimension)| {
            PointSet::new(values, dimension).expect("finite whole rows")
        })
}

/// The unit cells of the lattice below `reference` that some point covers.
fn covered_cells(points: Points<'_>, reference: i32) -> u32 {
    let side = reference + 3;
    let cells = side.pow(points.dimension() as u32);
    (0..cells)
        .filter(|&cell| {
            points.iter().any(|point| {
                let mut rest = cell;
                point.iter().all(|&value| {
                    let corner = f64::from(rest % side - 3);
                    rest /= side;
                    value <= corner
                })
            })
        })
        .count() as u32
}

/// The volume of a union of boxes as the alternating sum over all their intersections.
fn inclusion_exclusion(points: Points<'_>, reference: &[f64]) -> f64 {
    (1..1_usize << points.len())
        .map(|subset| {
            let volume: f64 = (0..points.dimension())
                .map(|column| {
                    let members = points.iter().enumerate();
                    let corner = members
                        .filter(|(index, _)| subset >> index & 1 == 1)
                        .fold(f64::NEG_INFINITY, |worst, (_, row)| worst.max(row[column]));
                    (reference[column] - corner).max(0.0)
                })
                .product();
            if subset.count_ones() % 2 == 1 { volume } else { -volume }
        })
        .sum()
}

fn without(points: Points<'_>, index: usize) -> PointSet {
    let rows = points.iter().enumerate();
    let kept = rows.filter(|(row, _)| *row != index).flat_map(|(_, row)| row);
    PointSet::new(kept.copied().collect(), points.dimension()).expect("still whole rows")
}

fn by_definition(points: Points<'_>) -> Vec<usize> {
    let free = |index: &usize| !points.iter().any(|other| dominates(other, row(points, *index)));
    (0..points.len()).filter(free).collect()
}

fn row(points: Points<'_>, index: usize) -> &[f64] {
    points.get(index).expect("an index below the number of points")
}

proptest! {
    #[test]
    fn hypervolume_counts_cells(set in lattice(0..40), reference in 0..4_i32) {
        let reference_point = vec![f64::from(reference); set.as_points().dimension()];
        let volume = hypervolume(&set, &reference_point)?;
        // Sums of small integers are exact.
        prop_assert_eq!(volume, f64::from(covered_cells(set.as_points(), reference)));
    }

    #[test]
    fn hypervolume_is_inclusion_exclusion(set in continuous(0..9)) {
        let points = set.as_points();
        let reference = &[1.0, 0.9, 1.1, 0.5, 1.0][..points.dimension()];
        let expected = inclusion_exclusion(points, reference);
        assert_abs_diff_eq!(hypervolume(points, reference)?, expected, epsilon = 1e-10);
    }

    #[test]
    fn hypervolume_does_not_depend_on_order_or_copies(
        set in continuous(1..30),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 30),
    ) {
        let points = set.as_points();
        let reference = vec![1.0; points.dimension()];
        let mut rows: Vec<&[f64]> = points.iter().collect();
        rows.extend(picks.iter().map(|pick| row(points, pick.index(points.len()))));
        for (at, pick) in picks.iter().enumerate() {
            let other = pick.index(rows.len());
            rows.swap(at % points.len(), other);
        }
        let shuffled = PointSet::from_rows(rows, &vec![Direction::Minimise; points.dimension()])?;
        assert_relative_eq!(
            hypervolume(points, &reference)?,
            hypervolume(&shuffled, &reference)?,
            max_relative = 1e-12
        );
    }

    #[test]
    fn hypervolume_grows_by_the_gain(set in prop_oneof![lattice(1..25), continuous(1..25)]) {
        let points = set.as_points();
        let reference = vec![1.0; points.dimension()];
        let whole = hypervolume(points, &reference)?;
        let contributions = hypervolume_contributions(points, &reference)?;
        prop_assert_eq!(contributions.len(), points.len());
        for (index, &contribution) in contributions.iter().enumerate() {
            let rest = without(points, index);
            let before = hypervolume(&rest, &reference)?;
            prop_assert!(whole >= before * (1.0 - 1e-12));
            assert_abs_diff_eq!(contribution, whole - before, epsilon = 1e-11 * (1.0 + whole));
            let gain = hypervolume_gain(&rest, row(points, index), &reference)?;
            assert_abs_diff_eq!(gain, contribution, epsilon = 1e-11 * (1.0 + whole));
        }
    }

    #[test]
    fn hypervolume_scales_with_its_objectives(set in continuous(0..20), shift in -2.0..2.0_f64) {
        let points = set.as_points();
        let reference = vec![1.0; points.dimension()];
        // Powers of two scale without rounding.
        let scale = |column: usize| [0.0625, 0.5, 4.0, 32.0, 256.0][column];
        let moved = points.iter().flat_map(|row| {
            row.iter().enumerate().map(|(column, value)| (value + shift) * scale(column))
        });
        let moved = PointSet::new(moved.collect(), points.dimension())?;
        let corner: Vec<f64> =
            (0..points.dimension()).map(|column| (1.0 + shift) * scale(column)).collect();
        let factor: f64 = (0..points.dimension()).map(scale).product();
        assert_relative_eq!(
            hypervolume(&moved, &corner)?,
            hypervolume(points, &reference)? * factor,
            max_relative = 1e-9,
            epsilon = 1e-9 * factor
        );
    }

    #[test]
    fn the_front_is_what_nothing_dominates(
        set in prop_oneof![lattice(0..60), continuous(0..60)]
    ) {
        let points = set.as_points();
        let front = non_dominated(points)?;
        prop_assert_eq!(&front, &by_definition(points));
        let mut distinct = front;
        let mut seen: Vec<&[f64]> = Vec::new();
        distinct.retain(|&index| {
            let new = !seen.contains(&row(points, index));
            seen.push(row(points, index));
            new
        });
        prop_assert_eq!(non_dominated_distinct(points)?, distinct);
    }

    #[test]
    fn sorting_peels_front_after_front(set in prop_oneof![lattice(0..50), continuous(0..50)]) {
        let points = set.as_points();
        let mut remaining: Vec<usize> = (0..points.len()).collect();
        for front in non_dominated_sort(points)? {
            let rows = remaining.iter().map(|&index| row(points, index));
            let rest =
                PointSet::from_rows(rows, &vec![Direction::Minimise; points.dimension()])?;
            let expected: Vec<usize> =
                by_definition(rest.as_points()).into_iter().map(|at| remaining[at]).collect();
            prop_assert_eq!(&front, &expected);
            remaining.retain(|index| !front.contains(index));
        }
        prop_assert!(remaining.is_empty());
    }

    #[test]
    fn an_archive_holds_the_front_of_the_points_inserted(set in lattice(1..60)) {
        let points = set.as_points();
        let directions: Vec<Direction> = [Direction::Maximise, Direction::Minimise]
            .into_iter()
            .cycle()
            .take(points.dimension())
            .collect();
        let minimised = PointSet::from_rows(points, &directions)?;
        let mut archive = Archive::new(&directions)?;
        for (index, objectives) in points.iter().enumerate() {
            let before = archive.len();
            let welcome = archive.would_accept(objectives)?;
            let insertion = archive.insert(objectives, index)?;
            prop_assert_eq!(insertion.is_accepted(), welcome);
            match insertion {
                Insertion::Accepted { evicted } => {
                    prop_assert_eq!(archive.len(), before + 1 - evicted);
                    prop_assert_eq!(archive.get(objectives).map(|m| m.payload), Some(index));
                }
                Insertion::Duplicate => {
                    prop_assert!(archive.get(objectives).is_some_and(|m| m.payload < index));
                }
                Insertion::Dominated => {
                    let own = row(minimised.as_points(), index);
                    prop_assert!(archive.points().iter().any(|member| dominates(member, own)));
                }
            }
        }
        let mut payloads: Vec<usize> = archive.iter().map(|member| member.payload).collect();
        payloads.sort_unstable();
        prop_assert_eq!(payloads, non_dominated_distinct(&minimised)?);
        prop_assert!(archive.points().iter().is_sorted());
        for (member, minimised) in archive.iter().zip(archive.points()) {
            let pairs = directions.iter().zip(&member.objectives);
            let own: Vec<f64> = pairs.map(|(way, &value)| way.minimised(value)).collect();
            prop_assert_eq!(&own, minimised);
        }

        let mut halves = [Archive::new(&directions)?, Archive::new(&directions)?];
        for (index, objectives) in points.iter().enumerate() {
            halves[index % 2].insert(objectives, index)?;
        }
        let [mut merged, other] = halves;
        merged.merge(other)?;
        prop_assert_eq!(merged.points(), archive.points());
    }

    #[test]
    fn dominance_is_a_strict_partial_order(
        rows in prop::array::uniform3(prop::array::uniform3(0..3_i32))
    ) {
        let [one, two, three] = rows.map(|row| row.map(f64::from));
        prop_assert_eq!(compare(&one, &one), Dominance::Equal);
        prop_assert_eq!(dominates(&one, &two), compare(&two, &one) == Dominance::DominatedBy);
        prop_assert!(!(dominates(&one, &two) && dominates(&two, &one)));
        prop_assert!(!(dominates(&one, &two) && dominates(&two, &three)) || dominates(&one, &three));
    }

    #[test]
    fn igd_plus_never_exceeds_igd(
        (dimension, found, front) in (1..=5_usize).prop_flat_map(|dimension| {
            let values = || {
                (1..12_usize).prop_flat_map(move |rows| {
                    prop::collection::vec(-2.0..2.0_f64, rows * dimension)
                })
            };
            (Just(dimension), values(), values())
        })
    ) {
        let (found, front) = (Points::new(&found, dimension)?, Points::new(&front, dimension)?);
        let (plain, plus) = (igd(found, front)?, igd_plus(found, front)?);
        prop_assert!(0.0 <= plus && plus <= plain);
        prop_assert_eq!(igd(front, front)?, 0.0);
        prop_assert_eq!(igd_plus(front, front)?, 0.0);
        // More found points are never farther away.
        let mut both = found.values().to_vec();
        both.extend_from_slice(row(front, 0));
        let both = Points::new(&both, dimension)?;
        prop_assert!(igd(both, front)? <= plain);
        prop_assert!(igd_plus(both, front)? <= plus);
    }

    #[test]
    fn scaled_points_fill_the_unit_box(set in prop_oneof![lattice(1..20), continuous(1..20)]) {
        let scaled = Bounds::of(&set)?.scale(&set)?;
        let bounds = Bounds::of(&scaled)?;
        prop_assert!(bounds.min().iter().all(|&min| min == 0.0));
        prop_assert!(bounds.max().iter().all(|&max| max == 1.0 || max == 0.0));
        prop_assert_eq!(non_dominated(&scaled)?, non_dominated(&set)?);
    }

    #[test]
    fn crowding_ignores_the_unit(set in continuous(0..20)) {
        let points = set.as_points();
        let doubled = points.values().iter().map(|value| value * 2.0).collect();
        let doubled = PointSet::new(doubled, points.dimension())?;
        let distance = crowding_distance(points)?;
        prop_assert_eq!(&distance, &crowding_distance(&doubled)?);
        // Each objective has one first and one last point.
        let infinite = distance.iter().filter(|value| value.is_infinite()).count();
        prop_assert!(infinite >= points.len().min(2) && infinite <= 2 * points.dimension());
    }

    #[test]
    fn a_value_that_is_not_finite_is_named(
        set in continuous(1..10),
        at in any::<prop::sample::Index>(),
        value in prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
    ) {
        let dimension = set.as_points().dimension();
        let mut values = set.into_values();
        let at = at.index(values.len());
        values[at] = value;
        match Points::new(&values, dimension) {
            Err(Error::NotFinite { row, column, .. }) => {
                prop_assert_eq!(row * dimension + column, at);
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }
}

#[test]
fn points_on_the_reference_contribute_nothing() -> nas_pareto::Result<()> {
    let check = |points: &[[f64; 3]], expected: f64| -> nas_pareto::Result<()> {
        assert_eq!(hypervolume(points, &[1.0, 1.0, 1.0])?, expected, "{points:?}");
        Ok(())
    };
    check(&[], 0.0)?;
    check(&[[1.0, 1.0, 1.0]], 0.0)?;
    check(&[[1.0, -5.0, -5.0]], 0.0)?;
    check(&[[-5.0, -5.0, 2.0]], 0.0)?;
    check(&[[0.5, 0.5, 0.0], [1.0, -5.0, -5.0], [0.5, 0.5, 0.0]], 0.25)?;
    check(&[[-1.0, 0.0, 0.0]], 2.0)
}

#[test]
fn bad_references_are_refused() {
    let points = [[0.0, 0.0]];
    assert_eq!(
        hypervolume(&points, &[1.0]),
        Err(Error::Dimension { input: "reference point", found: 1, expected: 2 })
    );
    assert_eq!(
        hypervolume(&points, &[1.0, f64::INFINITY]),
        Err(Error::VectorNotFinite { vector: "reference point", column: 1, value: f64::INFINITY })
    );
    assert!(matches!(
        hypervolume_gain(&points, &[f64::NAN, 0.0], &[1.0, 1.0]),
        Err(Error::VectorNotFinite { vector: "candidate", column: 0, .. })
    ));
}

#[test]
fn volumes_beyond_f64_are_refused() {
    for far in [-1e200, f64::MIN] {
        let points = [[far, far, 0.0], [0.0, far, far]];
        let reference = [f64::MAX / 2.0, 1.0, 1.0];
        assert_eq!(hypervolume(&points, &reference), Err(Error::Overflow("hypervolume")));
        let contributions = hypervolume_contributions(&points, &reference);
        assert_eq!(contributions, Err(Error::Overflow("hypervolume")));
    }
    // Far away, but outside.
    assert_eq!(hypervolume(&[[f64::MIN, 2.0]], &[f64::MAX, 1.0]), Ok(0.0));
}

#[test]
fn large_fronts_sum_without_drift() -> nas_pareto::Result<()> {
    // The steps (i, n − i) below (n + 1, n + 1): 1 + 2 + … + (n + 1) unit cells and more, exactly
    // representable, and so is the same volume extruded.
    let n = 100_000_u32;
    let side = f64::from(n + 1);
    let plane: Vec<[f64; 2]> = (0..=n).map(|i| [f64::from(i), f64::from(n - i)]).collect();
    let cells = side * (side + 1.0) / 2.0;
    assert_eq!(hypervolume(&plane, &[side, side])?, cells);
    let space: Vec<[f64; 3]> = plane.iter().map(|&[x, y]| [y, -0.5, x]).collect();
    assert_eq!(hypervolume(&space, &[side, 0.5, side])?, cells);
    Ok(())
}
