//! How many seconds of work are left: the signal by which machines are added and removed.

use std::collections::BTreeMap;

use reelgate_flow::task::Lane;
use reelgate_ports::machine::WorkLeft;
use reelgate_ports::records::{NodeRecord, QueueRow};

/// A node that has not reported for longer does not count as capacity, milliseconds.
const SILENT_MS_MAX: u64 = 60_000;
/// Assumed cost of a task before one of its stage was measured, milliseconds.
pub(super) const UNMEASURED_MS: f64 = 10_000.0;

/// Waiting and running tasks × measured mean cost of their stage ÷ tasks that the working nodes run at once. If no node
/// works, the capacity counts as one task at once, so that the signal rises and a machine is started.
pub fn work_left(queue: &[QueueRow], nodes: &[NodeRecord]) -> Vec<WorkLeft> {
    let costs = costs(nodes);
    let seconds = |lane: Lane| {
        let cost_ms = |row: &QueueRow| costs.get(row.stage.as_str()).copied().unwrap_or(UNMEASURED_MS);
        let in_lane = queue.iter().filter(|row| row.lane == lane);
        let work_ms: f64 = in_lane.map(|row| (row.waiting + row.leased) as f64 * cost_ms(row)).sum();
        // The sum of nothing is -0.0, which nobody wants to read.
        work_ms / 1_000.0 / capacity(nodes, lane) + 0.0
    };
    Lane::ALL.into_iter().map(|lane| WorkLeft { lane, seconds: seconds(lane) }).collect()
}

/// Mean cost of a task of each stage on all nodes, milliseconds.
pub(super) fn costs(nodes: &[NodeRecord]) -> BTreeMap<&str, f64> {
    let mut sums: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for cost in nodes.iter().flat_map(|node| &node.report.costs) {
        let sum = sums.entry(cost.stage.as_str()).or_default();
        sum.0 += cost.wall_ms as f64 * cost.tasks as f64;
        sum.1 += cost.tasks as f64;
    }
    let measured = sums.into_iter().filter(|(_, (_, tasks))| *tasks > 0.0);
    measured.map(|(stage, (ms, tasks))| (stage, ms / tasks)).collect()
}

fn capacity(nodes: &[NodeRecord], lane: Lane) -> f64 {
    let works = |node: &&NodeRecord| node.silent_ms <= SILENT_MS_MAX && node.report.state == "working";
    let of_lane = |node: &NodeRecord| {
        let found = node.report.capacity.iter().find(|(other, _)| *other == lane);
        found.map_or(0, |(_, tasks)| u32::from(*tasks))
    };
    f64::from(nodes.iter().filter(works).map(of_lane).sum::<u32>().max(1))
}

#[cfg(test)]
mod tests {
    use reelgate_conformance::samples::node_report;
    use reelgate_ports::order::Priority;
    use reelgate_ports::records::{NodeReport, StageCost};

    use super::*;

    fn row(waiting: u64) -> QueueRow {
        QueueRow {
            lane: Lane::Heavy,
            stage: "transcode".into(),
            priority: Priority::Normal,
            prefix: String::new(),
            waiting,
            leased: 0,
            oldest_ms: 0,
        }
    }

    fn node(heavy: u16, silent_ms: u64, state: &str) -> NodeRecord {
        let report = NodeReport {
            capacity: vec![(Lane::Heavy, heavy)],
            state: state.into(),
            costs: vec![StageCost { stage: "transcode".into(), tasks: 10, wall_ms: 20_000 }],
            rate: None,
            ..node_report("n")
        };
        NodeRecord { report, first_seen_ms: 0, silent_ms, drain_ordered: false }
    }

    fn heavy(queue: &[QueueRow], nodes: &[NodeRecord]) -> f64 {
        work_left(queue, nodes).iter().find(|left| left.lane == Lane::Heavy).unwrap().seconds
    }

    #[test]
    fn twice_the_nodes_halve_the_seconds_and_twice_the_backlog_doubles_them() {
        let one = [node(4, 0, "working")];
        let two = [node(4, 0, "working"), node(4, 0, "working")];
        assert_eq!(heavy(&[row(100)], &one), 500.0);
        assert_eq!(heavy(&[row(100)], &two), 250.0);
        assert_eq!(heavy(&[row(200)], &one), 1_000.0);
    }

    #[test]
    fn nodes_that_are_silent_or_take_no_work_do_not_count_as_capacity() {
        let nodes = [node(4, 0, "working"), node(4, 61_000, "working"), node(4, 0, "draining")];
        assert_eq!(heavy(&[row(100)], &nodes), 500.0);
    }

    #[test]
    fn with_no_node_the_signal_still_rises() {
        assert_eq!(heavy(&[row(3)], &[]), 30.0);
        assert_eq!(heavy(&[], &[]), 0.0);
    }
}
