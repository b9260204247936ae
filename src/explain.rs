//! How the engine's reasons look: in a line, or in full, down to the changed lines of a file.

use console::style;
use pwb_cache::{Entry, Error, Feed, Outcome, PastRun, PathChange};
use pwb_engine::Store;
use pwb_engine::why::{Change, Difference, Fed, Finding, InputChange, Place, Reason};

use crate::paths::{coloured, line};
use crate::progress::seconds;
use crate::units::ago;
use crate::words::{lines, words};

/// How many paths, nodes, lines of a difference and lines of a file are printed at once.
pub const LIMIT: usize = 12;
/// How many files are shown line by line.
const FILES: usize = 3;

/// The beginning of a key, long enough to name it.
pub fn short(past: &PastRun) -> String {
    past.run.key.hex()[..16].to_owned()
}

/// `a moment ago (key 0123456789abcdef, built in 1.5 s)`
pub fn when(past: &PastRun) -> String {
    let outcome = match past.run.outcome {
        Outcome::Built => "built in",
        Outcome::Failed => "failed after",
    };
    let (ago, wall) = (ago(past.finished), seconds(past.run.wall));
    format!("{ago} (key {}, {outcome} {wall})", short(past))
}

/// Where an input is fed, and the node that feeds it, as a recipe refers to it.
fn place(input: &InputChange, feed: &Feed) -> String {
    let node = match &*feed.path {
        "" => feed.node.clone(),
        path => format!("{}:/{path}", feed.node),
    };
    match &input.place {
        Place::Root => format!("root {node}"),
        Place::Mount(mount) => format!("input /{mount} ({node})"),
        Place::Layer => format!("layer {node}"),
    }
}

/// The nearest causes in a line.
pub fn headline(reason: &Reason) -> String {
    let causes = match &reason.finding {
        Finding::Same => vec!["nothing changed".to_owned()],
        Finding::Forgotten => vec!["what its last run was made of is no longer stored".to_owned()],
        Finding::Different(difference) => causes(difference),
    };
    if causes.is_empty() {
        return "something that its last run does not tell".to_owned();
    }
    list(&causes, 3, "; ")
}

/// Where the difference began: the causes of the nodes of which no input's maker explains more.
pub fn roots(reason: &Reason) -> Vec<String> {
    let explained = |input: &InputChange| {
        let of = |reason: &Reason| input.feed().is_some_and(|feed| feed.node == reason.node);
        reason.because.iter().any(of)
    };
    let mut found = Vec::new();
    if let Finding::Different(difference) = &reason.finding {
        let mut own = difference.clone();
        own.inputs.retain(|input| !explained(input));
        let own = causes(&own);
        if !own.is_empty() {
            found.push(format!("{}: {}", reason.node, list(&own, 3, "; ")));
        }
    }
    found.extend(reason.because.iter().flat_map(roots));
    found
}

fn causes(difference: &Difference) -> Vec<String> {
    let mut causes = Vec::new();
    for (name, change) in &difference.options {
        causes.push(format!("option {name}: {}", turned(change)));
    }
    if difference.arguments.is_some() && difference.options.is_empty() {
        causes.push("arguments changed".to_owned());
    }
    for (name, change) in &difference.environment {
        causes.push(format!("variable {name} {}", verb(change)));
    }
    for (name, change) in &difference.settings {
        causes.push(format!("{name} {}", verb(change)));
    }
    for input in &difference.inputs {
        let Some(feed) = input.feed() else { continue };
        let place = place(input, feed);
        match &input.fed {
            Fed::Added => causes.push(format!("{place} is new")),
            Fed::Removed => causes.push(format!("{place} is gone")),
            Fed::Forgotten => causes.push(format!("{place} changed")),
            Fed::Same => {}
            Fed::Paths(paths) => {
                let paths: Vec<&str> = paths.iter().map(|path| &*path.path).collect();
                causes.push(format!(
                    "{place} {}: {}",
                    became(feed),
                    list(&paths, 3, ", ")
                ));
            }
        }
    }
    causes
}

/// A local folder changes; what a node makes comes out differently.
fn became(feed: &Feed) -> &'static str {
    match feed.key() {
        None => "changed",
        Some(_) => "came out differently",
    }
}

fn verb(change: &Change) -> &'static str {
    match (&change.old, &change.new) {
        (None, _) => "is new",
        (_, None) => "is gone",
        _ => "changed",
    }
}

fn turned(change: &Change) -> String {
    let text = |value: &Option<String>| match value.as_deref() {
        None => "(none)".to_owned(),
        Some("") => "(empty)".to_owned(),
        Some(value) => value.to_owned(),
    };
    format!("{} -> {}", text(&change.old), text(&change.new))
}

fn list<T: AsRef<str>>(items: &[T], limit: usize, separator: &str) -> String {
    let shown: Vec<&str> = items.iter().take(limit).map(AsRef::as_ref).collect();
    let more = items.len() - shown.len();
    let text = shown.join(separator);
    if more > 0 {
        format!("{text} and {more} more")
    } else {
        text
    }
}

/// Writes reasons in full.
pub struct Explainer<'a> {
    /// Where the contents of files are.
    pub store: &'a Store,
    /// Whether to leave nothing out.
    pub all: bool,
}

impl Explainer<'_> {
    /// What the comparison came to, and then that of the nodes that made the inputs.
    pub fn reason(&self, reason: &Reason) -> Result<Vec<String>, Error> {
        let mut text = Vec::new();
        match &reason.finding {
            Finding::Same => text.push("the same action: nothing changed".to_owned()),
            Finding::Forgotten => {
                text.push("what that run was made of is no longer in the store".to_owned());
            }
            Finding::Different(difference) => text.extend(self.difference(difference)?),
        }
        let mut told = indented(text);
        let shown = if self.all {
            reason.because.len()
        } else {
            LIMIT
        };
        for reason in reason.because.iter().take(shown) {
            told.extend(self.because(reason)?);
        }
        if reason.because.len() > shown {
            told.push(format!(
                "and {} more nodes ran",
                reason.because.len() - shown
            ));
        }
        Ok(told)
    }

    /// Why another node ran.
    pub fn because(&self, reason: &Reason) -> Result<Vec<String>, Error> {
        let node = style(&reason.node).bold();
        let mut told = match (&reason.finding, &reason.earlier) {
            (Finding::Same, _) => {
                let head = format!("{node} ran anew without any change, and made something else");
                return Ok(vec![head]);
            }
            (_, Some(past)) => vec![format!("{node} ran; since its run {}:", when(past))],
            (_, None) => vec![format!("{node} ran:")],
        };
        told.extend(self.reason(reason)?);
        Ok(told)
    }

    fn difference(&self, difference: &Difference) -> Result<Vec<String>, Error> {
        let mut text = Vec::new();
        for (name, change) in &difference.options {
            text.push(format!("option {name}: {}", turned(change)));
        }
        if let Some((old, new)) = &difference.arguments {
            text.push("arguments:".to_owned());
            text.extend(indented(self.cut(words(&old.join("\n"), &new.join("\n")))));
        }
        for (name, change) in &difference.environment {
            text.extend(self.value(&format!("variable {name}"), change));
        }
        for (name, change) in &difference.settings {
            text.extend(self.value(name, change));
        }
        for input in &difference.inputs {
            text.extend(self.input(input)?);
        }
        Ok(text)
    }

    fn value(&self, what: &str, change: &Change) -> Vec<String> {
        match (&change.old, &change.new) {
            (Some(old), Some(new)) => {
                let words = self.cut(words(old, new));
                vec![format!("{what}: {}", words.join("\n"))]
            }
            (old, new) => {
                let value = old
                    .as_ref()
                    .or(new.as_ref())
                    .filter(|value| !value.is_empty());
                let value = value.map(|value| format!(": {value}")).unwrap_or_default();
                vec![format!("{what} {}{value}", verb(change))]
            }
        }
    }

    fn input(&self, input: &InputChange) -> Result<Vec<String>, Error> {
        let Some(feed) = input.feed() else {
            return Ok(Vec::new());
        };
        let place = place(input, feed);
        Ok(match &input.fed {
            Fed::Added => vec![format!("{place} is new")],
            Fed::Removed => vec![format!("{place} is gone")],
            Fed::Same => vec![format!("{place} was made anew and came out as before")],
            Fed::Forgotten => {
                vec![format!(
                    "{place} changed; what was in it is no longer in the store"
                )]
            }
            Fed::Paths(paths) => {
                let mut text = vec![format!("{place} {}:", became(feed))];
                if let Some(old) = input.old.as_ref().filter(|old| old.node != feed.node) {
                    text.push(format!("  it was {} before", old.node));
                }
                text.extend(indented(self.paths(paths, feed.key().is_none())?));
                text
            }
        })
    }

    /// Paths; of a local folder's files also what changed in them, which nothing else explains.
    fn paths(&self, paths: &[PathChange], is_local: bool) -> Result<Vec<String>, Error> {
        let mut text = Vec::new();
        let shown = if self.all { paths.len() } else { LIMIT };
        let mut files = if self.all { usize::MAX } else { FILES };
        for path in paths.iter().take(shown) {
            text.push(coloured(&line(path, None)));
            if !(is_local || self.all) || files == 0 {
                continue;
            }
            if let Some(lines) = self.contents(path)? {
                files -= 1;
                let lines = self.cut(lines);
                text.extend(indented(lines.iter().map(|line| coloured(line)).collect()));
            }
        }
        if paths.len() > shown {
            text.push(format!("and {} more", paths.len() - shown));
        }
        Ok(text)
    }

    /// The lines in which two versions of a file differ, if both are still there and text.
    fn contents(&self, path: &PathChange) -> Result<Option<Vec<String>>, Error> {
        let (Some(Entry::File { digest: old, .. }), Some(Entry::File { digest: new, .. })) =
            (&path.old, &path.new)
        else {
            return Ok(None);
        };
        let (old, new) = (self.store.file(*old)?, self.store.file(*new)?);
        Ok(old.zip(new).and_then(|(old, new)| lines(&old, &new)))
    }

    /// The beginning of what is long, unless all is wanted.
    pub fn cut(&self, mut text: Vec<String>) -> Vec<String> {
        if !self.all && text.len() > LIMIT {
            let more = text.len() - LIMIT;
            text.truncate(LIMIT);
            text.push(format!("… {more} more"));
        }
        text
    }
}

/// Each line two columns further in.
pub fn indented(text: Vec<String>) -> Vec<String> {
    let indent = |line: &str| format!("  {line}");
    text.iter()
        .flat_map(|lines| lines.lines())
        .map(indent)
        .collect()
}
