//! A build as a page for people: one HTML file that wants nothing from elsewhere. Made of a journal and the logs that it names.

mod chart;
mod graph;

use std::path::Path;
use std::time::{Duration, SystemTime};

use humantime::format_rfc3339_seconds;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::journal::{Build, End, Step};
use crate::progress::mebibytes;

/// How much of a log the page holds, from its end.
const LOG: usize = 40;

/// The page of a build. `size` tells how large the result with a digest is, in bytes, if it is still there.
pub fn page(build: &Build, size: impl Fn(&str) -> Option<u64>) -> String {
    let command = format!("pwb {}", build.arguments.join(" "));
    let path = build.critical_path();
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { (command) }
                style { (PreEscaped(include_str!("page.css"))) }
            }
            body {
                h1 { code { (command) } }
                (summary(build))
                (failures(build))
                h2 { "Timeline" }
                (chart::timeline(build, &path))
                h2 { "Critical path" }
                p { "What the build waited for: of what each step needed, that which ended last." }
                (critical_path(build, &path))
                h2 { "Graph" }
                (graph::graph(build, &path))
                h2 { "Steps" }
                (steps(build, size))
            }
        }
    };
    markup.into_string()
}

fn summary(build: &Build) -> Markup {
    let began = SystemTime::UNIX_EPOCH + Duration::from_secs(build.time);
    let count = |end: fn(&End) -> bool| build.steps.iter().filter(|step| end(&step.end)).count();
    let calls = build.steps.iter().filter_map(|step| step.calls);
    let (hits, all) = calls.fold((0, 0), |(hits, all), (hit, miss)| {
        (hits + hit, all + hit + miss)
    });
    let cpu: f64 = build.steps.iter().map(|step| step.cpu).sum();
    let bytes: u64 = build.steps.iter().map(|step| step.bytes).sum();
    let rows = [
        ("began", format_rfc3339_seconds(began).to_string()),
        ("ended", build.ending().to_owned()),
        ("took", seconds(build.wall)),
        (
            "processor time",
            format!("{}, {} at once allowed", seconds(cpu), build.jobs),
        ),
        (
            "nodes",
            format!(
                "{}: {} from the store, {} built, {} failed",
                build.steps.len(),
                count(|end| *end == End::Cached),
                count(|end| *end == End::Built),
                count(|end| matches!(end, End::Failed(_))),
            ),
        ),
        ("compiles", format!("{hits} of {all} from the cache")),
        ("fetched", mebibytes(bytes)),
        (
            "shared cache",
            format!(
                "{} received, {} sent",
                mebibytes(build.received),
                mebibytes(build.sent)
            ),
        ),
    ];
    html! {
        table.facts {
            @for (name, value) in rows { tr { th { (name) } td { (value) } } }
            @for (name, path) in &build.results {
                tr { th { (name) } td { code { (path.display()) } } }
            }
            @for warning in &build.warnings { tr { th { "warning" } td { (warning) } } }
        }
    }
}

fn failures(build: &Build) -> Markup {
    let failed = build.steps.iter().filter_map(|step| match &step.end {
        End::Failed(why) => Some((step, why)),
        _ => None,
    });
    html! {
        @for (step, why) in failed {
            section.failure {
                h2 { (step.node.title()) " failed" }
                p { (why) }
                @if let Some(log) = &step.log { pre { (tail(log)) } }
            }
        }
    }
}

fn critical_path(build: &Build, path: &[usize]) -> Markup {
    html! {
        table {
            tr { th { "step" } th.number { "took" } th.number { "of the build" } }
            @for step in path.iter().map(|step| &build.steps[*step]) {
                tr {
                    td { (step.node.title()) }
                    td.number { (seconds(step.wall())) }
                    td.number { (format!("{:.0} %", 100.0 * step.wall() / build.wall.max(1e-9))) }
                }
            }
        }
    }
}

fn steps(build: &Build, size: impl Fn(&str) -> Option<u64>) -> Markup {
    let mut ran = build.ran();
    ran.sort_by(|one, other| other.wall().total_cmp(&one.wall()));
    let cached = build.steps.iter().filter(|step| step.end == End::Cached);
    let none = build.steps.iter().filter(|step| step.end == End::None);
    let names = |steps: &mut dyn Iterator<Item = &Step>| -> Vec<String> {
        steps.map(|step| step.node.title()).collect()
    };
    html! {
        table {
            tr {
                th { "step" } th { "kind" } th.number { "took" } th.number { "the last time" }
                th.number { "processor" } th.number { "memory" } th.number { "compiles" } th.number { "fetched" } th.number { "result" }
            }
            @for step in ran { (row(step, step.digest.as_deref().and_then(&size))) }
        }
        @for (title, names) in [
            ("From the store", names(&mut cached.into_iter())),
            ("Not come to", names(&mut none.into_iter())),
        ] {
            @if !names.is_empty() {
                details { summary { (title) ": " (names.len()) } p { (names.join(", ")) } }
            }
        }
    }
}

fn row(step: &Step, size: Option<u64>) -> Markup {
    let name = step.node.title();
    html! {
        tr {
            td {
                @match &step.log {
                    Some(log) => { details { summary { (name) } pre { (tail(log)) } p { code { (log.display()) } } } }
                    None => { (name) }
                }
                @for warning in &step.warnings { p.warning { (warning) } }
            }
            td { (step.node.kind) }
            td.number { (seconds(step.wall())) }
            td.number { @if let Some(wall) = step.node.expected { (seconds(wall)) } }
            td.number { @if step.cpu > 0.0 { (seconds(step.cpu)) } }
            td.number { @if step.max_rss > 0 { (mebibytes(step.max_rss)) } }
            td.number { @if let Some((hits, misses)) = step.calls { (hits) "/" (hits + misses) } }
            td.number { @if step.bytes > 0 { (mebibytes(step.bytes)) } }
            td.number { @if let Some(size) = size { (mebibytes(size)) } }
        }
    }
}

/// The last lines of a log, if it is still there.
fn tail(log: &Path) -> String {
    let Ok(bytes) = std::fs::read(log) else {
        return "the log is gone".to_owned();
    };
    let text = String::from_utf8_lossy(&bytes);
    let text = console::strip_ansi_codes(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG)..].join("\n")
}

fn seconds(wall: f64) -> String {
    format!("{wall:.1} s")
}
