//! One transaction of a store, as the service needs it. The trait is shaped by the slower backend: locks come first, a call is
//! one statement per table, related assets are loaded in rounds, and changes are written once, at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use reelgate_cost::money::NanoUsd;
use reelgate_flow::ids::{AssetId, NodeId, NoticeId, ReceiverName};
use reelgate_ports::audit::Seal;
use reelgate_ports::error::PortError;
use reelgate_ports::events::RefusedEvent;
use reelgate_ports::order::Priority;
use reelgate_ports::records::{
    AccountSums, AssetBudget, AuditRecord, ExternalScanEvent, Fence, FindingRecord, HistoryRecord,
    MediaEvent, NodeReport, NoticeRecord, Proposal, ShareRecord,
};
use reelgate_ports::shards::Checkpoint;

use crate::work::{AssetRow, Deletion, UnitOfWork};

/// A lock that spans assets. A call takes it before it reads anything.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Lock {
    /// The accounts: one asset after the other asks for money.
    Accounts,
    /// The versions of a key, given by its SHA-256.
    Key(String),
    /// The assets with one content, given by its SHA-256.
    Content(String),
}

/// A producer's queue: bucket, SHA-256 of the prefix, and priority. A new asset is placed behind the last one of its queue. The
/// prefix itself may be personal, and a queue outlives the assets in it.
pub type ProducerQueue = (String, String, Priority);

/// A lease that ended without a report, as it was read before its asset was locked.
#[derive(Clone, PartialEq, Debug)]
pub struct LostLease {
    /// The attempt that it covers.
    pub fence: Fence,
    /// The node that owned it.
    pub node: NodeId,
    /// When it was claimed, milliseconds since 1970.
    pub claimed_ms: u64,
    /// What that node reported last; `None` if it never did.
    pub node_report: Option<NodeReport>,
}

/// The money of an asset as it is stored.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Money {
    /// What the ledger says that it has cost.
    pub cost: NanoUsd,
    /// What is reserved and booked.
    pub budget: AssetBudget,
}

/// A notice that was removed from the outbox.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RemovedNotice {
    /// The notice's id.
    pub id: NoticeId,
    /// The asset it is about; empty if it is about none.
    pub asset: AssetId,
    /// Its kind, as in rows and JSON.
    pub kind: String,
    /// Failed deliveries before the one that succeeded.
    pub tries: u32,
}

/// One event of an upload, to be counted.
#[derive(Clone, Copy, Debug)]
pub struct EventDelivery<'a> {
    /// The upload's asset, which is loaded.
    pub asset: &'a AssetId,
    /// The event as it was delivered.
    pub event: &'a MediaEvent,
    /// Whether it is the first event of this upload.
    pub new: bool,
}

/// Result of a call on a session.
pub type Answer<T, S> = Result<T, <S as Session>::Error>;

/// One transaction. A loading method skips unknown ids and assets that are already loaded. It locks what it loads, and loads
/// the assets' tasks too.
pub trait Session: Send {
    /// The backend's own error, kept until the backend knows whether it repeats the call.
    type Error: From<PortError> + Send;

    /// What was loaded and changed; the backend writes it after the call has run.
    fn work(&mut self) -> &mut UnitOfWork;

    /// Loads assets by id.
    fn load(&mut self, ids: &[AssetId]) -> impl Future<Output = Answer<(), Self>> + Send;

    /// Loads every version of these keys, given by their SHA-256.
    fn load_versions(&mut self, keys: &BTreeSet<String>) -> impl Future<Output = Answer<(), Self>> + Send;

    /// Loads every asset whose name is of one of these families, given by their SHA-256.
    fn load_families(&mut self, families: &BTreeSet<String>)
    -> impl Future<Output = Answer<(), Self>> + Send;

    /// Loads, for each of these contents (SHA-256), the earliest assets whose result others may share.
    fn load_shareable(
        &mut self,
        contents: &BTreeSet<String>,
    ) -> impl Future<Output = Answer<(), Self>> + Send;

    /// Loads the duplicates that wait for the end of one of these assets.
    fn load_duplicates(&mut self, of: &BTreeSet<AssetId>) -> impl Future<Output = Answer<(), Self>> + Send;

    /// Loads every asset with one of these contents, given by their SHA-256.
    fn load_same_content(
        &mut self,
        contents: &BTreeSet<String>,
    ) -> impl Future<Output = Answer<(), Self>> + Send;

    /// The stored findings of these loaded assets; an asset without findings may be left out.
    fn findings_of(
        &mut self,
        assets: &BTreeSet<AssetId>,
    ) -> impl Future<Output = Answer<BTreeMap<AssetId, Vec<FindingRecord>>, Self>> + Send;

    /// What the latest releases of these loaded assets cover, as the documents that the unit of work wrote for the task of restoring; an asset
    /// without one is left out.
    fn covered_by_releases(
        &mut self,
        assets: &BTreeSet<AssetId>,
    ) -> impl Future<Output = Answer<BTreeMap<AssetId, serde_json::Value>, Self>> + Send;

    /// Adds the lines of the ledger that the unit of work holds, then returns the money of these loaded assets.
    fn money_of(
        &mut self,
        assets: &BTreeSet<AssetId>,
    ) -> impl Future<Output = Answer<BTreeMap<AssetId, Money>, Self>> + Send;

    /// The sums of these accounts as they are stored; one that was never used is left out.
    fn account_sums(
        &mut self,
        names: &BTreeSet<String>,
    ) -> impl Future<Output = Answer<BTreeMap<String, AccountSums>, Self>> + Send;

    /// Assets that wait for money and arrived after this one, in order of arrival.
    fn waiting_for_money(
        &mut self,
        after: Option<&AssetId>,
        assets_max: u32,
    ) -> impl Future<Output = Answer<Vec<AssetId>, Self>> + Send;

    /// Numbers new assets in the order of arrival and inserts them, at the latest when the session is written.
    fn add_assets(&mut self, rows: &mut [AssetRow]) -> impl Future<Output = Answer<(), Self>> + Send;

    /// The end of each of these queues, where its next asset is placed; a queue that was never used is left out.
    fn queue_ends(
        &mut self,
        queues: &BTreeSet<ProducerQueue>,
    ) -> impl Future<Output = Answer<BTreeMap<ProducerQueue, u64>, Self>> + Send;

    /// Writes the new ends of queues.
    fn move_queue_ends(
        &mut self,
        ends: &BTreeMap<ProducerQueue, u64>,
    ) -> impl Future<Output = Answer<(), Self>> + Send;

    /// Counts how often the events of each upload were delivered.
    fn count_deliveries(
        &mut self,
        deliveries: &[EventDelivery<'_>],
    ) -> impl Future<Output = Answer<(), Self>> + Send;

    /// Moves a checkpoint; `Conflict` if the caller no longer owns the lease, or the checkpoint has moved.
    fn advance(&mut self, checkpoint: &Checkpoint) -> impl Future<Output = Answer<(), Self>> + Send;

    /// Keeps the locations of messages that could not be parsed, each once.
    fn keep_refused(&mut self, refused: &[RefusedEvent]) -> impl Future<Output = Answer<(), Self>> + Send;

    /// Keeps deletions, each of a different version. Of two deletions of one version the later one is kept.
    fn keep_deletions(&mut self, deletions: &[Deletion]) -> impl Future<Output = Answer<(), Self>> + Send;

    /// The kept deletions of these keys, given by their SHA-256.
    fn deletions_of(
        &mut self,
        keys: &BTreeSet<String>,
    ) -> impl Future<Output = Answer<Vec<Deletion>, Self>> + Send;

    /// Keeps findings of an external scanner, each once; returns the ids of the new ones.
    fn keep_scans(
        &mut self,
        scans: &[ExternalScanEvent],
    ) -> impl Future<Output = Answer<Vec<String>, Self>> + Send;

    /// Keeps findings about assets that are still unknown, each under the id of its asset.
    fn keep_unlinked(&mut self, scans: &[ExternalScanEvent])
    -> impl Future<Output = Answer<(), Self>> + Send;

    /// Removes and returns the findings that were kept for these assets, in the order of the findings' ids.
    fn take_unlinked(
        &mut self,
        assets: &[AssetId],
    ) -> impl Future<Output = Answer<Vec<ExternalScanEvent>, Self>> + Send;

    /// Leases that expired after `after_ms` (milliseconds since 1970) and up to now, in the order of their expiry.
    fn expired_leases(
        &mut self,
        after_ms: Option<u64>,
        leases_max: u32,
    ) -> impl Future<Output = Answer<Vec<LostLease>, Self>> + Send;

    /// Leases that a node owns, expired or not.
    fn leases_of(
        &mut self,
        node: &NodeId,
        leases_max: u32,
    ) -> impl Future<Output = Answer<Vec<LostLease>, Self>> + Send;

    /// Published assets whose latest release has expired.
    fn expired_releases(
        &mut self,
        assets_max: u32,
    ) -> impl Future<Output = Answer<Vec<AssetId>, Self>> + Send;

    /// Quarantined assets that ended, and had their last reminder, no later than `until_ms` (milliseconds since 1970).
    fn unreviewed(
        &mut self,
        until_ms: u64,
        assets_max: u32,
    ) -> impl Future<Output = Answer<Vec<AssetId>, Self>> + Send;

    /// Keeps the current time as the time of the last reminder about these loaded assets.
    fn keep_reminders(&mut self, assets: &[AssetId]) -> impl Future<Output = Answer<(), Self>> + Send;

    /// The proposal that waits for a second person's approval, if the asset has one; valid or not.
    fn proposal_of(&mut self, asset: &AssetId)
    -> impl Future<Output = Answer<Option<Proposal>, Self>> + Send;

    /// Whether the rule of two people was on at the last decision; a new database has it off.
    fn two_people_rule(&mut self) -> impl Future<Output = Answer<bool, Self>> + Send;

    /// Keeps the state of that rule, and a line about it for the audit log, which concerns no asset.
    fn keep_two_people_rule(
        &mut self,
        is_on: bool,
        line: &HistoryRecord,
    ) -> impl Future<Output = Answer<(), Self>> + Send;

    /// Removes a receiver's deliveries from the outbox and returns them; those that are already removed are skipped.
    fn remove_notices(
        &mut self,
        receiver: &ReceiverName,
        ids: &[NoticeId],
    ) -> impl Future<Output = Answer<Vec<RemovedNotice>, Self>> + Send;

    /// Adds lines to the history of assets, which need not be loaded.
    fn add_history(
        &mut self,
        lines: Vec<(AssetId, HistoryRecord)>,
    ) -> impl Future<Output = Answer<(), Self>> + Send;

    /// Removes up to `entries_max` entries that wait for the audit log, in order. Returns how many entries it removed, and
    /// their lines, each with its asset's id (empty if the line concerns no asset). An entry may hold several lines. One
    /// caller at a time.
    fn take_unsealed(
        &mut self,
        entries_max: u32,
    ) -> impl Future<Output = Answer<(u64, Vec<(String, HistoryRecord)>), Self>> + Send;

    /// The last record of the audit log; `None` if the log is empty.
    fn audit_head(&mut self) -> impl Future<Output = Answer<Option<AuditRecord>, Self>> + Send;

    /// Appends records to the audit log.
    fn append_audit(&mut self, records: &[AuditRecord]) -> impl Future<Output = Answer<(), Self>> + Send;

    /// The first record of the audit log that comes after all announced seals; of those that were there when the call began. Asked before
    /// anything is appended.
    fn first_unannounced(&mut self) -> impl Future<Output = Answer<Option<AuditRecord>, Self>> + Send;

    /// Keeps that this seal is announced, and puts its notice, which concerns no asset, into the outbox.
    fn announce_seal(
        &mut self,
        seal: &Seal,
        notice: &NoticeRecord,
    ) -> impl Future<Output = Answer<(), Self>> + Send;

    /// Keeps that a day of the ledger is closed; false if it was already.
    fn keep_closed(&mut self, day: u32) -> impl Future<Output = Answer<bool, Self>> + Send;

    /// Keeps shares of what nobody used alone on a day.
    fn keep_shares(&mut self, shares: &[ShareRecord]) -> impl Future<Output = Answer<(), Self>> + Send;

    /// Puts notices that concern no asset into the outbox.
    fn put_notices(&mut self, notices: &[NoticeRecord]) -> impl Future<Output = Answer<(), Self>> + Send;
}
