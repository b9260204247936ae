//! A real server on a store of its own, asked by clients made by hand.

mod access;
mod blobs;
mod bytes;
mod life;
mod results;
mod served;
mod trees;
