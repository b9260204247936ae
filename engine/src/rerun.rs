//! Runs commands again whose results are there, and compares: elsewhere on the host, at another time, with other jobs and cores.
//! What comes out is written down in the history and published as no result.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, scope, sleep};
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use pwb_cache::{ActionKey, Again, Rerun, Store, TreeDigest};

use crate::error::{Error, Failure, Result};
use crate::event::{Event, Happening, Observer};
use crate::graph::{Graph, Input, StepId, Work};
use crate::plan::Plan;
use crate::planned::planned;
use crate::prepare::prepare;
use crate::realize::Tools;
use crate::recipe::SandboxPath;
use crate::settings::Settings;
use crate::work::Context;

/// The history knows the second in which a run ended; zip archives know every other one.
const ANOTHER_TIME: Duration = Duration::from_secs(3);

/// A step that ran again.
#[derive(Clone, Debug)]
pub struct Reran {
    /// The step.
    pub step: StepId,
    /// Its result.
    pub kept: TreeDigest,
    /// What came of it, as the history has it.
    pub rerun: Rerun,
    /// What its command has written; another file than its log.
    pub log: PathBuf,
}

/// Runs these steps again, each over the results that its inputs have; all of them must have results. They come back in the
/// order of `steps`.
///
/// # Errors
/// [`Error::NoCommand`] if one is no command. A command that fails is no error; what keeps one from running is.
pub fn rerun(
    store: &Store,
    graph: &Graph,
    steps: &[StepId],
    settings: &Settings,
    observe: &Observer<'_>,
) -> Result<Vec<Reran>> {
    let mut plan = Plan::new(graph, None);
    plan.look_up(store, graph)?;
    let mut told = planned(store, graph, &plan);
    for step in steps {
        let name = graph.name(*step);
        if !matches!(graph.steps[*step].work, Work::Run { .. }) {
            return Err(Error::NoCommand(name.to_owned()));
        }
        told[step.index()].expected = store.last_wall(name)?;
    }
    observe(Event::Planned(told));
    let again = Rerunner {
        store,
        graph,
        plan: &plan,
        settings,
        observe,
        tools: &Tools::start(store, settings)?,
    };
    let next = Mutex::new(steps.iter());
    let found = Mutex::new(HashMap::new());
    scope(|scope| -> Result<()> {
        let work = || {
            leave_a_core();
            // The lock is let go of before the work begins.
            let take = || next.lock().unwrap_or_else(PoisonError::into_inner).next();
            while let Some(&step) = take() {
                let reran = again.one(step);
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                found.insert(step, reran);
            }
        };
        // Where the system refuses others, one has to do.
        let start = || Builder::new().spawn_scoped(scope, work).map(drop);
        start().map_err(Error::thread)?;
        let others = 1..settings.jobs.min(steps.len());
        others.take_while(|_| start().is_ok()).for_each(drop);
        Ok(())
    })?;
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (mut reran, mut failures) = (Vec::new(), Vec::new());
    for step in steps {
        match found.remove(step).unwrap_or(Err(Error::Panicked)) {
            Ok(one) => reran.push(one),
            Err(error) => failures.push(Failure {
                node: graph.name(*step).to_owned(),
                error,
            }),
        }
    }
    match failures.is_empty() {
        true => Ok(reran),
        false => Err(Error::Failed(failures)),
    }
}

struct Rerunner<'a> {
    store: &'a Store,
    graph: &'a Graph,
    plan: &'a Plan,
    settings: &'a Settings,
    observe: &'a Observer<'a>,
    tools: &'a Tools,
}

impl Rerunner<'_> {
    fn one(&self, id: StepId) -> Result<Reran> {
        let step = &self.graph.steps[id];
        let whole = Input {
            step: id,
            path: SandboxPath::root(),
            filter: None,
        };
        let kept = self.plan.input(self.store, self.graph, &whole)?;
        let tree = |input: &Input| {
            let tree = self.plan.input(self.store, self.graph, input)?;
            Ok((input.clone(), tree))
        };
        let inputs: HashMap<Input, TreeDigest> =
            step.inputs().into_iter().map(tree).collect::<Result<_>>()?;
        let prepared = prepare(self.store, step, |input| Ok(inputs[input]))?;
        self.store.batch().put_messages(&prepared.messages)?;
        let log = self
            .store
            .log_path(prepared.key)
            .with_extension("again.log");
        let context = Context {
            store: self.store,
            settings: self.settings,
            jobserver: &self.tools.jobserver,
            fetcher: &self.tools.fetcher,
            compiles: &self.tools.compiles,
            observe: self.observe,
            inputs: &inputs,
            id,
            step,
            prepared: &prepared,
            log: log.clone(),
            announced: AtomicBool::new(false),
        };
        self.wait_for_another_time(prepared.key)?;
        let begin = Instant::now();
        let made = context.make();
        let wall = begin.elapsed();
        let again = match made {
            Ok(made) => {
                // Files of another tree are to be looked into.
                self.store.publish_files(made.new)?;
                match made.tree == kept {
                    true => Again::Same,
                    false => Again::Differs(made.tree),
                }
            }
            Err(Error::Command { .. }) => Again::Failed,
            Err(error) => {
                let why = error.to_string();
                (self.observe)(Event::Step(id, Happening::Failed { why }));
                return Err(error);
            }
        };
        let rerun = Rerun {
            node: step.name.clone(),
            key: prepared.key,
            wall,
            again,
        };
        self.store.record_rerun(&rerun)?;
        (self.observe)(Event::Step(id, Happening::Reran { wall, again }));
        Ok(Reran {
            step: id,
            kept,
            rerun,
            log,
        })
    }

    /// Waits until the clock says something else than when the result was made, also where only every other second counts.
    fn wait_for_another_time(&self, key: ActionKey) -> Result<()> {
        if let Some(past) = self.store.run_of(key)? {
            // A clock that was set back since says something else already.
            let since = past.finished.elapsed().unwrap_or(ANOTHER_TIME);
            sleep(ANOTHER_TIME.saturating_sub(since));
        }
        Ok(())
    }
}

/// Takes one core away from this thread and the commands that it starts, where it has several: they are told of one less. A
/// host that does not let it is asked for no more.
fn leave_a_core() {
    let own = Pid::from_raw(0);
    let Ok(mut cores) = sched_getaffinity(own) else {
        return;
    };
    let has = |core: &usize| cores.is_set(*core).unwrap_or(false);
    let mut set = (0..CpuSet::count()).filter(has);
    if let (Some(first), Some(_)) = (set.next(), set.next())
        && cores.unset(first).is_ok()
    {
        let _ = sched_setaffinity(own, &cores);
    }
}
