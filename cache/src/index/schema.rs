//! The tables, as they came to be.

/// The schema, a step a version; a step is never edited once released.
pub(super) const MIGRATIONS: &[&str] = &["
    CREATE TABLE messages (digest BLOB PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
    -- what is published of cas/
    CREATE TABLE files (
        digest BLOB NOT NULL, executable INTEGER NOT NULL, PRIMARY KEY (digest, executable)
    ) WITHOUT ROWID;
    CREATE TABLE results (
        key BLOB PRIMARY KEY, tree BLOB NOT NULL,
        wall_us INTEGER NOT NULL, user_us INTEGER NOT NULL, system_us INTEGER NOT NULL, max_rss INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY, node TEXT NOT NULL, key BLOB NOT NULL, finished_at INTEGER NOT NULL,
        wall_us INTEGER NOT NULL, outcome TEXT NOT NULL
    );
    CREATE INDEX runs_by_node ON runs (node, id);
    -- boot: the boot in which the folder was made; NULL: synced since, good for any boot
    CREATE TABLE trees (digest BLOB PRIMARY KEY, boot TEXT) WITHOUT ROWID;
    CREATE TABLE realizations (request BLOB PRIMARY KEY, tree BLOB NOT NULL) WITHOUT ROWID;
", "
    -- calls of compilers: what they came to (an ActionResult), and the lists of paths that calls of one kind looked at
    CREATE TABLE calls (key BLOB PRIMARY KEY, result BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE call_paths (kind BLOB NOT NULL, paths BLOB NOT NULL, PRIMARY KEY (kind, paths)) WITHOUT ROWID;
", "
    -- name: of a folder and what is left out of it; stamps: see stamp.rs
    CREATE TABLE imports (name BLOB PRIMARY KEY, tree BLOB NOT NULL, stamps BLOB NOT NULL);
", "
    ALTER TABLE runs ADD COLUMN provenance BLOB;
    CREATE INDEX runs_by_key ON runs (key, id);
    CREATE TABLE hits (node TEXT PRIMARY KEY, count INTEGER NOT NULL, saved_us INTEGER NOT NULL) WITHOUT ROWID;
", "
    -- outcome: hit, miss, or why a call is not remembered
    CREATE TABLE call_counts (
        node TEXT NOT NULL, outcome TEXT NOT NULL, count INTEGER NOT NULL, saved_us INTEGER NOT NULL,
        PRIMARY KEY (node, outcome)
    ) WITHOUT ROWID;
", "
    -- what objects are called elsewhere: the same bytes by another function; a directory written with such names
    CREATE TABLE sha256 (name BLOB PRIMARY KEY, digest BLOB NOT NULL) WITHOUT ROWID;
    CREATE INDEX sha256_by_digest ON sha256 (digest);
    CREATE TABLE twins (directory BLOB PRIMARY KEY, name BLOB NOT NULL) WITHOUT ROWID;
    -- ActionResults that clients of `pwb cache serve` have put here, by the digest of the action in their function
    CREATE TABLE action_results (action BLOB PRIMARY KEY, result BLOB NOT NULL) WITHOUT ROWID;
", "
    -- what a server calls a blob, by its own word: nothing here was hashed
    CREATE TABLE heard (digest BLOB PRIMARY KEY, name BLOB NOT NULL) WITHOUT ROWID;
    -- who vouches for what was made elsewhere: a public key, or nobody (empty); NULL: made here
    ALTER TABLE results ADD COLUMN origin BLOB;
    ALTER TABLE calls ADD COLUMN origin BLOB;
", "
    -- With rowids: a message may be large, and without them a search reads whole those that it passes.
    ALTER TABLE messages RENAME TO messages_without_rowids;
    CREATE TABLE messages (digest BLOB PRIMARY KEY, data BLOB NOT NULL);
    INSERT INTO messages SELECT digest, data FROM messages_without_rowids;
    DROP TABLE messages_without_rowids;
", "
    -- when it was last asked for: seconds since 1970, to the hour
    ALTER TABLE results ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE calls ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE call_paths ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE imports ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE realizations ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE action_results ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
    UPDATE results SET used_at = unixepoch();
    UPDATE calls SET used_at = unixepoch();
    UPDATE call_paths SET used_at = unixepoch();
    UPDATE imports SET used_at = unixepoch();
    UPDATE realizations SET used_at = unixepoch();
    UPDATE action_results SET used_at = unixepoch();
    -- links of the user's that lead to results; the results by whose keys a remembered answer was found
    CREATE TABLE roots (link BLOB PRIMARY KEY, tree BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE chains (tree BLOB PRIMARY KEY, keys BLOB NOT NULL);
", "
    -- snapshot: see snapshot.rs; what was kept until now has other rows
    ALTER TABLE imports RENAME COLUMN stamps TO snapshot;
    DELETE FROM imports;
    -- notes about requests; the latest have the highest ids
    CREATE TABLE memos (
        id INTEGER PRIMARY KEY, subject BLOB NOT NULL, name TEXT NOT NULL, bytes BLOB NOT NULL, UNIQUE (subject, name)
    );
", "
    -- outcome: same, differs, broke; tree: what came out, if that was another
    CREATE TABLE reruns (
        id INTEGER PRIMARY KEY, node TEXT NOT NULL, key BLOB NOT NULL, finished_at INTEGER NOT NULL,
        wall_us INTEGER NOT NULL, outcome TEXT NOT NULL, tree BLOB
    );
    CREATE INDEX reruns_by_node ON reruns (node, id);
", RERUNS_APART, "
    -- result: with a checksum, see call.rs
    DELETE FROM calls;
    DELETE FROM call_paths;
"];

/// Up to schema 10, reruns were rows of runs, with the tree in place of the provenance.
pub(super) const RERUNS_APART: &str = "
    INSERT INTO reruns (node, key, finished_at, wall_us, outcome, tree)
        SELECT node, key, finished_at, wall_us, outcome, provenance FROM runs
        WHERE outcome NOT IN ('built', 'failed') ORDER BY id;
    DELETE FROM runs WHERE outcome NOT IN ('built', 'failed');
";
