use proptest::prelude::*;
use reelgate_ports::external_scanner::findings::fold;
use serde_json::{Value, json};

use super::*;

const ASSET: &str = "yqlryqpcysmiifymzqpkjf5zq6";
const PLANTED: &str = "4539578763621486";

/// A complete finding in a sidecar, with all members that Macie sends.
fn whole() -> Value {
    json!({
        "schemaVersion": "1.0", "id": "64b917aa-3843-014c-91d8-937ffe5a0c1b", "accountId": "111122223333",
        "type": "SensitiveData:S3Object/Multiple", "category": "CLASSIFICATION",
        "severity": {"score": 3, "description": "High"}, "count": 1, "archived": false, "sample": false,
        "policyDetails": null,
        "resourcesAffected": {
            "s3Bucket": {"name": "reelgate-sidecars", "tags": [{"key": "Project", "value": PLANTED}]},
            "s3Object": {
                "key": format!("scan/{ASSET}/{ASSET}.jsonl"), "versionId": "v7", "eTag": "6f59", "size": 48_213,
                "tags": []
            }
        },
        "classificationDetails": {
            "jobId": "3ce05dbb7ec5505def334104bf347d31", "originType": "SENSITIVE_DATA_DISCOVERY_JOB",
            "result": {
                "mimeType": "application/json", "sizeClassified": 48_213, "additionalOccurrences": true,
                "status": {"code": "COMPLETE", "reason": null},
                "sensitiveData": [{"category": "FINANCIAL_INFORMATION", "totalCount": 20, "detections": [
                    {"type": "CREDIT_CARD_NUMBER", "count": 20, "occurrences": places(20)}
                ]}],
                "customDataIdentifiers": {"totalCount": 1, "detections": [
                    {"arn": "arn:aws:macie2:…", "name": "employee-id", "count": 1, "occurrences": {"records": [
                        {"recordIndex": 12, "jsonPath": format!("$.{PLANTED}")}
                    ]}}
                ]}
            }
        }
    })
}

fn places(count: u64) -> Value {
    let record = |index: u64| json!({"recordIndex": index, "jsonPath": format!("$['{PLANTED}']")});
    json!({
        "lineRanges": null, "cells": null, "pages": null, "offsetRanges": null,
        "records": (0..count).map(record).collect::<Vec<_>>()
    })
}

fn parsed(detail: &Value) -> Result<ExternalScanEvent, RejectReason> {
    read(&detail.to_string())
}

#[test]
fn a_finding_keeps_job_types_counts_and_fifteen_lines_and_nothing_else() {
    let event = parsed(&whole()).unwrap();
    let report = event.report().unwrap();
    assert_eq!(event.source.as_ref().unwrap().version, "v7");
    assert_eq!(report.job, Some(JobId::new("3ce05dbb7ec5505def334104bf347d31")));
    assert_eq!((report.more_occurrences, report.bytes_classified), (Some(true), Some(48_213)));
    let card = &report.detections[0];
    assert_eq!(
        (card.category.as_str(), card.r#type.as_str()),
        ("FINANCIAL_INFORMATION", "CREDIT_CARD_NUMBER")
    );
    assert_eq!((card.count, &card.records), (20, &(0..15).collect::<Vec<u64>>()));
    let own = Detection {
        category: CUSTOM_CATEGORY.into(),
        r#type: "employee-id".into(),
        count: 1,
        records: vec![12],
    };
    assert_eq!(report.detections[1], own);
    assert!(!serde_json::to_string(&event).unwrap().contains(PLANTED), "a name from an upload is kept");
}

#[test]
fn a_finding_without_a_version_uses_the_entity_tag_and_one_without_either_is_refused() {
    for absent in [json!(""), json!(null), json!("null")] {
        let mut detail = whole();
        detail["resourcesAffected"]["s3Object"]["versionId"] = absent;
        assert_eq!(parsed(&detail).unwrap().source.unwrap().version, "etag-6f59");
        detail["resourcesAffected"]["s3Object"]["eTag"] = json!(null);
        assert_eq!(parsed(&detail).unwrap_err(), "expected a version or an ETag, found neither");
    }
}

#[test]
fn null_and_new_members_lose_no_finding() {
    let members = [
        "/sample",
        "/count",
        "/archived",
        "/category",
        "/classificationDetails",
        "/classificationDetails/jobId",
        "/classificationDetails/result",
        "/classificationDetails/result/status",
        "/classificationDetails/result/sensitiveData",
        "/classificationDetails/result/sensitiveData/0/category",
        "/classificationDetails/result/sensitiveData/0/detections",
        "/classificationDetails/result/sensitiveData/0/detections/0/occurrences",
        "/classificationDetails/result/sensitiveData/0/detections/0/occurrences/records",
        "/classificationDetails/result/customDataIdentifiers",
        "/severity/score",
        "/severity/description",
    ];
    for member in members {
        let mut detail = whole();
        *detail.pointer_mut(member).unwrap() = Value::Null;
        detail["newMember"] = json!({"deep": [1, null]});
        let event = parsed(&detail).unwrap_or_else(|why| panic!("{member}: {why}"));
        assert_eq!((event.severity, event.sample), (Severity::High, false), "{member}");
        event.report().unwrap();
    }
}

#[test]
fn if_word_and_number_of_a_severity_differ_the_higher_one_counts() {
    let mut detail = whole();
    detail["severity"] = json!({"score": 2, "description": "Low"});
    assert_eq!(parsed(&detail).unwrap().severity, Severity::Medium);
    detail["severity"] = json!({"score": 9, "description": "Grave"});
    assert_eq!(parsed(&detail).unwrap_err(), "expected severity Low, Medium or High, found another");
}

#[test]
fn a_finding_in_content_must_name_its_object_and_one_about_a_policy_need_not() {
    let mut detail = whole();
    detail["resourcesAffected"]["s3Object"] = Value::Null;
    assert_eq!(parsed(&detail).unwrap_err(), "expected the object of a finding in content, found none");
    detail["category"] = json!("POLICY");
    detail["type"] = json!("Policy:IAMUser/S3BucketPublic");
    detail["classificationDetails"] = Value::Null;
    detail["policyDetails"] = json!({"action": {"actionType": "AWS_API_CALL"}});
    let event = parsed(&detail).unwrap();
    assert_eq!((event.source.clone(), event.kind.as_str()), (None, "Policy:IAMUser/S3BucketPublic"));
    assert_eq!(event.report().unwrap().bucket.as_deref(), Some("reelgate-sidecars"));
}

#[test]
fn an_id_or_type_that_is_missing_is_refused() {
    let mut detail = whole();
    detail["type"] = Value::Null;
    assert_eq!(parsed(&detail).unwrap_err(), "expected a finding's type, found none");
    for id in [json!(null), json!(""), json!("a b"), json!("x".repeat(257))] {
        let mut detail = whole();
        detail["id"] = id;
        let why = "expected a finding's id of 1 to 256 printable characters, found another";
        assert_eq!(parsed(&detail).unwrap_err(), why);
    }
}

/// JSON pointers to all values inside.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, inner)| (name.clone(), inner)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(at, inner)| (at.to_string(), inner)).collect(),
        _ => vec![],
    };
    members.into_iter().for_each(|(name, inner)| pointers(inner, &format!("{at}/{name}"), found));
}

/// Values that replace a member.
fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!({})),
        Just(json!([])),
        Just(json!([null, {"detections": null}, 7])),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        any::<String>().prop_map(Value::from),
        Just(json!("\u{0}")),
        Just(places(40)),
    ]
}

/// Every result is a finding that can be stored, parsed and folded, or a refusal that does not quote the input.
fn sound(answer: Result<ExternalScanEvent, RejectReason>) {
    let event = match answer {
        Ok(event) => event,
        Err(why) => {
            assert!(why.starts_with("expected ") && !why.contains(PLANTED) && why.len() < 120, "{why}");
            return;
        }
    };
    let text = serde_json::to_string(&event).unwrap();
    assert!(!text.contains("\\u0000"), "a database cannot hold this");
    let report = event.report().unwrap();
    assert!(report.detections.len() <= DETECTIONS_MAX);
    assert!(report.detections.iter().all(|found| found.records.len() <= LOCATIONS_MAX));
    let folded = fold([&event, &event], "reelgate-sidecars");
    assert_eq!(folded.findings.len() + folded.set_aside.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_finding_with_up_to_three_members_replaced_or_lost_is_handled_or_refused(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any_value(), any::<bool>()), 1..4),
    ) {
        let mut detail = whole();
        for (place, value, lost) in changes {
            let mut places = Vec::new();
            pointers(&detail, "", &mut places);
            let place = place.get::<String>(&places).clone();
            match place.rsplit_once('/') {
                Some((above, name)) if lost => {
                    if let Some(Value::Object(members)) = detail.pointer_mut(above) {
                        members.remove(name);
                    }
                }
                _ => {
                    if let Some(there) = detail.pointer_mut(&place) {
                        *there = value;
                    }
                }
            }
        }
        sound(parsed(&detail));
    }

    #[test]
    fn a_finding_with_bytes_lost_duplicated_or_flipped_is_handled_or_refused(
        place in any::<proptest::sample::Index>(), flip in any::<u8>(), lost in 0..40_usize, doubled in 0..40_usize,
    ) {
        let mut bytes = whole().to_string().into_bytes();
        let at = place.index(bytes.len());
        bytes[at] ^= flip;
        let again: Vec<u8> = bytes[at..(at + doubled).min(bytes.len())].to_vec();
        bytes.splice(at..(at + lost).min(bytes.len()), again);
        if let Ok(text) = std::str::from_utf8(&bytes) {
            sound(read(text));
        }
    }
}
