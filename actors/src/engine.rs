//! The engine's handle for the wiring: start, wait, drain. It hides the actors.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr};
use reelgate_flow::asset::Phase;
use reelgate_ports::error::PortResult;
use reelgate_ports::objects::Objects;
use reelgate_ports::store::Store;

use crate::availability::DrainReason;
use crate::engine_context::EngineContext;
use crate::messages::DrainStarted;
use crate::supervisor::Supervisor;

/// How long a drain may take after the grace time of running tasks.
const DRAIN_GRACE: Duration = Duration::from_secs(5);

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

    /// Releases the shards, stops claiming, lets running tasks finish within the grace time, gives the other tasks back,
    /// commits, and reports that the node has stopped. Returns the actors that did not end within `grace` and five seconds;
    /// without any, the engine calls the store no more.
    pub async fn drain(&self, grace: Duration) -> Vec<&'static str> {
        let context = &self.context;
        if context.availability.reason(DrainReason::Leaving).is_none() {
            context.availability.hold(DrainReason::Leaving, "the process was asked to stop");
        }
        if self.supervisor.send(DrainStarted { grace }).await.is_err() {
            return vec!["supervisor"];
        }
        let settled = async {
            while !context.progress_board.is_drained() {
                let pause = tokio::time::sleep(Duration::from_millis(20));
                tokio::select! { () = context.progress_board.changed() => {}, () = pause => {} }
            }
        };
        match tokio::time::timeout(grace + DRAIN_GRACE, settled).await {
            Ok(()) => Vec::new(),
            Err(_) => context.progress_board.draining().unwrap_or_default(),
        }
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
