//! From pieces of RON to the types of the language, one recipe at a time. What another recipe says is not known here,
//! save for the options; `check` looks at the whole.

mod check;
mod fetch;
mod item;
mod lock;
mod option;
mod path;
mod recipe;
mod root;
mod run;
mod source;
mod target;

pub(super) use lock::read_lock;
pub(super) use recipe::{Draft, Files, read};
