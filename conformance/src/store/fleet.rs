//! Many nodes and many producers: order of claims, lists of nodes, deletions.

use reelgate_flow::asset::{Phase, Severity};
use reelgate_flow::ids::NodeId;
use reelgate_flow::reason::Code;
use reelgate_flow::task::{Lane, TaskKey};

use super::StoreHome;
use super::fixture::{LEASE_MS, StoreFixture, event, well};
use crate::samples::{node_report, principal};
use reelgate_ports::error::ErrorKind;
use reelgate_ports::events::EventBatch;
use reelgate_ports::identity::asset_id;
use reelgate_ports::order::Priority;
use reelgate_ports::records::{Applied, MediaEvent};

pub async fn high_priority_is_claimed_first_and_low_priority_last(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let of = |key: &str, priority| MediaEvent { priority, ..event(key, 1) };
    let events = [of("a/1", Priority::Low), of("b/1", Priority::Normal), of("c/1", Priority::High)];
    fixture.store.ingest(&EventBatch::of(events)).await.unwrap();
    assert_eq!(claimed_keys(&fixture, 3).await, ["c/1", "b/1", "a/1"]);
}

pub async fn a_low_priority_is_claimed_in_the_end(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let low = MediaEvent { priority: Priority::Low, ..event("old/1", 1) };
    fixture.store.ingest(&EventBatch::of([low])).await.unwrap();
    fixture.clock.advance_ms(7 * 3_600_000);
    fixture.upload("new/1", 1).await;
    assert_eq!(claimed_keys(&fixture, 2).await, ["old/1", "new/1"]);
}

pub async fn a_back_catalogue_does_not_starve_another_prefix(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let back: Vec<MediaEvent> = (0..50).map(|n| event(&format!("archive/{n:02}"), 1)).collect();
    fixture.store.ingest(&EventBatch::of(back)).await.unwrap();
    fixture.clock.advance_ms(150);
    fixture.upload("news/1", 1).await;
    let keys = claimed_keys(&fixture, 51).await;
    let place = keys.iter().position(|key| key == "news/1").unwrap();
    assert!(place <= 2, "expected the single upload near the front, found it at {place}");
    let archive: Vec<&String> = keys.iter().filter(|key| key.starts_with("archive/")).collect();
    assert!(archive.is_sorted(), "a prefix keeps its own order");
}

pub async fn many_uploads_one_by_one_do_not_starve_another_prefix(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    for number in 0..20 {
        fixture.upload(&format!("archive/{number:02}"), 1).await;
    }
    fixture.clock.advance_ms(150);
    fixture.upload("news/1", 1).await;
    let keys = claimed_keys(&fixture, 21).await;
    let place = keys.iter().position(|key| key == "news/1").unwrap();
    assert!(place <= 2, "expected the single upload near the front, found it at {place}");
}

pub async fn withdrawing_and_publishing_go_before_new_uploads(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let first = fixture.upload("a", 1).await;
    fixture.validate(&first).await;
    loop {
        let mut claims = fixture.claim(Lane::Heavy, 10).await;
        claims.extend(fixture.claim(Lane::Light, 10).await);
        if claims.iter().any(|claim| claim.fence.task == TaskKey::Publish) {
            let publish = claims.iter().find(|claim| claim.fence.task == TaskKey::Publish).unwrap();
            fixture.report(publish, reelgate_ports::records::Ending::GivenBack).await;
            break;
        }
        for claim in claims {
            fixture.store.complete(&[well(&claim, Severity::None)]).await.unwrap();
        }
    }
    let urgent = MediaEvent { priority: Priority::High, ..event("b", 1) };
    fixture.store.ingest(&EventBatch::of([urgent])).await.unwrap();
    let claims = fixture.claim(Lane::Light, 2).await;
    let tasks: Vec<TaskKey> = claims.iter().map(|claim| claim.fence.task).collect();
    assert_eq!(tasks, [TaskKey::Publish, TaskKey::Validate]);
}

pub async fn known_returns_exactly_the_ingested_assets(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let other = asset_id(&event("b", 1).source);
    let known = fixture.store.known(&[asset.clone(), other]).await.unwrap();
    assert_eq!(known.into_iter().collect::<Vec<_>>(), [asset]);
}

pub async fn the_queue_counts_by_lane_stage_priority_and_prefix(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    for key in ["a/1", "a/2", "b/1"] {
        fixture.upload(key, 1).await;
    }
    fixture.claim(Lane::Light, 1).await;
    fixture.clock.advance_ms(5_000);
    let queue = fixture.store.queue(10).await.unwrap();
    let counts: Vec<_> = queue
        .iter()
        .map(|row| (row.lane, row.stage.as_str(), row.priority, row.prefix.as_str(), row.waiting, row.leased))
        .collect();
    assert_eq!(
        counts,
        [
            (Lane::Light, "validate", Priority::Normal, "a", 1, 1),
            (Lane::Light, "validate", Priority::Normal, "b", 1, 0),
        ]
    );
    assert!(queue.iter().all(|row| row.oldest_ms == 5_000), "{queue:?}");
}

pub async fn a_node_is_listed_and_gets_its_order_to_drain(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let report = node_report("node-a");
    assert!(!fixture.store.node_seen(&report).await.unwrap());
    fixture.clock.advance_ms(2_000);
    let nodes = fixture.store.nodes().await.unwrap();
    assert_eq!((nodes.len(), &nodes[0].report, nodes[0].silent_ms), (1, &report, 2_000));
    fixture.store.order_drain(&report.node, true).await.unwrap();
    assert!(fixture.store.node_seen(&report).await.unwrap());
    assert!(fixture.store.nodes().await.unwrap()[0].drain_ordered);
    fixture.store.order_drain(&report.node, false).await.unwrap();
    assert!(!fixture.store.node_seen(&report).await.unwrap());
}

pub async fn an_order_to_an_unknown_node_is_missing(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let error = fixture.store.order_drain(&NodeId::new("ghost"), true).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing);
}

pub async fn a_deleted_upload_is_superseded_unless_it_was_published(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let (waiting, published) = (fixture.upload("waiting", 1).await, fixture.upload("published", 1).await);
    let claims = fixture.claim(Lane::Light, 2).await;
    let claim = claims.iter().find(|claim| claim.fence.asset == published).unwrap();
    fixture.store.complete(&[well(claim, Severity::None)]).await.unwrap();
    let other = claims.iter().find(|claim| claim.fence.asset == waiting).unwrap();
    loop {
        let mut due = fixture.claim(Lane::Heavy, 10).await;
        due.extend(fixture.claim(Lane::Light, 10).await);
        if due.is_empty() {
            break;
        }
        for claim in due {
            fixture.store.complete(&[well(&claim, Severity::None)]).await.unwrap();
        }
    }
    assert_eq!(fixture.phase(&published).await, Phase::Published);
    let gone = [deleted("waiting", "", 2), deleted("published", "1", 2)];
    fixture.store.ingest(&EventBatch::of(gone)).await.unwrap();
    assert_eq!(fixture.phase(&waiting).await, Phase::Withdrawing);
    assert_eq!(fixture.phase(&published).await, Phase::Published);
    let stale = fixture.store.complete(&[well(other, Severity::None)]).await.unwrap();
    assert_eq!(stale, [reelgate_ports::records::Applied::Stale]);
}

pub async fn an_upload_older_than_its_deletion_does_not_begin(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    fixture.store.ingest(&EventBatch::of([deleted("a", "", 5)])).await.unwrap();
    let (older, newer) = (fixture.upload("a", 4).await, fixture.upload("a", 6).await);
    assert_eq!(fixture.phase(&older).await, Phase::Withdrawing);
    assert_eq!(fixture.phase(&newer).await, Phase::Received);
}

pub async fn a_deleted_version_does_not_concern_other_versions(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    fixture.store.ingest(&EventBatch::of([deleted("a", "3", 9)])).await.unwrap();
    let (gone, other) = (fixture.upload("a", 3).await, fixture.upload("a", 4).await);
    assert_eq!(fixture.phase(&gone).await, Phase::Withdrawing);
    assert_eq!(fixture.phase(&other).await, Phase::Received);
}

fn deleted(key: &str, version: &str, sequencer: u64) -> MediaEvent {
    let mut event = event(key, sequencer);
    event.kind = reelgate_ports::records::EventKind::Deleted;
    event.source.version = version.to_owned();
    event
}

async fn claimed_keys(fixture: &StoreFixture, tasks_max: u16) -> Vec<String> {
    fixture.claim(Lane::Light, tasks_max).await.into_iter().map(|claim| claim.source.id.key).collect()
}

pub async fn paused_heavy_work_is_not_claimed_and_everything_else_goes_on(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    fixture.validate(&asset).await;
    let running = fixture.claim(Lane::Heavy, 1).await;
    assert_eq!((running.len(), fixture.store.heavy_pause().await.unwrap()), (1, None));
    fixture.store.pause_heavy("too dear", &principal("ann")).await.unwrap();
    fixture.clock.advance_ms(5);
    fixture.store.pause_heavy("budget of May", &principal("bob")).await.unwrap();
    let pause = fixture.store.heavy_pause().await.unwrap().expect("a pause");
    assert_eq!((pause.reason.as_str(), &pause.by), ("budget of May", &principal("bob")));
    assert_eq!(pause.since_ms, fixture.store.asset(&asset).await.unwrap().asset.received_ms + 5);

    // What runs is finished, uploads are ingested, and light work goes on.
    assert_eq!(fixture.claim(Lane::Heavy, 100).await, []);
    let finished = fixture.store.complete(&[well(&running[0], Severity::None)]).await.unwrap();
    assert!(matches!(finished[0], Applied::Committed(_)));
    let screened = fixture.claim_one(TaskKey::Screen).await;
    fixture.store.complete(&[well(&screened, Severity::None)]).await.unwrap();
    let later = fixture.upload("b", 1).await;
    fixture.validate(&later).await;
    fixture.clock.advance_ms(LEASE_MS * 100);
    assert_eq!(fixture.claim(Lane::Heavy, 100).await, []);
    let refused = fixture.upload("c", 1).await;
    fixture.fail(&fixture.claim_one(TaskKey::Validate).await, Code::NotMedia).await;
    fixture.claim_one(TaskKey::Withdraw).await;
    assert_eq!(fixture.phase(&refused).await, Phase::Withdrawing);

    assert!(fixture.store.resume_heavy().await.unwrap());
    assert!(!fixture.store.resume_heavy().await.unwrap());
    assert_eq!(fixture.store.heavy_pause().await.unwrap(), None);
    fixture.run(Severity::None).await;
    assert_eq!(
        (fixture.phase(&asset).await, fixture.phase(&later).await),
        (Phase::Published, Phase::Published)
    );
}
