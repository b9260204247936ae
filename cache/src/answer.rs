//! Results that others have put here: `ActionResult`s of the Remote Execution API under the digest of an action that need not
//! be pwb's. Whoever reads one checks that what it names is still there.

use crate::call::CallResult;
use crate::digest::Digest;
use crate::error::Result;
use crate::name::Name;
use crate::store::Store;

impl Store {
    /// The `ActionResult` that was put here for this action, as bytes.
    pub fn answer(&self, action: Name) -> Result<Option<Vec<u8>>> {
        let found = self.index.answer(action)?;
        if found.as_ref().is_some_and(|found| found.stale) {
            self.note_use(|uses| uses.answers.push(action))?;
        }
        Ok(found.map(|found| found.what))
    }

    /// Keeps an `ActionResult` for others.
    pub fn put_answer(&self, action: Name, result: &[u8]) -> Result<()> {
        self.index.put_answer(action, result)
    }

    /// What a compiler's call came to, as the bytes of its `ActionResult`.
    pub fn call_answer(&self, key: Digest) -> Result<Option<Vec<u8>>> {
        let found = self.index.call(key)?;
        let call = found.and_then(|found| CallResult::from_row(key, found.what));
        Ok(call.map(|call| call.encode()))
    }
}
