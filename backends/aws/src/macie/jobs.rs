//! One classification job for each batch: begin it, find it again, query its status.

use aws_sdk_macie2::Client;
use aws_sdk_macie2::operation::describe_classification_job::DescribeClassificationJobOutput;
use aws_sdk_macie2::types::{
    JobComparator, JobScopeTerm, JobScopingBlock, JobStatus as State, JobType, LastRunErrorStatusCode,
    ListJobsFilterCriteria, ListJobsFilterKey, ListJobsFilterTerm, ManagedDataIdentifierSelector,
    S3BucketDefinitionForJob, S3JobDefinition, ScopeFilterKey, Scoping, SimpleScopeTerm,
};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::external_scanner::{BatchId, JobFailure, JobId, JobStatus, SidecarName};

use super::identifiers::Identifiers;
use super::settings::MacieSettings;
use crate::error::ApiCall;

const CREATE: ApiCall =
    ApiCall::new(Port::ExternalScanner, "begin a job of the scanner", "macie2:CreateClassificationJob");
const LIST: ApiCall =
    ApiCall::new(Port::ExternalScanner, "find a job of the scanner", "macie2:ListClassificationJobs");
const DESCRIBE: ApiCall = ApiCall::new(
    Port::ExternalScanner,
    "query the status of a job of the scanner",
    "macie2:DescribeClassificationJob",
);

/// The job's name. It contains the batch, so that people and later processes can find the job.
fn name(batch: &BatchId) -> String {
    format!("reelgate-{}", batch.as_str())
}

/// The job that the batch already has. Macie keeps jobs, so this works for longer than a client token.
pub(super) async fn find(client: &Client, batch: &BatchId) -> PortResult<Option<JobId>> {
    let name = name(batch);
    let named = ListJobsFilterTerm::builder()
        .key(ListJobsFilterKey::Name)
        .comparator(JobComparator::Eq)
        .values(&name)
        .build();
    let criteria = ListJobsFilterCriteria::builder().includes(named).build();
    let mut pages = client.list_classification_jobs().filter_criteria(criteria).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(LIST.failed())?;
        let job = page.items().iter().find(|job| job.name() == Some(&name));
        if let Some(id) = job.and_then(|job| job.job_id()) {
            return Ok(Some(JobId::new(id)));
        }
    }
    Ok(None)
}

/// Begins the job of a batch. The batch is the client token, so two nodes that begin it at the same time get the same job.
pub(super) async fn create(
    client: &Client,
    settings: &MacieSettings,
    identifiers: &Identifiers,
    batch: &BatchId,
) -> PortResult<JobId> {
    let (selector, managed) = match identifiers.managed.is_empty() {
        true => (ManagedDataIdentifierSelector::None, None),
        false => (ManagedDataIdentifierSelector::Include, Some(identifiers.managed.clone())),
    };
    let custom = (!identifiers.custom.is_empty()).then(|| identifiers.custom.clone());
    let created = client
        .create_classification_job()
        .name(name(batch))
        .client_token(batch.as_str())
        .description("text of videos, screened before they are published")
        .job_type(JobType::OneTime)
        .sampling_percentage(100)
        .managed_data_identifier_selector(selector)
        .set_managed_data_identifier_ids(managed)
        .set_custom_data_identifier_ids(custom)
        .s3_job_definition(scope(settings, batch))
        .tags("reelgate-batch", batch.as_str())
        .send()
        .await
        .map_err(CREATE.failed())?;
    let id = created.job_id.filter(|id| !id.is_empty());
    id.map(JobId::new).ok_or_else(|| incomplete(CREATE, "a job without an id"))
}

/// The scope of the job: the batch's sidecars in the scanner's bucket.
fn scope(settings: &MacieSettings, batch: &BatchId) -> S3JobDefinition {
    let prefix = settings.area.key(&SidecarName::scanned_prefix(batch));
    let below = SimpleScopeTerm::builder()
        .key(ScopeFilterKey::ObjectKey)
        .comparator(JobComparator::StartsWith)
        .values(prefix)
        .build();
    let below = JobScopeTerm::builder().simple_scope_term(below).build();
    let includes = JobScopingBlock::builder().and(below).build();
    let bucket =
        S3BucketDefinitionForJob::builder().account_id(&settings.account).buckets(&settings.area.bucket);
    S3JobDefinition::builder()
        .bucket_definitions(bucket.build())
        .scoping(Scoping::builder().includes(includes).build())
        .build()
}

fn incomplete(call: ApiCall, found: &str) -> PortError {
    PortError::new(
        Port::ExternalScanner,
        ErrorKind::Unavailable,
        call.operation,
        format!("expected a complete response, found {found}"),
    )
}

/// The status of a job.
pub(super) async fn status(client: &Client, job: &JobId) -> PortResult<JobStatus> {
    let answer = client.describe_classification_job().job_id(job.as_str()).send().await;
    job_status(&answer.map_err(DESCRIBE.failed())?)
}

/// Maps Macie's `jobStatus` and `lastRunErrorStatus`; Amazon Macie API Reference, `DescribeClassificationJob`.
fn job_status(job: &DescribeClassificationJobOutput) -> PortResult<JobStatus> {
    let state = job.job_status().ok_or_else(|| incomplete(DESCRIBE, "a job without a status"))?;
    let erred = job.last_run_error_status().and_then(|last| last.code());
    let failed = |why| Ok(JobStatus::Failed(why));
    match state {
        State::Running => Ok(JobStatus::Running),
        State::Complete => match erred {
            None | Some(LastRunErrorStatusCode::None) => Ok(JobStatus::Complete),
            Some(_) => failed(JobFailure::PartlyFailed),
        },
        State::Cancelled => failed(JobFailure::Cancelled),
        State::UserPaused => failed(JobFailure::PausedByUser),
        State::Paused => failed(JobFailure::PausedByQuota),
        // For example `IDLE`: only recurring jobs are idle between runs, and ours run once.
        other => failed(JobFailure::Unknown(other.as_str().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_macie2::types::LastRunErrorStatus;

    use super::*;

    fn job(state: &str, erred: Option<&str>) -> DescribeClassificationJobOutput {
        let last = erred.map(|code| LastRunErrorStatus::builder().code(code.into()).build());
        DescribeClassificationJobOutput::builder()
            .job_status(state.into())
            .set_last_run_error_status(last)
            .build()
    }

    #[test]
    fn only_a_job_that_ended_without_an_error_is_complete() {
        let failed = |why| Some(JobStatus::Failed(why));
        let cases = [
            ("RUNNING", None, Some(JobStatus::Running)),
            ("COMPLETE", Some("NONE"), Some(JobStatus::Complete)),
            ("COMPLETE", None, Some(JobStatus::Complete)),
            ("COMPLETE", Some("ERROR"), failed(JobFailure::PartlyFailed)),
            ("COMPLETE", Some("NEW_WORD"), failed(JobFailure::PartlyFailed)),
            ("CANCELLED", None, failed(JobFailure::Cancelled)),
            ("USER_PAUSED", None, failed(JobFailure::PausedByUser)),
            ("PAUSED", None, failed(JobFailure::PausedByQuota)),
            ("IDLE", None, failed(JobFailure::Unknown("IDLE".into()))),
            ("NEW_WORD", None, failed(JobFailure::Unknown("NEW_WORD".into()))),
        ];
        for (state, erred, expected) in cases {
            assert_eq!(job_status(&job(state, erred)).ok(), expected, "{state} {erred:?}");
        }
    }

    #[test]
    fn a_response_without_a_status_is_unavailable() {
        let error = job_status(&DescribeClassificationJobOutput::builder().build()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
    }
}
