//! Records a call while it runs: what it looks at as it was before, what it writes as it is after.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use pwb_cache::{Batch, CallFile, CallResult, Digest};
use pwb_sandbox::{Access, Watched};

use super::paths::{self, Aspect, Recorded};
use super::view::{Glance, State, View};
use super::{Reason, Scene};
use crate::jobserver;

/// As many scripts as the kernel lets run one another.
const MOST_SCRIPTS: usize = 6;
const PROCESSES: &str = "/proc";
/// As many symbolic links on one path as the kernel follows.
const MOST_LINKS: usize = 40;

/// Words by which failures are told that say more of the machine than of the source.
const OF_THE_MACHINE: [&str; 10] = [
    "ermission denied",
    "ead-only file system",
    "No space left",
    "annot allocate",
    "ut of memory",
    "Killed",
    "Terminated",
    "internal compiler error",
    "PLEASE submit a bug report",
    "pwb's launcher",
];

/// Takes what a call does.
pub(crate) struct Recorder<'a> {
    scene: &'a Scene,
    view: View<'a>,
    /// Whether `__DATE__` is what the environment says.
    pinned_date: bool,
    seen: BTreeMap<(PathBuf, Aspect), Before>,
    written: BTreeSet<PathBuf>,
    reason: Option<Reason>,
}

/// What was at a path before the call did anything there.
enum Before {
    /// A file that is not read until it is known whether that is needed.
    Glance(Glance),
    /// A file that is about to be written.
    Contents(Glance, Digest, u32),
    Names(Option<Digest>),
}

impl<'a> Recorder<'a> {
    pub fn new(scene: &'a Scene, view: View<'a>, pinned_date: bool) -> Recorder<'a> {
        Recorder {
            scene,
            view,
            pinned_date,
            seen: BTreeMap::new(),
            written: BTreeSet::new(),
            reason: None,
        }
    }

    /// Takes one access, before it happens.
    pub fn see(&mut self, access: &Access) {
        let seen = match access {
            Access::Look { path, follow } => self.look(path, *follow).map(drop),
            Access::Run(path) => self.run(path),
            Access::List(path) => self.list(path),
            Access::Write { path, follow } => self.write(path, *follow),
            Access::Beyond(why) => {
                self.reason.get_or_insert(Reason::Beyond(why));
                return;
            }
        };
        if seen.is_err() {
            self.reason
                .get_or_insert(Reason::Beyond("what it looks at cannot be read"));
        }
    }

    /// Notes what is at a path and at the links on the way there; returns where it leads.
    fn look(&mut self, path: &Path, follow: bool) -> io::Result<PathBuf> {
        let roundabout = path.components().any(|part| part == Component::ParentDir);
        if !roundabout {
            let plain: PathBuf = path.components().collect();
            if plain.starts_with(PROCESSES) {
                return self.processes(plain, follow);
            }
            match self.view.glance(&plain)? {
                Glance::Other => {}
                Glance::Link(_) if follow => {}
                glance => {
                    self.note(&plain, glance);
                    return Ok(plain);
                }
            }
        }
        self.walk(path, follow)
    }

    /// Goes from link to link, as the kernel does.
    fn walk(&mut self, path: &Path, follow: bool) -> io::Result<PathBuf> {
        let mut at = PathBuf::from("/");
        let mut rest = names(path);
        let mut links = 0;
        while let Some(name) = rest.pop_front() {
            if name == ".." {
                at.pop();
                continue;
            }
            let next = at.join(&name);
            if next == Path::new(PROCESSES) {
                return self.processes(next.join(rest.iter().collect::<PathBuf>()), follow);
            }
            let glance = self.view.glance(&next)?;
            let target = match &glance {
                Glance::Link(target) if follow || !rest.is_empty() => Some(target.clone()),
                _ => None,
            };
            // Without the folder that `..` leaves there is no way on.
            let left = rest.front().is_some_and(|name| name == "..");
            if target.is_some() || left || rest.is_empty() {
                self.note(&next, glance);
            }
            let Some(target) = target else {
                at = next;
                continue;
            };
            links += 1;
            if links > MOST_LINKS {
                return Err(io::Error::other("too many links"));
            }
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            for name in names(&target).into_iter().rev() {
                rest.push_front(name);
            }
        }
        Ok(at)
    }

    /// Notes what the root does not say already.
    fn note(&mut self, path: &Path, glance: Glance) {
        if self.scene.varies(path) {
            self.seen
                .entry((path.to_owned(), Aspect::Node))
                .or_insert(Before::Glance(glance));
        }
    }

    /// A path below `/proc`: no input, unless it leads to where a process is or to what it has open.
    fn processes(&mut self, path: PathBuf, follow: bool) -> io::Result<PathBuf> {
        let mut rest = path.components().map(Component::as_os_str);
        let leads = match rest.find(|name| *name == "cwd" || *name == "root" || *name == "fd") {
            Some(name) if name == "fd" => rest.next().is_some(),
            found => found.is_some(),
        };
        if leads && (follow || rest.next().is_some()) {
            self.reason
                .get_or_insert(Reason::Beyond("it goes through /proc to an open file"));
        }
        Ok(path)
    }

    /// Notes a program and, where it is a script, what the kernel runs it with.
    fn run(&mut self, path: &Path) -> io::Result<()> {
        let mut program = path.to_owned();
        for _ in 0..MOST_SCRIPTS {
            program = self.look(&program, true)?;
            match self.view.interpreter(&program)? {
                Some(interpreter) => program = interpreter,
                None => break,
            }
        }
        Ok(())
    }

    fn list(&mut self, path: &Path) -> io::Result<()> {
        let path = self.look(path, true)?;
        let key = (path, Aspect::Names);
        if self.scene.varies(&key.0) && !self.seen.contains_key(&key) {
            let listing = self.view.listing(&key.0)?;
            self.seen.insert(key, Before::Names(listing));
        }
        Ok(())
    }

    fn write(&mut self, path: &Path, follow: bool) -> io::Result<()> {
        let path = self.look(path, follow)?;
        if !self.scene.varies(&path) || !self.written.insert(path.clone()) {
            return Ok(());
        }
        if let Some(folder) = path.parent() {
            // Without it nothing can be made there.
            self.note(folder, self.view.glance(folder)?);
        }
        let key = (path, Aspect::Node);
        if let Some(Before::Glance(glance @ Glance::File(_))) = self.seen.get(&key)
            && let State::File(digest, mode) = self.view.state(&key.0)?
        {
            // Read now, for afterwards it is gone; if it was written to since it was looked at, that shows.
            let same = self.view.glance(&key.0)? == *glance;
            let before = Before::Contents(glance.clone(), digest, mode);
            if !same {
                self.reason.get_or_insert(Reason::Changed);
            }
            self.seen.insert(key, before);
        }
        Ok(())
    }

    /// What the call looked at and what it came to.
    pub fn finish(
        self,
        batch: &Batch<'_>,
        watched: &Watched,
    ) -> Result<(Recorded, CallResult), Reason> {
        if let Some(reason) = self.reason {
            return Err(reason);
        }
        let code = watched.code.ok_or(Reason::Killed)?;
        if watched.outlived {
            return Err(Reason::Outlived);
        }
        let said = [&watched.output[..], &watched.errors].map(String::from_utf8_lossy);
        if code != 0
            && said
                .iter()
                .any(|said| OF_THE_MACHINE.iter().any(|word| said.contains(word)))
        {
            return Err(Reason::Machine);
        }
        let put = |bytes: &[u8]| match bytes {
            [] => Ok(None),
            bytes => batch
                .put_file(bytes, false)
                .map(Some)
                .map_err(|_| Reason::Store),
        };
        let mut result = CallResult {
            code,
            output: put(&watched.output)?,
            errors: put(&watched.errors)?,
            ..CallResult::default()
        };
        let mut recorded = Recorded::default();
        for ((path, aspect), before) in &self.seen {
            if self.is_own(path, *aspect) {
                continue;
            }
            // Many of these have names that are others each time, and would make a list of paths each.
            if self.is_gone(path) {
                result.gone.push(text(path)?);
                continue;
            }
            let state = match before {
                Before::Names(listing) => paths::names(*listing),
                Before::Contents(_, digest, mode) => paths::node(&State::File(*digest, *mode)),
                Before::Glance(glance) => paths::node(&self.state(path, glance)?),
            };
            recorded.0.insert((text(path)?, *aspect), state);
        }
        for path in &self.written {
            self.take(path, batch, &mut result)?;
        }
        Ok((recorded, result))
    }

    /// Whether a path tells of the call itself: what is in what it made.
    fn is_own(&self, path: &Path, aspect: Aspect) -> bool {
        let made = |path: &Path| self.is_made(path);
        path.ancestors().skip(1).any(made) || made(path) && aspect == Aspect::Names
    }

    /// Whether the call made something at a path and removed it again.
    fn is_gone(&self, path: &Path) -> bool {
        let now = || self.view.glance(path);
        self.is_made(path) && now().is_ok_and(|now| now == Glance::Absent)
    }

    fn is_made(&self, path: &Path) -> bool {
        let before = self.seen.get(&(path.to_owned(), Aspect::Node));
        matches!(before, Some(Before::Glance(Glance::Absent))) && self.written.contains(path)
    }

    /// What was at a path that was only looked at; it must be there still.
    fn state(&self, path: &Path, before: &Glance) -> Result<State, Reason> {
        let changed = |_| Reason::Changed;
        if !self.written.contains(path) && self.view.glance(path).map_err(changed)? != *before {
            return Err(Reason::Changed);
        }
        Ok(match before {
            Glance::Absent => State::Absent,
            Glance::Folder => State::Folder,
            Glance::Link(target) => State::Link(target.clone()),
            // It takes and gives tokens: what a compiler makes does not depend on them.
            Glance::Stream if path == Path::new(jobserver::MOUNT) => State::Stream,
            Glance::Stream => return Err(Reason::Special),
            Glance::Other => State::Other,
            Glance::File(_) => {
                let mentions = self.view.contents(path).map_err(changed)?.mentions;
                if mentions.timestamp || mentions.date && !self.pinned_date {
                    return Err(Reason::Time);
                }
                self.view.state(path).map_err(changed)?
            }
        })
    }

    /// Adds what is now at a path that was written.
    fn take(&self, path: &Path, batch: &Batch<'_>, result: &mut CallResult) -> Result<(), Reason> {
        let special = |_| Reason::Special;
        let now = self.view.glance(path).map_err(special)?;
        let before = match self.seen.get(&(path.to_owned(), Aspect::Node)) {
            Some(Before::Glance(glance) | Before::Contents(glance, ..)) => glance,
            _ => &Glance::Other,
        };
        if now == *before {
            return Ok(());
        }
        match (before, now) {
            (Glance::Absent | Glance::File(_), Glance::File(_)) => {
                let (bytes, mode) = self.view.read(path).map_err(special)?;
                let digest = batch.put_file(&bytes, false).map_err(|_| Reason::Store)?;
                result.files.push(CallFile {
                    path: text(path)?,
                    digest,
                    mode,
                });
            }
            (Glance::Absent, Glance::Folder) => {
                let names = self.view.names(path).map_err(special)?.unwrap_or_default();
                let known = |name: &Vec<u8>| {
                    matches!(&name[..], b"." | b"..")
                        || self.written.contains(&path.join(OsStr::from_bytes(name)))
                };
                // A folder that was filled elsewhere and then moved here is not told of file by file.
                if !names.iter().all(known) {
                    return Err(Reason::Moved);
                }
                result.folders.push(text(path)?);
            }
            (Glance::Absent, Glance::Link(target)) => {
                result.links.push((text(path)?, text(&target)?))
            }
            (Glance::Absent, _) => return Err(Reason::Special),
            _ => return Err(Reason::Removed),
        }
        Ok(())
    }
}

fn names(path: &Path) -> VecDeque<OsString> {
    let name = |part: Component<'_>| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    };
    path.components().filter_map(name).collect()
}

fn text(path: &Path) -> Result<String, Reason> {
    let text = path.to_str().filter(|text| !text.contains('\n'));
    text.map(str::to_owned).ok_or(Reason::Path)
}
