//! The engine's handle for the wiring: start, wait, drain. It hides the actors.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr};
use reelgate_flow::asset::Phase;
use reelgate_ports::error::PortResult;
use reelgate_ports::objects::Objects;
use reelgate_ports::store::Store;

use crate::engine_context::EngineContext;
use crate::messages::DrainStarted;
use crate::supervisor::Supervisor;

/// A running engine. Must be started inside an actix system.
pub struct Engine {
    context: Arc<EngineContext>,
    supervisor: Addr<Supervisor>,
}

impl Engine {
    /// Removes staged files of ended assets, then starts every actor.
    pub async fn start(context: EngineContext) -> PortResult<Self> {
        let context = Arc::new(context);
        sweep_staging(&*context.store, &*context.objects).await?;
        let supervisor = Supervisor::new(Arc::clone(&context)).start();
        Ok(Self { context, supervisor })
    }

    pub fn context(&self) -> &Arc<EngineContext> {
        &self.context
    }

    /// Stops claiming, lets running tasks finish within the grace time, gives the other tasks back, and commits.
    /// Returns whether all of this was done within `grace` and five seconds.
    pub async fn drain(&self, grace: Duration) -> bool {
        if self.supervisor.send(DrainStarted { grace }).await.is_err() {
            return false;
        }
        let settled = async {
            while !self.context.progress_board.is_drained() {
                let pause = tokio::time::sleep(Duration::from_millis(20));
                tokio::select! { () = self.context.progress_board.changed() => {}, () = pause => {} }
            }
        };
        tokio::time::timeout(grace + Duration::from_secs(5), settled).await.is_ok()
    }
}

/// Removes the staging areas of assets that have ended: a crash after the last commit leaves them behind.
/// Returns how many were removed.
pub async fn sweep_staging(store: &dyn Store, objects: &dyn Objects) -> PortResult<u64> {
    let mut removed = 0;
    for asset in objects.staged_assets().await? {
        let keep = match store.asset(&asset).await {
            Ok(detail) => !detail.asset.phase.is_ended() || detail.asset.phase == Phase::Failed,
            Err(error) if error.kind == reelgate_ports::error::ErrorKind::Missing => false,
            Err(error) => return Err(error),
        };
        if !keep {
            objects.discard_staging(&asset).await?;
            removed += 1;
        }
    }
    Ok(removed)
}
