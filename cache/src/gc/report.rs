//! What is to go, and what went: the words of a collection.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::time::Duration;

/// What is to go.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Policy {
    /// The least recently used goes until what is left has at most so many bytes.
    pub max_size: Option<u64>,
    /// What was not used for so long goes.
    pub older_than: Option<Duration>,
    /// What was used within this time stays, whatever the size.
    pub keep: Duration,
}

/// A part of the store.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Part {
    /// Results of actions.
    Results,
    /// Calls of compilers.
    Calls,
    /// Local folders as they were imported.
    Imports,
    /// Results that others have put here.
    Answers,
    /// Files.
    Objects,
    /// Directories, actions and commands, lists of paths.
    Messages,
    /// Materialized trees.
    Trees,
    /// Output of commands.
    Logs,
    /// What failed commands wrote.
    Failed,
    /// Files that were never published.
    Leftovers,
}

/// How many, and how large together, in bytes. Rows and folders of links have no size of their own.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Amount {
    /// How many.
    pub count: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What went, or would go.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Collected {
    /// By part; parts of which nothing goes are not in it.
    pub freed: BTreeMap<Part, Amount>,
    /// The size of the store before and after, in bytes.
    pub before: u64,
    /// See there.
    pub after: u64,
    /// Whether it is still larger than it should be: all the rest is in use, linked to, or was used lately.
    pub over: bool,
}

impl Amount {
    /// One thing of this size.
    pub fn one(bytes: u64) -> Amount {
        Amount { count: 1, bytes }
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, more: Amount) {
        self.count += more.count;
        self.bytes += more.bytes;
    }
}

impl Part {
    /// What people call it; `lower_case` for programs.
    pub fn name(self) -> &'static str {
        match self {
            Part::Results => "results",
            Part::Calls => "calls",
            Part::Imports => "imports",
            Part::Answers => "uploaded results",
            Part::Objects => "objects",
            Part::Messages => "messages",
            Part::Trees => "trees",
            Part::Logs => "logs",
            Part::Failed => "failed",
            Part::Leftovers => "leftovers",
        }
    }
}
