"""Has the tools of others read what pwb writes about a result: validate.py KIND FILE [PUBLIC-KEY]. Says what they find wrong."""

import json
import sys


def spdx(path):
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    document = parse_file(path)
    refs = [ref for package in document.packages for ref in package.external_references]
    purls([ref.locator for ref in refs if ref.reference_type == "purl"])
    return [message.validation_message for message in validate_full_spdx_document(document)]


def cyclonedx(path):
    from cyclonedx.model.bom import Bom
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = open(path).read()
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if error:
        return [str(error)]
    bom = Bom.from_json(json.loads(text))
    bom.validate()
    purls([component["purl"] for component in json.loads(text)["components"]])
    return []


def purls(texts):
    from packageurl import PackageURL

    for text in texts:
        again = PackageURL.from_string(text).to_string()
        assert PackageURL.from_string(again) == PackageURL.from_string(text), text


def statement(path):
    check(json.load(open(path)))
    return []


def check(statement):
    from google.protobuf import json_format
    from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
    from in_toto_attestation.v1.statement import Statement
    from in_toto_attestation.v1.statement_pb2 import Statement as Message

    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    Statement.copy_from_pb(json_format.ParseDict(statement, Message())).validate()
    predicate = json_format.ParseDict(statement["predicate"], Provenance())
    # What SLSA requires.
    assert predicate.build_definition.build_type
    assert predicate.build_definition.external_parameters
    assert predicate.run_details.builder.id


def envelope(path, key):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

    name, digits = key.split(":")
    envelope = Envelope.from_dict(json.load(open(path)))
    envelope.verify([SSlibKey(name, "ed25519", "ed25519", {"public": digits})], 1)
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(digits))
    public.verify(bytes.fromhex(envelope.signatures[name].signature), envelope.pae())
    check(json.loads(envelope.payload))
    return []


wrong = globals()[sys.argv[1]](*sys.argv[2:])
print("\n".join(wrong) or "valid")
sys.exit(1 if wrong else 0)
