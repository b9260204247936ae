//! An SBOM as SPDX 2.3 has it (<https://spdx.github.io/spdx-spec/v2.3/>), in JSON.

use humantime::format_rfc3339_seconds;
use serde_json::{Value, json};

use super::{Hash, Ingredient, Kind, Role, Supply, TREE, epoch};
use crate::report::Failure;

const RESULT: &str = "SPDXRef-result";
/// What nobody has looked into.
const UNKNOWN: &str = "NOASSERTION";

/// The document. It has the same bytes for the same result, made from the same.
pub fn spdx(supply: &Supply, ingredients: &[Ingredient]) -> Result<Value, Failure> {
    let hex = supply.tree.digest().hex();
    let mut packages = vec![json!({
        "SPDXID": RESULT,
        "name": supply.name,
        "versionInfo": &hex[..16],
        "externalRefs": [digest(TREE, &hex)],
        "downloadLocation": UNKNOWN,
        "filesAnalyzed": false,
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": UNKNOWN,
        "copyrightText": UNKNOWN,
    })];
    let mut relationships = vec![relationship("SPDXRef-DOCUMENT", "DESCRIBES", RESULT)];
    for (place, one) in ingredients.iter().enumerate() {
        let id = id(place, &one.identity.name);
        relationships.push(match one.role {
            Role::Contained => relationship(RESULT, "CONTAINS", &id),
            Role::Source => relationship(RESULT, "GENERATED_FROM", &id),
            Role::Tool => relationship(&id, "BUILD_TOOL_OF", RESULT),
        });
        packages.push(package(&id, one));
    }
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": supply.name,
        "creationInfo": {
            "created": format_rfc3339_seconds(epoch()?).to_string(),
            "creators": [concat!("Tool: pwb-", env!("CARGO_PKG_VERSION"))],
        },
        "packages": packages,
        "relationships": relationships,
    });
    document["documentNamespace"] = json!(super::urn(&document));
    Ok(document)
}

fn package(id: &str, one: &Ingredient) -> Value {
    let nodes: Vec<&str> = one.nodes.iter().map(String::as_str).collect();
    let mut package = json!({
        "SPDXID": id,
        "name": one.identity.name,
        "comment": format!("from {}", nodes.join(", ")),
        "downloadLocation": one.url.as_deref().unwrap_or(UNKNOWN),
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": one.identity.purl,
        }],
        "filesAnalyzed": false,
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": UNKNOWN,
        "copyrightText": UNKNOWN,
        "primaryPackagePurpose": match one.kind {
            Kind::Package => "INSTALL",
            Kind::Archive => "ARCHIVE",
            Kind::Folder => "SOURCE",
            Kind::File => "FILE",
        },
    });
    if let Some(version) = &one.identity.version {
        package["versionInfo"] = json!(version);
    }
    let more = match &one.hash {
        Hash::Sha256(hex) => {
            package["checksums"] = json!([{"algorithm": "SHA256", "checksumValue": hex}]);
            None
        }
        Hash::Blake3(hex) => Some(digest("blake3", hex)),
        Hash::Tree(hex) => Some(digest(TREE, hex)),
    };
    if let Some(references) = package["externalRefs"].as_array_mut() {
        references.extend(more);
    }
    package
}

/// A digest that is no checksum: readers hold that BLAKE3 has more than 64 digits, and a tree's is not that of one file.
fn digest(kind: &str, hex: &str) -> Value {
    json!({"referenceCategory": "OTHER", "referenceType": kind, "referenceLocator": hex})
}

fn relationship(one: &str, is: &str, of: &str) -> Value {
    json!({"spdxElementId": one, "relationshipType": is, "relatedSpdxElement": of})
}

/// A name of SPDX's: letters, digits, `.` and `-`. The number tells apart those that this makes alike.
fn id(place: usize, name: &str) -> String {
    let plain = |c: char| match c.is_ascii_alphanumeric() || c == '.' {
        true => c,
        false => '-',
    };
    let name: String = name.chars().map(plain).collect();
    format!("SPDXRef-{}-{name}", place + 1)
}
