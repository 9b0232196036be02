//! What each kind of task does: plain code over ports and the media worker, with no decision about what comes next.

pub mod enrich;
pub mod external_scan;
pub mod finding_link;
pub mod gathered_text;
pub mod manifest;
mod media;
mod package;
mod products;
pub mod publish;
mod redacted;
pub mod redaction;
pub mod screen;
pub mod self_test;
pub mod sweep;
mod text_sources;
pub mod transcode;
pub mod validate;
mod withdraw;
pub mod work_left;

use reelgate_flow::reason::{Code, Fault};
use reelgate_ports::error::PortError;
use reelgate_ports::records::SourceRecord;

use crate::engine_context::EngineContext;

/// A port's error that does not concern the upload itself.
fn ours(error: PortError) -> Fault {
    error.fault()
}

/// A port's error with the upload itself.
fn sources(error: PortError) -> Fault {
    error.source_fault()
}

/// A blocking task that panicked is our bug; what it did is dropped with its writer.
fn joined<T>(result: Result<T, tokio::task::JoinError>) -> Result<T, Fault> {
    result.map_err(|error| Fault::new(Code::Internal, format!("a blocking task ended early: {error}")))
}

/// The source must still be the version that was read, or the result describes something else.
async fn check_unchanged(context: &EngineContext, source: &SourceRecord) -> Result<(), Fault> {
    if context.objects.unchanged(source).await.map_err(sources)? {
        return Ok(());
    }
    Err(Fault::new(Code::SourceChanged, "size or time of change differ from when it was taken in"))
}
