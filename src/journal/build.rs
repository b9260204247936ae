//! A build as its journal tells it: each step from its start to its end, and the path that took the longest.

use std::path::PathBuf;

use super::{Line, Node, Outcome, What};

/// A build, over or not.
#[derive(Clone, Debug, Default)]
pub struct Build {
    pub arguments: Vec<String>,
    /// When it began, in seconds since 1970.
    pub time: u64,
    pub jobs: usize,
    pub steps: Vec<Step>,
    /// Warnings that are no step's.
    pub warnings: Vec<String>,
    pub received: u64,
    pub sent: u64,
    /// What was asked for: its name and where it is.
    pub results: Vec<(String, PathBuf)>,
    /// Unknown of a build that was killed.
    pub outcome: Option<Outcome>,
    /// When the last line was written.
    pub wall: f64,
}

/// A step of the graph in a build.
#[derive(Clone, Debug)]
pub struct Step {
    pub node: Node,
    /// From when to when it ran.
    pub ran: Option<(f64, f64)>,
    pub end: End,
    /// The digest of its result, once that is there.
    pub digest: Option<String>,
    pub log: Option<PathBuf>,
    /// Bytes fetched.
    pub bytes: u64,
    /// User and system time.
    pub cpu: f64,
    /// The most memory of one process.
    pub max_rss: u64,
    /// Calls of compilers: answered, and run.
    pub calls: Option<(u64, u64)>,
    pub warnings: Vec<String>,
}

/// What became of a step.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum End {
    /// It has not come to it.
    #[default]
    None,
    /// Its result was in the store.
    Cached,
    /// It ran.
    Built,
    /// It ran again, over a result that stays; how it came out.
    Reran(String),
    /// It ran and failed.
    Failed(String),
}

impl End {
    /// In a word.
    pub fn word(&self) -> &str {
        match self {
            End::None => "unfinished",
            End::Cached => "cached",
            End::Built => "built",
            End::Reran(again) => again,
            End::Failed(_) => "failed",
        }
    }
}

impl Build {
    /// The builds in these lines.
    pub fn all(lines: &[Line]) -> Vec<Build> {
        let mut builds: Vec<Build> = Vec::new();
        for line in lines {
            if let What::Begin { .. } = line.what {
                builds.push(Build::default());
            }
            if let Some(build) = builds.last_mut() {
                build.take(line);
            }
        }
        builds
    }

    fn take(&mut self, Line { at, what }: &Line) {
        self.wall = *at;
        match what {
            What::Begin {
                arguments,
                time,
                jobs,
                ..
            } => {
                self.arguments = arguments.clone();
                (self.time, self.jobs) = (*time, *jobs);
            }
            What::Planned { nodes } => self.steps.extend(nodes.iter().map(Step::new)),
            What::Warning {
                step: None,
                message,
            } => self.warnings.push(message.clone()),
            What::Shared { received, sent } => (self.received, self.sent) = (*received, *sent),
            What::Result { name, path } => self.results.push((name.clone(), path.clone())),
            What::End { outcome } => self.outcome = Some(*outcome),
            What::Repairing { .. } => {}
            What::Started { step, .. }
            | What::Waiting { step }
            | What::Fetched { step, .. }
            | What::Warning {
                step: Some(step), ..
            }
            | What::Cached { step, .. }
            | What::Compiled { step, .. }
            | What::Built { step, .. }
            | What::Reran { step, .. }
            | What::Failed { step, .. }
            | What::Moved { step, .. } => {
                if let Some(step) = self.steps.get_mut(*step) {
                    step.take(*at, what);
                }
            }
        }
    }

    /// The steps that ran, in the order in which they started.
    pub fn ran(&self) -> Vec<&Step> {
        let mut ran: Vec<&Step> = self
            .steps
            .iter()
            .filter(|step| step.ran.is_some())
            .collect();
        ran.sort_by(|one, other| one.start().total_cmp(&other.start()));
        ran
    }

    /// The same, each with the row that it is drawn in: the first that is free when it starts.
    pub fn rows(&self) -> Vec<(&Step, usize)> {
        let mut ends: Vec<f64> = Vec::new();
        let mut rows = Vec::new();
        for step in self.ran() {
            let free = ends.iter().position(|end| *end <= step.start());
            let row = free.unwrap_or(ends.len());
            ends.resize(ends.len().max(row + 1), 0.0);
            ends[row] = step.start() + step.wall();
            rows.push((step, row));
        }
        rows
    }

    /// How it ended, in words.
    pub fn ending(&self) -> &'static str {
        match self.outcome {
            Some(Outcome::Succeeded) => "succeeded",
            Some(Outcome::Failed) => "failed",
            Some(Outcome::Interrupted) => "interrupted",
            // It is still under way, or was killed.
            None => "no end",
        }
    }

    /// The chain of steps that ended last, from its first: of what each waited for, that which ended last.
    pub fn critical_path(&self) -> Vec<usize> {
        let latest = |steps: &mut dyn Iterator<Item = usize>| {
            steps
                .filter_map(|step| Some((step, self.steps.get(step)?.ran?.1)))
                .max_by(|one, other| one.1.total_cmp(&other.1))
                .map(|(step, _)| step)
        };
        let mut path = Vec::new();
        let mut next = latest(&mut (0..self.steps.len()));
        while let Some(step) = next {
            path.push(step);
            next = latest(&mut self.steps[step].node.needs.iter().copied());
        }
        path.reverse();
        path
    }
}

impl Step {
    fn new(node: &Node) -> Step {
        Step {
            node: node.clone(),
            ran: None,
            end: match node.cached {
                true => End::Cached,
                false => End::None,
            },
            digest: node.digest.clone(),
            log: None,
            bytes: 0,
            cpu: 0.0,
            max_rss: 0,
            calls: None,
            warnings: Vec::new(),
        }
    }

    fn take(&mut self, at: f64, what: &What) {
        match what {
            What::Started { log, .. } => {
                self.ran = Some((at, at));
                self.log = log.clone();
            }
            What::Fetched { bytes, .. } => self.bytes = *bytes,
            What::Warning { message, .. } => self.warnings.push(message.clone()),
            What::Cached { digest, .. } => {
                self.ran = None;
                self.digest = digest.clone();
                self.end = End::Cached;
            }
            What::Compiled { hits, misses, .. } => self.calls = Some((*hits, *misses)),
            What::Built {
                digest,
                wall,
                user,
                system,
                max_rss,
                ..
            } => {
                self.digest = digest.clone();
                // Roots and local folders do not say that they start.
                let start = self.ran.map_or((at - wall).max(0.0), |(start, _)| start);
                self.ran = Some((start, (start + wall).min(at)));
                (self.cpu, self.max_rss) = (user + system, *max_rss);
                self.end = End::Built;
            }
            What::Reran { again, .. } => {
                self.ran = self.ran.map(|(start, _)| (start, at));
                self.end = End::Reran(again.clone());
            }
            What::Failed { why, .. } => {
                self.ran = self.ran.map(|(start, _)| (start, at));
                self.end = End::Failed(why.clone());
            }
            _ => {}
        }
    }

    /// When it started; 0 if it did not.
    pub fn start(&self) -> f64 {
        self.ran.map_or(0.0, |(start, _)| start)
    }

    /// How long it ran.
    pub fn wall(&self) -> f64 {
        self.ran.map_or(0.0, |(start, end)| end - start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, needs: &[usize], cached: bool) -> Node {
        Node {
            name: name.into(),
            variant: Default::default(),
            kind: "run".into(),
            needs: needs.into(),
            cached,
            digest: None,
            expected: None,
        }
    }

    fn built(step: usize, wall: f64) -> What {
        What::Built {
            step,
            digest: None,
            wall,
            user: wall,
            system: 0.0,
            max_rss: 1,
        }
    }

    /// 0 and 1 run at once, 1 longer; 2 needs both, 3 is cached.
    fn lines() -> Vec<Line> {
        let nodes = vec![
            node("a", &[3], false),
            node("b", &[], false),
            node("c", &[0, 1], false),
            node("d", &[], true),
        ];
        let started = |step| What::Started { step, log: None };
        let begin = What::Begin {
            version: 1,
            pwb: "0".into(),
            arguments: vec!["realize".into()],
            time: 7,
            jobs: 2,
        };
        [
            (0.0, begin),
            (0.1, What::Planned { nodes }),
            (0.1, started(0)),
            (0.1, started(1)),
            (1.2, built(0, 1.0)),
            (3.2, built(1, 3.0)),
            (3.2, started(2)),
            (4.3, built(2, 1.0)),
            (
                4.3,
                What::End {
                    outcome: Outcome::Succeeded,
                },
            ),
        ]
        .map(|(at, what)| Line { at, what })
        .into()
    }

    #[test]
    fn the_critical_path_is_what_was_waited_for() {
        let build = Build::all(&lines()).remove(0);
        assert_eq!(build.critical_path(), [1, 2]);
        assert_eq!(build.outcome, Some(Outcome::Succeeded));
        assert_eq!(build.steps[3].end, End::Cached);
        assert_eq!(build.ran().len(), 3);
        assert!((build.steps[1].wall() - 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_build_that_was_killed_has_no_end() {
        let build = Build::all(&lines()[..5]).remove(0);
        assert_eq!(build.outcome, None);
        assert_eq!(build.steps[2].end, End::None);
        assert_eq!(build.critical_path(), [0]);
    }
}
