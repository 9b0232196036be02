//! Quarantine, release, erasure, hold and redaction.

use super::*;

fn quarantined() -> Life {
    let mut life = Life::published();
    life.feed(Input::Quarantine(Cause::Person)).unwrap();
    life.finish(TaskKey::Withdraw);
    assert_eq!(life.asset.phase, Phase::Quarantined);
    life
}

fn closes(life: &Life) -> Option<bool> {
    life.effects.iter().find_map(|effect| match effect {
        Effect::CloseOver { same_content } => Some(*same_content),
        _ => None,
    })
}

fn screen(life: &mut Life, response: Response, parts: Option<Parts>) {
    let screening = Screening { response, parts, ..Screening::of(Severity::High) };
    life.done(TaskKey::Screen, Outcome::Screened(screening));
}

#[test]
fn an_asset_can_be_quarantined_in_every_phase() {
    let superseded = || {
        let mut life = Life::processing();
        life.feed(Input::Superseded).unwrap();
        life.finish(TaskKey::Withdraw);
        life
    };
    let lives = [Life::arrived(), Life::processing(), Life::screened(), Life::published(), Life::rejected()];
    for mut life in lives.into_iter().chain([superseded()]) {
        life.feed(Input::Quarantine(Cause::Person)).unwrap();
        assert_eq!((life.asset.phase, life.due()), (Phase::Withdrawing, vec![TaskKey::Withdraw]));
        assert_eq!(closes(&life), Some(true));
        life.finish(TaskKey::Withdraw);
        assert_eq!((life.asset.phase, life.owed()), (Phase::Quarantined, vec![NoticeKind::Quarantined]));
        assert_eq!(life.feed(Input::Quarantine(Cause::Scanner)), Err(Stale));
    }
}

#[test]
fn a_finding_closes_the_older_versions_and_no_other_upload_of_the_content() {
    for cause in [Cause::Scanner, Cause::FoundInContent] {
        let mut life = Life::published();
        let (severity, response) = (Severity::High, Response::Quarantine);
        life.feed(Input::Found { severity, response, cause }).unwrap();
        assert_eq!((life.asset.phase, closes(&life)), (Phase::Withdrawing, Some(false)));
        assert_eq!(life.asset.reason.as_ref().map(|fault| fault.detail.as_str()), Some(cause.as_str()));
    }
}

#[test]
fn a_finding_that_asks_for_redaction_waits_for_the_asset_s_own_screening_and_closes_a_screened_one() {
    let found = Input::Found {
        severity: Severity::High,
        response: Response::RedactThenPublish,
        cause: Cause::FoundInContent,
    };
    let mut early = Life::processing();
    early.feed(found.clone()).unwrap();
    assert_eq!(early.asset.phase, Phase::Processing);
    early.finish_all_but_screen();
    early.screen(Severity::None);
    assert_eq!(early.asset.exit, Some(Exit::Quarantine), "its own screening names no place to redact");
    for mut life in [Life::screened(), Life::published()] {
        life.feed(found.clone()).unwrap();
        assert_eq!(life.asset.exit, Some(Exit::Quarantine));
    }
}

/// Released, and published with its outputs.
fn released() -> Life {
    let mut life = quarantined();
    life.feed(Input::Release).unwrap();
    life.done(TaskKey::Restore, Outcome::Restored { outputs: true });
    assert_eq!(life.asset.phase, Phase::Published);
    life
}

#[test]
fn a_finding_that_a_release_does_not_cover_quarantines_the_asset_again() {
    for response in [Response::RedactThenPublish, Response::Quarantine] {
        let mut life = released();
        life.feed(Input::Found { severity: Severity::High, response, cause: Cause::Scanner }).unwrap();
        assert_eq!((life.asset.exit, life.asset.flags.cleared), (Some(Exit::Quarantine), false));
        life.finish(TaskKey::Withdraw);
        life.feed(Input::Release).unwrap();
        assert!(life.asset.flags.cleared, "a person can release it again");
    }
    let mut life = released();
    let mild =
        Input::Found { severity: Severity::Medium, response: Response::PublishTagged, cause: Cause::Scanner };
    assert_eq!(life.feed(mild), Err(Stale), "policy would publish it anyway");
}

#[test]
fn a_new_screening_of_a_released_asset_counts_where_the_release_covers_it_not() {
    for (uncovered, expected) in [
        (Response::Log, Phase::Screened),
        (Response::PublishTagged, Phase::Screened),
        (Response::RedactThenPublish, Phase::Withdrawing),
        (Response::Quarantine, Phase::Withdrawing),
    ] {
        let mut life = released();
        life.feed(Input::Redo(Redo::Screen)).unwrap();
        life.finish(TaskKey::Enrich);
        let screening = Screening { uncovered, ..Screening::of(Severity::High) };
        life.done(TaskKey::Screen, Outcome::Screened(screening));
        assert_eq!(life.asset.phase, expected, "{}", uncovered.as_str());
        if expected == Phase::Withdrawing {
            let detail = life.asset.reason.as_ref().map(|fault| fault.detail.as_str());
            assert_eq!(detail, Some(Cause::AfterRelease.as_str()));
        }
    }
}

#[test]
fn a_quarantine_caused_by_another_asset_spreads_no_further() {
    for cause in [Cause::SameContent, Cause::NewerVersion] {
        let mut life = Life::published();
        life.feed(Input::Quarantine(cause)).unwrap();
        assert_eq!(closes(&life), None, "{cause:?}");
    }
}

#[test]
fn a_finding_of_its_own_screening_closes_no_other_upload_of_the_content() {
    let mut life = Life::processing();
    life.finish_all_but_screen();
    screen(&mut life, Response::Quarantine, None);
    assert_eq!((life.asset.phase, closes(&life)), (Phase::Withdrawing, Some(false)));
}

#[test]
fn policy_may_publish_what_is_severe() {
    let mut life = Life::processing();
    life.finish_all_but_screen();
    screen(&mut life, Response::PublishTagged, None);
    life.finish(TaskKey::Publish);
    assert_eq!((life.asset.phase, life.asset.verdict), (Phase::Published, Verdict::Flagged));
}

#[test]
fn a_release_brings_back_what_was_published() {
    let mut life = quarantined();
    life.feed(Input::Release).unwrap();
    assert_eq!((life.asset.phase, life.due()), (Phase::Releasing, vec![TaskKey::Restore]));
    life.done(TaskKey::Restore, Outcome::Restored { outputs: true });
    assert_eq!((life.asset.phase, life.owed()), (Phase::Published, vec![NoticeKind::Published]));
    assert_eq!(life.feed(Input::Quarantine(Cause::SameContent)), Err(Stale), "released by a person");
    life.feed(Input::Quarantine(Cause::Expired)).unwrap();
    assert!(!life.asset.flags.cleared);
}

#[test]
fn what_was_never_published_begins_again_and_is_not_set_apart_for_the_same() {
    let mut life = Life::processing();
    life.finish_all_but_screen();
    life.screen(Severity::High);
    life.finish(TaskKey::Withdraw);
    life.feed(Input::Release).unwrap();
    life.done(TaskKey::Restore, Outcome::Restored { outputs: false });
    assert_eq!(life.due(), vec![TaskKey::Validate]);
    life.validate(2, true, Original::None);
    life.finish_all_but_screen();
    life.screen(Severity::High);
    life.finish(TaskKey::Publish);
    assert_eq!((life.asset.phase, life.asset.severity), (Phase::Published, Severity::High));
}

#[test]
fn a_released_copy_stays_when_its_original_is_quarantined() {
    let end = quarantined_for(Cause::Person.as_str());
    let mut life = Life::linked(Original::Ended(end.clone()));
    life.finish(TaskKey::Withdraw);
    life.feed(Input::Release).unwrap();
    life.done(TaskKey::Restore, Outcome::Restored { outputs: false });
    life.validate(2, true, Original::Ended(end));
    assert_eq!(life.asset.phase, Phase::Processing, "processed on its own");
}

#[test]
fn an_asset_is_erased_in_every_ended_phase_except_under_hold() {
    let mut life = quarantined();
    life.feed(Input::Hold(true)).unwrap();
    assert_eq!(life.feed(Input::Erase), Err(Stale));
    life.feed(Input::Hold(false)).unwrap();
    life.feed(Input::Erase).unwrap();
    assert_eq!(life.asset.exit, Some(Exit::Erase));
    assert_eq!(life.feed(Input::Hold(true)), Err(Stale), "too late");
    life.finish(TaskKey::Withdraw);
    assert_eq!((life.asset.phase, life.owed()), (Phase::Erased, vec![NoticeKind::Erased]));
    for input in [Input::Erase, Input::Release, REDRIVE, Input::Quarantine(Cause::Person)] {
        assert_eq!(life.feed(input), Err(Stale));
    }
}

#[test]
fn redaction_encodes_only_what_was_found_and_screens_the_result() {
    let mut life = Life::processing();
    life.finish_all_but_screen();
    let parts = Parts { chunks: vec![1], audio: false };
    screen(&mut life, Response::RedactThenPublish, Some(parts));
    assert_eq!((life.asset.phase, life.due()), (Phase::Processing, vec![video(1)]));
    life.finish(video(1));
    assert_eq!(life.due(), vec![TaskKey::Enrich, TaskKey::Package]);
    life.finish(TaskKey::Enrich);
    life.finish(TaskKey::Package);
    life.screen(Severity::None);
    life.finish(TaskKey::Publish);
    assert_eq!((life.asset.phase, life.asset.verdict), (Phase::Published, Verdict::Clean));
    assert!(life.asset.flags.redacted);
}

#[test]
fn findings_after_a_redaction_quarantine_the_asset() {
    let mut life = Life::processing();
    life.finish_all_but_screen();
    let parts = Parts { chunks: vec![0], audio: true };
    screen(&mut life, Response::RedactThenPublish, Some(parts.clone()));
    for task in [video(0), TaskKey::Audio, TaskKey::Enrich] {
        life.finish(task);
    }
    screen(&mut life, Response::RedactThenPublish, Some(parts));
    assert_eq!((life.asset.phase, life.asset.exit), (Phase::Withdrawing, Some(Exit::Quarantine)));
}

#[test]
fn findings_that_a_new_encode_cannot_remove_quarantine_the_asset() {
    let mut life = Life::processing();
    life.finish_all_but_screen();
    screen(&mut life, Response::RedactThenPublish, None);
    assert_eq!(life.asset.exit, Some(Exit::Quarantine));
}

#[test]
fn a_redaction_waits_for_other_running_encodes() {
    let mut life = Life::processing();
    life.finish(TaskKey::Enrich);
    let late = life.claim(video(0));
    screen(&mut life, Response::RedactThenPublish, Some(Parts { chunks: vec![0], audio: false }));
    let answer = Input::Done { task: video(0), attempt: late, outcome: Outcome::Finished };
    assert_eq!(life.feed(answer), Err(Stale), "it was begun without the redaction");
    for task in [video(0), video(1), TaskKey::Audio] {
        life.finish(task);
    }
    assert_eq!(life.due(), vec![TaskKey::Enrich, TaskKey::Package]);
}

#[test]
fn parts_of_what_stands_published_are_redacted_by_hand() {
    let mut life = Life::published();
    let unknown = Parts { chunks: vec![9], audio: false };
    assert_eq!(life.feed(Input::Redact(unknown)), Err(Stale));
    life.feed(Input::Redact(Parts { chunks: vec![0], audio: false })).unwrap();
    assert_eq!(life.due(), vec![video(0)]);
    life.finish(video(0));
    life.finish(TaskKey::Package);
    life.finish(TaskKey::Enrich);
    life.screen(Severity::Low);
    life.finish(TaskKey::Publish);
    assert_eq!(life.asset.phase, Phase::Published);
}

#[test]
fn nothing_of_an_asset_under_hold_is_made_again() {
    let mut life = Life::published();
    life.feed(Input::Hold(true)).unwrap();
    let parts = Parts { chunks: vec![0], audio: false };
    let redone = Redo::ALL.iter().map(|what| Input::Redo(*what));
    for input in redone.chain([Input::Redact(parts), Input::Erase]) {
        assert_eq!(life.feed(input), Err(Stale));
    }
    life.feed(Input::Hold(false)).unwrap();
    life.feed(Input::Redo(Redo::Package)).unwrap();
}

#[test]
fn every_exit_keeps_the_outputs_of_an_asset_under_hold() {
    let held = Flags { held: true, ..Flags::default() };
    for exit in Exit::ALL {
        assert!(held.keeps_outputs(*exit), "{exit:?}");
        assert_eq!(Flags::default().keeps_outputs(*exit), *exit == Exit::Quarantine);
    }
}

#[test]
fn the_source_of_an_asset_under_hold_is_kept_in_every_phase() {
    for mut life in
        [Life::arrived(), Life::processing(), Life::screened(), Life::published(), Life::rejected()]
    {
        let due = life.due();
        life.feed(Input::Hold(true)).unwrap();
        assert_eq!(life.state(TaskKey::KeepSource), Some(TaskState::Ready));
        life.finish(TaskKey::KeepSource);
        assert_eq!(life.due(), due, "beside everything else");
    }
}

#[test]
fn a_source_that_was_not_kept_before_a_withdrawal_is_kept_after_it() {
    let mut life = Life::published();
    life.feed(Input::Hold(true)).unwrap();
    let attempt = life.claim(TaskKey::KeepSource);
    life.feed(Input::Superseded).unwrap();
    assert_eq!(life.due(), vec![TaskKey::Withdraw]);
    let late = Input::Done { task: TaskKey::KeepSource, attempt, outcome: Outcome::Finished };
    assert_eq!(life.feed(late), Err(Stale), "the source moves meanwhile");
    life.finish(TaskKey::Withdraw);
    assert_eq!((life.asset.phase, life.due()), (Phase::Superseded, vec![TaskKey::KeepSource]));
    life.feed(Input::Hold(false)).unwrap();
    assert_eq!(life.due(), vec![], "it need not be kept any longer");
}

#[test]
fn keeping_a_source_is_tried_for_as_long_as_the_hold_lasts() {
    let mut life = Life::published();
    life.feed(Input::Hold(true)).unwrap();
    for _ in 0..50 {
        life.fail(TaskKey::KeepSource, Code::Internal);
    }
    assert_eq!((life.asset.phase, life.due()), (Phase::Published, vec![TaskKey::KeepSource]));
}

#[test]
fn a_redo_stops_before_it_replaces_outputs_under_hold() {
    let mut life = Life::published();
    life.feed(Input::Redo(Redo::Package)).unwrap();
    life.feed(Input::Hold(true)).unwrap();
    life.finish(TaskKey::Package);
    assert_eq!((life.asset.phase, life.reason()), (Phase::Failed, Some(Code::UnderHold)));
    for published in [true, false] {
        assert_eq!(life.feed(Input::Redrive { published }), Err(Stale));
    }
    life.feed(Input::Hold(false)).unwrap();
    life.feed(REDRIVE).unwrap();
    life.finish(TaskKey::Publish);
    assert_eq!(life.asset.phase, Phase::Published);
}

#[test]
fn publishing_that_failed_under_hold_goes_on_with_a_redrive_unless_it_would_replace_something() {
    let failed = || {
        let mut life = Life::screened();
        life.feed(Input::Hold(true)).unwrap();
        life.finish(TaskKey::KeepSource);
        life.exhaust(TaskKey::Publish, Code::AccessDenied);
        life
    };
    let mut life = failed();
    life.feed(REDRIVE).unwrap();
    assert_eq!((life.asset.phase, life.due()), (Phase::Screened, vec![TaskKey::Publish]));
    life.exhaust(TaskKey::Publish, Code::AccessDenied);
    life.feed(REDRIVE).unwrap();
    life.finish(TaskKey::Publish);
    assert_eq!(life.asset.phase, Phase::Published);
    assert_eq!(failed().feed(Input::Redrive { published: true }), Err(Stale), "an earlier plan is visible");
    let mut copy = Life::linked(Original::Ended(ended(Phase::Published, None)));
    copy.screen(Severity::None);
    copy.feed(Input::Hold(true)).unwrap();
    copy.exhaust(TaskKey::Publish, Code::AccessDenied);
    assert_eq!(copy.feed(REDRIVE), Err(Stale), "it would begin again, and its outputs might be others");
}

#[test]
fn a_hold_waits_for_the_end_of_a_withdrawal_that_may_have_begun_to_remove() {
    let mut life = Life::published();
    life.feed(Input::Superseded).unwrap();
    let attempt = life.claim(TaskKey::Withdraw);
    assert_eq!(life.feed(Input::Hold(true)), Err(Stale));
    let fault = Fault::new(Code::ObjectUnavailable, "");
    life.feed(Input::Failed { task: TaskKey::Withdraw, attempt, fault }).unwrap();
    assert_eq!(life.feed(Input::Hold(true)), Err(Stale), "the attempt may still be running somewhere");
    life.finish(TaskKey::Withdraw);
    life.feed(Input::Hold(true)).unwrap();
    let mut life = Life::published();
    life.feed(Input::Superseded).unwrap();
    life.feed(Input::Hold(true)).unwrap();
    assert!(life.asset.exit.is_some_and(|exit| life.asset.flags.keeps_outputs(exit)), "none has begun");
}
