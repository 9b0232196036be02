//! What comes in another order than it happened: findings before their upload, deletions long after.

use reelgate_flow::asset::{Phase, Response, Severity};
use reelgate_flow::ids::AssetId;
use reelgate_flow::reason::Code;
use reelgate_flow::task::TaskKey;
use reelgate_ports::events::EventBatch;
use reelgate_ports::identity::{self, ETAG_VERSION};
use reelgate_ports::records::{
    Decided, Decision, EventKind, Finder, FindingRecord, MediaEvent, NULL_VERSION, ScanEvent,
};
use serde_json::json;

use super::StoreHome;
use super::world::{SHA256, World, event};

/// Longer than a stream keeps its records.
const LATE_MS: u64 = 367 * 24 * 3_600_000;

fn severe(id: &str, upload: &MediaEvent) -> ScanEvent {
    ScanEvent {
        id: id.into(),
        kind: "SensitiveData:S3Object/Personal".into(),
        severity: Severity::High,
        response: Response::Quarantine,
        source: Some(upload.source.clone()),
        asset: None,
        findings: vec![FindingRecord {
            source: Finder::Macie,
            kind: "NAME".into(),
            severity: Severity::High,
            count: 2,
            locations: Vec::new(),
        }],
        sample: false,
        summary: json!({}),
    }
}

/// Of this version, at this place in the order of the key.
fn deleted(key: &str, version: &str, sequencer: u64) -> MediaEvent {
    let mut event = event(key, sequencer);
    event.kind = EventKind::Deleted;
    event.source.version = version.to_owned();
    event
}

async fn take(world: &World, events: Vec<MediaEvent>, scans: Vec<ScanEvent>) -> Vec<AssetId> {
    let batch = EventBatch { events, scans, ..EventBatch::default() };
    let taken = world.store.ingest(&batch).await.unwrap();
    taken.into_iter().map(|taken| taken.asset).collect()
}

async fn is_quarantined_with_its_finding(world: &World, asset: &AssetId) {
    world.run(Severity::None).await;
    let detail = world.store.asset(asset).await.unwrap();
    assert_eq!(detail.asset.phase, Phase::Quarantined);
    assert_eq!(detail.findings.iter().map(|f| f.kind.as_str()).collect::<Vec<_>>(), ["NAME"]);
    assert_eq!(world.told(asset, "scanned").await.len(), 1, "told once");
}

pub async fn a_finding_in_one_batch_with_its_upload_counts(home: &dyn StoreHome) {
    let world = World::new(home).await;
    let upload = event("a", 1);
    let assets = take(&world, vec![upload.clone()], vec![severe("1", &upload)]).await;
    is_quarantined_with_its_finding(&world, &assets[0]).await;
}

pub async fn a_finding_that_comes_before_its_upload_counts(home: &dyn StoreHome) {
    let world = World::new(home).await;
    let (upload, other) = (event("a", 1), event("b", 1));
    let sample = ScanEvent { sample: true, ..severe("2", &other) };
    take(&world, Vec::new(), vec![severe("1", &upload), sample, severe("1", &upload)]).await;
    take(&world, Vec::new(), vec![severe("1", &upload)]).await;
    let assets = take(&world, vec![upload, other], Vec::new()).await;
    is_quarantined_with_its_finding(&world, &assets[0]).await;
    assert_eq!(world.phase(&assets[1]).await, Phase::Published, "a sample says nothing");
}

/// Takes an upload in, publishes it, and has it erased.
async fn erase(world: &World, key: &str, version: u64) {
    let asset = world.upload(key, version).await;
    world.run(Severity::None).await;
    let decision = Decision {
        what: Decided::Erase,
        by: "officer".into(),
        approver: None,
        reason: "asked for".into(),
        expires_ms: None,
    };
    world.store.decide(&asset, &decision).await.unwrap();
    world.run(Severity::None).await;
    assert_eq!(world.phase(&asset).await, Phase::Erased);
}

pub async fn an_erasure_leaves_no_key_whatever_is_told_of_it_later(home: &dyn StoreHome) {
    let world = World::new(home).await;
    let key = "jane-doe-interview.mp4";
    take(&world, Vec::new(), vec![severe("0", &event("somebody-else.mp4", 1))]).await;
    take(&world, vec![deleted(key, "7", 1)], Vec::new()).await;
    erase(&world, key, 1).await;
    take(&world, vec![deleted(key, "1", 2), deleted(key, "", 3)], vec![severe("1", &event(key, 1))]).await;
    assert!(!world.store.ingest(&EventBatch::of([event(key, 1)])).await.unwrap()[0].new);
    let all = home.dump(world.clock.clone()).await;
    assert!(all.contains(&identity::key_sha256(key)), "what is looked at holds the deletions");
    assert!(!all.contains("jane-doe"), "{all}");
}

pub async fn an_erased_version_still_counts_as_the_newer_one(home: &dyn StoreHome) {
    let world = World::new(home).await;
    erase(&world, "a", 5).await;
    let older = world.upload("a", 4).await;
    world.run(Severity::None).await;
    assert_eq!(world.phase(&older).await, Phase::Superseded);
}

pub async fn a_deletion_is_remembered_once_and_for_as_long_as_events_may_come(home: &dyn StoreHome) {
    let world = World::new(home).await;
    take(&world, vec![deleted("a", "", 5), deleted("a", "", 9), deleted("a", "", 7)], Vec::new()).await;
    take(&world, vec![deleted("a", "", 3)], Vec::new()).await;
    let hidden = world.upload("a", 8).await;
    assert_eq!(world.phase(&hidden).await, Phase::Withdrawing, "the latest one stays");
    world.clock.advance_ms(LATE_MS);
    world.store.retain(None).await.unwrap();
    let late = world.upload("a", 2).await;
    assert_eq!(
        world.store.asset(&late).await.unwrap().asset.phase,
        Phase::Withdrawing,
        "a newer one is known"
    );
    take(&world, vec![deleted("b", "", 5)], Vec::new()).await;
    world.clock.advance_ms(LATE_MS);
    world.store.retain(None).await.unwrap();
    assert_eq!(world.phase(&world.upload("b", 4).await).await, Phase::Received, "it is forgotten");
}

pub async fn what_we_delete_ourselves_is_no_deletion_of_the_producers(home: &dyn StoreHome) {
    for told_as in ["1", NULL_VERSION] {
        let world = World::new(home).await;
        let mut upload = event(&format!("rejected-{told_as}"), 1);
        if told_as == NULL_VERSION {
            upload.source.version = format!("{ETAG_VERSION}ab");
        }
        let asset = take(&world, vec![upload.clone()], Vec::new()).await.remove(0);
        let claim = world.claim_one(TaskKey::Validate).await;
        world.fail(&claim, Code::NotMedia).await;
        world.run(Severity::None).await;
        assert_eq!(world.phase(&asset).await, Phase::Rejected);
        world.store.redrive(&asset).await.unwrap();
        // S3 tells only now that the source left the bucket when it was rejected.
        take(&world, vec![deleted(&upload.source.key, told_as, 2)], Vec::new()).await;
        assert_eq!(world.phase(&asset).await, Phase::Received, "told as {told_as}");
        // The producer's own marker counts as ever.
        take(&world, vec![deleted(&upload.source.key, "", 3)], Vec::new()).await;
        assert_eq!(world.phase(&asset).await, Phase::Withdrawing);
        world.run(Severity::None).await;
    }
}

pub async fn the_version_without_an_id_hides_only_its_like(home: &dyn StoreHome) {
    let world = World::new(home).await;
    let of_null = |sequencer: u64| {
        let mut upload = event("a", sequencer);
        upload.source.version = format!("{ETAG_VERSION}{sequencer}");
        upload
    };
    // The bucket's versions were suspended after version 1.
    take(&world, vec![deleted("a", NULL_VERSION, 5)], Vec::new()).await;
    let versioned = world.upload("a", 1).await;
    assert_eq!(world.phase(&versioned).await, Phase::Received, "a version with an id stays");
    let replaced = take(&world, vec![of_null(4)], Vec::new()).await;
    assert_eq!(world.phase(&replaced[0]).await, Phase::Withdrawing, "it is the version that went");
    let put_again = take(&world, vec![of_null(6)], Vec::new()).await;
    assert_eq!(world.phase(&put_again[0]).await, Phase::Received, "it came after the deletion");
    // Without an id it says nothing of one that has an id, even of the same text.
    let same_text = take(&world, vec![deleted("b", "2", 9)], Vec::new()).await;
    assert!(same_text.is_empty());
    let other = world.upload("b", 3).await;
    take(&world, vec![deleted("b", NULL_VERSION, 9)], Vec::new()).await;
    assert_eq!(world.phase(&other).await, Phase::Received);
    take(&world, vec![deleted("b", "", 9)], Vec::new()).await;
    assert_eq!(world.phase(&other).await, Phase::Withdrawing, "a marker hides every older one");
}

pub async fn a_finding_about_one_upload_takes_its_copies_with_it(home: &dyn StoreHome) {
    let world = World::new(home).await;
    let (first, copy) = (world.upload("a", 1).await, world.upload("b", 1).await);
    world.validate_content(&first, SHA256).await;
    world.validate_content(&copy, SHA256).await;
    world.run(Severity::None).await;
    assert_eq!(world.phase(&copy).await, Phase::Published);
    take(&world, Vec::new(), vec![severe("1", &event("a", 1))]).await;
    world.run(Severity::None).await;
    assert_eq!(world.phase(&first).await, Phase::Quarantined);
    assert_eq!(world.phase(&copy).await, Phase::Quarantined);
}
