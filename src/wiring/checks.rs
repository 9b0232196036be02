//! Looks at every port that the configuration names, each by itself: one that cannot be reached hides no other. Changes nothing.

use std::path::Path;
use std::sync::Arc;

use reelgate_embedded::sqlite::SqliteStore;
use reelgate_flow::plain::counted;
use reelgate_ports::audit::Seal;
use reelgate_ports::clock::SystemClock;
use reelgate_ports::events::DeadLetters;
use reelgate_ports::shards::Shards;

use super::access::Access;
use super::aws::{self, Aws};
use super::{events, node, notices, objects, seals, store};
use crate::config::Config;
use crate::exit::Failure;

/// What a port is called, and what was found there.
pub type Checked = (String, Result<String, Failure>);

/// Looks at the store, the objects, the source of events, the way of events to it, the scanner, the seal of the audit log
/// where it is kept in S3, and every receiver of notices.
pub async fn check_ports(config: &Config) -> Vec<Checked> {
    let clients = Aws::new(config);
    let mut checked = Vec::new();
    let mut add = |name: &str, found: Result<String, Failure>| checked.push((name.to_owned(), found));
    let (found, shards) = check_store(config).await;
    add("store", found);
    add("objects", check_objects(config, &clients).await);
    add("ingest", check_events(config, &clients, shards).await);
    if let Some(source) = events::remote(config) {
        add("ingest route", aws::check_route(config, &clients, source).await);
    }
    match aws::dead_letters(config, &clients).await {
        Ok(None) => {}
        Ok(Some(dead_letters)) => add("dead letters", waiting(&*dead_letters).await),
        Err(failure) => add("dead letters", Err(failure)),
    }
    match aws::open_scanner(config, &clients).await {
        Ok(None) => {}
        Ok(Some(scanner)) => add("scanner", scanner.check().await.map_err(Failure::from)),
        Err(failure) => add("scanner", Err(failure)),
    }
    if !config.raw.store.audit_seal.is_empty() {
        add("audit seal", kept_seal(config, &clients).await);
    }
    for (name, receiver) in notices::each(config, &clients).await {
        let found = match receiver {
            Ok(receiver) => receiver.check().await.map_err(Failure::from),
            Err(_) if name == notices::HOME_FILE && !config.home.exists() => Ok(not_yet(&config.home)),
            Err(failure) => Err(failure),
        };
        add(&format!("notices {name}"), found);
    }
    checked
}

/// A home on this machine is made at the first start.
fn not_yet(home: &Path) -> String {
    format!("{} does not exist yet; `run` or `serve` creates it", home.display())
}

async fn check_store(config: &Config) -> (Result<String, Failure>, Arc<dyn Shards>) {
    // For a look at a stream where the store is away: that look asks for no position.
    let none = Arc::new(SqliteStore::inspect(&config.home.join("none"), Arc::new(SystemClock)));
    if store::is_in_home(config) && !config.home.exists() {
        return (Ok(not_yet(&config.home)), none);
    }
    match store::open(config, Access::Inspect).await {
        Ok((opened, shards)) => {
            let found = opened.check().await.map_err(Failure::from);
            store::close(&*opened).await;
            (found, shards)
        }
        Err(failure) => (Err(failure), none),
    }
}

async fn check_objects(config: &Config, clients: &Aws<'_>) -> Result<String, Failure> {
    if config.raw.objects.url.is_empty() && !config.home.exists() {
        return Ok(not_yet(&config.home));
    }
    Ok(objects::open(config, clients, Access::Inspect).await?.check().await?)
}

async fn check_events(
    config: &Config,
    clients: &Aws<'_>,
    shards: Arc<dyn Shards>,
) -> Result<String, Failure> {
    let node = node::name(config, false);
    Ok(events::open(config, &node, shards, clients, Access::Inspect).await?.check().await?)
}

async fn kept_seal(config: &Config, clients: &Aws<'_>) -> Result<String, Failure> {
    let kept = seals::keeper(config, clients).await?.kept().await?;
    let after = |seal: Seal| format!("kept after {}", counted(seal.records, "record", "records"));
    Ok(kept.map_or_else(|| "none is kept yet".to_owned(), after))
}

async fn waiting(dead_letters: &dyn DeadLetters) -> Result<String, Failure> {
    let waiting = dead_letters.waiting().await?;
    let advice = if waiting > 0 { "; `reelgate events redrive-dlq` sends them again" } else { "" };
    Ok(format!("about {waiting} wait{advice}"))
}
