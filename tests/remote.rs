//! Results shared between machines, each a store of its own, through real servers.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/peers/mod.rs"]
mod peers;
#[path = "support/serving.rs"]
mod serving;
mod support;

use std::fs;
use std::process::Command;

use peers::{Peer, Server, are_here};
use serving::Serving;
use support::{Said, World, listing, node, read};

/// A step over another, with what trees can hold.
fn nodes(word: &str) -> Vec<String> {
    let first = format!(
        "mkdir -p /out/bin /out/deep/er; echo {word} > /out/word; echo '#!/bin/sh' > /out/bin/tool; chmod +x /out/bin/tool; \
         ln -s ../word /out/deep/link; touch /out/deep/er/empty; echo ran >&2"
    );
    vec![
        node("first", &[], &first),
        node(
            "second",
            &[("/in", "first:/out")],
            "cat /in/word /in/word > /out/twice",
        ),
    ]
}

/// `pwb cache serve` over a world's store, where those with the token may write.
fn serve(world: &World) -> Server {
    fs::write(world.path("token"), "s3cret").unwrap();
    Server::start(|port, _| {
        let listen = format!("--listen=127.0.0.1:{port}");
        world.pwb(&[
            "cache",
            "serve",
            &listen,
            "--allow-write",
            "--token-file=token",
        ])
    })
}

/// A machine's pwb with a shared cache.
fn shared(world: &World, server: &Server, arguments: &[&str]) -> Command {
    let mut command = world.pwb(arguments);
    command
        .env("PWB_REMOTE", server.remote().url())
        .env("PWB_REMOTE_TOKEN", "s3cret");
    command
}

#[track_caller]
fn well(command: &mut Command) -> Said {
    let said = Said::from(command.output().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    said
}

/// What one machine has built another has without running anything, and without the tools that built it.
#[track_caller]
fn travels(server: &Server) {
    let (a, b) = (World::new(&nodes("word")), World::empty(&nodes("word")));
    let built = well(&mut shared(
        &a,
        server,
        &["realize", "t/second", "--remote-upload=success"],
    ));
    assert_eq!(built.ran(), ["t/first", "t/second"], "{built:?}");
    let fetched = well(&mut shared(&b, server, &["realize", "t/second"]));
    assert!(fetched.ran().is_empty(), "{fetched:?}");
    assert_eq!(listing(&fetched.result()), listing(&built.result()));
    assert_eq!(fetched.result().file_name(), built.result().file_name());
    let files = || {
        fs::read_dir(b.path("store/cas"))
            .unwrap()
            .flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap())
    };
    assert_eq!(files().count(), 1, "only the result itself has come");

    // What nobody has built yet is built here, with what comes for it.
    b.nodes(&nodes("other"));
    let own = well(&mut shared(&b, server, &["realize", "t/second"]));
    assert_eq!(own.ran(), ["t/first", "t/second"], "{own:?}");
    assert_eq!(read(&own.result().join("out/twice")), "other\nother\n");

    // And all of a tree comes as it was.
    b.nodes(&nodes("word"));
    let first = well(&mut shared(&b, server, &["realize", "t/first"]));
    assert!(first.ran().is_empty(), "{first:?}");
    assert_eq!(listing(&first.result()), listing(&a.realize("t/first")));
}

#[test]
fn results_travel_through_pwb() {
    let world = World::empty(&[]);
    travels(&serve(&world));
}

#[test]
fn results_travel_through_casd() {
    if are_here(&[Peer::BuildBox]) {
        travels(&Server::casd());
    }
}

#[test]
fn results_travel_through_buildgrid() {
    if are_here(&[Peer::BuildGrid]) {
        travels(&Server::buildgrid());
    }
}

/// The server's own builds are there for others too.
#[test]
fn what_the_server_has_built_is_served() {
    let (a, b) = (World::new(&nodes("word")), World::empty(&nodes("word")));
    let built = a.realize("t/second");
    let fetched = well(&mut shared(&b, &serve(&a), &["realize", "t/second"]));
    assert!(fetched.ran().is_empty(), "{fetched:?}");
    assert_eq!(listing(&fetched.result()), listing(&built));
}

#[test]
fn without_permission_nothing_is_uploaded_and_that_is_said() {
    let (server, a) = (World::empty(&[]), World::new(&nodes("word")));
    let server = serve(&server);
    let mut command = shared(
        &a,
        &server,
        &["realize", "t/second", "--remote-upload=success"],
    );
    let said = well(command.env("PWB_REMOTE_TOKEN", "wrong"));
    assert_eq!(said.ran(), ["t/first", "t/second"]);
    assert_eq!(said.err.matches("warning:").count(), 1, "{said:?}");
    assert!(
        !said.err.contains("wrong"),
        "a secret is never shown: {said:?}"
    );
}

/// With TLS, a certificate is as good as a token; a server that nobody vouches for is not spoken to.
#[test]
fn certificates_are_shown_and_checked() {
    let server = Serving::with_tls();
    let url = format!("grpcs://127.0.0.1:{}", server.port);
    let build = |settings: &str| {
        let world = World::new(&nodes("word"));
        let text = format!("(remote: (url: {url:?}, {settings}))");
        world.folder("home/.config/pwb", &[("config.ron", &text)]);
        world.well(&["realize", "t/second", "--remote-upload=success"])
    };
    let file = |name: &str| server.file(name);
    let stranger = build("");
    assert!(stranger.err.contains("warning:"), "{stranger:?}");
    let authority = format!("ca_file: {:?}", file("ca.pem"));
    let reader = build(&authority);
    assert!(reader.err.contains("nothing is uploaded"), "{reader:?}");
    let (certificate, key) = (file("client.pem"), file("client.key"));
    let identity = format!("certificate_file: {certificate:?}, key_file: {key:?}");
    let writer = build(&format!("{authority}, {identity}"));
    assert!(!writer.err.contains("warning:"), "{writer:?}");
    assert_eq!(writer.ran(), ["t/first", "t/second"]);
    let reader = build(&authority);
    assert!(reader.ran().is_empty(), "{reader:?}");
}

/// Results signed by nobody, or by somebody else, are not used where signatures are required.
#[test]
fn only_what_a_trusted_key_has_signed_counts() {
    let server = World::empty(&[]);
    let server = serve(&server);
    let keys = World::empty(&[]);
    let public = |name: &str| {
        let said = keys.well(&["key", "generate", "--name", name, name]);
        said.out.trim().to_owned()
    };
    let (ours, _theirs) = (public("ours"), public("theirs"));
    let configure = |world: &World, text: String| {
        world.folder(
            "home/.config/pwb",
            &[("config.ron", &format!("(remote: ({text}))"))],
        );
    };
    let signs = |world: &World, key: &str| {
        let file = keys.path(key);
        configure(
            world,
            format!("upload: Success, signing_key_file: {file:?}"),
        );
    };
    let requires = |world: &World| configure(world, format!("trusted_keys: [{ours:?}]"));
    let upload = |key: Option<&str>, word: &str| {
        let world = World::new(&nodes(word));
        if let Some(key) = key {
            signs(&world, key);
        }
        let command = &["realize", "t/second", "--remote-upload=success"];
        well(&mut shared(&world, &server, command));
    };
    upload(Some("ours"), "signed");
    upload(Some("theirs"), "otherwise");
    upload(None, "unsigned");
    let ask = |word: &str| {
        let world = World::new(&nodes(word));
        requires(&world);
        let said = well(&mut shared(&world, &server, &["realize", "t/second"]));
        let twice = format!("{word}\n{word}\n");
        assert_eq!(read(&said.result().join("out/twice")), twice);
        said
    };
    assert!(ask("signed").ran().is_empty());
    for poisoned in ["otherwise", "unsigned"] {
        let said = ask(poisoned);
        assert_eq!(said.ran(), ["t/first", "t/second"], "{said:?}");
        assert_eq!(
            said.err.matches("none of the trusted keys").count(),
            1,
            "{said:?}"
        );
    }
}

/// What came while nobody asked for signatures does not count once somebody does, and is not signed in turn.
#[test]
fn what_was_taken_without_a_signature_is_not_trusted_later() {
    let server = World::empty(&[]);
    let server = serve(&server);
    let a = World::new(&nodes("word"));
    let upload = ["realize", "t/second", "--remote-upload=success"];
    well(&mut shared(&a, &server, &upload));
    let b = World::new(&nodes("word"));
    let taken = well(&mut shared(&b, &server, &["realize", "t/second"]));
    assert!(taken.ran().is_empty(), "{taken:?}");
    let public = b.well(&["key", "generate", "--name", "b", "secret"]).out;
    let (public, secret) = (public.trim(), b.path("secret"));
    let text = format!("(remote: (trusted_keys: [{public:?}], signing_key_file: {secret:?}))");
    b.folder("home/.config/pwb", &[("config.ron", &text)]);
    b.nodes(&[nodes("word"), vec![node("third", &[], "echo 3 > /out/3")]].concat());
    let said = well(&mut shared(&b, &server, &upload));
    assert_eq!(said.ran(), ["t/first", "t/second"], "{said:?}");
}

/// What compilers came to travels with the command that called them.
#[test]
fn compiles_travel() {
    let nodes = [
        r#""source": Source(path: "source"),"#.to_owned(),
        r#""compiled": Run(root: "tcc/root", inputs: {"/in": "source"}, outputs: ["/out"],
            run: ["sh", "-euc", "cc -c /in/a.c -o /out/a.o; cc -c /in/b.c -o /out/b.o"]),"#
            .to_owned(),
    ];
    let server = World::empty(&[]);
    let server = serve(&server);
    let compile = |b: &str, arguments: &[&str]| {
        let world = World::with_compiler(&nodes);
        world.folder("source", &[("a.c", "int a;"), ("b.c", b)]);
        let arguments = [&["realize", "t/compiled"], arguments].concat();
        well(&mut shared(&world, &server, &arguments)).err
    };
    let first = compile("int b;", &["--remote-upload=success"]);
    assert!(first.contains("0 from the cache, 2 ran"), "{first}");
    let second = compile("int other;", &[]);
    assert!(second.contains("1 from the cache, 1 ran"), "{second}");
}

#[test]
fn a_shared_cache_that_cannot_be_meant_is_an_error() {
    let world = World::empty(&nodes("word"));
    for url in ["cache:80", "grpc://", "grpc://token@host:1"] {
        let said = world.fails(&["realize", "t/second", "--remote", url]);
        assert!(said.contains("is no address of a shared cache"), "{said}");
        assert!(said.contains("hint:"), "{said}");
    }
}

#[test]
fn keys_are_made_once_and_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::empty(&[]);
    let public = world
        .well(&["key", "generate", "--name", "ci-1", "secret"])
        .out;
    assert!(
        public.starts_with("ci-1:") && public.trim().len() == 5 + 64,
        "{public}"
    );
    let mode = fs::metadata(world.path("secret"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = read(&world.path("secret"));
    let said = world.fails(&["key", "generate", "--name", "ci-1", "secret"]);
    assert!(said.contains("not there yet"), "{said}");
    assert_eq!(read(&world.path("secret")), before);
    let said = world.fails(&["key", "generate", "--name", "two words", "other"]);
    assert!(said.contains("letters, digits"), "{said}");
}

/// What only the shared cache has comes when it is looked at, and no more.
#[test]
fn what_is_looked_into_comes_when_it_is_asked_for() {
    let (maker, other) = (World::new(&nodes("one")), World::new(&nodes("one")));
    let server = serve(&maker);
    well(&mut shared(
        &maker,
        &server,
        &["realize", "--remote-upload=success", "t/second"],
    ));
    assert!(other.fails(&["ls", "t/first"]).contains("not in the store"));
    let ask = |arguments: &[&str]| well(&mut shared(&other, &server, arguments)).out;
    assert_eq!(
        ask(&["ls", "-R", "t/first:out"]),
        "bin/\nbin/tool\ndeep/\ndeep/er/\ndeep/er/empty\ndeep/link\nword\n"
    );
    assert_eq!(ask(&["cat", "t/first:out/word"]), "one\n");
    let said = shared(
        &other,
        &server,
        &["diff", "t/first:out/word", "t/second:out/twice"],
    );
    let said = Said::from({ said }.output().unwrap());
    assert!(
        said.code == Some(1) && said.out.contains("+one\n"),
        "{said:?}"
    );
    // Its files have not come.
    let tool = other.say(&["cat", "t/first:out/bin/tool"]);
    assert!(tool.err.contains("is missing from the store"), "{tool:?}");
}
