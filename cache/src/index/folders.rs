//! Folders: of the user's, imported; of trees, materialized. And what requests were answered with.

use rusqlite::{OptionalExtension, params};

use super::Index;
use crate::digest::Digest;
use crate::directory::TreeDigest;
use crate::error::Result;
use crate::key::ActionKey;

impl Index {
    /// The tree of the last import by this name, its snapshot, and whether that was more than an hour ago.
    pub fn import(&self, name: Digest) -> Result<Option<(TreeDigest, Vec<u8>, bool)>> {
        self.read("read an import", |db| {
            db.prepare_cached(
                "SELECT tree, snapshot, used_at < unixepoch() - 3600 FROM imports WHERE name = ?1",
            )?
            .query_row([name.to_row()], |row| {
                let tree = TreeDigest::from_digest(Digest::from_row(row.get(0)?));
                Ok((tree, row.get(1)?, row.get(2)?))
            })
            .optional()
        })
    }

    /// Remembers that an import was asked for.
    pub fn note_import(&self, name: Digest) -> Result<()> {
        self.write("note an import", |db| {
            db.prepare_cached("UPDATE imports SET used_at = unixepoch() WHERE name = ?1")?
                .execute([name.to_row()])
                .map(drop)
        })
    }

    pub fn put_import(&self, name: Digest, tree: TreeDigest, snapshot: &[u8]) -> Result<()> {
        self.write("record an import", |db| {
            db.prepare_cached("INSERT OR REPLACE INTO imports VALUES (?1, ?2, ?3, unixepoch())")?
                .execute(params![name.to_row(), tree.digest().to_row(), snapshot])
                .map(drop)
        })
    }

    /// Whether a materialized folder of this tree can be trusted in this boot.
    pub fn has_tree(&self, tree: TreeDigest, boot: &str) -> Result<bool> {
        self.read("look up a tree", |db| {
            db.prepare_cached(
                "SELECT 1 FROM trees WHERE digest = ?1 AND (boot IS NULL OR boot = ?2)",
            )?
            .exists(params![tree.digest().to_row(), boot])
        })
    }

    /// Returns whether the folder was trusted in every boot; that it no longer is must be synced before another takes its place.
    pub fn forget_tree(&self, tree: TreeDigest) -> Result<bool> {
        let row = tree.digest().to_row();
        let boot: Option<Option<String>> = self.read("look up a tree", |db| {
            db.prepare_cached("SELECT boot FROM trees WHERE digest = ?1")?
                .query_row([row], |row| row.get(0))
                .optional()
        })?;
        let Some(boot) = boot else {
            return Ok(false);
        };
        self.write("forget a tree", |db| {
            db.execute("DELETE FROM trees WHERE digest = ?1", [row])
                .map(drop)
        })?;
        Ok(boot.is_none())
    }

    pub fn put_tree(&self, tree: TreeDigest, boot: &str) -> Result<()> {
        self.write("record a tree", |db| {
            db.prepare_cached("INSERT OR REPLACE INTO trees VALUES (?1, ?2)")?
                .execute(params![tree.digest().to_row(), boot])
                .map(drop)
        })
    }

    /// What a request was answered with, and whether that was more than an hour ago.
    pub fn realization(&self, request: Digest) -> Result<Option<(TreeDigest, bool)>> {
        self.read("read a realization", |db| {
            db.prepare_cached(
                "SELECT tree, used_at < unixepoch() - 3600 FROM realizations WHERE request = ?1",
            )?
            .query_row([request.to_row()], |row| {
                let tree = TreeDigest::from_digest(Digest::from_row(row.get(0)?));
                Ok((tree, row.get(1)?))
            })
            .optional()
        })
    }

    pub fn put_realization(&self, request: Digest, tree: TreeDigest) -> Result<()> {
        self.write("record a realization", |db| {
            db.execute(
                "INSERT OR REPLACE INTO realizations VALUES (?1, ?2, unixepoch())",
                params![request.to_row(), tree.digest().to_row()],
            )
            .map(drop)
        })
    }

    /// The keys whose results a tree was found by, as they were last written.
    pub fn chain(&self, tree: TreeDigest) -> Result<Option<Vec<u8>>> {
        self.read("read a chain", |db| {
            db.prepare_cached("SELECT keys FROM chains WHERE tree = ?1")?
                .query_row([tree.digest().to_row()], |row| row.get(0))
                .optional()
        })
    }

    pub fn put_chain(&self, tree: TreeDigest, keys: &[u8]) -> Result<()> {
        self.write("record a chain", |db| {
            db.execute(
                "INSERT OR REPLACE INTO chains VALUES (?1, ?2)",
                params![tree.digest().to_row(), keys],
            )
            .map(drop)
        })
    }

    /// Remembers that a link of the user's leads to a tree.
    pub fn put_root(&self, link: &[u8], tree: TreeDigest) -> Result<()> {
        self.write("record a link", |db| {
            db.execute(
                "INSERT OR REPLACE INTO roots VALUES (?1, ?2)",
                params![link, tree.digest().to_row()],
            )
            .map(drop)
        })
    }
}

/// The form the index keeps keys in: one after the other, sorted.
pub(crate) fn chain_to_row(keys: &[ActionKey]) -> Vec<u8> {
    let mut keys = keys.to_vec();
    keys.sort_unstable();
    keys.dedup();
    keys.iter().flat_map(|key| key.digest().to_row()).collect()
}

pub(crate) fn chain_from_row(row: &[u8]) -> impl Iterator<Item = ActionKey> {
    let (keys, _) = row.as_chunks::<40>();
    keys.iter()
        .map(|key| ActionKey::from_digest(Digest::from_row(*key)))
}
