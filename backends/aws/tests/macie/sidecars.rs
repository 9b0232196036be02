//! The objects in the scanner's bucket.

use reelgate_ports::error::ErrorKind;
use reelgate_ports::external_scanner::{Delivered, ExternalScanner, Removed, SidecarName};

use super::{BUCKET, Bucket, MacieUnderTest, asset, batch, sidecar};

#[tokio::test]
async fn sidecars_are_in_the_job_s_scope_and_their_maps_are_outside() {
    let (home, bucket) = (MacieUnderTest::new(), Bucket::new().await);
    let scanner = home.scanner_with(&bucket.config).await;
    let batch = batch(1);
    let sidecars = [sidecar('a', &["020 7946 0018", "one line"]), sidecar('b', &["x"]), sidecar('c', &[" "])];
    for sidecar in &sidecars {
        scanner.deliver(&sent(1), sidecar).await.unwrap();
    }

    let name = |letter| SidecarName { batch: batch.clone(), asset: asset(letter) };
    let mut expected: Vec<String> = ['a', 'b']
        .into_iter()
        .flat_map(|letter| [name(letter).scanned(), name(letter).map(), name(letter).sent(1)])
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

/// The batch that begins at this time, whose job may begin then too.
fn sent(since_ms: u64) -> Delivered {
    Delivered { batch: batch(since_ms), job_from_ms: since_ms }
}

/// The keys of everything that is sent of an asset with these batches.
fn keys(letter: char, batches: &[u64]) -> Vec<String> {
    let of = |since_ms: &u64| {
        let name = SidecarName { batch: batch(*since_ms), asset: asset(letter) };
        [name.map(), name.scanned(), name.sent(*since_ms)].map(|key| format!("text/{key}"))
    };
    batches.iter().flat_map(of).collect()
}

fn sorted(keys: &[Vec<String>]) -> Vec<String> {
    let mut keys = keys.concat();
    keys.sort();
    keys
}

#[tokio::test]
async fn an_answer_removes_what_every_earlier_attempt_sent_and_keeps_later_batches_and_other_assets() {
    let (home, bucket) = (MacieUnderTest::new(), Bucket::new().await);
    let scanner = home.scanner_with(&bucket.config).await;
    // An attempt that was lost, one that was too late for its window, the one that counts, and a later screening.
    for since_ms in [1, 1, 2, 3, 4] {
        scanner.deliver(&sent(since_ms), &sidecar('a', &["words"])).await.unwrap();
    }
    scanner.deliver(&sent(1), &sidecar('b', &["words"])).await.unwrap();
    let removed = scanner.remove(&asset('a'), Some(&sent(3))).await.unwrap();
    assert_eq!((removed.objects, removed.addresses), (8, 6), "{removed:?}");
    assert!(removed.bytes > 0);
    assert_eq!(bucket.versions().await, sorted(&[keys('a', &[4]), keys('b', &[1])]));
    let again = scanner.remove(&asset('a'), Some(&sent(3))).await.unwrap();
    assert_eq!((again.objects, again.bytes), (0, 0));
    assert_eq!(scanner.map(&batch(1), &asset('a')).await.unwrap(), None);
}

#[tokio::test]
async fn a_withdrawal_removes_all_that_was_sent_of_an_asset() {
    let (home, bucket) = (MacieUnderTest::new(), Bucket::new().await);
    let scanner = home.scanner_with(&bucket.config).await;
    for since_ms in [1, 2, 9] {
        scanner.deliver(&sent(since_ms), &sidecar('a', &["words"])).await.unwrap();
    }
    // An attempt that was lost after each of its writes.
    let name = SidecarName { batch: batch(5), asset: asset('a') };
    for key in [name.sent(5), name.map()] {
        let body = aws_sdk_s3::primitives::ByteStream::from_static(b"words");
        let key = format!("text/{key}");
        bucket.s3.put_object().bucket(BUCKET).key(key).body(body).send().await.unwrap();
    }
    let removed = scanner.remove(&asset('a'), None).await.unwrap();
    assert_eq!((removed.objects, removed.addresses), (7, 8), "{removed:?}");
    assert_eq!(bucket.versions().await, Vec::<String>::new());
    assert_eq!(scanner.remove(&asset('a'), None).await.unwrap(), Removed::default());
}

#[tokio::test]
async fn a_sidecar_without_a_record_is_removed_by_its_batch() {
    let (home, bucket) = (MacieUnderTest::new(), Bucket::new().await);
    let scanner = home.scanner_with(&bucket.config).await;
    let name = SidecarName { batch: batch(1), asset: asset('a') };
    for key in [name.scanned(), name.map()] {
        let body = aws_sdk_s3::primitives::ByteStream::from_static(b"words");
        let key = format!("text/{key}");
        bucket.s3.put_object().bucket(BUCKET).key(key).body(body).send().await.unwrap();
    }
    assert_eq!(scanner.remove(&asset('a'), Some(&sent(1))).await.unwrap().objects, 2);
    assert_eq!(bucket.versions().await, Vec::<String>::new());
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
