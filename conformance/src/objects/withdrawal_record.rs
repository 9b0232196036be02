//! Restoring from quarantine, erasure, and the withdrawal records of both.

use reelgate_flow::asset::Exit;

use super::ObjectsHome;
use super::fixture::{id, names, published, stage, withdraw};
use crate::samples::next_turn;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::objects::Restored;
use reelgate_ports::records::{SourceRecord, WithdrawalRecord};

async fn restore(home: &dyn ObjectsHome, source: &SourceRecord, path: &str) -> Restored {
    home.objects().restore(&next_turn(&id(source)), path, source).await.unwrap()
}

async fn quarantined(home: &dyn ObjectsHome, key: &str, path: &str) -> SourceRecord {
    let source = published(home, key, path, b"content").await;
    let location = withdraw(home, &source, path, Exit::Quarantine).await;
    SourceRecord { location, ..source }
}

async fn withdrawal(
    home: &dyn ObjectsHome,
    source: &SourceRecord,
    path: &str,
    exit: Exit,
) -> WithdrawalRecord {
    home.objects()
        .withdraw(&next_turn(&id(source)), Some(path), source, exit, exit == Exit::Quarantine)
        .await
        .unwrap()
        .withdrawal_record
}

pub async fn a_quarantined_asset_is_restored_byte_for_byte(home: &dyn ObjectsHome) {
    let source = published(home, "a", "dir/out", b"content").await;
    let before = home.visible().await;
    let location = withdraw(home, &source, "dir/out", Exit::Quarantine).await;
    assert_eq!(home.visible().await.len(), 0);
    let source = SourceRecord { location, ..source };
    let restored = restore(home, &source, "dir/out").await;
    assert!(restored.published_location.is_some());
    assert_eq!(home.visible().await, before);
    let released = SourceRecord { location: restored.source_location.clone(), ..source };
    home.objects().check_current(&released).await.unwrap(); // work can read it
    assert_eq!(home.moved_source(&restored.source_location).await.as_deref(), Some(&b"content"[..]));
    assert!(!home.is_uploaded("a").await, "in the ingest area it would count as a new upload");
}

pub async fn a_release_twice_changes_nothing(home: &dyn ObjectsHome) {
    let source = quarantined(home, "a", "out").await;
    let first = restore(home, &source, "out").await;
    let before = home.visible().await;
    assert_eq!(restore(home, &source, "out").await, first, "the commit was lost");
    let moved = SourceRecord { location: first.source_location.clone(), ..source };
    assert_eq!(restore(home, &moved, "out").await, first, "the commit was not lost");
    assert_eq!(home.visible().await, before);
}

pub async fn an_asset_that_was_never_visible_is_restored_without_outputs(home: &dyn ObjectsHome) {
    let source = home.put("a", b"content").await;
    stage(home, &source, &[("v.m4s", b"abc")]).await;
    let location = withdraw(home, &source, "out", Exit::Quarantine).await;
    let restored = restore(home, &SourceRecord { location, ..source }, "out").await;
    assert_eq!(restored.published_location, None);
    assert_eq!(home.visible().await.len(), 0);
}

pub async fn a_released_asset_can_be_quarantined_again(home: &dyn ObjectsHome) {
    let source = quarantined(home, "a", "out").await;
    let shown = restore(home, &source, "out").await;
    let before = home.visible().await;
    let source = SourceRecord { location: shown.source_location, ..source };
    let again = withdrawal(home, &source, "out", Exit::Quarantine).await;
    assert!(again.taken.iter().any(|taken| taken.name == "v.m4s"), "{again:?}");
    assert_eq!(home.visible().await.len(), 0);
    let location = withdraw(home, &source, "out", Exit::Quarantine).await;
    restore(home, &SourceRecord { location, ..source }, "out").await;
    assert_eq!(home.visible().await, before);
}

pub async fn a_release_does_not_replace_another_publication(home: &dyn ObjectsHome) {
    let source = quarantined(home, "a", "out").await;
    published(home, "a", "out", b"newer").await;
    let refused = home.objects().restore(&next_turn(&id(&source)), "out", &source).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict, "{refused}");
    assert_eq!(home.visible().await["out/v.m4s"], b"newer");
}

pub async fn a_withdrawal_record_names_everything_that_was_removed_and_no_key(home: &dyn ObjectsHome) {
    let source = published(home, "4539578763621486.mp4", "4539578763621486", b"content").await;
    let withdrawal_record = withdrawal(home, &source, "4539578763621486", Exit::Quarantine).await;
    let taken = |area: &str, name: &str| {
        withdrawal_record.taken.iter().any(|taken| taken.area == area && taken.name.ends_with(name))
    };
    for name in ["v.m4s", "manifest.json"] {
        assert!(taken("published", name), "{name} not in {withdrawal_record:?}");
    }
    assert!(withdrawal_record.taken.iter().any(|taken| taken.name == "source" && taken.size_bytes == 7));
    assert!(withdrawal_record.looked_at >= 3, "{withdrawal_record:?}");
    assert!(!format!("{withdrawal_record:?}").contains("4539578763621486"));
}

pub async fn a_repeated_withdrawal_returns_the_same_record(home: &dyn ObjectsHome) {
    for (key, exit) in [("a", Exit::Quarantine), ("b", Exit::Erase)] {
        let source = published(home, key, key, b"content").await;
        let first = withdrawal(home, &source, key, exit).await;
        assert_eq!(withdrawal(home, &source, key, exit).await, first, "{exit:?}");
    }
}

pub async fn erasing_leaves_nothing_anywhere(home: &dyn ObjectsHome) {
    let published = published(home, "a", "a", b"content").await;
    let quarantined = quarantined(home, "b", "b").await;
    let rejected = home.put("c", b"content").await;
    let location = withdraw(home, &rejected, "c", Exit::Reject).await;
    let rejected = SourceRecord { location, ..rejected };
    for (source, path) in [(&published, "a"), (&quarantined, "b"), (&rejected, "c")] {
        let withdrawal_record = withdrawal(home, source, path, Exit::Erase).await;
        assert!(
            withdrawal_record.taken.iter().any(|taken| taken.name == "source"),
            "{path}: {withdrawal_record:?}"
        );
        assert_eq!(home.moved_source(&source.location).await, None, "{path}");
        assert!(!home.is_uploaded(path).await, "{path}");
    }
    assert_eq!(names(home).await, [""; 0]);
    let refused = home.objects().restore(&next_turn(&id(&quarantined)), "b", &quarantined).await.unwrap();
    assert_eq!(refused.published_location, None);
}

pub async fn erasing_leaves_a_newer_upload_of_the_key_alone(home: &dyn ObjectsHome) {
    let older = quarantined(home, "a", "out").await;
    published(home, "a", "out", b"newer").await;
    withdrawal(home, &older, "out", Exit::Erase).await;
    assert!(home.is_uploaded("a").await);
    assert_eq!(home.visible().await["out/v.m4s"], b"newer");
}
