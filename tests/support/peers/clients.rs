//! Other people's clients, told where a server is. Knows nothing of what the server is.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{program, run};

/// A server of the Remote Execution API on this machine, as its clients see it.
#[derive(Clone, Copy, Debug)]
pub struct Remote {
    pub port: u16,
}

impl Remote {
    /// As pwb and Bazel write it.
    pub fn url(self) -> String {
        format!("grpc://127.0.0.1:{}", self.port)
    }

    /// As BuildBox writes it.
    pub fn http(self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Puts a folder there; its root directory's digest as `HASH/SIZE`.
    #[track_caller]
    pub fn casupload(self, folder: &Path) -> String {
        let scratch = tempfile::tempdir().unwrap();
        let digest = scratch.path().join("digest");
        run(self
            .buildbox("casupload")
            .arg(format!("--output-digest-file={}", digest.display()))
            .arg(folder));
        fs::read_to_string(digest).unwrap().trim().to_owned()
    }

    /// Gets a tree from there.
    #[track_caller]
    pub fn casdownload(self, root: &str, into: &Path) {
        run(self
            .buildbox("casdownload")
            .arg(format!("--root-digest={root}"))
            .arg(format!("--destination-dir={}", into.display())));
    }

    /// One of BuildBox's tools, told of the server.
    pub fn buildbox(self, tool: &str) -> Command {
        let mut command = Command::new(program(tool));
        command.arg(format!("--remote={}", self.http()));
        command
    }

    /// recc for a compiler's call in a folder: from the server where it can be had, else run here and given to the server.
    pub fn recc(self, folder: &Path, call: &[&str]) -> Command {
        let mut command = Command::new(program("recc"));
        command
            .args(call)
            .current_dir(folder)
            .env("RECC_SERVER", self.http())
            .env("RECC_PROJECT_ROOT", folder)
            .env("RECC_CACHE_ONLY", "1")
            .env("RECC_CACHE_UPLOAD_LOCAL_BUILD", "1")
            .env("RECC_LOG_LEVEL", "info");
        command
    }

    /// Bazel with the server as its cache, in a workspace. What it keeps is in `own`.
    pub fn bazel(self, workspace: &Path, own: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program("bazel"));
        command
            .current_dir(workspace)
            .args(["--batch", "--nohome_rc"])
            .arg(format!("--output_user_root={}", own.display()))
            .args(arguments)
            .arg(format!("--remote_cache={}", self.url()))
            .args(["--noenable_bzlmod", "--spawn_strategy=local"])
            .args(["--color=no", "--curses=no"]);
        command
    }
}
