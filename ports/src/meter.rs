//! Counts what an attempt uses of what costs money, where it is used: a backend counts each request when it sends it, and the stage reads
//! the sum when the attempt ends. Work without a meter (a sweep, a check) is counted by nobody.

use std::array;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reelgate_cost::resource::Resource;

tokio::task_local! {
    static CURRENT: Meter;
}

/// The counts of one attempt.
#[derive(Clone, Debug)]
pub struct Meter(Arc<[AtomicU64; Resource::ALL.len()]>);

impl Default for Meter {
    fn default() -> Self {
        Self(Arc::new(array::from_fn(|_| AtomicU64::new(0))))
    }
}

impl Meter {
    /// The meter of the attempt in which this runs.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }

    /// Runs work within this meter.
    pub async fn within<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// Counts.
    pub fn add(&self, resource: Resource, quantity: u64) {
        if let Some(index) = Resource::ALL.iter().position(|one| *one == resource) {
            self.0[index].fetch_add(quantity, Ordering::Relaxed);
        }
    }

    /// What was counted so far, without zeros.
    pub fn counts(&self) -> Vec<(Resource, u64)> {
        let counts = Resource::ALL.into_iter().zip(self.0.iter());
        let counts = counts.map(|(resource, count)| (resource, count.load(Ordering::Relaxed)));
        counts.filter(|(_, count)| *count > 0).collect()
    }
}

/// Counts in the meter of the attempt in which this runs, if there is one.
pub fn count(resource: Resource, quantity: u64) {
    if let Some(meter) = Meter::current() {
        meter.add(resource, quantity);
    }
}

/// Work that another task or thread runs, within the given meter.
pub async fn carried<F: Future>(meter: Option<Meter>, work: F) -> F::Output {
    match meter {
        Some(meter) => meter.within(work).await,
        None => work.await,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_attempt_counts_what_its_tasks_use_and_nothing_else() {
        let meters = [Meter::default(), Meter::default()];
        let attempt = |meter: &Meter, requests: u64| {
            meter.clone().within(async move {
                count(Resource::S3Put, requests);
                let spawned = tokio::spawn(carried(Meter::current(), async { count(Resource::S3Get, 1) }));
                tokio::spawn(async { count(Resource::S3List, 1) }).await.unwrap();
                spawned.await.unwrap();
            })
        };
        tokio::join!(attempt(&meters[0], 2), attempt(&meters[1], 3));
        count(Resource::S3Head, 1);
        let expected = |requests| vec![(Resource::S3Put, requests), (Resource::S3Get, 1)];
        assert_eq!(meters.map(|meter| meter.counts()), [expected(2), expected(3)]);
    }
}
