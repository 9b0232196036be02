//! The plain code of each kind of task, over ports and the media worker. Nothing here decides which task follows.

mod caption_files;
mod captions;
pub mod cost_days;
mod encode_task;
pub mod enrich;
pub mod external_scan;
pub mod finding_link;
pub mod findings;
pub mod fleet_report;
pub mod follow_flag;
pub mod gathered_text;
pub mod given_checksums;
pub mod job_file;
mod look;
pub mod manifest;
mod media;
mod output;
pub mod package;
pub mod planned_work;
mod producer_metadata;
mod products;
pub mod progress;
mod progressive;
mod publication;
pub mod publish;
mod redacted;
pub mod redaction;
pub mod screen;
pub mod self_test;
mod source;
mod stored_redaction;
pub mod surfaces;
pub mod sweep;
pub mod sweep_findings;
mod text_sources;
mod track_files;
pub mod transcode;
pub mod validate;
mod withdraw;
pub mod work_left;

use reelgate_flow::reason::{Code, Fault};
use reelgate_ports::error::PortError;
use reelgate_ports::objects::StagedWriter;

/// Largest segment read back, bytes.
const SEGMENT_BYTES_MAX: u64 = 1 << 30;

/// The fault of a port's error that does not concern the upload itself.
fn ours(error: PortError) -> Fault {
    error.fault()
}

/// The fault of a port's error that concerns the upload itself.
fn sources(error: PortError) -> Fault {
    error.source_fault()
}

/// The result of a blocking task. A panic in it is a bug of ours; its files are dropped with their writer. Its message may
/// quote the upload, so it is dropped too.
fn joined<T>(result: Result<T, tokio::task::JoinError>) -> Result<T, Fault> {
    result.map_err(|error| {
        let how = if error.is_panic() { "panicked; the log names the line of code" } else { "was cancelled" };
        Fault::new(Code::Internal, format!("a blocking task {how}"))
    })
}

/// Calls a writer, whose calls block, on a thread for that.
async fn blocking(
    mut writer: Box<dyn StagedWriter>,
    call: impl FnOnce(&mut dyn StagedWriter) -> Result<(), Fault> + Send + 'static,
) -> Result<Box<dyn StagedWriter>, Fault> {
    let called = tokio::task::spawn_blocking(move || call(&mut *writer).map(|()| writer));
    joined(called.await)?
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_message_of_a_panic_is_not_part_of_the_fault() {
        let panicking = tokio::task::spawn_blocking(|| panic!("the file is called sesame"));
        let fault = joined::<()>(panicking.await).unwrap_err();
        assert_eq!(fault.code, Code::Internal);
        assert!(fault.detail.contains("panicked") && !fault.detail.contains("sesame"), "{fault}");
    }
}
