//! A file, or standard output, that lines go to.

use std::fs::File;
use std::io::{Write, stdout};
use std::path::Path;

use super::Line;
use crate::report::Failure;

/// Takes lines until it cannot: who reads it may go away, and the build goes on.
pub struct Sink(Option<Box<dyn Write + Send>>);

impl Sink {
    /// A new file, or what `-` stands for. A file that is there is written anew.
    pub fn create(path: &Path) -> Result<Sink, Failure> {
        if path == Path::new("-") {
            return Ok(Sink(Some(Box::new(stdout()))));
        }
        match File::create(path) {
            Ok(file) => Ok(Sink(Some(Box::new(file)))),
            Err(error) => Err(Failure::io("write", path, &error)),
        }
    }

    pub fn write(&mut self, line: &Line) {
        let Some(to) = &mut self.0 else { return };
        let written = serde_json::to_vec(line)
            .map_err(std::io::Error::from)
            .and_then(|mut text| {
                text.push(b'\n');
                to.write_all(&text)?;
                to.flush()
            });
        if written.is_err() {
            self.0 = None;
        }
    }
}
