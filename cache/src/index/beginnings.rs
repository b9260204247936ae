//! Objects between two digests: those that have a beginning in common.

use rusqlite::params;

use super::Index;
use crate::digest::Digest;
use crate::error::Result;

/// How many objects are named: two are one too many already.
const LIMIT: i64 = 16;

impl Index {
    /// Published files, each with its mode.
    pub fn files_between(&self, (first, last): (Digest, Digest)) -> Result<Vec<(Digest, bool)>> {
        self.read("look up files", |db| {
            db.prepare_cached(
                "SELECT digest, executable FROM files WHERE digest BETWEEN ?1 AND ?2 LIMIT ?3",
            )?
            .query_map(params![first.to_row(), last.to_row(), LIMIT], |row| {
                Ok((Digest::from_row(row.get(0)?), row.get(1)?))
            })?
            .collect()
        })
    }

    /// Messages of any kind.
    pub fn messages_between(&self, (first, last): (Digest, Digest)) -> Result<Vec<Digest>> {
        self.read("look up messages", |db| {
            db.prepare_cached(
                "SELECT digest FROM messages WHERE digest BETWEEN ?1 AND ?2 LIMIT ?3",
            )?
            .query_map(params![first.to_row(), last.to_row(), LIMIT], |row| {
                row.get(0).map(Digest::from_row)
            })?
            .collect()
        })
    }
}
