//! Published assets that are made anew in part.

use std::collections::BTreeSet;

use reelgate_flow::asset::{Phase, Redo, Severity};
use reelgate_flow::ids::AssetId;
use reelgate_flow::task::{Lane, TaskKey};

use super::StoreHome;
use super::world::{SHA256, World, well};
use reelgate_ports::error::ErrorKind;

async fn published(world: &World, key: &str) -> AssetId {
    let asset = world.upload(key, 1).await;
    world.run(Severity::None).await;
    assert_eq!(world.phase(&asset).await, Phase::Published);
    asset
}

async fn due(world: &World) -> Vec<TaskKey> {
    world.claim_all().await.into_iter().map(|claim| claim.fence.task).collect()
}

/// Ids of every notice owed so far.
async fn notices(world: &World) -> BTreeSet<String> {
    let owed = world.store.outbox(100, 0).await.unwrap();
    owed.into_iter().map(|notice| notice.id.to_string()).collect()
}

pub async fn a_redo_begins_where_it_is_asked_to_and_is_told_once_more(home: &dyn StoreHome) {
    let world = World::new(home).await;
    let asset = published(&world, "a").await;
    assert_eq!(notices(&world).await.len(), 1);
    world.store.redo(&asset, Redo::Video).await.unwrap();
    let row = world.store.asset(&asset).await.unwrap().asset;
    assert_eq!((row.phase, row.ended_ms), (Phase::Processing, None));
    assert!(row.published_location.is_some(), "what stands published is still known");
    assert_eq!(world.told(&asset, "redone").await, ["video, time 1"]);
    world.run(Severity::None).await;
    assert_eq!(world.phase(&asset).await, Phase::Published);
    assert_eq!(world.attempts(&asset, TaskKey::Video { chunk: 0 }).await, 2);
    assert_eq!(world.attempts(&asset, TaskKey::Package).await, 2);
    assert_eq!(world.attempts(&asset, TaskKey::Screen).await, 1);
    assert_eq!(notices(&world).await.len(), 2, "each ending has a notice of its own");
}

pub async fn what_is_not_redone_is_kept(home: &dyn StoreHome) {
    let world = World::new(home).await;
    let asset = published(&world, "a").await;
    world.store.redo(&asset, Redo::Screen).await.unwrap();
    let products = world.store.products(&asset).await.unwrap();
    let kept: Vec<TaskKey> = products.iter().map(|product| product.task).collect();
    assert_eq!(kept, [TaskKey::Validate, TaskKey::Video { chunk: 0 }, TaskKey::Package]);
    assert_eq!(due(&world).await, [TaskKey::Enrich]);
}

pub async fn a_follower_without_a_copy_begins_again(home: &dyn StoreHome) {
    let world = World::new(home).await;
    let first = world.upload("first", 1).await;
    world.validate_content(&first, SHA256).await;
    world.run(Severity::None).await;
    let second = world.upload("second", 1).await;
    world.validate_content(&second, SHA256).await;
    assert_eq!(world.phase(&second).await, Phase::Linked);
    world.store.redo(&first, Redo::Transcode).await.unwrap();
    assert_eq!(world.phase(&second).await, Phase::Received);
    world.validate_content(&second, SHA256).await;
    let due = world.claim(Lane::Heavy, 10).await;
    assert!(due.iter().all(|claim| claim.fence.asset == first), "the second one waits for the new result");
    for claim in due {
        world.store.complete(&[well(&claim, Severity::None)]).await.unwrap();
    }
    world.run(Severity::None).await;
    for asset in [&first, &second] {
        assert_eq!(world.phase(asset).await, Phase::Published);
    }
}

pub async fn what_cannot_be_redone_is_a_conflict_that_says_why(home: &dyn StoreHome) {
    let world = World::new(home).await;
    let refused = async |asset: &AssetId, what: Redo, why: &str| {
        let error = world.store.redo(asset, what).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert!(error.detail.contains(why), "{}", error.detail);
    };
    let running = world.upload("running", 1).await;
    refused(&running, Redo::Validate, "received").await;
    world.run(Severity::None).await;
    refused(&running, Redo::Audio, "without such a part").await;
    world.upload("running", 2).await;
    refused(&running, Redo::Video, "newer upload").await;
    world.run(Severity::None).await;
    let first = world.upload("first", 1).await;
    world.validate_content(&first, SHA256).await;
    world.run(Severity::None).await;
    let copy = world.upload("copy", 1).await;
    world.validate_content(&copy, SHA256).await;
    world.run(Severity::None).await;
    refused(&copy, Redo::Transcode, "a copy").await;
    world.store.redo(&copy, Redo::Validate).await.unwrap();
    world.store.redo(&first, Redo::Publish).await.unwrap();
    let unknown =
        world.store.redo(&AssetId::new("aaaaaaaaaaaaaaaaaaaaaaaaaa"), Redo::Video).await.unwrap_err();
    assert_eq!(unknown.kind, ErrorKind::Missing);
}
