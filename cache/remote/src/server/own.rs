//! The store's own results, as others can use them.

use prost::Message;
use pwb_cache::{ActionKey, Digest, Store, reapi};

use crate::record;

/// The bytes of the `ActionResult` that pwb itself has for this action or call.
pub fn result(store: &Store, action: Digest) -> pwb_cache::Result<Option<Vec<u8>>> {
    let key = ActionKey::from_digest(action);
    let Some(result) = store.result(key)? else {
        return store.call_answer(action);
    };
    let mut message = reapi::ActionResult {
        output_directories: vec![reapi::OutputDirectory {
            root_directory_digest: Some(result.tree.digest().to_message()),
            ..Default::default()
        }],
        ..Default::default()
    };
    record::seal(&mut message, key, record::write(&result), None);
    Ok(Some(message.encode_to_vec()))
}
