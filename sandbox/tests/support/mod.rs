//! A root made of this machine's own tools, and a probe that runs specs as root and as an ordinary user.
#![allow(dead_code)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio as ProcessStdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::sleep;
use std::time::{Duration, Instant};

use pwb_sandbox::{Exit, Mount, Source, Spec, Status, Stdio};
use serde_json::Value;
use tempfile::TempDir;

const TOOLS: &[&str] = &[
    "sh", "cat", "ls", "id", "uname", "sleep", "touch", "mkdir", "rm", "chmod", "setsid", "env",
    "true", "echo", "stat", "mv", "kill", "readlink", "ln",
];
/// Programs that ask before they run: each is told what its name says.
pub const PROGRAMS: [&str; 4] = ["answered", "passed", "watched", "dropped"];
const NOBODY: u32 = 65534;
/// How long calls may take.
const LONGEST: Duration = Duration::from_secs(60);

/// What one run gave.
#[derive(Debug)]
pub struct Outcome {
    pub output: String,
    pub exit: Option<Exit>,
    pub error: String,
    pub kind: String,
    pub hint: String,
}

impl Outcome {
    /// The output of a run that must have succeeded.
    #[track_caller]
    pub fn text(&self) -> &str {
        assert_eq!(self.status(), Status::Code(0), "{self:?}");
        self.output.trim_end()
    }

    #[track_caller]
    pub fn status(&self) -> Status {
        self.exit
            .unwrap_or_else(|| panic!("did not run: {self:?}"))
            .status
    }
}

/// What the probe saw of calls.
#[derive(Debug, serde::Deserialize)]
pub struct Served {
    pub calls: Vec<String>,
    pub accesses: Vec<String>,
    pub ends: Vec<String>,
}

/// A private folder with a root, as one user.
pub struct Sandbox {
    pub folder: TempDir,
    root: Arc<TempDir>,
    pub user: Option<u32>,
    pub network: bool,
    pub timeout: Option<Duration>,
    pub mounts: Vec<Mount>,
    pub env: Vec<(String, String)>,
    pub cwd: PathBuf,
}

impl Sandbox {
    /// One as the current user; where that is root, a second as an ordinary one.
    pub fn each() -> Vec<Self> {
        let users = if nix::unistd::geteuid().is_root() {
            vec![None, Some(NOBODY)]
        } else {
            vec![None]
        };
        users.into_iter().map(Self::new).collect()
    }

    fn new(user: Option<u32>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let sandbox = Self {
            folder,
            root: root(),
            user,
            network: false,
            timeout: None,
            mounts: vec![],
            env: vec![("PATH".into(), "/none:/bin".into())],
            cwd: "/".into(),
        };
        sandbox.give(sandbox.folder.path());
        sandbox.make("scratch");
        sandbox
    }

    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// A directory of the host in the private folder, owned by the user.
    pub fn make(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path.ancestors()
            .take_while(|folder| *folder != self.folder.path())
            .for_each(|folder| self.give(folder));
        path
    }

    /// A file of the host in the private folder, owned by the user.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        self.give(&path);
        path
    }

    fn give(&self, path: &Path) {
        if let Some(user) = self.user {
            chown(path, Some(user), Some(user)).unwrap();
        }
    }

    pub fn mount(&mut self, target: &str, source: Source) {
        self.mounts.push(Mount {
            target: target.into(),
            source,
        });
    }

    /// An overlay over `name/lower`, which exists already.
    pub fn overlay(&self, name: &str) -> Source {
        let make = |part: &str| self.make(&format!("{name}/{part}"));
        Source::Overlay {
            lower: make("lower"),
            upper: make("upper"),
            work: make("work"),
        }
    }

    pub fn spec(&self, argv: &[&str]) -> Spec {
        Spec {
            root: self.root().to_owned(),
            mounts: self.mounts.clone(),
            calling: None,
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            env: self.env.clone(),
            cwd: self.cwd.clone(),
            stdio: Stdio::Captured,
            network: self.network,
            timeout: self.timeout,
            scratch: self.folder.path().join("scratch"),
        }
    }

    /// The probe's command line, run as the user, by a caller with an odd umask, odd limits, ignored signals, a leaked descriptor
    /// and the addresses of old.
    pub fn probe(&self, words: &[&str]) -> Command {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "umask 077; for of in c s n; do ulimit -S -$of $(ulimit -H -$of); done; trap '' HUP USR1; exec setarch linux32 -L \"$@\" 9</dev/null",
            "sh",
        ]);
        if let Some(user) = self.user {
            command.args([
                "setpriv",
                &format!("--reuid={user}"),
                &format!("--regid={user}"),
                "--clear-groups",
            ]);
        }
        command.arg(self.root().join("bin/probe")).args(words);
        command
    }

    /// Writes the spec and starts the probe on it.
    pub fn start(&self, spec: &Spec) -> Child {
        self.start_as("run", spec)
    }

    fn start_as(&self, what: &str, spec: &Spec) -> Child {
        self.command(what, spec)
            .stdin(ProcessStdio::null())
            .spawn()
            .unwrap()
    }

    /// Writes the spec; what would start the probe on it.
    pub fn starter(&self, spec: &Spec) -> Command {
        self.command("run", spec)
    }

    fn command(&self, what: &str, spec: &Spec) -> Command {
        let (file, result) = self.files(spec);
        self.probe(&[what, file.to_str().unwrap(), result.to_str().unwrap()])
    }

    fn files(&self, spec: &Spec) -> (PathBuf, PathBuf) {
        let file = self.write("spec.json", &serde_json::to_string(spec).unwrap());
        (file, self.folder.path().join("result.json"))
    }

    /// Runs `argv` to its end.
    pub fn run(&self, argv: &[&str]) -> Outcome {
        let mut child = self.start(&self.spec(argv));
        assert!(child.wait().unwrap().success());
        self.outcome()
    }

    /// Runs a script whose calls of the [`PROGRAMS`] are taken; what was seen of them.
    pub fn serve(&self, script: &str) -> (Outcome, Served) {
        let spec = self.spec(&["sh", "-uc", script]);
        let mut child = self.start_as("serve", &spec);
        let start = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if start.elapsed() > LONGEST {
                child.kill().unwrap();
                panic!("it hangs: {script}");
            }
            sleep(Duration::from_millis(5));
        }
        assert!(child.wait().unwrap().success());
        let text = fs::read(self.folder.path().join("result.json")).unwrap();
        (self.outcome(), serde_json::from_slice(&text).unwrap())
    }

    pub fn sh(&self, script: &str) -> Outcome {
        self.run(&["sh", "-euc", script])
    }

    /// Tries one forbidden thing inside; the errno it met, or 0.
    #[track_caller]
    pub fn attempt(&self, what: &str) -> i32 {
        match self.run(&["probe", "attempt", what]).status() {
            Status::Code(code) => code,
            other => panic!("{what}: {other:?}"),
        }
    }

    /// What became of a group of attempts inside, a line each.
    #[track_caller]
    pub fn attack(&self, words: &[&str]) -> Vec<String> {
        let outcome = self.run(&[&["attacker"], words].concat());
        outcome.text().lines().map(str::to_owned).collect()
    }

    pub fn outcome(&self) -> Outcome {
        let text = fs::read(self.folder.path().join("result.json")).unwrap();
        let record: Value = serde_json::from_slice(&text).unwrap();
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        Outcome {
            output: text("output"),
            exit: serde_json::from_value(record["exit"].clone()).ok(),
            error: text("error"),
            kind: text("kind"),
            hint: text("hint"),
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = pwb_sandbox::remove_tree(self.folder.path());
    }
}

/// `/bin` with a few tools and the probe, what they are linked to, and no mount points; shared by the tests that run now.
fn root() -> Arc<TempDir> {
    static ROOT: Mutex<Weak<TempDir>> = Mutex::new(Weak::new());
    let mut shared = ROOT.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let root = Arc::new(tempfile::tempdir().unwrap());
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fill(root.path());
        *shared = Arc::downgrade(&root);
        root
    })
}

fn fill(root: &Path) {
    fs::create_dir_all(root.join("usr/bin")).unwrap();
    symlink("usr/bin", root.join("bin")).unwrap();
    fs::write(root.join("in-root"), "lower\n").unwrap();
    for program in PROGRAMS {
        symlink("sh", root.join("usr/bin").join(program)).unwrap();
    }
    let mut libraries = BTreeSet::new();
    let found = |tool: &str| {
        ["/usr/bin", "/bin"]
            .iter()
            .map(|folder| Path::new(folder).join(tool))
            .find(|file| file.exists())
    };
    let tools = TOOLS.iter().map(|tool| (*tool, found(tool).unwrap()));
    let own = [
        ("probe", env!("CARGO_BIN_EXE_pwb-sandbox-probe")),
        ("attacker", env!("CARGO_BIN_EXE_pwb-sandbox-attacker")),
    ];
    let own = own.map(|(name, file)| (name, PathBuf::from(file)));
    for (name, file) in tools.chain(own) {
        fs::copy(&file, root.join("bin").join(name)).unwrap();
        let linked = Command::new("ldd").arg(&file).output().unwrap().stdout;
        let words = String::from_utf8(linked).unwrap();
        libraries.extend(
            words
                .split_whitespace()
                .filter(|word| word.starts_with('/'))
                .map(PathBuf::from),
        );
    }
    for library in libraries {
        let place = root.join(library.strip_prefix("/").unwrap());
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::copy(&library, place).unwrap();
    }
}
