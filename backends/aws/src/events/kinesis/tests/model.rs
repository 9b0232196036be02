//! A fake stream and a model of the store, in memory.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use reelgate_conformance::memory_shards::MemoryShards;
use reelgate_flow::ids::NodeId;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::shards::{Position, ShardLease, ShardRow};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;

use super::super::stream::{Listed, Page, Record, Refusal, Start, Subscription};
use super::super::*;
use crate::location::Area;

pub(super) const STREAM: &str = "uploads";
pub(super) const LEASE_MS: u64 = 6_000;

/// One shard of the fake service.
#[derive(Default)]
struct Kept {
    parents: Vec<String>,
    records: Vec<Record>,
    closed: bool,
}

#[derive(Default)]
struct Service {
    shards: BTreeMap<String, Kept>,
    next: u64,
    /// Refusals for the next reads and iterators, whoever asks.
    refusals: VecDeque<Refusal>,
    reads: u64,
    lists: u64,
}

/// A fake stream; clones share the same service.
#[derive(Clone, Default)]
pub(super) struct FakeStream(Arc<Mutex<Service>>);

impl FakeStream {
    pub(super) fn new(shards: &[&str]) -> Self {
        let stream = Self::default();
        for shard in shards {
            stream.service().shards.insert((*shard).to_owned(), Kept::default());
        }
        stream
    }

    fn service(&self) -> MutexGuard<'_, Service> {
        self.0.lock().unwrap()
    }

    pub(super) fn put(&self, shard: &str, key: &str) {
        let mut service = self.service();
        service.next += 1;
        let sequence = format!("{:020}", service.next);
        let event = json!({"source": "aws.s3", "detail-type": "Object Created", "detail": {
            "bucket": {"name": "ingest"},
            "object": {"key": key, "size": 1, "etag": "e", "sequencer": format!("{:016X}", service.next)},
        }});
        let kept = service.shards.get_mut(shard).unwrap();
        assert!(!kept.closed, "{shard} is closed");
        kept.records.push(Record { sequence, bytes: event.to_string().into_bytes() });
    }

    /// Closes shards and opens others in their place: a split, a merge, or both at once.
    pub(super) fn reshard(&self, from: &[&str], to: &[&str]) {
        let mut service = self.service();
        for parent in from {
            service.shards.get_mut(*parent).unwrap().closed = true;
        }
        let parents: Vec<String> = from.iter().map(|parent| (*parent).to_owned()).collect();
        for child in to {
            let kept = Kept { parents: parents.clone(), ..Kept::default() };
            service.shards.insert((*child).to_owned(), kept);
        }
    }

    /// Drops all but the newest records of a shard.
    pub(super) fn trim(&self, shard: &str, kept: usize) {
        let mut service = self.service();
        let records = &mut service.shards.get_mut(shard).unwrap().records;
        let old = records.len().saturating_sub(kept);
        records.drain(..old);
    }

    /// Removes a shard, as the service does with a closed shard whose records are all trimmed.
    pub(super) fn remove(&self, shard: &str) {
        self.service().shards.remove(shard);
    }

    pub(super) fn refuse(&self, refusals: impl IntoIterator<Item = Refusal>) {
        self.service().refusals.extend(refusals);
    }

    pub(super) fn refusals_left(&self) -> usize {
        self.service().refusals.len()
    }

    pub(super) fn reads(&self) -> u64 {
        self.service().reads
    }

    pub(super) fn lists(&self) -> u64 {
        self.service().lists
    }
}

impl Service {
    fn begin(&mut self, shard: &str, start: &Start) -> Result<usize, Refusal> {
        if let Some(refusal) = self.refusals.pop_front() {
            return Err(refusal);
        }
        let kept = self.shards.get(shard).ok_or(Refusal::Gone)?;
        Ok(match start {
            Start::Oldest => 0,
            Start::At(sequence) => kept.records.partition_point(|record| record.sequence < *sequence),
        })
    }

    fn page(&mut self, shard: &str, at: usize, records_max: usize) -> Result<(Page, usize), Refusal> {
        if let Some(refusal) = self.refusals.pop_front() {
            return Err(refusal);
        }
        let kept = self.shards.get(shard).ok_or(Refusal::Gone)?;
        let to = (at + records_max).min(kept.records.len());
        let records = kept.records.get(at..to).unwrap_or_default().to_vec();
        let ended = kept.closed && to >= kept.records.len();
        let of_us = |(name, child): (&String, &Kept)| {
            let listed = Listed { shard: name.clone(), parents: child.parents.clone() };
            child.parents.iter().any(|parent| parent == shard).then_some(listed)
        };
        let children = if ended { self.shards.iter().filter_map(of_us).collect() } else { Vec::new() };
        Ok((Page { records, next: None, ended, children, behind_ms: 0 }, to))
    }
}

#[async_trait]
impl Stream for FakeStream {
    async fn list(&self) -> PortResult<Vec<Listed>> {
        let mut service = self.service();
        service.lists += 1;
        let listed =
            |(name, kept): (&String, &Kept)| Listed { shard: name.clone(), parents: kept.parents.clone() };
        Ok(service.shards.iter().map(listed).collect())
    }

    async fn iterator(&self, shard: &str, start: &Start) -> Result<String, Refusal> {
        self.service().begin(shard, start).map(|at| format!("{shard}|{at}"))
    }

    async fn read(&self, iterator: &str, records_max: i32) -> Result<Page, Refusal> {
        let mut service = self.service();
        service.reads += 1;
        let (shard, at) = iterator.split_once('|').unwrap();
        let (mut page, to) =
            service.page(shard, at.parse().unwrap(), usize::try_from(records_max).unwrap())?;
        page.next = (!page.ended).then(|| format!("{shard}|{to}"));
        Ok(page)
    }

    async fn subscribe(&self, shard: &str, start: &Start) -> Result<Box<dyn Subscription>, Refusal> {
        let at = self.service().begin(shard, start)?;
        Ok(Box::new(FakeSubscription { stream: self.clone(), shard: shard.to_owned(), at, pages: 0 }))
    }

    async fn check(&self) -> PortResult<String> {
        Ok("a fake stream".to_owned())
    }
}

struct FakeSubscription {
    stream: FakeStream,
    shard: String,
    at: usize,
    pages: u32,
}

#[async_trait]
impl Subscription for FakeSubscription {
    async fn next(&mut self) -> Result<Option<Page>, Refusal> {
        tokio::time::sleep(Duration::from_millis(100)).await;
        self.pages += 1;
        // The service ends subscriptions after five minutes; this one ends after three pages.
        if self.pages > 3 {
            return Ok(None);
        }
        let (page, to) = self.stream.service().page(&self.shard, self.at, 5)?;
        self.at = to;
        Ok(Some(page))
    }
}

#[derive(Default)]
struct Effects {
    /// Keys that took effect, each once.
    keys: BTreeSet<String>,
    /// Shard and key in order of commit, including repeats.
    committed: Vec<(String, String)>,
}

/// The store: leases, checkpoints and effects in one place, so that a commit is one transaction.
#[derive(Clone, Default)]
pub(super) struct Model {
    pub(super) shards: MemoryShards,
    effects: Arc<Mutex<Effects>>,
}

impl Model {
    pub(super) fn commit(&self, batch: &EventBatch) -> PortResult<()> {
        let checkpoint = batch.checkpoint.as_ref().unwrap();
        self.shards.advance(checkpoint)?;
        let mut effects = self.effects.lock().unwrap();
        for event in &batch.events {
            effects.keys.insert(event.source.key.clone());
            effects.committed.push((checkpoint.lease.shard.clone(), event.source.key.clone()));
        }
        Ok(())
    }

    pub(super) fn effects(&self) -> BTreeSet<String> {
        self.effects.lock().unwrap().keys.clone()
    }

    pub(super) fn committed(&self) -> Vec<(String, String)> {
        self.effects.lock().unwrap().committed.clone()
    }
}

/// One node's connection to the store. While the node is frozen, its calls wait.
pub(super) struct NodeShards {
    shards: MemoryShards,
    frozen: watch::Receiver<bool>,
}

impl NodeShards {
    async fn thawed(&self) -> &MemoryShards {
        let mut frozen = self.frozen.clone();
        // If the sender was dropped, the node stays frozen for ever.
        if frozen.wait_for(|frozen| !*frozen).await.is_err() {
            std::future::pending::<()>().await;
        }
        &self.shards
    }
}

#[async_trait]
impl Shards for NodeShards {
    async fn shards(&self, stream: &str) -> PortResult<Vec<ShardRow>> {
        self.thawed().await.shards(stream).await
    }

    async fn add_shards(&self, stream: &str, shards: &[ShardRow]) -> PortResult<()> {
        self.thawed().await.add_shards(stream, shards).await
    }

    async fn take_shard(
        &self,
        stream: &str,
        shard: &str,
        node: &NodeId,
        seen_counter: u64,
    ) -> PortResult<Option<(ShardLease, Position)>> {
        self.thawed().await.take_shard(stream, shard, node, seen_counter).await
    }

    async fn renew_shards(&self, leases: &[ShardLease]) -> PortResult<Vec<ShardLease>> {
        self.thawed().await.renew_shards(leases).await
    }

    async fn want_shard(&self, stream: &str, shard: &str, node: &NodeId) -> PortResult<()> {
        self.thawed().await.want_shard(stream, shard, node).await
    }

    async fn release_shard(&self, lease: &ShardLease) -> PortResult<()> {
        self.thawed().await.release_shard(lease).await
    }

    async fn forget_shards(&self, stream: &str, shards: &[String]) -> PortResult<()> {
        self.thawed().await.forget_shards(stream, shards).await
    }
}

/// One process that reads the stream.
pub(super) struct Node {
    pub(super) events: KinesisEvents,
    model: Model,
    frozen: watch::Sender<bool>,
}

impl Node {
    pub(super) fn new(name: &str, stream: &FakeStream, model: &Model) -> Self {
        Self::with(name, stream, model, None)
    }

    pub(super) fn with(name: &str, stream: &FakeStream, model: &Model, fan_out: Option<&str>) -> Self {
        let (frozen, watched) = watch::channel(false);
        let shards = Arc::new(NodeShards { shards: model.shards.clone(), frozen: watched });
        let ingest = Area { bucket: "ingest".to_owned(), prefix: String::new() };
        let mut settings = KinesisSettings::new(STREAM, NodeId::new(name), ingest);
        settings.lease_ms = LEASE_MS;
        settings.records_max = 10;
        settings.fan_out = fan_out.map(str::to_owned);
        Self {
            events: KinesisEvents::with_stream(Box::new(stream.clone()), shards, settings),
            model: model.clone(),
            frozen,
        }
    }

    pub(super) fn freeze(&self, frozen: bool) {
        self.frozen.send_replace(frozen);
    }

    /// One round of an intake; false if there was nothing to do.
    pub(super) async fn ingest_once(&self) -> bool {
        let batch = self.events.poll(4).await.unwrap();
        if batch.is_empty() {
            return false;
        }
        match self.model.commit(&batch) {
            Ok(()) => drop(self.events.acknowledge(&batch).await),
            Err(error) if error.kind == ErrorKind::Conflict => drop(self.events.abandon(&batch).await),
            Err(_) => return false,
        }
        true
    }
}

/// Lets nodes work, in turn, until a condition holds; at most `ms` of virtual time.
pub(super) async fn work_until(nodes: &[&Node], ms: u64, holds: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_millis(ms);
    while !holds() {
        assert!(Instant::now() < until, "the condition did not hold within {ms} ms");
        for node in nodes {
            while node.ingest_once().await {}
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Lets nodes work for a while.
pub(super) async fn work_for(nodes: &[&Node], ms: u64) {
    let until = Instant::now() + Duration::from_millis(ms);
    work_until(nodes, ms + 1_000, || Instant::now() >= until).await;
}

pub(super) fn keys(range: std::ops::Range<u32>) -> BTreeSet<String> {
    range.map(|n| n.to_string()).collect()
}
