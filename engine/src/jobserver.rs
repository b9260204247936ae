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

/// As many bytes as are taken out at once.
const LARGEST: usize = 4096;

/// The tokens.
#[derive(Debug)]
pub struct Jobserver {
    path: PathBuf,
    fifo: File,
    /// The same, for what must not wait.
    unwaiting: File,
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
        let open = |flags| {
            let mut both = OpenOptions::new();
            both.read(true).write(true).custom_flags(flags);
            both.open(&path).map_err(failed)
        };
        let (mut fifo, unwaiting) = (open(0)?, open(nix::libc::O_NONBLOCK)?);
        fifo.write_all(&vec![b'+'; tokens]).map_err(failed)?;
        Ok(Jobserver {
            path,
            fifo,
            unwaiting,
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
        if *holders > 0 {
            return self.put_back(1);
        }
        let mut found = vec![0; LARGEST];
        while (&self.unwaiting)
            .read(&mut found)
            .is_ok_and(|read| read > 0)
        {}
        self.put_back(self.tokens)
    }

    /// A command may have filled the fifo with tokens of its own. Then there are more than enough, until nobody has one.
    fn put_back(&self, tokens: usize) -> io::Result<()> {
        match (&self.unwaiting).write_all(&vec![b'+'; tokens]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            other => other,
        }
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

    #[test]
    fn tokens_that_a_command_makes_up_neither_block_nor_stay() {
        let folder = tempfile::tempdir().unwrap();
        let jobserver = Jobserver::start(folder.path().join("fifo"), 2).unwrap();
        let (first, second) = (jobserver.token().unwrap(), jobserver.token().unwrap());
        while (&jobserver.unwaiting).write(&[b'x'; 4096]).is_ok() {}
        // With the fifo full.
        drop(first);
        drop(second);
        let mut found = [0; 64];
        let left = (&jobserver.unwaiting).read(&mut found).unwrap();
        assert_eq!(&found[..left], b"++");
    }
}
