//! The texts of history lines and notices. Every store writes the same texts, so that `reelgate why` and receivers of notices
//! do not depend on the backend.

use reelgate_cost::daily::{Finding, Scope};
use reelgate_cost::line::DAY_MS;
use reelgate_flow::asset::{Note, NoticeKind, Parts};
use reelgate_flow::ids::{AssetId, NodeId, NoticeId};
use reelgate_flow::left_out::LeftOut;
use reelgate_flow::plain::counted;
use reelgate_flow::reason::Code;
use serde_json::{Value, json};

use reelgate_ports::audit::Seal;
use reelgate_ports::identity::key_sha256;
use reelgate_ports::records::{
    AssetRecord, Decided, Decision, FindingRecord, HistoryEvent, HistoryRecord, Principal, Proposal,
    RenditionRecord, UsageRecord, WithdrawalRecord,
};

/// Version of the notice body, see `docs/reference/notices.md`.
pub const NOTICE_SCHEMA: u32 = 1;

/// Which node caused a step, and what the attempt used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attribution<'a> {
    /// The node that reported the attempt; `None` for a step without a report.
    pub node: Option<&'a NodeId>,
    /// Time, CPU and memory of the attempt.
    pub usage: Option<UsageRecord>,
    /// Why the store redrives it by itself; `None` where an operator does.
    pub cause: Option<&'static str>,
}

/// A history line without a number; the unit of work numbers it.
pub fn line(at_ms: u64, event: HistoryEvent, detail: impl Into<String>) -> HistoryRecord {
    HistoryRecord {
        sequence: 0,
        at_ms,
        event,
        task: None,
        attempt: None,
        node: None,
        wall_ms: None,
        detail: detail.into(),
    }
}

/// Turns a note of the core into a history line. `original` is the asset to which this one is linked.
pub fn note_line(at_ms: u64, note: &Note, by: Attribution<'_>, original: Option<&AssetId>) -> HistoryRecord {
    let (event, task, attempt, detail) = match note {
        Note::Entered(phase) => (HistoryEvent::Entered(*phase), None, None, phase.as_str().to_owned()),
        Note::Due(task) => (HistoryEvent::Due, Some(*task), None, String::new()),
        Note::Finished(task, attempt) => (HistoryEvent::Finished, Some(*task), Some(*attempt), used(by)),
        Note::Retrying(task, attempt, fault, delay_ms) => (
            HistoryEvent::Retrying,
            Some(*task),
            Some(*attempt),
            format!("{fault}; next try in {delay_ms} ms"),
        ),
        Note::GaveUp(task, attempt, fault) => {
            (HistoryEvent::GaveUp, Some(*task), Some(*attempt), fault.to_string())
        }
        Note::GivenBack(task, attempt) => {
            (HistoryEvent::GivenBack, Some(*task), Some(*attempt), String::new())
        }
        Note::Judged(verdict, severity) => (
            HistoryEvent::Judged,
            None,
            None,
            format!("{}, severity {}", verdict.as_str(), severity.as_str()),
        ),
        Note::LinkedToOriginal => (
            HistoryEvent::Linked,
            None,
            None,
            original.map(|id| format!("same content as {id}")).unwrap_or_default(),
        ),
        Note::LookingAgain => (
            HistoryEvent::Linked,
            None,
            None,
            "the content is searched again: what searched it before is less than is asked now".to_owned(),
        ),
        Note::Redriven(times) => {
            let cause = by.cause.map(|cause| format!(": {cause}")).unwrap_or_default();
            (HistoryEvent::Redriven, None, None, format!("time {times}{cause}"))
        }
        Note::Quarantining(cause) => (HistoryEvent::Quarantining, None, None, cause.as_str().to_owned()),
        Note::Held(held) => (
            HistoryEvent::Held,
            None,
            None,
            if *held {
                "nothing of it may be removed or replaced"
            } else {
                "it may be removed and replaced again"
            }
            .to_owned(),
        ),
        Note::ReadingCaptionFiles => (
            HistoryEvent::Captioned,
            None,
            None,
            "the caption files beside it are read, searched and published with it".to_owned(),
        ),
        Note::OverBudget(fault) => (HistoryEvent::OverBudget, None, None, fault.to_string()),
        Note::Redacting(parts) => (HistoryEvent::Redacting, None, None, parts_text(parts)),
        Note::RedactingAnew => {
            (HistoryEvent::Redacting, None, None, "everything is encoded again".to_owned())
        }
        Note::RedactingCopy => (
            HistoryEvent::Redacting,
            None,
            None,
            "its outputs are replaced by a copy of the redacted ones".to_owned(),
        ),
        Note::Redone(what, times) => {
            (HistoryEvent::Redone, None, None, format!("{}, time {times}", what.as_str()))
        }
    };
    let attempted = attempt.is_some();
    HistoryRecord {
        task,
        attempt,
        node: by.node.filter(|_| attempted).cloned(),
        wall_ms: by.usage.filter(|_| attempted).map(|usage| usage.wall_ms),
        ..line(at_ms, event, detail)
    }
}

fn parts_text(parts: &Parts) -> String {
    let audio = if parts.audio { " and the audio" } else { "" };
    let are = if parts.chunks.len() == 1 && !parts.audio { "is" } else { "are" };
    let chunks = counted(parts.chunks.len() as u64, "chunk", "chunks");
    format!("{chunks}{audio} {are} encoded again")
}

/// The line for a finished withdrawal: what was removed and verified, and the hash of the whole record.
pub fn withdrawal_line(at_ms: u64, withdrawal_record: &WithdrawalRecord, record: &Value) -> HistoryRecord {
    let bytes: u64 =
        withdrawal_record.taken.iter().map(|taken| taken.size_bytes).fold(0, u64::saturating_add);
    let left =
        if withdrawal_record.left.is_empty() { "" } else { "; something outside Reelgate's areas was left" };
    let detail = format!(
        "{} of {} removed, {} checked and none of them readable{left}; record {}",
        counted(withdrawal_record.taken.len() as u64, "object", "objects"),
        counted(bytes, "byte", "bytes"),
        counted(withdrawal_record.looked_at, "address", "addresses"),
        key_sha256(&record.to_string()),
    );
    line(at_ms, HistoryEvent::Closed, detail)
}

/// The line for a decision: what was decided, by whom, and why.
pub fn decision_line(at_ms: u64, decision: &Decision, approver: Option<&Principal>) -> HistoryRecord {
    let approved = approver.map(|by| format!(", approved by {}", person(by))).unwrap_or_default();
    let until = until(decision);
    let of = match &decision.what {
        Decided::FalsePositive { kind } => format!(" of {kind}"),
        _ => String::new(),
    };
    let what = decision.what.as_str();
    line(
        at_ms,
        HistoryEvent::Decided,
        format!("{what}{of} by {}{approved}{until}: {}", person(&decision.by), decision.reason),
    )
}

/// The line for a proposal: what is proposed, by whom, under which name, and until when.
pub fn proposal_line(at_ms: u64, proposal: &Proposal) -> HistoryRecord {
    let Proposal { id, decision, valid_until_ms, .. } = proposal;
    let (what, by, until) = (decision.what.as_str(), person(&decision.by), until(decision));
    let detail = format!("{what} by {by}{until}, as {id}, valid until {valid_until_ms}: {}", decision.reason);
    line(at_ms, HistoryEvent::Proposed, detail)
}

/// The line for the rule of two people, switched on or off by a configuration under which this person decided.
pub fn rule_line(at_ms: u64, is_on: bool, by: &Principal) -> HistoryRecord {
    let state = if is_on { "on" } else { "off" };
    let detail = format!(
        "the rule of two people (privacy.two_people) is {state}, found with a decision by {}",
        person(by)
    );
    line(at_ms, HistoryEvent::RuleChanged, detail)
}

fn person(by: &Principal) -> String {
    format!("{} ({})", by.name, by.how)
}

fn until(decision: &Decision) -> String {
    decision.expires_ms.map(|ms| format!(", until {ms}")).unwrap_or_default()
}

fn used(by: Attribution<'_>) -> String {
    let usage = by.usage.unwrap_or_default();
    if usage.cpu_ms == 0 && usage.memory_bytes_max == 0 {
        return String::new();
    }
    format!("{} ms CPU, {} bytes at most", usage.cpu_ms, usage.memory_bytes_max)
}

/// The media part of a notice; empty if inspection has found nothing.
#[derive(Clone, Debug, Default)]
pub struct MediaSummary {
    /// The container family, such as `mp4`.
    pub container: Option<String>,
    /// Duration in nanoseconds.
    pub duration_ns: Option<u64>,
    /// The renditions that were published.
    pub renditions: Vec<RenditionRecord>,
    /// What of a published upload is not in its renditions; `None` if nobody kept it.
    pub left_out: Option<Vec<LeftOut>>,
    /// The findings; a notice contains only kind, severity and count.
    pub findings: Vec<FindingRecord>,
}

/// The body of the notice about a seal: the members of `seal` are those of the seal that is kept outside of the database.
pub fn seal_notice_body(id: &NoticeId, at_ms: u64, seal: &Seal) -> Value {
    json!({
        "schema": NOTICE_SCHEMA,
        "id": id.as_str(),
        "kind": NoticeKind::AuditSealed.as_str(),
        "at_ms": at_ms,
        "seal": {"records": seal.records, "head": seal.head},
    })
}

/// The body of the notice about an unusual cost. A prefix is part of keys, so it is there as its SHA-256; the name of a profile is one of
/// the configuration.
pub fn cost_notice_body(id: &NoticeId, at_ms: u64, finding: &Finding) -> Value {
    let Finding { scope, name, day, amount, bytes, anomaly } = finding;
    let (member, name) = match scope {
        Scope::Prefix => ("prefix_sha256", key_sha256(name)),
        Scope::Profile => ("profile", name.clone()),
    };
    json!({
        "schema": NOTICE_SCHEMA,
        "id": id.as_str(),
        "kind": NoticeKind::CostAnomaly.as_str(),
        "at_ms": at_ms,
        "cost": {
            "scope": scope.as_str(),
            member: name,
            "day_begin_ms": u64::from(*day) * DAY_MS,
            "amount_nanos": amount.nanos(),
            "bytes": bytes,
            "nanos_per_gb": anomaly.found.nanos(),
            "usual_nanos_per_gb": anomaly.usual.nanos(),
            "limit_nanos_per_gb": anomaly.limit.nanos(),
        },
    })
}

/// The body of a notice about an asset: facts only, without any text that a person wrote. It contains no keys, no file names, no output
/// paths (they are made from keys), no tag values and no places of findings.
pub fn notice_body(
    id: &NoticeId,
    kind: NoticeKind,
    at_ms: u64,
    asset: &AssetRecord,
    media: &MediaSummary,
) -> Value {
    let reason = asset.reason.as_ref().map(|fault| {
        json!({
            "code": fault.code.as_str(),
            "class": fault.code.class().as_str(),
            "message": fault.code.message(),
            "advice": fault.code.advice(),
            "detail": fault.detail,
        })
    });
    let findings: Vec<Value> = media
        .findings
        .iter()
        .map(|f| json!({"kind": f.kind, "severity": f.severity.as_str(), "count": f.count}))
        .collect();
    json!({
        "schema": NOTICE_SCHEMA,
        "id": id.as_str(),
        "kind": kind.as_str(),
        "at_ms": at_ms,
        "asset_id": asset.id.as_str(),
        "source": {
            "bucket": asset.source.id.bucket,
            "key_sha256": key_sha256(&asset.source.id.key),
            "version": asset.source.id.version,
            "size_bytes": asset.source.size_bytes,
            "sha256": asset.sha256,
        },
        "state": asset.phase.as_str(),
        "verdict": asset.verdict.as_str(),
        "severity": asset.severity.as_str(),
        "surfaces": asset.surfaces,
        "response": asset.flags.response.as_str(),
        "reason": reason,
        "linked_to": asset.linked_to.as_ref().map(AssetId::as_str),
        "redrives": asset.redrives,
        "received_ms": asset.received_ms,
        "media": {"container": media.container, "duration_ns": media.duration_ns},
        "renditions": media.renditions,
        "left_out": media.left_out.as_ref().map(|all| all.iter().map(left_out_entry).collect::<Vec<_>>()),
        "findings": findings,
    })
}

fn left_out_entry(track: &LeftOut) -> Value {
    json!({
        "track": track.track,
        "file": track.file.as_ref().map(AssetId::as_str),
        "kind": track.kind.as_str(),
        "codec": track.codec,
        "language": primary_language(&track.language),
        "why": track.why.as_str(),
        "code": track.code.map(Code::as_str),
    })
}

/// The language that a code begins with. A file may declare any text as the language of a track, so nothing else of it passes.
fn primary_language(code: &str) -> String {
    let first = code.split('-').next().unwrap_or_default();
    let is_language = matches!(first.len(), 2..=3) && first.bytes().all(|b| b.is_ascii_alphabetic());
    if is_language { first.to_ascii_lowercase() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_language_passes_as_the_language_of_a_track() {
        for (code, expected) in
            [("de", "de"), ("ENG", "eng"), ("pt-BR", "pt"), ("de-x-miller", "de"), ("", ""), ("und", "und")]
        {
            assert_eq!(primary_language(code), expected, "{code}");
        }
        for code in ["Peter Miller", "4539578763621486", "d", "d3", "-de"] {
            assert_eq!(primary_language(code), "", "{code}");
        }
    }
}
