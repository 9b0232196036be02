use alloc::vec;

use super::*;
use crate::limits::{CHUNKS_MAX, TASKS_MAX};

#[test]
fn an_upload_is_published_after_validating_encoding_screening_and_packaging() {
    let mut life = Life::processing();
    assert_eq!(life.due(), vec![video(0), video(1), TaskKey::Audio, TaskKey::Enrich]);
    life.finish_all_but_screen();
    assert_eq!(life.due(), vec![TaskKey::Screen]);
    life.screen(Severity::Low);
    assert_eq!((life.asset.phase, life.due()), (Phase::Screened, vec![TaskKey::Publish]));
    assert_eq!(life.asset.verdict, Verdict::Clean);
    life.finish(TaskKey::Publish);
    assert_eq!(life.asset.phase, Phase::Published);
    assert_eq!(life.owed(), vec![NoticeKind::Published]);
}

#[test]
fn packaging_waits_for_the_last_encode() {
    let mut life = Life::processing();
    life.finish(video(1));
    life.finish(TaskKey::Audio);
    assert_eq!(life.state(TaskKey::Package), None);
    life.finish(video(0));
    assert_eq!(life.state(TaskKey::Package), Some(TaskState::Ready));
}

#[test]
fn publishing_waits_for_screening_and_for_packaging() {
    let mut packaged = Life::processing();
    packaged.finish_all_but_screen();
    assert_eq!((packaged.asset.phase, packaged.state(TaskKey::Publish)), (Phase::Processing, None));
    let mut screened = Life::processing();
    screened.finish(TaskKey::Enrich);
    screened.screen(Severity::None);
    assert_eq!((screened.asset.phase, screened.state(TaskKey::Publish)), (Phase::Processing, None));
}

#[test]
fn audio_alone_and_video_alone_are_packaged() {
    for (chunks, audio, encode) in [(0, true, TaskKey::Audio), (1, false, video(0))] {
        let mut life = Life::arrived();
        life.validate(chunks, audio, Original::None);
        life.finish(encode);
        assert_eq!(life.state(TaskKey::Package), Some(TaskState::Ready));
    }
}

#[test]
fn a_medium_finding_is_published_with_a_flag() {
    let mut life = Life::processing();
    life.finish_all_but_screen();
    life.screen(Severity::Medium);
    assert_eq!((life.asset.phase, life.asset.verdict), (Phase::Screened, Verdict::Flagged));
}

#[test]
fn a_high_finding_stops_the_encoding_and_quarantines() {
    let mut life = Life::processing();
    life.finish(TaskKey::Enrich);
    let encoding = life.claim(video(0));
    life.screen(Severity::High);
    assert_eq!(life.due(), vec![TaskKey::Withdraw]);
    let late = Input::Done { task: video(0), attempt: encoding, outcome: Outcome::Finished };
    assert_eq!(life.feed(late), Err(Stale));
    life.finish(TaskKey::Withdraw);
    assert_eq!((life.asset.phase, life.reason()), (Phase::Quarantined, Some(Code::PersonalData)));
    assert_eq!(life.owed(), vec![NoticeKind::Quarantined]);
}

#[test]
fn a_personal_data_fault_of_any_task_quarantines() {
    let mut life = Life::processing();
    life.fail(TaskKey::Enrich, Code::PersonalData);
    assert_eq!(life.asset.exit, Some(Exit::Quarantine));
    life.finish(TaskKey::Withdraw);
    assert_eq!((life.asset.phase, life.asset.severity), (Phase::Quarantined, Severity::High));
}

#[test]
fn the_longest_video_reaches_the_limit_of_tasks() {
    let mut life = Life::arrived();
    let (video_chunks, original) = (CHUNKS_MAX, Original::None);
    life.done(
        TaskKey::Validate,
        Outcome::Validated { video_chunks, audio: true, captions: true, files: false, original },
    );
    for task in life.due() {
        life.asset.tasks.insert(task, TaskRecord { state: TaskState::Done, ..TaskRecord::NEW });
    }
    life.asset.tasks.insert(TaskKey::Package, TaskRecord { state: TaskState::Done, ..TaskRecord::NEW });
    life.asset.tasks.insert(TaskKey::Screen, TaskRecord::NEW);
    life.done(TaskKey::Screen, Outcome::Screened(Screening { scan: true, ..Screening::of(Severity::None) }));
    life.done(TaskKey::ExternalScan, Outcome::ExternallyScanned(Screening::of(Severity::None)));
    life.finish(TaskKey::Publish);
    life.feed(Input::Quarantine(Cause::Person)).expect("a published asset can be quarantined");
    life.finish(TaskKey::Withdraw);
    life.feed(Input::Hold(true)).expect("a quarantined asset can be put under hold");
    life.feed(Input::Release).expect("a quarantined asset can be released");
    assert_eq!(life.asset.tasks.len(), TASKS_MAX);
}

#[test]
fn a_result_that_does_not_fit_its_task_is_a_fault_and_not_a_lost_task() {
    let oversized = Outcome::Validated {
        video_chunks: CHUNKS_MAX + 1,
        audio: true,
        captions: false,
        files: false,
        original: Original::None,
    };
    let empty = Outcome::Validated {
        video_chunks: 0,
        audio: false,
        captions: true,
        files: false,
        original: Original::None,
    };
    for outcome in [oversized, empty, Outcome::Finished, Outcome::Screened(Screening::of(Severity::Low))] {
        let mut life = Life::arrived();
        life.done(TaskKey::Validate, outcome.clone());
        assert_eq!(life.due(), vec![TaskKey::Validate], "one more try");
        life.done(TaskKey::Validate, outcome);
        assert_eq!((life.asset.phase, life.reason()), (Phase::Failed, Some(Code::WorkerProtocol)));
    }
}
