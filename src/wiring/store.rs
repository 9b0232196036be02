//! Opens the store.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reelgate_embedded::sqlite::SqliteStore;
use reelgate_ports::clock::SystemClock;
use reelgate_ports::shards::Shards;
use reelgate_ports::store::Store;

#[cfg(feature = "postgres")]
use super::postgres;
#[cfg(not(feature = "postgres"))]
use super::without_postgres as postgres;

use super::access::Access;
use crate::config::paths;

use crate::config::Config;
use crate::exit::Failure;

/// Longest time that the store may take to end its connections.
const CLOSE_MAX: Duration = Duration::from_secs(5);

/// What `store.url` names.
enum Address<'a> {
    Sqlite(PathBuf),
    Postgres(&'a str),
}

fn address(config: &Config) -> Result<Address<'_>, Failure> {
    let url = config.raw.store.url.reveal();
    if url.is_empty() {
        return Ok(Address::Sqlite(config.home.join("reelgate.sqlite")));
    }
    if let Some(path) = url.strip_prefix("sqlite:") {
        return Ok(Address::Sqlite(PathBuf::from(path)));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Address::Postgres(url));
    }
    Err(Failure::Usage("store.url: expected `sqlite:FILE` or `postgres://…`, found another form".into()))
}

/// Whether the store is the file that a home has if none is configured.
pub fn is_in_home(config: &Config) -> bool {
    config.raw.store.url.is_empty()
}

/// Whether the store is a file, which only one process may use at a time.
pub fn is_embedded(config: &Config) -> bool {
    matches!(address(config), Ok(Address::Sqlite(_)))
}

/// Proves that the store could be opened, and leaves nothing open.
pub async fn prove(config: &Config) -> Result<(), Failure> {
    let Address::Postgres(url) = address(config)? else { return Ok(()) };
    let (store, _) = postgres::open(url, config).await?;
    let proven = store.check().await;
    store.close().await;
    proven?;
    Ok(())
}

/// Opens the store. A PostgreSQL database is migrated by `reelgate migrate` only.
pub async fn open(config: &Config, access: Access) -> Result<(Arc<dyn Store>, Arc<dyn Shards>), Failure> {
    match address(config)? {
        Address::Sqlite(path) => {
            let clock = Arc::new(SystemClock);
            let store = match access {
                Access::Work => SqliteStore::open(&path, clock).await?.with_policy(config.policy.clone()),
                Access::Inspect => SqliteStore::inspect(&path, clock),
            };
            let store = Arc::new(store);
            Ok((store.clone(), store))
        }
        Address::Postgres(url) => postgres::open(url, config).await,
    }
}

/// Ends the store's connections. Those that take too long end with the process.
pub async fn close(store: &dyn Store) {
    // Connections that end with the process lose nothing that was committed.
    let _ = tokio::time::timeout(CLOSE_MAX, store.close()).await;
}

/// Whether there is a database; one on a server is there, or cannot be reached.
pub fn exists(config: &Config) -> Result<bool, Failure> {
    match address(config)? {
        Address::Sqlite(path) => paths::is_file("--home", &path),
        Address::Postgres(_) => Ok(true),
    }
}

/// Refuses a home whose database file does not exist.
pub fn check_exists(config: &Config) -> Result<(), Failure> {
    let Address::Sqlite(path) = address(config)? else { return Ok(()) };
    if exists(config)? {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "--home: expected a home with a database, found none at {}; `reelgate run` creates one",
        path.display()
    )))
}

/// Migrates the database to this version; returns its description.
pub async fn migrate(config: &Config) -> Result<String, Failure> {
    if let Address::Postgres(url) = address(config)? {
        postgres::migrate(url, &config.raw).await?;
    }
    // SQLite is migrated whenever it is opened.
    let (store, _) = open(config, Access::Work).await?;
    Ok(store.check().await?)
}
