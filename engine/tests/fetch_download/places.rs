//! Mirrors and registries that a user has set.

use pwb_engine::fetch::Places;
use pwb_engine::recipe::{NpmFile, Origin, PypiFile};

use crate::server::*;

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
        <a href="../../f/a_b-2.0.tar.gz#sha256=00">a_b-2.0.tar.gz</a>
        <a href="file:///dev/a_b-4.0.tar.gz">a_b-4.0.tar.gz</a>"#;
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
        (
            "a_b-4.0.tar.gz",
            "/root/simple/a-b/ has a link to a file of this machine",
        ),
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
