//! This node's access to the external scanner. Hundreds of assets wait for the same job, so one answer about a job serves
//! all assets of its batch for some seconds.

use std::collections::BTreeMap;
use std::sync::Arc;

use reelgate_flow::reason::{Code, Fault};
use reelgate_ports::clock::Clock;
use reelgate_ports::error::PortResult;
use reelgate_ports::external_scanner::window::Window;
use reelgate_ports::external_scanner::{
    BatchId, Begun, Delivered, ExternalScanner, JobFailure, JobStatus, Sidecar,
};
use reelgate_ports::records::ExternalScanEvent;
use tokio::sync::Mutex;

/// How long an answer is reused, milliseconds: Macie limits lists and descriptions to a few calls a second.
const FRESH_MS: u64 = 10_000;
/// How long a batch is remembered after the last question about it, milliseconds.
const REMEMBERED_MS: u64 = 900_000;
/// Windows that a sidecar is written into before the delivery fails: the bucket is too slow.
const WINDOWS_MAX: u32 = 5;

/// How the external scanner is used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExternalScanSettings {
    /// The address of the sidecars' area: two deployments with different areas share no batch.
    pub area: String,
    pub bucket: String,
    /// Milliseconds: texts that are delivered within one window are scanned by one job.
    pub window_ms: u64,
    /// Milliseconds after which an asset no longer waits for an answer.
    pub wait_ms: u64,
    /// Whether publishing waits for the answer; otherwise it only waits until the job has begun.
    pub awaited: bool,
}

/// State of a batch.
#[derive(Clone, Debug)]
pub enum BatchState {
    /// Its job begins later: at this time, milliseconds since 1970.
    NotBefore(u64),
    /// Its job has not ended.
    Running,
    /// Its job ended, maybe with a failure, and returned these events.
    Ended(Option<JobFailure>, Arc<[ExternalScanEvent]>),
}

/// When the scanner was asked about a batch, milliseconds since 1970, and its answer; `None` before the first answer.
type LastAnswer = Option<(u64, BatchState)>;

/// See the module.
pub struct ScanBatcher {
    pub scanner: Arc<dyn ExternalScanner>,
    pub settings: ExternalScanSettings,
    clock: Arc<dyn Clock>,
    answers: Mutex<BTreeMap<BatchId, Arc<Mutex<LastAnswer>>>>,
}

impl ScanBatcher {
    pub fn new(
        scanner: Arc<dyn ExternalScanner>,
        settings: ExternalScanSettings,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { scanner, settings, clock, answers: Mutex::default() }
    }

    /// Now, milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Delivers the text of an asset to the job of the current window. If the write ends after the window, it delivers the
    /// text to the next window too. The scanner then reads the text twice, which changes nothing.
    ///
    /// # Errors
    /// `scanner_unavailable` where the bucket did not take the text, `scanner_unanswered` where every write ended after its
    /// window.
    pub async fn deliver(&self, sidecar: Sidecar) -> Result<Delivered, Fault> {
        for _ in 0..WINDOWS_MAX {
            let window = Window::at(self.now_ms(), self.settings.window_ms);
            let to =
                Delivered { batch: window.batch(&self.settings.area), job_from_ms: window.job_from_ms() };
            self.scanner.deliver(&to, &sidecar).await.map_err(|error| error.fault())?;
            if window.is_open(self.now_ms()) {
                return Ok(to);
            }
        }
        let detail = format!(
            "expected a sidecar to be written within {} ms, found it slower {WINDOWS_MAX} times",
            self.settings.window_ms
        );
        Err(Fault::new(Code::ScannerUnanswered, detail))
    }

    /// The state of a batch. Callers who ask at about the same time share one question to the scanner.
    pub async fn state(&self, batch: &BatchId) -> PortResult<BatchState> {
        let slot = self.slot(batch).await;
        let mut last = slot.lock().await;
        let now_ms = self.now_ms();
        match &*last {
            Some((_, ended @ BatchState::Ended(..))) => return Ok(ended.clone()),
            Some((asked_ms, state)) if now_ms.saturating_sub(*asked_ms) < FRESH_MS => {
                return Ok(state.clone());
            }
            _ => {}
        }
        *last = None;
        let state = self.ask(batch).await?;
        *last = Some((now_ms, state.clone()));
        Ok(state)
    }

    async fn slot(&self, batch: &BatchId) -> Arc<Mutex<LastAnswer>> {
        let mut answers = self.answers.lock().await;
        let now_ms = self.now_ms();
        // A locked slot is in use: its batch is being asked about.
        answers.retain(|_, slot| {
            slot.try_lock().map_or(true, |slot| {
                slot.as_ref().is_none_or(|(asked_ms, _)| now_ms.saturating_sub(*asked_ms) < REMEMBERED_MS)
            })
        });
        Arc::clone(answers.entry(batch.clone()).or_default())
    }

    async fn ask(&self, batch: &BatchId) -> PortResult<BatchState> {
        let job = match self.scanner.begin(batch).await? {
            Begun::Job(job) => job,
            Begun::NotBefore(at_ms) => return Ok(BatchState::NotBefore(at_ms)),
        };
        let failure = match self.scanner.status(&job).await? {
            JobStatus::Running => return Ok(BatchState::Running),
            JobStatus::Complete => None,
            JobStatus::Failed(failure) => Some(failure),
        };
        Ok(BatchState::Ended(failure, self.scanner.findings(&job).await?.into()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use async_trait::async_trait;
    use reelgate_flow::ids::AssetId;
    use reelgate_ports::external_scanner::window::MARGIN_MS;
    use reelgate_ports::external_scanner::{FindingPage, JobId, Removed, SidecarMap};

    use super::*;

    /// A clock, and a scanner whose bucket is slow and whose jobs never end.
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

        async fn deliver(&self, _: &Delivered, _: &Sidecar) -> PortResult<()> {
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

        async fn findings_since(&self, _: u64, _: Option<&str>) -> PortResult<FindingPage> {
            Ok(FindingPage::default())
        }

        async fn map(&self, _: &BatchId, _: &AssetId) -> PortResult<Option<SidecarMap>> {
            Ok(None)
        }

        async fn remove(&self, _: &AssetId, _: Option<&Delivered>) -> PortResult<Removed> {
            Ok(Removed::default())
        }

        async fn check(&self) -> PortResult<String> {
            Ok(String::new())
        }
    }

    fn batcher(slow: &Arc<Slow>) -> ScanBatcher {
        let settings = ExternalScanSettings {
            area: "s3://sidecars".into(),
            bucket: "sidecars".into(),
            window_ms: 60_000,
            wait_ms: 1_000_000,
            awaited: true,
        };
        ScanBatcher::new(slow.clone(), settings, slow.clone())
    }

    fn sidecar() -> Sidecar {
        Sidecar { asset: AssetId::new("a"), lines: Vec::new() }
    }

    #[tokio::test]
    async fn a_text_written_too_late_for_its_window_goes_into_the_next_one() {
        let slow = Arc::new(Slow::default());
        let batcher = batcher(&slow);
        let in_time = batcher.deliver(sidecar()).await.unwrap();
        assert_eq!(in_time.job_from_ms, 60_000 + MARGIN_MS);
        slow.write_ms.store(60_000, Ordering::Relaxed);
        let late = batcher.deliver(sidecar()).await.unwrap();
        assert_eq!(late.job_from_ms, 120_000 + MARGIN_MS);
        assert_ne!(late.batch, in_time.batch);
    }

    #[tokio::test]
    async fn one_answer_serves_every_asset_of_a_batch_for_some_seconds() {
        let slow = Arc::new(Slow::default());
        let batcher = batcher(&slow);
        let batch = batcher.deliver(sidecar()).await.unwrap().batch;
        for _ in 0..5 {
            assert!(matches!(batcher.state(&batch).await.unwrap(), BatchState::Running));
        }
        assert_eq!(slow.asked.load(Ordering::Relaxed), 1);
        slow.now_ms.store(FRESH_MS, Ordering::Relaxed);
        batcher.state(&batch).await.unwrap();
        assert_eq!(slow.asked.load(Ordering::Relaxed), 2);
        slow.now_ms.store(FRESH_MS + REMEMBERED_MS, Ordering::Relaxed);
        batcher.state(&BatchId::of("other", 1, 2)).await.unwrap();
        assert_eq!(batcher.answers.lock().await.len(), 1, "a batch that nobody asks about is forgotten");
    }
}
