//! S3 with faults: a proxy in front of it throttles, stalls, cuts, corrupts and loses responses. Reads are exact or fail,
//! writes are complete or absent, and each test checks that its fault took effect.

use std::sync::{Arc, Mutex};

use aws_sdk_s3::types::ChecksumMode;
use reelgate_conformance::objects::ObjectsHome;
use reelgate_conformance::samples::next_turn;
use reelgate_flow::reason::Code;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::identity::asset_id;
use reelgate_ports::objects::Objects;
use reelgate_stand_ins::proxy::Asked;
use reelgate_stand_ins::{Fault, FaultProxy};

use super::details::{noise, publication, read, stage};
use super::scratch_buckets::ScratchBuckets;

/// Three ranges, so that a fault in one of them happens while the others are in flight. The last range is shorter.
const SOURCE_BYTES: usize = (3 << 20) - 99;

fn is_range(asked: &Asked) -> bool {
    asked.method == "GET" && asked.path.contains("/in/")
}

/// Asserts that the fault took effect `times` times.
fn assert_hit(proxy: &FaultProxy, times: usize) {
    assert_eq!(proxy.hits().len(), times, "{:?}", proxy.hits());
}

#[tokio::test]
async fn a_throttled_cut_slow_or_truncated_read_returns_the_exact_bytes() {
    let home = ScratchBuckets::versioned().await;
    let bytes = noise(SOURCE_BYTES);
    let source = home.put("a", &bytes).await;
    let faults = [
        Fault::slow_down(),
        Fault::internal_error(),
        Fault::Reset { after: 300_000 },
        Fault::Truncated { after: 300_000 },
        Fault::Shortened { after: 300_000 },
        Fault::Slow { bytes_per_s: 4 << 20 },
        Fault::Unanswered,
    ];
    for fault in faults {
        let proxy = FaultProxy::before(home.endpoint());
        let objects = home.with(Some(proxy.endpoint()), |_| {});
        proxy.next(2, fault.clone(), is_range);
        assert!(read(&objects, &source).await == bytes, "{fault:?}");
        assert_hit(&proxy, 2);
    }
}

#[tokio::test]
async fn a_flipped_bit_is_detected_by_the_checksum_and_the_source_is_read_again() {
    let home = ScratchBuckets::versioned().await;
    let bytes = noise(SOURCE_BYTES);
    let source = home.put("a", &bytes).await;
    let proxy = FaultProxy::before(home.endpoint());
    let objects = home.with(Some(proxy.endpoint()), |_| {});
    proxy.next(1, Fault::Flipped { at: 77 }, is_range);
    assert!(read(&objects, &source).await == bytes);
    assert_hit(&proxy, 1);
}

#[tokio::test]
async fn bytes_that_never_match_the_checksum_are_a_mismatch_that_names_both() {
    let home = ScratchBuckets::versioned().await;
    let source = home.put("a", &noise(SOURCE_BYTES)).await;
    let proxy = FaultProxy::before(home.endpoint());
    let objects = home.with(Some(proxy.endpoint()), |_| {});
    proxy.next(100, Fault::Flipped { at: 77 }, is_range);
    let error = objects.open(&source).await.unwrap_err();
    assert_eq!(error.source_fault().code, Code::ChecksumMismatch);
    let head = home.s3.head_object().bucket(&home.bucket).key("in/a").checksum_mode(ChecksumMode::Enabled);
    let head = head.send().await.unwrap();
    let stored = head.checksum_crc32().or(head.checksum_crc64_nvme()).unwrap();
    assert!(error.detail.contains(&format!(" {stored}, found ")), "{error}");
    assert_hit(&proxy, 6);
}

#[tokio::test]
async fn bytes_that_are_damaged_differently_at_each_read_are_no_mismatch_of_the_upload() {
    let home = ScratchBuckets::versioned().await;
    let source = home.put("a", &noise(SOURCE_BYTES)).await;
    let proxy = FaultProxy::before(home.endpoint());
    let objects = home.with(Some(proxy.endpoint()), |_| {});
    proxy.on(|asked| if is_range(asked) { Fault::Flipped { at: asked.number } } else { Fault::None });
    let error = objects.open(&source).await.unwrap_err();
    assert_eq!((error.kind, error.source_fault().code), (ErrorKind::Unavailable, Code::ObjectUnavailable));
    assert_hit(&proxy, 9);
}

#[tokio::test]
async fn retries_of_one_object_are_bounded() {
    let home = ScratchBuckets::versioned().await;
    let source = home.put("a", &noise(SOURCE_BYTES)).await;
    let proxy = FaultProxy::before(home.endpoint());
    let objects = home.with(Some(proxy.endpoint()), |_| {});
    proxy.next(1_000, Fault::Reset { after: 1_000 }, is_range);
    assert_eq!(objects.open(&source).await.unwrap_err().kind, ErrorKind::Unavailable);
    let hits = proxy.hits().len();
    assert!((4..=20).contains(&hits), "expected a budget of retries, found {hits}");
}

#[tokio::test]
async fn an_upload_replaced_while_it_is_read_is_superseded() {
    let home = Arc::new(ScratchBuckets::unversioned().await);
    let source = home.put("a", &noise(SOURCE_BYTES)).await;
    let proxy = FaultProxy::before(home.endpoint());
    let objects = home.with(Some(proxy.endpoint()), |settings| settings.transfer.connections = 1);
    let (reached, reading) = std::sync::mpsc::channel();
    let (replaced, go_on) = std::sync::mpsc::channel::<()>();
    let gate = Mutex::new(Some((reached, go_on)));
    proxy.on(move |asked| {
        // The version was already checked; the first range was not read yet.
        if is_range(asked)
            && let Some((reached, go_on)) = gate.lock().unwrap().take()
        {
            reached.send(()).unwrap();
            go_on.recv().unwrap();
        }
        Fault::None
    });
    let (handle, other) = (tokio::runtime::Handle::current(), home.clone());
    let replacing = tokio::task::spawn_blocking(move || {
        reading.recv().unwrap();
        handle.block_on(other.put("a", &noise(SOURCE_BYTES + 1)));
        replaced.send(()).unwrap();
    });
    let opened = objects.open(&source).await;
    replacing.await.unwrap();
    assert_eq!(opened.unwrap_err().kind, ErrorKind::Superseded);
}

#[tokio::test]
async fn an_output_is_staged_completely_even_if_every_response_to_its_writes_is_lost_once() {
    let home = ScratchBuckets::unversioned().await;
    let source = home.put("a", b"x").await;
    for bytes in [noise(1_000), noise((5 << 20) + 1)] {
        let proxy = FaultProxy::before(home.endpoint());
        let objects = home.with(Some(proxy.endpoint()), |_| {});
        let is_write = |asked: &Asked| {
            let completes = asked.method == "POST" && asked.query.contains("uploadId=");
            completes || (asked.method == "PUT" && asked.path.contains("/work/"))
        };
        proxy.next(2, Fault::Unanswered, is_write);
        let staged = stage(&objects, &source, &bytes).await;
        assert!(!proxy.hits().is_empty());
        assert!(home.objects.read_staged(&staged[0], 1 << 30).await.unwrap() == bytes);
        assert_eq!(home.unfinished().await, 0);
    }
}

#[tokio::test]
async fn a_completion_whose_response_is_lost_counts_once() {
    let home = ScratchBuckets::versioned().await;
    let source = home.put("a", b"x").await;
    let proxy = FaultProxy::before(home.endpoint());
    let objects = home.with(Some(proxy.endpoint()), |_| {});
    proxy.next(1, Fault::Unanswered, |asked| asked.method == "POST" && asked.query.contains("uploadId="));
    let staged = stage(&objects, &source, &noise((5 << 20) + 1)).await;
    assert_hit(&proxy, 1);
    assert_eq!(home.versions("work/").await.len(), 1);
    assert_eq!(staged.len(), 1);
}

#[tokio::test]
async fn an_interrupted_upload_of_a_part_is_sent_again() {
    let home = ScratchBuckets::unversioned().await;
    let source = home.put("a", b"x").await;
    let proxy = FaultProxy::before(home.endpoint());
    let objects = home.with(Some(proxy.endpoint()), |_| {});
    proxy.next(2, Fault::ResetUpload { after: 100_000 }, |asked| asked.query.contains("partNumber="));
    let bytes = noise((5 << 20) + 1);
    let staged = stage(&objects, &source, &bytes).await;
    assert!(!proxy.hits().is_empty());
    assert!(home.objects.read_staged(&staged[0], 1 << 30).await.unwrap() == bytes);
}

#[tokio::test]
async fn a_publication_whose_commit_gets_no_response_is_complete_and_published_once() {
    let home = ScratchBuckets::versioned().await;
    let source = home.put("a", b"x").await;
    let staged = stage(&*home.objects, &source, b"abc").await;
    let proxy = FaultProxy::before(home.endpoint());
    let objects = home.with(Some(proxy.endpoint()), |_| {});
    let wanted = publication(&source, &staged);
    proxy.next(1, Fault::Unanswered, |asked| asked.method == "PUT" && asked.path.ends_with("manifest.json"));
    objects.publish(&wanted).await.unwrap();
    assert_hit(&proxy, 1);
    assert_eq!(home.versions("published/").await.len(), 2);
    assert_eq!(home.get("published/out/manifest.json").await.unwrap(), wanted.manifest);
}

#[tokio::test]
async fn a_withdrawal_interrupted_at_any_request_is_finished_by_the_next() {
    for at in 0..80 {
        let home = ScratchBuckets::versioned().await;
        let source = home.put("a", b"content").await;
        let staged = stage(&*home.objects, &source, b"abc").await;
        home.objects.publish(&publication(&source, &staged)).await.unwrap();
        let proxy = FaultProxy::before(home.endpoint());
        let objects = home.with(Some(proxy.endpoint()), |_| {});
        proxy.on(
            move |asked| if asked.number >= at { Fault::s3(403, "AccessDenied", "") } else { Fault::None },
        );
        let asset = asset_id(&source.id);
        let exit = reelgate_flow::asset::Exit::Quarantine;
        let cut = objects.withdraw(&next_turn(&asset), Some("out"), &source, exit, true).await;
        let location = home
            .objects
            .withdraw(&next_turn(&asset), Some("out"), &source, exit, true)
            .await
            .unwrap()
            .source_location;
        assert_eq!(
            home.moved_source(&location).await.as_deref(),
            Some(&b"content"[..]),
            "after {at} requests"
        );
        let mut left = home.versions("").await;
        left.retain(|key| !key.starts_with("quarantine/"));
        assert_eq!(left, Vec::<String>::new(), "after {at} requests");
        match cut {
            Ok(_) => return,
            Err(error) => {
                assert_eq!(error.kind, ErrorKind::Denied);
                assert!(error.detail.contains("s3:"), "{error}");
            }
        }
    }
    panic!("expected a withdrawal of fewer than 80 requests, found more");
}
