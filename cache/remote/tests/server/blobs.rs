//! FindMissingBlobs and the batches.

use pwb_cache::{Function, Name};
use tonic::Code;

use pwb_cache::reapi::batch_update_blobs_request::Request as One;

use crate::served::{BOTH, Served, noise, spoil};

#[tokio::test]
async fn blobs_come_back_by_the_function_they_were_put_by() {
    for function in BOTH {
        let served = Served::start().await;
        let large = noise(100_000);
        let blobs: [&[u8]; 3] = [b"one", b"two", &large];
        let names: Vec<Name> = blobs.iter().map(|b| Name::of(function, b)).collect();
        assert_eq!(served.missing(&names).await.len(), 3);
        assert_eq!(served.update(function, &blobs).await, [Code::Ok; 3]);
        assert_eq!(served.missing(&names).await, []);
        for (name, bytes) in names.iter().zip(blobs) {
            for zstd in [false, true] {
                assert_eq!(served.fetch(*name, zstd).await.unwrap(), bytes);
            }
        }
    }
}

#[tokio::test]
async fn what_came_by_sha256_is_there_by_blake3_too() {
    let served = Served::start().await;
    served.update(Function::Sha256, &[b"same"]).await;
    let name = Name::of(Function::Blake3, b"same");
    assert_eq!(served.fetch(name, false).await.unwrap(), b"same");
    // Not the other way round: nobody has said what it is called by SHA-256.
    served.update(Function::Blake3, &[b"other"]).await;
    let name = Name::of(Function::Sha256, b"other");
    assert_eq!(served.fetch(name, false).await, Err(Code::NotFound));
    assert_eq!(served.missing(&[name]).await.len(), 1);
}

#[tokio::test]
async fn nothing_is_always_there() {
    let served = Served::start().await;
    for function in BOTH {
        let name = Name::of(function, b"");
        assert_eq!(served.missing(&[name]).await, []);
        assert_eq!(served.fetch(name, true).await.unwrap(), b"");
    }
}

#[tokio::test]
async fn compressed_blobs_are_taken() {
    let served = Served::start().await;
    for function in BOTH {
        let bytes = noise(50_000);
        let name = Name::of(function, &bytes);
        let one = |data: Vec<u8>| One {
            digest: Some(name.to_message()),
            data,
            compressor: 1,
        };
        let good = one(zstd::bulk::compress(&bytes, 3).unwrap());
        let no_zstd = one(bytes.clone());
        let longer = one(zstd::bulk::compress(&noise(50_001), 3).unwrap());
        let shorter = one(zstd::bulk::compress(&noise(49_999), 3).unwrap());
        let bad = [no_zstd, longer, shorter];
        let codes = served.update_raw(function, bad.to_vec()).await.unwrap();
        assert_eq!(codes, [Code::InvalidArgument; 3]);
        assert_eq!(served.fetch(name, false).await, Err(Code::NotFound));
        let codes = served.update_raw(function, vec![good]).await.unwrap();
        assert_eq!(codes, [Code::Ok]);
        assert_eq!(served.fetch(name, false).await.unwrap(), bytes);
    }
}

#[tokio::test]
async fn a_blob_that_is_not_its_digest_is_refused_and_the_others_are_taken() {
    let served = Served::start().await;
    for function in BOTH {
        let one = |digest: &[u8], data: &[u8]| One {
            digest: Some(Name::of(function, digest).to_message()),
            data: data.to_vec(),
            compressor: 0,
        };
        let mut wrong_size = one(b"size", b"size");
        wrong_size.digest.as_mut().unwrap().size_bytes = 5;
        let mut no_digest = one(b"none", b"none");
        no_digest.digest.as_mut().unwrap().hash.pop();
        let requests = vec![
            one(b"lie", b"LIE"),
            wrong_size,
            no_digest,
            one(b"ok", b"ok"),
        ];
        let codes = served.update_raw(function, requests).await.unwrap();
        let refused = Code::InvalidArgument;
        assert_eq!(codes, [refused, refused, refused, Code::Ok]);
        for (bytes, there) in [(b"lie", false), (b"LIE", false)] {
            let name = Name::of(function, bytes);
            assert_eq!(served.fetch(name, false).await.is_ok(), there);
        }
        assert!(served.fetch(Name::of(function, b"ok"), false).await.is_ok());
    }
}

#[tokio::test]
async fn a_batch_has_a_limit_and_so_has_a_blob() {
    let served = Served::with(|config| config.limits.max_blob_size = 1000).await;
    let codes = served
        .update(Function::Blake3, &[&[7; 1001], &[7; 1000]])
        .await;
    assert_eq!(codes, [Code::InvalidArgument, Code::Ok]);
    let huge = noise(4 << 20);
    let one = One {
        digest: Some(Name::of(Function::Blake3, &huge).to_message()),
        data: huge,
        compressor: 0,
    };
    let refused = served.update_raw(Function::Blake3, vec![one]).await;
    assert_eq!(refused.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_damaged_or_lost_blob_is_missing_until_it_is_put_again() {
    let served = Served::start().await;
    let bytes = noise(10_000);
    for function in BOTH {
        let name = Name::of(function, &bytes);
        served.update(function, &[&bytes]).await;
        spoil(&served.object(&bytes));
        assert_eq!(served.fetch(name, false).await, Err(Code::NotFound));
        assert_eq!(served.missing(&[name]).await.len(), 1);
        served.update(function, &[&bytes]).await;
        assert_eq!(served.fetch(name, false).await.unwrap(), bytes);
        std::fs::remove_file(served.object(&bytes)).unwrap();
        assert_eq!(served.missing(&[name]).await.len(), 1);
        assert_eq!(served.fetch(name, false).await, Err(Code::NotFound));
    }
}

#[tokio::test]
async fn messages_of_the_store_are_blobs_too() {
    let served = Served::start().await;
    let digest = pwb_cache::Digest::of(b"message");
    let batch = served.store.batch();
    batch
        .put_messages(&[(digest, b"message".to_vec())])
        .unwrap();
    let name = Name::Blake3(digest);
    assert_eq!(served.missing(&[name]).await, []);
    assert_eq!(served.fetch(name, false).await.unwrap(), b"message");
}

#[tokio::test]
async fn other_digest_functions_are_refused() {
    let served = Served::start().await;
    let request = pwb_cache::reapi::FindMissingBlobsRequest {
        digest_function: pwb_cache::reapi::digest_function::Value::Sha512.into(),
        ..Default::default()
    };
    let refused = served.blobs().find_missing_blobs(request).await;
    assert_eq!(refused.unwrap_err().code(), Code::InvalidArgument);
}
