//! What the server costs a client on this machine: 10,000 small blobs, and one of a gigabyte, there and back.
//!
//! ```text
//! cargo bench -p pwb-remote --bench serve
//! ```

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

#[path = "../tests/server/served.rs"]
mod served;

use std::time::{Duration, Instant};

use pwb_cache::{Function, Name};
use served::{BOTH, Served, noise, resource, upload};

const SMALL: usize = 10_000;
const LARGE: usize = 1_000_000_000;
/// Small blobs in a batch.
const BATCH: usize = 500;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // Where many files have just been removed ext4 is slow to make new ones: nothing is removed before the end.
    let _kept = BOTH.map(|function| runtime.block_on(small(function)));
    for function in BOTH {
        for compressed in [false, true] {
            runtime.block_on(large(function, compressed));
        }
    }
}

async fn small(function: Function) -> Served {
    let served = Served::start().await;
    let blobs: Vec<Vec<u8>> = (0..SMALL)
        .map(|n| format!("blob {n}\n").repeat(n % 400 + 1).into_bytes())
        .collect();
    let names: Vec<Name> = blobs
        .iter()
        .map(|bytes| Name::of(function, bytes))
        .collect();
    let say =
        |what: &str, took: Duration| println!("{SMALL} small, {function:?}, {what}: {took:.2?}");
    let begin = Instant::now();
    assert_eq!(served.missing(&names).await.len(), SMALL);
    say("asked for in vain", begin.elapsed());
    let begin = Instant::now();
    for batch in blobs.chunks(BATCH) {
        let batch: Vec<&[u8]> = batch.iter().map(Vec::as_slice).collect();
        served.update(function, &batch).await;
    }
    say("up in batches", begin.elapsed());
    let begin = Instant::now();
    assert!(served.missing(&names).await.is_empty());
    say("asked for", begin.elapsed());
    let begin = Instant::now();
    for batch in names.chunks(BATCH) {
        assert_eq!(served.fetch_all(batch).await, BATCH);
    }
    say("down in batches", begin.elapsed());
    served
}

async fn large(function: Function, compressed: bool) {
    let served = Served::with(|config| config.limits.max_blob_size = 2 << 30).await;
    let bytes = noise(LARGE);
    let name = Name::of(function, &bytes);
    let sent = match compressed {
        true => zstd::bulk::compress(&bytes, 3).unwrap(),
        false => bytes,
    };
    let form = if compressed { "zstd" } else { "plain" };
    let say =
        |what: &str, took: Duration| println!("1 GB, {function:?}, {form}, {what}: {took:.2?}");
    let begin = Instant::now();
    served
        .write(&upload(name, compressed), 0, &sent)
        .await
        .unwrap();
    say("up", begin.elapsed());
    let begin = Instant::now();
    served.count(&resource(name, compressed)).await;
    say("down", begin.elapsed());
}
