//! What is under hold stays, byte for byte.

use reelgate_flow::asset::Exit;

use super::ObjectsHome;
use super::fixture::{id, names, publication, published, stage, withdraw};
use crate::samples::next_turn;
use reelgate_ports::records::{KeptSource, SourceRecord};

async fn withdraw_and_keep(home: &dyn ObjectsHome, source: &SourceRecord, exit: Exit) -> String {
    home.objects()
        .withdraw(&next_turn(&id(source)), Some("out"), source, exit, true)
        .await
        .unwrap()
        .source_location
}

async fn restore(home: &dyn ObjectsHome, source: &SourceRecord) -> Option<String> {
    home.objects().restore(&next_turn(&id(source)), "out", source).await.unwrap().published_location
}

/// A version with two files, in the place of which a newer version's one file is published.
async fn replaced(home: &dyn ObjectsHome) -> (SourceRecord, SourceRecord) {
    let older = home.put("a", b"old").await;
    let staged = stage(home, &older, &[("720p/1.m4s", b"old"), ("v.m4s", b"old")]).await;
    home.objects().publish(&publication(&older, "out", &staged)).await.unwrap();
    (older, published(home, "a", "out", b"newer").await)
}

pub async fn what_a_newer_version_replaces_is_kept_until_its_asset_is_withdrawn(home: &dyn ObjectsHome) {
    let older = home.put("a", b"old").await;
    let staged = stage(home, &older, &[("720p/1.m4s", b"old"), ("v.m4s", b"old")]).await;
    home.objects().publish(&publication(&older, "out", &staged)).await.unwrap();
    let before = home.visible().await;
    let newer = published(home, "a", "out", b"newer").await;
    assert_eq!(home.visible().await["out/v.m4s"], b"newer");
    assert!(!home.visible().await.contains_key("out/720p/1.m4s"));
    withdraw_and_keep(home, &older, Exit::Supersede).await;
    withdraw(home, &newer, "out", Exit::Supersede).await;
    assert_eq!(names(home).await, Vec::<String>::new());
    assert!(restore(home, &older).await.is_some());
    assert_eq!(home.visible().await, before);
}

pub async fn outputs_are_kept_by_every_exit_that_must_keep_them(home: &dyn ObjectsHome) {
    for exit in [Exit::Supersede, Exit::Reject, Exit::Quarantine] {
        let source = published(home, exit.as_str(), "out", b"content").await;
        let before = home.visible().await;
        for _ in 0..2 {
            withdraw_and_keep(home, &source, exit).await;
            assert_eq!(home.visible().await.len(), 0, "{exit:?}");
        }
        assert!(restore(home, &source).await.is_some(), "{exit:?}");
        assert_eq!(home.visible().await, before, "{exit:?}");
        withdraw(home, &source, "out", Exit::Supersede).await;
        assert_eq!(restore(home, &source).await, None, "{exit:?}: nothing was to be kept");
    }
}

pub async fn a_replacement_that_is_repeated_keeps_the_same(home: &dyn ObjectsHome) {
    let (older, newer) = replaced(home).await;
    let staged = stage(home, &newer, &[("w.m4s", b"other")]).await;
    home.objects().publish(&publication(&newer, "out", &staged)).await.unwrap();
    withdraw_and_keep(home, &older, Exit::Supersede).await;
    withdraw(home, &newer, "out", Exit::Supersede).await;
    assert!(restore(home, &older).await.is_some());
    assert_eq!(names(home).await, ["out/720p/1.m4s", "out/manifest.json", "out/v.m4s"]);
    assert_eq!(home.visible().await["out/v.m4s"], b"old");
}

pub async fn a_kept_source_outlives_a_newer_upload_and_the_removal_of_its_own(home: &dyn ObjectsHome) {
    let objects = home.objects();
    for key in ["replaced", "removed"] {
        let source = home.put(key, b"content").await;
        let KeptSource::Copied(location) = objects.keep_source(&id(&source), &source).await.unwrap() else {
            panic!("expected a copy");
        };
        assert!(home.is_uploaded(key).await, "the upload stays");
        if key == "replaced" {
            home.put(key, b"another").await;
        } else {
            home.remove(key).await;
        }
        let again = objects.keep_source(&id(&source), &source).await.unwrap();
        assert_eq!(again, KeptSource::Copied(location.clone()), "the commit was lost");
        let kept = SourceRecord { location: location.clone(), ..source };
        assert_eq!(objects.keep_source(&id(&kept), &kept).await.unwrap(), KeptSource::Already);
        objects.check_current(&kept).await.unwrap();
        assert_eq!(home.moved_source(&location).await.as_deref(), Some(&b"content"[..]));
    }
    let gone = home.put("gone", b"content").await;
    home.remove("gone").await;
    let found = objects.keep_source(&id(&gone), &gone).await.unwrap();
    // A store that keeps older versions still has it.
    assert!(matches!(found, KeptSource::Gone | KeptSource::Copied(_)), "{found:?}");
}

pub async fn a_kept_source_leaves_together_with_its_upload(home: &dyn ObjectsHome) {
    for exit in [Exit::Quarantine, Exit::Reject, Exit::Erase] {
        let key = exit.as_str();
        let source = published(home, key, key, b"content").await;
        let KeptSource::Copied(copy) = home.objects().keep_source(&id(&source), &source).await.unwrap()
        else {
            panic!("expected a copy");
        };
        let kept = SourceRecord { location: copy.clone(), ..source };
        let location = withdraw(home, &kept, key, exit).await;
        assert!(!home.is_uploaded(key).await, "{exit:?}: the same bytes");
        let left = home.moved_source(&location).await;
        assert_eq!(left.is_some(), exit != Exit::Erase, "{exit:?}");
        assert!(location == copy || home.moved_source(&copy).await.is_none(), "{exit:?}: only one copy");
    }
}
