//! The store in a SQLite file.

mod age;
mod damage;
mod documented;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use reelgate_embedded::sqlite::SqliteStore;
use reelgate_ports::clock::Clock;
use reelgate_ports::conformance::store::StoreHome;
use reelgate_ports::shards::Shards;
use reelgate_ports::store::Store;
use tempfile::TempDir;

/// A directory that holds one database and goes away with the test.
struct TempDatabase(TempDir);

impl TempDatabase {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("reelgate.db")
    }
}

#[async_trait]
impl StoreHome for TempDatabase {
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.file(), clock).await.unwrap())
    }

    async fn shards(&self, clock: Arc<dyn Clock>) -> Arc<dyn Shards> {
        Arc::new(SqliteStore::open(&self.file(), clock).await.unwrap())
    }
}

reelgate_ports::store_suite!(TempDatabase::new());
