//! Many stores on one database at the same time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use reelgate_flow::asset::Phase;
use reelgate_flow::task::Lane;
use reelgate_ports::events::EventBatch;
use reelgate_ports::identity::{asset_id, key_sha256};
use reelgate_ports::store::{Intake, Maintenance, Queries, Queue};
use tokio::task::JoinSet;

use crate::moves::{LEASE_MS, claim_light, count_of, event, node, uploads, validated};
use crate::temp_database::TempDatabase;

/// Longest that anything awaited here may take.
const DEADLINE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_claim_at_the_same_time_never_share_a_task() {
    const TASKS: u64 = 300;
    let home = TempDatabase::new();
    let first = Arc::new(home.store().await);
    first.ingest(&uploads(TASKS)).await.unwrap();
    let mut nodes = JoinSet::new();
    for name in ["a", "b", "c"] {
        let store = Arc::new(home.store().await);
        nodes.spawn(async move {
            let mut taken = Vec::new();
            loop {
                let claims = claim_light(&*store, &node(name), 7).await;
                if claims.is_empty() {
                    return taken;
                }
                taken.extend(claims.into_iter().map(|claim| claim.fence));
            }
        });
    }
    let taken: Vec<_> = nodes.join_all().await.into_iter().flatten().collect();
    let apart: BTreeSet<_> = taken.iter().collect();
    assert_eq!((taken.len() as u64, apart.len()), (TASKS, taken.len()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_versions_ingested_at_the_same_time_only_the_newest_continues() {
    const KEYS: u64 = 10;
    const VERSIONS: u64 = 6;
    let home = TempDatabase::new();
    let stores = [Arc::new(home.store().await), Arc::new(home.store().await)];
    let mut writers = JoinSet::new();
    for version in 1..=VERSIONS {
        let store = stores[usize::from(version % 2 == 0)].clone();
        writers.spawn(async move {
            for key in 0..KEYS {
                let batch = EventBatch::of([event(&key.to_string(), version)]);
                store.ingest(&batch).await.unwrap();
            }
        });
    }
    writers.join_all().await;
    for key in 0..KEYS {
        for version in 1..=VERSIONS {
            let asset = asset_id(&event(&key.to_string(), version).source);
            let phase = stores[0].asset(&asset).await.unwrap().asset.phase;
            let expected = if version == VERSIONS { Phase::Received } else { Phase::Withdrawing };
            assert_eq!(phase, expected, "key {key} version {version}");
        }
    }
    assert_eq!(stores[0].violations(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_content_validated_at_the_same_time_is_processed_once() {
    const COPIES: u16 = 6;
    let home = TempDatabase::new();
    let stores = [Arc::new(home.store().await), Arc::new(home.store().await)];
    stores[0].ingest(&uploads(u64::from(COPIES))).await.unwrap();
    let claims = claim_light(&*stores[0], &node("a"), COPIES).await;
    let mut writers = JoinSet::new();
    for (number, claim) in claims.into_iter().enumerate() {
        let store = stores[number % 2].clone();
        let report = validated(&claim, &node("a"), &key_sha256("the content"));
        writers.spawn(async move { store.complete(&[report]).await.unwrap() });
    }
    writers.join_all().await;
    let phases = [Phase::Processing, Phase::Linked];
    assert_eq!([count_of(&*stores[0], phases[0]).await, count_of(&*stores[0], phases[1]).await], [1, 5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_notified_of_work_that_another_one_made() {
    let home = TempDatabase::new();
    let (listener, maker) = (home.store().await, home.store().await);
    let listening = "select count(*) from pg_stat_activity
                     where datname = current_database() and query ilike 'listen%'";
    tokio::time::timeout(DEADLINE, async {
        while home.execute(listening).trim() != "2" {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    let changed = listener.changed(DEADLINE * 10);
    let made = async { maker.ingest(&uploads(1)).await.unwrap() };
    tokio::time::timeout(DEADLINE, async { tokio::join!(changed, made) }).await.unwrap();
}

#[tokio::test]
async fn a_task_that_claims_overlooked_is_found_by_the_next_full_look() {
    let home = TempDatabase::new();
    let store = home.store().await;
    store.ingest(&uploads(3)).await.unwrap();
    assert_eq!(claim_light(&store, &node("a"), 10).await.len(), 3);
    // As if a claim had locked it and failed to take it, long after it became claimable.
    home.execute(
        "update open_tasks set lease_owner = null, lease_until_ms = null, claimable_since = claimable_since - 600000 where asset = 2",
    );
    assert_eq!(claim_light(&store, &node("a"), 10).await.len(), 0, "it is not new, and nothing was left");
    store.reap().await.unwrap();
    assert_eq!(claim_light(&store, &node("a"), 10).await.len(), 1);
}

#[tokio::test]
async fn a_lease_is_counted_on_the_databases_clock() {
    let home = TempDatabase::new();
    let store = home.store().await;
    store.ingest(&uploads(1)).await.unwrap();
    store.claim(&node("a"), Lane::Light, 1, LEASE_MS).await.unwrap();
    let left =
        "select lease_until_ms - (extract(epoch from clock_timestamp()) * 1000)::bigint from open_tasks";
    let left_ms: u64 = home.execute(left).trim().parse().unwrap();
    assert!(left_ms <= LEASE_MS && left_ms > LEASE_MS / 2, "{left_ms}");
}
