//! Work on many things at once whose results are wanted one after the other.
//!
//! On threads of its own, not on a pool: who waits for a pool may be given other work of it, and come to wait for a
//! lock that it holds itself.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// The most threads that work on one thing; more of them wait for the one that takes the results.
const THREADS: usize = 4;

/// How many threads are worth their start here, this one included.
pub(super) fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(THREADS)
}

/// Calls `work` on each of `items`, on all cores, and `take` on each result, in the order of the items, on this
/// thread, which works on items itself where none is ready.
pub(super) fn in_order<'t, T: Sync, R: Send>(
    items: &'t [T],
    work: impl Fn(&'t T) -> R + Sync,
    mut take: impl FnMut(&'t T, R),
) {
    if items.is_empty() {
        return;
    }
    let next = AtomicUsize::new(0);
    let work_on_one = || {
        let no = next.fetch_add(1, Ordering::Relaxed);
        items.get(no).map(|item| (no, work(item)))
    };
    thread::scope(|scope| {
        let (done, results) = mpsc::channel();
        for _ in 1..threads() {
            let done = done.clone();
            // Where no thread can be had, this one does it all.
            let _ = thread::Builder::new().spawn_scoped(scope, move || {
                while let Some(result) = work_on_one() {
                    if done.send(result).is_err() {
                        break;
                    }
                }
            });
        }
        drop(done);
        let mut ready: Vec<Option<R>> = items.iter().map(|_| None).collect();
        let keep = |ready: &mut Vec<Option<R>>, (no, result): (usize, R)| {
            if let Some(slot) = ready.get_mut(no) {
                *slot = Some(result);
            }
        };
        for (no, item) in items.iter().enumerate() {
            loop {
                results.try_iter().for_each(|result| keep(&mut ready, result));
                if let Some(result) = ready.get_mut(no).and_then(Option::take) {
                    take(item, result);
                    break;
                }
                if let Some(result) = work_on_one() {
                    keep(&mut ready, result);
                } else if let Ok(result) = results.recv() {
                    keep(&mut ready, result);
                } else {
                    // A thread panicked: the scope says so.
                    return;
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items_whoever_was_first() {
        let items: Vec<u64> = (0..500).collect();
        // The first of each ten takes the longest.
        let work = |n: &u64| (0..(10 - n % 10) * 2_000).fold(*n, |sum, k| sum ^ k.wrapping_mul(sum | 1));
        let mut got = Vec::new();
        in_order(&items, work, |item, result| got.push((*item, result)));
        assert_eq!(got, items.iter().map(|n| (*n, work(n))).collect::<Vec<_>>());
        in_order(&[], |n: &u64| *n, |_, _| panic!("nothing to take"));
    }

    #[test]
    fn a_panic_in_the_work_is_a_panic_here() {
        let work = |n: &u64| assert!(*n != 70, "seventy");
        let caught = std::panic::catch_unwind(|| in_order(&(0..100).collect::<Vec<u64>>(), work, |_, ()| {}));
        assert!(caught.is_err());
    }
}
