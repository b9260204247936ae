//! A store and recipes of a test's own, and the real pwb driven on them. Knows nothing of what the tests expect.

#![allow(dead_code, unused_imports, reason = "each file of tests uses a part")]

mod compiling;
mod host;
mod package;
mod said;
mod tidy;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

pub use compiling::{cached, compiled, compiler, forget, plain};
pub use host::{Running, eventually, mounts_below, processes};
use package::Root;
pub use said::Said;
use tempfile::TempDir;

const NOBODY: u32 = 65534;

/// A folder with recipes and a store, as one user.
pub struct World {
    folder: TempDir,
    user: Option<u32>,
    binary: PathBuf,
}

impl World {
    /// One as the current user, with busybox in its store and these nodes in its recipe `t`.
    pub fn new(nodes: &[String]) -> World {
        World::make(Root::Busybox, None, true, nodes)
    }

    /// The same with nothing in its store.
    pub fn empty(nodes: &[String]) -> World {
        World::make(Root::Busybox, None, false, nodes)
    }

    /// One as the current user with a compiler too: `tcc/root`.
    pub fn with_compiler(nodes: &[String]) -> World {
        World::make(Root::Tcc, None, true, nodes)
    }

    /// One as an ordinary user, with a compiler too.
    pub fn ordinary_with_compiler() -> World {
        World::make(Root::Tcc, ordinary(), true, &[])
    }

    /// One as an ordinary user.
    pub fn ordinary(nodes: &[String]) -> World {
        World::make(Root::Busybox, ordinary(), true, nodes)
    }

    /// One as the current user; where that is root, a second as an ordinary one.
    pub fn each(nodes: &[String]) -> Vec<World> {
        let mut worlds = vec![World::new(nodes)];
        if ordinary().is_some() {
            worlds.push(World::ordinary(nodes));
        }
        worlds
    }

    fn make(root: Root, user: Option<u32>, filled: bool, nodes: &[String]) -> World {
        let package = package::prepared(root);
        let folder = tempfile::tempdir_in(std::env::temp_dir().canonicalize().unwrap()).unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["recipes", "home"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        if filled {
            copy(&package.store, &folder.path().join("store"));
            // What was done before is no part of the test.
            let _ = fs::remove_dir_all(folder.path().join("store/builds"));
        }
        copy(&package.mirror, &folder.path().join("mirror"));
        for name in root.recipes() {
            for file in [format!("{name}.ron"), format!("{name}.lock")] {
                let to = folder.path().join("recipes").join(&file);
                fs::copy(Path::new("tests/recipes").join(file), to).unwrap();
            }
        }
        let mut binary = PathBuf::from(env!("CARGO_BIN_EXE_pwb"));
        if let Some(user) = user {
            // The build's own folder need not be open to others.
            let own = folder.path().join("pwb");
            fs::hard_link(&binary, &own)
                .or_else(|_| fs::copy(&binary, &own).map(drop))
                .unwrap();
            binary = own;
            let owner = format!("{user}:{user}");
            let home = folder.path().join("home");
            let status = Command::new("chown")
                .args(["-R", &owner])
                .arg(home)
                .arg(folder.path().join("store"))
                .status();
            assert!(status.unwrap().success());
            chown(folder.path(), Some(user), Some(user)).unwrap();
        }
        let world = World {
            folder,
            user,
            binary,
        };
        world.recipe(&format!("Recipe(nodes: {{ {} }})", nodes.join("\n")));
        world
    }

    /// Whether pwb runs as the superuser.
    pub fn is_root(&self) -> bool {
        self.user.is_none() && nix::unistd::geteuid().is_root()
    }

    /// Something in the world's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the recipe `t` anew.
    pub fn recipe(&self, text: &str) {
        fs::write(self.path("recipes/t.ron"), text).unwrap();
    }

    /// Writes the recipe `t` anew, of nodes only.
    pub fn nodes(&self, nodes: &[String]) {
        self.recipe(&format!("Recipe(nodes: {{ {} }})", nodes.join("\n")));
    }

    /// A folder of the host with these files.
    pub fn folder(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        for (file, text) in files {
            let path = self.path(name).join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        self.path(name)
    }

    /// A program run as the world's user in the world's folder, with a small environment.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = match self.user {
            None => Command::new(program),
            Some(user) => {
                let mut command = Command::new("setpriv");
                command
                    .args([
                        format!("--reuid={user}"),
                        format!("--regid={user}"),
                        "--clear-groups".into(),
                    ])
                    .arg(program);
                command
            }
        };
        command
            .env_clear()
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
            .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
            .env("HOME", self.path("home"));
        command
            .env("PWB_STORE", self.path("store"))
            .env("PWB_RECIPES", self.path("recipes"));
        command.env(
            "PWB_DEBIAN_MIRROR",
            format!("file://{}", self.path("mirror").display()),
        );
        command
    }

    /// pwb with these arguments.
    pub fn pwb(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(&self.binary);
        command.args(arguments);
        command
    }

    /// A shell's script in which `$PWB` is pwb.
    pub fn shell(&self, script: &str) -> Command {
        let mut command = self.command(Path::new("/bin/sh"));
        command.args(["-euc", script]).env("PWB", &self.binary);
        command
    }

    /// What pwb says to these arguments.
    pub fn say(&self, arguments: &[&str]) -> Said {
        Said::from(self.pwb(arguments).output().unwrap())
    }

    /// What a run says that must succeed.
    #[track_caller]
    pub fn well(&self, arguments: &[&str]) -> Said {
        let said = self.say(arguments);
        assert_eq!(said.code, Some(0), "{said:?}");
        said
    }

    /// What a run says on standard error that must fail, and give no result.
    #[track_caller]
    pub fn fails(&self, arguments: &[&str]) -> String {
        let said = self.say(arguments);
        // Where 1 may be a program's own, pwb has another.
        let code = if matches!(arguments, ["run" | "shell", ..]) {
            125
        } else {
            1
        };
        assert_eq!((said.code, &*said.out), (Some(code), ""), "{said:?}");
        said.err
    }

    /// The result of a node or target.
    #[track_caller]
    pub fn realize(&self, name: &str) -> PathBuf {
        self.well(&["realize", name]).result()
    }

    /// Starts pwb and lets it run.
    pub fn start(&self, arguments: &[&str]) -> Running {
        Running::start(self.interruptible(arguments))
    }

    /// Starts pwb and lets it run; what it says can be read in the file meanwhile.
    pub fn start_into(&self, arguments: &[&str], file: &Path) -> Running {
        Running::start_into(self.interruptible(arguments), file)
    }

    /// pwb as a terminal starts it: whoever runs the tests in the background may ignore its signals, and so would pwb.
    fn interruptible(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(Path::new("env"));
        command
            .arg("--default-signal=HUP,INT,QUIT")
            .arg(&self.binary)
            .args(arguments);
        command
    }
}

/// Who to be to be no superuser, if that is somebody else.
fn ordinary() -> Option<u32> {
    nix::unistd::geteuid().is_root().then_some(NOBODY)
}

/// A node that runs a shell's script over inputs, mount point and reference each, with the output `/out`.
pub fn node(name: &str, inputs: &[(&str, &str)], script: &str) -> String {
    let inputs: Vec<String> = inputs
        .iter()
        .map(|(mount, reference)| format!("{mount:?}: {reference:?}"))
        .collect();
    let inputs = inputs.join(", ");
    format!(
        r##""{name}": Run(root: "busybox/root", inputs: {{{inputs}}}, run: ["sh", "-euc", r#"{script}"#], outputs: ["/out"]),"##
    )
}

/// What is below a folder: each path with its file's contents, its link's target, or `/`.
pub fn listing(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    walk(folder, &mut |path, metadata| {
        let name = path.strip_prefix(folder).unwrap().display().to_string();
        let what = if metadata.is_dir() {
            "/".to_owned()
        } else if metadata.is_symlink() {
            format!("-> {}", fs::read_link(path).unwrap().display())
        } else if metadata.is_file() {
            String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
        } else {
            // A read of a fifo would wait for ever.
            format!("{:?}", metadata.file_type())
        };
        found.insert(name, what);
    });
    found
}

/// Visits all that is below a folder, links not followed.
pub fn walk(folder: &Path, visit: &mut dyn FnMut(&Path, &fs::Metadata)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        visit(&path, &metadata);
        if metadata.is_dir() {
            walk(&path, visit);
        }
    }
}

/// Text of a file.
pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A number of seconds close to this, which no other process on the machine sleeps.
pub fn nap(tenths: u32) -> String {
    static SERIAL: AtomicU32 = AtomicU32::new(0);
    format!(
        "{}.{}{:07}{:03}",
        tenths / 10,
        tenths % 10,
        std::process::id(),
        SERIAL.fetch_add(1, Ordering::Relaxed)
    )
}

/// Copies a folder as it is, hard links and all.
fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp")
        .arg("-a")
        .args([from, to])
        .status()
        .unwrap();
    assert!(
        status.success(),
        "cp -a {} {}",
        from.display(),
        to.display()
    );
}
