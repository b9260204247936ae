//! An SBOM as CycloneDX 1.6 has it (<https://cyclonedx.org/docs/1.6/json/>).

use humantime::format_rfc3339_seconds;
use serde_json::{Value, json};

use super::{Hash, Ingredient, Kind, Role, Supply, epoch};
use crate::report::Failure;

const RESULT: &str = "result";

/// The document. It has the same bytes for the same result, made from the same.
pub fn cyclonedx(supply: &Supply, ingredients: &[Ingredient]) -> Result<Value, Failure> {
    let hex = supply.tree.digest().hex();
    let reference = |place: usize| format!("{}", place + 1);
    let components = ingredients.iter().enumerate();
    let components: Vec<Value> = components
        .map(|(place, one)| component(&reference(place), one))
        .collect();
    let parts = ingredients.iter().enumerate();
    let parts: Vec<String> = parts
        .filter(|(_, one)| one.role != Role::Tool)
        .map(|(place, _)| reference(place))
        .collect();
    let alone = (0..ingredients.len()).map(|place| json!({"ref": reference(place)}));
    let mut dependencies = vec![json!({"ref": RESULT, "dependsOn": parts})];
    dependencies.extend(alone);
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": format_rfc3339_seconds(epoch()?).to_string(),
            "tools": {"components": [{
                "type": "application",
                "name": "pwb",
                "version": env!("CARGO_PKG_VERSION"),
            }]},
            "component": {
                "type": "application",
                "bom-ref": RESULT,
                "name": supply.name,
                "version": &hex[..16],
                "hashes": [{"alg": "BLAKE3", "content": hex}],
            },
        },
        "components": components,
        "dependencies": dependencies,
    });
    document["serialNumber"] = json!(super::urn(&document));
    Ok(document)
}

fn component(reference: &str, one: &Ingredient) -> Value {
    let algorithm = match one.hash {
        Hash::Sha256(_) => "SHA-256",
        Hash::Blake3(_) | Hash::Tree(_) => "BLAKE3",
    };
    let nodes = one.nodes.iter();
    let mut properties: Vec<Value> = nodes
        .map(|node| json!({"name": "pwb:node", "value": node}))
        .collect();
    properties.push(json!({"name": "pwb:role", "value": one.role.word()}));
    let mut component = json!({
        "type": match one.kind {
            Kind::Package | Kind::Archive | Kind::Folder => "library",
            Kind::File => "file",
        },
        "bom-ref": reference,
        "name": one.identity.name,
        "purl": one.identity.purl,
        // What is excluded is there to say what was used, and is no part of what runs.
        "scope": match one.role {
            Role::Contained | Role::Source => "required",
            Role::Tool => "excluded",
        },
        "hashes": [{"alg": algorithm, "content": one.hash.hex()}],
        "properties": properties,
    });
    if let Some(version) = &one.identity.version {
        component["version"] = json!(version);
    }
    if let Some(url) = &one.url {
        component["externalReferences"] = json!([{"type": "distribution", "url": url}]);
    }
    component
}
