//! The picture: boxes by kind, lines between them, and a key to both. What does not fit shows when the pointer rests on it.

use std::fmt::Write;

use pwb_engine::recipe::Origin;
use pwb_engine::{Graph, Known, Plan, StepId, Work};

use super::layout::{Point, layout};
use super::{Drawing, uses};

/// The width of a character and the height of a box; the font has one width, so that boxes fit in any viewer.
const CHARACTER: f64 = 7.2;
const HEIGHT: f64 = 40.0;
const PADDING: f64 = 10.0;
/// The room of the key, below the graph.
const KEY: f64 = 40.0;
/// How many characters of a command are shown.
const COMMAND: usize = 300;

/// Kinds, each with its colours.
const KINDS: [(&str, &str, &str); 4] = [
    ("fetch", "#dbeafe", "#1d4ed8"),
    ("source", "#dcfce7", "#15803d"),
    ("root", "#fef3c7", "#b45309"),
    ("run", "#f3e8ff", "#7e22ce"),
];

/// States, each with the border's dashes.
const STATES: [(&str, &str); 3] = [
    ("in the store", "none"),
    ("to run", "6 3"),
    ("depends on what runs before", "2 3"),
];

pub fn draw(drawing: &Drawing<'_>, plan: Option<&Plan>) -> String {
    let graph = drawing.graph;
    let labels: Vec<[String; 2]> = drawing
        .steps
        .iter()
        .map(|&step| [graph.name(step).to_owned(), second_line(drawing, step)])
        .collect();
    let widths: Vec<f64> = labels.iter().map(|lines| width(lines)).collect();
    let layout = layout(&widths, HEIGHT, &drawing.edges);
    let (key, key_width) = key(plan.is_some(), layout.size.1);
    let (right, down) = (layout.size.0.max(key_width), layout.size.1 + KEY);

    let mut text = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{right:.0}" height="{down:.0}" viewBox="0 0 {right:.0} {down:.0}" font-family="ui-monospace, monospace" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
<defs><marker id="end" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#64748b"/></marker></defs>
<g fill="none" stroke="#64748b" marker-end="url(#end)">
"##
    );
    for (&(from, to), line) in drawing.edges.iter().zip(&layout.lines) {
        let (used, user) = (drawing.steps[from], drawing.steps[to]);
        let usage = uses(graph, user, used).join(", ");
        let title = format!("{}: {usage} {}", graph.name(user), graph.name(used));
        add(
            &mut text,
            format_args!(
                "<path d=\"{}\"><title>{}</title></path>\n",
                curve(line),
                escaped(&title)
            ),
        );
    }
    text += "</g>\n";
    for (place, lines) in labels.iter().enumerate() {
        let step = drawing.steps[place];
        let state = plan.map(|plan| state(plan, step));
        let title = title(graph, step, state);
        let is_goal = graph.goals.iter().any(|goal| goal.step == step);
        let kind = graph.steps[step].work.kind();
        add(
            &mut text,
            format_args!("<g><title>{}</title>", escaped(&title)),
        );
        rectangle(
            &mut text,
            (layout.boxes[place], (widths[place], HEIGHT)),
            kind,
            dashes(state),
            if is_goal { 3 } else { 1 },
        );
        let (x, y) = layout.boxes[place];
        for (line, y, colour) in [
            (&lines[0], y - 3.0, "#0f172a"),
            (&lines[1], y + 13.0, "#475569"),
        ] {
            add(
                &mut text,
                format_args!(
                    "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" fill=\"{colour}\">{}</text>",
                    escaped(line)
                ),
            );
        }
        text += "</g>\n";
    }
    text + &key + "</svg>"
}

/// The kind; of a root also how many packages are in it that are not drawn.
fn second_line(drawing: &Drawing<'_>, step: StepId) -> String {
    let inputs = drawing.graph.steps[step].inputs().into_iter();
    let hidden =
        |step: &StepId| drawing.graph.steps[*step].is_package() && !drawing.steps.contains(step);
    let packages = inputs.map(|input| input.step).filter(hidden).count();
    let kind = drawing.graph.steps[step].work.kind();
    match packages {
        0 => kind.to_owned(),
        1 => format!("{kind}, 1 package"),
        packages => format!("{kind}, {packages} packages"),
    }
}

fn width(lines: &[String]) -> f64 {
    let longest = lines.iter().map(|line| line.chars().count()).max();
    longest.unwrap_or(0) as f64 * CHARACTER + 2.0 * PADDING
}

fn state(plan: &Plan, step: StepId) -> &'static str {
    let [stored, to_run, waits] = STATES.map(|(state, _)| state);
    match plan.known(step) {
        Known::Tree(_) => stored,
        Known::Missing => to_run,
        Known::Unknown => waits,
    }
}

fn dashes(state: Option<&str>) -> &'static str {
    let of = |state| STATES.iter().find(|(name, _)| *name == state);
    state.and_then(of).map_or("none", |(_, dashes)| dashes)
}

/// Name, state, and what it does.
fn title(graph: &Graph, step: StepId, state: Option<&str>) -> String {
    let does = match &graph.steps[step].work {
        Work::Fetch { from, .. } => {
            let from: Vec<String> = from.iter().map(Origin::to_string).collect();
            from.join("\n")
        }
        Work::Source { path, .. } => path.display().to_string(),
        Work::Root { layers, .. } => format!("{} layers", layers.len()),
        Work::Run { arguments, .. } => arguments.join(" ").chars().take(COMMAND).collect(),
    };
    let state = state.map_or(String::new(), |state| format!(" ({state})"));
    format!("{}{state}\n{does}", graph.name(step))
}

fn rectangle(
    text: &mut String,
    ((x, y), (width, height)): (Point, Point),
    kind: &str,
    dashes: &str,
    border: u8,
) {
    let colours = KINDS.iter().find(|(name, ..)| *name == kind);
    let (fill, stroke) = colours.map_or(("#fff", "#000"), |(_, fill, stroke)| (fill, stroke));
    let (left, top) = (x - width / 2.0, y - height / 2.0);
    add(
        text,
        format_args!(
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"4\" \
             fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"{border}\" stroke-dasharray=\"{dashes}\"/>"
        ),
    );
}

/// A line between layers, bent where it crosses from one to the next and straight where it passes one.
pub fn curve(line: &[Point]) -> String {
    let mut path = String::new();
    for (place, (x, y)) in line.iter().enumerate() {
        match place {
            0 => add(&mut path, format_args!("M{x:.1} {y:.1}")),
            place if place % 2 == 0 => add(&mut path, format_args!("L{x:.1} {y:.1}")),
            _ => {
                let (from_x, from_y) = line[place - 1];
                let middle = (from_y + y) / 2.0;
                add(
                    &mut path,
                    format_args!("C{from_x:.1} {middle:.1} {x:.1} {middle:.1} {x:.1} {y:.1}"),
                );
            }
        }
    }
    path
}

/// What the colours mean and, where states are known, the borders; and how wide that is.
fn key(states: bool, top: f64) -> (String, f64) {
    let kinds = KINDS.iter().map(|(kind, ..)| (*kind, *kind, "none"));
    let shown = if states { &STATES[..] } else { &[] };
    let states = shown.iter().map(|(state, dashes)| (*state, "", *dashes));
    let (mut text, mut x) = (String::new(), PADDING);
    let y = top + KEY / 2.0 - PADDING;
    for (label, kind, dashes) in kinds.chain(states) {
        rectangle(&mut text, ((x + 12.0, y), (24.0, 14.0)), kind, dashes, 1);
        add(
            &mut text,
            format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"#475569\">{label}</text>\n",
                x + 30.0,
                y + 4.0
            ),
        );
        x += 30.0 + label.len() as f64 * CHARACTER + 2.0 * PADDING;
    }
    (text, x)
}

/// A String takes all that is written.
fn add(text: &mut String, more: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(more);
}

/// As XML has it.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    // Control characters cannot stand in XML at all.
    text.replace('>', "&gt;")
        .replace(|one: char| one.is_control() && one != '\n', " ")
}
