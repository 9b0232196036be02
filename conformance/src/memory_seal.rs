//! A keeper of seals in memory.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use reelgate_ports::audit::Seal;
use reelgate_ports::error::PortResult;
use reelgate_ports::seal_keeper::SealKeeper;

/// Keeps the last seal of one process.
#[derive(Debug, Default)]
pub struct MemorySeal(Mutex<Option<Seal>>);

#[async_trait]
impl SealKeeper for MemorySeal {
    async fn kept(&self) -> PortResult<Option<Seal>> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn keep(&self, seal: &Seal) -> PortResult<()> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(seal.clone());
        Ok(())
    }
}
