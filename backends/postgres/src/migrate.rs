//! Migrates the schema to this version, and refuses any other.

use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use crate::error::{DbError, db};
use crate::maintenance;
use crate::pg_store::PgStore;
use crate::settings::Settings;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

const WHAT: &str = "migrate the database";

/// The schema this version knows.
pub(crate) fn newest() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

impl PgStore {
    /// Migrates the schema to this version, under a lock: one of several nodes does it and the others wait. Returns
    /// the schema's number.
    ///
    /// `Corrupt` where it was written by a newer version.
    pub async fn migrate(settings: &Settings) -> PortResult<i64> {
        // A migration may take longer than any statement of the store.
        let options: PgConnectOptions =
            settings.options()?.options([("statement_timeout", "0"), ("lock_timeout", "0")]);
        let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await.map_err(db(WHAT))?;
        let ran = MIGRATIONS.run(&pool).await.map_err(|error| refused(&error));
        let prepared = match ran {
            Ok(()) => maintenance::prepare_months(&pool).await.map_err(PortError::from),
            Err(error) => Err(error),
        };
        pool.close().await;
        prepared.map(|()| newest())
    }
}

/// Refuses a schema that is not this version's.
pub(crate) async fn expect_current(pool: &PgPool) -> PortResult<()> {
    let what = "open the database";
    let newest = newest();
    let found = sqlx::query_scalar!("SELECT max(version) FROM _sqlx_migrations WHERE success")
        .fetch_one(pool)
        .await
        .map(|version| version.unwrap_or(0));
    let found = match found {
        Ok(found) => found,
        Err(error) if is_missing_table(&error) => 0,
        Err(error) => return Err(DbError::Sql(what, error).into()),
    };
    let expected = |kind, then: &str| {
        let detail = format!("expected schema {newest}, found {found}: {then}");
        Err(PortError::new(Port::Store, kind, what, detail))
    };
    if found < newest {
        return expected(ErrorKind::Conflict, "run `reelgate migrate`");
    }
    if found > newest {
        return expected(ErrorKind::Corrupt, "it was written by a newer Reelgate; run that one");
    }
    Ok(())
}

fn is_missing_table(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|cause| cause.code()).is_some_and(|code| code == "42P01")
}

fn refused(error: &MigrateError) -> PortError {
    match error {
        MigrateError::VersionMissing(found) => PortError::new(
            Port::Store,
            ErrorKind::Corrupt,
            WHAT,
            format!(
                "expected schema {} or older, found {found}: it was written by a newer Reelgate; run that one",
                newest()
            ),
        ),
        MigrateError::VersionMismatch(found) => PortError::new(
            Port::Store,
            ErrorKind::Corrupt,
            WHAT,
            format!(
                "schema {found} of the database is not the one this Reelgate knows; run the version that wrote it"
            ),
        ),
        other => PortError::new(Port::Store, ErrorKind::Unavailable, WHAT, other.to_string()),
    }
}
