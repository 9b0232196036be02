//! Uploads with the same content.

use reelgate_flow::asset::{Phase, Screening, Severity, Verdict};
use reelgate_flow::ids::AssetId;
use reelgate_flow::limits::BACKOFF_MAX_MS;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::{Lane, TaskKey};

use super::StoreHome;
use super::fixture::{SHA256, StoreFixture, event, found, report, validated, well};
use reelgate_ports::events::EventBatch;
use reelgate_ports::identity::asset_id;
use reelgate_ports::records::{Ending, MediaEvent, Success, TaskReport};

/// An asset that is being processed, and a duplicate that is linked to it.
async fn linked(fixture: &StoreFixture) -> (AssetId, AssetId) {
    let first = fixture.upload("first", 1).await;
    fixture.validate_content(&first, SHA256).await;
    let second = fixture.upload("second", 1).await;
    fixture.validate_content(&second, SHA256).await;
    assert_eq!(fixture.phase(&first).await, Phase::Processing);
    assert_eq!(fixture.phase(&second).await, Phase::Linked);
    (first, second)
}

pub async fn the_same_content_is_linked_to_the_running_original(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let (first, second) = linked(&fixture).await;
    let row = fixture.store.asset(&second).await.unwrap().asset;
    assert_eq!(row.linked_to.as_ref(), Some(&first));
    assert_eq!(fixture.details(&second, "linked").await, [format!("same content as {first}")]);
    let due = fixture.claim_all().await;
    assert!(due.iter().all(|claim| claim.fence.asset == first), "the second one only waits");
}

pub async fn a_duplicate_is_published_after_its_original(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let (first, second) = linked(&fixture).await;
    fixture.run(Severity::Medium).await;
    for asset in [&first, &second] {
        let row = fixture.store.asset(asset).await.unwrap().asset;
        assert_eq!((row.phase, row.verdict), (Phase::Published, Verdict::Flagged));
    }
    assert_eq!(fixture.attempts(&second, TaskKey::Enrich).await, 0, "nothing was encoded twice");
    assert_eq!(fixture.attempts(&second, TaskKey::Screen).await, 1, "its own name was screened");
}

pub async fn a_duplicate_of_a_quarantined_original_is_quarantined(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let (first, second) = linked(&fixture).await;
    fixture.run(Severity::High).await;
    assert_eq!(fixture.phase(&first).await, Phase::Quarantined);
    let row = fixture.store.asset(&second).await.unwrap().asset;
    assert_eq!((row.phase, row.severity), (Phase::Quarantined, Severity::High));
}

pub async fn a_duplicate_of_a_failed_original_is_processed_on_its_own(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let (first, second) = linked(&fixture).await;
    for _ in 0..Code::Internal.attempts_max() {
        for claim in fixture.claim(Lane::Heavy, 10).await {
            assert_eq!(claim.fence.asset, first);
            fixture.fail(&claim, Code::Internal).await;
        }
        fixture.clock.advance_ms(BACKOFF_MAX_MS);
    }
    assert_eq!(fixture.phase(&first).await, Phase::Failed);
    let row = fixture.store.asset(&second).await.unwrap().asset;
    assert_eq!((row.phase, row.linked_to), (Phase::Received, None));
    fixture.validate_content(&second, SHA256).await;
    assert_eq!(fixture.phase(&second).await, Phase::Processing);
}

pub async fn the_same_content_shares_the_result_of_an_ended_original_at_once(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let first = fixture.upload("first", 1).await;
    fixture.validate_content(&first, SHA256).await;
    fixture.run(Severity::None).await;
    let second = fixture.upload("second", 1).await;
    fixture.validate_content(&second, SHA256).await;
    let due: Vec<_> = fixture.claim(Lane::Light, 10).await;
    assert_eq!(due.iter().map(|claim| claim.fence.task).collect::<Vec<_>>(), [TaskKey::Screen]);
    assert!(due[0].linked);
}

pub async fn a_rejected_upload_is_no_original(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let first = fixture.upload("first", 1).await;
    let claim = fixture.claim_one(TaskKey::Validate).await;
    let fault = reelgate_flow::reason::Fault::new(Code::ChecksumMismatch, "");
    let mut failed = super::fixture::report(&claim, reelgate_ports::records::Ending::Fault(fault));
    failed.sha256 = Some(SHA256.to_owned());
    fixture.store.complete(&[failed]).await.unwrap();
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&first).await, Phase::Rejected);
    let second = fixture.upload("second", 1).await;
    fixture.validate_content(&second, SHA256).await;
    assert_eq!(fixture.phase(&second).await, Phase::Processing);
}

pub async fn forced_uploads_are_never_linked(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let first = fixture.upload("first", 1).await;
    fixture.validate_content(&first, SHA256).await;
    let mut forced = event("second", 1);
    forced.force = true;
    fixture.store.ingest(&EventBatch::of([forced.clone()])).await.unwrap();
    let second = asset_id(&forced.source);
    fixture.validate_content(&second, SHA256).await;
    assert_eq!(fixture.phase(&second).await, Phase::Processing);
}

pub async fn two_of_the_same_content_in_one_batch_are_not_both_processed(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    fixture.store.ingest(&EventBatch::of([event("first", 1), event("second", 1)])).await.unwrap();
    let claims = fixture.claim(Lane::Light, 2).await;
    let reports: Vec<_> = claims.iter().map(|claim| validated(claim, SHA256)).collect();
    fixture.store.complete(&reports).await.unwrap();
    let phases = [fixture.phase(&claims[0].fence.asset).await, fixture.phase(&claims[1].fence.asset).await];
    assert_eq!(phases, [Phase::Processing, Phase::Linked]);
    let heavy = fixture.claim(Lane::Heavy, 10).await;
    for claim in &heavy {
        assert_eq!(claim.fence.asset, claims[0].fence.asset);
        fixture.store.complete(&[well(claim, Severity::None)]).await.unwrap();
    }
}

pub async fn the_earliest_of_several_originals_is_linked_to(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let first = fixture.upload("first", 1).await;
    fixture.validate_content(&first, SHA256).await;
    let forced = MediaEvent { force: true, ..event("forced", 1) };
    fixture.store.ingest(&EventBatch::of([forced.clone()])).await.unwrap();
    fixture.validate_content(&asset_id(&forced.source), SHA256).await;
    let third = fixture.upload("third", 1).await;
    fixture.validate_content(&third, SHA256).await;
    assert_eq!(fixture.store.asset(&third).await.unwrap().asset.linked_to, Some(first));
}

pub async fn a_forced_upload_is_not_linked_to_one_of_the_same_batch(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let forced = MediaEvent { force: true, ..event("second", 1) };
    fixture.store.ingest(&EventBatch::of([event("first", 1), forced.clone()])).await.unwrap();
    let mut claims = fixture.claim(Lane::Light, 2).await;
    claims.sort_by_key(|claim| claim.fence.asset == asset_id(&forced.source));
    let reports: Vec<_> = claims.iter().map(|claim| validated(claim, SHA256)).collect();
    fixture.store.complete(&reports).await.unwrap();
    for claim in claims {
        assert_eq!(fixture.phase(&claim.fence.asset).await, Phase::Processing);
    }
}

pub async fn the_content_that_an_earlier_attempt_read_is_linked_too(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let first = fixture.upload("first", 1).await;
    fixture.validate_content(&first, SHA256).await;
    let second = fixture.upload("second", 1).await;
    let claim = fixture.claim_one(TaskKey::Validate).await;
    let fault = Ending::Fault(Fault::new(Code::StoreUnavailable, ""));
    let failed = TaskReport { sha256: Some(SHA256.to_owned()), ..report(&claim, fault) };
    fixture.store.complete(&[failed]).await.unwrap();
    fixture.clock.advance_ms(BACKOFF_MAX_MS);
    let claim = fixture.claim_one(TaskKey::Validate).await;
    let without_hash = TaskReport { sha256: None, ..validated(&claim, SHA256) };
    fixture.store.complete(&[without_hash]).await.unwrap();
    assert_eq!(fixture.store.asset(&second).await.unwrap().asset.linked_to, Some(first));
}

pub async fn a_quarantine_for_its_own_name_leaves_assets_with_the_same_content_alone(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let first = fixture.upload("first", 1).await;
    fixture.validate_content(&first, SHA256).await;
    fixture.run(Severity::None).await;
    let named = fixture.upload("named", 1).await;
    fixture.validate_content(&named, SHA256).await;
    let claim = fixture.claim_one(TaskKey::Screen).await;
    let screening = Screening::of(Severity::High);
    let findings = vec![found("BADGE", Severity::High, "file_name")];
    let screened = Success::Screened { screening, findings, redaction: None, shared: true, result: None };
    fixture.report(&claim, Ending::Success(screened)).await;
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&named).await, Phase::Quarantined);
    assert_eq!(fixture.phase(&first).await, Phase::Published);
}
