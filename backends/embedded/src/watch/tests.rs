//! Directories as a producer leaves them: half copied, renamed, held open.

use std::fs::File;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::time::UNIX_EPOCH;

use super::*;

const SETTLE: Duration = Duration::from_secs(2);

/// A home with a manual clock: each look gives the time since the first one.
struct WatchFixture {
    home: tempfile::TempDir,
    events: DirectoryEvents,
    start: Instant,
}

impl WatchFixture {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let events = DirectoryEvents::new(home.path(), SETTLE).unwrap();
        Self { home, events, start: Instant::now() }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.home.path().join("ingest").join(key)
    }

    fn put(&self, key: &str, changed_s: u64) {
        let path = self.path(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = File::create(path).unwrap();
        file.write_all(key.as_bytes()).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(changed_s)).unwrap();
    }

    fn look(&self, at_s: u64) -> Vec<MediaEvent> {
        self.events.look(usize::MAX, self.start + Duration::from_secs(at_s)).unwrap()
    }

    fn keys(&self, at_s: u64) -> Vec<String> {
        self.look(at_s).into_iter().map(|event| event.source.key).collect()
    }
}

#[test]
fn a_file_is_reported_once_it_has_settled_and_until_it_is_acknowledged() {
    let fixture = WatchFixture::new();
    fixture.put("a.mp4", 10);
    assert!(fixture.look(0).is_empty());
    assert!(fixture.look(1).is_empty());
    let events = fixture.look(2);
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].source.bucket.as_str(), events[0].location.as_str()), ("ingest", "ingest:a.mp4"));
    assert_eq!(events[0].size_bytes, 5);
    assert_eq!(fixture.look(3), events, "not acknowledged yet");
    fixture.events.ledger().acknowledge(&events);
    assert!(fixture.look(4).is_empty());
}

#[test]
fn a_file_that_changes_must_settle_again() {
    let fixture = WatchFixture::new();
    fixture.put("a.mp4", 10);
    assert!(fixture.look(0).is_empty());
    fixture.put("a.mp4", 11);
    assert!(fixture.look(2).is_empty());
    assert_eq!(fixture.keys(4), ["a.mp4"]);
}

#[test]
fn a_file_that_somebody_holds_open_for_writing_is_never_reported() {
    let fixture = WatchFixture::new();
    fixture.put("a.mp4", 10);
    let writer = File::options().append(true).open(fixture.path("a.mp4")).unwrap();
    assert!(fixture.look(0).is_empty());
    assert!(fixture.look(100).is_empty());
    drop(writer);
    assert_eq!(fixture.keys(101), ["a.mp4"]);
}

#[test]
fn a_new_version_of_an_acknowledged_key_is_reported_again() {
    let fixture = WatchFixture::new();
    fixture.put("a.mp4", 10);
    fixture.look(0);
    let first = fixture.look(2);
    fixture.events.ledger().acknowledge(&first);
    fixture.put("a.mp4", 20);
    assert!(fixture.look(3).is_empty());
    let second = fixture.look(5);
    assert_eq!(second.len(), 1);
    assert!(first[0].sequencer < second[0].sequencer);
    fixture.events.ledger().acknowledge(&first);
    assert_eq!(fixture.look(6), second, "a late acknowledgement of the old version hides nothing");
}

#[test]
fn only_complete_looking_names_are_uploads() {
    let fixture = WatchFixture::new();
    for key in [
        "a.mp4.part",
        "b.TMP",
        "c.crdownload",
        "d.partial",
        "e.mp4.sha256",
        "e.mp4.reelgate.toml",
        ".hidden.mp4",
        ".dir/f.mp4",
        "ok/.g/h.mp4",
        "ok/deep/i j\nü.mp4",
        "part.mp4",
    ] {
        fixture.put(key, 10);
    }
    std::os::unix::fs::symlink("part.mp4", fixture.path("link.mp4")).unwrap();
    std::os::unix::fs::symlink("ok", fixture.path("linked")).unwrap();
    std::fs::write(fixture.path("x").with_file_name(std::ffi::OsStr::from_bytes(b"odd\xff.mp4")), b"a")
        .unwrap();
    fixture.look(0);
    assert_eq!(fixture.keys(2), ["ok/deep/i j\nü.mp4", "part.mp4"]);
}

#[test]
fn uploads_are_reported_in_the_order_of_their_change_times() {
    let fixture = WatchFixture::new();
    let mut last = 0;
    for (key, modified_s) in [("z", 30), ("a", 20), ("b", 10)] {
        // The kernel's clock for files moves in steps of some milliseconds; each file gets a step of its own.
        let changed = || std::os::unix::fs::MetadataExt::ctime_nsec(&fixture.path(key).metadata().unwrap());
        fixture.put(key, modified_s);
        while changed() == last {
            fixture.put(key, modified_s);
        }
        last = changed();
    }
    fixture.look(0);
    assert_eq!(fixture.keys(3), ["z", "a", "b"]);
    let first = fixture.events.look(2, fixture.start + SETTLE).unwrap();
    assert_eq!(first.len(), 2);
    fixture.events.ledger().acknowledge(&first);
    assert_eq!(fixture.keys(2), ["b"]);
}

#[test]
fn removed_files_are_forgotten() {
    let fixture = WatchFixture::new();
    for round in 0..3 {
        fixture.put(&format!("{round}.mp4"), 10);
        fixture.look(round);
        assert_eq!(fixture.events.ledger().entries(), 1);
        std::fs::remove_file(fixture.path(&format!("{round}.mp4"))).unwrap();
    }
    fixture.look(9);
    assert_eq!(fixture.events.ledger().entries(), 0);
}

#[tokio::test]
async fn the_port_creates_its_directory_and_reports_when_it_is_gone() {
    let home = tempfile::tempdir().unwrap();
    let events = DirectoryEvents::new(&home.path().join("new/home"), Duration::ZERO).unwrap();
    let root = home.path().join("new/home/ingest");
    let mode = std::os::unix::fs::MetadataExt::mode(&root.metadata().unwrap());
    assert_eq!(mode & 0o777, 0o700);
    std::fs::write(root.join("a.mp4"), b"a").unwrap();
    assert_eq!(
        events.poll(10).await.unwrap().events.len(),
        1,
        "without a settle time the first look reports"
    );
    assert!(events.check().await.unwrap().contains("can be read"));
    std::fs::remove_dir_all(&root).unwrap();
    assert_eq!(events.poll(10).await.unwrap_err().kind, reelgate_ports::error::ErrorKind::Missing);
    assert!(events.check().await.is_err());
}
