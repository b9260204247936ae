//! From pinned names to files: downloads, the Debian mirror, archives, and the closure that a lock file records.
//!
//! `Origin + Pin -> Fetcher -> file -> unpack -> Listing`. Only what has the pinned digest leaves this module. It knows
//! no store: whoever unpacks says where contents go. The one part of pwb that opens connections.

mod apt;
mod budget;
mod client;
mod closure;
mod codec;
mod deb;
mod download;
mod error;
mod failure;
mod http;
mod index;
mod intake;
mod listing;
mod mirror;
mod newer;
mod partial;
mod places;
mod tar;
mod unpack;
mod zip;

pub use closure::closure;
pub use download::{Fetched, Fetcher, Progress, Settings, Timeouts};
pub use error::{Error, Result};
pub use failure::{Cause, Failure};
pub use intake::Limits;
pub use listing::{Item, Listing};
pub use mirror::Mirror;
pub use newer::{Newer, Newest};
pub use places::{Place, Places};
pub use pwb_cache::Kind;
pub use unpack::unpack;
