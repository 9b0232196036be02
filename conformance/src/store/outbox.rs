//! The outbox: notices to receivers outside.

use reelgate_flow::asset::{NoticeKind, Severity};
use reelgate_flow::ids::NoticeId;
use reelgate_flow::reason::Code;
use reelgate_flow::task::TaskKey;

use super::StoreHome;
use super::fixture::{StoreFixture, event};
use reelgate_ports::error::ErrorKind;
use reelgate_ports::events::EventBatch;
use reelgate_ports::identity::notice_id;

pub async fn an_ending_puts_one_notice_with_a_derived_id_into_the_outbox(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    assert_eq!(fixture.store.outbox(10, 0).await.unwrap(), []);
    fixture.run(Severity::None).await;
    let owed = fixture.store.outbox(10, 0).await.unwrap();
    assert_eq!(owed.len(), 1);
    assert_eq!(owed[0].id, notice_id(&asset, NoticeKind::Published, 0));
    assert_eq!((&owed[0].asset, owed[0].kind, owed[0].tries), (&asset, NoticeKind::Published, 0));
    assert_eq!(owed[0].body["id"], owed[0].id.as_str());
    assert_eq!(owed[0].body["state"], "published");
    assert_eq!(owed[0].body["verdict"], "clean");
    assert_eq!(fixture.store.outbox(10, 0).await.unwrap(), owed, "reading removes nothing");
}

pub async fn a_notice_that_one_node_delivers_is_not_due_for_others(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    fixture.upload("a", 1).await;
    fixture.run(Severity::None).await;
    let held = fixture.store.outbox(10, 60_000).await.unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!(fixture.store.outbox(10, 60_000).await.unwrap(), []);
    fixture.clock.advance_ms(60_000);
    assert_eq!(fixture.store.outbox(10, 0).await.unwrap(), held);
    fixture.store.outbox(10, 60_000).await.unwrap();
    fixture.store.notices_delivered(&[held[0].id.clone()]).await.unwrap();
    fixture.clock.advance_ms(60_000);
    assert_eq!(fixture.store.outbox(10, 0).await.unwrap(), []);
}

pub async fn a_deferred_notice_waits_and_counts_its_tries(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    fixture.upload("a", 1).await;
    fixture.run(Severity::None).await;
    let id = fixture.store.outbox(10, 0).await.unwrap()[0].id.clone();
    fixture.store.notice_deferred(&id, 5_000).await.unwrap();
    fixture.clock.advance_ms(4_999);
    assert_eq!(fixture.store.outbox(10, 0).await.unwrap(), []);
    assert_eq!(fixture.store.next_due_ms().await.unwrap(), Some(1));
    fixture.clock.advance_ms(1);
    let again = fixture.store.outbox(10, 0).await.unwrap();
    assert_eq!((&again[0].id, again[0].tries), (&id, 1));
    let unknown = fixture.store.notice_deferred(&NoticeId::new("no such notice"), 1).await.unwrap_err();
    assert_eq!(unknown.kind, ErrorKind::Missing);
}

pub async fn a_delivered_notice_is_removed_and_in_the_history(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let assets = [fixture.upload("a", 1).await, fixture.upload("b", 1).await];
    fixture.run(Severity::None).await;
    let owed = fixture.store.outbox(1, 0).await.unwrap();
    assert_eq!(owed.len(), 1, "at most as many as asked for");
    fixture.store.notices_delivered(&[owed[0].id.clone()]).await.unwrap();
    fixture.store.notices_delivered(&[owed[0].id.clone()]).await.unwrap();
    assert_eq!(
        fixture.details(&owed[0].asset, "notice_sent").await,
        [format!("published {}, try 1", owed[0].id)]
    );
    let left = fixture.store.outbox(10, 0).await.unwrap();
    assert_eq!(left.len(), 1);
    assert!(assets.contains(&left[0].asset) && left[0].asset != owed[0].asset);
}

pub async fn a_second_ending_after_a_redrive_has_another_id(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let claim = fixture.claim_one(TaskKey::Validate).await;
    fixture.fail(&claim, Code::NotMedia).await;
    fixture.run(Severity::None).await;
    fixture.store.redrive(&asset).await.unwrap();
    let claim = fixture.claim_one(TaskKey::Validate).await;
    fixture.fail(&claim, Code::NotMedia).await;
    fixture.run(Severity::None).await;
    let ids: Vec<_> =
        fixture.store.outbox(10, 0).await.unwrap().into_iter().map(|notice| notice.id).collect();
    assert_eq!(ids, [0, 1].map(|redrives| notice_id(&asset, NoticeKind::Rejected, redrives)));
}

pub async fn a_notice_holds_nothing_a_person_wrote(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let key = "jane.doe@example.org/passport.mp4";
    fixture.store.ingest(&EventBatch::of([event(key, 1)])).await.unwrap();
    fixture.run(Severity::None).await;
    let body = fixture.store.outbox(10, 0).await.unwrap()[0].body.to_string();
    assert!(body.contains(&reelgate_ports::identity::key_sha256(key)));
    assert!(!body.contains("jane") && !body.contains("passport"), "{body}");
}

pub async fn notices_delivered_together_are_each_in_the_history(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let assets = [fixture.upload("a", 1).await, fixture.upload("b", 1).await];
    fixture.run(Severity::None).await;
    let owed = fixture.store.outbox(10, 0).await.unwrap();
    let ids: Vec<NoticeId> = owed.into_iter().map(|notice| notice.id).collect();
    fixture.store.notices_delivered(&ids).await.unwrap();
    assert_eq!(fixture.store.outbox(10, 0).await.unwrap(), []);
    for asset in &assets {
        assert_eq!(fixture.details(asset, "notice_sent").await.len(), 1);
    }
}
