//! The store in PostgreSQL. Only this file of the program names that crate.

use std::sync::Arc;

use reelgate_ports::shards::Shards;
use reelgate_ports::store::Store;
use reelgate_postgres::{PgStore, Settings, Time};

use crate::config::{Config, Raw};
use crate::exit::Failure;

/// Opens the database; its schema must be up to date.
pub async fn open(url: &str, config: &Config) -> Result<(Arc<dyn Store>, Arc<dyn Shards>), Failure> {
    let store = PgStore::open(&settings(url, &config.raw), Time::Database).await?;
    let store = Arc::new(store.with_policy(config.policy.clone()));
    Ok((store.clone(), store))
}

/// Migrates the database to this version.
pub async fn migrate(url: &str, raw: &Raw) -> Result<(), Failure> {
    PgStore::migrate(&settings(url, raw)).await?;
    Ok(())
}

fn settings(url: &str, raw: &Raw) -> Settings {
    Settings {
        connections_max: raw.store.connections,
        plaintext_hosts: raw.network.hosts(),
        ..Settings::new(url)
    }
}
