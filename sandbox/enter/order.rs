//! What to run: the file `order`, as `src/errand.rs` writes it.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::{Trouble, trouble};

const MAGIC: &[u8] = b"pwb order 1\n";

/// What to run, and where.
pub struct Order {
    pub arguments: Vec<Vec<u8>>,
    /// Each as `NAME=value`.
    pub environment: Vec<Vec<u8>>,
    /// From the command's root.
    pub cwd: PathBuf,
    pub outputs: Vec<Output>,
    /// Seconds since 1970: the time of every file that the command is given.
    pub mtime: i64,
    pub timeout: Option<Duration>,
    /// The seccomp filter, instruction by instruction.
    pub filter: Vec<u8>,
}

/// A folder that the command writes.
pub struct Output {
    /// From the command's root, without a slash before it.
    pub path: PathBuf,
    /// Whether it starts with what the root has there; else it starts empty.
    pub over: bool,
}

impl Order {
    pub fn read(path: &str) -> Result<Order, Trouble> {
        let bytes = fs::read(path).map_err(|error| trouble("read", path, &error))?;
        Words(&bytes)
            .order()
            .ok_or_else(|| Trouble::Declined("an order of another version of pwb".to_owned()))
    }
}

/// Numbers of eight bytes, the lowest first, and texts that a number goes before.
struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    fn order(&mut self) -> Option<Order> {
        self.0 = self.0.strip_prefix(MAGIC)?;
        Some(Order {
            arguments: self.texts()?,
            environment: self.environment()?,
            cwd: self.path()?,
            outputs: self.outputs()?,
            mtime: self.number()?.cast_signed(),
            timeout: Some(Duration::from_micros(self.number()?)).filter(|limit| !limit.is_zero()),
            filter: self.text()?.to_vec(),
        })
    }

    fn number(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*number))
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(text)
    }

    fn texts(&mut self) -> Option<Vec<Vec<u8>>> {
        let count = self.number()?;
        (0..count)
            .map(|_| self.text().map(<[u8]>::to_vec))
            .collect()
    }

    /// The variables, and those that the number of cores is the end of.
    fn environment(&mut self) -> Option<Vec<Vec<u8>>> {
        let mut environment = self.texts()?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        for mut variable in self.texts()? {
            variable.extend(cores.to_string().as_bytes());
            environment.push(variable);
        }
        Some(environment)
    }

    fn path(&mut self) -> Option<PathBuf> {
        Some(String::from_utf8(self.text()?.to_vec()).ok()?.into())
    }

    fn outputs(&mut self) -> Option<Vec<Output>> {
        let count = self.number()?;
        let mut output = || {
            Some(Output {
                path: self.path()?,
                over: self.number()? != 0,
            })
        };
        (0..count).map(|_| output()).collect()
    }
}
