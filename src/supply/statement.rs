//! Where a result comes from: an in-toto Statement v1 (<https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>)
//! with SLSA's provenance v1 (<https://slsa.dev/spec/v1.0/provenance>). Pure: it signs nothing.

use humantime::format_rfc3339_seconds;
use pwb_cache::{Digest, Entry, Sha256};
use pwb_engine::Work;
use serde_json::{Value, json};

use super::{Hash, Ingredient, Supply, TREE};
use crate::report::Failure;

/// What the statement's build definition is written in: `docs/supply-chain.md` says it in words.
const BUILD_TYPE: &str = "urn:pwb:build:v1";

/// A file of the result.
pub struct Subject {
    pub path: String,
    pub sha256: String,
}

/// The files of the result, in order. Links and modes have no place in a statement: the tree's digest stands for them.
pub fn subjects(supply: &Supply) -> Result<Vec<Subject>, Failure> {
    let store = &supply.store;
    store.bring_directories(&[supply.tree])?;
    let entries = store.entries(supply.tree)?;
    let files = entries.into_iter().filter_map(|(path, entry)| match entry {
        Entry::File { digest, executable } => Some((path, digest, executable)),
        _ => None,
    });
    let files: Vec<(String, Digest, bool)> = files.collect();
    let wanted: Vec<_> = files
        .iter()
        .map(|(_, digest, executable)| (*digest, *executable))
        .collect();
    store.bring_files(&wanted)?;
    let subject = |(path, digest, _)| {
        let blob = store.blob(digest)?;
        let bytes = blob
            .ok_or(pwb_cache::Error::Missing(digest))
            .and_then(pwb_cache::Blob::read)?;
        Ok(Subject {
            path,
            sha256: Sha256::of(&bytes).hex(),
        })
    };
    files.into_iter().map(subject).collect()
}

/// The statement, made by this builder: a URI that stands for a machine and whoever can change what runs on it.
pub fn statement(
    supply: &Supply,
    ingredients: &[Ingredient],
    subjects: &[Subject],
    builder: &str,
) -> Result<Value, Failure> {
    let tree = supply.tree.digest().hex();
    let mut subject = vec![json!({"name": supply.name, "digest": {TREE: tree}})];
    let files = subjects.iter();
    subject.extend(files.map(|one| json!({"name": one.path, "digest": {"sha256": one.sha256}})));
    Ok(json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subject,
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": external(supply),
                "internalParameters": internal(supply),
                "resolvedDependencies": dependencies(supply, ingredients),
            },
            "runDetails": {
                "builder": {"id": builder, "version": {"pwb": env!("CARGO_PKG_VERSION")}},
                "metadata": metadata(supply)?,
            },
        },
    }))
}

/// What was asked for.
fn external(supply: &Supply) -> Value {
    let folders = supply.graph.deps(&[supply.goal.step], None);
    let folders = folders.into_iter().filter(|step| {
        let work = &supply.graph.steps[*step].work;
        matches!(work, Work::Source { .. })
    });
    let folders: Vec<&str> = folders.map(|step| supply.graph.name(step)).collect();
    json!({
        "name": supply.name,
        "options": supply.graph.options(supply.goal.step),
        "folders": folders,
    })
}

/// What pwb made of it: the node, and the action's key, which stands for all that its command saw.
fn internal(supply: &Supply) -> Value {
    let node = supply.graph.name(supply.goal.step);
    let mut internal = json!({"node": node, "keys": pwb_engine::fingerprint()});
    if let Some(key) = supply.plan.key(supply.goal.step) {
        internal["action"] = json!(key.hex());
    }
    internal
}

fn dependencies(supply: &Supply, ingredients: &[Ingredient]) -> Vec<Value> {
    let recipe = |(path, bytes): (&str, &[u8])| {
        json!({
            "name": format!("recipes/{path}"),
            "digest": {"sha256": Sha256::of(bytes).hex()},
            "annotations": {"role": "recipe"},
        })
    };
    let ingredient = |one: &Ingredient| {
        let algorithm = match one.hash {
            Hash::Sha256(_) => "sha256",
            Hash::Blake3(_) => "blake3",
            Hash::Tree(_) => TREE,
        };
        let nodes: Vec<&str> = one.nodes.iter().map(String::as_str).collect();
        let mut dependency = json!({
            "name": nodes.join(" "),
            "uri": one.identity.purl,
            "digest": {algorithm: one.hash.hex()},
            "annotations": {"role": one.role.word()},
        });
        if let Some(url) = &one.url {
            dependency["downloadLocation"] = json!(url);
        }
        dependency
    };
    let recipes = supply.recipes().map(recipe);
    recipes.chain(ingredients.iter().map(ingredient)).collect()
}

/// When the result was made, if it was made here and the history has it.
fn metadata(supply: &Supply) -> Result<Value, Failure> {
    let Some(key) = supply.plan.key(supply.goal.step) else {
        return Ok(json!({}));
    };
    let mut metadata = json!({"invocationId": key.hex()});
    if let Some(past) = supply.store.run_of(key)? {
        let started = past
            .finished
            .checked_sub(past.run.wall)
            .unwrap_or(past.finished);
        metadata["startedOn"] = json!(format_rfc3339_seconds(started).to_string());
        metadata["finishedOn"] = json!(format_rfc3339_seconds(past.finished).to_string());
    }
    Ok(metadata)
}
