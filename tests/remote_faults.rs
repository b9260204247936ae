//! A shared cache that fails, in each of the ways in which caches do. The build is right in every case, says at most one thing
//! about it, and loses a bounded time.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/peers/mod.rs"]
mod peers;
#[path = "support/proxy/mod.rs"]
mod proxy;
mod support;

use std::fs;
use std::time::{Duration, Instant};

use peers::{Peer, Server};
use proxy::{Fault, Line, Proxy};
use support::{Said, World, listing, node};

const TOKEN: &str = "t0ken";

/// Small files in many folders, and one file that is too large for a message: that travels as a stream.
fn nodes() -> Vec<String> {
    vec![
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
            &[("/small", "small:/out"), ("/large", "large:/out")],
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

    /// Those that can be had here.
    fn each() -> Vec<Cache> {
        let mut caches = vec![Cache::pwb()];
        if peers::are_here(&[Peer::BuildBox]) {
            caches.push(Cache::casd());
        }
        caches
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

/// What is wrong, and what it may cost.
struct Expected {
    /// What the one warning says; nothing where there is none.
    warning: &'static str,
    /// How much longer than without a cache it may take.
    loses: Duration,
}

/// A machine builds with a good cache, and one that has nothing yet through the proxy.
#[track_caller]
fn check_reading(make: impl Fn(u16) -> Proxy, expected: &Expected) {
    check(true, make, expected);
}

/// A machine that has nothing yet builds with an empty cache through the proxy.
#[track_caller]
fn check_writing(make: impl Fn(u16) -> Proxy, expected: &Expected) {
    check(false, make, expected);
}

#[track_caller]
fn check(is_filled: bool, make: impl Fn(u16) -> Proxy, expected: &Expected) {
    let alone = Run::with(None);
    for cache in Cache::each() {
        if is_filled {
            let first = Run::with(Some(cache.port()));
            assert_eq!(first.warnings(), Vec::<&str>::new(), "{}", cache.name);
        }
        let proxy = make(cache.port());
        let run = Run::with(Some(proxy.port()));
        println!(
            "{}: {:?}, alone {:?}, {} faults, ran {:?}\n{}",
            cache.name,
            run.took,
            alone.took,
            proxy.faults(),
            run.said.ran(),
            run.warnings().join("\n")
        );
        assert!(proxy.faults() > 0, "{}: nothing went wrong", cache.name);
        run.is_right(&alone);
        let warnings = run.warnings();
        if std::env::var_os("PROBE").is_some() {
            continue;
        }
        match expected.warning {
            "" => assert_eq!(warnings, Vec::<&str>::new(), "{}", cache.name),
            warning => assert!(
                warnings.len() == 1 && warnings[0].contains(warning),
                "{}: {warnings:?}",
                cache.name
            ),
        }
        assert!(
            run.took < alone.took + expected.loses,
            "{}: {:?}, alone {:?}",
            cache.name,
            run.took,
            alone.took
        );
    }
}

#[test]
fn a_line_that_hangs_at_once() {
    check_reading(
        |port| Proxy::tcp(port, Line::Hangs { after: 0 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn a_line_that_hangs_early() {
    check_reading(
        |port| Proxy::tcp(port, Line::Hangs { after: 3000 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn a_line_that_hangs_midway() {
    check_reading(
        |port| Proxy::tcp(port, Line::Hangs { after: 200000 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn a_line_that_hangs_while_writing() {
    check_writing(
        |port| Proxy::tcp(port, Line::Hangs { after: 200_000 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn a_line_that_breaks_at_once() {
    check_reading(
        |port| Proxy::tcp(port, Line::Breaks { after: 0 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn a_line_that_breaks_early() {
    check_reading(
        |port| Proxy::tcp(port, Line::Breaks { after: 3000 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn a_line_that_breaks_midway() {
    check_reading(
        |port| Proxy::tcp(port, Line::Breaks { after: 200000 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn a_line_that_breaks_while_writing() {
    check_writing(
        |port| Proxy::tcp(port, Line::Breaks { after: 200_000 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn a_line_that_trickles_at_once() {
    check_reading(
        |port| Proxy::tcp(port, Line::Trickles { after: 0 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn a_line_that_trickles_early() {
    check_reading(
        |port| Proxy::tcp(port, Line::Trickles { after: 3000 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn a_line_that_trickles_midway() {
    check_reading(
        |port| Proxy::tcp(port, Line::Trickles { after: 200000 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn a_line_that_trickles_while_writing() {
    check_writing(
        |port| Proxy::tcp(port, Line::Trickles { after: 200_000 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn truncated_all() {
    check_reading(
        |port| Proxy::grpc(port, Fault::Truncated { every: 1 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn truncated_some() {
    check_reading(
        |port| Proxy::grpc(port, Fault::Truncated { every: 5 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn flipped_all() {
    check_reading(
        |port| Proxy::grpc(port, Fault::Flipped { every: 1 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn flipped_some() {
    check_reading(
        |port| Proxy::grpc(port, Fault::Flipped { every: 5 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn longer_all() {
    check_reading(
        |port| Proxy::grpc(port, Fault::Longer { every: 1 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn longer_some() {
    check_reading(
        |port| Proxy::grpc(port, Fault::Longer { every: 5 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn missing_all() {
    check_reading(
        |port| Proxy::grpc(port, Fault::Missing { every: 1 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn missing_some() {
    check_reading(
        |port| Proxy::grpc(port, Fault::Missing { every: 5 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn unavailable_at_first() {
    check_reading(
        |port| Proxy::grpc(port, Fault::Unavailable { calls: 0..3 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn unavailable_later() {
    check_reading(
        |port| Proxy::grpc(port, Fault::Unavailable { calls: 3..u64::MAX }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn unavailable_always() {
    check_reading(
        |port| Proxy::grpc(port, Fault::Unavailable { calls: 0..u64::MAX }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn unavailable_while_writing() {
    check_writing(
        |port| Proxy::grpc(port, Fault::Unavailable { calls: 4..u64::MAX }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn expired_at_once() {
    check_reading(
        |port| Proxy::grpc(port, Fault::Expired { after: 0 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn expired_early() {
    check_reading(
        |port| Proxy::grpc(port, Fault::Expired { after: 2 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn expired_midway() {
    check_reading(
        |port| Proxy::grpc(port, Fault::Expired { after: 4 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn expired_while_writing() {
    check_writing(
        |port| Proxy::grpc(port, Fault::Expired { after: 6 }),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}

#[test]
fn full() {
    check_writing(
        |port| Proxy::grpc(port, Fault::Full),
        &Expected {
            warning: "",
            loses: Duration::from_secs(60),
        },
    );
}
