//! What one node reports about the whole fleet. All of it comes from the store, so any node can say it, and one does.

use reelgate_flow::asset::Phase;
use reelgate_flow::ids::NodeId;
use reelgate_flow::task::Lane;
use reelgate_ports::machine::{FleetValue, WorkLeft};
use reelgate_ports::records::NodeRecord;
use reelgate_ports::store::Backlog;
use reelgate_signals::fleet::{FleetMetric, NODE_STATES};

use crate::availability::{STOPPED, state_of};

/// A node that has been silent for longer does not report about the fleet, milliseconds: another one does.
const SILENT_MS_MAX: u64 = 30_000;

/// Whether this node is the one that reports: the first by name with the role intake among those that live. Two may think so
/// for a moment, which changes no value: each would report the same.
pub fn reports(node: &NodeId, nodes: &[NodeRecord]) -> bool {
    let can = |one: &&NodeRecord| {
        one.silent_ms <= SILENT_MS_MAX
            && one.report.state != STOPPED
            && one.report.roles.iter().any(|role| role == "intake")
    };
    nodes.iter().filter(can).map(|one| &one.report.node).min() == Some(node)
}

/// The values of every metric of the fleet that is known.
pub fn values(left: &[WorkLeft], nodes: &[NodeRecord], backlog: Option<&Backlog>) -> Vec<FleetValue> {
    let value = |metric: FleetMetric, of: Option<&'static str>, value: f64| FleetValue {
        metric: metric.as_str(),
        dimension: metric.dimension().map(|(name, _)| name).zip(of),
        is_seconds: metric.is_seconds(),
        is_basic: metric.is_basic(of),
        value,
    };
    let mut values: Vec<FleetValue> = left
        .iter()
        .map(|one| value(FleetMetric::SecondsOfWorkLeftPerNode, Some(one.lane.as_str()), one.seconds))
        .collect();
    for state in NODE_STATES {
        let count = nodes.iter().filter(|node| state_of(node) == state).count();
        values.push(value(FleetMetric::Nodes, Some(state), count as f64));
    }
    let Some(backlog) = backlog else { return values };
    let lanes = [(FleetMetric::TasksReady, &backlog.ready), (FleetMetric::TasksLeased, &backlog.leased)];
    for (metric, counts) in lanes {
        for lane in Lane::ALL {
            values.push(value(metric, Some(lane.as_str()), count_of(counts, lane)));
        }
    }
    for phase in Phase::ALL {
        values.push(value(FleetMetric::Assets, Some(phase.as_str()), count_of(&backlog.assets, *phase)));
    }
    values.push(value(FleetMetric::NoticesOwed, None, backlog.outbox as f64));
    let oldest_ms = backlog.deliveries.iter().map(|owed| owed.oldest_ms).max().unwrap_or(0);
    values.push(value(FleetMetric::OldestNoticeSeconds, None, oldest_ms as f64 / 1_000.0));
    values
}

/// What was counted of a kind; what is not listed is zero.
fn count_of<K: PartialEq>(counts: &[(K, u64)], of: K) -> f64 {
    counts.iter().find(|(kind, _)| *kind == of).map_or(0.0, |(_, count)| *count as f64)
}

#[cfg(test)]
mod tests {
    use reelgate_conformance::samples::node_report;
    use reelgate_ports::records::NodeReport;
    use reelgate_signals::fleet;

    use super::*;

    fn node(name: &str, roles: &[&str], state: &str, silent_ms: u64) -> NodeRecord {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let report = NodeReport { roles, state: state.to_owned(), ..node_report(name) };
        NodeRecord { report, first_seen_ms: 0, silent_ms, drain_ordered: false }
    }

    #[test]
    fn the_first_living_node_with_the_role_intake_reports() {
        let mut nodes = vec![
            node("a", &["heavy"], "working", 0),
            node("b", &["intake"], "stopped", 0),
            node("c", &["intake", "light"], "working", 0),
            node("d", &["intake"], "working", 0),
        ];
        let elected = |nodes: &[NodeRecord]| {
            let names = ["a", "b", "c", "d"].into_iter();
            names.filter(|name| reports(&NodeId::new(*name), nodes)).collect::<Vec<_>>()
        };
        assert_eq!(elected(&nodes), ["c"]);
        nodes[2].silent_ms = SILENT_MS_MAX + 1;
        assert_eq!(elected(&nodes), ["d"], "the next one takes over");
        nodes[3].silent_ms = SILENT_MS_MAX + 1;
        assert!(elected(&nodes).is_empty());
    }

    #[test]
    fn the_number_of_metrics_does_not_depend_on_that_of_the_nodes() {
        let left = Lane::ALL.map(|lane| WorkLeft { lane, seconds: 1.0 });
        let backlog = Backlog { assets: vec![(Phase::Failed, 4)], ..Backlog::default() };
        for nodes in [1, 100] {
            let nodes: Vec<_> =
                (0..nodes).map(|n| node(&format!("n{n}"), &["intake"], "working", 0)).collect();
            let values = values(&left, &nodes, Some(&backlog));
            assert_eq!(values.len(), fleet::all().len());
            for value in &values {
                let known = fleet::all().into_iter().any(|(metric, of)| {
                    metric.as_str() == value.metric && of == value.dimension.map(|(_, of)| of)
                });
                assert!(known, "{value:?}");
            }
            let working =
                values.iter().find(|one| one.dimension == Some(("State", "working"))).expect("counted");
            assert_eq!(working.value, nodes.len() as f64);
            let failed =
                values.iter().find(|one| one.dimension == Some(("Phase", "failed"))).expect("counted");
            assert_eq!(failed.value, 4.0);
        }
    }
}
