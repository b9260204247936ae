//! Findings in recipes as JSON, for editors and scripts; `docs/editing.md` has the shape.

use std::path::Path;

use pwb_engine::recipe::{Diagnostic, Label, Severity};
use serde_json::{Value, json};

/// One finding. `folder` is where its files are; none if they are in the binary.
pub fn json(finding: &Diagnostic, folder: Option<&Path>) -> Value {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let place = |label: &Label| place(label, folder);
    json!({
        "severity": severity,
        "code": finding.code.as_str(),
        "message": finding.message,
        "place": finding.primary.as_ref().map(place),
        "related": finding.related.iter().map(place).collect::<Vec<_>>(),
        "help": finding.help,
    })
}

/// An error that is not about a place in a recipe, in the same shape.
pub fn message(message: &str, hint: Option<&str>) -> Value {
    json!({
        "severity": "error",
        "code": null,
        "message": message,
        "place": null,
        "related": [],
        "help": hint.into_iter().collect::<Vec<_>>(),
    })
}

fn place(label: &Label, folder: Option<&Path>) -> Value {
    let location = &label.location;
    let file = match folder {
        Some(folder) => folder.join(location.path()).display().to_string(),
        None => location.path().to_owned(),
    };
    let range = location.range();
    let end = |(line, column): (usize, usize), byte: usize| json!({"line": line, "column": column, "byte": byte});
    json!({
        "file": file,
        "start": end(location.start(), range.start),
        "end": end(location.end(), range.end),
        "text": label.text,
    })
}
