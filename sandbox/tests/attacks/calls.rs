//! Calls of compilers whose caller lies: pwb must neither wait for it for ever, nor end.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use pwb_sandbox::{Calls, Status};

use super::support::Sandbox;

#[test]
fn a_caller_that_lies_is_let_go() {
    for mut sandbox in Sandbox::each() {
        sandbox.timeout = Some(Duration::from_secs(20));
        for how in [
            "no listener",
            "endless output",
            "silent output",
            "a closed one",
        ] {
            let (ended, served) = sandbox.serve(&format!("attacker lie '{how}'; echo $?"));
            assert_eq!(
                (ended.status(), served.calls.len()),
                (Status::Code(0), 1),
                "{how}"
            );
            // It was watched, and then not believed.
            assert_eq!(served.ends.len(), 0, "{how}: {ended:?}");
            assert!(ended.output.ends_with("0\n"), "{how}: {ended:?}");
        }
    }
}

#[test]
fn what_is_said_to_outlive_the_call_is_waited_for_while_it_lives() {
    for mut sandbox in Sandbox::each() {
        sandbox.timeout = Some(Duration::from_secs(20));
        let (ended, served) = sandbox.serve("attacker lie outlived");
        assert_eq!(ended.status(), Status::Code(0));
        assert_eq!(served.ends, ["Some(0) said/  outlived"]);
    }
}

#[test]
fn a_socket_that_pwb_itself_keeps_alive_holds_nobody_up() {
    for sandbox in Sandbox::each() {
        let (ended, served) = sandbox.serve("attacker keep");
        assert_eq!((ended.status(), served.calls.len()), (Status::Code(0), 1));
        assert_eq!(served.ends.len(), 0);
    }
}

#[test]
fn nobody_outside_is_taken_for_a_caller() {
    // As it would be if a caller died and its number became another process'.
    let folder = tempfile::tempdir().unwrap();
    let calls = Calls::listen(folder.path()).unwrap();
    thread::scope(|scope| {
        let taken = scope.spawn(|| calls.next());
        let mut socket = UnixStream::connect(calls.path()).unwrap();
        let limit = Some(Duration::from_secs(10));
        socket.set_read_timeout(limit).unwrap();
        let mut said = [0; 4];
        socket.read_exact(&mut said).unwrap();
        // The order that says it is refused.
        assert_eq!(i32::from_ne_bytes(said), 3);
        calls.close().unwrap();
        assert!(taken.join().unwrap().unwrap().is_none());
    });
}

#[test]
fn output_that_nobody_can_read_holds_nobody_up() {
    for sandbox in Sandbox::each() {
        for how in ["pipe", "terminal", "counter"] {
            let (ended, served) = sandbox.serve(&format!("attacker jam {how}"));
            assert_eq!(ended.status(), Status::Code(0), "{how}");
            // It was watched to its end, and then could not be told.
            assert_eq!(served.ends.len(), 1, "{how}");
        }
    }
}
