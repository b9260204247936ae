//! The recipe language: `recipe text -> parsed Recipe -> checked Library`.
//!
//! A [`Library`] is all recipes of a folder, checked: names resolve, paths are clean, nothing collides, there is no
//! cycle. All errors are found before anything runs, each with its place ([`Diagnostic`]).
//! This module reads no file, runs nothing and knows nothing of keys; `docs/recipes.md` is the language's reference.

mod brackets;
mod check;
mod code;
mod cycle;
mod diagnostic;
mod digest;
mod excerpt;
mod explain;
mod fails;
mod format;
mod item;
mod library;
mod lock;
mod locks;
mod name;
mod node;
mod option;
mod path;
mod read;
mod reader;
mod registry;
mod schema;
mod sink;
mod source;
mod suggest;
mod syntax;
mod target;
mod unused;
mod updates;
mod version;

pub use code::Code;
pub use diagnostic::{Diagnostic, Diagnostics, Label, Severity};
pub use digest::{Blake3, DigestError, Pin, Sha256};
pub use fails::{CasePattern, Fails};
pub use format::format;
pub use item::{Condition, Item, Items, Word};
pub use library::{Library, Locks, Recipe, Wanted};
pub use lock::{Lock, Package};
pub use name::{NodeName, OptionName, Reference};
pub use node::{
    Check, Debian, Fetch, Node, NodeKind, Origin, Root, Run, SourceFolder, Unpack, Use, Winner,
    Written,
};
pub use option::{OptionKind, OptionSpec, Value, Values};
pub use path::{PathError, RelativePath, SandboxPath};
pub use registry::{NpmFile, PypiFile, RegistryError, Wheel};
pub use schema::{lock_schema, recipe_schema};
pub use source::{Location, Source, Span, Spanned};
pub use target::{Exec, Site, Target};
pub use updates::Updates;
pub use version::{Version, replace_version};
