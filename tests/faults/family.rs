//! The processes that a pwb has on the machine: its nursery, the inits of its sandboxes, and what runs inside.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Who dies.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Victim {
    /// pwb itself.
    Pwb,
    /// The process that sandboxes are forked from.
    Nursery,
    /// Process 1 of a sandbox.
    Init,
    /// A command, or what it has started.
    Child,
}

/// One of each, for campaigns.
pub const VICTIMS: [Victim; 4] = [Victim::Pwb, Victim::Nursery, Victim::Init, Victim::Child];

/// Those of this kind that this pwb has just now.
pub fn candidates(victim: Victim, pwb: i32) -> Vec<i32> {
    let all = parents();
    let children = |of: &[i32]| -> Vec<i32> {
        let child = |(_, parent): &&(i32, i32)| of.contains(parent);
        all.iter().filter(child).map(|(id, _)| *id).collect()
    };
    let nursery = children(&[pwb]);
    match victim {
        Victim::Pwb => vec![pwb],
        Victim::Nursery => nursery,
        Victim::Init => children(&nursery),
        Victim::Child => {
            let (mut found, mut latest) = (Vec::new(), children(&children(&nursery)));
            while !latest.is_empty() {
                found.extend_from_slice(&latest);
                latest = children(&latest);
            }
            found
        }
    }
}

/// All that this pwb has started, with the pwb itself.
pub fn family(pwb: i32) -> BTreeSet<i32> {
    VICTIMS
        .iter()
        .flat_map(|victim| candidates(*victim, pwb))
        .collect()
}

/// Kills a process. False if it is gone already.
pub fn kill_now(id: i32) -> bool {
    kill(Pid::from_raw(id), Signal::SIGKILL).is_ok()
}

/// Those of the family that still run, and any process on the machine that is in a sandbox made of files below `folder`, or was
/// started with it in its environment.
pub fn survivors(family: &BTreeSet<i32>, folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let below = |id: i32, file: &str| {
        fs::read(format!("/proc/{id}/{file}"))
            .is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(folder))
    };
    let lives = |(id, _): &(i32, i32)| {
        *id != std::process::id().cast_signed()
            && (family.contains(id) || below(*id, "mountinfo") || below(*id, "environ"))
    };
    let describe = |(id, parent): &(i32, i32)| {
        let name = fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
        format!("{id} of {parent}: {}", name.replace('\0', " "))
    };
    parents()
        .iter()
        .filter(|one| lives(one))
        .map(describe)
        .collect()
}

/// Every process of the machine that has not ended, with its parent.
fn parents() -> Vec<(i32, i32)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        // One that ends meanwhile has no file to read.
        let Some(id) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        // proc(5): the name, in parentheses, may hold anything.
        let mut fields = stat.rsplit(") ").next().unwrap().split(' ');
        if fields.next() != Some("Z") {
            found.push((id, fields.next().unwrap().parse().unwrap()));
        }
    }
    found
}
