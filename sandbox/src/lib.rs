//! Runs one process in isolation: a file tree as its root, declared mounts, nothing else of the host.
//!
//! This crate knows nothing of graphs, caches or recipes. Its only input is a [`Spec`], its only output an
//! [`Exit`] and the bytes that the process wrote.
//!
//! Linux namespaces are set up by forks of a re-exec of the calling binary, so the first line of its `main` must be
//! [`enter_if_asked`]. [`run`] refuses to work in a process that has not called it.
//!
//! ```no_run
//! use pwb_sandbox::{Spec, Stdio};
//! pwb_sandbox::enter_if_asked();
//! let spec = Spec {
//!     root: "/store/trees/debian".into(),
//!     mounts: vec![],
//!     calling: None,
//!     argv: vec!["make".into()],
//!     env: vec![("PATH".into(), "/usr/bin".into())],
//!     cwd: "/".into(),
//!     stdio: Stdio::Captured,
//!     network: false,
//!     timeout: None,
//!     scratch: "/store/scratch/1".into(),
//! };
//! let mut log = Vec::new();
//! let exit = pwb_sandbox::run(&spec, &mut |bytes| log.extend_from_slice(bytes))?;
//! # Ok::<(), pwb_sandbox::Error>(())
//! ```
// In tests a panic is the verdict.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod advice;
mod birth;
mod bounds;
mod call;
mod dev;
mod devices;
pub mod doctor;
pub mod errand;
mod error;
mod init;
mod layout;
mod lifeline;
mod mounts;
mod nursery;
mod outlet;
mod overlay;
mod remove;
mod report;
mod room;
mod run;
mod seccomp;
mod spec;
mod sys;
mod terminal;
mod watch;

pub use birth::leave;
pub use call::{Call, Calls, Watched};
pub use error::{Error, Kind};
pub use nursery::enter_if_asked;
pub use remove::remove_tree;
pub use report::Step;
pub use run::run;
pub use spec::{Calling, Exit, Mount, Source, Spec, Status, Stdio, Usage};
pub use watch::Access;
