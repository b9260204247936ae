//! Something to build that takes a while, in versions, and what was told to be published of it. Every command's output is random:
//! what is lost comes out otherwise.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::host::settled;
use crate::support::{Running, Said, World, listing};

const SOURCES: [&str; 3] = ["a", "b", "c"];

/// A project, its store, and what its builds have told.
pub struct Project {
    pub world: World,
    version: u32,
    compiler: bool,
    /// Digests by version and node.
    told: BTreeMap<(u32, String), String>,
}

/// A result that was told to be published.
#[derive(Clone)]
pub struct Told {
    pub version: u32,
    node: String,
    digest: String,
}

/// What was asked of pwb at each run.
pub const BUILD: [&str; 5] = ["realize", "t/app", "t/tick", "--events", "events"];

impl Project {
    /// One that is compiled.
    pub fn new() -> Project {
        Project::in_world(World::with_compiler(&[]), true)
    }

    /// One in a small root, without a compiler.
    pub fn on_busybox(world: World) -> Project {
        Project::in_world(world, false)
    }

    fn in_world(world: World, compiler: bool) -> Project {
        let mut project = Project {
            world,
            version: 0,
            compiler,
            told: BTreeMap::new(),
        };
        project.turn_to(1);
        project
    }

    /// The version of its sources.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Writes the sources of a version.
    pub fn turn_to(&mut self, version: u32) {
        self.version = version;
        for name in SOURCES {
            let text = format!("#include \"all.h\"\nint {name}(void) {{ return VERSION; }}\n");
            self.world.folder("src", &[(&format!("{name}.c"), &text)]);
        }
        let header = format!("#define VERSION {version}\n");
        self.world.folder("src", &[("all.h", &header)]);
        self.tick(0);
    }

    /// Writes the recipe, with one node of this number that no earlier run has built: whoever has work to do sweeps.
    pub fn tick(&self, number: u32) {
        let mut nodes = vec![r#""src": Source(path: "src"),"#.to_owned()];
        let compile = match self.compiler {
            true => "cc -nostdinc -c",
            false => "cat /src/all.h",
        };
        let redirect = if self.compiler { "-o" } else { ">" };
        let id = "cat /proc/sys/kernel/random/uuid > /out/id";
        for name in SOURCES {
            let script = format!(
                "{id}; for part in 1 2 3; do {compile} /src/{name}.c {redirect} /out/{name}.o; \
                 head -c 131072 /dev/urandom > /out/$part; done"
            );
            nodes.push(self.node(name, r#""/src": "src""#, &script, "/out"));
        }
        let objects = r#""/a": "a:/out", "/b": "b:/out", "/c": "c:/out""#;
        nodes.push(self.node(
            "link",
            objects,
            &format!(
                "{id}; cat /a/a.o /b/b.o /c/c.o > /out/all; cp /a/1 /out/1; ln -s all /out/link"
            ),
            "/out",
        ));
        // Over what is there, with an overlay.
        nodes.push(self.node(
            "app",
            r#""/app": "link:/out""#,
            "cat /proc/sys/kernel/random/uuid > /app/app; rm /app/1; mkdir /app/deep; cp /app/all /app/deep",
            "/app",
        ));
        nodes.push(self.node("tick", "", &format!("echo {number} > /out/number"), "/out"));
        self.world.nodes(&nodes);
    }

    /// What builds it.
    pub fn command(&self) -> Command {
        let _ = fs::remove_file(self.world.path("events"));
        self.world.pwb(&BUILD)
    }

    /// Builds it.
    pub fn run(&self) -> Said {
        Said::from(self.command().output().unwrap())
    }

    /// Builds to the end; then all that was told is there, whole, and nothing else is.
    #[track_caller]
    pub fn is_whole(&mut self) {
        self.is_whole_after(Project::run);
    }

    /// The same of another way to run the build.
    #[track_caller]
    pub fn is_whole_after(&mut self, run: impl FnOnce(&Project) -> Said) {
        let said = run(self);
        assert_eq!(said.code, Some(0), "{BUILD:?}: {said:?}");
        assert!(!said.err.contains("missing"), "{said:?}");
        self.learn();
        let app = listing(&said.results()[0].join("app"));
        assert_eq!(app["deep/all"], app["all"]);
        settled(&self.world.path("store"));
        let verdict = self.world.say(&["store", "verify"]);
        assert_eq!(verdict.code, Some(0), "{verdict:?}");
    }

    /// Starts a build.
    pub fn start(&self) -> Running {
        let _ = fs::remove_file(self.world.path("events"));
        self.world.start(&BUILD)
    }

    /// Reads what the latest run has told. What was told before must not be otherwise now.
    #[track_caller]
    pub fn learn(&mut self) {
        // One that died early has told nothing; the last line may be cut short.
        let text = fs::read_to_string(self.world.path("events")).unwrap_or_default();
        let mut steps = Vec::new();
        for line in text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
        {
            for told in self.hear(line, &mut steps) {
                self.remember(told);
            }
        }
    }

    /// Remembers a result; it must not have been told otherwise.
    #[track_caller]
    pub fn remember(&mut self, told: Told) {
        let Told {
            version,
            node,
            digest,
        } = told;
        let known = self
            .told
            .entry((version, node.clone()))
            .or_insert_with(|| digest.clone());
        assert_eq!(
            *known, digest,
            "{node} of version {version} was published, and lost"
        );
    }

    /// The results that a line of events tells; `steps` are the names of those planned so far.
    pub fn hear(&self, line: &str, steps: &mut Vec<String>) -> Vec<Told> {
        let event: Value = serde_json::from_str(line).unwrap();
        let told = |node: &str, digest: &Value| Told {
            version: self.version,
            node: node.to_owned(),
            digest: digest.as_str().unwrap().to_owned(),
        };
        let mut heard = Vec::new();
        match event["event"].as_str().unwrap() {
            "planned" => {
                for node in event["nodes"].as_array().unwrap() {
                    let name = node["name"].as_str().unwrap();
                    steps.push(name.to_owned());
                    if node["cached"] == true {
                        heard.push(told(name, &node["digest"]));
                    }
                }
            }
            "built" | "cached" => {
                let step = usize::try_from(event["step"].as_u64().unwrap()).unwrap();
                heard.push(told(&steps[step], &event["digest"]));
            }
            _ => {}
        }
        // It is another one each time.
        heard.retain(|told| told.node != "t/tick");
        heard
    }

    /// Forgets what was told.
    pub fn forget(&mut self) {
        self.told.clear();
    }

    fn node(&self, name: &str, inputs: &str, script: &str, output: &str) -> String {
        let root = if self.compiler {
            "tcc/root"
        } else {
            "busybox/root"
        };
        format!(
            r##""{name}": Run(root: "{root}", inputs: {{{inputs}}}, run: ["sh", "-euc", r#"{script}"#], outputs: ["{output}"]),"##
        )
    }
}
