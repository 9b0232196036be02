//! Assets of which a required surface was not analysed whole.

use super::*;
use crate::surface::{Gap, NotSearched, Surface, SurfaceReport, SurfaceState};

fn cut_off() -> SurfaceReport {
    let gaps = vec![Gap { track: Some(2), why: NotSearched::LimitReached, until_ns: None }];
    SurfaceReport { surface: Surface::Subtitles, state: SurfaceState::Partly, lines: 1, gaps }
}

fn incomplete(severity: Severity) -> Screening {
    let mut screening = Screening { incomplete: vec![cut_off()], ..Screening::of(severity) };
    screening.surfaces[3] = cut_off();
    screening
}

fn screened(severity: Severity) -> Life {
    let mut life = Life::processing();
    life.finish_all_but_screen();
    life.done(TaskKey::Screen, Outcome::Screened(incomplete(severity)));
    life
}

fn held_back() -> Life {
    let mut life = screened(Severity::None);
    life.finish(TaskKey::Withdraw);
    life
}

#[test]
fn an_asset_that_was_not_searched_whole_is_never_clean_and_waits_for_a_person() {
    for severity in [Severity::None, Severity::Low, Severity::Medium] {
        let mut life = screened(severity);
        assert_eq!((life.asset.verdict, life.asset.severity), (Verdict::Unscanned, severity));
        assert_eq!((life.asset.phase, life.due()), (Phase::Withdrawing, vec![TaskKey::Withdraw]));
        let closes = life.effects.iter().any(|effect| matches!(effect, Effect::CloseOver { .. }));
        assert!(!closes, "nothing was found that other uploads share");
        life.finish(TaskKey::Withdraw);
        assert_eq!((life.asset.phase, life.owed()), (Phase::Quarantined, vec![NoticeKind::Quarantined]));
        let reason = life.asset.reason.clone().map(|fault| (fault.code, fault.detail)).unwrap();
        let detail = "subtitles partly: a limit was reached before its end (track 2)";
        assert_eq!(reason, (Code::ScreeningIncomplete, detail.into()));
        assert_eq!(life.asset.surfaces[3], cut_off());
    }
}

#[test]
fn a_finding_in_a_part_that_was_searched_still_quarantines() {
    let life = screened(Severity::High);
    assert_eq!((life.asset.verdict, life.reason()), (Verdict::Flagged, Some(Code::PersonalData)));
}

#[test]
fn nothing_is_redacted_while_a_part_was_not_searched() {
    let mut life = Life::processing();
    life.finish_all_but_screen();
    let parts = Parts { chunks: vec![0].into_iter().collect(), audio: false };
    let response = Response::RedactThenPublish;
    let screening = Screening { response, parts: Some(parts), ..incomplete(Severity::High) };
    life.done(TaskKey::Screen, Outcome::Screened(screening));
    assert_eq!((life.asset.phase, life.reason()), (Phase::Withdrawing, Some(Code::PersonalData)));
}

#[test]
fn the_answer_of_an_external_scanner_does_not_replace_what_was_not_searched() {
    let mut life = Life::processing();
    life.finish_all_but_screen();
    let scan = |screening| Screening { scan: true, ..screening };
    life.done(TaskKey::Screen, Outcome::Screened(scan(Screening::of(Severity::None))));
    life.done(TaskKey::ExternalScan, Outcome::ExternallyScanned(incomplete(Severity::None)));
    assert_eq!((life.asset.verdict, life.reason()), (Verdict::Unscanned, Some(Code::ScreeningIncomplete)));
}

#[test]
fn a_person_may_publish_it_and_it_stays_unscanned() {
    let mut life = held_back();
    life.feed(Input::Release).unwrap();
    life.done(TaskKey::Restore, Outcome::Restored { outputs: false });
    assert_eq!((life.asset.phase, life.asset.surfaces.len()), (Phase::Received, 0));
    life.validate(2, true, Original::None);
    life.finish_all_but_screen();
    life.done(TaskKey::Screen, Outcome::Screened(incomplete(Severity::Low)));
    life.finish(TaskKey::Publish);
    assert_eq!((life.asset.phase, life.asset.verdict), (Phase::Published, Verdict::Unscanned));
}

#[test]
fn publishing_that_failed_after_a_release_is_redriven_without_another_release() {
    for held in [false, true] {
        let mut life = held_back();
        if held {
            life.feed(Input::Hold(true)).unwrap();
            life.finish(TaskKey::KeepSource);
        }
        life.feed(Input::Release).unwrap();
        life.done(TaskKey::Restore, Outcome::Restored { outputs: false });
        life.validate(2, true, Original::None);
        life.finish_all_but_screen();
        life.done(TaskKey::Screen, Outcome::Screened(incomplete(Severity::Low)));
        for _ in 0..3 {
            life.exhaust(TaskKey::Publish, Code::AccessDenied);
            life.feed(REDRIVE).unwrap();
            assert_eq!((life.asset.phase, life.due()), (Phase::Screened, vec![TaskKey::Publish]));
        }
        life.finish(TaskKey::Publish);
        assert_eq!((life.asset.phase, life.asset.flags.cleared), (Phase::Published, true));
    }
}

#[test]
fn a_person_may_publish_it_after_the_external_scanner_has_answered() {
    let mut life = held_back();
    life.feed(Input::Release).unwrap();
    life.done(TaskKey::Restore, Outcome::Restored { outputs: false });
    life.validate(2, true, Original::None);
    life.finish_all_but_screen();
    let screening = Screening { scan: true, ..incomplete(Severity::None) };
    life.done(TaskKey::Screen, Outcome::Screened(screening));
    assert_eq!(life.due(), vec![TaskKey::ExternalScan]);
    life.done(TaskKey::ExternalScan, Outcome::ExternallyScanned(incomplete(Severity::Medium)));
    life.finish(TaskKey::Publish);
    assert_eq!((life.asset.phase, life.asset.verdict), (Phase::Published, Verdict::Flagged));
}

#[test]
fn a_duplicate_of_what_was_not_searched_is_searched_on_its_own() {
    let mut life = Life::linked(held_back().asset.as_original());
    assert_eq!((life.asset.phase, life.asset.linked), (Phase::Processing, false));
    life.finish_all_but_screen();
    life.done(TaskKey::Screen, Outcome::Screened(incomplete(Severity::None)));
    life.finish(TaskKey::Withdraw);
    assert_eq!((life.asset.phase, life.reason()), (Phase::Quarantined, Some(Code::ScreeningIncomplete)));
}

#[test]
fn an_original_that_was_published_without_a_report_is_not_shared() {
    let mut life = Life::published();
    assert!(matches!(life.asset.as_original(), Original::Ended(_)));
    life.asset.surfaces.clear();
    assert_eq!(life.asset.as_original(), Original::None);
}
