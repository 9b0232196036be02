use alloc::vec;

use super::*;

fn waiting() -> Life {
    Life::linked(Original::Running { redacted: false })
}

#[test]
fn a_duplicate_waits_for_its_original_and_encodes_nothing() {
    let life = waiting();
    assert_eq!((life.asset.phase, life.due()), (Phase::Linked, vec![]));
    assert!(life.effects.contains(&Effect::Note(Note::LinkedToOriginal)));
}

#[test]
fn a_duplicate_screens_its_own_name_and_publishes_a_copy() {
    let mut life = waiting();
    life.feed(Input::OriginalEnded(ended(Phase::Published, None))).unwrap();
    assert_eq!(life.due(), vec![TaskKey::Screen]);
    life.screen(Severity::Medium);
    assert_eq!((life.asset.phase, life.due()), (Phase::Screened, vec![TaskKey::Publish]));
    assert_eq!(life.asset.verdict, Verdict::Flagged, "by its own screening");
    life.finish(TaskKey::Publish);
    assert_eq!((life.asset.phase, life.owed()), (Phase::Published, vec![NoticeKind::Published]));
}

#[test]
fn a_duplicate_of_an_ended_original_does_not_wait() {
    let life = Life::linked(Original::Ended(ended(Phase::Published, None)));
    assert_eq!((life.asset.phase, life.due()), (Phase::Linked, vec![TaskKey::Screen]));
}

#[test]
fn a_duplicate_whose_own_name_is_personal_is_quarantined_alone() {
    let mut life = Life::linked(Original::Ended(ended(Phase::Published, None)));
    life.screen(Severity::High);
    assert_eq!(life.asset.exit, Some(Exit::Quarantine));
}

#[test]
fn a_person_s_decision_about_an_original_quarantines_its_duplicates() {
    let quarantined = quarantined_for(Cause::Person.as_str());
    let released = OriginalEnd { released: true, ..ended(Phase::Published, None) };
    for end in [quarantined, released] {
        let mut waited = waiting();
        waited.feed(Input::OriginalEnded(end.clone())).unwrap();
        let mut late = Life::linked(Original::Ended(end));
        for life in [&mut waited, &mut late] {
            life.finish(TaskKey::Withdraw);
            assert_eq!((life.asset.phase, life.reason()), (Phase::Quarantined, Some(Code::PersonalData)));
        }
    }
}

#[test]
fn what_policy_decided_about_an_original_decides_nothing_about_its_duplicates() {
    let incomplete = ended(Phase::Quarantined, Some(Code::ScreeningIncomplete));
    let causes = ["", Cause::Scanner.as_str(), Cause::FoundInContent.as_str(), Cause::AfterRelease.as_str()];
    for end in causes.map(quarantined_for).into_iter().chain([incomplete]) {
        let mut waited = waiting();
        waited.feed(Input::OriginalEnded(end.clone())).unwrap();
        assert_eq!((waited.asset.phase, waited.due()), (Phase::Received, vec![TaskKey::Validate]));
        let late = Life::linked(Original::Ended(end));
        assert_eq!((late.asset.phase, late.asset.linked), (Phase::Processing, false));
    }
    let mut quarantined = Life::processing();
    quarantined.finish_all_but_screen();
    quarantined.screen(Severity::High);
    quarantined.finish(TaskKey::Withdraw);
    assert_eq!(quarantined.asset.as_original(), Original::None);
}

#[test]
fn content_that_was_searched_less_than_is_asked_is_searched_again_without_a_new_encode() {
    let mut life = Life::linked(Original::Ended(ended(Phase::Published, None)));
    life.done(TaskKey::Screen, Outcome::LooksAgain);
    assert!(life.effects.contains(&Effect::Note(Note::LookingAgain)));
    assert_eq!((life.asset.phase, life.due()), (Phase::Linked, vec![TaskKey::Enrich]));
    let again = Input::OriginalEnded(ended(Phase::Published, None));
    assert_eq!(life.feed(again), Err(Stale), "it uses what is published");
    life.finish(TaskKey::Enrich);
    assert_eq!(life.due(), vec![TaskKey::Screen]);
    life.screen(Severity::None);
    assert_eq!((life.asset.phase, life.asset.verdict), (Phase::Screened, Verdict::Clean));
}

#[test]
fn only_a_linked_asset_looks_again() {
    let mut life = Life::processing();
    life.finish(TaskKey::Enrich);
    life.done(TaskKey::Screen, Outcome::LooksAgain);
    assert_eq!(life.state(TaskKey::Screen), Some(TaskState::Ready), "retried as a fault of ours");
}

#[test]
fn a_look_of_its_own_ends_with_the_original() {
    let mut life = Life::linked(Original::Ended(ended(Phase::Published, None)));
    life.done(TaskKey::Screen, Outcome::LooksAgain);
    life.feed(Input::OriginalEnded(ended(Phase::Superseded, Some(Code::Superseded)))).unwrap();
    assert_eq!((life.asset.phase, life.due()), (Phase::Received, vec![TaskKey::Validate]));
}

#[test]
fn a_refusal_of_the_content_is_shared_and_one_of_the_upload_is_not() {
    for (code, shared) in [
        (Code::DamagedStream, true),
        (Code::DecoderCrashed, true),
        (Code::SourceChanged, false),
        (Code::SourceMissing, false),
        (Code::ChecksumMismatch, false),
    ] {
        let mut life = waiting();
        life.feed(Input::OriginalEnded(ended(Phase::Rejected, Some(code)))).unwrap();
        let expected = if shared { Phase::Withdrawing } else { Phase::Received };
        assert_eq!(life.asset.phase, expected, "{}", code.as_str());
    }
}

#[test]
fn a_duplicate_begins_again_if_its_original_has_nothing_to_share() {
    for phase in [Phase::Failed, Phase::Superseded] {
        let mut life = waiting();
        life.feed(Input::OriginalEnded(ended(phase, Some(Code::Superseded)))).unwrap();
        assert_eq!((life.asset.phase, life.due()), (Phase::Received, vec![TaskKey::Validate]));
        assert!(!life.asset.linked);
    }
}

#[test]
fn an_original_with_nothing_to_share_is_not_linked() {
    for phase in [Phase::Failed, Phase::Superseded, Phase::Rejected] {
        let life = Life::linked(Original::Ended(ended(phase, Some(Code::SourceMissing))));
        assert_eq!((life.asset.phase, life.asset.linked), (Phase::Processing, false));
    }
}

#[test]
fn a_duplicate_begins_again_unscreened_if_its_original_leaves_before_the_copy() {
    let gone = || Input::OriginalEnded(ended(Phase::Superseded, Some(Code::Superseded)));
    let mut screening = Life::linked(Original::Ended(ended(Phase::Published, None)));
    screening.feed(gone()).unwrap();
    let mut publishing = Life::linked(Original::Ended(ended(Phase::Published, None)));
    publishing.screen(Severity::None);
    let copying = publishing.claim(TaskKey::Publish);
    publishing.feed(gone()).unwrap();
    for life in [&screening, &publishing] {
        assert_eq!((life.asset.phase, life.asset.verdict), (Phase::Received, Verdict::Unscanned));
        assert_eq!(
            life.state(TaskKey::Screen),
            Some(TaskState::Dropped),
            "its name alone is not its content"
        );
    }
    let late = Input::Done { task: TaskKey::Publish, attempt: copying, outcome: Outcome::Finished };
    assert_eq!(publishing.feed(late), Err(Stale));
}

#[test]
fn a_published_duplicate_outlives_its_original() {
    let mut life = Life::linked(Original::Ended(ended(Phase::Published, None)));
    life.screen(Severity::None);
    life.finish(TaskKey::Publish);
    let gone = ended(Phase::Superseded, Some(Code::Superseded));
    assert_eq!(life.feed(Input::OriginalEnded(gone)), Err(Stale));
    assert_eq!(life.asset.phase, Phase::Published);
}

#[test]
fn endings_of_originals_do_not_concern_assets_without_a_link() {
    let end = ended(Phase::Rejected, Some(Code::NotMedia));
    for mut life in [Life::arrived(), Life::processing(), Life::screened(), Life::published()] {
        assert_eq!(life.feed(Input::OriginalEnded(end.clone())), Err(Stale));
    }
    let unended = ended(Phase::Processing, None);
    assert_eq!(waiting().feed(Input::OriginalEnded(unended)), Err(Stale));
}

#[test]
fn a_redriven_rejected_asset_can_be_linked_again() {
    let mut life = Life::processing();
    life.finish(TaskKey::Enrich);
    life.screen(Severity::None);
    life.fail(TaskKey::Audio, Code::DamagedStream);
    life.finish(TaskKey::Withdraw);
    life.feed(REDRIVE).unwrap();
    life.validate(2, true, Original::Running { redacted: false });
    life.feed(Input::OriginalEnded(ended(Phase::Published, None))).unwrap();
    assert_eq!(life.due(), vec![TaskKey::Screen]);
}
