//! A look at a database says what is there and changes nothing.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use reelgate_conformance::samples::event;
use reelgate_embedded::sqlite::SqliteStore;
use reelgate_ports::clock::SystemClock;
use reelgate_ports::error::{ErrorKind, PortResult};
use reelgate_ports::events::EventBatch;
use reelgate_ports::store::{Intake, Maintenance};

use super::TempDatabase;
use super::damage::run;

/// Name, mode, time of the last change and content of every file.
fn files(dir: &Path) -> Vec<(String, u32, i64, Vec<u8>)> {
    let file = |entry: std::fs::DirEntry| {
        let metadata = entry.metadata().unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, metadata.mode(), metadata.mtime_nsec(), std::fs::read(entry.path()).unwrap())
    };
    let mut files: Vec<_> = dir.read_dir().unwrap().map(|entry| file(entry.unwrap())).collect();
    files.sort();
    files
}

/// What a look says; proves that it changes nothing.
async fn look(home: &TempDatabase) -> PortResult<String> {
    let before = files(home.0.path());
    let store = SqliteStore::inspect(&home.file(), Arc::new(SystemClock));
    let said = store.check().await;
    assert!(store.ingest(&EventBatch::of([event("written", 1)])).await.is_err(), "a look writes nothing");
    store.close().await;
    assert!(files(home.0.path()) == before, "{said:?}");
    said
}

/// A database with one upload, closed.
async fn database() -> TempDatabase {
    let home = TempDatabase::new();
    let store = SqliteStore::open(&home.file(), Arc::new(SystemClock)).await.unwrap();
    store.ingest(&EventBatch::of([event("a", 1)])).await.unwrap();
    store.close().await;
    home
}

#[tokio::test]
async fn a_database_at_rest_is_read_as_it_is() {
    let home = database().await;
    let said = look(&home).await.unwrap();
    assert!(said.ends_with(", 1 asset") && !said.contains("migrates"), "{said}");
}

#[tokio::test]
async fn what_a_crash_left_in_the_log_is_read_too() {
    let (home, crashed) = (database().await, TempDatabase::new());
    let store = SqliteStore::open(&home.file(), Arc::new(SystemClock)).await.unwrap();
    store.ingest(&EventBatch::of([event("b", 1)])).await.unwrap();
    for entry in home.0.path().read_dir().unwrap() {
        let from = entry.unwrap().path();
        std::fs::copy(&from, crashed.0.path().join(from.file_name().unwrap())).unwrap();
    }
    store.close().await;
    assert_eq!(files(crashed.0.path()).len(), 3, "database, log, shared memory");
    let said = look(&crashed).await.unwrap();
    assert!(said.ends_with(", 2 assets"), "{said}");
}

#[tokio::test]
async fn a_database_in_use_is_read_with_what_is_committed() {
    let home = database().await;
    let store = SqliteStore::open(&home.file(), Arc::new(SystemClock)).await.unwrap();
    store.ingest(&EventBatch::of([event("b", 1)])).await.unwrap();
    let seen = SqliteStore::inspect(&home.file(), Arc::new(SystemClock));
    assert!(seen.check().await.unwrap().ends_with(", 2 assets"));
    seen.close().await;
    store.ingest(&EventBatch::of([event("c", 1)])).await.unwrap();
}

#[tokio::test]
async fn an_older_schema_is_told_and_not_migrated() {
    let home = database().await;
    run(&home, "DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)")
        .await;
    let said = look(&home).await.unwrap();
    assert!(said.contains(", which the next start migrates to "), "{said}");
}

#[tokio::test]
async fn what_cannot_be_used_is_refused() {
    let home = database().await;
    run(
        &home,
        "INSERT INTO _sqlx_migrations SELECT 9999, description, installed_on, success, checksum, execution_time
             FROM _sqlx_migrations WHERE version = 1",
    )
    .await;
    let newer = look(&home).await.unwrap_err();
    assert!(newer.kind == ErrorKind::Corrupt && newer.detail.contains("found 9999"), "{newer}");
    let foreign = database().await;
    run(&foreign, "DROP TABLE _sqlx_migrations").await;
    let refused = look(&foreign).await.unwrap_err();
    assert!(
        refused.kind == ErrorKind::Corrupt && refused.detail.contains("a Reelgate database"),
        "{refused}"
    );
}

#[tokio::test]
async fn no_database_is_made() {
    let home = TempDatabase::new();
    assert!(look(&home).await.unwrap().contains("no database yet"));
    std::fs::write(home.file(), b"").unwrap();
    assert!(look(&home).await.unwrap().contains("no database yet"));
}
