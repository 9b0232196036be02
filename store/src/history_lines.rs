//! How what happened is told: a note of the core as a line of history, an ended asset as a notice. Every store
//! tells it the same way, so that `why` and receivers do not depend on the backend.

use reelgate_flow::asset::{Note, NoticeKind, Parts};
use reelgate_flow::ids::{AssetId, NodeId, NoticeId};
use serde_json::{Value, json};

use reelgate_ports::identity::key_sha256;
use reelgate_ports::records::{
    AssetRecord, Decided, Decision, FindingRecord, HistoryEvent, HistoryRecord, RenditionRecord, UsageRecord,
    WithdrawalRecord,
};

/// Version of the notice's body, see `docs/reference/notices.md`.
pub const NOTICE_SCHEMA: u32 = 1;

/// Who caused a step, and what it took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attribution<'a> {
    /// The node that reported.
    pub node: Option<&'a NodeId>,
    /// What the attempt used.
    pub usage: Option<UsageRecord>,
}

/// A history line; the store numbers it.
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

/// A note of the core as a history line. `original` is the asset it is linked to.
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
        Note::Redriven(times) => (HistoryEvent::Redriven, None, None, format!("time {times}")),
        Note::Quarantining(cause) => (HistoryEvent::Quarantining, None, None, cause.as_str().to_owned()),
        Note::Held(held) => (
            HistoryEvent::Held,
            None,
            None,
            if *held { "must not be erased" } else { "may be erased" }.to_owned(),
        ),
        Note::Redacting(parts) => (HistoryEvent::Redacting, None, None, parts_text(parts)),
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
    format!("{} chunks{audio} are encoded again", parts.chunks.len())
}

/// What a withdrawal took away and proved, in a line that names the whole record by its hash.
pub fn withdrawal_line(at_ms: u64, withdrawal_record: &WithdrawalRecord, record: &Value) -> HistoryRecord {
    let bytes: u64 =
        withdrawal_record.taken.iter().map(|taken| taken.size_bytes).fold(0, u64::saturating_add);
    let left =
        if withdrawal_record.left.is_empty() { "" } else { "; something outside the gate's areas was left" };
    let detail = format!(
        "{} objects of {bytes} bytes taken away, {} addresses looked at and none of them readable{left}; record {}",
        withdrawal_record.taken.len(),
        withdrawal_record.looked_at,
        key_sha256(&record.to_string()),
    );
    line(at_ms, HistoryEvent::Closed, detail)
}

/// What somebody decided, and why.
pub fn decision_line(at_ms: u64, decision: &Decision) -> HistoryRecord {
    let approved = decision.approver.as_ref().map(|name| format!(", approved by {name}")).unwrap_or_default();
    let until = decision.expires_ms.map(|ms| format!(", until {ms}")).unwrap_or_default();
    let of = match &decision.what {
        Decided::FalsePositive { kind } => format!(" of {kind}"),
        _ => String::new(),
    };
    let what = decision.what.as_str();
    line(
        at_ms,
        HistoryEvent::Decided,
        format!("{what}{of} by {}{approved}{until}: {}", decision.by, decision.reason),
    )
}

fn used(by: Attribution<'_>) -> String {
    let usage = by.usage.unwrap_or_default();
    if usage.cpu_ms == 0 && usage.memory_bytes_max == 0 {
        return String::new();
    }
    format!("{} ms CPU, {} bytes at most", usage.cpu_ms, usage.memory_bytes_max)
}

/// The facts of a notice about media; empty where nothing was learned.
#[derive(Clone, Debug, Default)]
pub struct MediaSummary {
    /// Container family's word.
    pub container: Option<String>,
    /// Nanoseconds.
    pub duration_ns: Option<u64>,
    /// The ladder as it came out.
    pub renditions: Vec<RenditionRecord>,
    /// Findings; only kind, severity and count are told.
    pub findings: Vec<FindingRecord>,
}

/// The body of a notice: all the facts, and nothing a person wrote. Keys, file names and output paths (they
/// are made from keys), tag values and places of findings stay inside.
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
        "response": asset.flags.response.as_str(),
        "reason": reason,
        "linked_to": asset.linked_to.as_ref().map(AssetId::as_str),
        "redrives": asset.redrives,
        "received_ms": asset.received_ms,
        "media": {"container": media.container, "duration_ns": media.duration_ns},
        "renditions": media.renditions,
        "findings": findings,
    })
}
