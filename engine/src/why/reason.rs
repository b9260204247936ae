//! A difference followed through the nodes that made the inputs, to where it began.

use std::collections::HashSet;

use pwb_cache::{ActionKey, Digest, Feed, Lineage, PastRun, Store};

use super::difference::Difference;
use super::manifest::Manifest;
use crate::error::Result;

/// Why a node's action is another than an earlier one.
#[derive(Clone, Debug)]
pub struct Reason {
    /// The node.
    pub node: String,
    /// The run that it is compared with; `None` if only its action is known.
    pub earlier: Option<PastRun>,
    /// What the comparison came to.
    pub finding: Finding,
    /// The same of the nodes that made its inputs differ, or made them anew; each node once in the whole.
    pub because: Vec<Reason>,
}

/// What a comparison of two actions came to.
#[derive(Clone, Debug)]
pub enum Finding {
    /// They differ in this.
    Different(Difference),
    /// They are one and the same action.
    Same,
    /// One of the actions is no longer in the store.
    Forgotten,
}

impl Reason {
    /// Compares two actions of a node. `unsaved` has the messages of the new one if it has not run.
    pub(super) fn between(
        store: &Store,
        old: &PastRun,
        new: &Manifest,
        unsaved: &[(Digest, Vec<u8>)],
    ) -> Result<Reason> {
        let mut seen = HashSet::from([new.node.clone()]);
        reason(store, old.run.key, new, unsaved, &mut seen)
    }
}

fn reason(
    store: &Store,
    old: ActionKey,
    new: &Manifest,
    unsaved: &[(Digest, Vec<u8>)],
    seen: &mut HashSet<String>,
) -> Result<Reason> {
    let mut because = Vec::new();
    let finding = if old == new.key {
        Finding::Same
    } else if let Some(old) = Manifest::past(store, &new.node, old)? {
        let difference = Difference::between(store, &old, new, unsaved)?;
        for input in &difference.inputs {
            if let (Some(old), Some(new)) = (&input.old, &input.new) {
                because.extend(producer(store, old, new, seen)?);
            }
        }
        Finding::Different(difference)
    } else {
        Finding::Forgotten
    };
    Ok(Reason {
        node: new.node.clone(),
        earlier: store.run_of(old)?,
        finding,
        because,
    })
}

/// Why nodes ran anew between two runs of one action: what they made came out as before.
pub(super) fn remade(store: &Store, old: &Lineage, new: &Lineage) -> Result<Vec<Reason>> {
    let mut seen = HashSet::new();
    let mut reasons = Vec::new();
    for (old, new) in old.feeds.iter().zip(&new.feeds) {
        if old.key() != new.key() {
            reasons.extend(producer(store, old, new, &mut seen)?);
        }
    }
    Ok(reasons)
}

/// Why the node that made an input has made it anew; `None` if it did not, or has been explained.
fn producer(
    store: &Store,
    old: &Feed,
    new: &Feed,
    seen: &mut HashSet<String>,
) -> Result<Option<Reason>> {
    let (Some(old_key), Some(new_key)) = (old.key(), new.key()) else {
        return Ok(None);
    };
    if old.node != new.node || !seen.insert(new.node.clone()) {
        return Ok(None);
    }
    match Manifest::past(store, &new.node, new_key)? {
        Some(new) => reason(store, old_key, &new, &[], seen).map(Some),
        None => Ok(None),
    }
}
