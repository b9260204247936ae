//! A tree as text. A bracket's entries stay on one line where the author had them so and they fit; else each has its own,
//! only that short items of a list may share one.

use super::tree::{Entry, Group, Part};

/// Longer lines are broken where they can be.
const WIDTH: usize = 130;
const INDENT: usize = 4;

/// The whole file.
pub(super) fn lay(file: &Group<'_>) -> String {
    let mut page = Page::default();
    page.entries(file, 0, false);
    page.end_line();
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    /// Entries on lines of their own; starts on a new line.
    fn entries(&mut self, group: &Group<'_>, depth: usize, commas: bool) {
        let listed = group.open == "[";
        let broken = group.broken();
        let filled = !broken && group.plain();
        let mut share = false;
        for (index, entry) in group.entries.iter().enumerate() {
            // The author's choice; a list that had none of it is filled where all its items are plain.
            let same_line = filled || (broken && entry.lines == 0);
            if index > 0 && share && listed && same_line && self.fits_after(entry) {
                self.text.push(' ');
            } else if !(index == 0 && self.text.is_empty()) {
                self.line(depth, index > 0 && entry.lines > 1);
            }
            if let Some(parts) = &entry.item {
                self.parts(parts, depth);
                if commas {
                    self.text.push(',');
                }
            }
            share = self.comments(entry, depth);
        }
    }

    /// The comments of an entry; whether another entry may follow on the line.
    fn comments(&mut self, entry: &Entry<'_>, depth: usize) -> bool {
        let mut open = true;
        for (index, comment) in entry.comments.iter().enumerate() {
            if !open {
                self.line(depth, false);
            } else if index > 0 || entry.item.is_some() {
                self.text.push(' ');
            }
            self.text.push_str(comment);
            open = !ends_line(comment);
        }
        open
    }

    fn parts(&mut self, parts: &[Part<'_>], mut depth: usize) {
        for (index, part) in parts.iter().enumerate() {
            let before = index.checked_sub(1).and_then(|index| parts.get(index));
            match (before, part) {
                (Some(Part::Comment(comment)), _) if ends_line(comment) => {
                    depth += 1;
                    self.line(depth, false);
                }
                (None, _) | (_, Part::Colon) => {}
                (Some(Part::Comment(_) | Part::Colon), _) | (_, Part::Comment(_)) => {
                    self.text.push(' ');
                }
                _ => {}
            }
            match part {
                Part::Text(text) | Part::Comment(text) => self.text.push_str(text),
                Part::Colon => self.text.push(':'),
                Part::Group(group) => self.group(group, depth),
            }
        }
    }

    fn group(&mut self, group: &Group<'_>, depth: usize) {
        let flat = (!group.rigid()).then(|| flat(group));
        // Alone, a text is no shorter on a line of its own.
        let alone = group.entries.len() == 1 && group.plain();
        if let Some(flat) = flat.filter(|flat| alone || self.fits(flat)) {
            self.text.push_str(&flat);
            return;
        }
        self.text.push_str(group.open);
        match group.entries.split_last() {
            Some((last, before)) if !group.broken() && self.hugs(group, last, before) => {
                if !before.is_empty() {
                    self.text += &flat_entries(before, true);
                    self.text.push(' ');
                }
                self.parts(last.item.as_deref().unwrap_or_default(), depth);
            }
            _ => {
                self.entries(group, depth + 1, true);
                self.line(depth, false);
            }
        }
        self.text.push_str(group.close);
    }

    /// Whether a group goes on several lines only in its last entry's brackets: `When("debug", [`.
    fn hugs(&self, group: &Group<'_>, last: &Entry<'_>, before: &[Entry<'_>]) -> bool {
        let Some([head @ .., Part::Group(inner)]) = last.item.as_deref() else {
            return false;
        };
        let wanted = inner.rigid() || (group.open == "(" && head.is_empty());
        if !wanted || !last.comments.is_empty() || before.iter().any(Entry::rigid) {
            return false;
        }
        let before = flat_entries(before, true);
        let columns = width(&before) + width(&flat_parts(head)) + 3;
        !before.contains('\n') && self.column() + columns <= WIDTH
    }

    /// Whether an entry can follow on the line with a space and its comma.
    fn fits_after(&self, entry: &Entry<'_>) -> bool {
        !entry.rigid() && self.column() + 2 + first_line(&flat_entry(entry)) <= WIDTH
    }

    /// Whether this can follow on the line, and something short after it.
    fn fits(&self, flat: &str) -> bool {
        let last = flat.rsplit('\n').next().map_or(0, width);
        self.column() + first_line(flat) < WIDTH && last < WIDTH
    }

    fn line(&mut self, depth: usize, blank: bool) {
        self.end_line();
        if blank {
            self.text.push('\n');
        }
        self.text.push_str(&" ".repeat(depth * INDENT));
    }

    fn end_line(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    fn column(&self) -> usize {
        self.text.rsplit('\n').next().map_or(0, width)
    }
}

impl Group<'_> {
    /// Whether the author has put its entries on lines of their own.
    fn broken(&self) -> bool {
        let broken = |entry: &Entry<'_>| {
            entry.lines > 0 || entry.comments.iter().any(|comment| ends_line(comment))
        };
        self.entries.iter().any(broken)
    }

    /// Whether it, or something in it, cannot be on one line.
    fn rigid(&self) -> bool {
        self.broken() || self.entries.iter().any(Entry::rigid)
    }

    /// Whether all its items are texts.
    fn plain(&self) -> bool {
        let plain = |entry: &Entry<'_>| matches!(entry.item.as_deref(), Some([Part::Text(_)]));
        self.entries.iter().all(plain)
    }
}

impl Entry<'_> {
    /// Whether something in it cannot be on one line.
    fn rigid(&self) -> bool {
        self.item.iter().flatten().any(|part| match part {
            Part::Group(group) => group.rigid(),
            Part::Comment(text) => ends_line(text),
            Part::Text(_) | Part::Colon => false,
        })
    }
}

/// Whether nothing can follow a comment on its line.
fn ends_line(comment: &str) -> bool {
    comment.starts_with("//") || comment.contains('\n')
}

fn flat(group: &Group<'_>) -> String {
    format!(
        "{}{}{}",
        group.open,
        flat_entries(&group.entries, false),
        group.close
    )
}

/// Entries on one line. `more` says that an item follows them.
fn flat_entries(entries: &[Entry<'_>], more: bool) -> String {
    let mut words = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let more = more
            || entries[index + 1..]
                .iter()
                .any(|entry| entry.item.is_some());
        let comma = if more && entry.item.is_some() {
            ","
        } else {
            ""
        };
        words.push(flat_entry(entry) + comma);
        let comments = entry.comments.iter().filter(|_| entry.item.is_some());
        words.extend(comments.map(|comment| (*comment).to_owned()));
    }
    words.join(" ")
}

/// Without the comments that follow an item.
fn flat_entry(entry: &Entry<'_>) -> String {
    match &entry.item {
        Some(parts) => flat_parts(parts),
        None => entry.comments.join(" "),
    }
}

fn flat_parts(parts: &[Part<'_>]) -> String {
    let mut text = String::new();
    let mut spaced = false;
    for part in parts {
        let is_comment = matches!(part, Part::Comment(_));
        if !text.is_empty() && (spaced || is_comment) && !matches!(part, Part::Colon) {
            text.push(' ');
        }
        spaced = is_comment || matches!(part, Part::Colon);
        match part {
            Part::Text(one) | Part::Comment(one) => text += one,
            Part::Colon => text.push(':'),
            Part::Group(group) => text += &flat(group),
        }
    }
    text
}

fn first_line(text: &str) -> usize {
    text.split('\n').next().map_or(0, width)
}

fn width(text: &str) -> usize {
    text.chars().count()
}
