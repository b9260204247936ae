//! Gives every root its lock file, and checks the one against the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::code::Code;
use super::lock::Lock;
use super::node::{Debian, NodeKind, Root, Winner};
use super::read::{Draft, Files, read_lock};
use super::sink::Sink;
use super::suggest;

/// Reads each lock file once; roots may share one.
pub(super) fn attach(draft: &mut Draft, files: &Files, sink: &mut Sink) {
    let mut read: BTreeMap<String, Option<Arc<Lock>>> = BTreeMap::new();
    for node in draft.nodes.values_mut() {
        let name = node.name.as_str();
        let NodeKind::Root(root) = &mut node.kind else {
            continue;
        };
        let Some(debian) = &mut root.debian else {
            known_winners(root, node.name.recipe(), None, sink);
            continue;
        };
        let path = debian.lock_path.as_str();
        let lock = match (read.get(path), files.get(path)) {
            (Some(lock), _) => lock.clone(),
            (None, Some(bytes)) => {
                let before = sink.errors.len();
                let lock = read_lock(path, bytes, sink).map(Arc::new);
                for error in &mut sink.errors[before..] {
                    error
                        .help
                        .push(format!("`pwb lock {name}` writes it again"));
                }
                read.insert(path.to_owned(), lock.clone());
                lock
            }
            (None, None) => {
                let message = format!("there is no lock file `{path}`");
                let error = sink.finding(
                    Code::MissingFile,
                    debian.lock_path.span,
                    message,
                    "no such file in the recipes folder",
                );
                sink.add(error.help(format!("`pwb lock {name}` writes it")));
                None
            }
        };
        if let Some(lock) = lock {
            fits(debian, &lock, name, sink);
            debian.lock = Arc::clone(&lock);
            known_winners(root, node.name.recipe(), Some(&lock), sink);
        }
    }
}

/// The lock is of the suite that the root names, and has what it wants.
fn fits(debian: &Debian, lock: &Lock, name: &str, sink: &mut Sink) {
    let again = format!("`pwb lock {name}` writes `{}` again", debian.lock_path);
    let same = [
        (&debian.suite, &lock.suite, "suite"),
        (&debian.architecture, &lock.architecture, "architecture"),
    ];
    for (wanted, locked, what) in same {
        if wanted.value != *locked {
            let message = format!(
                "`{}` is locked for {what} `{locked}`, not `{wanted}`",
                debian.lock_path
            );
            let error = sink.finding(
                Code::StaleLock,
                wanted.span,
                message,
                format!("`{locked}` in the lock file"),
            );
            sink.add(error.help(again.clone()));
        }
    }
    for want in &debian.want {
        if lock.package(want).is_none() {
            let message = format!("package `{want}` is not in `{}`", debian.lock_path);
            let error = sink.finding(Code::StaleLock, want.span, message, "not in the lock file");
            let known = lock.packages.iter().map(|package| package.name.as_str());
            let nearest =
                suggest::nearest(want, known).map(|name| format!("did you mean `{name}`?"));
            sink.add(error.help(nearest).help(again.clone()));
        }
    }
}

fn known_winners(root: &Root, recipe: &str, lock: Option<&Lock>, sink: &mut Sink) {
    let packages = lock
        .map(|lock| lock.packages.as_slice())
        .unwrap_or_default();
    for (path, winner) in &root.wins {
        let (Winner::Package(name), Some(span)) = (winner, root.wins_at.get(path)) else {
            continue;
        };
        if lock.is_some_and(|lock| lock.package(name).is_some()) {
            continue;
        }
        let message = format!("`{name}` is neither a layer nor a package of this root");
        let error = sink.finding(Code::UnknownWinner, *span, message, "cannot win");
        let layers = root
            .layers
            .all()
            .into_iter()
            .map(|layer| layer.written_in(recipe))
            .collect::<Vec<_>>();
        let known = packages.iter().map(|package| package.name.as_str());
        let known = known.chain(layers.iter().map(String::as_str));
        sink.add(error.help(suggest::help(name, known)));
    }
}
