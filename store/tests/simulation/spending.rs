//! What attempts used, kept beside the store, and compared with its ledger once everything rests.

use std::collections::BTreeMap;

use reelgate_conformance::samples::node_report;
use reelgate_cost::charge::{Charge, Method};
use reelgate_cost::line::{Line, Owner, day_of};
use reelgate_cost::money::NanoUsd;
use reelgate_cost::node::NodeRate;
use reelgate_cost::prices::Price;
use reelgate_cost::resource::Resource;
use reelgate_cost::sums::{Dimension, Sums};
use reelgate_flow::task::TaskKey;
use reelgate_ports::records::{AttemptCost, HistoryEvent, HistoryRecord, LedgerRow, NodeReport};

/// Virtual CPUs of the node, and its slots: see [`node_report`].
const VCPUS: u64 = 4;

/// An attempt: row, task, number.
pub type Attempt = (usize, TaskKey, u32);

/// What each attempt reported, by resource.
#[derive(Default)]
pub struct Spending(BTreeMap<(Attempt, Resource), Charge>);

fn price() -> Price {
    Price { usd: NanoUsd::new(1_000_003), per: 997, date: "2026-08-01".into(), verified: true }
}

/// The node of every schedule.
pub fn node(name: &str) -> NodeReport {
    let vcpus = u32::try_from(VCPUS).unwrap_or_default();
    NodeReport {
        rate: Some(NodeRate { node_type: "node".into(), vcpus, price: price() }),
        ..node_report(name)
    }
}

/// What an attempt uses. Repeated reports of one attempt say the same.
pub fn cost((row, task, attempt): Attempt) -> AttemptCost {
    let time = 1 + row as u64 * 31 + u64::from(attempt) * 7 + u64::from(task.urgency());
    let used = [(Resource::NodeTime, time), (Resource::S3Put, u64::from(attempt))];
    let charge = |(resource, quantity)| Charge::new(resource, quantity, &price(), Method::Measured);
    AttemptCost {
        node_type: "node".into(),
        charges: used.into_iter().filter_map(|one| charge(one).ok()).collect(),
        work: None,
        asked: None,
    }
}

impl Spending {
    /// Keeps what a delivered report said.
    pub fn reported(&mut self, attempt: Attempt) {
        for charge in cost(attempt).charges {
            self.0.entry((attempt, charge.resource)).or_insert(charge);
        }
    }

    /// Adds the lost attempts of a row, which its history names: only they end without a duration.
    fn lost(&mut self, row: usize, history: &[HistoryRecord]) -> Result<(), String> {
        let is_lost = |line: &&HistoryRecord| {
            let ended = matches!(line.event, HistoryEvent::Retrying | HistoryEvent::GaveUp);
            ended && line.wall_ms.is_none() && line.detail.starts_with("worker_lost")
        };
        for line in history.iter().filter(is_lost) {
            let (Some(task), Some(attempt)) = (line.task, line.attempt) else { continue };
            let claimed = history.iter().find(|other| {
                other.event == HistoryEvent::Claimed
                    && (other.task, other.attempt) == (line.task, line.attempt)
            });
            let claimed = claimed.ok_or("a lost attempt was never claimed")?;
            let slots = match task.lane() {
                reelgate_flow::task::Lane::Light => 8,
                reelgate_flow::task::Lane::Heavy => 2,
            };
            let time = (line.at_ms - claimed.at_ms) * VCPUS / slots;
            let charge = Charge::new(Resource::NodeTime, time, &price(), Method::Estimated);
            let charge = charge.map_err(|error| error.to_string())?;
            // Its report may have been delivered later; the estimate was there first.
            self.0.insert(((row, task, attempt), Resource::NodeTime), charge);
        }
        Ok(())
    }

    /// Compares the ledger with all attempts: each is there once, and every sum is the sum of the attempts.
    pub fn compare(
        mut self,
        histories: &[Vec<HistoryRecord>],
        ledger: &[(usize, LedgerRow)],
    ) -> Result<u64, String> {
        for (row, history) in histories.iter().enumerate() {
            self.lost(row, history)?;
        }
        let mut left = self.0;
        let expected = NanoUsd::sum(left.values().map(|charge| charge.amount));
        let expected = expected.map_err(|error| error.to_string())?;
        let mut sums = Dimension::ALL.map(Sums::new);
        for (row, LedgerRow { record, key, .. }) in ledger {
            let attempt = (*row, record.task, record.attempt);
            match left.remove(&(attempt, record.charge.resource)) {
                Some(charge) if charge == record.charge => {}
                found => {
                    return Err(format!(
                        "C1: {attempt:?} used {found:?}, the ledger says {:?}",
                        record.charge
                    ));
                }
            }
            let line = Line {
                owner: Some(Owner {
                    asset: record.asset.as_str().to_owned(),
                    prefix: key.clone(),
                    profile: String::new(),
                    stage: record.task.stage().to_owned(),
                    part: record.task.text(),
                }),
                day: day_of(record.at_ms),
                node_type: record.node_type.clone(),
                charge: record.charge.clone(),
                waste: record.waste,
            };
            sums.iter_mut().try_for_each(|sums| sums.add(&line)).map_err(|error| error.to_string())?;
        }
        if let Some((attempt, _)) = left.first_key_value() {
            return Err(format!("C1: the ledger has no line for {attempt:?}"));
        }
        for sums in &sums {
            let groups =
                NanoUsd::sum(sums.groups().map(|(_, sum)| sum.total)).map_err(|error| error.to_string())?;
            if (groups, sums.total().total) != (expected, expected) {
                return Err(format!(
                    "C2: attempts cost {expected}, groups {groups}, total {}",
                    sums.total().total
                ));
            }
        }
        Ok(ledger.iter().filter(|(_, row)| row.record.charge.method == Method::Estimated).count() as u64)
    }
}
