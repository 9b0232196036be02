//! The external scanner (Amazon Macie), which reads the text of assets and answers hours later.
//!
//! Such a scanner cannot read media, so it gets their text as sidecar files: one line of JSON for each piece of text. It
//! charges and limits by jobs, so assets are grouped into batches ([`window`]) with one job each. A finding names lines
//! of a sidecar; a separate map gives the places of these lines in the asset ([`sidecar`]). An asset whose job did not
//! succeed is not clean but unscanned ([`findings::verdict`]).

mod custom;
pub mod findings;
mod ids;
mod job;
mod report;
pub mod sidecar;
pub mod window;

use async_trait::async_trait;
use reelgate_flow::ids::AssetId;

use crate::error::PortResult;
use crate::events::RefusedEvent;
use crate::records::ExternalScanEvent;
pub use custom::scanner_name;
pub use ids::{BatchId, Delivered, JobId};
pub use job::{Begun, JobFailure, JobStatus};
pub use report::{CUSTOM_CATEGORY, Detection, ExternalScanReport, LOCATIONS_MAX};
pub use sidecar::{ExternalScanLine, SidecarMap, SidecarName};

/// The text of one asset.
pub struct Sidecar {
    /// The asset.
    pub asset: AssetId,
    /// Its text, line by line.
    pub lines: Vec<ExternalScanLine>,
}

/// Number and size of removed objects.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Removed {
    /// Versions of objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Addresses at which nothing was left, checked one by one.
    pub addresses: u64,
}

/// A page of findings, oldest change first.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct FindingPage {
    /// The findings.
    pub scans: Vec<ExternalScanEvent>,
    /// Findings that cannot be parsed.
    pub refused: Vec<RefusedEvent>,
    /// The latest change of a finding on this page by the scanner's clock, milliseconds since 1970; `None` for an empty page.
    pub updated_ms: Option<u64>,
    /// With it the next page is read; `None` for the last one.
    pub next: Option<String>,
}

/// The external scanner. Every call may be repeated; a repeat changes nothing.
#[async_trait]
pub trait ExternalScanner: Send + Sync {
    /// Queries the scanner's identifiers and registers the operator's own; returns a description of what will be searched for.
    async fn prepare(&self) -> PortResult<String>;

    /// Uploads a sidecar to where the scanner reads it with its batch, and its map. It is recorded first, so that
    /// [`remove`](Self::remove) finds it even if the caller is lost in between.
    async fn deliver(&self, to: &Delivered, sidecar: &Sidecar) -> PortResult<()>;

    /// Begins the only job of a delivered batch, or finds the job if an earlier call began it.
    async fn begin(&self, batch: &BatchId) -> PortResult<Begun>;

    /// The status of a job; `Missing` if there is no such job.
    async fn status(&self, job: &JobId) -> PortResult<JobStatus>;

    /// The findings of a job, as the scanner stores them. The same findings also arrive as events, but an event may be late
    /// or lost, so a completed job without events does not prove that its assets are clean.
    async fn findings(&self, job: &JobId) -> PortResult<Vec<ExternalScanEvent>>;

    /// A page of all findings about Reelgate's buckets that were made or changed at or after a moment by the scanner's clock
    /// (milliseconds since 1970): the first one, or the one that `page` names.
    async fn findings_since(&self, since_ms: u64, page: Option<&str>) -> PortResult<FindingPage>;

    /// The map of one sidecar; `None` if it was removed.
    async fn map(&self, batch: &BatchId, asset: &AssetId) -> PortResult<Option<SidecarMap>>;

    /// Removes every version of every sidecar and map of one asset, and proves that none is left. With `until` it keeps those of
    /// later batches: a newer attempt may still wait for their answer.
    async fn remove(&self, asset: &AssetId, until: Option<&Delivered>) -> PortResult<Removed>;

    /// Proves that the scanner and its bucket can be reached. Starts nothing.
    async fn check(&self) -> PortResult<String>;
}
