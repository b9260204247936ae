//! A line of a file with carets under a part of it, as in rustc's messages. Knows nothing of what it says.

use super::diagnostic::{Diagnostic, Label, Severity};

/// Longer lines are cut to this many columns around the place that is meant.
const WIDTH: usize = 120;
/// Columns a tab stands for.
const TAB: usize = 4;

/// The whole text of a finding; no newline at the end.
pub(super) fn render(finding: &Diagnostic, color: bool) -> String {
    let paint = Paint { color };
    let tint = match finding.severity {
        Severity::Error => RED,
        Severity::Warning => YELLOW,
    };
    let word = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let labels = finding.primary.iter().chain(&finding.related);
    let gutter = labels
        .clone()
        .map(|label| label.location.line().to_string().len())
        .max()
        .unwrap_or(0);
    let edge = paint.with(BLUE, &format!("{:gutter$} |", ""));

    let mut lines = vec![format!(
        "{}{}",
        paint.with(tint, word),
        paint.with(BOLD, &format!(": {}", one_line(&finding.message)))
    )];
    for (index, label) in labels.enumerate() {
        let (arrow, mark, tint) = if index == 0 {
            ("-->", "^", tint)
        } else {
            (":::", "-", BLUE)
        };
        let location = &label.location;
        let place = format!(
            "{}:{}:{}",
            location.path(),
            location.line(),
            location.column()
        );
        lines.push(format!("{:gutter$}{} {place}", "", paint.with(BLUE, arrow)));
        let cut = Cut::of(label);
        lines.push(edge.clone());
        let number = paint.with(BLUE, &format!("{:gutter$} |", location.line()));
        lines.push(format!("{number} {}", cut.text).trim_end().to_owned());
        let marks = format!("{} {}", mark.repeat(cut.marked), one_line(&label.text));
        lines.push(format!(
            "{edge} {:indent$}{}",
            "",
            paint.with(tint, marks.trim_end()),
            indent = cut.indent
        ));
    }
    for help in &finding.help {
        lines.push(format!(
            "{:gutter$} {} {}",
            "",
            paint.with(BLUE, "= help:"),
            one_line(help)
        ));
    }
    lines.join("\n")
}

/// The part of a line that is shown, all widths in columns.
struct Cut {
    text: String,
    indent: usize,
    marked: usize,
}

impl Cut {
    fn of(label: &Label) -> Cut {
        let text = label.location.text();
        let range = label.location.range();
        let start = text[..range.start]
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        let end = text[range.start..]
            .find('\n')
            .map_or(text.len(), |newline| range.start + newline);
        let line = text[start..end].trim_end_matches('\r');

        let from = (range.start - start).min(line.len());
        let to = (range.end - start).clamp(from, line.len());
        let (before, meant, after) = (
            show(&line[..from]),
            show(&line[from..to]),
            show(&line[to..]),
        );
        let marked = width(&meant).max(1);
        let indent = width(&before);
        if indent + marked + width(&after) <= WIDTH {
            return Cut {
                text: before + &meant + &after,
                indent,
                marked,
            };
        }
        let head = tail_of(&before, WIDTH / 3);
        let meant = head_of(&meant, WIDTH / 2);
        let after = head_of(&after, WIDTH.saturating_sub(width(&head) + width(&meant)));
        Cut {
            indent: width(&head),
            marked: width(&meant).max(1),
            text: head + &meant + &after,
        }
    }
}

/// A message quotes what was written, which may have any characters in it.
fn one_line(text: &str) -> String {
    let escape = |c: char| {
        if unsafe_to_show(c) {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    };
    text.chars().map(escape).collect()
}

/// What could move the cursor, or turn the direction of the text.
fn unsafe_to_show(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Tabs as spaces; what could do anything to a terminal, as U+FFFD.
fn show(text: &str) -> String {
    let show = |c: char| match c {
        '\t' => " ".repeat(TAB),
        c if unsafe_to_show(c) => char::REPLACEMENT_CHARACTER.to_string(),
        c => c.to_string(),
    };
    text.chars().map(show).collect()
}

fn head_of(text: &str, columns: usize) -> String {
    let mut head = String::new();
    for c in text.chars() {
        if width(&head) + char_width(c) > columns {
            return head + "...";
        }
        head.push(c);
    }
    head
}

fn tail_of(text: &str, columns: usize) -> String {
    let reversed: String = text.chars().rev().collect();
    head_of(&reversed, columns).chars().rev().collect()
}

fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// Columns on a terminal: the blocks of East Asian wide characters and emoji take two, combining marks none.
fn char_width(c: char) -> usize {
    match c {
        '\u{300}'..='\u{36f}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f680}'..='\u{1f9ff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

const RED: &str = "1;31";
const YELLOW: &str = "1;33";
const BLUE: &str = "1;34";
const BOLD: &str = "1";

struct Paint {
    color: bool,
}

impl Paint {
    fn with(&self, tint: &str, text: &str) -> String {
        if self.color {
            format!("\x1b[{tint}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}
