//! Every invariant is violated once: a check that cannot fail checks nothing.

use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::asset::{
    Asset, Effect, Exit, Input, NoticeKind, Original, Outcome, Phase, Screening, Severity, TaskRecord,
    TaskState, Verdict,
};
use crate::limits::REDRIVES_MAX;
use crate::reason::{Code, Fault};
use crate::task::TaskKey;

fn finish(asset: &mut Asset, task: TaskKey, outcome: Outcome) -> Vec<Effect> {
    let record = asset.tasks.get_mut(&task).expect("the task exists");
    record.attempts += 1;
    let attempt = record.attempts;
    let mut effects = Vec::new();
    asset.step(Input::Done { task, attempt, outcome }, &mut effects).expect("the attempt is current");
    effects
}

fn screened() -> Asset {
    let mut asset = Asset::new(1);
    asset.step(Input::Arrived, &mut Vec::new()).expect("an asset arrives once");
    let plan = Outcome::Validated {
        video_chunks: 1,
        audio: false,
        captions: false,
        files: false,
        original: Original::None,
    };
    finish(&mut asset, TaskKey::Validate, plan);
    finish(&mut asset, TaskKey::Enrich, Outcome::Finished);
    finish(&mut asset, TaskKey::Video { chunk: 0 }, Outcome::Finished);
    finish(&mut asset, TaskKey::Package, Outcome::Finished);
    finish(&mut asset, TaskKey::Screen, Outcome::Screened(Screening::of(Severity::None)));
    assert_eq!(check(&asset), Ok(()));
    asset
}

fn violated(change: impl Fn(&mut Asset)) -> &'static str {
    let mut asset = screened();
    change(&mut asset);
    check(&asset).map_or_else(|violation| violation.id, |()| "none")
}

fn settle(asset: &mut Asset, task: TaskKey, state: TaskState) {
    asset.tasks.get_mut(&task).expect("the task exists").state = state;
}

fn put(asset: &mut Asset, task: TaskKey, record: TaskRecord) {
    asset.tasks.insert(task, record);
}

#[test]
fn publishing_without_a_verdict_or_a_screening_or_with_a_high_finding_violates_s14() {
    assert_eq!(violated(|a| a.verdict = Verdict::Unscanned), "S14");
    assert_eq!(violated(|a| settle(a, TaskKey::Screen, TaskState::Dropped)), "S14");
    assert_eq!(violated(|a| a.severity = Severity::High), "S14");
    assert_eq!(violated(|a| a.severity = Severity::Medium), "S14");
}

#[test]
fn publishing_what_is_incomplete_violates_s1() {
    assert_eq!(violated(|a| settle(a, TaskKey::Package, TaskState::Dropped)), "S1");
    assert_eq!(violated(|a| settle(a, TaskKey::Video { chunk: 0 }, TaskState::Dead)), "S1");
    let early = |a: &mut Asset| {
        a.phase = Phase::Published;
        settle(a, TaskKey::Publish, TaskState::Dropped);
    };
    assert_eq!(violated(early), "S1");
}

#[test]
fn work_that_does_not_belong_to_the_phase_violates_s13() {
    assert_eq!(violated(|a| a.phase = Phase::Published), "S13");
    assert_eq!(violated(|a| settle(a, TaskKey::Enrich, TaskState::Ready)), "S13");
}

#[test]
fn having_nothing_to_wait_for_violates_l1() {
    assert_eq!(violated(|a| settle(a, TaskKey::Publish, TaskState::Dropped)), "L1");
    assert_eq!(violated(|a| a.reason = Some(Fault::new(Code::Internal, ""))), "L1");
    let parked = TaskRecord { state: TaskState::Parked, ..TaskRecord::NEW };
    assert_eq!(violated(move |a| put(a, TaskKey::Audio, parked)), "L1");
    let failed = |a: &mut Asset| {
        settle(a, TaskKey::Publish, TaskState::Parked);
        (a.phase, a.reason) = (Phase::Failed, Some(Fault::new(Code::Internal, "")));
    };
    assert_eq!(violated(failed), "L1", "no dead task");
}

#[test]
fn a_door_that_does_not_fit_the_phase_violates_s7() {
    assert_eq!(violated(|a| a.exit = Some(Exit::Reject)), "S7");
    let left = |a: &mut Asset| {
        settle(a, TaskKey::Publish, TaskState::Dropped);
        (a.phase, a.exit) = (Phase::Quarantined, Some(Exit::Reject));
    };
    assert_eq!(violated(left), "S7");
}

#[test]
fn counts_that_cannot_be_violate_s9_and_s12() {
    let with = |record: TaskRecord| violated(move |a| put(a, TaskKey::Publish, record));
    assert_eq!(with(TaskRecord { uncounted: 1, ..TaskRecord::NEW }), "S9");
    assert_eq!(with(TaskRecord { answered: 1, ..TaskRecord::NEW }), "S9");
    assert_eq!(with(TaskRecord { not_producers_fault: 1, ..TaskRecord::NEW }), "S9");
    assert_eq!(with(TaskRecord { attempts: 14, ..TaskRecord::NEW }), "S9");
    assert_eq!(
        with(TaskRecord { state: TaskState::Done, attempts: 2, answered: 1, ..TaskRecord::NEW }),
        "S3"
    );
    assert_eq!(violated(|a| a.redrives = REDRIVES_MAX + 1), "S12");
}

#[test]
fn a_step_is_checked_for_its_fence_its_effects_and_its_ending() {
    let mut before = screened();
    before.tasks.get_mut(&TaskKey::Publish).expect("publishing is due").attempts = 1;
    let mut after = before.clone();
    let mut effects = Vec::new();
    let input = Input::Done { task: TaskKey::Publish, attempt: 1, outcome: Outcome::Finished };
    after.step(input.clone(), &mut effects).expect("the attempt is current");
    let judge = |input: &Input, after: &Asset, effects: &[Effect]| {
        check_step(&before, input, after, effects).map_or_else(|violation| violation.id, |()| "none")
    };
    assert_eq!(judge(&input, &after, &effects), "none");
    let stale = Input::Done { task: TaskKey::Publish, attempt: 2, outcome: Outcome::Finished };
    assert_eq!(judge(&stale, &after, &effects), "S3");
    assert_eq!(judge(&input, &before, &effects), "S3", "effects of a step that changed nothing");
    let without = |unwanted: fn(&Effect) -> bool| -> Vec<Effect> {
        effects.iter().filter(|effect| !unwanted(effect)).cloned().collect()
    };
    assert_eq!(judge(&input, &after, &without(|e| matches!(e, Effect::Settle { .. }))), "S3");
    assert_eq!(judge(&input, &after, &without(|e| matches!(e, Effect::Owe(_)))), "S8");
    assert_eq!(judge(&input, &after, &without(|e| matches!(e, Effect::NotifyDuplicates(_)))), "L1");
    let twice = [effects.clone(), vec![Effect::Owe(NoticeKind::Published)]].concat();
    assert_eq!(judge(&input, &after, &twice), "S8");
    let wrong = Asset { phase: Phase::Quarantined, ..after.clone() };
    assert_eq!(judge(&input, &wrong, &effects), "S7");
    let mut forgotten = after.clone();
    forgotten.tasks.remove(&TaskKey::Enrich);
    assert_eq!(judge(&input, &forgotten, &effects), "S9");
}

#[test]
fn every_id_of_a_check_is_listed() {
    let sources = [include_str!("state.rs"), include_str!("step.rs")].concat();
    let given = |id: &&&str| sources.contains(&alloc::format!("\"{id}\""));
    assert_eq!(Violation::IDS.iter().filter(given).count(), Violation::IDS.len());
    for id in 1..20 {
        for kind in ["S", "L"] {
            let id = alloc::format!("{kind}{id}");
            let used = sources.contains(&alloc::format!("\"{id}\""));
            assert_eq!(used, Violation::IDS.contains(&id.as_str()), "{id}");
        }
    }
}
