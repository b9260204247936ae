//! The history's rows: runs, and hits counted by node.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prost::Message;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Index, in_micros, micros};
use crate::digest::Digest;
use crate::error::Result;
use crate::history::{CallCount, Lineage, NodeStatistics, Outcome, PastRun, Run};
use crate::key::ActionKey;

impl Index {
    pub fn record_run(&self, run: &Run) -> Result<()> {
        self.write("record a run", |db| insert_run(db, run))
    }

    /// Counts results that were there, each with the wall time that it had taken to make.
    pub fn record_hits(&self, hits: &[(String, Duration)]) -> Result<()> {
        self.write("count hits", |db| {
            let mut count = db.prepare_cached(
                "INSERT INTO hits VALUES (?1, 1, ?2) ON CONFLICT (node)
                 DO UPDATE SET count = count + 1, saved_us = saved_us + excluded.saved_us",
            )?;
            hits.iter().try_for_each(|(node, wall)| {
                count.execute(params![node, in_micros(*wall)]).map(drop)
            })
        })
    }

    /// Adds to the counts of calls.
    pub fn count_calls(&self, counts: &[CallCount]) -> Result<()> {
        self.write("count calls", |db| {
            let mut add = db.prepare_cached(
                "INSERT INTO call_counts VALUES (?1, ?2, ?3, ?4) ON CONFLICT (node, outcome)
                 DO UPDATE SET count = count + excluded.count, saved_us = saved_us + excluded.saved_us",
            )?;
            counts.iter().try_for_each(|row| {
                let count = i64::try_from(row.count).unwrap_or(i64::MAX);
                add.execute(params![row.node, row.outcome, count, in_micros(row.saved)])
                    .map(drop)
            })
        })
    }

    /// The counts of calls, by node and outcome.
    pub fn call_counts(&self) -> Result<Vec<CallCount>> {
        self.read("read the history", |db| {
            db.prepare_cached(
                "SELECT node, outcome, count, saved_us FROM call_counts ORDER BY node, outcome",
            )?
            .query_map([], |row| {
                Ok(CallCount {
                    node: row.get(0)?,
                    outcome: row.get(1)?,
                    count: row.get::<_, i64>(2)?.unsigned_abs(),
                    saved: micros(row.get(3)?),
                })
            })?
            .collect()
        })
    }

    /// How long the latest successful run of a node took.
    pub fn last_wall(&self, node: &str) -> Result<Option<Duration>> {
        self.read("read the history", |db| {
            db.prepare_cached(
                "SELECT wall_us FROM runs WHERE node = ?1 AND outcome = ?2 ORDER BY id DESC LIMIT 1",
            )?
            .query_row(params![node, Outcome::Built.as_str()], |row| row.get(0).map(micros))
            .optional()
        })
    }

    /// All runs of a node, the latest first.
    pub fn runs(&self, node: &str) -> Result<Vec<PastRun>> {
        self.read("read the history", |db| {
            db.prepare_cached(
                "SELECT node, key, finished_at, wall_us, outcome, provenance FROM runs
                 WHERE node = ?1 ORDER BY id DESC",
            )?
            .query_map([node], past_run)?
            .collect()
        })
    }

    /// The latest runs of all nodes, at most so many, the latest first.
    pub fn latest_runs(&self, limit: usize) -> Result<Vec<PastRun>> {
        self.read("read the history", |db| {
            db.prepare_cached(
                "SELECT node, key, finished_at, wall_us, outcome, provenance FROM runs
                 ORDER BY id DESC LIMIT ?1",
            )?
            .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], past_run)?
            .collect()
        })
    }

    /// The latest run of an action, under whatever name.
    pub fn run_of(&self, key: ActionKey) -> Result<Option<PastRun>> {
        self.read("read the history", |db| {
            db.prepare_cached(
                "SELECT node, key, finished_at, wall_us, outcome, provenance FROM runs
                 WHERE key = ?1 ORDER BY id DESC LIMIT 1",
            )?
            .query_row([key.digest().to_row()], past_run)
            .optional()
        })
    }

    /// What the history has of every node, by name.
    pub fn statistics(&self) -> Result<Vec<NodeStatistics>> {
        self.read("read the history", |db| {
            db.prepare_cached(
                "WITH nodes AS (SELECT node FROM runs UNION SELECT node FROM hits),
                      spent AS (SELECT node, COUNT(*) AS runs, SUM(outcome = 'failed') AS failed,
                                       SUM(wall_us) AS wall_us, MAX(id) FILTER (WHERE outcome = 'built') AS last
                                FROM runs GROUP BY node)
                 SELECT nodes.node, IFNULL(spent.runs, 0), IFNULL(spent.failed, 0), IFNULL(hits.count, 0),
                        IFNULL(spent.wall_us, 0), IFNULL(hits.saved_us, 0), runs.wall_us
                 FROM nodes LEFT JOIN spent ON spent.node = nodes.node LEFT JOIN hits ON hits.node = nodes.node
                      LEFT JOIN runs ON runs.id = spent.last
                 ORDER BY nodes.node",
            )?
            .query_map([], |row| {
                let count = |column| row.get(column).map(i64::unsigned_abs);
                Ok(NodeStatistics {
                    node: row.get(0)?,
                    runs: count(1)?,
                    failed: count(2)?,
                    hits: count(3)?,
                    spent: micros(row.get(4)?),
                    saved: micros(row.get(5)?),
                    last_wall: row.get::<_, Option<i64>>(6)?.map(micros),
                })
            })?
            .collect()
        })
    }
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
}

pub(super) fn insert_run(db: &Connection, run: &Run) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO runs (node, key, finished_at, wall_us, outcome, provenance)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        run.node,
        run.key.digest().to_row(),
        now(),
        in_micros(run.wall),
        run.outcome.as_str(),
        run.lineage.encode_to_vec(),
    ])
    .map(drop)
}

fn past_run(row: &Row<'_>) -> rusqlite::Result<PastRun> {
    let finished = Duration::from_secs(row.get::<_, i64>(2)?.unsigned_abs());
    // A row of an older pwb has none, which says as much as an empty one.
    let lineage = row.get::<_, Option<Vec<u8>>>(5)?.unwrap_or_default();
    Ok(PastRun {
        run: Run {
            node: row.get(0)?,
            key: ActionKey::from_digest(Digest::from_row(row.get(1)?)),
            wall: micros(row.get(3)?),
            outcome: Outcome::from_row(&row.get::<_, String>(4)?),
            lineage: Lineage::decode(&*lineage).unwrap_or_default(),
        },
        finished: UNIX_EPOCH + finished,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::{Durability, MIGRATIONS};

    fn row(node: &str, wall: u64, outcome: Outcome) -> Run {
        Run {
            node: node.into(),
            key: ActionKey::from_digest(Digest::of(node.as_bytes())),
            wall: Duration::from_secs(wall),
            outcome,
            lineage: Lineage::default(),
        }
    }

    #[test]
    fn a_history_of_the_first_schema_is_read_and_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.sqlite");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(MIGRATIONS[0]).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        let key = Digest::of(b"a").to_row();
        let insert = "INSERT INTO runs (node, key, finished_at, wall_us, outcome) VALUES ('a', ?1, 7, 8, 'built')";
        old.execute(insert, [key]).unwrap();

        let index = Index::open(&path, Durability::Process).unwrap();
        let past = index.runs("a").unwrap();
        assert_eq!(past[0].finished, UNIX_EPOCH + Duration::from_secs(7));
        assert_eq!(past[0].run.lineage, Lineage::default());
        index.record_run(&row("a", 1, Outcome::Failed)).unwrap();
        let outcomes = index
            .runs("a")
            .unwrap()
            .into_iter()
            .map(|past| past.run.outcome);
        assert_eq!(
            outcomes.collect::<Vec<_>>(),
            [Outcome::Failed, Outcome::Built]
        );
    }

    #[test]
    fn calls_add_up() {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::open(&folder.path().join("index"), Durability::Process).unwrap();
        let count = |node: &str, outcome: &str, count, saved| CallCount {
            node: node.into(),
            outcome: outcome.into(),
            count,
            saved: Duration::from_secs(saved),
        };
        let first = [
            count("a", CallCount::HIT, 3, 6),
            count("a", CallCount::MISS, 1, 0),
        ];
        index.count_calls(&first).unwrap();
        index
            .count_calls(&[count("a", CallCount::HIT, 1, 1), count("b", "why", 2, 0)])
            .unwrap();
        let expected = [
            count("a", CallCount::HIT, 4, 7),
            count("a", CallCount::MISS, 1, 0),
            count("b", "why", 2, 0),
        ];
        assert_eq!(index.call_counts().unwrap(), expected);
    }

    #[test]
    fn statistics_add_runs_and_hits_up() {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::open(&folder.path().join("index"), Durability::Process).unwrap();
        for (wall, outcome) in [
            (2, Outcome::Built),
            (5, Outcome::Built),
            (1, Outcome::Failed),
        ] {
            index.record_run(&row("a", wall, outcome)).unwrap();
        }
        let hit = |node: &str, wall| (node.to_owned(), Duration::from_secs(wall));
        index.record_hits(&[hit("a", 5), hit("b", 1)]).unwrap();
        index.record_hits(&[hit("a", 2)]).unwrap();
        let [a, b] = &index.statistics().unwrap()[..] else {
            panic!("not two nodes")
        };
        let expected = NodeStatistics {
            node: "a".into(),
            runs: 3,
            failed: 1,
            hits: 2,
            spent: Duration::from_secs(8),
            saved: Duration::from_secs(7),
            last_wall: Some(Duration::from_secs(5)),
        };
        assert_eq!(*a, expected);
        assert_eq!((b.runs, b.hits, b.last_wall), (0, 1, None));
    }
}
