//! Notes of those who use the store, by what they are about. The oldest go first; one that was damaged is as good as gone.

use crate::checksum;
use crate::digest::Digest;
use crate::error::Result;
use crate::store::Store;

impl Store {
    /// A note of this name about `subject`.
    pub fn memo(&self, subject: Digest, name: &str) -> Result<Option<Vec<u8>>> {
        let found = self.index.memo(subject, name)?;
        Ok(found.and_then(|stored| checksum::verify(&context(subject, name), stored)))
    }

    /// Keeps notes about `subject`, each with its name, in place of those that have the names already. The notes about
    /// some other subject, the one that was written about longest ago, may go for them.
    pub fn put_memos(&self, subject: Digest, memos: Vec<(&str, Vec<u8>)>) -> Result<()> {
        if memos.is_empty() {
            return Ok(());
        }
        let memos = memos.into_iter();
        let memos: Vec<_> = memos
            .map(|(name, bytes)| (name, checksum::add(&context(subject, name), bytes)))
            .collect();
        self.index.put_memos(subject, &memos)
    }
}

fn context(subject: Digest, name: &str) -> Vec<u8> {
    [&subject.to_row()[..], name.as_bytes()].concat()
}
