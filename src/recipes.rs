//! The files of the recipes: those built into the binary, or a folder.

use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use crate::cli::Cli;
use crate::project::Project;
use crate::report::Failure;

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/recipes");

/// Paths below the recipes folder, with contents, in order.
pub type Files = Vec<(String, Vec<u8>)>;

/// The folder to read: the command line's, else the project's; none stands for those built in.
pub fn folder(cli: &Cli, project: &Project) -> Option<PathBuf> {
    cli.recipes.clone().or_else(|| project.recipes())
}

/// The recipes folder that a file is in, and its path there: `usual`, if it is in that, else its own.
pub fn place(usual: Option<&Path>, file: &Path) -> Result<(PathBuf, String), Failure> {
    let failed = |error| Failure::Message(format!("{}: {error}", file.display()), None);
    let real = file.canonicalize().map_err(failed)?;
    let own = file.parent().unwrap_or(Path::new(""));
    let own = if own.as_os_str().is_empty() {
        Path::new(".")
    } else {
        own
    };
    let inside = |folder: &Path| {
        let below = real.strip_prefix(folder.canonicalize().ok()?).ok()?;
        Some((folder.to_owned(), below.display().to_string()))
    };
    let found = usual.and_then(inside).or_else(|| inside(own));
    found.ok_or_else(|| Failure::Message(format!("{} is in no folder", file.display()), None))
}

/// Reads the files of `folder`, or the built-in ones.
pub fn read(folder: Option<&Path>) -> Result<Files, Failure> {
    let mut files = Vec::new();
    match folder {
        None => built_in(&BUILT_IN, &mut files),
        Some(folder) => walk(folder, "", &mut files)?,
    }
    files.sort();
    Ok(files)
}

fn built_in(folder: &Dir<'_>, files: &mut Files) {
    for file in folder.files() {
        files.push((file.path().display().to_string(), file.contents().to_vec()));
    }
    folder.dirs().for_each(|below| built_in(below, files));
}

fn walk(folder: &Path, at: &str, files: &mut Files) -> Result<(), Failure> {
    let failed = |error| {
        let message = format!("cannot read recipes in {}: {error}", folder.display());
        Failure::new(message, "--recipes names a folder of .ron files")
    };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        if name.starts_with('.') {
            continue;
        } else if path.is_dir() {
            walk(&path, &format!("{at}{name}/"), files)?;
        } else {
            files.push((format!("{at}{name}"), std::fs::read(&path).map_err(failed)?));
        }
    }
    Ok(())
}
