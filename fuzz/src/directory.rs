//! Messages that digests are made of: what is decoded has one encoding, and an action is decoded from that alone.

use prost::Message;
use pwb_cache::{Action, Digest, Directory, reapi};

/// `bytes` are a `Directory`; or, after two bytes that say where it ends, a `Command`, and then its `Action`.
pub fn run(bytes: &[u8]) {
    let digest = Digest::of(bytes);
    if let Ok(directory) = Directory::decode(digest, bytes) {
        let encoded = directory.encode();
        let again = Directory::decode(Digest::of(&encoded), &encoded);
        assert_eq!(
            again.ok(),
            Some(directory),
            "encoded, it says something else"
        );
        // Others write properties too; without those there is one way.
        let plain =
            reapi::Directory::decode(bytes).is_ok_and(|message| is_canonical(&message, bytes));
        assert!(
            !plain || encoded == bytes,
            "a second encoding of a directory"
        );
    }
    if let Some((size, rest)) = bytes.split_first_chunk() {
        let end = usize::from(u16::from_le_bytes(*size)).min(rest.len());
        let (command, action) = rest.split_at(end);
        decode(action, command);
        // A fuzzer would not find the command's digest.
        if let Ok(mut message) = reapi::Action::decode(action) {
            message.command_digest = Some(Digest::of(command).to_message());
            decode(&message.encode_to_vec(), command);
        }
    }
}

fn decode(action: &[u8], command: &[u8]) {
    let digest = Digest::of(action);
    if let Ok(read) = Action::decode(digest, action, command) {
        let (key, messages) = read.encode();
        assert_eq!(key.digest(), digest, "a second encoding of an action");
        let [(_, first), (_, second)] = messages;
        assert_eq!((first.as_slice(), second.as_slice()), (command, action));
    }
}

/// The order of REAPI's `Directory`, and nothing in it that pwb does not write.
fn is_canonical(message: &reapi::Directory, bytes: &[u8]) -> bool {
    let hashes = message.files.iter().map(|file| &file.digest);
    let hashes = hashes.chain(message.directories.iter().map(|below| &below.digest));
    let mut hashes = hashes.flatten().map(|digest| &digest.hash);
    message.encode_to_vec() == bytes
        && message.files.is_sorted_by_key(|file| &file.name)
        && message.directories.is_sorted_by_key(|below| &below.name)
        && message.symlinks.is_sorted_by_key(|link| &link.name)
        && message
            .files
            .iter()
            .all(|file| file.node_properties.is_none())
        && message
            .symlinks
            .iter()
            .all(|link| link.node_properties.is_none())
        && message.node_properties.is_none()
        && hashes.all(|hash| !hash.contains(|c: char| c.is_ascii_uppercase()))
}
