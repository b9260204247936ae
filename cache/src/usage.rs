//! What takes the room.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::Result;
use crate::gc::{Amount, Node, Part, Reach, below, nodes, size_below, size_of};
use crate::index::{Entry, Held};
use crate::key::ActionKey;
use crate::store::Store;

/// What some results take together.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Usage {
    /// How many of them are in the store.
    pub results: u64,
    /// The size of all that they name, as far as it is here, in bytes.
    pub bytes: u64,
    /// What of it nothing else names: so much would be free without them, in bytes.
    pub own: u64,
    /// When one of them was last used, to the hour.
    pub used: Option<SystemTime>,
}

impl Store {
    /// How much of everything there is.
    pub fn census(&self) -> Result<BTreeMap<Part, Amount>> {
        let mut parts: BTreeMap<Part, Amount> = BTreeMap::new();
        for held in self.index.held()? {
            let part = match held.entry {
                Entry::Result(_) => Part::Results,
                Entry::Call(_) => Part::Calls,
                Entry::Import(_) => Part::Imports,
                Entry::Answer(_) => Part::Answers,
                Entry::Realization(_) | Entry::Paths { .. } => continue,
            };
            *parts.entry(part).or_default() += Amount::one(0);
        }
        let mut add = |part, bytes| *parts.entry(part).or_default() += Amount::one(bytes);
        for (digest, _) in self.index.files()? {
            add(Part::Objects, digest.size());
        }
        for digest in self.index.message_digests()? {
            add(Part::Messages, digest.size());
        }
        for _ in below(&self.root().join("trees"))? {
            add(Part::Trees, 0);
        }
        for entry in below(&self.root().join("logs"))? {
            add(Part::Logs, size_of(&entry));
        }
        for entry in below(&self.root().join("failed"))? {
            add(Part::Failed, size_below(&entry.path())?);
        }
        Ok(parts)
    }

    /// How many links of the user's keep results.
    pub fn count_roots(&self) -> Result<u64> {
        let roots = self.roots()?;
        Ok(roots.iter().filter(|(.., leads)| *leads).count() as u64)
    }

    /// The keys of all results, with the name of the node that each was last made for, if it was made here.
    pub fn results(&self) -> Result<Vec<(ActionKey, Option<String>)>> {
        let mut keys = Vec::new();
        for held in self.index.held()? {
            if let Entry::Result(key) = held.entry {
                keys.push((key, self.run_of(key)?.map(|past| past.run.node)));
            }
        }
        Ok(keys)
    }

    /// What groups of results take, in their order.
    pub fn usage(&self, groups: &[Vec<ActionKey>]) -> Result<Vec<Usage>> {
        let held = self.index.held()?;
        let mut reach = Reach::new(self)?;
        let mut results: HashMap<ActionKey, &Held> = HashMap::new();
        for one in &held {
            reach.add(nodes(self, one)?)?;
            if let Entry::Result(key) = one.entry {
                results.insert(key, one);
            }
        }
        // An answer and a root of the user's keep what their results are; it is theirs all the same.
        for one in &held {
            if matches!(one.entry, Entry::Realization(_)) {
                reach.remove(nodes(self, one)?)?;
            }
        }
        let mut usages = Vec::with_capacity(groups.len());
        for group in groups {
            let mut usage = Usage::default();
            let mut all = Vec::new();
            for key in group {
                let Some(one) = results.get(key) else {
                    continue;
                };
                usage.results += 1;
                let used = UNIX_EPOCH + Duration::from_secs(one.used_at.unsigned_abs());
                usage.used = usage.used.max(Some(used));
                all.extend(nodes(self, one)?);
            }
            all.retain(|node| matches!(node, Node::Tree(_)));
            usage.own = reach.own(&all)?;
            usage.bytes = reach.size_of(&all)?;
            usages.push(usage);
        }
        Ok(usages)
    }
}
