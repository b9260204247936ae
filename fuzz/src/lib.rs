//! What pwb promises of bytes that others wrote: one function a target, which panics where a promise is broken.
//!
//! A fuzzer calls them (`.ci/fuzz`), and so do the everyday tests with the kept corpora. The crate knows no fuzzer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod archive;
pub mod directory;
pub mod grpc;
pub mod http;
pub mod lock;
mod pieces;
pub mod recipe;
mod scratch;
