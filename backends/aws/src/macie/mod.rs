//! Amazon Macie as the external scanner. It reads the sidecars in their own bucket, with one classification job per batch.
//!
//! ```text
//! scan/BATCH/ASSET.jsonl      sidecar; the job of the batch reads it
//! map/BATCH/ASSET.json        places of the sidecar's lines; outside the job's scope
//! sent/ASSET/TIME-BATCH       record of both, empty; written first and removed last
//! ```
//!
//! A job's scope is the bucket and the prefix of its batch. Its identifiers are listed one by one. Its name contains the
//! batch, so that a job that was begun before a crash is found again. Sources: Amazon Macie API Reference and User Guide.

mod custom;
mod finding_sweep;
mod identifiers;
mod job_findings;
mod jobs;
mod limiter;
mod managed;
mod settings;
mod sidecars;

use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_macie2::Client;
use aws_sdk_macie2::types::MacieStatus;
use reelgate_flow::ids::AssetId;
use reelgate_ports::clock::Clock;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::external_scanner::{
    BatchId, Begun, Delivered, ExternalScanner, FindingPage, JobId, JobStatus, Removed, Sidecar, SidecarMap,
};
use reelgate_ports::records::ExternalScanEvent;
use tokio::sync::OnceCell;

use crate::error::ApiCall;
use crate::objects::bucket::Bucket;
use identifiers::Identifiers;
pub use managed::MANAGED_IDENTIFIERS;
pub use settings::MacieSettings;

const SESSION: ApiCall = ApiCall::new(Port::ExternalScanner, "reach the scanner", "macie2:GetMacieSession");

pub struct MacieScanner {
    client: Client,
    bucket: Arc<Bucket>,
    settings: MacieSettings,
    limiter: limiter::Limiter,
    identifiers: OnceCell<Identifiers>,
}

impl MacieScanner {
    /// Macie through `client`, and the sidecars in S3 through `config`. The first use connects. `Invalid` if the settings are
    /// invalid.
    pub fn new(
        client: Client,
        config: &SdkConfig,
        settings: MacieSettings,
        clock: Arc<dyn Clock>,
    ) -> PortResult<Self> {
        settings.check()?;
        let bucket = Arc::new(Bucket::new(config, settings.transfer.clone())?);
        let limiter = limiter::Limiter::new(clock, limiter::JOB_INTERVAL_MS);
        Ok(Self { client, bucket, settings, limiter, identifiers: OnceCell::new() })
    }

    /// The identifiers of all jobs of this process. They are queried and created once, or again if that failed.
    async fn identifiers(&self) -> PortResult<&Identifiers> {
        let ask = || async {
            let managed = managed::known(&self.client, &self.settings.managed).await?;
            let custom = custom::ensure(&self.client, &self.settings.custom).await?;
            if managed.is_empty() && custom.is_empty() {
                let detail = "expected an identifier that the scanner knows, found none";
                return Err(PortError::new(
                    Port::ExternalScanner,
                    ErrorKind::Invalid,
                    "select the scanner's identifiers",
                    detail,
                ));
            }
            Ok(Identifiers { managed, custom })
        };
        self.identifiers.get_or_try_init(ask).await
    }
}

/// Reports an error of the sidecars' bucket as an error of the scanner, because operators look for it there.
fn as_scanner_error(error: PortError) -> PortError {
    error.of_port(Port::ExternalScanner)
}

/// Extends a denial with a second possible cause: Macie denies every call if it is not enabled in the account.
fn denied_or_not_enabled(mut error: PortError) -> PortError {
    if error.kind == ErrorKind::Denied {
        error.detail.push_str("; or Macie is not enabled in this account and region");
    }
    error
}

#[async_trait]
impl ExternalScanner for MacieScanner {
    async fn prepare(&self) -> PortResult<String> {
        let Identifiers { managed, custom } = self.identifiers().await?;
        let all = self.settings.managed.len();
        Ok(format!(
            "{} of {all} managed identifiers known, {} custom identifiers registered",
            managed.len(),
            custom.len()
        ))
    }

    async fn deliver(&self, to: &Delivered, sidecar: &Sidecar) -> PortResult<()> {
        sidecars::deliver(&self.bucket, &self.settings.area, to, sidecar).await.map_err(as_scanner_error)
    }

    async fn begin(&self, batch: &BatchId) -> PortResult<Begun> {
        if let Some(job) = jobs::find(&self.client, batch).await? {
            return Ok(Begun::Job(job));
        }
        let identifiers = self.identifiers().await?;
        if let Err(free_ms) = self.limiter.take() {
            return Ok(Begun::NotBefore(free_ms));
        }
        jobs::create(&self.client, &self.settings, identifiers, batch).await.map(Begun::Job)
    }

    async fn status(&self, job: &JobId) -> PortResult<JobStatus> {
        jobs::status(&self.client, job).await
    }

    async fn findings(&self, job: &JobId) -> PortResult<Vec<ExternalScanEvent>> {
        job_findings::of_job(&self.client, job).await
    }

    async fn findings_since(&self, since_ms: u64, page: Option<&str>) -> PortResult<FindingPage> {
        let mut buckets = self.settings.buckets.clone();
        buckets.insert(self.settings.area.bucket.clone());
        finding_sweep::page(&self.client, &buckets, since_ms, page).await
    }

    async fn map(&self, batch: &BatchId, asset: &AssetId) -> PortResult<Option<SidecarMap>> {
        sidecars::map(&self.bucket, &self.settings.area, batch, asset).await.map_err(as_scanner_error)
    }

    async fn remove(&self, asset: &AssetId, until: Option<&Delivered>) -> PortResult<Removed> {
        sidecars::remove(&self.bucket, &self.settings.area, asset, until).await.map_err(as_scanner_error)
    }

    async fn check(&self) -> PortResult<String> {
        let session = self.client.get_macie_session().send().await;
        let session = session.map_err(|error| denied_or_not_enabled(SESSION.error(&error)))?;
        if session.status() != Some(&MacieStatus::Enabled) {
            let detail =
                "expected Macie to be enabled, found it paused; resume it in this account and region";
            return Err(PortError::new(
                Port::ExternalScanner,
                ErrorKind::Unavailable,
                SESSION.operation,
                detail,
            ));
        }
        let known = managed::known(&self.client, &self.settings.managed).await?;
        sidecars::check(&self.bucket, &self.settings.area).await.map_err(as_scanner_error)?;
        Ok(format!(
            "Macie is enabled; {} of {} managed identifiers known, {} custom identifiers configured; the bucket of \
             sidecars is writable",
            known.len(),
            self.settings.managed.len(),
            self.settings.custom.len()
        ))
    }
}
