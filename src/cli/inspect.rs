//! Flags of the commands that look into graphs, results and the past.

use clap::{Args, Subcommand};

use super::{Format, Options, Sharing};

/// `pwb query`
#[derive(Args, Debug)]
pub struct Query {
    /// What to ask.
    #[command(subcommand)]
    pub question: Question,
}

/// What to ask of a graph.
#[derive(Debug, Subcommand)]
pub enum Question {
    /// What NAME is made from, itself included; each after what it needs.
    Deps {
        /// A target, or a node by its full name.
        #[arg(value_name = "TARGET|NODE")]
        name: String,
        #[command(flatten)]
        depth: Depth,
        #[command(flatten)]
        asking: Asking,
    },
    /// What is made from NODE, itself included, and the targets that need it.
    Rdeps {
        /// A node by its full name, a package of a root (ROOT/PACKAGE), or a target.
        #[arg(value_name = "NODE")]
        node: String,
        /// Only in what this is made from [default: all targets].
        #[arg(long, value_name = "TARGET|NODE")]
        of: Vec<String>,
        #[command(flatten)]
        depth: Depth,
        #[command(flatten)]
        asking: Asking,
    },
    /// A shortest way from FROM down to TO, which it needs, and what each is used as.
    Somepath(Ways),
    /// All that lies on any way from FROM down to TO.
    Allpaths(Ways),
}

/// Where ways begin and end.
#[derive(Args, Debug)]
pub struct Ways {
    /// A target, or a node by its full name.
    #[arg(value_name = "FROM")]
    pub from: String,
    /// What it needs: a node by its full name, a package of a root (ROOT/PACKAGE), or a target.
    #[arg(value_name = "TO")]
    pub to: String,
    #[command(flatten)]
    pub asking: Asking,
}

/// How far to go.
#[derive(Args, Debug)]
pub struct Depth {
    /// Go so many steps; 1 is what is needed directly [default: all the way].
    #[arg(long, value_name = "N")]
    pub depth: Option<usize>,
}

/// How to ask, and how to answer.
#[derive(Args, Debug)]
pub struct Asking {
    /// Name the packages of roots too.
    #[arg(long)]
    pub packages: bool,
    /// Answer with nodes and edges as JSON: short for --format json.
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// Answer with a drawing [default: names, one a line].
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    #[command(flatten)]
    pub options: Options,
}

/// What is looked into, for the help of each command that does.
const ARTIFACT: &str = "NAME is a target or a node, as it would be realized now: its result, which has to be in the store or in the shared cache. \
NAME@-1 is the result of the node's latest run, NAME@-2 that of the one before, NAME@KEY that of the run whose key begins so (`pwb history NAME` lists them). \
A digest, or its beginning from six digits on, is that tree or file of the store; so is a path that `pwb realize` has printed.";

/// `pwb ls`
#[derive(Args, Debug)]
#[command(after_help = ARTIFACT)]
pub struct Ls {
    /// What to look into.
    #[arg(value_name = "NAME[:PATH]")]
    pub artifact: String,
    /// Kind (`-` a file, `x` an executable one, `d` a folder, `l` a link), size in bytes and the beginning of the digest too.
    #[arg(short, long)]
    pub long: bool,
    /// What is in folders too, and in those.
    #[arg(short = 'R', long)]
    pub recursive: bool,
    /// Print JSON, with whole digests.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub sharing: Sharing,
    #[command(flatten)]
    pub options: Options,
}

/// `pwb cat`
#[derive(Args, Debug)]
#[command(after_help = ARTIFACT)]
pub struct Cat {
    /// The file.
    #[arg(value_name = "NAME:PATH")]
    pub artifact: String,
    #[command(flatten)]
    pub sharing: Sharing,
    #[command(flatten)]
    pub options: Options,
}

/// `pwb diff`
#[derive(Args, Debug)]
#[command(after_help = ARTIFACT)]
pub struct Diff {
    /// The old one.
    #[arg(value_name = "OLD[:PATH]")]
    pub old: String,
    /// The new one.
    #[arg(value_name = "NEW[:PATH]")]
    pub new: String,
    /// Only which files differ, and their sizes.
    #[arg(long)]
    pub stat: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub sharing: Sharing,
    #[command(flatten)]
    pub options: Options,
}

/// `pwb history`
#[derive(Args, Debug)]
pub struct History {
    /// A target, a node by its full name, or a package of a root (ROOT/PACKAGE) [default: all nodes].
    #[arg(value_name = "TARGET|NODE")]
    pub name: Option<String>,
    /// Only the latest N [default: all of a node's, 40 of all nodes'].
    #[arg(short, long, value_name = "N")]
    pub number: Option<usize>,
    /// Print JSON, with times in seconds.
    #[arg(long)]
    pub json: bool,
}
