//! A shared cache that fails, in each of the ways in which caches do. The build is right in every case, says at most one thing
//! about it, and loses a bounded time.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod cache;
#[path = "../support/peers/mod.rs"]
mod peers;
#[path = "../support/proxy/mod.rs"]
mod proxy;
mod run;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use cache::Cache;
use proxy::{Fault, Line, Proxy};
use run::{Run, reading, writing};

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
