//! Draws runs over time: how long tasks waited and how busy the database was, by scenario.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::report::{Point, Report};

const SIZE: (u32, u32) = (1_200, 1_350);
/// Okabe and Ito's palette, which readers with colour blindness can distinguish.
const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 0, 0),
    RGBColor(213, 94, 0),
    RGBColor(0, 114, 178),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
];
/// The shortest wait that is drawn, seconds: a logarithmic axis has no zero.
const LEAST_S: f64 = 0.01;
/// The highest share of the database's time that is drawn.
const SHARE_MAX: f64 = 1.5;

/// Why a plot could not be drawn.
#[derive(Debug)]
pub struct PlotFailed(String);

impl std::fmt::Display for PlotFailed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "draw the plot: {}", self.0)
    }
}

impl std::error::Error for PlotFailed {}

type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;
/// Selects the value of a point that is drawn.
type Of = fn(&Point) -> f64;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Writes an SVG file: waits of the light lane, waits of the heavy lane, tasks due, and the database's time.
///
/// # Errors
///
/// The file cannot be written.
pub fn plot(reports: &[Report], file: &Path) -> Result<(), PlotFailed> {
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    draw(reports, &area).map_err(|error| PlotFailed(error.to_string()))
}

fn draw<'a>(reports: &[Report], area: &Area<'a>) -> Drawn<'a> {
    area.fill(&WHITE)?;
    let panels = area.split_evenly((4, 1));
    let end_s = reports.iter().map(|report| report.took_s).fold(1.0, f64::max);
    let p99: [(&str, Of); 2] = [
        ("light lane: seconds from due to claimed, 99 of 100", |point| point.light_p99_s),
        ("heavy lane: seconds from due to claimed, 99 of 100", |point| point.heavy_p99_s),
    ];
    for (panel, (title, of)) in panels.iter().zip(p99) {
        logarithmic(panel, reports, end_s, (title, LEAST_S), of)?;
    }
    logarithmic(&panels[2], reports, end_s, ("tasks due", 1.0), |point| point.light_due + point.heavy_due)?;
    share(&panels[3], reports, end_s)?;
    area.present()
}

fn logarithmic<'a>(
    area: &Area<'a>,
    reports: &[Report],
    end_s: f64,
    (title, least): (&str, f64),
    of: Of,
) -> Drawn<'a> {
    let most = reports.iter().flat_map(|report| &report.points).map(of).fold(least * 10.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..end_s, (least..most * 1.5).log_scale())?;
    chart.configure_mesh().light_line_style(WHITE).x_desc("virtual seconds").draw()?;
    for (report, colour) in reports.iter().zip(COLOURS.iter().cycle()) {
        let line = report.points.iter().map(|point| (point.at_s, of(point).max(least)));
        chart.draw_series(LineSeries::new(line, colour.stroke_width(2)))?;
    }
    Ok(())
}

fn share<'a>(area: &Area<'a>, reports: &[Report], end_s: f64) -> Drawn<'a> {
    let mut chart = ChartBuilder::on(area)
        .caption("database: share of its time that is asked for", ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..end_s, 0.0..SHARE_MAX)?;
    chart.configure_mesh().light_line_style(WHITE).x_desc("virtual seconds").draw()?;
    for (report, colour) in reports.iter().zip(COLOURS.iter().cycle()) {
        let line = report.points.iter().map(|point| (point.at_s, point.busy.min(SHARE_MAX)));
        let drawn = chart.draw_series(LineSeries::new(line, colour.stroke_width(2)))?;
        let colour = *colour;
        let key = move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(3));
        drawn.label(report.settings.scenario.as_str()).legend(key);
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .label_font(("sans-serif", 16))
        .draw()
}
