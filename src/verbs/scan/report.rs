//! The output of a scan: a table for people, lines in Macie's words for scripts. No value is ever shown.

use reelgate_actors::work::findings::location;
use reelgate_actors::work::gathered_text::GatheredText;
use reelgate_flow::asset::Response;
use reelgate_flow::reason::Fault;
use reelgate_flow::surface::SurfaceReport;
use reelgate_ports::records::FindingLocation;
use reelgate_privacy::{
    Finding, Origin, Severity, Span, finding_type, identifiers, macie_score, macie_severity, severity,
};
use serde::Serialize;

use crate::config::privacy::PrivacyRaw;
use crate::exit::Failure;
use crate::output::json::ReasonLine;
use crate::output::places::first_places;
use crate::output::table::{self, clean};
use crate::verbs::to_json;

/// What a file was read as.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ReadAs {
    Text,
    Media,
}

/// One file.
pub struct Scanned {
    /// The path, masked.
    pub shown: String,
    /// `None` where it is neither text nor media that is accepted.
    pub seen: Option<ReadAs>,
    pub reading: GatheredText,
    /// Why only its name was read.
    pub refused: Option<Fault>,
}

/// Severity as Macie writes it.
#[derive(Serialize)]
struct SeverityLine {
    score: u8,
    description: &'static str,
}

impl SeverityLine {
    fn new(severity: Severity) -> Self {
        Self { score: macie_score(severity), description: macie_severity(severity) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FileLine<'a> {
    file: &'a str,
    read_as: Option<ReadAs>,
    #[serde(rename = "type")]
    finding_type: Option<&'static str>,
    severity: Option<SeverityLine>,
    policy: Option<Response>,
    findings: Vec<FindingLine>,
    surfaces: &'a [SurfaceReport],
    reason: Option<ReasonLine>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FindingLine {
    category: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    finding_type: &'static str,
    severity: SeverityLine,
    count: u64,
    locations: Vec<FindingLocation>,
    additional_occurrences: u64,
}

/// The place of a finding, for evaluations.
#[derive(Serialize)]
pub struct SpanLine {
    start: usize,
    end: usize,
    #[serde(rename = "type")]
    kind: &'static str,
    confidence: u8,
}

impl SpanLine {
    pub fn new(span: &Span) -> Self {
        Self { start: span.start, end: span.end, kind: span.kind.id, confidence: span.confidence }
    }
}

/// Prints the findings in one file, and the response of policy.
pub fn file(scanned: &Scanned, policy: Response, json: bool) -> Result<(), Failure> {
    let findings = &scanned.reading.findings;
    let surfaces = &scanned.reading.surfaces;
    if json {
        return table::print(&to_json(&FileLine {
            file: &scanned.shown,
            read_as: scanned.seen,
            finding_type: finding_type(findings),
            severity: severity(findings).map(SeverityLine::new),
            policy: scanned.refused.is_none().then_some(policy),
            findings: findings.iter().map(finding_line).collect(),
            surfaces,
            reason: scanned.refused.as_ref().map(ReasonLine::new),
        })?);
    }
    // A file that was not read is not called clean.
    let without = if scanned.refused.is_some() { "not read" } else { "nothing found" };
    let worst = severity(findings).map_or(without, macie_severity);
    let seen = match scanned.seen {
        Some(ReadAs::Text) => "text",
        Some(ReadAs::Media) => "media",
        None => "neither text nor media",
    };
    let is_quiet = findings.is_empty() && policy == Response::Log;
    let policy = if is_quiet { String::new() } else { format!("; policy: {}", policy.as_str()) };
    table::print(&format!("{} ({seen}): {worst}{policy}", clean(&scanned.shown)))?;
    if !findings.is_empty() {
        let mut rows = table::new(&["finding", "severity", "count", "first places"]);
        for one in findings {
            let places = one.locations.iter().map(|found| (&found.address, Some(found.masked.as_str())));
            rows.add_row([
                one.kind.id,
                macie_severity(one.severity),
                &one.count.to_string(),
                &first_places(places),
            ]);
        }
        table::print(&rows.to_string())?;
    }
    if let Some(fault) = &scanned.refused {
        let ReasonLine { code, message, .. } = ReasonLine::new(fault);
        table::print(&format!("only its name was read: {message} [{}]", code.as_str()))?;
    }
    if !surfaces.is_empty() {
        table::print(&crate::verbs::show::surfaces(surfaces))?;
    }
    Ok(())
}

fn finding_line(finding: &Finding) -> FindingLine {
    FindingLine {
        category: finding.category(),
        kind: finding.kind.id,
        finding_type: finding.finding_type(),
        severity: SeverityLine::new(finding.severity),
        count: finding.count,
        locations: finding.locations.iter().map(location).collect(),
        additional_occurrences: finding.additional_occurrences,
    }
}

/// A place in a few words: `subtitle text, line 3, 1.0 s: **** 1486`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TypeLine<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    category: &'static str,
    origin: &'static str,
    keyword: &'static str,
    severity: String,
}

/// Prints every identifier of this configuration.
pub fn types(privacy: &PrivacyRaw, json: bool) -> Result<(), Failure> {
    let built_in = identifiers();
    let enabled = built_in.iter().filter(|one| privacy.disabled.iter().all(|id| id != one.kind.id));
    let mut lines: Vec<TypeLine<'_>> = enabled
        .map(|one| TypeLine {
            kind: one.kind.id,
            category: one.kind.category.as_str(),
            origin: match one.origin {
                Origin::Macie => "Macie",
                Origin::Reelgate => "Reelgate",
            },
            keyword: one.keyword_rule.as_str(),
            severity: [one.severity.one, one.severity.some, one.severity.many]
                .map(macie_severity)
                .join(" / "),
        })
        .collect();
    lines.extend(privacy.custom_identifiers.iter().map(|one| {
        TypeLine {
            kind: &one.name,
            category: reelgate_privacy::Category::CustomIdentifier.as_str(),
            origin: "configuration",
            keyword: if one.keywords.is_empty() { "no" } else { "yes" },
            severity: match one.severity_levels.as_slice() {
                [] => macie_severity(Severity::Medium).to_owned(),
                levels => levels
                    .iter()
                    .map(|level| {
                        format!("{} from {}", macie_severity(level.severity), level.occurrences_threshold)
                    })
                    .collect::<Vec<_>>()
                    .join(", "),
            },
        }
    }));
    if json {
        return lines.iter().try_for_each(|line| table::print(&to_json(line)?));
    }
    let mut rows = table::new(&["type", "category", "named by", "keyword", "severity 1 / 2-99 / 100+"]);
    for line in &lines {
        rows.add_row([line.kind, line.category, line.origin, line.keyword, &line.severity]);
    }
    table::print(&rows.to_string())
}
