//! The picture of a front.

use plotters::prelude::*;

use crate::failure::Failure;

/// A scatter plot of two objectives: everything evaluated, the front found, and the exact front
/// where it is known.
pub struct FrontFigure {
    pub title: String,
    /// The horizontal axis, with its unit.
    pub x: String,
    /// The vertical axis, with its unit.
    pub y: String,
    pub evaluated: Vec<(f64, f64)>,
    /// In order along the front.
    pub front: Vec<(f64, f64)>,
    /// Predicted to be on the front.
    pub predicted: Vec<(f64, f64)>,
    pub exact: Vec<(f64, f64)>,
}

const SIZE: (u32, u32) = (800, 520);
/// Evaluated architectures that a picture shows at most.
const DRAWN: usize = 2_000;

const GREY: RGBColor = RGBColor(150, 155, 165);
const BLUE: RGBColor = RGBColor(31, 88, 176);
const ORANGE: RGBColor = RGBColor(217, 95, 2);

impl FrontFigure {
    /// The figure as an SVG document.
    pub fn svg(&self) -> Result<String, Failure> {
        let mut svg = String::new();
        self.draw(&mut svg)
            .map_err(|error| Failure::work(format!("cannot draw the front: {error}")))?;
        Ok(svg)
    }

    fn draw(&self, svg: &mut String) -> Result<(), Box<dyn std::error::Error + '_>> {
        let shown =
            || [&self.evaluated, &self.front, &self.predicted, &self.exact].into_iter().flatten();
        let x = range(shown().map(|point| point.0));
        let y = self.vertical_range();
        let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(&self.title, ("sans-serif", 17))
            .margin(14)
            .x_label_area_size(44)
            .y_label_area_size(62)
            .build_cartesian_2d(x, y.clone())?;
        chart
            .configure_mesh()
            .x_desc(&self.x)
            .y_desc(&self.y)
            .axis_desc_style(("sans-serif", 15))
            .label_style(("sans-serif", 13))
            .light_line_style(TRANSPARENT)
            .bold_line_style(RGBColor(228, 230, 234))
            .draw()?;
        let visible = |point: &&(f64, f64)| y.contains(&point.1);
        let label = |name: &str, points: &[(f64, f64)]| {
            let hidden = points.iter().filter(|point| !visible(point)).count();
            let below =
                if hidden == 0 { String::new() } else { format!(" ({hidden} below the axis)") };
            name.to_owned() + &below
        };
        // A cloud of some thousands looks the same as all.
        let step = self.evaluated.len().div_ceil(DRAWN).max(1);
        let dots = self.evaluated.iter().filter(visible).step_by(step);
        chart
            .draw_series(dots.map(|point| Circle::new(*point, 2, GREY.mix(0.6).filled())))?
            .label(label("evaluated", &self.evaluated))
            .legend(|(x, y)| Circle::new((x + 9, y), 3, GREY.filled()));
        if !self.exact.is_empty() {
            let visible: Vec<_> = self.exact.iter().filter(visible).copied().collect();
            chart
                .draw_series(LineSeries::new(steps(&visible), ORANGE.stroke_width(2)))?
                .label(label("exact front", &self.exact))
                .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], ORANGE.stroke_width(2)));
        }
        let found = self.front.iter().filter(visible);
        chart
            .draw_series(found.map(|point| Circle::new(*point, 4, BLUE.filled())))?
            .label(label("front found", &self.front))
            .legend(|(x, y)| Circle::new((x + 9, y), 4, BLUE.filled()));
        if !self.predicted.is_empty() {
            let visible = self.predicted.iter().filter(visible);
            chart
                .draw_series(visible.map(|point| Circle::new(*point, 4, BLUE.stroke_width(2))))?
                .label(label("predicted to be on it", &self.predicted))
                .legend(|(x, y)| Circle::new((x + 9, y), 4, BLUE.stroke_width(2)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .background_style(WHITE.mix(0.9))
            .border_style(RGBColor(200, 203, 209))
            .label_font(("sans-serif", 14))
            .draw()?;
        area.present()?;
        Ok(())
    }

    /// Chance-level networks would squeeze all others into a line: the axis begins where nine
    /// tenths of the points lie above, or at the lowest point if that is near.
    fn vertical_range(&self) -> std::ops::Range<f64> {
        let mut values: Vec<f64> = [&self.evaluated, &self.predicted, &self.exact]
            .into_iter()
            .flatten()
            .map(|p| p.1)
            .collect();
        values.sort_by(f64::total_cmp);
        let all = range(values.iter().copied());
        let Some(&tenth) = values.get(values.len() / 10) else { return all };
        let most = range(values.into_iter().filter(|value| *value >= tenth));
        if most.start - all.start > most.end - most.start { most } else { all }
    }
}

/// Lines over the epochs of a training: accuracy, and below it the losses.
#[cfg_attr(not(feature = "torch"), allow(dead_code))]
pub struct CurveFigure {
    pub title: String,
    /// Of the validation part in %, by epoch.
    pub accuracy: Vec<(f64, f64)>,
    pub best: Option<(f64, f64)>,
    /// Of the training part, by epoch.
    pub loss: Vec<(f64, f64)>,
    pub validation_loss: Vec<(f64, f64)>,
}

#[cfg_attr(not(feature = "torch"), allow(dead_code))]
impl CurveFigure {
    /// The figure as an SVG document.
    pub fn svg(&self) -> Result<String, Failure> {
        let mut svg = String::new();
        self.draw(&mut svg)
            .map_err(|error| Failure::work(format!("cannot draw the curve: {error}")))?;
        Ok(svg)
    }

    fn draw<'a>(&'a self, svg: &'a mut String) -> Result<(), Box<dyn std::error::Error + 'a>> {
        let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let titled = area.titled(&self.title, ("sans-serif", 17))?;
        let (upper, lower) = titled.split_vertically(SIZE.1 / 2);
        let accuracy = [("validation accuracy", BLUE, &self.accuracy[..])];
        lines(&upper, "", "accuracy [%]", &accuracy, self.best)?;
        let losses =
            [("training", GREY, &self.loss[..]), ("validation", ORANGE, &self.validation_loss[..])];
        lines(&lower, "epoch", "loss", &losses, None)?;
        area.present()?;
        Ok(())
    }
}

/// A line: its name, its colour, and its points.
type Line<'a> = (&'a str, RGBColor, &'a [(f64, f64)]);

/// Lines with their names, and a dot for the best point of the first.
fn lines<'a>(
    area: &DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
    x: &str,
    y: &str,
    series: &[Line<'_>],
    best: Option<(f64, f64)>,
) -> Result<(), Box<dyn std::error::Error + 'a>> {
    let points = || series.iter().flat_map(|(_, _, points)| points.iter());
    let mut chart = ChartBuilder::on(area)
        .margin(14)
        .x_label_area_size(if x.is_empty() { 22 } else { 44 })
        .y_label_area_size(62)
        .build_cartesian_2d(range(points().map(|one| one.0)), range(points().map(|one| one.1)))?;
    chart
        .configure_mesh()
        .x_desc(x)
        .y_desc(y)
        .axis_desc_style(("sans-serif", 15))
        .label_style(("sans-serif", 13))
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(228, 230, 234))
        .draw()?;
    for (name, colour, points) in series {
        let colour = *colour;
        chart
            .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        if let [point] = points[..] {
            chart.draw_series([Circle::new(point, 3, colour.filled())])?;
        }
    }
    if let Some(best) = best {
        chart
            .draw_series([Circle::new(best, 4, BLUE.filled())])?
            .label(format!("best: {:.2} %, epoch {}", best.1, best.0))
            .legend(|(x, y)| Circle::new((x + 9, y), 4, BLUE.filled()));
    }
    let place = if best.is_some() {
        SeriesLabelPosition::LowerRight
    } else {
        SeriesLabelPosition::UpperRight
    };
    chart
        .configure_series_labels()
        .position(place)
        .background_style(WHITE.mix(0.9))
        .border_style(RGBColor(200, 203, 209))
        .label_font(("sans-serif", 14))
        .draw()?;
    Ok(())
}

/// The attainment curve of a front: between two points, what the left one attains.
fn steps(front: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let corners = front.windows(2).flat_map(|pair| [pair[0], (pair[1].0, pair[0].1)]);
    corners.chain(front.last().copied()).collect()
}

/// From the least to the greatest value, with a margin.
fn range(values: impl Iterator<Item = f64> + Clone) -> std::ops::Range<f64> {
    let least = values.clone().fold(f64::INFINITY, f64::min);
    let most = values.fold(f64::NEG_INFINITY, f64::max);
    if least > most {
        return 0.0..1.0;
    }
    let margin = if most > least { 0.04 * (most - least) } else { least.abs().max(1.0) * 0.1 };
    least - margin..most + margin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure() -> FrontFigure {
        let evaluated: Vec<_> =
            (0..20).map(|i| (f64::from(i), 90.0 + f64::from(i) / 10.0)).collect();
        FrontFigure {
            title: "a title".into(),
            x: "latency [ms]".to_owned(),
            y: "accuracy [%]".to_owned(),
            front: evaluated.clone(),
            predicted: vec![(5.0, 92.5)],
            exact: vec![(0.0, 91.0), (10.0, 93.0)],
            evaluated,
        }
    }

    #[test]
    fn the_figure_names_its_axes_and_series() {
        let svg = figure().svg().unwrap();
        for text in [
            "a title",
            "latency [ms]",
            "accuracy [%]",
            "evaluated",
            "exact front",
            "front found",
            "predicted to be on it",
        ] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn chance_level_networks_do_not_squeeze_the_rest() {
        let mut figure = figure();
        figure.evaluated.push((0.1, 10.0));
        assert!(figure.vertical_range().start > 80.0);
        figure.front.push((0.1, 10.0));
        let svg = figure.svg().unwrap();
        assert!(svg.contains("evaluated (1 below") && svg.contains("front found (1 below"));
    }

    #[test]
    fn a_curve_shows_accuracy_losses_and_the_best_epoch() {
        let curve = |count: u32| CurveFigure {
            title: "a <title>".to_owned(),
            accuracy: (1..=count).map(|i| (f64::from(i), 50.0 + f64::from(i))).collect(),
            best: Some((f64::from(count), 50.0 + f64::from(count))),
            loss: (1..=count).map(|i| (f64::from(i), 1.0 / f64::from(i))).collect(),
            validation_loss: (1..=count).map(|i| (f64::from(i), 1.5 / f64::from(i))).collect(),
        };
        let svg = curve(20).svg().unwrap();
        for text in ["a &lt;title&gt;", "accuracy [%]", "loss", "best: 70.00 %, epoch 20"] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(curve(1).svg().unwrap().contains("<circle"));
    }

    #[test]
    fn between_two_points_the_left_one_counts() {
        assert_eq!(steps(&[(0.0, 1.0), (2.0, 3.0)]), [(0.0, 1.0), (2.0, 1.0), (2.0, 3.0)]);
    }

    #[test]
    fn an_empty_or_single_point_figure_is_drawn() {
        let empty = FrontFigure {
            evaluated: vec![],
            front: vec![],
            predicted: vec![],
            exact: vec![],
            ..figure()
        };
        assert!(empty.svg().is_ok());
        let single = FrontFigure {
            evaluated: vec![(1.0, 1.0)],
            front: vec![(1.0, 1.0)],
            predicted: vec![],
            exact: vec![],
            ..figure()
        };
        assert!(single.svg().is_ok());
    }
}
