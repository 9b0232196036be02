//! The one decorator that injects faults into a port: calls fail, wait, lose their answers or panic as a [`FaultPlan`] says,
//! and every other call goes to the port behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reelgate_cost::cap::Caps;
use reelgate_cost::node::NodeRate;
use reelgate_flow::asset::{Exit, Redo};
use reelgate_flow::ids::{AssetId, NodeId, NoticeId, ReceiverName, SourceId};
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::events::{EventBatch, Events};
use reelgate_ports::notices::Notices;
use reelgate_ports::objects::{
    MeasuredOutput, Objects, OpenSource, OutputRange, Publication, Restored, SourceLabels, StagedWriter,
    Turn, Withdrawn,
};
use reelgate_ports::records::*;
use reelgate_ports::shards::{Position, ShardLease, ShardRow, Shards};
use reelgate_ports::store::{
    AssetFilter, Backlog, Decisions, Intake, LedgerFilter, Maintenance, Nodes, Outbox, Product, Queries,
    Queue, ShareFilter,
};

use crate::fault_plan::{CallFault, FaultPlan};

/// A port whose calls meet planned faults. Clones share the port and the plan.
pub struct Faulty<T: ?Sized> {
    inner: Arc<T>,
    plan: FaultPlan,
}

impl<T: ?Sized> Clone for Faulty<T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), plan: self.plan.clone() }
    }
}

impl<T: ?Sized> fmt::Debug for Faulty<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").field("plan", &self.plan).finish_non_exhaustive()
    }
}

impl<T: ?Sized> Faulty<T> {
    /// Puts a plan in front of a port.
    pub fn new(inner: Arc<T>, plan: &FaultPlan) -> Self {
        Self { inner, plan: plan.clone() }
    }

    /// Makes one call under its names, the first of which is its operation.
    async fn call<R: Send>(
        &self,
        port: Port,
        operation: &'static str,
        narrower: Option<&str>,
        call: impl Future<Output = PortResult<R>> + Send,
    ) -> PortResult<R> {
        self.plan.thawed().await;
        let names: Vec<&str> = std::iter::once(operation).chain(narrower).collect();
        let error = |kind, detail: &str| Err(PortError::new(port, kind, operation, detail));
        match self.plan.count(&names) {
            None => call.await,
            Some(CallFault::Fail(kind)) => error(kind, "the test planned this error"),
            Some(CallFault::Delay(time)) => {
                tokio::time::sleep(time).await;
                call.await
            }
            Some(CallFault::LoseAnswer) => {
                drop(call.await);
                error(ErrorKind::Unavailable, "the test lost the answer")
            }
            Some(CallFault::PanicBefore) => panic!("planned panic before {operation}"),
            Some(CallFault::PanicAfter) => {
                drop(call.await);
                panic!("planned panic after {operation}")
            }
        }
    }
}

/// Implements a port for [`Faulty`]: the methods listed first meet faults, those under `also` are written out.
macro_rules! faulty {
    (
        $trait:ident of $port:ident {
            $(async fn $name:ident($($arg:ident: $type:ty),*) -> $output:ty;)*
            $(also { $($also:tt)* })?
        }
    ) => {
        #[async_trait]
        impl<T: $trait + ?Sized> $trait for Faulty<T> {
            $(
                async fn $name(&self, $($arg: $type),*) -> PortResult<$output> {
                    self.call(Port::$port, stringify!($name), None, self.inner.$name($($arg),*)).await
                }
            )*
            $($($also)*)?
        }
    };
}

faulty!(Intake of Store {
    async fn ingest(batch: &EventBatch) -> Vec<Ingested>;
    async fn ingest_findings(scans: &[ExternalScanEvent]) -> Vec<String>;
    async fn redrive_unarchived(uploads: &[SourceId]) -> Vec<UnarchivedResult>;
    async fn known(assets: &[AssetId]) -> BTreeSet<AssetId>;
});

faulty!(Queue of Store {
    async fn claim(node: &NodeId, lane: Lane, tasks_max: u16, lease_ms: u64) -> Vec<Claim>;
    async fn heartbeat(node: &NodeId, fences: &[Fence], lease_ms: u64) -> Vec<Fence>;
    async fn complete(reports: &[TaskReport]) -> Vec<Applied>;
    async fn reap() -> u64;
    async fn reclaim(node: &NodeId) -> u64;
    async fn next_due_ms() -> Option<u64>;
    also {
        async fn changed(&self, most: Duration) {
            self.inner.changed(most).await;
        }
    }
});

faulty!(Outbox of Store {
    async fn outbox(notices_max: u16, hold_ms: u64) -> Vec<NoticeRecord>;
    async fn address_notices(notices: &[(NoticeId, Vec<ReceiverName>)]) -> ();
    async fn deliveries(receiver: &ReceiverName, notices_max: u16, hold_ms: u64) -> Vec<NoticeRecord>;
    async fn notices_delivered(receiver: &ReceiverName, ids: &[NoticeId]) -> ();
    async fn notice_deferred(receiver: &ReceiverName, id: &NoticeId, delay_ms: u64) -> ();
    async fn end_unserved(receivers: &[ReceiverName], unserved_ms: u64) -> Vec<(ReceiverName, u64)>;
});

faulty!(Queries of Store {
    async fn products(asset: &AssetId) -> Vec<Product>;
    async fn product(asset: &AssetId, task: TaskKey) -> Option<Product>;
    async fn media_progress(asset: &AssetId) -> MediaProgress;
    async fn asset(asset: &AssetId) -> AssetDetail;
    async fn assets(filter: &AssetFilter) -> Vec<AssetRecord>;
    async fn family(asset: &AssetId) -> Vec<AssetRecord>;
    async fn find(prefix: &str) -> Vec<AssetId>;
    async fn history(asset: &AssetId) -> Vec<HistoryRecord>;
    async fn redaction(asset: &AssetId) -> Option<serde_json::Value>;
    async fn proposal(asset: &AssetId) -> Option<Proposal>;
    async fn audit(after: u64, records_max: u32) -> Vec<AuditRecord>;
    async fn audit_end() -> Option<AuditRecord>;
    async fn ledger(filter: &LedgerFilter) -> Vec<LedgerRow>;
    async fn shares(filter: &ShareFilter) -> Vec<ShareRow>;
    async fn uptimes(day: u32) -> Vec<(NodeRate, u64)>;
    async fn cost_days() -> CostDays;
    async fn recent_work(lines_max: u32) -> Vec<WorkSample>;
    async fn estimates(after: Option<&AssetId>, rows_max: u32) -> Vec<EstimateRow>;
    async fn account_sums(names: &[String]) -> BTreeMap<String, AccountSums>;
    async fn queue(rows_max: u32) -> Vec<QueueRow>;
    async fn backlog() -> Backlog;
});

faulty!(Decisions of Store {
    async fn redrive(asset: &AssetId) -> ();
    async fn redo(asset: &AssetId, what: Redo) -> ();
    async fn decide(asset: &AssetId, decision: &Decision) -> DecisionOutcome;
    async fn approve(asset: &AssetId, approval: &Approval) -> Decision;
    async fn admit(caps: &Caps) -> u64;
    async fn review(review_ms: u64) -> u64;
});

faulty!(Nodes of Store {
    async fn node_seen(report: &NodeReport) -> bool;
    async fn node_up(report: &NodeReport) -> ();
    async fn nodes() -> Vec<NodeRecord>;
    async fn order_drain(node: &NodeId, drain: bool) -> ();
    async fn pause_heavy(reason: &str, by: &Principal) -> ();
    async fn resume_heavy() -> bool;
    async fn heavy_pause() -> Option<HeavyPause>;
});

faulty!(Maintenance of Store {
    async fn seal(records_max: u32) -> u64;
    async fn close_day(closing: &DayClosing) -> bool;
    async fn retain(days: Option<u32>) -> Retained;
    async fn check() -> String;
    also {
        async fn close(&self) {
            self.inner.close().await;
        }

        fn violations(&self) -> Vec<(String, u64)> {
            self.inner.violations()
        }
    }
});

faulty!(Shards of Store {
    async fn shards(stream: &str) -> Vec<ShardRow>;
    async fn add_shards(stream: &str, shards: &[ShardRow]) -> ();
    async fn take_shard(stream: &str, shard: &str, node: &NodeId, seen_counter: u64)
        -> Option<(ShardLease, Position)>;
    async fn renew_shards(leases: &[ShardLease]) -> Vec<ShardLease>;
    async fn want_shard(stream: &str, shard: &str, node: &NodeId) -> ();
    async fn release_shard(lease: &ShardLease) -> ();
    async fn forget_shards(stream: &str, shards: &[String]) -> ();
});

faulty!(Events of Events {
    async fn poll(events_max: usize) -> EventBatch;
    async fn acknowledge(batch: &EventBatch) -> ();
    async fn abandon(batch: &EventBatch) -> ();
    async fn stop() -> ();
    async fn check() -> String;
    also {
        fn sweep_wanted(&self) -> bool {
            self.inner.sweep_wanted()
        }
    }
});

faulty!(Notices of Notices {
    async fn deliver(notice: &NoticeRecord) -> ();
    async fn check() -> String;
    also {
        fn wants(&self, notice: &NoticeRecord) -> bool {
            self.inner.wants(notice)
        }
    }
});

faulty!(Objects of Objects {
    async fn open(source: &SourceRecord) -> OpenSource;
    async fn check_current(source: &SourceRecord) -> ();
    async fn restamped(source: &SourceRecord) -> SourceRecord;
    async fn sidecar(source: &SourceRecord, suffix: &str, bytes_max: u64) -> Option<Vec<u8>>;
    async fn labels(source: &SourceRecord) -> SourceLabels;
    async fn read_staged(output: &StagedOutput, bytes_max: u64) -> Vec<u8>;
    async fn read_range(range: &OutputRange) -> Vec<u8>;
    async fn publish(publication: &Publication) -> String;
    async fn manifest(publication_location: &str, bytes_max: u64) -> Option<Vec<u8>>;
    async fn visible_names(publication_location: &str) -> Vec<String>;
    async fn measure(publication_location: &str, name: &str) -> Option<MeasuredOutput>;
    async fn withdraw(
        turn: &Turn, published_path: Option<&str>, source: &SourceRecord, exit: Exit, keep: bool
    ) -> Withdrawn;
    async fn restore(turn: &Turn, published_path: &str, source: &SourceRecord) -> Restored;
    async fn keep_source(asset: &AssetId, source: &SourceRecord) -> KeptSource;
    async fn discard_staging(asset: &AssetId) -> ();
    async fn staged_assets() -> Vec<AssetId>;
    async fn list(prefix: &str, after: Option<&str>, uploads_max: usize) -> Vec<MediaEvent>;
    async fn check() -> String;
    also {
        async fn stage(&self, fence: &Fence) -> PortResult<Box<dyn StagedWriter>> {
            let narrower = format!("stage {}", fence.task.stage());
            self.call(Port::Objects, "stage", Some(&narrower), self.inner.stage(fence)).await
        }

        fn visible(&self, publication_location: &str, name: &str) -> String {
            self.inner.visible(publication_location, name)
        }

        fn published_path(&self, publication_location: &str) -> Option<String> {
            self.inner.published_path(publication_location)
        }
    }
});

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use reelgate_flow::asset::NoticeKind;
    use reelgate_flow::reason::Code;
    use tokio::time::Instant;

    use super::*;

    /// Remembers the notices that reach it.
    #[derive(Default)]
    struct Receiver(Mutex<Vec<NoticeId>>);

    #[async_trait]
    impl Notices for Receiver {
        async fn deliver(&self, notice: &NoticeRecord) -> PortResult<()> {
            self.0.lock().unwrap().push(notice.id.clone());
            Ok(())
        }

        async fn check(&self) -> PortResult<String> {
            Ok("a receiver in memory".to_owned())
        }
    }

    impl Receiver {
        fn received(&self) -> usize {
            self.0.lock().unwrap().len()
        }
    }

    fn notice() -> NoticeRecord {
        NoticeRecord {
            id: NoticeId::new("n"),
            asset: AssetId::new("a"),
            kind: NoticeKind::Failed,
            body: serde_json::Value::Null,
            tries: 0,
        }
    }

    fn receiver() -> (Arc<Receiver>, FaultPlan, Faulty<Receiver>) {
        let (receiver, plan) = (Arc::new(Receiver::default()), FaultPlan::default());
        let faulty = Faulty::new(Arc::clone(&receiver), &plan);
        (receiver, plan, faulty)
    }

    #[tokio::test]
    async fn only_the_planned_call_fails_and_it_is_not_carried_out() {
        let (receiver, plan, faulty) = receiver();
        plan.at("deliver", 2, CallFault::Fail(ErrorKind::Denied));
        faulty.deliver(&notice()).await.unwrap();
        let error = faulty.deliver(&notice()).await.unwrap_err();
        assert_eq!((error.kind, error.fault().code), (ErrorKind::Denied, Code::NoticesUnavailable));
        faulty.deliver(&notice()).await.unwrap();
        assert_eq!((receiver.received(), plan.calls("deliver"), plan.unmet()), (2, 3, Vec::new()));
    }

    #[tokio::test]
    async fn a_lost_answer_leaves_the_call_carried_out() {
        let (receiver, plan, faulty) = receiver();
        plan.next("deliver", CallFault::LoseAnswer);
        assert_eq!(faulty.deliver(&notice()).await.unwrap_err().kind, ErrorKind::Unavailable);
        assert_eq!(receiver.received(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_delayed_call_is_carried_out_when_its_time_is_over() {
        let (receiver, plan, faulty) = receiver();
        plan.next("deliver", CallFault::Delay(Duration::from_secs(60)));
        let since = Instant::now();
        faulty.deliver(&notice()).await.unwrap();
        assert_eq!((since.elapsed().as_secs(), receiver.received()), (60, 1));
    }

    #[tokio::test]
    async fn a_panic_comes_before_or_after_the_call() {
        let (receiver, plan, faulty) = receiver();
        for (fault, received) in [(CallFault::PanicBefore, 0), (CallFault::PanicAfter, 1)] {
            plan.next("deliver", fault);
            let faulty = faulty.clone();
            let call = tokio::spawn(async move { faulty.deliver(&notice()).await });
            assert!(call.await.unwrap_err().is_panic());
            assert_eq!(receiver.received(), received, "{fault:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_port_that_is_down_fails_and_a_frozen_one_waits_until_it_is_neither() {
        let (receiver, plan, faulty) = receiver();
        plan.set_down(true);
        assert_eq!(faulty.check().await.unwrap_err().kind, ErrorKind::Unavailable);
        plan.set_down(false);
        plan.set_frozen(true);
        let waited = tokio::time::timeout(Duration::from_secs(3_600), faulty.deliver(&notice())).await;
        assert!(waited.is_err() && receiver.received() == 0, "a frozen call waits");
        plan.set_frozen(false);
        faulty.deliver(&notice()).await.unwrap();
        assert_eq!(receiver.received(), 1);
    }
}
