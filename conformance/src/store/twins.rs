//! The same content, uploaded more than once.

use reelgate_flow::asset::{Phase, Severity, Verdict};
use reelgate_flow::ids::AssetId;
use reelgate_flow::limits::BACKOFF_MAX_MS;
use reelgate_flow::reason::Code;
use reelgate_flow::task::{Lane, TaskKey};

use super::StoreHome;
use super::world::{SHA256, World, event, validated, well};
use reelgate_ports::events::EventBatch;
use reelgate_ports::identity::asset_id;

/// A first asset being processed, and a second one linked to it.
async fn linked(world: &World) -> (AssetId, AssetId) {
    let first = world.upload("first", 1).await;
    world.validate_content(&first, SHA256).await;
    let second = world.upload("second", 1).await;
    world.validate_content(&second, SHA256).await;
    assert_eq!(world.phase(&first).await, Phase::Processing);
    assert_eq!(world.phase(&second).await, Phase::Linked);
    (first, second)
}

pub async fn the_same_content_is_linked_to_the_running_first_one(home: &dyn StoreHome) {
    let world = World::new(home).await;
    let (first, second) = linked(&world).await;
    let row = world.store.asset(&second).await.unwrap().asset;
    assert_eq!(row.linked_to.as_ref(), Some(&first));
    assert_eq!(world.told(&second, "linked").await, [format!("same content as {first}")]);
    let due = world.claim_all().await;
    assert!(due.iter().all(|claim| claim.fence.asset == first), "the second one only waits");
}

pub async fn a_follower_is_told_when_its_twin_is_published(home: &dyn StoreHome) {
    let world = World::new(home).await;
    let (first, second) = linked(&world).await;
    world.run(Severity::Medium).await;
    for asset in [&first, &second] {
        let row = world.store.asset(asset).await.unwrap().asset;
        assert_eq!((row.phase, row.verdict), (Phase::Published, Verdict::Flagged));
    }
    assert_eq!(world.attempts(&second, TaskKey::Enrich).await, 0, "nothing was encoded twice");
    assert_eq!(world.attempts(&second, TaskKey::Screen).await, 1, "its own name was screened");
}

pub async fn a_follower_of_a_quarantined_twin_is_quarantined(home: &dyn StoreHome) {
    let world = World::new(home).await;
    let (first, second) = linked(&world).await;
    world.run(Severity::High).await;
    assert_eq!(world.phase(&first).await, Phase::Quarantined);
    let row = world.store.asset(&second).await.unwrap().asset;
    assert_eq!((row.phase, row.severity), (Phase::Quarantined, Severity::High));
}

pub async fn a_follower_of_a_failed_twin_is_processed_on_its_own(home: &dyn StoreHome) {
    let world = World::new(home).await;
    let (first, second) = linked(&world).await;
    for _ in 0..Code::Internal.attempts_max() {
        for claim in world.claim(Lane::Heavy, 10).await {
            assert_eq!(claim.fence.asset, first);
            world.fail(&claim, Code::Internal).await;
        }
        world.clock.advance_ms(BACKOFF_MAX_MS);
    }
    assert_eq!(world.phase(&first).await, Phase::Failed);
    let row = world.store.asset(&second).await.unwrap().asset;
    assert_eq!((row.phase, row.linked_to), (Phase::Received, None));
    world.validate_content(&second, SHA256).await;
    assert_eq!(world.phase(&second).await, Phase::Processing);
}

pub async fn the_same_content_after_the_twin_has_ended_follows_at_once(home: &dyn StoreHome) {
    let world = World::new(home).await;
    let first = world.upload("first", 1).await;
    world.validate_content(&first, SHA256).await;
    world.run(Severity::None).await;
    let second = world.upload("second", 1).await;
    world.validate_content(&second, SHA256).await;
    let due: Vec<_> = world.claim(Lane::Light, 10).await;
    assert_eq!(due.iter().map(|claim| claim.fence.task).collect::<Vec<_>>(), [TaskKey::Screen]);
    assert!(due[0].linked);
}

pub async fn a_rejected_upload_is_no_twin(home: &dyn StoreHome) {
    let world = World::new(home).await;
    let first = world.upload("first", 1).await;
    let claim = world.claim_one(TaskKey::Validate).await;
    let fault = reelgate_flow::reason::Fault::new(Code::ChecksumMismatch, "");
    let mut told = super::world::report(&claim, reelgate_ports::records::Ending::Fault(fault));
    told.sha256 = Some(SHA256.to_owned());
    world.store.complete(&[told]).await.unwrap();
    world.run(Severity::None).await;
    assert_eq!(world.phase(&first).await, Phase::Rejected);
    let second = world.upload("second", 1).await;
    world.validate_content(&second, SHA256).await;
    assert_eq!(world.phase(&second).await, Phase::Processing);
}

pub async fn forced_uploads_are_never_linked(home: &dyn StoreHome) {
    let world = World::new(home).await;
    let first = world.upload("first", 1).await;
    world.validate_content(&first, SHA256).await;
    let mut forced = event("second", 1);
    forced.force = true;
    world.store.ingest(&EventBatch::of([forced.clone()])).await.unwrap();
    let second = asset_id(&forced.source);
    world.validate_content(&second, SHA256).await;
    assert_eq!(world.phase(&second).await, Phase::Processing);
}

pub async fn two_of_the_same_content_in_one_batch_are_not_both_processed(home: &dyn StoreHome) {
    let world = World::new(home).await;
    world.store.ingest(&EventBatch::of([event("first", 1), event("second", 1)])).await.unwrap();
    let claims = world.claim(Lane::Light, 2).await;
    let reports: Vec<_> = claims.iter().map(|claim| validated(claim, SHA256)).collect();
    world.store.complete(&reports).await.unwrap();
    let phases = [world.phase(&claims[0].fence.asset).await, world.phase(&claims[1].fence.asset).await];
    assert_eq!(phases, [Phase::Processing, Phase::Linked]);
    let heavy = world.claim(Lane::Heavy, 10).await;
    for claim in &heavy {
        assert_eq!(claim.fence.asset, claims[0].fence.asset);
        world.store.complete(&[well(claim, Severity::None)]).await.unwrap();
    }
}
