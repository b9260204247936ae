//! Runs what a plan lacks: the effects behind the [`Schedule`].
//!
//! One thread decides, and others work. An action is looked up once more when its inputs are known: an input that came
//! out as before cuts the rebuild off here.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Sender, channel};
use std::thread::{Builder, scope};
use std::time::{Duration, Instant};

use pwb_cache::{ActionResult, Lineage, Outcome, Publication, Publisher, Run, Store, TreeDigest};

use crate::compile::Compiles;
use crate::error::{Error, Failure, Result};
use crate::event::{Event, Happening, Observer};
use crate::fetch::Fetcher;
use crate::graph::{Graph, Input, StepId, Work};
use crate::jobserver::Jobserver;
use crate::lineage::lineage;
use crate::plan::Plan;
use crate::prepare::{Prepared, prepare};
use crate::schedule::{Ending, Schedule};
use crate::settings::Settings;
use crate::work::Context;

/// Downloads at once: they wait for the network more than they compute.
const DOWNLOADS: usize = 4;
/// Commands at once where other machines run them. Those that have to run here wait for the jobserver's tokens.
const AWAY: usize = 32;

/// Runs the steps of one graph.
#[derive(Clone, Copy)]
pub(crate) struct Executor<'a> {
    pub store: &'a Store,
    pub graph: &'a Graph,
    pub settings: &'a Settings,
    pub observe: &'a Observer<'a>,
    pub jobserver: &'a Jobserver,
    pub fetcher: &'a Fetcher,
    pub compiles: &'a Compiles,
}

/// A step whose inputs are known and whose result is not.
struct Job {
    step: StepId,
    prepared: Prepared,
    inputs: HashMap<Input, TreeDigest>,
    lineage: Lineage,
}

/// What became of a step that was looked up.
enum Found {
    Result(TreeDigest),
    Job(Box<Job>),
}

impl Executor<'_> {
    /// Runs all that the plan lacks; the plan learns the results. Returns what failed.
    pub fn execute(self, plan: &mut Plan) -> Result<Vec<Failure>> {
        scope(|scope| {
            let built = |step: usize, result: ActionResult| {
                let ActionResult {
                    tree,
                    wall,
                    user,
                    system,
                    max_rss,
                } = result;
                let built = Happening::Built {
                    tree,
                    wall,
                    user,
                    system,
                    max_rss,
                };
                self.tell(StepId::new(step), built);
            };
            let publisher = self.store.publisher(scope, built)?;
            let failures = self.drive(plan, &publisher);
            publisher.finish()?;
            Ok(failures)
        })
    }

    fn drive(self, plan: &mut Plan, publisher: &Publisher<'_>) -> Vec<Failure> {
        let steps = &self.graph.steps;
        let done = |step| plan.tree(step).is_some();
        let expected = |step| match done(step) {
            true => Duration::ZERO,
            false => self.expected(step),
        };
        let away = self.store.workers().is_some();
        let lane = |step: StepId| Slots::lane(&steps[step].work, away);
        let mut schedule = Schedule::new(steps, done, lane, expected);
        let mut failures = Vec::new();
        let (sender, receiver) = channel();
        scope(|scope| {
            let mut slots = Slots::new(self.settings.jobs, away);
            let mut working = 0_usize;
            loop {
                let mut ended = Vec::new();
                let stopping = !failures.is_empty() && !self.settings.keep_going;
                let mut refused = false;
                while let Some(step) =
                    schedule.start(|lane| !stopping && !refused && slots.0[lane] > 0)
                {
                    match self.look_up(step, plan) {
                        Ok(Found::Result(tree)) => {
                            self.tell(step, Happening::Cached { tree });
                            ended.push((step, Ok(tree)));
                        }
                        Err(error) => ended.push((step, Err(error))),
                        Ok(Found::Job(job)) => {
                            let to = sender.clone();
                            let work = move || {
                                let mut report = Report::on(step, to);
                                report.result = Some(self.work(&job, publisher));
                            };
                            match Builder::new().spawn_scoped(scope, work) {
                                Ok(_) => {
                                    slots.0[lane(step)] -= 1;
                                    working += 1;
                                }
                                // There may be room for it once another has ended.
                                Err(_) if working > 0 => {
                                    schedule.put_back(step);
                                    refused = true;
                                }
                                Err(error) => ended.push((step, Err(Error::thread(error)))),
                            }
                        }
                    }
                }
                if ended.is_empty() {
                    if working == 0 {
                        return;
                    }
                    // A sender is alive in this very function.
                    let Ok((step, result)) = receiver.recv() else {
                        return;
                    };
                    working -= 1;
                    slots.0[lane(step)] += 1;
                    ended.push((step, result));
                }
                for (step, result) in ended {
                    match result {
                        Ok(tree) => {
                            plan.learn(step, tree);
                            schedule.finish(step, Ending::Done);
                        }
                        Err(error) => {
                            let why = error.to_string();
                            self.tell(step, Happening::Failed { why });
                            let node = steps[step].name.clone();
                            failures.push(Failure { node, error });
                            schedule.finish(step, Ending::Failed);
                        }
                    }
                }
            }
        });
        failures
    }

    fn look_up(self, id: StepId, plan: &mut Plan) -> Result<Found> {
        if let Some(tree) = plan.as_before(self.store, self.graph, id) {
            self.store.hold(&[tree])?;
            return Ok(Found::Result(tree));
        }
        let step = &self.graph.steps[id];
        let tree = |input: &Input| Ok((input.clone(), plan.input(self.store, self.graph, input)?));
        let inputs: HashMap<Input, TreeDigest> =
            step.inputs().into_iter().map(tree).collect::<Result<_>>()?;
        let prepared = prepare(self.store, step, |input| Ok(inputs[input]))?;
        plan.learn_key(id, prepared.key);
        Ok(match self.store.result(prepared.key)? {
            Some(result) => {
                plan.learn_hit(id, result.wall);
                Found::Result(result.tree)
            }
            None => Found::Job(Box::new(Job {
                step: id,
                prepared,
                inputs,
                lineage: lineage(self.graph, plan, id),
            })),
        })
    }

    fn work(self, job: &Job, publisher: &Publisher<'_>) -> Result<TreeDigest> {
        let step = &self.graph.steps[job.step];
        let key = job.prepared.key;
        let lock = match self.store.try_lock(key)? {
            Some(lock) => lock,
            None => {
                self.tell(job.step, Happening::Waiting);
                self.store.lock(key)?
            }
        };
        let result = match self.store.result(key)? {
            None => self.store.ask(&[key])?.pop().flatten(),
            found => found,
        };
        if let Some(result) = result {
            let tree = result.tree;
            self.tell(job.step, Happening::Cached { tree });
            return Ok(tree);
        }
        self.store.batch().put_messages(&job.prepared.messages)?;
        let context = Context {
            store: self.store,
            settings: self.settings,
            jobserver: self.jobserver,
            fetcher: self.fetcher,
            compiles: self.compiles,
            observe: self.observe,
            inputs: &job.inputs,
            id: job.step,
            step,
            prepared: &job.prepared,
            log: self.store.log_path(key),
            announced: AtomicBool::new(false),
        };
        let begin = Instant::now();
        let made = context.make();
        let wall = begin.elapsed();
        let run = |outcome| Run {
            node: step.name.clone(),
            key,
            wall,
            outcome,
            lineage: job.lineage.clone(),
        };
        match made {
            Ok(made) => {
                let result = ActionResult {
                    tree: made.tree,
                    wall,
                    user: made.user,
                    system: made.system,
                    max_rss: made.max_rss,
                };
                let taken = publisher.submit(Publication {
                    ticket: job.step.index(),
                    result,
                    run: run(Outcome::Built),
                    new: made.new,
                    lock,
                });
                if taken {
                    Ok(made.tree)
                } else {
                    Err(Error::Unpublished)
                }
            }
            Err(error) => {
                // Its log is there to be read, whether the command failed or what it made was refused. A history that cannot
                // be written, as on a full disk, does not hide why.
                if self.store.log_path(key).exists() {
                    let _ = self.store.record_run(&run(Outcome::Failed));
                }
                Err(error)
            }
        }
    }

    fn tell(self, step: StepId, what: Happening) {
        (self.observe)(Event::Step(step, what));
    }

    fn last_wall(self, node: &str) -> Option<Duration> {
        // A history that cannot be read costs the estimate and nothing else.
        self.store.last_wall(node).ok().flatten()
    }

    /// How long a step will take: as long as the last time, else a guess by its kind.
    fn expected(self, step: StepId) -> Duration {
        const BYTES_A_SECOND: u64 = 20_000_000;
        let step = &self.graph.steps[step];
        self.last_wall(&step.name).unwrap_or(match &step.work {
            Work::Fetch { size, .. } => Duration::from_secs(1 + size.unwrap_or(0) / BYTES_A_SECOND),
            Work::Root { .. } | Work::Source { .. } => Duration::from_secs(1),
            Work::Run { .. } => Duration::from_secs(60),
        })
    }
}

/// Tells the thread that decides how a step has ended, even if its thread panics.
struct Report {
    step: StepId,
    result: Option<Result<TreeDigest>>,
    to: Sender<(StepId, Result<TreeDigest>)>,
}

impl Report {
    fn on(step: StepId, to: Sender<(StepId, Result<TreeDigest>)>) -> Report {
        let result = None;
        Report { step, result, to }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        let result = self.result.take().unwrap_or(Err(Error::Panicked));
        // The receiver outlives all that work.
        let _ = self.to.send((self.step, result));
    }
}

/// How many more steps may start, by lane.
struct Slots([usize; 3]);

impl Slots {
    fn new(jobs: usize, away: bool) -> Slots {
        Slots([DOWNLOADS, if away { AWAY } else { 0 }, jobs])
    }

    /// Where a step waits: downloads wait for the network; commands, where other machines run them, for those; all else for a core.
    fn lane(work: &Work, away: bool) -> usize {
        match work {
            Work::Fetch { .. } => 0,
            Work::Run { .. } if away => 1,
            Work::Run { .. } | Work::Source { .. } | Work::Root { .. } => 2,
        }
    }
}
