//! Findings whose event never came.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use reelgate_flow::asset::{Phase, Severity};
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::external_scanner::{
    BatchId, Begun, Delivered, ExternalScanner, FindingPage, JobId, JobStatus, Removed, Sidecar, SidecarMap,
};
use reelgate_ports::records::{ExternalScanEvent, MediaEvent};
use reelgate_ports::shards::Shards;
use reelgate_ports::store::Queries;

use super::fixture::*;
use crate::finding_sweep::{FindingSweep, SweptFindings};
use crate::scan_batcher::{ExternalScanSettings, ScanBatcher};
use crate::work::sweep_findings::sweep_findings;

const HOUR_MS: u64 = 3_600_000;

fn unused<T>() -> PortResult<T> {
    unreachable!("only findings are listed")
}

/// A scanner with findings at moments of its clock, two on a page, and how often it was asked since which moment.
#[derive(Default)]
struct FakeScanner {
    findings: Mutex<Vec<(u64, ExternalScanEvent)>>,
    asked_since_ms: Mutex<Vec<u64>>,
    fails_at_page: Mutex<Option<usize>>,
}

impl FakeScanner {
    fn find(&self, at_ms: u64, finding: ExternalScanEvent) {
        self.findings.lock().unwrap().push((at_ms, finding));
    }

    fn last_asked_ms(&self) -> u64 {
        *self.asked_since_ms.lock().unwrap().last().unwrap()
    }
}

#[async_trait]
impl ExternalScanner for FakeScanner {
    async fn findings_since(&self, since_ms: u64, page: Option<&str>) -> PortResult<FindingPage> {
        self.asked_since_ms.lock().unwrap().push(since_ms);
        let from: usize = page.map_or(0, |page| page.parse().unwrap());
        if *self.fails_at_page.lock().unwrap() == Some(from / 2) {
            return Err(PortError::new(Port::ExternalScanner, ErrorKind::Unavailable, "list", "throttled"));
        }
        let all = self.findings.lock().unwrap();
        let wanted: Vec<_> = all.iter().filter(|(at_ms, _)| *at_ms >= since_ms).collect();
        let shown: Vec<_> = wanted.iter().skip(from).take(2).collect();
        Ok(FindingPage {
            scans: shown.iter().map(|(_, finding)| finding.clone()).collect(),
            refused: Vec::new(),
            updated_ms: shown.iter().map(|(at_ms, _)| *at_ms).max(),
            next: (wanted.len() > from + 2).then(|| (from + 2).to_string()),
        })
    }

    async fn prepare(&self) -> PortResult<String> {
        unused()
    }

    async fn deliver(&self, _: &Delivered, _: &Sidecar) -> PortResult<()> {
        unused()
    }

    async fn begin(&self, _: &BatchId) -> PortResult<Begun> {
        unused()
    }

    async fn status(&self, _: &JobId) -> PortResult<JobStatus> {
        unused()
    }

    async fn findings(&self, _: &JobId) -> PortResult<Vec<ExternalScanEvent>> {
        unused()
    }

    async fn map(&self, _: &BatchId, _: &AssetId) -> PortResult<Option<SidecarMap>> {
        unused()
    }

    async fn remove(&self, _: &AssetId, _: Option<&Delivered>) -> PortResult<Removed> {
        unused()
    }

    async fn check(&self) -> PortResult<String> {
        unused()
    }
}

fn severe(id: &str, upload: &MediaEvent) -> ExternalScanEvent {
    let summary = serde_json::json!({
        "count": 1, "bucket": null, "job": null, "status": "COMPLETE", "bytes_classified": 1, "more_occurrences": false,
        "detections": [{"category": "PERSONAL_INFORMATION", "type": "NAME", "count": 1, "records": []}]
    });
    ExternalScanEvent {
        id: id.into(),
        kind: "SensitiveData:S3Object/Personal".into(),
        severity: Severity::High,
        source: Some(upload.source.clone()),
        asset: None,
        findings: Vec::new(),
        sample: false,
        summary,
    }
}

fn fixture(scanner: &Arc<FakeScanner>) -> Fixture {
    let scanner: Arc<dyn ExternalScanner> = scanner.clone();
    let settings = ExternalScanSettings {
        area: "s3://sidecars".into(),
        bucket: "sidecars".into(),
        window_ms: 1_000,
        wait_ms: 1_000,
        awaited: false,
    };
    Fixture::with(|context| {
        let clock = Arc::new(reelgate_ports::clock::SystemClock);
        context.external_scan = Some(ScanBatcher::new(scanner, settings, clock));
    })
}

fn sweep_of(fixture: &Fixture) -> FindingSweep {
    FindingSweep::new(Arc::new(fixture.store.clone()), Duration::from_secs(60))
}

async fn phase(fixture: &Fixture, asset: &AssetId) -> Phase {
    fixture.store.asset(asset).await.unwrap().asset.phase
}

#[actix::test]
async fn a_finding_whose_event_never_came_quarantines_its_asset_and_is_taken_once() {
    let scanner = Arc::new(FakeScanner::default());
    let fixture = fixture(&scanner);
    let (asset, other) = (fixture.upload("a").await, fixture.upload("b").await);
    for (number, key) in ["x", "y", "a"].iter().enumerate() {
        let at_ms = (number as u64 + 1) * 10 * HOUR_MS;
        scanner.find(at_ms, severe(&format!("finding-{number}"), &event(key)));
    }
    let sweep = sweep_of(&fixture);
    assert_eq!(
        sweep_findings(&fixture.context, &sweep).await.unwrap(),
        Some(SweptFindings { listed: 3, found: 3 })
    );
    assert_eq!(phase(&fixture, &asset).await, Phase::Withdrawing);
    assert_eq!(phase(&fixture, &other).await, Phase::Received);
    // Only what is newer than an hour before the latest finding is read again, and it changes nothing.
    assert_eq!(
        sweep_findings(&fixture.context, &sweep).await.unwrap(),
        Some(SweptFindings { listed: 1, found: 0 })
    );
    assert_eq!(scanner.last_asked_ms(), 29 * HOUR_MS);
    // Another node, or this one after a restart, goes on at the same position.
    scanner.find(30 * HOUR_MS - 1, severe("shown late", &event("z")));
    let again = sweep_findings(&fixture.context, &sweep_of(&fixture)).await.unwrap();
    assert_eq!(again, Some(SweptFindings { listed: 2, found: 1 }));
}

#[actix::test]
async fn a_sweep_that_fails_on_the_way_goes_on_where_it_stopped() {
    let scanner = Arc::new(FakeScanner::default());
    let fixture = fixture(&scanner);
    let asset = fixture.upload("a").await;
    for (number, key) in ["x", "y", "a"].iter().enumerate() {
        scanner.find((number as u64 + 1) * 10 * HOUR_MS, severe(&format!("finding-{number}"), &event(key)));
    }
    let sweep = sweep_of(&fixture);
    *scanner.fails_at_page.lock().unwrap() = Some(1);
    assert_eq!(sweep_findings(&fixture.context, &sweep).await.unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(phase(&fixture, &asset).await, Phase::Received);
    *scanner.fails_at_page.lock().unwrap() = None;
    // The second finding is read again, for the hour before it.
    assert_eq!(
        sweep_findings(&fixture.context, &sweep).await.unwrap(),
        Some(SweptFindings { listed: 2, found: 1 })
    );
    assert_eq!(phase(&fixture, &asset).await, Phase::Withdrawing);
}

#[actix::test]
async fn one_node_sweeps_at_a_time_until_it_is_gone() {
    let scanner = Arc::new(FakeScanner::default());
    let fixture = fixture(&scanner);
    let sweep = sweep_of(&fixture);
    assert!(sweep_findings(&fixture.context, &sweep).await.unwrap().is_some());
    let stream = "external-scanner:findings";
    let row = fixture.store.shards(stream).await.unwrap().remove(0);
    assert_eq!(row.owner, None, "it is released after each sweep");
    fixture.store.take_shard(stream, &row.shard, &other_node(), row.counter).await.unwrap().unwrap();
    assert_eq!(
        sweep_findings(&fixture.context, &sweep).await.unwrap(),
        None,
        "the other node may be at work"
    );
    assert!(
        sweep_findings(&fixture.context, &sweep).await.unwrap().is_some(),
        "its lease has not moved for an interval"
    );
}
