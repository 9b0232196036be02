//! The objects in the scanner's bucket.

use reelgate_ports::error::ErrorKind;
use reelgate_ports::external_scanner::{ExternalScanner, Removed, SidecarName};

use super::{BUCKET, Bucket, MacieUnderTest, asset, batch, sidecar};

#[tokio::test]
async fn sidecars_are_in_the_job_s_scope_and_their_maps_are_outside() {
    let (home, bucket) = (MacieUnderTest::new(), Bucket::new().await);
    let scanner = home.scanner_with(&bucket.config).await;
    let batch = batch(1);
    let sidecars = [sidecar('a', &["020 7946 0018", "one line"]), sidecar('b', &["x"]), sidecar('c', &[" "])];
    for sidecar in &sidecars {
        scanner.deliver(&batch, sidecar).await.unwrap();
    }

    let name = |letter| SidecarName { batch: batch.clone(), asset: asset(letter) };
    let mut expected: Vec<String> = ['a', 'b']
        .into_iter()
        .flat_map(|letter| [name(letter).scanned(), name(letter).map()])
        .map(|key| format!("text/{key}"))
        .collect();
    expected.sort();
    assert_eq!(bucket.versions().await, expected, "an asset without text has no sidecar");
    let text = bucket.text(&format!("text/{}", name('a').scanned())).await;
    assert_eq!(text, "{\"phone\":\"020 7946 0018\"}\n{\"phone\":\"one line\"}\n");

    let map = scanner.map(&batch, &asset('a')).await.unwrap().unwrap();
    assert_eq!(map.locate(&[1]).places[0].start_ns, Some(1));
    assert_eq!(scanner.map(&batch, &asset('c')).await.unwrap(), None);
}

#[tokio::test]
async fn removing_an_asset_leaves_no_version_of_its_text_and_keeps_other_assets() {
    let (home, bucket) = (MacieUnderTest::new(), Bucket::new().await);
    let scanner = home.scanner_with(&bucket.config).await;
    for since_ms in [1, 1, 2] {
        scanner.deliver(&batch(since_ms), &sidecar('a', &["words"])).await.unwrap();
    }
    assert_eq!(bucket.versions().await.len(), 6, "delivered twice, so there are older versions");
    scanner.deliver(&batch(1), &sidecar('b', &["words"])).await.unwrap();
    let removed = scanner.remove(&batch(1), &asset('a')).await.unwrap();
    assert!(removed.objects == 4 && removed.bytes > 0, "{removed:?}");
    assert_eq!(scanner.remove(&batch(1), &asset('a')).await.unwrap(), Removed::default());
    let kept = [(batch(2), 'a'), (batch(1), 'b')].map(|(batch, letter)| {
        let name = SidecarName { batch, asset: asset(letter) };
        [format!("text/{}", name.map()), format!("text/{}", name.scanned())]
    });
    let mut kept = kept.concat();
    kept.sort();
    assert_eq!(bucket.versions().await, kept);
    assert_eq!(scanner.map(&batch(1), &asset('a')).await.unwrap(), None);
}

#[tokio::test]
async fn a_check_reaches_macie_and_the_bucket_and_changes_neither() {
    let (home, bucket) = (MacieUnderTest::new(), Bucket::new().await);
    let scanner = home.scanner_with(&bucket.config).await;
    let checked = scanner.check().await.unwrap();
    assert!(checked.contains("3 of 3 managed identifiers"), "{checked}");
    assert_eq!(bucket.versions().await, Vec::<String>::new());
    let begun = bucket.s3.list_multipart_uploads().bucket(BUCKET).send().await.unwrap();
    assert!(begun.uploads().is_empty() && home.macie.jobs().is_empty() && home.macie.custom().is_empty());

    home.macie.pause();
    let error = scanner.check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.detail.contains("resume it"), "{error}");
}

#[tokio::test]
async fn a_denied_check_names_the_missing_action_and_the_other_possible_cause() {
    let home = MacieUnderTest::new();
    home.macie.refuse(403, "AccessDeniedException");
    let error = home.scanner().await.check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    let reasons =
        "lacks macie2:GetMacieSession on this resource; or Macie is not enabled in this account and region";
    assert!(error.detail.ends_with(reasons), "{error}");
}

#[tokio::test]
async fn a_changed_map_is_corrupt_and_its_content_is_not_shown() {
    let (home, bucket) = (MacieUnderTest::new(), Bucket::new().await);
    let scanner = home.scanner_with(&bucket.config).await;
    let name = SidecarName { batch: batch(1), asset: asset('a') };
    let body = aws_sdk_s3::primitives::ByteStream::from_static(b"{\"planted\": 4539578763621486}");
    let key = format!("text/{}", name.map());
    bucket.s3.put_object().bucket(BUCKET).key(key).body(body).send().await.unwrap();
    let error = scanner.map(&batch(1), &asset('a')).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Corrupt);
    assert!(!error.to_string().contains("4539"), "{error}");
}
