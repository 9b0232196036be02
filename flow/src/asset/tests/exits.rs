use alloc::vec;

use super::*;
use crate::limits::REDRIVES_MAX;

#[test]
fn a_newer_version_withdraws_whatever_has_not_left() {
    let mut failed = Life::processing();
    failed.exhaust(TaskKey::Audio, Code::Internal);
    let linked = Life::linked(Original::Running { redacted: false });
    for mut life in [Life::arrived(), linked, Life::processing(), Life::screened(), Life::published(), failed]
    {
        life.feed(Input::Superseded).unwrap();
        assert_eq!((life.asset.phase, life.due()), (Phase::Withdrawing, vec![TaskKey::Withdraw]));
        life.finish(TaskKey::Withdraw);
        assert_eq!((life.asset.phase, life.reason()), (Phase::Superseded, Some(Code::Superseded)));
        assert_eq!(life.owed(), vec![], "the newer version has a notice");
    }
}

#[test]
fn a_newer_version_does_not_undo_a_quarantine_or_a_refusal() {
    let quarantining = || {
        let mut life = Life::processing();
        life.finish(TaskKey::Enrich);
        life.screen(Severity::High);
        life
    };
    let mut stuck = quarantining();
    stuck.fail(TaskKey::Withdraw, Code::ObjectUnavailable);
    let mut quarantined = quarantining();
    quarantined.finish(TaskKey::Withdraw);
    for mut life in [quarantining(), stuck, quarantined, Life::rejected()] {
        assert_eq!(life.feed(Input::Superseded), Err(Stale), "{}", life.asset.phase.as_str());
    }
}

#[test]
fn a_superseded_fault_supersedes_the_asset() {
    let mut life = Life::screened();
    life.fail(TaskKey::Publish, Code::Superseded);
    assert_eq!(life.asset.exit, Some(Exit::Supersede));
}

#[test]
fn outputs_are_withdrawn_before_the_notice_of_a_refusal() {
    let mut life = Life::processing();
    life.fail(TaskKey::Enrich, Code::DamagedStream);
    assert_eq!((life.asset.phase, life.owed()), (Phase::Withdrawing, vec![]));
}

/// As a version of Reelgate left it behind that gave up.
#[test]
fn a_withdrawal_that_was_given_up_continues_after_a_redrive() {
    let mut life = Life::processing();
    life.fail(TaskKey::Enrich, Code::DamagedStream);
    life.asset.phase = Phase::Failed;
    life.asset.tasks.entry(TaskKey::Withdraw).and_modify(|record| record.state = TaskState::Dead);
    life.feed(REDRIVE).unwrap();
    assert_eq!((life.asset.phase, life.due()), (Phase::Withdrawing, vec![TaskKey::Withdraw]));
    life.finish(TaskKey::Withdraw);
    assert_eq!((life.asset.phase, life.reason()), (Phase::Rejected, Some(Code::DamagedStream)));
}

#[test]
fn a_redrive_continues_where_the_asset_failed_and_keeps_finished_tasks() {
    let mut life = Life::processing();
    life.finish(video(0));
    life.exhaust(TaskKey::Audio, Code::Internal);
    life.feed(REDRIVE).unwrap();
    assert_eq!((life.asset.phase, life.reason()), (Phase::Processing, None));
    assert_eq!(life.due(), vec![video(1), TaskKey::Audio, TaskKey::Enrich]);
    life.fail(TaskKey::Audio, Code::Internal);
    assert_eq!(life.asset.phase, Phase::Processing, "a redrive excuses earlier starts");
}

#[test]
fn a_redrive_returns_to_the_phase_of_the_dead_task() {
    let mut validating = Life::arrived();
    validating.exhaust(TaskKey::Validate, Code::WorkerUnavailable);
    let mut publishing = Life::screened();
    publishing.exhaust(TaskKey::Publish, Code::StorageInconsistent);
    for (mut life, phase) in [(validating, Phase::Received), (publishing, Phase::Screened)] {
        life.feed(REDRIVE).unwrap();
        assert_eq!(life.asset.phase, phase);
    }
}

#[test]
fn redriving_a_rejected_asset_begins_again_and_forgets_the_earlier_plan() {
    let mut life = Life::processing();
    life.finish(TaskKey::Enrich);
    life.screen(Severity::Medium);
    life.fail(video(1), Code::NoFrameDecodes);
    life.finish(TaskKey::Withdraw);
    life.feed(REDRIVE).unwrap();
    assert_eq!((life.asset.phase, life.due()), (Phase::Received, vec![TaskKey::Validate]));
    assert_eq!((life.asset.verdict, life.asset.severity), (Verdict::Unscanned, Severity::None));
    life.validate(1, false, Original::None);
    life.finish(video(0));
    assert_eq!(life.state(TaskKey::Package), Some(TaskState::Ready), "the second chunk is of another plan");
    life.finish(TaskKey::Package);
    assert_eq!(life.asset.phase, Phase::Processing, "the earlier screening does not count");
}

#[test]
fn a_redriven_duplicate_begins_again_because_its_original_may_be_gone() {
    let mut life = Life::linked(Original::Ended(ended(Phase::Published, None)));
    life.exhaust(TaskKey::Screen, Code::Internal);
    let gone = ended(Phase::Superseded, Some(Code::Superseded));
    assert_eq!(life.feed(Input::OriginalEnded(gone)), Err(Stale));
    life.feed(REDRIVE).unwrap();
    assert_eq!((life.asset.phase, life.asset.linked), (Phase::Received, false));
}

#[test]
fn only_failed_and_rejected_assets_are_redriven() {
    for mut life in [Life::arrived(), Life::processing(), Life::published()] {
        assert_eq!(life.feed(REDRIVE), Err(Stale));
    }
}

#[test]
fn redrives_are_bounded() {
    let mut life = Life::arrived();
    for _ in 0..REDRIVES_MAX {
        life.exhaust(TaskKey::Validate, Code::Internal);
        life.feed(REDRIVE).unwrap();
    }
    life.exhaust(TaskKey::Validate, Code::Internal);
    assert_eq!(life.feed(REDRIVE), Err(Stale));
    assert_eq!(life.asset.redrives, REDRIVES_MAX);
}

#[test]
fn every_ending_notifies_the_duplicates_once() {
    let notified = |life: &Life| {
        let is_ending = |effect: &&Effect| matches!(effect, Effect::NotifyDuplicates(end) if end.phase == life.asset.phase);
        life.effects.iter().filter(is_ending).count()
    };
    let mut superseded = Life::published();
    superseded.feed(Input::Superseded).unwrap();
    superseded.finish(TaskKey::Withdraw);
    for life in [Life::published(), Life::rejected(), superseded] {
        assert_eq!(notified(&life), 1, "{}", life.asset.phase.as_str());
    }
}
