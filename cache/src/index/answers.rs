//! What the server of a store asks: results of others, and which of many objects are kept.

use rusqlite::{OptionalExtension, params};

use super::{Asked, Index};
use crate::digest::Digest;
use crate::error::Result;
use crate::name::Name;

/// How the index keeps an object.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Kept {
    /// It is a message.
    pub message: bool,
    /// It is a published file that is not executable.
    pub plain: bool,
    /// It is a published file that is executable.
    pub executable: bool,
}

impl Index {
    /// What was put here for an action.
    pub fn answer(&self, action: Name) -> Result<Option<Asked<Vec<u8>>>> {
        self.read("read a result", |db| {
            db.prepare_cached(
                "SELECT result, used_at < unixepoch() - 3600 FROM action_results WHERE action = ?1",
            )?
            .query_row([action.to_row()], |row| {
                Ok(Asked {
                    what: row.get(0)?,
                    origin: None,
                    stale: row.get(1)?,
                })
            })
            .optional()
        })
    }

    pub fn put_answer(&self, action: Name, result: &[u8]) -> Result<()> {
        self.write("take a result", |db| {
            db.prepare_cached("INSERT OR REPLACE INTO action_results VALUES (?1, ?2, unixepoch())")?
                .execute(params![action.to_row(), result])
                .map(drop)
        })
    }

    /// How these objects are kept, in their order.
    pub fn kept(&self, digests: &[Digest]) -> Result<Vec<Kept>> {
        self.read_many("look up objects", |db| {
            let mut files = db.prepare_cached("SELECT executable FROM files WHERE digest = ?1")?;
            let mut messages = db.prepare_cached("SELECT 1 FROM messages WHERE digest = ?1")?;
            let look_up = |digest: &Digest| {
                let mut kept = Kept::default();
                let mut rows = files.query([digest.to_row()])?;
                while let Some(row) = rows.next()? {
                    let executable: bool = row.get(0)?;
                    kept.executable |= executable;
                    kept.plain |= !executable;
                }
                kept.message = messages.exists([digest.to_row()])?;
                Ok(kept)
            };
            digests.iter().map(look_up).collect()
        })
    }

    pub fn forget_message(&self, digest: Digest) -> Result<()> {
        self.write("forget a message", |db| {
            db.execute("DELETE FROM messages WHERE digest = ?1", [digest.to_row()])
                .map(drop)
        })
    }
}
