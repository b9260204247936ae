//! Limits on what is under way, the end of a server, and its counters.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pwb_cache::{Function, Name, Store};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use crate::served::{Served, allowed, noise, parts, resource, upload};

#[tokio::test]
async fn a_server_that_stops_finishes_what_is_under_way() {
    let mut served = Served::start().await;
    let bytes = noise(200_000);
    let name = Name::of(Function::Blake3, &bytes);
    let (sender, receiver) = mpsc::channel(10);
    let mut parts = parts(&upload(name, false), 0, &bytes, true);
    sender.send(parts.remove(0)).await.unwrap();
    let mut client = served.bytes();
    let request = allowed(ReceiverStream::new(receiver));
    let write = tokio::spawn(async move { client.write(request).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(served.stop.take());
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!served.done.is_finished());
    for part in parts {
        sender.send(part).await.unwrap();
    }
    let written = write.await.unwrap().unwrap().into_inner();
    assert_eq!(written.committed_size, 200_000);
    drop(sender);
    tokio::time::timeout(Duration::from_secs(10), served.done)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    // Another process sees it, so that it was synced.
    let store = Store::open(served.store.root()).unwrap();
    let found = store.find(&[name]).unwrap();
    assert!(found[0].is_some());
}

#[tokio::test]
async fn requests_over_the_limit_wait_and_then_are_refused() {
    let served = Served::with(|config| {
        config.limits.max_requests = 1;
        config.limits.idle = Duration::from_millis(500);
    })
    .await;
    let bytes = noise(20_000_000);
    let name = Name::of(Function::Blake3, &bytes);
    served.write(&upload(name, false), 0, &bytes).await.unwrap();
    // A reader that takes its time has the only place, until its own is up. Streams of one connection would wait for each
    // other, so that the second asks over another.
    let request = bazel_remote_apis::google::bytestream::ReadRequest {
        resource_name: resource(name, false),
        ..Default::default()
    };
    let mut slow = served.bytes().read(request).await.unwrap().into_inner();
    let endpoint = tonic::transport::Channel::from_shared(format!("http://{}", served.address));
    let channel = endpoint.unwrap().connect().await.unwrap();
    let mut other = pwb_cache::reapi::capabilities_client::CapabilitiesClient::new(channel);
    let mut refused = 0;
    loop {
        let answer = other.get_capabilities(pwb_cache::reapi::GetCapabilitiesRequest::default());
        match answer.await {
            Ok(_) => break,
            Err(status) => assert_eq!(status.code(), Code::ResourceExhausted),
        }
        refused += 1;
        assert!(refused < 20, "a slow reader keeps its place for ever");
    }
    // What it has is not the whole, and it is told so.
    let end = loop {
        match slow.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("a part of the blob passes for the whole"),
            Err(status) => break status,
        }
    };
    assert_eq!(end.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn counters_are_on_a_page() {
    let served = Served::with(|config| config.metrics = Some("127.0.0.1:0".parse().unwrap())).await;
    served.update(Function::Blake3, &[b"12345"]).await;
    served
        .fetch(Name::of(Function::Blake3, b"12345"), false)
        .await
        .unwrap();
    let address = served.metrics.unwrap();
    let get = move |path: &'static str| {
        tokio::task::spawn_blocking(move || {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            text
        })
    };
    let page = get("/metrics").await.unwrap();
    for line in [
        "pwb_cache_requests_total{method=\"BatchUpdateBlobs\",code=\"Ok\"} 1",
        "pwb_cache_received_bytes_total 5",
        "pwb_cache_sent_bytes_total 5",
        "pwb_cache_requests_under_way 0",
        "# EOF",
    ] {
        assert!(page.contains(line), "{line} is not in\n{page}");
    }
    assert!(get("/else").await.unwrap().starts_with("HTTP/1.1 404"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn whatever_goes_meanwhile_is_not_found_and_nothing_worse() {
    let served = Served::start().await;
    let blobs: Vec<Vec<u8>> = (0..20).map(|n| noise(1000 + 20_000 * n)).collect();
    // Another process on the same store, which removes what it likes.
    let store = Store::open(served.store.root()).unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let collector = {
        let (ended, blobs) = (ended.clone(), blobs.clone());
        std::thread::spawn(move || {
            let mut removed = 0;
            while !ended.load(Ordering::Relaxed) {
                for blob in &blobs {
                    store.forget_blob(pwb_cache::Digest::of(blob)).unwrap();
                    removed += 1;
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            removed
        })
    };
    let (mut found, mut gone) = (0, 0);
    for round in 0..8 {
        let function = if round % 2 == 0 {
            Function::Blake3
        } else {
            Function::Sha256
        };
        let small: Vec<&[u8]> = blobs[..5].iter().map(Vec::as_slice).collect();
        assert_eq!(served.update(function, &small).await, [Code::Ok; 5]);
        for bytes in &blobs {
            let name = Name::of(function, bytes);
            if bytes.len() > 200_000 {
                served.write(&upload(name, false), 0, bytes).await.unwrap();
            }
            let fetched = match round % 3 {
                0 => served.fetch(name, true).await,
                _ => served
                    .read(&resource(name, false), 0, 0)
                    .await
                    .map_err(|s| s.code()),
            };
            match fetched {
                Ok(fetched) => {
                    assert!(fetched == *bytes);
                    found += 1;
                }
                Err(code) => {
                    assert_eq!(code, Code::NotFound);
                    gone += 1;
                }
            }
        }
    }
    ended.store(true, Ordering::Relaxed);
    assert!(collector.join().unwrap() > 20);
    assert!(
        found > 0 && gone > 0,
        "{found} found, {gone} gone: nothing was tried"
    );
}
