//! Jobs, identifiers and findings.

use reelgate_aws::macie::MacieSettings;
use reelgate_flow::custom_identifier::CustomIdentifier;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::external_scanner::findings::{ExternalScanAnswer, Subject, Unanswered, fold, verdict};
use reelgate_ports::external_scanner::{
    Begun, ExternalScanner, JobFailure, JobId, JobStatus, SidecarName, scanner_name,
};
use serde_json::{Value, json};

use super::{BUCKET, MANAGED, MacieUnderTest, asset, batch};

fn identifier(name: &str) -> CustomIdentifier {
    let definition = json!({
        "name": name,
        "regex": "E-[0-9]{6}",
        "keywords": ["employee"],
        "severity_levels": [
            {"occurrences_threshold": 1, "severity": "low"},
            {"occurrences_threshold": 10, "severity": "high"},
        ],
    });
    serde_json::from_value(definition).unwrap()
}

fn job(begun: Begun) -> JobId {
    let Begun::Job(job) = begun else { panic!("expected a job, found {begun:?}") };
    job
}

#[tokio::test]
async fn a_job_reads_only_its_batch_s_sidecars_and_searches_for_the_configured_identifiers() {
    let mut home = MacieUnderTest::new();
    home.settings.custom = vec![identifier("employee-id")];
    let scanner = home.scanner().await;
    let begun = job(scanner.begin(&batch(1)).await.unwrap());
    let request = &home.macie.jobs()[0];
    assert_eq!(request["jobId"], begun.as_str());
    let prefix = format!("text/scan/{}/", batch(1).as_str());
    let scope = json!({
        "bucketDefinitions": [{"accountId": "123456789012", "buckets": [BUCKET]}],
        "scoping": {"includes": {"and": [
            {"simpleScopeTerm": {"comparator": "STARTS_WITH", "key": "OBJECT_KEY", "values": [prefix]}}
        ]}}
    });
    assert_eq!(request["s3JobDefinition"], scope);
    assert_eq!((&request["jobType"], &request["samplingPercentage"]), (&json!("ONE_TIME"), &json!(100)));
    assert_eq!(request["managedDataIdentifierSelector"], "INCLUDE");
    assert_eq!(request["managedDataIdentifierIds"], json!(MANAGED));
    assert_eq!(request["customDataIdentifierIds"], json!([home.macie.custom()[0]["id"]]));
    assert_eq!(request["clientToken"], batch(1).as_str());
}

#[tokio::test]
async fn a_batch_that_is_begun_again_by_any_process_has_the_same_job() {
    let home = MacieUnderTest::new();
    let scanner = home.scanner().await;
    for since_ms in 1..=4 {
        home.wait_ms(10_000);
        job(scanner.begin(&batch(since_ms)).await.unwrap());
    }
    let before = job(scanner.begin(&batch(3)).await.unwrap());
    let after_a_crash = job(home.scanner().await.begin(&batch(3)).await.unwrap());
    assert_eq!(before, after_a_crash);
    let creations = home.macie.calls().into_iter().filter(|call| call == "POST /jobs").count();
    assert_eq!(creations, 4, "an existing job is found, without another request to create it");
}

#[tokio::test]
async fn jobs_are_limited_to_the_rate_that_macie_allows() {
    let home = MacieUnderTest::new();
    home.wait_ms(1_000_000);
    let scanner = home.scanner().await;
    job(scanner.begin(&batch(1)).await.unwrap());
    assert_eq!(scanner.begin(&batch(2)).await.unwrap(), Begun::NotBefore(1_010_000));
    home.wait_ms(10_000);
    job(scanner.begin(&batch(2)).await.unwrap());
    let creations = home.macie.calls().into_iter().filter(|call| call == "POST /jobs").count();
    assert_eq!(creations, 2, "a job that has to wait sends no request to Macie");
}

#[tokio::test]
async fn a_managed_identifier_that_macie_does_not_know_is_left_out_of_the_job() {
    let mut home = MacieUnderTest::new();
    home.settings.managed.insert(1, "RETIRED_NUMBER".to_owned());
    job(home.scanner().await.begin(&batch(1)).await.unwrap());
    assert_eq!(home.macie.jobs()[0]["managedDataIdentifierIds"], json!(MANAGED));
    home.settings.managed = vec!["RETIRED_NUMBER".to_owned()];
    let error = home.scanner().await.begin(&batch(2)).await.unwrap_err();
    assert_eq!((error.kind, home.macie.jobs().len()), (ErrorKind::Invalid, 1));
}

#[tokio::test]
async fn a_custom_identifier_is_created_once_and_again_only_when_its_definition_changes() {
    let mut home = MacieUnderTest::new();
    home.settings.custom = ["one", "two", "three"].map(identifier).to_vec();
    for since_ms in 1..=3 {
        job(home.scanner().await.begin(&batch(since_ms)).await.unwrap());
    }
    assert_eq!(home.macie.custom().len(), 3, "three processes share them");
    let made = &home.macie.custom()[0];
    assert_eq!((&made["description"], &made["maximumMatchDistance"]), (&json!("one"), &json!(50)));
    let levels = json!([
        {"occurrencesThreshold": 1, "severity": "LOW"}, {"occurrencesThreshold": 10, "severity": "HIGH"}
    ]);
    assert_eq!((&made["keywords"], &made["severityLevels"]), (&json!(["employee"]), &levels));

    home.settings.custom[1].regex = "F-[0-9]{6}".into();
    job(home.scanner().await.begin(&batch(4)).await.unwrap());
    let ids: Vec<Value> = home.macie.custom().iter().map(|one| one["id"].clone()).collect();
    assert_eq!(ids.len(), 4);
    let used = json!([ids[0], ids[3], ids[2]]);
    assert_eq!(home.macie.jobs()[3]["customDataIdentifierIds"], used, "in the order of the settings");
}

#[tokio::test]
async fn nodes_that_start_together_create_one_custom_identifier() {
    let mut home = MacieUnderTest::new();
    home.settings.custom = vec![identifier("employee-id")];
    let (one, other) = (home.scanner().await, home.scanner().await);
    let (first, second) = (batch(1), batch(2));
    let (first, second) = tokio::join!(one.begin(&first), other.begin(&second));
    assert_ne!(job(first.unwrap()), job(second.unwrap()));
    assert_eq!(home.macie.custom().len(), 1);
}

#[tokio::test]
async fn a_job_that_was_cancelled_paused_or_incomplete_leaves_its_assets_unanswered() {
    let home = MacieUnderTest::new();
    let scanner = home.scanner().await;
    let begun = job(scanner.begin(&batch(1)).await.unwrap());
    assert_eq!(scanner.status(&begun).await.unwrap(), JobStatus::Running);
    let failures = [
        ("CANCELLED", false, JobFailure::Cancelled),
        ("PAUSED", false, JobFailure::PausedByQuota),
        ("USER_PAUSED", false, JobFailure::PausedByUser),
        ("COMPLETE", true, JobFailure::PartlyFailed),
    ];
    for (state, erred, failure) in failures {
        home.macie.set(begun.as_str(), state, erred);
        let status = scanner.status(&begun).await.unwrap();
        let why = Unanswered::Job(failure);
        assert_eq!(
            verdict(&status, vec![]),
            ExternalScanAnswer::Unanswered { why, findings: vec![] },
            "{state}"
        );
    }
    home.macie.set(begun.as_str(), "COMPLETE", false);
    let status = scanner.status(&begun).await.unwrap();
    assert_eq!(verdict(&status, vec![]), ExternalScanAnswer::Answered(vec![]));
    let error = scanner.status(&JobId::new("another")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing);
}

/// A finding in the sidecar of an asset, in the form of Macie's API.
pub fn finding(id: &str, job: &JobId, letter: char) -> Value {
    let name = SidecarName { batch: batch(1), asset: asset(letter) };
    let places = json!({"records": [{"recordIndex": 1, "jsonPath": "$.phone"}], "cells": null});
    json!({
        "id": id, "type": "SensitiveData:S3Object/Personal", "category": "CLASSIFICATION", "sample": false,
        "severity": {"score": 2, "description": "Medium"}, "count": 1,
        "resourcesAffected": {
            "s3Bucket": {"name": BUCKET}, "s3Object": {"key": format!("text/{}", name.scanned()), "versionId": "v1"}
        },
        "classificationDetails": {"jobId": job.as_str(), "result": {
            "status": {"code": "COMPLETE"}, "additionalOccurrences": false,
            "sensitiveData": [{"category": "PERSONAL_INFORMATION", "detections": [
                {"type": "PHONE_NUMBER", "count": 3, "occurrences": places}
            ]}],
            "customDataIdentifiers": {"detections": [
                {"name": scanner_name(&identifier("employee-id")), "count": 2, "occurrences": places}
            ]}
        }}
    })
}

#[tokio::test]
async fn a_job_s_findings_from_macie_s_api_equal_their_events() {
    let home = MacieUnderTest::new();
    let scanner = home.scanner().await;
    let begun = job(scanner.begin(&batch(1)).await.unwrap());
    for (id, letter) in [("f1", 'a'), ("f2", 'b'), ("f3", 'a')] {
        home.macie.find(finding(id, &begun, letter));
    }
    home.macie.find(finding("other", &JobId::new("another"), 'a'));
    let found = scanner.findings(&begun).await.unwrap();
    assert_eq!(found.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["f1", "f2", "f3"]);

    let envelope = json!({
        "source": "aws.macie", "detail-type": "Macie Finding", "detail": finding("f1", &begun, 'a')
    });
    let parsed = reelgate_aws::events::envelope::parse_message(envelope.to_string().as_bytes());
    assert_eq!((&parsed.scans[..], parsed.refused.len()), (&found[..1], 0));

    let folded = fold(found.iter().chain(&parsed.scans), BUCKET).findings;
    let subjects: Vec<&Subject> = folded.iter().map(|finding| &finding.subject).collect();
    assert_eq!(subjects, [&Subject::Asset(asset('a')), &Subject::Asset(asset('b'))]);
    let records = folded[0].records(None);
    let kinds: Vec<_> = records.iter().map(|record| (record.kind.as_str(), record.count)).collect();
    assert_eq!(kinds, [("employee-id", 2), ("PHONE_NUMBER", 3)]);
}

#[tokio::test]
async fn a_finding_that_cannot_be_parsed_fails_the_call() {
    let home = MacieUnderTest::new();
    let scanner = home.scanner().await;
    let begun = job(scanner.begin(&batch(1)).await.unwrap());
    let mut damaged = finding("f1", &begun, 'a');
    damaged["resourcesAffected"] = Value::Null;
    home.macie.find(damaged);
    let error = scanner.findings(&begun).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_refusal_has_an_error_kind_and_names_the_missing_action() {
    let home = MacieUnderTest::new();
    let scanner = home.scanner().await;
    let cases = [
        (403, "AccessDeniedException", ErrorKind::Denied),
        (400, "ValidationException", ErrorKind::Invalid),
        (402, "ServiceQuotaExceededException", ErrorKind::Unavailable),
        (409, "ConflictException", ErrorKind::Conflict),
    ];
    for (status, code, kind) in cases {
        home.macie.refuse(status, code);
        let error = scanner.begin(&batch(1)).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert_eq!(error.detail.contains("lacks macie2:ListClassificationJobs"), status == 403, "{error}");
    }
    home.macie.refuse(429, "ThrottlingException");
    job(scanner.begin(&batch(1)).await.unwrap());
}

#[test]
fn the_default_settings_include_identifiers_that_macie_s_recommended_set_omits() {
    let settings = MacieSettings::new("123456789012", "s3://sidecars".parse().unwrap());
    assert!(settings.managed.len() > 150 && settings.managed.iter().any(|id| id == "PHONE_NUMBER"));
}
