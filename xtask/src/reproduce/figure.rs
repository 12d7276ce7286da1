//! Figures as SVG.

use plotters::coord::types::RangedCoordf64;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::*;

use crate::error::Error;
use nas_pareto::statistics::Estimate;

const COLOURS: [RGBColor; 8] = [
    RGBColor(31, 88, 176),
    RGBColor(217, 95, 2),
    RGBColor(27, 135, 90),
    RGBColor(168, 50, 121),
    RGBColor(120, 110, 20),
    RGBColor(90, 90, 90),
    RGBColor(200, 40, 40),
    RGBColor(60, 160, 190),
];
const GRID: RGBColor = RGBColor(228, 230, 234);

/// Curves over a number.
pub struct Curves {
    pub title: String,
    pub x: &'static str,
    pub y: &'static str,
    /// Where the vertical axis begins and ends.
    pub range: (f64, f64),
    /// A name, and x with y.
    pub series: Vec<(String, Vec<(f64, f64)>)>,
}

impl Curves {
    pub fn svg(&self) -> Result<String, Error> {
        let mut svg = String::new();
        self.draw(&mut svg).map_err(problem)?;
        Ok(svg)
    }

    fn draw(&self, svg: &mut String) -> Result<(), Box<dyn std::error::Error + '_>> {
        let xs = || self.series.iter().flat_map(|series| series.1.iter().map(|point| point.0));
        let (least, most) = (xs().fold(f64::INFINITY, f64::min), xs().fold(0.0, f64::max));
        let margin = 0.03 * (most - least);
        let area = SVGBackend::with_string(svg, (800, 480)).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(&self.title, ("sans-serif", 17))
            .margin(14)
            .x_label_area_size(44)
            .y_label_area_size(66)
            .build_cartesian_2d(least - margin..most + margin, self.range.0..self.range.1)?;
        chart
            .configure_mesh()
            .x_desc(self.x)
            .y_desc(self.y)
            .axis_desc_style(("sans-serif", 15))
            .label_style(("sans-serif", 13))
            .x_label_formatter(&|x| format!("{x:.0}"))
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .draw()?;
        for ((name, points), colour) in self.series.iter().zip(COLOURS.iter().cycle()) {
            let inside: Vec<(f64, f64)> =
                points.iter().copied().filter(|point| point.1 >= self.range.0).collect();
            chart
                .draw_series(LineSeries::new(inside.iter().copied(), colour.stroke_width(2)))?
                .label(name)
                .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
            chart
                .draw_series(inside.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
        }
        legend(&mut chart, SeriesLabelPosition::LowerRight)?;
        area.present()?;
        Ok(())
    }
}

/// Rows below the last name that are free for the legend.
const LEGEND: f64 = 2.0;

/// Means with their intervals, a row for each name.
pub struct Dots {
    pub title: String,
    pub x: &'static str,
    /// The names, from top to bottom.
    pub names: Vec<String>,
    /// What is compared, each with an estimate for every name, where there is one.
    pub series: Vec<(String, Vec<Option<Estimate>>)>,
}

impl Dots {
    pub fn svg(&self) -> Result<String, Error> {
        let mut svg = String::new();
        self.draw(&mut svg).map_err(problem)?;
        Ok(svg)
    }

    fn draw(&self, svg: &mut String) -> Result<(), Box<dyn std::error::Error + '_>> {
        let ends = |estimate: &Estimate| {
            let half = estimate.half.unwrap_or(0.0);
            [estimate.mean - half, estimate.mean + half]
        };
        let all = || self.series.iter().flat_map(|series| series.1.iter().flatten());
        let least = all().flat_map(ends).fold(f64::INFINITY, f64::min);
        let most = all().flat_map(ends).fold(f64::NEG_INFINITY, f64::max);
        let margin = 0.05 * (most - least);
        let rows = self.names.len();
        let height = 120 + (30.0 * (rows as f64 + LEGEND)) as u32;
        let area = SVGBackend::with_string(svg, (800, height)).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(&self.title, ("sans-serif", 17))
            .margin(14)
            .x_label_area_size(44)
            .y_label_area_size(190)
            .build_cartesian_2d(least - margin..most + margin, -0.5 - LEGEND..rows as f64 - 0.5)?;
        let name = |y: &f64| {
            let row = rows as f64 - 1.0 - y;
            let is_row = (row - row.round()).abs() < 1e-6 && row > -0.5;
            let name = is_row.then(|| self.names.get(row.round() as usize)).flatten();
            // Kept off the axis.
            name.map(|name| format!("{name}\u{a0}\u{a0}")).unwrap_or_default()
        };
        chart
            .configure_mesh()
            .x_desc(self.x)
            .axis_desc_style(("sans-serif", 15))
            .label_style(("sans-serif", 14))
            .y_labels(2 * (rows + LEGEND as usize))
            .y_label_formatter(&name)
            .set_tick_mark_size(LabelAreaPosition::Left, 0)
            .disable_y_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .draw()?;
        let count = self.series.len().max(1) as f64;
        for (number, ((label, estimates), colour)) in
            self.series.iter().zip(COLOURS.iter().cycle()).enumerate()
        {
            // Side by side within a row.
            let shift = 0.26 * ((count - 1.0) / 2.0 - number as f64);
            let marks: Vec<(f64, Estimate)> = estimates
                .iter()
                .enumerate()
                .filter_map(|(row, estimate)| {
                    Some((rows as f64 - 1.0 - row as f64 + shift, (*estimate)?))
                })
                .collect();
            let bars = marks.iter().map(|(y, estimate)| {
                let [from, to] = ends(estimate);
                PathElement::new([(from, *y), (to, *y)], colour.stroke_width(2))
            });
            chart.draw_series(bars)?;
            chart
                .draw_series(
                    marks.iter().map(|(y, mark)| Circle::new((mark.mean, *y), 4, colour.filled())),
                )?
                .label(label)
                .legend(|(x, y)| Circle::new((x + 9, y), 4, colour.filled()));
        }
        legend(&mut chart, SeriesLabelPosition::LowerLeft)?;
        area.present()?;
        Ok(())
    }
}

type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Draws the names of the series.
fn legend<'a>(
    chart: &mut Chart<'a>,
    position: SeriesLabelPosition,
) -> Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>> {
    chart
        .configure_series_labels()
        .position(position)
        .background_style(WHITE.mix(0.9))
        .border_style(RGBColor(200, 203, 209))
        .label_font(("sans-serif", 14))
        .draw()
}

fn problem(error: impl std::fmt::Display) -> Error {
    Error::Step { step: "draw a figure", problem: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_name_their_axes_and_series() {
        let curves = Curves {
            title: "a title".to_owned(),
            x: "evaluations",
            y: "HV ratio",
            range: (0.9, 1.0),
            series: vec![("one".to_owned(), vec![(50.0, 0.91), (100.0, 0.95)])],
        };
        let estimate = |mean| Some(Estimate { mean, half: Some(0.01) });
        let dots = Dots {
            title: "a title".to_owned(),
            x: "HV ratio",
            names: vec!["first".to_owned(), "second".to_owned()],
            series: vec![("one".to_owned(), vec![estimate(0.9), None])],
        };
        for (svg, texts) in [
            (curves.svg().unwrap(), vec!["a title", "evaluations", "HV ratio", "one"]),
            (dots.svg().unwrap(), vec!["a title", "HV ratio", "first", "second", "one"]),
        ] {
            for text in texts {
                assert!(svg.contains(text), "{text}");
            }
        }
    }
}
