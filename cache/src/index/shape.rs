//! Whether an index is one that pwb has written: its schema, and rows of the shape that their tables declare. SQLite looks at
//! neither, so to it a page of one table is as good as a page of another.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, ErrorCode, Row, ffi};

use super::{MIGRATIONS, version};

/// The columns that hold digests, with their lengths in bytes; one has the function's number too.
const DIGESTS: [(&str, usize); 10] = [
    ("action", 41),
    ("digest", 40),
    ("directory", 40),
    ("key", 40),
    ("kind", 40),
    ("name", 40),
    ("paths", 40),
    ("request", 40),
    ("subject", 40),
    ("tree", 40),
];

/// Columns of one table, as it declares them.
pub struct Shape(Vec<Column>);

struct Column {
    name: String,
    kind: String,
    required: bool,
}

impl Shape {
    /// That of a table.
    pub fn of(db: &Connection, table: &str) -> rusqlite::Result<Shape> {
        let sql = r#"SELECT name, type, "notnull" OR pk FROM pragma_table_info(?1)"#;
        let column = |row: &Row<'_>| {
            Ok(Column {
                name: row.get(0)?,
                kind: row.get(1)?,
                required: row.get(2)?,
            })
        };
        let mut query = db.prepare(sql)?;
        let columns = query.query_map([table], column)?;
        columns.collect::<Result<_, _>>().map(Shape)
    }

    /// Whether a row, of all columns in their order, can be one of this table.
    pub fn fits(&self, row: &Row<'_>) -> rusqlite::Result<bool> {
        for (place, column) in self.0.iter().enumerate() {
            if !column.holds(row.get_ref(place)?) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Column {
    fn holds(&self, value: ValueRef<'_>) -> bool {
        match value {
            ValueRef::Null => !self.required,
            ValueRef::Integer(_) => self.kind == "INTEGER",
            ValueRef::Real(_) => false,
            ValueRef::Text(text) => self.kind == "TEXT" && std::str::from_utf8(text).is_ok(),
            ValueRef::Blob(bytes) => {
                let digest = DIGESTS.iter().find(|(name, _)| *name == self.name);
                self.kind == "BLOB" && digest.is_none_or(|(_, length)| bytes.len() == *length)
            }
        }
    }
}

/// Whether the schema is that of its version, and every row fits its table.
pub fn is_ours(db: &Connection) -> rusqlite::Result<bool> {
    let Some(steps) = MIGRATIONS.get(..version(db)? as usize) else {
        // A newer pwb's.
        return Ok(true);
    };
    let expected = Connection::open_in_memory()?;
    for step in steps {
        expected.execute_batch(step)?;
    }
    if schema(db)? != schema(&expected)? {
        return Ok(false);
    }
    for table in tables(db)? {
        let shape = Shape::of(db, &table)?;
        let mut query = db.prepare(&format!("SELECT * FROM {table}"))?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            if !shape.fits(row)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Whether this is how SQLite, or who reads its rows, finds out that a file is not as it was written.
pub fn is_damage(error: &Error) -> bool {
    let found = matches!(
        error.sqlite_error_code(),
        // Unknown: a table that the schema has no more.
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt | ErrorCode::Unknown)
    );
    let read = matches!(
        error,
        Error::FromSqlConversionFailure(..)
            | Error::InvalidColumnType(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::Utf8Error(..)
    );
    // The file is cut off, or the disk does not give a page of it back.
    let lost = [
        ffi::SQLITE_IOERR_SHORT_READ,
        ffi::SQLITE_IOERR_READ,
        ffi::SQLITE_IOERR_CORRUPTFS,
    ];
    let code = error.sqlite_extended_error_code();
    found || read || code.is_some_and(|code| lost.contains(&code))
}

fn schema(db: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let sql = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let pair = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    db.prepare(sql)?.query_map([], pair)?.collect()
}

fn tables(db: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    db.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}
