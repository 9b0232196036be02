//! Decisions of people, and findings of external scanners.

use reelgate_flow::asset::{NoticeKind, Parts, Phase, Response, Screening, Severity, Verdict};
use reelgate_flow::ids::{AssetId, SourceId};
use reelgate_flow::reason::Code;
use reelgate_flow::surface::{Gap, NotSearched, Surface, SurfaceReport, SurfaceState};
use reelgate_flow::task::TaskKey;
use serde_json::json;

use super::StoreHome;
use super::fixture::{SHA256, StoreFixture, event, well};
use crate::samples::{decision, principal};
use reelgate_ports::clock::Clock;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::events::EventBatch;
use reelgate_ports::records::{
    Claim, Decided, Decision, Ending, ExternalScanEvent, MediaEvent, Principal, Success,
};

const DAY_MS: u64 = 86_400_000;

async fn published(fixture: &StoreFixture, key: &str) -> AssetId {
    let asset = fixture.upload(key, 1).await;
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Published);
    asset
}

async fn quarantined(fixture: &StoreFixture, key: &str) -> AssetId {
    let asset = published(fixture, key).await;
    fixture.store.decide(&asset, &decision(Decided::Quarantine)).await.unwrap();
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Quarantined);
    asset
}

/// Does all work until the screening can be claimed.
async fn claim_of_screening(fixture: &StoreFixture) -> Claim {
    loop {
        let mut claims = fixture.claim_all().await;
        if let Some(at) = claims.iter().position(|claim| claim.fence.task == TaskKey::Screen) {
            return claims.remove(at);
        }
        for claim in claims {
            fixture.store.complete(&[well(&claim, Severity::None)]).await.unwrap();
        }
    }
}

async fn owed(fixture: &StoreFixture, kind: NoticeKind) -> usize {
    fixture.store.outbox(1_000, 0).await.unwrap().iter().filter(|notice| notice.kind == kind).count()
}

pub async fn a_quarantine_by_hand_includes_copies_and_older_versions(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let older = fixture.upload("first", 1).await;
    fixture.run(Severity::None).await;
    let first = fixture.upload("first", 2).await;
    fixture.validate_content(&first, SHA256).await;
    fixture.run(Severity::None).await;
    let copy = fixture.upload("copy", 1).await;
    fixture.validate_content(&copy, SHA256).await;
    fixture.run(Severity::None).await;
    let other = published(&fixture, "other").await;
    assert_eq!(fixture.phase(&older).await, Phase::Superseded);
    fixture.store.decide(&first, &decision(Decided::Quarantine)).await.unwrap();
    assert_eq!(fixture.phase(&copy).await, Phase::Withdrawing, "in the same transaction");
    fixture.run(Severity::None).await;
    for asset in [&first, &copy, &older] {
        assert_eq!(fixture.phase(asset).await, Phase::Quarantined);
    }
    assert_eq!(fixture.phase(&other).await, Phase::Published);
    assert_eq!(fixture.details(&copy, "quarantining").await.len(), 1);
}

pub async fn a_quarantine_leaves_newer_versions_alone(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let older = published(&fixture, "a").await;
    let newer = fixture.upload("a", 2).await;
    fixture.store.decide(&older, &decision(Decided::Quarantine)).await.unwrap();
    assert_eq!(fixture.phase(&newer).await, Phase::Received);
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&older).await, Phase::Quarantined);
    assert_eq!(fixture.phase(&newer).await, Phase::Published);
}

pub async fn a_release_brings_an_asset_back_and_is_kept_with_its_reason(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = quarantined(&fixture, "a").await;
    fixture.store.decide(&asset, &decision(Decided::Release)).await.unwrap();
    assert_eq!(fixture.phase(&asset).await, Phase::Releasing);
    fixture.run(Severity::None).await;
    let row = fixture.store.asset(&asset).await.unwrap().asset;
    assert_eq!((row.phase, row.flags.cleared), (Phase::Published, true));
    assert_eq!(row.source.location, "released/x");
    assert!(row.published_location.is_some());
    let details = fixture.details(&asset, "decided").await;
    assert_eq!(details.last().unwrap(), "release by ann (account of ann on media-7): ticket 7");
    assert_eq!(owed(&fixture, NoticeKind::Published).await, 2);
}

pub async fn a_release_that_expires_is_taken_back(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = quarantined(&fixture, "a").await;
    let expires_ms = Some(fixture.clock.now_ms() + DAY_MS);
    fixture.store.decide(&asset, &Decision { expires_ms, ..decision(Decided::Release) }).await.unwrap();
    fixture.run(Severity::None).await;
    assert_eq!(fixture.store.review(90 * DAY_MS).await.unwrap(), 0);
    fixture.clock.advance_ms(DAY_MS);
    assert_eq!(fixture.store.review(90 * DAY_MS).await.unwrap(), 1);
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Quarantined);
    assert_eq!(fixture.store.review(90 * DAY_MS).await.unwrap(), 0, "once");
}

pub async fn an_asset_in_quarantine_for_long_gets_repeated_reminders(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = quarantined(&fixture, "a").await;
    assert_eq!(fixture.store.review(DAY_MS).await.unwrap(), 0);
    for reminders in 1..=2 {
        fixture.clock.advance_ms(DAY_MS);
        assert_eq!(fixture.store.review(DAY_MS).await.unwrap(), 1);
        assert_eq!(fixture.store.review(DAY_MS).await.unwrap(), 0);
        assert_eq!(owed(&fixture, NoticeKind::ReviewDue).await, reminders);
    }
    assert_eq!(fixture.phase(&asset).await, Phase::Quarantined, "nothing goes for its age");
}

pub async fn an_asset_under_hold_is_not_erased(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = quarantined(&fixture, "a").await;
    fixture.store.decide(&asset, &decision(Decided::Hold)).await.unwrap();
    let refused = fixture.store.decide(&asset, &decision(Decided::Erase)).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert!(refused.detail.contains("hold"), "{}", refused.detail);
    assert_eq!(fixture.details(&asset, "decided").await.len(), 2, "a refused decision is not in the history");
    fixture.store.decide(&asset, &decision(Decided::Unhold)).await.unwrap();
    fixture.store.decide(&asset, &decision(Decided::Erase)).await.unwrap();
    assert_eq!(fixture.phase(&asset).await, Phase::Withdrawing);
}

pub async fn an_erased_asset_leaves_no_text(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = quarantined(&fixture, "secret/name").await;
    assert!(!fixture.store.asset(&asset).await.unwrap().metadata.is_empty());
    fixture.store.decide(&asset, &decision(Decided::Erase)).await.unwrap();
    fixture.run(Severity::None).await;
    let detail = fixture.store.asset(&asset).await.unwrap();
    assert_eq!(detail.asset.phase, Phase::Erased);
    assert_eq!((detail.asset.source.id.key.as_str(), detail.asset.source.location.as_str()), ("", ""));
    assert_eq!((detail.facts, detail.findings.len(), detail.renditions.len()), (None, 0, 0));
    assert_eq!(detail.metadata.len(), 0);
    let products = fixture.store.products(&asset).await.unwrap();
    let left: Vec<TaskKey> = products.iter().map(|product| product.task).collect();
    assert_eq!(left, [TaskKey::Withdraw], "the certificate");
    assert_eq!(products[0].result["taken"][0]["name"], "v.m4s");
    assert_eq!(owed(&fixture, NoticeKind::Erased).await, 1);
    // The same event again finds the asset known and erased.
    assert!(!fixture.store.ingest(&EventBatch::of([event("secret/name", 1)])).await.unwrap()[0].new);
    assert_eq!(fixture.phase(&asset).await, Phase::Erased);
}

pub async fn a_redaction_is_kept_for_the_encodes(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = published(&fixture, "a").await;
    assert_eq!(fixture.store.redaction(&asset).await.unwrap(), None);
    let redaction = json!({"areas": [{"start_ns": 5}]});
    let parts = Parts { chunks: vec![0], audio: false };
    let what = Decided::Redact { parts, redaction: redaction.clone() };
    fixture.store.decide(&asset, &decision(what)).await.unwrap();
    assert_eq!(fixture.store.redaction(&asset).await.unwrap(), Some(redaction));
    assert!(fixture.store.asset(&asset).await.unwrap().asset.flags.redacted);
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Published);
    assert_eq!(fixture.attempts(&asset, TaskKey::Video { chunk: 0 }).await, 2);
}

pub async fn a_refused_decision_changes_nothing(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = published(&fixture, "a").await;
    let before = fixture.store.history(&asset).await.unwrap();
    let unknown = Decided::Redact { parts: Parts { chunks: vec![7], audio: false }, redaction: json!({}) };
    for what in [Decided::Release, Decided::Unhold, unknown] {
        let refused = fixture.store.decide(&asset, &decision(what)).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Conflict);
    }
    let fit = decision(Decided::Quarantine);
    for unfit in [
        Decision { by: principal(&"\0".repeat(100_000)), ..fit.clone() },
        Decision { by: principal(&"n".repeat(201)), ..fit.clone() },
        Decision { by: principal(" "), ..fit.clone() },
        Decision { by: Principal { name: "ann".into(), how: "uid\u{202e} 1".into() }, ..fit.clone() },
        Decision { by: Principal { name: "ann".into(), how: String::new() }, ..fit.clone() },
        Decision { reason: String::new(), ..fit.clone() },
        Decision { reason: "two\nlines".into(), ..fit.clone() },
        Decision { reason: "r".repeat(2_001), ..fit.clone() },
    ] {
        let refused = fixture.store.decide(&asset, &unfit).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Conflict);
        assert!(refused.detail.starts_with("expected ") && refused.detail.len() < 200, "{refused}");
    }
    assert_eq!(fixture.store.history(&asset).await.unwrap(), before);
    assert_eq!(fixture.store.redaction(&asset).await.unwrap(), None);
    fixture.store.decide(&asset, &decision(Decided::FalsePositive { kind: "VIN".into() })).await.unwrap();
    assert_eq!(fixture.phase(&asset).await, Phase::Published);
}

fn scan(id: &str, source: Option<SourceId>) -> ExternalScanEvent {
    ExternalScanEvent {
        id: id.into(),
        kind: "SensitiveData:S3Object/Personal".into(),
        severity: Severity::High,
        source,
        asset: None,
        findings: Vec::new(),
        sample: false,
        summary: json!({"count": 3}),
    }
}

fn scans(scans: Vec<ExternalScanEvent>) -> EventBatch {
    EventBatch { scans, ..EventBatch::default() }
}

pub async fn a_finding_of_the_scanner_quarantines_a_published_asset_once(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = published(&fixture, "a").await;
    let mild = ExternalScanEvent { severity: Severity::Medium, ..scan("1", Some(event("a", 1).source)) };
    fixture.store.ingest(&scans(vec![mild])).await.unwrap();
    let row = fixture.store.asset(&asset).await.unwrap().asset;
    assert_eq!((row.phase, row.severity), (Phase::Published, Severity::Medium));
    let severe = scan("2", Some(event("a", 1).source));
    fixture.store.ingest(&scans(vec![severe.clone(), severe.clone()])).await.unwrap();
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Quarantined);
    fixture.store.decide(&asset, &decision(Decided::Release)).await.unwrap();
    fixture.run(Severity::None).await;
    fixture.store.ingest(&scans(vec![severe, scan("3", Some(event("a", 1).source))])).await.unwrap();
    assert_eq!(fixture.phase(&asset).await, Phase::Published, "a person let it go");
    assert_eq!(fixture.details(&asset, "scanned").await.len(), 3);
}

pub async fn sample_findings_and_findings_about_unknown_objects_change_nothing(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = published(&fixture, "a").await;
    let sample = ExternalScanEvent { sample: true, ..scan("1", Some(event("a", 1).source)) };
    let unknown = scan("2", Some(event("nobody", 1).source));
    fixture.store.ingest(&scans(vec![sample, unknown, scan("3", None)])).await.unwrap();
    assert_eq!(fixture.phase(&asset).await, Phase::Published);
}

pub async fn a_quarantined_asset_is_published_nowhere_and_its_withdrawal_is_recorded(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = quarantined(&fixture, "a").await;
    let row = fixture.store.asset(&asset).await.unwrap().asset;
    assert_eq!((row.published_location, row.source.location.as_str()), (None, "rejected/x"));
    assert_eq!(fixture.details(&asset, "closed").await.len(), 1);
    let record = fixture.store.product(&asset, TaskKey::Withdraw).await.unwrap().expect("a record");
    assert_eq!(record.result["taken"][0]["name"], "v.m4s");
}

pub async fn a_mild_finding_does_not_move_the_end_of_a_published_asset(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = published(&fixture, "a").await;
    let ended_ms = fixture.store.asset(&asset).await.unwrap().asset.ended_ms;
    fixture.clock.advance_ms(DAY_MS);
    let mild = ExternalScanEvent { severity: Severity::Medium, ..scan("1", Some(event("a", 1).source)) };
    fixture.store.ingest(&scans(vec![mild])).await.unwrap();
    let row = fixture.store.asset(&asset).await.unwrap().asset;
    assert_eq!((row.severity, row.ended_ms), (Severity::Medium, ended_ms));
}

pub async fn what_was_not_searched_is_kept_with_the_asset_and_its_notice(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let claim = claim_of_screening(&fixture).await;
    let mut screening = Screening::of(Severity::None);
    let gaps = vec![
        Gap { track: Some(2), why: NotSearched::LimitReached, until_ns: Some(u64::MAX) },
        Gap { track: None, why: NotSearched::Encrypted, until_ns: None },
    ];
    let state = SurfaceState::Partly;
    let cut_off = SurfaceReport { surface: Surface::Subtitles, state, lines: 100_000, gaps };
    screening.surfaces[3] = cut_off.clone();
    screening.incomplete = vec![cut_off];
    let expected = screening.surfaces.clone();
    let screened =
        Success::Screened { screening, findings: Vec::new(), redaction: None, shared: false, result: None };
    fixture.report(&claim, Ending::Success(screened)).await;
    fixture.run(Severity::None).await;
    let row = fixture.store.asset(&asset).await.unwrap().asset;
    assert_eq!((row.phase, row.verdict), (Phase::Quarantined, Verdict::Unscanned));
    assert_eq!(row.reason.map(|fault| fault.code), Some(Code::ScreeningIncomplete));
    assert_eq!(row.surfaces, expected);
    let notices = fixture.store.outbox(10, 0).await.unwrap();
    let notice = notices.iter().find(|notice| notice.kind == NoticeKind::Quarantined).unwrap();
    assert_eq!((&notice.body["verdict"], &notice.body["surfaces"]), (&json!("unscanned"), &json!(expected)));
    fixture.store.decide(&asset, &decision(Decided::Release)).await.unwrap();
    fixture.run(Severity::None).await;
    assert_eq!(fixture.store.asset(&asset).await.unwrap().asset.phase, Phase::Published);
}

pub async fn a_redaction_of_the_policy_is_kept_for_the_encodes(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let redaction = json!({"areas": [{"start_ns": 7}]});
    let claim = claim_of_screening(&fixture).await;
    let screening = Screening {
        response: Response::RedactThenPublish,
        parts: Some(Parts { chunks: vec![0], audio: false }),
        ..Screening::of(Severity::High)
    };
    let redaction_found = Some(redaction.clone());
    let screened = Success::Screened {
        screening,
        findings: Vec::new(),
        redaction: redaction_found,
        shared: false,
        result: None,
    };
    fixture.report(&claim, Ending::Success(screened)).await;
    assert_eq!(fixture.store.redaction(&asset).await.unwrap(), Some(redaction));
}

pub async fn a_release_that_expires_includes_later_uploads_of_the_content(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    fixture.validate_content(&asset, SHA256).await;
    fixture.run(Severity::None).await;
    fixture.store.decide(&asset, &decision(Decided::Quarantine)).await.unwrap();
    fixture.run(Severity::None).await;
    let expires_ms = Some(fixture.clock.now_ms() + DAY_MS);
    fixture.store.decide(&asset, &Decision { expires_ms, ..decision(Decided::Release) }).await.unwrap();
    fixture.run(Severity::None).await;
    let forced = MediaEvent { force: true, ..event("forced", 1) };
    let later = fixture.store.ingest(&EventBatch::of([forced])).await.unwrap().remove(0).asset;
    fixture.validate_content(&later, SHA256).await;
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&later).await, Phase::Published);
    fixture.clock.advance_ms(DAY_MS);
    fixture.store.review(90 * DAY_MS).await.unwrap();
    fixture.run(Severity::None).await;
    for asset in [&asset, &later] {
        assert_eq!(fixture.phase(asset).await, Phase::Quarantined);
    }
}

pub async fn a_reminder_comes_on_time_and_is_in_the_history(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = quarantined(&fixture, "a").await;
    fixture.clock.advance_ms(DAY_MS - 1);
    assert_eq!(fixture.store.review(DAY_MS).await.unwrap(), 0, "a millisecond early");
    fixture.clock.advance_ms(1);
    assert_eq!(fixture.store.review(DAY_MS).await.unwrap(), 1);
    assert_eq!(fixture.details(&asset, "review_due").await.len(), 1);
}

pub async fn a_version_that_a_newer_one_replaces_is_neither_released_nor_redacted(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let (out, shown) = (quarantined(&fixture, "out").await, published(&fixture, "shown").await);
    for key in ["out", "shown"] {
        fixture.upload(key, 2).await;
    }
    let parts = Parts { chunks: vec![0], audio: false };
    let redact = Decided::Redact { parts, redaction: json!({}) };
    for (asset, what) in [(&out, Decided::Release), (&shown, redact)] {
        let refused = fixture.store.decide(asset, &decision(what)).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Conflict);
        assert!(refused.detail.contains("a newer one"), "{}", refused.detail);
    }
}
