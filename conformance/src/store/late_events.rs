//! Events out of order: findings before their upload, deletions long after it.

use reelgate_flow::asset::{Phase, Severity};
use reelgate_flow::ids::AssetId;
use reelgate_flow::limits::BACKOFF_MAX_MS;
use reelgate_flow::reason::Code;
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::events::{EventBatch, RefusedEvent};
use reelgate_ports::identity::{self, ETAG_VERSION};
use reelgate_ports::records::{
    Decided, EventKind, ExternalScanEvent, Finder, FindingRecord, MediaEvent, NULL_VERSION,
};
use serde_json::json;

use super::StoreHome;
use super::fixture::{SHA256, StoreFixture, event, well};
use crate::samples::decision;

/// Milliseconds; longer than a stream keeps its records.
const LATE_MS: u64 = 367 * 24 * 3_600_000;

fn severe(id: &str, upload: &MediaEvent) -> ExternalScanEvent {
    ExternalScanEvent {
        id: id.into(),
        kind: "SensitiveData:S3Object/Personal".into(),
        severity: Severity::High,
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

/// The deletion of this version, with this sequencer.
fn deleted(key: &str, version: &str, sequencer: u64) -> MediaEvent {
    let mut event = event(key, sequencer);
    event.kind = EventKind::Deleted;
    event.source.version = version.to_owned();
    event
}

async fn take(
    fixture: &StoreFixture,
    events: Vec<MediaEvent>,
    scans: Vec<ExternalScanEvent>,
) -> Vec<AssetId> {
    let batch = EventBatch { events, scans, ..EventBatch::default() };
    let taken = fixture.store.ingest(&batch).await.unwrap();
    taken.into_iter().map(|taken| taken.asset).collect()
}

async fn is_quarantined_with_its_finding(fixture: &StoreFixture, asset: &AssetId) {
    fixture.run(Severity::None).await;
    let detail = fixture.store.asset(asset).await.unwrap();
    assert_eq!(detail.asset.phase, Phase::Quarantined);
    assert_eq!(detail.findings.iter().map(|f| f.kind.as_str()).collect::<Vec<_>>(), ["NAME"]);
    assert_eq!(fixture.details(asset, "scanned").await.len(), 1, "in the history once");
}

pub async fn a_finding_in_the_batch_of_its_upload_counts(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let upload = event("a", 1);
    let assets = take(&fixture, vec![upload.clone()], vec![severe("1", &upload)]).await;
    is_quarantined_with_its_finding(&fixture, &assets[0]).await;
}

pub async fn a_finding_that_comes_before_its_upload_counts(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let (upload, other) = (event("a", 1), event("b", 1));
    let sample = ExternalScanEvent { sample: true, ..severe("2", &other) };
    take(&fixture, Vec::new(), vec![severe("1", &upload), sample, severe("1", &upload)]).await;
    take(&fixture, Vec::new(), vec![severe("1", &upload)]).await;
    let assets = take(&fixture, vec![upload, other], Vec::new()).await;
    is_quarantined_with_its_finding(&fixture, &assets[0]).await;
    assert_eq!(fixture.phase(&assets[1]).await, Phase::Published, "a sample says nothing");
}

/// Ingests an upload, publishes it, and erases it.
async fn erase(fixture: &StoreFixture, key: &str, version: u64) {
    let asset = fixture.upload(key, version).await;
    fixture.run(Severity::None).await;
    fixture.store.decide(&asset, &decision(Decided::Erase)).await.unwrap();
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Erased);
}

pub async fn an_erasure_leaves_no_key_even_after_later_events(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let key = "jane-doe-interview.mp4";
    take(&fixture, Vec::new(), vec![severe("0", &event("somebody-else.mp4", 1))]).await;
    take(&fixture, vec![deleted(key, "7", 1)], Vec::new()).await;
    erase(&fixture, key, 1).await;
    take(&fixture, vec![deleted(key, "1", 2), deleted(key, "", 3)], vec![severe("1", &event(key, 1))]).await;
    assert!(!fixture.store.ingest(&EventBatch::of([event(key, 1)])).await.unwrap()[0].new);
    let all = home.dump(fixture.clock.clone()).await;
    assert!(all.contains(&identity::key_sha256(key)), "the dump contains the deletions");
    assert!(!all.contains("jane-doe"), "{all}");
}

pub async fn an_erased_version_still_counts_as_the_newer_one(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    erase(&fixture, "a", 5).await;
    let older = fixture.upload("a", 4).await;
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&older).await, Phase::Superseded);
}

pub async fn a_deletion_is_kept_once_and_for_as_long_as_events_may_come(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    take(&fixture, vec![deleted("a", "", 5), deleted("a", "", 9), deleted("a", "", 7)], Vec::new()).await;
    take(&fixture, vec![deleted("a", "", 3)], Vec::new()).await;
    let hidden = fixture.upload("a", 8).await;
    assert_eq!(fixture.phase(&hidden).await, Phase::Withdrawing, "the latest one stays");
    fixture.clock.advance_ms(LATE_MS);
    fixture.store.retain(None).await.unwrap();
    let late = fixture.upload("a", 2).await;
    assert_eq!(
        fixture.store.asset(&late).await.unwrap().asset.phase,
        Phase::Withdrawing,
        "a newer one is known"
    );
    take(&fixture, vec![deleted("b", "", 5)], Vec::new()).await;
    fixture.clock.advance_ms(LATE_MS);
    fixture.store.retain(None).await.unwrap();
    assert_eq!(
        fixture.phase(&fixture.upload("b", 4).await).await,
        Phase::Received,
        "the deletion is no longer kept"
    );
}

pub async fn what_tells_repeated_messages_apart_is_kept_for_as_long_as_they_may_come(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let refused = |location: &str| RefusedEvent {
        location: location.into(),
        sha256: SHA256.into(),
        reason: "expected an upload's event, found none".into(),
    };
    let batch = |name: &str| EventBatch {
        scans: vec![severe(&format!("finding-{name}"), &event("unknown", 1))],
        refused: vec![refused(&format!("stream/shard/{name}"))],
        ..EventBatch::default()
    };
    fixture.store.ingest(&batch("early")).await.unwrap();
    fixture.clock.advance_ms(LATE_MS / 2);
    fixture.store.ingest(&batch("late")).await.unwrap();
    let kept = async || {
        fixture.store.retain(None).await.unwrap();
        let all = home.dump(fixture.clock.clone()).await;
        ["finding-early", "shard/early", "finding-late", "shard/late"].map(|text| all.contains(text))
    };
    assert_eq!(kept().await, [true; 4]);
    fixture.clock.advance_ms(LATE_MS / 2);
    assert_eq!(kept().await, [false, false, true, true]);
}

pub async fn our_own_deletions_do_not_count_as_deletions_of_the_producer(home: &dyn StoreHome) {
    for version in ["1", NULL_VERSION] {
        let fixture = StoreFixture::new(home).await;
        let mut upload = event(&format!("rejected-{version}"), 1);
        if version == NULL_VERSION {
            upload.source.version = format!("{ETAG_VERSION}ab");
        }
        let asset = take(&fixture, vec![upload.clone()], Vec::new()).await.remove(0);
        let claim = fixture.claim_one(TaskKey::Validate).await;
        fixture.fail(&claim, Code::NotMedia).await;
        fixture.run(Severity::None).await;
        assert_eq!(fixture.phase(&asset).await, Phase::Rejected);
        fixture.store.redrive(&asset).await.unwrap();
        // Only now does the event arrive that the source left the bucket when it was rejected.
        take(&fixture, vec![deleted(&upload.source.key, version, 2)], Vec::new()).await;
        assert_eq!(fixture.phase(&asset).await, Phase::Received, "deleted as version {version}");
        // The producer's own delete marker still counts.
        take(&fixture, vec![deleted(&upload.source.key, "", 3)], Vec::new()).await;
        assert_eq!(fixture.phase(&asset).await, Phase::Withdrawing);
        fixture.run(Severity::None).await;
    }
}

pub async fn the_deletion_of_the_version_without_an_id_hides_only_such_versions(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let of_null = |sequencer: u64| {
        let mut upload = event("a", sequencer);
        upload.source.version = format!("{ETAG_VERSION}{sequencer}");
        upload
    };
    // Versioning of the bucket was suspended after version 1.
    take(&fixture, vec![deleted("a", NULL_VERSION, 5)], Vec::new()).await;
    let versioned = fixture.upload("a", 1).await;
    assert_eq!(fixture.phase(&versioned).await, Phase::Received, "a version with an id stays");
    let replaced = take(&fixture, vec![of_null(4)], Vec::new()).await;
    assert_eq!(fixture.phase(&replaced[0]).await, Phase::Withdrawing, "it is the deleted version");
    let put_again = take(&fixture, vec![of_null(6)], Vec::new()).await;
    assert_eq!(fixture.phase(&put_again[0]).await, Phase::Received, "it was uploaded after the deletion");
    // The deletion of a version without an id does not concern a version with an id, even with the same text.
    let same_text = take(&fixture, vec![deleted("b", "2", 9)], Vec::new()).await;
    assert!(same_text.is_empty());
    let other = fixture.upload("b", 3).await;
    take(&fixture, vec![deleted("b", NULL_VERSION, 9)], Vec::new()).await;
    assert_eq!(fixture.phase(&other).await, Phase::Received);
    take(&fixture, vec![deleted("b", "", 9)], Vec::new()).await;
    assert_eq!(fixture.phase(&other).await, Phase::Withdrawing, "a delete marker hides every older version");
}

pub async fn a_finding_about_one_upload_quarantines_its_copies(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let (first, copy) = (fixture.upload("a", 1).await, fixture.upload("b", 1).await);
    fixture.validate_content(&first, SHA256).await;
    fixture.validate_content(&copy, SHA256).await;
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&copy).await, Phase::Published);
    take(&fixture, Vec::new(), vec![severe("1", &event("a", 1))]).await;
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&first).await, Phase::Quarantined);
    assert_eq!(fixture.phase(&copy).await, Phase::Quarantined);
}

pub async fn a_deletion_supersedes_every_asset_that_is_not_published_yet(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let screened = fixture.upload("screened", 1).await;
    loop {
        let claims = fixture.claim_all().await;
        if claims.iter().any(|claim| claim.fence.task == TaskKey::Publish) {
            break;
        }
        for claim in claims {
            fixture.store.complete(&[well(&claim, Severity::None)]).await.unwrap();
        }
    }
    let original = fixture.upload("original", 1).await;
    fixture.validate_content(&original, SHA256).await;
    let linked = fixture.upload("linked", 1).await;
    fixture.validate_content(&linked, SHA256).await;
    let failed = fixture.upload("failed", 1).await;
    let claim = fixture.claim_one(TaskKey::Validate).await;
    fixture.fail(&claim, Code::Internal).await;
    while fixture.phase(&failed).await != Phase::Failed {
        fixture.clock.advance_ms(BACKOFF_MAX_MS);
        let claims = fixture.claim(Lane::Light, 10).await;
        let claim = claims.iter().find(|claim| claim.fence.asset == failed).expect("a retry");
        fixture.fail(claim, Code::Internal).await;
    }
    for (key, asset, phase) in [
        ("screened", &screened, Phase::Screened),
        ("linked", &linked, Phase::Linked),
        ("failed", &failed, Phase::Failed),
    ] {
        assert_eq!(fixture.phase(asset).await, phase);
        take(&fixture, vec![deleted(key, "", 2)], Vec::new()).await;
        let left = fixture.store.asset(asset).await.unwrap().asset;
        assert_eq!(left.reason.map(|reason| reason.code), Some(Code::Superseded), "{key}");
        assert_eq!(fixture.details(asset, "deleted").await, ["its upload was deleted"]);
    }
}

pub async fn a_finding_about_an_erased_asset_is_not_kept_with_it(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    erase(&fixture, "a", 1).await;
    take(&fixture, Vec::new(), vec![severe("1", &event("a", 1))]).await;
    let erased = fixture.store.asset(&identity::asset_id(&event("a", 1).source)).await.unwrap();
    assert_eq!((erased.asset.phase, erased.findings), (Phase::Erased, Vec::new()));
}
