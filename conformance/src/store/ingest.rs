//! Ingesting uploads.

use reelgate_flow::asset::{Phase, Severity};
use reelgate_flow::ids::Sequencer;

use super::StoreHome;
use super::fixture::{StoreFixture, event};
use reelgate_ports::error::ErrorKind;
use reelgate_ports::events::EventBatch;
use reelgate_ports::identity::asset_id;
use reelgate_ports::records::{EventKind, MediaEvent};
use reelgate_ports::store::AssetFilter;

pub async fn the_same_event_twice_makes_one_asset_and_counts_twice(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let first = fixture.store.ingest(&EventBatch::of([event("a.mp4", 1)])).await.unwrap();
    let history = fixture.store.history(&first[0].asset).await.unwrap();
    let again = fixture.store.ingest(&EventBatch::of([event("a.mp4", 1)])).await.unwrap();
    assert!(first[0].new && !again[0].new);
    assert_eq!(first[0].asset, again[0].asset);
    assert_eq!(first[0].asset, asset_id(&event("a.mp4", 1).source));
    assert_eq!(fixture.store.history(&first[0].asset).await.unwrap(), history);
    assert_eq!(fixture.claim_all().await.len(), 1);
}

pub async fn duplicates_within_one_batch_make_one_asset(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let taken =
        fixture.store.ingest(&EventBatch::of([event("a", 1), event("b", 1), event("a", 1)])).await.unwrap();
    let new: Vec<bool> = taken.iter().map(|t| t.new).collect();
    assert_eq!(new, [true, true, false]);
    assert_eq!(fixture.claim_all().await.len(), 2);
}

pub async fn another_version_of_a_key_is_another_asset(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    assert_ne!(fixture.upload("a", 1).await, fixture.upload("a", 2).await);
}

pub async fn a_newer_version_supersedes_the_older_one_before_it_is_published(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let older = fixture.upload("a", 1).await;
    fixture.validate(&older).await;
    let newer = fixture.upload("a", 2).await;
    assert_eq!(fixture.phase(&older).await, Phase::Withdrawing);
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&older).await, Phase::Superseded);
    assert_eq!(fixture.phase(&newer).await, Phase::Published);
}

pub async fn an_older_event_that_comes_late_is_superseded_at_once(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let newer = fixture.upload("a", 2).await;
    fixture.run(Severity::None).await;
    let older = fixture.upload("a", 1).await;
    assert_eq!(fixture.phase(&older).await, Phase::Withdrawing);
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&older).await, Phase::Superseded);
    assert_eq!(fixture.phase(&newer).await, Phase::Published);
}

pub async fn every_order_of_arrival_has_the_same_result(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let orders = [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]];
    for (key, order) in orders.iter().enumerate() {
        let key = format!("key-{key}");
        for version in order {
            fixture.upload(&key, *version).await;
        }
        fixture.run(Severity::None).await;
        let phases = [1, 2, 3].map(|version| asset_id(&event(&key, version).source));
        assert_eq!(fixture.phase(&phases[0]).await, Phase::Superseded, "order {order:?}");
        assert_eq!(fixture.phase(&phases[1]).await, Phase::Superseded, "order {order:?}");
        assert_eq!(fixture.phase(&phases[2]).await, Phase::Published, "order {order:?}");
    }
}

pub async fn a_published_version_stays_until_the_newer_one_is_published(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let older = fixture.upload("a", 1).await;
    fixture.run(Severity::None).await;
    let newer = fixture.upload("a", 2).await;
    fixture.validate(&newer).await;
    assert_eq!(fixture.phase(&older).await, Phase::Published);
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&newer).await, Phase::Published);
    assert_eq!(fixture.phase(&older).await, Phase::Superseded);
}

pub async fn keys_of_any_text_come_back_unchanged(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let long = "k".repeat(1_024);
    let keys = ["a b+c%2F.mp4", "über/фильм 🎬.mov", "line\nbreak\t\"'\\.mp4", "..", "{}[]:,", long.as_str()];
    for key in keys {
        let asset = fixture.upload(key, 1).await;
        let sent: MediaEvent = event(key, 1);
        let kept = fixture.store.asset(&asset).await.unwrap().asset.source;
        assert_eq!(kept.id, sent.source);
        assert_eq!((kept.sequencer, kept.size_bytes, kept.location), (sent.sequencer, 1_001, sent.location));
    }
    let claimed = fixture.claim_all().await;
    assert_eq!(claimed.iter().map(|claim| claim.source.id.key.as_str()).collect::<Vec<_>>(), keys);
}

pub async fn an_upload_survives_reopening_the_store(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let again = home.open(fixture.clock.clone()).await;
    let listed = again.assets(&AssetFilter { limit: 10, ..AssetFilter::default() }).await.unwrap();
    assert_eq!(listed.iter().map(|row| row.id.clone()).collect::<Vec<_>>(), [asset]);
}

pub async fn the_same_key_in_another_bucket_is_another_upload(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let of_other_bucket = |version: u64| {
        let mut event = event("a", version);
        event.source.bucket = "other".into();
        event
    };
    let ours = fixture.upload("a", 1).await;
    let theirs = fixture.store.ingest(&EventBatch::of([of_other_bucket(2)])).await.unwrap().remove(0).asset;
    assert_eq!(fixture.phase(&ours).await, Phase::Received, "the newer upload is in another bucket");
    let mut deleted = of_other_bucket(3);
    deleted.kind = EventKind::Deleted;
    deleted.source.version = String::new();
    fixture.store.ingest(&EventBatch::of([deleted])).await.unwrap();
    assert_eq!(fixture.phase(&ours).await, Phase::Received, "the deletion is in another bucket");
    assert_eq!(fixture.phase(&theirs).await, Phase::Withdrawing);
}

pub async fn versions_with_the_same_sequencer_have_one_order(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    for (key, order) in [("a", [1, 2]), ("b", [2, 1])] {
        for version in order {
            let mut upload = event(key, version);
            upload.sequencer = Sequencer::from_nanos(7);
            fixture.store.ingest(&EventBatch::of([upload])).await.unwrap();
        }
        fixture.run(Severity::None).await;
        let [first, second] = [1, 2].map(|version| asset_id(&event(key, version).source));
        assert_eq!(fixture.phase(&first).await, Phase::Superseded, "order {order:?}");
        assert_eq!(fixture.phase(&second).await, Phase::Published, "order {order:?}");
    }
}

pub async fn an_event_that_a_database_cannot_hold_is_refused(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let mut large = event("a", 1);
    large.size_bytes = 1 << 63;
    for impossible in [event("a\0b", 1), large] {
        let batch = EventBatch::of([event("b", 1), impossible]);
        assert_eq!(fixture.store.ingest(&batch).await.unwrap_err().kind, ErrorKind::Invalid);
    }
    assert_eq!(fixture.claim_all().await, [], "nothing of the batch was ingested");
}
