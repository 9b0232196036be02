//! The watchdog: time, silence and memory of one worker, and whether anybody still wants its result.

use std::time::{Duration, Instant};

use reelgate_flow::reason::{Code, Fault};

use super::cancel_flag::CancelFlag;
use crate::messages::Budget;

/// How often the watchdog checks the budgets.
pub const TICK: Duration = Duration::from_millis(50);

/// Knows when a worker must die.
pub struct Watchdog {
    deadline: Instant,
    stall: Duration,
    heard: Instant,
    memory_bytes_max: u64,
    rss_max_bytes: u64,
    next_look: Instant,
}

impl Watchdog {
    /// Starts the clocks.
    pub fn new(budget: &Budget, now: Instant) -> Self {
        // A century stands for "never" where a budget is beyond what the clock can add.
        let after = |seconds: u64| Duration::from_secs(seconds.min(100 * 365 * 24 * 3600));
        Self {
            deadline: now + after(budget.wall_s),
            stall: after(budget.stall_s),
            heard: now,
            memory_bytes_max: budget.memory_bytes,
            rss_max_bytes: 0,
            next_look: now,
        }
    }

    /// The worker said something and it has been dealt with; time the engine itself took does not count as silence.
    pub fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// Highest resident size seen, bytes.
    pub fn rss_max_bytes(&self) -> u64 {
        self.rss_max_bytes
    }

    /// Fails with the reason to kill the worker. Cheap to call often: looks at most once per tick.
    pub fn look(&mut self, now: Instant, pid: u32, cancel: &CancelFlag) -> Result<(), Fault> {
        if now < self.next_look {
            return Ok(());
        }
        self.next_look = now + TICK;
        self.see_memory(pid);
        if cancel.is_cancelled() {
            return Err(Fault::new(Code::WorkerLost, "cancelled by the engine"));
        }
        self.judge(now)
    }

    /// Reads the peak, so that a spike between two looks counts too. `ru_maxrss` would not do: it starts at the
    /// size of the engine that forked.
    pub fn see_memory(&mut self, pid: u32) {
        // Without the line the worker has ended, and its pipe is about to say so.
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
            return Err(Fault::new(Code::BudgetWall, "the time for the whole job is over"));
        }
        let silent = now.saturating_duration_since(self.heard);
        if silent >= self.stall {
            let detail =
                format!("no word for {} s, at most {} s allowed", silent.as_secs(), self.stall.as_secs());
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
    fn silence_ends_a_job_and_any_word_prolongs_it() {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(&budget(), start);
        watchdog.heard(after(start, 9));
        assert_eq!(watchdog.judge(after(start, 18)), Ok(()));
        let fault = watchdog.judge(after(start, 19)).unwrap_err();
        assert_eq!(fault.to_string(), "budget_wall: no word for 10 s, at most 10 s allowed");
    }

    #[test]
    fn the_whole_job_ends_at_its_deadline_however_busy() {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(&budget(), start);
        watchdog.heard(after(start, 60));
        assert_eq!(watchdog.judge(after(start, 60)).unwrap_err().code, Code::BudgetWall);
    }

    #[test]
    fn a_cancelled_job_ends_at_the_next_look() {
        let (start, cancel) = (Instant::now(), CancelFlag::default());
        let mut watchdog = Watchdog::new(&Budget { memory_bytes: u64::MAX, ..budget() }, start);
        let own = std::process::id();
        assert_eq!(watchdog.look(start, own, &cancel), Ok(()));
        cancel.cancel();
        assert_eq!(watchdog.look(start + TICK, own, &cancel).unwrap_err().code, Code::WorkerLost);
    }

    #[test]
    fn memory_above_the_budget_ends_a_job_by_its_peak() {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(&budget(), start);
        let fault = watchdog.look(start, std::process::id(), &CancelFlag::default()).unwrap_err();
        assert_eq!(fault.code, Code::BudgetMemory, "this test itself is larger than 1 MiB");
    }

    #[test]
    fn peaks_are_read_in_bytes() {
        assert_eq!(peak_bytes("VmPeak:\t 99 kB\nVmHWM:\t    1234 kB\n"), Some(1234 * 1024));
        assert_eq!(peak_bytes("Name:\tdead\n"), None);
        assert_eq!(peak_bytes("VmHWM:\t99999999999999999999 kB\n"), None);
    }
}
