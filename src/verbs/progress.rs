//! How far an asset is, as `show` and `queue --assets` tell it.

use std::fmt;

use reelgate_actors::work::progress::{Progress, progress};
use reelgate_ports::clock::{Clock, SystemClock};
use reelgate_ports::records::{AssetDetail, NodeRecord};
use reelgate_ports::store::Store;
use serde::Serialize;

use crate::exit::Failure;
use crate::output::table::seconds;

/// How far an asset is.
#[derive(Clone, Copy, Serialize)]
pub struct ProgressLine {
    /// The part of its media that finished tasks worked through, 0 to 1.
    done: f64,
    /// Seconds until it is published; `null` while its heavy tasks wait for a node.
    left_s: Option<f64>,
}

impl ProgressLine {
    /// Asks the store, which has these nodes; `None` for an asset that is not planned yet, or has ended.
    pub async fn read(
        store: &dyn Store,
        detail: &AssetDetail,
        nodes: &[NodeRecord],
    ) -> Result<Option<Self>, Failure> {
        let asset = &detail.asset;
        if asset.phase.is_ended() {
            return Ok(None);
        }
        let media = store.media_progress(&asset.id).await?;
        let history = store.history(&asset.id).await?;
        let found = progress(SystemClock.now_ms(), media, &detail.tasks, &history, nodes);
        Ok(found.map(|Progress { done, left_s }| Self { done, left_s }))
    }
}

impl fmt::Display for ProgressLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} %", self.done * 100.0)?;
        match self.left_s {
            Some(left_s) => write!(f, ", about {} left", seconds(left_s)),
            None => f.write_str(", waits for a node"),
        }
    }
}
