//! Programs of the host that faults are made with, and what they mount, for as long as it is wanted.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::listing;

/// What a program says that must succeed.
#[track_caller]
pub fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {output:?}"
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .trim_end()
        .to_owned()
}

/// Whether the tests run as root; what wants that says so otherwise.
pub fn is_root(wanted: &str) -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        println!("not run: wants root, for {wanted}");
    }
    root
}

/// That no process has left temporary files or locks in the store.
#[track_caller]
pub fn settled(store: &Path) {
    for folder in ["tmp", "locks"] {
        let left = listing(&store.join(folder));
        assert!(left.is_empty(), "{folder}: {left:?}");
    }
}

/// A file system that is mounted until this is dropped.
pub struct Mount {
    place: PathBuf,
    device: Option<String>,
}

impl Mount {
    /// What is in a file, as a disk.
    #[track_caller]
    pub fn image(image: &Path, place: &Path) -> Mount {
        let device = run("losetup", &["--find", "--show", image.to_str().unwrap()]);
        let mut mount = Mount {
            place: PathBuf::new(),
            device: Some(device.clone()),
        };
        run("mount", &[&device, place.to_str().unwrap()]);
        mount.place = place.to_owned();
        mount
    }

    /// One in memory, with these options.
    #[track_caller]
    pub fn memory(options: &str, place: &Path) -> Mount {
        run(
            "mount",
            &[
                "-t",
                "tmpfs",
                "-o",
                options,
                "none",
                place.to_str().unwrap(),
            ],
        );
        Mount {
            place: place.to_owned(),
            device: None,
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let quietly = |program: &str, argument: &str| {
            let _ = Command::new(program)
                .arg(argument)
                .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
                .output();
        };
        if self.place != Path::new("") {
            quietly("umount", self.place.to_str().unwrap());
        }
        if let Some(device) = &self.device {
            let _ = Command::new("losetup")
                .args(["--detach", device])
                .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
                .output();
        }
    }
}
