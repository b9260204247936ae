//! What to run, in what order, and why.
//!
//! Data flows one way: `recipe text -> Library -> Graph -> Action -> ActionKey -> hit | run -> ActionResult`.
//! The crate prints nothing: what happens is told as [`Event`]s, what went wrong as an [`Error`].

pub mod check;
mod compile;
mod error;
mod event;
mod executor;
pub mod fetch;
mod graph;
mod jobserver;
mod launch;
mod lineage;
mod memory;
mod plan;
mod planned;
mod prepare;
mod query;
mod realize;
pub mod recipe;
mod rerun;
mod schedule;
mod settings;
mod shell;
pub mod why;
mod work;

pub use compile::{Reason, Tally};
pub use error::{Error, Failure, Result};
pub use event::{Event, Happening, Observer};
pub use graph::{Goal, Graph, Input, Request, Step, StepId, Suite, Work};
pub use launch::{Launch, launch};
pub use memory::Memory;
pub use plan::{Known, Plan, part};
pub use planned::Planned;
pub use prepare::fingerprint;
pub use pwb_cache::{Kind, Store};
pub use realize::{Realized, plan, realize};
pub use rerun::{Reran, rerun};
pub use settings::Settings;
pub use shell::Shell;
pub use work::Ignored;
