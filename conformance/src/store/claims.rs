//! Leases and attempts.

use reelgate_flow::asset::{Phase, Severity};
use reelgate_flow::ids::NodeId;
use reelgate_flow::limits::BACKOFF_MAX_MS;
use reelgate_flow::reason::Code;
use reelgate_flow::task::{Lane, TaskKey};

use super::StoreHome;
use super::fixture::{LEASE_MS, SHA256, StoreFixture, event, node, well};
use reelgate_ports::events::EventBatch;
use reelgate_ports::records::{Applied, Fence};

pub async fn an_attempt_is_counted_before_its_work_starts(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    assert_eq!(fixture.attempts(&asset, TaskKey::Validate).await, 0);
    let claim = fixture.claim_one(TaskKey::Validate).await;
    assert_eq!(claim.fence, Fence { asset: asset.clone(), task: TaskKey::Validate, attempt: 1 });
    assert_eq!(claim.lease_ms, LEASE_MS);
    // Another process sees the attempt although it was not reported yet.
    let other = home.open(fixture.clock.clone()).await;
    assert_eq!(other.asset(&asset).await.unwrap().tasks[0].attempts, 1);
}

pub async fn a_leased_task_is_not_claimed_again(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    fixture.upload("a", 1).await;
    assert_eq!(fixture.claim_all().await.len(), 1);
    assert_eq!(fixture.claim_all().await, []);
}

pub async fn lanes_do_not_see_each_other(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    assert_eq!(fixture.claim(Lane::Heavy, 10).await, []);
    fixture.validate(&asset).await;
    assert_eq!(fixture.claim(Lane::Light, 10).await, []);
    let heavy: Vec<TaskKey> = fixture.claim(Lane::Heavy, 10).await.iter().map(|c| c.fence.task).collect();
    assert_eq!(heavy, [TaskKey::Video { chunk: 0 }, TaskKey::Enrich]);
}

pub async fn the_oldest_asset_comes_first_and_assets_in_progress_before_new_ones(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let first = fixture.upload("z", 1).await;
    let second = fixture.upload("a", 1).await;
    fixture.validate(&first).await;
    for claim in fixture.claim(Lane::Heavy, 10).await {
        fixture.store.complete(&[well(&claim, Severity::None)]).await.unwrap();
    }
    let due: Vec<_> = fixture.claim(Lane::Light, 10).await.into_iter().map(|c| c.fence.asset).collect();
    assert_eq!(due, [first.clone(), first, second]);
}

pub async fn a_claim_takes_no_more_than_asked_for(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    for key in ["a", "b", "c"] {
        fixture.upload(key, 1).await;
    }
    assert_eq!(fixture.claim(Lane::Light, 0).await, []);
    assert_eq!(fixture.claim(Lane::Light, 2).await.len(), 2);
    assert_eq!(fixture.claim(Lane::Light, 2).await.len(), 1);
}

pub async fn a_heartbeat_renews_leases_and_returns_the_lost_ones(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    fixture.upload("a", 1).await;
    let held = fixture.claim_one(TaskKey::Validate).await.fence;
    let earlier = Fence { attempt: 7, ..held.clone() };
    fixture.clock.advance_ms(LEASE_MS - 1);
    let fences = [held.clone(), earlier.clone()];
    assert_eq!(fixture.store.heartbeat(&node(), &fences, LEASE_MS).await.unwrap(), [earlier]);
    fixture.clock.advance_ms(LEASE_MS - 1);
    assert_eq!(fixture.store.reap().await.unwrap(), 0);
    let stranger = NodeId::new("node-b");
    assert_eq!(
        fixture.store.heartbeat(&stranger, std::slice::from_ref(&held), LEASE_MS).await.unwrap(),
        [held]
    );
    fixture.clock.advance_ms(1);
    assert_eq!(fixture.store.reap().await.unwrap(), 1);
}

pub async fn an_expired_lease_is_a_lost_attempt_and_is_retried_after_its_backoff(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let lost = fixture.claim_one(TaskKey::Validate).await;
    fixture.clock.advance_ms(LEASE_MS);
    assert_eq!(fixture.store.reap().await.unwrap(), 1);
    assert_eq!(fixture.store.reap().await.unwrap(), 0);
    assert_eq!(fixture.claim_all().await, [], "before its backoff");
    assert_eq!(fixture.fail(&lost, Code::NotMedia).await, Applied::Stale, "a lost attempt's report");
    fixture.clock.advance_ms(fixture.store.next_due_ms().await.unwrap().expect("a retry is due"));
    assert_eq!(fixture.claim_one(TaskKey::Validate).await.fence.attempt, 2);
    assert!(fixture.details(&asset, "retrying").await[0].starts_with("worker_lost"));
}

pub async fn a_report_after_its_lease_expired_counts_until_another_claim(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    fixture.upload("a", 1).await;
    let claim = fixture.claim_one(TaskKey::Validate).await;
    fixture.clock.advance_ms(LEASE_MS * 10);
    assert_eq!(fixture.fail(&claim, Code::NotMedia).await, Applied::Committed(Phase::Withdrawing));
}

pub async fn reclaim_ends_the_leases_of_a_dead_process_and_no_others(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    fixture.upload("a", 1).await;
    fixture.upload("b", 1).await;
    let ours = fixture.claim_one(TaskKey::Validate).await;
    let theirs = fixture.store.claim(&NodeId::new("node-b"), Lane::Light, 1, LEASE_MS).await.unwrap();
    assert_eq!(fixture.store.reclaim(&node()).await.unwrap(), 1);
    assert_eq!(fixture.attempts(&ours.fence.asset, TaskKey::Validate).await, 1);
    let kept = fixture.store.heartbeat(&NodeId::new("node-b"), &[theirs[0].fence.clone()], LEASE_MS).await;
    assert_eq!(kept.unwrap(), []);
    fixture.clock.advance_ms(BACKOFF_MAX_MS);
    assert_eq!(fixture.claim_one(TaskKey::Validate).await.fence.attempt, 2);
}

pub async fn an_asset_whose_attempts_are_always_lost_fails(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    for _ in 0..Code::WorkerLost.attempts_max() {
        assert_eq!(fixture.phase(&asset).await, Phase::Received);
        fixture.claim_one(TaskKey::Validate).await;
        fixture.clock.advance_ms(LEASE_MS);
        assert_eq!(fixture.store.reap().await.unwrap(), 1);
        fixture.clock.advance_ms(BACKOFF_MAX_MS * 2);
    }
    assert_eq!(fixture.phase(&asset).await, Phase::Failed);
    assert_eq!(fixture.claim_all().await, []);
}

pub async fn a_duplicate_begins_again_if_the_attempts_of_its_original_are_always_lost(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let (first, duplicate) = (fixture.upload("a", 1).await, fixture.upload("b", 1).await);
    fixture.validate_content(&first, SHA256).await;
    fixture.validate_content(&duplicate, SHA256).await;
    assert_eq!(fixture.phase(&duplicate).await, Phase::Linked);
    for _ in 0..Code::WorkerLost.attempts_max() {
        assert_eq!(fixture.phase(&first).await, Phase::Processing);
        fixture.claim(Lane::Heavy, 1).await;
        fixture.clock.advance_ms(LEASE_MS);
        assert_eq!(fixture.store.reap().await.unwrap(), 1);
        fixture.clock.advance_ms(BACKOFF_MAX_MS * 2);
    }
    assert_eq!(fixture.phase(&first).await, Phase::Failed);
    assert_eq!(fixture.phase(&duplicate).await, Phase::Received);
}

pub async fn reclaim_ends_more_leases_than_one_transaction_may(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let uploads = (0..501).map(|number| event(&format!("key-{number}"), 1));
    fixture.store.ingest(&EventBatch::of(uploads.collect::<Vec<_>>())).await.unwrap();
    assert_eq!(fixture.claim(Lane::Light, 501).await.len(), 501);
    assert_eq!(fixture.store.reclaim(&node()).await.unwrap(), 501);
    assert_eq!(fixture.store.reclaim(&node()).await.unwrap(), 0);
}
