//! Charges of attempts: what a report says that its attempt used, and what an attempt without a report probably used.

use reelgate_cost::charge::{Charge, Method};
use reelgate_cost::resource::Resource;
use reelgate_ports::records::{LedgerRecord, NodeReport, TaskReport};

use super::steps::UnitOfWork;
use crate::session::LostLease;

impl UnitOfWork {
    /// Adds what an attempt used to the ledger. The report of an attempt that never was adds nothing.
    pub(super) fn charge(&mut self, report: &TaskReport, waste: bool) {
        let fence = &report.fence;
        let task = self.loaded.get(&fence.asset).and_then(|loaded| loaded.row.core.tasks.get(&fence.task));
        if task.is_none_or(|task| !(1..=task.attempts).contains(&fence.attempt)) {
            return;
        }
        let at_ms = self.now_ms;
        let (work, node_type) = (report.cost.work.as_ref(), &report.cost.node_type);
        self.ledger.extend(report.cost.charges.iter().map(|charge| LedgerRecord {
            asset: fence.asset.clone(),
            task: fence.task,
            attempt: fence.attempt,
            at_ms,
            node_type: node_type.clone(),
            charge: charge.clone(),
            part: work.map(|work| work.part.clone()).unwrap_or_default(),
            units: work.map_or(0, |work| work.amount(fence.task, charge.resource, node_type).units),
            waste,
        }));
    }

    /// Adds the time of a lost attempt to the ledger: its share of the node from its claim until now. Nobody is left who counted.
    pub(crate) fn charge_lost(&mut self, lost: &LostLease) {
        let (fence, at_ms) = (&lost.fence, self.now_ms);
        let wall_ms = at_ms.saturating_sub(lost.claimed_ms);
        let report = lost.node_report.as_ref();
        let node_type = report.and_then(|report| report.rate.as_ref()).map(|rate| rate.node_type.clone());
        self.ledger.push(LedgerRecord {
            asset: fence.asset.clone(),
            task: fence.task,
            attempt: fence.attempt,
            at_ms,
            node_type: node_type.unwrap_or_default(),
            charge: slot_time(report, lost, wall_ms),
            part: String::new(),
            units: 0,
            waste: true,
        });
    }
}

/// The time of a node's virtual CPUs that one of its slots had.
fn slot_time(report: Option<&NodeReport>, lost: &LostLease, wall_ms: u64) -> Charge {
    let Some((report, rate)) = report.and_then(|report| Some((report, report.rate.as_ref()?))) else {
        return Charge::free(Resource::NodeTime, wall_ms, Method::Estimated);
    };
    let lane = lost.fence.task.lane();
    let slots = report.capacity.iter().find(|(of, _)| *of == lane).map_or(1, |(_, slots)| (*slots).max(1));
    let cpu_ms = wall_ms.saturating_mul(u64::from(rate.vcpus)) / u64::from(slots);
    Charge::new(Resource::NodeTime, cpu_ms, &rate.price, Method::Estimated).unwrap_or_else(|error| {
        tracing::warn!(asset = %lost.fence.asset, task = %lost.fence.task, "lost attempt is not charged: {error}");
        Charge::free(Resource::NodeTime, cpu_ms, Method::Estimated)
    })
}
