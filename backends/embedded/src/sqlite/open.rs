//! Opens the file, migrates its schema, and refuses a schema of a newer version.

use std::future::ready;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reelgate_flow::plain::counted;
use reelgate_ports::clock::Clock;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_store::work::Violations;
use sqlx::migrate::MigrateError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, Row, SqlitePool};

use super::error::{db, in_ours, may_only_read};
use super::migrations::migrations;
use super::queue_clock::{self, QueueClock};
use super::sqlite_store::SqliteStore;
use crate::private_files;

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
        make_private(path).map_err(|error| PortError::io(Port::Store, "make the database file", &error))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("temp_store", "memory")
            // What is erased must not stay behind in free pages (SQLite documentation, "PRAGMA secure_delete").
            .pragma("secure_delete", "on")
            .pragma("wal_autocheckpoint", WAL_PAGES_MAX);
        let writer = pool(1).connect_with(options.clone()).await.map_err(db("open the database"))?;
        migrations().run(&writer).await.map_err(migration_error)?;
        let readers = pool(READERS_MAX)
            .connect_with(options.pragma("query_only", "on"))
            .await
            .map_err(db("open the database for reading"))?;
        let queue_clock = match queue_clock::boot() {
            Some(boot) => QueueClock::shared(&writer, clock.clone(), &boot).await?,
            None => QueueClock::unshared(clock.clone()),
        };
        Ok(Self {
            writer,
            readers,
            clock,
            queue_clock,
            violations: Violations::default(),
            policy: Arc::default(),
            inspected: None,
        })
    }
}

/// Makes the database file where there is none. SQLite gives the files beside it (`-wal`, `-shm`) the same mode.
fn make_private(path: &Path) -> io::Result<()> {
    match private_files::create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            beside(path).iter().try_for_each(|file| private_files::restrict(file))
        }
        made => made.map(drop),
    }
}

/// The files of a database: itself, its write-ahead log, and the memory that processes share.
pub(super) fn beside(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        name.into()
    })
}

/// Local connections neither die nor go stale, so they are neither tested nor retired.
///
/// A connection whose last transaction did not end is replaced. After some errors (disk full, I/O error, out of memory)
/// SQLite rolls the transaction back by itself, see <https://www.sqlite.org/lang_transaction.html>, "Response To Errors
/// Within A Transaction". The ROLLBACK that sqlx sends then fails, and sqlx would count the transaction as open for good.
/// A ROLLBACK that was sent before the connection came back to the pool has run by the time that it is used again.
///
/// So is a connection that may have been opened while the disk was read-only.
fn pool(connections_max: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(connections_max)
        .test_before_acquire(false)
        .before_acquire(|connection, of| {
            Box::pin(ready(Ok(!connection.is_in_transaction() && !may_only_read(of.age))))
        })
        .idle_timeout(None)
        .max_lifetime(None)
}

/// The newest schema that this version knows.
pub(super) fn known_schema() -> i64 {
    migrations().iter().map(|step| step.version).max().unwrap_or(0)
}

/// The refusal of a schema of a newer version.
pub(super) fn newer_schema(operation: &'static str, found: i64) -> PortError {
    let known = known_schema();
    let detail = format!(
        "expected schema {known} or older, found {found}: it was written by a newer Reelgate; run that one"
    );
    PortError::new(Port::Store, ErrorKind::Corrupt, operation, detail)
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
    let assets = counted(u64::try_from(assets).unwrap_or(0), "asset", "assets");
    Ok(format!("SQLite {engine}, schema {schema}, {assets}"))
}

fn migration_error(error: MigrateError) -> PortError {
    let what = "migrate the database";
    match error {
        MigrateError::VersionMissing(found) => newer_schema(what, found),
        MigrateError::VersionMismatch(found) => PortError::new(
            Port::Store,
            ErrorKind::Corrupt,
            what,
            format!(
                "schema {found} of the file is not the one this Reelgate knows; run the version that wrote it"
            ),
        ),
        MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) => in_ours(what)(cause),
        other => PortError::new(Port::Store, ErrorKind::Corrupt, what, other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_is_full_while_the_database_is_migrated_does_not_damage_it() {
        let full = || sqlx::Error::Io(io::ErrorKind::StorageFull.into());
        for error in [MigrateError::Execute(full()), MigrateError::ExecuteMigration(full(), 1)] {
            assert_eq!(migration_error(error).kind, ErrorKind::Full);
        }
    }
}
