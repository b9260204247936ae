//! `pwb new`: a folder with recipes to begin with.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use include_dir::{Dir, include_dir};

use super::say;
use crate::cli::{New, Template};
use crate::report::Failure;

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// What stands for the project's name in templates.
const NAME: &str = "PROJECT";

/// What builds leave in the folder.
const IGNORED: &str = "/result\n/result-*\n/pwb-report.html\n";

pub fn run(arguments: &New) -> Result<ExitCode, Failure> {
    let folder = &arguments.folder;
    let name = name(folder)?;
    let files = files(arguments.template, &name);
    let taken = files.iter().map(|(path, _)| folder.join(path));
    if let Some(taken) = taken
        .into_iter()
        .find(|path| path.symlink_metadata().is_ok())
    {
        return Err(Failure::new(
            format!("{} is there already: nothing is written", taken.display()),
            "name a folder that is not there yet: pwb new DIR",
        ));
    }
    for (path, text) in &files {
        let path = folder.join(path);
        write(&path, text).map_err(|error| failed(&path, &error))?;
    }
    say(format_args!("{}: {} files", folder.display(), files.len()));
    let enter = match folder == Path::new(".") {
        true => String::new(),
        false => format!("cd {} && ", folder.display()),
    };
    say(format_args!("next: {enter}pwb run {name}"));
    Ok(ExitCode::SUCCESS)
}

/// The folder's name, which becomes the target's.
fn name(folder: &Path) -> Result<String, Failure> {
    let whole = std::path::absolute(folder).map_err(|error| failed(folder, &error))?;
    let name = whole.file_name().unwrap_or_default().to_string_lossy();
    let first = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let rest = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    if first && name.chars().all(rest) {
        return Ok(name.into_owned());
    }
    Err(Failure::new(
        format!("the folder's name becomes the target's, and `{name}` cannot be one"),
        "a name is made of ASCII letters, digits, `.`, `_`, `+` and `-`, and begins with a letter or a digit",
    ))
}

/// The files of a template, by their paths in the folder.
fn files(template: Template, name: &str) -> Vec<(PathBuf, String)> {
    let template = match template {
        Template::Hello => "hello",
        Template::C => "c",
    };
    let mut files = vec![(PathBuf::from(".gitignore"), IGNORED.to_owned())];
    let mut open: Vec<&Dir<'_>> = TEMPLATES.get_dir(template).into_iter().collect();
    while let Some(folder) = open.pop() {
        open.extend(folder.dirs());
        for file in folder.files() {
            let path = file.path().strip_prefix(template).unwrap_or(file.path());
            let text = String::from_utf8_lossy(file.contents());
            files.push((path.to_owned(), text.replace(NAME, name)));
        }
    }
    files.sort();
    files
}

/// Writes a file that is not there yet.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
    File::create_new(path)?.write_all(text.as_bytes())
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Message(format!("cannot write {}: {error}", path.display()), None)
}
