//! The compile cache: whatever happens to sources, headers and flags, a build with it is a build without it.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fmt::Write;
use std::fs;
use std::path::Path;

use support::{Said, World, cached, compiled, compiler, forget, listing, plain, read};

/// How many compilations there are in a walk, and how many walks.
const STEPS: usize = 40;
const WALKS: u64 = 6;

/// Numbers that look random and are the same in every run: Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % end
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}

/// Few enough that a walk comes back to where it was, in another way.
const SOURCES: [&str; 4] = [
    r#"#include "h0.h"\nint x = A;\n"#,
    r#"#include <h0.h>\n#include <h1.h>\nint x = A;\n"#,
    r#"#ifdef A\n#include <h1.h>\n#endif\nint a;\n"#,
    r#"#include <h1.h>\nchar *file = __FILE__;\n"#,
];
/// Many of one length: a change shows in nothing but the bytes.
const HEADERS: [&str; 7] = [
    r"#define A 1\n",
    r"#define A 2\n",
    r"#define A ;\n",
    r"#warning 10\n",
    r"#error 1234\n",
    r"#include <h1.h>\n#define A 3\n",
    "",
];
const COMPILERS: [&str; 7] = [
    "cc -nostdinc -Ione -Itwo -c src/a.c -o a.o",
    "cc -nostdinc -I/tmp -Ithree -c src/a.c -o a.o",
    "cc -nostdinc -DA=7 -Itwo -I src/../one -MD -c src/b.c -o b.o",
    "cc -nostdinc -include h1.h -Ithree -I/in -c ./src/b.c",
    "cc -nostdinc -I/in -Itwo -E src/a.c",
    "cc -nostdinc -Ithree -Wall -MD -MF deps/x.d -c src/a.c -o deps/a.o",
    "cc -nostdinc -Ione -c - -o b.o < src/b.c",
];

/// A header, anywhere on the search path.
fn header(random: &mut Random) -> String {
    let folder = random.of(&["src", "one", "two", "/tmp"]);
    format!("{folder}/{}", random.of(&["h0.h", "h1.h"]))
}

/// A shell's command that changes something.
fn edit(random: &mut Random) -> String {
    let (one, other) = (header(random), header(random));
    let object = random.of(&["a.o", "b.o", "deps/a.o", "deps/x.d"]);
    match random.below(16) {
        0..=3 => format!("printf '{}' > {one}", random.of(&HEADERS)),
        4..=5 => format!(
            "printf '{}' > src/{}",
            random.of(&SOURCES),
            random.of(&["a.c", "b.c"])
        ),
        6..=7 => format!("rm -f {one}"),
        8 => format!("mv {one} {other}"),
        9 => format!(
            "ln -sf {} {one}",
            random.of(&["h1.h", "../two/h0.h", "/in/h0.h", "/tmp/h1.h"])
        ),
        10 => format!("ln -f {one} {other}"),
        11 => format!(
            "rm -rf three; ln -s {} three",
            random.of(&["one", "two", "/in", "none"])
        ),
        12 => format!("chmod {} {one}", random.of(&["000", "444", "644", "755"])),
        13 => format!("chmod {} {object}", random.of(&["000", "444", "755"])),
        14 => format!("rm -f {object}"),
        _ => format!("ln -f {object} {}", random.of(&["kept.o", "b.o"])),
    }
}

/// A call of the compiler.
fn call(random: &mut Random) -> String {
    let umask = random.of(&["022", "022", "022", "077"]);
    let to = random.of(&["> said 2> errors", "> said 2>&1"]);
    format!("(umask {umask}; {} {to})", random.of(&COMPILERS))
}

/// A node that goes a random way, and after each compilation writes down all that can be seen.
fn walk(seed: u64) -> (String, Vec<String>) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut steps = Vec::new();
    for _ in 0..STEPS {
        let edits: Vec<String> = (0..random.below(3)).map(|_| edit(&mut random)).collect();
        steps.push([edits, vec![call(&mut random)]].concat().join("\n"));
    }
    let mut script = String::from(
        "mkdir -p /out/w/src /out/w/one /out/w/two /out/w/deps /out/seen; cd /out/w; exec 2>/dev/null\n",
    );
    for name in ["a", "b"] {
        writeln!(
            script,
            "printf '#include <h0.h>\\nint x = A;\\n' > src/{name}.c"
        )
        .unwrap();
    }
    for (number, step) in steps.iter().enumerate() {
        let see = "busybox stat -c '%n %a %h' * deps/*; busybox md5sum *.o deps/*";
        writeln!(
            script,
            "{step}\necho $? > code; {{ {see}; cat said errors; }} > /out/seen/{number} 2>&1"
        )
        .unwrap();
    }
    let header = format!("#define A {}\\n", seed % 3);
    let node = format!(
        r##""in{seed}": Root(files: {{"/h0.h": Text("{header}")}}),
        "walk{seed}": Run(root: "tcc/root", inputs: {{"/in": "in{seed}"}}, run: ["sh", "-uc", r#"{script} exit 0"#], outputs: ["/out"]),"##
    );
    (node, steps)
}

/// What was seen after each step, and where the walk ended.
fn way(world: &World, arguments: &[&str], seed: u64) -> (Vec<String>, String) {
    let name = format!("t/walk{seed}");
    let said = world.well(&[&["realize", &*name], arguments].concat());
    let seen = said.result().join("out/seen");
    let seen = |number: usize| {
        String::from_utf8_lossy(&fs::read(seen.join(number.to_string())).unwrap()).into_owned()
    };
    ((0..STEPS).map(seen).collect(), said.err)
}

#[track_caller]
fn same(seed: u64, steps: &[String], plain: &[String], cached: &[String]) {
    for (number, (plain, cached)) in plain.iter().zip(cached).enumerate() {
        let before = steps[..=number].join("\n");
        assert_eq!(
            plain, cached,
            "walk {seed}, step {number}; the way there:\n{before}"
        );
    }
}

#[test]
fn a_build_with_the_cache_is_a_build_without() {
    let walks: Vec<_> = (1..=WALKS).map(walk).collect();
    let nodes: Vec<String> = walks.iter().map(|(node, _)| node.clone()).collect();
    let (plain, cached) = (World::with_compiler(&nodes), World::with_compiler(&nodes));
    let (mut first, mut hits) = (Vec::new(), 0);
    for (seed, (_, steps)) in (1..).zip(&walks) {
        let (seen, _) = way(&plain, &["--no-compile-cache"], seed);
        let (again, said) = way(&cached, &[], seed);
        same(seed, steps, &seen, &again);
        hits += compiled(&said).0;
        first.push(seen);
    }
    assert!(hits > STEPS, "{hits} hits");
    forget(&cached);
    let (mut hits, mut misses) = (0, 0);
    for ((seed, (_, steps)), seen) in (1..).zip(&walks).zip(&first) {
        let (again, said) = way(&cached, &[], seed);
        same(seed, steps, seen, &again);
        let counted = compiled(&said);
        (hits, misses) = (hits + counted.0, misses + counted.1);
    }
    // An output that has a second name is made anew.
    assert!(misses * 20 < hits, "{misses} misses, {hits} hits");
}

/// A node that runs a script with `tcc/root` in `/out`.
fn node(name: &str, script: &str) -> String {
    format!(
        r##""{name}": Run(root: "tcc/root", cwd: "/out", run: ["sh", "-euc", r#"{script}"#], outputs: ["/out"]),"##
    )
}

const ONE: &str = "echo 'int x;' > a.c; cc -nostdinc -c a.c";

#[test]
fn what_no_list_of_files_tells_is_not_remembered() {
    for (why, script) in [
        (
            "it may read standard input",
            "echo 'int x;' > a.c; cc -nostdinc -c - -o a.o < a.c",
        ),
        (
            "__DATE__",
            "echo 'char *s = __TIMESTAMP__;' > a.c; cc -nostdinc -E a.c > b.c || true",
        ),
        (
            "__DATE__",
            "unset SOURCE_DATE_EPOCH; echo 'char *s = __DATE__;' > a.c; cc -nostdinc -c a.c",
        ),
        (
            "__DATE__",
            "unset SOURCE_DATE_EPOCH; echo 'char *s = S;' > a.c; cc -nostdinc -DS=__DATE__ -c a.c",
        ),
        (
            "its output is a terminal or a device",
            "echo 'int x;' > a.c; cc -nostdinc -c a.c > /dev/zero",
        ),
        (
            "open file",
            "echo 'int x;' > a.c; cc -nostdinc -c /proc/self/cwd/a.c",
        ),
        (
            "open file",
            "echo 'int x;' > a.c; exec 3< a.c; cc -nostdinc -c /dev/fd/3 -o a.o || true",
        ),
        (
            "fifo",
            "mkfifo /tmp/p; echo 'int x;' > /tmp/p & cc -nostdinc -c -x c /tmp/p -o a.o",
        ),
    ] {
        let world = World::with_compiler(&[node("n", script)]);
        let (hits, misses, others) = {
            let said = world.well(&["realize", "t/n"]).err;
            let (hits, misses, others) = compiled(&said);
            (hits, misses, others.to_owned())
        };
        assert_eq!((hits, misses), (0, 0), "{script}: {others}");
        assert!(
            others.contains("1 not to be remembered") && others.contains(why),
            "{script}: {others}"
        );
    }
}

#[test]
fn a_compiler_elsewhere_is_another() {
    let world = World::with_compiler(&[]);
    for real in ["real", "other"] {
        compiler(&world, real, "echo $0", "comp > said");
        forget(&world);
        let said = world.well(&["realize", "t/n"]);
        assert_eq!(compiled(&said.err), (0, 1, ""));
        assert_eq!(
            read(&said.result().join("out/said")),
            format!("/usr/bin/{real}\n")
        );
    }
}

#[test]
fn damaged_entries_are_made_again() {
    let world = World::with_compiler(&[node("n", ONE)]);
    let before = listing(&world.realize("t/n"));
    for damage in ["files", "calls", "call_paths"] {
        let index = rusqlite::Connection::open(world.path("store/index.sqlite")).unwrap();
        match damage {
            "files" => walk_files(&world.path("store/cas"), before.get("out/a.o").unwrap()),
            "calls" => index
                .execute_batch("UPDATE calls SET result = x'ffff'")
                .unwrap(),
            _ => index
                .execute_batch("UPDATE call_paths SET paths = zeroblob(length(paths))")
                .unwrap(),
        }
        forget(&world);
        let said = world.well(&["realize", "t/n"]);
        assert_eq!(compiled(&said.err), (0, 1, ""), "{damage}");
        assert_eq!(listing(&said.result()), before, "{damage}");
        forget(&world);
        let said = world.well(&["realize", "t/n"]);
        assert_eq!(compiled(&said.err), (1, 0, ""), "{damage}");
        assert_eq!(listing(&said.result()), before, "{damage}");
    }
}

/// Turns a byte in every file of these contents.
fn walk_files(folder: &Path, contents: &str) {
    let mut turned = 0;
    support::walk(folder, &mut |path, data| {
        if data.is_file()
            && data.len() < 10_000
            && String::from_utf8_lossy(&fs::read(path).unwrap()) == contents
        {
            let mut bytes = fs::read(path).unwrap();
            bytes[20] ^= 1;
            // The trees that it is linked into stay as they are.
            fs::remove_file(path).unwrap();
            fs::write(path, bytes).unwrap();
            turned += 1;
        }
    });
    assert_eq!(turned, 1);
}

#[test]
fn odd_compilers_come_to_what_they_come_to_alone() {
    let world = World::with_compiler(&[]);
    let remembered = [
        // outputs of all kinds, and a temporary file
        "mkdir -p d/e; echo x > t; mv t d/e/x; ln -s e d/l; echo out; echo err >&2; exit 3",
        // an output that is there is written to as it is
        "echo longer > kept; chmod 755 kept; cat in > kept; rm -f none",
        // through links of the folder and the root
        "cat link/in ./link/../in /usr/bin/../../out/in > made",
        "echo shm > /dev/shm/x",
        // under names that are others each time
        "t=$(mktemp); echo x > $t; cat $t; rm $t; d=$(mktemp -d); echo x > $d/x; rm -r $d",
        "mkfifo p; echo x > p & cat p; wait; rm p",
    ];
    let passed = [
        ("a signal killed it", "echo half > made; kill -9 $$"),
        ("moved a folder", "mkdir a; echo x > a/x; mv a b"),
        ("removed or replaced", "rm in"),
        (
            "changed while it was read",
            "cat in > made; sleep 0.5; true",
        ),
        (
            "started lives on",
            "(sleep 0.3; echo late > late; echo more > more) > /dev/null 2>&1 & echo early > early",
        ),
    ];
    for script in remembered {
        let node = "echo 1 > in; ln -s . link; comp > said 2> errors; echo $? > code; cat /dev/shm/x > shm; true";
        compiler(&world, "real", script, node);
        let plain = plain(&world);
        let (first, second) = (cached(&world, &plain), cached(&world, &plain));
        assert_eq!(
            (first, second),
            ((0, 1, String::new()), (1, 0, String::new())),
            "{script}"
        );
    }
    for (why, script) in passed {
        let node =
            "echo 1 > in; (sleep 0.1; echo 2 >> in) & comp > said 2> errors; echo $? > code; wait
            [ ! -e early ] || sleep 0.4";
        compiler(&world, "real", script, node);
        let plain = plain(&world);
        for _ in 0..2 {
            let (hits, misses, others) = cached(&world, &plain);
            assert_eq!((hits, misses), (0, 0), "{script}: {others}");
            assert!(others.contains(why), "{script}: {others}");
        }
    }
}

#[test]
fn no_change_is_missed() {
    let world = World::with_compiler(&[]);
    for (script, before, change) in [
        ("cat in", ":", "echo 2 > in"),
        ("cat in || echo no", ":", "chmod 000 in"),
        ("[ -x in ] || echo no", ":", "chmod 755 in"),
        ("[ -e new ] || echo no", ":", "touch new"),
        ("[ -d new ] || echo no", "touch new", "rm new; mkdir new"),
        // the way there is a part of it
        ("[ -e new/../in ] || echo no", ":", "mkdir new"),
        (
            "[ -e link/../in ] || echo no",
            "ln -s new link",
            "mkdir new",
        ),
        (
            "{ echo > new/made; } 2> /dev/null || echo no",
            ":",
            "mkdir new",
        ),
        // what it leaves no trace of
        (
            "[ -e new ] && echo locked || { : > new; rm new; }",
            ":",
            "touch new",
        ),
        ("mkdir new && rmdir new || echo locked", ":", "mkdir new"),
        ("ls", "touch one two", "touch new"),
        (
            "cat link",
            "ln -s one link; echo 1 > one; echo 2 > two",
            "ln -sf two link",
        ),
        (
            "cat link/in",
            "ln -s one link; mkdir one two; echo 1 > one/in; echo 2 > two/in",
            "ln -sfn two link",
        ),
        // through a link that the root has
        ("cat /through/in", ":", "echo 2 > in"),
        ("cat /through/../out/in", ":", "echo 2 > in"),
        (
            "cat /dev/shm/in",
            "echo 1 > /dev/shm/in",
            "echo 2 > /dev/shm/in",
        ),
        ("cat /tmp/in", "echo 1 > /tmp/in", "echo 2 > /tmp/in"),
        (
            "cat /tmp/p",
            "mkfifo /tmp/p; echo 1 > /tmp/p & true",
            "echo 2 > /tmp/p & true",
        ),
        ("cat /proc/self/cwd/in", ":", "echo 2 > in"),
        ("cat <&3", "exec 3< in", "echo 2 > two; exec 3< two"),
        ("cat /dev/fd/3", "exec 3< in", "echo 2 > two; exec 3< two"),
        ("cat", "exec < in", "echo 2 > two; exec < two"),
        // the interpreter of a script is a file too
        (
            "./tool",
            "echo '#!/out/shell' > tool; printf '#!/bin/sh\\necho 1\\n' > shell; chmod 755 tool shell",
            "printf '#!/bin/sh\\necho 2\\n' > shell",
        ),
        (
            "./tool",
            "printf '#!/bin/sh\\necho 1\\n' > tool; chmod 755 tool",
            "printf '#!/bin/sh\\necho 2\\n' > tool",
        ),
        ("echo $X", ":", "export X=2"),
        ("umask", ":", "umask 077"),
        ("pwd", ":", "mkdir d; cd d"),
        (
            "echo > made; stat made | grep Uid",
            ":",
            "echo > made; chmod 600 made",
        ),
        (
            "{ echo 2 > made; } 2> /dev/null || echo no",
            ":",
            "echo 1 > made; chmod 444 made",
        ),
    ] {
        let node = format!(
            "echo 1 > in; {before}; comp > /out/first 2>&1; {change}; comp > /out/second 2>&1; chmod -R u+r /out"
        );
        compiler(&world, "real", script, &node);
        let (hits, ..) = cached(&world, &plain(&world));
        assert_eq!(hits, 0, "{script}, {change}");
    }
}

#[test]
fn two_processes_share_what_calls_came_to() {
    let world = World::with_compiler(&[node("a", ONE), node("b", &format!("{ONE}; echo b > b"))]);
    let running = [
        world.start(&["realize", "t/a"]),
        world.start(&["realize", "t/b"]),
    ];
    let [a, b] = running.map(|running| running.end().result());
    assert_eq!(listing(&a).get("out/a.o"), listing(&b).get("out/a.o"));
    forget(&world);
    for name in ["t/a", "t/b"] {
        assert_eq!(compiled(&world.well(&["realize", name]).err), (1, 0, ""));
    }
}

#[test]
fn more_calls_than_pwb_can_have_files_open_for_all_run() {
    const CALLS: usize = 100;
    let world = World::with_compiler(&[]);
    let node = format!("for i in $(seq {CALLS}); do comp $i > $i 2>&1 & done; wait");
    compiler(&world, "real", "sleep 1; echo ran", &node);
    let pwb = "ulimit -n 256; exec \"$PWB\" realize t/n";
    let said = Said::from(world.shell(pwb).output().unwrap());
    let results = listing(&said.result());
    for number in 1..=CALLS {
        assert_eq!(results[&format!("out/{number}")], "ran\n", "{}", said.err);
    }
    let (hits, misses, others) = compiled(&said.err);
    assert_eq!(hits, 0);
    assert!(misses > 0, "{}", said.err);
    let crowd = CALLS - misses;
    let crowd = format!("{crowd} not to be remembered (too many calls or threads at once)");
    assert!(others.contains(&crowd), "{}", said.err);
}
