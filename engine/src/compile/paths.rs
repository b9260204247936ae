//! The paths that a call looked at, and what was there.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use pwb_cache::Digest;

use super::view::{State, View};

/// What of a path was looked at.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Aspect {
    /// What is there.
    Node,
    /// The names in the directory that is there.
    Names,
}

/// Paths, in order, to be looked at now.
#[derive(Debug)]
pub(crate) struct Paths(Vec<(PathBuf, Aspect)>);

/// Paths, with what was there.
#[derive(Debug, Default)]
pub(crate) struct Recorded(pub BTreeMap<(String, Aspect), String>);

impl Paths {
    /// Reads what [`Recorded::list`] wrote.
    pub fn decode(text: &[u8]) -> Option<Paths> {
        let line = |line: &str| match line.split_at_checked(1)? {
            ("-", path) => Some((path.into(), Aspect::Node)),
            ("d", path) => Some((path.into(), Aspect::Names)),
            _ => None,
        };
        let lines = std::str::from_utf8(text).ok()?.lines();
        Some(Paths(lines.map(line).collect::<Option<_>>()?))
    }

    /// The key of a call of this kind that would find what is there now.
    pub fn key(&self, kind: Digest, list: Digest, view: &View<'_>) -> io::Result<Digest> {
        let mut text = begin(kind, list);
        for (path, aspect) in &self.0 {
            let line = match aspect {
                Aspect::Node => node(&view.state(path)?),
                Aspect::Names => names(view.listing(path)?),
            };
            text += &line;
            text.push('\n');
        }
        Ok(Digest::of(text.as_bytes()))
    }
}

impl Recorded {
    /// The paths alone, as a message of the store.
    pub fn list(&self) -> (Digest, Vec<u8>) {
        let mut text = String::new();
        for (path, aspect) in self.0.keys() {
            text.push(if *aspect == Aspect::Node { '-' } else { 'd' });
            text += path;
            text.push('\n');
        }
        (Digest::of(text.as_bytes()), text.into_bytes())
    }

    /// The key of the call that found this.
    pub fn key(&self, kind: Digest, list: Digest) -> Digest {
        let mut text = begin(kind, list);
        for state in self.0.values() {
            text += state;
            text.push('\n');
        }
        Digest::of(text.as_bytes())
    }
}

fn begin(kind: Digest, list: Digest) -> String {
    format!("{} {}\n", kind.hex(), list.hex())
}

/// What is at a path, as a line of text. Whether a file can be read, written and run decides what a compiler does with it.
pub(crate) fn node(state: &State) -> String {
    match state {
        State::Absent => "absent".to_owned(),
        State::File(digest, mode) => format!("file {} {mode:o}", digest.hex()),
        State::Link(target) => format!("link {target:?}"),
        State::Folder => "folder".to_owned(),
        State::Stream => "stream".to_owned(),
        State::Other => "other".to_owned(),
    }
}

/// The names in a directory, as a line of text.
pub(crate) fn names(listing: Option<Digest>) -> String {
    listing.map_or("none".to_owned(), |digest| {
        format!("names {}", digest.hex())
    })
}
