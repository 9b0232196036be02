//! Looks at a database and changes nothing: no migration, no new file, no byte of an existing one.

use std::path::Path;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use reelgate_flow::plain::counted;
use reelgate_ports::clock::Clock;
use reelgate_ports::error::{Port, PortError, PortResult};
use reelgate_store::work::Violations;
use rustix::fs::{Access, access};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Row, SqlitePool};

use super::error::{db, in_ours};
use super::open::{beside, known_schema, newer_schema};
use super::queue_clock::QueueClock;
use super::sqlite_store::SqliteStore;

const LOOK: &str = "look at the database";
/// What is encoded in a path within a URI: <https://www.sqlite.org/uri.html>.
const URI_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.');

impl SqliteStore {
    /// A store that reads the file as it is, from its first call on. Calls that write fail.
    ///
    /// Opening a database for writing may migrate it, and in any case makes files beside it.
    pub fn inspect(path: &Path, clock: Arc<dyn Clock>) -> Self {
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(options(path));
        Self {
            writer: pool.clone(),
            readers: pool,
            queue_clock: QueueClock::unshared(clock.clone()),
            clock,
            violations: Violations::default(),
            policy: Arc::default(),
            inspected: Some(path.to_owned()),
        }
    }
}

/// While another process uses the database, or after a crash, part of it is in the write-ahead log, and an index of that in
/// shared memory: both are read. Otherwise the file is whole. Without `immutable` SQLite would make the two anew.
fn options(path: &Path) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new().read_only(true);
    let [_, log, memory] = beside(path);
    if log.exists() && memory.exists() {
        // `readonly_shm`: <https://www.sqlite.org/src/file?name=src/os_unix.c>, `unixOpenSharedMemory`.
        let path = percent_encode(path.as_os_str().as_encoded_bytes(), URI_PATH);
        options.filename(format!("file:{path}?readonly_shm=1"))
    } else {
        options.filename(path).immutable(true)
    }
}

/// Proves that the file can be read and could be written, and says what the next start will do with it.
pub(super) async fn check(pool: &SqlitePool, path: &Path) -> PortResult<String> {
    let io = |error: std::io::Error| PortError::io(Port::Store, LOOK, &error);
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    access(directory, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| io(error.into()))?;
    match path.metadata() {
        // An empty file is what a start that was interrupted leaves.
        Ok(metadata) if metadata.len() == 0 => return Ok(NONE_YET.to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(NONE_YET.to_owned()),
        found => found.map_err(io)?,
    };
    access(path, Access::READ_OK | Access::WRITE_OK).map_err(|error| io(error.into()))?;
    let row = sqlx::query(
        "SELECT sqlite_version() AS engine, (SELECT max(version) FROM _sqlx_migrations) AS schema,
                (SELECT count(*) FROM assets) AS assets",
    )
    .fetch_one(pool)
    .await
    .map_err(in_ours(LOOK))?;
    let engine: String = row.try_get("engine").map_err(db(LOOK))?;
    let schema: i64 = row.try_get("schema").map_err(db(LOOK))?;
    let assets: i64 = row.try_get("assets").map_err(db(LOOK))?;
    let known = known_schema();
    if schema > known {
        return Err(newer_schema(LOOK, schema));
    }
    let next =
        if schema < known { format!(", which the next start migrates to {known}") } else { String::new() };
    let assets = counted(u64::try_from(assets).unwrap_or(0), "asset", "assets");
    Ok(format!("SQLite {engine}, schema {schema}{next}, {assets}"))
}

const NONE_YET: &str = "there is no database yet; `run` or `serve` creates it";
