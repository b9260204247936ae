//! Mounts, namespaces, the machine, `/proc` and privileges.

use super::support::Sandbox;
use super::{all_failed, verdict};

#[test]
fn mounts_and_namespaces_stay_as_they_are() {
    for sandbox in Sandbox::each() {
        let attempts = sandbox.attack(&["mounts"]);
        // ENOSYS: calls whose arguments no filter can see, so they are as if unknown.
        all_failed(&attempts, &["EPERM", "ENOSYS"]);
        for name in ["unshare user", "clone user", "setns user", "fsopen"] {
            assert_eq!(verdict(&attempts, name), "EPERM");
        }
        for name in ["clone3", "openat2"] {
            assert_eq!(verdict(&attempts, name), "ENOSYS");
        }
    }
}

#[test]
fn the_machine_and_the_kernels_tools_are_out_of_reach() {
    for sandbox in Sandbox::each() {
        let mut attempts = sandbox.attack(&["machine"]);
        // What is harmless works: it is not that everything fails.
        assert_eq!(verdict(&attempts, "read the clock"), "did");
        if cfg!(target_arch = "x86_64") {
            assert_eq!(verdict(&attempts, "getpid by int 0x80"), "SIGSYS");
        }
        attempts.retain(|attempt| !attempt.starts_with("read") && !attempt.contains("int 0x80"));
        all_failed(&attempts, &["EPERM", "ENOSYS"]);
    }
}

#[test]
fn proc_says_little_and_takes_nothing() {
    for sandbox in Sandbox::each() {
        let attempts = sandbox.attack(&["proc"]);
        for attempt in attempts {
            let (what, verdict) = attempt.rsplit_once(": ").unwrap();
            // Not every kernel has all of them.
            let expected: &[&str] = match what.split_once(' ').unwrap().0 {
                "write" => &["EROFS", "ENOENT"],
                "read" => &["EACCES", "EPERM", "ENOENT"],
                _ => &["ENOENT"],
            };
            assert!(expected.contains(&verdict), "{attempt}");
        }
    }
}

#[test]
fn no_privilege_can_be_had_or_left_behind() {
    for sandbox in Sandbox::each() {
        let attempts = sandbox.attack(&["privileges"]);
        all_failed(&attempts, &["EPERM", "EINVAL", "EACCES"]);
        let set_id = attempts.iter().filter(|name| name.starts_with("set-"));
        all_failed(&set_id.cloned().collect::<Vec<_>>(), &["EPERM"]);
    }
}
