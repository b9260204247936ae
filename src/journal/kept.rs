//! The journals of a store: `builds/`, a file a build, named after when it began.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::sink::Sink;
use super::{Build, Line};
use crate::report::Failure;

/// How many are kept.
const KEPT: usize = 100;

/// The folder of the journals.
pub struct Kept(PathBuf);

impl Kept {
    pub fn new(folder: PathBuf) -> Kept {
        Kept(folder)
    }

    /// A new one; the oldest go.
    pub fn create(&self) -> Result<Sink, Failure> {
        let failed = |error| Failure::io("write to", &self.0, &error);
        fs::create_dir_all(&self.0).map_err(failed)?;
        let all = self.all()?;
        for old in &all[..all.len().saturating_sub(KEPT - 1)] {
            // Another pwb may have removed it.
            let _ = fs::remove_file(old);
        }
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let milliseconds = since.unwrap_or_default().as_millis();
        let name = format!("{milliseconds}-{}.jsonl", std::process::id());
        Sink::create(&self.0.join(name))
    }

    /// Their paths, the oldest first.
    pub fn all(&self) -> Result<Vec<PathBuf>, Failure> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Failure::io("read", &self.0, &error)),
        };
        let paths = entries.flatten().map(|entry| entry.path());
        let mut journals: Vec<PathBuf> = paths
            .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
            .collect();
        journals.sort();
        Ok(journals)
    }

    /// Whether the pwb that writes it is still there.
    pub fn is_alive(path: &Path) -> bool {
        let name = path.file_stem().and_then(|name| name.to_str());
        let process = name.and_then(|name| name.rsplit_once('-'));
        process.is_some_and(|(_, id)| Path::new("/proc").join(id).exists())
    }

    /// One, as far as it can be read: a build that was killed has no end.
    pub fn read(path: &Path) -> Result<Build, Failure> {
        let text = fs::read_to_string(path);
        let text = text.map_err(|error| Failure::io("read", path, &error))?;
        // Of a later version, or torn.
        let lines: Vec<Line> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let mut builds = Build::all(&lines);
        builds.pop().ok_or_else(|| {
            Failure::Message(format!("{} is no journal of a build", path.display()), None)
        })
    }
}
