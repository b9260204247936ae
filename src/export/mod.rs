//! Results as files outside the store. The same result gives the same bytes: entries are sorted, and times, owners and modes are fixed.
//! Knows nothing of recipes.

mod compressed;
mod contents;
mod folder;
mod hosts;
mod oci;
mod place;
mod tar;
mod zip;

pub use compressed::Compressed;
pub use contents::Contents;
pub use oci::Image;
pub use place::Place;
pub use tar::Tar;
pub use zip::write as write_zip;
pub use {folder::fill, hosts::add as add_host_files};
