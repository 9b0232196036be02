//! Redo of parts of published assets.

use std::collections::BTreeSet;

use reelgate_flow::asset::{Phase, Redo, Severity};
use reelgate_flow::ids::AssetId;
use reelgate_flow::limits::REDRIVES_MAX;
use reelgate_flow::task::{Lane, TaskKey};

use super::StoreHome;
use super::fixture::{SHA256, StoreFixture, well};
use reelgate_ports::error::ErrorKind;

async fn published(fixture: &StoreFixture, key: &str) -> AssetId {
    let asset = fixture.upload(key, 1).await;
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Published);
    asset
}

async fn due(fixture: &StoreFixture) -> Vec<TaskKey> {
    fixture.claim_all().await.into_iter().map(|claim| claim.fence.task).collect()
}

/// Ids of all notices in the outbox so far.
async fn notices(fixture: &StoreFixture) -> BTreeSet<String> {
    let owed = fixture.store.outbox(100, 0).await.unwrap();
    owed.into_iter().map(|notice| notice.id.to_string()).collect()
}

pub async fn a_redo_begins_with_the_given_part_and_sends_a_new_notice(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = published(&fixture, "a").await;
    assert_eq!(notices(&fixture).await.len(), 1);
    fixture.store.redo(&asset, Redo::Video).await.unwrap();
    let row = fixture.store.asset(&asset).await.unwrap().asset;
    assert_eq!((row.phase, row.ended_ms), (Phase::Processing, None));
    assert!(row.published_location.is_some(), "the published location is still known");
    assert_eq!(fixture.details(&asset, "redone").await, ["video, time 1"]);
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Published);
    assert_eq!(fixture.attempts(&asset, TaskKey::Video { chunk: 0 }).await, 2);
    assert_eq!(fixture.attempts(&asset, TaskKey::Package).await, 2);
    assert_eq!(fixture.attempts(&asset, TaskKey::Screen).await, 1);
    assert_eq!(notices(&fixture).await.len(), 2, "each ending has a notice of its own");
}

pub async fn parts_that_are_not_redone_are_kept(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = published(&fixture, "a").await;
    fixture.store.redo(&asset, Redo::Screen).await.unwrap();
    let products = fixture.store.products(&asset).await.unwrap();
    let kept: Vec<TaskKey> = products.iter().map(|product| product.task).collect();
    assert_eq!(kept, [TaskKey::Validate, TaskKey::Video { chunk: 0 }, TaskKey::Package]);
    assert_eq!(due(&fixture).await, [TaskKey::Enrich]);
}

pub async fn a_duplicate_without_a_copy_begins_again(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let first = fixture.upload("first", 1).await;
    fixture.validate_content(&first, SHA256).await;
    fixture.run(Severity::None).await;
    let second = fixture.upload("second", 1).await;
    fixture.validate_content(&second, SHA256).await;
    assert_eq!(fixture.phase(&second).await, Phase::Linked);
    fixture.store.redo(&first, Redo::Transcode).await.unwrap();
    assert_eq!(fixture.phase(&second).await, Phase::Received);
    fixture.validate_content(&second, SHA256).await;
    let due = fixture.claim(Lane::Heavy, 10).await;
    assert!(due.iter().all(|claim| claim.fence.asset == first), "the second one waits for the new result");
    for claim in due {
        fixture.store.complete(&[well(&claim, Severity::None)]).await.unwrap();
    }
    fixture.run(Severity::None).await;
    for asset in [&first, &second] {
        assert_eq!(fixture.phase(asset).await, Phase::Published);
    }
}

pub async fn a_refused_redo_is_a_conflict_that_says_why(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let refused = async |asset: &AssetId, what: Redo, why: &str| {
        let error = fixture.store.redo(asset, what).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert!(error.detail.contains(why), "{}", error.detail);
    };
    let running = fixture.upload("running", 1).await;
    refused(&running, Redo::Validate, "received").await;
    fixture.run(Severity::None).await;
    refused(&running, Redo::Audio, "without such a part").await;
    fixture.upload("running", 2).await;
    refused(&running, Redo::Video, "newer upload").await;
    fixture.run(Severity::None).await;
    let first = fixture.upload("first", 1).await;
    fixture.validate_content(&first, SHA256).await;
    fixture.run(Severity::None).await;
    let copy = fixture.upload("copy", 1).await;
    fixture.validate_content(&copy, SHA256).await;
    fixture.run(Severity::None).await;
    refused(&copy, Redo::Transcode, "a copy").await;
    fixture.store.redo(&copy, Redo::Validate).await.unwrap();
    fixture.store.redo(&first, Redo::Publish).await.unwrap();
    let unknown =
        fixture.store.redo(&AssetId::new("aaaaaaaaaaaaaaaaaaaaaaaaaa"), Redo::Video).await.unwrap_err();
    assert_eq!(unknown.kind, ErrorKind::Missing);
}

pub async fn an_asset_is_redone_a_limited_number_of_times(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = published(&fixture, "a").await;
    for _ in 0..REDRIVES_MAX {
        fixture.store.redo(&asset, Redo::Publish).await.unwrap();
        fixture.run(Severity::None).await;
    }
    let refused = fixture.store.redo(&asset, Redo::Publish).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert!(refused.detail.contains("already redriven 100 times"), "{}", refused.detail);
}
