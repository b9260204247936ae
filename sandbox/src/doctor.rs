//! What this host permits, found by trying: a sandbox is built for a command that does not exist.
//!
//! That every step up to the search for the command succeeds is what a real run needs; knows no other test.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::report::Step;
use crate::spec::{Mount, Source, Spec, Stdio};
use crate::{remove, run, sys};

/// One line of a report on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub what: &'static str,
    /// Whether it works.
    pub ok: bool,
    /// What was seen.
    pub detail: String,
    /// What to change, where something is to be changed.
    pub advice: Option<String>,
}

/// What is reported, each with the last step that belongs to it.
const PARTS: [(&str, Step); 5] = [
    ("user namespaces", Step::Lifeline),
    ("mounts in a user namespace", Step::Bind),
    ("overlayfs with its upper layer in the store", Step::Overlay),
    ("own /dev, /tmp and /proc", Step::Pivot),
    ("seccomp", Step::Start),
];

/// Tries what a run with the store's folder `store` needs.
#[must_use]
pub fn probe(store: &Path) -> Vec<Finding> {
    let folder = store.join(format!("doctor-{}", std::process::id()));
    let findings = match prepare(&folder) {
        Ok(spec) => findings(run(&spec, &mut |_| {}).err(), &folder),
        Err((path, error)) => vec![Finding {
            what: "store",
            ok: false,
            detail: format!("cannot write {}: {error}", path.display()),
            advice: Some("choose a folder that you may write for the store".into()),
        }],
    };
    // The folder is empty but for overlayfs' own; a rest does no harm.
    let _ = remove::remove_tree(&folder);
    findings
}

fn prepare(folder: &Path) -> Result<Spec, (PathBuf, std::io::Error)> {
    let make = |name: &str| {
        let path = folder.join(name);
        fs::create_dir_all(&path)
            .map_err(|error| (path.clone(), error))
            .map(|()| path)
    };
    let (root, scratch, lower) = (make("root")?, make("scratch")?, make("lower")?);
    let overlay = Source::Overlay {
        lower,
        upper: make("upper")?,
        work: make("work")?,
    };
    Ok(Spec {
        root,
        calling: None,
        mounts: vec![Mount {
            target: "/build".into(),
            source: overlay,
        }],
        argv: vec!["/no-such-command".into()],
        env: vec![],
        cwd: "/build".into(),
        stdio: Stdio::Captured,
        network: false,
        timeout: None,
        scratch,
    })
}

fn findings(error: Option<Error>, folder: &Path) -> Vec<Finding> {
    let broken = match &error {
        Some(Error::CommandNotFound { .. }) => None,
        Some(Error::Setup { step, .. }) => Some(*step),
        _ => Some(Step::Receive),
    };
    let mut findings = Vec::new();
    for (what, last) in PARTS {
        if broken.is_some_and(|step| step <= last) {
            let detail = error
                .as_ref()
                .map_or_else(|| "a missing command ran".into(), ToString::to_string);
            findings.push(Finding {
                what,
                ok: false,
                detail,
                advice: error.as_ref().and_then(Error::hint),
            });
            // What comes after the first failure was not tried.
            break;
        }
        findings.push(if last == Step::Overlay {
            attributes(what, &folder.join("upper"))
        } else {
            works(what)
        });
    }
    findings
}

fn works(what: &'static str) -> Finding {
    Finding {
        what,
        ok: true,
        detail: "works".into(),
        advice: None,
    }
}

/// overlayfs mounts without extended attributes, too, but then cannot replace a directory.
fn attributes(what: &'static str, upper: &Path) -> Finding {
    match sys::set_attribute(upper, "user.overlay.doctor", b"y") {
        Ok(()) => works(what),
        Err(error) => Finding {
            what,
            ok: false,
            detail: format!("no extended attributes on {}: {error}", upper.display()),
            advice: Some(
                "put the store on ext4, xfs, btrfs, or a tmpfs of Linux 6.6 or newer".into(),
            ),
        },
    }
}
