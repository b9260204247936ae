//! Downloads against a real server on this machine that misbehaves in all the ways that servers do.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod places;
mod server;

use std::net::TcpListener;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use pwb_engine::fetch::{Cause, Error, Kind, Progress};
use pwb_engine::recipe::{Blake3, Origin, Pin};

use crate::server::*;

#[test]
fn a_file_comes_by_sha256_and_by_blake3() {
    let server = Server::start(vec![("/f", sends(BODY))]);
    let bench = Bench::new();
    for pin in [sha256(BODY), Pin::Blake3(Blake3(blake3::hash(BODY).into()))] {
        let fetched = bench.get(&[server.url("/f")], pin).unwrap();
        assert_eq!(
            (read(&fetched).as_slice(), fetched.size),
            (BODY, BODY.len() as u64)
        );
        assert!(fetched.failures.is_empty());
    }
    bench.assert_empty();
}

#[test]
fn redirects_are_followed_and_loops_end() {
    let to = |place: &'static str| {
        handler(move |_, _, stream| {
            reply(stream, "302 Found", &format!("Location: {place}\r\n"), b"")
        })
    };
    let server = Server::start(vec![
        ("/a", to("/b")),
        ("/b", to("/f")),
        ("/f", sends(BODY)),
        ("/loop", to("/loop")),
    ]);
    let bench = Bench::new();
    assert_eq!(
        read(&bench.get(&[server.url("/a")], sha256(BODY)).unwrap()),
        BODY
    );
    let error = bench.get(&[server.url("/loop")], sha256(BODY)).unwrap_err();
    assert!(error.to_string().contains("redirect"), "{error}");
}

#[test]
fn the_next_source_is_asked_and_the_failed_ones_are_told() {
    let server = Server::start(vec![("/wrong", sends(b"another")), ("/f", sends(BODY))]);
    let bench = Bench::new();
    let urls = [
        server.url("/absent"),
        server.url("/wrong"),
        server.url("/f"),
    ];
    let fetched = bench.get(&urls, sha256(BODY)).unwrap();
    assert_eq!(read(&fetched), BODY);
    assert!(matches!(fetched.failures[0].cause, Cause::Status(404)));
    assert!(matches!(
        fetched.failures[1].cause,
        Cause::Mismatch { size: 7, .. }
    ));
    assert_eq!(
        server.requests().len(),
        3,
        "neither a 404 nor a wrong file is worth a second try"
    );
    drop(fetched);
    bench.assert_empty();
}

#[test]
fn when_all_sources_fail_each_is_listed() {
    let server = Server::start(vec![("/wrong", sends(b"another"))]);
    let bench = Bench::new();
    let error = bench
        .get(
            &[server.url("/x/absent.tar"), server.url("/wrong")],
            sha256(BODY),
        )
        .unwrap_err();
    let text = error.to_string().replace(&server.url, "SERVER");
    let (expected, got) = (sha256(BODY), sha256(b"another"));
    assert_eq!(
        text,
        format!(
            "cannot download absent.tar\n  SERVER/x/absent.tar: HTTP status 404\n  \
             SERVER/wrong: it is another file: 7 bytes with {got}, not {expected}"
        )
    );
    assert_eq!(error.kind(), Kind::Recipe);
    assert!(error.hint().unwrap().contains(&got.to_string()));
    bench.assert_empty();
}

#[test]
fn a_busy_server_is_asked_again() {
    let busy = handler(|number, _, stream| match number {
        0 => reply(stream, "503 Service Unavailable", "", b"later"),
        _ => reply(stream, "200 OK", "", BODY),
    });
    let server = Server::start(vec![("/f", busy)]);
    let bench = Bench::new();
    assert_eq!(
        read(&bench.get(&[server.url("/f")], sha256(BODY)).unwrap()),
        BODY
    );
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_server_that_stays_busy_is_given_up_after_three_tries() {
    let server = Server::start(vec![(
        "/f",
        handler(|_, _, stream| reply(stream, "503 Service Unavailable", "", b"later")),
    )]);
    let error = Bench::new()
        .get(&[server.url("/f")], sha256(BODY))
        .unwrap_err();
    assert!(error.to_string().ends_with("HTTP status 503"), "{error}");
    assert_eq!(error.kind(), Kind::Environment);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_download_that_breaks_is_resumed_where_the_server_vouches_for_it() {
    let body: &'static [u8] = Box::leak(
        (0..400_000u32)
            .flat_map(u32::to_le_bytes)
            .collect::<Vec<u8>>()
            .into(),
    );
    let breaks = handler(
        move |number, headers, stream| match (number, headers.get("range")) {
            (0, None) => reply_part(
                stream,
                "200 OK",
                "ETag: \"one\"\r\n",
                body.len(),
                &body[..700_000],
            ),
            (_, Some(range)) => {
                let start: usize = range
                    .strip_prefix("bytes=")
                    .unwrap()
                    .strip_suffix('-')
                    .unwrap()
                    .parse()
                    .unwrap();
                assert_eq!(headers["if-range"], "\"one\"");
                let range = format!(
                    "Content-Range: bytes {start}-{}/{}\r\n",
                    body.len() - 1,
                    body.len()
                );
                reply(stream, "206 Partial Content", &range, &body[start..]);
            }
            (_, None) => reply(stream, "500 Not Resumed", "", b""),
        },
    );
    let server = Server::start(vec![("/f", breaks)]);
    let bench = Bench::new();
    let mut last = Progress {
        bytes: 0,
        total: None,
    };
    let from = [Origin::Url(server.url("/f"))];
    let fetched = bench
        .fetcher
        .fetch(&from, sha256(body), &mut |now| last = now)
        .unwrap();
    assert!(read(&fetched) == body);
    assert_eq!(
        last,
        Progress {
            bytes: body.len() as u64,
            total: Some(body.len() as u64)
        }
    );
    assert_eq!(server.requests()[1].1["range"], "bytes=700000-");
}

#[test]
fn a_download_that_breaks_begins_anew_where_the_server_does_not() {
    for (tag, again) in [
        ("", "200 OK"),
        ("ETag: W/\"weak\"\r\n", "200 OK"),
        ("ETag: \"changed\"\r\n", "200 OK"),
    ] {
        let breaks = handler(move |number, _, stream| match number {
            0 => reply_part(stream, "200 OK", tag, 1000, b"some other beginning"),
            _ => reply(stream, again, "", BODY),
        });
        let server = Server::start(vec![("/f", breaks)]);
        assert_eq!(
            read(&Bench::new().get(&[server.url("/f")], sha256(BODY)).unwrap()),
            BODY
        );
        let asked = server.requests()[1].1.contains_key("range");
        assert_eq!(asked, tag.contains("changed"), "{tag}");
    }
}

#[test]
fn a_file_that_stays_short_is_told_with_its_sizes() {
    let short = handler(|_, _, stream| reply_part(stream, "200 OK", "", 100, BODY));
    let server = Server::start(vec![("/f", short)]);
    let error = Bench::new()
        .get(&[server.url("/f")], sha256(BODY))
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("the file ends after 12 of 100 bytes"),
        "{error}"
    );
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_server_that_hangs_is_left_after_the_idle_time() {
    let silent = handler(|_, _, _| thread::sleep(Duration::from_secs(20)));
    let stalls = handler(|_, _, stream| {
        reply_part(stream, "200 OK", "", 100, BODY);
        thread::sleep(Duration::from_secs(20));
    });
    let server = Server::start(vec![
        ("/silent", silent),
        ("/stalls", stalls),
        ("/f", sends(BODY)),
    ]);
    for path in ["/silent", "/stalls"] {
        let begin = Instant::now();
        let fetched = Bench::new()
            .get(&[server.url(path), server.url("/f")], sha256(BODY))
            .unwrap();
        assert!(
            matches!(fetched.failures[0].cause, Cause::Stalled(_)),
            "{:?}",
            fetched.failures
        );
        assert!(
            begin.elapsed() < Duration::from_secs(5),
            "{:?}",
            begin.elapsed()
        );
    }
}

#[test]
fn hosts_that_cannot_be_reached_cost_seconds_at_most() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let server = Server::start(vec![("/f", sends(BODY))]);
    for url in [
        format!("http://{closed}/f"),
        "http://no-such-host.invalid/f".into(),
        "https://[::1]:9/f".into(),
    ] {
        let begin = Instant::now();
        let fetched = Bench::new()
            .get(&[url.clone(), server.url("/f")], sha256(BODY))
            .unwrap();
        assert_eq!(fetched.failures[0].origin, url);
        assert!(
            begin.elapsed() < Duration::from_secs(4),
            "{url}: {:?}",
            begin.elapsed()
        );
    }
}

#[test]
fn urls_that_make_no_sense_are_errors_like_any_other() {
    let server = Server::start(vec![("/f", sends(BODY))]);
    for url in [
        "",
        "http://",
        "not a url",
        "gopher://host/f",
        "http://[",
        "file:///no/such/file",
    ] {
        let fetched = Bench::new()
            .get(&[url.to_owned(), server.url("/f")], sha256(BODY))
            .unwrap();
        assert_eq!(fetched.failures.len(), 1, "{url}");
    }
}

#[test]
fn local_files_need_no_connection() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a b+c"), BODY).unwrap();
    let bench = Bench::with(None, true);
    let url = format!("file://{}/a%20b+c", folder.path().display());
    assert_eq!(read(&bench.get(&[url], sha256(BODY)).unwrap()), BODY);
}

#[test]
fn an_offline_run_connects_to_nothing() {
    let server = Server::start(vec![("/f", sends(BODY))]);
    let bench = Bench::with(Some(server.url("/debian")), true);
    let error = bench.get(&[server.url("/f")], sha256(BODY)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "f has to be downloaded, and this is an offline run"
    );
    assert!(matches!(
        bench.get(&["file:///no/such".into(), server.url("/f")], sha256(BODY)),
        Err(Error::Sources { .. })
    ));
    assert!(matches!(
        bench
            .fetcher
            .fetch(&debian("pool/main/a_1.deb"), sha256(BODY), &mut |_| {}),
        Err(Error::Offline { .. })
    ));
    assert!(server.requests().is_empty());
}

#[test]
fn a_scratch_folder_that_is_gone_is_this_machines_fault_and_no_sources() {
    let server = Server::start(vec![("/f", sends(BODY))]);
    let bench = Bench::new();
    std::fs::remove_dir(bench.scratch.path()).unwrap();
    let error = bench
        .get(&[server.url("/f"), server.url("/f")], sha256(BODY))
        .unwrap_err();
    let Error::Io { path, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(path, Path::new(bench.scratch.path()));
}
