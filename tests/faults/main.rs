//! Faults of processes, disks and the database, on real builds in real sandboxes. A small sample of each runs every day; whole
//! campaigns are ignored tests that print a row of a table each, for `.ci/faults`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "../support/mod.rs"]
mod support;

mod calls;
mod clock;
mod crowd;
mod disk;
mod family;
mod host;
mod index;
mod kills;
mod links;
mod power;
mod project;
mod rights;
mod seed;
mod space;
mod table;
mod threads;
