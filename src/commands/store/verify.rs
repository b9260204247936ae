//! `pwb store verify` and `pwb store repair`: whether the store is what it says, and what is done about it.

use std::process::ExitCode;

use pwb_cache::{Digest, Fault, Store, TreeDigest, Verified, rebuild};
use serde_json::{Value, json};

use crate::cli::Cli;
use crate::commands::say;
use crate::context::Context;
use crate::report::Failure;
use crate::units::{bytes, many};

pub fn run(cli: &Cli, repair: bool, as_json: bool) -> Result<ExitCode, Failure> {
    let context = Context::new(cli)?;
    let rebuilt = match repair {
        true => rebuild(context.store_path())?,
        false => None,
    };
    let store = context.store()?;
    let verified = store.verify()?;
    let busy = match repair {
        true => store.repair(&verified.faults)?,
        false => Vec::new(),
    };
    let faults = verified.faults.iter().map(|fault| tell(&store, fault));
    let mut faults: Vec<(&str, String)> = faults.collect::<Result<_, _>>()?;
    let unreadable = rebuilt.iter().flat_map(|rebuilt| &rebuilt.unreadable);
    faults.extend(unreadable.map(|told| ("unreadable", told.clone())));
    if as_json {
        let fault = |(kind, what): &(&str, String)| json!({"kind": kind, "what": what});
        let faults: Vec<Value> = faults.iter().map(fault).collect();
        say(json!({
            "objects": verified.objects.count,
            "messages": verified.messages.count,
            "bytes": verified.objects.bytes + verified.messages.bytes,
            "trees": verified.trees,
            "folders": verified.folders,
            "faults": faults,
            "repaired": repair,
            "index_rebuilt": rebuilt.is_some(),
            "in_use": busy.len(),
        }));
    } else {
        if let Some(rebuilt) = &rebuilt {
            say(format_args!(
                "the index was damaged: made anew from {} files and {} rows; the old one is {}",
                rebuilt.files,
                rebuilt.rows,
                rebuilt.old.display()
            ));
        }
        for (kind, what) in &faults {
            say(format_args!("{kind}: {what}"));
        }
        say(summary(&verified));
    }
    end(repair, &verified, &busy)
}

fn end(repair: bool, verified: &Verified, busy: &[TreeDigest]) -> Result<ExitCode, Failure> {
    let count = verified.faults.len();
    let faults = many(count as u64, "fault");
    match (count, repair, busy.len()) {
        (0, ..) => Ok(ExitCode::SUCCESS),
        (_, false, _) => Err(Failure::new(
            format!("the store has {faults}"),
            "`pwb store repair` forgets what is damaged: it is made or fetched again when it is wanted",
        )),
        (_, true, 0) => {
            say(format_args!("{faults} mended"));
            Ok(ExitCode::SUCCESS)
        }
        (_, true, busy) => Err(Failure::new(
            format!("{busy} of {faults} could not be mended: other processes use these folders"),
            "run it again once they have ended",
        )),
    }
}

fn summary(verified: &Verified) -> String {
    format!(
        "{} and {} ({}), {}, {}: {}",
        many(verified.objects.count, "object"),
        many(verified.messages.count, "message"),
        bytes(verified.objects.bytes + verified.messages.bytes),
        many(verified.trees, "tree"),
        many(verified.folders, "folder"),
        match verified.faults.len() {
            0 => "all as they should be".to_owned(),
            count => many(count as u64, "fault"),
        }
    )
}

/// What is wrong, and with what.
fn tell(store: &Store, fault: &Fault) -> Result<(&'static str, String), Failure> {
    let file = |digest: &Digest, executable: &bool| {
        let mode = if *executable { ", executable" } else { "" };
        format!("object {digest}{mode}")
    };
    Ok(match fault {
        Fault::Altered(digest, executable) => ("altered", file(digest, executable)),
        Fault::Gone(digest, executable) => ("missing", file(digest, executable)),
        Fault::Unreadable(_, _, told) => ("unreadable", told.clone()),
        Fault::Message(digest) => ("altered", format!("message {digest}")),
        Fault::Unwhole(tree, keys) => {
            let mut nodes = Vec::new();
            for key in keys {
                nodes.extend(store.run_of(*key)?.map(|past| past.run.node));
            }
            let of = match nodes.is_empty() {
                true => "an import".to_owned(),
                false => nodes.join(", "),
            };
            ("incomplete", format!("{of} (tree {})", tree.digest()))
        }
        Fault::Folder(tree, path) => {
            let folder = store.root().join("trees").join(tree.digest().hex());
            ("altered", folder.join(path).display().to_string())
        }
    })
}
