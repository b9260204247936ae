//! What nothing needs: nodes that no target leads to, lock files that no root names. Warnings, for `pwb check`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::code::Code;
use super::diagnostic::Diagnostic;
use super::library::Library;
use super::name::NodeName;
use super::node::{Node, NodeKind};
use super::source::{Location, Source};

/// Conditions are taken as if all held. Without any target, every node is there for its own sake.
pub(super) fn unused(library: &Library, files: &BTreeMap<String, Vec<u8>>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if !library.targets.is_empty() {
        let needed = needed(library);
        let idle = library.nodes.values();
        let idle = idle.filter(|node| !needed.contains(&node.name));
        found.extend(idle.map(|node| {
            let message = format!("no target needs the node `{}`", node.name.name());
            Diagnostic::warning(Code::Unused, message)
                .at(library.location(node.span), "only its own name makes it")
        }));
    }
    let locks: BTreeSet<&str> = library.nodes.values().filter_map(lock_path).collect();
    for (path, bytes) in files {
        if path.ends_with(".lock") && !locks.contains(path.as_str()) {
            let (source, _) = Source::from_bytes(path.clone(), bytes);
            let message = format!("no root has the lock file `{path}`");
            found.push(
                Diagnostic::warning(Code::Unused, message)
                    .at(Location::new(Arc::new(source), 0..0), ""),
            );
        }
    }
    found
}

/// The nodes that targets lead to.
fn needed(library: &Library) -> BTreeSet<&NodeName> {
    let mut needed = BTreeSet::new();
    let mut open: Vec<&NodeName> = Vec::new();
    for target in library.targets.values() {
        open.push(&target.node.node);
        open.extend(target.run.iter().map(|run| &run.root.node));
        open.extend(target.checks.iter().map(|check| &check.value));
    }
    while let Some(name) = open.pop() {
        let Some(node) = library.nodes.get(name) else {
            continue;
        };
        if needed.insert(&node.name) {
            open.extend(node.may_need().iter().map(|(_, reference)| &reference.node));
            if let NodeKind::Check(check) = &node.kind {
                open.extend(check.tests.iter().map(|tests| &tests.node));
            }
        }
    }
    needed
}

fn lock_path(node: &Node) -> Option<&str> {
    match &node.kind {
        NodeKind::Root(root) => root.debian.as_ref().map(|debian| debian.lock_path.as_str()),
        _ => None,
    }
}
