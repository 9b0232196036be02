//! Shard leases, and checkpoints that move with the events they cover.

use std::sync::Arc;

use reelgate_flow::ids::NodeId;

use super::StoreHome;
use super::fixture::event;
use crate::ManualClock;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::events::{EventBatch, RefusedEvent};
use reelgate_ports::shards::{Checkpoint, Position, ShardLease, ShardRow, Shards};

const STREAM: &str = "uploads";

async fn home_with(home: &dyn StoreHome, shards: &[&str]) -> Arc<dyn Shards> {
    let store = home.shards(Arc::new(ManualClock::default())).await;
    let rows: Vec<ShardRow> = shards.iter().map(|shard| row(shard, &[])).collect();
    store.add_shards(STREAM, &rows).await.unwrap();
    store
}

fn row(shard: &str, parents: &[&str]) -> ShardRow {
    ShardRow {
        shard: shard.into(),
        parents: parents.iter().map(|parent| (*parent).to_owned()).collect(),
        position: Position::Oldest,
        owner: None,
        counter: 0,
        wanted_by: None,
    }
}

async fn only(store: &dyn Shards) -> ShardRow {
    let mut rows = store.shards(STREAM).await.unwrap();
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

async fn take(store: &dyn Shards, node: &str) -> (ShardLease, Position) {
    let seen = only(store).await.counter;
    store.take_shard(STREAM, "0", &NodeId::new(node), seen).await.unwrap().expect("nobody was faster")
}

fn moved(lease: &ShardLease, from: Position, to: Position, keys: &[&str]) -> EventBatch {
    let events: Vec<_> = keys.iter().map(|key| event(key, 1)).collect();
    let checkpoint = Some(Checkpoint { lease: lease.clone(), from, to });
    EventBatch { checkpoint, ..EventBatch::of(events) }
}

fn after(sequence: &str) -> Position {
    Position::After(sequence.into())
}

pub async fn shards_are_added_once_and_keep_what_they_know(home: &dyn StoreHome) {
    let store = home_with(home, &["0"]).await;
    take(&*store, "a").await;
    store.add_shards(STREAM, &[row("0", &[]), row("1", &["0"])]).await.unwrap();
    let rows = store.shards(STREAM).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].owner, Some(NodeId::new("a")));
    assert_eq!(rows[1].parents, ["0"]);
    assert_eq!(store.shards("another").await.unwrap(), []);
}

pub async fn one_of_two_nodes_with_the_same_counter_takes_the_lease(home: &dyn StoreHome) {
    let store = home_with(home, &["0"]).await;
    let seen = only(&*store).await.counter;
    let first = store.take_shard(STREAM, "0", &NodeId::new("a"), seen).await.unwrap();
    let second = store.take_shard(STREAM, "0", &NodeId::new("b"), seen).await.unwrap();
    assert!(first.is_some() && second.is_none());
}

pub async fn a_renewal_changes_the_counter_and_returns_lost_leases(home: &dyn StoreHome) {
    let store = home_with(home, &["0"]).await;
    let (lease, _) = take(&*store, "a").await;
    let before = only(&*store).await.counter;
    assert_eq!(store.renew_shards(std::slice::from_ref(&lease)).await.unwrap(), []);
    assert_ne!(only(&*store).await.counter, before);
    take(&*store, "b").await;
    assert_eq!(store.renew_shards(std::slice::from_ref(&lease)).await.unwrap(), [lease]);
}

pub async fn a_released_lease_is_free_and_a_lost_one_is_left_alone(home: &dyn StoreHome) {
    let store = home_with(home, &["0"]).await;
    let (old, _) = take(&*store, "a").await;
    take(&*store, "b").await;
    store.release_shard(&old).await.unwrap();
    assert_eq!(only(&*store).await.owner, Some(NodeId::new("b")));
    let (lease, _) = take(&*store, "c").await;
    store.release_shard(&lease).await.unwrap();
    assert_eq!(only(&*store).await.owner, None);
}

pub async fn a_request_for_a_shard_is_visible_and_ends_with_the_next_take(home: &dyn StoreHome) {
    let store = home_with(home, &["0"]).await;
    let (lease, _) = take(&*store, "a").await;
    store.want_shard(STREAM, "0", &NodeId::new("b")).await.unwrap();
    assert_eq!(only(&*store).await.wanted_by, Some(NodeId::new("b")));
    store.release_shard(&lease).await.unwrap();
    take(&*store, "b").await;
    assert_eq!(only(&*store).await.wanted_by, None);
}

pub async fn a_checkpoint_moves_with_its_events(home: &dyn StoreHome) {
    let store = home_with(home, &["0"]).await;
    let (lease, position) = take(&*store, "a").await;
    assert_eq!(position, Position::Oldest);
    let taken = home.open(Arc::new(ManualClock::default())).await;
    let batch = moved(&lease, Position::Oldest, after("7"), &["x", "y"]);
    assert_eq!(taken.ingest(&batch).await.unwrap().len(), 2);
    let (_, position) = take(&*store, "b").await;
    assert_eq!(position, after("7"));
}

pub async fn a_reader_that_lost_its_lease_moves_no_checkpoint_and_ingests_nothing(home: &dyn StoreHome) {
    let store = home_with(home, &["0"]).await;
    let taken = home.open(Arc::new(ManualClock::default())).await;
    let (zombie, _) = take(&*store, "a").await;
    let (owner, _) = take(&*store, "b").await;
    let error = taken.ingest(&moved(&zombie, Position::Oldest, after("9"), &["z"])).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert_eq!(
        taken.assets(&reelgate_ports::store::AssetFilter { limit: 9, ..Default::default() }).await.unwrap(),
        []
    );
    taken.ingest(&moved(&owner, Position::Oldest, after("3"), &["x"])).await.unwrap();
    assert_eq!(only(&*store).await.position, after("3"));
}

pub async fn a_repeated_or_skipped_batch_moves_no_checkpoint(home: &dyn StoreHome) {
    let store = home_with(home, &["0"]).await;
    let taken = home.open(Arc::new(ManualClock::default())).await;
    let (lease, _) = take(&*store, "a").await;
    let batch = moved(&lease, Position::Oldest, after("3"), &["x"]);
    taken.ingest(&batch).await.unwrap();
    for wrong in [batch, moved(&lease, after("5"), after("8"), &[])] {
        assert_eq!(taken.ingest(&wrong).await.unwrap_err().kind, ErrorKind::Conflict);
    }
    assert_eq!(only(&*store).await.position, after("3"));
}

pub async fn only_shards_read_to_their_end_are_forgotten(home: &dyn StoreHome) {
    let store = home_with(home, &["0"]).await;
    store.forget_shards(STREAM, &["0".into()]).await.unwrap();
    let (lease, _) = take(&*store, "a").await;
    let taken = home.open(Arc::new(ManualClock::default())).await;
    taken.ingest(&moved(&lease, Position::Oldest, Position::Ended, &[])).await.unwrap();
    store.forget_shards(STREAM, &["0".into()]).await.unwrap();
    assert_eq!(store.shards(STREAM).await.unwrap(), []);
}

pub async fn a_message_that_cannot_be_parsed_does_not_block_others(home: &dyn StoreHome) {
    let store = home_with(home, &["0"]).await;
    let taken = home.open(Arc::new(ManualClock::default())).await;
    let (lease, _) = take(&*store, "a").await;
    let refused =
        RefusedEvent { location: "uploads/0/1".into(), sha256: "00".into(), reason: "no JSON".into() };
    let batch = EventBatch {
        refused: vec![refused.clone(), refused],
        ..moved(&lease, Position::Oldest, after("2"), &["x"])
    };
    assert_eq!(taken.ingest(&batch).await.unwrap().len(), 1);
    assert_eq!(only(&*store).await.position, after("2"));
}
