//! Opens the file, migrates its schema, and refuses a schema of a newer version.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reelgate_ports::clock::Clock;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_store::work::Violations;
use sqlx::migrate::MigrateError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row, SqlitePool};

use super::error::db;
use super::migrations::migrations;
use super::sqlite_store::SqliteStore;

/// Reading connections: `list`, `show` and health checks side by side; each costs a thread.
const READERS_MAX: u32 = 3;
/// Pages of 4 KiB in the write-ahead log before it is folded into the file: 16 MiB. A page changed by many
/// transactions is then folded once.
const WAL_PAGES_MAX: &str = "4000";
/// How long a second process (`redrive` during `serve`) waits for the first one's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

impl SqliteStore {
    /// Opens the database, creating it where there is none, and migrates it.
    ///
    /// `Corrupt` where the file is no database or was written by a newer version.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>) -> PortResult<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("temp_store", "memory")
            // What is erased must not stay behind in free pages (SQLite documentation, "PRAGMA secure_delete").
            .pragma("secure_delete", "on")
            .pragma("wal_autocheckpoint", WAL_PAGES_MAX);
        let writer = pool(1).connect_with(options.clone()).await.map_err(db("open the database"))?;
        migrations().run(&writer).await.map_err(|error| migration_error(&error))?;
        let readers = pool(READERS_MAX)
            .connect_with(options.pragma("query_only", "on"))
            .await
            .map_err(db("open the database for reading"))?;
        Ok(Self { writer, readers, clock, violations: Violations::default() })
    }
}

/// Local connections neither die nor go stale, so they are neither tested nor retired.
fn pool(connections_max: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(connections_max)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

/// Proves that the file can be written: takes the write lock, changes a row that does not exist, rolls back.
pub(super) async fn check(writer: &SqlitePool) -> PortResult<String> {
    let what = "write to the database";
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await.map_err(db(what))?;
    sqlx::query("INSERT INTO outbox SELECT * FROM outbox WHERE 0")
        .execute(&mut *tx)
        .await
        .map_err(db(what))?;
    let row = sqlx::query(
        "SELECT sqlite_version() AS engine, (SELECT max(version) FROM _sqlx_migrations) AS schema,
                (SELECT count(*) FROM assets) AS assets",
    )
    .fetch_one(&mut *tx)
    .await
    .map_err(db(what))?;
    tx.rollback().await.map_err(db(what))?;
    let engine: String = row.try_get("engine").map_err(db(what))?;
    let schema: i64 = row.try_get("schema").map_err(db(what))?;
    let assets: i64 = row.try_get("assets").map_err(db(what))?;
    Ok(format!("SQLite {engine}, schema {schema}, {assets} assets"))
}

fn migration_error(error: &MigrateError) -> PortError {
    let what = "migrate the database";
    let known = migrations().iter().map(|m| m.version).max().unwrap_or(0);
    match error {
        MigrateError::VersionMissing(found) => PortError::new(
            Port::Store,
            ErrorKind::Corrupt,
            what,
            format!(
                "expected schema {known} or older, found {found}: it was written by a newer Reelgate; run that one"
            ),
        ),
        MigrateError::VersionMismatch(found) => PortError::new(
            Port::Store,
            ErrorKind::Corrupt,
            what,
            format!(
                "schema {found} of the file is not the one this Reelgate knows; run the version that wrote it"
            ),
        ),
        MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) => {
            let code = cause.as_database_error().map(|e| e.message().to_owned());
            let detail = code.unwrap_or_else(|| cause.to_string());
            PortError::new(
                Port::Store,
                ErrorKind::Corrupt,
                what,
                format!("expected a Reelgate database: {detail}"),
            )
        }
        other => PortError::new(Port::Store, ErrorKind::Corrupt, what, other.to_string()),
    }
}
