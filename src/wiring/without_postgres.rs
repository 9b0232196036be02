//! PostgreSQL in a build without the feature `postgres`: refused, with the build that has it.

use std::sync::Arc;

use reelgate_ports::shards::Shards;
use reelgate_ports::store::Store;

use crate::config::{Config, Raw};
use crate::exit::Failure;

/// Refused.
pub async fn open(_: &str, _: &Config) -> Result<(Arc<dyn Store>, Arc<dyn Shards>), Failure> {
    Err(absent())
}

/// Refused.
pub async fn migrate(_: &str, _: &Raw) -> Result<(), Failure> {
    Err(absent())
}

fn absent() -> Failure {
    Failure::Usage(
        "store.url: expected a build with PostgreSQL, found one without; build it with `make build`".into(),
    )
}
