//! The audit log: every line of history once, in a chain.

use reelgate_flow::asset::{NoticeKind, Phase, Severity};
use reelgate_flow::ids::ReceiverName;
use serde_json::json;

use super::StoreHome;
use super::fixture::StoreFixture;
use crate::memory_seal::MemorySeal;
use reelgate_ports::audit::{Chain, Entry, Seal, verify};
use reelgate_ports::error::ErrorKind;
use reelgate_ports::events::{EventBatch, RefusedEvent};
use reelgate_ports::identity::seal_notice_id;
use reelgate_ports::records::{AuditRecord, NoticeRecord};
use reelgate_ports::seal_keeper::{SealKeeper, seal_and_keep};

async fn sealed(fixture: &StoreFixture) -> Vec<AuditRecord> {
    while fixture.store.seal(7).await.unwrap() > 0 {}
    fixture.store.audit(0, 10_000).await.unwrap()
}

fn entries(records: &[AuditRecord]) -> Vec<Entry> {
    records.iter().map(|record| serde_json::from_str(&record.line).unwrap()).collect()
}

fn export(records: &[AuditRecord]) -> String {
    let chain = records.last().map_or_else(Chain::default, Chain::after);
    let lines: String = records.iter().map(|record| format!("{}\n", record.line)).collect();
    format!("{lines}{}\n", serde_json::to_string(&chain.seal()).unwrap())
}

pub async fn every_line_of_history_is_chained_once(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let mut expected = Vec::new();
    for key in ["a", "b"] {
        let asset = fixture.upload(key, 1).await;
        sealed(&fixture).await;
        fixture.run(Severity::None).await;
        assert_eq!(fixture.phase(&asset).await, Phase::Published);
        let lines = fixture.store.history(&asset).await.unwrap();
        let audited = lines.into_iter().filter(reelgate_ports::audit::is_audited);
        expected.extend(
            audited.map(|line| (asset.to_string(), line.at_ms, line.event.as_str().to_owned(), line.detail)),
        );
    }
    let records = sealed(&fixture).await;
    let mut chained: Vec<_> =
        entries(&records).into_iter().map(|e| (e.asset, e.at_ms, e.what, e.detail)).collect();
    chained.sort();
    expected.sort();
    assert_eq!(chained, expected);
    assert_eq!(verify(export(&records).as_bytes(), None).unwrap().records, records.len() as u64);
    assert_eq!(fixture.store.seal(100).await.unwrap(), 0, "nothing is chained twice");
}

pub async fn scheduling_is_not_chained(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    fixture.upload("a", 1).await;
    fixture.run(Severity::None).await;
    let records = sealed(&fixture).await;
    assert!(!records.is_empty());
    assert!(entries(&records).iter().all(|entry| !matches!(entry.what.as_str(), "due" | "claimed")));
}

pub async fn an_entry_with_nothing_to_chain_does_not_end_the_chaining(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    fixture.run(Severity::None).await;
    while fixture.store.seal(1).await.unwrap() > 0 {}
    let lines = fixture.store.history(&asset).await.unwrap();
    let expected = lines.iter().filter(|line| reelgate_ports::audit::is_audited(line)).count();
    assert_eq!(fixture.store.audit(0, 10_000).await.unwrap().len(), expected);
}

pub async fn the_log_is_read_in_pieces(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    fixture.upload("a", 1).await;
    fixture.run(Severity::None).await;
    let all = sealed(&fixture).await;
    let mut pieces = Vec::new();
    loop {
        let after = pieces.last().map_or(0, |record: &AuditRecord| record.number);
        let piece = fixture.store.audit(after, 3).await.unwrap();
        if piece.is_empty() {
            break;
        }
        pieces.extend(piece);
    }
    assert_eq!(pieces, all);
}

pub async fn refused_events_are_chained_too(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let refused = RefusedEvent {
        location: "stream/shard/1".into(),
        sha256: super::fixture::SHA256.into(),
        reason: "expected an upload's event, found none".into(),
    };
    let batch = EventBatch { refused: vec![refused.clone()], ..EventBatch::default() };
    fixture.store.ingest(&batch).await.unwrap();
    fixture.store.ingest(&batch).await.unwrap();
    let entries = entries(&sealed(&fixture).await);
    assert_eq!(entries.len(), 1, "the same message again is the same");
    assert_eq!((entries[0].what.as_str(), &entries[0].detail), ("refused", &refused.reason));
}

pub async fn the_seal_of_the_whole_log_is_kept_outside(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let keeper = MemorySeal::default();
    let empty = seal_and_keep(&*fixture.store, &keeper).await.unwrap();
    assert_eq!(empty, Chain::default().seal());
    fixture.upload("a", 1).await;
    fixture.run(Severity::None).await;
    let sealed = seal_and_keep(&*fixture.store, &keeper).await.unwrap();
    let records = fixture.store.audit(0, 10_000).await.unwrap();
    assert_eq!(sealed, Chain::after(records.last().unwrap()).seal());
    assert_eq!(fixture.store.audit_end().await.unwrap().as_ref(), records.last());
    assert_eq!(keeper.kept().await.unwrap(), Some(sealed));
}

pub async fn a_log_without_what_the_kept_seal_names_leaves_that_seal_alone(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    fixture.upload("a", 1).await;
    let keeper = MemorySeal::default();
    let sealed = seal_and_keep(&*fixture.store, &keeper).await.unwrap();
    let later = Seal { records: sealed.records + 100, ..sealed.clone() };
    let other = Seal { head: "0".repeat(64), ..sealed };
    for (kept, told) in
        [(later, "the last 100 of its audit log are missing"), (other, "the log was written anew")]
    {
        keeper.keep(&kept).await.unwrap();
        let refused = seal_and_keep(&*fixture.store, &keeper).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Conflict);
        assert!(refused.detail.contains(told), "{refused}");
        assert_eq!(keeper.kept().await.unwrap(), Some(kept));
    }
}

/// Notices about seals that wait to be addressed.
async fn announced(fixture: &StoreFixture) -> Vec<NoticeRecord> {
    let notices = fixture.store.outbox(100, 0).await.unwrap();
    notices.into_iter().filter(|notice| notice.kind == NoticeKind::AuditSealed).collect()
}

pub async fn a_seal_goes_out_in_a_notice_once_its_oldest_new_record_is_an_hour_old(home: &dyn StoreHome) {
    const HOUR_MS: u64 = 3_600_000;
    let fixture = StoreFixture::new(home).await;
    while fixture.store.seal(100).await.unwrap() > 0 {}
    fixture.clock.advance_ms(2 * HOUR_MS);
    assert_eq!(fixture.store.seal(100).await.unwrap(), 0);
    assert_eq!(announced(&fixture).await, [], "an empty log has no seal");
    fixture.upload("a", 1).await;
    sealed(&fixture).await;
    fixture.clock.advance_ms(HOUR_MS - 1);
    fixture.run(Severity::None).await;
    sealed(&fixture).await;
    assert_eq!(announced(&fixture).await, [], "none for each seal");
    fixture.clock.advance_ms(1);
    // Nothing new has to happen for it.
    let records = sealed(&fixture).await;
    let notices = announced(&fixture).await;
    let seal = Chain::after(records.last().unwrap()).seal();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert_eq!((&notices[0].id, notices[0].asset.as_str()), (&seal_notice_id(&seal), ""));
    assert_eq!(notices[0].body["seal"], json!({"records": records.len(), "head": seal.head}));
    fixture.clock.advance_ms(10 * HOUR_MS);
    sealed(&fixture).await;
    assert_eq!(announced(&fixture).await, notices, "nothing new was sealed");
    fixture.upload("b", 1).await;
    sealed(&fixture).await;
    fixture.clock.advance_ms(HOUR_MS);
    let later = sealed(&fixture).await;
    let notices = announced(&fixture).await;
    let numbers: Vec<_> = notices.iter().map(|notice| notice.body["seal"]["records"].clone()).collect();
    assert_eq!(numbers, [json!(records.len()), json!(later.len())]);
}

pub async fn records_that_waited_for_long_are_announced_with_the_call_that_chains_the_last_of_them(
    home: &dyn StoreHome,
) {
    let fixture = StoreFixture::new(home).await;
    fixture.upload("a", 1).await;
    fixture.run(Severity::None).await;
    fixture.clock.advance_ms(3_600_000);
    fixture.store.seal(1).await.unwrap();
    assert_eq!(announced(&fixture).await, [], "more is waiting");
    let records = sealed(&fixture).await;
    let bodies: Vec<_> = announced(&fixture).await.into_iter().map(|notice| notice.body).collect();
    assert_eq!(bodies.len(), 1);
    assert_eq!(bodies[0]["seal"]["records"], json!(records.len()));
}

pub async fn the_delivery_of_a_seal_asks_for_no_other_notice(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    fixture.upload("a", 1).await;
    fixture.clock.advance_ms(3_600_000);
    let records = sealed(&fixture).await;
    let receiver = ReceiverName::new("webhook");
    let [notice] = &announced(&fixture).await[..] else { panic!("expected one notice") };
    fixture.store.address_notices(&[(notice.id.clone(), vec![receiver.clone()])]).await.unwrap();
    let due = fixture.store.deliveries(&receiver, 10, 0).await.unwrap();
    assert_eq!(due, std::slice::from_ref(notice));
    fixture.store.notice_deferred(&receiver, &notice.id, 1).await.unwrap();
    fixture.clock.advance_ms(1);
    assert_eq!(fixture.store.deliveries(&receiver, 10, 0).await.unwrap()[0].tries, 1);
    fixture.store.notices_delivered(&receiver, std::slice::from_ref(&notice.id)).await.unwrap();
    assert_eq!(fixture.store.deliveries(&receiver, 10, 0).await.unwrap(), []);
    fixture.clock.advance_ms(3_600_000);
    assert_eq!(sealed(&fixture).await, records);
    assert_eq!(announced(&fixture).await, []);
}
