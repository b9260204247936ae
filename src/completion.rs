//! What a shell offers while a command line is typed: commands and flags as clap knows them, and the names of the recipes.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, Command, CommandFactory};
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use pwb_engine::recipe::Library;

use crate::cli::Cli;
use crate::recipes;

/// Set by the functions that `pwb completions` gives to shells, to the shell's name.
pub const VARIABLE: &str = "PWB_COMPLETE";

/// Answers a shell that asks, and ends.
pub fn answer_if_asked() {
    CompleteEnv::with_factory(|| with_names(Cli::command()))
        .var(VARIABLE)
        .complete();
}

/// The commands, with what may stand where a name is to stand.
fn with_names(command: Command) -> Command {
    command.mut_args(with_name).mut_subcommands(with_names)
}

fn with_name(arg: Arg) -> Arg {
    if !arg.is_positional() {
        return arg;
    }
    match arg.get_id().as_str() {
        "target" => arg.add(ArgValueCandidates::new(targets)),
        "node" => arg.add(ArgValueCandidates::new(nodes)),
        "name" | "names" | "artifact" | "old" | "new" | "from" | "to" => {
            arg.add(ArgValueCandidates::new(names))
        }
        _ => arg,
    }
}

fn names() -> Vec<CompletionCandidate> {
    targets().into_iter().chain(nodes()).collect()
}

fn targets() -> Vec<CompletionCandidate> {
    let library = library();
    let targets = library.iter().flat_map(Library::targets);
    let candidate = |name: &str, about: &str| {
        let about = (!about.is_empty()).then(|| about.to_owned().into());
        CompletionCandidate::new(name).help(about)
    };
    targets
        .map(|target| candidate(&target.name, &target.about))
        .collect()
}

fn nodes() -> Vec<CompletionCandidate> {
    let library = library();
    let nodes = library.iter().flat_map(Library::nodes);
    nodes
        .map(|node| CompletionCandidate::new(node.name.to_string()))
        .collect()
}

/// The recipes of the line that is being typed; with broken ones there are no names to offer.
fn library() -> Option<Library> {
    let line: Vec<OsString> = env::args_os().collect();
    let flag = line.iter().position(|word| word == "--recipes");
    let folder = flag.and_then(|flag| line.get(flag + 1).cloned());
    let folder = folder.or_else(|| env::var_os("PWB_RECIPES"));
    let files = recipes::read(folder.map(PathBuf::from).as_deref()).ok()?;
    Library::load(files).ok()
}
