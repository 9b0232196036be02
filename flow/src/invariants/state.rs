//! Invariants of one asset between two steps.

use super::violation::{Violation, hold};
use crate::asset::{Asset, Phase, Response, Severity, TaskState, Verdict};
use crate::limits::{REDRIVES_MAX, STARTS_MAX, TASKS_MAX};
use crate::reason::Code;
use crate::task::TaskKey;

/// Checks an asset between two steps; costs one pass over its tasks.
pub fn check(asset: &Asset) -> Result<(), Violation> {
    check_bounds(asset)?;
    check_tasks(asset)?;
    check_due(asset)?;
    check_exits(asset)?;
    check_reason(asset)?;
    check_screening(asset)?;
    check_published(asset)
}

fn check_bounds(asset: &Asset) -> Result<(), Violation> {
    hold(asset.tasks.len() <= TASKS_MAX, "S12", "an asset has more tasks than TASKS_MAX")?;
    hold(asset.redrives <= REDRIVES_MAX, "S12", "an asset was redriven more than REDRIVES_MAX times")
}

fn check_tasks(asset: &Asset) -> Result<(), Violation> {
    for record in asset.tasks.values() {
        hold(record.uncounted <= record.attempts, "S9", "more starts are uncounted than were made")?;
        hold(record.answered <= record.attempts, "S9", "an attempt was answered before it started")?;
        hold(
            record.not_producers_fault <= record.counted(),
            "S9",
            "more starts are not the producer's fault than count",
        )?;
        hold(record.counted() <= STARTS_MAX, "S9", "a task was started more often than STARTS_MAX")?;
        let settled = !matches!(record.state, TaskState::Done | TaskState::Dead);
        hold(
            settled || record.answered == record.attempts,
            "S3",
            "a task is settled without the answer of its latest attempt",
        )?;
    }
    Ok(())
}

/// Checks that every due task fits the phase, and that an asset that has not ended has a due task.
fn check_due(asset: &Asset) -> Result<(), Violation> {
    let is_due = |key: &TaskKey| asset.state_of(*key) == Some(TaskState::Ready);
    let due = || asset.tasks.keys().filter(|key| is_due(key));
    // Keeping a source stands beside the way of the asset.
    let any = due().any(|key| *key != TaskKey::KeepSource);
    let fits = due().all(|key| may_be_due(asset, *key));
    let ended = asset.phase.is_ended();
    hold(!ended || !any, "S13", "an ended asset has a task that can be claimed")?;
    hold(fits, "S13", "a task is due that does not belong to the phase")?;
    // Before its arrival an asset has no task at all; a linked one may wait only for its original.
    let waits = ended || asset.phase == Phase::Linked || asset.tasks.is_empty();
    hold(any || waits, "L1", "an asset that has not ended has nothing due")?;
    let stopped = |state: TaskState| asset.tasks.values().any(|t| t.state == state);
    let waits = asset.reason.as_ref().is_some_and(|fault| fault.code == Code::BudgetExceeded);
    let failed = asset.phase == Phase::Failed;
    hold(!failed || waits || stopped(TaskState::Dead), "L1", "a failed asset has no dead task")?;
    hold(
        !waits || (failed && stopped(TaskState::Parked)),
        "B1",
        "an asset waits for money and has no parked work",
    )?;
    hold(
        asset.phase == Phase::Failed || !stopped(TaskState::Parked),
        "L1",
        "a task is parked though the asset is not failed",
    )
}

fn may_be_due(asset: &Asset, task: TaskKey) -> bool {
    let phase = asset.phase;
    match task {
        TaskKey::Validate => phase == Phase::Received,
        TaskKey::Video { .. } | TaskKey::Audio | TaskKey::Captions | TaskKey::Package => {
            phase == Phase::Processing
        }
        TaskKey::Enrich | TaskKey::Screen | TaskKey::ExternalScan => {
            matches!(phase, Phase::Processing | Phase::Linked)
        }
        TaskKey::Publish => phase == Phase::Screened,
        TaskKey::Withdraw => phase == Phase::Withdrawing,
        TaskKey::Restore => phase == Phase::Releasing,
        TaskKey::KeepSource => {
            asset.flags.held && !matches!(phase, Phase::Withdrawing | Phase::Releasing | Phase::Erased)
        }
    }
}

fn check_exits(asset: &Asset) -> Result<(), Violation> {
    match (asset.phase, asset.exit) {
        (Phase::Failed, _) => Ok(()),
        (Phase::Withdrawing, exit) => hold(exit.is_some(), "S7", "an asset withdraws without an exit"),
        (Phase::Rejected | Phase::Quarantined | Phase::Superseded | Phase::Erased, exit) => {
            let left = exit.map(|exit| exit.leads_to()) == Some(asset.phase);
            hold(left, "S7", "an asset did not leave by the exit it took")?;
            hold(asset.is_done(TaskKey::Withdraw), "S14", "an asset left before its outputs were removed")
        }
        (_, exit) => hold(exit.is_none(), "S7", "an asset that stays has an exit"),
    }
}

fn check_reason(asset: &Asset) -> Result<(), Violation> {
    let out = asset.exit.is_some() || asset.phase == Phase::Failed;
    hold(out == asset.reason.is_some(), "L1", "a reason is missing, or left over")?;
    let Some(fault) = &asset.reason else { return Ok(()) };
    let ours = asset.phase == Phase::Failed && asset.exit.is_none();
    let producers = fault.code.class().is_producers();
    hold(ours != producers, "L1", "an asset was refused for a fault of ours, or failed for a producer's")
}

fn check_screening(asset: &Asset) -> Result<(), Violation> {
    let high = asset.severity == Severity::High && asset.verdict == Verdict::Flagged;
    let asked = asset.flags.response == Response::Quarantine && asset.verdict != Verdict::Clean;
    hold(asset.phase != Phase::Quarantined || high || asked, "S14", "quarantined and nothing asks for it")?;
    let clean = asset.verdict == Verdict::Clean;
    hold(!clean || asset.severity < Severity::Medium, "S14", "a finding of medium severity counts as clean")?;
    let screened = asset.is_done(TaskKey::Screen);
    hold(!clean || screened, "S14", "an asset counts as clean without a screening of its own")?;
    let wants_out = asset.exit.is_some() || asset.phase == Phase::Failed;
    let stays = asset.flags.quarantines() && !wants_out;
    hold(!stays, "S14", "an asset that must be quarantined is not being withdrawn")
}

fn check_published(asset: &Asset) -> Result<(), Violation> {
    let attached = asset.phase != Phase::Attached || asset.flags.attached;
    hold(attached, "S7", "what is no caption file is attached to a film")?;
    if !matches!(asset.phase, Phase::Screened | Phase::Published) {
        return Ok(());
    }
    hold(asset.is_done(TaskKey::Screen), "S14", "publishing without a finished screening")?;
    hold(!asset.awaits_scan(), "S14", "publishing before the external scanner has answered")?;
    let judged = asset.verdict != Verdict::Unscanned || asset.flags.cleared;
    hold(judged, "S14", "publishing without a verdict")?;
    hold(!asset.flags.quarantines(), "S14", "publishing an asset that must be quarantined")?;
    let packaged = asset.is_done(TaskKey::Package) && asset.is_done(TaskKey::Enrich) && asset.is_encoded();
    let read = !asset.flags.captioned || asset.is_done(TaskKey::Captions);
    hold(asset.linked || read, "S14", "publishing captions that were not read for the screening")?;
    hold(asset.linked || packaged, "S1", "publishing what is not completely encoded and packaged")?;
    let published = asset.phase == Phase::Screened || asset.is_done(TaskKey::Publish);
    hold(published, "S1", "published, but the publishing task is not done")
}
