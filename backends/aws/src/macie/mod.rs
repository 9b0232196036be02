//! Amazon Macie: reads the sidecars of batches in a bucket of their own, one classification job for each batch.
//!
//! ```text
//! scan/BATCH/ASSET.jsonl      what the job of the batch reads
//! map/BATCH/ASSET.json        ties the lines to places; outside of the job's scope
//! ```
//!
//! A job's scope is the bucket and the prefix of its batch, its identifiers are named one by one, and its name carries
//! the batch, so that a job begun before a crash is found again. Sources: Amazon Macie API Reference and User Guide.

mod custom;
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
    BatchId, Begun, ExternalScanner, JobId, JobStatus, Removed, Sidecar, SidecarMap,
};
use reelgate_ports::records::ExternalScanEvent;
use tokio::sync::OnceCell;

use crate::error::ApiCall;
use crate::objects::bucket::Bucket;
pub use managed::MANAGED_IDENTIFIERS;
pub use settings::MacieSettings;

const SESSION: ApiCall = ApiCall::new(Port::ExternalScanner, "reach the scanner", "macie2:GetMacieSession");

/// Macie as the scanner.
pub struct MacieScanner {
    client: Client,
    bucket: Arc<Bucket>,
    settings: MacieSettings,
    limiter: limiter::Limiter,
    identifiers: OnceCell<Identifiers>,
}

/// What a job looks for, by the ids that Macie knows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Identifiers {
    managed: Vec<String>,
    custom: Vec<String>,
}

impl MacieScanner {
    /// Macie through `client`, the sidecars through S3 as `config` says; connects when it is first used. `Invalid`
    /// where the settings cannot be.
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

    /// The identifiers of every job of this process: asked for and made once, again where that failed.
    async fn identifiers(&self) -> PortResult<&Identifiers> {
        let ask = || async {
            let managed = managed::known(&self.client, &self.settings.managed).await?;
            let custom = custom::ensure(&self.client, &self.settings.custom).await?;
            if managed.is_empty() && custom.is_empty() {
                let detail = "expected an identifier that the scanner knows, found none";
                return Err(PortError::new(
                    Port::ExternalScanner,
                    ErrorKind::Invalid,
                    "choose the scanner's identifiers",
                    detail,
                ));
            }
            Ok(Identifiers { managed, custom })
        };
        self.identifiers.get_or_try_init(ask).await
    }
}

/// The bucket of sidecars is a part of the scanner: an operator looks for its errors there.
fn scanners(error: PortError) -> PortError {
    error.of_port(Port::ExternalScanner)
}

/// An account without Macie denies every call of it.
fn or_off(mut error: PortError) -> PortError {
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
            "{} of {all} managed identifiers known, {} custom ones in place",
            managed.len(),
            custom.len()
        ))
    }

    async fn deliver(&self, batch: &BatchId, sidecar: &Sidecar) -> PortResult<()> {
        sidecars::deliver(&self.bucket, &self.settings.area, batch, sidecar).await.map_err(scanners)
    }

    async fn begin(&self, batch: &BatchId) -> PortResult<Begun> {
        if let Some(job) = jobs::begun_before(&self.client, batch).await? {
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

    async fn map(&self, batch: &BatchId, asset: &AssetId) -> PortResult<Option<SidecarMap>> {
        sidecars::map(&self.bucket, &self.settings.area, batch, asset).await.map_err(scanners)
    }

    async fn remove(&self, batch: &BatchId, asset: &AssetId) -> PortResult<Removed> {
        sidecars::remove(&self.bucket, &self.settings.area, batch, asset).await.map_err(scanners)
    }

    async fn check(&self) -> PortResult<String> {
        let session = self.client.get_macie_session().send().await;
        let session = session.map_err(|error| or_off(SESSION.error(&error)))?;
        if session.status() != Some(&MacieStatus::Enabled) {
            let detail = "expected an enabled Macie, found it paused; resume it in this account and region";
            return Err(PortError::new(
                Port::ExternalScanner,
                ErrorKind::Unavailable,
                SESSION.operation,
                detail,
            ));
        }
        let known = managed::known(&self.client, &self.settings.managed).await?;
        sidecars::check(&self.bucket, &self.settings.area).await.map_err(scanners)?;
        Ok(format!(
            "Macie is enabled; {} of {} managed identifiers known, {} custom ones to use; the bucket of sidecars is \
             written",
            known.len(),
            self.settings.managed.len(),
            self.settings.custom.len()
        ))
    }
}
