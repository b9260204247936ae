//! BuildGrid as a cluster: its server, a database, and a worker that takes two actions at a time.

use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::process::{Process, free_port};
use super::{Remote, Server, program, run};

const NOBODY: u32 = 65534;

/// All of it, in the order in which it has to stop.
pub struct Farm {
    worker: Process,
    cache: Server,
    server: Server,
    database: Database,
}

impl Farm {
    /// Starts it.
    pub fn start() -> Farm {
        let database = Database::start();
        let config = include_str!("farm.yml").replace("DATABASE", &database.url());
        let server = Server::buildgrid_with(&config);
        let cas = format!("--cas-remote={}", server.remote().http());
        let cache = Server::casd_with(&[&cas]);
        let runner = program("buildbox-run-hosttools");
        let mut command = Command::new(program("buildbox-worker"));
        command
            .arg(format!("--bots-remote={}", server.remote().http()))
            .arg(format!("--cas-remote={}", cache.remote().http()))
            .arg(format!("--buildbox-run={}", runner.display()))
            .args(["--concurrent-jobs=2", "worker"]);
        let worker = Process::start(&command, &cache.folder().join("worker.log"));
        Farm {
            worker,
            cache,
            server,
            database,
        }
    }

    /// Where clients find it.
    pub fn remote(&self) -> Remote {
        self.server.remote()
    }

    /// What its parts have said so far.
    pub fn log(&self) -> String {
        [self.server.log(), self.cache.log(), self.worker.log()].join("\n---\n")
    }
}

/// PostgreSQL with BuildGrid's tables.
struct Database {
    process: Process,
    port: u16,
    folder: TempDir,
}

impl Database {
    fn start() -> Database {
        let folder = tempfile::tempdir().unwrap();
        if nix::unistd::geteuid().is_root() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let data = folder.path().join("data");
        run(Command::new(program("initdb"))
            .args(["--auth=trust", "--username=grid", "--encoding=UTF8"])
            .args(["--locale=C", "--no-sync", "--pgdata"])
            .arg(&data));
        let port = free_port();
        let process = serve(folder.path(), &data, port);
        let database = Database {
            process,
            port,
            folder,
        };
        run(Command::new(program("bgd"))
            .args(["migrate", "apply"])
            .arg(database.url()));
        database
    }

    fn url(&self) -> String {
        format!("postgresql://grid@127.0.0.1:{}/postgres", self.port)
    }
}

fn serve(folder: &Path, data: &Path, port: u16) -> Process {
    let mut command = Command::new(program("postgres"));
    command
        .args(["-h", "127.0.0.1", "-F", "-p", &port.to_string(), "-k"])
        .arg(folder)
        .arg("-D")
        .arg(data);
    // Its own processes leave the group. They end when it asks them to.
    let mut process = Process::start(&command, &folder.join("log")).stopped_by(Signal::SIGQUIT);
    let is_up = process.is_up(|process| process.log().contains("ready to accept connections"));
    assert!(is_up, "PostgreSQL has ended:\n{}", process.log());
    process
}
