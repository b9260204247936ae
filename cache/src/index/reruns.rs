//! The rows of reruns.

use std::time::{Duration, UNIX_EPOCH};

use rusqlite::{Row, params};

use super::history::now;
use super::{Index, in_micros, micros};
use crate::digest::Digest;
use crate::directory::TreeDigest;
use crate::error::Result;
use crate::key::ActionKey;
use crate::rerun::{Again, PastRerun, Rerun};

impl Index {
    pub fn record_rerun(&self, rerun: &Rerun) -> Result<()> {
        let tree = match rerun.again {
            Again::Differs(tree) => Some(tree.digest().to_row()),
            Again::Same | Again::Failed => None,
        };
        self.write("record a rerun", |db| {
            db.prepare_cached(
                "INSERT INTO reruns (node, key, finished_at, wall_us, outcome, tree)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                rerun.node,
                rerun.key.digest().to_row(),
                now(),
                in_micros(rerun.wall),
                rerun.again.word(),
                tree,
            ])
            .map(drop)
        })
    }

    pub fn reruns(&self, node: Option<&str>, limit: usize) -> Result<Vec<PastRerun>> {
        self.read("read the history", |db| {
            db.prepare_cached(
                "SELECT node, key, finished_at, wall_us, outcome, tree FROM reruns
                 WHERE ?1 IS NULL OR node = ?1 ORDER BY id DESC LIMIT ?2",
            )?
            .query_map(
                params![node, i64::try_from(limit).unwrap_or(i64::MAX)],
                past_rerun,
            )?
            .collect()
        })
    }
}

fn past_rerun(row: &Row<'_>) -> rusqlite::Result<PastRerun> {
    let again = match (
        &*row.get::<_, String>(4)?,
        row.get::<_, Option<[u8; 40]>>(5)?,
    ) {
        ("same", _) => Again::Same,
        (_, Some(tree)) => Again::Differs(TreeDigest::from_digest(Digest::from_row(tree))),
        (_, None) => Again::Failed,
    };
    let finished = Duration::from_secs(row.get::<_, i64>(2)?.unsigned_abs());
    Ok(PastRerun {
        rerun: Rerun {
            node: row.get(0)?,
            key: ActionKey::from_digest(Digest::from_row(row.get(1)?)),
            wall: micros(row.get(3)?),
            again,
        },
        finished: UNIX_EPOCH + finished,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Lineage, Outcome, Run};
    use crate::index::{Durability, MIGRATIONS};

    #[test]
    fn reruns_that_were_rows_of_runs_are_found_in_their_own_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index");
        let old = rusqlite::Connection::open(&path).unwrap();
        old.execute_batch(&MIGRATIONS[..10].concat()).unwrap();
        old.pragma_update(None, "user_version", 10).unwrap();
        let [key, tree] = [b"a", b"t"].map(|text| Digest::of(text));
        for (outcome, tree) in [
            ("built", None),
            ("same", None),
            ("differs", Some(tree.to_row())),
        ] {
            old.execute(
                "INSERT INTO runs (node, key, finished_at, wall_us, outcome, provenance) VALUES ('a', ?1, 7, 8, ?2, ?3)",
                params![key.to_row(), outcome, tree],
            )
            .unwrap();
        }
        let differs = Again::Differs(TreeDigest::from_digest(tree));
        let repaired = Index::open(&folder.path().join("new"), Durability::Process).unwrap();
        repaired.salvage(&path).unwrap();
        let migrated = Index::open(&path, Durability::Process).unwrap();
        for index in [repaired, migrated] {
            assert_eq!(index.runs("a").unwrap().len(), 1);
            let found = index.reruns(None, 9).unwrap();
            let found: Vec<Again> = found.into_iter().map(|past| past.rerun.again).collect();
            assert_eq!(found, [differs, Again::Same]);
        }
    }

    #[test]
    fn reruns_are_read_as_they_were_written_and_are_no_runs() {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::open(&folder.path().join("index"), Durability::Process).unwrap();
        let key = ActionKey::from_digest(Digest::of(b"a"));
        let rerun = |node: &str, again| Rerun {
            node: node.into(),
            key,
            wall: Duration::from_secs(2),
            again,
        };
        let other = Again::Differs(TreeDigest::from_digest(Digest::of(b"other")));
        let all = [
            rerun("a", Again::Same),
            rerun("b", other),
            rerun("a", Again::Failed),
        ];
        let run = Run {
            node: "a".into(),
            key,
            wall: Duration::from_secs(1),
            outcome: Outcome::Built,
            lineage: Lineage::default(),
        };
        index.record_run(&run).unwrap();
        all.iter().for_each(|one| index.record_rerun(one).unwrap());

        let found = |node, limit| -> Vec<Rerun> {
            let found = index.reruns(node, limit).unwrap().into_iter();
            found.map(|past| past.rerun).collect()
        };
        let [first, second, third] = all;
        assert_eq!(found(None, 9), [third.clone(), second, first.clone()]);
        assert_eq!(found(Some("a"), 9), [third.clone(), first]);
        assert_eq!(found(Some("a"), 1), [third]);

        assert_eq!(index.latest_runs(9).unwrap().len(), 1);
    }
}
