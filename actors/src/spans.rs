//! Every span of a process. A span holds ids, counts and codes; never a key, a name, or the detail of a fault. One trace
//! shows the life of an asset over all actors and nodes: see [`reelgate_ports::trace`].
//!
//! The spans are at level ERROR, so that a log line of any level shows the trace it belongs to.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, Status, TraceContextExt, TraceFlags, TraceId, TraceState};
use reelgate_flow::ids::{AssetId, NodeId, ReceiverName};
use reelgate_flow::reason::Fault;
use reelgate_pipelines::client::Usage;
use reelgate_ports::error::PortError;
use reelgate_ports::events::EventBatch;
use reelgate_ports::records::{Applied, Ending, Fence, Ingested, NoticeRecord, TaskReport};
use reelgate_ports::trace::TraceContext;
use tracing::Span;
use tracing::field::{Empty, debug, display};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The target of every span of this file, and of nothing else.
pub const TARGET: &str = module_path!();

/// Name of the span that is the root of an asset's trace. It is created as a child of the derived root. The exporter must
/// give it the root's own id, because the ids of a span cannot be chosen where it is created.
pub const ROOT: &str = "upload";

/// Links kept in one span, the default of the OpenTelemetry specification; a larger batch names the first ones.
const LINKS_MAX: usize = 128;

/// The parent of the spans that deal with an attempt's result after the attempt has ended.
#[derive(Clone)]
pub struct TraceParent(Context);

impl TraceParent {
    /// The asset's root, for a result without an attempt.
    pub fn of_asset(asset: &AssetId) -> Self {
        Self(Context::new().with_remote_span_context(remote(asset)))
    }

    /// A span that may have ended by then.
    pub fn of_span(span: &Span, asset: &AssetId) -> Self {
        match own_context(span) {
            Some(own) => Self(Context::new().with_remote_span_context(own)),
            None => Self::of_asset(asset),
        }
    }
}

/// Begins a trace for each upload that was ingested for the first time.
pub fn uploads_ingested(ingested: &[Ingested]) {
    for upload in ingested.iter().filter(|upload| upload.new) {
        let span = tracing::error_span!(parent: None, "upload", trace_id = Empty, span_id = Empty, asset = %upload.asset);
        join(&span, TraceParent::of_asset(&upload.asset));
    }
}

/// An attempt of a task on this node.
pub fn attempt(node: &NodeId, fence: &Fence) -> Span {
    let span = tracing::error_span!(
        parent: None,
        "attempt",
        otel.name = fence.task.stage(),
        trace_id = Empty,
        span_id = Empty,
        asset = %fence.asset,
        task = %fence.task,
        attempt = fence.attempt,
        %node,
        lane = fence.task.lane().as_str(),
        outcome = Empty,
        code = Empty,
    );
    join(&span, TraceParent::of_asset(&fence.asset));
    span
}

/// Records how an attempt ended.
pub fn attempt_ended(span: &Span, ending: &Ending) {
    let outcome = match ending {
        Ending::Success(_) => "success",
        Ending::GivenBack => "given_back",
        Ending::Fault(fault) => {
            failed(span, fault);
            "fault"
        }
    };
    span.record("outcome", outcome);
}

/// A run of the media worker, within the current span. The worker has no network, so this node exports the span.
pub fn worker() -> Span {
    let span = tracing::error_span!(
        "worker",
        trace_id = Empty,
        span_id = Empty,
        wall_ms = Empty,
        cpu_ms = Empty,
        memory_bytes_max = Empty,
        output_bytes = Empty,
        code = Empty,
    );
    show_ids(&span);
    span
}

/// The W3C `traceparent` of a span that is part of an exported trace.
pub fn traceparent(span: &Span) -> Option<String> {
    let own = own_context(span)?;
    let ids = TraceContext { trace_id: own.trace_id().to_bytes(), span_id: own.span_id().to_bytes() };
    Some(ids.traceparent(own.is_sampled()))
}

/// Records what a run of the media worker used, or why it failed.
pub fn worker_ended(span: &Span, result: Result<&Usage, &Fault>) {
    match result {
        Ok(usage) => {
            span.record("wall_ms", (usage.wall_s * 1_000.0) as u64);
            span.record("cpu_ms", (usage.cpu_s * 1_000.0) as u64);
            span.record("memory_bytes_max", usage.rss_max_bytes);
            span.record("output_bytes", usage.output_bytes);
        }
        Err(fault) => failed(span, fault),
    }
}

/// The commit of each report, under its attempt; all reports are committed in one transaction.
pub fn commits(reports: &[TaskReport], parents: Vec<TraceParent>) -> Vec<Span> {
    let commit = |(report, trace_parent): (&TaskReport, TraceParent)| {
        let span = tracing::error_span!(
            parent: None,
            "commit",
            trace_id = Empty,
            span_id = Empty,
            task = %report.fence.task,
            attempt = report.fence.attempt,
            reports = reports.len(),
            outcome = Empty,
        );
        join(&span, trace_parent);
        span
    };
    reports.iter().zip(parents).map(commit).collect()
}

/// Records the results of the reports.
pub fn committed(spans: Vec<Span>, result: Result<&[Applied], &PortError>) {
    match result {
        Ok(applied) => {
            for (span, applied) in spans.iter().zip(applied) {
                let outcome = match applied {
                    Applied::Stale => "stale",
                    Applied::Committed(phase) => phase.as_str(),
                };
                span.record("outcome", outcome);
            }
        }
        Err(error) => spans.iter().for_each(|span| refused(span, error)),
    }
}

/// A batch of events that is being ingested; the source took `poll_ms` to deliver it.
pub fn intake(batch: &EventBatch, poll_ms: u64) -> Span {
    let span = tracing::error_span!(
        "intake",
        trace_id = Empty,
        span_id = Empty,
        events = batch.events.len(),
        scans = batch.scans.len(),
        refused = batch.refused.len(),
        poll_ms,
        outcome = Empty,
    );
    show_ids(&span);
    span
}

/// Links the traces that a batch began.
pub fn batch_ingested(span: &Span, ingested: &[Ingested]) {
    span.record("outcome", "taken_in");
    let begun = ingested.iter().filter(|upload| upload.new).take(LINKS_MAX);
    begun.for_each(|upload| span.add_link(remote(&upload.asset)));
}

/// The delivery of a notice to one receiver.
pub fn delivery(notice: &NoticeRecord, receiver: &ReceiverName) -> Span {
    let span = tracing::error_span!(
        parent: None,
        "deliver",
        trace_id = Empty,
        span_id = Empty,
        asset = %notice.asset,
        notice = %notice.id,
        kind = notice.kind.as_str(),
        receiver = receiver.as_str(),
        tries = notice.tries,
        outcome = Empty,
    );
    if notice.asset.as_str().is_empty() {
        show_ids(&span);
    } else {
        join(&span, TraceParent::of_asset(&notice.asset));
    }
    span
}

/// Records that a port failed: only the kind of error, never its detail.
pub fn refused(span: &Span, error: &PortError) {
    span.record("outcome", debug(error.kind));
    span.set_status(Status::error(""));
}

/// Media that is refused is an ordinary result; every other fault is an error.
fn failed(span: &Span, fault: &Fault) {
    span.record("code", fault.code.as_str());
    if !fault.code.class().is_producers() {
        span.set_status(Status::error(""));
    }
}

/// The derived root of an asset's trace, as a span of another process.
fn remote(asset: &AssetId) -> SpanContext {
    let root = TraceContext::of_asset(asset);
    let (trace, span) = (TraceId::from_bytes(root.trace_id), SpanId::from_bytes(root.span_id));
    SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::default())
}

/// Puts a new span into a trace. Without an exporter only the log shows the trace.
fn join(span: &Span, trace_parent: TraceParent) {
    let trace_id = trace_parent.0.span().span_context().trace_id();
    if span.set_parent(trace_parent.0).is_ok() {
        return show_ids(span);
    }
    span.record("trace_id", display(trace_id));
}

/// Shows the ids of a span in the log lines within it, where the span is part of an exported trace.
fn show_ids(span: &Span) {
    if let Some(own) = own_context(span) {
        span.record("trace_id", display(own.trace_id()));
        span.record("span_id", display(own.span_id()));
    }
}

/// The ids of a span; `None` where no traces are exported.
fn own_context(span: &Span) -> Option<SpanContext> {
    let context = span.context();
    let own = context.span().span_context().clone();
    own.is_valid().then_some(own)
}
