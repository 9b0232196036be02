//! Buckets as directories.

mod hostile;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use reelgate_conformance::objects::ObjectsHome;
use reelgate_embedded::directory::DirectoryObjects;
use reelgate_embedded::paths::{INGEST_BUCKET, Location, version_of};
use reelgate_flow::ids::{Sequencer, SourceId};
use reelgate_ports::error::ErrorKind;
use reelgate_ports::objects::Objects;
use reelgate_ports::records::SourceRecord;
use tempfile::TempDir;

struct TempDirectories {
    dir: TempDir,
    objects: Arc<DirectoryObjects>,
}

impl TempDirectories {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let objects = Arc::new(DirectoryObjects::open(dir.path()).unwrap());
        Self { dir, objects }
    }

    fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(below)
    }
}

#[async_trait]
impl ObjectsHome for TempDirectories {
    fn objects(&self) -> Arc<dyn Objects> {
        self.objects.clone()
    }

    fn replaced(&self) -> ErrorKind {
        ErrorKind::Conflict
    }

    fn removed(&self) -> ErrorKind {
        ErrorKind::Missing
    }

    async fn put(&self, key: &str, bytes: &[u8]) -> SourceRecord {
        let path = self.path("ingest").join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let fresh = self.path("fresh upload");
        fs::write(&fresh, bytes).unwrap();
        fs::rename(&fresh, &path).unwrap();
        record(key, &path, &Location::Ingest(key.into()))
    }

    async fn remove(&self, key: &str) {
        fs::remove_file(self.path("ingest").join(key)).unwrap();
    }

    async fn visible(&self) -> BTreeMap<String, Vec<u8>> {
        let mut seen = BTreeMap::new();
        let root = self.path("published");
        gather(&root, &root, &mut seen);
        seen
    }

    async fn moved_source(&self, location: &str) -> Option<Vec<u8>> {
        let (area, name) = match Location::parse(location).ok()? {
            Location::Quarantine(name) => ("quarantine", name),
            Location::Rejected(name) => ("rejected", name),
            Location::Released(name) => ("released", name),
            Location::Ingest(name) => ("ingest", name),
            other @ Location::File(_) => panic!("expected a place of the home, found {other:?}"),
        };
        fs::read(self.path(area).join(name)).ok()
    }

    async fn is_uploaded(&self, key: &str) -> bool {
        self.path("ingest").join(key).exists()
    }
}

/// A source as intake would record it; its order is that of the calls, however fast they follow each other.
fn record(key: &str, path: &Path, location: &Location) -> SourceRecord {
    static LAST: Mutex<Option<Sequencer>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap();
    let mut meta = fs::metadata(path).unwrap();
    // The kernel's clock for files moves in steps of some milliseconds; each file gets a step of its own.
    while last.as_ref().is_some_and(|last| version_of(&meta).1 <= *last) {
        fs::set_permissions(path, meta.permissions()).unwrap();
        meta = fs::metadata(path).unwrap();
    }
    let (version, sequencer) = version_of(&meta);
    *last = Some(sequencer.clone());
    SourceRecord {
        id: SourceId { bucket: INGEST_BUCKET.into(), key: key.into(), version },
        sequencer,
        size_bytes: meta.len(),
        location: location.to_string(),
    }
}

fn gather(root: &Path, dir: &Path, seen: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(root, &path, seen);
            continue;
        }
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        seen.insert(name, fs::read(&path).unwrap());
    }
}

reelgate_conformance::objects_suite!(TempDirectories::new());
