//! The SQLite index: which objects and results are published, what ran when. Nothing else speaks SQL.

mod answers;
mod beginnings;
mod folders;
mod garbage;
mod held;
mod history;
mod memos;
mod names;
mod reruns;
mod results;
mod salvage;
mod schema;
mod shape;
mod uses;

pub(crate) use answers::Kept;
pub(crate) use folders::chain_to_row;
pub(crate) use held::{Entry, Held};
pub(crate) use shape::is_damage;
pub(crate) use uses::{Asked, Uses};

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Row, Transaction, TransactionBehavior, params,
};

use crate::digest::Digest;
use crate::directory::TreeDigest;
use crate::error::{Error, Result};
use crate::history::Run;
use crate::origin::Origin;
use crate::result::ActionResult;
use schema::MIGRATIONS;

/// How long a process waits for others that use the index.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much of the index is read through the page cache alone, in bytes.
const MAPPED: u64 = 1 << 30;

/// How sure a commit is when it returns.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Durability {
    /// It survives the death of the process.
    Process,
    /// It survives the loss of power too.
    Power,
}

/// A connection to the index.
#[derive(Debug)]
pub(crate) struct Index {
    connection: Mutex<Connection>,
    path: PathBuf,
}

impl Index {
    pub fn open(path: &Path, durability: Durability) -> Result<Index> {
        let failed = failed("be opened", path);
        let mut connection = Connection::open(path).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        let synchronous = if durability == Durability::Power {
            "FULL"
        } else {
            "NORMAL"
        };
        let mode = format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA mmap_size = {MAPPED};"
        );
        // Of several processes that find a new file, one changes its mode; the others are refused at once, whatever the
        // busy timeout says.
        let end = Instant::now() + PATIENCE;
        while let Err(error) = connection.execute_batch(&mode) {
            let busy = error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
            if !busy || Instant::now() > end {
                return Err(failed(error));
            }
            sleep(Duration::from_millis(5));
        }
        migrate(&mut connection, path)?;
        Ok(Index {
            connection: Mutex::new(connection),
            path: path.to_owned(),
        })
    }

    /// Ends with all in one file, which has no log beside it.
    pub fn close(self) -> Result<()> {
        self.read("be closed", |db| {
            db.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))
        })
    }

    /// A panic cannot leave a transaction half done: SQLite rolls back what was not committed.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(
        &self,
        verb: &'static str,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        query(&self.connection()).map_err(failed(verb, &self.path))
    }

    /// Reads many rows: the file is locked once for all of them.
    fn read_many<T>(
        &self,
        verb: &'static str,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        self.read(verb, |db| query(&*db.unchecked_transaction()?))
    }

    fn write(
        &self,
        verb: &'static str,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<()> {
        let mut connection = self.connection();
        connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .and_then(|transaction| {
                change(&transaction)?;
                transaction.commit()
            })
            .map_err(failed(verb, &self.path))
    }

    /// The bytes of a message.
    pub fn message(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        self.read("read a message", |db| {
            db.prepare_cached("SELECT data FROM messages WHERE digest = ?1")?
                .query_row([digest.to_row()], |row| row.get(0))
                .optional()
                .map(Option::flatten)
        })
    }

    /// Writes what is not there as it should be; nothing new takes no write lock.
    pub fn put_messages(&self, messages: &[(Digest, Vec<u8>)]) -> Result<()> {
        let missing = self.read("look up messages", |db| {
            let mut there =
                db.prepare_cached("SELECT 1 FROM messages WHERE digest = ?1 AND data = ?2")?;
            let mut missing = Vec::new();
            for (digest, bytes) in messages {
                if !there.exists(params![digest.to_row(), bytes])? {
                    missing.push((digest, bytes));
                }
            }
            Ok(missing)
        })?;
        if missing.is_empty() {
            return Ok(());
        }
        self.write("take messages", |db| {
            let mut insert =
                db.prepare_cached("INSERT OR REPLACE INTO messages VALUES (?1, ?2)")?;
            missing.iter().try_for_each(|(digest, bytes)| {
                insert.execute(params![digest.to_row(), bytes]).map(drop)
            })
        })
    }

    /// Whether the file has been published in this mode.
    pub fn has_file(&self, digest: Digest, executable: bool) -> Result<bool> {
        self.read("look up a file", |db| {
            db.prepare_cached("SELECT 1 FROM files WHERE digest = ?1 AND executable = ?2")?
                .exists(params![digest.to_row(), executable])
        })
    }

    /// Forgets a file in both modes; false if it was not known.
    pub fn forget_file(&self, digest: Digest) -> Result<bool> {
        let mut known = false;
        self.write("forget a file", |db| {
            let count = db.execute("DELETE FROM files WHERE digest = ?1", [digest.to_row()])?;
            known = count > 0;
            Ok(())
        })?;
        Ok(known)
    }

    /// Publishes files and the results that need them, all or nothing.
    pub fn publish(
        &self,
        files: &[(Digest, bool)],
        results: &[(ActionResult, Run)],
        trees: &[TreeDigest],
    ) -> Result<()> {
        self.write("publish results", |db| {
            let mut file = db.prepare_cached("INSERT OR REPLACE INTO files VALUES (?1, ?2)")?;
            for (digest, executable) in files {
                file.execute(params![digest.to_row(), executable])?;
            }
            for (result, run) in results {
                results::insert(db, run.key, result, None)?;
                history::insert_run(db, run)?;
            }
            let mut durable =
                db.prepare_cached("UPDATE trees SET boot = NULL WHERE digest = ?1")?;
            trees
                .iter()
                .try_for_each(|tree| durable.execute([tree.digest().to_row()]).map(drop))
        })
    }

    /// What a call came to, and its origin if that was elsewhere.
    pub fn call(&self, key: Digest) -> Result<Option<Asked<Vec<u8>>>> {
        self.read("read a call's result", |db| {
            db.prepare_cached(
                "SELECT result, origin, used_at < unixepoch() - 3600 FROM calls WHERE key = ?1",
            )?
            .query_row([key.to_row()], |row| {
                Ok(Asked {
                    what: row.get(0)?,
                    origin: origin(row, 1)?,
                    stale: row.get(2)?,
                })
            })
            .optional()
        })
    }

    /// The lists of paths that calls of a kind look at, and whether they were last asked for more than an hour ago.
    pub fn call_paths(&self, kind: Digest) -> Result<(Vec<Digest>, bool)> {
        self.read("read what calls look at", |db| {
            let mut query = db.prepare_cached(
                "SELECT paths, used_at < unixepoch() - 3600 FROM call_paths WHERE kind = ?1",
            )?;
            let (mut lists, mut stale) = (Vec::new(), false);
            let mut rows = query.query([kind.to_row()])?;
            while let Some(row) = rows.next()? {
                lists.push(Digest::from_row(row.get(0)?));
                stale |= row.get::<_, bool>(1)?;
            }
            Ok((lists, stale))
        })
    }

    /// Publishes what calls came to with the files that they wrote, all or nothing.
    pub fn publish_calls(
        &self,
        files: &[(Digest, bool)],
        calls: &[(Digest, Vec<u8>)],
        paths: &[(Digest, Digest)],
        origin: Option<Origin>,
    ) -> Result<()> {
        self.write("publish calls", |db| {
            let mut file = db.prepare_cached("INSERT OR REPLACE INTO files VALUES (?1, ?2)")?;
            for (digest, executable) in files {
                file.execute(params![digest.to_row(), executable])?;
            }
            // What was made here stays, as in `results::insert`.
            let mut call = db.prepare_cached(
                "INSERT INTO calls (key, result, origin, used_at) VALUES (?1, ?2, ?3, unixepoch())
                 ON CONFLICT (key) DO UPDATE SET
                    result = excluded.result, origin = excluded.origin, used_at = excluded.used_at
                 WHERE origin IS NOT NULL OR excluded.origin IS NULL",
            )?;
            for (key, result) in calls {
                call.execute(params![key.to_row(), result, origin.map(Origin::to_row)])?;
            }
            let mut seen = db
                .prepare_cached("INSERT OR REPLACE INTO call_paths VALUES (?1, ?2, unixepoch())")?;
            paths.iter().try_for_each(|(kind, paths)| {
                seen.execute(params![kind.to_row(), paths.to_row()])
                    .map(drop)
            })
        })
    }
}

/// The origin in this column; NULL is here.
fn origin(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Origin>> {
    let bytes: Option<Vec<u8>> = row.get(column)?;
    Ok(bytes.map(|bytes| Origin::from_row(&bytes)))
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    let failed = failed("be migrated", path);
    let known = MIGRATIONS.len() as u32;
    if version(connection).map_err(failed)? == known {
        return Ok(());
    }
    // Another process may migrate too: look again once the write lock is held.
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    let found = version(&transaction).map_err(failed)?;
    let Some(missing) = MIGRATIONS.get(found as usize..) else {
        return Err(Error::NewerSchema {
            path: path.to_owned(),
            found,
            known,
        });
    };
    for step in missing {
        transaction.execute_batch(step).map_err(failed)?;
    }
    transaction
        .pragma_update(None, "user_version", known)
        .map_err(failed)?;
    transaction.commit().map_err(failed)
}

fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Puts what is in an index's log into the index, as far as SQLite can; false if others are using it.
pub(crate) fn fold(path: &Path) -> Result<bool> {
    let folded = Connection::open(path).and_then(|db| {
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        db.query_row(sql, [], |row| row.get::<_, bool>(0))
    });
    match folded {
        Ok(busy) => Ok(!busy),
        Err(error) if is_damage(&error) => Ok(true),
        Err(error) => Err(failed("take in its log", path)(error)),
    }
}

/// Whether the file is anything else than an index that some pwb has written. A damage may be where nobody has looked yet.
pub(crate) fn is_damaged(path: &Path) -> bool {
    let is_whole = || {
        let db = Connection::open(path)?;
        let said = db.query_row("PRAGMA integrity_check(1)", [], |row| {
            row.get::<_, String>(0)
        })?;
        Ok(said == "ok" && shape::is_ours(&db)?)
    };
    match is_whole() {
        Ok(whole) => !whole,
        Err(error) => is_damage(&error),
    }
}

fn failed(verb: &'static str, path: &Path) -> impl Fn(rusqlite::Error) -> Error + Copy {
    move |source| Error::Index {
        verb,
        path: path.to_owned(),
        source,
    }
}

fn micros(value: i64) -> Duration {
    Duration::from_micros(value.unsigned_abs())
}

fn in_micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
