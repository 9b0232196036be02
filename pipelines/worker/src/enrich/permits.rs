//! Limits the frames in flight. A frame acquires a permit when it leaves its decoder and releases it after it has been
//! measured, so a decoder that is faster than the analysis waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam::channel::{Receiver, Sender, bounded};

/// All permits of one pass.
#[derive(Clone)]
pub struct Permits {
    free: Receiver<()>,
    release: Sender<()>,
    gauge: Arc<Gauge>,
}

#[derive(Default)]
struct Gauge {
    taken: AtomicUsize,
    peak: AtomicUsize,
}

/// The permit of one frame; dropping it releases it.
pub struct Permit {
    release: Sender<()>,
    gauge: Arc<Gauge>,
}

impl Permits {
    /// `count` permits, but at least one.
    pub fn new(count: usize) -> Self {
        let count = count.max(1);
        let (release, free) = bounded(count);
        for _ in 0..count {
            release.send(()).expect("the channel has room for all permits");
        }
        Self { free, release, gauge: Arc::default() }
    }

    /// Waits for a permit.
    pub fn take(&self) -> Permit {
        self.free.recv().expect("this value owns a sender, so the channel is open");
        let taken = self.gauge.taken.fetch_add(1, Ordering::SeqCst) + 1;
        self.gauge.peak.fetch_max(taken, Ordering::SeqCst);
        Permit { release: self.release.clone(), gauge: self.gauge.clone() }
    }

    /// The number of all permits, free or not.
    pub fn count(&self) -> usize {
        self.free.capacity().unwrap_or(1)
    }

    /// The largest number of permits that were acquired at the same time.
    pub fn peak(&self) -> usize {
        self.gauge.peak.load(Ordering::SeqCst)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gauge.taken.fetch_sub(1, Ordering::SeqCst);
        // The channel cannot be full. If it is closed, nothing waits for a permit any more.
        let _ = self.release.try_send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_more_permits_are_acquired_than_exist() {
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
        assert_eq!(permits.free.len(), 3, "all were released");
    }
}
