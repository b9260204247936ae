//! How what is at a path looks, and how a path that two trees do not have in common.

use console::style;
use indicatif::HumanCount;
use pwb_cache::{Entry, PathChange};
use serde_json::{Value, json};

/// `+ new`, `- gone`, `~ changed`; then how where that is not plain, and what more is said of it.
pub fn line(change: &PathChange, more: Option<String>) -> String {
    let (sign, one) = match (&change.old, &change.new) {
        (None, one) => ("+", one),
        (one, None) => ("-", one),
        _ => ("~", &None),
    };
    let end = match one {
        Some(Entry::Directory(_)) => "/",
        _ => "",
    };
    let notes: Vec<String> = how(change).into_iter().chain(more).collect();
    let notes = match &*notes.join("; ") {
        "" => String::new(),
        notes => format!(" ({notes})"),
    };
    format!("{sign} {}{end}{notes}", change.path)
}

/// How something changed, unless it was a file's contents.
fn how(change: &PathChange) -> Option<String> {
    let kind = |entry: &Entry| match entry {
        Entry::File { .. } => "a file",
        Entry::Directory(_) => "a folder",
        Entry::Symlink(_) => "a link",
    };
    match (change.old.as_ref()?, change.new.as_ref()?) {
        (Entry::Symlink(old), Entry::Symlink(new)) => Some(format!("link: {old} -> {new}")),
        (
            Entry::File {
                executable: old, ..
            },
            Entry::File {
                executable: new, ..
            },
        ) => match (old, new) {
            (false, true) => Some("now executable".to_owned()),
            (true, false) => Some("no longer executable".to_owned()),
            _ => None,
        },
        (old, new) if kind(old) != kind(new) => {
            Some(format!("was {}, is {}", kind(old), kind(new)))
        }
        _ => None,
    }
}

/// What came is green, what went is red, where there are colours.
pub fn coloured(line: &str) -> String {
    match line.as_bytes().first() {
        Some(b'+') => style(line).green().to_string(),
        Some(b'-') => style(line).red().to_string(),
        _ => line.to_owned(),
    }
}

/// `12,345`
pub fn count(number: u64) -> String {
    HumanCount(number).to_string()
}

/// `12,345 -> 12,400 bytes, +55`, or `12,345 bytes as before`; the unit with a space before it, or nothing.
pub fn grown(old: u64, new: u64, unit: &str) -> String {
    if old == new {
        return format!("{}{unit} as before", count(new));
    }
    let sign = if new < old { '-' } else { '+' };
    let by = count(new.abs_diff(old));
    format!("{} -> {}{unit}, {sign}{by}", count(old), count(new))
}

/// What an entry is; sizes in bytes.
pub fn entry_to_json(entry: &Entry) -> Value {
    match entry {
        Entry::File { digest, executable } => json!({
            "kind": "file",
            "size": digest.size(),
            "digest": digest.hex(),
            "executable": executable,
        }),
        Entry::Directory(tree) => json!({"kind": "folder", "digest": tree.digest().hex()}),
        Entry::Symlink(target) => json!({"kind": "link", "target": target}),
    }
}
