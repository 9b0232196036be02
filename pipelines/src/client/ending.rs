//! Turns the end of a worker that sent no final reply into a fault.

use std::os::unix::process::ExitStatusExt;

use reelgate_flow::reason::{Code, Fault};

use super::conversation::Stage;
use super::process::ProcessExit;
use crate::exit;
use crate::jail;
use crate::messages::Budget;

/// What GLib and Rust print before they abort because memory ran out.
const OUT_OF_MEMORY: [&[u8]; 2] = [b"failed to allocate ", b"memory allocation of "];

/// The fault of a worker that closed its pipe without a result.
pub fn classify(ended: &ProcessExit, stage: Stage, budget: &Budget) -> Fault {
    if ended.was_killed {
        let detail = "the worker closed its pipe without a result and did not end";
        return Fault::new(Code::WorkerProtocol, detail);
    }
    if let Some(signal) = ended.status.signal() {
        return killed_by(signal, ended, budget);
    }
    match (ended.status.code(), stage) {
        (Some(exit::JAIL_VIOLATION), _) => violation(&ended.stderr),
        // The worker has read nothing untrusted, so the installation is at fault and not the upload.
        (Some(code), Stage::Greeting | Stage::Jailing) => Fault::new(
            Code::WorkerUnavailable,
            format!("the worker ended with status {code} before its jail closed"),
        ),
        (code, Stage::Working) => {
            let code = code.unwrap_or(-1);
            Fault::new(
                Code::WorkerProtocol,
                format!("the worker ended with status {code} and without a result"),
            )
        }
        (None, _) => Fault::new(Code::WorkerUnavailable, "the worker ended without a status"),
    }
}

fn killed_by(signal: i32, ended: &ProcessExit, budget: &Budget) -> Fault {
    let cpu_s = ended.cpu_s;
    let is_cpu_spent = cpu_s >= budget.cpu_s as f64;
    match signal {
        libc::SIGXCPU => budget_cpu(cpu_s, budget),
        libc::SIGKILL if ended.is_out_of_memory => {
            let detail = format!("the control group of the worker used up its {} bytes", budget.memory_bytes);
            Fault::new(Code::BudgetMemory, detail)
        }
        libc::SIGKILL if is_cpu_spent => budget_cpu(cpu_s, budget),
        libc::SIGKILL => Fault::new(
            Code::WorkerLost,
            "the worker was killed from outside, by an operator or because memory ran out",
        ),
        libc::SIGSYS => violation(&ended.stderr),
        libc::SIGABRT | libc::SIGTRAP if is_out_of_memory(&ended.stderr) => {
            Fault::new(Code::BudgetMemory, "an allocation failed below the limit on private memory")
        }
        signal => Fault::new(Code::DecoderCrashed, format!("the worker died of signal {signal}")),
    }
}

fn budget_cpu(found_s: f64, budget: &Budget) -> Fault {
    Fault::new(Code::BudgetCpu, format!("{found_s:.1} CPU seconds used, at most {} allowed", budget.cpu_s))
}

fn violation(stderr: &[u8]) -> Fault {
    let detail = match jail::refused_call(stderr) {
        Some(number) => format!("system call {number} on {}", std::env::consts::ARCH),
        None => "a system call whose number was not reported".to_owned(),
    };
    Fault::new(Code::JailViolation, detail)
}

fn is_out_of_memory(stderr: &[u8]) -> bool {
    OUT_OF_MEMORY.iter().any(|words| stderr.windows(words.len()).any(|window| window == *words))
}

#[cfg(test)]
mod tests {
    use std::process::ExitStatus;

    use super::*;

    fn fault(raw_status: i32, cpu_s: f64, stderr: &str, stage: Stage) -> String {
        let ended = ProcessExit {
            status: ExitStatus::from_raw(raw_status),
            was_killed: false,
            is_out_of_memory: false,
            cpu_s,
            stderr: stderr.as_bytes().to_vec(),
        };
        let budget = Budget { wall_s: 9, stall_s: 9, cpu_s: 5, memory_bytes: 9, output_bytes: 9 };
        classify(&ended, stage, &budget).to_string()
    }

    #[test]
    fn each_exit_status_and_signal_has_its_code() {
        let exited = |code: i32| code << 8;
        let cases = [
            (libc::SIGSEGV, 1.0, "", "decoder_crashed: the worker died of signal 11"),
            (libc::SIGABRT, 1.0, "free(): invalid", "decoder_crashed: the worker died of signal 6"),
            (
                libc::SIGTRAP,
                1.0,
                "GLib-ERROR: gmem.c:106: failed to allocate 99 bytes",
                "budget_memory: an allocation failed below the limit on private memory",
            ),
            (libc::SIGXCPU, 5.1, "", "budget_cpu: 5.1 CPU seconds used, at most 5 allowed"),
            (libc::SIGKILL, 7.0, "", "budget_cpu: 7.0 CPU seconds used, at most 5 allowed"),
            (
                libc::SIGKILL,
                1.0,
                "",
                "worker_lost: the worker was killed from outside, by an operator or because memory ran out",
            ),
            (libc::SIGSYS, 1.0, "", "jail_violation: a system call whose number was not reported"),
            (exited(0), 1.0, "", "worker_protocol: the worker ended with status 0 and without a result"),
        ];
        for (status, cpu_s, stderr, expected) in cases {
            assert_eq!(fault(status, cpu_s, stderr, Stage::Working), expected);
        }
    }

    #[test]
    fn a_worker_that_the_kernel_ends_for_memory_has_used_up_its_budget() {
        let ended = ProcessExit {
            status: ExitStatus::from_raw(libc::SIGKILL),
            was_killed: false,
            is_out_of_memory: true,
            cpu_s: 1.0,
            stderr: Vec::new(),
        };
        let budget = Budget { wall_s: 9, stall_s: 9, cpu_s: 5, memory_bytes: 64, output_bytes: 9 };
        let expected = "budget_memory: the control group of the worker used up its 64 bytes";
        assert_eq!(classify(&ended, Stage::Working, &budget).to_string(), expected);
    }

    #[test]
    fn a_refused_call_is_named_by_its_number() {
        let stderr = "noise\nreelgate-jail: system call 41 refused\n";
        let expected = format!("jail_violation: system call 41 on {}", std::env::consts::ARCH);
        assert_eq!(fault(exit::JAIL_VIOLATION << 8, 0.1, stderr, Stage::Working), expected);
    }

    #[test]
    fn an_exit_before_the_jail_closed_is_the_installations_fault() {
        let expected = "worker_unavailable: the worker ended with status 127 before its jail closed";
        assert_eq!(fault(127 << 8, 0.1, "", Stage::Greeting), expected);
    }
}
