//! The journal of builds: each event as a line, into the store's `builds/` and wherever `--events` says. What is drawn of a
//! build later (`--trace`, `pwb report`) is drawn from these lines and nothing else.

mod build;
mod kept;
mod line;
mod sink;
mod trace;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use pwb_cache::TreeDigest;
use pwb_engine::{Event, Happening, Planned, StepId};

pub use build::{Build, End, Step};
pub use kept::Kept;
pub use line::{Line, Node, Outcome, VERSION, What, title};
use sink::Sink;

use crate::report::Failure;

/// How often bytes that arrive are worth a line.
const MOMENT: Duration = Duration::from_secs(1);

/// Where else builds are written down.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// A file for the lines; `-` is standard output.
    pub events: Option<PathBuf>,
    /// A file for the trace.
    pub trace: Option<PathBuf>,
}

impl Wanted {
    /// Whether anything is.
    pub fn any(&self) -> bool {
        self.events.is_some() || self.trace.is_some()
    }

    /// Whether standard output is for events.
    pub fn events_on_stdout(&self) -> bool {
        self.events.as_deref() == Some(Path::new("-"))
    }
}

/// Writes down what happens in one process, which may build several times.
pub struct Journal {
    kept: Kept,
    events: Option<Sink>,
    trace: Option<PathBuf>,
    lines: Vec<Line>,
    build: Option<Open>,
}

/// A build under way.
struct Open {
    begin: Instant,
    /// Its first line.
    first: usize,
    /// The step that the first of the latest plan is.
    base: usize,
    nodes: usize,
    /// Steps that are being fetched: when that was last written down, and what is to be.
    fetched: HashMap<usize, (Instant, Option<What>)>,
    carried: (u64, u64),
    /// The file in the store, once something has to run.
    file: Option<Sink>,
}

impl Journal {
    /// The journal of a store; the files that are wanted besides are made now.
    pub fn open(builds: PathBuf, wanted: &Wanted) -> Result<Journal, Failure> {
        if let Some(trace) = &wanted.trace {
            Sink::create(trace)?;
        }
        Ok(Journal {
            kept: Kept::new(builds),
            events: wanted.events.as_deref().map(Sink::create).transpose()?,
            trace: wanted.trace.clone(),
            lines: Vec::new(),
            build: None,
        })
    }

    /// A build begins.
    pub fn begin(&mut self, jobs: usize) {
        if self.trace.is_none() {
            self.lines.clear();
        }
        self.build = Some(Open {
            begin: Instant::now(),
            first: self.lines.len(),
            base: 0,
            nodes: 0,
            fetched: HashMap::new(),
            carried: (0, 0),
            file: None,
        });
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        self.write(What::Begin {
            version: VERSION,
            pwb: env!("CARGO_PKG_VERSION").into(),
            arguments: std::env::args().skip(1).collect(),
            time: since.unwrap_or_default().as_secs(),
            jobs,
        });
    }

    pub fn tell(&mut self, event: &Event) {
        match event {
            Event::Planned(steps) => self.plan(steps),
            Event::Step(step, what) => {
                let Some(open) = &self.build else { return };
                self.step(open.base + step.index(), what);
            }
            Event::Repairing { nodes } => self.write(What::Repairing {
                nodes: nodes.clone(),
            }),
        }
    }

    /// Something was wrong with the shared cache.
    pub fn warn(&mut self, message: &str) {
        self.write(What::Warning {
            step: None,
            message: message.to_owned(),
        });
    }

    /// The shared cache has sent and received so many bytes more.
    pub fn carry(&mut self, received: u64, sent: u64) {
        if let Some(open) = &mut self.build {
            open.carried.0 += received;
            open.carried.1 += sent;
        }
    }

    /// What was asked for is there.
    pub fn result(&mut self, name: &str, path: &Path) {
        self.write(What::Result {
            name: name.to_owned(),
            path: path.to_owned(),
        });
    }

    /// The build is over; an error if the trace cannot be written.
    pub fn end(&mut self, outcome: Outcome) -> Result<(), Failure> {
        let Some(open) = &self.build else {
            return Ok(());
        };
        let (received, sent) = open.carried;
        if received + sent > 0 {
            self.write(What::Shared { received, sent });
        }
        self.write(What::End { outcome });
        self.build = None;
        match &self.trace {
            Some(path) => trace::write(path, &Build::all(&self.lines)),
            None => Ok(()),
        }
    }

    fn plan(&mut self, steps: &[Planned]) {
        let Some(open) = &mut self.build else { return };
        open.base = open.nodes;
        open.nodes += steps.len();
        let base = open.base;
        let node = |step: &Planned| Node {
            name: step.node.clone(),
            variant: step.variant.clone(),
            kind: step.kind.into(),
            needs: step
                .needs
                .iter()
                .map(|need: &StepId| base + need.index())
                .collect(),
            cached: step.tree.is_some(),
            digest: step.tree.map(text),
            expected: step.expected.map(|wall| wall.as_secs_f64()),
        };
        self.write(What::Planned {
            nodes: steps.iter().map(node).collect(),
        });
        // One that finds everything writes nothing at all.
        if steps.iter().any(|step| step.tree.is_none()) {
            self.keep();
        }
    }

    fn step(&mut self, step: usize, what: &Happening) {
        let what = match what {
            Happening::Output(_) => return,
            Happening::Fetched { bytes, total } => return self.fetched(step, *bytes, *total),
            Happening::Started { log } => What::Started {
                step,
                log: log.clone(),
            },
            Happening::Waiting => What::Waiting { step },
            Happening::Warning(message) => What::Warning {
                step: Some(step),
                message: message.clone(),
            },
            Happening::Cached { tree } => What::Cached {
                step,
                digest: Some(text(*tree)),
            },
            Happening::Compiled(tally) => What::Compiled {
                step,
                hits: tally.hits,
                misses: tally.misses,
                uncached: tally.passed.iter().fold(
                    BTreeMap::new(),
                    |mut counts, (reason, count)| {
                        *counts.entry(reason.to_string()).or_default() += count;
                        counts
                    },
                ),
            },
            Happening::Built {
                tree,
                wall,
                user,
                system,
                max_rss,
            } => What::Built {
                step,
                digest: Some(text(*tree)),
                wall: wall.as_secs_f64(),
                user: user.as_secs_f64(),
                system: system.as_secs_f64(),
                max_rss: *max_rss,
            },
            Happening::Reran { wall, again } => What::Reran {
                step,
                wall: wall.as_secs_f64(),
                again: again.word().to_owned(),
            },
            Happening::Failed { why } => What::Failed {
                step,
                why: why.clone(),
            },
            Happening::Moved(changed) => What::Moved {
                step,
                changed: changed.clone(),
            },
        };
        let open = self.build.as_mut();
        let last = open.and_then(|open| open.fetched.remove(&step));
        if let Some((_, Some(last))) = last {
            self.write(last);
        }
        self.write(what);
    }

    fn fetched(&mut self, step: usize, bytes: u64, total: Option<u64>) {
        let Some(open) = &mut self.build else { return };
        let what = What::Fetched { step, bytes, total };
        let now = Instant::now();
        let (last, pending) = open.fetched.entry(step).or_insert((now, None));
        if now.duration_since(*last) < MOMENT {
            *pending = Some(what);
            return;
        }
        (*last, *pending) = (now, None);
        self.write(what);
    }

    /// From here on the build has a file in the store.
    fn keep(&mut self) {
        let Some(open) = &mut self.build else { return };
        if open.file.is_some() {
            return;
        }
        // A build need not fail for its journal.
        let Ok(mut file) = self.kept.create() else {
            return;
        };
        for line in &self.lines[open.first..] {
            file.write(line);
        }
        open.file = Some(file);
    }

    fn write(&mut self, what: What) {
        let Some(open) = &mut self.build else { return };
        let at = open.begin.elapsed().as_micros() as f64 / 1e6;
        let line = Line { at, what };
        for sink in self.events.iter_mut().chain(&mut open.file) {
            sink.write(&line);
        }
        self.lines.push(line);
    }
}

/// A result's digest, as lines have it.
fn text(tree: TreeDigest) -> String {
    tree.digest().to_string()
}
