//! A redaction by a person holds for every upload of the content.

use reelgate_flow::asset::{Parts, Phase, Screening, Severity};
use reelgate_flow::ids::AssetId;
use reelgate_flow::task::{Lane, TaskKey};
use serde_json::json;

use super::StoreHome;
use super::fixture::{SHA256, StoreFixture, event, found, validated, well};
use crate::samples::decision;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::events::EventBatch;
use reelgate_ports::records::{Decided, Decision, Ending, MediaEvent, Success};

fn redact() -> Decision {
    let parts = Parts { chunks: vec![0], audio: false };
    decision(Decided::Redact { parts, redaction: json!({"areas": [{"start_ns": 5}]}) })
}

/// Reports success until no task is due; every upload has the same content.
async fn run(fixture: &StoreFixture) {
    loop {
        let claims = fixture.claim_all().await;
        if claims.is_empty() {
            return;
        }
        for claim in claims {
            let is_validation = claim.fence.task == TaskKey::Validate;
            let report = if is_validation { validated(&claim, SHA256) } else { well(&claim, Severity::None) };
            fixture.store.complete(&[report]).await.unwrap();
        }
    }
}

/// An upload of the content, which is published.
async fn published(fixture: &StoreFixture, key: &str) -> AssetId {
    let asset = fixture.upload(key, 1).await;
    run(fixture).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Published);
    asset
}

async fn is_redacted(fixture: &StoreFixture, asset: &AssetId) -> bool {
    let Decided::Redact { redaction, .. } = redact().what else { return false };
    let flags = fixture.store.asset(asset).await.unwrap().asset.flags;
    flags.redacted && fixture.store.redaction(asset).await.unwrap() == Some(redaction)
}

/// A copy that was quarantined for its own name alone, and that a person released.
async fn released(fixture: &StoreFixture, key: &str) -> AssetId {
    let asset = fixture.upload(key, 1).await;
    fixture.validate_content(&asset, SHA256).await;
    let claim = fixture.claim_one(TaskKey::Screen).await;
    let (screening, findings) =
        (Screening::of(Severity::High), vec![found("BADGE", Severity::High, "file_name")]);
    let screened = Success::Screened { screening, findings, redaction: None, shared: true, result: None };
    fixture.report(&claim, Ending::Success(screened)).await;
    run(fixture).await;
    fixture.store.decide(&asset, &decision(Decided::Release)).await.unwrap();
    run(fixture).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Published);
    asset
}

pub async fn every_upload_of_the_content_is_redacted_withdrawn_or_named(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let first = published(&fixture, "first").await;
    let (copy, held) = (published(&fixture, "copy").await, published(&fixture, "held").await);
    let released = released(&fixture, "released").await;
    fixture.store.decide(&held, &decision(Decided::Hold)).await.unwrap();
    let forced = MediaEvent { force: true, ..event("forced", 1) };
    let forced = fixture.store.ingest(&EventBatch::of([forced])).await.unwrap().remove(0).asset;
    run(&fixture).await;
    fixture.store.decide(&first, &redact()).await.unwrap();
    let phases = [fixture.phase(&copy).await, fixture.phase(&forced).await, fixture.phase(&held).await];
    assert_eq!(phases, [Phase::Linked, Phase::Received, Phase::Withdrawing], "in the same transaction");
    let lines = fixture.details(&first, "redacting").await;
    assert!(lines[1].ends_with("redacted with it: 2"), "{lines:?}");
    for (asset, what) in [(&held, "is quarantined"), (&released, "a person released it")] {
        let named = lines.iter().filter(|line| line.contains(asset.as_str()) && line.contains(what));
        assert_eq!(named.count(), 1, "{lines:?}");
    }
    run(&fixture).await;
    for asset in [&first, &copy, &forced] {
        assert_eq!(fixture.phase(asset).await, Phase::Published);
        assert!(is_redacted(&fixture, asset).await);
    }
    assert_eq!(fixture.attempts(&copy, TaskKey::Publish).await, 2, "its outputs were replaced");
    assert_eq!(fixture.attempts(&copy, TaskKey::Video { chunk: 0 }).await, 0, "by a copy");
    assert_eq!(fixture.phase(&held).await, Phase::Quarantined);
    let later = published(&fixture, "later").await;
    assert!(is_redacted(&fixture, &later).await, "for the case that its original goes away");
}

pub async fn a_copy_is_redacted_by_its_own_id_and_its_original_with_it(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let first = published(&fixture, "first").await;
    let copy = published(&fixture, "copy").await;
    fixture.store.decide(&copy, &redact()).await.unwrap();
    assert_eq!([fixture.phase(&first).await, fixture.phase(&copy).await], [Phase::Received; 2]);
    let meanwhile = fixture.upload("meanwhile", 1).await;
    let claims = fixture.claim(Lane::Light, 10).await;
    assert_eq!(claims.len(), 3);
    let (late, redone): (Vec<_>, Vec<_>) = claims.iter().partition(|claim| claim.fence.asset == meanwhile);
    fixture.store.complete(&[validated(late[0], SHA256)]).await.unwrap();
    assert_eq!(fixture.phase(&meanwhile).await, Phase::Linked, "it waits for the redacted outputs");
    for claim in redone {
        fixture.store.complete(&[validated(claim, SHA256)]).await.unwrap();
    }
    run(&fixture).await;
    for asset in [&first, &copy, &meanwhile] {
        assert_eq!(fixture.phase(asset).await, Phase::Published);
        assert!(is_redacted(&fixture, asset).await);
    }
    assert_eq!(fixture.attempts(&copy, TaskKey::Video { chunk: 0 }).await, 1, "by an encode of its own");
}

pub async fn a_refused_redaction_reaches_no_other_upload(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let first = published(&fixture, "first").await;
    let copy = published(&fixture, "copy").await;
    fixture.store.decide(&first, &decision(Decided::Hold)).await.unwrap();
    let refused = fixture.store.decide(&first, &redact()).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert_eq!(fixture.phase(&copy).await, Phase::Published);
    assert!(!is_redacted(&fixture, &copy).await);
}
