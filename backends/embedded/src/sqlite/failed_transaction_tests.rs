//! However a transaction ends, the next call works.

use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Waker};

use reelgate_conformance::ManualClock;
use reelgate_conformance::samples::{decision, event, node_report, report};
use reelgate_flow::asset::Severity;
use reelgate_flow::reason::{Code, Fault};
use reelgate_ports::error::ErrorKind;
use reelgate_ports::records::{Decided, Ending, ExternalScanEvent, MediaEvent, Success, WithdrawalRecord};
use reelgate_ports::shards::{Position, ShardLease, ShardRow, Shards};
use sqlx::{Sqlite, Transaction};

use super::*;

const STREAM: &str = "stream";
const LEASE_MS: u64 = 30_000;

/// A store that holds a rejected upload with its notice, a leased task, a due task, a node and the lease of a shard.
struct WriterFixture {
    _dir: tempfile::TempDir,
    store: SqliteStore,
    node: NodeId,
    rejected: AssetId,
    /// One that is addressed.
    notice: NoticeId,
    new_notice: NoticeId,
    leased: Fence,
    shard: ShardLease,
}

fn receiver() -> ReceiverName {
    ReceiverName::new("webhook")
}

impl WriterFixture {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = std::sync::Arc::new(ManualClock::default());
        let store = SqliteStore::open(&dir.path().join("reelgate.db"), clock).await.unwrap();
        let node = NodeId::new("node");
        let taken = store.ingest(&EventBatch::of([event("a", 1), event("d", 1)])).await.unwrap();
        let withdrawn = Ending::Success(Success::Withdrawn {
            source_location: "rejected:a".into(),
            withdrawal_record: WithdrawalRecord::default(),
        });
        let refused = Ending::Fault(Fault::new(Code::NotMedia, ""));
        for ending in [refused.clone(), withdrawn.clone(), refused, withdrawn] {
            let claims = store.claim(&node, Lane::Light, 1, LEASE_MS).await.unwrap();
            store.complete(&[report(&claims[0].fence, &node, ending)]).await.unwrap();
        }
        let mut owed = store.outbox(2, 0).await.unwrap();
        let (new_notice, notice) = (owed.remove(1).id, owed.remove(0).id);
        store.address_notices(&[(notice.clone(), vec![receiver()])]).await.unwrap();
        store.ingest(&EventBatch::of([event("b", 1), event("c", 1)])).await.unwrap();
        let leased = store.claim(&node, Lane::Light, 1, LEASE_MS).await.unwrap().remove(0).fence;
        store.node_seen(&node_report(node.as_str())).await.unwrap();
        store.add_shards(STREAM, &[shard_row("one")]).await.unwrap();
        let (shard, _) = store.take_shard(STREAM, "one", &node, 0).await.unwrap().unwrap();
        Self { _dir: dir, store, node, rejected: taken[0].asset.clone(), notice, new_notice, leased, shard }
    }

    /// Whether COMMITs of the open connection fail. SQLite then rolls back by itself, as when the disk is full.
    async fn refuse_commits(&self, refuse: bool) {
        let mut connection = self.store.writer.acquire().await.unwrap();
        let mut handle = connection.lock_handle().await.unwrap();
        if refuse {
            handle.set_commit_hook(|| false);
        } else {
            handle.remove_commit_hook();
        }
    }

    /// Limits the database to this many pages, also for connections that are opened from now on.
    async fn limit_pages(&self, pages: u32) {
        let options = self.store.writer.connect_options();
        let limited = options.as_ref().clone().pragma("max_page_count", pages.to_string());
        self.store.writer.set_connect_options(limited);
        let now = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        sqlx::query(now).execute(&self.store.writer).await.unwrap();
    }

    async fn assert_writable(&self, after: &str) {
        let next = self.store.ingest(&EventBatch::of([event("next", 1)])).await;
        assert!(next.is_ok(), "after {after}: {next:?}");
        let known = self.store.known(&[next.unwrap()[0].asset.clone()]).await.unwrap();
        assert_eq!(known.len(), 1, "after {after}");
    }
}

fn shard_row(shard: &str) -> ShardRow {
    ShardRow {
        shard: shard.into(),
        parents: Vec::new(),
        position: Position::Oldest,
        owner: None,
        counter: 0,
        wanted_by: None,
    }
}

fn finding() -> ExternalScanEvent {
    ExternalScanEvent {
        id: "finding".into(),
        kind: "SensitiveData:S3Object/Personal".into(),
        severity: Severity::High,
        source: None,
        asset: None,
        findings: Vec::new(),
        sample: false,
        summary: serde_json::json!({}),
    }
}

type WritingCall = for<'a> fn(&'a WriterFixture) -> Pin<Box<dyn Future<Output = PortResult<()>> + 'a>>;

/// Every call that writes, but `redo`, which begins like `redrive`.
const CALLS: &[(&str, WritingCall)] = &[
    ("ingest", |on| {
        Box::pin(async move { on.store.ingest(&EventBatch::of([event("d", 1)])).await.map(drop) })
    }),
    ("ingest_findings", |on| Box::pin(async move { on.store.ingest_findings(&[finding()]).await.map(drop) })),
    ("redrive_unarchived", |on| {
        Box::pin(async move { on.store.redrive_unarchived(&[event("c", 1).source]).await.map(drop) })
    }),
    ("claim", |on| {
        Box::pin(async move { on.store.claim(&on.node, Lane::Light, 1, LEASE_MS).await.map(drop) })
    }),
    ("heartbeat", |on| {
        Box::pin(async move {
            on.store.heartbeat(&on.node, std::slice::from_ref(&on.leased), LEASE_MS).await.map(drop)
        })
    }),
    ("complete", |on| {
        Box::pin(async move {
            let report = report(&on.leased, &on.node, Ending::GivenBack);
            on.store.complete(&[report]).await.map(drop)
        })
    }),
    ("reap", |on| Box::pin(async move { on.store.reap().await.map(drop) })),
    ("reclaim", |on| Box::pin(async move { on.store.reclaim(&on.node).await.map(drop) })),
    ("outbox", |on| Box::pin(async move { on.store.outbox(1, 1).await.map(drop) })),
    ("address_notices", |on| {
        Box::pin(async move { on.store.address_notices(&[(on.new_notice.clone(), vec![receiver()])]).await })
    }),
    ("deliveries", |on| Box::pin(async move { on.store.deliveries(&receiver(), 1, 1).await.map(drop) })),
    ("notices_delivered", |on| {
        Box::pin(
            async move { on.store.notices_delivered(&receiver(), std::slice::from_ref(&on.notice)).await },
        )
    }),
    ("notice_deferred", |on| {
        Box::pin(async move { on.store.notice_deferred(&receiver(), &on.notice, 1).await })
    }),
    ("end_unserved", |on| Box::pin(async move { on.store.end_unserved(&[], 0).await.map(drop) })),
    ("redrive", |on| Box::pin(async move { on.store.redrive(&on.rejected).await })),
    ("decide", |on| {
        Box::pin(async move { on.store.decide(&on.rejected, &decision(Decided::Hold)).await.map(drop) })
    }),
    ("review", |on| Box::pin(async move { on.store.review(1).await.map(drop) })),
    ("node_seen", |on| {
        Box::pin(async move { on.store.node_seen(&node_report(on.node.as_str())).await.map(drop) })
    }),
    ("order_drain", |on| Box::pin(async move { on.store.order_drain(&on.node, true).await })),
    ("seal", |on| Box::pin(async move { on.store.seal(10).await.map(drop) })),
    ("retain", |on| Box::pin(async move { on.store.retain(Some(1)).await.map(drop) })),
    ("add_shards", |on| Box::pin(async move { on.store.add_shards(STREAM, &[shard_row("two")]).await })),
    ("take_shard", |on| {
        Box::pin(async move { on.store.take_shard(STREAM, "one", &on.node, 1).await.map(drop) })
    }),
    ("renew_shards", |on| {
        Box::pin(async move { on.store.renew_shards(std::slice::from_ref(&on.shard)).await.map(drop) })
    }),
    ("want_shard", |on| {
        Box::pin(async move { on.store.want_shard(STREAM, "one", &NodeId::new("other")).await })
    }),
    ("release_shard", |on| Box::pin(async move { on.store.release_shard(&on.shard).await })),
    ("forget_shards", |on| {
        Box::pin(async move { on.store.forget_shards(STREAM, &["one".to_owned()]).await })
    }),
];

#[tokio::test]
async fn every_writing_call_works_again_after_a_commit_that_failed() {
    for (name, call) in CALLS {
        let fixture = WriterFixture::new().await;
        fixture.refuse_commits(true).await;
        let refused = call(&fixture).await;
        assert!(refused.is_err(), "{name} commits nothing");
        fixture.refuse_commits(false).await;
        fixture.assert_writable(name).await;
        let again = call(&fixture).await;
        assert!(again.is_ok(), "{name}: {again:?}");
    }
}

/// A transaction that SQLite has ended by itself, as after an I/O error in a statement.
async fn ended_by_sqlite(store: &SqliteStore) -> Transaction<'static, Sqlite> {
    let mut tx = store.begin().await.unwrap();
    sqlx::query("ROLLBACK").execute(&mut *tx).await.unwrap();
    tx
}

#[tokio::test]
async fn the_next_call_works_however_a_transaction_was_left() {
    let fixture = WriterFixture::new().await;
    let store = &fixture.store;
    drop(store.begin().await.unwrap());
    fixture.assert_writable("an error of the call").await;
    drop(ended_by_sqlite(store).await);
    fixture.assert_writable("an error after which SQLite rolled back").await;
    assert!(ended_by_sqlite(store).await.rollback().await.is_err());
    fixture.assert_writable("a ROLLBACK that failed").await;
    assert!(ended_by_sqlite(store).await.commit().await.is_err());
    fixture.assert_writable("a COMMIT that failed").await;
}

/// Polls once, then drops: as a caller does whose time is up.
fn cancel(call: impl Future) {
    let mut call = Box::pin(call);
    drop(call.as_mut().poll(&mut Context::from_waker(Waker::noop())));
}

#[tokio::test]
async fn the_next_call_works_after_a_call_that_was_cancelled() {
    let fixture = WriterFixture::new().await;
    let store = &fixture.store;
    cancel(store.begin().await.unwrap().commit());
    fixture.assert_writable("a COMMIT that nobody waited for").await;
    cancel(ended_by_sqlite(store).await.commit());
    fixture.assert_writable("a COMMIT that failed and that nobody waited for").await;
    cancel(ended_by_sqlite(store).await.rollback());
    fixture.assert_writable("a ROLLBACK that failed and that nobody waited for").await;
    let left = ended_by_sqlite(store).await;
    cancel(async move {
        let _left = left;
        pending::<()>().await
    });
    fixture.assert_writable("a call that was dropped between two statements").await;
    cancel(store.begin());
    fixture.assert_writable("a BEGIN that nobody waited for").await;
}

async fn panics(_tx: Transaction<'static, Sqlite>) {
    panic!("a defect, as far as this test goes")
}

#[tokio::test]
async fn the_next_call_works_after_a_panic_within_a_call() {
    let fixture = WriterFixture::new().await;
    assert!(tokio::spawn(panics(fixture.store.begin().await.unwrap())).await.unwrap_err().is_panic());
    fixture.assert_writable("a panic").await;
    assert!(tokio::spawn(panics(ended_by_sqlite(&fixture.store).await)).await.unwrap_err().is_panic());
    fixture.assert_writable("a panic after SQLite rolled back").await;
}

#[tokio::test]
async fn a_full_database_is_reported_as_full_and_takes_uploads_once_there_is_room() {
    let fixture = WriterFixture::new().await;
    let events: Vec<MediaEvent> = (0..200).map(|number| event(&format!("{number:0>1000}"), 1)).collect();
    let batch = EventBatch::of(events);
    // Less than it has: it cannot grow.
    fixture.limit_pages(1).await;
    for _ in 0..3 {
        let error = fixture.store.ingest(&batch).await.unwrap_err();
        assert_eq!((error.kind, error.fault().code), (ErrorKind::Full, Code::QuotaDisk), "{error}");
    }
    fixture.limit_pages(1_000_000).await;
    assert_eq!(fixture.store.ingest(&batch).await.unwrap().len(), 200);
}

#[tokio::test]
async fn a_connection_that_was_opened_while_the_disk_was_read_only_is_replaced() {
    let fixture = WriterFixture::new().await;
    let usual = fixture.store.writer.connect_options();
    fixture.store.writer.set_connect_options(usual.as_ref().clone().read_only(true));
    // Replaced as after a COMMIT that failed.
    drop(ended_by_sqlite(&fixture.store).await);
    let batch = EventBatch::of([event("next", 1)]);
    for _ in 0..3 {
        let error = fixture.store.ingest(&batch).await.unwrap_err();
        let found = (error.kind, error.fault().code);
        assert_eq!(found, (ErrorKind::Unavailable, Code::StoreUnavailable), "{error}");
    }
    fixture.store.writer.set_connect_options(usual.as_ref().clone());
    fixture.assert_writable("the disk can be written again").await;
}
