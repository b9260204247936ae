//! `pwb provenance`: where a result comes from, for others to verify; and verifying what others say.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;

use pwb_cache::Sha256;
use pwb_remote::PublicKey;
use serde::Deserialize;
use serde_json::Value;
use walkdir::WalkDir;

use super::{say, write};
use crate::cli::{Cli, Provenance};
use crate::config;
use crate::remote::secret_key;
use crate::report::Failure;
use crate::supply::{Envelope, Supply, statement, subjects};
use crate::units::many;

/// How many paths are named.
const LIMIT: usize = 12;

pub fn run(cli: &Cli, arguments: &Provenance) -> Result<ExitCode, Failure> {
    if let Some(file) = &arguments.verify {
        verify(file, &arguments.trust, arguments.of.as_deref())?;
    } else if let Some(name) = &arguments.name {
        let supply = Supply::find(cli, name, &arguments.options, &arguments.sharing)?;
        let ingredients = supply.ingredients()?;
        let files = subjects(&supply)?;
        let statement = statement(&supply, &ingredients, &files, &arguments.builder)?;
        let text = match &arguments.key {
            None => format!("{statement:#}"),
            Some(key) => {
                let envelope = Envelope::sign(&statement.to_string(), &secret_key(key)?);
                serde_json::to_string(&envelope).map_err(|error| {
                    Failure::Message(format!("cannot write the envelope: {error}"), None)
                })?
            }
        };
        write(&text, arguments.output.as_deref())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// As much of a statement as verifying it takes.
#[derive(Deserialize)]
struct Statement {
    subject: Vec<Subject>,
    predicate: Value,
}

#[derive(Deserialize)]
struct Subject {
    name: String,
    digest: BTreeMap<String, String>,
}

fn verify(file: &Path, trust: &[String], folder: Option<&Path>) -> Result<(), Failure> {
    let no_envelope = |why: &dyn Display| {
        Failure::new(
            format!("{} is no signed statement: {why}", file.display()),
            "`pwb provenance --key FILE` writes signed ones",
        )
    };
    let trusted = match trust {
        [] => config::read()?.remote.trusted()?,
        trust => {
            let keys = trust.iter().map(|text| text.parse());
            keys.collect::<Result<Vec<PublicKey>, _>>()?
        }
    };
    let text = std::fs::read(file)
        .map_err(|error| Failure::Message(format!("{}: {error}", file.display()), None))?;
    let envelope: Envelope = serde_json::from_slice(&text).map_err(|why| no_envelope(&why))?;
    let (statement, signer) = envelope.open(&trusted)?;
    let statement: Statement =
        serde_json::from_slice(&statement).map_err(|why| no_envelope(&why))?;
    let files = statement.subject.iter();
    let files: BTreeMap<&str, &str> = files
        .filter_map(|one| Some((&*one.name, &**one.digest.get("sha256")?)))
        .collect();
    if let Some(folder) = folder {
        compare(folder, &files)?;
    }
    let result = statement
        .subject
        .first()
        .map_or("nothing", |one| &*one.name);
    let builder = &statement.predicate["runDetails"]["builder"]["id"];
    say(format_args!("signed by  {}", signer.name()));
    say(format_args!(
        "built by   {}",
        builder.as_str().unwrap_or("nobody knows whom")
    ));
    let number = many(files.len() as u64, "file");
    say(format_args!("result     {result}, {number}"));
    if let Some(folder) = folder {
        say(format_args!("the files  {}", folder.display()));
    }
    Ok(())
}

/// Refuses a folder whose files are others than these, by path and SHA-256.
fn compare(folder: &Path, files: &BTreeMap<&str, &str>) -> Result<(), Failure> {
    let failed = |why: &dyn Display| Failure::Message(format!("{}: {why}", folder.display()), None);
    let mut missing = files.clone();
    let mut wrong = Vec::new();
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.map_err(|error| failed(&error))?;
        if !entry.file_type().is_file() {
            continue;
        }
        let path = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let path = path.to_string_lossy();
        let bytes = std::fs::read(entry.path()).map_err(|error| failed(&error))?;
        match missing.remove(&*path) {
            None => wrong.push(format!("{path} is not in the statement")),
            Some(sha256) if sha256 != Sha256::of(&bytes).hex() => {
                wrong.push(format!("{path} is another file"));
            }
            Some(_) => {}
        }
    }
    wrong.extend(missing.keys().map(|path| format!("{path} is missing")));
    if wrong.is_empty() {
        return Ok(());
    }
    let more = wrong.len().saturating_sub(LIMIT);
    wrong.truncate(LIMIT);
    wrong.extend((more > 0).then(|| format!("and {more} more")));
    let message = format!("{} is not what was signed:", folder.display());
    let lines = std::iter::once(message).chain(wrong);
    let text = lines.collect::<Vec<_>>().join("\n  ");
    Err(Failure::Message(text, None))
}
