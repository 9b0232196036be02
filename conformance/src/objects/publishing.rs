//! Making outputs visible.

use super::ObjectsHome;
use super::fixture::{id, names, publication, published, stage, withdraw};
use reelgate_flow::asset::Exit;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::objects::{MeasuredOutput, Publication, PublishItem};
use reelgate_ports::records::StagedOutput;

pub async fn a_publication_is_visible_whole_and_only_then(home: &dyn ObjectsHome) {
    let source = home.put("a", b"x").await;
    let staged = stage(home, &source, &[("720p/1.m4s", b"abc"), ("main.m3u8", b"list")]).await;
    assert_eq!(home.visible().await.len(), 0, "staged is not visible");
    let wanted = publication(&source, "some/a", &staged);
    let location = home.objects().publish(&wanted).await.unwrap();
    assert!(location.ends_with("some/a"), "{location}");
    let seen = home.visible().await;
    assert_eq!(names(home).await, ["some/a/720p/1.m4s", "some/a/main.m3u8", "some/a/manifest.json"]);
    assert_eq!(seen["some/a/720p/1.m4s"], b"abc");
    assert_eq!(seen["some/a/manifest.json"], wanted.manifest);
}

pub async fn publishing_twice_changes_nothing(home: &dyn ObjectsHome) {
    let source = home.put("a", b"x").await;
    let staged = stage(home, &source, &[("1.m4s", b"abc")]).await;
    let wanted = publication(&source, "a", &staged);
    let first = home.objects().publish(&wanted).await.unwrap();
    let seen = home.visible().await;
    // After a crash between publishing and its commit the staged files may be gone already.
    home.objects().discard_staging(&id(&source)).await.unwrap();
    assert_eq!(home.objects().publish(&wanted).await.unwrap(), first);
    assert_eq!(home.visible().await, seen);
}

/// As after a redo: some files are new, and the others exist only where they were published.
pub async fn a_new_publication_of_the_same_asset_keeps_the_published_files_that_it_names(
    home: &dyn ObjectsHome,
) {
    let source = home.put("a", b"x").await;
    let first: [(&str, &[u8]); 3] = [("kept.m4s", b"kept"), ("list.m3u8", b"1"), ("old.m4s", b"old")];
    let staged = stage(home, &source, &first).await;
    let location = home.objects().publish(&publication(&source, "out", &staged)).await.unwrap();
    home.objects().discard_staging(&id(&source)).await.unwrap();
    let place = home.objects().visible(&location, "kept.m4s");
    let mut items = stage(home, &source, &[("list.m3u8", b"2"), ("new.m4s", b"new")]).await;
    items.push(StagedOutput { location: place, ..staged[0].clone() });
    let wanted = publication(&source, "out", &items);
    for _ in 0..2 {
        assert_eq!(home.objects().publish(&wanted).await.unwrap(), location);
    }
    assert_eq!(names(home).await, ["out/kept.m4s", "out/list.m3u8", "out/manifest.json", "out/new.m4s"]);
    let seen = home.visible().await;
    assert_eq!((&*seen["out/kept.m4s"], &*seen["out/list.m3u8"]), (&b"kept"[..], &b"2"[..]));
}

pub async fn a_manifest_is_read_back_if_there_is_one(home: &dyn ObjectsHome) {
    let source = home.put("a", b"x").await;
    let staged = stage(home, &source, &[("1.m4s", b"abc")]).await;
    let wanted = publication(&source, "out", &staged);
    let objects = home.objects();
    let location = objects.publish(&wanted).await.unwrap();
    assert_eq!(objects.manifest(&location, 1_000).await.unwrap(), Some(wanted.manifest));
    assert_eq!(objects.manifest(&location, 3).await.unwrap_err().kind, ErrorKind::Invalid);
    assert_eq!(objects.published_path(&location).as_deref(), Some("out"));
    assert_eq!(objects.published_path("s3://elsewhere/out"), None);
    withdraw(home, &source, "out", Exit::Supersede).await;
    assert_eq!(objects.manifest(&location, 1_000).await.unwrap(), None);
}

pub async fn what_is_visible_is_measured_as_it_is(home: &dyn ObjectsHome) {
    let source = home.put("a", b"x").await;
    let staged = stage(home, &source, &[("720p/1.m4s", b"abc"), ("main.m3u8", b"list")]).await;
    let wanted = publication(&source, "some/a", &staged);
    let objects = home.objects();
    let location = objects.publish(&wanted).await.unwrap();
    let names = ["720p/1.m4s", "main.m3u8", "manifest.json"];
    assert_eq!(objects.visible_names(&location).await.unwrap(), names);
    // FIPS 180-4 example: SHA-256 of "abc".
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned();
    let expected = MeasuredOutput { size_bytes: 3, sha256 };
    assert_eq!(objects.measure(&location, names[0]).await.unwrap(), Some(expected));
    assert_eq!(objects.measure(&location, "720p/2.m4s").await.unwrap(), None);
    for outside in ["../a/main.m3u8", "/etc/passwd", ""] {
        assert_eq!(objects.measure(&location, outside).await.unwrap_err().kind, ErrorKind::Invalid);
    }
    let elsewhere = location.replace("published", "quarantine");
    assert_eq!(objects.visible_names(&elsewhere).await.unwrap_err().kind, ErrorKind::Invalid);
    withdraw(home, &source, "some/a", Exit::Supersede).await;
    assert_eq!(objects.visible_names(&location).await.unwrap(), Vec::<String>::new());
}

pub async fn a_newer_version_replaces_every_file_of_the_older_one(home: &dyn ObjectsHome) {
    published(home, "a", "out", b"old").await;
    let newer = home.put("a", b"newer").await;
    let staged = stage(home, &newer, &[("w.m4s", b"new")]).await;
    home.objects().publish(&publication(&newer, "out", &staged)).await.unwrap();
    assert_eq!(names(home).await, ["out/manifest.json", "out/w.m4s"]);
}

pub async fn an_older_version_never_replaces_a_newer_one(home: &dyn ObjectsHome) {
    let older = home.put("a", b"old").await;
    let staged = stage(home, &older, &[("v.m4s", b"old")]).await;
    published(home, "a", "out", b"newer").await;
    let refused = home.objects().publish(&publication(&older, "out", &staged)).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert_eq!(home.visible().await["out/v.m4s"], b"newer");
}

pub async fn another_key_does_not_take_the_path_of_a_publication(home: &dyn ObjectsHome) {
    published(home, "a", "out", b"first").await;
    let other = home.put("b", b"second").await;
    let staged = stage(home, &other, &[("v.m4s", b"second")]).await;
    let refused = home.objects().publish(&publication(&other, "out", &staged)).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert_eq!(home.visible().await["out/v.m4s"], b"first");
}

pub async fn a_publication_inside_another_one_is_refused(home: &dyn ObjectsHome) {
    published(home, "a", "x/y", b"first").await;
    let other = home.put("b", b"second").await;
    let staged = stage(home, &other, &[("v.m4s", b"second")]).await;
    for path in ["x/y/z", "x"] {
        let refused = home.objects().publish(&publication(&other, path, &staged)).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Conflict, "{path}");
    }
    assert_eq!(names(home).await, ["x/y/manifest.json", "x/y/v.m4s"]);
}

pub async fn a_missing_or_cut_output_publishes_nothing(home: &dyn ObjectsHome) {
    let source = home.put("a", b"x").await;
    let staged = stage(home, &source, &[("1.m4s", b"abc"), ("2.m4s", b"abc")]).await;
    let mut cut = staged.clone();
    cut[1].size_bytes = 4;
    let refused = home.objects().publish(&publication(&source, "a", &cut)).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Corrupt);
    home.objects().discard_staging(&id(&source)).await.unwrap();
    let refused = home.objects().publish(&publication(&source, "a", &staged)).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Missing);
    assert_eq!(home.visible().await.len(), 0);
}

pub async fn copies_of_an_original_outlive_it(home: &dyn ObjectsHome) {
    let first = home.put("a", b"same").await;
    let staged = stage(home, &first, &[("1.m4s", b"abc")]).await;
    let location = home.objects().publish(&publication(&first, "first", &staged)).await.unwrap();
    home.objects().discard_staging(&id(&first)).await.unwrap();
    let second = home.put("b", b"same").await;
    let shown = home.objects().visible(&location, "1.m4s");
    let copied = StagedOutput { location: shown, ..staged[0].clone() };
    let items = vec![PublishItem { staged: copied, name: "1.m4s".into() }];
    let wanted = Publication { items, ..publication(&second, "second", &[]) };
    home.objects().publish(&wanted).await.unwrap();
    assert_eq!(home.objects().read_staged(&wanted.items[0].staged, 3).await.unwrap(), b"abc");
    withdraw(home, &first, "first", Exit::Supersede).await;
    assert_eq!(names(home).await, ["second/1.m4s", "second/manifest.json"]);
    assert_eq!(home.visible().await["second/1.m4s"], b"abc");
}

pub async fn paths_that_leave_the_publish_area_are_refused(home: &dyn ObjectsHome) {
    let source = home.put("a", b"x").await;
    let staged = stage(home, &source, &[("1.m4s", b"abc")]).await;
    for path in ["..", "../x", "/x", "a/../../x", "", "a//b"] {
        let refused = home.objects().publish(&publication(&source, path, &staged)).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Invalid, "{path}");
    }
    let mut climbing = publication(&source, "ok", &staged);
    climbing.items[0].name = "../../1.m4s".into();
    let refused = home.objects().publish(&climbing).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Invalid);
    assert_eq!(home.visible().await.len(), 0);
}
