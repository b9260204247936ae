//! A server whose every answer a test makes up, and a fetcher that is patient with nobody.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use pwb_engine::fetch::{Error, Fetched, Fetcher, Places, Settings, Timeouts};
use pwb_engine::recipe::{Origin, Pin, RelativePath, Sha256};
use sha2::Digest as _;
use tempfile::TempDir;

/// Answers a request, given its number on this path from 0 and its headers.
pub type Handler = Box<dyn Fn(usize, &HashMap<String, String>, &mut TcpStream) + Send + Sync>;

/// A request's path and headers.
pub type Request = (String, HashMap<String, String>);

/// Serves until the test ends.
pub struct Server {
    pub url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub fn start(handlers: Vec<(&'static str, Handler)>) -> Server {
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

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

pub fn serve(mut stream: TcpStream, handlers: &HashMap<&str, Handler>, seen: &Mutex<Vec<Request>>) {
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

pub fn reply(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    reply_part(stream, status, headers, body.len(), body);
}

/// Announces `length` bytes, sends `body`, and hangs up.
pub fn reply_part(stream: &mut TcpStream, status: &str, headers: &str, length: usize, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body));
}

pub fn handler(
    handle: impl Fn(usize, &HashMap<String, String>, &mut TcpStream) + Send + Sync + 'static,
) -> Handler {
    Box::new(handle)
}

pub fn sends(body: &'static [u8]) -> Handler {
    handler(move |_, _, stream| reply(stream, "200 OK", "", body))
}

pub struct Bench {
    pub scratch: TempDir,
    pub fetcher: Fetcher,
}

impl Bench {
    pub fn new() -> Bench {
        Bench::with(None, false)
    }

    pub fn with(debian: Option<String>, offline: bool) -> Bench {
        let places = Places {
            debian,
            ..Places::default()
        };
        Bench::at(places, offline)
    }

    pub fn at(places: Places, offline: bool) -> Bench {
        let scratch = tempfile::tempdir().unwrap();
        let timeouts = Timeouts {
            connect: Duration::from_secs(1),
            idle: Duration::from_millis(300),
            pause: Duration::from_millis(10),
        };
        let settings = Settings {
            scratch: scratch.path().to_owned(),
            places,
            offline,
            timeouts,
        };
        Bench {
            scratch,
            fetcher: Fetcher::new(settings),
        }
    }

    pub fn get(&self, urls: &[String], pin: Pin) -> Result<Fetched, Error> {
        let from: Vec<Origin> = urls.iter().cloned().map(Origin::Url).collect();
        self.fetcher.fetch(&from, pin, &mut |_| {})
    }

    /// After everything is dropped or has failed, nothing is left behind.
    pub fn assert_empty(&self) {
        assert_eq!(std::fs::read_dir(self.scratch.path()).unwrap().count(), 0);
    }
}

pub fn debian(path: &str) -> [Origin; 1] {
    [Origin::Debian(RelativePath::parse(path).unwrap())]
}

pub fn sha256(bytes: &[u8]) -> Pin {
    Pin::Sha256(Sha256(sha2::Sha256::digest(bytes).into()))
}

pub fn read(fetched: &Fetched) -> Vec<u8> {
    std::fs::read(&fetched.file).unwrap()
}

pub const BODY: &[u8] = b"the one file";
