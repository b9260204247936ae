//! A command for another machine, which only offers a folder: what is to lie in the folder, and what is found there after.
//!
//! The other side is `enter/`, a static program. Knows nothing of how the folder gets there and back.

use std::time::Duration;

use crate::error::Error;
use crate::seccomp;
use crate::spec::{Status, Usage};

/// The program: to be run in the folder, where its input is.
pub const ENTER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/enter"));
/// Where the program looks for what to run, and for the command's root. Where it puts the outputs, each at its own path.
pub const ORDER: &str = "order";
/// See [`ORDER`].
pub const ROOT: &str = "root";
/// See [`ORDER`].
pub const OUTPUTS: &str = "out";
/// Folders that the command's root must have: something is mounted on them.
pub const MOUNT_POINTS: [&str; 3] = ["dev", "proc", "tmp"];

const MAGIC: &[u8] = b"pwb order 1\n";

/// One process in isolation, on another machine. Its sandbox is that of [`crate::run`], without a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    /// The command; a first word without a slash is looked up in `PATH`, inside.
    pub argv: Vec<String>,
    /// The whole environment.
    pub env: Vec<(String, String)>,
    /// Variables whose values end in the number of cores that the command may use there, each with what goes before it.
    pub cores: Vec<(String, String)>,
    /// The working directory, from the root.
    pub cwd: String,
    /// The folders it may write, from the root; each with whether it starts with what the root has there. All of them, and the
    /// working directory, are folders of the root.
    pub outputs: Vec<(String, bool)>,
    /// The time of every file that the command is given, in seconds since 1970.
    pub mtime: i64,
    /// Wall time after which everything in the sandbox is killed.
    pub timeout: Option<Duration>,
}

/// What the program says of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// The command ended. Where it ended well, the outputs are there.
    Ended(Status, Usage),
    /// The machine does not permit what every command needs.
    Refused(String),
    /// It cannot be run there, or what it made cannot be taken: [`crate::run`] says why, in its own way.
    Declined(String),
}

impl Errand {
    /// The contents of the file [`ORDER`]; the same bytes for the same errand.
    pub fn order(&self) -> Result<Vec<u8>, Error> {
        let filter = seccomp::instructions()
            .ok_or_else(|| Error::Invalid("no filter for this kind of machine".into()))?;
        let mut order = MAGIC.to_vec();
        let number = |order: &mut Vec<u8>, number: u64| order.extend(number.to_le_bytes());
        let text = |order: &mut Vec<u8>, text: &[u8]| {
            number(order, text.len() as u64);
            order.extend(text);
        };
        number(&mut order, self.argv.len() as u64);
        for word in &self.argv {
            text(&mut order, word.as_bytes());
        }
        for variables in [&self.env, &self.cores] {
            number(&mut order, variables.len() as u64);
            for (name, value) in variables {
                text(&mut order, format!("{name}={value}").as_bytes());
            }
        }
        text(&mut order, self.cwd.as_bytes());
        number(&mut order, self.outputs.len() as u64);
        for (path, over) in &self.outputs {
            text(&mut order, path.as_bytes());
            number(&mut order, u64::from(*over));
        }
        number(&mut order, self.mtime.cast_unsigned());
        let micros = |timeout: Duration| u64::try_from(timeout.as_micros()).unwrap_or(u64::MAX);
        number(&mut order, self.timeout.map_or(0, micros));
        text(&mut order, &filter);
        Ok(order)
    }
}

impl Report {
    /// Reads what the program wrote to its standard error; `None` if it has not come so far.
    pub fn read(errors: &[u8]) -> Option<Report> {
        let text = String::from_utf8_lossy(errors);
        let line = text
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("pwb: "))?;
        if let Some(why) = line.strip_prefix("refused ") {
            return Some(Report::Refused(why.to_owned()));
        }
        if let Some(why) = line.strip_prefix("declined ") {
            return Some(Report::Declined(why.to_owned()));
        }
        let words: Vec<&str> = line.split(' ').collect();
        let [how, number, user, system, max_rss_bytes] = words[..] else {
            return None;
        };
        let number = number.parse().ok()?;
        let status = match how {
            "exit" => Status::Code(number),
            "signal" => Status::Signal(number),
            "timeout" => Status::TimedOut,
            _ => return None,
        };
        let usage = Usage {
            user: Duration::from_micros(user.parse().ok()?),
            system: Duration::from_micros(system.parse().ok()?),
            max_rss_bytes: max_rss_bytes.parse().ok()?,
        };
        Some(Report::Ended(status, usage))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_read() {
        let read = |text: &str| Report::read(text.as_bytes());
        let usage = Usage {
            user: Duration::from_micros(5),
            system: Duration::from_micros(6),
            max_rss_bytes: 7,
        };
        let ended = |status| Some(Report::Ended(status, usage));
        assert_eq!(read("\npwb: signal 9 5 6 7\n"), ended(Status::Signal(9)));
        assert_eq!(
            read("noise of the worker\npwb: exit 3 5 6 7\n"),
            ended(Status::Code(3))
        );
        assert_eq!(read("pwb: timeout 0 5 6 7"), ended(Status::TimedOut));
        let refused = Report::Refused("cannot make namespaces: no".into());
        assert_eq!(
            read("\npwb: refused cannot make namespaces: no\n"),
            Some(refused)
        );
        for odd in ["", "exit 3 5 6 7", "pwb: exit 3", "pwb: gone 1 2 3 4"] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }
}
