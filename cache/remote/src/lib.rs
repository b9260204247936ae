//! The Remote Execution API v2: a client of shared caches, and a server of the local store.
//!
//! The crate knows neither recipes nor processes. It speaks for the store and to it: what the store lacks it asks of a
//! [`Client`], what others lack they ask of a [`server`].

pub mod archive;
mod client;
mod error;
mod key;
mod record;
pub mod server;

pub use client::{Client, Headers, Notice, Settings, Tls, Url};
pub use error::{Error, Result};
pub use key::{PublicKey, SecretKey};
