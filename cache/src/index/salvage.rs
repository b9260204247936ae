//! Rows of a damaged index, as far as they can be read, put into a new one.

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};

use super::Index;
use super::schema::RERUNS_APART;
use super::shape::Shape;
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
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let Ok(old) = Connection::open_with_flags(from, flags) else {
            return Ok(0);
        };
        let mut saved = 0;
        for table in TABLES {
            // An error ends what can be had of this table.
            let rows = read(&old, table).unwrap_or_default();
            self.write("take rows", |db| {
                for (columns, row) in rows {
                    let places = vec!["?"; row.len()].join(", ");
                    let sql =
                        format!("INSERT OR IGNORE INTO {table} ({columns}) VALUES ({places})");
                    // What does not fit is no row of this table.
                    if let Ok(taken) = db
                        .prepare_cached(&sql)
                        .and_then(|mut insert| insert.execute(params_from_iter(row)))
                    {
                        saved += taken as u64;
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

fn read(db: &Connection, table: &str) -> rusqlite::Result<Vec<Named>> {
    let mut query = db.prepare(&format!("SELECT * FROM {table}"))?;
    let columns = query.column_names().collect::<Vec<_>>().join(", ");
    let count = query.column_count();
    let shape = Shape::of(db, table)?;
    let mut rows = query.query([])?;
    let mut found = Vec::new();
    while let Ok(Some(row)) = rows.next() {
        if !shape.fits(row)? {
            continue;
        }
        let row: rusqlite::Result<Vec<Value>> = (0..count).map(|column| row.get(column)).collect();
        let Ok(row) = row else {
            break;
        };
        found.push((columns.clone(), row));
    }
    Ok(found)
}
