//! Compares what the store committed with the truth.

use reelgate_flow::asset::{Phase, Severity, TaskState, Verdict};
use reelgate_flow::reason::Code;
use reelgate_flow::task::TaskKey;

use crate::fleet::PASSING;
use crate::journal::Hit;
use crate::knowledge::Shown;
use crate::observed::{Observed, Row, receivers};

fn hold(holds: bool, row: usize, sentence: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("asset {row}: {sentence}")) }
}

/// Checks a phase at the commit that entered it.
pub fn entered(store: &mut Observed, index: usize, before: Phase) -> Result<(), String> {
    let phase = store.rows[index].asset.phase;
    if matches!(phase, Phase::Rejected | Phase::Quarantined | Phase::Superseded | Phase::Erased) {
        store.rows[index].was_published = false;
    }
    let row = &store.rows[index];
    let linked = row.asset.linked;
    let hit = match row.asset.phase {
        Phase::Published => {
            published(store, index)?;
            // What is visible may be made anew, redacted, while a newer version is not published.
            let again = store.rows[index].was_published && !store.has_newer_published(index);
            hold(again || !store.has_newer(index), index, "S7: published over a newer version")?;
            // Staged outputs are removed after the asset has ended.
            store.rows[index].staged.clear();
            store.rows[index].was_published = true;
            linked.then_some(Hit::DuplicatePublished)
        }
        Phase::Rejected => {
            gone(row, index)?;
            hold(is_refusal_true(store, row), index, "S14: refused for an untrue reason")?;
            linked.then_some(Hit::DuplicateRejected)
        }
        Phase::Quarantined => {
            gone(row, index)?;
            hold(is_quarantine_true(store, index), index, "S14: quarantined for an untrue reason")?;
            linked.then_some(Hit::DuplicateQuarantined)
        }
        Phase::Erased => {
            gone(row, index)?;
            hold(!row.asset.flags.held, index, "F8: erased in spite of a hold")?;
            hold(row.kept.is_none(), index, "F8: erased with outputs kept")?;
            None
        }
        Phase::Superseded => {
            gone(row, index)?;
            hold(store.has_newer(index), index, "S7: superseded without a newer version")?;
            row.under_hold.is_some().then_some(Hit::HeldSuperseded)
        }
        Phase::Withdrawing if before == Phase::Published => Some(Hit::PublishedWithdrawn),
        Phase::Withdrawing => (!row.shown.is_empty()).then_some(Hit::RedoWithdrawn),
        Phase::Failed => {
            hold(row.asset.exit.is_none(), index, "S14: a withdrawal was given up")?;
            let waits = row.asset.reason.as_ref().is_some_and(|fault| fault.code.is_waited_out());
            hold(!waits, index, "L1: failed though the service that was away came back")?;
            let stopped = row.asset.reason.as_ref().is_some_and(|fault| fault.code == Code::UnderHold);
            stopped.then_some(Hit::RedoStoppedByHold)
        }
        _ => None,
    };
    if let Some(hit) = hit {
        store.journal.hit(hit);
    }
    Ok(())
}

fn published(store: &Observed, index: usize) -> Result<(), String> {
    let row = &store.rows[index];
    let content = store.truth.uploads[row.upload].content;
    hold(row.visible == Some(content), index, "S1, S2: published without its own content at its path")?;
    hold(store.is_shown(index), index, "S2: published, but its path shows the outputs of another version")?;
    let severity = store.truth.severity_of(row.upload, row.upgraded);
    let answered = row.asset.flags.cleared || row.redacted;
    hold(
        row.asset.severity >= severity || answered,
        index,
        "S14: published with a finding that was not recorded",
    )?;
    let flagged = severity < Severity::Medium || row.asset.verdict == Verdict::Flagged;
    hold(flagged || answered, index, "S14: published as clean with a medium finding")?;
    let poison = store.truth.content_of(row.upload).poison;
    hold(poison.is_none(), index, "S1: published though a stage cannot be passed")?;
    let trouble = store.truth.uploads[row.upload].trouble.is_none() || row.asset.linked;
    hold(trouble, index, "S1: published though its own source cannot be read")
}

/// Checks that nothing of an asset under hold was removed or replaced since the last check.
pub fn under_hold(store: &mut Observed) -> Result<(), String> {
    for (index, row) in store.rows.iter_mut().enumerate() {
        if !row.asset.flags.held {
            row.under_hold = None;
            continue;
        }
        let now = row.visible.or(row.kept).map(|content| (content, row.made_by));
        match row.under_hold {
            Some(before) => {
                hold(now == Some(before), index, "F8: outputs under hold were removed or replaced")?
            }
            // Before the commit of its publication, an asset has no outputs that could be under hold.
            None if row.located || row.kept.is_some() => row.under_hold = now,
            None => {}
        }
    }
    Ok(())
}

/// Checks that nothing is published that the rules forbid which had to answer it.
pub fn keeps_rules(store: &Observed) -> Result<(), String> {
    for (index, row) in store.rows.iter().enumerate() {
        if row.asset.phase != Phase::Published {
            continue;
        }
        let key = store.truth.key(row.upload);
        let (judged, redacted) = (row.judged, row.redacted);
        let shown = Shown { row: index, key: &key, judged, redacted, covered: row.covered() };
        if let Some(finding) = store.knowledge.forbids(&shown) {
            return Err(format!("asset {index}: S14: published in spite of the rules: {finding}"));
        }
    }
    Ok(())
}

fn gone(row: &Row, index: usize) -> Result<(), String> {
    hold(row.visible.is_none() && row.staged.is_empty(), index, "S14: left with outputs behind")
}

fn is_refusal_true(store: &Observed, row: &Row) -> bool {
    let Some(code) = row.asset.reason.as_ref().map(|fault| fault.code) else { return false };
    let poisoned = store.truth.content_of(row.upload).poison.is_some_and(|(_, poison)| poison == code);
    let upload = &store.truth.uploads[row.upload];
    let troubled = upload.trouble == Some(code) || (code == Code::FilmMissing && upload.film.is_some());
    // A passing fault refuses only if producers' faults ended the same task as often as the code allows.
    let repeated = |row: &Row| {
        PASSING.contains(&code) && row.producers_faults.values().any(|count| *count >= code.attempts_max())
    };
    let original = row.linked_to.filter(|_| row.asset.linked).map(|original| &store.rows[original]);
    poisoned || troubled || repeated(row) || original.is_some_and(repeated)
}

fn is_quarantine_true(store: &Observed, index: usize) -> bool {
    let row = &store.rows[index];
    let original = row.linked_to.filter(|_| row.asset.linked).map(|original| &store.rows[original]);
    let truth = &store.truth;
    let known = store.knowledge.of(index);
    let findings =
        [truth.findings(row.upload, true), truth.scanned(row.upload), truth.named(row.upload), known];
    let asked = store.knowledge.ever_forbid(&truth.key(row.upload), findings.iter().flatten());
    // A decision about this or another asset is named in the reason or in the history.
    let decided = row.asset.reason.as_ref().is_some_and(|fault| !fault.detail.is_empty());
    let quarantined = row.quarantined || original.is_some_and(|original| original.quarantined);
    decided || quarantined || asked
}

/// Checks the final state after faults have stopped. `redriven`: every failed asset was redriven without faults.
pub fn at_rest(store: &Observed, redriven: bool) -> Result<(), String> {
    let is_out = |older: usize| store.rows[older].asset.phase != Phase::Published;
    for (index, row) in store.rows.iter().enumerate() {
        let asset = &row.asset;
        hold(asset.phase.is_ended(), index, "L1: has not ended")?;
        hold(row.leases.is_empty(), index, "S13: a lease outlived its asset")?;
        let kept = asset.tasks.get(&TaskKey::KeepSource).is_some_and(|task| task.state == TaskState::Done);
        hold(!asset.flags.held || kept, index, "F8: a source under hold was not kept")?;
        let claimable = asset.tasks.values().any(|t| t.state == TaskState::Ready);
        hold(!claimable, index, "S13: a task outlived its asset")?;
        match asset.phase {
            Phase::Published => published(store, index)?,
            Phase::Rejected | Phase::Quarantined | Phase::Superseded | Phase::Erased => {
                hold(row.visible.is_none(), index, "S3, S14: a withdrawn output is still visible")?;
            }
            _ => {}
        }
        let newest = !store.has_newer(index);
        let alone = asset.phase != Phase::Published || store.older(index).into_iter().all(is_out);
        hold(alone, index, "S7: an older and a newer version are both published")?;
        if asset.phase == Phase::Attached {
            attached(store, index)?;
        }
        let superseded = asset.phase == Phase::Superseded;
        hold(!newest || !superseded, index, "S7: the newest version is superseded")?;
        hold(!redriven || may_fail(store, row), index, "L1: failed without a fault")?;
    }
    check_notices(store)
}

/// A caption file at rest: its film has read it, or is where nobody reads it.
fn attached(store: &Observed, index: usize) -> Result<(), String> {
    let is_out = |older: usize| store.rows[older].asset.phase != Phase::Attached;
    hold(store.older(index).into_iter().all(is_out), index, "S7: an older version is attached too")?;
    for film in store.films_of(index) {
        let row = &store.rows[film];
        // It goes with the newest upload of the film, which may have been refused.
        let newest = !store.has_newer(film);
        let quarantined = newest && row.asset.phase == Phase::Quarantined && row.asset.flags.captioned;
        hold(!quarantined, index, "S14: a caption file stays though its film is quarantined")?;
        let read = row.asset.phase != Phase::Published || row.asset.flags.captioned || row.was_held;
        hold(read, index, "L1: a film was published without its caption file")?;
    }
    Ok(())
}

fn may_fail(store: &Observed, row: &Row) -> bool {
    let poison = store.truth.content_of(row.upload).poison;
    // It is not redriven while a publishing could replace outputs that are under hold.
    let tried = row.asset.tasks.get(&TaskKey::Publish).is_some_and(|publish| publish.attempts > 0);
    row.asset.phase != Phase::Failed
        || (row.asset.flags.held && tried)
        || poison.is_some_and(|(_, code)| !code.class().is_producers())
}

fn check_notices(store: &Observed) -> Result<(), String> {
    let owed: usize = store.rows.iter().map(|row| row.endings).sum();
    let deliveries = owed * receivers().len();
    if store.outbox().is_some() || store.sent.len() != deliveries {
        return Err(format!(
            "S8: {owed} endings need {deliveries} deliveries, {} were made",
            store.sent.len()
        ));
    }
    Ok(())
}
