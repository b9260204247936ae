//! How long a build will still take, by what its steps took the last time. A pure function of what is known and the clock.

use std::time::Duration;

use pwb_engine::{Planned, StepId};

/// The steps of a plan, as far as time is concerned.
#[derive(Debug, Default)]
pub struct Forecast {
    steps: Vec<Step>,
    /// The order in which each comes before what it needs.
    order: Vec<usize>,
}

#[derive(Debug)]
struct Step {
    needs: Vec<usize>,
    /// How long it will take; `None` if nobody knows.
    expected: Option<Duration>,
    /// When it started.
    started: Option<Duration>,
    done: bool,
}

impl Forecast {
    pub fn new(plan: &[Planned]) -> Forecast {
        let steps: Vec<Step> = plan
            .iter()
            .map(|step| Step {
                needs: step
                    .needs
                    .iter()
                    .map(|need: &StepId| need.index())
                    .collect(),
                // Only commands and downloads take long.
                expected: step.expected.or(match step.kind {
                    "root" | "source" => Some(Duration::ZERO),
                    _ => None,
                }),
                started: None,
                done: step.tree.is_some(),
            })
            .collect();
        let mut order = Vec::with_capacity(steps.len());
        let mut waiting = vec![0_usize; steps.len()];
        for need in steps.iter().flat_map(|step| &step.needs) {
            waiting[*need] += 1;
        }
        let mut ready: Vec<usize> = (0..steps.len())
            .filter(|step| waiting[*step] == 0)
            .collect();
        while let Some(step) = ready.pop() {
            order.push(step);
            for &need in &steps[step].needs {
                waiting[need] -= 1;
                if waiting[need] == 0 {
                    ready.push(need);
                }
            }
        }
        Forecast { steps, order }
    }

    pub fn start(&mut self, step: StepId, now: Duration) {
        if let Some(step) = self.steps.get_mut(step.index()) {
            step.started = Some(now);
        }
    }

    pub fn end(&mut self, step: StepId) {
        if let Some(step) = self.steps.get_mut(step.index()) {
            step.done = true;
        }
    }

    /// Steps that have neither started nor ended.
    pub fn waiting(&self) -> usize {
        let waits = |step: &&Step| !step.done && step.started.is_none();
        self.steps.iter().filter(waits).count()
    }

    /// What is left: the longest chain, or all the work shared by `jobs`, whichever is more. `None` where a step is left that
    /// never ran. Some of it may turn out not to be needed.
    pub fn left(&self, now: Duration, jobs: usize) -> Option<Duration> {
        // By step: from its end to the end of all.
        let mut behind = vec![Duration::ZERO; self.steps.len()];
        let (mut longest, mut work) = (Duration::ZERO, Duration::ZERO);
        for &at in &self.order {
            let step = &self.steps[at];
            let own = match (step.done, step.started) {
                (true, _) => Duration::ZERO,
                (false, None) => step.expected?,
                (false, Some(started)) => {
                    step.expected?.saturating_sub(now.saturating_sub(started))
                }
            };
            work += own;
            let chain = behind[at] + own;
            longest = longest.max(chain);
            for &need in &step.needs {
                behind[need] = behind[need].max(chain);
            }
        }
        Some(longest.max(work / u32::try_from(jobs.max(1)).unwrap_or(u32::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use pwb_cache::{Digest, TreeDigest};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn step(needs: &[usize], expected: Option<u32>, cached: bool) -> Planned {
        Planned {
            node: "n".into(),
            variant: Default::default(),
            kind: "run",
            needs: needs.iter().copied().map(StepId::new).collect(),
            tree: cached.then(|| TreeDigest::from_digest(Digest::of(b""))),
            expected: expected.map(|seconds| SECOND * seconds),
        }
    }

    #[test]
    fn it_is_the_longest_chain_or_the_work_that_is_shared() {
        // 0 -> 1 -> 3, 0 -> 2 -> 3
        let plan = [
            step(&[], None, true),
            step(&[0], Some(10), false),
            step(&[0], Some(30), false),
            step(&[1, 2], Some(5), false),
        ];
        let mut forecast = Forecast::new(&plan);
        assert_eq!(forecast.left(Duration::ZERO, 2), Some(SECOND * 35));
        assert_eq!(forecast.left(Duration::ZERO, 1), Some(SECOND * 45));
        assert_eq!(forecast.waiting(), 3);
        forecast.start(StepId::new(2), SECOND);
        assert_eq!(forecast.left(SECOND * 11, 8), Some(SECOND * 25));
        forecast.start(StepId::new(1), SECOND);
        forecast.end(StepId::new(2));
        forecast.end(StepId::new(1));
        assert_eq!(forecast.left(SECOND * 40, 8), Some(SECOND * 5));
        assert_eq!(forecast.waiting(), 1);
        forecast.end(StepId::new(3));
        assert_eq!(forecast.left(SECOND * 40, 8), Some(Duration::ZERO));
    }

    #[test]
    fn what_never_ran_cannot_be_foretold() {
        let plan = [step(&[], None, false), step(&[0], Some(1), false)];
        let mut forecast = Forecast::new(&plan);
        assert_eq!(forecast.left(Duration::ZERO, 1), None);
        forecast.end(StepId::new(0));
        assert_eq!(forecast.left(Duration::ZERO, 1), Some(SECOND));
    }
}
