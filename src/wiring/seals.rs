//! Where the last seal of the audit log is kept outside of the database.

use std::sync::Arc;

use reelgate_embedded::seal_file::SealFile;
use reelgate_ports::seal_keeper::{SealKeeper, seal_and_keep};
use reelgate_ports::store::Store;

use super::aws::{self, Aws};
use crate::config::Config;
use crate::exit::Failure;

/// The object that the configuration names, or a file in the home.
pub async fn keeper(config: &Config, clients: &Aws<'_>) -> Result<Arc<dyn SealKeeper>, Failure> {
    if config.raw.store.audit_seal.is_empty() {
        return Ok(Arc::new(SealFile::new(config.home.join("audit-seal.json"))));
    }
    aws::open_seal(config, clients).await
}

/// Chains what waits for the audit log and keeps the seal; a database older than the kept seal is told.
pub async fn seal(config: &Config, store: &dyn Store) -> Result<(), Failure> {
    let keeper = keeper(config, &Aws::new(config)).await?;
    seal_and_keep(store, &*keeper).await?;
    Ok(())
}
