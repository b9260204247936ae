//! What differs between two trees, with sizes and what differs in files: lines of texts, sections of WebAssembly modules, bytes of
//! others.

use pwb_cache::{Blob, Digest, Entry, PathChange};
use pwb_engine::Store;
use serde_json::{Value, json};

use crate::bytes::Difference;
use crate::explain::indented;
use crate::paths::{coloured, count, entry_to_json, grown, line};
use crate::report::Failure;
use crate::wasm;
use crate::words::lines;

/// Files of more bytes are not compared line by line.
const TEXT: u64 = 256 << 10;
/// Files of more bytes are not looked into at all.
const LARGE: u64 = 64 << 20;
const BYTES: &str = " bytes";

/// A path that differs.
pub struct Compared {
    change: PathChange,
    old: Weight,
    new: Weight,
    inside: Option<Inside>,
}

/// What differs in a file.
enum Inside {
    Lines(Vec<String>),
    /// The bytes only where both have the same size: else they say no more than the sections.
    Module(wasm::Comparison, Option<Difference>),
    Bytes(Difference),
    /// Its contents are no longer to be had.
    Gone,
}

/// What is at a path: a file is one, a folder as many as are in it.
#[derive(Clone, Copy, Default)]
struct Weight {
    files: u64,
    bytes: u64,
}

/// Looks at paths that differ; into files only if that is asked for.
pub fn compare(
    store: &Store,
    changes: Vec<PathChange>,
    into_files: bool,
) -> Result<Vec<Compared>, Failure> {
    if into_files {
        let shown = changes.iter().filter_map(shown);
        let files: Vec<_> = shown.flat_map(|(old, new)| [old, new]).collect();
        store.bring_files(&files)?;
    }
    let compared = |change: PathChange| {
        Ok(Compared {
            old: weight(store, change.old.as_ref())?,
            new: weight(store, change.new.as_ref())?,
            inside: match into_files {
                true => inside(store, &change)?,
                false => None,
            },
            change,
        })
    };
    changes.into_iter().map(compared).collect()
}

/// A file's digest, and whether it is executable.
type File = (Digest, bool);

/// Both versions of a file that is looked into.
fn shown(change: &PathChange) -> Option<(File, File)> {
    let file = |entry: &Option<Entry>| match entry {
        Some(Entry::File { digest, executable }) => Some((*digest, *executable)),
        _ => None,
    };
    let (old, new) = (file(&change.old)?, file(&change.new)?);
    let size = old.0.size().max(new.0.size());
    (old.0 != new.0 && (size <= LARGE || may_be_module(&change.path))).then_some((old, new))
}

/// Emscripten gives shared libraries the name that others have.
fn may_be_module(path: &str) -> bool {
    path.ends_with(".wasm") || path.ends_with(".so")
}

fn inside(store: &Store, change: &PathChange) -> Result<Option<Inside>, Failure> {
    let Some(((old, _), (new, _))) = shown(change) else {
        return Ok(None);
    };
    let read = |digest| store.blob(digest)?.map(Blob::read).transpose();
    let (Some(old), Some(new)) = (read(old)?, read(new)?) else {
        return Ok(Some(Inside::Gone));
    };
    if may_be_module(&change.path)
        && let (Some(old_module), Some(new_module)) =
            (wasm::Module::read(&old), wasm::Module::read(&new))
    {
        let comparison = wasm::Comparison::of(&old_module, &new_module);
        let bytes = (old.len() == new.len()).then(|| Difference::of(&old, &new));
        return Ok(Some(Inside::Module(comparison, bytes.flatten())));
    }
    if old.len().max(new.len()) as u64 <= TEXT
        && let Some(lines) = lines(&old, &new)
    {
        return Ok(Some(Inside::Lines(lines)));
    }
    Ok(Difference::of(&old, &new).map(Inside::Bytes))
}

fn weight(store: &Store, entry: Option<&Entry>) -> Result<Weight, Failure> {
    let file = |bytes| Weight { files: 1, bytes };
    Ok(match entry {
        None => Weight::default(),
        Some(Entry::File { digest, .. }) => file(digest.size()),
        Some(Entry::Symlink(_)) => file(0),
        Some(Entry::Directory(tree)) => {
            store.bring_directories(&[*tree])?;
            let mut weight = Weight::default();
            for entry in store.entries(*tree)?.values() {
                match entry {
                    Entry::Directory(_) => {}
                    Entry::File { digest, .. } => weight.add(file(digest.size())),
                    Entry::Symlink(_) => weight.add(file(0)),
                }
            }
            weight
        }
    })
}

impl Compared {
    /// For a person.
    pub fn lines(&self) -> Vec<String> {
        let mut text = vec![coloured(&line(&self.change, self.sizes()))];
        text.extend(indented(match &self.inside {
            None => Vec::new(),
            Some(Inside::Lines(lines)) => lines.iter().map(|line| coloured(line)).collect(),
            Some(Inside::Module(comparison, bytes)) => {
                let bytes = bytes.iter().flat_map(Difference::lines);
                comparison.lines().into_iter().chain(bytes).collect()
            }
            Some(Inside::Bytes(bytes)) => {
                let lines = bytes.lines().into_iter();
                lines.map(|line| coloured(&line)).collect()
            }
            Some(Inside::Gone) => vec!["its contents are no longer in the store".to_owned()],
        }));
        text
    }

    fn sizes(&self) -> Option<String> {
        match (&self.change.old, &self.change.new) {
            (Some(Entry::Symlink(_)), _) | (_, Some(Entry::Symlink(_))) => None,
            (Some(Entry::File { digest: old, .. }), Some(Entry::File { digest: new, .. })) => {
                (old != new).then(|| grown(self.old.bytes, self.new.bytes, BYTES))
            }
            (Some(one), None) => Some(self.old.of(one)),
            (None, Some(one)) => Some(self.new.of(one)),
            _ => None,
        }
    }

    pub fn to_json(&self) -> Value {
        let side = |entry: &Option<Entry>, weight: Weight| {
            let mut side = entry.as_ref().map_or(Value::Null, entry_to_json);
            if let Some(Entry::Directory(_)) = entry {
                side["files"] = json!(weight.files);
                side["size"] = json!(weight.bytes);
            }
            side
        };
        let mut object = json!({
            "path": self.change.path,
            "old": side(&self.change.old, self.old),
            "new": side(&self.change.new, self.new),
        });
        match &self.inside {
            Some(Inside::Lines(lines)) => object["lines"] = json!(lines),
            Some(Inside::Module(comparison, bytes)) => {
                object["module"] = comparison.to_json();
                if let Some(bytes) = bytes {
                    object["bytes"] = bytes.to_json();
                }
            }
            Some(Inside::Bytes(bytes)) => object["bytes"] = bytes.to_json(),
            Some(Inside::Gone) | None => {}
        }
        object
    }
}

impl Weight {
    fn add(&mut self, other: Weight) {
        self.files += other.files;
        self.bytes += other.bytes;
    }

    fn of(self, entry: &Entry) -> String {
        let bytes = format!("{} bytes", count(self.bytes));
        match entry {
            Entry::Directory(_) if self.files == 1 => format!("1 file, {bytes}"),
            Entry::Directory(_) => format!("{} files, {bytes}", count(self.files)),
            _ => bytes,
        }
    }
}

/// `2 added, 1 removed, 3 changed; 1,234 -> 1,300 bytes, +66`
pub fn summary(compared: &[Compared]) -> String {
    let number = |is: fn(&PathChange) -> bool| {
        let found = compared.iter().filter(|one| is(&one.change));
        found.count()
    };
    let parts = [
        (number(|change| change.old.is_none()), "added"),
        (number(|change| change.new.is_none()), "removed"),
        (
            number(|change| change.old.is_some() && change.new.is_some()),
            "changed",
        ),
    ];
    let parts = parts.iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    let sum = |of: fn(&Compared) -> u64| compared.iter().map(of).sum();
    let (old, new) = (sum(|one| one.old.bytes), sum(|one| one.new.bytes));
    format!("{}; {}", parts.join(", "), grown(old, new, BYTES))
}
