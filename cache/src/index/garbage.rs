//! What the collector of garbage reads, and removes: many rows at a time, and not so many that others wait.

use rusqlite::ErrorCode::{DatabaseBusy, DiskFull};
use rusqlite::{Params, Row, params};

use super::folders::chain_from_row;
use super::{Entry, Index, failed};
use crate::digest::Digest;
use crate::directory::TreeDigest;
use crate::error::Result;
use crate::key::ActionKey;

/// So many rows are removed in one transaction.
const ROWS: usize = 1000;

impl Index {
    /// The keys that are of use for as long as a tree is asked for.
    pub fn chains(&self) -> Result<Vec<(TreeDigest, Vec<ActionKey>)>> {
        self.list("SELECT tree, keys FROM chains", |row| {
            let tree = TreeDigest::from_digest(digest(row, 0)?);
            let keys: Vec<u8> = row.get(1)?;
            Ok((tree, chain_from_row(&keys).collect()))
        })
    }

    pub fn roots(&self) -> Result<Vec<(Vec<u8>, TreeDigest)>> {
        self.list("SELECT link, tree FROM roots", |row| {
            Ok((row.get(0)?, TreeDigest::from_digest(digest(row, 1)?)))
        })
    }

    /// The keys of the runs and reruns since then, in seconds since 1970.
    pub fn recent_runs(&self, since: i64) -> Result<Vec<ActionKey>> {
        let sql = format!(
            "SELECT key FROM runs WHERE finished_at >= {since} UNION SELECT key FROM reruns WHERE finished_at >= {since}"
        );
        self.list(&sql, |row| digest(row, 0).map(ActionKey::from_digest))
    }

    pub fn files(&self) -> Result<Vec<(Digest, bool)>> {
        self.list("SELECT digest, executable FROM files", |row| {
            Ok((digest(row, 0)?, row.get(1)?))
        })
    }

    pub fn message_digests(&self) -> Result<Vec<Digest>> {
        self.list("SELECT digest FROM messages", |row| digest(row, 0))
    }

    pub fn trees(&self) -> Result<Vec<TreeDigest>> {
        self.list("SELECT digest FROM trees", |row| {
            digest(row, 0).map(TreeDigest::from_digest)
        })
    }

    /// The objects that have other names.
    pub fn named(&self) -> Result<Vec<Digest>> {
        let sql = "SELECT digest FROM sha256 UNION SELECT directory FROM twins UNION SELECT digest FROM heard";
        self.list(sql, |row| digest(row, 0))
    }

    /// Removes entries; a chain goes with the last answer that is its tree.
    pub fn remove_entries(&self, entries: &[Entry]) -> Result<()> {
        for part in entries.chunks(ROWS) {
            self.write("remove what is of no use", |db| {
                for entry in part {
                    match entry {
                        Entry::Result(key) => remove(
                            db,
                            "DELETE FROM results WHERE key = ?1",
                            [key.digest().to_row()],
                        )?,
                        Entry::Realization(request) => remove(
                            db,
                            "DELETE FROM realizations WHERE request = ?1",
                            [request.to_row()],
                        )?,
                        Entry::Import(name) => {
                            remove(db, "DELETE FROM imports WHERE name = ?1", [name.to_row()])?;
                        }
                        Entry::Call(key) => {
                            remove(db, "DELETE FROM calls WHERE key = ?1", [key.to_row()])?;
                        }
                        Entry::Paths { kind, paths } => remove(
                            db,
                            "DELETE FROM call_paths WHERE kind = ?1 AND paths = ?2",
                            params![kind.to_row(), paths.to_row()],
                        )?,
                        Entry::Answer(action) => remove(
                            db,
                            "DELETE FROM action_results WHERE action = ?1",
                            [action.to_row()],
                        )?,
                    }
                }
                Ok(())
            })?;
        }
        self.write("remove what is of no use", |db| {
            remove(
                db,
                "DELETE FROM chains WHERE tree NOT IN (SELECT tree FROM realizations)",
                [],
            )
        })
    }

    pub fn remove_roots(&self, links: &[Vec<u8>]) -> Result<()> {
        self.remove_each(
            "DELETE FROM roots WHERE link = ?1",
            links.iter().map(|link| [link.clone()]),
        )
    }

    pub fn remove_trees(&self, trees: &[TreeDigest]) -> Result<()> {
        self.remove_each(
            "DELETE FROM trees WHERE digest = ?1",
            trees.iter().map(|tree| [tree.digest().to_row()]),
        )
    }

    pub fn remove_files(&self, files: &[(Digest, bool)]) -> Result<()> {
        self.remove_each(
            "DELETE FROM files WHERE digest = ?1 AND executable = ?2",
            files
                .iter()
                .map(|(digest, executable)| (digest.to_row(), executable)),
        )
    }

    pub fn remove_messages(&self, messages: &[Digest]) -> Result<()> {
        self.remove_each(
            "DELETE FROM messages WHERE digest = ?1",
            messages.iter().map(|digest| [digest.to_row()]),
        )
    }

    pub fn remove_names(&self, of: &[Digest]) -> Result<()> {
        for sql in [
            "DELETE FROM sha256 WHERE digest = ?1",
            "DELETE FROM twins WHERE directory = ?1",
            "DELETE FROM heard WHERE digest = ?1",
        ] {
            self.remove_each(sql, of.iter().map(|digest| [digest.to_row()]))?;
        }
        Ok(())
    }

    /// Gives the space of removed rows back to the file system, once it is a quarter of the file.
    pub fn shrink(&self) -> Result<()> {
        let failed = failed("give its space back", &self.path);
        let db = self.connection();
        let pragma = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let (free, all) = (
            pragma("freelist_count").map_err(failed)?,
            pragma("page_count").map_err(failed)?,
        );
        if free < 1000 || free < all / 4 {
            return Ok(());
        }
        match db.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);") {
            // It takes room, and the index for itself: another time.
            Err(error) if matches!(error.sqlite_error_code(), Some(DiskFull | DatabaseBusy)) => {
                Ok(())
            }
            shrunk => shrunk.map_err(failed),
        }
    }

    fn list<T>(&self, sql: &str, read: impl Fn(&Row<'_>) -> rusqlite::Result<T>) -> Result<Vec<T>> {
        self.read("list what it has", |db| {
            db.prepare_cached(sql)?.query_map([], &read)?.collect()
        })
    }

    fn remove_each<P: Params>(
        &self,
        sql: &'static str,
        mut rows: impl Iterator<Item = P>,
    ) -> Result<()> {
        loop {
            let part: Vec<P> = rows.by_ref().take(ROWS).collect();
            if part.is_empty() {
                return Ok(());
            }
            self.write("remove what is of no use", |db| {
                let mut remove = db.prepare_cached(sql)?;
                part.into_iter()
                    .try_for_each(|row| remove.execute(row).map(drop))
            })?;
        }
    }
}

fn remove(
    db: &rusqlite::Transaction<'_>,
    sql: &'static str,
    row: impl Params,
) -> rusqlite::Result<()> {
    db.prepare_cached(sql)?.execute(row).map(drop)
}

pub(super) fn digest(row: &Row<'_>, column: usize) -> rusqlite::Result<Digest> {
    row.get(column).map(Digest::from_row)
}
