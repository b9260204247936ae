//! Notes of those who use the store, by what they are about. The oldest go first.

use crate::digest::Digest;
use crate::error::Result;
use crate::store::Store;

impl Store {
    /// A note of this name about `subject`.
    pub fn memo(&self, subject: Digest, name: &str) -> Result<Option<Vec<u8>>> {
        self.index.memo(subject, name)
    }

    /// Keeps notes about `subject`, each with its name, in place of those that have the names already. The notes about
    /// some other subject, the one that was written about longest ago, may go for them.
    pub fn put_memos(&self, subject: Digest, memos: &[(&str, Vec<u8>)]) -> Result<()> {
        match memos {
            [] => Ok(()),
            memos => self.index.put_memos(subject, memos),
        }
    }
}
