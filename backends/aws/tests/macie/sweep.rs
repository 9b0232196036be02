//! Findings since a moment, page by page.

use reelgate_ports::error::ErrorKind;
use reelgate_ports::external_scanner::{ExternalScanner, FindingPage, JobId};
use serde_json::{Value, json};

use super::MacieUnderTest;
use super::jobs::finding;

/// Reads all pages; the findings' ids, the refusals, and the latest change.
async fn all(scanner: &dyn ExternalScanner, since_ms: u64) -> (Vec<String>, usize, Option<u64>) {
    let (mut ids, mut refused, mut latest, mut token) = (Vec::new(), 0, None, None);
    loop {
        let page: FindingPage = scanner.findings_since(since_ms, token.as_deref()).await.unwrap();
        assert!(page.updated_ms.is_none() || page.updated_ms >= latest, "pages begin with the oldest change");
        latest = page.updated_ms.max(latest);
        ids.extend(page.scans.into_iter().map(|scan| scan.id));
        refused += page.refused.len();
        token = page.next;
        if token.is_none() {
            return (ids, refused, latest);
        }
    }
}

#[tokio::test]
async fn findings_since_a_moment_are_read_in_pages_whatever_job_made_them() {
    let mut home = MacieUnderTest::new();
    home.settings.buckets.insert("uploads".to_owned());
    let scanner = home.scanner().await;
    assert_eq!(all(&scanner, 0).await, (vec![], 0, None));
    let with = |id: &str, bucket: &str, at: &str| {
        let mut made = finding(id, &JobId::new("a job of another fleet"), 'a');
        made["resourcesAffected"]["s3Bucket"]["name"] = json!(bucket);
        made["updatedAt"] = json!(format!("2026-03-12T08:21:{at}.000Z"));
        made
    };
    // The newest one first: their order in Macie is no order.
    for (id, bucket, at) in [
        ("f4", "uploads", "44"),
        ("f1", "sidecars", "41"),
        ("elsewhere", "of-others", "42"),
        ("f3", "uploads", "43"),
        ("f2", "uploads", "42"),
    ] {
        home.macie.find(with(id, bucket, at));
    }
    let mut damaged = with("f5", "uploads", "45");
    damaged["severity"] = Value::Null;
    home.macie.find(damaged);
    // `date -u -d @1773303701` says 2026-03-12 08:21:41.
    let first_ms = 1_773_303_701_000;
    let named = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    assert_eq!(all(&scanner, 0).await, (named(&["f1", "f2", "f3", "f4"]), 1, Some(first_ms + 4_000)));
    assert_eq!(all(&scanner, first_ms + 2_000).await, (named(&["f3", "f4"]), 1, Some(first_ms + 4_000)));
    assert_eq!(all(&scanner, first_ms + 4_001).await, (vec![], 0, None));
    home.macie.refuse(403, "AccessDeniedException");
    let error = scanner.findings_since(0, None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.detail.contains("macie2:ListFindings"), "{error}");
}
