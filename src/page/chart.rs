//! Which step ran when, drawn as SVG: a row for each that ran at the same time as others, the critical path marked.

use maud::{Markup, html};

use crate::journal::{Build, End, Step};

const WIDTH: f64 = 1000.0;
const ROW: f64 = 22.0;
const AXIS: f64 = 20.0;
/// About as wide as a letter is.
const LETTER: f64 = 6.5;
/// Ticks on the axis, at most.
const TICKS: f64 = 10.0;

pub fn timeline(build: &Build, critical: &[usize]) -> Markup {
    let rows = build.rows();
    let count = rows.iter().map(|(_, row)| row + 1).max().unwrap_or(0);
    let height = AXIS + ROW * count as f64;
    let scale = WIDTH / build.wall.max(1e-9);
    let is_critical = |step: &Step| {
        critical
            .iter()
            .any(|at| std::ptr::eq(&build.steps[*at], step))
    };
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label="timeline" {
            @for second in ticks(build.wall) {
                @let x = second * scale;
                line x1=(x) x2=(x) y1="0" y2=(height) {}
                text.axis x=(x + 3.0) y="12" { (second) " s" }
            }
            @for (step, row) in rows {
                @let (x, y) = (step.start() * scale, AXIS + ROW * row as f64);
                @let width = (step.wall() * scale).max(1.0);
                @let name = step.node.title();
                g.critical[is_critical(step)].failed[matches!(step.end, End::Failed(_))] {
                    title { (name) ", " (format!("{:.1} s", step.wall())) }
                    rect.(step.node.kind) x=(x) y=(y) width=(width) height=(ROW - 4.0) rx="2" {}
                    @if width > LETTER * name.len() as f64 { text x=(x + 4.0) y=(y + 13.0) { (name) } }
                }
            }
        }
    }
}

/// Round seconds, a few.
fn ticks(wall: f64) -> Vec<f64> {
    let steps = [1.0, 2.0, 5.0];
    let scales = (-3..6).map(|power| 10_f64.powi(power));
    let mut widths = scales.flat_map(|scale| steps.map(|step| step * scale));
    let width = widths
        .find(|width| wall / width <= TICKS)
        .unwrap_or(wall.max(1.0));
    let count = (wall / width) as usize;
    (0..=count).map(|tick| tick as f64 * width).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(ticks(3.4), [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]);
        assert_eq!(ticks(900.0).len(), 10);
        assert!(ticks(0.0).len() <= 2);
    }
}
