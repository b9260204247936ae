//! A shared cache that fails, in each of the ways in which caches do. The build is right in every case, says at most one thing
//! about it, and loses a bounded time.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "support/peers/mod.rs"]
mod peers;
#[path = "support/proxy/mod.rs"]
mod proxy;
mod support;

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use peers::{Peer, Server};
use proxy::{Fault, Line, Proxy};
use support::{Said, World, listing, node};

const TOKEN: &str = "t0ken";

/// Small files in many folders, one file that is too large for a message, so that it travels as a stream, and a deep graph.
fn nodes() -> Vec<String> {
    let link = |name, before: &str| node(name, &[("/in", before)], "busybox cp -r /in /out");
    vec![
        link("third", "small:/out"),
        link("second", "third:/out"),
        link("first", "second:/out"),
        node(
            "small",
            &[],
            "for i in $(busybox seq 60); do mkdir -p /out/$i/deep; echo $i > /out/$i/deep/file; done",
        ),
        node(
            "large",
            &[],
            "for i in 1 2 3 4 5; do cat /usr/bin/busybox; echo $i; done > /out/large",
        ),
        node(
            "all",
            &[("/small", "first:/out"), ("/large", "large:/out")],
            "busybox cp -r /small /large /out; echo all > /out/all",
        ),
    ]
}

/// A server, and what is in it.
struct Cache {
    name: &'static str,
    server: Server,
    /// What serves its files, if that is pwb.
    _world: Option<World>,
}

impl Cache {
    /// pwb's own, with BLAKE3 and zstd.
    fn pwb() -> Cache {
        let world = World::empty(&[]);
        let token = world.path("token");
        fs::write(&token, TOKEN).unwrap();
        let server = Server::start(|port, _| {
            let mut command = world.pwb(&["cache", "serve", "--allow-write", "--token-file"]);
            command
                .arg(&token)
                .arg(format!("--listen=127.0.0.1:{port}"));
            command
        });
        Cache {
            name: "pwb",
            server,
            _world: Some(world),
        }
    }

    /// BuildBox's, with SHA-256 and nothing compressed.
    fn casd() -> Cache {
        Cache {
            name: "casd",
            server: Server::casd(),
            _world: None,
        }
    }

    /// Does it with each that can be had here, at the same time: most of it is waiting.
    fn each(test: impl Fn(&Cache) + Sync) {
        let has_casd = peers::are_here(&[Peer::BuildBox]);
        thread::scope(|scope| {
            scope.spawn(|| test(&Cache::pwb()));
            scope.spawn(|| has_casd.then(|| test(&Cache::casd())));
        });
    }

    fn port(&self) -> u16 {
        self.server.remote().port
    }
}

/// What a run has come to.
struct Run {
    said: Said,
    took: Duration,
    world: World,
}

impl Run {
    /// Builds all on a machine that has nothing yet, with the cache at this port.
    #[track_caller]
    fn with(port: Option<u16>) -> Run {
        let world = World::empty(&nodes());
        let mut command = world.pwb(&["realize", "t/all"]);
        if let Some(port) = port {
            command
                .arg(format!("--remote=grpc://127.0.0.1:{port}"))
                .arg("--remote-upload=success")
                .env("PWB_REMOTE_TOKEN", TOKEN);
        }
        let begin = Instant::now();
        let said = Said::from(command.output().unwrap());
        let took = begin.elapsed();
        assert_eq!(said.code, Some(0), "{said:?}");
        Run { said, took, world }
    }

    fn warnings(&self) -> Vec<&str> {
        let lines = self.said.err.lines();
        lines.filter(|line| line.starts_with("warning")).collect()
    }

    /// That it came to what a build without any cache comes to, and its store holds to it.
    #[track_caller]
    fn is_right(&self, alone: &Run) {
        let (ours, theirs) = (self.said.result(), alone.said.result());
        assert_eq!(ours.file_name(), theirs.file_name(), "the tree's digest");
        assert!(listing(&ours) == listing(&theirs), "the tree");
        let again = self.world.well(&["realize", "t/all", "--offline"]);
        assert_eq!((again.result(), again.ran()), (ours, vec![]));
    }
}

/// A machine builds with a good cache, and one that has nothing yet through the proxy.
#[track_caller]
fn reading(make: impl Fn(u16) -> Proxy + Sync, warnings: &[&str], loses: Duration) {
    check(true, make, warnings, loses);
}

/// A machine that has nothing yet builds with an empty cache through the proxy.
#[track_caller]
fn writing(make: impl Fn(u16) -> Proxy + Sync, warnings: &[&str], loses: Duration) {
    check(false, make, warnings, loses);
}

/// The run through the proxy is right, says one of these warnings (none, if there are none), and loses no more than this.
fn check(is_filled: bool, make: impl Fn(u16) -> Proxy + Sync, warnings: &[&str], loses: Duration) {
    let alone = Run::with(None);
    Cache::each(|cache| {
        if is_filled {
            let first = Run::with(Some(cache.port()));
            assert_eq!(first.warnings(), Vec::<&str>::new(), "{}", cache.name);
        }
        let proxy = make(cache.port());
        let run = Run::with(Some(proxy.port()));
        // What is seen of a run that fails.
        println!(
            "{}: {:?}, alone {:?}, {} faults, {:?}",
            cache.name,
            run.took,
            alone.took,
            proxy.faults(),
            run.said
        );
        assert!(proxy.faults() > 0, "nothing went wrong");
        run.is_right(&alone);
        let said = run.warnings();
        assert_eq!(said.len(), warnings.len().min(1), "{said:?}");
        assert!(
            said.iter()
                .all(|said| warnings.iter().any(|it| said.contains(it))),
            "{said:?}"
        );
        assert!(run.took < alone.took + loses, "{:?}", run.took);
    });
}

const LOST: &str = "objects that its results name do not come; what lacks them is made here";
const DAMAGED: &str = "it has sent bytes that are not what their digest says; they are not used";
const UNREACHABLE: &str = "it cannot be reached";
const GOING_ON: &str = "; going on without it";

/// Where nothing is waited for; most of it is for a busy machine.
const SOON: Duration = Duration::from_secs(10);
/// One answer is waited for in vain.
const ONE_WAIT: Duration = Duration::from_secs(20);
/// One for which bytes were sent.
const ONE_LONG_WAIT: Duration = Duration::from_secs(45);

#[test]
fn without_a_fault_there_is_nothing_to_do() {
    Cache::each(|cache| {
        let first = Run::with(Some(cache.port()));
        for proxy in [
            Proxy::tcp(cache.port(), Line::Sound),
            Proxy::grpc(cache.port(), Fault::None),
        ] {
            let run = Run::with(Some(proxy.port()));
            run.is_right(&first);
            assert_eq!((run.warnings(), run.said.ran()), (vec![], vec![]));
            assert_eq!((proxy.faults(), proxy.calls("BatchUpdateBlobs")), (0, 0));
            assert!(proxy.up() > 0 && proxy.down() > 0);
        }
    });
}

#[test]
fn nobody_listens() {
    reading(Proxy::nobody, &[UNREACHABLE], SOON);
}

#[test]
#[ignore = "waits for deadlines: .ci/run runs it"]
fn the_line_hangs_at_once() {
    reading(
        |port| Proxy::tcp(port, Line::Hangs { after: 0 }),
        &["no answer within"],
        ONE_WAIT,
    );
}

#[test]
#[ignore = "waits for deadlines: .ci/run runs it"]
fn the_line_hangs_early() {
    reading(
        |port| Proxy::tcp(port, Line::Hangs { after: 3_000 }),
        &["no answer within"],
        ONE_WAIT,
    );
}

#[test]
#[ignore = "waits for deadlines: .ci/run runs it"]
fn the_line_hangs_midway() {
    reading(
        |port| Proxy::tcp(port, Line::Hangs { after: 200_000 }),
        &["it sends next to nothing", "no answer within"],
        ONE_WAIT,
    );
}

#[test]
#[ignore = "waits for deadlines: .ci/run runs it"]
fn the_line_hangs_while_writing() {
    writing(
        |port| Proxy::tcp(port, Line::Hangs { after: 200_000 }),
        &["no answer within", "the server takes nothing more"],
        ONE_LONG_WAIT,
    );
}

#[test]
#[ignore = "waits for deadlines: .ci/run runs it"]
fn the_line_trickles_at_once() {
    reading(
        |port| Proxy::tcp(port, Line::Trickles { after: 0 }),
        &["no answer within"],
        ONE_WAIT,
    );
}

#[test]
#[ignore = "waits for deadlines: .ci/run runs it"]
fn the_line_trickles_early() {
    reading(
        |port| Proxy::tcp(port, Line::Trickles { after: 3_000 }),
        &["no answer within"],
        ONE_WAIT,
    );
}

#[test]
#[ignore = "waits for deadlines: .ci/run runs it"]
fn the_line_trickles_midway() {
    reading(
        |port| Proxy::tcp(port, Line::Trickles { after: 200_000 }),
        &["it sends next to nothing", "no answer within"],
        ONE_WAIT,
    );
}

#[test]
#[ignore = "waits for deadlines: .ci/run runs it"]
fn the_line_trickles_while_writing() {
    writing(
        |port| Proxy::tcp(port, Line::Trickles { after: 200_000 }),
        &["no answer within", "the server takes nothing more"],
        ONE_LONG_WAIT,
    );
}

#[test]
fn the_line_breaks_at_once() {
    reading(
        |port| Proxy::tcp(port, Line::Breaks { after: 0 }),
        &[UNREACHABLE],
        SOON,
    );
}

#[test]
#[ignore = "a variant: .ci/run runs it"]
fn the_line_breaks_early() {
    reading(
        |port| Proxy::tcp(port, Line::Breaks { after: 3_000 }),
        &[LOST, GOING_ON],
        ONE_WAIT,
    );
}

#[test]
#[ignore = "a variant: .ci/run runs it"]
fn the_line_breaks_midway() {
    reading(
        |port| Proxy::tcp(port, Line::Breaks { after: 200_000 }),
        &[LOST, GOING_ON],
        SOON,
    );
}

#[test]
#[ignore = "a variant: .ci/run runs it"]
fn the_line_breaks_while_writing() {
    writing(
        |port| Proxy::tcp(port, Line::Breaks { after: 200_000 }),
        &[GOING_ON],
        SOON,
    );
}

#[test]
#[ignore = "a variant: .ci/run runs it"]
fn blobs_are_truncated() {
    reading(
        |port| Proxy::grpc(port, Fault::Truncated { every: 1 }),
        &[DAMAGED],
        SOON,
    );
}

#[test]
#[ignore = "a variant: .ci/run runs it"]
fn some_blobs_are_truncated() {
    reading(
        |port| Proxy::grpc(port, Fault::Truncated { every: 5 }),
        &[DAMAGED],
        SOON,
    );
}

#[test]
fn blobs_have_a_bit_flipped() {
    reading(
        |port| Proxy::grpc(port, Fault::Flipped { every: 1 }),
        &[DAMAGED],
        SOON,
    );
}

#[test]
#[ignore = "a variant: .ci/run runs it"]
fn some_blobs_have_a_bit_flipped() {
    reading(
        |port| Proxy::grpc(port, Fault::Flipped { every: 5 }),
        &[DAMAGED],
        SOON,
    );
}

#[test]
#[ignore = "a variant: .ci/run runs it"]
fn blobs_are_too_long() {
    reading(
        |port| Proxy::grpc(port, Fault::Longer { every: 1 }),
        &[DAMAGED],
        SOON,
    );
}

#[test]
#[ignore = "a variant: .ci/run runs it"]
fn some_blobs_are_too_long() {
    reading(
        |port| Proxy::grpc(port, Fault::Longer { every: 5 }),
        &[DAMAGED],
        SOON,
    );
}

#[test]
fn blobs_are_missing() {
    reading(
        |port| Proxy::grpc(port, Fault::Missing { every: 1 }),
        &[LOST],
        SOON,
    );
}

#[test]
#[ignore = "a variant: .ci/run runs it"]
fn some_blobs_are_missing() {
    reading(
        |port| Proxy::grpc(port, Fault::Missing { every: 5 }),
        &[LOST],
        SOON,
    );
}

#[test]
fn results_have_a_bit_flipped() {
    reading(
        |port| Proxy::grpc(port, Fault::Results),
        &[LOST, DAMAGED],
        SOON,
    );
}

#[test]
#[ignore = "a variant: .ci/run runs it"]
fn unavailable_at_first() {
    reading(
        |port| Proxy::grpc(port, Fault::Unavailable { calls: 0..3 }),
        &[],
        SOON,
    );
}

#[test]
#[ignore = "a variant: .ci/run runs it"]
fn unavailable_later() {
    reading(
        |port| Proxy::grpc(port, Fault::Unavailable { calls: 3..u64::MAX }),
        &["try again; going on without it"],
        SOON,
    );
}

#[test]
#[ignore = "a variant: .ci/run runs it"]
fn always_unavailable() {
    reading(
        |port| Proxy::grpc(port, Fault::Unavailable { calls: 0..u64::MAX }),
        &[UNREACHABLE],
        SOON,
    );
}

#[test]
#[ignore = "a variant: .ci/run runs it"]
fn unavailable_while_writing() {
    writing(
        |port| Proxy::grpc(port, Fault::Unavailable { calls: 4..u64::MAX }),
        &["try again; going on without it"],
        SOON,
    );
}

#[test]
#[ignore = "a variant: .ci/run runs it"]
fn the_token_has_expired_at_once() {
    reading(
        |port| Proxy::grpc(port, Fault::Expired { after: 0 }),
        &["the token has expired"],
        SOON,
    );
}

#[test]
#[ignore = "a variant: .ci/run runs it"]
fn the_token_expires_early() {
    reading(
        |port| Proxy::grpc(port, Fault::Expired { after: 2 }),
        &["the token has expired"],
        SOON,
    );
}

#[test]
#[ignore = "a variant: .ci/run runs it"]
fn the_token_expires_midway() {
    reading(
        |port| Proxy::grpc(port, Fault::Expired { after: 4 }),
        &["the token has expired"],
        SOON,
    );
}

#[test]
#[ignore = "a variant: .ci/run runs it"]
fn the_token_expires_while_writing() {
    writing(
        |port| Proxy::grpc(port, Fault::Expired { after: 6 }),
        &["the token has expired; going on without it"],
        SOON,
    );
}

#[test]
fn the_disk_is_full() {
    writing(
        |port| Proxy::grpc(port, Fault::Full),
        &["no space left on device; nothing more is uploaded"],
        SOON,
    );
}
