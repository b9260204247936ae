//! `pwb serve`: what browsers get, and how the server begins and ends.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::{Running, World, eventually, read};

/// Compresses well, and each part of it is different.
fn script() -> String {
    (0..2000).map(|n| format!("line({n});")).collect()
}

fn world() -> World {
    let world = World::new(&[]);
    world.recipe(&format!(
        r#"Recipe(
            nodes: {{
                "page": Root(
                    files: {{
                        "/site/page.html": Text("<p>hello</p>"),
                        "/site/lib/a.js": Text("{}"),
                        "/site/a.wasm": Text("asm"),
                        "/site/empty.data": Text(""),
                        "/other/secret": Text("not for browsers"),
                    }},
                    links: {{"/site/link.html": "page.html", "/site/out": "../other/secret", "/site/passwd": "/etc/passwd"}},
                ),
            }},
            targets: {{
                "page": Target(node: "page:/site", site: Site(index: "page.html")),
                "no-index": Target(node: "page:/site", site: Site(index: "index.html")),
                "no-site": Target(node: "page:/site"),
            }},
        )"#,
        script()
    ));
    world
}

/// A server that is running.
struct Server {
    running: Running,
    url: String,
}

impl Server {
    fn start(world: &World, flags: &[&str]) -> Server {
        let said = world.path("said");
        let mut arguments = vec!["serve", "page", "--port", "0"];
        arguments.extend(flags);
        let running = world.start_into(&arguments, &said);
        eventually("the server says its URL", || {
            read(&said).contains("http://")
        });
        let url = read(&said).lines().last().unwrap().to_owned();
        Server { running, url }
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask("GET", path, headers)
    }

    /// One request as it is written here, on a connection of its own.
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let host = self
            .url
            .strip_prefix("http://")
            .unwrap()
            .trim_end_matches('/');
        let mut stream = TcpStream::connect(host).unwrap();
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        Answer::parse(&bytes)
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Answer {
        let end = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap();
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), value.to_owned())
        };
        Answer {
            status: status.parse().unwrap(),
            headers: lines.map(header).collect(),
            body: bytes[end + 4..].to_vec(),
        }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

#[test]
fn browsers_get_the_files_with_the_headers_they_want() {
    let world = world();
    let server = Server::start(&world, &[]);
    for (path, kind, text) in [
        ("/", "text/html; charset=utf-8", "<p>hello</p>"),
        (
            "/page.html?query=1",
            "text/html; charset=utf-8",
            "<p>hello</p>",
        ),
        ("/link%2ehtml", "text/html; charset=utf-8", "<p>hello</p>"),
        ("/lib/a.js", "text/javascript; charset=utf-8", &script()),
        ("/a.wasm", "application/wasm", "asm"),
        ("/empty.data", "application/octet-stream", ""),
    ] {
        let answer = server.get(path, &[]);
        assert_eq!((answer.status, answer.text()), (200, text), "{path}");
        assert_eq!(answer.header("content-type"), kind, "{path}");
        assert_eq!(answer.header("content-length"), text.len().to_string());
        assert_eq!(answer.header("accept-ranges"), "bytes");
        let head = server.ask("HEAD", path, &[]);
        let dateless = |answer: &Answer| {
            let mut headers = answer.headers.clone();
            headers.remove("date");
            headers
        };
        assert_eq!((head.status, head.text()), (200, ""), "{path}");
        assert_eq!(dateless(&head), dateless(&answer), "{path}");
    }
    let outside = [
        "/lib",
        "/lib/",
        "/gone",
        "/../page.html",
        "/%2e%2e/other/secret",
        "/out",
        "/passwd",
        "//etc/passwd",
        "/%ff",
    ];
    for path in outside {
        assert_eq!(server.get(path, &[]).status, 404, "{path}");
    }
    let refused = server.ask("POST", "/", &[]);
    assert_eq!(
        (refused.status, refused.header("allow")),
        (405, "GET, HEAD")
    );
    // Whatever the answer is, a page of this site may be isolated from others.
    for answer in [server.get("/", &[]), server.get("/gone", &[]), refused] {
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(
            answer.header("cross-origin-embedder-policy"),
            "require-corp"
        );
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
    }
}

#[test]
fn what_the_browser_has_is_not_sent_again() {
    let world = world();
    let server = Server::start(&world, &[]);
    let first = server.get("/lib/a.js", &[]);
    let tag = first.header("etag");
    assert_eq!(tag.len(), 66, "a digest: {tag}");
    assert_eq!(first.header("cache-control"), "no-cache");
    for known in [tag, &format!("\"other\", {tag}"), &format!("W/{tag}"), "*"] {
        let again = server.get("/lib/a.js", &[("If-None-Match", known)]);
        assert_eq!(
            (again.status, again.text(), again.header("etag")),
            (304, "", tag),
            "{known}"
        );
    }
    assert_eq!(
        server
            .get("/lib/a.js", &[("If-None-Match", "\"other\"")])
            .status,
        200
    );
    assert_eq!(server.get("/lib/a.js", &[("If-Match", tag)]).status, 200);
    assert_eq!(
        server.get("/lib/a.js", &[("If-Match", "\"other\"")]).status,
        412
    );
    // All files of the store have one time: it says nothing.
    let since = [("If-Modified-Since", "Wed, 01 Jan 2094 00:00:00 GMT")];
    assert_eq!(
        (
            server.get("/lib/a.js", &since).status,
            first.header("last-modified")
        ),
        (200, "")
    );
    // Each coding has a tag of its own.
    let zstd = ("Accept-Encoding", "zstd");
    let packed = server.get("/lib/a.js", &[zstd]);
    assert_ne!(packed.header("etag"), tag);
    assert_eq!(
        server
            .get(
                "/lib/a.js",
                &[zstd, ("If-None-Match", packed.header("etag"))]
            )
            .status,
        304
    );
    assert_eq!(
        server
            .get("/lib/a.js", &[("If-None-Match", packed.header("etag"))])
            .status,
        200
    );
}

#[test]
fn files_are_sent_compressed_to_those_who_want_that() {
    let world = world();
    let server = Server::start(&world, &[]);
    let zstd = server.get(
        "/lib/a.js",
        &[("Accept-Encoding", "gzip, deflate, br, zstd")],
    );
    assert_eq!(
        (zstd.header("content-encoding"), zstd.header("vary")),
        ("zstd", "accept-encoding")
    );
    assert_eq!(
        zstd::decode_all(&zstd.body[..]).unwrap(),
        script().as_bytes()
    );
    let gzip = server.get("/lib/a.js", &[("Accept-Encoding", "gzip")]);
    let mut text = String::new();
    GzDecoder::new(&gzip.body[..])
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!((gzip.header("content-encoding"), text), ("gzip", script()));
    for answer in [&zstd, &gzip] {
        assert_eq!(
            answer.header("content-length"),
            answer.body.len().to_string()
        );
        assert_eq!(
            answer.header("content-type"),
            "text/javascript; charset=utf-8"
        );
    }
    // Small ones are not worth it.
    let small = server.get("/", &[("Accept-Encoding", "gzip")]);
    assert_eq!(
        (small.header("content-encoding"), small.text()),
        ("", "<p>hello</p>")
    );

    // Once for all: what is kept is what is sent.
    let kept = |name: &str| {
        let mut found = Vec::new();
        support::walk(&world.path("store/tmp"), &mut |path, _| {
            if path.to_string_lossy().ends_with(name) {
                found.push(path.to_owned());
            }
        });
        found
    };
    let [file] = &kept(".gzip")[..] else {
        panic!("not one")
    };
    fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(file, "x".repeat(gzip.body.len())).unwrap();
    let again = server.get("/lib/a.js", &[("Accept-Encoding", "gzip")]);
    assert!(again.body.iter().all(|byte| *byte == b'x'));
}

#[test]
fn parts_of_files() {
    let world = world();
    let server = Server::start(&world, &[]);
    let script = script();
    let path = "/lib/a.js";
    let tag = server.get(path, &[]).header("etag").to_owned();
    let length = script.len();
    let part = |headers: &[(&str, &str)]| server.get(path, headers);

    let answer = part(&[("Range", "bytes=5-9"), ("Accept-Encoding", "gzip")]);
    assert_eq!((answer.status, answer.text()), (206, &script[5..10]));
    assert_eq!(
        answer.header("content-range"),
        format!("bytes 5-9/{length}")
    );
    assert_eq!(
        (
            answer.header("content-length"),
            answer.header("content-encoding")
        ),
        ("5", "")
    );
    assert_eq!(answer.header("etag"), tag);
    assert_eq!(part(&[("Range", "bytes=-7")]).text(), &script[length - 7..]);
    assert_eq!(
        part(&[("Range", &format!("bytes={}-", length - 1))]).text(),
        ";"
    );

    let beyond = part(&[("Range", &format!("bytes={length}-"))]);
    assert_eq!(
        (beyond.status, beyond.header("content-range")),
        (416, &*format!("bytes */{length}"))
    );
    for whole in ["bytes=9-5", "bytes=0-1,4-5", "lines=1-2", "bytes=x"] {
        let answer = part(&[("Range", whole)]);
        assert_eq!((answer.status, answer.body.len()), (200, length), "{whole}");
    }

    let of = |version: &str| part(&[("Range", "bytes=0-3"), ("If-Range", version)]).status;
    assert_eq!(
        (of(&tag), of("\"other\""), of(&format!("W/{tag}"))),
        (206, 200, 200)
    );
    assert_eq!(of("Wed, 01 Jan 2094 00:00:00 GMT"), 200);
    assert_eq!(
        part(&[("Range", "bytes=0-3"), ("If-None-Match", &tag)]).status,
        304
    );
    let head = server.ask("HEAD", path, &[("Range", "bytes=0-3")]);
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, &*length.to_string())
    );
}

#[test]
fn ctrl_c_ends_it_well_even_in_the_middle_of_an_answer() {
    let world = world();
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let server = Server::start(&world, &[]);
        // A browser that keeps its connection, and one that stopped in the middle of a request.
        let host = server
            .url
            .strip_prefix("http://")
            .unwrap()
            .trim_end_matches('/')
            .to_owned();
        let mut kept = TcpStream::connect(&host).unwrap();
        kept.write_all(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes())
            .unwrap();
        kept.read_exact(&mut [0; 4]).unwrap();
        let mut half = TcpStream::connect(&host).unwrap();
        half.write_all(b"GET / HT").unwrap();
        let begin = Instant::now();
        server.running.signal(signal);
        assert_eq!(server.running.end().code, Some(0));
        assert!(
            begin.elapsed() < Duration::from_secs(3),
            "{:?}",
            begin.elapsed()
        );
    }
    let left = fs::read_dir(world.path("store/tmp")).unwrap().count();
    assert_eq!(left, 0, "nothing is left in the store's temporary folder");
}

#[test]
fn only_the_url_is_on_standard_output() {
    let world = world();
    world.realize("page");
    let [out, err] = ["out", "err"].map(|name| world.path(name));
    let mut command = world.pwb(&["serve", "page", "--port", "0", "--listen", "127.0.0.2"]);
    command
        .stdout(fs::File::create(&out).unwrap())
        .stderr(fs::File::create(&err).unwrap());
    let mut child = command.spawn().unwrap();
    eventually("the server says its URL", || read(&out).ends_with('\n'));
    kill(
        Pid::from_raw(i32::try_from(child.id()).unwrap()),
        Signal::SIGINT,
    )
    .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let said = read(&out);
    let port = said
        .strip_prefix("http://127.0.0.2:")
        .and_then(|rest| rest.strip_suffix("/\n"));
    assert!(
        port.is_some_and(|port| port.parse::<u16>().is_ok()),
        "{said}"
    );
    assert_eq!(read(&err), "");
}

#[test]
fn the_browser_is_opened_where_that_is_asked_for() {
    let world = world();
    let opener = world.path("bin/xdg-open");
    fs::create_dir(world.path("bin")).unwrap();
    fs::write(
        &opener,
        "#!/bin/sh\necho \"$1\" > opened.part; mv opened.part opened\n",
    )
    .unwrap();
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", world.path("bin").display());
    let mut command = world.pwb(&["serve", "page", "--port", "0", "--open"]);
    let mut child = command
        .env("PATH", path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    eventually("the browser is opened", || world.path("opened").exists());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(read(&world.path("opened")).starts_with("http://127.0.0.1:"));
}

#[test]
fn what_cannot_be_served_is_told() {
    let world = world();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let told = world.fails(&["serve", "page", "--port", &port]);
    assert!(
        told.contains(&format!("cannot listen on 127.0.0.1:{port}")) && told.contains("--port 0"),
        "{told}"
    );
    let told = world.fails(&["serve", "no-site"]);
    assert!(
        told.contains("target `no-site` is not a site") && told.contains("site: Site("),
        "{told}"
    );
    assert!(
        world
            .fails(&["serve", "t/page"])
            .contains("`t/page` is not a site")
    );
    let told = world.fails(&["serve", "no-index"]);
    assert!(told.contains("no file `index.html`"), "{told}");
    assert!(
        world
            .fails(&["serve", "pag"])
            .contains("did you mean `page`?")
    );
}
