//! All packages of a lock file at once, in few processes and connections, each handed over as soon as it is there.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use super::apt;
use super::download::{Fetched, Fetcher, Progress};
use super::error::{Error, Result};
use super::failure::{Cause, Failure};
use super::mirror::Mirror;
use super::partial::verify;
use crate::recipe::{Origin, Package, Pin};

/// Downloads at a time. Two fill a fast line while one of them waits for an answer.
const LANES: usize = 2;
/// A process of apt's gets packages up to so many bytes and in such a number, so that the first ones come soon.
const GROUP: u64 = 16 << 20;
const GROUP_FILES: usize = 32;

type Answer = std::result::Result<Fetched, Cause>;

impl Fetcher {
    /// Downloads the packages, largest first. `ready` gets each with its index, on this thread, in the order in which
    /// they come, while others are still on their way; its error ends it all. `progress` is told the sum, from any thread.
    pub fn packages<E: From<Error>>(
        &self,
        packages: &[Package],
        progress: &(dyn Fn(Progress) + Sync),
        ready: &mut dyn FnMut(usize, Fetched) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        if packages.is_empty() {
            return Ok(());
        }
        if let Some(first) = packages.first().filter(|one| self.must_refuse(one)) {
            let what = format!("{} ({} packages in all)", first.path.as_str(), packages.len());
            return Err(Error::Offline { what }.into());
        }
        let mirror = self.mirror()?;
        let mut order: Vec<usize> = (0..packages.len()).collect();
        order.sort_by_key(|&index| std::cmp::Reverse(packages[index].size));
        let groups = Mutex::new(groups(&order, packages, matches!(mirror, Mirror::Apt(_))));
        let meter = Meter::new(packages, progress);
        let stop = AtomicBool::new(false);
        let (sender, receiver) = mpsc::channel();
        thread::scope(|scope| {
            for lane in 0..LANES {
                let (sender, groups, order, meter, stop) = (sender.clone(), &groups, &order, &meter, &stop);
                scope.spawn(move || {
                    let next = || groups.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    while let Some(group) = next().filter(|_| !stop.load(Ordering::Relaxed)) {
                        let group = &order[group];
                        let watch = &mut |bytes| meter.advance(lane, bytes, stop);
                        let answers = self.group(mirror, packages, group, watch);
                        meter.settle(lane, group.iter().map(|&index| packages[index].size).sum());
                        // The receiver is gone when `ready` has failed.
                        if sender.send((group, answers)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            let outcome = hand_over(receiver, mirror, packages, ready);
            stop.store(true, Ordering::Relaxed);
            outcome
        })
    }

    fn must_refuse(&self, package: &Package) -> bool {
        self.settings.offline && !self.is_local(&Origin::Debian(package.path.clone()))
    }

    /// The packages of one group. The outer error is of this machine.
    fn group(
        &self,
        mirror: &Mirror,
        packages: &[Package],
        group: &[usize],
        watch: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Vec<Answer>> {
        let pin = |index: usize| Pin::Sha256(packages[index].sha256);
        let path = |index: usize| packages[index].path.as_str();
        match mirror {
            Mirror::Url(base) => {
                let one = |&index: &usize| {
                    let mut progress = |now: Progress| _ = watch(now.bytes);
                    let fetched = self.fetch_url(&Mirror::quoted(base, path(index)), pin(index), &mut progress);
                    fetched.map(|(file, size)| Fetched { file, size, failures: Vec::new() }).map_err(gone)
                };
                Ok(group.iter().map(one).collect())
            }
            Mirror::Apt(base) => {
                let uris: Vec<String> = group.iter().map(|&index| format!("{base}/{}", path(index))).collect();
                let files = apt::download(&uris, &self.settings.scratch, watch)?;
                let checked = group.iter().zip(files).map(|(&index, file)| {
                    let file = file?;
                    let size = verify(&file, pin(index))?;
                    Ok(Fetched { file, size, failures: Vec::new() })
                });
                Ok(checked.collect())
            }
        }
    }
}

/// A mirror that has not the file has a newer one in its place.
fn gone(cause: Cause) -> Cause {
    match cause {
        Cause::Status(404) => Cause::Gone { answer: "HTTP status 404".into() },
        cause => cause,
    }
}

/// Gives what comes to `ready`. All sources' failures are told together, once everything else has come.
fn hand_over<E: From<Error>>(
    receiver: mpsc::Receiver<(&[usize], Result<Vec<Answer>>)>,
    mirror: &Mirror,
    packages: &[Package],
    ready: &mut dyn FnMut(usize, Fetched) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let mut failures = Vec::new();
    for (group, answers) in receiver {
        for (&index, answer) in group.iter().zip(answers?) {
            match answer {
                Ok(fetched) => ready(index, fetched)?,
                Err(Cause::Local(error)) => return Err((*error).into()),
                Err(cause) => {
                    let origin = format!("{}/{}", mirror.base(), packages[index].path.as_str());
                    failures.push(Failure { origin, cause });
                }
            }
        }
    }
    match failures.len() {
        0 => Ok(()),
        count => Err(Error::Sources { what: format!("{count} of {} packages", packages.len()), failures }.into()),
    }
}

/// Cuts `order` into groups; into single packages where a connection serves one after the other anyway.
fn groups(order: &[usize], packages: &[Package], together: bool) -> VecDeque<Range<usize>> {
    let mut groups: VecDeque<Range<usize>> = VecDeque::new();
    let mut bytes = 0;
    for (place, &index) in order.iter().enumerate() {
        let size = packages[index].size;
        match groups.back_mut() {
            Some(group) if together && group.len() < GROUP_FILES && size <= GROUP.saturating_sub(bytes) => {
                group.end += 1;
                bytes += size;
            }
            _ => {
                groups.push_back(place..place + 1);
                bytes = size;
            }
        }
    }
    groups
}

/// Adds up what the lanes have.
struct Meter<'a> {
    settled: AtomicU64,
    lanes: [AtomicU64; LANES],
    total: u64,
    progress: &'a (dyn Fn(Progress) + Sync),
}

impl<'a> Meter<'a> {
    fn new(packages: &[Package], progress: &'a (dyn Fn(Progress) + Sync)) -> Meter<'a> {
        let total = packages.iter().map(|package| package.size).sum();
        Meter { settled: AtomicU64::new(0), lanes: Default::default(), total, progress }
    }

    /// Takes a lane's bytes of its current group; whether to go on.
    fn advance(&self, lane: usize, bytes: u64, stop: &AtomicBool) -> bool {
        self.lanes[lane].store(bytes, Ordering::Relaxed);
        self.report();
        !stop.load(Ordering::Relaxed)
    }

    fn settle(&self, lane: usize, bytes: u64) {
        self.lanes[lane].store(0, Ordering::Relaxed);
        self.settled.fetch_add(bytes, Ordering::Relaxed);
        self.report();
    }

    fn report(&self) {
        let current: u64 = self.lanes.iter().map(|lane| lane.load(Ordering::Relaxed)).sum();
        let bytes = (current + self.settled.load(Ordering::Relaxed)).min(self.total);
        (self.progress)(Progress { bytes, total: Some(self.total) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{RelativePath, Sha256};

    #[test]
    fn groups_cover_the_order_and_keep_large_packages_alone() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let path = RelativePath::parse("p")?;
        let package = |size| Package {
            name: String::new(),
            version: String::new(),
            sha256: Sha256([0; 32]),
            size,
            path: path.clone(),
        };
        let packages: Vec<Package> =
            [237 << 20, 16 << 20, 9 << 20, 7 << 20].into_iter().chain([1; 40]).map(package).collect();
        let order: Vec<usize> = (0..packages.len()).collect();
        let cut = groups(&order, &packages, true);
        assert_eq!(cut, [0..1, 1..2, 2..4, 4..36, 36..44]);
        assert_eq!(groups(&order, &packages, false).len(), 44);
        Ok(())
    }
}
