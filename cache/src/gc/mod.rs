//! The collection of garbage: what is kept, what goes first, and what that frees (docs/adr/0012).
//!
//! The gate is closed meanwhile: nobody begins to rely on anything. Rows go before files, so that a file without a row is
//! garbage, and never the other way round.

mod answer;
mod reach;
mod report;
mod sweep;

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::call::CallResult;
use crate::directory::TreeDigest;
use crate::error::Result;
use crate::fs;
use crate::index::{Entry, Held};
use crate::key::ActionKey;
use crate::lock::Lock;
use crate::pin::{self, Pin};
use crate::session;
use crate::store::Store;
pub(crate) use reach::{Node, Reach};
pub use report::{Amount, Collected, Part, Policy};
pub(crate) use sweep::{below, file_of, size_below, size_of};

/// How long logs, what failed commands wrote, and what explains runs are kept that have no result.
const TRACES: Duration = Duration::from_secs(14 * 24 * 3600);
/// How often the store is looked at without being asked to.
const DAY: Duration = Duration::from_secs(24 * 3600);

impl Store {
    /// Removes what is of no use, or finds out what would be removed.
    pub fn collect(&self, policy: &Policy, dry_run: bool) -> Result<Collected> {
        let alone = Lock::acquire(&self.root().join("locks/gc"))?;
        self.collect_alone(&alone, policy, dry_run)
    }

    fn collect_alone(&self, _alone: &Lock, policy: &Policy, dry_run: bool) -> Result<Collected> {
        self.tell_uses()?;
        self.session()?;
        session::sweep(self.root())?;
        if dry_run {
            return Collection::begin(self, policy)?.run(true);
        }
        let closed = self.gate.close()?;
        let collected = Collection::begin(self, policy)?.run(false)?;
        drop(closed);
        // Folders that were moved away are removed when nobody waits any more.
        self.session()?.clear("garbage")?;
        self.index.shrink()?;
        Ok(collected)
    }

    /// Collects, if nobody has looked for a day and the store is larger than it may be.
    pub fn collect_if_due(&self, policy: &Policy) -> Result<Option<Collected>> {
        let stamp = self.root().join("collected");
        let looked = std::fs::metadata(&stamp).and_then(|found| found.modified());
        if looked.is_ok_and(|when| when.elapsed().is_ok_and(|since| since < DAY)) {
            return Ok(None);
        }
        // Who collects, or verifies, may do so for minutes: a build does not wait for that.
        let Some(alone) = Lock::try_acquire(&self.root().join("locks/gc"))? else {
            return Ok(None);
        };
        fs::write(&stamp, b"")?;
        let size = sweep::size(self)?;
        let larger = policy.max_size.is_some_and(|max| size > max);
        if !larger && policy.older_than.is_none() {
            return Ok(None);
        }
        self.collect_alone(&alone, policy, false).map(Some)
    }
}

/// How finely it is known when something was last used, in seconds.
const HOUR: i64 = 3600;

/// A collection under way.
struct Collection<'a> {
    store: &'a Store,
    policy: &'a Policy,
    now: i64,
    reach: Reach<'a>,
    /// What processes rely on.
    pins: HashSet<Pin>,
    /// Trees that links lead to, and links that lead nowhere any more.
    roots: HashSet<TreeDigest>,
    gone: Vec<Vec<u8>>,
    /// What is kept so far, what was not used for the longest time first.
    held: Vec<Held>,
    evicted: Vec<Held>,
    collected: Collected,
}

impl<'a> Collection<'a> {
    fn begin(store: &'a Store, policy: &'a Policy) -> Result<Collection<'a>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = seconds(now.unwrap_or_default());
        let pins = pin::read_all(&store.root().join("tmp"))?;
        let (mut roots, mut gone) = (HashSet::new(), Vec::new());
        for (link, tree, leads) in store.roots()? {
            match leads {
                true => drop(roots.insert(tree)),
                false => gone.push(link.into_os_string().into_encoded_bytes()),
            }
        }
        let mut reach = Reach::new(store)?;
        for pin in &pins {
            reach.add(match *pin {
                Pin::Tree(tree) => vec![Node::Tree(tree)],
                Pin::Object(digest) => vec![Node::File(digest), Node::Message(digest)],
            })?;
        }
        reach.add(roots.iter().map(|tree| Node::Tree(*tree)))?;
        let runs = store.index.recent_runs(now - seconds(TRACES))?;
        reach.add(runs.into_iter().map(Node::Manifest))?;
        let mut held = store.index.held()?;
        use_chains(&mut held, &store.index.chains()?);
        for one in &held {
            reach.add(nodes(store, one)?)?;
        }
        held.sort_by_key(|one| (one.used_at / HOUR, one.entry.worth(), one.used_at));
        let collected = Collected {
            before: sweep::size(store)?,
            ..Collected::default()
        };
        Ok(Collection {
            store,
            policy,
            now,
            reach,
            pins,
            roots,
            gone,
            held,
            evicted: Vec::new(),
            collected,
        })
    }

    fn run(mut self, dry_run: bool) -> Result<Collected> {
        self.evict()?;
        self.count_evicted();
        if !dry_run {
            let entries: Vec<Entry> = self.evicted.iter().map(|one| one.entry).collect();
            self.store.index.remove_entries(&entries)?;
            self.store.index.remove_roots(&self.gone)?;
        }
        self.sweep(dry_run)?;
        let freed: u64 = self.collected.freed.values().map(|part| part.bytes).sum();
        // A leftover was never counted.
        let leftovers = self.collected.freed.get(&Part::Leftovers);
        let freed = freed - leftovers.map_or(0, |part| part.bytes);
        self.collected.after = self.collected.before.saturating_sub(freed);
        let max = self.policy.max_size.unwrap_or(u64::MAX);
        self.collected.over = self.collected.after > max;
        Ok(self.collected)
    }

    /// Lets go of what is too old, then of what was not used for the longest time.
    fn evict(&mut self) -> Result<()> {
        let traces = sweep::traces(self.store)?;
        let (mut kept, held) = (Vec::new(), std::mem::take(&mut self.held));
        for one in held {
            let old = self
                .policy
                .older_than
                .is_some_and(|age| self.is_older(&one, age));
            let too_much = self
                .policy
                .max_size
                .is_some_and(|max| self.reach.bytes() + traces > max);
            if !(old || too_much) {
                kept.push(one);
                continue;
            }
            let nodes = nodes(self.store, &one)?;
            if self.is_protected(&one, &nodes) {
                kept.push(one);
                continue;
            }
            self.reach.remove(nodes)?;
            self.evicted.push(one);
        }
        self.held = kept;
        Ok(())
    }

    /// Whether somebody uses it, or did lately. What has no tree is used if all that it names is.
    fn is_protected(&self, one: &Held, nodes: &[Node]) -> bool {
        let pinned = |node: &Node| match node {
            Node::File(digest) | Node::Message(digest) => self.pins.contains(&Pin::Object(*digest)),
            Node::Tree(_) | Node::Frame(_) | Node::Manifest(_) => false,
        };
        let used = match one.tree {
            Some(tree) => self.roots.contains(&tree) || self.pins.contains(&Pin::Tree(tree)),
            None => !nodes.is_empty() && nodes.iter().all(pinned),
        };
        used || !self.is_older(one, self.policy.keep)
    }

    fn is_older(&self, one: &Held, age: Duration) -> bool {
        // What is asked for again within the hour is not written down again.
        let slack = if age.is_zero() { 0 } else { HOUR };
        self.now.saturating_sub(one.used_at) >= seconds(age) + slack
    }

    fn count_evicted(&mut self) {
        for one in &self.evicted {
            let part = match one.entry {
                Entry::Result(_) => Part::Results,
                Entry::Call(_) => Part::Calls,
                Entry::Import(_) => Part::Imports,
                Entry::Answer(_) => Part::Answers,
                // They only say where to look.
                Entry::Realization(_) | Entry::Paths { .. } => continue,
            };
            *self.collected.freed.entry(part).or_default() += Amount::one(0);
        }
    }
}

/// What an entry holds.
pub(crate) fn nodes(store: &Store, held: &Held) -> Result<Vec<Node>> {
    let tree = held.tree.map(Node::Tree).into_iter();
    Ok(match held.entry {
        Entry::Result(key) => tree.chain([Node::Manifest(key)]).collect(),
        Entry::Realization(_) | Entry::Import(_) => tree.collect(),
        Entry::Call(key) => {
            let call = CallResult::from_row(key, held.bytes.clone()).unwrap_or_default();
            call.digests().map(Node::File).collect()
        }
        Entry::Paths { paths, .. } => vec![Node::Message(paths)],
        Entry::Answer(action) => answer::nodes(store, action.function(), &held.bytes)?,
    })
}

/// A result was used whenever a request was answered that it is a part of, though nobody asked for it.
fn use_chains(held: &mut [Held], chains: &[(TreeDigest, Vec<ActionKey>)]) {
    let mut asked: HashMap<TreeDigest, i64> = HashMap::new();
    for one in held.iter() {
        if let (Entry::Realization(_), Some(tree)) = (one.entry, one.tree) {
            let last = asked.entry(tree).or_default();
            *last = one.used_at.max(*last);
        }
    }
    let mut used: HashMap<ActionKey, i64> = HashMap::new();
    for (tree, keys) in chains {
        let Some(&at) = asked.get(tree) else {
            continue;
        };
        for key in keys {
            let last = used.entry(*key).or_default();
            *last = at.max(*last);
        }
    }
    for one in held {
        if let Entry::Result(key) = one.entry {
            let at = used.get(&key).copied().unwrap_or_default();
            one.used_at = one.used_at.max(at);
        }
    }
}

pub(crate) fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}
