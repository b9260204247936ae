//! A build with a cache behind a proxy that fails, beside one without any.

use std::time::{Duration, Instant};

use crate::cache::{Cache, TOKEN};
use crate::proxy::Proxy;
use crate::support::{Said, World, listing, node};

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

/// What a run has come to.
pub struct Run {
    pub said: Said,
    took: Duration,
    world: World,
}

impl Run {
    /// Builds all on a machine that has nothing yet, with the cache at this port.
    #[track_caller]
    pub fn with(port: Option<u16>) -> Run {
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

    pub fn warnings(&self) -> Vec<&str> {
        let lines = self.said.err.lines();
        lines.filter(|line| line.starts_with("warning")).collect()
    }

    /// That it came to what a build without any cache comes to, and its store holds to it.
    #[track_caller]
    pub fn is_right(&self, alone: &Run) {
        let (ours, theirs) = (self.said.result(), alone.said.result());
        assert_eq!(ours.file_name(), theirs.file_name(), "the tree's digest");
        assert!(listing(&ours) == listing(&theirs), "the tree");
        let again = self.world.well(&["realize", "t/all", "--offline"]);
        assert_eq!((again.result(), again.ran()), (ours, vec![]));
    }
}

/// A machine builds with a good cache, and one that has nothing yet through the proxy.
#[track_caller]
pub fn reading(make: impl Fn(u16) -> Proxy + Sync, warnings: &[&str], loses: Duration) {
    check(true, make, warnings, loses);
}

/// A machine that has nothing yet builds with an empty cache through the proxy.
#[track_caller]
pub fn writing(make: impl Fn(u16) -> Proxy + Sync, warnings: &[&str], loses: Duration) {
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
