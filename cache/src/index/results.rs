//! Results of actions: what each came to, and where it was made.

use rusqlite::{OptionalExtension, Transaction, params};

use super::{Asked, Index, in_micros, micros, origin};
use crate::digest::Digest;
use crate::directory::TreeDigest;
use crate::error::Result;
use crate::key::ActionKey;
use crate::origin::Origin;
use crate::result::ActionResult;

impl Index {
    /// A result, and its origin if it was made elsewhere.
    pub fn result(&self, key: ActionKey) -> Result<Option<Asked<ActionResult>>> {
        self.read("read a result", |db| {
            db.prepare_cached(
                "SELECT tree, wall_us, user_us, system_us, max_rss, origin, used_at < unixepoch() - 3600
                 FROM results WHERE key = ?1",
            )?
            .query_row([key.digest().to_row()], |row| {
                let result = ActionResult {
                    tree: TreeDigest::from_digest(Digest::from_row(row.get(0)?)),
                    wall: micros(row.get(1)?),
                    user: micros(row.get(2)?),
                    system: micros(row.get(3)?),
                    max_rss: row.get::<_, i64>(4)?.unsigned_abs(),
                };
                Ok(Asked {
                    what: result,
                    origin: origin(row, 5)?,
                    stale: row.get(6)?,
                })
            })
            .optional()
        })
    }

    /// Takes results of others, of which nothing needs to be here. What was made here stays as it is.
    pub fn put_results(&self, results: &[(ActionKey, ActionResult, Origin)]) -> Result<()> {
        if results.is_empty() {
            return Ok(());
        }
        self.write("take results", |db| {
            let mut results = results.iter();
            results.try_for_each(|(key, result, origin)| insert(db, *key, result, Some(*origin)))
        })
    }

    /// Forgets every result and import whose tree is this one, so that it is made again.
    pub fn forget_results(&self, tree: TreeDigest) -> Result<()> {
        self.write("forget a result", |db| {
            db.execute(
                "DELETE FROM results WHERE tree = ?1",
                [tree.digest().to_row()],
            )?;
            db.execute(
                "DELETE FROM imports WHERE tree = ?1",
                [tree.digest().to_row()],
            )?;
            db.execute(
                "DELETE FROM realizations WHERE tree = ?1",
                [tree.digest().to_row()],
            )
            .map(drop)
        })
    }
}

/// Writes a result. One that was made here is never replaced by one that was made elsewhere: whoever has been told of it may
/// be at work with it.
pub(super) fn insert(
    db: &Transaction<'_>,
    key: ActionKey,
    result: &ActionResult,
    origin: Option<Origin>,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO results (key, tree, wall_us, user_us, system_us, max_rss, origin, used_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, unixepoch())
         ON CONFLICT (key) DO UPDATE SET
            tree = excluded.tree, wall_us = excluded.wall_us, user_us = excluded.user_us,
            system_us = excluded.system_us, max_rss = excluded.max_rss,
            origin = excluded.origin, used_at = excluded.used_at
         WHERE origin IS NOT NULL OR excluded.origin IS NULL",
    )?
    .execute(params![
        key.digest().to_row(),
        result.tree.digest().to_row(),
        in_micros(result.wall),
        in_micros(result.user),
        in_micros(result.system),
        i64::try_from(result.max_rss).unwrap_or(i64::MAX),
        origin.map(Origin::to_row),
    ])
    .map(drop)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::history::{Lineage, Outcome, Run};
    use crate::index::Durability;

    const ELSEWHERE: Option<Origin> = Some(Origin(None));

    fn open(folder: &std::path::Path) -> Index {
        Index::open(&folder.join("index"), Durability::Process).unwrap()
    }

    #[test]
    fn a_result_of_others_replaces_none_that_was_made_here() {
        let folder = tempfile::tempdir().unwrap();
        let index = open(folder.path());
        let key = ActionKey::from_digest(Digest::of(b"key"));
        let result = |text: &str| ActionResult {
            tree: TreeDigest::from_digest(Digest::of(text.as_bytes())),
            wall: Duration::from_secs(1),
            user: Duration::ZERO,
            system: Duration::ZERO,
            max_rss: 0,
        };
        let run = Run {
            node: "node".into(),
            key,
            wall: Duration::ZERO,
            outcome: Outcome::Built,
            lineage: Lineage::default(),
        };
        for (text, origin, stands, made) in [
            ("other", ELSEWHERE, "other", ELSEWHERE),
            ("another", ELSEWHERE, "another", ELSEWHERE),
            ("own", None, "own", None),
            ("other", ELSEWHERE, "own", None),
            ("own again", None, "own again", None),
        ] {
            match origin {
                Some(origin) => index.put_results(&[(key, result(text), origin)]),
                None => index.publish(&[], &[(result(text), run.clone())], &[]),
            }
            .unwrap();
            let found = index.result(key).unwrap().unwrap();
            assert_eq!((found.what.tree, found.origin), (result(stands).tree, made));
        }
    }

    #[test]
    fn nor_does_what_a_call_came_to() {
        let folder = tempfile::tempdir().unwrap();
        let index = open(folder.path());
        let key = Digest::of(b"key");
        for (text, origin, stands, made) in [
            ("other", ELSEWHERE, "other", ELSEWHERE),
            ("own", None, "own", None),
            ("other", ELSEWHERE, "own", None),
        ] {
            let call = (key, text.as_bytes().to_vec());
            index.publish_calls(&[], &[call], &[], origin).unwrap();
            let found = index.call(key).unwrap().unwrap();
            assert_eq!((found.what, found.origin), (stands.into(), made));
        }
    }
}
