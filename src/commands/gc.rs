//! `pwb gc`: what is of no use goes, and what that was.

use std::process::ExitCode;
use std::time::Duration;

use pwb_cache::{Collected, Policy};
use serde_json::{Map, Value, json};

use super::say;
use crate::cli::{Cli, Gc};
use crate::context::Context;
use crate::gc::{over, sum};
use crate::report::{Failure, warn};
use crate::units::bytes;

pub fn run(cli: &Cli, arguments: &Gc) -> Result<ExitCode, Failure> {
    let context = Context::new(cli)?;
    let policy = match (arguments.max_size, arguments.older_than, arguments.keep) {
        (None, None, None) => context.config.gc.policy(),
        // What is said here is said in place of the settings, all of them.
        (max_size, older_than, keep) => Policy {
            max_size,
            older_than,
            keep: keep.unwrap_or(Duration::ZERO),
        },
    };
    let collected = context.store()?.collect(&policy, arguments.dry_run)?;
    match arguments.json {
        true => say(to_json(&collected, arguments.dry_run)),
        false => print(&policy, &collected, arguments.dry_run),
    }
    Ok(ExitCode::SUCCESS)
}

fn print(policy: &Policy, collected: &Collected, dry_run: bool) {
    for (part, amount) in &collected.freed {
        let size = match amount.bytes {
            0 => String::new(),
            size => bytes(size),
        };
        let line = format!("{:<18}{:>8}{size:>14}", part.name(), amount.count);
        say(line.trim_end());
    }
    let would = if dry_run { "would have " } else { "" };
    say(format_args!("{would}{}", sum(collected)));
    if collected.over {
        warn(&over(policy, collected));
    }
}

/// Sizes in bytes.
fn to_json(collected: &Collected, dry_run: bool) -> Value {
    let freed: Map<String, Value> = collected
        .freed
        .iter()
        .map(|(part, amount)| {
            let amount = json!({"count": amount.count, "bytes": amount.bytes});
            (part.name().replace(' ', "_"), amount)
        })
        .collect();
    json!({
        "dry_run": dry_run,
        "freed": freed,
        "before": collected.before,
        "after": collected.after,
        "over": collected.over,
    })
}
