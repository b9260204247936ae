//! What a person sees while it builds: live lines on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use console::style;
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use pwb_cache::Again;
use pwb_engine::{Event, Happening, Planned, StepId};
use pwb_remote::Notice;

use super::forecast::Forecast;
use super::ticker::Ticker;
use crate::journal::{Outcome, title};
use crate::report::{note, warning};
use crate::units::many;

/// How many files or nodes are named.
const SHOWN: usize = 5;
/// What is carried to and from a shared cache has a line of its own from so many bytes on.
const LARGE: u64 = 1 << 20;
const SHARED: &str = "shared cache";
/// How often what all steps come to is reckoned.
const MOMENT: Duration = Duration::from_millis(200);
/// There is no estimate.
const UNKNOWN: u64 = u64::MAX;

/// Shows events on standard error.
pub struct Display {
    screen: MultiProgress,
    live: bool,
    begin: Instant,
    jobs: usize,
    plan: Vec<Planned>,
    forecast: Forecast,
    /// Milliseconds after `begin` at which all should be done. The bar reads it whenever it is drawn.
    done_at: Arc<AtomicU64>,
    foreseen: Instant,
    total: u64,
    done: u64,
    built: u64,
    /// Results that were there.
    found: u64,
    /// Calls of compilers: answered, and all.
    calls: (u64, u64),
    /// Bytes of downloads, by step.
    fetched: BTreeMap<StepId, u64>,
    /// Bytes from and to a shared cache.
    received: u64,
    sent: u64,
    ticker: Option<Ticker>,
    header: Option<ProgressBar>,
    /// The steps that run, on a terminal each with its line.
    running: BTreeMap<StepId, Option<ProgressBar>>,
    /// A signal has ended it: what still happens is not shown.
    over: bool,
    shared: Option<ProgressBar>,
}

impl Display {
    pub fn new() -> Display {
        Display {
            screen: MultiProgress::new(),
            live: console::Term::stderr().is_term(),
            begin: Instant::now(),
            jobs: 1,
            plan: Vec::new(),
            forecast: Forecast::default(),
            done_at: Arc::new(AtomicU64::new(UNKNOWN)),
            foreseen: Instant::now(),
            total: 0,
            done: 0,
            built: 0,
            found: 0,
            calls: (0, 0),
            fetched: BTreeMap::new(),
            received: 0,
            sent: 0,
            ticker: None,
            header: None,
            running: BTreeMap::new(),
            over: false,
            shared: None,
        }
    }

    /// A build begins.
    pub fn begin(&mut self, jobs: usize) {
        let screen = self.screen.clone();
        let (received, sent) = (self.received, self.sent);
        *self = Display {
            screen,
            jobs,
            received,
            sent,
            ..Display::new()
        };
    }

    pub fn tell(&mut self, event: Event) {
        if self.over {
            return;
        }
        match event {
            Event::Planned(plan) => self.planned(plan),
            Event::Step(step, what) => self.step(step, what),
            Event::Repairing { nodes } => {
                self.clear();
                self.line(&format!(
                    "objects are missing from the store; making them again: {}",
                    enumeration(&nodes)
                ));
            }
        }
    }

    fn planned(&mut self, plan: Vec<Planned>) {
        let cached = plan.iter().filter(|step| step.tree.is_some()).count() as u64;
        (self.total, self.done, self.found) = (plan.len() as u64, cached, cached);
        self.forecast = Forecast::new(&plan);
        self.plan = plan;
        if cached < self.total {
            let long = self.left().filter(|left| left.as_secs() > 0);
            let about = long.map_or(String::new(), |left| format!(", about {}", clock(left)));
            self.line(&format!(
                "{}, {cached} in the store{about}",
                many(self.total, "node")
            ));
            self.start_header();
            self.foresee();
        }
    }

    fn step(&mut self, step: StepId, what: Happening) {
        let node = self.title(step);
        match what {
            Happening::Started { log } => self.started(step, &node, log),
            Happening::Waiting => self.line(&format!("waiting for another pwb: {node}")),
            Happening::Output(bytes) => {
                if let Some(Some(bar)) = self.running.get(&step) {
                    let text = String::from_utf8_lossy(&bytes);
                    if let Some(last) = text.lines().rev().find(|line| !line.trim().is_empty()) {
                        bar.set_message(console::strip_ansi_codes(last.trim()).into_owned());
                    }
                }
            }
            Happening::Fetched { bytes, total } => {
                self.fetched.insert(step, bytes);
                if let Some(Some(bar)) = self.running.get(&step) {
                    let of = total
                        .map(|total| format!(" of {}", mebibytes(total)))
                        .unwrap_or_default();
                    bar.set_message(format!("{}{of}", mebibytes(bytes)));
                }
            }
            Happening::Warning(message) => self.warn(&format!("{node}: {message}")),
            Happening::Moved(changed) => {
                let named = enumeration(&changed);
                self.warn(&format!(
                    "{node} changed while it was built from: {named}\n{} what was built is of the files as they were; run again for the files as they are",
                    style("   hint:").for_stderr().cyan(),
                ));
            }
            Happening::Cached { .. } => {
                self.found += 1;
                self.ended(step);
            }
            Happening::Compiled(tally) => {
                self.calls.0 += tally.hits;
                self.calls.1 += tally.calls();
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
            Happening::Built { wall, .. } => {
                self.built += 1;
                self.ended(step);
                let built = style("built").for_stderr().green();
                self.line(&format!("{built} {node} {}", seconds(wall)));
            }
            Happening::Reran { wall, again } => {
                self.ended(step);
                let word = style(again.word()).for_stderr();
                let word = match again {
                    Again::Same => word.green(),
                    Again::Differs(_) | Again::Failed => word.red(),
                };
                self.line(&format!("{word} {node} {}", seconds(wall)));
            }
            Happening::Failed { .. } => {
                self.ended(step);
                self.line(&format!("{} {node}", style("failed").for_stderr().red()));
            }
        }
        if self.live && self.foreseen.elapsed() > MOMENT {
            self.foresee();
        }
    }

    fn started(&mut self, step: StepId, node: &str, log: Option<std::path::PathBuf>) {
        self.forecast.start(step, self.begin.elapsed());
        let planned = self.plan.get(step.index());
        let expected = planned.and_then(|step| step.expected);
        let expected = expected.map(|wall| format!(", {} the last time", seconds(wall)));
        let expected = expected.unwrap_or_default();
        if let Some(log) = log.filter(|_| !self.live) {
            self.line(&format!(
                "{} {node} (log: {}{expected})",
                style("run").for_stderr().cyan(),
                log.display()
            ));
        }
        let bar = self.bar(&format!("{node}{expected}"));
        self.running.insert(step, bar);
    }

    pub fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Warning(what) => self.warn(&what),
            Notice::Received(bytes) => self.received += bytes,
            Notice::Sent(bytes) => self.sent += bytes,
        }
        if self.received + self.sent >= LARGE {
            if self.shared.is_none() {
                self.shared = self.bar(SHARED);
            }
            if let Some(bar) = &self.shared {
                bar.set_message(self.carried());
            }
        }
    }

    /// Takes the live lines off the screen and says what was done.
    pub fn end(&mut self, outcome: Outcome) {
        let unfinished = self.running.len();
        self.clear();
        if self.received + self.sent > 0 {
            self.line(&format!("{SHARED}: {}", self.carried()));
            (self.received, self.sent) = (0, 0);
        }
        if outcome == Outcome::Interrupted {
            self.over = true;
            let (built, stopped) = (many(self.built, "node"), many(unfinished as u64, "node"));
            self.line(&format!(
                "{}: {built} built and kept, {stopped} stopped; the same command goes on from here",
                style("interrupted").for_stderr().red()
            ));
        } else if self.built > 0 {
            let calls = match self.calls {
                (_, 0) => String::new(),
                (hits, all) => format!("; {hits} of {all} compiles from the cache"),
            };
            self.line(&format!(
                "{} built in {}{calls}",
                many(self.built, "node"),
                seconds(self.begin.elapsed()),
            ));
        }
        self.built = 0;
    }

    fn clear(&mut self) {
        let bars = std::mem::take(&mut self.running).into_values();
        for bar in bars
            .flatten()
            .chain(self.header.take())
            .chain(self.shared.take())
        {
            bar.finish_and_clear();
        }
    }

    fn title(&self, step: StepId) -> String {
        let planned = self.plan.get(step.index());
        planned.map_or_else(String::new, |step| title(&step.node, &step.variant))
    }

    fn carried(&self) -> String {
        format!(
            "{} received, {} sent",
            mebibytes(self.received),
            mebibytes(self.sent)
        )
    }

    fn start_header(&mut self) {
        if !self.live || self.header.is_some() {
            return;
        }
        let bar = self.screen.add(ProgressBar::new(self.total));
        // A template without unknown keys is always accepted.
        if let Ok(style) =
            ProgressStyle::with_template("{bar:24} {pos}/{len}  {elapsed}{left}  {msg:.dim}")
        {
            let (begin, done_at) = (self.begin, self.done_at.clone());
            let left = move |_: &ProgressState, to: &mut dyn std::fmt::Write| {
                let done_at = done_at.load(Ordering::Relaxed);
                if done_at != UNKNOWN {
                    let left = Duration::from_millis(done_at).saturating_sub(begin.elapsed());
                    // A terminal takes it all.
                    let _ = write!(to, ", about {} left", clock(left));
                }
            };
            bar.set_style(style.with_key("left", left));
        }
        self.ticker.get_or_insert_with(Ticker::start).add(&bar);
        bar.set_position(self.done);
        self.header = Some(bar);
    }

    fn bar(&mut self, prefix: &str) -> Option<ProgressBar> {
        if !self.live {
            return None;
        }
        let bar = match &self.header {
            Some(header) => self
                .screen
                .insert_before(header, ProgressBar::new_spinner()),
            None => self.screen.add(ProgressBar::new_spinner()),
        };
        if let Ok(style) =
            ProgressStyle::with_template("  {spinner} {prefix} {elapsed} {wide_msg:.dim}")
        {
            bar.set_style(style);
        }
        self.ticker.get_or_insert_with(Ticker::start).add(&bar);
        bar.set_prefix(prefix.to_owned());
        Some(bar)
    }

    fn ended(&mut self, step: StepId) {
        self.done += 1;
        self.forecast.end(step);
        if let Some(header) = &self.header {
            header.set_position(self.done);
        }
        if let Some(Some(bar)) = self.running.remove(&step) {
            bar.finish_and_clear();
        }
    }

    /// Brings the last line up to date.
    fn foresee(&mut self) {
        self.foreseen = Instant::now();
        if let Some(header) = &self.header {
            let fetched: u64 = self.fetched.values().sum();
            let fetched = match fetched {
                0 => String::new(),
                _ => format!(", {} fetched", mebibytes(fetched)),
            };
            header.set_message(format!(
                "{} running, {} waiting, {} from the store{fetched}",
                self.running.len(),
                self.forecast.waiting(),
                self.found
            ));
        }
        let left = self.left();
        let done_at = left.map(|left| (self.begin.elapsed() + left).as_millis());
        let done_at = done_at.and_then(|at| u64::try_from(at).ok());
        self.done_at
            .store(done_at.unwrap_or(UNKNOWN), Ordering::Relaxed);
    }

    fn left(&self) -> Option<Duration> {
        self.forecast.left(self.begin.elapsed(), self.jobs)
    }

    fn warn(&self, what: &str) {
        self.line(&warning(what));
    }

    fn line(&self, text: &str) {
        if self.live {
            // The terminal is there; should it go away, so may the line.
            let _ = self.screen.println(text);
        } else {
            note(text);
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

/// `12 s`, `3 min`: an estimate is no better than that.
fn clock(wall: Duration) -> String {
    match wall.as_secs() {
        short @ 0..90 => format!("{short} s"),
        long => format!("{} min", (long + 30) / 60),
    }
}

/// `1.5 MiB`
pub fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
