//! A GNU make jobserver in its fifo form: a token for each core, shared by pwb's own actions and all that `make` runs
//! inside them (<https://www.gnu.org/software/make/manual/html_node/POSIX-Jobserver.html>).

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use nix::sys::stat::Mode;

use crate::error::{Error, Result};

/// Where a command finds the fifo.
pub const MOUNT: &str = "/dev/pwb-jobserver";

/// The tokens.
#[derive(Debug)]
pub struct Jobserver {
    path: PathBuf,
    fifo: File,
    tokens: usize,
    /// How many actions hold one or wait for one.
    holders: Mutex<usize>,
}

/// One token, which an action holds while it runs and which its `make` takes as its own.
#[derive(Debug)]
pub struct Token<'j>(&'j Jobserver);

impl Jobserver {
    /// Makes the fifo at `path` and puts the tokens in.
    pub fn start(path: PathBuf, tokens: usize) -> Result<Jobserver> {
        let failed = |source: io::Error| Error::Jobserver {
            path: path.clone(),
            source,
        };
        nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)
            .map_err(|errno| failed(errno.into()))?;
        let mut fifo = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        fifo.write_all(&vec![b'+'; tokens]).map_err(failed)?;
        Ok(Jobserver {
            path,
            fifo,
            tokens,
            holders: Mutex::new(0),
        })
    }

    /// The fifo on the host.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The `MAKEFLAGS` that make a `make` use it.
    pub fn makeflags(&self) -> String {
        format!("-j{} --jobserver-auth=fifo:{MOUNT}", self.tokens)
    }

    /// Waits for a token.
    pub fn token(&self) -> Result<Token<'_>> {
        let failed = |source| Error::Jobserver {
            path: self.path.clone(),
            source,
        };
        *self.holders.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        (&self.fifo).read_exact(&mut [0]).map_err(failed)?;
        Ok(Token(self))
    }

    /// Puts a token back. When nobody else holds or awaits one, those that a killed `make` took with it are made up for.
    fn give_back(&self) -> io::Result<()> {
        let mut holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        *holders -= 1;
        (&self.fifo).write_all(b"+")?;
        if *holders > 0 {
            return Ok(());
        }
        let mut left = OpenOptions::new()
            .read(true)
            .custom_flags(nix::libc::O_NONBLOCK)
            .open(&self.path)?;
        let mut found = vec![0; self.tokens];
        while left.read(&mut found).is_ok_and(|read| read > 0) {}
        (&self.fifo).write_all(&vec![b'+'; self.tokens])
    }
}

impl Drop for Token<'_> {
    fn drop(&mut self) {
        // The fifo is open for reading in this very process, so a write to it has no way to fail.
        let _ = self.0.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_lost_by_a_killed_make_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let jobserver = Jobserver::start(folder.path().join("fifo"), 3).unwrap();
        let token = jobserver.token().unwrap();
        (&jobserver.fifo).read_exact(&mut [0, 0]).unwrap();
        drop(token);
        let all: Vec<_> = (0..3).map(|_| jobserver.token().unwrap()).collect();
        assert_eq!(all.len(), 3);
    }
}
