//! Nodes are killed every few seconds while uploads are processed. Events arrive twice, in any order, late, or never, in a stream
//! whose shards are split and merged.
//!
//! `REELGATE_SEED` replays a schedule, `REELGATE_ASSETS` sets the number of uploads.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, ShardIteratorType};

use crate::fixture::{FleetFixture, Node, wait_for};
use crate::random::{Random, number};
use crate::uploads::uploads;

const ASSETS: u64 = 100;
/// Files of different content; the rest are uploads of the same bytes under other names, or trailing-box variants.
const FILES: usize = 40;
const NODES: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn killed_nodes_and_scrambled_events_lose_nothing_and_double_nothing() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = number("REELGATE_SEED", now);
    let assets = number("REELGATE_ASSETS", ASSETS);
    println!("seed {seed}, {assets} uploads");
    let mut random = Random(seed);
    let fixture = FleetFixture::new(true).await;
    let inbox = fixture.dir.path().join("uploads");
    uploads(&inbox, FILES);
    let mut nodes: Vec<Node> =
        (0..NODES).map(|number| fixture.node(&format!("node-{number}"), &[])).collect();
    put_all(&fixture, &inbox, assets).await;
    let events = read_source(&fixture, assets as usize).await;
    let dropped = scramble_and_kill(&fixture, &mut nodes, events, &mut random).await;
    println!("seed {seed}: {} events were dropped", dropped.len());
    until_settled(&fixture, assets as usize - dropped.len(), seed).await;
    let keys: BTreeSet<String> =
        fixture.assets().iter().map(|asset| asset["source"]["path"].as_str().unwrap().to_owned()).collect();
    assert!(dropped.is_disjoint(&keys), "seed {seed}: an event that was dropped came all the same");
    let swept = fixture.lines(&["sweep", "--json"]);
    // Rejected and quarantined uploads have been moved.
    let listed = swept[0]["listed"].as_u64().unwrap();
    assert!((1..=assets).contains(&listed), "seed {seed}: {listed}");
    assert_eq!(swept[0]["found"], dropped.len() as u64, "seed {seed}");
    until_settled(&fixture, assets as usize, seed).await;
    check(&fixture, assets as usize, seed).await;
    for node in &mut nodes {
        assert_eq!(node.stop(), Some(0), "seed {seed}: {}", node.name);
    }
}

/// A trailing `free` box makes the content new without changing the media (ISO/IEC 14496-12, 8.1.2).
async fn put_all(fixture: &FleetFixture, inbox: &std::path::Path, assets: u64) {
    for number in 0..assets {
        let from = inbox.join(format!("{:03}.mp4", number as usize % FILES));
        let mut bytes = std::fs::read(from).unwrap();
        let refused = number % 10 >= 8;
        // Uploads of known content are linked or refused; every fifth round has new content.
        if refused || number / FILES as u64 % 5 == 1 {
            bytes.extend([0, 0, 0, 16]);
            bytes.extend(b"free");
            bytes.extend(number.to_be_bytes());
        }
        let path = fixture.dir.path().join("upload.mp4");
        std::fs::write(&path, bytes).unwrap();
        fixture.put(&format!("p{}/{number:04}.mp4", number % 4), &path).await;
    }
}

/// What EventBridge wrote, with the keys of the uploads.
pub(super) async fn read_source(fixture: &FleetFixture, events: usize) -> Vec<(String, Vec<u8>)> {
    let mut read = Vec::new();
    let shards = fixture.kinesis.list_shards().stream_name(&fixture.source_stream).send().await.unwrap();
    for shard in shards.shards.unwrap() {
        let iterator = fixture.kinesis.get_shard_iterator().stream_name(&fixture.source_stream);
        let iterator = iterator.shard_id(shard.shard_id).shard_iterator_type(ShardIteratorType::TrimHorizon);
        let mut next = iterator.send().await.unwrap().shard_iterator;
        let mut empty = 0;
        while let Some(iterator) = next.filter(|_| empty < 5) {
            let got = fixture.kinesis.get_records().shard_iterator(iterator).send().await.unwrap();
            empty = if got.records.is_empty() { empty + 1 } else { 0 };
            for record in got.records {
                let bytes = record.data.into_inner();
                let event: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
                read.push((event["detail"]["object"]["key"].as_str().unwrap().to_owned(), bytes));
            }
            next = got.next_shard_iterator;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    assert!(read.len() >= events, "expected an event for each of {events} uploads, found {}", read.len());
    read
}

/// Forwards the events, some twice, some never, in any order, while nodes die and shards are split and merged.
/// Returns the keys whose events were dropped.
async fn scramble_and_kill(
    fixture: &FleetFixture,
    nodes: &mut [Node],
    events: Vec<(String, Vec<u8>)>,
    random: &mut Random,
) -> BTreeSet<String> {
    // One at least is dropped.
    let mut dropped = BTreeSet::from([events[random.below(events.len() as u64) as usize].0.clone()]);
    let mut passed: Vec<(String, Vec<u8>)> = Vec::new();
    for (key, event) in events {
        if random.below(50) == 0 || dropped.contains(&key) {
            dropped.insert(key);
            continue;
        }
        let times = 1 + u64::from(random.below(4) == 0) * (1 + random.below(2));
        (0..times).for_each(|_| passed.push((key.clone(), event.clone())));
    }
    for place in (1..passed.len()).rev() {
        passed.swap(place, random.below(place as u64 + 1) as usize);
    }
    let batches: Vec<_> = passed.chunks(passed.len() / 8 + 1).collect();
    for (number, batch) in batches.iter().enumerate() {
        put(fixture, batch).await;
        if number == 2 {
            split(fixture).await;
        }
        if number == 5 {
            merge(fixture).await;
        }
        tokio::time::sleep(Duration::from_millis(1_000 + random.below(2_500))).await;
        let victim = random.below(nodes.len() as u64) as usize;
        let name = nodes[victim].name.clone();
        nodes[victim].kill();
        nodes[victim] = fixture.node(&name, &[]);
    }
    dropped
}

pub(super) async fn put(fixture: &FleetFixture, batch: &[(String, Vec<u8>)]) {
    let entry = |(key, event): &(String, Vec<u8>)| {
        PutRecordsRequestEntry::builder().partition_key(key).data(Blob::new(event.clone())).build().unwrap()
    };
    let records: Vec<_> = batch.iter().map(entry).collect();
    let put = fixture.kinesis.put_records().stream_name(&fixture.stream).set_records(Some(records));
    let result = put.send().await.unwrap();
    assert!(result.records.iter().all(|record| record.error_code.is_none()), "{result:?}");
}

async fn open_shards(fixture: &FleetFixture) -> Vec<aws_sdk_kinesis::types::Shard> {
    let listed = fixture.kinesis.list_shards().stream_name(&fixture.stream).send().await.unwrap();
    let mut shards = listed.shards.unwrap();
    shards.retain(|shard| {
        shard.sequence_number_range.as_ref().is_none_or(|range| range.ending_sequence_number.is_none())
    });
    shards.sort_by_key(starts_at);
    shards
}

fn starts_at(shard: &aws_sdk_kinesis::types::Shard) -> u128 {
    shard.hash_key_range.as_ref().unwrap().starting_hash_key.parse().unwrap()
}

async fn split(fixture: &FleetFixture) {
    let shard = open_shards(fixture).await.remove(0);
    let ends_at: u128 = shard.hash_key_range.as_ref().unwrap().ending_hash_key.parse().unwrap();
    let middle = starts_at(&shard) + (ends_at - starts_at(&shard)) / 2;
    let split = fixture.kinesis.split_shard().stream_name(&fixture.stream).shard_to_split(&shard.shard_id);
    split.new_starting_hash_key(middle.to_string()).send().await.unwrap();
    fixture.until_active(&fixture.stream).await;
    assert_eq!(open_shards(fixture).await.len(), 3);
}

async fn merge(fixture: &FleetFixture) {
    let shards = open_shards(fixture).await;
    let merge =
        fixture.kinesis.merge_shards().stream_name(&fixture.stream).shard_to_merge(&shards[0].shard_id);
    merge.adjacent_shard_to_merge(&shards[1].shard_id).send().await.unwrap();
    fixture.until_active(&fixture.stream).await;
    assert_eq!(open_shards(fixture).await.len(), 2);
}

async fn until_settled(fixture: &FleetFixture, assets: usize, seed: u64) {
    let mut last = BTreeMap::new();
    wait_for(&format!("seed {seed}: {assets} assets have ended"), Duration::from_secs(900), async || {
        let states = fixture.states();
        if states != last {
            println!("{states:?}");
            last = states.clone();
        }
        let ended = ["published", "rejected", "quarantined", "superseded", "failed"];
        let done: usize = ended.iter().filter_map(|phase| states.get(*phase)).sum();
        done == assets && done == states.values().sum::<usize>()
    })
    .await;
}

async fn check(fixture: &FleetFixture, assets: usize, seed: u64) {
    let states = fixture.states();
    if let Some(failed) = fixture.lines(&["list", "--json", "--state", "failed"]).first() {
        let why = fixture.lines(&["why", failed["asset_id"].as_str().unwrap(), "--json"]);
        panic!("seed {seed}: {states:?}\n{failed}\n{why:#?}");
    }
    for fate in ["published", "rejected", "quarantined"] {
        assert!(states.contains_key(fate), "seed {seed}: {states:?}");
    }
    assert_eq!(fixture.verify_published().await, states["published"], "seed {seed}");
    let mut notices_of: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    wait_for(&format!("seed {seed}: every asset has its notice"), Duration::from_secs(90), async || {
        for notice in fixture.notices().await {
            let text = |name: &str| notice[name].as_str().unwrap().to_owned();
            notices_of.entry(text("asset_id")).or_default().insert(text("id"));
        }
        notices_of.len() == assets
    })
    .await;
    assert!(
        notices_of.values().all(|ids| ids.len() == 1),
        "seed {seed}: one id for each asset: {notices_of:?}"
    );
    fixture.lines(&["sweep", "--json"]);
    assert_eq!(fixture.keys("work/").await, Vec::<String>::new(), "seed {seed}: staged outputs are left");
    for area in ["work", "published", "quarantine", "rejected"] {
        let uploads = fixture.s3.list_multipart_uploads().bucket(fixture.bucket(area)).send().await.unwrap();
        assert_eq!(
            uploads.uploads.unwrap_or_default().len(),
            0,
            "seed {seed}: unfinished uploads are left in {area}"
        );
    }
    let positions = fixture.sql("select position from shards where position = 'ended'");
    assert_eq!(positions.lines().count(), 3, "seed {seed}: two shards were merged and one was split");
    let leased = fixture.sql("select count(*) from tasks where lease_owner is not null");
    assert_eq!(leased, "0", "seed {seed}: leases are left");
}
