//! The directories of a tree, from its root down, each once, by whatever function their digests are made.

use std::collections::{HashSet, VecDeque};

use prost::Message;
use pwb_cache::{Name, Store, reapi};
use tonic::Status;

use super::limits::MAX_TREE;
use super::metrics::Metrics;
use super::service::{find, read};
use super::whole::Whole;

/// A walk under way. What is missing or is no directory is left out.
#[derive(Debug)]
pub struct Walk<'a> {
    queue: VecDeque<Name>,
    seen: HashSet<Name>,
    /// What need not be walked.
    whole: Option<&'a Whole>,
    /// Whether something was left out.
    pub incomplete: bool,
}

impl<'a> Walk<'a> {
    pub fn new(root: Name) -> Walk<'a> {
        Walk {
            whole: None,
            queue: VecDeque::from([root]),
            seen: HashSet::from([root]),
            incomplete: false,
        }
    }

    /// A walk that stays out of what was found whole a moment ago.
    pub fn past(root: Name, whole: &'a Whole) -> Walk<'a> {
        Walk {
            whole: Some(whole),
            ..Walk::new(root)
        }
    }

    /// All directories that were walked.
    pub fn walked(self) -> impl Iterator<Item = Name> {
        self.seen.into_iter()
    }

    /// The next directory, with the size of its message.
    pub fn next(
        &mut self,
        store: &Store,
        metrics: &Metrics,
    ) -> Result<Option<(reapi::Directory, u64)>, Status> {
        while let Some(name) = self.queue.pop_front() {
            if self.whole.is_some_and(|whole| whole.has(&name)) {
                self.seen.remove(&name);
                continue;
            }
            let Some(directory) = message::<reapi::Directory>(store, metrics, name)? else {
                self.incomplete = true;
                continue;
            };
            for below in &directory.directories {
                let digest = below.digest.as_ref();
                match digest.and_then(|digest| Name::from_message(name.function(), digest)) {
                    Some(below) if self.seen.insert(below) => self.queue.push_back(below),
                    Some(_) => {}
                    None => self.incomplete = true,
                }
            }
            return Ok(Some((directory, name.size())));
        }
        Ok(None)
    }
}

/// A message out of the store, if it is there and is one.
pub fn message<M: Message + Default>(
    store: &Store,
    metrics: &Metrics,
    name: Name,
) -> Result<Option<M>, Status> {
    let found = find(store, &[name])?.pop().flatten();
    let Some(digest) = found.filter(|digest| digest.size() <= MAX_TREE) else {
        return Ok(None);
    };
    let bytes = read(store, metrics, digest)?;
    Ok(bytes.and_then(|bytes| M::decode(bytes.as_slice()).ok()))
}
