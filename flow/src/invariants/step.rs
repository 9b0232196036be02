//! Invariants between an asset before a step and after it.

use super::violation::{Violation, hold};
use crate::asset::{Asset, Effect, Input, Note, Phase, Redo, TaskRecord, TaskState};
use crate::task::{Lane, TaskKey};

/// Checks one step: the asset `before` it, the asset `after` it, and the `effects` of this step only. A stale step is checked
/// the same way: it changes nothing and has no effects.
pub fn check_step(before: &Asset, input: &Input, after: &Asset, effects: &[Effect]) -> Result<(), Violation> {
    if before == after {
        return hold(effects.is_empty(), "S3", "a step that changed nothing has effects");
    }
    check_fence(before, input, after)?;
    check_records(before, after, effects)?;
    check_counters(before, input, after)?;
    check_way(before, input, after, effects)?;
    check_ending(before, input, after, effects)
}

fn check_fence(before: &Asset, input: &Input, after: &Asset) -> Result<(), Violation> {
    let (Input::Done { task, attempt, .. }
    | Input::Failed { task, attempt, .. }
    | Input::GivenBack { task, attempt }) = input
    else {
        return Ok(());
    };
    let current = before
        .tasks
        .get(task)
        .is_some_and(|t| t.state == TaskState::Ready && t.attempts == *attempt && t.answered < *attempt);
    hold(current, "S3", "a stale attempt changed an asset")?;
    let answered = after.tasks.get(task).is_some_and(|t| t.answered == *attempt);
    hold(answered, "S3", "an answer was accepted but not marked as answered")
}

/// Checks that an effect names every changed record, and that the last such effect agrees with the record.
fn check_records(before: &Asset, after: &Asset, effects: &[Effect]) -> Result<(), Violation> {
    let kept = before.tasks.keys().all(|task| after.tasks.contains_key(task));
    hold(kept, "S9", "a task's attempts were forgotten")?;
    let mut named = alloc::collections::BTreeMap::new();
    for effect in effects {
        match effect {
            Effect::Start { task, .. } => named.insert(*task, TaskState::Ready),
            Effect::Settle { task, state } => named.insert(*task, *state),
            Effect::Owe(_)
            | Effect::NotifyDuplicates(_)
            | Effect::CloseOver { .. }
            | Effect::RedactSameContent
            | Effect::ReadByFilm
            | Effect::QuarantineFilm
            | Effect::StepCaptionFiles(_)
            | Effect::Note(_) => None,
        };
    }
    for (task, record) in &after.tasks {
        let old = before.tasks.get(task).copied().unwrap_or(TaskRecord::NEW);
        hold(record.attempts == old.attempts, "S9", "a step changed an attempt number")?;
        hold(record.uncounted >= old.uncounted, "S9", "a start that was uncounted counts again")?;
        let changed = before.tasks.get(task) != Some(record);
        let effect = named.get(task).copied();
        hold(!changed || effect.is_some(), "S3", "a task changed and no effect names it")?;
        hold(effect.is_none_or(|state| state == record.state), "S3", "an effect contradicts its task")?;
    }
    hold(named.keys().all(|task| after.tasks.contains_key(task)), "S3", "an effect names an unknown task")
}

fn check_counters(before: &Asset, input: &Input, after: &Asset) -> Result<(), Violation> {
    let redriven = match input {
        Input::Redrive { .. } | Input::Redo(_) | Input::Release | Input::Redact(_) => true,
        // Otherwise it is quarantined.
        Input::ContentRedacted => after.exit.is_none(),
        Input::CaptionFileCame => before.phase == Phase::Published,
        _ => false,
    };
    let redriven = u32::from(redriven);
    hold(after.redrives == before.redrives + redriven, "S9", "a redrive was not counted")?;
    let redacting = matches!(input, Input::Redact(_) | Input::ContentRedacted)
        || (after.flags.redacted && !before.flags.redacted);
    let searched_anew = match input {
        Input::Redo(Redo::Enrich | Redo::Screen) | Input::CaptionFileCame => true,
        // Whoever reads caption files searches them.
        Input::Redo(_) | Input::Redrive { .. } => after.flags.captioned,
        _ => false,
    };
    let again = after.phase == Phase::Received || redacting || searched_anew;
    hold(again || after.severity >= before.severity, "S14", "a severity was forgotten")?;
    let kept = after.verdict == before.verdict || after.is_done(TaskKey::Screen) || after.exit.is_some();
    hold(again || kept, "S14", "a verdict was given without screening")
}

fn check_way(before: &Asset, input: &Input, after: &Asset, effects: &[Effect]) -> Result<(), Violation> {
    let stays = before.phase == after.phase;
    let may = stays || next_phases(before.phase).contains(&after.phase);
    hold(may, "S7", "a phase led to a phase that must not follow it")?;
    let taken_up =
        before.phase == Phase::Published && !matches!(after.phase, Phase::Published | Phase::Withdrawing);
    let asked = matches!(input, Input::Redo(_) | Input::Redact(_));
    let follows = matches!(input, Input::ContentRedacted | Input::CaptionFileCame);
    hold(!taken_up || asked || follows, "S1", "a published asset was processed again without a request")?;
    hold(!asked || taken_up, "S1", "an asset that is not published was redone")?;
    let entered = effects.iter().rev().find_map(|effect| match effect {
        Effect::Note(Note::Entered(phase)) => Some(*phase),
        _ => None,
    });
    hold(entered.is_none_or(|phase| phase == after.phase), "L1", "the history shows another phase")?;
    hold(stays || entered.is_some(), "L1", "a phase changed without a line of history")?;
    let decided = matches!(input, Input::Quarantine(_) | Input::Found { .. } | Input::Release | Input::Erase);
    let parked = matches!(input, Input::OverBudget { .. });
    let begun = after.tasks.iter().any(|(task, record)| {
        record.state == TaskState::Ready
            && task.lane() == Lane::Heavy
            && before.tasks.get(task) == Some(record)
    });
    hold(!parked || !begun, "B1", "work goes on though there is no money for it")?;
    let taken = before.exit.is_some() && after.phase != Phase::Received && !decided;
    let kept = before.exit == after.exit && before.reason == after.reason;
    hold(!taken || kept, "S7", "an asset changed its exit or its reason while it was withdrawn")
}

/// The phases that may follow a phase after one step. A step may pass through several phases: a duplicate whose original has
/// ended is linked and withdrawn in one step.
fn next_phases(phase: Phase) -> &'static [Phase] {
    use Phase::{
        Attached, Erased, Failed, Linked, Processing, Published, Quarantined, Received, Rejected, Releasing,
        Screened, Superseded, Withdrawing,
    };
    match phase {
        Received => &[Linked, Processing, Attached, Withdrawing, Failed],
        Linked => &[Received, Screened, Withdrawing, Failed],
        Processing => &[Received, Screened, Withdrawing, Failed],
        Screened => &[Received, Linked, Processing, Published, Withdrawing, Failed],
        Withdrawing => &[Rejected, Quarantined, Superseded, Erased],
        Published => &[Received, Linked, Processing, Screened, Withdrawing],
        Attached => &[Withdrawing],
        Rejected => &[Received, Withdrawing],
        Failed => &[Received, Processing, Screened, Withdrawing, Releasing],
        Quarantined => &[Releasing, Withdrawing],
        Releasing => &[Published, Attached, Received, Withdrawing, Failed],
        Superseded => &[Withdrawing],
        Erased => &[],
    }
}

fn check_ending(before: &Asset, input: &Input, after: &Asset, effects: &[Effect]) -> Result<(), Violation> {
    let ends = after.phase.is_ended() && before.phase != after.phase;
    let expected = if ends { after.phase.notice() } else { None };
    let mut owed = effects.iter().filter_map(|effect| match effect {
        Effect::Owe(kind) => Some(*kind),
        _ => None,
    });
    hold(owed.next() == expected, "S8", "an ending has another notice than its own")?;
    hold(owed.next().is_none(), "S8", "an ending has more than one notice")?;
    let notified = effects.iter().filter(|effect| matches!(effect, Effect::NotifyDuplicates(_))).count();
    let replaces = *input == Input::CaptionFileCame && before.phase == Phase::Published;
    let expected = usize::from(ends || matches!(input, Input::Redo(_)) || replaces);
    hold(notified == expected, "L1", "duplicates are not notified exactly once of an ending or a redo")?;
    let spread = effects.iter().filter(|effect| **effect == Effect::RedactSameContent).count();
    let expected = usize::from(matches!(input, Input::Redact(_)));
    hold(spread == expected, "S14", "a redaction does not reach the same content exactly once")
}
