//! A build as a trace: the JSON that Chrome and Perfetto draw. The critical path has a row of its own, above.

use std::path::Path;

use serde_json::{Value, json};

use super::{Build, End, Step};
use crate::report::Failure;

/// Writes the trace of some builds, each as a process.
pub fn write(path: &Path, builds: &[Build]) -> Result<(), Failure> {
    let written = std::fs::write(path, trace(builds).to_string());
    written.map_err(|error| Failure::io("write", path, &error))
}

/// [Trace Event Format](https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU), as an object.
fn trace(builds: &[Build]) -> Value {
    let mut events = Vec::new();
    let origin = builds.first().map_or(0, |build| build.time);
    for (process, build) in builds.iter().enumerate() {
        let offset = build.time.saturating_sub(origin) as f64;
        let name = |what: &str, thread: usize, name: &str| {
            json!({
                "ph": "M", "name": what, "pid": process, "tid": thread, "args": {"name": name},
            })
        };
        let slice = |step: &Step, thread: usize| {
            json!({
                "ph": "X",
                "name": step.node.title(),
                "cat": step.node.kind,
                "pid": process,
                "tid": thread,
                "ts": micros(offset + step.start()),
                "dur": micros(step.wall()),
                "args": {
                    "end": match &step.end {
                        End::Failed(why) => format!("failed: {why}"),
                        end => end.word().to_owned(),
                    },
                    "cpu_seconds": step.cpu,
                    "max_rss": step.max_rss,
                    "log": step.log,
                },
            })
        };
        let command = format!("pwb {}", build.arguments.join(" "));
        events.push(name("process_name", 0, &command));
        events.push(name("thread_name", 0, "critical path"));
        for step in build.critical_path() {
            events.push(slice(&build.steps[step], 0));
        }
        for (step, row) in build.rows() {
            events.push(slice(step, row + 1));
        }
    }
    json!({"displayTimeUnit": "ms", "traceEvents": events})
}

fn micros(seconds: f64) -> u64 {
    (seconds * 1e6).round() as u64
}
