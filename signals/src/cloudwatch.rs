//! The dashboards of CloudWatch, for those who have no Grafana: aggregates of the fleet, and what AWS measures by itself.

use serde_json::{Value, json};

use crate::fleet::{FLEET, FleetMetric, NAMESPACE};

/// Lines of a widget.
pub enum Lines {
    /// A metric of the fleet, one line for each value of its dimension.
    Fleet(FleetMetric),
    /// A metric of the fleet for these values of its dimension.
    Of(FleetMetric, &'static [&'static str]),
    /// Metrics of AWS or of the log: namespace, name, name of the dimension (empty: none), and its values. `*` at the beginning
    /// of a value stands for `reelgate-ENVIRONMENT`.
    Aws(&'static str, &'static str, &'static str, &'static [&'static str]),
}

/// One widget.
pub struct Widget {
    pub title: &'static str,
    pub lines: Lines,
    pub statistic: &'static str,
    /// What an operator sees on a good day.
    pub normal: &'static str,
}

/// One dashboard.
pub struct Dashboard {
    pub id: &'static str,
    /// The beginning of the resource's name.
    pub resource: &'static str,
    /// Whether every fleet has it.
    pub is_basic: bool,
    pub widgets: &'static [Widget],
}

const fn widget(title: &'static str, lines: Lines, statistic: &'static str, normal: &'static str) -> Widget {
    Widget { title, lines, statistic, normal }
}

const NODES: Lines =
    Lines::Aws("AWS/AutoScaling", "GroupInServiceInstances", "AutoScalingGroupName", &["*-heavy", "*-light"]);
const CAPACITY: Lines = Lines::Aws("AWS/RDS", "ServerlessDatabaseCapacity", "DBClusterIdentifier", &["*"]);

pub const ALL: [Dashboard; 3] = [
    Dashboard {
        id: "security",
        resource: "Security",
        is_basic: false,
        widgets: &[
            widget(
                "Quarantined, and on the way out or back",
                Lines::Of(FleetMetric::Assets, &["quarantined", "withdrawing", "releasing"]),
                "Maximum",
                "withdrawing and releasing empty within minutes",
            ),
            widget(
                "Withdrawals that failed and are tried again",
                Lines::Aws("Reelgate/Logs", "DelayedWithdrawals-${Environment}", "", &[]),
                "Sum",
                "0",
            ),
            widget(
                "Age of the oldest notice that a receiver has not got",
                Lines::Fleet(FleetMetric::OldestNoticeSeconds),
                "Maximum",
                "below 60 s",
            ),
            widget(
                "Rejected and failed assets",
                Lines::Of(FleetMetric::Assets, &["rejected", "failed"]),
                "Maximum",
                "failed does not grow",
            ),
        ],
    },
    Dashboard {
        id: "cost",
        resource: "Cost",
        is_basic: false,
        widgets: &[
            widget("Nodes", NODES, "Average", "heavy falls to its minimum when no work is left"),
            widget("Capacity of the database", CAPACITY, "Average", "near its minimum most of the time"),
            widget(
                "Tasks under way",
                Lines::Fleet(FleetMetric::TasksLeased),
                "Maximum",
                "not 0 while nodes are paid for",
            ),
            widget(
                "Published assets",
                Lines::Of(FleetMetric::Assets, &["published"]),
                "Maximum",
                "grows with the uploads",
            ),
        ],
    },
    Dashboard {
        id: "operations",
        resource: "Operations",
        is_basic: true,
        widgets: &[
            widget(
                "Seconds of work left for each node",
                Lines::Fleet(FleetMetric::SecondsOfWorkLeftPerNode),
                "Average",
                "below what producers accept",
            ),
            widget("Nodes", NODES, "Average", "follows the work left"),
            widget(
                "Events that were not delivered",
                Lines::Aws("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", &["*-dead-letters"]),
                "Maximum",
                "0",
            ),
            widget("Capacity of the database", CAPACITY, "Average", "below its maximum"),
            widget(
                "Age of the oldest notice that a receiver has not got",
                Lines::Fleet(FleetMetric::OldestNoticeSeconds),
                "Maximum",
                "below 60 s",
            ),
            widget("Unfit nodes", Lines::Of(FleetMetric::Nodes, &["unfit"]), "Maximum", "0"),
            widget(
                "Nodes by state (where all metrics are reported)",
                Lines::Fleet(FleetMetric::Nodes),
                "Maximum",
                "almost all working",
            ),
            widget(
                "Tasks that wait (where all metrics are reported)",
                Lines::Fleet(FleetMetric::TasksReady),
                "Maximum",
                "returns to 0",
            ),
            widget(
                "Assets that have not ended (where all metrics are reported)",
                Lines::Of(FleetMetric::Assets, &["received", "linked", "processing", "screened"]),
                "Maximum",
                "each returns to 0",
            ),
            widget(
                "Notices not delivered (where all metrics are reported)",
                Lines::Fleet(FleetMetric::NoticesOwed),
                "Maximum",
                "returns to 0",
            ),
        ],
    },
];

fn metrics(lines: &Lines) -> Vec<Value> {
    let of_fleet = |metric: FleetMetric, values: &[&str]| match metric.dimension() {
        None => vec![json!([NAMESPACE, metric.as_str(), FLEET, "${Environment}"])],
        Some((name, _)) => values
            .iter()
            .map(|value| json!([NAMESPACE, metric.as_str(), FLEET, "${Environment}", name, value]))
            .collect(),
    };
    match lines {
        Lines::Fleet(metric) => {
            of_fleet(*metric, &metric.dimension().map(|(_, values)| values).unwrap_or_default())
        }
        Lines::Of(metric, values) => of_fleet(*metric, values),
        Lines::Aws(namespace, name, "", _) => vec![json!([namespace, name])],
        Lines::Aws(namespace, name, dimension, values) => {
            let named = values.iter().map(|value| value.replace('*', "reelgate-${Environment}"));
            named.map(|value| json!([namespace, name, dimension, value])).collect()
        }
    }
}

/// The body of a dashboard, with the variables of the template.
pub fn body(dashboard: &Dashboard) -> Value {
    let widget = |(number, widget): (usize, &Widget)| {
        json!({
            "type": "metric",
            "x": number % 2 * 12,
            "y": number / 2 * 6,
            "width": 12,
            "height": 6,
            "properties": {
                "title": format!("{} (normal: {})", widget.title, widget.normal),
                "region": "${AWS::Region}",
                "stat": widget.statistic,
                "period": 300,
                "metrics": metrics(&widget.lines),
            },
        })
    };
    json!({"widgets": dashboard.widgets.iter().enumerate().map(widget).collect::<Vec<_>>()})
}

/// The files by name.
pub fn files() -> Vec<(String, String)> {
    let file = |one: &Dashboard| (format!("cloudwatch-{}.json", one.id), format!("{:#}\n", body(one)));
    ALL.iter().map(file).collect()
}
