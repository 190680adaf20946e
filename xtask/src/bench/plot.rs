//! Pictures of the figures: plain SVG that is readable on a light page and on a dark one.

use std::fmt::Write as _;

use super::cases::Case;

const WIDTH: f64 = 760.0;
/// Where the labels end, and where the axis does; behind it is room for a number.
const LEFT: f64 = 150.0;
const RIGHT: f64 = WIDTH - 90.0;
/// Above the first line.
const TOP: f64 = 78.0;
const LINE: f64 = 38.0;
const BAR: f64 = 20.0;
/// Below the last line.
const BOTTOM: f64 = 36.0;

const STYLE: &str = "\
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 }
.dim { fill: #656d76; font-size: 12px }
.grid { stroke: #d0d7de }
.first { fill: #2f81f7; stroke: #2f81f7 }
.second { fill: #e8833a; stroke: #e8833a }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .dim { fill: #8d96a0 }
  .grid { stroke: #373e47 }
}";
const SERIES: [&str; 2] = ["first", "second"];

/// One picture.
struct Plot {
    title: &'static str,
    unit: &'static str,
    /// What the colours stand for, where there are two.
    series: &'static [&'static str],
    shape: Shape,
    lines: Vec<(&'static str, Vec<f64>)>,
}

/// How the values of a line are drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// As bars, one behind the other, from zero.
    Bars,
    /// As dots on an axis on which each step is ten times as much.
    Dots,
}

/// Every picture, with the name of its file.
pub(super) fn all(cases: &[Case]) -> [(&'static str, String); 3] {
    let lines = |values: fn(&Case) -> Option<Vec<f64>>| {
        let line = |case: &Case| Some((case.label, values(case)?));
        cases.iter().filter_map(line).collect()
    };
    let limit = Plot {
        title: "How near the server comes to what the machine can do",
        unit: "of the packets that could be encrypted and sent at all",
        series: &[],
        shape: Shape::Bars,
        lines: lines(|case| Some(vec![case.plain.ratio?])),
    };
    let cost = Plot {
        title: "What a packet to one receiver costs",
        unit: "µs of the processor",
        series: &["the server", "the system for it"],
        shape: Shape::Bars,
        lines: lines(|case| Some(vec![case.plain.user?, case.plain.system?])),
    };
    let delay = Plot {
        title: "How long packets take at half load",
        unit: "ms from the publisher's socket to a receiver's",
        series: &["p50", "p99"],
        shape: Shape::Dots,
        lines: lines(|case| {
            let [middle, most, _] = case.loaded.delays;
            Some(vec![middle? / 1e3, most? / 1e3])
        }),
    };
    [
        ("forward-limit.svg", limit.draw()),
        ("forward-cost.svg", cost.draw()),
        ("forward-delay.svg", delay.draw()),
    ]
}

impl Plot {
    fn draw(&self) -> String {
        let bottom = TOP + LINE * self.lines.len() as f64;
        let height = bottom + BOTTOM;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">\n\
             <style>{STYLE}</style>\n<text class=\"title\" x=\"16\" y=\"28\">{title}</text>\n\
             <text class=\"dim\" x=\"16\" y=\"50\">{unit}</text>\n",
            title = self.title,
            unit = self.unit,
        );
        self.legend(&mut svg);
        let axis = self.axis();
        for &tick in &axis.ticks {
            let x = axis.place(tick);
            add(
                &mut svg,
                format_args!(
                    "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{bottom}\"/>\n\
                 <text class=\"dim\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{tick}</text>",
                    TOP - 8.0,
                    bottom + 18.0,
                ),
            );
        }
        for (at, (label, values)) in self.lines.iter().enumerate() {
            let middle = TOP + LINE * (at as f64 + 0.4);
            let text = middle + 4.5;
            add(
                &mut svg,
                format_args!(
                    "<text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{label}</text>",
                    LEFT - 12.0
                ),
            );
            let end = match self.shape {
                Shape::Bars => bars(&mut svg, &axis, middle, values),
                Shape::Dots => dots(&mut svg, &axis, middle, values),
            };
            let said = match self.shape {
                Shape::Bars => short(values.iter().sum()),
                Shape::Dots => values.iter().copied().map(short).collect::<Vec<_>>().join(" – "),
            };
            add(
                &mut svg,
                format_args!("<text x=\"{:.1}\" y=\"{text}\">{said}</text>", end + 10.0),
            );
        }
        svg + "</svg>\n"
    }

    fn legend(&self, svg: &mut String) {
        for (at, (name, class)) in self.series.iter().zip(SERIES).enumerate() {
            let x = RIGHT - 200.0 + 110.0 * at as f64;
            add(
                svg,
                format_args!(
                    "<circle class=\"{class}\" cx=\"{x}\" cy=\"46\" r=\"5\"/><text x=\"{}\" y=\"50\">{name}</text>",
                    x + 11.0,
                ),
            );
        }
    }

    fn axis(&self) -> Axis {
        let values = || self.lines.iter().flat_map(|(_, values)| values.iter().copied());
        match self.shape {
            Shape::Bars => {
                let sums = self.lines.iter().map(|(_, values)| values.iter().sum());
                let most = sums.fold(f64::MIN_POSITIVE, f64::max);
                let step = step(most);
                let steps = (most / step).ceil() as usize;
                let ticks: Vec<_> = (0..=steps).map(|at| rounded(at as f64 * step)).collect();
                Axis { is_log: false, ticks }
            }
            Shape::Dots => {
                let least = values().fold(f64::MAX, f64::min).clamp(1e-3, 1e3).log10().floor() as i32;
                let most = values().fold(f64::MIN, f64::max).clamp(1e-3, 1e6).log10().ceil() as i32;
                let ticks = (least..=most.max(least + 1)).map(|power| rounded(10f64.powi(power)));
                Axis {
                    is_log: true,
                    ticks: ticks.collect(),
                }
            }
        }
    }
}

/// The values at the grid's lines, from the left to the right.
struct Axis {
    is_log: bool,
    ticks: Vec<f64>,
}

impl Axis {
    fn place(&self, value: f64) -> f64 {
        let (first, last) = (self.ticks[0], self.ticks[self.ticks.len() - 1]);
        let share = match self.is_log {
            true => (value.max(first) / first).log10() / (last / first).log10(),
            false => (value - first) / (last - first),
        };
        LEFT + (RIGHT - LEFT) * share
    }
}

/// Draws bars one behind the other; says where the last one ends.
fn bars(svg: &mut String, axis: &Axis, middle: f64, values: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (value, class) in values.iter().zip(SERIES) {
        let start = axis.place(sum);
        sum += value;
        add(
            svg,
            format_args!(
                "<rect class=\"{class}\" stroke=\"none\" x=\"{start:.1}\" y=\"{}\" width=\"{:.1}\" height=\"{BAR}\" rx=\"2\"/>",
                middle - BAR / 2.0,
                axis.place(sum) - start,
            ),
        );
    }
    axis.place(sum)
}

/// Draws dots with a line between them; says where the last one is.
fn dots(svg: &mut String, axis: &Axis, middle: f64, values: &[f64]) -> f64 {
    let places: Vec<_> = values.iter().map(|&value| axis.place(value)).collect();
    if let [first, .., last] = places[..] {
        add(
            svg,
            format_args!(
                "<line class=\"grid\" stroke-width=\"4\" x1=\"{first:.1}\" x2=\"{last:.1}\" y1=\"{middle}\" y2=\"{middle}\"/>",
            ),
        );
    }
    for (x, class) in places.iter().zip(SERIES) {
        add(
            svg,
            format_args!("<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{middle}\" r=\"6\"/>"),
        );
    }
    places.last().copied().unwrap_or(LEFT)
}

fn add(svg: &mut String, element: std::fmt::Arguments<'_>) {
    writeln!(svg, "{element}").expect("a text takes everything");
}

/// A step of 1, 2 or 5 times a power of ten, of which five or so reach this.
fn step(most: f64) -> f64 {
    let power = 10f64.powf((most / 5.0).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    steps.into_iter().find(|step| most / step <= 6.0).unwrap_or(power)
}

/// Without the dust of binary fractions.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// Two digits behind the point, or one, or none.
fn short(value: f64) -> String {
    match value {
        value if value < 1.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(shape: Shape, values: &[f64]) -> Plot {
        Plot {
            title: "T",
            unit: "µs",
            series: &["a", "b"],
            shape,
            lines: vec![("one", values.to_vec()), ("other", vec![values[0] / 2.0, values[1]])],
        }
    }

    #[test]
    fn bars_stand_one_behind_the_other_on_an_axis_that_holds_both() {
        let plot = plot(Shape::Bars, &[30.0, 17.0]);
        let axis = plot.axis();
        assert_eq!(axis.ticks, [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]);
        let svg = plot.draw();
        assert_eq!(svg.matches("<rect").count(), 4);
        assert!(svg.contains(&format!("x=\"{:.1}\"", axis.place(30.0))), "{svg}");
        assert!(svg.contains(">47.0</text>") && svg.contains(">one</text>"), "{svg}");
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    }

    #[test]
    fn dots_are_as_far_apart_as_their_ratio() {
        let plot = plot(Shape::Dots, &[0.4, 4.0]);
        let axis = plot.axis();
        assert_eq!(axis.ticks, [0.1, 1.0, 10.0]);
        let step = axis.place(1.0) - axis.place(0.1);
        assert!((axis.place(4.0) - axis.place(0.4) - step).abs() < 1e-9);
        assert_eq!(plot.draw().matches("r=\"6\"").count(), 4);
    }

    #[test]
    fn an_axis_has_round_steps() {
        assert_eq!(
            [0.58, 1.0, 7.0, 46.9, 130.0].map(|most| rounded(step(most))),
            [0.1, 0.2, 2.0, 10.0, 50.0]
        );
    }
}
