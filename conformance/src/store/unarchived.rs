//! Uploads that are restored from an archive storage class.

use reelgate_flow::asset::{Phase, Severity};
use reelgate_flow::ids::AssetId;
use reelgate_flow::reason::Code;
use reelgate_flow::task::TaskKey;

use super::StoreHome;
use super::fixture::{StoreFixture, event};
use reelgate_ports::records::UnarchivedResult;

/// An upload that failed because it is archived.
async fn archived(fixture: &StoreFixture, key: &str, version: u64) -> AssetId {
    failed(fixture, key, version, Code::SourceArchived).await
}

async fn failed(fixture: &StoreFixture, key: &str, version: u64, code: Code) -> AssetId {
    let asset = fixture.upload(key, version).await;
    let claim = fixture.claim_one(TaskKey::Validate).await;
    fixture.fail(&claim, code).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Failed);
    asset
}

async fn restored(fixture: &StoreFixture, uploads: &[(&str, u64)]) -> Vec<UnarchivedResult> {
    let uploads: Vec<_> = uploads.iter().map(|(key, version)| event(key, *version).source).collect();
    fixture.store.redrive_unarchived(&uploads).await.unwrap()
}

pub async fn a_restored_upload_begins_again_if_it_had_failed_because_of_the_archive(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = archived(&fixture, "a", 1).await;
    let other = archived(&fixture, "b", 1).await;
    // The same event twice, as any event may come.
    let results = restored(&fixture, &[("a", 1), ("a", 1)]).await;
    assert_eq!(results, [UnarchivedResult::Redriven, UnarchivedResult::NotWaiting]);
    assert_eq!(fixture.phase(&other).await, Phase::Failed, "another key is still archived");
    let told = fixture.details(&asset, "redriven").await;
    assert_eq!(told, ["time 1: its upload was restored from the archive"]);
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Published);
    assert_eq!(restored(&fixture, &[("a", 1)]).await, [UnarchivedResult::NotWaiting]);
    assert_eq!(fixture.phase(&asset).await, Phase::Published);
}

pub async fn a_restoration_that_no_asset_waits_for_changes_nothing(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let waiting = archived(&fixture, "a", 1).await;
    let elsewhere = failed(&fixture, "locked", 1, Code::SourceCustomerKey).await;
    let running = fixture.upload("running", 1).await;
    let results = restored(&fixture, &[("a", 2), ("unknown", 1), ("locked", 1), ("running", 1)]).await;
    let (unknown, not_waiting) = (UnarchivedResult::Unknown, UnarchivedResult::NotWaiting);
    assert_eq!(results, [unknown, unknown, not_waiting, not_waiting]);
    assert_eq!(fixture.phase(&waiting).await, Phase::Failed, "another version was restored");
    assert_eq!(fixture.phase(&elsewhere).await, Phase::Failed, "it failed for another reason");
    assert_eq!(fixture.phase(&running).await, Phase::Received);
    assert_eq!(restored(&fixture, &[]).await, []);
}

pub async fn a_restored_upload_is_superseded_if_a_newer_version_has_come(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let older = archived(&fixture, "a", 1).await;
    let newer = fixture.upload("a", 2).await;
    fixture.run(Severity::None).await;
    restored(&fixture, &[("a", 1)]).await;
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&older).await, Phase::Superseded);
    assert_eq!(fixture.phase(&newer).await, Phase::Published);
}
