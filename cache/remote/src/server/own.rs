//! The store's own results, as others can use them.

use pwb_cache::{Digest, Store};

/// The bytes of the `ActionResult` that pwb itself has for this action or call.
pub fn result(store: &Store, action: Digest) -> pwb_cache::Result<Option<Vec<u8>>> {
    store.call_answer(action)
}
