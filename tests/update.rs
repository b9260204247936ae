//! `pwb update`: newer versions of what recipes pin, from servers of the test's own, and packages from the host's mirror.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;

use serde_json::Value;
use support::{Said, World, read};

/// Serves these until the test ends; its URL.
fn serve(files: &[(&str, &str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let owned = files
        .iter()
        .map(|(path, body)| ((*path).to_owned(), (*body).to_owned()));
    let files: HashMap<String, String> = owned.collect();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap())
                .lines()
                .map_while(Result::ok);
            let Some(request) = lines.next() else {
                continue;
            };
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let path = request.split(' ').nth(1).unwrap();
            let (status, body) = match files.get(path) {
                Some(body) => ("200 OK", body.as_str()),
                None => ("404 Not Found", ""),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all((head + body).as_bytes());
        }
    });
    url
}

const LISTING: &str = r#"<a href="zlib-1.3.tar">zlib-1.3.tar</a> <a href="zlib-1.3.1.tar">zlib-1.3.1.tar</a>
    <a href="zlib-1.10.tar">zlib-1.10.tar</a> <a href="zlib-2.0rc1.tar">zlib-2.0rc1.tar</a>"#;

/// Digests of nothing that is served.
const OLD: &str = "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640";

fn recipe(url: &str) -> String {
    format!(
        r##"// Comments, and      the author's spaces, stay.
Recipe(
  nodes: {{
    "zlib-1.3": Fetch( /* here */ from: [Url("{url}/zlib-1.3.tar"), Url(r#"{url}/mirror/1.3/zlib-1.3.tar"#)],
        sha256: "{OLD}", updates: Page(url: "{url}/", find: "zlib-{{version}}.tar") ),
    "series": Fetch(from: [Url("{url}/zlib-1.3.tar")], blake3: "{OLD}", updates: Page(url: "{url}/", find: "zlib-{{version}}.tar", within: "1.3")),
    "newest": Fetch(from: [Url("{url}/zlib-1.10.tar")], sha256: "{OLD}", updates: Page(url: "{url}/", find: "zlib-{{version}}.tar")),
    "silent": Fetch(from: [Url("{url}/zlib-1.3.tar")], sha256: "{OLD}"),
    "npm": Fetch(from: [Npm("@a/b/-/b-1.0.0.tgz")], sha256: "{OLD}"),
    "pypi": Fetch(from: [Pypi("A_b-1.0-py3-none-any.whl")], sha256: "{OLD}"),
  }},
)
"##
    )
}

fn files() -> Vec<(&'static str, &'static str)> {
    vec![
        ("/", LISTING),
        ("/zlib-1.3.1.tar", "one"),
        ("/zlib-1.10.tar", "ten"),
        (
            "/npm/@a/b",
            r#"{"name": "@a/b", "dist-tags": {"latest": "1.2.0", "next": "2.0.0"}}"#,
        ),
        ("/npm/@a/b/-/b-1.2.0.tgz", "b"),
        (
            "/pypi/a-b/",
            r#"<a href="/f/A_b-1.0-py3-none-any.whl">x</a> <a href="/f/A_b-1.9-py3-none-any.whl#sha256=1">x</a>
               <a href="/f/A_b-1.10-py3-none-any.whl">x</a> <a href="/f/A_b-2.0-cp313-cp313-win32.whl">x</a>
               <a href="/f/A_b-2.0rc1-py3-none-any.whl">x</a> <a href="/f/a_b-3.0.tar.gz">x</a>"#,
        ),
        ("/f/A_b-1.10-py3-none-any.whl", "wheel"),
    ]
}

fn update(world: &World, url: &str, arguments: &[&str]) -> Command {
    let mut pwb = world.pwb(&[&["update"], arguments].concat());
    pwb.env("PWB_NPM_REGISTRY", format!("{url}/npm"))
        .env("PWB_PYPI_INDEX", format!("{url}/pypi"));
    pwb
}

const NODES: [&str; 6] = [
    "t/newest",
    "t/npm",
    "t/pypi",
    "t/series",
    "t/silent",
    "t/zlib-1.3",
];

#[test]
fn newer_versions_are_written_into_recipes_and_nothing_else_is() {
    let world = World::empty(&[]);
    let url = serve(&files());
    let old = recipe(&url);
    world.recipe(&old);

    let dry = Said::from(
        update(&world, &url, &[&NODES[..], &["--dry-run"]].concat())
            .output()
            .unwrap(),
    );
    assert_eq!((dry.code, &*dry.err), (Some(0), ""), "{dry:?}");
    insta::assert_snapshot!(dry.out, @"
    t/npm: 1.0.0 -> 1.2.0
      - sha256:93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640
      + sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d
    t/pypi: 1.0 -> 1.10
      - sha256:93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640
      + sha256:ba59926159d2aa256eb8739b8da7e2b574b960e1202c6d624cbe981cef996c91
    t/series: 1.3 -> 1.3.1
      - blake3:93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640
      + blake3:d33fb48ab5adff269ae172b29a6913ff04f6f266207a7a8e976f2ecd571d4492
    t/zlib-1.3: 1.3 -> 1.10
      - sha256:93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640
      + sha256:e4432baa90819aaef51d2a7f8e148bf7e679610f3173752fabb4dcb2d0f418d3
    4 would be updated, 1 up to date
    nobody tells of newer versions of t/silent
    ");
    assert_eq!(read(&world.path("recipes/t.ron")), old);

    let said = Said::from(update(&world, &url, &NODES).output().unwrap());
    assert_eq!((said.code, &*said.err), (Some(0), ""), "{said:?}");
    assert_eq!(said.out.replace("4 updated", "4 would be updated"), dry.out);
    let new = read(&world.path("recipes/t.ron"));
    insta::assert_snapshot!(new.replace(&url, "[URL]"), @r##"
    // Comments, and      the author's spaces, stay.
    Recipe(
      nodes: {
        "zlib-1.3": Fetch( /* here */ from: [Url("[URL]/zlib-1.10.tar"), Url(r#"[URL]/mirror/1.10/zlib-1.10.tar"#)],
            sha256: "e4432baa90819aaef51d2a7f8e148bf7e679610f3173752fabb4dcb2d0f418d3", updates: Page(url: "[URL]/", find: "zlib-{version}.tar") ),
        "series": Fetch(from: [Url("[URL]/zlib-1.3.1.tar")], blake3: "d33fb48ab5adff269ae172b29a6913ff04f6f266207a7a8e976f2ecd571d4492", updates: Page(url: "[URL]/", find: "zlib-{version}.tar", within: "1.3")),
        "newest": Fetch(from: [Url("[URL]/zlib-1.10.tar")], sha256: "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640", updates: Page(url: "[URL]/", find: "zlib-{version}.tar")),
        "silent": Fetch(from: [Url("[URL]/zlib-1.3.tar")], sha256: "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640"),
        "npm": Fetch(from: [Npm("@a/b/-/b-1.2.0.tgz")], sha256: "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"),
        "pypi": Fetch(from: [Pypi("A_b-1.10-py3-none-any.whl")], sha256: "ba59926159d2aa256eb8739b8da7e2b574b960e1202c6d624cbe981cef996c91"),
      },
    )
    "##);

    // What was written is what is there.
    for node in ["t/series", "t/npm", "t/pypi"] {
        let mut pwb = update(&world, &url, &[]);
        let mut realize = world.pwb(&["realize", node]);
        for (name, value) in pwb.get_envs() {
            realize.env(name, value.unwrap());
        }
        let said = Said::from(realize.output().unwrap());
        assert_eq!(said.code, Some(0), "{said:?}");
        // And it is the newest.
        let again = Said::from(pwb.arg(node).output().unwrap());
        assert_eq!(again.out, "nothing to update, 1 up to date\n");
    }
}

#[test]
fn changes_as_json() {
    let world = World::empty(&[]);
    let url = serve(&files());
    world.recipe(&recipe(&url));
    let said = Said::from(
        update(
            &world,
            &url,
            &["t/series", "t/silent", "--dry-run", "--json"],
        )
        .output()
        .unwrap(),
    );
    let json: Value = serde_json::from_str(&said.out).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap(), @r#"
    {
      "fetches": [
        {
          "new": "1.3.1",
          "new_digest": "blake3:d33fb48ab5adff269ae172b29a6913ff04f6f266207a7a8e976f2ecd571d4492",
          "node": "t/series",
          "old": "1.3",
          "old_digest": "blake3:93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640"
        }
      ],
      "locks": [],
      "unknown": [
        "t/silent"
      ]
    }
    "#);
}

#[test]
fn where_anything_fails_nothing_is_written() {
    let world = World::empty(&[]);
    // The newest one is told of, and is not there.
    let files: Vec<_> = files()
        .into_iter()
        .filter(|(path, _)| *path != "/zlib-1.10.tar")
        .collect();
    let url = serve(&files);
    let old = recipe(&url);
    world.recipe(&old);
    let said = Said::from(update(&world, &url, &NODES).output().unwrap());
    assert_eq!((said.code, &*said.out), (Some(1), ""));
    insta::assert_snapshot!(said.err.replace(&url, "[URL]"), @"
    error: cannot download zlib-1.10.tar
      [URL]/zlib-1.10.tar: HTTP status 404
      [URL]/mirror/1.10/zlib-1.10.tar: HTTP status 404
     hint: if it has moved, write into the recipe where it is now; the digest of a file stays the same
    ");
    assert_eq!(read(&world.path("recipes/t.ron")), old);

    // Nor is a page that is not there.
    world.recipe(&old.replace(&format!("url: \"{url}/\""), &format!("url: \"{url}/gone\"")));
    let said = Said::from(update(&world, &url, &["t/series"]).output().unwrap());
    insta::assert_snapshot!(said.err.replace(&url, "[URL]"), @"
    error: cannot download a list of versions
      [URL]/gone: HTTP status 404
     hint: if it has moved, write into the recipe where it is now; the digest of a file stays the same
    ");
    world.recipe(&old);
    let said = Said::from(update(&world, &url, &["t/nothing"]).output().unwrap());
    insta::assert_snapshot!(said.err, @"
    error: unknown node `t/nothing`
     = help: there are `busybox/package`, `busybox/root`, `t/newest`, `t/npm`, `t/pypi`, `t/series`, `t/silent` and `t/zlib-1.3`
    ");
    let said = Said::from(
        update(&world, &url, &["busybox/root", "--dry-run"])
            .output()
            .unwrap(),
    );
    insta::assert_snapshot!(said.out + &said.err, @"
    error: `busybox/root` pins nothing: a Fetch does, and a Root of Debian packages
     hint: name nodes in full: recipe/node
    ");
    let mut pwb = update(&world, &url, &[]);
    let said = Said::from(pwb.env_remove("PWB_RECIPES").output().unwrap());
    insta::assert_snapshot!(said.err, @"
    error: the recipes are those built in, which nobody can change
     hint: name a folder of recipes: --recipes DIR
    ");
}

/// The clients of the host, where no registry is set: programs of the test's own stand for them.
#[test]
fn registries_clients_are_asked_too() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::empty(&[]);
    world.recipe(&recipe("http://nowhere.invalid"));
    let asked = world.path("asked");
    fs::create_dir(world.path("bin")).unwrap();
    let npm = "[ $1 = view ] && echo 1.5.0 || printf b > b.tgz";
    let pip = "printf wheel > A_b-1.2-py3-none-any.whl";
    for (name, script) in [("npm", npm), ("python3", pip)] {
        let program = world.path("bin").join(name);
        fs::write(
            &program,
            format!(
                "#!/bin/sh\necho {name} \"$@\" >> {}\n{script}\n",
                asked.display()
            ),
        )
        .unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut pwb = world.pwb(&["update", "t/npm", "t/pypi"]);
    let said = Said::from(pwb.env("PATH", world.path("bin")).output().unwrap());
    insta::assert_snapshot!(said.out + &said.err, @"
    t/npm: 1.0.0 -> 1.5.0
      - sha256:93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640
      + sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d
    t/pypi: 1.0 -> 1.2
      - sha256:93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640
      + sha256:ba59926159d2aa256eb8739b8da7e2b574b960e1202c6d624cbe981cef996c91
    2 updated
    ");
    let pip = "python3 -m pip download";
    let asked = read(&asked);
    let asked: Vec<&str> = asked
        .lines()
        .map(|line| {
            if line.starts_with(pip) {
                line.rsplit(' ').next().unwrap()
            } else {
                line
            }
        })
        .collect();
    insta::assert_snapshot!(asked.join("\n"), @"
    npm view --loglevel=error @a/b dist-tags.latest
    npm pack --loglevel=error --ignore-scripts @a/b@1.5.0
    a-b
    a-b==1.2
    ");
    let recipe = read(&world.path("recipes/t.ron"));
    assert!(
        recipe.contains("@a/b/-/b-1.5.0.tgz") && recipe.contains("A_b-1.2-py3-none-any.whl"),
        "{recipe}"
    );
}

/// A lock file of an older day, against the host's own mirror.
#[test]
fn packages_of_roots_are_told_one_by_one() {
    let world = World::empty(&[]);
    let path = world.path("recipes/busybox.lock");
    let real = read(&path);
    let (before, version) = real.split_once("version: \"").unwrap();
    let (_, after) = version.split_once('"').unwrap();
    let gone = "        Package(name: \"zzz\", version: \"1\", sha256: \"93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640\", size: 1, path: \"pool/zzz.deb\"),\n    ],";
    let old = format!("{before}version: \"1:1.0-1\"{after}").replace("    ],", gone);
    fs::write(&path, &old).unwrap();
    let from_the_host = |arguments: &[&str]| {
        let mut pwb = world.pwb(arguments);
        pwb.env_remove("PWB_DEBIAN_MIRROR");
        if let Some(mirror) = std::env::var_os("PWB_DEBIAN_MIRROR") {
            pwb.env("PWB_DEBIAN_MIRROR", mirror);
        }
        let said = Said::from(pwb.output().unwrap());
        assert_eq!(said.code, Some(0), "{said:?}");
        said.out
    };
    let dry = from_the_host(&["update", "--dry-run"]);
    let mut lines: Vec<&str> = dry.lines().collect();
    let busybox = lines.remove(1);
    assert!(
        busybox.starts_with("    busybox-static 1:1.0-1 -> 1:"),
        "{dry}"
    );
    assert_eq!(lines, ["busybox.lock:", "  - zzz 1", "1 would be updated"]);
    assert_eq!(read(&path), old);
    assert!(from_the_host(&["update", "busybox/package"]).ends_with("\n1 updated\n"));
    let new = read(&path);
    assert!(!new.contains("zzz") && !new.contains("1:1.0-1"), "{new}");
    assert_eq!(
        from_the_host(&["update"]),
        "nothing to update, 1 up to date\n"
    );
}
