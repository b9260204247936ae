//! What objects are called elsewhere.

use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::Index;
use crate::digest::Digest;
use crate::directory::TreeDigest;
use crate::error::Result;
use crate::sha256::Sha256;

impl Index {
    pub fn sha256(&self, blobs: &[Digest]) -> Result<Vec<Option<Sha256>>> {
        self.read_many("look up names", |db| {
            let sql = "SELECT name FROM sha256 WHERE digest = ?1";
            let keys = blobs.iter().map(|blob| [blob.to_row()]);
            each(db, sql, keys, |row| row.get(0).map(Sha256::from_row))
        })
    }

    pub fn by_sha256(&self, names: &[Sha256]) -> Result<Vec<Option<Digest>>> {
        self.read_many("look up names", |db| {
            let sql = "SELECT digest FROM sha256 WHERE name = ?1";
            let keys = names.iter().map(|name| [name.to_row()]);
            each(db, sql, keys, |row| row.get(0).map(Digest::from_row))
        })
    }

    pub fn put_sha256(&self, pairs: &[(Digest, Sha256)]) -> Result<()> {
        self.write("take names", |db| {
            let mut insert = db.prepare_cached("INSERT OR REPLACE INTO sha256 VALUES (?1, ?2)")?;
            pairs.iter().try_for_each(|(digest, name)| {
                insert
                    .execute(params![name.to_row(), digest.to_row()])
                    .map(drop)
            })
        })
    }

    pub fn heard(&self, blobs: &[Digest]) -> Result<Vec<Option<Sha256>>> {
        self.read_many("look up names", |db| {
            let sql = "SELECT name FROM heard WHERE digest = ?1";
            let keys = blobs.iter().map(|blob| [blob.to_row()]);
            each(db, sql, keys, |row| row.get(0).map(Sha256::from_row))
        })
    }

    pub fn put_heard(&self, pairs: &[(Digest, Sha256)]) -> Result<()> {
        self.write("take names", |db| {
            let mut insert = db.prepare_cached("INSERT OR REPLACE INTO heard VALUES (?1, ?2)")?;
            pairs.iter().try_for_each(|(digest, name)| {
                insert
                    .execute(params![digest.to_row(), name.to_row()])
                    .map(drop)
            })
        })
    }

    pub fn forget_names(&self, digest: Digest) -> Result<()> {
        self.write("forget names", |db| {
            db.execute("DELETE FROM heard WHERE digest = ?1", [digest.to_row()])?;
            db.execute("DELETE FROM twins WHERE directory = ?1", [digest.to_row()])
                .map(drop)
        })
    }

    pub fn twins(&self, directories: &[TreeDigest]) -> Result<Vec<Option<Sha256>>> {
        self.read_many("look up names", |db| {
            let sql = "SELECT name FROM twins WHERE directory = ?1";
            let keys = directories.iter().map(|tree| [tree.digest().to_row()]);
            each(db, sql, keys, |row| row.get(0).map(Sha256::from_row))
        })
    }

    pub fn put_twins(&self, pairs: &[(TreeDigest, Sha256)]) -> Result<()> {
        self.write("take names", |db| {
            let mut insert = db.prepare_cached("INSERT OR REPLACE INTO twins VALUES (?1, ?2)")?;
            pairs.iter().try_for_each(|(tree, name)| {
                insert
                    .execute(params![tree.digest().to_row(), name.to_row()])
                    .map(drop)
            })
        })
    }
}

fn each<T, P: Params>(
    db: &Connection,
    sql: &str,
    keys: impl Iterator<Item = P>,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<Option<T>>> {
    let mut query = db.prepare_cached(sql)?;
    keys.map(|key| query.query_row(key, &read).optional())
        .collect()
}
