//! The store in PostgreSQL. Only this file of the program names that crate.

use std::sync::Arc;

use reelgate_flow::policy::Policy;
use reelgate_ports::shards::Shards;
use reelgate_ports::store::Store;
use reelgate_postgres::{PgStore, Settings, Time};

use crate::exit::Failure;

/// Opens the database; its schema must be up to date.
pub async fn open(
    url: &str,
    connections: u32,
    policy: Policy,
) -> Result<(Arc<dyn Store>, Arc<dyn Shards>), Failure> {
    let store = PgStore::open(&settings(url, connections), Time::Database).await?;
    let store = Arc::new(store.with_policy(policy));
    Ok((store.clone(), store))
}

/// Migrates the database to this version.
pub async fn migrate(url: &str, connections: u32) -> Result<(), Failure> {
    PgStore::migrate(&settings(url, connections)).await?;
    Ok(())
}

fn settings(url: &str, connections: u32) -> Settings {
    Settings { connections_max: connections, ..Settings::new(url) }
}
