//! ByteStream: reading, writing, going on where a write was broken off.

use std::time::Duration;

use pwb_cache::{Function, Name};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use crate::served::{BOTH, Served, allowed, noise, parts, resource, spoil, upload};

#[tokio::test]
async fn large_blobs_go_round_in_every_form() {
    let bytes = noise(3_000_001);
    let compressed = zstd::bulk::compress(&bytes, 3).unwrap();
    for function in BOTH {
        let name = Name::of(function, &bytes);
        for zstd in [false, true] {
            let served = Served::start().await;
            let sent = if zstd { &compressed } else { &bytes };
            let committed = served.write(&upload(name, zstd), 0, sent).await.unwrap();
            assert_eq!(committed, sent.len() as i64);
            let status = served.status(&upload(name, zstd)).await;
            assert!(status.complete && status.committed_size == 3_000_001);
            assert_eq!(
                served.read(&resource(name, false), 0, 0).await.unwrap(),
                bytes
            );
            let read = served.read(&resource(name, true), 0, 0).await.unwrap();
            assert!(read.len() < bytes.len());
            assert_eq!(zstd::stream::decode_all(&*read).unwrap(), bytes);
            // Once more: it is there already.
            let committed = served.write(&upload(name, zstd), 0, sent).await.unwrap();
            assert_eq!(committed, if zstd { -1 } else { 3_000_001 });
        }
    }
}

#[tokio::test]
async fn parts_of_blobs_can_be_read() {
    let served = Served::start().await;
    let bytes = noise(1_000_000);
    let name = Name::of(Function::Blake3, &bytes);
    served.write(&upload(name, false), 0, &bytes).await.unwrap();
    let plain = resource(name, false);
    assert_eq!(
        served.read(&plain, 999_990, 0).await.unwrap(),
        bytes[999_990..]
    );
    assert_eq!(
        served.read(&plain, 10, 500_000).await.unwrap(),
        bytes[10..500_010]
    );
    assert_eq!(served.read(&plain, 1_000_000, 0).await.unwrap(), b"");
    let zstd = served
        .read(&resource(name, true), 700_000, 0)
        .await
        .unwrap();
    assert_eq!(zstd::stream::decode_all(&*zstd).unwrap(), bytes[700_000..]);
    for (name, offset, limit, code) in [
        (&plain, 1_000_001, 0, Code::OutOfRange),
        (&plain, -1, 0, Code::OutOfRange),
        (&plain, 0, -1, Code::InvalidArgument),
        (&resource(name, true), 0, 1, Code::InvalidArgument),
        (&"nonsense".to_owned(), 0, 0, Code::InvalidArgument),
        (
            &resource(Name::of(Function::Blake3, b"?"), false),
            0,
            0,
            Code::NotFound,
        ),
    ] {
        let refused = served.read(name, offset, limit).await.unwrap_err();
        assert_eq!(refused.code(), code, "{name} {offset} {limit}: {refused}");
    }
}

#[tokio::test]
async fn an_empty_blob_goes_round() {
    let served = Served::start().await;
    for function in BOTH {
        let name = Name::of(function, b"");
        assert_eq!(served.write(&upload(name, false), 0, b"").await.unwrap(), 0);
        assert_eq!(
            served.read(&resource(name, false), 0, 0).await.unwrap(),
            b""
        );
        let zstd = served.read(&resource(name, true), 0, 0).await.unwrap();
        assert_eq!(zstd::stream::decode_all(&*zstd).unwrap(), b"");
    }
}

#[tokio::test]
async fn a_broken_write_goes_on_where_it_was() {
    let bytes = noise(2_500_000);
    for function in BOTH {
        for zstd in [false, true] {
            let served = Served::start().await;
            let name = upload(Name::of(function, &bytes), zstd);
            // The first part, and then the connection is cut.
            let form = |bytes: &[u8]| match zstd {
                true => zstd::bulk::compress(bytes, 3).unwrap(),
                false => bytes.to_vec(),
            };
            let (sender, receiver) = mpsc::channel(100);
            for part in parts(&name, 0, &form(&bytes[..1_500_000]), false) {
                sender.send(part).await.unwrap();
            }
            let mut client = served.bytes();
            let request = allowed(ReceiverStream::new(receiver));
            let write = tokio::spawn(async move { client.write(request).await });
            tokio::time::sleep(Duration::from_millis(500)).await;
            write.abort();
            let mut status = served.status(&name).await;
            for _ in 0..100 {
                if status.committed_size > 0 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
                status = served.status(&name).await;
            }
            assert!(!status.complete);
            assert_eq!(status.committed_size, 1_500_000);
            let refused = served.write(&name, 7, b"elsewhere").await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument);
            let rest = form(&bytes[1_500_000..]);
            served.write(&name, 1_500_000, &rest).await.unwrap();
            let read = resource(Name::of(function, &bytes), false);
            assert_eq!(served.read(&read, 0, 0).await.unwrap(), bytes);
            drop(sender);
        }
    }
}

#[tokio::test]
async fn a_broken_write_can_begin_anew() {
    let served = Served::start().await;
    let bytes = noise(300_000);
    let name = Name::of(Function::Blake3, &bytes);
    let broken = parts(&upload(name, false), 0, &bytes[..100_000], false);
    let response = served
        .bytes()
        .write(allowed(tokio_stream::iter(broken)))
        .await;
    assert_eq!(response.unwrap().into_inner().committed_size, 100_000);
    assert_eq!(
        served.status(&upload(name, false)).await.committed_size,
        100_000
    );
    served.write(&upload(name, false), 0, &bytes).await.unwrap();
    assert_eq!(
        served.read(&resource(name, false), 0, 0).await.unwrap(),
        bytes
    );
}

#[tokio::test]
async fn bytes_that_are_not_the_blob_are_refused() {
    let served = Served::with(|config| config.limits.max_blob_size = 1_000_000).await;
    let bytes = noise(300_000);
    for function in BOTH {
        let name = Name::of(function, &bytes);
        let mut wrong = bytes.clone();
        wrong[5] ^= 1;
        let longer = [bytes.as_slice(), b"more"].concat();
        for bad in [&wrong, &bytes[1..].to_vec(), &longer, &Vec::new()] {
            let plain = served.write(&upload(name, false), 0, bad).await;
            let zstd = zstd::bulk::compress(bad, 3).unwrap();
            let zstd = served.write(&upload(name, true), 0, &zstd).await;
            for refused in [plain, zstd] {
                assert_eq!(refused.unwrap_err().code(), Code::InvalidArgument);
            }
        }
        let garbage = served.write(&upload(name, true), 0, &bytes).await;
        assert_eq!(garbage.unwrap_err().code(), Code::InvalidArgument);
        // A few bytes of zstd that would fill a disk.
        let bomb = zstd::bulk::compress(&vec![0; 50 << 20], 3).unwrap();
        let bomb = served.write(&upload(name, true), 0, &bomb).await;
        assert_eq!(bomb.unwrap_err().code(), Code::InvalidArgument);
        assert_eq!(served.missing(&[name]).await.len(), 1);
        let large = Name::of(function, &noise(1_000_001));
        let large = served.write(&upload(large, false), 0, b"begin").await;
        assert_eq!(large.unwrap_err().code(), Code::InvalidArgument);
    }
    let left: Vec<_> = std::fs::read_dir(served.store.root().join("tmp"))
        .unwrap()
        .collect();
    for session in left
        .into_iter()
        .map(Result::unwrap)
        .filter(|e| e.path().is_dir())
    {
        let mut files = std::fs::read_dir(session.path()).unwrap();
        // What the server relies on is written there; nothing of the uploads is.
        let other = files.find(|file| file.as_ref().unwrap().file_name() != "pins");
        assert!(other.is_none(), "files are left: {other:?}");
    }
}

#[tokio::test]
async fn the_end_of_a_damaged_blob_is_never_sent() {
    let served = Served::start().await;
    let bytes = noise(1_000_000);
    let name = Name::of(Function::Sha256, &bytes);
    for zstd in [false, true] {
        served.write(&upload(name, false), 0, &bytes).await.unwrap();
        spoil(&served.object(&bytes));
        let refused = served.read(&resource(name, zstd), 0, 0).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound);
        assert_eq!(served.missing(&[name]).await.len(), 1);
    }
    served.write(&upload(name, false), 0, &bytes).await.unwrap();
    std::fs::write(served.object(&bytes), b"short").unwrap();
    assert_eq!(served.missing(&[name]).await.len(), 1);
}

#[tokio::test]
async fn a_client_that_sends_nothing_more_is_dropped_and_may_come_back() {
    let served = Served::with(|config| config.limits.idle = Duration::from_millis(300)).await;
    let bytes = noise(200_000);
    let name = Name::of(Function::Blake3, &bytes);
    let (sender, receiver) = mpsc::channel(10);
    for part in parts(&upload(name, false), 0, &bytes[..100_000], false) {
        sender.send(part).await.unwrap();
    }
    let refused = served
        .bytes()
        .write(allowed(ReceiverStream::new(receiver)))
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::DeadlineExceeded);
    let name = upload(name, false);
    assert_eq!(served.status(&name).await.committed_size, 100_000);
    served
        .write(&name, 100_000, &bytes[100_000..])
        .await
        .unwrap();
}

#[tokio::test]
async fn a_blob_that_goes_while_it_is_read_is_read_to_its_end() {
    let served = Served::start().await;
    let bytes = noise(20_000_000);
    let name = Name::of(Function::Blake3, &bytes);
    served.write(&upload(name, false), 0, &bytes).await.unwrap();
    let request = bazel_remote_apis::google::bytestream::ReadRequest {
        resource_name: resource(name, false),
        ..Default::default()
    };
    let mut stream = served.bytes().read(request).await.unwrap().into_inner();
    let mut read = stream.message().await.unwrap().unwrap().data;
    std::fs::remove_file(served.object(&bytes)).unwrap();
    while let Some(part) = stream.message().await.unwrap() {
        read.extend(part.data);
    }
    assert!(read == bytes);
}
