//! What is known of a call before it runs, as a digest: calls of one kind look at the same paths until a file sends them
//! elsewhere.

use std::path::{Component, Path, PathBuf};

use pwb_cache::Digest;
use pwb_sandbox::Call;

use super::view::{State, View};
use super::{Reason, Scene};

/// Changes when a kind would be made or a call be recorded in another way.
const VERSION: &str = "3";

/// What `make` and shells tell their children of themselves; no compiler's output depends on it.
const IGNORED: [&str; 8] = [
    "MAKEFLAGS=",
    "MAKELEVEL=",
    "MAKE_TERMERR=",
    "MAKE_TERMOUT=",
    "MFLAGS=",
    "OLDPWD=",
    "SHLVL=",
    "_=",
];

/// The kind of a call. The files that its arguments name are part of it: else all of configure's questions, which differ in
/// their source alone, would be of one kind.
pub(crate) fn of(
    scene: &Scene,
    call: &Call,
    program: &Path,
    view: &View<'_>,
) -> Result<Digest, Reason> {
    let mut text = Vec::new();
    let mut add = |bytes: &[u8]| {
        text.extend((bytes.len() as u64).to_le_bytes());
        text.extend(bytes);
    };
    add(VERSION.as_bytes());
    add(scene.root.digest().hex().as_bytes());
    let here = [&call.program, program, &call.cwd];
    add(&here.len().to_le_bytes());
    for path in scene.mounts.iter().map(|path| &**path).chain(here) {
        add(path.as_os_str().as_encoded_bytes());
    }
    add(call.umask.as_bytes());
    add(&[u8::from(call.one_output)]);
    let mut environment: Vec<_> = call
        .environment
        .iter()
        .filter(|entry| {
            !IGNORED
                .iter()
                .any(|name| entry.starts_with(name.as_bytes()))
        })
        .collect();
    environment.sort();
    add(&environment.len().to_le_bytes());
    environment.into_iter().for_each(|entry| add(entry));
    for argument in &call.arguments {
        add(argument);
        let Ok(word) = std::str::from_utf8(argument) else {
            return Err(Reason::Path);
        };
        let path = plain(&call.cwd.join(word));
        if scene.varies(&path)
            && let Ok(State::File(digest, _)) = view.state(&path)
        {
            add(digest.hex().as_bytes());
        }
    }
    Ok(Digest::of(&text))
}

impl Scene {
    /// Whether what is at a path is not said by the root.
    pub(crate) fn varies(&self, path: &Path) -> bool {
        self.mounts.iter().any(|mount| path.starts_with(mount))
    }
}

/// The path without `.` and, as text, without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}
