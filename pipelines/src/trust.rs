//! The engine trusts no field of a reply. Every number, name and text of a worker is checked here against the worker's
//! job before any other code uses it.
//!
//! A reply outside its ranges is `worker_protocol`, because an honest worker never sends it. Where a range is a rule
//! about uploads (pixels, tracks, samples, duration), the fault has the code that the worker itself should have
//! reported. So an upload that the worker failed to refuse is still refused for the right reason.
//!
//! The bytes of outputs are checked while they pass: see [`ContentCheck`].

mod captions;
mod content;
mod encoding;
mod enrichment;
mod fault;
mod inspection;
mod output_names;
mod outputs;
mod range_checks;
#[cfg(test)]
mod spoiled_tests;

pub use captions::{cue, file_cue, file_line};
pub use content::{ContentCheck, Sample, SegmentSamples};
pub use enrichment::text_line;
pub use fault::{concerns_one_track, fault};
pub use output_names::{NAME_BYTES_MAX, output_name};
pub use outputs::{Output, Outputs};
pub use range_checks::word;

use reelgate_flow::reason::Fault;

use crate::messages::{Finished, Job};
use range_checks::untrue;

/// Checks that a job may write an output of this name. Returns the check of its bytes.
pub fn may_write(job: &Job, name: &str) -> Result<ContentCheck, Fault> {
    output_name(name)?;
    let check = match job {
        Job::Inspect(_) => None,
        Job::Video(job) => encoding::video_output(job, name),
        Job::Audio(job) => encoding::audio_output(job, name),
        Job::Captions(_) => captions::output(name),
        Job::CaptionFile(_) => captions::file_output(name),
        Job::Enrich(job) => enrichment::output(job, name),
    };
    check.ok_or_else(|| untrue("an output that belongs to the job", "another name"))
}

/// Checks a result against the job and the outputs that arrived.
pub fn check(job: &Job, finished: &Finished, outputs: &Outputs) -> Result<(), Fault> {
    match (job, finished) {
        (Job::Inspect(job), Finished::Inspected(found)) => inspection::check(job, found),
        (Job::Video(job), Finished::Video(result)) => encoding::check_video(job, result, outputs),
        (Job::Audio(job), Finished::Audio(result)) => encoding::check_audio(job, result, outputs),
        (Job::Captions(_), Finished::Captions(result)) => captions::check(result, outputs),
        (Job::CaptionFile(_), Finished::CaptionFile(result)) => captions::check_file(result, outputs),
        (Job::Enrich(job), Finished::Enriched(result)) => enrichment::check(job, result, outputs),
        _ => Err(untrue("a result of the job's kind", "another kind")),
    }
}
