use proptest::prelude::*;

use reelgate_flow::place::TextPlace;
use serde_json::json;

use super::*;

const BUCKET: &str = "scan-bucket";

fn asset() -> AssetId {
    AssetId::new("yqlryqpcysmiifymzqpkjf5zq6")
}

fn event(id: &str, since_ms: u64, types: &[(&str, u64)], severity: Severity) -> ExternalScanEvent {
    let name = SidecarName { batch: BatchId::of("text", since_ms, since_ms + 1), asset: asset() };
    let detections = types.iter().map(|(kind, count)| Detection {
        category: "PERSONAL_INFORMATION".into(),
        r#type: (*kind).into(),
        count: *count,
        records: vec![1],
    });
    let report = ExternalScanReport { detections: detections.collect(), ..ExternalScanReport::default() };
    ExternalScanEvent {
        id: id.into(),
        kind: "SensitiveData:S3Object/Personal".into(),
        severity,
        source: Some(SourceId {
            bucket: BUCKET.into(),
            key: name.scanned(),
            version: format!("v{since_ms}"),
        }),
        asset: None,
        findings: Vec::new(),
        sample: false,
        summary: serde_json::to_value(report).unwrap(),
    }
}

#[test]
fn a_repeated_finding_and_a_later_run_with_the_same_result_count_once() {
    let first = event("f1", 1, &[("PHONE_NUMBER", 2)], Severity::Medium);
    let again = event("f2", 2, &[("PHONE_NUMBER", 2)], Severity::Medium);
    let folded = fold([&first, &first, &again], BUCKET);
    assert_eq!(folded.findings.len(), 1);
    assert_eq!(folded.findings[0].subject, Subject::Asset(asset()));
    assert_eq!((folded.findings[0].ids.len(), folded.findings[0].detections[0].count), (2, 2));
}

#[test]
fn a_later_run_that_finds_another_type_is_another_finding() {
    let first = event("f1", 1, &[("PHONE_NUMBER", 2)], Severity::Medium);
    let more = event("f2", 2, &[("PHONE_NUMBER", 2), ("NAME", 1)], Severity::Medium);
    assert_eq!(fold([&first, &more], BUCKET).findings.len(), 2);
}

#[test]
fn the_graver_of_two_runs_counts() {
    let low = event("f1", 1, &[("PHONE_NUMBER", 1)], Severity::Low);
    let high = event("f2", 2, &[("PHONE_NUMBER", 120)], Severity::High);
    for events in [[&low, &high], [&high, &low]] {
        let finding = &fold(events, BUCKET).findings[0];
        assert_eq!((finding.severity, finding.detections[0].count), (Severity::High, 120));
    }
}

#[test]
fn samples_and_policy_findings_are_set_aside_and_other_objects_are_not_assets() {
    let mut sample = event("sample", 1, &[], Severity::High);
    sample.sample = true;
    let mut policy = event("policy", 1, &[], Severity::High);
    policy.source = None;
    let mut damaged = event("damaged", 1, &[], Severity::High);
    damaged.summary = json!([]);
    let other = event("other", 1, &[("NAME", 1)], Severity::Low);
    let folded = fold([&sample, &policy, &damaged, &other], "another-bucket");
    assert_eq!(folded.set_aside, BTreeSet::from(["damaged", "policy", "sample"].map(str::to_owned)));
    assert!(matches!(
        &folded.findings[..],
        [ExternalScanFinding { subject: Subject::Object(_), batch: None, .. }]
    ));
}

#[test]
fn a_record_has_the_places_of_its_lines_and_no_text() {
    let place = |start_ns| TextPlace {
        start_ns: Some(start_ns),
        end_ns: Some(start_ns + 1),
        ..TextPlace::untimed("subtitle", "text", Some(3))
    };
    let lines = [10, 20]
        .map(|at| crate::external_scanner::ExternalScanLine { place: place(at), text: "words".into() });
    let map = crate::external_scanner::sidecar::write(&lines).map;
    let finding = &fold([&event("f", 1, &[("NAME", 1)], Severity::Low)], BUCKET).findings[0];
    let records = finding.records(Some(&map));
    let expected = [FindingLocation { place: place(20), value: None }];
    assert_eq!(
        (records[0].kind.as_str(), records[0].count, &*records[0].locations),
        ("NAME", 1, &expected[..])
    );
    assert_eq!(finding.records(None)[0].locations, []);
}

#[test]
fn only_a_job_that_read_everything_is_an_answer() {
    let found = fold([&event("f", 1, &[("NAME", 1)], Severity::Low)], BUCKET).findings;
    assert_eq!(verdict(&JobStatus::Complete, found.clone()), ExternalScanAnswer::Answered(found.clone()));
    assert_eq!(verdict(&JobStatus::Complete, vec![]), ExternalScanAnswer::Answered(vec![]));
    let failed = JobStatus::Failed(JobFailure::PausedByQuota);
    let why = Unanswered::Job(JobFailure::PausedByQuota);
    assert_eq!(
        verdict(&failed, found.clone()),
        ExternalScanAnswer::Unanswered { why, findings: found.clone() }
    );
    let running = ExternalScanAnswer::Unanswered { why: Unanswered::Running, findings: vec![] };
    assert_eq!(verdict(&JobStatus::Running, vec![]), running);
}

#[test]
fn a_partly_read_text_is_no_answer_even_if_the_job_succeeded() {
    let mut event = event("f", 1, &[("NAME", 1)], Severity::Low);
    event.summary["status"] = json!("PARTIAL");
    let findings = fold([&event], BUCKET).findings;
    let why = Unanswered::PartlyRead;
    assert_eq!(
        verdict(&JobStatus::Complete, findings.clone()),
        ExternalScanAnswer::Unanswered { why, findings }
    );
}

#[test]
fn a_later_run_that_reads_the_whole_text_completes_an_earlier_partial_one() {
    let mut cut = event("f1", 1, &[("NAME", 1)], Severity::Low);
    cut.summary["status"] = json!("PARTIAL");
    let again = event("f2", 2, &[("NAME", 1)], Severity::Low);
    for events in [[&cut, &again], [&again, &cut]] {
        assert!(fold(events, BUCKET).findings[0].whole);
    }
}

fn any_event() -> impl Strategy<Value = ExternalScanEvent> {
    let severity = prop_oneof![Just(Severity::Low), Just(Severity::Medium), Just(Severity::High)];
    let types = proptest::collection::vec((prop_oneof![Just("NAME"), Just("ADDRESS")], 0..4_u64), 0..3);
    ("[a-d]", 0..3_u64, types, severity, any::<bool>()).prop_map(|(id, since, types, severity, partial)| {
        let mut event = event(&id, since, &types, severity);
        if partial {
            event.summary["status"] = json!("PARTIAL");
        }
        event
    })
}

proptest! {
    #[test]
    fn folding_does_not_depend_on_order_and_a_repeat_changes_nothing(
        (events, shuffled) in proptest::collection::vec(any_event(), 0..12)
            .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
    ) {
        let folded = fold(&events, BUCKET);
        prop_assert_eq!(&folded, &fold(&shuffled, BUCKET));
        prop_assert_eq!(&folded, &fold(events.iter().chain(&shuffled), BUCKET));
        let gravest = events.iter().map(|event| event.severity).max();
        prop_assert_eq!(gravest, folded.findings.iter().map(|finding| finding.severity).max());
    }
}
