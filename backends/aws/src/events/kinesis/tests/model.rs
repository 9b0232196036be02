//! A fake stream and a model of the store, in memory.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use reelgate_conformance::ManualClock;
use reelgate_conformance::fault_plan::FaultPlan;
use reelgate_conformance::faulty::Faulty;
use reelgate_flow::ids::NodeId;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::shards::{Position, ShardRow};
use reelgate_ports::store::Intake;
use reelgate_store::memory::MemoryStore;
use serde_json::json;
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

/// Leases and checkpoints of the stream, in the memory store behind planned faults.
#[derive(Clone)]
pub(super) struct Leases {
    store: Arc<MemoryStore>,
    plan: FaultPlan,
}

impl Leases {
    fn reach(&self) -> Faulty<MemoryStore> {
        Faulty::new(Arc::clone(&self.store), &self.plan)
    }

    fn all(&self) -> Vec<ShardRow> {
        self.store.shard_rows(STREAM).expect("no call is under way")
    }

    /// Whether every call of the store fails from now on.
    pub(super) fn down(&self, down: bool) {
        self.plan.set_down(down);
    }

    /// The owner of every shard.
    pub(super) fn owners(&self) -> BTreeMap<String, Option<String>> {
        let owner = |row: ShardRow| (row.shard, row.owner.map(|owner| owner.to_string()));
        self.all().into_iter().map(owner).collect()
    }

    /// The checkpoint of a shard.
    pub(super) fn position(&self, shard: &str) -> Option<Position> {
        self.all().into_iter().find(|row| row.shard == shard).map(|row| row.position)
    }

    /// Asks the owner of a shard to hand it over to another node.
    pub(super) async fn want(&self, shard: &str, node: &str) {
        self.store.want_shard(STREAM, shard, &NodeId::new(node)).await.unwrap();
    }

    /// Deletes every row without regard to leases.
    pub(super) fn clear(&self) {
        self.store.delete_shards(STREAM).expect("no call is under way");
    }
}

#[derive(Default)]
struct Effects {
    /// Keys that took effect, each once.
    keys: BTreeSet<String>,
    /// Shard and key in order of commit, including repeats.
    committed: Vec<(String, String)>,
    conflicts: u64,
}

/// The store, and what took effect in it.
#[derive(Clone)]
pub(super) struct Model {
    pub(super) shards: Leases,
    effects: Arc<Mutex<Effects>>,
}

impl Default for Model {
    fn default() -> Self {
        let store = Arc::new(MemoryStore::new(Arc::new(ManualClock::default())));
        Self { shards: Leases { store, plan: FaultPlan::default() }, effects: Arc::default() }
    }
}

impl Model {
    pub(super) async fn commit(&self, batch: &EventBatch) -> PortResult<()> {
        let shard = &batch.checkpoint.as_ref().unwrap().lease.shard;
        let ingested = self.shards.reach().ingest(batch).await;
        let mut effects = self.effects.lock().unwrap();
        if let Err(error) = ingested {
            effects.conflicts += u64::from(error.kind == ErrorKind::Conflict);
            return Err(error);
        }
        for event in &batch.events {
            effects.keys.insert(event.source.key.clone());
            effects.committed.push((shard.clone(), event.source.key.clone()));
        }
        Ok(())
    }

    pub(super) fn effects(&self) -> BTreeSet<String> {
        self.effects.lock().unwrap().keys.clone()
    }

    pub(super) fn committed(&self) -> Vec<(String, String)> {
        self.effects.lock().unwrap().committed.clone()
    }

    /// Commits that were refused because another reader has the shard.
    pub(super) fn conflicts(&self) -> u64 {
        self.effects.lock().unwrap().conflicts
    }
}

/// One process that reads the stream.
pub(super) struct Node {
    pub(super) events: KinesisEvents,
    model: Model,
    /// Between this node and the store, so that the node can be frozen: its calls wait until it thaws.
    pub(super) plan: FaultPlan,
}

impl Node {
    pub(super) fn new(name: &str, stream: &FakeStream, model: &Model) -> Self {
        Self::with(name, stream, model, None)
    }

    pub(super) fn with(name: &str, stream: &FakeStream, model: &Model, fan_out: Option<&str>) -> Self {
        let plan = FaultPlan::default();
        let shards = Arc::new(Faulty::new(Arc::new(model.shards.reach()), &plan));
        let ingest = Area { bucket: "ingest".to_owned(), prefix: String::new() };
        let mut settings = KinesisSettings::new(STREAM, NodeId::new(name), ingest);
        settings.lease_ms = LEASE_MS;
        settings.records_max = 10;
        settings.fan_out = fan_out.map(str::to_owned);
        Self {
            events: KinesisEvents::with_stream(Box::new(stream.clone()), shards, settings),
            model: model.clone(),
            plan,
        }
    }

    pub(super) fn freeze(&self, frozen: bool) {
        self.plan.set_frozen(frozen);
    }

    /// One round of an intake; false if there was nothing to do.
    pub(super) async fn ingest_once(&self) -> bool {
        let batch = self.events.poll(4).await.unwrap();
        if batch.is_empty() {
            return false;
        }
        match self.model.commit(&batch).await {
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
