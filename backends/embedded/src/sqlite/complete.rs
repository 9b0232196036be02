//! Committing reports: the core decides, one transaction writes.

use reelgate_flow::ids::AssetId;
use reelgate_ports::error::PortResult;
use reelgate_ports::records::{Applied, TaskReport};
use reelgate_ports::unit::UnitOfWork;
use sqlx::SqliteConnection;

use super::duplicates;
use super::work::load;

/// Applies reports in order. Where one cannot be written none is: the caller may try them one by one.
pub(super) async fn complete(
    conn: &mut SqliteConnection,
    work: &mut UnitOfWork,
    reports: &[TaskReport],
) -> PortResult<Vec<Applied>> {
    let ids: Vec<AssetId> = reports.iter().map(|report| report.fence.asset.clone()).collect();
    load(conn, work, &ids).await?;
    let mut applied = Vec::with_capacity(reports.len());
    for report in reports {
        if let Some(sha256) = work.content_to_look_for(report) {
            duplicates::load_originals(conn, work, &report.fence.asset, &sha256).await?;
        }
        applied.push(work.report(report)?);
        duplicates::follow_up(conn, work).await?;
    }
    Ok(applied)
}
