//! The kept corpora keep what pwb promises of them, without a fuzzer.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs;
use std::path::Path;

fn replay(target: &str, run: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let mut inputs = 0;
    for input in fs::read_dir(&corpus).unwrap() {
        let path = input.unwrap().path();
        // The name of an input that breaks a promise.
        println!("{}", path.display());
        run(&fs::read(&path).unwrap());
        inputs += 1;
    }
    assert!(inputs > 0, "{} is empty", corpus.display());
}

#[test]
fn recipes() {
    replay("recipe", pwb_fuzz::recipe::run);
}

#[test]
fn directories() {
    replay("directory", pwb_fuzz::directory::run);
}

#[test]
fn archives() {
    replay("archive", pwb_fuzz::archive::run);
}

#[test]
fn locks() {
    replay("lock", pwb_fuzz::lock::run);
}

#[test]
fn http_answers() {
    replay("http", pwb_fuzz::http::run);
}

#[test]
fn grpc_answers() {
    replay("grpc", pwb_fuzz::grpc::run);
}
