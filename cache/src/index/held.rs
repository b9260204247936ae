//! What is kept for as long as it is of use: the rows that garbage is told by.

use rusqlite::{Connection, Row};

use super::Index;
use super::garbage::digest;
use crate::digest::Digest;
use crate::directory::TreeDigest;
use crate::error::Result;
use crate::key::ActionKey;
use crate::name::Name;

/// Something that is kept for as long as it is of use.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Entry {
    /// A result.
    Result(ActionKey),
    /// The answer to a request.
    Realization(Digest),
    /// A local folder, by its name.
    Import(Digest),
    /// What a call of a compiler came to.
    Call(Digest),
    /// The paths that calls of a kind look at.
    Paths { kind: Digest, paths: Digest },
    /// A result that others have put here.
    Answer(Name),
}

impl Entry {
    /// Of what was used in one hour, which goes first: what is quickly had again.
    pub fn worth(&self) -> u8 {
        match self {
            Entry::Realization(_) => 0,
            Entry::Import(_) => 1,
            Entry::Call(_) | Entry::Paths { .. } => 2,
            Entry::Result(_) | Entry::Answer(_) => 3,
        }
    }
}

/// An entry with what it holds.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub entry: Entry,
    /// Its tree, if it is one of those that have one.
    pub tree: Option<TreeDigest>,
    /// What it says, else.
    pub bytes: Vec<u8>,
    /// Seconds since 1970.
    pub used_at: i64,
    /// Whether it was made here.
    pub own: bool,
}

impl Index {
    /// All that is kept for its use.
    pub fn held(&self) -> Result<Vec<Held>> {
        self.read_many("list what it has", |db| {
            let sql = "SELECT key, tree, used_at, origin IS NULL FROM results";
            let mut all = gather(db, sql, |row| {
                let own = row.get(3)?;
                let held = of_tree(row, Entry::Result(ActionKey::from_digest(digest(row, 0)?)))?;
                Ok(Held { own, ..held })
            })?;
            let sql = "SELECT request, tree, used_at FROM realizations";
            all.extend(gather(db, sql, |row| {
                of_tree(row, Entry::Realization(digest(row, 0)?))
            })?);
            let sql = "SELECT name, tree, used_at FROM imports";
            all.extend(gather(db, sql, |row| {
                of_tree(row, Entry::Import(digest(row, 0)?))
            })?);
            let sql = "SELECT key, result, used_at FROM calls";
            all.extend(gather(db, sql, |row| {
                of_bytes(row, Entry::Call(digest(row, 0)?))
            })?);
            let sql = "SELECT kind, X'', used_at, paths FROM call_paths";
            all.extend(gather(db, sql, |row| {
                let (kind, paths) = (digest(row, 0)?, digest(row, 3)?);
                of_bytes(row, Entry::Paths { kind, paths })
            })?);
            let sql = "SELECT action, result, used_at FROM action_results";
            all.extend(gather(db, sql, |row| {
                of_bytes(row, Entry::Answer(Name::from_row(row.get(0)?)))
            })?);
            Ok(all)
        })
    }
}

fn gather(
    db: &Connection,
    sql: &str,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<Held>,
) -> rusqlite::Result<Vec<Held>> {
    db.prepare_cached(sql)?.query_map([], read)?.collect()
}

fn of_tree(row: &Row<'_>, entry: Entry) -> rusqlite::Result<Held> {
    Ok(Held {
        entry,
        tree: Some(TreeDigest::from_digest(digest(row, 1)?)),
        bytes: Vec::new(),
        used_at: row.get(2)?,
        own: true,
    })
}

fn of_bytes(row: &Row<'_>, entry: Entry) -> rusqlite::Result<Held> {
    Ok(Held {
        entry,
        tree: None,
        bytes: row.get(1)?,
        used_at: row.get(2)?,
        own: true,
    })
}
