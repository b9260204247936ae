//! Many waits at once. Calls to a server spend their time waiting, so there are more of them than cores.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, scope};

/// Applies `work` to each item, on up to `threads` threads, of which this is one: where the system refuses others, it takes
/// longer. The answers come in the order of the items.
pub(crate) fn map<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let take = || {
        let place = next.fetch_add(1, Ordering::Relaxed);
        items.get(place).map(|item| (place, item))
    };
    let work_on = || {
        while let Some((place, item)) = take() {
            let answer = work(item);
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.push((place, answer));
        }
    };
    scope(|scope| {
        let others = threads.min(items.len()).saturating_sub(1);
        let started = |_: &usize| Builder::new().spawn_scoped(scope, work_on).is_ok();
        (0..others).take_while(started).for_each(drop);
        work_on();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_order() {
        let items: Vec<u64> = (0..1000).collect();
        let squares = map(&items, 7, |item| item * item);
        assert!(
            squares
                .iter()
                .zip(&items)
                .all(|(square, item)| *square == item * item)
        );
        assert!(map(&[], 3, |item: &u64| *item).is_empty());
    }
}
