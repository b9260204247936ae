//! A real server on a store of its own, asked by clients made by hand.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod access;
mod behind;
mod blobs;
mod bytes;
mod life;
mod results;
mod served;
mod trees;
