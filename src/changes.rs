//! What `pwb update` changes: edits of recipes, new lock files, and how both are told. Writes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use pwb_engine::fetch::Newer;
use pwb_engine::recipe::{Fetch, Library, Lock, Node, Pin, Span, replace_version};
use serde_json::{Value, json};

use crate::recipes::Files;
use crate::report::Failure;

/// All changes of one update.
pub struct Changes<'a> {
    library: &'a Library,
    fetches: Vec<Fetched>,
    locks: Vec<Locked>,
    edits: BTreeMap<String, Vec<Edit>>,
    /// Nodes of which nobody tells newer versions.
    pub unknown: Vec<String>,
    /// How many have the newest version.
    pub current: usize,
}

struct Fetched {
    node: String,
    version: [String; 2],
    pin: [Pin; 2],
}

struct Locked {
    path: String,
    packages: Vec<Package>,
    text: String,
}

/// A package, and its versions in the old and in the new lock file.
struct Package {
    name: String,
    version: [Option<String>; 2],
}

struct Edit {
    range: Range<usize>,
    text: String,
}

impl<'a> Changes<'a> {
    pub fn new(library: &'a Library) -> Changes<'a> {
        Changes {
            library,
            fetches: Vec::new(),
            locks: Vec::new(),
            edits: BTreeMap::new(),
            unknown: Vec::new(),
            current: 0,
        }
    }

    /// A newer version of a download: its places and its digest are edited where they are written, and nothing else is.
    pub fn fetch(&mut self, node: &Node, fetch: &Fetch, newer: &Newer) {
        for span in &fetch.written.from {
            self.edit(*span, &newer.old, &newer.new);
        }
        let pin = [fetch.pin, newer.pin];
        let [old, new] = pin.map(digits);
        self.edit(fetch.written.pin, &old, &new);
        self.fetches.push(Fetched {
            node: node.name.to_string(),
            version: [newer.old.clone(), newer.new.clone()],
            pin,
        });
    }

    /// A lock file computed anew.
    pub fn lock(&mut self, path: &str, old: &Lock, new: &Lock) {
        if old == new {
            self.current += 1;
            return;
        }
        let names = old.packages.iter().chain(&new.packages);
        let names: BTreeSet<&str> = names.map(|package| package.name.as_str()).collect();
        let version = |lock: &Lock, name| lock.package(name).map(|package| package.version.clone());
        let packages = names.into_iter().map(|name| Package {
            name: name.to_owned(),
            version: [version(old, name), version(new, name)],
        });
        self.locks.push(Locked {
            path: path.to_owned(),
            packages: packages
                .filter(|one| one.version[0] != one.version[1])
                .collect(),
            text: new.to_string(),
        });
    }

    fn edit(&mut self, span: Span, old: &str, new: &str) {
        let place = self.library.location(span);
        let written = place.text().get(place.range()).unwrap_or_default();
        self.edits
            .entry(place.path().to_owned())
            .or_default()
            .push(Edit {
                range: place.range(),
                text: replace_version(written, old, new),
            });
    }

    /// The changed files by their paths in the recipes folder. They have been read: they are recipes still.
    pub fn apply(&self, files: &Files) -> Result<BTreeMap<String, String>, Failure> {
        let mut changed: BTreeMap<String, String> = BTreeMap::new();
        for Locked { path, text, .. } in &self.locks {
            changed.insert(path.clone(), text.clone());
        }
        for (path, bytes) in files {
            let Some(edits) = self.edits.get(path) else {
                continue;
            };
            let text = String::from_utf8_lossy(bytes);
            // Places in the text do not count a byte order mark.
            let mark = text.len() - text.trim_start_matches('\u{feff}').len();
            let mut edits: Vec<&Edit> = edits.iter().collect();
            edits.sort_by_key(|edit| edit.range.start);
            let (mut made, mut at) = (String::new(), 0);
            for Edit { range, text: new } in edits {
                made += text.get(at..mark + range.start).unwrap_or_default();
                made += new;
                at = mark + range.end;
            }
            made += text.get(at..).unwrap_or_default();
            changed.insert(path.clone(), made);
        }
        let mut all = files.clone();
        for (path, bytes) in &mut all {
            if let Some(text) = changed.get(path) {
                *bytes = text.clone().into_bytes();
            }
        }
        match Library::load(all) {
            Ok(_) => Ok(changed),
            Err(errors) => Err(Failure::Diagnostics(errors, None)),
        }
    }

    /// For a person.
    pub fn lines(&self, dry_run: bool) -> Vec<String> {
        let mut lines = Vec::new();
        for Fetched {
            node,
            version: [old, new],
            pin,
        } in &self.fetches
        {
            lines.push(format!("{node}: {old} -> {new}"));
            lines.push(format!("  - {}", pin[0]));
            lines.push(format!("  + {}", pin[1]));
        }
        for Locked { path, packages, .. } in &self.locks {
            lines.push(format!("{path}:"));
            lines.extend(packages.iter().map(Package::line));
        }
        let mut counts = vec![match (self.fetches.len() + self.locks.len(), dry_run) {
            (0, _) => "nothing to update".to_owned(),
            (count, true) => format!("{count} would be updated"),
            (count, false) => format!("{count} updated"),
        }];
        if self.current > 0 {
            counts.push(format!("{} up to date", self.current));
        }
        lines.push(counts.join(", "));
        if !self.unknown.is_empty() {
            let unknown = self.unknown.join(", ");
            lines.push(format!("nobody tells of newer versions of {unknown}"));
        }
        lines
    }

    /// For scripts.
    pub fn json(&self) -> Value {
        let fetch = |one: &Fetched| {
            let [old, new] = &one.version;
            let [old_digest, new_digest] = one.pin.map(|pin| pin.to_string());
            json!({"node": one.node, "old": old, "new": new, "old_digest": old_digest, "new_digest": new_digest})
        };
        let package = |one: &Package| {
            let [old, new] = &one.version;
            json!({"name": one.name, "old": old, "new": new})
        };
        let lock = |one: &Locked| {
            let packages: Vec<Value> = one.packages.iter().map(package).collect();
            json!({"lock": one.path, "packages": packages})
        };
        json!({
            "fetches": self.fetches.iter().map(fetch).collect::<Vec<_>>(),
            "locks": self.locks.iter().map(lock).collect::<Vec<_>>(),
            "unknown": self.unknown,
        })
    }
}

impl Package {
    fn line(&self) -> String {
        let name = &self.name;
        match &self.version {
            [Some(old), Some(new)] => format!("    {name} {old} -> {new}"),
            [None, Some(new)] => format!("  + {name} {new}"),
            [Some(old), None] => format!("  - {name} {old}"),
            [None, None] => format!("    {name}"),
        }
    }
}

/// The hexadecimal digits.
fn digits(pin: Pin) -> String {
    match pin {
        Pin::Sha256(digest) => digest.to_string(),
        Pin::Blake3(digest) => digest.to_string(),
    }
}
