use super::*;

/// Everything is done but the scanner's answer.
fn asked() -> Life {
    let mut life = Life::processing();
    life.finish_all_but_screen();
    life.done(TaskKey::Screen, Outcome::Screened(Screening { scan: true, ..Screening::of(Severity::Low) }));
    life
}

fn scanned(life: &mut Life, severity: Severity) {
    life.done(TaskKey::ExternalScan, Outcome::ExternallyScanned(Screening::of(severity)));
}

#[test]
fn publishing_waits_for_a_scanner_outside() {
    let mut life = asked();
    assert_eq!((life.asset.phase, life.asset.verdict), (Phase::Processing, Verdict::Unscanned));
    assert_eq!(life.due(), [TaskKey::ExternalScan]);
    scanned(&mut life, Severity::None);
    assert_eq!((life.asset.phase, life.asset.verdict), (Phase::Screened, Verdict::Clean));
    assert_eq!(life.asset.severity, Severity::Low, "what was found here still counts");
}

#[test]
fn an_answer_before_the_last_encode_publishes_nothing_yet() {
    let mut life = Life::processing();
    life.finish(TaskKey::Enrich);
    life.done(TaskKey::Screen, Outcome::Screened(Screening { scan: true, ..Screening::of(Severity::None) }));
    scanned(&mut life, Severity::None);
    assert_eq!((life.asset.phase, life.state(TaskKey::Publish)), (Phase::Processing, None));
}

#[test]
fn waiting_is_excused_and_not_told() {
    let mut life = asked();
    for _ in 0..50 {
        life.done(TaskKey::ExternalScan, Outcome::Waiting { delay_ms: 9 });
        assert_eq!(life.effects, [Effect::Start { task: TaskKey::ExternalScan, delay_ms: 9 }]);
    }
    assert_eq!(life.asset.tasks[&TaskKey::ExternalScan].counted(), 0);
}

#[test]
fn waiting_for_ever_fails_and_is_given_up() {
    let mut life = asked();
    while life.asset.phase == Phase::Processing {
        life.done(TaskKey::ExternalScan, Outcome::Waiting { delay_ms: 1 });
        assert!(life.asset.tasks[&TaskKey::ExternalScan].attempts <= crate::limits::UNCOUNTED_MAX + 4);
    }
    assert_eq!((life.asset.phase, life.reason()), (Phase::Failed, Some(Code::ScannerUnanswered)));
}

#[test]
fn what_the_scanner_finds_sets_apart_with_everything_that_has_the_content() {
    for screening in [
        Screening::of(Severity::High),
        // It names no characters, so nothing can be cut out.
        Screening { response: Response::RedactThenPublish, ..Screening::of(Severity::Low) },
    ] {
        let mut life = asked();
        life.done(TaskKey::ExternalScan, Outcome::ExternallyScanned(screening));
        assert_eq!((life.asset.phase, life.asset.exit), (Phase::Withdrawing, Some(Exit::Quarantine)));
        assert!(life.effects.contains(&Effect::CloseOver { same_content: true }));
    }
}

#[test]
fn a_scanner_that_gave_no_answer_is_given_the_text_anew() {
    let mut life = asked();
    life.exhaust(TaskKey::ExternalScan, Code::ScannerUnanswered);
    assert_eq!((life.asset.phase, life.asset.verdict), (Phase::Failed, Verdict::Unscanned));
    life.feed(Input::Redrive).unwrap();
    assert_eq!((life.asset.phase, life.due()), (Phase::Processing, [TaskKey::Screen].into()));
    life.screen(Severity::None);
    assert_eq!(life.asset.phase, Phase::Screened, "the scanner is not asked any more");
}

#[test]
fn an_event_of_the_scanner_counts_before_its_answer_and_is_no_answer() {
    let mut life = asked();
    let found = Input::Found { severity: Severity::Medium, response: Response::PublishTagged };
    life.feed(found).unwrap();
    assert_eq!((life.asset.verdict, life.due()), (Verdict::Unscanned, [TaskKey::ExternalScan].into()));
    scanned(&mut life, Severity::Medium);
    assert_eq!((life.asset.phase, life.asset.verdict), (Phase::Screened, Verdict::Flagged));
}

#[test]
fn a_duplicate_waits_for_the_answer_about_its_own_name() {
    let mut life = Life::linked(Original::Ended(ended(Phase::Published, Severity::None, None)));
    life.done(TaskKey::Screen, Outcome::Screened(Screening { scan: true, ..Screening::of(Severity::None) }));
    assert_eq!((life.asset.phase, life.due()), (Phase::Linked, [TaskKey::ExternalScan].into()));
    scanned(&mut life, Severity::None);
    assert_eq!(life.asset.phase, Phase::Screened);
}

#[test]
fn screening_again_asks_again_and_what_is_redacted_is_asked_about_anew() {
    let mut life = asked();
    scanned(&mut life, Severity::None);
    life.finish(TaskKey::Publish);
    life.feed(Input::Redo(Redo::Screen)).unwrap();
    assert_eq!(life.state(TaskKey::ExternalScan), Some(TaskState::Dropped));
    life.finish(TaskKey::Enrich);
    life.done(TaskKey::Screen, Outcome::Screened(Screening { scan: true, ..Screening::of(Severity::None) }));
    assert_eq!(life.due(), [TaskKey::ExternalScan]);
}

#[test]
fn a_mild_finding_that_policy_sets_apart_is_no_clean_asset() {
    let mut life = Life::processing();
    let screening = Screening { response: Response::Quarantine, ..Screening::of(Severity::Low) };
    life.finish(TaskKey::Enrich);
    life.done(TaskKey::Screen, Outcome::Screened(screening));
    life.finish(TaskKey::Withdraw);
    assert_eq!((life.asset.phase, life.asset.verdict), (Phase::Quarantined, Verdict::Flagged));
}
