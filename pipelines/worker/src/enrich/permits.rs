//! The bound on frames in flight: a frame takes a permit when it leaves its decoder and gives it back when it
//! has been measured, so a decoder that is faster than the analysis waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam::channel::{Receiver, Sender, bounded};

/// All permits of one pass.
#[derive(Clone)]
pub struct Permits {
    free: Receiver<()>,
    home: Sender<()>,
    gauge: Arc<Gauge>,
}

#[derive(Default)]
struct Gauge {
    taken: AtomicUsize,
    peak: AtomicUsize,
}

/// One frame's right to exist; returned on drop.
pub struct Permit {
    home: Sender<()>,
    gauge: Arc<Gauge>,
}

impl Permits {
    /// At least one.
    pub fn new(count: usize) -> Self {
        let count = count.max(1);
        let (home, free) = bounded(count);
        for _ in 0..count {
            home.send(()).expect("the channel holds as many as there are permits");
        }
        Self { free, home, gauge: Arc::default() }
    }

    /// Waits for a permit.
    pub fn take(&self) -> Permit {
        self.free.recv().expect("this object holds a sender");
        let taken = self.gauge.taken.fetch_add(1, Ordering::SeqCst) + 1;
        self.gauge.peak.fetch_max(taken, Ordering::SeqCst);
        Permit { home: self.home.clone(), gauge: self.gauge.clone() }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.free.capacity().unwrap_or(1)
    }

    /// Most permits that were ever out at once.
    pub fn peak(&self) -> usize {
        self.gauge.peak.load(Ordering::SeqCst)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gauge.taken.fetch_sub(1, Ordering::SeqCst);
        // Full is impossible, a closed channel means that nobody waits any more.
        let _ = self.home.try_send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_more_are_out_than_there_are() {
        let permits = Permits::new(3);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..200).for_each(|_| drop(permits.take())));
            }
        });
        assert!((1..=3).contains(&permits.peak()));
        let all = [permits.take(), permits.take(), permits.take()];
        assert_eq!(permits.peak(), 3);
        drop(all);
        assert_eq!(permits.free.len(), 3, "all came home");
    }
}
