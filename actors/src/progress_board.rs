//! The work that is running now, for progress bars and health checks. Nothing is decided from it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use reelgate_flow::ids::AssetId;
use reelgate_flow::task::{Lane, TaskKey};

/// Live state of the engine of this process.
#[derive(Debug)]
pub struct ProgressBoard {
    inner: Mutex<Inner>,
    changed: tokio::sync::Notify,
}

#[derive(Debug, Default)]
struct Inner {
    assets: BTreeMap<AssetId, AssetProgress>,
    running: BTreeMap<Lane, u16>,
    /// The actors that a drain waits for; `None` before a drain begins.
    draining: Option<Vec<&'static str>>,
    dead: Option<&'static str>,
}

/// Media work of one asset, in nanoseconds of media, weighted equally over its media tasks.
#[derive(Clone, Debug)]
pub struct AssetProgress {
    /// When this process first worked on it.
    pub since: Instant,
    /// All media work of the plan.
    pub planned_ns: u64,
    /// The part of the plan that earlier processes did.
    pub inherited_ns: u64,
    done_ns: BTreeMap<TaskKey, u64>,
    /// The stage of the task that began last.
    pub stage: &'static str,
    /// Tasks of it that run now.
    running: u16,
}

/// Assets without a running task that are remembered. An asset that ends on another node is never reported as ended here.
const IDLE_ASSETS_MAX: usize = 256;

impl AssetProgress {
    /// Done so far, nanoseconds of media.
    pub fn done_ns(&self) -> u64 {
        self.done_ns.values().fold(self.inherited_ns, |sum, ns| sum.saturating_add(*ns))
    }

    /// Done part of the plan, 0 to 1; `None` before there is a plan.
    pub fn fraction(&self) -> Option<f64> {
        (self.planned_ns > 0).then(|| (self.done_ns() as f64 / self.planned_ns as f64).min(1.0))
    }

    /// Seconds left, estimated from the speed of this process; `None` before it has made progress.
    pub fn eta_s(&self) -> Option<f64> {
        let own: u64 = self.done_ns.values().sum();
        let left = self.planned_ns.saturating_sub(self.done_ns());
        (own > 0).then(|| self.since.elapsed().as_secs_f64() * left as f64 / own as f64)
    }
}

impl Default for ProgressBoard {
    fn default() -> Self {
        Self { inner: Mutex::default(), changed: tokio::sync::Notify::new() }
    }
}

impl ProgressBoard {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it holds the lock, and the data is only displayed.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A task began.
    pub fn began(&self, asset: &AssetId, task: TaskKey) {
        let mut inner = self.lock();
        *inner.running.entry(task.lane()).or_default() += 1;
        let work = inner.assets.entry(asset.clone()).or_insert_with(|| AssetProgress {
            since: Instant::now(),
            planned_ns: 0,
            inherited_ns: 0,
            done_ns: BTreeMap::new(),
            stage: task.stage(),
            running: 0,
        });
        work.stage = task.stage();
        work.running += 1;
    }

    /// A task ended, whatever its outcome. Of the assets that wait for a next task here, the earliest are forgotten.
    pub fn ended(&self, asset: &AssetId, task: TaskKey) {
        let mut inner = self.lock();
        if let Some(running) = inner.running.get_mut(&task.lane()) {
            *running = running.saturating_sub(1);
        }
        if let Some(work) = inner.assets.get_mut(asset) {
            work.running = work.running.saturating_sub(1);
        }
        let idle = |inner: &Inner| inner.assets.values().filter(|work| work.running == 0).count();
        if inner.assets.len() > IDLE_ASSETS_MAX && idle(&inner) > IDLE_ASSETS_MAX {
            let idle = inner.assets.iter().filter(|(_, work)| work.running == 0);
            if let Some(earliest) = idle.min_by_key(|(_, work)| work.since).map(|(id, _)| id.clone()) {
                inner.assets.remove(&earliest);
            }
        }
        drop(inner);
        self.changed.notify_waiters();
    }

    /// Whether the plan of an asset is known here.
    pub fn is_planned(&self, asset: &AssetId) -> bool {
        self.lock().assets.get(asset).is_some_and(|work| work.planned_ns > 0)
    }

    /// The plan of an asset is known: all its media work, and the part that earlier processes did.
    pub fn planned(&self, asset: &AssetId, planned_ns: u64, inherited_ns: u64) {
        if let Some(work) = self.lock().assets.get_mut(asset)
            && work.planned_ns == 0
        {
            work.planned_ns = planned_ns;
            work.inherited_ns = inherited_ns;
        }
    }

    /// A media task made progress.
    pub fn progressed(&self, asset: &AssetId, task: TaskKey, done_ns: u64) {
        if let Some(work) = self.lock().assets.get_mut(asset) {
            work.done_ns.insert(task, done_ns);
        }
    }

    /// An asset ended and is no longer shown.
    pub fn forget(&self, asset: &AssetId) {
        self.lock().assets.remove(asset);
        self.changed.notify_waiters();
    }

    /// Every asset that is being worked on.
    pub fn snapshot(&self) -> Vec<(AssetId, AssetProgress)> {
        self.lock().assets.iter().map(|(id, work)| (id.clone(), work.clone())).collect()
    }

    /// Number of tasks running now.
    pub fn running(&self) -> usize {
        self.lock().running.values().map(|running| usize::from(*running)).sum()
    }

    /// Tasks running now, by lane.
    pub fn in_flight(&self) -> Vec<(Lane, u16)> {
        self.lock().running.iter().map(|(lane, running)| (*lane, *running)).collect()
    }

    /// A drain has begun and waits for these actors to end.
    pub fn mark_draining(&self, actors: Vec<&'static str>) {
        self.lock().draining = Some(actors);
        self.changed.notify_waiters();
    }

    /// The actors that a drain waits for; `None` before a drain begins.
    pub fn draining(&self) -> Option<Vec<&'static str>> {
        self.lock().draining.clone()
    }

    /// Whether the drain is complete: every claimed task is committed or given back, the shards are released, and no actor
    /// calls the store any more.
    pub fn is_drained(&self) -> bool {
        self.lock().draining.as_ref().is_some_and(Vec::is_empty)
    }

    /// The engine cannot continue, for this reason.
    pub fn mark_dead(&self, reason: &'static str) {
        self.lock().dead = Some(reason);
        self.changed.notify_waiters();
    }

    /// Why the engine cannot continue.
    pub fn dead(&self) -> Option<&'static str> {
        self.lock().dead
    }

    /// Resolves at the next change of tasks or assets.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset(number: usize) -> AssetId {
        AssetId::new(format!("{number:026}"))
    }

    #[test]
    fn assets_that_end_elsewhere_do_not_stay_for_ever() {
        let board = ProgressBoard::default();
        board.began(&asset(0), TaskKey::Audio);
        for number in 1..=3 * IDLE_ASSETS_MAX {
            board.began(&asset(number), TaskKey::Screen);
            board.ended(&asset(number), TaskKey::Screen);
        }
        let shown = board.snapshot();
        assert_eq!(shown.len(), IDLE_ASSETS_MAX + 1);
        assert_eq!(shown[0].0, asset(0), "an asset with a running task is shown, however long ago it began");
        assert_eq!(shown.last().unwrap().0, asset(3 * IDLE_ASSETS_MAX));
        assert_eq!(board.running(), 1);
    }
}
