//! The queue before the collector: it is bounded and its spans are counted. Code that ends a span never waits here.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor,
};
use prometheus::IntCounterVec;
use reelgate_actors::spans::ROOT;

/// Most spans that wait or are being sent, together; about 1 kB each.
const WAITING_MAX: usize = 8_192;
/// Most spans of one request.
const BATCH_MAX: usize = 512;
/// Longest time that a span waits for other spans of the same request.
const DELAY: Duration = Duration::from_secs(1);

/// Receives every span of the process when it ends.
#[derive(Debug)]
pub struct SpanQueue {
    queue: BatchSpanProcessor,
    waiting: Arc<AtomicUsize>,
    spans: IntCounterVec,
}

impl SpanQueue {
    /// A queue with its own thread for the export.
    pub fn new(exporter: impl SpanExporter + 'static, spans: IntCounterVec) -> Self {
        let waiting = Arc::new(AtomicUsize::new(0));
        let config = BatchConfigBuilder::default()
            // The count keeps the queue below this size, so the queue itself never drops a span.
            .with_max_queue_size(WAITING_MAX)
            .with_max_export_batch_size(BATCH_MAX)
            .with_scheduled_delay(DELAY)
            .build();
        let counted = Counted { exporter, waiting: Arc::clone(&waiting), spans: spans.clone() };
        Self { queue: BatchSpanProcessor::new(counted, config), waiting, spans }
    }
}

impl SpanProcessor for SpanQueue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.spans.with_label_values(&["dropped"]).inc();
            return;
        }
        self.queue.on_end(in_place(span));
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.queue.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.queue.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.queue.set_resource(resource);
    }
}

/// Gives the root of an asset's trace the id that all its other spans have as their parent.
fn in_place(mut span: SpanData) -> SpanData {
    if span.name == ROOT && span.parent_span_is_remote {
        let own = &span.span_context;
        let flags = own.trace_flags();
        span.span_context =
            SpanContext::new(own.trace_id(), span.parent_span_id, flags, false, own.trace_state().clone());
        span.parent_span_id = SpanId::INVALID;
        span.parent_span_is_remote = false;
    }
    span
}

/// Counts the spans that leave the queue.
#[derive(Debug)]
struct Counted<E> {
    exporter: E,
    waiting: Arc<AtomicUsize>,
    spans: IntCounterVec,
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        let result = self.exporter.export(batch).await;
        self.waiting.fetch_sub(count, Ordering::Relaxed);
        let label = if result.is_ok() { "exported" } else { "failed" };
        self.spans.with_label_values(&[label]).inc_by(count as u64);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use opentelemetry::trace::{
        Span as _, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer, TracerProvider,
    };
    use opentelemetry_sdk::error::OTelSdkError;
    use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
    use reelgate_actors::signals::Signals;

    use super::*;

    /// Answers a batch only when the test sends the answer.
    #[derive(Debug)]
    struct Slow {
        began: Mutex<Sender<Vec<SpanData>>>,
        answers: Mutex<Receiver<bool>>,
    }

    impl SpanExporter for Slow {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            // After the end of the test nobody answers.
            let _ = self.began.lock().unwrap().send(batch);
            let is_taken = self.answers.lock().unwrap().recv().unwrap_or(false);
            is_taken.then_some(()).ok_or(OTelSdkError::InternalFailure("refused".into()))
        }
    }

    struct Bench {
        // Dropped first, so that an exporter that still waits for an answer ends.
        answers: Sender<bool>,
        began: Receiver<Vec<SpanData>>,
        provider: SdkTracerProvider,
        spans: IntCounterVec,
    }

    fn bench(sampling: f64) -> Bench {
        let (began_sender, began) = channel();
        let (answers, answers_receiver) = channel();
        let slow = Slow { began: Mutex::new(began_sender), answers: Mutex::new(answers_receiver) };
        let spans = Signals::default().spans().clone();
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::TraceIdRatioBased(sampling))
            .with_span_processor(SpanQueue::new(slow, spans.clone()))
            .build();
        Bench { answers, began, provider, spans }
    }

    impl Bench {
        fn span(&self, name: &'static str) {
            let root = SpanContext::new(
                TraceId::from(1),
                SpanId::from(2),
                TraceFlags::SAMPLED,
                true,
                TraceState::default(),
            );
            let parent = Context::new().with_remote_span_context(root);
            self.provider.tracer("test").start_with_context(name, &parent).end();
        }

        fn counted(&self, result: &str) -> u64 {
            self.spans.with_label_values(&[result]).get()
        }
    }

    #[test]
    fn a_collector_that_hangs_loses_spans_and_delays_nothing() {
        let bench = bench(1.0);
        for _ in 0..BATCH_MAX {
            bench.span("attempt");
        }
        assert_eq!(bench.began.recv().unwrap().len(), BATCH_MAX);
        // The exporter hangs from now on; the queue accepts what fits in addition to the batch that is being sent.
        for _ in 0..WAITING_MAX {
            bench.span("attempt");
        }
        assert_eq!(bench.counted("dropped"), BATCH_MAX as u64);
        assert_eq!(bench.counted("exported") + bench.counted("failed"), 0);
    }

    #[test]
    fn spans_that_the_collector_refuses_are_counted() {
        let bench = bench(1.0);
        bench.span("attempt");
        bench.answers.send(false).unwrap();
        bench.provider.force_flush().unwrap_err();
        bench.span("attempt");
        bench.answers.send(true).unwrap();
        bench.provider.force_flush().unwrap();
        assert_eq!((bench.counted("failed"), bench.counted("exported"), bench.counted("dropped")), (1, 1, 0));
    }

    #[test]
    fn only_the_upload_s_span_becomes_the_root() {
        let bench = bench(1.0);
        bench.span(ROOT);
        bench.span("attempt");
        bench.answers.send(true).unwrap();
        bench.provider.force_flush().unwrap();
        let batch = bench.began.recv().unwrap();
        let place = |span: &SpanData| (span.span_context.span_id(), span.parent_span_id);
        assert_eq!(place(&batch[0]), (SpanId::from(2), SpanId::INVALID));
        assert_eq!(place(&batch[1]).1, SpanId::from(2));
        assert!(batch.iter().all(|span| span.span_context.trace_id() == TraceId::from(1)));
    }

    #[test]
    fn a_trace_that_is_not_sampled_is_neither_exported_nor_counted() {
        let bench = bench(0.0);
        bench.span("attempt");
        bench.provider.force_flush().unwrap();
        assert!(bench.began.try_recv().is_err());
        assert_eq!(bench.counted("dropped"), 0);
    }
}
