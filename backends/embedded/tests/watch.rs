//! Uploads to the ingest directory.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reelgate_conformance::events::EventsHome;
use reelgate_embedded::watch::DirectoryEvents;
use reelgate_ports::events::Events;
use tempfile::TempDir;

struct WatchedDirectory(TempDir);

#[async_trait]
impl EventsHome for WatchedDirectory {
    fn events(&self) -> Arc<dyn Events> {
        Arc::new(DirectoryEvents::new(self.0.path(), Duration::ZERO).unwrap())
    }

    async fn put(&self, key: &str, bytes: &[u8]) {
        let path = self.0.path().join("ingest").join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

reelgate_conformance::events_suite!(WatchedDirectory(tempfile::tempdir().unwrap()));
