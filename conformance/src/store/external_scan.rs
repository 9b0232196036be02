//! The external scanner: it is asked after the screening, and its findings count.

use reelgate_flow::asset::{Phase, Screening, Severity, Verdict};
use reelgate_flow::ids::AssetId;
use reelgate_flow::task::{Lane, TaskKey};
use serde_json::json;

use super::StoreHome;
use super::fixture::{StoreFixture, event, well};
use reelgate_ports::events::EventBatch;
use reelgate_ports::records::{Ending, ExternalScanEvent, Finder, FindingRecord, Success};

fn finding(source: Finder, kind: &str, count: u64) -> FindingRecord {
    FindingRecord { source, kind: kind.into(), severity: Severity::Medium, count, locations: Vec::new() }
}

/// An asset that waits only for the scanner's answer.
async fn asked(fixture: &StoreFixture, key: &str) -> AssetId {
    let asset = fixture.upload(key, 1).await;
    fixture.validate(&asset).await;
    loop {
        let claims = fixture.claim_all().await;
        let due = claims.iter().filter(|claim| claim.fence.task != TaskKey::ExternalScan).count();
        for claim in claims {
            let report = match claim.fence.task {
                TaskKey::Screen => {
                    let screening = Screening { scan: true, ..Screening::of(Severity::Low) };
                    let ending = Ending::Success(Success::Screened {
                        screening,
                        findings: vec![finding(Finder::Local, "IP_ADDRESS", 1)],
                        redaction: None,
                        shared: false,
                        result: Some(json!({"batch": "b"})),
                    });
                    super::fixture::report(&claim, ending)
                }
                TaskKey::ExternalScan => super::fixture::report(&claim, Ending::GivenBack),
                _ => well(&claim, Severity::None),
            };
            fixture.store.complete(&[report]).await.unwrap();
        }
        if due == 0 {
            return asset;
        }
    }
}

pub async fn publishing_waits_for_the_external_scanner_and_keeps_its_findings(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = asked(&fixture, "a").await;
    let row = fixture.store.asset(&asset).await.unwrap().asset;
    assert_eq!((row.phase, row.verdict), (Phase::Processing, Verdict::Unscanned));
    let products = fixture.store.products(&asset).await.unwrap();
    let delivered = products.iter().find(|product| product.task == TaskKey::Screen);
    assert_eq!(delivered.expect("the screening left the location of the text").result, json!({"batch": "b"}));
    let lines = fixture.store.history(&asset).await.unwrap().len();

    let claim = fixture.claim_one(TaskKey::ExternalScan).await;
    fixture.report(&claim, Ending::Success(Success::Waiting { delay_ms: 5_000 })).await;
    assert!(fixture.claim(Lane::Light, 10).await.is_empty(), "not due before the delay is over");
    let since = fixture.store.history(&asset).await.unwrap().split_off(lines);
    assert!(since.iter().all(|line| line.event.as_str() == "claimed"), "{since:?}");
    fixture.clock.advance_ms(5_000);

    let claim = fixture.claim_one(TaskKey::ExternalScan).await;
    let findings = vec![finding(Finder::Local, "IP_ADDRESS", 1), finding(Finder::Macie, "NAME", 2)];
    let success =
        Success::ExternallyScanned { screening: Screening::of(Severity::Medium), findings: findings.clone() };
    fixture.report(&claim, Ending::Success(success)).await;
    fixture.run(Severity::None).await;
    let detail = fixture.store.asset(&asset).await.unwrap();
    assert_eq!((detail.asset.phase, detail.asset.verdict), (Phase::Published, Verdict::Flagged));
    assert_eq!(detail.findings, findings);
}

pub async fn an_event_of_the_scanner_adds_its_findings_to_the_asset(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = asked(&fixture, "a").await;
    let scan = |id: &str, count| ExternalScanEvent {
        id: id.into(),
        kind: "SensitiveData:S3Object/Personal".into(),
        severity: Severity::Medium,
        source: Some(event("scan/batch/text.jsonl", 1).source),
        asset: Some(asset.clone()),
        findings: vec![finding(Finder::Macie, "NAME", count)],
        sample: false,
        summary: json!({}),
    };
    for (id, count) in [("1", 2), ("1", 2), ("2", 1)] {
        let scans = vec![scan(id, count)];
        fixture.store.ingest(&EventBatch { scans, ..EventBatch::default() }).await.unwrap();
    }
    let detail = fixture.store.asset(&asset).await.unwrap();
    assert_eq!((detail.asset.severity, detail.asset.verdict), (Severity::Medium, Verdict::Unscanned));
    let expected = [finding(Finder::Local, "IP_ADDRESS", 1), finding(Finder::Macie, "NAME", 2)];
    assert_eq!(detail.findings, expected, "one for each kind and finder, with the higher severity");
}
