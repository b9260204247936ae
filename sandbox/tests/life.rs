//! How a run ends: exit codes, signals, time limits, daemons left behind, and a caller that dies.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio as ProcessStdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use pwb_sandbox::{Source, Status, Stdio};
use serde_json::Value;
use support::Sandbox;

/// A `sleep` that no other process of the machine is likely to be, named by its argument.
fn marked_sleep(sandbox: &Sandbox) -> String {
    let name = sandbox.folder.path().to_string_lossy();
    let number = name
        .bytes()
        .fold(0, |sum, byte| (sum * 131 + u64::from(byte)) % 1_000_000_007);
    format!("{}", 100_000 + number)
}

/// Processes of the host with a word in their command line.
fn alive(word: &str) -> usize {
    let pids = fs::read_dir("/proc")
        .unwrap()
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("cmdline"));
    pids.filter_map(|file| fs::read(file).ok())
        .filter(|line| {
            line.split(|byte| *byte == 0)
                .any(|part| part == word.as_bytes())
        })
        .count()
}

#[track_caller]
fn wait_until(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{what} did not come true"
        );
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn exit_codes_and_signals_pass() {
    for sandbox in Sandbox::each() {
        for code in [0, 1, 42, 127, 255] {
            assert_eq!(
                sandbox.sh(&format!("exit {code}")).status(),
                Status::Code(code)
            );
        }
        for signal in [2, 9, 11, 15] {
            assert_eq!(
                sandbox.sh(&format!("kill -{signal} $$")).status(),
                Status::Signal(signal)
            );
        }
        let both = sandbox.sh("echo out; echo err >&2; exit 1");
        assert_eq!(
            (both.status(), &*both.output),
            (Status::Code(1), "out\nerr\n")
        );
    }
}

#[test]
fn usage_is_measured() {
    for sandbox in Sandbox::each() {
        let busy = sandbox
            .sh("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done")
            .exit
            .unwrap();
        let idle = sandbox.sh("sleep 0.2").exit.unwrap();
        assert!(
            busy.usage.user > 5 * idle.usage.user && busy.usage.user > Duration::from_millis(20),
            "{busy:?} {idle:?}"
        );
        assert!(idle.wall > Duration::from_millis(200));
        assert!(
            (100_000..100_000_000).contains(&idle.usage.max_rss_bytes),
            "{idle:?}"
        );
    }
}

#[test]
fn daemons_die_with_the_command() {
    for sandbox in Sandbox::each() {
        let mark = marked_sleep(&sandbox);
        let outcome = sandbox.sh(&format!("setsid setsid sleep {mark} >/dev/null 2>&1 & (setsid sleep {mark} &); sleep 0.1; echo left"));
        assert_eq!(outcome.text(), "left");
        assert_eq!(alive(&mark), 0);
        assert!(outcome.exit.unwrap().wall < Duration::from_secs(5));
    }
}

#[test]
fn the_command_may_close_its_output() {
    for sandbox in Sandbox::each() {
        assert_eq!(
            sandbox
                .sh("echo said; exec >&- 2>&-; sleep 0.2; exit 7")
                .status(),
            Status::Code(7)
        );
    }
}

#[test]
fn a_timeout_kills_everything() {
    for mut sandbox in Sandbox::each() {
        sandbox.timeout = Some(Duration::from_millis(300));
        let mark = marked_sleep(&sandbox);
        let outcome = sandbox.sh(&format!(
            "echo begun; trap '' TERM INT; setsid sleep {mark} & sleep {mark}"
        ));
        let exit = outcome.exit.unwrap();
        assert_eq!(
            (exit.status, &*outcome.output),
            (Status::TimedOut, "begun\n")
        );
        assert!(
            exit.wall >= Duration::from_millis(300) && exit.wall < Duration::from_secs(3),
            "{exit:?}"
        );
        assert_eq!(alive(&mark), 0);
        assert!(exit.usage.max_rss_bytes > 0, "{exit:?}");
    }
}

#[test]
fn killing_the_caller_leaves_nothing() {
    for mut sandbox in Sandbox::each() {
        let overlay = sandbox.overlay("build");
        sandbox.mount("/build", overlay);
        let mark = marked_sleep(&sandbox);
        let before = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let script =
            format!("trap '' TERM INT HUP; setsid sleep {mark} & touch /build/begun; sleep {mark}");
        let mut caller = sandbox.start(&sandbox.spec(&["sh", "-c", &script]));
        wait_until("the command started both", || alive(&mark) == 2);
        caller.kill().unwrap();
        caller.wait().unwrap();
        wait_until("all died", || alive(&mark) == 0);
        let scratch = sandbox.folder.path().join("scratch").display().to_string();
        wait_until("the nursery died", || {
            alive("--become-the-nursery") == 0 || no_mounts(&scratch)
        });
        assert!(no_mounts(&scratch));
        assert_eq!(fs::read_to_string("/proc/self/mountinfo").unwrap(), before);
        pwb_sandbox::remove_tree(&sandbox.folder.path().join("build")).unwrap();
    }
}

/// Whether no process of the machine has a mount at a path.
fn no_mounts(path: &str) -> bool {
    let pids = fs::read_dir("/proc")
        .unwrap()
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("mountinfo"));
    pids.filter_map(|file| fs::read_to_string(file).ok())
        .all(|mounts| !mounts.contains(path))
}

#[test]
fn killing_the_caller_at_any_moment_leaves_nothing() {
    for sandbox in Sandbox::each() {
        let mark = marked_sleep(&sandbox);
        for delay in 0..40 {
            let mut caller = sandbox.start(&sandbox.spec(&["sleep", &mark]));
            sleep(Duration::from_micros(delay * 250));
            caller.kill().unwrap();
            caller.wait().unwrap();
        }
        wait_until("all died", || alive(&mark) == 0);
        sleep(Duration::from_millis(50));
        assert_eq!(alive(&mark), 0);
    }
}

#[test]
fn killing_the_nursery_is_not_a_success() {
    for sandbox in Sandbox::each() {
        let mark = marked_sleep(&sandbox);
        let mut caller = sandbox.start(&sandbox.spec(&["sleep", &mark]));
        wait_until("the command started", || alive(&mark) == 1);
        let children = format!("/proc/{0}/task/{0}/children", caller.id());
        let nursery: i32 = fs::read_to_string(children)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(nursery),
            nix::sys::signal::SIGKILL,
        )
        .unwrap();
        assert!(caller.wait().unwrap().success());
        let outcome = sandbox.outcome();
        assert!(
            outcome.error.contains("killed from outside") && outcome.kind == "Environment",
            "{outcome:?}"
        );
        wait_until("all died", || alive(&mark) == 0);
    }
}

#[test]
fn commands_that_cannot_run_are_told_apart() {
    for mut sandbox in Sandbox::each() {
        let missing = sandbox.run(&["no-such-tool"]);
        assert_eq!(
            (&*missing.error, &*missing.kind),
            ("command not found: no-such-tool", "Recipe")
        );
        assert_eq!(missing.hint, "PATH inside the sandbox is \"/none:/bin\"");
        assert_eq!(
            sandbox.run(&["/no/such"]).error,
            "command not found: /no/such"
        );
        assert!(
            sandbox
                .run(&["/usr"])
                .error
                .contains("directory, or lacks the executable bit")
        );
        assert!(
            sandbox
                .run(&["/in-root"])
                .error
                .contains("lacks the executable bit")
        );
        let scripts = sandbox.make("scripts");
        let script = sandbox.write("scripts/script", "#!/no/interpreter\n");
        let text = sandbox.write("scripts/text", "no program");
        for file in [script, text] {
            fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        }
        sandbox.mount("/scripts", Source::ReadOnly(scripts));
        assert!(
            sandbox
                .run(&["/scripts/script"])
                .error
                .contains("interpreter")
        );
        assert!(
            sandbox
                .run(&["/scripts/text"])
                .error
                .contains("neither a program")
        );
        let spec = pwb_sandbox::Spec {
            argv: vec![],
            ..sandbox.spec(&[])
        };
        assert!(sandbox.start(&spec).wait().unwrap().success());
        assert_eq!(
            sandbox.outcome().error,
            "invalid sandbox: the command is empty"
        );
    }
}

#[test]
fn inherited_streams_pass_through() {
    for sandbox in Sandbox::each() {
        let spec = pwb_sandbox::Spec {
            stdio: Stdio::Inherited,
            ..sandbox.spec(&["sh", "-c", "read x; echo got $x; echo err >&2; exit 9"])
        };
        let file = sandbox.write("spec.json", &serde_json::to_string(&spec).unwrap());
        let result = sandbox.folder.path().join("result.json");
        let mut probe = sandbox.probe(&["run", file.to_str().unwrap(), result.to_str().unwrap()]);
        let streams = probe
            .stdin(ProcessStdio::piped())
            .stdout(ProcessStdio::piped())
            .stderr(ProcessStdio::piped());
        let mut child = streams.spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"word\n").unwrap();
        let said = child.wait_with_output().unwrap();
        assert_eq!(
            (&*said.stdout, &*said.stderr),
            (&b"got word\n"[..], &b"err\n"[..])
        );
        assert_eq!(sandbox.outcome().status(), Status::Code(9));
    }
}

#[test]
fn the_keyboard_reaches_the_command_and_spares_the_caller() {
    for sandbox in Sandbox::each() {
        let script =
            "trap 'echo interrupted; exit 5' INT; echo ready; while :; do sleep 0.05; done";
        let spec = pwb_sandbox::Spec {
            stdio: Stdio::Inherited,
            ..sandbox.spec(&["sh", "-c", script])
        };
        let file = sandbox.write("spec.json", &serde_json::to_string(&spec).unwrap());
        let result = sandbox.folder.path().join("result.json");
        let probe = sandbox.probe(&["run", file.to_str().unwrap(), result.to_str().unwrap()]);
        let words = std::iter::once(probe.get_program()).chain(probe.get_args());
        let quoted =
            words.map(|word| format!("'{}'", word.to_str().unwrap().replace('\'', r"'\''")));
        let line = format!("exec {}", quoted.collect::<Vec<_>>().join(" "));
        // script(1) gives it a terminal, and types what it reads. A shell between them would die of the key.
        let mut command = std::process::Command::new("script");
        command
            .args(["-qec", &line, "/dev/null"])
            .env("SHELL", "/bin/sh")
            .stdin(ProcessStdio::piped())
            .stdout(ProcessStdio::piped());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut read = || {
            let mut line = String::new();
            output.read_line(&mut line).unwrap();
            line
        };
        assert_eq!(read().trim_end(), "ready");
        let mut keyboard = child.stdin.take().unwrap();
        keyboard.write_all(b"\x03").unwrap();
        assert!(read().trim_end().ends_with("interrupted"));
        assert!(child.wait().unwrap().success());
        assert_eq!(sandbox.outcome().status(), Status::Code(5));
    }
}

#[test]
fn two_hundred_runs_at_once() {
    for mut sandbox in Sandbox::each() {
        let overlay = sandbox.make("input");
        sandbox.mount("/input", Source::ReadOnly(overlay));
        let file = sandbox.write(
            "spec.json",
            &serde_json::to_string(&sandbox.spec(&["echo"])).unwrap(),
        );
        let words = ["flood", file.to_str().unwrap(), "4", "200"];
        assert!(sandbox.probe(&words).status().unwrap().success());
        assert!(no_mounts(&sandbox.folder.path().display().to_string()));
    }
}

#[test]
fn a_host_that_forbids_namespaces_is_told_what_to_change() {
    // The inside of a sandbox is such a host.
    for mut sandbox in Sandbox::each() {
        let folder = sandbox.folder.path().to_owned();
        sandbox.mount("/all", Source::Writable(folder));
        sandbox.make("inner");
        let mut nested = sandbox.spec(&["true"]);
        (nested.root, nested.mounts, nested.scratch) = ("/".into(), vec![], "/all/inner".into());
        sandbox.write("nested.json", &serde_json::to_string(&nested).unwrap());
        sandbox
            .run(&[
                "probe",
                "run",
                "/all/nested.json",
                "/all/nested-result.json",
            ])
            .text();
        let text = fs::read(sandbox.folder.path().join("nested-result.json")).unwrap();
        let record: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(
            record["error"],
            "cannot create namespaces: Operation not permitted"
        );
        assert_eq!(record["kind"], "Environment");
        assert!(
            record["hint"]
                .as_str()
                .unwrap()
                .contains("/proc/sys/user/max_"),
            "{record}"
        );
    }
}

#[test]
fn a_program_without_the_first_line_is_refused() {
    // This test binary is one: without the check it would run itself again and again.
    let sandbox = Sandbox::each().remove(0);
    let error = pwb_sandbox::run(&sandbox.spec(&["true"]), &mut |_| {}).unwrap_err();
    assert!(matches!(error, pwb_sandbox::Error::NotArmed));
}

#[test]
fn the_doctor_finds_what_a_run_needs() {
    for sandbox in Sandbox::each() {
        let result = sandbox.folder.path().join("doctor.json");
        let doctor = |store: &Path| -> Vec<Value> {
            let words = ["doctor", store.to_str().unwrap(), result.to_str().unwrap()];
            assert!(sandbox.probe(&words).status().unwrap().success());
            serde_json::from_slice(&fs::read(&result).unwrap()).unwrap()
        };
        let well = doctor(&sandbox.make("store"));
        assert!(
            well.len() == 5 && well.iter().all(|finding| finding[1] == true),
            "{well:?}"
        );
        assert_eq!(
            fs::read_dir(sandbox.folder.path().join("store"))
                .unwrap()
                .count(),
            0
        );
        // /proc can hold no store: found and said, with what to do.
        let ill = doctor(Path::new("/proc"));
        assert!(
            ill.len() == 1 && ill[0][1] == false && ill[0][3].is_string(),
            "{ill:?}"
        );
    }
}
