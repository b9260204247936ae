//! `pwb watch`: realizes, and again whenever a local folder, the recipes or `pwb.ron` have changed. One line a round on
//! standard output; failures are shown, and the watch goes on.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use pwb_engine::{Graph, Ignored, Work};

use super::say;
use crate::cli::{Cli, Watch};
use crate::context::Context;
use crate::making::Making;
use crate::report::{self, Failure};

/// A round begins once nothing has changed for so long.
const QUIET: Duration = Duration::from_millis(100);

/// How many changed files a line names.
const NAMED: usize = 3;

pub fn run(cli: &Cli, arguments: &Watch) -> Result<ExitCode, Failure> {
    let mut watched = Watched::new()?;
    let first = Making::begin(cli, &arguments.options, &arguments.building)?;
    let mut why = "first".to_owned();
    loop {
        let begin = Instant::now();
        let outcome = round(cli, &first, arguments, &mut watched);
        let wall = begin.elapsed().as_secs_f64();
        match outcome {
            Ok(results) => say(format_args!("{why}: {wall:.2} s  {}", results.join("  "))),
            // Nothing was understood that could be watched.
            Err(failure) if watched.places.is_empty() => return Err(failure),
            Err(failure) => {
                report::failure(&failure, cli.message_format);
                say(format_args!("{why}: {wall:.2} s  failed"));
            }
        }
        why = watched.wait()?;
    }
}

fn round(
    cli: &Cli,
    first: &Making<'_>,
    arguments: &Watch,
    watched: &mut Watched,
) -> Result<Vec<String>, Failure> {
    let making = first.again(cli)?;
    let graph = making.graph(&arguments.names)?;
    // What changes from here on is heard, whether or not the import still sees it.
    watched.follow(&making.context, &graph)?;
    let results = making.realize_graph(&arguments.names, &graph, None)?;
    let path = |result: &pwb_engine::Realized| result.path.display().to_string();
    Ok(results.iter().map(path).collect())
}

/// A folder or file whose changes count.
struct Place {
    path: PathBuf,
    /// Of a local folder: what in it does not count; elsewhere that is what is hidden.
    ignored: Option<Ignored>,
}

struct Watched {
    watcher: RecommendedWatcher,
    events: Receiver<notify::Result<Event>>,
    heard: BTreeSet<PathBuf>,
    places: Vec<Place>,
}

impl Watched {
    fn new() -> Result<Watched, Failure> {
        let (sender, events) = channel();
        Ok(Watched {
            watcher: notify::recommended_watcher(sender).map_err(|error| unheard(&error))?,
            events,
            heard: BTreeSet::new(),
            places: Vec::new(),
        })
    }

    /// Watches what this graph is made from.
    fn follow(&mut self, context: &Context, graph: &Graph) -> Result<(), Failure> {
        let mut places = Vec::new();
        for step in graph.steps.node_weights() {
            let Work::Source { path, ignore } = &step.work else {
                continue;
            };
            // One that is not there is told by the import.
            if let Ok(path) = path.canonicalize() {
                let ignored = Some(Ignored::of(&path, ignore)?);
                places.push(Place { path, ignored });
            }
        }
        let own = [context.recipes.as_deref(), context.project.path()];
        for path in own.into_iter().flatten() {
            if let Ok(path) = path.canonicalize() {
                let ignored = None;
                places.push(Place { path, ignored });
            }
        }
        if places.is_empty() {
            return Err(Failure::new(
                "there is nothing to watch: no local folder is part of this",
                "put one in a node's place: --override NODE=PATH",
            ));
        }
        for Place { path, .. } in &places {
            // An editor replaces a file by another: its folder is what stays.
            let (heard, mode) = match path.is_file() {
                true => (path.parent().unwrap_or(path), RecursiveMode::NonRecursive),
                false => (path.as_path(), RecursiveMode::Recursive),
            };
            if !self.heard.contains(heard) {
                self.watcher
                    .watch(heard, mode)
                    .map_err(|error| unheard(&error))?;
                self.heard.insert(heard.to_owned());
            }
        }
        self.places = places;
        Ok(())
    }

    /// Waits until something has changed and all is quiet again; says what it was.
    fn wait(&self) -> Result<String, Failure> {
        let mut changed = BTreeSet::new();
        let mut end = None;
        loop {
            let event = match end {
                None => self
                    .events
                    .recv()
                    .map_err(|_| RecvTimeoutError::Disconnected),
                Some(end) => {
                    let left = Instant::saturating_duration_since(&end, Instant::now());
                    self.events.recv_timeout(left)
                }
            };
            let event = match event {
                Ok(event) => event.map_err(|error| unheard(&error))?,
                Err(RecvTimeoutError::Timeout) => return Ok(named(&changed)),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::Message("the watch has ended".into(), None));
                }
            };
            let names = self.names(&event);
            if !names.is_empty() {
                changed.extend(names);
                end = Some(Instant::now() + QUIET);
            }
        }
    }

    /// The changes of an event that count.
    fn names(&self, event: &Event) -> Vec<String> {
        if event.need_rescan() {
            return vec!["more than could be followed".to_owned()];
        }
        if matches!(event.kind, EventKind::Access(_)) {
            return Vec::new();
        }
        let names = event.paths.iter().filter_map(|path| self.name(path));
        names.collect()
    }

    /// What to call a path whose change counts.
    fn name(&self, path: &Path) -> Option<String> {
        self.places.iter().find_map(|place| {
            let below = path.strip_prefix(&place.path).ok()?;
            let counts = match &place.ignored {
                Some(ignored) => !ignored.hides(below, path.is_dir()),
                None => !below.iter().any(|name| name.as_bytes().starts_with(b".")),
            };
            let name = if below.as_os_str().is_empty() {
                path
            } else {
                below
            };
            counts.then(|| name.display().to_string())
        })
    }
}

fn named(changed: &BTreeSet<String>) -> String {
    let first: Vec<&str> = changed.iter().take(NAMED).map(String::as_str).collect();
    let more = changed.len() - first.len();
    let more = match more {
        0 => String::new(),
        _ => format!(" and {more} more"),
    };
    first.join(", ") + &more
}

fn unheard(error: &notify::Error) -> Failure {
    Failure::new(
        format!("cannot watch: {error}"),
        "many folders need a higher fs.inotify.max_user_watches (sysctl)",
    )
}
