//! Suspects a node whose tasks all fail by its own fault: one bad machine must not consume the queue.
//!
//! A suspicion only starts the self-test; the self-test decides. So a batch of uploads that crash every decoder costs a
//! healthy fleet an occasional self-test, and a machine with a broken codec stops taking work after a few tasks.

use std::collections::BTreeSet;

use reelgate_flow::ids::AssetId;
use reelgate_flow::reason::{Class, Code};
use reelgate_ports::records::Ending;

/// Tasks that failed in a row before the node is suspected.
pub const FAILURES_MAX: u32 = 6;
/// The failures must be of at least this many assets: one upload that always fails proves nothing about the machine.
pub const ASSETS_MIN: usize = 3;

/// Failures in a row.
#[derive(Debug, Default)]
pub struct NodeHealth {
    failures: u32,
    assets: BTreeSet<AssetId>,
}

impl NodeHealth {
    /// Counts an attempt that ended; returns true where the node must now run its self-test.
    pub fn ended(&mut self, asset: &AssetId, ending: &Ending) -> bool {
        match ending {
            Ending::Success(_) => *self = Self::default(),
            Ending::Fault(fault) if is_suspicious(fault.code) => {
                self.failures += 1;
                self.assets.insert(asset.clone());
            }
            Ending::Fault(_) | Ending::GivenBack => {}
        }
        let suspected = self.failures >= FAILURES_MAX && self.assets.len() >= ASSETS_MIN;
        if suspected {
            *self = Self::default();
        }
        suspected
    }
}

/// Whether this machine alone may be the cause. A service that is away affects every node.
/// Most decoder crashes are caused by the media, but a broken codec package looks the same.
fn is_suspicious(code: Code) -> bool {
    match code {
        Code::DecoderCrashed => true,
        // Waiting handles them, and the self-test would prove nothing.
        code if code.is_waited_out() => false,
        Code::AccessDenied
        | Code::StorageInconsistent
        | Code::EventsUnavailable
        | Code::NoticesUnavailable
        | Code::WorkerLost => false,
        other => matches!(other.class(), Class::Config | Class::Quota | Class::Infrastructure | Class::Bug),
    }
}

#[cfg(test)]
mod tests {
    use reelgate_flow::reason::Fault;
    use reelgate_ports::records::Success;

    use super::*;

    fn fault(code: Code) -> Ending {
        Ending::Fault(Fault::new(code, ""))
    }

    fn suspected(endings: impl IntoIterator<Item = (usize, Ending)>) -> bool {
        let mut node_health = NodeHealth::default();
        endings
            .into_iter()
            .any(|(asset, ending)| node_health.ended(&AssetId::new(asset.to_string()), &ending))
    }

    #[test]
    fn a_node_that_fails_everything_by_its_own_fault_is_suspected() {
        assert!(suspected((0..6).map(|n| (n, fault(Code::WorkerUnavailable)))));
        assert!(suspected((0..6).map(|n| (n, fault(Code::DecoderCrashed)))));
        assert!(!suspected((0..5).map(|n| (n, fault(Code::WorkerUnavailable)))));
    }

    #[test]
    fn bad_media_neither_adds_to_the_failures_nor_clears_them() {
        assert!(!suspected((0..50).map(|n| (n, fault(Code::Truncated)))));
        let mixed =
            (0..12).map(|n| (n, fault(if n % 2 == 0 { Code::Truncated } else { Code::WorkerUnavailable })));
        assert!(suspected(mixed));
    }

    #[test]
    fn one_upload_that_always_fails_does_not_make_the_node_suspected() {
        assert!(!suspected((0..50).map(|n| (n % 2, fault(Code::Internal)))));
    }

    #[test]
    fn a_success_clears_the_failures_before_it() {
        let done = || Ending::Success(Success::Published { location: String::new() });
        let endings = (0..30).map(|n| (n, if n % 5 == 4 { done() } else { fault(Code::Internal) }));
        assert!(!suspected(endings));
    }

    #[test]
    fn a_service_that_is_away_does_not_make_the_node_suspected() {
        for code in Code::ALL.iter().filter(|code| code.is_waited_out()) {
            assert!(!suspected((0..50).map(|n| (n, fault(*code)))), "{}", code.as_str());
        }
    }
}
