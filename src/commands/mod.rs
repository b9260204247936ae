//! The commands, one a file. Each says what to do in the engine's words and prints what came of it.

mod cache;
mod cat;
mod check;
mod completions;
mod config;
mod diff;
mod doctor;
mod dry_run;
mod du;
mod export;
mod fmt;
mod gc;
mod graph;
mod history;
mod key;
mod list;
mod lock;
mod log;
mod ls;
mod man;
mod new;
mod provenance;
mod query;
mod realize;
mod report;
mod rerun;
mod run;
mod sbom;
mod schema;
mod serve;
mod shell;
mod show;
mod stats;
mod store;
mod test;
mod update;
mod watch;
mod why;

use std::path::Path;
use std::process::ExitCode;

use crate::cli::{Cli, Command};
use crate::report::Failure;

/// Runs the command; its exit code is the program's.
pub fn run(cli: &Cli) -> Result<ExitCode, Failure> {
    match &cli.command {
        Command::Realize(arguments) => realize::run(cli, arguments),
        Command::Run(arguments) => run::run(cli, arguments),
        Command::Test(arguments) => test::run(cli, arguments),
        Command::Serve(arguments) => serve::run(cli, arguments),
        Command::Export(arguments) => export::run(cli, arguments),
        Command::Watch(arguments) => watch::run(cli, arguments),
        Command::List(arguments) => list::run(cli, arguments),
        Command::Show(arguments) => show::run(cli, arguments),
        Command::Graph(arguments) => graph::run(cli, arguments),
        Command::Shell(arguments) => shell::run(cli, arguments),
        Command::Query(arguments) => query::run(cli, arguments),
        Command::Ls(arguments) => ls::run(cli, arguments),
        Command::Cat(arguments) => cat::run(cli, arguments),
        Command::Diff(arguments) => diff::run(cli, arguments),
        Command::Log(arguments) => log::run(cli, arguments),
        Command::History(arguments) => history::run(cli, arguments),
        Command::Why(arguments) => why::run(cli, arguments),
        Command::Stats(arguments) => stats::run(cli, arguments),
        Command::Gc(arguments) => gc::run(cli, arguments),
        Command::Store(command) => store::run(cli, command),
        Command::Du(arguments) => du::run(cli, arguments),
        Command::Provenance(arguments) => provenance::run(cli, arguments),
        Command::Sbom(arguments) => sbom::run(cli, arguments),
        Command::Check(arguments) => check::run(cli, arguments),
        Command::Fmt(arguments) => fmt::run(cli, arguments),
        Command::Schema(arguments) => schema::run(arguments),
        Command::New(arguments) => new::run(arguments),
        Command::Update(arguments) => update::run(cli, arguments),
        Command::Lock(arguments) => lock::run(cli, arguments),
        Command::Cache(cache) => cache::run(cli, cache),
        Command::Report(arguments) => report::run(cli, arguments),
        Command::Key(arguments) => key::run(arguments),
        Command::Doctor(_) => doctor::run(cli),
        Command::Config(arguments) => config::run(cli, arguments),
        Command::Completions(arguments) => completions::run(arguments),
        Command::Man(arguments) => man::run(arguments),
    }
}

/// Prints a line to standard output. A reader that has gone away, as `head` does, ends the program quietly.
pub fn say(line: impl std::fmt::Display) {
    use std::io::Write;
    if let Err(error) = writeln!(std::io::stdout(), "{line}") {
        let quiet = error.kind() == std::io::ErrorKind::BrokenPipe;
        std::process::exit(if quiet { 0 } else { 1 });
    }
}

/// Writes a document to a file, or to standard output.
fn write(text: &str, file: Option<&Path>) -> Result<(), Failure> {
    let Some(file) = file else {
        say(text);
        return Ok(());
    };
    std::fs::write(file, format!("{text}\n")).map_err(|error| {
        Failure::Message(format!("cannot write {}: {error}", file.display()), None)
    })
}
