//! A private stream, and its readers.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use reelgate_aws::events::kinesis::{KinesisEvents, KinesisSettings};
use reelgate_conformance::ManualClock;
use reelgate_flow::ids::NodeId;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::events::{EventBatch, Events};
use reelgate_ports::shards::ShardRow;
use reelgate_ports::store::Intake;
use reelgate_stand_ins::{KinesisLocal, fresh_name};
use reelgate_store::memory::MemoryStore;
use serde_json::json;

use crate::peers::{config, eventually};

/// Lease time, milliseconds; short, so that leases expire soon.
pub const LEASE_MS: u64 = 2_000;

pub struct TestStream {
    pub client: Client,
    pub name: String,
    numbers: Mutex<u64>,
    _kinesis: Option<KinesisLocal>,
}

impl TestStream {
    /// A stream on a private server.
    pub async fn new(shards: i32) -> Self {
        let kinesis = KinesisLocal::start();
        let mut stream = Self::at(kinesis.endpoint(), shards).await;
        stream._kinesis = Some(kinesis);
        stream
    }

    /// A stream on a server that other tests may use too.
    pub async fn at(endpoint: &str, shards: i32) -> Self {
        let client = Client::new(&config(endpoint).await);
        let name = fresh_name("uploads");
        client.create_stream().stream_name(&name).shard_count(shards).send().await.unwrap();
        let stream = Self { client, name, numbers: Mutex::new(0), _kinesis: None };
        stream.active().await;
        stream
    }

    async fn active(&self) {
        eventually("the stream becomes active", async || {
            let described =
                self.client.describe_stream_summary().stream_name(&self.name).send().await.ok()?;
            let status = described.stream_description_summary()?.stream_status().as_str().to_owned();
            (status == "ACTIVE").then_some(())
        })
        .await;
    }

    /// Puts the event of an upload, in the form of EventBridge.
    pub async fn put(&self, key: &str, etag: &str, size_bytes: usize) {
        let sequencer = {
            let mut numbers = self.numbers.lock().unwrap();
            *numbers += 1;
            format!("{:016X}", *numbers)
        };
        let event = json!({"source": "aws.s3", "detail-type": "Object Created", "detail": {
            "bucket": {"name": "ingest"},
            "object": {"key": key, "size": size_bytes, "etag": etag, "sequencer": sequencer},
        }});
        let call = self.client.put_record().stream_name(&self.name).partition_key(key);
        call.data(Blob::new(event.to_string())).send().await.unwrap();
    }

    /// Ids of the open shards, in order.
    pub async fn open_shards(&self) -> Vec<String> {
        let listed = self.client.list_shards().stream_name(&self.name).send().await.unwrap();
        let open = |shard: &&aws_sdk_kinesis::types::Shard| {
            shard.sequence_number_range().is_some_and(|range| range.ending_sequence_number().is_none())
        };
        listed.shards().iter().filter(open).map(|shard| shard.shard_id().to_owned()).collect()
    }

    /// Splits a shard in the middle.
    pub async fn split(&self, shard: &str) {
        let listed = self.client.list_shards().stream_name(&self.name).send().await.unwrap();
        let found = listed.shards().iter().find(|listed| listed.shard_id() == shard).unwrap();
        let range = found.hash_key_range().unwrap();
        let bound = |text: &str| text.parse::<u128>().unwrap();
        let (from, to) = (bound(range.starting_hash_key()), bound(range.ending_hash_key()));
        let middle = from + (to - from) / 2;
        let call = self.client.split_shard().stream_name(&self.name).shard_to_split(shard);
        call.new_starting_hash_key(middle.to_string()).send().await.unwrap();
        self.active().await;
    }

    pub async fn merge(&self, left: &str, right: &str) {
        let call = self.client.merge_shards().stream_name(&self.name).shard_to_merge(left);
        call.adjacent_shard_to_merge(right).send().await.unwrap();
        self.active().await;
    }

    pub fn settings(&self, node: &str) -> KinesisSettings {
        let ingest = "s3://ingest".parse().unwrap();
        let mut settings = KinesisSettings::new(&self.name, NodeId::new(node), ingest);
        settings.lease_ms = LEASE_MS;
        settings.idle_ms_max = 300;
        settings
    }
}

/// The store that all nodes share: leases, checkpoints and committed events.
#[derive(Clone)]
pub struct Ledger {
    store: Arc<MemoryStore>,
    committed: Arc<Mutex<Vec<(String, String)>>>,
    conflicts: Arc<AtomicU64>,
}

impl Default for Ledger {
    fn default() -> Self {
        let store = Arc::new(MemoryStore::new(Arc::new(ManualClock::default())));
        Self { store, committed: Arc::default(), conflicts: Arc::default() }
    }
}

impl Ledger {
    /// Shard and key of every commit, in order.
    pub fn committed(&self) -> Vec<(String, String)> {
        self.committed.lock().unwrap().clone()
    }

    /// Commits that were refused because another reader has the shard.
    pub fn conflicts(&self) -> u64 {
        self.conflicts.load(Ordering::Relaxed)
    }

    /// The rows of the stream's shards.
    pub fn shards(&self, stream: &TestStream) -> Vec<ShardRow> {
        self.store.shard_rows(&stream.name).expect("no call is under way")
    }

    pub fn keys(&self) -> BTreeSet<String> {
        self.committed().into_iter().map(|(_, key)| key).collect()
    }

    /// Commits events and checkpoint, or neither.
    pub async fn commit(&self, batch: &EventBatch) -> Result<(), ErrorKind> {
        let shard = &batch.checkpoint.as_ref().unwrap().lease.shard;
        if let Err(error) = self.store.ingest(batch).await {
            self.conflicts.fetch_add(u64::from(error.kind == ErrorKind::Conflict), Ordering::Relaxed);
            return Err(error.kind);
        }
        let lines = batch.events.iter().map(|e| (shard.clone(), e.source.key.clone()));
        self.committed.lock().unwrap().extend(lines);
        Ok(())
    }
}

pub fn reader(stream: &TestStream, ledger: &Ledger, node: &str) -> KinesisEvents {
    reader_with(stream.client.clone(), stream.settings(node), ledger)
}

pub fn reader_with(client: Client, settings: KinesisSettings, ledger: &Ledger) -> KinesisEvents {
    KinesisEvents::new(client, ledger.store.clone(), settings)
}

/// Ingests all available events.
pub async fn ingest_all(reader: &KinesisEvents, ledger: &Ledger) {
    loop {
        let batch = reader.poll(16).await.unwrap();
        if batch.is_empty() {
            return;
        }
        match ledger.commit(&batch).await {
            Ok(()) => reader.acknowledge(&batch).await.unwrap(),
            Err(_) => reader.abandon(&batch).await.unwrap(),
        }
    }
}

/// Lets readers work until a condition holds.
pub async fn work_until(
    condition: &str,
    readers: &[&KinesisEvents],
    ledger: &Ledger,
    holds: impl Fn() -> bool,
) {
    eventually(condition, async || {
        for reader in readers {
            ingest_all(reader, ledger).await;
        }
        holds().then_some(())
    })
    .await;
}
