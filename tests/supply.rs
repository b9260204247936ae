//! What went into a result, as the tools of others read it, and signatures that others verify.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/peers/mod.rs"]
mod peers;
#[path = "support/sample.rs"]
mod sample;
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use peers::{Peer, are_here, run};
use serde_json::Value;
use support::{World, walk};

/// A recipe with all kinds of things from outside, of which `all` contains some, is made of others, and built with the rest.
fn world() -> World {
    let world = World::new(&[]);
    world.folder(
        "upstream",
        &[("tool-1.2.3.tar.gz", "not unpacked"), ("data", "1")],
    );
    world.folder("src", &[("main.c", "int main;\n")]);
    world.folder("recipes/patches", &[("fix.patch", "-a\n+b\n")]);
    let upstream = world.path("upstream").display().to_string();
    world.recipe(&format!(
        r##"Recipe(
    options: {{"debug": Flag(help: "-g")}},
    nodes: {{
        "tool-src": Fetch(from: [Url("file://{upstream}/tool-1.2.3.tar.gz")], sha256: "360af48b5cde4f83e676cbabee6b0d8073d3c9e2952efddbdad51d373478916a"),
        "data": Fetch(from: [Url("file://{upstream}/data")], blake3: "d63bd9a826af91c1fea371965a64e11ee20f13e46b5f52c59901136605b3a487"),
        "src": Source(path: "{src}"),
        "patches": Root(files: {{"/fix.patch": File("patches/fix.patch")}}),
        "made": Run(
            root: "busybox/root",
            inputs: {{"/src": "src", "/patches": "patches", "/tool": "tool-src"}},
            run: ["sh", "-euc", "mkdir /out/bin; cat /src/main.c /patches/fix.patch > /out/bin/made; touch /out/empty; echo $*", "sh", When("debug", ["-g"])],
            outputs: ["/out"],
        ),
        "all": Root(layers: ["made", "data"], links: {{"/made": "out/bin/made"}}),
    }},
    targets: {{"all": Target(node: "all", about: "all of it"), "made": Target(node: "made:/out")}},
)"##,
        src = world.path("src").display(),
    ));
    world
}

/// What a validator says of a file.
fn validate(world: &World, kind: &str, file: &str, more: &[&str]) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/validate.py");
    let mut command = Command::new(peers::program("validators-python"));
    command
        .args([script, kind])
        .arg(world.path(file))
        .args(more);
    run(&mut command).trim().to_owned()
}

/// Name, version, role and digest's kind of each thing that went in.
fn parts(cyclonedx: &Value) -> Vec<String> {
    let part = |one: &Value| {
        let text = |name: &str| one[name].as_str().unwrap_or("-").to_owned();
        let properties = one["properties"].as_array().unwrap();
        let properties: Vec<&str> = properties
            .iter()
            .map(|one| one["value"].as_str().unwrap())
            .collect();
        let algorithm = one["hashes"][0]["alg"].as_str().unwrap();
        [
            &text("name"),
            &text("version"),
            &text("scope"),
            algorithm,
            &properties.join(" "),
        ]
        .join("  ")
    };
    cyclonedx["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(part)
        .collect()
}

/// A document on standard output, as it is and as JSON.
#[track_caller]
fn document(world: &World, arguments: &[&str]) -> (String, Value) {
    let said = world.well(arguments);
    assert_eq!(said.err, "");
    let json = serde_json::from_str(&said.out).unwrap();
    (said.out, json)
}

#[test]
fn sboms_list_all_that_went_in_and_what_it_is_to_the_result() {
    let world = world();
    world.realize("all");
    let (_, bom) = document(&world, &["sbom", "all", "--format", "cyclonedx"]);
    insta::assert_snapshot!(parts(&bom).join("\n"), @"
    busybox-static  1:1.37.0-6+b9  excluded  SHA-256  busybox/package/busybox-static tool
    passwd  -  excluded  SHA-256  busybox/root:/etc/passwd tool
    data  -  required  BLAKE3  t/data contained
    fix.patch  -  required  SHA-256  t/patches:/fix.patch source
    src  -  required  BLAKE3  t/src source
    tool  1.2.3  required  SHA-256  t/tool-src source
    ");
    let component = &bom["metadata"]["component"];
    let result = world.realize("all");
    let hex = result.file_name().unwrap().to_str().unwrap();
    assert_eq!(
        (&component["name"], &component["hashes"][0]["content"]),
        (&"all".into(), &hex.into())
    );
    assert_eq!(bom["metadata"]["timestamp"], "2025-06-11T00:00:00Z");
    insta::assert_snapshot!(bom["components"][0]["purl"].as_str().unwrap(), @"pkg:deb/debian/busybox-static@1:1.37.0-6%2Bb9?arch=amd64&distro=trixie");

    let (_, spdx) = document(&world, &["sbom", "all", "--format", "spdx"]);
    let name = |id: &Value| {
        let packages = spdx["packages"].as_array().unwrap();
        let package = packages.iter().find(|one| one["SPDXID"] == *id);
        package.map_or("DOCUMENT", |one| one["name"].as_str().unwrap())
    };
    let relationships = spdx["relationships"].as_array().unwrap().iter().map(|one| {
        let (one, is, of) = (
            &one["spdxElementId"],
            &one["relationshipType"],
            &one["relatedSpdxElement"],
        );
        format!("{} {} {}", name(one), is.as_str().unwrap(), name(of))
    });
    insta::assert_snapshot!(relationships.collect::<Vec<_>>().join("\n"), @"
    DOCUMENT DESCRIBES all
    busybox-static BUILD_TOOL_OF all
    passwd BUILD_TOOL_OF all
    all CONTAINS data
    all GENERATED_FROM fix.patch
    all GENERATED_FROM src
    all GENERATED_FROM tool
    ");
}

#[test]
fn the_same_result_has_the_same_documents() {
    let world = world();
    world.realize("all");
    let commands: [&[&str]; 3] = [
        &["sbom", "all", "--format", "spdx"],
        &["sbom", "all", "--format", "cyclonedx"],
        &["provenance", "all"],
    ];
    for command in commands {
        assert_eq!(document(&world, command).0, document(&world, command).0);
    }
    let mut pwb = world.pwb(commands[0]);
    let output = pwb.env("SOURCE_DATE_EPOCH", "86400").output().unwrap();
    let spdx: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(spdx["creationInfo"]["created"], "1970-01-02T00:00:00Z");

    // Another source is another document.
    let namespace = |world: &World| document(world, commands[0]).1["documentNamespace"].clone();
    let before = namespace(&world);
    fs::write(world.path("src/main.c"), "int other;\n").unwrap();
    world.realize("all");
    assert_ne!(namespace(&world), before);
}

#[test]
fn provenance_says_what_was_asked_for_and_what_came_of_it() {
    let world = world();
    world.realize("all");
    let folder = world.path("src").display().to_string();
    let options = [
        "--set",
        "debug=true",
        "--override",
        &format!("tool-src={folder}"),
    ];
    world.well(&[&["realize", "made"], &options[..]].concat());
    let (_, statement) = document(
        &world,
        &[
            &["provenance", "made", "--builder", "https://ci.example/1"],
            &options[..],
        ]
        .concat(),
    );
    let predicate = &statement["predicate"];
    insta::assert_snapshot!(predicate["buildDefinition"]["externalParameters"], @r#"{"folders":["t/tool-src","t/src"],"name":"made","options":{"t/debug":"true"}}"#);
    assert_eq!(
        predicate["runDetails"]["builder"]["id"],
        "https://ci.example/1"
    );
    let metadata = &predicate["runDetails"]["metadata"];
    assert!(metadata["startedOn"].is_string() && metadata["finishedOn"].is_string());
    let history = world.json(&["history", "made", "--json"]);
    assert_eq!(metadata["invocationId"], history[0]["key"]);
    let names = |list: &Value| {
        let list = list.as_array().unwrap().iter();
        list.map(|one| one["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join("\n")
    };
    insta::assert_snapshot!(names(&statement["subject"]), @"
    made
    bin/made
    empty
    ");
    insta::assert_snapshot!(names(&predicate["buildDefinition"]["resolvedDependencies"]), @"
    recipes/busybox.lock
    recipes/busybox.ron
    recipes/t.ron
    busybox/package/busybox-static
    busybox/root:/etc/passwd
    t/patches:/fix.patch
    t/src
    t/tool-src
    ");
}

#[test]
fn what_is_signed_is_verified_and_what_was_changed_is_not() {
    let world = world();
    let result = world.realize("made");
    let public = |name: &str| {
        world
            .well(&["key", "generate", "--name", name, name])
            .out
            .trim()
            .to_owned()
    };
    let (ours, theirs) = (public("ours"), public("theirs"));
    world.told(&[
        "provenance",
        "made",
        "--key",
        "ours",
        "-o",
        "made.intoto.json",
    ]);
    let folder = world.path("copy");
    let status = Command::new("cp")
        .arg("-r")
        .args([&result, &folder])
        .status();
    assert!(status.unwrap().success());
    let trust = format!("--trust={ours}");
    let verify = [
        "provenance",
        "--verify",
        "made.intoto.json",
        &trust,
        "--of",
        "copy",
    ];
    insta::assert_snapshot!(world.told(&verify), @"
    signed by  ours
    built by   urn:pwb:builder:local
    result     made, 2 files
    the files  copy
    ");

    let file = folder.join("bin/made");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&file, "poison").unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.join("more"), "").unwrap();
    fs::remove_file(folder.join("empty")).unwrap();
    insta::assert_snapshot!(world.refused(&verify), @"
    error: copy is not what was signed:
      bin/made is another file
      more is not in the statement
      empty is missing
    ");
    insta::assert_snapshot!(world.refused(&["provenance", "--verify", "made.intoto.json", "--trust", &theirs]), @"
    error: none of the trusted keys has signed this; it claims to be signed by: ours
     hint: `--trust NAME:DIGITS` trusts a public key, as `pwb key generate` prints it
    ");
    insta::assert_snapshot!(world.refused(&["provenance", "--verify", "made.intoto.json"]), @"
    error: none of the trusted keys has signed this; it claims to be signed by: ours
     hint: `--trust NAME:DIGITS` trusts a public key, as `pwb key generate` prints it
    ");
    let signed = fs::read_to_string(world.path("made.intoto.json")).unwrap();
    let mut envelope: Value = serde_json::from_str(&signed).unwrap();
    let payload = envelope["payload"].as_str().unwrap().replacen('J', "K", 1);
    envelope["payload"] = payload.into();
    fs::write(world.path("made.intoto.json"), envelope.to_string()).unwrap();
    let said = world.refused(&[
        "provenance",
        "--verify",
        "made.intoto.json",
        "--trust",
        &ours,
    ]);
    assert!(
        said.contains("none of the trusted keys has signed this"),
        "{said}"
    );
    world.told(&["provenance", "made", "-o", "unsigned.json"]);
    insta::assert_snapshot!(world.refused(&["provenance", "--verify", "unsigned.json", "--trust", &ours]), @"
    error: unsigned.json is no signed statement: missing field `payloadType` at line 135 column 1
     hint: `pwb provenance --key FILE` writes signed ones
    ");
}

#[test]
fn what_cannot_be_said_is_refused() {
    let world = world();
    insta::assert_snapshot!(world.refused(&["provenance", "all"]), @"
    error: the result of `all` is not in the store
     hint: pwb realize all
    ");
    insta::assert_snapshot!(world.refused(&["sbom", "al", "--format", "spdx"]), @"
    error: unknown target `al`
     = help: did you mean `all`?
    ");
    let mut pwb = world.pwb(&["sbom", "t/patches", "--format", "spdx"]);
    world.realize("t/patches");
    let said = pwb.env("SOURCE_DATE_EPOCH", "now").output().unwrap();
    insta::assert_snapshot!(String::from_utf8(said.stderr).unwrap(), @"
    error: SOURCE_DATE_EPOCH is `now`
     hint: it is to be a number of seconds since 1970, or not set
    ");
    let said = world.say(&["provenance"]);
    assert_eq!(said.code, Some(2), "{said:?}");
}

#[test]
#[ignore = "takes long: .ci/run runs it"]
fn the_tools_of_others_find_the_documents_valid() {
    if !are_here(&[Peer::Validators]) {
        return;
    }
    let world = world();
    for name in ["all", "made", "t/src", "t/data", "busybox/root"] {
        world.realize(name);
        for (kind, format) in [("spdx", "spdx"), ("cyclonedx", "cyclonedx")] {
            let file = format!("a.{format}.json");
            world.told(&["sbom", name, "--format", format, "-o", &file]);
            assert_eq!(validate(&world, kind, &file, &[]), "valid", "{name} {kind}");
        }
        world.told(&["provenance", name, "-o", "a.json"]);
        assert_eq!(
            validate(&world, "statement", "a.json", &[]),
            "valid",
            "{name}"
        );
    }
    let public = world
        .well(&["key", "generate", "--name", "ours", "key"])
        .out;
    world.told(&["provenance", "all", "--key", "key", "-o", "a.json"]);
    assert_eq!(
        validate(&world, "envelope", "a.json", &[public.trim()]),
        "valid"
    );
}

#[test]
fn files_can_be_verified_with_coreutils_alone() {
    let world = world();
    let result = world.realize("all");
    let (_, statement) = document(&world, &["provenance", "all"]);
    let mut sums = String::new();
    let mut named = Vec::new();
    for subject in statement["subject"].as_array().unwrap() {
        if let Some(sha256) = subject["digest"]["sha256"].as_str() {
            let name = subject["name"].as_str().unwrap();
            sums += &format!("{sha256}  {name}\n");
            named.push(name.to_owned());
        }
    }
    fs::write(world.path("sums"), sums).unwrap();
    run(Command::new("sha256sum")
        .arg("-c")
        .arg(world.path("sums"))
        .current_dir(&result));
    let mut files = Vec::new();
    walk(&result, &mut |path, metadata| {
        let path = path.strip_prefix(&result).unwrap().display().to_string();
        files.extend(metadata.is_file().then_some(path));
    });
    files.sort();
    assert_eq!(files, named);
}
