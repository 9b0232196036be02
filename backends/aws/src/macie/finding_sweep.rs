//! The findings of Macie since a moment, whatever job or discovery made them: those whose event was lost come this way.

use std::collections::BTreeSet;

use aws_sdk_macie2::Client;
use aws_sdk_macie2::types as sdk;
use data_encoding::HEXLOWER;
use reelgate_ports::error::PortResult;
use reelgate_ports::events::RefusedEvent;
use reelgate_ports::external_scanner::FindingPage;
use sha2::{Digest, Sha256};

use super::job_findings::{LIST, PAGE_MAX, from_sdk, read};

const UPDATED_FIELD: &str = "updatedAt";
const BUCKET_FIELD: &str = "resourcesAffected.s3Bucket.name";

/// A page of the findings about these buckets, oldest change first. Amazon Macie API Reference, `ListFindings`: times in criteria are
/// milliseconds since 1970.
pub(super) async fn page(
    client: &Client,
    buckets: &BTreeSet<String>,
    since_ms: u64,
    token: Option<&str>,
) -> PortResult<FindingPage> {
    let since_ms = i64::try_from(since_ms).unwrap_or(i64::MAX);
    let since = sdk::CriterionAdditionalProperties::builder().gte(since_ms).build();
    let about =
        sdk::CriterionAdditionalProperties::builder().set_eq(Some(buckets.iter().cloned().collect())).build();
    let criteria =
        sdk::FindingCriteria::builder().criterion(UPDATED_FIELD, since).criterion(BUCKET_FIELD, about);
    let oldest_first =
        sdk::SortCriteria::builder().attribute_name(UPDATED_FIELD).order_by(sdk::OrderBy::Asc).build();
    let listed = client
        .list_findings()
        .finding_criteria(criteria.build())
        .sort_criteria(oldest_first)
        .max_results(PAGE_MAX as i32)
        .set_next_token(token.map(str::to_owned))
        .send()
        .await
        .map_err(LIST.failed())?;
    let mut page =
        FindingPage { next: listed.next_token.filter(|token| !token.is_empty()), ..FindingPage::default() };
    let ids = listed.finding_ids.unwrap_or_default();
    if ids.is_empty() {
        return Ok(page);
    }
    for finding in read(client, &ids).await? {
        let updated = finding.updated_at.as_ref().and_then(|at| at.to_millis().ok());
        let updated_ms = updated.and_then(|at| u64::try_from(at).ok());
        page.updated_ms = page.updated_ms.max(updated_ms);
        let id = finding.id.clone().unwrap_or_default();
        match from_sdk(finding).event() {
            Ok(event) => page.scans.push(event),
            Err(reason) => page.refused.push(refused(&id, reason)),
        }
    }
    Ok(page)
}

/// One that cannot be parsed must not hold up the others.
fn refused(id: &str, reason: String) -> RefusedEvent {
    let shown: String = id.chars().filter(char::is_ascii_graphic).take(100).collect();
    RefusedEvent {
        location: format!("finding {shown} of the scanner"),
        sha256: HEXLOWER.encode(&Sha256::digest(id)),
        reason,
    }
}
