//! The watchdog: the time, the silence and the memory of one worker, and whether the job was cancelled.

use std::time::{Duration, Instant};

use reelgate_flow::reason::{Code, Fault};

use super::cancel_flag::CancelFlag;
use crate::messages::Budget;

/// How often the watchdog checks the budgets.
pub const TICK: Duration = Duration::from_millis(50);

/// Decides when a worker must be killed.
pub struct Watchdog {
    deadline: Instant,
    stall: Duration,
    last_reply: Instant,
    memory_bytes_max: u64,
    rss_max_bytes: u64,
    next_check: Instant,
}

impl Watchdog {
    /// Starts all clocks at `now`.
    pub fn new(budget: &Budget, now: Instant) -> Self {
        // Budgets are capped at a century, so that adding one to the clock cannot overflow.
        let after = |seconds: u64| Duration::from_secs(seconds.min(100 * 365 * 24 * 3600));
        Self {
            deadline: now + after(budget.wall_s),
            stall: after(budget.stall_s),
            last_reply: now,
            memory_bytes_max: budget.memory_bytes,
            rss_max_bytes: 0,
            next_check: now,
        }
    }

    /// Records that a reply has arrived and has been processed. Call it after processing, so that the engine's own time
    /// does not count as silence of the worker.
    pub fn reply_received(&mut self, now: Instant) {
        self.last_reply = now;
    }

    /// Highest resident size seen, bytes.
    pub fn rss_max_bytes(&self) -> u64 {
        self.rss_max_bytes
    }

    /// Fails with the reason to kill the worker. Cheap to call often: it checks at most once per [`TICK`].
    pub fn check(&mut self, now: Instant, pid: u32, cancel: &CancelFlag) -> Result<(), Fault> {
        if now < self.next_check {
            return Ok(());
        }
        self.next_check = now + TICK;
        self.record_peak_memory(pid);
        if cancel.is_cancelled() {
            return Err(Fault::new(Code::WorkerLost, "cancelled by the engine"));
        }
        self.judge(now)
    }

    /// Records the peak of resident memory, so that a spike between two checks counts too. `ru_maxrss` cannot be used:
    /// it starts at the size of the engine that forked.
    pub fn record_peak_memory(&mut self, pid: u32) {
        // If the line is missing, the worker has ended, and its pipe will report the end.
        let peak = std::fs::read_to_string(format!("/proc/{pid}/status")).ok();
        if let Some(bytes) = peak.as_deref().and_then(peak_bytes) {
            self.rss_max_bytes = self.rss_max_bytes.max(bytes);
        }
    }

    fn judge(&self, now: Instant) -> Result<(), Fault> {
        if self.rss_max_bytes > self.memory_bytes_max {
            let (found, max) = (self.rss_max_bytes, self.memory_bytes_max);
            return Err(Fault::new(
                Code::BudgetMemory,
                format!("{found} bytes resident, at most {max} allowed"),
            ));
        }
        if now >= self.deadline {
            return Err(Fault::new(Code::BudgetWall, "the job has used up its wall-clock time"));
        }
        let silent = now.saturating_duration_since(self.last_reply);
        if silent >= self.stall {
            let detail =
                format!("no reply for {} s, at most {} s allowed", silent.as_secs(), self.stall.as_secs());
            return Err(Fault::new(Code::BudgetWall, detail));
        }
        Ok(())
    }
}

/// `VmHWM` of a `/proc/PID/status`, in bytes (proc_pid_status(5)).
fn peak_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> Budget {
        Budget { wall_s: 60, stall_s: 10, cpu_s: 60, memory_bytes: 1 << 20, output_bytes: 1 }
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn silence_ends_a_job_and_any_reply_prolongs_it() {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(&budget(), start);
        watchdog.reply_received(after(start, 9));
        assert_eq!(watchdog.judge(after(start, 18)), Ok(()));
        let fault = watchdog.judge(after(start, 19)).unwrap_err();
        assert_eq!(fault.to_string(), "budget_wall: no reply for 10 s, at most 10 s allowed");
    }

    #[test]
    fn a_job_ends_at_its_deadline_even_if_the_worker_replies() {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(&budget(), start);
        watchdog.reply_received(after(start, 60));
        assert_eq!(watchdog.judge(after(start, 60)).unwrap_err().code, Code::BudgetWall);
    }

    #[test]
    fn a_cancelled_job_ends_at_the_next_check() {
        let (start, cancel) = (Instant::now(), CancelFlag::default());
        let mut watchdog = Watchdog::new(&Budget { memory_bytes: u64::MAX, ..budget() }, start);
        let own = std::process::id();
        assert_eq!(watchdog.check(start, own, &cancel), Ok(()));
        cancel.cancel();
        assert_eq!(watchdog.check(start + TICK, own, &cancel).unwrap_err().code, Code::WorkerLost);
    }

    #[test]
    fn memory_above_the_budget_ends_a_job_by_its_peak() {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(&budget(), start);
        let fault = watchdog.check(start, std::process::id(), &CancelFlag::default()).unwrap_err();
        assert_eq!(fault.code, Code::BudgetMemory, "this test itself is larger than 1 MiB");
    }

    #[test]
    fn the_peak_is_parsed_into_bytes() {
        assert_eq!(peak_bytes("VmPeak:\t 99 kB\nVmHWM:\t    1234 kB\n"), Some(1234 * 1024));
        assert_eq!(peak_bytes("Name:\tdead\n"), None);
        assert_eq!(peak_bytes("VmHWM:\t99999999999999999999 kB\n"), None);
    }
}
