//! Opens connections, only to a server that accepts writes, and checks its version and schema.

use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reelgate_flow::plain::counted;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_store::work::Violations;
use sqlx::PgConnection;
use sqlx::postgres::{PgPool, PgPoolOptions};

use crate::cursor::Cursor;
use crate::error::db;
use crate::listen::NotifyListener;
use crate::pg_store::PgStore;
use crate::rate_limit::{Jitter, LOOK_EVERY, RateLimit};
use crate::settings::Settings;
use crate::time::Time;
use crate::{migrate, pooled_connection};

/// Connections for questions that no work waits for.
const READERS_MAX: u32 = 3;
/// The oldest server whose statements these are: `server_version_num`.
const SERVER_VERSION_MIN: i32 = 140_000;
/// Tasks whose wait is over are claimable this much later at most.
const WAKE_EVERY: Duration = Duration::from_millis(100);
/// Counts and queue ends are compacted no more often than this.
const MAINTENANCE_EVERY: Duration = Duration::from_secs(60);

impl PgStore {
    /// Opens a store whose schema is the one this version knows; `migrate` brings it there.
    ///
    /// `Conflict` where the schema is older, `Corrupt` where it is newer or none of ours.
    pub async fn open(settings: &Settings, time: Time) -> PortResult<Self> {
        let options = settings.options()?;
        // The small tables grow and shrink by the second, so the planner's statistics about them are always wrong.
        // These settings keep it to the indexes that the statements were written for.
        let planned = options.clone().options([
            ("enable_seqscan", "off"),
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
            ("enable_bitmapscan", "off"),
            // Planning some of these statements takes longer than executing them.
            ("plan_cache_mode", "force_generic_plan"),
        ]);
        let writers = pool(settings, settings.connections_max.clamp(1, 100));
        let writers = writers.connect_with(planned).await.map_err(db("reach the database"))?;
        let readers = pool(settings, READERS_MAX).connect_lazy_with(options.clone());
        expect_version(&writers).await?;
        migrate::expect_current(&writers).await?;
        let seed = seed();
        Ok(Self {
            notify_listener: NotifyListener::start(readers.clone()),
            writers,
            readers,
            time,
            cursor: Cursor::default(),
            jitter: Jitter::new(seed),
            violations: Violations::default(),
            policy: Arc::default(),
            woke: RateLimit::new(WAKE_EVERY),
            woke_ms: AtomicU64::new(0),
            outbox_positions: Mutex::default(),
            leases_looked: RateLimit::new(LOOK_EVERY),
            leases_from: AtomicI64::new(i64::MIN),
            claims_looked: RateLimit::new(LOOK_EVERY),
            maintained: RateLimit::new(MAINTENANCE_EVERY),
        })
    }

    /// Proves that the database can be written, changing nothing.
    pub(crate) async fn prove(&self) -> PortResult<String> {
        let what = "write to the database";
        let mut tx = pooled_connection::begin(&self.writers, "BEGIN", what).await?;
        sqlx::query!("DELETE FROM nodes WHERE false").execute(&mut *tx).await.map_err(db(what))?;
        let row = sqlx::query!(
            r#"SELECT current_setting('server_version') AS "engine!",
                      (SELECT coalesce(sum(change), 0)::bigint FROM phase_counts) AS "assets!""#
        )
        .fetch_one(&mut *tx)
        .await
        .map_err(db(what))?;
        tx.rollback().await.map_err(db(what))?;
        let schema = migrate::newest();
        let assets = counted(u64::try_from(row.assets).unwrap_or(0), "asset", "assets");
        Ok(format!("PostgreSQL {}, schema {schema}, {assets}", row.engine))
    }
}

/// Connections are not tested before use: a call on a lost connection is retried. They are replaced after half an
/// hour, so that the store follows a changed address of the writer.
fn pool(settings: &Settings, connections_max: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(settings.acquire_timeout)
        .test_before_acquire(false)
        .idle_timeout(Duration::from_secs(300))
        .max_lifetime(Duration::from_secs(1_800))
        .after_connect(|conn, _| Box::pin(expect_writer(conn)))
}

/// Refuses a standby, and a server that is set to read only: no decision may rest on its rows. The pool tries again
/// until it reaches another server or the caller's time to wait is over.
async fn expect_writer(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    let reader = sqlx::query_scalar!(
        r#"SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS "reader!""#
    )
    .fetch_one(conn)
    .await?;
    if reader {
        return Err(sqlx::Error::Io(std::io::Error::other("expected a server that accepts writes")));
    }
    Ok(())
}

async fn expect_version(pool: &PgPool) -> PortResult<()> {
    let what = "open the database";
    let found = sqlx::query_scalar!(r#"SELECT current_setting('server_version_num')::integer AS "version!""#)
        .fetch_one(pool)
        .await
        .map_err(db(what))?;
    if found < SERVER_VERSION_MIN {
        let detail = format!("expected PostgreSQL 14 or later, found {}", found / 10_000);
        return Err(PortError::new(Port::Store, ErrorKind::Invalid, what, detail));
    }
    Ok(())
}

/// Differs between processes and between stores of one process.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}
