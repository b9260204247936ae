//! The commands and flags, with the help that `--help` shows.

mod cache;
mod inspect;
mod recipes;
mod setup;
mod store;
mod supply;

use std::env;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::builder::{BoolishValueParser, Resettable};
use clap::{Arg, ArgMatches, Args, CommandFactory, Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::exit;
use crate::journal::Wanted;
pub use cache::{Cache, CacheServe};
pub use inspect::{Asking, Cat, Diff, History, Ls, Query, Question, Ways};
pub use recipes::{Check, Fmt, Lock, MessageFormat, New, Schema, SchemaOf, Template, Update};
pub use setup::{Completions, Config, Doctor, Key, KeyCommand, Man};
pub use store::{Du, Gc, StoreCommand, StoreExport, StoreImport, StoreStats};
pub use supply::{Bill, Provenance, Rerunning, Sbom};

/// Realizes targets: describes a build as content-addressed nodes, runs what is missing in sandboxes, keeps every result.
#[derive(Debug, Parser)]
#[command(name = "pwb", version, about, disable_help_subcommand = true, after_help = exit::help())]
pub struct Cli {
    /// Read recipes from this folder instead of those built in.
    #[arg(long, global = true, value_name = "DIR", env = "PWB_RECIPES")]
    pub recipes: Option<PathBuf>,
    /// Keep results in this folder [default: pwb in $XDG_CACHE_HOME or ~/.cache].
    #[arg(long, global = true, value_name = "DIR", env = "PWB_STORE")]
    pub store: Option<PathBuf>,
    /// Tell errors to a person, or as JSON, a line each.
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        value_enum,
        default_value_t
    )]
    pub message_format: MessageFormat,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// What stands on the command line and in variables; an empty variable counts as none.
    pub fn matches() -> ArgMatches {
        without_empty_variables(Self::command()).get_matches()
    }
}

fn without_empty_variables(command: clap::Command) -> clap::Command {
    // An empty URL of a shared cache says that there is to be none.
    let without = |arg: Arg| match arg.get_env().and_then(env::var_os) {
        Some(value) if value.is_empty() && arg.get_id() != "remote" => arg.env(Resettable::Reset),
        _ => arg,
    };
    command
        .mut_args(without)
        .mut_subcommands(without_empty_variables)
}

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make targets or nodes, running only what is not in the store, and print where they are.
    Realize(Realize),
    /// Realize a target and run it; the working directory is visible in it, and nothing else of this machine.
    Run(Run),
    /// Run the checks of a target, each test in a sandbox of its own; verdicts that are known are not asked for again.
    Test(Test),
    /// Realize a target that is a web site, and show it to browsers; prints its URL. Ctrl-C ends it.
    Serve(Serve),
    /// Realize, and write the result as files of its own: a folder, an archive, a container image, a site to upload.
    Export(Export),
    /// Realize, and again whenever a local folder, the recipes or `pwb.ron` change.
    Watch(Watch),
    /// List the targets.
    List(List),
    /// Show what a target or node is made of, its options, and what of it is in the store.
    Show(Show),
    /// Draw the graph of a target or node.
    Graph(Graph),
    /// Enter the sandbox of a node: what its command sees, with your terminal in it.
    Shell(Shell),
    /// Ask who needs whom: what something is made from, what is made from it, and by which way.
    Query(Query),
    /// List what is in a result, without making files of it.
    Ls(Ls),
    /// Print a file of a result.
    Cat(Cat),
    /// Say what differs between two results, file by file. The exit code is 0 if nothing does, 1 if something does, 2 for trouble.
    Diff(Diff),
    /// Print the output of the latest run of a node.
    Log(Log),
    /// List the runs that the history knows: when, how long, how they ended; and whether results came out the same again.
    History(History),
    /// Say why a target or node would run, or why it ran: what changed since an earlier run, down to files.
    Why(Why),
    /// Say how often nodes ran and how often their results were there, and the time that took and saved.
    Stats(Stats),
    /// Write a build of the past as a page: what ran when, what it waited for, what came from the store.
    Report(Report),
    /// Say where a result comes from, for others to verify: an in-toto statement with SLSA provenance, signed if you like.
    Provenance(Provenance),
    /// List what went into a result: every download, package, patch and folder, as SPDX or CycloneDX.
    Sbom(Sbom),
    /// Read all recipes and lock files, and say everything that is wrong with them. Makes nothing.
    Check(Check),
    /// Lay recipes out in the one way they are laid out. Only indentation, spaces, line ends and commas change.
    Fmt(Fmt),
    /// Print the recipe language as a JSON Schema.
    Schema(Schema),
    /// Make a folder with recipes to begin with, and something that they build.
    New(New),
    /// Look for newer versions of what recipes pin, write them into the recipes, and say what changed.
    Update(Update),
    /// Compute the packages of a root anew, and write its lock file.
    Lock(Lock),
    /// Remove from the store what is of no use any more, and say what that was.
    Gc(Gc),
    /// Look at the store itself, mend it, and carry results to other machines.
    #[command(subcommand)]
    Store(StoreCommand),
    /// Say what takes the room in the store: what only a node's results hold, and what they share with others.
    Du(Du),
    /// Share the store with others.
    #[command(subcommand)]
    Cache(Cache),
    /// Make keys that results and provenance are signed with.
    Key(Key),
    /// Say what this machine permits, and what to do where it does not.
    Doctor(Doctor),
    /// Say what all settings are, and where each comes from.
    Config(Config),
    /// Print a script that lets a shell complete commands, flags and the names of targets and nodes.
    Completions(Completions),
    /// Print the manual, or write its pages into a folder.
    Man(Man),
}

/// What to build it from.
#[derive(Args, Debug)]
pub struct Options {
    /// Set an option; a list's option may be set several times. `recipe/option` names one of another recipe.
    #[arg(long = "set", value_name = "OPTION=VALUE", value_parser = pair)]
    pub sets: Vec<(String, String)>,
    /// Use a local folder in place of a node.
    #[arg(long = "override", value_name = "NODE=PATH", value_parser = pair)]
    pub overrides: Vec<(String, String)>,
}

/// How to build it.
#[derive(Args, Debug)]
pub struct Building {
    /// Run this many actions at once; the `make`s inside them share as many jobs [default: the number of cores].
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Use no network: what is not in the store is an error.
    #[arg(long)]
    pub offline: bool,
    /// After a failure go on with what does not depend on it.
    #[arg(long)]
    pub keep_going: bool,
    /// Run every compiler, whatever is known of equal calls.
    #[arg(long)]
    pub no_compile_cache: bool,
    /// Keep what a failed command has written, and say where.
    #[arg(long)]
    pub keep_failed: bool,
    /// Write what happens to this file as JSON, a line an event; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Write when what ran to this file, for Perfetto or chrome://tracing.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    #[command(flatten)]
    sharing: Sharing,
}

impl Building {
    /// Where to write down what happens, besides the store.
    pub fn wanted(&self) -> Wanted {
        Wanted {
            events: self.events.clone(),
            trace: self.trace.clone(),
        }
    }

    /// Whom to share results with; without the network, nobody.
    pub fn sharing(&self) -> Sharing {
        match self.offline {
            true => Sharing {
                remote: Some(String::new()),
                remote_upload: None,
                remote_execute: false,
            },
            false => self.sharing.clone(),
        }
    }
}

/// Whom to share results with.
#[derive(Args, Clone, Debug)]
pub struct Sharing {
    /// Look for results in this shared cache (Remote Execution API): grpc://HOST:PORT[/INSTANCE], or grpcs:// for TLS; an
    /// empty URL stands for none.
    #[arg(long, value_name = "URL", env = "PWB_REMOTE")]
    pub remote: Option<String>,
    /// Put results into it that were made here [default: never].
    #[arg(long, value_name = "WHEN", value_enum, env = "PWB_REMOTE_UPLOAD")]
    pub remote_upload: Option<Upload>,
    /// Run commands on its workers; what they cannot run runs here.
    #[arg(long, env = "PWB_REMOTE_EXECUTE", value_parser = BoolishValueParser::new())]
    pub remote_execute: bool,
}

/// When results are put into a shared cache.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ValueEnum)]
pub enum Upload {
    /// Never.
    #[default]
    Never,
    /// When all of what they name is there.
    Success,
}

/// `pwb realize`
#[derive(Args, Debug)]
pub struct Realize {
    /// Targets, or nodes by their full names.
    #[arg(required = true, value_name = "TARGET|NODE")]
    pub names: Vec<String>,
    /// Also make a symbolic link to the result; with several names, LINK-NAME for each.
    #[arg(long, value_name = "LINK")]
    pub out: Option<PathBuf>,
    /// Say what would run, and run nothing.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub rerunning: Rerunning,
    #[command(flatten)]
    pub options: Options,
    #[command(flatten)]
    pub building: Building,
}

/// `pwb run`
#[derive(Args, Debug)]
pub struct Run {
    /// The target.
    pub target: String,
    /// Arguments for it.
    #[arg(last = true)]
    pub arguments: Vec<String>,
    /// Pass an environment variable on, or set it.
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    pub environment: Vec<String>,
    /// Let it use the network.
    #[arg(long)]
    pub network: bool,
    #[command(flatten)]
    pub options: Options,
    #[command(flatten)]
    pub building: Building,
}

/// `pwb test`
#[derive(Args, Debug)]
pub struct Test {
    /// The target.
    pub target: String,
    /// Only these tests, by name [default: all].
    #[arg(last = true, value_name = "TEST")]
    pub tests: Vec<String>,
    /// List the tests, and run none.
    #[arg(long)]
    pub list: bool,
    /// Write the verdicts of all cases to this file, as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write what the target is made of and what works in it to this file, as Markdown.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub options: Options,
    #[command(flatten)]
    pub building: Building,
}

/// `pwb serve`
#[derive(Args, Debug)]
pub struct Serve {
    /// The target.
    pub target: String,
    /// Listen on this port; 0 is any that is free.
    #[arg(long, value_name = "N", default_value_t = 8000)]
    pub port: u16,
    /// Listen on this address. Browsers give threads only to pages of this machine itself and to those that come over TLS.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub listen: IpAddr,
    /// Open it in the browser.
    #[arg(long)]
    pub open: bool,
    #[command(flatten)]
    pub options: Options,
    #[command(flatten)]
    pub building: Building,
}

/// `pwb export`
#[derive(Args, Debug)]
pub struct Export {
    /// A target, or a node by its full name.
    #[arg(value_name = "TARGET|NODE")]
    pub name: String,
    /// As what.
    #[arg(long, value_enum)]
    pub format: As,
    /// Where to; nothing may be there [default: named after the target, in the working directory].
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub options: Options,
    #[command(flatten)]
    pub building: Building,
}

/// What a result is exported as. The same result gives the same bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum As {
    /// A folder.
    Dir,
    /// An archive, compressed.
    #[value(name = "tar.zst")]
    TarZst,
    /// An archive.
    Zip,
    /// A container image that runs the target: an OCI image layout in an archive.
    Oci,
    /// A folder to upload, with the files that tell web servers which headers to send.
    Site,
}

/// `pwb watch`
#[derive(Args, Debug)]
pub struct Watch {
    /// Targets, or nodes by their full names.
    #[arg(required = true, value_name = "TARGET|NODE")]
    pub names: Vec<String>,
    #[command(flatten)]
    pub options: Options,
    #[command(flatten)]
    pub building: Building,
}

/// `pwb list`
#[derive(Args, Debug)]
pub struct List {
    /// List the nodes too.
    #[arg(long)]
    pub nodes: bool,
}

/// `pwb show`
#[derive(Args, Debug)]
pub struct Show {
    /// A target, or a node by its full name.
    #[arg(value_name = "TARGET|NODE")]
    pub name: String,
    #[command(flatten)]
    pub sharing: Sharing,
    #[command(flatten)]
    pub options: Options,
}

/// `pwb graph`
#[derive(Args, Debug)]
pub struct Graph {
    /// A target, or a node by its full name.
    #[arg(value_name = "TARGET|NODE")]
    pub name: String,
    /// The notation.
    #[arg(long, value_enum, default_value_t = Format::Dot)]
    pub format: Format,
    /// Draw every package of a root as a node of its own.
    #[arg(long)]
    pub packages: bool,
    #[command(flatten)]
    pub options: Options,
}

/// A notation for graphs.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// Graphviz.
    Dot,
    /// Mermaid.
    Mermaid,
    /// Nodes and edges as JSON.
    Json,
    /// A picture, which says of each node whether it is in the store. It needs no other tool.
    Svg,
}

/// `pwb shell`
#[derive(Args, Debug)]
pub struct Shell {
    /// The node's full name, or a target.
    #[arg(value_name = "TARGET|NODE")]
    pub name: String,
    /// Run this in the command's place, not an interactive shell.
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
    /// With what the failed command has written, which `--keep-failed` kept; it is changed by what you do.
    #[arg(long)]
    pub failed: bool,
    #[command(flatten)]
    pub options: Options,
    #[command(flatten)]
    pub building: Building,
}

/// `pwb log`
#[derive(Args, Debug)]
pub struct Log {
    /// The node's full name.
    pub node: String,
    /// Print the path of the log, not the log.
    #[arg(long)]
    pub path: bool,
    /// Follow a run that is under way, of whatever pwb uses this store, until it ends.
    #[arg(short, long, conflicts_with = "path")]
    pub follow: bool,
}

/// `pwb why`
#[derive(Args, Debug)]
pub struct Why {
    /// A target, or a node by its full name.
    #[arg(value_name = "TARGET|NODE")]
    pub name: String,
    /// Compare with this run: a key or its beginning, or -1 for the latest, -2 for the one before, and so on
    /// [default: the latest run with the most similar options].
    #[arg(long, value_name = "KEY|-N", allow_hyphen_values = true)]
    pub against: Option<String>,
    /// Explain this run of the past, and not what would run now.
    #[arg(long, value_name = "KEY|-N", allow_hyphen_values = true)]
    pub of: Option<String>,
    /// List the runs that the history knows, the latest first.
    #[arg(long, conflicts_with_all = ["against", "of"])]
    pub list: bool,
    /// Print everything, however long it is.
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub sharing: Sharing,
    #[command(flatten)]
    pub options: Options,
}

/// `pwb stats`
#[derive(Args, Debug)]
pub struct Stats {
    /// Print JSON, of all nodes.
    #[arg(long)]
    pub json: bool,
    /// Print all nodes, not only those that took or saved the most.
    #[arg(long)]
    pub all: bool,
}

/// `pwb report`
#[derive(Args, Debug)]
pub struct Report {
    /// Which build: 1 is the latest, 2 the one before.
    #[arg(default_value_t = 1, value_name = "N")]
    pub build: usize,
    /// List the builds that are kept, the latest first.
    #[arg(long)]
    pub list: bool,
    /// Read this file, as `--events` writes it, and not the store's.
    #[arg(long, value_name = "FILE", conflicts_with = "build")]
    pub journal: Option<PathBuf>,
    /// Where the page goes.
    #[arg(short, long, value_name = "FILE", default_value = "pwb-report.html")]
    pub output: PathBuf,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("there is no `=` in it")?;
    Ok((name.to_owned(), value.to_owned()))
}
