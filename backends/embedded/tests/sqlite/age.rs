//! How long history is kept.

use std::sync::Arc;

use reelgate_conformance::ManualClock;
use reelgate_conformance::samples::event;
use reelgate_embedded::sqlite::SqliteStore;
use reelgate_flow::asset::Phase;
use reelgate_flow::ids::{AssetId, NodeId};
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::Lane;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::events::EventBatch;
use reelgate_ports::records::{
    AttemptCost, Ending, Retained, Success, TaskReport, UsageRecord, WithdrawalRecord,
};
use reelgate_ports::store::{AssetFilter, Intake, Maintenance, Queries, Queue};

use super::TempDatabase;

const DAY_MS: u64 = 24 * 3_600_000;

/// The upload that is due first is refused and moved.
async fn reject(store: &SqliteStore) {
    let fault = Ending::Fault(Fault::new(Code::NotMedia, ""));
    let withdrawn = Ending::Success(Success::Withdrawn {
        source_location: "rejected/a".into(),
        withdrawal_record: WithdrawalRecord::default(),
    });
    for ending in [fault, withdrawn] {
        let node = NodeId::new("node");
        let claims = store.claim(&node, Lane::Light, 1, 30_000).await.unwrap();
        let usage = UsageRecord { wall_ms: 1, cpu_ms: 1, memory_bytes_max: 1 };
        let fence = claims[0].fence.clone();
        store
            .complete(&[TaskReport {
                fence,
                node,
                sha256: None,
                facts: None,
                metadata: None,
                ending,
                usage,
                cost: AttemptCost::default(),
            }])
            .await
            .unwrap();
    }
}

async fn phases(store: &SqliteStore) -> Vec<Phase> {
    let filter = AssetFilter { limit: 10, ..AssetFilter::default() };
    store.assets(&filter).await.unwrap().into_iter().map(|asset| asset.phase).collect()
}

#[tokio::test]
async fn the_history_of_assets_that_ended_long_ago_is_removed_and_the_assets_stay() {
    let home = TempDatabase::new();
    let clock = Arc::new(ManualClock::default());
    clock.advance_ms(1_000 * DAY_MS);
    let store = SqliteStore::open(&home.file(), clock.clone()).await.unwrap();
    let taken = store.ingest(&EventBatch::of([event("a", 1), event("b", 1)])).await.unwrap();
    reject(&store).await;
    assert_eq!(phases(&store).await, [Phase::Rejected, Phase::Received]);
    let (ended, going_on) = (&taken[0].asset, &taken[1].asset);
    clock.advance_ms(30 * DAY_MS);
    assert_eq!(store.retain(Some(30)).await.unwrap(), Retained::default(), "not older than thirty days");
    clock.advance_ms(1);
    assert_eq!(store.retain(None).await.unwrap(), Retained::default());
    assert_eq!(store.retain(Some(30)).await.unwrap(), Retained { removed: 1, kept: 0 });
    assert_eq!(store.retain(Some(30)).await.unwrap(), Retained::default(), "once");
    assert_eq!(store.history(ended).await.unwrap(), [], "known, but of long ago");
    assert_eq!(phases(&store).await, [Phase::Rejected, Phase::Received]);
    assert!(!store.history(going_on).await.unwrap().is_empty());
    let unknown = AssetId::new("aaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_eq!(store.history(&unknown).await.unwrap_err().kind, ErrorKind::Missing);
}
