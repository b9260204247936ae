//! `pwb doctor`: what this machine permits.

use std::process::ExitCode;

use console::style;
use pwb_engine::fetch::Mirror;

use super::say;
use crate::cli::Cli;
use crate::context::Context;
use crate::report::Failure;

/// The main job's toolchain, build folders and results, with room to spare.
const DISK_GIB: u64 = 12;

pub fn run(cli: &Cli) -> Result<ExitCode, Failure> {
    let context = Context::new(cli)?;
    let store = context.store()?;
    let mut well = true;
    let mut tell = |what: &str, ok: bool, detail: &str, advice: Option<String>| {
        well &= ok;
        let mark = if ok {
            style("ok  ").green()
        } else {
            style("FAIL").red()
        };
        say(format_args!("{mark} {what}: {detail}"));
        if let Some(advice) = advice {
            say(format_args!("     {advice}"));
        }
    };
    tell(
        "store",
        true,
        &context.store_path().display().to_string(),
        None,
    );
    for finding in pwb_sandbox::doctor::probe(store.root()) {
        tell(finding.what, finding.ok, &finding.detail, finding.advice);
    }
    let free = store.free_bytes()? >> 30;
    let advice =
        (free < DISK_GIB).then(|| "free some, or move the store with PWB_STORE=DIR".to_owned());
    tell(
        "disk",
        free >= DISK_GIB,
        &format!("{free} GiB free, {DISK_GIB} wanted"),
        advice,
    );
    match Mirror::discover(context.config.debian_mirror.as_deref()) {
        Ok(mirror) => tell("Debian mirror", true, mirror.base(), None),
        Err(error) => tell("Debian mirror", false, &error.to_string(), error.hint()),
    }
    Ok(if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
