//! Readers of one stream on kinesis-local: resharding under load, throttling, expired iterators, lost leases.

use std::collections::BTreeSet;

use aws_sdk_kinesis::Client;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::events::Events;
use reelgate_ports::shards::Position;
use reelgate_stand_ins::proxy::Asked;
use reelgate_stand_ins::{Fault, FaultProxy, KinesisLocal};

use super::stream::{Ledger, TestStream, ingest_all, reader, reader_with, work_until};
use crate::peers::{config, eventually};

fn keys(range: std::ops::Range<u32>) -> BTreeSet<String> {
    range.map(|n| format!("{n}.mp4")).collect()
}

#[tokio::test]
async fn a_split_and_a_merge_under_load_lose_and_repeat_nothing() {
    let (stream, ledger) = (TestStream::new(2).await, Ledger::default());
    let nodes = ["a", "b"].map(|node| reader(&stream, &ledger, node));
    let nodes = [&nodes[0], &nodes[1]];
    for n in 0..90 {
        stream.put(&format!("{n}.mp4"), "e", 1).await;
        let open = stream.open_shards().await;
        match n {
            30 => stream.split(&open[0]).await,
            60 => stream.merge(&open[1], &open[2]).await,
            _ => {}
        }
        for node in nodes {
            ingest_all(node, &ledger).await;
        }
    }
    work_until("all events are ingested", &nodes, &ledger, || ledger.keys() == keys(0..90)).await;
    assert_eq!((ledger.committed().len(), ledger.conflicts()), (90, 0), "each once");
    let rows = ledger.shards(&stream);
    let ended: Vec<_> = rows.iter().filter(|row| row.position == Position::Ended).collect();
    assert_eq!((rows.len(), ended.len()), (5, 3), "split: 1 ended, 2 new; merge: 2 ended, 1 new");
    let order: Vec<String> = ledger.committed().into_iter().map(|(shard, _)| shard).collect();
    for row in &rows {
        let first = order.iter().position(|shard| *shard == row.shard);
        for parent in &row.parents {
            let last = order.iter().rposition(|shard| shard == parent);
            assert!(first.is_none() || last < first, "a child is read after its parents");
        }
    }
    assert!(nodes.iter().all(|node| node.gaps() == 0));
    for node in nodes {
        node.stop().await.unwrap();
    }
    assert!(ledger.shards(&stream).iter().all(|row| row.owner.is_none()), "all leases are released");
}

#[tokio::test]
async fn a_node_that_is_frozen_longer_than_its_lease_is_fenced_at_the_commit() {
    let (stream, ledger) = (TestStream::new(1).await, Ledger::default());
    let (a, b) = (reader(&stream, &ledger, "a"), reader(&stream, &ledger, "b"));
    stream.put("0.mp4", "e", 1).await;
    let out = eventually("a polls a batch", async || {
        let batch = a.poll(16).await.unwrap();
        (!batch.is_empty()).then_some(batch)
    })
    .await;
    // From here on the intake of a does nothing, as after SIGSTOP.
    work_until("b takes the shard", &[&b], &ledger, || ledger.keys() == keys(0..1)).await;
    assert_eq!(ledger.commit(&out).await, Err(ErrorKind::Conflict));
    a.abandon(&out).await.unwrap();
    stream.put("1.mp4", "e", 1).await;
    work_until("reading continues", &[&a, &b], &ledger, || ledger.keys() == keys(0..2)).await;
    assert_eq!(ledger.committed().len(), 2, "nothing took effect twice");
}

fn is(target: &'static str) -> impl Fn(&Asked) -> bool + Send + Sync {
    move |asked| asked.target.ends_with(target)
}

#[tokio::test]
async fn throttling_expired_iterators_and_lost_responses_are_survived() {
    let (kinesis, ledger) = (KinesisLocal::start(), Ledger::default());
    let stream = TestStream::at(kinesis.endpoint(), 1).await;
    let proxy = FaultProxy::before(kinesis.endpoint());
    let node = reader_with(Client::new(&config(proxy.endpoint()).await), stream.settings("a"), &ledger);
    stream.put("0.mp4", "e", 1).await;
    work_until("the first event arrives", &[&node], &ledger, || ledger.keys() == keys(0..1)).await;
    let answers = |code: &str| Fault::json(400, code, "injected");
    // The SDK itself retries three in a row.
    let faults = [
        (6, answers("ProvisionedThroughputExceededException")),
        (1, answers("ExpiredIteratorException")),
        (2, Fault::Unanswered),
    ];
    let mut hits = 0;
    for (times, fault) in faults {
        hits += times;
        proxy.next(times as u64, fault, is("GetRecords"));
        work_until("every fault took effect", &[&node], &ledger, || proxy.hits().len() >= hits).await;
    }
    stream.put("1.mp4", "e", 1).await;
    work_until("the second event arrives", &[&node], &ledger, || ledger.keys() == keys(0..2)).await;
    assert_eq!((ledger.committed().len(), node.gaps()), (2, 0));
}

#[tokio::test]
async fn a_checkpoint_that_was_trimmed_raises_the_alarm() {
    let (kinesis, ledger) = (KinesisLocal::start(), Ledger::default());
    let stream = TestStream::at(kinesis.endpoint(), 1).await;
    let first = reader(&stream, &ledger, "a");
    stream.put("0.mp4", "e", 1).await;
    work_until("the first event arrives", &[&first], &ledger, || ledger.keys() == keys(0..1)).await;
    first.stop().await.unwrap();
    // kinesis-local never trims records, so the proxy injects the error.
    let proxy = FaultProxy::before(kinesis.endpoint());
    proxy.next(1, Fault::json(400, "InvalidArgumentException", "injected"), is("GetShardIterator"));
    let next = reader_with(Client::new(&config(proxy.endpoint()).await), stream.settings("b"), &ledger);
    work_until("the gap is detected", &[&next], &ledger, || next.gaps() == 1).await;
    assert!(next.sweep_wanted());
    stream.put("1.mp4", "e", 1).await;
    work_until("reading continues", &[&next], &ledger, || ledger.keys() == keys(0..2)).await;
}

#[tokio::test]
async fn a_check_describes_the_stream_and_reports_a_missing_one() {
    let (stream, ledger) = (TestStream::new(3).await, Ledger::default());
    let checked = reader(&stream, &ledger, "a").check().await.unwrap();
    assert_eq!(checked, format!("stream {} is ACTIVE with 3 open shards", stream.name));
    let mut settings = stream.settings("a");
    settings.stream = "none".to_owned();
    let missing = reader_with(stream.client.clone(), settings, &ledger).check().await.unwrap_err();
    assert_eq!((missing.kind, missing.operation), (ErrorKind::Missing, "reach the stream"));
    assert!(ledger.shards(&stream).is_empty(), "a check changes nothing");
}
