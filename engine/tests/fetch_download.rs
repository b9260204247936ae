//! Downloads against a real server on this machine that misbehaves in all the ways that servers do.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use pwb_engine::fetch::{
    Cause, Error, Fetched, Fetcher, Kind, Places, Progress, Settings, Timeouts,
};
use pwb_engine::recipe::{Blake3, NpmFile, Origin, Pin, PypiFile, RelativePath, Sha256};
use sha2::Digest as _;
use tempfile::TempDir;

/// Answers a request, given its number on this path from 0 and its headers.
type Handler = Box<dyn Fn(usize, &HashMap<String, String>, &mut TcpStream) + Send + Sync>;

/// A request's path and headers.
type Request = (String, HashMap<String, String>);

/// Serves until the test ends.
struct Server {
    url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    fn start(handlers: Vec<(&'static str, Handler)>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let handlers: Arc<HashMap<&str, Handler>> = Arc::new(handlers.into_iter().collect());
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (handlers, seen) = (Arc::clone(&handlers), Arc::clone(&seen));
                thread::spawn(move || serve(stream.unwrap(), &handlers, &seen));
            }
        });
        Server { url, requests }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, handlers: &HashMap<&str, Handler>, seen: &Mutex<Vec<Request>>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap())
        .lines()
        .map_while(Result::ok);
    let Some(request) = lines.next() else { return };
    let path = request.split(' ').nth(1).unwrap().to_owned();
    let headers = lines.take_while(|line| !line.is_empty());
    let headers: HashMap<String, String> = headers
        .filter_map(|line| {
            line.split_once(": ")
                .map(|(k, v)| (k.to_lowercase(), v.to_owned()))
        })
        .collect();
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push((path.clone(), headers.clone()));
        seen.iter().filter(|(other, _)| *other == path).count() - 1
    };
    match handlers.get(path.as_str()) {
        Some(handler) => handler(number, &headers, &mut stream),
        None => reply(&mut stream, "404 Not Found", "", b"no"),
    }
}

fn reply(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    reply_part(stream, status, headers, body.len(), body);
}

/// Announces `length` bytes, sends `body`, and hangs up.
fn reply_part(stream: &mut TcpStream, status: &str, headers: &str, length: usize, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body));
}

fn handler(
    handle: impl Fn(usize, &HashMap<String, String>, &mut TcpStream) + Send + Sync + 'static,
) -> Handler {
    Box::new(handle)
}

fn sends(body: &'static [u8]) -> Handler {
    handler(move |_, _, stream| reply(stream, "200 OK", "", body))
}

struct Bench {
    scratch: TempDir,
    fetcher: Fetcher,
}

impl Bench {
    fn new() -> Bench {
        Bench::with(None, false)
    }

    fn with(debian: Option<String>, offline: bool) -> Bench {
        let places = Places {
            debian,
            ..Places::default()
        };
        Bench::at(places, offline)
    }

    fn at(places: Places, offline: bool) -> Bench {
        let scratch = tempfile::tempdir().unwrap();
        let timeouts = Timeouts {
            connect: Duration::from_secs(1),
            idle: Duration::from_millis(300),
        };
        let settings = Settings {
            scratch: scratch.path().to_owned(),
            places,
            offline,
            timeouts,
        };
        Bench {
            scratch,
            fetcher: Fetcher::new(settings).unwrap(),
        }
    }

    fn get(&self, urls: &[String], pin: Pin) -> Result<Fetched, Error> {
        let from: Vec<Origin> = urls.iter().cloned().map(Origin::Url).collect();
        self.fetcher.fetch(&from, pin, &mut |_| {})
    }

    /// After everything is dropped or has failed, nothing is left behind.
    fn assert_empty(&self) {
        assert_eq!(std::fs::read_dir(self.scratch.path()).unwrap().count(), 0);
    }
}

fn sha256(bytes: &[u8]) -> Pin {
    Pin::Sha256(Sha256(sha2::Sha256::digest(bytes).into()))
}

fn read(fetched: &Fetched) -> Vec<u8> {
    std::fs::read(&fetched.file).unwrap()
}

const BODY: &[u8] = b"the one file";

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

fn debian(path: &str) -> [Origin; 1] {
    [Origin::Debian(RelativePath::parse(path).unwrap())]
}

#[test]
fn a_set_mirror_serves_files_by_quoted_paths() {
    let server = Server::start(vec![("/debian/pool/main/a_1%2Bb%7E2.deb", sends(BODY))]);
    let bench = Bench::with(Some(server.url("/debian//")), false);
    let fetched = bench
        .fetcher
        .fetch(&debian("pool/main/a_1+b~2.deb"), sha256(BODY), &mut |_| {})
        .unwrap();
    assert_eq!(read(&fetched), BODY);
    drop(fetched);
    bench.assert_empty();
}

#[test]
fn a_file_that_a_mirror_no_longer_has_asks_for_a_new_lock_file() {
    let server = Server::start(vec![]);
    let bench = Bench::with(Some(server.url("/")), false);
    let error = bench
        .fetcher
        .fetch(&debian("pool/main/a_1.deb"), sha256(BODY), &mut |_| {})
        .unwrap_err();
    let text = error.to_string().replace(&server.url, "SERVER");
    assert_eq!(
        text,
        "cannot download a_1.deb\n  SERVER/pool/main/a_1.deb: the mirror does not have it: HTTP status 404"
    );
    assert!(error.hint().unwrap().contains("pwb lock"));
    bench.assert_empty();
}

fn registries(npm: &str, pypi: &str) -> Bench {
    Bench::at(
        Places {
            npm: Some(npm.into()),
            pypi: Some(pypi.into()),
            ..Places::default()
        },
        false,
    )
}

fn npm(path: &str) -> [Origin; 1] {
    [Origin::Npm(NpmFile::parse(path).unwrap())]
}

fn pypi(name: &str) -> [Origin; 1] {
    [Origin::Pypi(PypiFile::parse(name).unwrap())]
}

#[test]
fn a_set_npm_registry_has_packages_below_it() {
    let server = Server::start(vec![("/npm/@a/b/-/b-1.0.0.tgz", sends(BODY))]);
    let bench = registries(&server.url("/npm/"), "");
    let fetch = |path| bench.fetcher.fetch(&npm(path), sha256(BODY), &mut |_| {});
    assert_eq!(read(&fetch("@a/b/-/b-1.0.0.tgz").unwrap()), BODY);
    let error = fetch("c/-/c-1.0.0.tgz").unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot download c-1.0.0.tgz\n  npm registry, c/-/c-1.0.0.tgz: HTTP status 404"
    );
    bench.assert_empty();
}

#[test]
fn a_set_index_has_pages_with_links_to_files() {
    let page = br#"<a href="../../f/a_b-1.0.tar.gz">a_b-1.0.tar.gz</a>
        <a href="../../f/a_b-2.0.tar.gz#sha256=00">a_b-2.0.tar.gz</a>"#;
    let server = Server::start(vec![
        (
            "/index/a-b/",
            handler(|number, _, stream| match number {
                0 => reply(stream, "503 Service Unavailable", "", b""),
                _ => reply(stream, "302 Found", "Location: /root/simple/a-b/\r\n", b""),
            }),
        ),
        ("/root/simple/a-b/", sends(page)),
        ("/root/f/a_b-2.0.tar.gz", sends(BODY)),
    ]);
    let bench = registries("", &server.url("/index"));
    let fetch = |name| bench.fetcher.fetch(&pypi(name), sha256(BODY), &mut |_| {});
    assert_eq!(read(&fetch("a_b-2.0.tar.gz").unwrap()), BODY);
    for (name, why) in [
        ("a_b-3.0.tar.gz", "/root/simple/a-b/ has no link to it"),
        ("c-1.0.tar.gz", "HTTP status 404"),
    ] {
        let error = fetch(name).unwrap_err().to_string();
        assert!(
            error.contains(&format!("\n  PyPI index, {name}: ")),
            "{error}"
        );
        assert!(error.ends_with(why), "{error}");
    }
    bench.assert_empty();
}

#[test]
fn registries_may_be_folders_and_then_an_offline_run_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let put = |path: &str, bytes: &[u8]| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    put("c/-/c-1.0.0.tgz", BODY);
    put("a-b/index.html", b"<a href='files/a_b-1.0%2B2.zip'>a</a>");
    put("a-b/files/a_b-1.0+2.zip", BODY);
    let url = format!("file://{}", folder.path().display());
    let places = Places {
        npm: Some(url.clone()),
        pypi: Some(url),
        ..Places::default()
    };
    let bench = Bench::at(places, true);
    for from in [npm("c/-/c-1.0.0.tgz"), pypi("a_b-1.0+2.zip")] {
        let fetched = bench.fetcher.fetch(&from, sha256(BODY), &mut |_| {});
        assert_eq!(read(&fetched.unwrap()), BODY);
    }
    let from = pypi("none-1.0.zip");
    let error = bench.fetcher.fetch(&from, sha256(BODY), &mut |_| {});
    assert!(error.unwrap_err().to_string().contains("none/index.html: "));
}

#[test]
fn a_setting_that_is_no_url_says_what_to_set() {
    let bench = registries("registry.example", "registry.example");
    for (from, variable) in [
        (npm("c/-/c-1.0.0.tgz"), "PWB_NPM_REGISTRY"),
        (pypi("c-1.0.zip"), "PWB_PYPI_INDEX"),
    ] {
        let fetched = bench.fetcher.fetch(&from, sha256(BODY), &mut |_| {});
        let error = fetched.unwrap_err();
        assert!(
            error
                .to_string()
                .contains("`registry.example` is not a URL"),
            "{error}"
        );
        assert!(error.hint().unwrap().contains(variable), "{error}");
    }
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
