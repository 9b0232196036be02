use super::*;

/// Everything is done except the scanner's answer.
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
fn waiting_is_uncounted_and_adds_no_history() {
    let mut life = asked();
    for _ in 0..50 {
        life.done(TaskKey::ExternalScan, Outcome::Waiting { delay_ms: 9 });
        assert_eq!(life.effects, [Effect::Start { task: TaskKey::ExternalScan, delay_ms: 9 }]);
    }
    assert_eq!(life.asset.tasks[&TaskKey::ExternalScan].counted(), 0);
}

#[test]
fn waiting_too_often_fails_the_asset() {
    let mut life = asked();
    while life.asset.phase == Phase::Processing {
        life.done(TaskKey::ExternalScan, Outcome::Waiting { delay_ms: 1 });
        assert!(life.asset.tasks[&TaskKey::ExternalScan].attempts <= crate::limits::UNCOUNTED_MAX + 4);
    }
    assert_eq!((life.asset.phase, life.reason()), (Phase::Failed, Some(Code::ScannerUnanswered)));
}

#[test]
fn severe_findings_of_the_scanner_quarantine_the_asset() {
    for screening in [
        Screening::of(Severity::High),
        // The finding names no characters, so nothing can be redacted.
        Screening { response: Response::RedactThenPublish, ..Screening::of(Severity::Low) },
    ] {
        let mut life = asked();
        life.done(TaskKey::ExternalScan, Outcome::ExternallyScanned(screening));
        assert_eq!((life.asset.phase, life.asset.exit), (Phase::Withdrawing, Some(Exit::Quarantine)));
        assert!(life.effects.contains(&Effect::CloseOver { same_content: false }));
    }
}

#[test]
fn a_redrive_delivers_the_text_to_a_silent_scanner_again() {
    let mut life = asked();
    life.exhaust(TaskKey::ExternalScan, Code::ScannerUnanswered);
    assert_eq!((life.asset.phase, life.asset.verdict), (Phase::Failed, Verdict::Unscanned));
    life.feed(REDRIVE).unwrap();
    assert_eq!((life.asset.phase, life.due()), (Phase::Processing, [TaskKey::Screen].into()));
    life.screen(Severity::None);
    assert_eq!(life.asset.phase, Phase::Screened, "the scanner is not asked any more");
}

#[test]
fn an_event_of_the_scanner_counts_but_does_not_replace_its_answer() {
    let mut life = asked();
    let (severity, response) = (Severity::Medium, Response::PublishTagged);
    let found = Input::Found { severity, response, cause: Cause::Scanner };
    life.feed(found).unwrap();
    assert_eq!((life.asset.verdict, life.due()), (Verdict::Unscanned, [TaskKey::ExternalScan].into()));
    scanned(&mut life, Severity::Medium);
    assert_eq!((life.asset.phase, life.asset.verdict), (Phase::Screened, Verdict::Flagged));
}

#[test]
fn a_duplicate_waits_for_the_scan_of_its_own_name() {
    let mut life = Life::linked(Original::Ended(ended(Phase::Published, None)));
    life.done(TaskKey::Screen, Outcome::Screened(Screening { scan: true, ..Screening::of(Severity::None) }));
    assert_eq!((life.asset.phase, life.due()), (Phase::Linked, [TaskKey::ExternalScan].into()));
    scanned(&mut life, Severity::None);
    assert_eq!(life.asset.phase, Phase::Screened);
}

#[test]
fn a_new_screening_and_a_redaction_ask_the_scanner_again() {
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
fn an_asset_with_a_low_finding_that_policy_quarantines_is_not_clean() {
    let mut life = Life::processing();
    let screening = Screening { response: Response::Quarantine, ..Screening::of(Severity::Low) };
    life.finish(TaskKey::Enrich);
    life.done(TaskKey::Screen, Outcome::Screened(screening));
    life.finish(TaskKey::Withdraw);
    assert_eq!((life.asset.phase, life.asset.verdict), (Phase::Quarantined, Verdict::Flagged));
}
