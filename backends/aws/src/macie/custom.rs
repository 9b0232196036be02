//! Custom data identifiers: created once in an account, and reused by all jobs of all nodes as long as their definition
//! does not change.

use std::collections::BTreeMap;

use aws_sdk_macie2::Client;
use aws_sdk_macie2::types::{DataIdentifierSeverity, SeverityLevel};
use reelgate_flow::asset::Severity;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::external_scanner::CustomIdentifier;

use crate::error::ApiCall;

const LIST: ApiCall = ApiCall::new(
    Port::ExternalScanner,
    "list the scanner's custom identifiers",
    "macie2:ListCustomDataIdentifiers",
);
const CREATE: ApiCall = ApiCall::new(
    Port::ExternalScanner,
    "create a custom identifier of the scanner",
    "macie2:CreateCustomDataIdentifier",
);

/// Returns the ids of these identifiers, in order, and creates missing ones. The ids come from Macie's final list, so that
/// nodes which start at the same time use the same identifiers.
pub(super) async fn ensure(client: &Client, wanted: &[CustomIdentifier]) -> PortResult<Vec<String>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let mut listed = list(client).await?;
    let absent: Vec<_> = wanted.iter().filter(|one| !listed.contains_key(&one.scanner_name())).collect();
    let mut made = BTreeMap::new();
    for one in &absent {
        made.insert(one.scanner_name(), create(client, one).await?);
    }
    if !absent.is_empty() {
        listed = list(client).await?;
    }
    // An identifier that was just created may not be listed yet.
    let id = |one: &CustomIdentifier| {
        let name = one.scanner_name();
        listed.get(&name).or_else(|| made.get(&name)).cloned()
    };
    let missing = || {
        let detail = "expected a custom identifier that was listed before, found it deleted";
        PortError::new(Port::ExternalScanner, ErrorKind::Unavailable, LIST.operation, detail)
    };
    wanted.iter().map(|one| id(one).ok_or_else(missing)).collect()
}

/// Name and id of every identifier. If several have the same name, the lowest id counts, so that all nodes use the same one.
async fn list(client: &Client) -> PortResult<BTreeMap<String, String>> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let mut pages = client.list_custom_data_identifiers().into_paginator().send();
    while let Some(page) = pages.next().await {
        for item in page.map_err(LIST.failed())?.items() {
            let (Some(name), Some(id)) = (item.name(), item.id()) else { continue };
            let known = found.entry(name.to_owned()).or_insert_with(|| id.to_owned());
            if id < known.as_str() {
                *known = id.to_owned();
            }
        }
    }
    Ok(found)
}

/// Creates an identifier. The name is the client token, so that two nodes which create it at the same time create one.
async fn create(client: &Client, one: &CustomIdentifier) -> PortResult<String> {
    let name = one.scanner_name();
    let several = |words: &[String]| (!words.is_empty()).then(|| words.to_vec());
    let answer = client
        .create_custom_data_identifier()
        .client_token(&name)
        .name(&name)
        .description(&one.name)
        .regex(&one.regex)
        .set_keywords(several(&one.keywords))
        .set_ignore_words(several(&one.ignore_words))
        .maximum_match_distance(i32::from(one.maximum_match_distance))
        .set_severity_levels(levels(one)?)
        .send()
        .await
        .map_err(CREATE.failed())?;
    let without_id = || {
        PortError::new(
            Port::ExternalScanner,
            ErrorKind::Unavailable,
            CREATE.operation,
            "expected an id, found none",
        )
    };
    answer.custom_data_identifier_id.filter(|id| !id.is_empty()).ok_or_else(without_id)
}

fn levels(one: &CustomIdentifier) -> PortResult<Option<Vec<SeverityLevel>>> {
    let invalid =
        |detail| PortError::new(Port::ExternalScanner, ErrorKind::Invalid, CREATE.operation, detail);
    let level = |(from, severity): &(u64, Severity)| {
        let severity = match severity {
            Severity::Low => DataIdentifierSeverity::Low,
            Severity::Medium => DataIdentifierSeverity::Medium,
            Severity::High => DataIdentifierSeverity::High,
            Severity::None => return Err(invalid("expected severity low, medium or high, found none")),
        };
        let from = i64::try_from(*from).ok().filter(|from| *from > 0);
        let from = from.ok_or_else(|| invalid("expected a number of occurrences from 1, found another"))?;
        Ok(SeverityLevel::builder().occurrences_threshold(from).severity(severity).build())
    };
    if one.severity_levels.is_empty() {
        return Ok(None);
    }
    one.severity_levels.iter().map(level).collect::<PortResult<Vec<_>>>().map(Some)
}
