//! Runs a realized artifact for a person: the same sandbox, with the working directory and the terminal in it.

use std::path::{Path, PathBuf};

use pwb_cache::{Store, fs};
use pwb_sandbox::{Exit, Mount, Source, Spec, Stdio};

use crate::error::Result;
use crate::recipe::SandboxPath;

/// What to run, and where.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The root file system, materialized.
    pub root: PathBuf,
    /// The artifact, materialized.
    pub artifact: PathBuf,
    /// Where it is mounted.
    pub mount: SandboxPath,
    /// The command and all its arguments.
    pub arguments: Vec<String>,
    /// The environment.
    pub environment: Vec<(String, String)>,
    /// The folder of the host that is visible, and writable, at its own path.
    pub directory: PathBuf,
    /// Whether the host's network is visible.
    pub network: bool,
}

/// Runs it, with this process's own input, output and terminal.
pub fn launch(store: &Store, launch: Launch) -> Result<Exit> {
    let scratch = store.session()?.folder("launch")?;
    let mount = |target: &Path, source| Mount {
        target: target.to_owned(),
        source,
    };
    let spec = Spec {
        root: launch.root,
        mounts: vec![
            mount(
                &launch.directory,
                Source::Writable(launch.directory.clone()),
            ),
            mount(
                Path::new(launch.mount.as_str()),
                Source::ReadOnly(launch.artifact),
            ),
        ],
        calling: None,
        argv: launch.arguments,
        env: launch.environment,
        cwd: launch.directory,
        stdio: Stdio::Inherited,
        network: launch.network,
        timeout: None,
        scratch: scratch.clone(),
    };
    let exit = pwb_sandbox::run(&spec, &mut |_| {})?;
    fs::remove_tree(&scratch)?;
    Ok(exit)
}
