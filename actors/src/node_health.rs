//! Suspects a node whose tasks all fail by its own fault: one bad machine must not eat the queue.
//!
//! Suspicion only calls for the self-test; the test decides. So a batch of uploads that crash every decoder costs a
//! healthy fleet one self-test now and then, and a machine with a broken codec is out after a few tasks.

use std::collections::BTreeSet;

use reelgate_flow::ids::AssetId;
use reelgate_flow::reason::{Class, Code};
use reelgate_ports::records::Ending;

/// Tasks that failed in a row before the node is suspected.
pub const FAILURES_MAX: u32 = 6;
/// They must be of at least so many assets: one upload that always fails says nothing about the machine.
pub const ASSETS_MIN: usize = 3;

/// Failures in a row.
#[derive(Debug, Default)]
pub struct NodeHealth {
    failures: u32,
    assets: BTreeSet<AssetId>,
}

impl NodeHealth {
    /// Counts an attempt that ended; true where the node must now prove itself.
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

/// May come from this machine alone. Stores that do not answer are everybody's trouble and left to retries; a crashed
/// decoder is most often the media's, but a broken codec package looks just the same.
fn is_suspicious(code: Code) -> bool {
    match code {
        Code::DecoderCrashed => true,
        Code::ObjectUnavailable
        | Code::StoreUnavailable
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
    fn bad_media_neither_counts_nor_clears() {
        assert!(!suspected((0..50).map(|n| (n, fault(Code::Truncated)))));
        let mixed = (0..12).map(|n| (n, fault(if n % 2 == 0 { Code::Truncated } else { Code::QuotaDisk })));
        assert!(suspected(mixed));
    }

    #[test]
    fn one_upload_that_always_fails_says_nothing_about_the_machine() {
        assert!(!suspected((0..50).map(|n| (n % 2, fault(Code::Internal)))));
    }

    #[test]
    fn a_success_clears_what_came_before() {
        let done = || Ending::Success(Success::Published { location: String::new() });
        let endings = (0..30).map(|n| (n, if n % 5 == 4 { done() } else { fault(Code::Internal) }));
        assert!(!suspected(endings));
    }

    #[test]
    fn a_store_that_does_not_answer_is_everybodys_trouble() {
        assert!(!suspected((0..50).map(|n| (n, fault(Code::StoreUnavailable)))));
    }
}
