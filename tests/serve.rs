//! `pwb cache serve` as others see it: Bazel, casupload, casdownload, recc; and as who runs it sees it.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/peers/mod.rs"]
mod peers;
#[path = "support/serving.rs"]
mod serving;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use bazel_remote_apis::build::bazel::remote::execution::v2 as reapi;
use nix::sys::signal::Signal;
use peers::{Peer, Remote, are_here, run};
use reapi::batch_update_blobs_request::Request as One;
use reapi::content_addressable_storage_client::ContentAddressableStorageClient;
use serving::{Serving, TOKEN};
use tempfile::{TempDir, tempdir};

const RULES: &str = r#"
genrule(name = "small", outs = ["small.txt"], cmd = "echo small > $@")
genrule(name = "large", outs = ["large.bin"], cmd = "head -c 9000000 /dev/zero > $@")
genrule(name = "sum", srcs = [":small", ":large"], outs = ["sum.txt"], cmd = "cat $(SRCS) | cksum > $@")
"#;

/// A build of everything in a workspace, with nothing kept from any before it.
#[track_caller]
fn bazel(remote: Remote, workspace: &Path, flags: &[&str]) -> String {
    let own = tempdir().unwrap();
    let mut command = remote.bazel(workspace, own.path(), &["build", "//:sum"]);
    ended_well(command.args(flags), own)
}

#[track_caller]
fn ended_well(command: &mut Command, own: TempDir) -> String {
    let output = command.output().unwrap();
    // Bazel makes what it has read-only.
    let mut chmod = Command::new("chmod");
    chmod.args(["-R", "u+w"]).arg(own.path());
    assert!(chmod.status().unwrap().success());
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    said
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
#[ignore = "takes long: .ci/run runs it"]
fn bazel_finds_what_another_bazel_has_built() {
    if !are_here(&[Peer::Bazel]) {
        return;
    }
    let serving = Serving::with_token();
    let remote = Remote { port: serving.port };
    let folder = tempdir().unwrap();
    let workspace = folder.path().join("workspace");
    fs::create_dir(&workspace).unwrap();
    fs::write(workspace.join("WORKSPACE"), "").unwrap();
    fs::write(workspace.join("BUILD"), RULES).unwrap();
    let header = format!("--remote_header=authorization=Bearer {TOKEN}");

    // Who may not write gives nothing, and builds all the same.
    let said = bazel(remote, &workspace, &[]);
    assert!(!said.contains("remote cache hit"), "{said}");
    let said = bazel(remote, &workspace, &[&header]);
    assert!(!said.contains("remote cache hit"), "{said}");
    // Reading needs no token.
    let header = &*header;
    for flags in [&[][..], &[header]] {
        let said = bazel(remote, &workspace, flags);
        assert!(said.contains("3 remote cache hit"), "{said}");
    }
    assert_eq!(serving.said(), "", "it complains of nothing");
}

#[test]
fn casupload_and_casdownload_round_trip_with_a_token_or_a_certificate() {
    if !are_here(&[Peer::BuildBox]) {
        return;
    }
    let serving = Serving::with_tls();
    let folder = tempdir().unwrap();
    let given = folder.path().join("given");
    fs::create_dir_all(given.join("deep")).unwrap();
    fs::write(given.join("deep/large"), vec![7; 20_000_000]).unwrap();
    std::os::unix::fs::symlink("deep/large", given.join("link")).unwrap();
    let digest = folder.path().join("digest");
    for (n, flags) in [serving.buildbox_token(), serving.buildbox_certificate()]
        .iter()
        .enumerate()
    {
        fs::write(given.join("number"), n.to_string()).unwrap();
        run(serving
            .buildbox("casupload")
            .args(flags)
            .arg(format!("--output-digest-file={}", digest.display()))
            .arg(&given));
        let root = fs::read_to_string(&digest).unwrap();
        let got = folder.path().join(format!("got-{n}"));
        run(serving
            .buildbox("casdownload")
            .arg(format!("--root-digest={}", root.trim()))
            .arg(format!("--destination-dir={}", got.display())));
        let read = |name: &str| fs::read(got.join(name)).unwrap();
        assert!(read("link") == fs::read(given.join("deep/large")).unwrap());
        assert_eq!(read("number"), n.to_string().as_bytes());
    }
    fs::write(given.join("number"), "not allowed").unwrap();
    let refused = serving.buildbox("casupload").arg(&given).output().unwrap();
    assert!(!refused.status.success());
    assert!(text(&refused).contains("writing needs a bearer token"));
}

#[test]
fn recc_finds_what_another_recc_has_compiled() {
    if !are_here(&[Peer::BuildBox]) {
        return;
    }
    let serving = Serving::with_tls();
    let folder = tempdir().unwrap();
    for (name, hits) in [("first", false), ("second", true)] {
        let folder = folder.path().join(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("a.c"), "int main(void) { return 0; }\n").unwrap();
        let call = ["/usr/bin/cc", "-c", "a.c", "-o", "a.o"];
        let remote = Remote { port: serving.port };
        let output = remote
            .recc(&folder, &call)
            .envs(serving.recc())
            .output()
            .unwrap();
        let said = text(&output);
        assert!(output.status.success(), "{said}");
        assert_eq!(said.contains("Action Cache hit"), hits, "{name}: {said}");
        assert!(folder.join("a.o").exists());
    }
}

#[test]
fn wrong_digests_are_refused() {
    let serving = Serving::with_token();
    let lie = reapi::BatchUpdateBlobsRequest {
        requests: vec![One {
            digest: Some(reapi::Digest {
                hash: "0".repeat(64),
                size_bytes: 3,
            }),
            data: b"lie".to_vec(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let mut request = tonic::Request::new(lie);
    let token = format!("Bearer {TOKEN}").parse().unwrap();
    request.metadata_mut().insert("authorization", token);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let answer = runtime.block_on(async {
        let url = format!("http://127.0.0.1:{}", serving.port);
        let mut client = ContentAddressableStorageClient::connect(url).await.unwrap();
        client.batch_update_blobs(request).await.unwrap()
    });
    let status = answer.into_inner().responses.pop().unwrap().status.unwrap();
    assert_eq!(status.code, 3, "{status:?}");
}

#[test]
fn a_signal_ends_it_and_frees_the_store() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut serving = Serving::with_token();
        serving.signal(signal);
        assert_eq!(serving.code(Duration::from_secs(10)), Some(0));
        let left = fs::read_dir(serving.store().join("tmp")).unwrap().count();
        assert_eq!(left, 0, "a session is left behind");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut serving = Serving::with_token();
    // A request that is never finished.
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let port = serving.port;
    let client = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            use bazel_remote_apis::google::bytestream::WriteRequest;
            use bazel_remote_apis::google::bytestream::byte_stream_client::ByteStreamClient;
            let url = format!("http://127.0.0.1:{port}");
            let mut client = ByteStreamClient::connect(url).await.unwrap();
            let part = WriteRequest {
                resource_name: format!("uploads/u/blobs/{}/9", "0".repeat(64)),
                data: b"a".to_vec(),
                ..Default::default()
            };
            sender.send(part).await.unwrap();
            let stream = tokio_stream::wrappers::ReceiverStream::new(receiver);
            let mut request = tonic::Request::new(stream);
            let token = format!("Bearer {TOKEN}").parse().unwrap();
            request.metadata_mut().insert("authorization", token);
            let ended = client.write(request).await.is_err();
            drop(sender);
            ended
        })
    });
    std::thread::sleep(Duration::from_millis(500));
    serving.signal(Signal::SIGTERM);
    assert_eq!(serving.code(Duration::from_secs(1)), None, "it waits");
    let begin = Instant::now();
    serving.signal(Signal::SIGTERM);
    assert_eq!(serving.code(Duration::from_secs(10)), Some(1));
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert!(client.join().unwrap());
}

#[test]
fn what_is_wrong_at_the_start_is_said() {
    let folder = tempdir().unwrap();
    let says = |flags: &[&str]| {
        let output = Serving::command(folder.path(), flags).output().unwrap();
        assert!(!output.status.success());
        text(&output)
    };
    let said = says(&["--allow-write"]);
    assert!(said.contains("add --token-file FILE"), "{said}");
    let said = says(&["--token-file", "x"]);
    assert!(said.contains("--allow-write"), "{said}");
    fs::write(folder.path().join("token"), "\n").unwrap();
    let said = says(&["--allow-write", "--token-file", "token"]);
    assert!(said.contains("there is no token in token"), "{said}");
    let said = says(&["--allow-write", "--token-file", "none"]);
    assert!(said.contains("cannot read none"), "{said}");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = says(&["--listen", &address]);
    assert!(
        said.contains(&format!("cannot listen on {address}")),
        "{said}"
    );
    assert!(said.contains("choose another port"), "{said}");
    fs::write(folder.path().join("not.pem"), "not PEM").unwrap();
    let said = says(&["--tls-cert", "not.pem", "--tls-key", "not.pem"]);
    assert!(said.contains("PEM"), "{said}");
}
