//! The dashboards for Grafana: a data source, a job and nodes are chosen at the top, so one file serves every fleet.

use serde_json::{Value, json};

use crate::dashboards::{Dashboard, Panel, Shape};
use crate::signal::Unit;

/// Labels that choose the nodes.
const NODE: &str = "job=~\"$job\",instance=~\"$instance\"";
/// Grafana's window that always holds enough samples.
const WINDOW: &str = "$__rate_interval";
/// Columns of Grafana's grid.
const COLUMNS: usize = 24;
const HEIGHT: usize = 8;

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Count | Unit::NanoUsd => "short",
        Unit::Seconds => "s",
        Unit::Milliseconds => "ms",
        Unit::Bytes => "bytes",
        Unit::Usd => "currencyUSD",
        Unit::Share => "percentunit",
    }
}

fn panel(panel: &Panel, id: usize, at: (usize, usize), width: usize) -> Value {
    let source = json!({"type": "prometheus", "uid": "${source}"});
    let letters = 'A'..;
    let targets: Vec<Value> = panel
        .queries
        .iter()
        .zip(letters)
        .map(|(query, letter)| {
            json!({
                "refId": letter.to_string(),
                "datasource": source,
                "expr": query.text(NODE, WINDOW),
                "legendFormat": query.legend,
            })
        })
        .collect();
    let thresholds = match panel.is_zero {
        true => {
            json!({"mode": "absolute", "steps": [{"color": "green", "value": null}, {"color": "red", "value": 1e-9}]})
        }
        false => json!({"mode": "absolute", "steps": [{"color": "green", "value": null}]}),
    };
    json!({
        "id": id,
        "title": panel.title,
        "description": format!("Normal: {}", panel.normal),
        "type": match panel.shape { Shape::Lines => "timeseries", Shape::Number => "stat" },
        "datasource": source,
        "gridPos": {"x": at.0, "y": at.1, "w": width, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": unit(panel.unit), "min": 0, "thresholds": thresholds}, "overrides": []},
        "targets": targets,
    })
}

fn variable(name: &str, label: &str) -> Value {
    json!({
        "name": name,
        "label": name,
        "type": "query",
        "datasource": {"type": "prometheus", "uid": "${source}"},
        "query": format!("label_values(reelgate_leases_lost_total, {label})"),
        "refresh": 2,
        "multi": true,
        "includeAll": true,
        "allValue": ".+",
        "current": {"text": "All", "value": "$__all"},
    })
}

/// One dashboard as Grafana imports it.
pub fn json(dashboard: &Dashboard) -> Value {
    let (mut panels, mut x, mut y) = (Vec::new(), 0, 0);
    for (number, one) in dashboard.panels.iter().enumerate() {
        let width = match one.shape {
            Shape::Lines => COLUMNS / 2,
            Shape::Number => COLUMNS / 4,
        };
        if x + width > COLUMNS {
            (x, y) = (0, y + HEIGHT);
        }
        panels.push(panel(one, number + 1, (x, y), width));
        x += width;
    }
    json!({
        "uid": format!("reelgate-{}", dashboard.id),
        "title": dashboard.title,
        "description": dashboard.about,
        "tags": ["reelgate"],
        "schemaVersion": 38,
        "editable": false,
        "time": {"from": "now-24h", "to": "now"},
        "refresh": "1m",
        "templating": {"list": [
            {"name": "source", "label": "source", "type": "datasource", "query": "prometheus"},
            variable("job", "job"),
            variable("instance", "instance"),
        ]},
        "panels": panels,
    })
}

/// The files by name.
pub fn files() -> Vec<(String, String)> {
    let file = |one: &&Dashboard| (format!("grafana-{}.json", one.id), format!("{:#}\n", json(one)));
    crate::dashboards::ALL.iter().map(file).collect()
}
