//! Stops this node from claiming tasks while a service that they need is away, so that an outage costs each task a few starts
//! and not thousands, and the service is not called in a loop when it comes back.
//!
//! A service is away after several attempts in a row have failed because of it. Then the node claims one task a lane at a time,
//! with growing pauses; work goes on when one of them succeeds. Nothing but such a task proves that a disk has room for
//! outputs or that a bucket takes them. The faults do not use up attempts ([`Code::is_waited_out`]).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::TaskKey;
use reelgate_ports::records::{Ending, Success};
use tokio::time::Instant;

/// Failures in a row after which a service is away.
pub const FAILURES_MAX: u32 = 3;
/// First pause between two trials; doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// Longest pause: quarantines wait no longer for a service that has come back.
const PAUSE_MAX: Duration = Duration::from_secs(15);

/// What tasks need besides this node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Service {
    /// Buckets or directories.
    Objects,
    /// Room for outputs.
    Disk,
    /// The database, as tasks use it. Claims and reports wait for it by themselves.
    Store,
    /// The external scanner. Most tasks do not need it, so claims go on.
    ExternalScanner,
}

impl Service {
    pub const ALL: [Self; 4] = [Self::Objects, Self::Disk, Self::Store, Self::ExternalScanner];

    /// The word used in `/readyz`, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Objects => "objects",
            Self::Disk => "disk",
            Self::Store => "store",
            Self::ExternalScanner => "external_scanner",
        }
    }

    fn behind(code: Code) -> Option<Self> {
        match code {
            Code::ObjectUnavailable => Some(Self::Objects),
            Code::QuotaDisk => Some(Self::Disk),
            Code::StoreUnavailable => Some(Self::Store),
            Code::ScannerUnavailable => Some(Self::ExternalScanner),
            _ => None,
        }
    }

    /// Whether the success of a task shows that the service is there. One that waits for a scanner shows nothing.
    fn is_shown_by(self, task: TaskKey) -> bool {
        let asks_scanner = matches!(task, TaskKey::Screen | TaskKey::ExternalScan);
        match self {
            Self::Store => true,
            Self::Objects => !asks_scanner,
            // The others write no output.
            Self::Disk => !asks_scanner && task != TaskKey::Validate,
            Self::ExternalScanner => asks_scanner,
        }
    }

    fn stops_claims(self) -> bool {
        self != Self::ExternalScanner
    }
}

/// What an attempt changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// The service is away; the code of the last failure.
    Away(Service, Code),
    /// The service is there again, after this time.
    Back(Service, Duration),
}

/// Failures of one service in a row.
#[derive(Debug)]
struct Failing {
    since: Instant,
    failures: u32,
    /// The last one.
    fault: Fault,
    pause: Duration,
    /// When the next trial may begin; `None` until the service is away.
    try_at: Option<Instant>,
    trial_began: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Breaker {
    failing: Mutex<BTreeMap<Service, Failing>>,
}

impl Breaker {
    /// Counts an attempt that ended.
    pub fn ended(&self, task: TaskKey, ending: &Ending) -> Vec<Change> {
        match ending {
            Ending::Success(Success::Waiting { .. }) | Ending::GivenBack => Vec::new(),
            Ending::Success(_) => self.succeeded(task),
            Ending::Fault(fault) => self.failed(fault).into_iter().collect(),
        }
    }

    fn failed(&self, fault: &Fault) -> Option<Change> {
        let service = Service::behind(fault.code)?;
        let now = Instant::now();
        let mut failing = self.lock();
        let new = || Failing {
            since: now,
            failures: 0,
            fault: fault.clone(),
            pause: PAUSE_MIN,
            try_at: None,
            trial_began: false,
        };
        let this = failing.entry(service).or_insert_with(new);
        this.failures = this.failures.saturating_add(1);
        this.fault = fault.clone();
        if this.try_at.is_none() {
            if this.failures < FAILURES_MAX {
                return None;
            }
            this.try_at = Some(now + this.pause);
            return Some(Change::Away(service, fault.code));
        }
        // Tasks that had begun before the outage do not lengthen the pause.
        if std::mem::take(&mut this.trial_began) {
            this.pause = (this.pause * 2).min(PAUSE_MAX);
            this.try_at = Some(now + this.pause);
        }
        None
    }

    fn succeeded(&self, task: TaskKey) -> Vec<Change> {
        let mut failing = self.lock();
        let mut changes = Vec::new();
        failing.retain(|service, this| {
            let back = service.is_shown_by(task);
            if back && this.try_at.is_some() {
                changes.push(Change::Back(*service, this.since.elapsed()));
            }
            !back
        });
        changes
    }

    /// How many tasks of a lane may be claimed now; `None` for any number.
    pub fn claims_max(&self) -> Option<u16> {
        let now = Instant::now();
        let failing = self.lock();
        let away = failing.iter().filter(|(service, _)| service.stops_claims());
        let mut trials = away.filter_map(|(_, this)| this.try_at).peekable();
        trials.peek()?;
        Some(u16::from(trials.all(|at| at <= now)))
    }

    /// Tasks were claimed: if a service is away, they are the trial, and the next one is not before the pause has passed.
    pub fn claimed(&self) {
        let now = Instant::now();
        for this in self.lock().values_mut().filter(|this| this.try_at.is_some_and(|at| at <= now)) {
            this.trial_began = true;
            this.try_at = Some(now + this.pause);
        }
    }

    /// The services that are away and stop claims, and what follows, as one line; `None` if there are none.
    pub fn reason(&self) -> Option<String> {
        let failing = self.lock();
        let away = failing.iter().filter(|(service, this)| service.stops_claims() && this.try_at.is_some());
        let line = |(service, this): (&Service, &Failing)| {
            format!(
                "{}: expected it to answer tasks, found {} failures in a row for {} s ({}); the node tries one task at a time and \
                 goes on by itself",
                service.as_str(),
                this.failures,
                this.since.elapsed().as_secs(),
                this.fault,
            )
        };
        let lines: Vec<String> = away.map(line).collect();
        (!lines.is_empty()).then(|| lines.join("; "))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Service, Failing>> {
        // Every change leaves complete values behind.
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: Code) -> Ending {
        Ending::Fault(Fault::new(code, "write: no room"))
    }

    fn published() -> Ending {
        Ending::Success(Success::Published { location: String::new() })
    }

    fn broken(code: Code) -> Breaker {
        let breaker = Breaker::default();
        for number in 1..FAILURES_MAX {
            assert_eq!(breaker.ended(TaskKey::Audio, &fault(code)), [], "failure {number}");
            assert_eq!(breaker.claims_max(), None);
        }
        let changes = breaker.ended(TaskKey::Audio, &fault(code));
        assert!(matches!(changes[..], [Change::Away(_, found)] if found == code), "{changes:?}");
        breaker
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_is_away_is_tried_with_growing_pauses_until_it_answers() {
        let breaker = broken(Code::ObjectUnavailable);
        let mut pauses = Vec::new();
        for _ in 0..6 {
            let begun = Instant::now();
            while breaker.claims_max() == Some(0) {
                tokio::time::advance(Duration::from_millis(100)).await;
            }
            pauses.push(begun.elapsed().as_secs());
            assert_eq!(breaker.claims_max(), Some(1));
            breaker.claimed();
            assert_eq!(breaker.claims_max(), Some(0), "one trial at a time");
            assert_eq!(breaker.ended(TaskKey::Withdraw, &fault(Code::ObjectUnavailable)), []);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 15, 15]);
        let reason = breaker.reason().unwrap();
        assert!(reason.starts_with("objects: "), "{reason}");
        assert!(reason.contains("(object_unavailable: write: no room)"), "{reason}");
        let changes = breaker.ended(TaskKey::Withdraw, &published());
        assert!(matches!(changes[..], [Change::Back(Service::Objects, _)]), "{changes:?}");
        assert_eq!((breaker.claims_max(), breaker.reason()), (None, None));
    }

    #[tokio::test(start_paused = true)]
    async fn tasks_that_had_begun_before_the_outage_lengthen_no_pause() {
        let breaker = broken(Code::ObjectUnavailable);
        for _ in 0..50 {
            assert_eq!(breaker.ended(TaskKey::Audio, &fault(Code::ObjectUnavailable)), []);
        }
        tokio::time::advance(PAUSE_MIN).await;
        assert_eq!(breaker.claims_max(), Some(1));
    }

    #[test]
    fn a_full_disk_is_not_taken_for_free_because_an_upload_could_be_read() {
        let breaker = broken(Code::QuotaDisk);
        assert_eq!(breaker.ended(TaskKey::Validate, &published()), []);
        assert_eq!(breaker.claims_max(), Some(0));
        assert_eq!(breaker.ended(TaskKey::Audio, &published()).len(), 1);
        assert_eq!(breaker.claims_max(), None);
    }

    #[test]
    fn faults_of_files_and_of_this_node_stop_nothing() {
        let breaker = Breaker::default();
        for code in Code::ALL.iter().filter(|code| !code.is_waited_out()) {
            for _ in 0..FAILURES_MAX * 2 {
                assert_eq!(breaker.ended(TaskKey::Validate, &fault(*code)), [], "{}", code.as_str());
            }
        }
        assert_eq!((breaker.claims_max(), breaker.reason()), (None, None));
    }

    #[test]
    fn every_code_that_is_waited_out_has_its_service() {
        for code in Code::ALL {
            assert_eq!(Service::behind(*code).is_some(), code.is_waited_out(), "{}", code.as_str());
        }
    }

    #[test]
    fn a_scanner_that_is_away_does_not_stop_other_work() {
        let breaker = broken(Code::ScannerUnavailable);
        assert_eq!((breaker.claims_max(), breaker.reason()), (None, None));
        assert_eq!(breaker.ended(TaskKey::Withdraw, &published()), [], "it says nothing about the scanner");
        let waits = Ending::Success(Success::Waiting { delay_ms: 1 });
        assert_eq!(breaker.ended(TaskKey::ExternalScan, &waits), []);
    }
}
