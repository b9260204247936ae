//! Rows of a damaged index, as far as they can be read, put into a new one.

use rusqlite::types::Value;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags, params_from_iter};

use super::schema::RERUNS_APART;
use super::shape::Shape;
use super::{Index, failed, is_damage};
use crate::digest::Digest;
use crate::error::Result;

/// What is worth saving. Which files and folders are there, the file system says.
const TABLES: [&str; 16] = [
    "messages",
    "results",
    "runs",
    "reruns",
    "realizations",
    "calls",
    "call_paths",
    "imports",
    "hits",
    "call_counts",
    "sha256",
    "twins",
    "heard",
    "action_results",
    "roots",
    "chains",
];

impl Index {
    /// Copies the rows of another index that can be read. Returns how many; of a table, those before the first damage.
    pub fn salvage(&self, from: &std::path::Path) -> Result<u64> {
        let reading = failed("be read", from);
        let old = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE);
        let old = old.map_err(reading)?;
        let mut saved = 0;
        for table in TABLES {
            let rows = read(&old, table).map_err(reading)?;
            self.write("take rows", |db| {
                for (columns, row) in rows {
                    let places = vec!["?"; row.len()].join(", ");
                    let sql =
                        format!("INSERT OR IGNORE INTO {table} ({columns}) VALUES ({places})");
                    let taken = db
                        .prepare_cached(&sql)
                        .and_then(|mut insert| insert.execute(params_from_iter(row)));
                    match taken {
                        Ok(taken) => saved += taken as u64,
                        // What does not fit is no row of this table.
                        Err(error) if is_of_the_old(&error) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(())
            })?;
        }
        self.write("set reruns apart", |db| db.execute_batch(RERUNS_APART))?;
        self.remove_damaged_messages()?;
        Ok(saved)
    }

    fn remove_damaged_messages(&self) -> Result<()> {
        let mut damaged = Vec::new();
        for digest in self.message_digests()? {
            let bytes = self.message(digest)?;
            if bytes.is_none_or(|bytes| Digest::of(&bytes) != digest) {
                damaged.push(digest);
            }
        }
        self.remove_messages(&damaged)
    }
}

/// The names of a row's columns, and the row.
type Named = (String, Vec<Value>);

/// The rows of a table before the first damage.
fn read(db: &Connection, table: &str) -> rusqlite::Result<Vec<Named>> {
    let mut found = Vec::new();
    match gather(db, table, &mut found) {
        Err(error) if !is_of_the_old(&error) => Err(error),
        _ => Ok(found),
    }
}

fn gather(db: &Connection, table: &str, found: &mut Vec<Named>) -> rusqlite::Result<()> {
    let mut query = db.prepare(&format!("SELECT * FROM {table}"))?;
    let columns = query.column_names().collect::<Vec<_>>().join(", ");
    let count = query.column_count();
    let shape = Shape::of(db, table)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        if shape.fits(row)? {
            let row = (0..count).map(|column| row.get(column));
            found.push((columns.clone(), row.collect::<Result<_, _>>()?));
        }
    }
    Ok(())
}

/// Whether it is the old index's damage that is told. A full disk, say, is not: all has to be read and taken again.
fn is_of_the_old(error: &Error) -> bool {
    let misfit = [ErrorCode::ConstraintViolation, ErrorCode::TypeMismatch];
    let code = error.sqlite_error_code();
    is_damage(error) || code.is_none_or(|code| misfit.contains(&code))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::Durability;
    use super::*;

    #[test]
    fn what_finds_no_room_is_told_and_not_left_out() {
        let base = tempfile::tempdir().unwrap();
        let (from, to) = (base.path().join("old"), base.path().join("new"));
        let old = Index::open(&from, Durability::Process).unwrap();
        let message = |number: u8| vec![number; 4096];
        let messages = (0..100).map(|number| (Digest::of(&message(number)), message(number)));
        old.put_messages(&messages.collect::<Vec<_>>()).unwrap();
        let new = Index::open(&to, Durability::Process).unwrap();
        let pages = |count: u32| {
            let db = new.connection();
            db.pragma_update_and_check(None, "max_page_count", count, |_| Ok(()))
        };
        pages(60).unwrap();
        let error = new.salvage(&from).unwrap_err();
        let full = Some("free some disk, or move the store with PWB_STORE=DIR".to_owned());
        assert_eq!(error.hint(), full, "{error}");
        pages(1000).unwrap();
        assert_eq!(new.salvage(&from).unwrap(), 100);
    }
}
