//! The host's own mirror through the host's own apt: the closure of a small package, its download, its files.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::path::Path;

use pwb_cache::{Digest, TreePath};
use pwb_engine::fetch::{
    Cause, Error, Fetcher, Item, Kind, Limits, Mirror, Places, Settings, Timeouts, closure, unpack,
};
use pwb_engine::recipe::{Lock, Origin, Pin, RelativePath, Sha256, Unpack};

fn fetcher(scratch: &Path, offline: bool) -> Fetcher {
    let settings = Settings {
        scratch: scratch.to_owned(),
        places: Places::default(),
        offline,
        timeouts: Timeouts::default(),
    };
    Fetcher::new(settings)
}

#[test]
fn a_closure_is_resolved_downloaded_and_unpacked() {
    if !Path::new("/usr/bin/apt-get").exists() {
        eprintln!("skipped: this host has no apt, and so no mirror that the test may use");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let fetcher = fetcher(scratch.path(), false);
    let mirror = fetcher.mirror().unwrap();
    assert!(!mirror.base().ends_with('/'));

    let want = ["hostname".to_owned(), "libstdc++6".to_owned()];
    let lock = closure(mirror, "trixie", "amd64", &want, folder.path()).unwrap();
    let names: Vec<&str> = lock
        .packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    assert!(
        names.is_sorted()
            && ["hostname", "libc6", "libgcc-s1", "libstdc++6"]
                .iter()
                .all(|name| names.contains(name))
    );
    assert!(
        !names.contains(&"dash"),
        "an essential package that nothing names: {names:?}"
    );
    assert_eq!(
        closure(mirror, "trixie", "amd64", &want, folder.path()).unwrap(),
        lock
    );

    refuse_what_there_is_not(mirror, folder.path());
    check_files(&fetcher, &lock);
    check_failures(&fetcher, scratch.path(), &lock);
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
}

fn refuse_what_there_is_not(mirror: &Mirror, folder: &Path) {
    for bad in ["no-such-package-at-all", "make-", "-o"] {
        let error = closure(mirror, "trixie", "amd64", &[bad.to_owned()], folder).unwrap_err();
        assert!(matches!(error, Error::Unsatisfiable { .. }), "{error}");
        assert_eq!(error.kind(), Kind::Recipe);
        assert!(error.to_string().contains(bad), "{error}");
    }
    let error = closure(
        mirror,
        "no-such-suite",
        "amd64",
        &["make".to_owned()],
        folder,
    )
    .unwrap_err();
    assert!(matches!(error, Error::Apt { .. }), "{error}");
}

fn check_files(fetcher: &Fetcher, lock: &Lock) {
    let mut listings = BTreeMap::new();
    for package in &lock.packages {
        let from = [Origin::Debian(package.path.clone())];
        let mut last = 0;
        let fetched = fetcher
            .fetch(&from, Pin::Sha256(package.sha256), &mut |now| {
                last = now.bytes
            })
            .unwrap();
        assert_eq!((fetched.size, last), (package.size, package.size));
        let put = |bytes: Vec<u8>, _| Ok::<_, Error>(Digest::of(&bytes));
        let listing = unpack(&fetched.file, &Unpack::Deb, &Limits::default(), put).unwrap();
        listings.insert(package.name.clone(), listing);
    }
    assert_eq!(listings.len(), lock.packages.len());
    let program = TreePath::parse("usr/bin/hostname").unwrap();
    assert!(matches!(
        listings["hostname"].get(&program),
        Some(Item::File {
            executable: true,
            ..
        })
    ));
    let link = TreePath::parse("usr/lib/x86_64-linux-gnu/libstdc++.so.6").unwrap();
    assert!(matches!(
        listings["libstdc++6"].get(&link),
        Some(Item::Symlink(_))
    ));
}

fn check_failures(fetcher: &Fetcher, scratch: &Path, lock: &Lock) {
    let package = lock.package("hostname").unwrap();
    let gone = Origin::Debian(RelativePath::parse("pool/main/n/none/none_1+b~2_all.deb").unwrap());
    let there = Origin::Debian(package.path.clone());
    let pin = Pin::Sha256(package.sha256);
    let fetched = fetcher
        .fetch(&[gone.clone(), there.clone()], pin, &mut |_| {})
        .unwrap();
    assert!(
        matches!(&fetched.failures[0].cause, Cause::Gone { answer } if answer.starts_with("404")),
        "{:?}",
        fetched.failures
    );
    let error = fetcher
        .fetch(
            std::slice::from_ref(&there),
            Pin::Sha256(Sha256([7; 32])),
            &mut |_| {},
        )
        .unwrap_err();
    assert!(error.to_string().contains(&pin.to_string()), "{error}");

    let offline = self::fetcher(scratch, true);
    assert!(matches!(
        offline.fetch(&[there], pin, &mut |_| {}),
        Err(Error::Offline { .. })
    ));
}
