//! A redaction reaches every upload of the content, and stays.

use super::*;

fn copy() -> Life {
    let mut life = Life::linked(Original::Ended(ended(Phase::Published, None)));
    life.screen(Severity::None);
    life.finish(TaskKey::Publish);
    life
}

fn parts() -> Parts {
    Parts { chunks: vec![0], audio: false }
}

/// Validates again and encodes everything: the text is sampled from the encodes.
fn is_made_anew(life: &mut Life) {
    assert_eq!((life.asset.phase, life.due()), (Phase::Received, vec![TaskKey::Validate]));
    life.validate(2, true, Original::Ended(ended(Phase::Published, None)));
    assert_eq!(life.due(), vec![video(0), video(1), TaskKey::Audio], "on its own, and no text of the source");
    for task in [video(0), video(1), TaskKey::Audio] {
        life.finish(task);
    }
    assert_eq!(life.due(), vec![TaskKey::Enrich, TaskKey::Package]);
    life.finish(TaskKey::Enrich);
    life.finish(TaskKey::Package);
    life.screen(Severity::None);
    life.finish(TaskKey::Publish);
    assert!(life.asset.flags.redacted);
}

#[test]
fn a_redaction_reaches_the_same_content_once() {
    let mut life = Life::published();
    life.feed(Input::Redact(parts())).unwrap();
    assert!(life.effects.contains(&Effect::RedactSameContent));
    life.finish(video(0));
    assert!(!life.effects.contains(&Effect::RedactSameContent));
}

#[test]
fn a_copy_is_redacted_by_encodes_of_its_own() {
    let mut life = copy();
    life.feed(Input::Redact(parts())).unwrap();
    assert!(life.effects.contains(&Effect::RedactSameContent));
    is_made_anew(&mut life);
}

#[test]
fn a_copy_of_what_is_redacted_waits_for_the_redacted_outputs() {
    let waiting = Life::linked(Original::Running { redacted: false });
    let mut about_to_publish = Life::linked(Original::Ended(ended(Phase::Published, None)));
    about_to_publish.screen(Severity::None);
    for mut life in [copy(), waiting, about_to_publish] {
        life.feed(Input::ContentRedacted).unwrap();
        assert_eq!((life.asset.phase, life.due()), (Phase::Linked, vec![]));
        let end = OriginalEnd { redacted: true, ..ended(Phase::Published, None) };
        life.feed(Input::OriginalEnded(end)).unwrap();
        life.screen(Severity::None);
        life.finish(TaskKey::Publish);
        assert!(life.asset.flags.redacted && life.asset.linked);
    }
}

#[test]
fn a_copy_whose_redacted_original_goes_away_is_redacted_on_its_own() {
    let mut life = copy();
    life.feed(Input::ContentRedacted).unwrap();
    life.feed(Input::OriginalEnded(ended(Phase::Failed, Some(Code::Internal)))).unwrap();
    is_made_anew(&mut life);
    let mut later = Life::linked(Original::Running { redacted: true });
    later.feed(Input::OriginalEnded(ended(Phase::Superseded, Some(Code::Superseded)))).unwrap();
    is_made_anew(&mut later);
}

#[test]
fn what_has_encodes_of_its_own_makes_them_again() {
    let mut redone = Life::published();
    redone.feed(Input::Redo(Redo::Package)).unwrap();
    for mut life in [Life::processing(), Life::published(), Life::screened(), redone] {
        life.feed(Input::ContentRedacted).unwrap();
        is_made_anew(&mut life);
    }
}

#[test]
fn what_cannot_be_replaced_is_quarantined() {
    let mut held = copy();
    held.feed(Input::Hold(true)).unwrap();
    let mut publishing = Life::screened();
    publishing.claim(TaskKey::Publish);
    let mut failed = Life::processing();
    failed.exhaust(TaskKey::Enrich, Code::Internal);
    for mut life in [held, publishing, failed] {
        life.feed(Input::ContentRedacted).unwrap();
        life.finish(TaskKey::Withdraw);
        assert_eq!((life.asset.phase, life.reason()), (Phase::Quarantined, Some(Code::PersonalData)));
        assert!(!life.asset.ending().is_shared(), "it decides nothing about later uploads");
    }
}

#[test]
fn what_is_out_of_sight_or_released_stays() {
    let mut released = Life::published();
    released.feed(Input::Quarantine(Cause::Person)).unwrap();
    released.finish(TaskKey::Withdraw);
    let quarantined = Life { asset: released.asset.clone(), effects: Vec::new() };
    released.feed(Input::Release).unwrap();
    let releasing = Life { asset: released.asset.clone(), effects: Vec::new() };
    released.done(TaskKey::Restore, Outcome::Restored { outputs: true });
    for mut life in [Life::rejected(), quarantined, releasing, released] {
        assert_eq!(life.feed(Input::ContentRedacted), Err(Stale), "{:?}", life.asset.phase);
    }
}

#[test]
fn a_redaction_stays_when_the_asset_begins_again() {
    let mut life = Life::published();
    life.feed(Input::Redact(parts())).unwrap();
    life.finish(video(0));
    life.finish(TaskKey::Enrich);
    life.finish(TaskKey::Package);
    life.screen(Severity::None);
    life.finish(TaskKey::Publish);
    life.feed(Input::Redo(Redo::Validate)).unwrap();
    is_made_anew(&mut life);
}

#[test]
fn an_upload_that_arrives_meanwhile_waits_for_what_is_redacted_anew() {
    let mut life = copy();
    life.feed(Input::Redact(parts())).unwrap();
    assert_eq!(life.asset.as_original(), Original::Running { redacted: true });
    assert_eq!(Life::arrived().asset.as_original(), Original::None);
}
