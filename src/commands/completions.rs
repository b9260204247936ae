//! `pwb completions`: a script that makes a shell ask pwb itself what may stand where.

use std::env;
use std::path::Path;
use std::process::ExitCode;

use clap_complete::env::Shells;

use super::say;
use crate::cli::Completions;
use crate::completion::VARIABLE;
use crate::report::Failure;

pub fn run(arguments: &Completions) -> Result<ExitCode, Failure> {
    let failed = |why: String| Failure::Message(format!("cannot write the script: {why}"), None);
    let shell = arguments.shell.to_string();
    let shells = Shells::builtins();
    let completer = shells.completer(&shell);
    let completer = completer.ok_or_else(|| failed(format!("{shell} is not known")))?;
    let mut script = Vec::new();
    completer
        .write_registration(VARIABLE, "pwb", "pwb", &program(), &mut script)
        .map_err(|error| failed(error.to_string()))?;
    say(String::from_utf8_lossy(&script).trim_end());
    Ok(ExitCode::SUCCESS)
}

/// How the shell starts pwb: as it was started now, from wherever.
fn program() -> String {
    let called = env::args().next().unwrap_or_default();
    match called.contains('/') {
        true => Path::new(&called)
            .canonicalize()
            .map_or(called, |path| path.display().to_string()),
        false => "pwb".to_owned(),
    }
}
