//! The directories of a tree, from its root down, each once, by whatever function their digests are made.

use std::collections::{HashSet, VecDeque};

use prost::Message;
use pwb_cache::{Name, Store, reapi};
use tonic::Status;

use super::limits::MAX_TREE;
use super::metrics::Metrics;
use super::service::{find, read};

/// A walk under way. What is missing or is no directory is left out.
#[derive(Debug)]
pub struct Walk {
    queue: VecDeque<Name>,
    seen: HashSet<Name>,
    /// Whether something was left out.
    pub incomplete: bool,
}

impl Walk {
    pub fn new(root: Name) -> Walk {
        Walk {
            queue: VecDeque::from([root]),
            seen: HashSet::from([root]),
            incomplete: false,
        }
    }

    /// The next directory, with the size of its message.
    pub fn next(
        &mut self,
        store: &Store,
        metrics: &Metrics,
    ) -> Result<Option<(reapi::Directory, u64)>, Status> {
        while let Some(name) = self.queue.pop_front() {
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
