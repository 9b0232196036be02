//! Which call of a port meets which fault, as a test plans it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use reelgate_ports::error::ErrorKind;
use tokio::sync::watch;

/// What one call meets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallFault {
    /// The call is not carried out and returns an error of this kind.
    Fail(ErrorKind),
    /// The call is carried out after this time.
    Delay(Duration),
    /// The call is carried out, but its caller gets `Unavailable`, as after a lost connection.
    LoseAnswer,
    /// The caller panics, and the call is not carried out.
    PanicBefore,
    /// The call is carried out, and then the caller panics.
    PanicAfter,
}

/// A plan of faults. Clones share one plan, so several ports can follow it and a test can change it while they work.
///
/// An operation is named by the method of the port: `complete`, `poll`, `publish`. [`Faulty`](crate::faulty::Faulty) also
/// counts `stage` by the stage of its task: `stage transcode`, `stage enrich`.
#[derive(Clone, Debug, Default)]
pub struct FaultPlan(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    frozen: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    /// Calls so far by operation.
    calls: BTreeMap<String, u64>,
    /// Faults that no call has met yet, by operation and number of the call.
    planned: BTreeMap<(String, u64), CallFault>,
    down: bool,
}

impl FaultPlan {
    /// Plans a fault for the `nth` call of an operation, counted from 1 and from the first call of this plan.
    ///
    /// # Panics
    /// If that call was made already, because the fault would never be met.
    pub fn at(&self, operation: &str, nth: u64, fault: CallFault) {
        let mut state = self.state();
        let made = state.calls.get(operation).copied().unwrap_or_default();
        assert!(nth > made, "call {nth} of {operation} was made already: {made} calls so far");
        state.planned.insert((operation.to_owned(), nth), fault);
    }

    /// Plans a fault for the next call of an operation.
    pub fn next(&self, operation: &str, fault: CallFault) {
        let nth = self.calls(operation) + 1;
        self.at(operation, nth, fault);
    }

    /// Lets every call fail as `Unavailable` until this is set to false.
    pub fn set_down(&self, down: bool) {
        self.state().down = down;
    }

    /// Lets every call wait until this is set to false.
    pub fn set_frozen(&self, frozen: bool) {
        self.0.frozen.send_replace(frozen);
    }

    /// How often an operation was called.
    pub fn calls(&self, operation: &str) -> u64 {
        self.state().calls.get(operation).copied().unwrap_or_default()
    }

    /// How often any operation was called. A call with two names counts twice.
    pub fn calls_in_all(&self) -> u64 {
        self.state().calls.values().sum()
    }

    /// Faults that no call has met yet: operation and number of the call. A test ends with none.
    pub fn unmet(&self) -> Vec<(String, u64)> {
        self.state().planned.keys().cloned().collect()
    }

    /// Returns when the plan is not frozen.
    pub(crate) async fn thawed(&self) {
        let mut frozen = self.0.frozen.subscribe();
        frozen.wait_for(|frozen| !*frozen).await.expect("the plan keeps the sender");
    }

    /// Counts a call under each of its names; returns the fault that it meets.
    pub(crate) fn count(&self, names: &[&str]) -> Option<CallFault> {
        let mut state = self.state();
        let mut met = None;
        for name in names {
            let calls = state.calls.entry((*name).to_owned()).or_default();
            *calls += 1;
            let call = ((*name).to_owned(), *calls);
            met = state.planned.remove(&call).or(met);
        }
        met.or(state.down.then_some(CallFault::Fail(ErrorKind::Unavailable)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }
}
