//! What a person sees while it builds: live lines on a terminal, plain lines elsewhere. Made of events only.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use console::style;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use pwb_engine::Event;
use pwb_remote::Notice;

/// How many files or nodes are named.
const SHOWN: usize = 5;
/// What is carried to and from a shared cache has a line of its own from so many bytes on.
const LARGE: u64 = 1 << 20;
const SHARED: &str = "shared cache";

/// Shows events on standard error.
pub struct Progress {
    state: Mutex<State>,
}

struct State {
    screen: MultiProgress,
    live: bool,
    begin: Instant,
    total: u64,
    done: u64,
    built: u64,
    /// Bytes from and to a shared cache.
    received: u64,
    sent: u64,
    header: Option<ProgressBar>,
    running: BTreeMap<String, ProgressBar>,
}

impl Progress {
    pub fn new() -> Progress {
        let live = console::Term::stderr().is_term();
        let state = State {
            screen: MultiProgress::new(),
            live,
            begin: Instant::now(),
            total: 0,
            done: 0,
            built: 0,
            received: 0,
            sent: 0,
            header: None,
            running: BTreeMap::new(),
        };
        Progress {
            state: Mutex::new(state),
        }
    }

    pub fn tell(&self, event: Event) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .tell(event);
    }

    /// Takes what a shared cache has to say.
    pub fn notice(&self, notice: Notice) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .notice(notice);
    }

    /// Takes the live lines off the screen and says what was done.
    pub fn finish(&self) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .finish();
    }
}

impl State {
    fn tell(&mut self, event: Event) {
        match event {
            Event::Planned { nodes, cached } => {
                (self.total, self.done) = (nodes as u64, cached as u64);
                if cached < nodes {
                    self.line(&format!("{nodes} nodes, {cached} in the store"));
                    self.start_header();
                }
            }
            Event::Started {
                node,
                log,
                expected,
            } => {
                let expected = expected
                    .map(|wall| format!(", {} the last time", seconds(wall)))
                    .unwrap_or_default();
                if let Some(log) = log.filter(|_| !self.live) {
                    self.line(&format!(
                        "{} {node} (log: {}{expected})",
                        style("run").for_stderr().cyan(),
                        log.display()
                    ));
                }
                self.bar(&node, &format!("{node}{expected}"));
            }
            Event::Waiting { node } => self.line(&format!("waiting for another pwb: {node}")),
            Event::Output { node, bytes } => {
                if let Some(bar) = self.running.get(&node) {
                    let text = String::from_utf8_lossy(&bytes);
                    if let Some(last) = text.lines().rev().find(|line| !line.trim().is_empty()) {
                        bar.set_message(console::strip_ansi_codes(last.trim()).into_owned());
                    }
                }
            }
            Event::Fetched { node, bytes, total } => {
                if let Some(bar) = self.running.get(&node) {
                    let of = total
                        .map(|total| format!(" of {}", mebibytes(total)))
                        .unwrap_or_default();
                    bar.set_message(format!("{}{of}", mebibytes(bytes)));
                }
            }
            Event::Warning { node, message } => {
                self.line(&format!(
                    "{} {node}: {message}",
                    style("warning:").for_stderr().yellow()
                ));
            }
            Event::Moved { node, changed } => {
                let named = enumeration(&changed);
                self.line(&format!(
                    "{} {node} changed while it was built from: {named}\n{} what was built is of the files as they were; run again for the files as they are",
                    style("warning:").for_stderr().yellow(),
                    style("   hint:").for_stderr().cyan(),
                ));
            }
            Event::Cached { node } => self.end(&node),
            Event::Compiled { node, tally } => {
                let passed = tally
                    .passed
                    .iter()
                    .map(|(reason, count)| format!(", {count} not to be remembered ({reason})"));
                self.line(&format!(
                    "compiled {node}: {} from the cache, {} ran{}",
                    tally.hits,
                    tally.misses,
                    passed.collect::<String>()
                ));
            }
            Event::Built { node, wall } => {
                self.built += 1;
                self.end(&node);
                self.line(&format!(
                    "{} {node} {}",
                    style("built").for_stderr().green(),
                    seconds(wall)
                ));
            }
            Event::Failed { node } => {
                self.end(&node);
                self.line(&format!("{} {node}", style("failed").for_stderr().red()));
            }
            Event::Repairing { nodes } => {
                self.finish();
                self.line(&format!(
                    "objects are missing from the store; making them again: {}",
                    enumeration(&nodes)
                ));
            }
        }
    }

    fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Warning(what) => self.line(&format!(
                "{} {what}",
                style("warning:").for_stderr().yellow()
            )),
            Notice::Received(bytes) => self.received += bytes,
            Notice::Sent(bytes) => self.sent += bytes,
        }
        if self.live && self.received + self.sent >= LARGE {
            if !self.running.contains_key(SHARED) {
                self.bar(SHARED, SHARED);
            }
            if let Some(bar) = self.running.get(SHARED) {
                bar.set_message(self.carried());
            }
        }
    }

    fn carried(&self) -> String {
        format!(
            "{} received, {} sent",
            mebibytes(self.received),
            mebibytes(self.sent)
        )
    }

    fn start_header(&mut self) {
        if self.live && self.header.is_none() {
            let bar = self.screen.add(ProgressBar::new(self.total));
            // A template without unknown keys is always accepted.
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(250));
            bar.set_position(self.done);
            self.header = Some(bar);
        }
    }

    fn bar(&mut self, node: &str, prefix: &str) {
        if !self.live {
            return;
        }
        let bar = self.screen.add(ProgressBar::new_spinner());
        if let Ok(style) =
            ProgressStyle::with_template("  {spinner} {prefix} {elapsed} {wide_msg:.dim}")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        bar.set_prefix(prefix.to_owned());
        self.running.insert(node.to_owned(), bar);
    }

    fn end(&mut self, node: &str) {
        self.done += 1;
        if let Some(header) = &self.header {
            header.set_position(self.done);
        }
        if let Some(bar) = self.running.remove(node) {
            bar.finish_and_clear();
        }
    }

    fn finish(&mut self) {
        for bar in std::mem::take(&mut self.running)
            .into_values()
            .chain(self.header.take())
        {
            bar.finish_and_clear();
        }
        if self.received + self.sent > 0 {
            self.line(&format!("{SHARED}: {}", self.carried()));
            (self.received, self.sent) = (0, 0);
        }
        if self.built > 0 {
            self.line(&format!(
                "{} {} built in {}",
                self.built,
                if self.built == 1 { "node" } else { "nodes" },
                seconds(self.begin.elapsed())
            ));
        }
    }

    #[expect(clippy::print_stderr, reason = "this is where progress is printed")]
    fn line(&self, text: &str) {
        if self.live {
            // The terminal is there; should it go away, so may the line.
            let _ = self.screen.println(text);
        } else {
            eprintln!("{text}");
        }
    }
}

/// `a, b and 3 more`
fn enumeration(names: &[String]) -> String {
    let more = names.len().saturating_sub(SHOWN);
    let mut named = names[..names.len() - more].join(", ");
    if more > 0 {
        named += &format!(" and {more} more");
    }
    named
}

/// `1.5 s`
pub fn seconds(wall: Duration) -> String {
    format!("{:.1} s", wall.as_secs_f64())
}

/// `1.5 MiB`
pub fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
