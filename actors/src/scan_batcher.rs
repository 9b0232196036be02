//! Where this node deals with a scanner outside: one answer about a job serves every asset of its batch for a while, since
//! hundreds of them wait for the same one.

use std::collections::BTreeMap;
use std::sync::Arc;

use reelgate_flow::reason::{Code, Fault};
use reelgate_ports::clock::Clock;
use reelgate_ports::error::PortResult;
use reelgate_ports::external_scanner::window::Window;
use reelgate_ports::external_scanner::{BatchId, Begun, ExternalScanner, JobFailure, JobStatus, Sidecar};
use reelgate_ports::records::ExternalScanEvent;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

/// How long an answer is good for, milliseconds: Macie's lists and descriptions are limited to a few calls a second.
const GOOD_MS: u64 = 10_000;
/// How long a batch that nobody asks about is remembered, milliseconds.
const REMEMBERED_MS: u64 = 900_000;
/// Windows that a sidecar is written into before somebody should look at the bucket.
const WINDOWS_MAX: u32 = 5;

/// How the scanner is used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExternalScanSettings {
    /// Where sidecars go, as text: two deployments with two areas share no batch.
    pub area: String,
    /// The bucket of that area.
    pub bucket: String,
    /// Milliseconds whose texts go into one job.
    pub window_ms: u64,
    /// Milliseconds after which an asset is not waited for any more.
    pub wait_ms: u64,
    /// Publishing waits for the answer, and not only until the job has begun.
    pub awaited: bool,
}

/// Where the text of an asset was put, and when.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Delivered {
    /// Whose job reads it.
    pub batch: BatchId,
    /// When that job may begin, milliseconds since 1970.
    pub job_from_ms: u64,
}

/// How a batch stands.
#[derive(Clone, Debug)]
pub enum Standing {
    /// Its job begins later: at this time, milliseconds since 1970.
    NotBefore(u64),
    /// The scanner has not ended.
    Running,
    /// It ended, well or not, and told this.
    Ended(Option<JobFailure>, Arc<[ExternalScanEvent]>),
}

/// When a batch was asked about, milliseconds since 1970, and how it stood; `None` before the first answer.
type Known = Option<(u64, Standing)>;

/// See the module.
pub struct ScanBatcher {
    /// The scanner.
    pub scanner: Arc<dyn ExternalScanner>,
    /// How it is used.
    pub settings: ExternalScanSettings,
    clock: Arc<dyn Clock>,
    known: Mutex<BTreeMap<BatchId, Arc<Mutex<Known>>>>,
}

impl ScanBatcher {
    /// A batcher that knows nothing yet.
    pub fn new(
        scanner: Arc<dyn ExternalScanner>,
        settings: ExternalScanSettings,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { scanner, settings, clock, known: Mutex::default() }
    }

    /// Now, milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Puts the text of an asset where the job of the current window reads it, and into the next one where that took too
    /// long. What is left in an earlier one is read twice, which changes nothing.
    ///
    /// # Errors
    /// `scanner_unanswered` where the bucket did not take it, or no window was long enough.
    pub async fn deliver(&self, sidecar: Sidecar) -> Result<Delivered, Fault> {
        for _ in 0..WINDOWS_MAX {
            let window = Window::at(self.now_ms(), self.settings.window_ms);
            let batch = window.batch(&self.settings.area);
            self.scanner.deliver(&batch, &sidecar).await.map_err(|error| error.fault())?;
            if window.is_open(self.now_ms()) {
                return Ok(Delivered { batch, job_from_ms: window.job_from_ms() });
            }
        }
        let detail = format!(
            "expected a sidecar to be written within {} ms, found it slower {WINDOWS_MAX} times",
            self.settings.window_ms
        );
        Err(Fault::new(Code::ScannerUnanswered, detail))
    }

    /// How a batch stands, asked for once for all who want to know at about the same time.
    pub async fn standing(&self, batch: &BatchId) -> PortResult<Standing> {
        let slot = self.slot(batch).await;
        let mut known = slot.lock().await;
        let now_ms = self.now_ms();
        match &*known {
            Some((_, ended @ Standing::Ended(..))) => return Ok(ended.clone()),
            Some((asked_ms, standing)) if now_ms.saturating_sub(*asked_ms) < GOOD_MS => {
                return Ok(standing.clone());
            }
            _ => {}
        }
        *known = None;
        let standing = self.ask(batch).await?;
        *known = Some((now_ms, standing.clone()));
        Ok(standing)
    }

    async fn slot(&self, batch: &BatchId) -> Arc<Mutex<Known>> {
        let mut known = self.known.lock().await;
        let now_ms = self.now_ms();
        // One that is locked is being asked about.
        known.retain(|_, slot| {
            slot.try_lock().map_or(true, |slot| {
                slot.as_ref().is_none_or(|(asked_ms, _)| now_ms.saturating_sub(*asked_ms) < REMEMBERED_MS)
            })
        });
        Arc::clone(known.entry(batch.clone()).or_default())
    }

    async fn ask(&self, batch: &BatchId) -> PortResult<Standing> {
        let job = match self.scanner.begin(batch).await? {
            Begun::Job(job) => job,
            Begun::NotBefore(at_ms) => return Ok(Standing::NotBefore(at_ms)),
        };
        let failure = match self.scanner.status(&job).await? {
            JobStatus::Running => return Ok(Standing::Running),
            JobStatus::Complete => None,
            JobStatus::Failed(failure) => Some(failure),
        };
        Ok(Standing::Ended(failure, self.scanner.findings(&job).await?.into()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use async_trait::async_trait;
    use reelgate_flow::ids::AssetId;
    use reelgate_ports::external_scanner::window::MARGIN_MS;
    use reelgate_ports::external_scanner::{JobId, Removed, SidecarMap};

    use super::*;

    /// A clock, and a scanner whose bucket takes a while and whose jobs never end.
    #[derive(Default)]
    struct Slow {
        now_ms: AtomicU64,
        write_ms: AtomicU64,
        asked: AtomicU64,
    }

    impl Clock for Slow {
        fn now_ms(&self) -> u64 {
            self.now_ms.load(Ordering::Relaxed)
        }
    }

    #[async_trait]
    impl ExternalScanner for Slow {
        async fn prepare(&self) -> PortResult<String> {
            Ok(String::new())
        }

        async fn deliver(&self, _: &BatchId, _: &Sidecar) -> PortResult<()> {
            // Only the first write is slow.
            let took = self.write_ms.swap(0, Ordering::Relaxed);
            self.now_ms.fetch_add(took, Ordering::Relaxed);
            Ok(())
        }

        async fn begin(&self, _: &BatchId) -> PortResult<Begun> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            Ok(Begun::Job(JobId::new("j")))
        }

        async fn status(&self, _: &JobId) -> PortResult<JobStatus> {
            Ok(JobStatus::Running)
        }

        async fn findings(&self, _: &JobId) -> PortResult<Vec<ExternalScanEvent>> {
            Ok(Vec::new())
        }

        async fn map(&self, _: &BatchId, _: &AssetId) -> PortResult<Option<SidecarMap>> {
            Ok(None)
        }

        async fn remove(&self, _: &BatchId, _: &AssetId) -> PortResult<Removed> {
            Ok(Removed::default())
        }

        async fn check(&self) -> PortResult<String> {
            Ok(String::new())
        }
    }

    fn batcher(world: &Arc<Slow>) -> ScanBatcher {
        let settings = ExternalScanSettings {
            area: "s3://sidecars".into(),
            bucket: "sidecars".into(),
            window_ms: 60_000,
            wait_ms: 1_000_000,
            awaited: true,
        };
        ScanBatcher::new(world.clone(), settings, world.clone())
    }

    fn sidecar() -> Sidecar {
        Sidecar { asset: AssetId::new("a"), lines: Vec::new() }
    }

    #[tokio::test]
    async fn text_that_was_written_too_late_for_its_window_goes_into_the_next() {
        let world = Arc::new(Slow::default());
        let batcher = batcher(&world);
        let in_time = batcher.deliver(sidecar()).await.unwrap();
        assert_eq!(in_time.job_from_ms, 60_000 + MARGIN_MS);
        world.write_ms.store(60_000, Ordering::Relaxed);
        let late = batcher.deliver(sidecar()).await.unwrap();
        assert_eq!(late.job_from_ms, 120_000 + MARGIN_MS);
        assert_ne!(late.batch, in_time.batch);
    }

    #[tokio::test]
    async fn one_question_serves_every_asset_of_a_batch_for_a_while() {
        let world = Arc::new(Slow::default());
        let batcher = batcher(&world);
        let batch = batcher.deliver(sidecar()).await.unwrap().batch;
        for _ in 0..5 {
            assert!(matches!(batcher.standing(&batch).await.unwrap(), Standing::Running));
        }
        assert_eq!(world.asked.load(Ordering::Relaxed), 1);
        world.now_ms.store(GOOD_MS, Ordering::Relaxed);
        batcher.standing(&batch).await.unwrap();
        assert_eq!(world.asked.load(Ordering::Relaxed), 2);
        world.now_ms.store(GOOD_MS + REMEMBERED_MS, Ordering::Relaxed);
        batcher.standing(&BatchId::of("other", 1, 2)).await.unwrap();
        assert_eq!(batcher.known.lock().await.len(), 1, "a batch that nobody asks about is forgotten");
    }
}
