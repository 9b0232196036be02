//! Removing outputs and moving sources.

use reelgate_flow::asset::Exit;

use super::ObjectsHome;
use super::fixture::{id, names, published, stage, withdraw};
use crate::samples::next_turn;
use reelgate_ports::records::SourceRecord;

async fn leaves_nothing_and_moves_the_source(home: &dyn ObjectsHome, exit: Exit) {
    let source = published(home, "dir/ü a.mp4", "out/a", b"content").await;
    published(home, "other.mp4", "out/b", b"stays").await;
    let location = withdraw(home, &source, "out/a", exit).await;
    assert_eq!(names(home).await, ["out/b/manifest.json", "out/b/v.m4s"]);
    assert!(!home.objects().staged_assets().await.unwrap().contains(&id(&source)));
    assert_eq!(home.moved_source(&location).await.as_deref(), Some(&b"content"[..]));
    assert!(!home.is_uploaded("dir/ü a.mp4").await);
    assert!(home.is_uploaded("other.mp4").await);
}

pub async fn a_rejected_upload_leaves_no_output_and_its_source_is_moved_unchanged(home: &dyn ObjectsHome) {
    leaves_nothing_and_moves_the_source(home, Exit::Reject).await;
}

pub async fn a_quarantined_upload_leaves_no_output_and_its_source_is_moved_unchanged(home: &dyn ObjectsHome) {
    leaves_nothing_and_moves_the_source(home, Exit::Quarantine).await;
}

pub async fn a_superseded_asset_leaves_the_newer_outputs_and_every_source_alone(home: &dyn ObjectsHome) {
    let older = published(home, "a", "out", b"old").await;
    published(home, "a", "out", b"newer").await;
    assert_eq!(withdraw(home, &older, "out", Exit::Supersede).await, older.location);
    assert_eq!(home.visible().await["out/v.m4s"], b"newer");
    assert!(home.is_uploaded("a").await);
}

pub async fn withdrawing_twice_changes_nothing(home: &dyn ObjectsHome) {
    for (key, exit) in [("a", Exit::Reject), ("b", Exit::Quarantine)] {
        let source = published(home, key, key, b"content").await;
        let first = withdraw(home, &source, key, exit).await;
        assert_eq!(withdraw(home, &source, key, exit).await, first, "the commit was lost");
        let moved = SourceRecord { location: first.clone(), ..source };
        assert_eq!(withdraw(home, &moved, key, exit).await, first, "the commit was not lost");
        assert_eq!(home.moved_source(&first).await.as_deref(), Some(&b"content"[..]));
    }
}

pub async fn withdrawing_without_any_source_still_removes_the_outputs(home: &dyn ObjectsHome) {
    let source = published(home, "a", "out", b"content").await;
    stage(home, &source, &[("more.m4s", b"abc")]).await;
    home.remove("a").await;
    withdraw(home, &source, "out", Exit::Quarantine).await;
    assert_eq!(home.visible().await.len(), 0);
    assert_eq!(home.objects().staged_assets().await.unwrap(), []);
}

pub async fn a_source_replaced_meanwhile_stays_where_it_is(home: &dyn ObjectsHome) {
    let older = published(home, "a", "out", b"old").await;
    home.put("a", b"newer").await;
    let location = withdraw(home, &older, "out", Exit::Quarantine).await;
    assert!(home.is_uploaded("a").await, "a newer upload does not belong to the older asset");
    // A store that keeps older versions moves the older one.
    if location != older.location {
        assert_eq!(home.moved_source(&location).await.as_deref(), Some(&b"old"[..]));
    }
}

pub async fn a_moved_source_can_still_be_read(home: &dyn ObjectsHome) {
    let source = home.put("a", b"content").await;
    let location =
        home.objects().withdraw(&next_turn(&id(&source)), None, &source, Exit::Reject, false).await.unwrap();
    let moved = SourceRecord { location: location.source_location, ..source };
    home.objects().check_current(&moved).await.unwrap();
}

pub async fn the_check_changes_nothing(home: &dyn ObjectsHome) {
    published(home, "a", "out", b"content").await;
    let before = (home.visible().await, home.objects().staged_assets().await.unwrap());
    assert!(!home.objects().check().await.unwrap().is_empty());
    assert_eq!((home.visible().await, home.objects().staged_assets().await.unwrap()), before);
}
