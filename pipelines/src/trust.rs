//! The engine trusts no field of a reply: every number, name and text a worker says is checked here against the
//! job it was given before anything else sees it.
//!
//! A reply outside its ranges is `worker_protocol`: an honest worker never sends it. Where a range is a rule about
//! uploads (pixels, tracks, samples, duration) the same code is used that the worker itself would have used, so
//! that a forgotten check there is still the right reason here.

mod encoding;
mod enrichment;
mod inspection;
#[cfg(test)]
mod spoiled_tests;

pub use enrichment::text_line;

use std::collections::BTreeMap;

use reelgate_flow::reason::{Class, Code, Fault};

use crate::messages::{Finished, Job};

/// Outputs of a job by name, in bytes, as they really arrived.
pub type Outputs = BTreeMap<String, u64>;

/// Longest component of an output's name.
pub const NAME_BYTES_MAX: usize = 64;
/// Times beyond this (292 years) would not survive being added in signed 64 bits.
const TIME_NS_MAX: u64 = i64::MAX as u64;

/// Checks the form of an output's name: one or two components of `[a-z0-9_.-]`, none empty, none beginning with
/// a dot, so that it can neither leave its folder nor hide in it.
pub fn output_name(name: &str) -> Result<(), Fault> {
    let is_plain = |part: &str| {
        let letters = part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-'));
        !part.is_empty() && part.len() <= NAME_BYTES_MAX && !part.starts_with('.') && letters
    };
    if name.split('/').count() <= 2 && name.split('/').all(is_plain) {
        return Ok(());
    }
    Err(untrue("an output name of one or two plain components", "another form"))
}

/// Checks that a job may write an output of this name.
pub fn may_write(job: &Job, name: &str) -> Result<(), Fault> {
    output_name(name)?;
    let is_expected = match job {
        Job::Inspect(_) => false,
        Job::Video(job) => encoding::may_write_video(job, name),
        Job::Audio(_) => encoding::may_write_audio(name),
        Job::Enrich(job) => enrichment::may_write(job, name),
    };
    if is_expected { Ok(()) } else { Err(untrue("an output that belongs to the job", "another name")) }
}

/// Checks a result against the job and the outputs that arrived.
pub fn check(job: &Job, finished: &Finished, outputs: &Outputs) -> Result<(), Fault> {
    match (job, finished) {
        (Job::Inspect(job), Finished::Inspected(found)) => inspection::check(job, found),
        (Job::Video(job), Finished::Video(result)) => encoding::check_video(job, result, outputs),
        (Job::Audio(job), Finished::Audio(result)) => encoding::check_audio(job, result, outputs),
        (Job::Enrich(job), Finished::Enriched(result)) => enrichment::check(job, result, outputs),
        _ => Err(untrue("a result of the job's kind", "another kind")),
    }
}

/// Checks a worker's own fault: only codes that a worker can know of, and no text that could carry more than
/// numbers and names. `is_working` says whether it had the job already.
pub fn fault(fault: Fault, is_working: bool) -> Result<Fault, Fault> {
    let is_known = match fault.code {
        Code::PluginMissing | Code::Internal => true,
        Code::WorkerUnavailable => !is_working,
        Code::ConfigInvalid | Code::CountMismatch => is_working,
        // Nothing of these is a worker's to say: it sees neither checksums nor its own death.
        Code::ChecksumMismatch | Code::ChecksumUnreadable | Code::DecoderCrashed => false,
        code => is_working && code.class() == Class::BadMedia,
    };
    if !is_known {
        return Err(untrue("a fault that a worker can know of", fault.code.as_str()));
    }
    let detail = fault.detail.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' });
    Ok(Fault::new(fault.code, detail.collect::<String>()))
}

/// A short word of visible ASCII or nothing, such as a codec or a language.
pub fn word(what: &str, text: &str, bytes_max: usize) -> Result<(), Fault> {
    let is_word = text.len() <= bytes_max && text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    ensure(is_word, || format!("{what} of at most {bytes_max} visible ASCII characters"))
}

/// Text from the media: any characters, bounded length.
fn text(what: &str, text: &str, bytes_max: usize) -> Result<(), Fault> {
    at_most(&format!("bytes of a {what}"), text.len() as u64, bytes_max as u64)
}

fn at_most(what: &str, found: u64, max: u64) -> Result<(), Fault> {
    if found <= max { Ok(()) } else { Err(untrue(&format!("{what} up to {max}"), &found.to_string())) }
}

fn ensure(holds: bool, expected: impl FnOnce() -> String) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(untrue(&expected(), "something else")) }
}

fn untrue(expected: &str, found: &str) -> Fault {
    Fault::new(Code::WorkerProtocol, format!("expected {expected}, found {found}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_of_one_or_two_components_are_output_names() {
        for name in ["poster.jpg", "720p/init.mp4", "audio/00003.m4s", "a_b-c.0"] {
            assert_eq!(output_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn names_that_could_leave_or_hide_are_refused() {
        let long = "a".repeat(NAME_BYTES_MAX + 1);
        let names = [
            "", "/", "/etc", "..", "../a", "a/..", "a/../b", "a//b", "a/", "./a", ".hidden", "a/b/c",
            "A.jpg", "a b", "a\0", "a\\b", "ä", "a\nb", &long,
        ];
        for name in names {
            assert_eq!(output_name(name).unwrap_err().code, Code::WorkerProtocol, "{name:?}");
        }
    }

    #[test]
    fn a_worker_cannot_blame_what_it_does_not_see() {
        for code in Code::ALL {
            let said = fault(Fault::new(*code, ""), true);
            let expected = match code.class() {
                Class::BadMedia => {
                    !matches!(code, Code::ChecksumMismatch | Code::ChecksumUnreadable | Code::DecoderCrashed)
                }
                _ => matches!(
                    code,
                    Code::PluginMissing | Code::Internal | Code::ConfigInvalid | Code::CountMismatch
                ),
            };
            assert_eq!(said.is_ok(), expected, "{}", code.as_str());
        }
    }

    #[test]
    fn before_it_has_the_job_a_worker_can_only_say_that_it_is_not_able() {
        assert!(fault(Fault::new(Code::WorkerUnavailable, ""), false).is_ok());
        assert!(fault(Fault::new(Code::NotMedia, ""), false).is_err());
    }

    #[test]
    fn a_faults_detail_is_cut_and_stripped_of_control_characters() {
        let said =
            Fault { code: Code::Internal, detail: "a\x1b[31m\n\u{202e}b".to_owned() + &"x".repeat(9_999) };
        let kept = fault(said, true).unwrap();
        assert!(kept.detail.starts_with("a?[31m??b"), "{}", &kept.detail[..20]);
        assert_eq!(kept.detail.len(), Fault::DETAIL_BYTES_MAX);
    }
}
