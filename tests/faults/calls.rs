//! Rows of what compilers' calls came to, altered in a way that SQLite does not see.

use rusqlite::Connection;

use crate::support::{World, cached, compiler, plain};

#[test]
fn rows_that_are_altered_and_well_formed_do_not_count() {
    const CALL: &str = "cat one/x two/x > said 2> missed; exit 0";
    let node = |before: &str| format!("mkdir one two; echo 2 > two/x; {before}; comp; cat said");
    // With these an altered result would be taken, or the altered list of paths would hide that a file is there now.
    for (table, column, from, to, before) in [
        ("calls", "result", "said", "sail", "true"),
        ("messages", "data", "one/x", "ona/x", "echo 1 > one/x"),
    ] {
        let world = World::with_compiler(&[]);
        compiler(&world, "real", CALL, &node("true"));
        world.realize("t/n");
        let index = Connection::open(world.path("store/index.sqlite")).unwrap();
        assert_eq!(alter(&index, table, column, from, to), 1, "{table}");
        compiler(&world, "real", CALL, &node(before));
        let (hits, ..) = cached(&world, &plain(&world));
        assert_eq!(hits, 0, "{table}");
    }
}

/// Puts bytes in the place of others of their length, and says in how many rows.
fn alter(index: &Connection, table: &str, column: &str, from: &str, to: &str) -> usize {
    let text = format!(
        "UPDATE {table} SET {column} = unhex(replace(hex({column}), ?1, ?2)) WHERE instr(hex({column}), ?1)"
    );
    let hex = |text: &str| {
        text.bytes()
            .map(|byte| format!("{byte:02X}"))
            .collect::<String>()
    };
    index.execute(&text, [hex(from), hex(to)]).unwrap()
}
