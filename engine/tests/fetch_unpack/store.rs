//! A store that fails while an archive is unpacked into it.

use std::sync::atomic::{AtomicUsize, Ordering};

use pwb_cache::Digest;
use pwb_engine::fetch::{Error, unpack};

use crate::real::{run, sample};
use crate::{TAR, limits};

#[test]
fn the_stores_error_ends_the_unpacking() {
    let folder = sample();
    run(folder.path(), "tar", &["-cf", "all.tar", "top"]);
    let calls = AtomicUsize::new(0);
    let outcome = unpack(
        &folder.path().join("all.tar"),
        &TAR,
        &limits(),
        |_, _| -> Result<Digest, Error> {
            calls.fetch_add(1, Ordering::Relaxed);
            Err(Error::AptAnswer("the store's".into()))
        },
    );
    assert!(matches!(outcome, Err(Error::AptAnswer(_))));
    assert!(calls.into_inner() <= 2, "one a worker");
}

#[test]
fn a_store_that_panics_hangs_nobody() {
    let folder = sample();
    run(folder.path(), "tar", &["-cf", "all.tar", "top"]);
    let unpacking = std::panic::catch_unwind(|| {
        unpack::<Error>(&folder.path().join("all.tar"), &TAR, &limits(), |_, _| {
            panic!("the store's")
        })
    });
    assert!(unpacking.is_err());
}
