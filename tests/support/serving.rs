//! `pwb cache serve` on a port and a store of its own, and how BuildBox is told of it. Knows nothing of what is asked of it.

#![allow(dead_code, reason = "each file of tests uses a part")]

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

use crate::peers::program;

pub const TOKEN: &str = "let-me-in";

pub struct Serving {
    folder: TempDir,
    child: Child,
    pub port: u16,
}

impl Serving {
    /// One that takes writes from those who know the token.
    pub fn with_token() -> Serving {
        Serving::start(tempfile::tempdir().unwrap(), &[])
    }

    /// The same with TLS, where a certificate is as good as the token.
    pub fn with_tls() -> Serving {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        let flags = [
            "--tls-cert=server.pem",
            "--tls-key=server.key",
            "--client-ca=ca.pem",
        ];
        Serving::start(folder, &flags)
    }

    /// The command in a folder, which has the store.
    pub fn command(folder: &Path, flags: &[&str]) -> Command {
        let mut command = Command::new("env");
        // Whoever runs the tests in the background may ignore signals, and so would pwb.
        command
            .args([
                "--default-signal=HUP,INT,QUIT",
                "setpriv",
                "--pdeathsig",
                "KILL",
            ])
            .arg(env!("CARGO_BIN_EXE_pwb"))
            .args(["cache", "serve"])
            .args(flags)
            .current_dir(folder)
            .env("HOME", folder)
            .env("PWB_STORE", folder.join("store"))
            .stdin(Stdio::null());
        command
    }

    fn start(folder: TempDir, flags: &[&str]) -> Serving {
        fs::write(folder.path().join("token"), format!("{TOKEN}\n")).unwrap();
        let write = [
            "--listen=127.0.0.1:0",
            "--allow-write",
            "--token-file=token",
        ];
        let said = File::create(folder.path().join("said")).unwrap();
        let mut child = Serving::command(folder.path(), &[&write, flags].concat())
            .stdout(Stdio::piped())
            .stderr(said)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let port = line.trim().rsplit(':').next().and_then(|p| p.parse().ok());
        let said = fs::read_to_string(folder.path().join("said")).unwrap();
        Serving {
            port: port.unwrap_or_else(|| panic!("it does not start: {line}{said}")),
            folder,
            child,
        }
    }

    pub fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// What it has said on standard error so far.
    pub fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("said")).unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).unwrap();
        kill(Pid::from_raw(id), signal).unwrap();
    }

    /// Its exit code, if it ends in time.
    pub fn code(&mut self, patience: Duration) -> Option<i32> {
        let begin = Instant::now();
        while begin.elapsed() < patience {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status.code().unwrap_or(-1));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }

    /// Something in its folder.
    pub fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// One of BuildBox's tools, told of the server. They send tokens over TLS alone.
    pub fn buildbox(&self, tool: &str) -> Command {
        let mut command = Command::new(program(tool));
        command
            .arg(format!("--remote=https://127.0.0.1:{}", self.port))
            .arg(format!("--server-cert={}", self.file("ca.pem")));
        command
    }

    pub fn buildbox_token(&self) -> Vec<String> {
        vec![format!("--access-token={}", self.file("token"))]
    }

    pub fn buildbox_certificate(&self) -> Vec<String> {
        vec![
            format!("--client-key={}", self.file("client.key")),
            format!("--client-cert={}", self.file("client.pem")),
        ]
    }

    /// recc's environment.
    pub fn recc(&self) -> Vec<(&'static str, String)> {
        vec![
            ("RECC_SERVER", format!("https://127.0.0.1:{}", self.port)),
            ("RECC_SERVER_CERT", self.file("ca.pem")),
            ("RECC_ACCESS_TOKEN_PATH", self.file("token")),
        ]
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An authority, and what it has signed for the server and for a client.
fn certificates(folder: &Path) {
    let mut parameters = named("ca", &[]);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
    fs::write(folder.join("ca.pem"), ca.pem()).unwrap();
    for name in ["server", "client"] {
        let key = KeyPair::generate().unwrap();
        let certificate = named(name, &["127.0.0.1"]).signed_by(&key, &ca);
        fs::write(
            folder.join(format!("{name}.pem")),
            certificate.unwrap().pem(),
        )
        .unwrap();
        fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

/// A certificate whose own name is its signer's would count as signed by itself.
fn named(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut parameters = CertificateParams::new(hosts).unwrap();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters
}
