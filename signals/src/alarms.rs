//! The alarms of CloudWatch, which also work while no Prometheus runs, and the template that makes them: log groups of nodes,
//! alarms and dashboards.

use serde_json::{Map, Value, json};

use crate::cloudwatch;
use crate::fleet::{FLEET, FleetMetric, NAMESPACE};

/// Where an alarm's metric comes from.
pub enum Source {
    /// What the elected node tells of the fleet, with a value of its dimension.
    Fleet(FleetMetric, Option<&'static str>),
    /// Lines of the nodes' log with this text, counted by the filter of this name.
    Log { filter: &'static str, text: &'static str },
}

/// One alarm.
pub struct Alarm {
    /// The resource in the template.
    pub resource: &'static str,
    /// The end of its name.
    pub id: &'static str,
    pub source: Source,
    pub statistic: &'static str,
    /// Periods of five minutes in a row.
    pub periods: u32,
    /// It goes off below the threshold; otherwise above.
    pub is_below: bool,
    /// A number, or the name of a parameter of the template.
    pub threshold: &'static str,
    /// Whether silence sets it off.
    pub on_silence: bool,
    pub meaning: &'static str,
    pub consequence: &'static str,
    pub runbook: &'static str,
    pub command: &'static str,
}

const PERIOD_S: u32 = 300;

pub const ALL: &[Alarm] = &[
    Alarm {
        resource: "DelayedWithdrawalAlarm",
        id: "withdrawal-delayed",
        source: Source::Log { filter: "DelayedWithdrawals", text: "asset not withdrawn yet" },
        statistic: "Sum",
        periods: 1,
        is_below: false,
        threshold: "0",
        on_silence: false,
        meaning: "An asset that must not be readable could not be withdrawn.",
        consequence: "Its outputs may be readable until a later try succeeds.",
        runbook: "docs/guide/incident-runbook.md#1-you-receive-a-notice",
        command: "reelgate list --state withdrawing",
    },
    Alarm {
        resource: "SilentFleetAlarm",
        id: "silent",
        source: Source::Fleet(FleetMetric::SecondsOfWorkLeftPerNode, Some("light")),
        statistic: "SampleCount",
        periods: 3,
        is_below: true,
        threshold: "1",
        on_silence: true,
        meaning: "No node has told the seconds of work left for a quarter of an hour.",
        consequence: "Uploads wait: no node with the role intake runs, or it cannot reach the database.",
        runbook: "docs/guide/operations.md#failure-by-failure",
        command: "reelgate fleet status",
    },
    Alarm {
        resource: "LongWaitAlarm",
        id: "long-wait",
        source: Source::Fleet(FleetMetric::SecondsOfWorkLeftPerNode, Some("heavy")),
        statistic: "Average",
        periods: 6,
        is_below: false,
        threshold: "WaitAlarmSeconds",
        on_silence: false, // another alarm is about silence
        meaning: "More heavy work waits than producers accept.",
        consequence: "Uploads are published late. Spot capacity or the group's maximum may be the bound.",
        runbook: "docs/guide/operations.md#scaling",
        command: "reelgate queue",
    },
    Alarm {
        resource: "NoticeAlarm",
        id: "notice-not-delivered",
        source: Source::Fleet(FleetMetric::OldestNoticeSeconds, None),
        statistic: "Maximum",
        periods: 1,
        is_below: false,
        threshold: "600",
        on_silence: false,
        meaning: "A receiver has not got a notice for more than ten minutes.",
        consequence: "It knows nothing of assets that ended since, nor of personal data that was found.",
        runbook: "docs/guide/operations.md#failure-by-failure",
        command: "reelgate check",
    },
    Alarm {
        resource: "UnfitNodeAlarm",
        id: "unfit-node",
        source: Source::Fleet(FleetMetric::Nodes, Some("unfit")),
        statistic: "Minimum",
        periods: 3,
        is_below: false,
        threshold: "0",
        on_silence: false,
        meaning: "A node has failed its self-test for a quarter of an hour.",
        consequence: "It takes no work and is paid for.",
        runbook: "docs/guide/operations.md#failure-by-failure",
        command: "reelgate fleet status",
    },
];

/// Namespace of what is counted in the log.
const LOG_NAMESPACE: &str = "Reelgate/Logs";

fn sub(text: impl Into<String>) -> Value {
    json!({"Fn::Sub": text.into()})
}

/// What an operator reads in the mail.
pub fn description(alarm: &Alarm) -> String {
    let Alarm { meaning, consequence, runbook, command, .. } = alarm;
    format!("{meaning} {consequence} Runbook: {runbook}. Begin with `{command}`.")
}

fn resource(alarm: &Alarm) -> Value {
    let (namespace, name, dimensions) = match &alarm.source {
        Source::Fleet(metric, value) => {
            let mut dimensions = vec![json!({"Name": FLEET, "Value": {"Ref": "Environment"}})];
            if let (Some((name, _)), Some(value)) = (metric.dimension(), value) {
                dimensions.push(json!({"Name": name, "Value": value}));
            }
            (NAMESPACE, json!(metric.as_str()), dimensions)
        }
        Source::Log { filter, .. } => (LOG_NAMESPACE, sub(format!("{filter}-${{Environment}}")), Vec::new()),
    };
    let threshold = match alarm.threshold.parse::<u32>() {
        Ok(number) => json!(number),
        Err(_) => json!({"Ref": alarm.threshold}),
    };
    let mut properties = json!({
        "AlarmName": sub(format!("reelgate-${{Environment}}-{}", alarm.id)),
        "AlarmDescription": description(alarm),
        "Namespace": namespace,
        "MetricName": name,
        "Statistic": alarm.statistic,
        "Period": PERIOD_S,
        "EvaluationPeriods": alarm.periods,
        "Threshold": threshold,
        "ComparisonOperator": if alarm.is_below { "LessThanThreshold" } else { "GreaterThanThreshold" },
        "TreatMissingData": if alarm.on_silence { "breaching" } else { "notBreaching" },
        "AlarmActions": [{"Ref": "AlarmTopicArn"}],
        "OKActions": [{"Ref": "AlarmTopicArn"}],
    });
    if !dimensions.is_empty() {
        properties["Dimensions"] = dimensions.into();
    }
    json!({"Type": "AWS::CloudWatch::Alarm", "Properties": properties})
}

/// The template of what observes a fleet.
pub fn template() -> Value {
    let mut resources = Map::new();
    resources.insert(
        "NodeLogs".to_owned(),
        json!({
            "Type": "AWS::Logs::LogGroup",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "LogGroupName": sub("/reelgate/${Environment}/nodes"),
                "RetentionInDays": {"Ref": "LogDays"},
                "KmsKeyId": {"Ref": "PlatformKeyArn"},
            },
        }),
    );
    for alarm in ALL {
        if let Source::Log { filter, text } = &alarm.source {
            let transformation = json!({
                "MetricNamespace": LOG_NAMESPACE,
                "MetricName": sub(format!("{filter}-${{Environment}}")),
                "MetricValue": "1",
                "DefaultValue": 0,
            });
            let properties = json!({
                "LogGroupName": {"Ref": "NodeLogs"},
                "FilterPattern": format!("\"{text}\""),
                "MetricTransformations": [transformation],
            });
            resources.insert(
                (*filter).to_owned(),
                json!({"Type": "AWS::Logs::MetricFilter", "Properties": properties}),
            );
        }
        resources.insert(alarm.resource.to_owned(), resource(alarm));
    }
    for dashboard in &cloudwatch::ALL {
        let mut resource = json!({
            "Type": "AWS::CloudWatch::Dashboard",
            "Properties": {
                "DashboardName": sub(format!("reelgate-${{Environment}}-{}", dashboard.id)),
                "DashboardBody": sub(cloudwatch::body(dashboard).to_string()),
            },
        });
        if !dashboard.is_basic {
            resource["Condition"] = "IsFull".into();
        }
        resources.insert(format!("{}Dashboard", dashboard.resource), resource);
    }
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Reelgate: logs of nodes with an end, alarms and dashboards. Made by `reelgate signals alarms`; do not edit.",
        "Parameters": {
            "Environment": {"Type": "String", "AllowedPattern": "^[a-z][a-z0-9-]{0,10}[a-z0-9]$"},
            "PlatformKeyArn": {"Type": "String"},
            "AlarmTopicArn": {"Type": "String"},
            "LogDays": {
                "Type": "Number",
                "Default": 400,
                "AllowedValues": [90, 120, 180, 365, 400, 545, 731, 1096, 1827, 2192, 3653],
            },
            "CloudWatch": {
                "Type": "String",
                "Default": "basic",
                "AllowedValues": ["basic", "full"],
                "Description": "full: all dashboards, and all metrics of the fleet.",
            },
            "WaitAlarmSeconds": {
                "Type": "Number",
                "Default": 3600,
                "MinValue": 300,
                "MaxValue": 604_800,
                "Description": "More work than this for each node is more than producers accept.",
            },
        },
        "Conditions": {"IsFull": {"Fn::Equals": [{"Ref": "CloudWatch"}, "full"]}},
        "Resources": resources,
        "Outputs": {"NodeLogGroup": {"Value": {"Ref": "NodeLogs"}}},
    })
}

/// The file by name.
pub fn files() -> Vec<(String, String)> {
    vec![("observe.json".to_owned(), format!("{:#}\n", template()))]
}
