//! The graph of a build, drawn as SVG: what was built, what was there, and the critical path. Packages of roots are left out.

use std::collections::{HashMap, HashSet};

use maud::{Markup, html};

use crate::drawing::{curve, layout};
use crate::journal::{Build, Step};

const HEIGHT: f64 = 24.0;
const LETTER: f64 = 6.5;

pub fn graph(build: &Build, critical: &[usize]) -> Markup {
    let names: HashSet<&str> = build
        .steps
        .iter()
        .map(|step| step.node.name.as_str())
        .collect();
    let shown = |step: &&Step| !is_package(step, &names);
    let steps: Vec<&Step> = build.steps.iter().filter(shown).collect();
    let places: HashMap<*const Step, usize> = steps
        .iter()
        .enumerate()
        .map(|(place, step)| (std::ptr::from_ref(*step), place))
        .collect();
    let place = |step: usize| places.get(&std::ptr::from_ref(&build.steps[step])).copied();
    let edges: Vec<(usize, usize)> = steps
        .iter()
        .enumerate()
        .flat_map(|(to, step)| {
            let needs = step.node.needs.iter();
            needs.filter_map(move |&need| Some((place(need)?, to)))
        })
        .collect();
    let path: Vec<usize> = critical.iter().filter_map(|&step| place(step)).collect();
    let on_path = |from: usize, to: usize| path.windows(2).any(|pair| pair == [from, to]);

    let titles: Vec<String> = steps.iter().map(|step| step.node.title()).collect();
    let widths: Vec<f64> = titles
        .iter()
        .map(|title| LETTER * title.chars().count() as f64 + 12.0)
        .collect();
    let layout = layout(&widths, HEIGHT, &edges);
    let (right, down) = layout.size;
    html! {
        div.wide { svg.graph width=(right) height=(down) role="img" aria-label="graph" {
            @for (&(from, to), line) in edges.iter().zip(&layout.lines) {
                path.critical[on_path(from, to)] d=(curve(line)) {}
            }
            @for (place, step) in steps.iter().enumerate() {
                @let (x, y) = layout.boxes[place];
                g.(step.end.word()).critical[path.contains(&place)] {
                    title { (titles[place]) ": " (step.end.word()) }
                    rect x=(x - widths[place] / 2.0) y=(y - HEIGHT / 2.0) width=(widths[place]) height=(HEIGHT) rx="3" {}
                    text x=(x) y=(y + 4.0) text-anchor="middle" { (titles[place]) }
                }
            }
        } }
    }
}

/// A package is named after its root.
fn is_package(step: &Step, names: &HashSet<&str>) -> bool {
    let root = step.node.name.rsplit_once('/').map(|(root, _)| root);
    step.node.kind == "fetch" && root.is_some_and(|root| names.contains(root))
}
