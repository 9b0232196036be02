//! What is under hold stays, whatever else is decided.

use reelgate_flow::asset::{Exit, Parts, Phase, Redo, Severity};
use reelgate_flow::ids::AssetId;
use reelgate_flow::reason::Code;
use reelgate_flow::task::TaskKey;
use serde_json::json;

use super::StoreHome;
use super::fixture::{StoreFixture, event, well};
use crate::samples::decision;
use reelgate_ports::error::{ErrorKind, PortResult};
use reelgate_ports::events::EventBatch;
use reelgate_ports::records::{Claim, Decided, Ending, EventKind, KeptSource, MediaEvent, Success};

async fn decide(fixture: &StoreFixture, asset: &AssetId, what: Decided) -> PortResult<()> {
    fixture.store.decide(asset, &decision(what)).await.map(drop)
}

async fn held(fixture: &StoreFixture, key: &str) -> AssetId {
    let asset = fixture.upload(key, 1).await;
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Published);
    decide(fixture, &asset, Decided::Hold).await.unwrap();
    asset
}

/// Does all work until this task of this asset is claimed.
async fn until_claimed(fixture: &StoreFixture, asset: &AssetId, task: TaskKey) -> Claim {
    loop {
        let claims = fixture.claim_all().await;
        assert!(!claims.is_empty(), "expected a claim of {task}, found nothing due");
        let is_wanted = |claim: &Claim| claim.fence.asset == *asset && claim.fence.task == task;
        let (mut wanted, others): (Vec<Claim>, Vec<Claim>) = claims.into_iter().partition(is_wanted);
        for claim in others {
            fixture.store.complete(&[well(&claim, Severity::None)]).await.unwrap();
        }
        if let Some(claim) = wanted.pop() {
            return claim;
        }
    }
}

async fn refused(answer: PortResult<()>, why: &str) {
    let error = answer.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.detail.contains(why), "{}", error.detail);
}

pub async fn a_newer_version_leaves_the_outputs_of_an_older_one_under_hold(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let older = held(&fixture, "a").await;
    let newer = fixture.upload("a", 2).await;
    let claim = until_claimed(&fixture, &older, TaskKey::Withdraw).await;
    assert_eq!(fixture.phase(&newer).await, Phase::Published);
    assert_eq!((claim.exit, claim.keeps_outputs), (Some(Exit::Supersede), true));
    fixture.store.complete(&[well(&claim, Severity::None)]).await.unwrap();
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&older).await, Phase::Superseded);
    refused(decide(&fixture, &older, Decided::Erase).await, "hold").await;
    // Without a hold they go.
    let free = fixture.upload("b", 1).await;
    fixture.run(Severity::None).await;
    fixture.upload("b", 2).await;
    assert!(!until_claimed(&fixture, &free, TaskKey::Withdraw).await.keeps_outputs);
}

pub async fn a_version_under_hold_stays_published_beside_a_newer_one_elsewhere(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let older = held(&fixture, "a").await;
    let newer = fixture.upload("a", 2).await;
    let claim = until_claimed(&fixture, &newer, TaskKey::Publish).await;
    let elsewhere = Success::Published { location: "published/elsewhere".into() };
    fixture.report(&claim, Ending::Success(elsewhere)).await;
    fixture.run(Severity::None).await;
    for asset in [&older, &newer] {
        assert_eq!(fixture.phase(asset).await, Phase::Published);
    }
    decide(&fixture, &older, Decided::Unhold).await.unwrap();
    assert_eq!(fixture.phase(&older).await, Phase::Withdrawing, "in the same transaction");
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&older).await, Phase::Superseded);
    assert_eq!(fixture.phase(&newer).await, Phase::Published);
}

pub async fn the_source_of_an_asset_under_hold_is_kept(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = held(&fixture, "a").await;
    let claim = fixture.claim_one(TaskKey::KeepSource).await;
    fixture.fail(&claim, Code::AccessDenied).await;
    fixture.clock.advance_ms(60_000);
    let claim = fixture.claim_one(TaskKey::KeepSource).await;
    let copied = Success::SourceKept(KeptSource::Copied("rejected/copy".into()));
    fixture.report(&claim, Ending::Success(copied)).await;
    let row = fixture.store.asset(&asset).await.unwrap().asset;
    assert_eq!((row.phase, row.source.location.as_str()), (Phase::Published, "rejected/copy"));
    assert_eq!(fixture.claim_all().await.len(), 0);
    let lost = held(&fixture, "b").await;
    let claim = fixture.claim_one(TaskKey::KeepSource).await;
    fixture.report(&claim, Ending::Success(Success::SourceKept(KeptSource::Gone))).await;
    assert!(fixture.details(&lost, "held").await[1].contains("gone"), "a person must learn it");
}

pub async fn outputs_under_hold_are_not_made_again(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = held(&fixture, "a").await;
    refused(fixture.store.redo(&asset, Redo::Package).await, "hold").await;
    let parts = Parts { chunks: vec![0], audio: false };
    let redact = Decided::Redact { parts, redaction: json!({}) };
    refused(decide(&fixture, &asset, redact).await, "hold").await;
    assert_eq!(fixture.phase(&asset).await, Phase::Published);
}

pub async fn a_redo_stops_before_it_replaces_outputs_under_hold(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    fixture.run(Severity::None).await;
    fixture.store.redo(&asset, Redo::Package).await.unwrap();
    decide(&fixture, &asset, Decided::Hold).await.unwrap();
    fixture.run(Severity::None).await;
    let row = fixture.store.asset(&asset).await.unwrap().asset;
    assert_eq!((row.phase, row.reason.map(|fault| fault.code)), (Phase::Failed, Some(Code::UnderHold)));
    assert!(row.published_location.is_some(), "the old outputs stay visible");
    refused(fixture.store.redrive(&asset).await, "hold").await;
    decide(&fixture, &asset, Decided::Unhold).await.unwrap();
    fixture.store.redrive(&asset).await.unwrap();
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Published);
}

pub async fn a_hold_is_refused_while_outputs_are_removed_or_replaced(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let older = fixture.upload("a", 1).await;
    fixture.run(Severity::None).await;
    fixture.upload("a", 2).await;
    let claim = until_claimed(&fixture, &older, TaskKey::Withdraw).await;
    refused(decide(&fixture, &older, Decided::Hold).await, "just being removed").await;
    fixture.store.complete(&[well(&claim, Severity::None)]).await.unwrap();
    decide(&fixture, &older, Decided::Hold).await.unwrap();
    let again = fixture.upload("b", 1).await;
    fixture.run(Severity::None).await;
    fixture.store.redo(&again, Redo::Publish).await.unwrap();
    refused(decide(&fixture, &again, Decided::Hold).await, "just being replaced").await;
    fixture.run(Severity::None).await;
    decide(&fixture, &again, Decided::Hold).await.unwrap();
}

pub async fn publishing_that_failed_under_hold_is_redriven_before_anything_was_published(
    home: &dyn StoreHome,
) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    decide(&fixture, &asset, Decided::Hold).await.unwrap();
    let fail = async || {
        while fixture.phase(&asset).await != Phase::Failed {
            let claim = until_claimed(&fixture, &asset, TaskKey::Publish).await;
            fixture.fail(&claim, Code::AccessDenied).await;
            fixture.clock.advance_ms(120_000);
        }
    };
    fail().await;
    fixture.store.redrive(&asset).await.unwrap();
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Published);
    decide(&fixture, &asset, Decided::Unhold).await.unwrap();
    fixture.store.redo(&asset, Redo::Package).await.unwrap();
    fail().await;
    decide(&fixture, &asset, Decided::Hold).await.unwrap();
    refused(fixture.store.redrive(&asset).await, "hold").await;
}

pub async fn a_deletion_leaves_the_outputs_under_hold(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    fixture.run(Severity::None).await;
    fixture.store.redo(&asset, Redo::Package).await.unwrap();
    decide(&fixture, &asset, Decided::Hold).await.unwrap();
    let deleted = MediaEvent { kind: EventKind::Deleted, ..event("a", 1) };
    fixture.store.ingest(&EventBatch::of([deleted])).await.unwrap();
    let claim = until_claimed(&fixture, &asset, TaskKey::Withdraw).await;
    assert_eq!((claim.exit, claim.keeps_outputs), (Some(Exit::Supersede), true));
}

pub async fn the_history_of_an_asset_under_hold_is_kept(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = held(&fixture, "a").await;
    fixture.run(Severity::None).await;
    let history = fixture.store.history(&asset).await.unwrap();
    fixture.clock.advance_ms(400 * 24 * 3_600_000);
    fixture.store.retain(Some(1)).await.unwrap();
    assert_eq!(fixture.store.history(&asset).await.unwrap(), history);
}
