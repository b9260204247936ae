//! A whole recipe, read into types.

use std::time::Duration;

use pwb_engine::recipe::{NodeKind, NodeName, Origin, Pin, SandboxPath, Unpack, Use};

use crate::load;

const RECIPE: &str = r##"// A comment before
#![enable(implicit_some)]
Recipe(
    about: "CPython",
    options: {"args": List(help: "more arguments")},
    nodes: {
        "src": Fetch(
            from: [Url("https://example.org/Python-3.13.5.tar.xz"), Debian("pool/main/p/python3.13/python.orig.tar.xz")],
            sha256: "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640", // upstream's
            unpack: Tar(strip: 1),
        ),
        "file": Fetch(from: [Url("https://example.org/a%20b.js?x=1")], blake3: "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640"),
        "deb": Fetch(from: [Debian("pool/a.deb")], blake3: "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640", unpack: Deb),
        "root": Root(layers: ["deb"], links: {"/bin": "usr/bin"}, files: {"/etc/passwd": Text("root:x:0:0\n"), "/fix": File("patches/fix")}),
        "make": Run(
            root: "root",
            inputs: {"/src": "src", "/deps": "ports/all:/deps"},
            run: ["sh", "-euc", r#"echo "$1""#, "sh", Each("args")],
            outputs: ["/build"],
            timeout: 60,
        ),
    },
    targets: {
        "python": Target(node: "make:/build", about: "the thing", run: Exec(root: "root", mount: "/python", command: ["/python/bin/python3"])),
    },
)
"##;

#[test]
fn everything_is_read() {
    let ports = r#"Recipe(nodes: {"all": Source(path: "../ports", ignore: ["*.o"])})"#;
    let library = load(&[
        ("lang/python.ron", RECIPE),
        ("ports.ron", ports),
        ("patches/fix", "patch"),
    ])
    .unwrap();
    assert!(library.warnings().is_empty());
    let names: Vec<_> = library.nodes().map(|node| node.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "lang/python/deb",
            "lang/python/file",
            "lang/python/make",
            "lang/python/root",
            "lang/python/src",
            "ports/all"
        ]
    );
    let kind = |name: &str| {
        &library
            .node(&NodeName::parse(&format!("lang/python/{name}")).unwrap())
            .unwrap()
            .kind
    };

    let NodeKind::Fetch(src) = kind("src") else {
        panic!()
    };
    assert!(
        matches!(&src.from[..], [Origin::Url(_), Origin::Debian(path)] if path.file_name() == "python.orig.tar.xz")
    );
    assert!(matches!(src.pin, Pin::Sha256(_)));
    assert_eq!(src.unpack, Unpack::Tar { strip: 1 });
    let NodeKind::Fetch(file) = kind("file") else {
        panic!()
    };
    assert_eq!(file.unpack, Unpack::File("a%20b.js".to_owned()));

    let NodeKind::Root(root) = kind("root") else {
        panic!()
    };
    let path = |text| SandboxPath::parse(text).unwrap();
    assert_eq!(root.links[&path("/bin")], "usr/bin");
    assert_eq!(&*root.files[&path("/fix")], b"patch");
    assert_eq!(&*root.files[&path("/etc/passwd")], b"root:x:0:0\n");

    let NodeKind::Run(run) = kind("make") else {
        panic!()
    };
    assert!(run.cwd.is_root());
    assert_eq!(run.timeout, Some(Duration::from_secs(60)));
    let make = library
        .node(&NodeName::parse("lang/python/make").unwrap())
        .unwrap();
    let needs: Vec<_> = make
        .may_need()
        .into_iter()
        .map(|(usage, reference)| (usage, reference.to_string()))
        .collect();
    assert_eq!(
        needs,
        [
            (Use::Root, "lang/python/root".to_owned()),
            (Use::Input(&path("/deps")), "ports/all:/deps".to_owned()),
            (Use::Input(&path("/src")), "lang/python/src".to_owned()),
        ]
    );

    let target = library.target("python").unwrap();
    assert_eq!(target.recipe, "lang/python");
    assert_eq!(target.run.as_ref().unwrap().mount, path("/python"));
    assert_eq!(library.location(make.span).line(), 15);
    assert_eq!(library.location(make.span).column(), 9);
}
