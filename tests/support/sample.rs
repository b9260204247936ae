//! A program of sorts, made in two steps from a local folder, for the tests that look into graphs and results.

#![allow(dead_code, reason = "each file of tests uses a part")]

use serde_json::Value;

use crate::support::World;

const RECIPE: &str = r##"Recipe(
    options: {"debug": Flag(help: "-g")},
    nodes: {
        "src": Source(path: "src"),
        "object": Run(
            root: "busybox/root",
            inputs: {"/src": "src"},
            run: ["sh", "-euc", "cat /src/main.c > /out/object; echo $* >> /out/object", "sh", When("debug", ["-g"])],
            outputs: ["/out"],
        ),
        "program": Run(
            root: "busybox/root",
            inputs: {"/in": "object:/out", "/modules": "src"},
            run: ["sh", "-euc", r#"
                cd /out; mkdir -p bin lib/more; cat /in/object > lib/text; echo '#!/bin/sh' > bin/tool; chmod +x bin/tool
                ln -s ../lib/text bin/link; cat /modules/module.wasm > module.wasm; cat /modules/script >> script
                sh script
            "#],
            outputs: ["/out"],
        ),
        "alone": Run(root: "busybox/root", run: ["sh", "-c", "echo 1 > /out/one"], outputs: ["/out"]),
        "broken": Run(root: "busybox/root", run: ["sh", "-c", "exit 3"], outputs: ["/out"]),
    },
    targets: {
        "program": Target(node: "program:/out"),
        "program-debug": Target(node: "program:/out", set: {"debug": "true"}),
        "alone": Target(node: "alone"),
    },
)"##;

/// A module with one function of so many `nop`s.
fn module(nops: u8) -> String {
    let mut bytes = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0".to_vec();
    bytes.extend([10, nops + 4, 1, nops + 2, 0]);
    bytes.extend(std::iter::repeat_n(1, usize::from(nops)));
    bytes.push(0x0b);
    bytes.extend(b"\0\x0b\x04name\x01\x04\x01\0\x01f");
    String::from_utf8(bytes).unwrap()
}

pub fn world() -> World {
    let world = World::new(&[]);
    world.recipe(RECIPE);
    source(
        &world,
        "int main(void)\n{\n    return 0;\n}\n",
        1,
        "echo old > lib/old",
    );
    world
}

pub fn source(world: &World, main: &str, nops: u8, script: &str) {
    let module = module(nops);
    let files = [
        ("main.c", main),
        ("module.wasm", &*module),
        ("script", script),
    ];
    world.folder("src", &files);
}

/// A world with two runs of the program.
pub fn twice() -> World {
    let world = world();
    world.realize("program");
    source(
        &world,
        "int main(void)\n{\n    return 1;\n}\n",
        9,
        "mkdir lib/new; echo 12345 > lib/new/file; chmod -x bin/tool; rm bin/link; ln -s ../bin bin/link",
    );
    world.realize("program");
    world
}

impl World {
    #[track_caller]
    pub fn told(&self, arguments: &[&str]) -> String {
        let said = self.well(arguments);
        assert_eq!(said.err, "");
        self.tidy(&said.out)
    }

    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.well(arguments).out).unwrap()
    }

    #[track_caller]
    pub fn refused(&self, arguments: &[&str]) -> String {
        self.tidy(&self.fails(arguments))
    }

    /// What `diff` says of things that differ.
    #[track_caller]
    pub fn differ(&self, arguments: &[&str]) -> String {
        let said = self.say(&[&["diff"], arguments].concat());
        assert_eq!((said.code, &*said.err), (Some(1), ""), "{said:?}");
        self.tidy(&said.out)
    }
}
