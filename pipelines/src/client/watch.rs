//! The watchdog: the time, the silence and the memory of one worker, and whether the job was cancelled.

use std::time::{Duration, Instant};

use reelgate_flow::reason::{Code, Fault};

use super::cancel_flag::CancelFlag;
use super::memory_status::MemoryStatus;
use crate::messages::Budget;

/// How often the watchdog checks the budgets.
pub const TICK: Duration = Duration::from_millis(50);

/// Decides when a worker must be killed.
pub struct Watchdog {
    deadline: Instant,
    stall: Duration,
    last_reply: Instant,
    memory: MemoryStatus,
    memory_bytes_max: u64,
    rss_max_bytes: u64,
    charged_max_bytes: u64,
    next_check: Instant,
}

impl Watchdog {
    /// Starts all clocks at `now`. `memory` is that of the worker.
    pub fn new(budget: &Budget, memory: MemoryStatus, now: Instant) -> Self {
        // Budgets are capped at a century, so that adding one to the clock cannot overflow.
        let after = |seconds: u64| Duration::from_secs(seconds.min(100 * 365 * 24 * 3600));
        Self {
            deadline: now + after(budget.wall_s),
            stall: after(budget.stall_s),
            last_reply: now,
            memory,
            memory_bytes_max: budget.memory_bytes,
            rss_max_bytes: 0,
            charged_max_bytes: 0,
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
    pub fn check(&mut self, now: Instant, cancel: &CancelFlag) -> Result<(), Fault> {
        if now < self.next_check {
            return Ok(());
        }
        self.next_check = now + TICK;
        self.record_peak_memory()?;
        if cancel.is_cancelled() {
            return Err(Fault::new(Code::WorkerLost, "cancelled by the engine"));
        }
        self.judge(now)
    }

    /// Records the highest use of memory. The kernel keeps the peak of resident memory, so that a spike between two
    /// checks counts too. `ru_maxrss` cannot be used: it starts at the size of the engine that forked.
    pub fn record_peak_memory(&mut self) -> Result<(), Fault> {
        // A worker that has ended has no memory, and its pipe will report the end.
        if let Some(memory) = self.memory.read()? {
            self.rss_max_bytes = self.rss_max_bytes.max(memory.resident_max_bytes);
            self.charged_max_bytes = self.charged_max_bytes.max(memory.charged_bytes);
        }
        Ok(())
    }

    fn judge(&self, now: Instant) -> Result<(), Fault> {
        if self.charged_max_bytes > self.memory_bytes_max {
            let (found, max) = (self.charged_max_bytes, self.memory_bytes_max);
            return Err(Fault::new(
                Code::BudgetMemory,
                format!("{found} bytes of memory used, at most {max} allowed"),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> Budget {
        Budget { wall_s: 60, stall_s: 10, cpu_s: 60, memory_bytes: 1 << 20, output_bytes: 1 }
    }

    fn own_memory() -> MemoryStatus {
        MemoryStatus::of_this_process()
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn silence_ends_a_job_and_any_reply_prolongs_it() {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(&budget(), own_memory(), start);
        watchdog.reply_received(after(start, 9));
        assert_eq!(watchdog.judge(after(start, 18)), Ok(()));
        let fault = watchdog.judge(after(start, 19)).unwrap_err();
        assert_eq!(fault.to_string(), "budget_wall: no reply for 10 s, at most 10 s allowed");
    }

    #[test]
    fn a_job_ends_at_its_deadline_even_if_the_worker_replies() {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(&budget(), own_memory(), start);
        watchdog.reply_received(after(start, 60));
        assert_eq!(watchdog.judge(after(start, 60)).unwrap_err().code, Code::BudgetWall);
    }

    #[test]
    fn a_cancelled_job_ends_at_the_next_check() {
        let (start, cancel) = (Instant::now(), CancelFlag::default());
        let mut watchdog = Watchdog::new(&Budget { memory_bytes: u64::MAX, ..budget() }, own_memory(), start);
        assert_eq!(watchdog.check(start, &cancel), Ok(()));
        cancel.cancel();
        assert_eq!(watchdog.check(start + TICK, &cancel).unwrap_err().code, Code::WorkerLost);
    }

    #[test]
    fn memory_above_the_budget_ends_a_job_by_its_peak() {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(&budget(), own_memory(), start);
        let fault = watchdog.check(start, &CancelFlag::default()).unwrap_err();
        assert_eq!(fault.code, Code::BudgetMemory, "this test itself is larger than 1 MiB");
    }
}
