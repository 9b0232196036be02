//! Faults that a worker reports.

use reelgate_flow::reason::{Class, Code, Fault};

use super::range_checks::{ensure, untrue};

/// Checks a fault that a worker reports. Only codes that a worker can know of pass. In the text, every character that
/// is not visible ASCII or a space becomes `?`. `is_working` says whether the worker already had its job.
pub fn fault(fault: Fault, is_working: bool) -> Result<Fault, Fault> {
    let is_known = match fault.code {
        Code::PluginMissing | Code::Internal => true,
        Code::WorkerUnavailable => !is_working,
        Code::ConfigInvalid | Code::CountMismatch => is_working,
        // A worker sees neither checksums nor its own crash.
        Code::ChecksumMismatch | Code::ChecksumUnreadable | Code::BadMetadata | Code::DecoderCrashed => false,
        code => is_working && code.class() == Class::BadMedia,
    };
    if !is_known {
        return Err(untrue("a fault that a worker can know of", fault.code.as_str()));
    }
    let detail = fault.detail.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' });
    Ok(Fault::new(fault.code, detail.collect::<String>()))
}

/// Whether a fault may be that of one track, beside which the rest of the job goes on. The output budget is the whole
/// job's.
pub fn concerns_one_track(code: Code) -> bool {
    code.class() == Class::BadMedia && code != Code::BudgetOutput
}

/// Checks a fault of one track within a result. It must have the form that [`fault`] gives it.
pub(super) fn media_fault(found: &Fault) -> Result<(), Fault> {
    let is_plain = fault(found.clone(), true)? == *found;
    ensure(is_plain && concerns_one_track(found.code), || "a plain fault of one track".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_cannot_report_faults_it_cannot_know_of() {
        for code in Code::ALL {
            let checked = fault(Fault::new(*code, ""), true);
            let expected = match code.class() {
                Class::BadMedia => !matches!(
                    code,
                    Code::ChecksumMismatch
                        | Code::ChecksumUnreadable
                        | Code::BadMetadata
                        | Code::DecoderCrashed
                ),
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
    fn only_plain_faults_of_media_can_be_those_of_a_track() {
        assert_eq!(media_fault(&Fault::new(Code::TimestampsBroken, "jumps by 2 h")), Ok(()));
        for (code, detail) in [
            (Code::TimestampsBroken, "a\nb"),
            (Code::Internal, ""),
            (Code::BudgetOutput, ""),
            (Code::DecoderCrashed, ""),
        ] {
            let found = Fault { code, detail: detail.to_owned() };
            assert!(media_fault(&found).is_err(), "{}", code.as_str());
        }
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
