//! The findings of a job, read from Macie's API and converted to the form of finding events.

use aws_sdk_macie2::Client;
use aws_sdk_macie2::types as sdk;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::external_scanner::JobId;
use reelgate_ports::records::ExternalScanEvent;

use crate::error::ApiCall;
use crate::events::finding::{
    Affected, Bucket, Details, Detected, Finding, Grade, Group, Object, Occurrences, Outcome, Record, Status,
};

pub(super) const LIST: ApiCall =
    ApiCall::new(Port::ExternalScanner, "list findings of the scanner", "macie2:ListFindings");
const GET: ApiCall =
    ApiCall::new(Port::ExternalScanner, "read findings of the scanner", "macie2:GetFindings");
/// Most findings of one request; Macie API Reference, `GetFindings`.
pub(super) const PAGE_MAX: usize = 50;
const JOB_FIELD: &str = "classificationDetails.jobId";

/// All findings of a job. If one cannot be parsed, the call fails: without it the job gives no answer.
pub(super) async fn of_job(client: &Client, job: &JobId) -> PortResult<Vec<ExternalScanEvent>> {
    let ids = ids(client, job).await?;
    let mut events = Vec::new();
    for some in ids.chunks(PAGE_MAX) {
        for finding in read(client, some).await? {
            let event = from_sdk(finding).event();
            events.push(event.map_err(|why| {
                PortError::new(Port::ExternalScanner, ErrorKind::Corrupt, GET.operation, why)
            })?);
        }
    }
    Ok(events)
}

/// The findings with these ids, at most [`PAGE_MAX`], in this order; `GetFindings` promises none.
pub(super) async fn read(client: &Client, ids: &[String]) -> PortResult<Vec<sdk::Finding>> {
    let answer = client.get_findings().set_finding_ids(Some(ids.to_vec())).send().await;
    let mut findings = answer.map_err(GET.failed())?.findings.unwrap_or_default();
    findings.sort_by_key(|finding| ids.iter().position(|id| finding.id.as_ref() == Some(id)));
    if findings.len() == ids.len() {
        return Ok(findings);
    }
    let detail = format!("expected {} findings, found {}", ids.len(), findings.len());
    Err(PortError::new(Port::ExternalScanner, ErrorKind::Unavailable, GET.operation, detail))
}

async fn ids(client: &Client, job: &JobId) -> PortResult<Vec<String>> {
    let of_job = sdk::CriterionAdditionalProperties::builder().eq(job.as_str()).build();
    let criteria = sdk::FindingCriteria::builder().criterion(JOB_FIELD, of_job).build();
    let mut ids = Vec::new();
    let mut pages = client.list_findings().finding_criteria(criteria).into_paginator().send();
    while let Some(page) = pages.next().await {
        ids.extend(page.map_err(LIST.failed())?.finding_ids.unwrap_or_default());
    }
    Ok(ids)
}

pub(super) fn from_sdk(finding: sdk::Finding) -> Finding {
    Finding {
        id: finding.id,
        r#type: finding.r#type.map(|kind| kind.as_str().to_owned()),
        category: finding.category.map(|category| category.as_str().to_owned()),
        severity: finding.severity.map(|severity| Grade {
            description: severity.description.map(|word| word.as_str().to_owned()),
            score: number(severity.score),
        }),
        sample: finding.sample,
        count: number(finding.count),
        resources_affected: finding.resources_affected.map(affected),
        classification_details: finding
            .classification_details
            .map(|details| Details { job_id: details.job_id, result: details.result.map(outcome) }),
    }
}

fn affected(affected: sdk::ResourcesAffected) -> Affected {
    Affected {
        s3_bucket: affected.s3_bucket.map(|bucket| Bucket { name: bucket.name }),
        s3_object: affected.s3_object.map(|object| Object {
            key: object.key,
            etag: object.e_tag,
            version_id: object.version_id,
        }),
    }
}

fn outcome(result: sdk::ClassificationResult) -> Outcome {
    let managed = result.sensitive_data.map(|items| items.into_iter().map(group).collect());
    let custom = result.custom_data_identifiers.map(|custom| Group {
        category: None,
        detections: custom.detections.map(|all| all.into_iter().map(custom_detected).collect()),
    });
    Outcome {
        size_classified: number(result.size_classified),
        additional_occurrences: result.additional_occurrences,
        status: result.status.map(|status| Status { code: status.code }),
        sensitive_data: managed,
        custom_data_identifiers: custom,
    }
}

fn group(item: sdk::SensitiveDataItem) -> Group {
    let detected = |found: sdk::DefaultDetection| Detected {
        r#type: found.r#type,
        count: number(found.count),
        occurrences: found.occurrences.map(occurrences),
    };
    Group {
        category: item.category.map(|category| category.as_str().to_owned()),
        detections: item.detections.map(|all| all.into_iter().map(detected).collect()),
    }
}

fn custom_detected(found: sdk::CustomDetection) -> Detected {
    Detected {
        r#type: found.name,
        count: number(found.count),
        occurrences: found.occurrences.map(occurrences),
    }
}

fn occurrences(places: sdk::Occurrences) -> Occurrences {
    let record = |record: sdk::Record| Record { record_index: number(record.record_index) };
    Occurrences { records: places.records.map(|all| all.into_iter().map(record).collect()) }
}

fn number(value: Option<i64>) -> Option<u64> {
    value.and_then(|value| u64::try_from(value).ok())
}
