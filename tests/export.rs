//! `pwb export`: what comes out, that it is always the same, and that nothing is overwritten.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};
use support::{Said, World, listing, node, read, walk};

/// A name that no header of a tar archive holds.
fn long() -> String {
    format!("{0}/{0}", "n".repeat(120))
}

fn world() -> World {
    let world = World::new(&[]);
    let app = node(
        "app",
        &[],
        "cd /out; mkdir -p bin lib/empty; printf '#!/bin/sh\\necho hello \"$@\"\\n' > bin/hello; chmod +x bin/hello
        echo text > lib/text; ln -s ../lib/text bin/link; mkdir -p $(printf %0120d 0 | sed s/0/n/g); ",
    );
    let app = app.replace(
        "mkdir -p $(printf %0120d 0 | sed s/0/n/g); ",
        &format!("mkdir {}; echo long > {}", "n".repeat(120), long()),
    );
    world.recipe(&format!(
        r#"Recipe(
            nodes: {{
                {app}
                "page": Root(files: {{"/site/page.html": Text("<p>hello</p>"), "/site/_redirects": Text("mine")}}),
                "full": Root(layers: ["busybox/root"], files: {{"/opt/app/old": Text("hidden")}}),
            }},
            targets: {{
                "app": Target(node: "app:/out", run: Exec(root: "full", mount: "/opt/app", command: ["/opt/app/bin/hello", "you"])),
                "new": Target(node: "app:/out", run: Exec(root: "busybox/root", mount: "/new/place", command: ["/new/place/bin/hello"])),
                "page": Target(node: "page:/site", site: Site(index: "page.html")),
            }},
        )"#
    ));
    world
}

/// Exports, and says where to.
#[track_caller]
fn export(world: &World, name: &str, format: &str, more: &[&str]) -> String {
    let said = world.well(&[&["export", name, "--format", format], more].concat());
    said.out.trim_end().to_owned()
}

/// The entries of an archive: path, mode, and contents or target.
fn entries(archive: impl Read) -> Vec<(String, u32, String)> {
    let mut archive = tar::Archive::new(archive);
    let entry = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        let header = entry.header();
        let time = header.mtime().unwrap();
        assert_eq!(
            (header.uid().unwrap(), header.gid().unwrap(), time),
            (0, 0, 1_749_600_000)
        );
        let (path, mode) = (
            entry.path().unwrap().display().to_string(),
            header.mode().unwrap(),
        );
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        if let Some(target) = entry.link_name().unwrap() {
            text = format!("-> {}", target.display());
        }
        (path, mode, text)
    };
    archive.entries().unwrap().map(entry).collect()
}

fn expected(below: &str) -> Vec<(String, u32, String)> {
    let hello = "#!/bin/sh\necho hello \"$@\"\n";
    let all = [
        ("bin/", 0o755, ""),
        ("bin/hello", 0o755, hello),
        ("bin/link", 0o777, "-> ../lib/text"),
        ("lib/", 0o755, ""),
        ("lib/empty/", 0o755, ""),
        ("lib/text", 0o644, "text\n"),
        (&*format!("{}/", "n".repeat(120)), 0o755, ""),
        (&*long(), 0o644, "long\n"),
    ];
    let owned =
        |&(path, mode, text): &(&str, u32, &str)| (format!("{below}{path}"), mode, text.to_owned());
    all.iter().map(owned).collect()
}

#[test]
fn a_folder_is_ones_own() {
    for world in World::each(&[]) {
        let from = self::world();
        fs::write(
            world.path("recipes/t.ron"),
            read(&from.path("recipes/t.ron")),
        )
        .unwrap();
        assert_eq!(export(&world, "app", "dir", &[]), "app");
        let folder = world.path("app");
        assert_eq!(listing(&folder), listing(&world.realize("app")));
        let owner = fs::metadata(&folder).unwrap().uid();
        walk(&folder, &mut |path, metadata| {
            assert_eq!(metadata.uid(), owner);
            if metadata.is_file() {
                assert_eq!(metadata.nlink(), 1, "{}", path.display());
                let mode = if path.ends_with("hello") {
                    0o755
                } else {
                    0o644
                };
                assert_eq!(
                    metadata.permissions().mode() & 0o777,
                    mode,
                    "{}",
                    path.display()
                );
            }
        });
        assert_eq!(
            fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
            0o755
        );
        // A node will do, wherever one wants it.
        let place = world.path("elsewhere").display().to_string();
        assert_eq!(export(&world, "t/app", "dir", &["-o", &place]), place);
        assert_eq!(read(&world.path("elsewhere/out/lib/text")), "text\n");
    }
}

#[test]
fn archives_hold_the_same_bytes_whenever_they_are_made() {
    let [world, other] = [world(), world()];
    for (format, name) in [
        ("tar.zst", "app.tar.zst"),
        ("zip", "app.zip"),
        ("oci", "app.oci.tar"),
    ] {
        assert_eq!(export(&world, "app", format, &[]), name);
        export(&other, "app", format, &["-o", "second"]);
        let bytes = fs::read(world.path(name)).unwrap();
        assert!(bytes == fs::read(other.path("second")).unwrap(), "{format}");
        let mode = fs::metadata(world.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
        fs::remove_file(other.path("second")).unwrap();
    }

    let tar = zstd::Decoder::new(File::open(world.path("app.tar.zst")).unwrap()).unwrap();
    let mut all = vec![("app/".to_owned(), 0o755, String::new())];
    all.extend(expected("app/"));
    assert_eq!(entries(tar), all);

    let mut zip = zip::ZipArchive::new(File::open(world.path("app.zip")).unwrap()).unwrap();
    let mut found = Vec::new();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        if entry.is_symlink() {
            text = format!("-> {text}");
        }
        found.push((
            entry.name().unwrap().into_owned(),
            entry.unix_mode().unwrap() & 0o777,
            text,
        ));
    }
    assert_eq!(found, all);
}

/// An image taken apart: what its configuration says, and its layers.
struct Unpacked {
    config: Value,
    layers: Vec<Vec<(String, u32, String)>>,
}

impl Unpacked {
    /// Follows the digests from the index down, and checks each.
    fn read(image: &Path) -> Unpacked {
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(File::open(image).unwrap())
            .entries()
            .unwrap()
        {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            files.insert(entry.path().unwrap().display().to_string(), bytes);
        }
        let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
        let blob = |descriptor: &Value| {
            let digest = descriptor["digest"].as_str().unwrap();
            let bytes = &files[&format!("blobs/{}", digest.replace(':', "/"))];
            assert_eq!(descriptor["size"].as_u64().unwrap(), bytes.len() as u64);
            assert_eq!(sha256(bytes), digest);
            bytes
        };
        assert_eq!(json(&files["oci-layout"])["imageLayoutVersion"], "1.0.0");
        let index = json(&files["index.json"]);
        let manifest = json(blob(&index["manifests"][0]));
        let config = json(blob(&manifest["config"]));
        let layers = manifest["layers"].as_array().unwrap();
        let layers: Vec<_> = layers
            .iter()
            .map(|layer| zstd::decode_all(&blob(layer)[..]).unwrap())
            .collect();
        let digests: Vec<_> = layers
            .iter()
            .map(|layer| Value::from(sha256(layer)))
            .collect();
        assert_eq!(config["rootfs"]["diff_ids"], Value::from(digests));
        assert_eq!(files.len(), 4 + layers.len(), "nothing else is in it");
        // Programs are no text.
        let without_contents = |layer: &Vec<u8>| {
            let mut found = Vec::new();
            for entry in tar::Archive::new(&layer[..]).entries().unwrap() {
                let mut entry = entry.unwrap();
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).unwrap();
                let path = entry.path().unwrap().display().to_string();
                found.push((
                    path,
                    entry.header().mode().unwrap(),
                    String::from_utf8_lossy(&bytes).into_owned(),
                ));
            }
            found
        };
        Unpacked {
            config,
            layers: layers.iter().map(without_contents).collect(),
        }
    }

    fn has(&self, layer: usize, path: &str) -> Option<u32> {
        self.layers[layer]
            .iter()
            .find(|entry| entry.0 == path)
            .map(|entry| entry.1)
    }
}

fn sha256(bytes: &[u8]) -> String {
    let hash: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hash}")
}

#[test]
fn an_image_has_the_root_the_artifact_and_the_command() {
    let world = world();
    export(&world, "app", "oci", &["-o", "image.tar"]);
    let image = Unpacked::read(&world.path("image.tar"));
    let config = &image.config["config"];
    assert_eq!(
        config["Entrypoint"],
        serde_json::json!(["/opt/app/bin/hello", "you"])
    );
    assert!(
        config["Env"]
            .as_array()
            .unwrap()
            .contains(&"HOME=/tmp".into())
    );
    assert_eq!(image.layers.len(), 2);
    assert_eq!(
        (image.has(0, "usr/bin/busybox"), image.has(0, "opt/app/old")),
        (Some(0o755), Some(0o644))
    );
    // As a mount does, the artifact hides what the root has there.
    assert_eq!(image.has(1, "opt/app/.wh..wh..opq"), Some(0o644));
    assert_eq!(image.has(1, "opt/app/bin/hello"), Some(0o755));
    assert_eq!(
        (image.has(1, "tmp/"), image.has(1, "opt/")),
        (Some(0o1777), None)
    );

    export(&world, "new", "oci", &[]);
    let image = Unpacked::read(&world.path("new.oci.tar"));
    assert_eq!(
        (image.has(1, "new/"), image.has(1, "new/place/")),
        (Some(0o755), Some(0o755))
    );
    assert_eq!(image.has(1, "new/place/.wh..wh..opq"), None);
}

#[test]
#[ignore = "it needs skopeo and umoci, which .ci/run installs"]
fn other_programs_take_the_image_for_one() {
    let world = world();
    export(&world, "app", "oci", &["-o", "image.tar"]);
    let rootless = if world.is_root() { "" } else { "--rootless" };
    // skopeo checks every digest on the way; umoci knows gzip only.
    let script = format!(
        "skopeo --tmpdir $PWD inspect --config oci-archive:image.tar >&2
        skopeo --tmpdir $PWD --insecure-policy copy --quiet --dest-compress-format gzip oci-archive:image.tar oci:image:app
        umoci unpack {rootless} --image image:app bundle
        unshare --map-root-user chroot bundle/rootfs /opt/app/bin/hello you
        ls bundle/rootfs/opt/app"
    );
    let said = Said::from(world.shell(&script).output().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("/opt/app/bin/hello"), "{said:?}");
    assert_eq!(
        said.out,
        format!("hello you\nbin\nlib\n{}\n", "n".repeat(120))
    );
}

#[test]
fn a_site_comes_with_what_hosts_read() {
    let world = world();
    assert_eq!(export(&world, "page", "site", &[]), "page");
    let site = listing(&world.path("page"));
    let names: Vec<_> = site.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            ".htaccess",
            "_headers",
            "_redirects",
            "page.html",
            "vercel.json"
        ]
    );
    assert_eq!(
        (&*site["page.html"], &*site["_redirects"]),
        ("<p>hello</p>", "mine")
    );
    insta::assert_snapshot!(
        "hosts",
        format!(
            "{}\n{}\n{}",
            site[".htaccess"], site["_headers"], site["vercel.json"]
        )
    );
}

#[test]
fn nothing_is_overwritten_and_failures_leave_nothing() {
    let world = world();
    let before = || {
        let mut names: Vec<_> = fs::read_dir(world.path(""))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    world.realize("app");
    fs::write(world.path("file"), "mine").unwrap();
    fs::create_dir(world.path("empty")).unwrap();
    std::os::unix::fs::symlink("nowhere", world.path("link")).unwrap();
    let there = before();
    for format in ["dir", "tar.zst", "zip", "oci"] {
        for place in ["file", "empty", "link"] {
            let told = world.fails(&["export", "app", "--format", format, "-o", place]);
            assert!(
                told.contains(&format!("{place} is there already")),
                "{told}"
            );
        }
        let told = world.fails(&["export", "app", "--format", format, "-o", "gone/x"]);
        assert!(told.contains("gone is no folder"), "{told}");
    }
    let told = world.fails(&["export", "page", "--format", "oci"]);
    assert!(told.contains("nothing says how to run `page`"), "{told}");
    let told = world.fails(&["export", "app", "--format", "site"]);
    assert!(told.contains("target `app` is not a site"), "{told}");
    assert!(
        world
            .fails(&["export", "ap", "--format", "dir"])
            .contains("did you mean `app`?")
    );
    assert_eq!(before(), there);
    assert_eq!(read(&world.path("file")), "mine");

    // A file that cannot be read, in the middle of it.
    fs::remove_file(world.realize("app").join("lib/text")).unwrap();
    for format in ["dir", "tar.zst", "zip", "oci"] {
        let told = world.fails(&["export", "app", "--format", format, "-o", "new"]);
        assert!(
            told.contains("cannot write new") && told.contains("lib/text"),
            "{told}"
        );
    }
    assert_eq!(before(), there);
}
