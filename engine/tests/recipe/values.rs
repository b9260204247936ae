//! Option values of one realization, and lists that depend on them.

use insta::assert_snapshot;
use pwb_engine::recipe::{Library, NodeKind, NodeName, Run, Values};

use crate::load;

const RECIPE: &str = r#"Recipe(
    options: {
        "debug": Flag(help: "no optimization"),
        "opt": Choice(values: ["0", "2", "3"], default: "3"),
        "args": List(default: ["--one"]),
    },
    nodes: {
        "src": Source(path: "."),
        "extra": Source(path: "extra"),
        "root": Root(layers: ["src", When("debug", ["extra:/x", Unless("opt=0", ["extra"])])]),
        "make": Run(
            root: "root",
            inputs: {"/src": "src", "/a": "extra"},
            env: {"CFLAGS": ["-O2", When("debug", ["-g"]), Each("args")], "LANG": "C"},
            run: ["make", Unless("debug", ["-s"]), When("opt=0", ["slow", When("debug", ["slower"])]), Each("args")],
            outputs: ["/out"],
        ),
    },
    targets: {
        "plain": Target(node: "make"),
        "debug": Target(node: "make:/out", about: "slow", set: {"debug": "true", "opt": "0", "args": ["--two", "--three"]}),
    },
)"#;

fn library() -> Library {
    load(&[("ports.ron", RECIPE), ("user.ron", "Recipe()")]).unwrap()
}

fn run(library: &Library) -> &Run {
    match &library
        .node(&NodeName::parse("ports/make").unwrap())
        .unwrap()
        .kind
    {
        NodeKind::Run(run) => run,
        _ => panic!("not a run"),
    }
}

fn values(library: &Library, wanted: &str, sets: &[(&str, &str)]) -> Result<Values, String> {
    let sets: Vec<_> = sets
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    library
        .values(library.wanted(wanted).unwrap(), &[&sets])
        .map_err(|errors| errors.render(false))
}

#[test]
fn defaults_then_target_then_settings() {
    let library = library();
    let show = |wanted, sets: &[(&str, &str)]| {
        let values = values(&library, wanted, sets).unwrap();
        values
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        show("plain", &[]),
        "ports/args=--one ports/debug=false ports/opt=3"
    );
    assert_eq!(show("ports/make", &[]), show("plain", &[]));
    assert_eq!(
        show("debug", &[]),
        "ports/args=--two --three ports/debug=true ports/opt=0"
    );
    assert_eq!(
        show("debug", &[("debug", "false"), ("ports/opt", "2")]),
        "ports/args=--two --three ports/debug=false ports/opt=2"
    );
    assert_eq!(
        show("plain", &[("opt", "0"), ("opt", "2")]),
        "ports/args=--one ports/debug=false ports/opt=2"
    );
}

#[test]
fn repeated_settings_add_to_a_list() {
    let library = library();
    let args = |sets: &[(&str, &str)]| {
        let values = values(&library, "debug", sets).unwrap();
        run(&library).run.expand(&values).split_off(3)
    };
    assert_eq!(args(&[]), ["--two", "--three"]);
    assert_eq!(args(&[("args", "x")]), ["x"]);
    assert_eq!(args(&[("args", "x"), ("args", "y z")]), ["x", "y z"]);
    assert_eq!(args(&[("args", "")]), Vec::<String>::new());
}

#[test]
fn lists_expand() {
    let library = library();
    let expand = |wanted| {
        let values = values(&library, wanted, &[]).unwrap();
        let run = run(&library);
        (
            run.run.expand(&values).join(" "),
            run.env["CFLAGS"].join(&values),
            run.env["LANG"].join(&values),
        )
    };
    assert_eq!(
        expand("plain"),
        (
            "make -s --one".to_owned(),
            "-O2 --one".to_owned(),
            "C".to_owned()
        )
    );
    assert_eq!(
        expand("debug"),
        (
            "make slow slower --two --three".to_owned(),
            "-O2 -g --two --three".to_owned(),
            "C".to_owned()
        )
    );
}

#[test]
fn needs_depend_on_values() {
    let library = library();
    let root = library
        .node(&NodeName::parse("ports/root").unwrap())
        .unwrap();
    let needs = |sets: &[(&str, &str)]| {
        let values = values(&library, "plain", sets).unwrap();
        root.needs(&values)
            .iter()
            .map(|(_, reference)| reference.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(needs(&[]), ["ports/src"]);
    assert_eq!(
        needs(&[("debug", "true")]),
        ["ports/src", "ports/extra:/x", "ports/extra"]
    );
    assert_eq!(
        needs(&[("debug", "true"), ("opt", "0")]),
        ["ports/src", "ports/extra:/x"]
    );
    assert_eq!(root.may_need().len(), 3);
    let options: Vec<_> = root
        .options()
        .into_iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(options, ["ports/debug", "ports/opt"]);
}

#[test]
fn bad_settings() {
    let library = library();
    assert_snapshot!(values(&library, "plain", &[("debgu", "true"), ("opt", "1"), ("debug", "yes")]).unwrap_err(), @"
    error: unknown option `debgu`
     = help: did you mean `debug`?
     = help: there are `ports/args`, `ports/debug` and `ports/opt`

    error: `1` is not a value of the choice `opt`
     = help: it may be `0`, `2` or `3`

    error: `yes` is not a value of the flag `debug`
     = help: it may be `true` or `false`
    ");
    assert_snapshot!(values(&library, "plain", &[("user/x", "1")]).unwrap_err(), @"
    error: unknown option `user/x`
     = help: there are `ports/args`, `ports/debug` and `ports/opt`
    ");
}

#[test]
fn unknown_targets_and_nodes() {
    let library = library();
    assert_snapshot!(library.target("debgu").unwrap_err().render(false), @"
    error: unknown target `debgu`
     = help: did you mean `debug`?
    ");
    assert_snapshot!(library.wanted("python").unwrap_err().render(false), @"
    error: unknown target `python`
     = help: there are `debug` and `plain`
    ");
    assert_snapshot!(library.wanted("ports/mak").unwrap_err().render(false), @"
    error: unknown node `ports/mak`
     = help: did you mean `ports/make`?
    ");
}
