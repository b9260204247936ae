//! Programs that ask before they run: what their caller sees of them, and what they come to.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::time::{Duration, Instant};

use pwb_sandbox::{Source, Status};
use support::Sandbox;

/// One as each user, with a folder to write in.
fn each() -> Vec<Sandbox> {
    let mut all = Sandbox::each();
    for sandbox in &mut all {
        let work = sandbox.make("work");
        sandbox.mount("/work", Source::Writable(work));
        sandbox.cwd = "/work".into();
    }
    all
}

#[test]
fn the_caller_answers_passes_on_and_watches() {
    for sandbox in each() {
        let (outcome, served) = sandbox.serve("answered x > o 2> e; echo $? $(cat o e); touch ran");
        assert_eq!(outcome.text(), "7 output errors");
        assert_eq!(served.calls, ["/usr/bin/answered /work 0022 no-input x"]);
        for program in ["passed", "watched"] {
            let script =
                format!("{program} -c 'echo $0; echo \"$1\" >&2; exit 5' a 'b  c' 2>&1; echo $?");
            assert_eq!(sandbox.serve(&script).0.text(), "a\nb  c\n5", "{program}");
        }
    }
}

#[test]
fn a_call_tells_how_it_was_made() {
    for sandbox in each() {
        let script = "umask 027; mkdir d; cd d; echo x > x
            answered; answered 2>&1 | cat; answered < x; echo | (sleep 0.1; answered); sleep 1 | answered
            answered 3< x; answered 3>> x; answered 3>&1; answered 3< /dev/null";
        let (_, served) = sandbox.serve(&format!("{script} 2> e"));
        let how: Vec<&str> = served
            .calls
            .iter()
            .map(|call| {
                call.strip_prefix("/usr/bin/answered /work/d 0027 ")
                    .unwrap()
            })
            .collect();
        let one = "no-input one-output ";
        assert_eq!(
            how,
            [
                one,
                one,
                "one-output ",
                "one-output ",
                "one-output ",
                "no-input inherits one-output ",
                one,
                one,
                "no-input "
            ]
        );
    }
}

/// The accesses below `/work` of a shell's script, which is watched.
fn accesses(sandbox: &Sandbox, script: &str) -> Vec<String> {
    let (outcome, served) = sandbox.serve(&format!("watched -uc '{script}'"));
    assert_eq!(outcome.status(), Status::Code(0), "{script}: {outcome:?}");
    served
        .accesses
        .into_iter()
        .filter(|line| line.contains(" /work") || line.contains("beyond"))
        .collect()
}

#[test]
fn what_is_looked_at_and_written_is_seen() {
    for sandbox in each() {
        sandbox.make("work/d");
        sandbox.write("work/x", "");
        let unlink = "write! /work/d/y";
        for (script, seen) in [
            ("read line < x || :", vec!["look /work/x"]),
            ("read line < none || :", vec!["look /work/none"]),
            (
                "cd d; read line < ../x || :",
                vec!["look /work/d", "look /work/d/../x"],
            ),
            ("echo > d/y", vec!["write /work/d/y"]),
            ("rm -f d/y", vec![unlink]),
            ("mv x y", vec!["write! /work/x", "write! /work/y"]),
            ("ln -s y link", vec!["write! /work/link"]),
            ("ln y d/y", vec!["write! /work/y", "write! /work/d/y"]),
            ("readlink link", vec!["look! /work/link"]),
            ("cat link", vec!["look /work/link"]),
            ("ls d", vec!["list /work/d"]),
            ("chmod 600 y", vec!["write /work/y"]),
            ("touch y", vec!["write /work/y"]),
            ("mkdir m; stat m", vec!["write! /work/m", "look! /work/m"]),
            (
                "sh -c \"sh -c \\\"read l < y\\\"\"; :",
                vec!["look /work/y"],
            ),
            ("probe call; :", vec!["beyond it talks to another process"]),
            ("./y; :", vec!["run /work/./y"]),
        ] {
            let all = accesses(&sandbox, script);
            for access in seen {
                assert!(
                    all.iter().any(|line| line == access),
                    "{script}: {access} not in {all:?}"
                );
            }
        }
    }
}

#[test]
fn ends_and_outputs_pass_through() {
    for sandbox in each() {
        let (outcome, served) = sandbox.serve(
            "watched -c 'echo 1; echo 2 >&2; echo 3' > both 2>&1; cat both
             watched -c 'echo 1; echo 2 >&2; echo 3' > o 2> e; cat o e
             watched -c 'echo half > half; kill -9 $$'; echo $?; cat half
             watched -c 'kill -TERM $$'; echo $?
             watched -c 'exit 200'; echo $?",
        );
        let lines: Vec<&str> = outcome
            .text()
            .lines()
            .filter(|line| line.len() < 5)
            .collect();
        assert_eq!(lines.join(" "), "1 2 3 1 3 2 137 half 143 200");
        assert_eq!(
            served.ends,
            [
                "Some(0) 1/2/3/ ",
                "Some(0) 1/3/ 2/",
                "None  ",
                "None  ",
                "Some(200)  "
            ]
        );
    }
}

#[test]
fn a_call_within_a_call_runs_unwatched() {
    for sandbox in each() {
        let (outcome, served) = sandbox.serve(
            "watched -c 'watched -c \"echo inner > x; exit 3\"; echo $?; answered; echo $?'; cat x",
        );
        assert_eq!(outcome.text(), "3\noutput\nerrors\n7\ninner");
        assert_eq!((served.calls.len(), served.ends.len()), (3, 1));
    }
}

#[test]
fn what_outlives_a_program_goes_on() {
    for sandbox in each() {
        let (outcome, served) = sandbox
            .serve("watched -c '(sleep 0.3; echo late > late) & echo early'; sleep 1; cat late");
        assert_eq!(outcome.text(), "early\nlate");
        assert_eq!(served.ends, ["Some(0) early/  outlived"]);
    }
}

#[test]
fn a_launcher_without_a_caller_ends() {
    for mut sandbox in each() {
        let (outcome, _) = sandbox.serve("dropped; echo $?; probe call; answered; echo $?");
        let text = outcome.text();
        assert!(
            text.starts_with("pwb's launcher: ")
                && text.contains("\n126\n")
                && text.ends_with("\n7"),
            "{text}"
        );
        // Killed while it is watched: nobody waits for what will not come.
        sandbox.timeout = Some(Duration::from_millis(300));
        let begin = Instant::now();
        let (outcome, _) = sandbox.serve("watched -c 'echo half > half; sleep 100'");
        assert_eq!(outcome.status(), Status::TimedOut);
        assert!(begin.elapsed() < Duration::from_secs(20));
    }
}
