//! When what is kept was last asked for. It is written once an hour at most: nobody who only reads waits for a writer.

use rusqlite::params;

use super::Index;
use crate::digest::Digest;
use crate::error::Result;
use crate::key::ActionKey;
use crate::name::Name;
use crate::origin::Origin;

/// A row that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked<T> {
    /// What it says.
    pub what: T,
    /// Who vouches for it, if it was made elsewhere.
    pub origin: Option<Origin>,
    /// Whether it was last asked for more than an hour ago, as far as the index knows.
    pub stale: bool,
}

/// What was asked for and is to be told to the index.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    /// Results.
    pub results: Vec<ActionKey>,
    /// Calls of compilers.
    pub calls: Vec<Digest>,
    /// Kinds of calls.
    pub kinds: Vec<Digest>,
    /// Results that others have put here.
    pub answers: Vec<Name>,
}

impl Uses {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.results.len() + self.calls.len() + self.kinds.len() + self.answers.len()
    }
}

impl Index {
    /// Notes that all this was asked for just now.
    pub fn note_uses(&self, uses: &Uses) -> Result<()> {
        self.write("note what was used", |db| {
            let mut result =
                db.prepare_cached("UPDATE results SET used_at = unixepoch() WHERE key = ?1")?;
            for key in &uses.results {
                result.execute([key.digest().to_row()])?;
            }
            let mut call =
                db.prepare_cached("UPDATE calls SET used_at = unixepoch() WHERE key = ?1")?;
            for key in &uses.calls {
                call.execute([key.to_row()])?;
            }
            let mut kind =
                db.prepare_cached("UPDATE call_paths SET used_at = unixepoch() WHERE kind = ?1")?;
            for of in &uses.kinds {
                kind.execute([of.to_row()])?;
            }
            let mut answer = db.prepare_cached(
                "UPDATE action_results SET used_at = unixepoch() WHERE action = ?1",
            )?;
            uses.answers
                .iter()
                .try_for_each(|action| answer.execute(params![action.to_row()]).map(drop))
        })
    }

    /// Notes that a request was answered just now.
    pub fn note_realization(&self, request: Digest) -> Result<()> {
        self.write("note what was used", |db| {
            db.execute(
                "UPDATE realizations SET used_at = unixepoch() WHERE request = ?1",
                [request.to_row()],
            )
            .map(drop)
        })
    }
}
