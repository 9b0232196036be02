//! How many series a node has, how many metrics a fleet has, and that each says what it must.

use std::collections::BTreeSet;

use reelgate_signals::{Series, alarms, alerts, catalogue, cloudwatch, dashboards, fleet, slo};

/// Most series of a node.
const SERIES_MAX: usize = 1_500;

#[test]
fn a_node_has_at_most_1500_series() {
    let series: usize = catalogue::ALL.iter().map(|signal| signal.series_max()).sum();
    println!("{series} series of {} metrics", catalogue::ALL.len());
    assert!((400..=SERIES_MAX).contains(&series), "{series}");
}

#[test]
fn a_fleet_has_at_most_40_metrics_in_cloudwatch() {
    let all = fleet::all();
    let filters = alarms::ALL.iter().filter(|one| matches!(one.source, alarms::Source::Log { .. })).count();
    let basic = all.iter().filter(|(metric, value)| metric.is_basic(*value)).count();
    println!("{} metrics, {basic} of them basic, and {filters} from the log", all.len());
    assert!(all.len() + filters <= fleet::METRICS_MAX);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
}

#[test]
fn names_ascend_and_say_kind_and_unit() {
    for signal in catalogue::ALL {
        let name = signal.name;
        assert!(
            name.starts_with("reelgate_") && !signal.help.is_empty() && !signal.normal.is_empty(),
            "{name}"
        );
        assert_eq!(name.ends_with("_total"), signal.kind.as_str() == "counter", "{name}");
        if let Series::Closed(sets) = signal.series {
            let sets = sets();
            assert!(!sets.is_empty() && sets.iter().all(|set| set.len() == signal.labels.len()), "{name}");
            assert_eq!(sets.iter().collect::<BTreeSet<_>>().len(), sets.len(), "{name}");
        }
    }
    let names: BTreeSet<_> = catalogue::ALL.iter().map(|signal| signal.name).collect();
    assert_eq!(names.len(), catalogue::ALL.len());
}

/// What an alert or alarm says, in this order: its name, meaning, consequence, runbook and command.
type Sentences = (String, &'static str, &'static str, &'static str, &'static str);

#[test]
fn every_alert_and_alarm_says_what_it_means_what_follows_where_to_read_and_what_to_run() {
    let of_prometheus = alerts::all()
        .into_iter()
        .map(|one| (one.name, one.meaning, one.consequence, one.runbook, one.command));
    let of_cloudwatch = alarms::ALL
        .iter()
        .map(|one| (one.id.to_owned(), one.meaning, one.consequence, one.runbook, one.command));
    let all: Vec<Sentences> = of_prometheus.chain(of_cloudwatch).collect();
    assert!(all.len() > 25, "{}", all.len());
    for (name, meaning, consequence, runbook, command) in all {
        assert!(meaning.ends_with('.') && consequence.ends_with('.'), "{name}");
        assert!(command.starts_with("reelgate "), "{name}: {command}");
        // Whether the anchor is there is judged in the pages that are made from this, as for every other link.
        assert!(runbook.starts_with("docs/") && runbook.contains(".md#"), "{name}: {runbook}");
    }
    for alarm in alarms::ALL {
        let text = alarms::description(alarm);
        assert!(text.len() <= 1_024, "{}: {} characters", alarm.id, text.len());
    }
}

#[test]
fn each_burn_rate_has_windows_that_are_recorded() {
    for burn in &slo::BURNS {
        assert!([burn.long, burn.short].iter().all(|window| slo::WINDOWS.contains(window)));
    }
}

#[test]
fn each_metric_of_the_fleet_is_on_a_dashboard_of_cloudwatch() {
    let shown: String = cloudwatch::ALL.iter().map(|one| cloudwatch::body(one).to_string()).collect();
    for metric in fleet::FleetMetric::ALL {
        assert!(shown.contains(&format!("\"{}\"", metric.as_str())), "{metric:?}");
    }
    // What every fleet shows and no fleet reports by default says so.
    let basic = cloudwatch::ALL.iter().find(|one| one.is_basic).unwrap();
    for widget in basic.widgets {
        let (metric, values) = match widget.lines {
            cloudwatch::Lines::Fleet(metric) => {
                (metric, metric.dimension().map(|(_, values)| values).unwrap_or_default())
            }
            cloudwatch::Lines::Of(metric, values) => (metric, values.to_vec()),
            cloudwatch::Lines::Aws(..) => continue,
        };
        let is_basic = match values[..] {
            [] => metric.is_basic(None),
            _ => values.iter().all(|value| metric.is_basic(Some(value))),
        };
        assert_eq!(!is_basic, widget.title.contains("where all metrics"), "{}", widget.title);
    }
}

#[test]
fn every_panel_says_what_is_normal_and_has_a_title_of_its_own() {
    for dashboard in dashboards::ALL {
        let titles: BTreeSet<_> = dashboard.panels.iter().map(|panel| panel.title).collect();
        assert_eq!(titles.len(), dashboard.panels.len(), "{}", dashboard.id);
        for panel in dashboard.panels {
            assert!(panel.normal.ends_with('.') && !panel.queries.is_empty(), "{}", panel.title);
            assert!(!panel.is_zero || panel.normal.starts_with('0'), "{}", panel.title);
        }
    }
}
