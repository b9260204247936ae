//! Files that are not the command's own.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;

use pwb_sandbox::Source;

use super::support::Sandbox;
use super::{all_failed, verdict};

/// All of a file that a change would show in, its contents aside.
fn stamp(data: &Metadata) -> [i64; 7] {
    let numbers = [
        data.ino(),
        data.mode().into(),
        data.uid().into(),
        data.nlink(),
    ];
    let [inode, mode, user, links] = numbers.map(u64::cast_signed);
    [
        inode,
        mode,
        user,
        links,
        data.mtime(),
        data.ctime(),
        data.ctime_nsec(),
    ]
}

#[test]
fn the_hosts_devices_stay_as_they_are() {
    for sandbox in Sandbox::each() {
        let before = fs::metadata("/dev/null").unwrap();
        let mut attempts = sandbox.attack(&["devices"]);
        // A pipe, which goes with the command.
        assert_eq!(verdict(&attempts, "chmod the output"), "did");
        attempts.retain(|attempt| !attempt.starts_with("chmod the output"));
        all_failed(&attempts, &["EROFS", "EPERM", "EBUSY", "ENXIO"]);
        let after = fs::metadata("/dev/null").unwrap();
        assert_eq!(
            (before.mode(), before.ctime()),
            (after.mode(), after.ctime())
        );
    }
}

#[test]
fn what_is_read_only_cannot_be_damaged() {
    for mut sandbox in Sandbox::each() {
        let (plain, grown) = (sandbox.make("plain"), sandbox.make("grown"));
        let out = sandbox.make("out");
        let overlay = sandbox.overlay("build");
        let files = ["plain/file", "grown/file", "build/lower/file"];
        let files = files.map(|name| sandbox.write(name, "kept"));
        sandbox.mount("/plain", Source::ReadOnly(plain));
        // With a mount point made in it, it is an overlay.
        sandbox.mount("/grown", Source::ReadOnly(grown));
        sandbox.mount("/grown/more", Source::ReadOnly(out.clone()));
        sandbox.mount("/out", Source::Writable(out));
        let before = files
            .each_ref()
            .map(|file| stamp(&fs::metadata(file).unwrap()));
        // ENOTTY, EOPNOTSUPP: what this file system has not got.
        let errors = [
            "EROFS",
            "EPERM",
            "EACCES",
            "EBADF",
            "EINVAL",
            "EXDEV",
            "ENOTTY",
            "EOPNOTSUPP",
        ];
        for path in ["/plain/file", "/grown/file", "/in-root"] {
            all_failed(&sandbox.attack(&["damage", path]), &errors);
        }
        sandbox.mount("/build", overlay);
        // Here all may be done, and to a copy.
        let own = sandbox.attack(&["damage", "/build/file"]);
        assert_eq!(verdict(&own, "cut"), "did");
        for (file, before) in files.iter().zip(before) {
            assert_eq!(fs::read_to_string(file).unwrap(), "kept");
            assert_eq!(stamp(&fs::metadata(file).unwrap()), before);
        }
    }
}
