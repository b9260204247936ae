//! What one pwb said, taken apart.

use std::path::PathBuf;
use std::process::Output;

/// What one pwb said.
#[derive(Clone, Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Said {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

impl Said {
    /// The one result.
    #[track_caller]
    pub fn result(&self) -> PathBuf {
        match &self.results()[..] {
            [one] => one.clone(),
            _ => panic!("not one result: {self:?}"),
        }
    }

    /// All results, in order.
    pub fn results(&self) -> Vec<PathBuf> {
        self.out.lines().map(PathBuf::from).collect()
    }

    /// The commands that were run, sorted.
    pub fn ran(&self) -> Vec<&str> {
        let started = self
            .err
            .lines()
            .filter_map(|line| line.strip_prefix("run "));
        let mut names: Vec<&str> = started.filter_map(|line| line.split(' ').next()).collect();
        names.sort_unstable();
        names
    }
}
