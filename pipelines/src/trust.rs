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
mod inspection;
mod output_names;
mod outputs;
mod range_checks;
#[cfg(test)]
mod spoiled_tests;

pub use captions::cue;
pub use content::ContentCheck;
pub use enrichment::text_line;
pub use output_names::{NAME_BYTES_MAX, output_name};
pub use outputs::{Output, Outputs};
pub use range_checks::word;

use reelgate_flow::reason::{Class, Code, Fault};

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
        (Job::Enrich(job), Finished::Enriched(result)) => enrichment::check(job, result, outputs),
        _ => Err(untrue("a result of the job's kind", "another kind")),
    }
}

/// Checks a fault that a worker reports. Only codes that a worker can know of pass. In the text, every character that
/// is not visible ASCII or a space becomes `?`. `is_working` says whether the worker already had its job.
pub fn fault(fault: Fault, is_working: bool) -> Result<Fault, Fault> {
    let is_known = match fault.code {
        Code::PluginMissing | Code::Internal => true,
        Code::WorkerUnavailable => !is_working,
        Code::ConfigInvalid | Code::CountMismatch => is_working,
        // A worker sees neither checksums nor its own crash.
        Code::ChecksumMismatch | Code::ChecksumUnreadable | Code::DecoderCrashed => false,
        code => is_working && code.class() == Class::BadMedia,
    };
    if !is_known {
        return Err(untrue("a fault that a worker can know of", fault.code.as_str()));
    }
    let detail = fault.detail.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' });
    Ok(Fault::new(fault.code, detail.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_cannot_report_faults_it_cannot_know_of() {
        for code in Code::ALL {
            let checked = fault(Fault::new(*code, ""), true);
            let expected = match code.class() {
                Class::BadMedia => {
                    !matches!(code, Code::ChecksumMismatch | Code::ChecksumUnreadable | Code::DecoderCrashed)
                }
                _ => matches!(
                    code,
                    Code::PluginMissing | Code::Internal | Code::ConfigInvalid | Code::CountMismatch
                ),
            };
            assert_eq!(checked.is_ok(), expected, "{}", code.as_str());
        }
    }

    #[test]
    fn before_it_has_its_job_a_worker_can_only_report_that_it_cannot_work() {
        assert!(fault(Fault::new(Code::WorkerUnavailable, ""), false).is_ok());
        assert!(fault(Fault::new(Code::NotMedia, ""), false).is_err());
    }

    #[test]
    fn a_faults_detail_is_cut_and_stripped_of_control_characters() {
        let reported =
            Fault { code: Code::Internal, detail: "a\x1b[31m\n\u{202e}b".to_owned() + &"x".repeat(9_999) };
        let kept = fault(reported, true).unwrap();
        assert!(kept.detail.starts_with("a?[31m??b"), "{}", &kept.detail[..20]);
        assert_eq!(kept.detail.len(), Fault::DETAIL_BYTES_MAX);
    }
}
