//! Archives made by the real programs, archives made to do harm, and bytes that are none.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod bombs;
mod damage;
mod names;
mod raw;
mod real;
mod store;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use pwb_cache::Digest;
use pwb_engine::fetch::{Error, Item, Kind, Limits, Listing, unpack};
use pwb_engine::recipe::Unpack;

const TAR: Unpack = Unpack::Tar { strip: 0 };

/// Unpacks with little room, so that waiting for room is part of every test.
fn limits() -> Limits {
    Limits {
        in_flight: 64,
        threads: 2,
        ..Limits::default()
    }
}

/// The listing, with every file's contents by digest.
fn open(archive: &Path, how: &Unpack) -> Result<(Listing, BTreeMap<String, Vec<u8>>), Error> {
    let contents = Mutex::new(BTreeMap::new());
    let listing = unpack::<Error>(archive, how, &limits(), |bytes, _| {
        let digest = Digest::of(&bytes);
        contents.lock().unwrap().insert(digest.to_string(), bytes);
        Ok(digest)
    })?;
    Ok((listing, contents.into_inner().unwrap()))
}

/// One line an entry: `d dir`, `x run 4` (an executable and its size), `f file 4`, `l link -> target`.
fn lines(archive: &Path, how: &Unpack) -> String {
    let (listing, contents) = open(archive, how).unwrap_or_else(|error| panic!("{error}"));
    let line = |(path, item): (_, &Item)| match item {
        Item::Directory => format!("d {path}\n"),
        Item::Symlink(target) => format!("l {path} -> {target}\n"),
        Item::File { digest, executable } => {
            assert_eq!(contents[&digest.to_string()].len() as u64, digest.size());
            format!(
                "{} {path} {}\n",
                if *executable { 'x' } else { 'f' },
                digest.size()
            )
        }
    };
    listing.iter().map(line).collect()
}

fn refusal(archive: &Path, how: &Unpack) -> (String, String) {
    match open(archive, how) {
        Err(error @ Error::Refused { .. }) => {
            assert_eq!(error.kind(), Kind::Recipe);
            let Error::Refused { entry, why, .. } = error else {
                unreachable!()
            };
            (entry, why)
        }
        Err(error) => panic!("not a refusal: {error}"),
        Ok(_) => panic!("it was taken"),
    }
}
