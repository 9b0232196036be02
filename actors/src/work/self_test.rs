//! Proves that this machine inspects and encodes correctly: it processes a golden file and compares the result with known
//! facts.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::client::{self, CancelFlag, Nowhere};
use reelgate_pipelines::messages::{Finished, Job};
use reelgate_pipelines::recipes::plan::plan;

use crate::engine_context::EngineContext;
use crate::work::joined;
use crate::work::media::other_result;
use crate::work::validate::inspect;

/// Two seconds of a moving test picture and a tone, H.264 and AAC in MP4; made for this test.
static GOLDEN: &[u8] = include_bytes!("../golden.mp4");
/// Frames in the golden file.
const FRAMES: u64 = 50;

/// Inspects and encodes the golden file in the jailed worker.
pub async fn self_test(context: Arc<EngineContext>) -> Result<(), Fault> {
    joined(tokio::task::spawn_blocking(move || run(&context)).await)?
}

fn run(context: &EngineContext) -> Result<(), Fault> {
    let unusable = |error: std::io::Error| Fault::new(Code::WorkerUnavailable, error.to_string());
    let size_bytes = GOLDEN.len() as u64;
    let cancel = CancelFlag::default();
    let file = golden().map_err(unusable)?;
    let (inspection, _) =
        inspect(&context.worker, &context.settings, file, size_bytes, &cancel, &mut |_| {})?;
    let frames = inspection.facts.video.first().map_or(0, |track| track.frames);
    expect("frames in the golden file", frames)?;
    let plan = plan(&inspection, &context.settings, size_bytes)?;
    let chunk = plan.video.first().ok_or_else(|| Fault::new(Code::CountMismatch, "no chunk was planned"))?;
    let (job, budget) = (Job::Video(chunk.job.clone()), context.settings.budgets.video(&chunk.job));
    let file = golden().map_err(unusable)?;
    let (finished, _) =
        client::run(&context.worker, &job, &budget, file, &mut Nowhere, &mut |_| {}, &cancel)?;
    let Finished::Video(result) = finished else { return Err(other_result()) };
    expect("frames decoded from the golden file", result.frames_in)
}

fn expect(what: &str, found: u64) -> Result<(), Fault> {
    if found == FRAMES {
        return Ok(());
    }
    Err(Fault::new(Code::CountMismatch, format!("expected {FRAMES} {what}, found {found}")))
}

fn golden() -> std::io::Result<File> {
    let mut file = File::from(rustix::fs::memfd_create("golden", rustix::fs::MemfdFlags::CLOEXEC)?);
    file.write_all(GOLDEN)?;
    Ok(file)
}
