//! One transaction of a store, as the service needs it. The trait has the shape of the slower backend: locks first, one
//! statement per table and call, related assets by rounds, and what changed is written once, at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use reelgate_flow::ids::{AssetId, NodeId, NoticeId};
use reelgate_ports::error::PortError;
use reelgate_ports::events::RefusedEvent;
use reelgate_ports::order::Priority;
use reelgate_ports::records::{AuditRecord, ExternalScanEvent, Fence, HistoryRecord, MediaEvent};
use reelgate_ports::shards::Checkpoint;

use crate::work::{AssetRow, Deletion, UnitOfWork};

/// What spans assets, and is locked before a call reads anything.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Lock {
    /// The versions of a key, given by its SHA-256.
    Key(String),
    /// The assets with one content, given by its SHA-256.
    Content(String),
}

/// A producer's queue: bucket, prefix and priority. A new asset takes its place behind the last one of its queue.
pub type Queue = (String, String, Priority);

/// A lease that is over without a report, as it was found before its asset was locked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LostLease {
    /// The attempt.
    pub fence: Fence,
    /// Who held it.
    pub node: NodeId,
}

/// A notice that was taken out of the outbox.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RemovedNotice {
    /// The notice.
    pub id: NoticeId,
    /// Of which asset.
    pub asset: AssetId,
    /// The word of its kind.
    pub kind: String,
    /// Deliveries that failed before.
    pub tries: u32,
}

/// How often an upload's event came in one batch, and whether the upload was new.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// Its asset, which is loaded.
    pub asset: &'a AssetId,
    /// The event.
    pub event: &'a MediaEvent,
    /// The first one that was seen of this upload.
    pub new: bool,
}

/// Result of a session's call.
pub type Answer<T, S> = Result<T, <S as Session>::Error>;

/// One transaction. Unknown ids are left out of what is loaded; what is in memory already is not loaded again.
///
/// Every loading method locks what it loads and brings the assets' tasks along.
pub trait Session: Send {
    /// The backend's own error, kept until it is known whether the call begins again.
    type Error: From<PortError> + Send;

    /// What was loaded and changed; the backend writes it once the call has run.
    fn work(&mut self) -> &mut UnitOfWork;

    /// Loads assets.
    fn load(&mut self, ids: &[AssetId]) -> impl Future<Output = Answer<(), Self>> + Send;

    /// Loads every version of these keys, given by their SHA-256.
    fn load_versions(&mut self, keys: &BTreeSet<String>) -> impl Future<Output = Answer<(), Self>> + Send;

    /// Loads the earliest assets with each of these contents whose result others may share.
    fn load_shareable(
        &mut self,
        contents: &BTreeSet<String>,
    ) -> impl Future<Output = Answer<(), Self>> + Send;

    /// Loads the duplicates that wait for one of these assets.
    fn load_duplicates(&mut self, of: &BTreeSet<AssetId>) -> impl Future<Output = Answer<(), Self>> + Send;

    /// Loads every asset with one of these contents.
    fn load_same_content(
        &mut self,
        contents: &BTreeSet<String>,
    ) -> impl Future<Output = Answer<(), Self>> + Send;

    /// Numbers new assets in the order of arrival, and remembers that they are not in the database yet.
    fn add_assets(&mut self, rows: &mut [AssetRow]) -> impl Future<Output = Answer<(), Self>> + Send;

    /// Behind which place each of these queues goes on; a queue that was never used is left out.
    fn queue_ends(
        &mut self,
        queues: &BTreeSet<Queue>,
    ) -> impl Future<Output = Answer<BTreeMap<Queue, u64>, Self>> + Send;

    /// Moves the ends of queues.
    fn move_queue_ends(
        &mut self,
        ends: &BTreeMap<Queue, u64>,
    ) -> impl Future<Output = Answer<(), Self>> + Send;

    /// Counts events by upload.
    fn count_deliveries(
        &mut self,
        deliveries: &[Delivery<'_>],
    ) -> impl Future<Output = Answer<(), Self>> + Send;

    /// Moves a checkpoint; `Conflict` where it is no longer the caller's to move.
    fn advance(&mut self, checkpoint: &Checkpoint) -> impl Future<Output = Answer<(), Self>> + Send;

    /// Remembers where messages lie that could not be read.
    fn keep_refused(&mut self, refused: &[RefusedEvent]) -> impl Future<Output = Answer<(), Self>> + Send;

    /// Remembers deletions, each of another version; of one that is remembered already the later one stays.
    fn keep_deletions(&mut self, deletions: &[Deletion]) -> impl Future<Output = Answer<(), Self>> + Send;

    /// The remembered deletions of keys, given by their SHA-256.
    fn deletions_of(
        &mut self,
        keys: &BTreeSet<String>,
    ) -> impl Future<Output = Answer<Vec<Deletion>, Self>> + Send;

    /// Keeps findings of a scanner outside, each once; returns the ids that were not known.
    fn keep_scans(
        &mut self,
        scans: &[ExternalScanEvent],
    ) -> impl Future<Output = Answer<Vec<String>, Self>> + Send;

    /// Keeps findings about assets that are not known yet, each under the asset it names.
    fn keep_unlinked(&mut self, scans: &[ExternalScanEvent])
    -> impl Future<Output = Answer<(), Self>> + Send;

    /// Takes the findings that were kept for these assets, in the order of their ids.
    fn take_unlinked(
        &mut self,
        assets: &[AssetId],
    ) -> impl Future<Output = Answer<Vec<ExternalScanEvent>, Self>> + Send;

    /// Leases that ran out after `after_ms` and up to now, in the order of their ends.
    fn expired_leases(
        &mut self,
        after_ms: Option<u64>,
        leases_max: u32,
    ) -> impl Future<Output = Answer<Vec<LostLease>, Self>> + Send;

    /// Leases under a node's name.
    fn leases_of(
        &mut self,
        node: &NodeId,
        leases_max: u32,
    ) -> impl Future<Output = Answer<Vec<LostLease>, Self>> + Send;

    /// Published assets whose latest release is over.
    fn expired_releases(
        &mut self,
        assets_max: u32,
    ) -> impl Future<Output = Answer<Vec<AssetId>, Self>> + Send;

    /// Quarantined assets that ended, and were last reminded of, no later than `until_ms`.
    fn unreviewed(
        &mut self,
        until_ms: u64,
        assets_max: u32,
    ) -> impl Future<Output = Answer<Vec<AssetId>, Self>> + Send;

    /// Remembers that these loaded assets were reminded of now.
    fn keep_reminders(&mut self, assets: &[AssetId]) -> impl Future<Output = Answer<(), Self>> + Send;

    /// Takes notices out of the outbox; those that are gone already are left out.
    fn remove_notices(
        &mut self,
        ids: &[NoticeId],
    ) -> impl Future<Output = Answer<Vec<RemovedNotice>, Self>> + Send;

    /// Adds lines to the history of assets that need not be loaded, one line for each entry.
    fn tell(&mut self, lines: Vec<(AssetId, HistoryRecord)>)
    -> impl Future<Output = Answer<(), Self>> + Send;

    /// Takes up to so many entries that wait for the audit log, in order, with their asset's id (empty where a line
    /// concerns none). Returns how many entries were taken; one may hold several lines. One caller at a time.
    fn take_unsealed(
        &mut self,
        entries_max: u32,
    ) -> impl Future<Output = Answer<(u64, Vec<(String, HistoryRecord)>), Self>> + Send;

    /// The last record of the audit log.
    fn audit_head(&mut self) -> impl Future<Output = Answer<Option<AuditRecord>, Self>> + Send;

    /// Adds records to the audit log.
    fn append_audit(&mut self, records: &[AuditRecord]) -> impl Future<Output = Answer<(), Self>> + Send;
}
