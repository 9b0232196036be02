//! What a directory can hold that a bucket cannot, and who may read what.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use reelgate_conformance::objects::ObjectsHome;
use reelgate_conformance::samples::next_turn;
use reelgate_embedded::directory::DirectoryObjects;
use reelgate_embedded::paths::{FILE_BUCKET, Location, version_of};
use reelgate_flow::asset::{Exit, Verdict};
use reelgate_flow::ids::SourceId;
use reelgate_flow::task::TaskKey;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::identity::asset_id;
use reelgate_ports::objects::{Objects, Publication, PublishItem};
use reelgate_ports::records::{Fence, KeptSource, SourceRecord};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{TempDirectories, record};

/// The source as it was recorded, after something else took its place.
async fn replaced(home: &TempDirectories, put: impl FnOnce(&Path)) -> SourceRecord {
    let source = home.put("a.mp4", b"content").await;
    let path = home.path("ingest/a.mp4");
    fs::remove_file(&path).unwrap();
    put(&path);
    source
}

#[tokio::test]
async fn pipes_links_and_directories_in_place_of_an_upload_are_refused_at_once() {
    let home = TempDirectories::new();
    let pipe = |path: &Path| mknodat(CWD, path, FileType::Fifo, Mode::RUSR, 0).unwrap();
    let link = |path: &Path| symlink("/etc/hostname", path).unwrap();
    let dir = |path: &Path| fs::create_dir(path).unwrap();
    for source in [replaced(&home, pipe).await, replaced(&home, link).await, {
        fs::remove_file(home.path("ingest/a.mp4")).unwrap();
        replaced(&home, dir).await
    }] {
        assert_eq!(home.objects.open(&source).await.unwrap_err().kind, ErrorKind::Conflict);
    }
}

#[tokio::test]
async fn pipes_and_links_in_place_of_a_sidecar_are_refused_at_once() {
    let home = TempDirectories::new();
    let source = home.put("a.mp4", b"content").await;
    home.put("other.sha256", b"other").await;
    let at = home.path("ingest/a.mp4.sha256");
    mknodat(CWD, &at, FileType::Fifo, Mode::RUSR, 0).unwrap();
    assert_eq!(home.objects.sidecar(&source, ".sha256", 9).await.unwrap_err().kind, ErrorKind::Conflict);
    fs::remove_file(&at).unwrap();
    symlink("other.sha256", &at).unwrap();
    assert_eq!(home.objects.sidecar(&source, ".sha256", 9).await.unwrap_err().kind, ErrorKind::Conflict);
}

#[tokio::test]
async fn a_name_of_full_length_is_stored_and_has_no_file_beside_it() {
    let home = TempDirectories::new();
    let name = "n".repeat(255);
    let inside = home.put(&name, b"content").await;
    let outside = tempfile::tempdir().unwrap();
    let path = outside.path().join(&name);
    fs::write(&path, b"content").unwrap();
    let mut read_in_place = record(path.to_str().unwrap(), &path, &Location::File(path.clone()));
    read_in_place.id = SourceId { bucket: FILE_BUCKET.into(), ..read_in_place.id };
    for source in [inside, read_in_place] {
        assert_eq!(home.objects.open(&source).await.unwrap().size_bytes, 7);
        assert_eq!(home.objects.sidecar(&source, ".sha256", 9).await.unwrap(), None);
        let asset = asset_id(&source.id);
        let moved =
            home.objects.withdraw(&next_turn(&asset), None, &source, Exit::Quarantine, true).await.unwrap();
        assert_eq!(moved.source_location, format!("quarantine:{asset}/source"));
    }
}

#[tokio::test]
async fn a_folder_linked_to_its_neighbour_is_not_followed() {
    let home = TempDirectories::new();
    home.put("real/a.mp4", b"content").await;
    symlink("real", home.path("ingest/link")).unwrap();
    let location = Location::Ingest("link/a.mp4".into());
    let source = record("link/a.mp4", &home.path("ingest/real/a.mp4"), &location);
    assert_eq!(home.objects.open(&source).await.unwrap_err().kind, ErrorKind::Conflict);
}

#[tokio::test]
async fn a_linked_folder_in_the_ingest_directory_is_not_followed() {
    let home = TempDirectories::new();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.mp4"), b"secret").unwrap();
    symlink(outside.path(), home.path("ingest/link")).unwrap();
    let source = record(
        "link/secret.mp4",
        &outside.path().join("secret.mp4"),
        &Location::Ingest("link/secret.mp4".into()),
    );
    assert_eq!(home.objects.open(&source).await.unwrap_err().kind, ErrorKind::Conflict);
}

#[tokio::test]
async fn a_file_outside_is_read_in_place_never_moved_and_copied_into_quarantine() {
    let home = TempDirectories::new();
    let outside = tempfile::tempdir().unwrap();
    let path = outside.path().join("my film.mp4");
    fs::write(&path, b"content").unwrap();
    let mut source = record("my film.mp4", &path, &Location::File(path.clone()));
    source.id = SourceId { bucket: FILE_BUCKET.into(), ..source.id };
    assert_eq!(home.objects.open(&source).await.unwrap().size_bytes, 7);
    let asset = asset_id(&source.id);
    let rejected = home
        .objects
        .withdraw(&next_turn(&asset), None, &source, Exit::Reject, false)
        .await
        .unwrap()
        .source_location;
    assert_eq!(rejected, source.location);
    for _ in 0..2 {
        let copied = home
            .objects
            .withdraw(&next_turn(&asset), None, &source, Exit::Quarantine, true)
            .await
            .unwrap()
            .source_location;
        assert_eq!(copied, format!("quarantine:{asset}/source"));
        assert_eq!(home.moved_source(&copied).await.as_deref(), Some(&b"content"[..]));
        let moved = SourceRecord { location: copied, ..source.clone() };
        assert_eq!(home.objects.open(&moved).await.unwrap().size_bytes, 7);
    }
    assert_eq!(fs::read(&path).unwrap(), b"content");
    source.id.version = "an earlier one".into();
    let asset = asset_id(&source.id);
    let kept = home
        .objects
        .withdraw(&next_turn(&asset), None, &source, Exit::Quarantine, true)
        .await
        .unwrap()
        .source_location;
    assert_eq!(kept, source.location, "the bytes that lie there now are not this upload's");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn only_what_is_published_can_be_read_by_others() {
    let home = TempDirectories::new();
    let source = home.put("a", b"x").await;
    let asset = asset_id(&source.id);
    let fence = Fence { asset: asset.clone(), task: TaskKey::Audio, attempt: 1 };
    let mut writer = home.objects.stage(&fence).await.unwrap();
    writer.open("d/1.m4s").unwrap();
    writer.write(b"abc").unwrap();
    writer.close().unwrap();
    let staged = writer.finish().unwrap();
    let at = home.path(&staged[0].location);
    assert_eq!((mode(&at), mode(at.parent().unwrap())), (0o600, 0o700));
    for area in ["work", "quarantine", "rejected"] {
        assert_eq!(mode(&home.path(area)), 0o700, "{area}");
    }
    let items = vec![PublishItem { staged: staged[0].clone(), name: "d/1.m4s".into() }];
    let wanted = Publication {
        turn: next_turn(&asset),
        source,
        path: "x/y".into(),
        items,
        manifest: b"{}".to_vec(),
        verdict: Verdict::Clean,
        surfaces: String::new(),
    };
    home.objects.publish(&wanted).await.unwrap();
    for (path, expected) in [("x", 0o755), ("x/y", 0o755), ("x/y/d", 0o755), ("x/y/d/1.m4s", 0o644)] {
        assert_eq!(mode(&home.path("published").join(path)), expected, "{path}");
    }
}

#[tokio::test]
async fn leftovers_of_a_killed_process_are_cleared_when_opened_or_published_again() {
    let home = TempDirectories::new();
    fs::create_dir_all(home.path("work/.trash/half removed")).unwrap();
    let source = home.put("a", b"x").await;
    let asset = asset_id(&source.id);
    // Killed while assembling: a stale, half-filled directory of the same name.
    let turn = next_turn(&asset);
    fs::create_dir_all(home.path(format!("work/.turns/{asset}/{}/publication/old", turn.number))).unwrap();
    let objects = DirectoryObjects::open(home.dir.path()).unwrap();
    assert!(!home.path("work/.trash").exists());
    let wanted = Publication {
        turn,
        source,
        path: "out".into(),
        items: Vec::new(),
        manifest: b"{}".to_vec(),
        verdict: Verdict::Clean,
        surfaces: String::new(),
    };
    let location = objects.publish(&wanted).await.unwrap();
    assert_eq!(Path::new(&location), home.path("published/out").canonicalize().unwrap());
    assert!(!home.path("published/out/old").exists());
}

#[tokio::test]
async fn errors_name_no_key_and_no_path() {
    let home = TempDirectories::new();
    let source = home.put("jane-passport.mp4", b"x").await;
    home.remove("jane-passport.mp4").await;
    let error = home.objects.open(&source).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("jane"), "{error:?}");
}

#[tokio::test]
async fn a_kept_source_stays_when_its_producer_writes_into_the_upload() {
    let home = TempDirectories::new();
    let source = home.put("a.mp4", b"content").await;
    let kept = home.objects.keep_source(&asset_id(&source.id), &source).await.unwrap();
    let KeptSource::Copied(location) = kept else { panic!("expected a copy, found {kept:?}") };
    let mut upload = fs::OpenOptions::new().write(true).open(home.path("ingest/a.mp4")).unwrap();
    upload.write_all(b"CHANGED").unwrap();
    assert_eq!(home.moved_source(&location).await.as_deref(), Some(&b"content"[..]));
    let changed = home.put("b.mp4", b"content").await;
    fs::OpenOptions::new().append(true).open(home.path("ingest/b.mp4")).unwrap().write_all(b"!").unwrap();
    let kept = home.objects.keep_source(&asset_id(&changed.id), &changed).await.unwrap();
    assert_eq!(kept, KeptSource::Gone, "another file than the recorded one");
}

/// Writes other bytes of the same length into a file, and sets its time of change back, until its ctime shows it.
fn swap_in_place(path: &Path, bytes: &[u8]) {
    let before = fs::metadata(path).unwrap();
    assert_eq!(before.len(), bytes.len() as u64);
    while version_of(&fs::metadata(path).unwrap()).1 == version_of(&before).1 {
        let mut file = fs::File::options().write(true).open(path).unwrap();
        file.write_all(bytes).unwrap();
        file.set_modified(before.modified().unwrap()).unwrap();
    }
    assert_eq!(
        version_of(&fs::metadata(path).unwrap()).0,
        version_of(&before).0,
        "it looks like the same version"
    );
}

#[tokio::test]
async fn a_file_swapped_in_place_with_its_time_set_back_is_another_version() {
    let home = TempDirectories::new();
    let outside = tempfile::tempdir().unwrap();
    let path = outside.path().join("a.mp4");
    fs::write(&path, b"content").unwrap();
    let mut read_in_place = record("a.mp4", &path, &Location::File(path.clone()));
    read_in_place.id = SourceId { bucket: FILE_BUCKET.into(), ..read_in_place.id };
    let uploaded = home.put("a.mp4", b"content").await;
    for (source, path) in [(read_in_place, path), (uploaded, home.path("ingest/a.mp4"))] {
        swap_in_place(&path, b"swapped");
        assert_eq!(home.objects.open(&source).await.unwrap_err().kind, ErrorKind::Conflict);
        assert_eq!(home.objects.check_current(&source).await.unwrap_err().kind, ErrorKind::Conflict);
        let kept = home.objects.keep_source(&asset_id(&source.id), &source).await.unwrap();
        assert_eq!(kept, KeptSource::Gone, "the copy would be of other bytes");
    }
}

#[tokio::test]
async fn a_file_of_which_only_metadata_changed_is_read_once_its_bytes_are_proved() {
    let home = TempDirectories::new();
    let source = home.put("a.mp4", b"content").await;
    let path = home.path("ingest/a.mp4");
    swap_in_place(&path, b"content");
    assert_eq!(home.objects.open(&source).await.unwrap_err().kind, ErrorKind::Conflict);
    let record = home.objects.restamped(&source).await.unwrap();
    assert_eq!(SourceRecord { sequencer: source.sequencer.clone(), ..record.clone() }, source);
    assert_eq!(home.objects.open(&record).await.unwrap().size_bytes, 7);
    swap_in_place(&path, b"swapped");
    assert_eq!(home.objects.check_current(&record).await.unwrap_err().kind, ErrorKind::Conflict);
    fs::write(&path, b"longer content").unwrap();
    assert_eq!(home.objects.restamped(&source).await.unwrap_err().kind, ErrorKind::Conflict);
}
