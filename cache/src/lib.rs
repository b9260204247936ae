//! What already exists: digests, trees, the content store and its index.
//!
//! The crate knows neither recipes nor processes: it keeps bytes by their digest, trees by the digest of their root
//! [`Directory`], and results by the key of the action that made them.

mod action;
mod answer;
mod batch;
mod beginning;
mod blob;
mod call;
mod changes;
mod checksum;
pub mod crew;
mod digest;
mod directories;
mod directory;
mod disk;
mod entries;
mod error;
mod filter;
pub mod fs;
mod gate;
mod gc;
mod history;
mod index;
mod ingest;
mod key;
mod layer;
mod lock;
mod materialize;
mod memo;
mod name;
mod origin;
mod pack;
mod path;
mod pin;
mod presence;
mod publish;
mod rebuild;
mod repair;
mod rerun;
mod result;
mod root;
mod session;
mod sha256;
mod snapshot;
mod sound;
mod stamp;
mod store;
mod tree;
mod upstream;
mod usage;
mod uses;
mod verify;
mod workers;

/// The messages of the Remote Execution API v2 that keys and trees are made of. prost writes fields in tag order, which is the
/// canonical encoding; whoever fills a list sorts it as the specification says.
pub use bazel_remote_apis::build::bazel::remote::execution::v2 as reapi;
pub use bazel_remote_apis::google::protobuf as google;

pub use action::Action;
pub use batch::{Batch, New};
pub use blob::Blob;
pub use call::{CallFile, CallResult};
pub use changes::{PathChange, changes};
pub use digest::Digest;
pub use directory::{Directory, Entry, TreeDigest};
pub use error::{Error, Kind, Result};
pub use filter::{Filter, Pattern, PatternError};
pub use gc::{Amount, Collected, Part, Policy};
pub use history::{CallCount, Feed, Lineage, NodeStatistics, Outcome, PastRun, Run};
pub use ingest::Ignore;
pub use key::ActionKey;
pub use lock::Lock;
pub use name::{Function, Hasher, Name};
pub use origin::Origin;
pub use pack::KnownCall;
pub use path::{DEEPEST, TreePath, TreePathError};
pub use publish::{Publication, Publisher};
pub use rebuild::{Rebuilt, rebuild};
pub use rerun::{Again, PastRerun, Rerun};
pub use result::ActionResult;
pub use session::Session;
pub use sha256::Sha256;
pub use store::{MTIME, Store};
pub use tree::{Conflict, Tree, TreeNode};
pub use upstream::Upstream;
pub use usage::Usage;
pub use verify::{Fault, Verified};
pub use workers::{Executed, Workers};
