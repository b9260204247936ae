//! `pwb lock`: computes a root's packages anew.

use std::process::ExitCode;

use pwb_engine::Error;
use pwb_engine::fetch::{self, Mirror};
use pwb_engine::recipe::{Library, Locks, NodeKind, Wanted};

use super::say;
use crate::cli::{Cli, Lock};
use crate::context::Context;
use crate::report::Failure;

pub fn run(cli: &Cli, arguments: &Lock) -> Result<ExitCode, Failure> {
    let context = Context::new(cli)?;
    let library = Library::load_with(context.files.clone(), Locks::Ignore)
        .map_err(|errors| context.refused(errors))?;
    let name = &arguments.node;
    let wanted = library.wanted(name).map_err(Error::Recipe)?;
    let debian = match wanted {
        Wanted::Node(node) => match &node.kind {
            NodeKind::Root(root) => root.debian.as_ref(),
            _ => None,
        },
        Wanted::Target(_) => None,
    };
    let debian = debian.ok_or_else(|| {
        Failure::new(
            format!("`{name}` is no root of Debian packages"),
            "pwb list --nodes has the names",
        )
    })?;
    let store = context.store()?;
    let want: Vec<String> = debian.want.iter().map(|name| name.value.clone()).collect();
    let (suite, architecture) = (&debian.suite.value, &debian.architecture.value);
    let mirror = Mirror::discover(context.config.debian_mirror.as_deref()).map_err(Error::Fetch)?;
    let scratch = store.session()?.folder("lock")?;
    let lock =
        fetch::closure(&mirror, suite, architecture, &want, &scratch).map_err(Error::Fetch)?;
    match &context.recipes {
        Some(folder) => {
            let path = folder.join(debian.lock_path.value.as_str());
            pwb_cache::fs::write(&path, lock.to_string().as_bytes())?;
            say(format_args!(
                "{}: {} packages",
                path.display(),
                lock.packages.len()
            ));
        }
        // The recipes are inside the binary: whoever asks takes the text from here.
        None => say(lock.to_string().trim_end()),
    }
    Ok(ExitCode::SUCCESS)
}
