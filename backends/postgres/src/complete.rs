//! Committing reports: the core decides, one transaction writes.

use std::collections::BTreeSet;

use reelgate_flow::ids::AssetId;
use reelgate_ports::records::{Applied, Ending, Success, TaskReport};
use sqlx::PgConnection;

use crate::error::DbResult;
use crate::locks::{self, Locks};
use crate::transact::WriteCall;
use crate::unit::Unit;

/// Applies reports in order. Where one cannot be written none is: the caller may try them one by one.
pub(crate) struct Complete<'a>(pub &'a [TaskReport]);

impl WriteCall for Complete<'_> {
    type Output = Vec<Applied>;

    const WHAT: &'static str = "complete tasks";

    /// Of two uploads with the same content that are validated at the same time, one must see the other.
    fn locks(&self) -> Option<Locks> {
        let validated =
            |report: &&TaskReport| matches!(report.ending, Ending::Success(Success::Validated { .. }));
        let reported = self.0.iter().filter(validated);
        let hashes: Vec<i64> =
            reported.filter_map(|report| report.sha256.as_deref().map(locks::hash)).collect();
        (!hashes.is_empty()).then(|| Locks::contents(hashes))
    }

    async fn run(&self, conn: &mut PgConnection, unit: &mut Unit) -> DbResult<Vec<Applied>> {
        let ids: Vec<AssetId> = self.0.iter().map(|report| report.fence.asset.clone()).collect();
        unit.load(conn, &ids).await?;
        let contents: BTreeSet<String> =
            self.0.iter().filter_map(|report| unit.work.content_to_look_for(report)).collect();
        unit.load_originals(conn, &contents).await?;
        let mut applied = Vec::with_capacity(self.0.len());
        for report in self.0 {
            applied.push(unit.work.report(report)?);
        }
        unit.follow_up(conn).await?;
        Ok(applied)
    }
}
