//! Faults of streams and stores.

use std::time::Duration;

use reelgate_ports::error::{ErrorKind, Port, PortError};
use reelgate_ports::shards::Position;

use super::super::stream::Refusal;
use super::super::*;
use super::model::*;

fn throttled() -> Refusal {
    Refusal::Other(PortError::new(
        Port::Events,
        ErrorKind::Unavailable,
        "read a shard",
        "answered ThroughputExceeded",
    ))
}

#[tokio::test(start_paused = true)]
async fn throttling_delays_reading_and_loses_nothing() {
    for fan_out in [None, Some("consumer")] {
        let (stream, model) = (FakeStream::new(&["1"]), Model::default());
        let node = Node::with("a", &stream, &model, fan_out);
        for n in 0..20 {
            stream.put("1", &n.to_string());
        }
        stream.refuse((0..12).map(|_| throttled()));
        work_until(&[&node], 300_000, || model.effects() == keys(0..20)).await;
        assert_eq!((stream.refusals_left(), model.committed().len()), (0, 20));
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_iterator_is_replaced_by_one_at_the_same_position() {
    let (stream, model) = (FakeStream::new(&["1"]), Model::default());
    let node = Node::new("a", &stream, &model);
    stream.put("1", "0");
    work_until(&[&node], 30_000, || model.effects() == keys(0..1)).await;
    stream.refuse([Refusal::Expired]);
    work_until(&[&node], 30_000, || stream.refusals_left() == 0).await;
    stream.put("1", "1");
    work_until(&[&node], 30_000, || model.effects() == keys(0..2)).await;
    assert_eq!(model.committed().len(), 2, "nothing was read twice");
    assert!(!node.events.sweep_wanted());
}

#[tokio::test(start_paused = true)]
async fn a_trimmed_position_raises_the_alarm_and_reading_resumes_at_the_oldest_record() {
    let (stream, model) = (FakeStream::new(&["1"]), Model::default());
    let node = Node::new("a", &stream, &model);
    stream.put("1", "0");
    work_until(&[&node], 30_000, || model.effects() == keys(0..1)).await;
    node.events.stop().await.unwrap();
    (1..9).for_each(|n| stream.put("1", &n.to_string()));
    stream.trim("1", 3);
    let next = Node::new("b", &stream, &model);
    stream.refuse([Refusal::Trimmed]);
    work_until(&[&next], 30_000, || model.effects().len() == 4).await;
    assert_eq!(next.events.gaps(), 1);
    assert!(next.events.sweep_wanted());
    assert!(!next.events.sweep_wanted(), "reported once");
}

#[tokio::test(start_paused = true)]
async fn silently_trimmed_records_are_detected_by_the_missing_known_record() {
    let (stream, model) = (FakeStream::new(&["1"]), Model::default());
    let node = Node::new("a", &stream, &model);
    stream.put("1", "0");
    work_until(&[&node], 30_000, || model.effects() == keys(0..1)).await;
    node.events.stop().await.unwrap();
    stream.put("1", "1");
    stream.put("1", "2");
    stream.trim("1", 1);
    let next = Node::new("b", &stream, &model);
    work_until(&[&next], 30_000, || model.effects().contains("2")).await;
    assert!(next.events.sweep_wanted());
}

#[tokio::test(start_paused = true)]
async fn a_fully_trimmed_shard_ends_with_an_alarm_and_its_children_are_read() {
    let (stream, model) = (FakeStream::new(&["1"]), Model::default());
    let node = Node::new("a", &stream, &model);
    stream.put("1", "0");
    work_until(&[&node], 30_000, || model.effects() == keys(0..1)).await;
    stream.reshard(&["1"], &["2"]);
    stream.put("2", "1");
    stream.remove("1");
    work_until(&[&node], 180_000, || model.effects() == keys(0..2)).await;
    assert!(node.events.sweep_wanted());
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_could_not_be_stored_is_returned_again() {
    let (stream, model) = (FakeStream::new(&["1"]), Model::default());
    let node = Node::new("a", &stream, &model);
    stream.put("1", "0");
    work_until(&[&node], 30_000, || model.shards.owners().get("1").is_some_and(Option::is_some)).await;
    model.shards.down(true);
    work_for(&[&node], 10 * LEASE_MS).await;
    assert!(model.effects().is_empty());
    model.shards.down(false);
    work_until(&[&node], 30_000, || model.effects() == keys(0..1)).await;
}

#[tokio::test(start_paused = true)]
async fn the_checkpoint_never_passes_a_record_that_is_not_stored() {
    let (stream, model) = (FakeStream::new(&["1"]), Model::default());
    let node = Node::new("a", &stream, &model);
    for n in 0..20 {
        stream.put("1", &n.to_string());
    }
    let mut out = EventBatch::default();
    while out.is_empty() {
        out = node.events.poll(4).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(node.events.poll(4).await.unwrap(), out, "the same batch until it is acknowledged");
    assert_eq!(model.shards.position("1"), Some(Position::Oldest));
}

#[tokio::test(start_paused = true)]
async fn an_empty_shard_is_read_rarely_and_a_full_buffer_stops_reading() {
    let (stream, model) = (FakeStream::new(&["1"]), Model::default());
    let node = Node::new("a", &stream, &model);
    work_until(&[&node], 30_000, || stream.reads() > 0).await;
    let before = stream.reads();
    work_for(&[&node], 60_000).await;
    assert!(stream.reads() - before <= 62, "{} reads of nothing in a minute", stream.reads() - before);
    assert!(stream.lists() <= 4, "{} listings in a minute", stream.lists());
    for n in 0..5_000 {
        stream.put("1", &n.to_string());
    }
    let out = loop {
        let out = node.events.poll(1).await.unwrap();
        if !out.is_empty() {
            break out;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    for _ in 0..600 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(node.events.poll(1).await.unwrap(), out);
    }
    let full = stream.reads();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(stream.reads(), full);
}
