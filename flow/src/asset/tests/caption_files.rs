//! A film and the caption files beside it.

use super::*;
use crate::limits::REDRIVES_MAX;

/// A caption file whose film is there.
fn attached() -> Life {
    let mut life = Life::arrived();
    life.done(TaskKey::Validate, Outcome::Attached);
    life
}

/// A published film with a caption file.
fn captioned() -> Life {
    let mut life = Life::arrived();
    life.done(
        TaskKey::Validate,
        Outcome::Validated {
            video_chunks: 1,
            audio: false,
            captions: false,
            files: true,
            original: Original::None,
        },
    );
    life.finish(video(0));
    life.finish(TaskKey::Captions);
    life.finish(TaskKey::Enrich);
    life.screen(Severity::None);
    life.finish(TaskKey::Package);
    life.finish(TaskKey::Publish);
    assert_eq!(life.asset.phase, Phase::Published);
    life
}

fn came(life: &mut Life) {
    life.feed(Input::CaptionFileCame).expect("a film takes its file");
}

#[test]
fn a_caption_file_waits_for_its_film_and_then_is_attached_without_a_notice() {
    let mut life = Life::arrived();
    life.done(TaskKey::Validate, Outcome::Waiting { delay_ms: 7 });
    assert!(life.effects.contains(&Effect::Start { task: TaskKey::Validate, delay_ms: 7 }));
    assert_eq!((life.asset.phase, life.due()), (Phase::Received, vec![TaskKey::Validate]));
    life.done(TaskKey::Validate, Outcome::Attached);
    assert_eq!((life.asset.phase, life.due(), life.owed()), (Phase::Attached, vec![], vec![]));
    assert!(life.effects.contains(&Effect::ReadByFilm));
    assert!(life.asset.flags.attached && life.feed(Input::CaptionFileCame).is_err());
}

#[test]
fn text_is_searched_only_when_the_caption_files_are_read() {
    for last in [TaskKey::Captions, TaskKey::Enrich] {
        let mut life = Life::arrived();
        came(&mut life);
        life.validate(1, false, Original::None);
        let first = if last == TaskKey::Captions { TaskKey::Enrich } else { TaskKey::Captions };
        life.finish(first);
        assert_eq!(life.state(TaskKey::Screen), None, "{last} is missing");
        life.finish(last);
        assert_eq!(life.state(TaskKey::Screen), Some(TaskState::Ready));
    }
}

#[test]
fn a_file_that_comes_while_the_film_is_processed_is_read_and_searched_before_it_is_published() {
    let mut life = Life::screened();
    came(&mut life);
    assert_eq!(
        (life.asset.phase, life.due()),
        (Phase::Processing, vec![TaskKey::Captions]),
        "the text is there"
    );
    assert_eq!(life.asset.verdict, Verdict::Unscanned);
    life.finish(TaskKey::Captions);
    assert_eq!(life.due(), [TaskKey::Screen, TaskKey::Package]);
    // Another one comes while the first is searched, and one more before they are read.
    came(&mut life);
    assert_eq!(life.due(), [TaskKey::Captions]);
    assert_eq!(life.feed(Input::CaptionFileCame), Err(Stale), "it is read with the others");
    life.claim(TaskKey::Captions);
    came(&mut life);
    life.finish(TaskKey::Captions);
    life.screen(Severity::None);
    life.finish(TaskKey::Package);
    assert_eq!(life.asset.phase, Phase::Screened);
}

#[test]
fn a_late_file_is_searched_and_packaged_and_the_encodes_are_kept() {
    let mut life = Life::published();
    came(&mut life);
    assert_eq!(life.due(), [TaskKey::Captions, TaskKey::Enrich]);
    assert_eq!(life.asset.redrives, 1);
    life.finish(TaskKey::Enrich);
    life.finish(TaskKey::Captions);
    life.screen(Severity::High);
    assert_eq!(life.asset.exit, Some(Exit::Quarantine), "a finding in the file holds the film");
    assert!(life.effects.contains(&Effect::StepCaptionFiles(WithFilm::Quarantine)));
}

#[test]
fn what_may_not_be_replaced_takes_no_file() {
    let mut held = Life::published();
    held.feed(Input::Hold(true)).unwrap();
    assert_eq!(held.feed(Input::CaptionFileCame), Err(Stale));
    let mut often = Life::published();
    often.asset.redrives = REDRIVES_MAX;
    assert_eq!(often.feed(Input::CaptionFileCame), Err(Stale));
    assert_eq!(Life::rejected().feed(Input::CaptionFileCame), Err(Stale));
}

#[test]
fn a_failed_film_reads_its_files_when_it_is_redriven() {
    let mut life = Life::processing();
    life.finish(TaskKey::Enrich);
    life.exhaust(TaskKey::Audio, Code::Internal);
    came(&mut life);
    assert_eq!(life.asset.phase, Phase::Failed);
    life.feed(REDRIVE).unwrap();
    assert_eq!(life.due(), [video(0), video(1), TaskKey::Audio, TaskKey::Captions], "the text is there");
}

#[test]
fn a_film_with_files_shares_no_outputs_but_what_they_leave_out() {
    let original = || ended(Phase::Published, None);
    let mut copy = Life::linked(Original::Ended(original()));
    came(&mut copy);
    assert_eq!(copy.asset.phase, Phase::Received, "it is processed on its own");
    copy.validate(1, false, Original::Ended(OriginalEnd { redacted: true, ..original() }));
    assert_eq!((copy.asset.phase, copy.asset.flags.redacted), (Phase::Processing, true));

    let mut film = captioned();
    assert_eq!(film.asset.as_original(), Original::None);
    assert_eq!(film.asset.ending().phase, Phase::Failed, "what waits for it begins again");
    film.asset.flags.redacted = true;
    assert_eq!(film.asset.as_original(), Original::Redacted);
    let later = Life::linked(Original::Redacted);
    assert_eq!((later.asset.phase, later.asset.flags.redacted), (Phase::Processing, true));
    film.feed(Input::Quarantine(Cause::Person)).unwrap();
    film.finish(TaskKey::Withdraw);
    assert!(
        matches!(film.asset.as_original(), Original::Ended(_)),
        "a person's decision holds for the content"
    );
}

#[test]
fn whatever_reads_caption_files_searches_them_again() {
    for what in [Redo::Transcode, Redo::Video, Redo::Enrich, Redo::Screen, Redo::Package] {
        for redacted in [false, true] {
            let mut life = captioned();
            life.asset.flags.redacted = redacted;
            life.feed(Input::Redo(what)).unwrap();
            assert_eq!(life.asset.verdict, Verdict::Unscanned, "{what:?}");
            for _ in 0..6 {
                let next = life.due().first().copied().expect("it goes on");
                match next {
                    TaskKey::Screen => life.screen(Severity::None),
                    TaskKey::Publish => break,
                    other => life.finish(other),
                }
            }
            assert_eq!(life.due(), [TaskKey::Publish], "{what:?}, redacted {redacted}");
        }
    }
}

#[test]
fn what_happens_to_a_film_happens_to_its_files() {
    let mut film = captioned();
    film.feed(Input::Hold(true)).unwrap();
    assert!(film.effects.contains(&Effect::StepCaptionFiles(WithFilm::Hold(true))));
    film.feed(Input::Hold(false)).unwrap();
    film.feed(Input::Quarantine(Cause::Person)).unwrap();
    assert!(film.effects.contains(&Effect::StepCaptionFiles(WithFilm::Quarantine)));
    film.finish(TaskKey::Withdraw);
    film.feed(Input::Release).unwrap();
    assert!(film.effects.contains(&Effect::StepCaptionFiles(WithFilm::Release)));
    film.done(TaskKey::Restore, Outcome::Restored { outputs: true });
    film.feed(Input::Erase).unwrap();
    assert!(film.effects.contains(&Effect::StepCaptionFiles(WithFilm::Erase)));
    let mut other = Life::published();
    other.feed(Input::Quarantine(Cause::Person)).unwrap();
    assert!(!other.effects.iter().any(|effect| matches!(effect, Effect::StepCaptionFiles(_))));
}

#[test]
fn a_file_that_is_quarantined_takes_its_film_with_it_and_comes_back_attached() {
    let mut file = attached();
    file.feed(Input::Quarantine(Cause::Person)).unwrap();
    assert!(file.effects.contains(&Effect::QuarantineFilm));
    file.finish(TaskKey::Withdraw);
    assert_eq!(file.asset.phase, Phase::Quarantined);
    file.feed(Input::Release).unwrap();
    file.done(TaskKey::Restore, Outcome::Restored { outputs: false });
    assert_eq!(file.asset.phase, Phase::Attached);
    assert!(file.effects.contains(&Effect::ReadByFilm), "another film may have come meanwhile");
    file.feed(Input::Superseded).unwrap();
    assert_eq!(file.asset.exit, Some(Exit::Supersede));
}
