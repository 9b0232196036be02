//! Redo of parts of published assets.

use super::*;
use crate::limits::REDRIVES_MAX;

fn redo(what: Redo) -> Life {
    let mut life = Life::published();
    life.feed(Input::Redo(what)).unwrap();
    life
}

#[test]
fn each_redo_begins_with_its_own_tasks_and_keeps_the_rest() {
    for (what, due) in [
        (Redo::Validate, vec![TaskKey::Validate]),
        (Redo::Transcode, vec![video(0), video(1), TaskKey::Audio]),
        (Redo::Video, vec![video(0), video(1)]),
        (Redo::Audio, vec![TaskKey::Audio]),
        (Redo::Enrich, vec![TaskKey::Enrich]),
        (Redo::Screen, vec![TaskKey::Enrich]),
        (Redo::Package, vec![TaskKey::Package]),
        (Redo::Publish, vec![TaskKey::Publish]),
    ] {
        assert_eq!(redo(what).due(), due, "{what:?}");
    }
}

/// A published asset with captions.
fn captioned() -> Life {
    let mut life = Life::arrived();
    let planned = Outcome::Validated {
        video_chunks: 1,
        audio: false,
        captions: true,
        files: false,
        original: Original::None,
    };
    life.done(TaskKey::Validate, planned);
    assert_eq!(life.due(), vec![video(0), TaskKey::Captions, TaskKey::Enrich]);
    life.finish(video(0));
    life.finish(TaskKey::Enrich);
    assert!(!life.due().contains(&TaskKey::Package), "packaging waits for the captions");
    life.finish(TaskKey::Captions);
    life.finish(TaskKey::Package);
    life.screen(Severity::None);
    life.finish(TaskKey::Publish);
    life
}

#[test]
fn whatever_is_packaged_anew_has_its_captions_made_anew() {
    for (what, due) in [
        (Redo::Transcode, vec![video(0), TaskKey::Captions]),
        (Redo::Video, vec![video(0), TaskKey::Captions]),
        (Redo::Package, vec![TaskKey::Captions]),
        (Redo::Enrich, vec![TaskKey::Enrich]),
        (Redo::Publish, vec![TaskKey::Publish]),
    ] {
        let mut life = captioned();
        life.feed(Input::Redo(what)).unwrap();
        assert_eq!(life.due(), due, "{what:?}");
        life.due().into_iter().for_each(|task| life.finish(task));
        let next = match what {
            Redo::Enrich => vec![TaskKey::Screen],
            Redo::Publish => vec![],
            _ => vec![TaskKey::Package],
        };
        assert_eq!(life.due(), next, "{what:?}");
    }
}

#[test]
fn a_redacted_asset_is_packaged_with_new_cues_before_it_is_searched() {
    let mut life = captioned();
    life.feed(Input::Redact(Parts { chunks: vec![0], audio: false })).unwrap();
    assert_eq!(life.due(), vec![video(0), TaskKey::Captions]);
    life.finish(TaskKey::Captions);
    life.finish(video(0));
    assert_eq!(life.due(), vec![TaskKey::Enrich, TaskKey::Package]);
    life.finish(TaskKey::Enrich);
    life.finish(TaskKey::Package);
    life.screen(Severity::None);
    life.finish(TaskKey::Publish);
    life.feed(Input::Redo(Redo::Screen)).unwrap();
    assert_eq!(life.due(), vec![TaskKey::Captions], "what it publishes is searched");
    life.finish(TaskKey::Captions);
    assert_eq!(life.due(), vec![TaskKey::Enrich, TaskKey::Package]);
}

#[test]
fn new_encodes_are_packaged_and_published_without_another_screening() {
    let mut life = redo(Redo::Video);
    assert_eq!(life.asset.phase, Phase::Processing);
    life.finish(video(0));
    assert_eq!(life.due(), vec![video(1)], "packaging waits for the last encode");
    life.finish(video(1));
    life.finish(TaskKey::Package);
    assert_eq!((life.asset.phase, life.due()), (Phase::Screened, vec![TaskKey::Publish]));
    life.finish(TaskKey::Publish);
    assert_eq!(life.asset.phase, Phase::Published);
    assert!(life.effects.contains(&Effect::Owe(NoticeKind::Published)), "the new result has a notice");
}

#[test]
fn a_new_screening_counts_instead_of_the_old_one() {
    let mut life = Life::processing();
    life.finish_all_but_screen();
    life.screen(Severity::Medium);
    life.finish(TaskKey::Publish);
    life.feed(Input::Redo(Redo::Screen)).unwrap();
    assert_eq!((life.asset.verdict, life.asset.severity), (Verdict::Unscanned, Severity::None));
    life.finish(TaskKey::Enrich);
    life.screen(Severity::Low);
    assert_eq!((life.asset.verdict, life.asset.severity), (Verdict::Clean, Severity::Low));
    assert_eq!(life.due(), vec![TaskKey::Publish], "what was packaged still counts");
}

#[test]
fn findings_of_a_new_screening_quarantine() {
    let mut life = redo(Redo::Enrich);
    life.finish(TaskKey::Enrich);
    life.screen(Severity::High);
    assert_eq!((life.asset.phase, life.asset.exit), (Phase::Withdrawing, Some(Exit::Quarantine)));
}

#[test]
fn a_failed_redo_is_redriven_where_it_stopped() {
    let mut life = redo(Redo::Audio);
    life.exhaust(TaskKey::Audio, Code::Internal);
    assert_eq!(life.asset.phase, Phase::Failed);
    life.feed(REDRIVE).unwrap();
    assert_eq!((life.asset.phase, life.due()), (Phase::Processing, vec![TaskKey::Audio]));
}

#[test]
fn a_redo_sends_duplicates_without_a_copy_back() {
    let notified = |life: &Life| {
        life.effects.iter().any(|effect| {
            matches!(effect, Effect::NotifyDuplicates(end) if end.phase == Phase::Failed && !end.is_shared())
        })
    };
    assert!(notified(&redo(Redo::Package)));
}

#[test]
fn a_copy_can_only_begin_again() {
    let mut life = Life::linked(Original::Ended(ended(Phase::Published, None)));
    life.screen(Severity::None);
    life.finish(TaskKey::Publish);
    assert_eq!(life.feed(Input::Redo(Redo::Transcode)), Err(Stale));
    life.feed(Input::Redo(Redo::Validate)).unwrap();
    assert_eq!((life.asset.phase, life.asset.linked), (Phase::Received, false));
}

#[test]
fn only_what_is_published_and_has_the_part_is_redone() {
    for mut life in [Life::processing(), Life::screened(), Life::rejected()] {
        assert_eq!(life.feed(Input::Redo(Redo::Transcode)), Err(Stale));
    }
    let mut silent = Life::arrived();
    silent.validate(1, false, Original::None);
    silent.finish(video(0));
    silent.finish(TaskKey::Enrich);
    silent.finish(TaskKey::Package);
    silent.screen(Severity::None);
    silent.finish(TaskKey::Publish);
    assert_eq!(silent.feed(Input::Redo(Redo::Audio)), Err(Stale));
}

#[test]
fn redos_are_bounded_together_with_redrives() {
    let mut life = Life::published();
    for _ in 0..REDRIVES_MAX {
        life.feed(Input::Redo(Redo::Publish)).unwrap();
        life.finish(TaskKey::Publish);
    }
    assert_eq!(life.feed(Input::Redo(Redo::Publish)), Err(Stale));
}
