//! `pwb store stats`: how much of everything there is.

use std::process::ExitCode;

use serde_json::{Map, Value, json};

use crate::cli::{Cli, StoreStats};
use crate::commands::say;
use crate::context::Context;
use crate::report::Failure;
use crate::units::bytes;

pub fn run(cli: &Cli, arguments: &StoreStats) -> Result<ExitCode, Failure> {
    let context = Context::new(cli)?;
    let store = context.store()?;
    let parts = store.census()?;
    let links = store.count_roots()?;
    let size: u64 = parts.values().map(|amount| amount.bytes).sum();
    let (free, limit) = (store.free_bytes()?, context.config.gc.max_size.0);
    if arguments.json {
        let parts: Map<String, Value> = parts
            .iter()
            .map(|(part, amount)| {
                let amount = json!({"count": amount.count, "bytes": amount.bytes});
                (part.name().replace(' ', "_"), amount)
            })
            .collect();
        say(json!({
            "path": store.root(),
            "parts": parts,
            "links": links,
            "bytes": size,
            "max_bytes": limit,
            "free_bytes": free,
        }));
        return Ok(ExitCode::SUCCESS);
    }
    say(store.root().display());
    for (part, amount) in &parts {
        let size = match amount.bytes {
            0 => String::new(),
            size => bytes(size),
        };
        let line = format!("{:<18}{:>8}{size:>14}", part.name(), amount.count);
        say(line.trim_end());
    }
    say(format_args!("{:<18}{links:>8}", "links to results"));
    say(format_args!(
        "{} of {}; the disk has {} left",
        bytes(size),
        bytes(limit),
        bytes(free)
    ));
    Ok(ExitCode::SUCCESS)
}
