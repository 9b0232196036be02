//! Which node reads which shard while nodes join, leave, freeze and wake.

use std::collections::BTreeMap;
use std::time::Duration;

use reelgate_conformance::fault_plan::CallFault;

use super::super::*;
use super::model::*;

fn held(model: &Model) -> BTreeMap<String, usize> {
    let mut held = BTreeMap::new();
    for owner in model.shards.owners().into_values().flatten() {
        *held.entry(owner).or_insert(0) += 1;
    }
    held
}

fn each_holds(model: &Model, shards: usize, nodes: usize) -> bool {
    let held = held(model);
    held.len() == nodes && held.values().all(|held| *held == shards)
}

#[tokio::test(start_paused = true)]
async fn nodes_share_the_shards_evenly_and_release_them_when_they_stop() {
    let (stream, model) = (FakeStream::new(&["1", "2", "3", "4", "5", "6"]), Model::default());
    let [a, b, c] = ["a", "b", "c"].map(|name| Node::new(name, &stream, &model));
    work_until(&[&a], 60_000, || each_holds(&model, 6, 1)).await;
    work_until(&[&a, &b, &c], 120_000, || each_holds(&model, 2, 3)).await;
    let before = model.shards.owners();
    work_for(&[&a, &b, &c], 120_000).await;
    assert_eq!(model.shards.owners(), before, "shards do not move without need");
    c.events.stop().await.unwrap();
    assert!(!held(&model).contains_key("c"), "released, not left to expire");
    work_until(&[&a, &b], LEASE_MS, || each_holds(&model, 3, 2)).await;
    assert!(c.events.poll(1).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stop_releases_all_shards_at_the_same_time_and_ends_after_the_last() {
    let (stream, model) = (FakeStream::new(&["1", "2", "3", "4"]), Model::default());
    let a = Node::new("a", &stream, &model);
    work_until(&[&a], 60_000, || each_holds(&model, 4, 1)).await;
    let made = a.plan.calls("release_shard");
    for nth in 1..=4 {
        a.plan.at("release_shard", made + nth, CallFault::Delay(Duration::from_secs(10)));
    }
    let since = tokio::time::Instant::now();
    a.events.stop().await.unwrap();
    assert!(held(&model).is_empty(), "not all were released");
    assert!(since.elapsed() < Duration::from_secs(20), "one after the other: {:?}", since.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_stop_whose_caller_has_died_is_finished_by_the_next_stop_and_by_the_next_poll() {
    let (stream, model) = (FakeStream::new(&["1"]), Model::default());
    let a = Node::new("a", &stream, &model);
    for next_is_a_poll in [false, true] {
        work_until(&[&a], 60_000, || each_holds(&model, 1, 1)).await;
        a.plan.next("release_shard", CallFault::Delay(Duration::from_secs(10)));
        let died = tokio::time::timeout(Duration::from_secs(1), a.events.stop()).await;
        assert!(died.is_err(), "the release takes ten seconds");
        if next_is_a_poll {
            work_until(&[&a], 60_000, || a.plan.unmet().is_empty() && each_holds(&model, 1, 1)).await;
        }
        a.events.stop().await.unwrap();
        assert!(held(&model).is_empty(), "not released");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hand_over_waits_for_the_outstanding_batch_and_reads_nothing_twice() {
    let (stream, model) = (FakeStream::new(&["1", "2"]), Model::default());
    let [a, b] = ["a", "b"].map(|name| Node::new(name, &stream, &model));
    work_until(&[&a], 60_000, || each_holds(&model, 2, 1)).await;
    for n in 0..200 {
        stream.put(if n % 2 == 0 { "1" } else { "2" }, &n.to_string());
    }
    work_until(&[&a, &b], 120_000, || model.effects() == keys(0..200)).await;
    work_until(&[&a, &b], 60_000, || each_holds(&model, 1, 2)).await;
    assert_eq!((model.committed().len(), model.conflicts()), (200, 0));
}

#[tokio::test(start_paused = true)]
async fn a_frozen_node_is_fenced_when_it_wakes() {
    let (stream, model) = (FakeStream::new(&["1"]), Model::default());
    let [a, b] = ["a", "b"].map(|name| Node::new(name, &stream, &model));
    work_until(&[&a], 60_000, || each_holds(&model, 1, 1)).await;
    stream.put("1", "0");
    let mut out = EventBatch::default();
    while out.is_empty() {
        out = a.events.poll(4).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    a.freeze(true);
    work_until(&[&b], 3 * LEASE_MS, || model.effects() == keys(0..1)).await;
    let refused = model.commit(&out).await.unwrap_err();
    assert_eq!(refused.kind, reelgate_ports::error::ErrorKind::Conflict);
    a.freeze(false);
    a.events.abandon(&out).await.unwrap();
    assert_eq!((a.events.shards_held(), model.shards.owners()["1"].as_deref()), (0, Some("b")));
    stream.put("1", "1");
    work_until(&[&a, &b], 60_000, || model.effects() == keys(0..2)).await;
    assert_eq!(model.committed().len(), 2, "nothing took effect twice");
}

#[tokio::test(start_paused = true)]
async fn a_node_whose_intake_stopped_polling_loses_its_shards() {
    let (stream, model) = (FakeStream::new(&["1"]), Model::default());
    let [a, b] = ["a", "b"].map(|name| Node::new(name, &stream, &model));
    work_until(&[&a], 60_000, || each_holds(&model, 1, 1)).await;
    stream.put("1", "0");
    work_until(&[&b], 6 * LEASE_MS, || model.effects() == keys(0..1)).await;
    assert_eq!(a.events.shards_held(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_restarted_node_resumes_at_once() {
    let (stream, model) = (FakeStream::new(&["1", "2"]), Model::default());
    let first = Node::new("a", &stream, &model);
    work_until(&[&first], 60_000, || each_holds(&model, 2, 1)).await;
    drop(first); // killed: nothing is released
    assert!(each_holds(&model, 2, 1));
    stream.put("1", "0");
    let second = Node::new("a", &stream, &model);
    work_until(&[&second], LEASE_MS / 2, || model.effects() == keys(0..1)).await;
}

#[tokio::test(start_paused = true)]
async fn the_shards_of_a_killed_node_are_read_by_others_after_one_lease() {
    let (stream, model) = (FakeStream::new(&["1", "2"]), Model::default());
    let [a, b] = ["a", "b"].map(|name| Node::new(name, &stream, &model));
    work_until(&[&a, &b], 60_000, || each_holds(&model, 1, 2)).await;
    drop(a);
    stream.put("1", "0");
    stream.put("2", "1");
    work_until(&[&b], 2 * LEASE_MS, || model.effects() == keys(0..2)).await;
}

#[tokio::test(start_paused = true)]
async fn a_hand_over_to_a_dead_node_is_taken_back() {
    let (stream, model) = (FakeStream::new(&["1", "2"]), Model::default());
    let a = Node::new("a", &stream, &model);
    work_until(&[&a], 60_000, || each_holds(&model, 2, 1)).await;
    model.shards.want("1", "dead").await;
    work_until(&[&a], LEASE_MS, || model.shards.owners()["1"].is_none()).await;
    work_until(&[&a], 3 * LEASE_MS, || each_holds(&model, 2, 1)).await;
    work_for(&[&a], 5 * LEASE_MS).await;
    assert!(each_holds(&model, 2, 1), "and no shard moves again");
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_store_moves_no_lease() {
    let (stream, model) = (FakeStream::new(&["1", "2"]), Model::default());
    let [a, b] = ["a", "b"].map(|name| Node::new(name, &stream, &model));
    work_until(&[&a, &b], 60_000, || each_holds(&model, 1, 2)).await;
    let before = model.shards.owners();
    model.shards.down(true);
    work_for(&[&a, &b], 60_000).await;
    model.shards.down(false);
    work_for(&[&a, &b], 3 * LEASE_MS).await;
    assert_eq!((model.shards.owners(), model.conflicts()), (before, 0));
}

#[tokio::test(start_paused = true)]
async fn two_processes_with_the_same_name_do_no_harm() {
    let (stream, model) = (FakeStream::new(&["1", "2"]), Model::default());
    let originals = ["a", "a"].map(|name| Node::new(name, &stream, &model));
    for n in 0..40 {
        stream.put(if n % 2 == 0 { "1" } else { "2" }, &n.to_string());
    }
    work_until(&[&originals[0], &originals[1]], 120_000, || model.effects() == keys(0..40)).await;
}
