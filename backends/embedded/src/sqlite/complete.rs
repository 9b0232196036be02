//! Committing reports: the core decides, one transaction writes.

use reelgate_flow::asset::{Input, Outcome, TaskState};
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::PortResult;
use reelgate_ports::records::{Applied, Ending, Success, TaskReport};
use reelgate_ports::telling::By;
use sqlx::SqliteConnection;

use super::twins;
use super::work::{Loaded, Work};
use super::write::Learned;

/// Applies reports in order. Where one cannot be written none is: the caller may try them one by one.
pub(super) async fn complete(
    conn: &mut SqliteConnection,
    work: &mut Work,
    reports: &[TaskReport],
) -> PortResult<Vec<Applied>> {
    let ids: Vec<AssetId> = reports.iter().map(|report| report.fence.asset.clone()).collect();
    work.load(conn, &ids).await?;
    let mut applied = Vec::with_capacity(reports.len());
    for report in reports {
        applied.push(apply(conn, work, report).await?);
        twins::follow_up(conn, work).await?;
    }
    Ok(applied)
}

async fn apply(conn: &mut SqliteConnection, work: &mut Work, report: &TaskReport) -> PortResult<Applied> {
    let id = &report.fence.asset;
    let holds = work.loaded.get(id).is_some_and(|loaded| holds_lease(loaded, report));
    if !holds {
        return Ok(Applied::Stale);
    }
    let input = input(conn, work, report).await?;
    account(work, report)?;
    let by = By { node: Some(&report.node), usage: Some(report.usage) };
    if !work.step(id, input, by)? {
        return Ok(Applied::Stale);
    }
    learn(work, report)?;
    Ok(Applied::Committed(work.at(id)?.row.core.phase))
}

/// The fence: this attempt is the current one and its lease is still this node's, be it over its time.
fn holds_lease(loaded: &Loaded, report: &TaskReport) -> bool {
    let task = report.fence.task;
    let owner = loaded.extras.get(&task).and_then(|extra| extra.lease_owner.as_deref());
    let current = loaded.row.core.tasks.get(&task).is_some_and(|record| {
        record.attempts == report.fence.attempt
            && record.state == TaskState::Ready
            && record.answered < report.fence.attempt
    });
    current && owner == Some(report.node.as_str())
}

async fn input(conn: &mut SqliteConnection, work: &mut Work, report: &TaskReport) -> PortResult<Input> {
    let (task, attempt) = (report.fence.task, report.fence.attempt);
    let outcome = match &report.ending {
        Ending::Fault(fault) => return Ok(Input::Failed { task, attempt, fault: fault.clone() }),
        Ending::GivenBack => return Ok(Input::GivenBack { task, attempt }),
        Ending::Success(Success::Validated { video_chunks, audio, .. }) => {
            let known = work.at(&report.fence.asset)?.row.sha256.clone();
            let sha256 = report.sha256.clone().or(known);
            let twin = twins::find_twin(conn, work, &report.fence.asset, sha256.as_deref()).await?;
            Outcome::Validated { video_chunks: *video_chunks, audio: *audio, twin }
        }
        Ending::Success(Success::Screened { severity, .. }) => Outcome::Screened { severity: *severity },
        Ending::Success(_) => Outcome::Finished,
    };
    Ok(Input::Done { task, attempt, outcome })
}

/// What the attempt used, and what it learned of the source whatever its ending.
fn account(work: &mut Work, report: &TaskReport) -> PortResult<()> {
    let loaded = work.at(&report.fence.asset)?;
    if let Some(extra) = loaded.extras.get_mut(&report.fence.task) {
        extra.wall_ms = extra.wall_ms.saturating_add(report.usage.wall_ms);
        extra.cpu_ms = extra.cpu_ms.saturating_add(report.usage.cpu_ms);
        extra.memory_bytes_max = extra.memory_bytes_max.max(report.usage.memory_bytes_max);
    }
    if let Some(sha256) = &report.sha256 {
        loaded.hashed |= loaded.row.sha256.as_ref() != Some(sha256);
        loaded.row.sha256 = Some(sha256.clone());
    }
    if let Some(facts) = &report.facts {
        work.learned.push(Learned::Facts(report.fence.asset.clone(), facts.clone()));
    }
    Ok(())
}

fn learn(work: &mut Work, report: &TaskReport) -> PortResult<()> {
    let Ending::Success(success) = &report.ending else { return Ok(()) };
    let asset = report.fence.asset.clone();
    let (task, attempt) = (report.fence.task, report.fence.attempt);
    let product = |result: &serde_json::Value, outputs: &[_]| Learned::Product {
        asset: asset.clone(),
        task,
        attempt,
        result: result.clone(),
        outputs: outputs.to_vec(),
    };
    match success {
        Success::Validated { plan, .. } => work.learned.push(product(plan, &[])),
        Success::Produced { result, outputs } => work.learned.push(product(result, outputs)),
        Success::Packaged { result, renditions, outputs } => {
            work.learned.push(product(result, outputs));
            work.learned.push(Learned::Renditions(asset, renditions.clone()));
        }
        Success::Screened { findings, .. } => {
            work.learned.push(Learned::Findings(asset, findings.clone()));
        }
        Success::Published { location } => {
            let loaded = work.at(&asset)?;
            loaded.row.published_location = Some(location.clone());
        }
        Success::Withdrawn { source_location } => {
            let loaded = work.at(&asset)?;
            loaded.row.source.location = source_location.clone();
            loaded.row.published_location = None;
        }
    }
    Ok(())
}
