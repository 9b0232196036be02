//! The kernel's account of one worker's memory, read from `/proc/PID/status` (proc_pid_status(5)).
//!
//! The file is opened once, before the worker closes its jail. A jailed worker cannot be traced, so a `/proc` that is
//! mounted with `hidepid` (systemd's `ProtectProc=`) hides it even from its own user; but an open file stays readable.

use std::fs::File;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::Path;

use reelgate_flow::reason::{Code, Fault};

/// Kernel memory of one thread that no line of the file counts: its stack of 16 KiB and its descriptions.
const THREAD_BYTES: u64 = 32 << 10;
/// The file has about 1.5 KB, and more if the user is in many groups.
const STATUS_BYTES_MAX: usize = 64 << 10;

/// The open file of one process.
pub struct MemoryStatus {
    file: File,
    buffer: Vec<u8>,
}

/// The memory of a process at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryUse {
    /// Highest resident size so far, bytes.
    pub resident_max_bytes: u64,
    /// What counts against the budget, bytes: resident and swapped memory, and the kernel's memory for page tables and
    /// threads.
    pub charged_bytes: u64,
}

impl MemoryStatus {
    /// Opens the file of a running process.
    ///
    /// # Errors
    /// `worker_unavailable` if it cannot be read: without it nobody would notice that a worker exceeds its memory.
    pub fn open(pid: u32) -> Result<Self, Fault> {
        Self::open_below(Path::new("/proc"), pid)
    }

    fn open_below(proc: &Path, pid: u32) -> Result<Self, Fault> {
        let file =
            File::open(proc.join(pid.to_string()).join("status")).map_err(|error| unreadable(&error))?;
        Ok(Self { file, buffer: vec![0; STATUS_BYTES_MAX] })
    }

    /// The memory of the process now; `None` if it has ended. A process keeps these lines until it gives up its memory.
    pub fn read(&mut self) -> Result<Option<MemoryUse>, Fault> {
        let mut filled = 0;
        loop {
            match self.file.read_at(&mut self.buffer[filled..], filled as u64) {
                Ok(0) if filled == STATUS_BYTES_MAX => {
                    return Err(unreadable(&ErrorKind::FileTooLarge.into()));
                }
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(&error)),
            }
        }
        Ok(parse(&String::from_utf8_lossy(&self.buffer[..filled])))
    }
}

fn parse(status: &str) -> Option<MemoryUse> {
    let value = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
    let bytes =
        |name: &str| value(name)?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024);
    let peak = bytes("VmHWM:")?;
    let held = bytes("VmRSS:").unwrap_or(0).saturating_add(bytes("VmSwap:").unwrap_or(0));
    let threads = value("Threads:")?.trim().parse::<u64>().ok()?;
    let kernel = bytes("VmPTE:").unwrap_or(0).saturating_add(threads.saturating_mul(THREAD_BYTES));
    Some(MemoryUse { resident_max_bytes: peak, charged_bytes: peak.max(held).saturating_add(kernel) })
}

fn unreadable(error: &Error) -> Fault {
    let advice = "mount /proc where the service runs; if it is mounted, without `hidepid` (systemd: `ProtectProc=default`)";
    let detail = format!("expected to read a worker's memory in /proc/PID/status, found: {error}; {advice}");
    Fault::new(Code::WorkerUnavailable, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_and_swapped_memory_page_tables_and_threads_are_charged() {
        let status = "VmPeak:\t 99 kB\nVmHWM:\t    1000 kB\nVmRSS:\t     900 kB\nVmPTE:\t 40 kB\nVmSwap:\t 300 kB\nThreads:\t2\n";
        let charged_bytes = (1200 + 40 + 2 * 32) * 1024;
        assert_eq!(parse(status), Some(MemoryUse { resident_max_bytes: 1000 * 1024, charged_bytes }));
        let without_swap = status.replace("300 kB", "0 kB");
        assert_eq!(parse(&without_swap).unwrap().charged_bytes, (1000 + 40 + 2 * 32) * 1024);
    }

    #[test]
    fn a_process_without_memory_has_ended() {
        assert_eq!(parse("Name:\tdead\nState:\tZ (zombie)\nThreads:\t1\n"), None);
        assert_eq!(parse("VmHWM:\t99999999999999999999 kB\nThreads:\t1\n"), None);
    }

    #[test]
    fn the_kernel_writes_these_lines() {
        let own = MemoryStatus::open(std::process::id()).unwrap().read().unwrap().unwrap();
        assert!(own.resident_max_bytes > 0 && own.charged_bytes > own.resident_max_bytes, "{own:?}");
    }

    #[test]
    fn a_hidden_process_is_a_refusal_that_says_what_to_do() {
        let hidden = Path::new(env!("CARGO_MANIFEST_DIR")).join("no-such-proc");
        let fault = MemoryStatus::open_below(&hidden, 1).map(drop).unwrap_err();
        assert_eq!(fault.code, Code::WorkerUnavailable);
        assert!(fault.detail.contains("No such file") && fault.detail.contains("ProtectProc"), "{fault}");
    }
}
