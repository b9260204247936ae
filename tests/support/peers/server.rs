//! A server on a free port of this machine, with a folder of its own; it and the folder are gone when the test is done.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bazel_remote_apis::build::bazel::remote::execution::v2 as reapi;
use reapi::capabilities_client::CapabilitiesClient;
use tempfile::TempDir;

use super::process::{Process, free_port};
use super::{Remote, program};

/// How often a port is tried that was free a moment ago.
const TRIES: u32 = 3;

/// One that runs, and answers.
pub struct Server {
    process: Process,
    port: u16,
    folder: TempDir,
}

impl Server {
    /// BuildBox's: a cache in its folder.
    pub fn casd() -> Server {
        Server::casd_with(&[])
    }

    /// The same, which runs actions too, in a folder of the host.
    pub fn casd_with_execution() -> Server {
        let runner = program("buildbox-run-hosttools");
        Server::casd_with(&["--jobs=2", &format!("--buildbox-run={}", runner.display())])
    }

    /// The same with these flags.
    pub fn casd_with(flags: &[&str]) -> Server {
        Server::start(|port, folder| {
            let mut command = Command::new(program("buildbox-casd"));
            command.arg(format!("--bind=127.0.0.1:{port}")).args(flags);
            command.arg(folder.join("cache"));
            command
        })
    }

    /// BuildGrid's: a cache in memory.
    pub fn buildgrid() -> Server {
        Server::buildgrid_with(include_str!("cache.yml"))
    }

    /// The same with this configuration, in which `PORT` and `FOLDER` stand for its own.
    pub fn buildgrid_with(config: &str) -> Server {
        Server::start(|port, folder| {
            let config = config
                .replace("PORT", &port.to_string())
                .replace("FOLDER", &folder.display().to_string());
            fs::write(folder.join("config.yml"), config).unwrap();
            let mut command = Command::new(program("bgd"));
            command
                .args(["server", "start"])
                .arg(folder.join("config.yml"));
            command
        })
    }

    /// What `command` makes of a port of 127.0.0.1 and a folder, once it tells its capabilities.
    #[track_caller]
    pub fn start(command: impl Fn(u16, &Path) -> Command) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let mut log = String::new();
        for _ in 0..TRIES {
            let port = free_port();
            let mut process =
                Process::start(&command(port, folder.path()), &folder.path().join("log"));
            if process.is_up(|_| answers(port)) {
                return Server {
                    process,
                    port,
                    folder,
                };
            }
            log = process.log();
        }
        panic!("the server has ended:\n{log}");
    }

    /// Where clients find it.
    pub fn remote(&self) -> Remote {
        Remote { port: self.port }
    }

    /// Its folder, with its log.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        self.process.log()
    }
}

/// Whether the server at this port tells its capabilities.
fn answers(port: u16) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let ask = async {
        let mut client = CapabilitiesClient::connect(format!("http://127.0.0.1:{port}")).await?;
        client
            .get_capabilities(reapi::GetCapabilitiesRequest::default())
            .await?;
        Ok::<(), Box<dyn std::error::Error>>(())
    };
    runtime
        .block_on(async { tokio::time::timeout(Duration::from_secs(1), ask).await })
        .is_ok_and(|answer| answer.is_ok())
}
