//! The outbox: notices to receivers outside.

use reelgate_flow::asset::{NoticeKind, Severity};
use reelgate_flow::ids::{NoticeId, ReceiverName};
use reelgate_flow::reason::Code;
use reelgate_flow::task::TaskKey;

use super::StoreHome;
use super::fixture::{StoreFixture, event};
use reelgate_ports::error::ErrorKind;
use reelgate_ports::events::EventBatch;
use reelgate_ports::identity::notice_id;
use reelgate_ports::store::DeliveriesOwed;

fn receivers() -> [ReceiverName; 3] {
    ["webhook", "topic", "file"].map(ReceiverName::new)
}

/// Addresses everything that is due to these receivers.
async fn address(fixture: &StoreFixture, receivers: &[ReceiverName]) {
    let owed = fixture.store.outbox(100, 0).await.unwrap();
    let addressed: Vec<_> = owed.into_iter().map(|notice| (notice.id, receivers.to_vec())).collect();
    fixture.store.address_notices(&addressed).await.unwrap();
}

/// Ids of everything that is due for a receiver.
async fn due(fixture: &StoreFixture, receiver: &ReceiverName) -> Vec<NoticeId> {
    let due = fixture.store.deliveries(receiver, 100, 0).await.unwrap();
    due.into_iter().map(|notice| notice.id).collect()
}

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
    assert_eq!(fixture.store.outbox(10, 60_000).await.unwrap(), [], "another node addresses it");
    fixture.clock.advance_ms(60_000);
    assert_eq!(fixture.store.outbox(10, 0).await.unwrap(), held);
    let [webhook, topic, _] = receivers();
    address(&fixture, &[webhook.clone(), topic.clone()]).await;
    assert_eq!(fixture.store.outbox(10, 0).await.unwrap(), [], "it is addressed");
    assert_eq!(fixture.store.deliveries(&webhook, 10, 60_000).await.unwrap(), held);
    assert_eq!(fixture.store.deliveries(&webhook, 10, 60_000).await.unwrap(), [], "another node delivers it");
    assert_eq!(fixture.store.deliveries(&topic, 10, 0).await.unwrap(), held, "other receivers do not wait");
    fixture.clock.advance_ms(60_000);
    assert_eq!(fixture.store.deliveries(&webhook, 10, 0).await.unwrap(), held);
    fixture.store.notices_delivered(&webhook, &[held[0].id.clone()]).await.unwrap();
    assert_eq!(due(&fixture, &webhook).await, []);
}

pub async fn a_notice_is_addressed_once(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    fixture.upload("a", 1).await;
    fixture.run(Severity::None).await;
    let id = fixture.store.outbox(10, 0).await.unwrap()[0].id.clone();
    let [webhook, topic, file] = receivers();
    let to = |receivers: &[&ReceiverName]| {
        [(id.clone(), receivers.iter().map(|name| (*name).clone()).collect::<Vec<_>>())]
    };
    fixture.store.address_notices(&to(&[&webhook, &topic])).await.unwrap();
    fixture.store.notices_delivered(&webhook, std::slice::from_ref(&id)).await.unwrap();
    // A node that held the notice for too long, with another configuration.
    fixture.store.address_notices(&to(&[&webhook, &file])).await.unwrap();
    assert_eq!(due(&fixture, &webhook).await, [], "it has got the notice");
    assert_eq!(due(&fixture, &topic).await, [id]);
    assert_eq!(due(&fixture, &file).await, []);
    assert_eq!(fixture.store.backlog().await.unwrap().outbox, 1);
}

pub async fn a_deferred_notice_waits_and_counts_its_tries(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    fixture.upload("a", 1).await;
    fixture.run(Severity::None).await;
    let [webhook, topic, file] = receivers();
    address(&fixture, &[webhook.clone(), topic.clone()]).await;
    let id = due(&fixture, &webhook).await.remove(0);
    fixture.store.notice_deferred(&webhook, &id, 5_000).await.unwrap();
    fixture.clock.advance_ms(4_999);
    assert_eq!(due(&fixture, &webhook).await, []);
    assert_eq!(fixture.store.deliveries(&topic, 10, 0).await.unwrap()[0].tries, 0, "it has its own tries");
    fixture.store.notices_delivered(&topic, std::slice::from_ref(&id)).await.unwrap();
    assert_eq!(fixture.store.next_due_ms().await.unwrap(), Some(1));
    fixture.clock.advance_ms(1);
    let again = fixture.store.deliveries(&webhook, 10, 0).await.unwrap();
    assert_eq!((&again[0].id, again[0].tries), (&id, 1));
    for (receiver, id) in [(&webhook, &NoticeId::new("no such notice")), (&file, &id)] {
        let unknown = fixture.store.notice_deferred(receiver, id, 1).await.unwrap_err();
        assert_eq!(unknown.kind, ErrorKind::Missing);
    }
}

pub async fn a_delivered_notice_is_removed_and_in_the_history(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let assets = [fixture.upload("a", 1).await, fixture.upload("b", 1).await];
    fixture.run(Severity::None).await;
    let [webhook, ..] = receivers();
    address(&fixture, std::slice::from_ref(&webhook)).await;
    let owed = fixture.store.deliveries(&webhook, 1, 0).await.unwrap();
    assert_eq!(owed.len(), 1, "at most as many as asked for");
    fixture.store.notices_delivered(&webhook, &[owed[0].id.clone()]).await.unwrap();
    fixture.store.notices_delivered(&webhook, &[owed[0].id.clone()]).await.unwrap();
    assert_eq!(
        fixture.details(&owed[0].asset, "notice_sent").await,
        [format!("published {} to webhook, try 1", owed[0].id)]
    );
    let left = fixture.store.deliveries(&webhook, 10, 0).await.unwrap();
    assert_eq!(left.len(), 1);
    assert!(assets.contains(&left[0].asset) && left[0].asset != owed[0].asset);
}

/// Delivers what is due to every receiver but `down`, whose deliveries are all deferred. Records each acceptance.
async fn deliver(
    fixture: &StoreFixture,
    down: Option<&ReceiverName>,
    accepted: &mut Vec<(ReceiverName, NoticeId)>,
) {
    for receiver in receivers() {
        for notice in fixture.store.deliveries(&receiver, 10, 20_000).await.unwrap() {
            if down == Some(&receiver) {
                let delay_ms = (1_000 << notice.tries.min(20)).min(600_000);
                fixture.store.notice_deferred(&receiver, &notice.id, delay_ms).await.unwrap();
                continue;
            }
            fixture.store.notices_delivered(&receiver, std::slice::from_ref(&notice.id)).await.unwrap();
            accepted.push((receiver.clone(), notice.id));
        }
    }
}

pub async fn a_receiver_that_is_down_for_an_hour_delays_and_repeats_no_notice_of_the_others(
    home: &dyn StoreHome,
) {
    const MINUTES: usize = 60;
    let fixture = StoreFixture::new(home).await;
    let [webhook, topic, file] = receivers();
    let mut accepted = Vec::new();
    for minute in 0..MINUTES {
        if minute % 20 == 0 {
            fixture.upload(&format!("upload {minute}"), 1).await;
            fixture.run(Severity::None).await;
            address(&fixture, &receivers()).await;
        }
        deliver(&fixture, Some(&topic), &mut accepted).await;
        fixture.clock.advance_ms(60_000);
    }
    let got = |accepted: &[(ReceiverName, NoticeId)], receiver: &ReceiverName| {
        let mut ids: Vec<NoticeId> =
            accepted.iter().filter(|(name, _)| name == receiver).map(|(_, id)| id.clone()).collect();
        ids.sort();
        ids
    };
    let expected = got(&accepted, &webhook);
    assert_eq!(expected.len(), 3);
    assert!(expected.windows(2).all(|two| two[0] != two[1]), "each once: {expected:?}");
    assert_eq!(got(&accepted, &file), expected);
    assert_eq!(got(&accepted, &topic), []);
    let owed = fixture.store.backlog().await.unwrap().deliveries;
    let oldest_ms = MINUTES as u64 * 60_000;
    assert_eq!(owed, [DeliveriesOwed { receiver: topic.clone(), notices: 3, oldest_ms }]);
    // It is back: the longest wait is ten minutes.
    for _ in 0..11 {
        deliver(&fixture, None, &mut accepted).await;
        fixture.clock.advance_ms(60_000);
    }
    for receiver in [&webhook, &topic, &file] {
        assert_eq!(got(&accepted, receiver), expected, "{receiver}");
    }
    assert_eq!(fixture.store.backlog().await.unwrap().deliveries, []);
}

pub async fn deliveries_that_no_node_tries_any_more_end(home: &dyn StoreHome) {
    const UNSERVED_MS: u64 = 3_600_000;
    let fixture = StoreFixture::new(home).await;
    fixture.upload("a", 1).await;
    fixture.run(Severity::None).await;
    let [webhook, topic, file] = receivers();
    address(&fixture, &receivers()).await;
    let mine = std::slice::from_ref(&webhook);
    fixture.clock.advance_ms(UNSERVED_MS - 1);
    assert_eq!(fixture.store.end_unserved(mine, UNSERVED_MS).await.unwrap(), []);
    // Another node still serves the file.
    assert_eq!(fixture.store.deliveries(&file, 10, 60_000).await.unwrap().len(), 1);
    fixture.clock.advance_ms(1);
    assert_eq!(fixture.store.end_unserved(mine, UNSERVED_MS).await.unwrap(), [(topic.clone(), 1)]);
    assert_eq!(due(&fixture, &topic).await, []);
    fixture.clock.advance_ms(60_000);
    assert_eq!((due(&fixture, &webhook).await.len(), due(&fixture, &file).await.len()), (1, 1));
}

pub async fn a_receiver_that_is_added_later_gets_only_notices_that_come_later(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let [webhook, topic, _] = receivers();
    fixture.upload("a", 1).await;
    fixture.run(Severity::None).await;
    address(&fixture, std::slice::from_ref(&webhook)).await;
    let asset = fixture.upload("b", 1).await;
    fixture.run(Severity::None).await;
    address(&fixture, &[webhook.clone(), topic.clone()]).await;
    assert_eq!(due(&fixture, &topic).await, [notice_id(&asset, NoticeKind::Published, 0)]);
    assert_eq!(due(&fixture, &webhook).await.len(), 2);
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
    let [webhook, ..] = receivers();
    address(&fixture, std::slice::from_ref(&webhook)).await;
    let ids = due(&fixture, &webhook).await;
    fixture.store.notices_delivered(&webhook, &ids).await.unwrap();
    assert_eq!(due(&fixture, &webhook).await, []);
    for asset in &assets {
        assert_eq!(fixture.details(asset, "notice_sent").await.len(), 1);
    }
}
