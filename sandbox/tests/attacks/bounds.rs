//! A command that takes all it can get.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use pwb_sandbox::{Source, Status};

use super::support::Sandbox;

#[test]
fn a_fork_bomb_fills_its_own_room_only() {
    for mut sandbox in Sandbox::each() {
        sandbox.timeout = Some(Duration::from_secs(60));
        let hosts = fs::read_to_string("/proc/sys/kernel/pid_max").unwrap();
        let said = sandbox.attack(&["bomb"]);
        let (children, error) = said[0].split_once(' ').unwrap();
        let children: u32 = children.parse().unwrap();
        assert!(
            (4000..8192).contains(&children) && error == "EAGAIN",
            "{said:?}"
        );
        assert_eq!(
            fs::read_to_string("/proc/sys/kernel/pid_max").unwrap(),
            hosts
        );
        // All of them are gone, and the next one has room.
        assert_eq!(sandbox.sh("echo fine").text(), "fine");
    }
}

#[test]
fn a_file_of_a_terabyte_cannot_be_made() {
    for mut sandbox in Sandbox::each() {
        let out = sandbox.make("out");
        sandbox.mount("/out", Source::Writable(out.clone()));
        let limit = sandbox.sh("ulimit -f");
        // In blocks of 512 bytes.
        assert_eq!(limit.text(), (256_u64 << 30 >> 9).to_string());
        let tried = sandbox.run(&["attacker", "sparse", "/out/file"]);
        assert_eq!(tried.status(), Status::Signal(25), "{tried:?}");
        assert_eq!(fs::metadata(out.join("file")).unwrap().len(), 0);
    }
}

#[test]
fn the_command_goes_first_when_memory_runs_out() {
    for sandbox in Sandbox::each() {
        let scores = sandbox.sh("cat /proc/self/oom_score_adj; (echo 0 > /proc/self/oom_score_adj) 2>/dev/null || echo kept");
        assert_eq!(scores.text(), "1000\nkept");
    }
}

#[test]
fn no_command_outlives_its_time() {
    // Stopped, orphaned, in sessions of their own, deaf to signals, with init stopped as well: and no end of them.
    let script = "trap '' TERM INT HUP QUIT ALRM USR1 USR2; kill -STOP 1
        (setsid sh -c 'trap \"\" TERM; kill -STOP $$' &) ; (setsid setsid sh -c 'while :; do (:) & done' &)
        echo begun; kill -STOP $$";
    for mut sandbox in Sandbox::each() {
        sandbox.timeout = Some(Duration::from_secs(1));
        let ended = sandbox.sh(script);
        let exit = ended.exit.unwrap();
        assert_eq!((exit.status, &*ended.output), (Status::TimedOut, "begun\n"));
        assert!(exit.wall < Duration::from_secs(10), "{exit:?}");
    }
}

/// A control group of the host with 256 MiB of memory.
struct Group(PathBuf);

impl Group {
    fn new() -> Self {
        let kinds = [
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            ("/sys/fs/cgroup", "memory.max"),
        ];
        let name = format!("pwb-attacked-{}", std::process::id());
        let made = kinds.iter().find_map(|(folder, limit)| {
            let folder = Path::new(folder).join(&name);
            fs::create_dir(&folder).ok()?;
            let set = fs::write(folder.join(limit), (256_u32 << 20).to_string());
            Some(Self(folder)).filter(|_| set.is_ok())
        });
        made.unwrap()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
#[ignore = "wants the superuser and control groups for memory"]
fn memory_that_runs_out_takes_the_command_and_spares_pwb() {
    let group = Group::new();
    for sandbox in Sandbox::each() {
        for script in ["attacker hog", "cat /dev/zero > /tmp/x; echo survived"] {
            let probe = sandbox.starter(&sandbox.spec(&["sh", "-c", script]));
            let ended = Command::new("sh")
                .args(["-c", "echo $$ > $0/cgroup.procs && exec \"$@\""])
                .arg(&group.0)
                .arg(probe.get_program())
                .args(probe.get_args())
                .status();
            // The one that stands for pwb ends well, and knows how the command ended.
            assert!(ended.unwrap().success(), "{script}");
            // Where memory was files, all of the sandbox has to go.
            let outcome = sandbox.outcome();
            match outcome.exit {
                None => assert_eq!(outcome.error, "the sandbox was killed from outside"),
                Some(exit) => assert!(
                    matches!(exit.status, Status::Signal(9) | Status::Code(137)),
                    "{script}: {exit:?}"
                ),
            }
        }
    }
}
