//! Damaged or foreign files, and two processes on one file.

use std::sync::Arc;

use reelgate_conformance::samples::event;
use reelgate_embedded::sqlite::SqliteStore;
use reelgate_flow::asset::Phase;
use reelgate_flow::ids::NodeId;
use reelgate_flow::task::Lane;
use reelgate_ports::clock::SystemClock;
use reelgate_ports::error::{ErrorKind, PortError};
use reelgate_ports::events::EventBatch;
use reelgate_ports::identity::asset_id;
use reelgate_ports::records::MediaEvent;
use reelgate_ports::store::{Intake, Maintenance, Queries, Queue};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::TempDatabase;

async fn open(home: &TempDatabase) -> Result<SqliteStore, PortError> {
    SqliteStore::open(&home.file(), Arc::new(SystemClock)).await
}

/// A connection of another process.
pub async fn meddle(home: &TempDatabase) -> SqliteConnection {
    SqliteConnectOptions::new().filename(home.file()).connect().await.unwrap()
}

/// Runs a statement as another process would.
pub(super) async fn run(home: &TempDatabase, sql: &'static str) {
    let mut connection = meddle(home).await;
    sqlx::query(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_with_both_numbers() {
    let home = TempDatabase::new();
    open(&home).await.unwrap().close().await;
    run(
        &home,
        "INSERT INTO _sqlx_migrations SELECT 20, description, installed_on, success, checksum, execution_time
                FROM _sqlx_migrations WHERE version = 1",
    )
    .await;
    let refused = open(&home).await.err().expect("must be refused");
    assert_eq!(refused.kind, ErrorKind::Corrupt);
    assert!(refused.detail.contains("expected schema 19 or older, found 20"), "{refused}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_kept() {
    let home = TempDatabase::new();
    let text = "not a database ".repeat(1_000);
    std::fs::write(home.file(), &text).unwrap();
    let refused = open(&home).await.err().expect("must be refused");
    assert_eq!(refused.kind, ErrorKind::Corrupt, "{refused}");
    assert_eq!(std::fs::read_to_string(home.file()).unwrap(), text);
}

#[tokio::test]
async fn a_database_of_another_program_is_refused() {
    let home = TempDatabase::new();
    sqlx::query("CREATE TABLE assets (id TEXT)")
        .execute(
            &mut SqliteConnectOptions::new()
                .filename(home.file())
                .create_if_missing(true)
                .connect()
                .await
                .unwrap(),
        )
        .await
        .unwrap();
    let refused = open(&home).await.err().expect("must be refused");
    assert_eq!(refused.kind, ErrorKind::Corrupt, "{refused}");
}

#[tokio::test]
async fn words_and_numbers_that_this_version_never_writes_are_corrupt_and_named() {
    let damages = [
        ("UPDATE assets SET phase = 'melting'", "assets.phase"),
        ("UPDATE assets SET reason_code = 'whatever'", "assets.reason_code"),
        ("UPDATE assets SET sequencer = 'no hex'", "assets.sequencer"),
        ("UPDATE assets SET history_lines = -1", "history_lines"),
        ("UPDATE tasks SET task = 'video-99999'", "task"),
        ("UPDATE tasks SET attempts = 5000000000", "attempts"),
    ];
    for (damage, column) in damages {
        let home = TempDatabase::new();
        let store = open(&home).await.unwrap();
        store.ingest(&EventBatch::of([event("secret name", 1)])).await.unwrap();
        run(&home, damage).await;
        let asset = asset_id(&event("secret name", 1).source);
        let read = store.asset(&asset).await.unwrap_err();
        let claimed = store.claim(&NodeId::new("n"), Lane::Light, 1, 1_000).await.unwrap_err();
        for error in [read, claimed] {
            assert_eq!(error.kind, ErrorKind::Corrupt, "{damage}");
            assert!(error.detail.contains(column) && !error.detail.contains("secret"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_poisoned_event_is_refused_and_named_by_what_is_wrong() {
    let home = TempDatabase::new();
    let store = open(&home).await.unwrap();
    let zero = event("a\0b", 1);
    let huge = MediaEvent { size_bytes: u64::MAX, ..event("a", 1) };
    for poison in [zero, huge] {
        let refused = store.ingest(&EventBatch::of([event("good", 1), poison])).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Invalid, "{refused}");
    }
    assert_eq!(store.backlog().await.unwrap().assets, [], "whole or not at all");
}

#[tokio::test]
async fn two_processes_take_turns_and_never_claim_the_same() {
    let home = TempDatabase::new();
    let (first, second) = (open(&home).await.unwrap(), open(&home).await.unwrap());
    let events: Vec<MediaEvent> = (0..40).map(|number| event(&number.to_string(), 1)).collect();
    let (early, late) = (EventBatch::of(&events[..30]), EventBatch::of(&events[10..]));
    let (a, b) = tokio::join!(first.ingest(&early), second.ingest(&late));
    assert_eq!(a.unwrap().iter().chain(&b.unwrap()).filter(|taken| taken.new).count(), 40);
    let (left, right) = (NodeId::new("left"), NodeId::new("right"));
    let mut claims = Vec::new();
    for _ in 0..4 {
        let (a, b) = tokio::join!(
            first.claim(&left, Lane::Light, 5, 1_000),
            second.claim(&right, Lane::Light, 5, 1_000)
        );
        claims.extend(a.unwrap());
        claims.extend(b.unwrap());
    }
    let assets: std::collections::BTreeSet<_> = claims.iter().map(|claim| &claim.fence.asset).collect();
    assert_eq!((claims.len(), assets.len()), (40, 40));
}

#[tokio::test]
async fn claiming_and_reaping_read_only_what_is_due() {
    let home = TempDatabase::new();
    open(&home).await.unwrap().close().await;
    let plans = [
        (
            "EXPLAIN QUERY PLAN SELECT asset, task FROM tasks WHERE state = 'ready' AND lease_owner IS NULL
             AND lane = 'light' AND ready_at_ms <= 5 ORDER BY urgency, queue_position, asset, task LIMIT 5",
            "tasks_claimable",
        ),
        (
            "EXPLAIN QUERY PLAN SELECT task FROM tasks WHERE lease_owner IS NOT NULL AND lease_until_ms <= 5",
            "tasks_leased",
        ),
    ];
    for (sql, index) in plans {
        let rows: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sql).fetch_all(&mut meddle(&home).await).await.unwrap();
        let plan: String = rows.into_iter().map(|row| row.3).collect();
        assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{plan}");
    }
}

#[tokio::test]
async fn closing_merges_the_log_into_the_one_file() {
    let home = TempDatabase::new();
    let store = open(&home).await.unwrap();
    store.ingest(&EventBatch::of([event("a", 1)])).await.unwrap();
    store.close().await;
    let names: Vec<_> = std::fs::read_dir(home.0.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["reelgate.db"]);
    assert_eq!(open(&home).await.unwrap().backlog().await.unwrap().assets, [(Phase::Received, 1)]);
}
