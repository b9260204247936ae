//! Notes about requests.

use rusqlite::{OptionalExtension, params};

use super::Index;
use crate::digest::Digest;
use crate::error::Result;

/// About so many subjects there are notes.
const SUBJECTS: u32 = 64;

impl Index {
    pub fn memo(&self, subject: Digest, name: &str) -> Result<Option<Vec<u8>>> {
        self.read("read a memo", |db| {
            db.prepare_cached("SELECT bytes FROM memos WHERE subject = ?1 AND name = ?2")?
                .query_row(params![subject.to_row(), name], |row| row.get(0))
                .optional()
        })
    }

    pub fn put_memos(&self, subject: Digest, memos: &[(&str, Vec<u8>)]) -> Result<()> {
        self.write("keep memos", |db| {
            let mut put = db.prepare_cached(
                "INSERT OR REPLACE INTO memos (subject, name, bytes) VALUES (?1, ?2, ?3)",
            )?;
            for (name, bytes) in memos {
                put.execute(params![subject.to_row(), name, bytes])?;
            }
            db.prepare_cached(
                "DELETE FROM memos WHERE subject NOT IN
                 (SELECT subject FROM memos GROUP BY subject ORDER BY max(id) DESC LIMIT ?1)",
            )?
            .execute([SUBJECTS])
            .map(drop)
        })
    }
}
