//! The last seal of the audit log, kept outside of the database.

use async_trait::async_trait;

use crate::audit::{Broken, Chain, Seal};
use crate::error::{ErrorKind, Port, PortError, PortResult};
use crate::store::Store;

/// Most entries of one call of the store.
const ENTRIES_MAX: u32 = 1_000;

/// Largest seal that is read, bytes. One has about 100.
pub const SEAL_BYTES_MAX: u64 = 4_096;

/// Reading of the kept seal, as errors name it.
pub const READ_SEAL: &str = "read the seal of the audit log";
/// Keeping of a seal, as errors name it.
pub const KEEP_SEAL: &str = "keep the seal of the audit log";

/// Keeps the last seal where a restored database does not change it.
#[async_trait]
pub trait SealKeeper: Send + Sync {
    /// The seal that was kept last; `None` if none was.
    async fn kept(&self) -> PortResult<Option<Seal>>;

    /// Keeps a seal in place of the one before.
    async fn keep(&self, seal: &Seal) -> PortResult<()>;
}

/// Chains every line that waits, and keeps the seal of the chain's end. `Conflict` if the chain does not contain what the kept seal
/// names: then that seal stays, as the proof of it.
pub async fn seal_and_keep(store: &dyn Store, keeper: &dyn SealKeeper) -> PortResult<Seal> {
    while store.seal(ENTRIES_MAX).await? > 0 {}
    let kept = keeper.kept().await?;
    let seal = store.audit_end().await?.as_ref().map_or_else(Chain::default, Chain::after).seal();
    if let Some(kept) = &kept {
        check(store, kept, &seal).await?;
    }
    if kept.as_ref() != Some(&seal) {
        keeper.keep(&seal).await?;
    }
    Ok(seal)
}

/// Compares the one record that the kept seal names.
async fn check(store: &dyn Store, kept: &Seal, seal: &Seal) -> PortResult<()> {
    let Some(before) = kept.records.checked_sub(1) else { return Ok(()) };
    let named = store.audit(before, 1).await?;
    let broken = match named.first() {
        Some(record) if Chain::after(record).seal() == *kept => return Ok(()),
        Some(_) => Broken::Replaced { kept: kept.clone() },
        None => Broken::RolledBack { kept: kept.clone(), found: seal.records },
    };
    Err(PortError::new(Port::Store, ErrorKind::Conflict, KEEP_SEAL, broken.to_string()))
}
