//! A clean day, and for each alert the fault that it is about.

use reelgate_signals::{Kind, catalogue};

/// Minutes after which a fault begins.
pub const BEGINS: u32 = 60;

/// A fault of one alert, a sample each minute.
pub struct Fault {
    pub alert: &'static str,
    /// Labels of the alert beside its urgency.
    pub labels: &'static [(&'static str, &'static str)],
    /// Series, and their values from the beginning of the fault, in promtool's notation.
    pub series: &'static [(&'static str, &'static str)],
    /// Minutes after the beginning at which the alert is there.
    pub fires: u32,
    /// Minutes after the beginning at which it is not there any more.
    pub clears: u32,
}

const ONE: &str = "1x400";
/// 5 for half an hour, then 0 again.
const LEVEL: &str = "5x30 0x400";

pub const FAULTS: &[Fault] = &[
    Fault {
        alert: "ReelgateWithdrawalDelayed",
        labels: &[],
        series: &[("reelgate_withdrawals_delayed_total", ONE)],
        fires: 2,
        clears: 12,
    },
    Fault {
        alert: "ReelgateInvariantBroken",
        labels: &[("id", "S7")],
        series: &[("reelgate_invariant_violations{id=\"S7\"}", LEVEL)],
        fires: 2,
        clears: 35,
    },
    Fault {
        alert: "ReelgateJailViolation",
        labels: &[],
        series: &[("reelgate_faults_total{code=\"jail_violation\",class=\"bug\"}", ONE)],
        fires: 2,
        clears: 63,
    },
    Fault {
        alert: "ReelgateAuditNotSealed",
        labels: &[],
        series: &[("reelgate_audit_seal_age_seconds", "0+60x30 5x400")],
        fires: 15,
        clears: 35,
    },
    Fault {
        alert: "ReelgateNoNode",
        labels: &[],
        series: &[("reelgate_leases_lost_total", "_x30 0x400")],
        fires: 20,
        clears: 35,
    },
    Fault {
        alert: "ReelgateStoreSilent",
        labels: &[("instance", "node:9320")],
        series: &[("reelgate_store_answer_age_seconds", "0+60x30 2x400")],
        fires: 5,
        clears: 35,
    },
    Fault {
        alert: "ReelgateServiceAway",
        labels: &[("service", "objects")],
        series: &[("reelgate_service_away{service=\"objects\"}", "1x30 0x400")],
        fires: 7,
        clears: 35,
    },
    Fault {
        alert: "ReelgateNoticeNotDelivered",
        labels: &[("receiver", "webhook")],
        series: &[("reelgate_outbox_age_seconds{receiver=\"webhook\"}", "0+60x30 0x400")],
        fires: 12,
        clears: 35,
    },
    Fault {
        alert: "ReelgateFaults",
        labels: &[],
        series: &[(
            "reelgate_faults_total{code=\"worker_unavailable\",class=\"infrastructure\"}",
            "0+5x60 300x400",
        )],
        fires: 30,
        clears: 90,
    },
    Fault {
        alert: "ReelgateNodeUnfit",
        labels: &[("instance", "node:9320")],
        series: &[("reelgate_self_tests_total{result=\"failed\"}", ONE)],
        fires: 2,
        clears: 12,
    },
    Fault {
        alert: "ReelgateLongWait",
        labels: &[("lane", "heavy")],
        series: &[("reelgate_work_left_seconds{lane=\"heavy\"}", "4000x60 100x400")],
        fires: 35,
        clears: 65,
    },
    Fault {
        alert: "ReelgateDeadLetters",
        labels: &[],
        series: &[("reelgate_dead_letters", LEVEL)],
        fires: 8,
        clears: 35,
    },
    Fault {
        alert: "ReelgateEventsLost",
        labels: &[],
        series: &[("reelgate_swept_total{result=\"found\"}", ONE)],
        fires: 2,
        clears: 63,
    },
    Fault {
        alert: "ReelgateFindingsLost",
        labels: &[],
        series: &[("reelgate_findings_swept_total{result=\"found\"}", ONE)],
        fires: 2,
        clears: 63,
    },
    Fault {
        alert: "ReelgateMessagesRefused",
        labels: &[],
        series: &[("reelgate_uploads_total{result=\"refused\"}", ONE)],
        fires: 2,
        clears: 17,
    },
    Fault {
        alert: "ReelgateConfigurationRefused",
        labels: &[],
        series: &[("reelgate_config_looks_total{result=\"refused\"}", ONE)],
        fires: 2,
        clears: 17,
    },
    Fault {
        alert: "ReelgateLeasesLost",
        labels: &[("instance", "node:9320")],
        series: &[("reelgate_leases_lost_total", ONE)],
        fires: 2,
        clears: 17,
    },
    Fault {
        alert: "ReelgateActorPanicked",
        labels: &[("actor", "persister")],
        series: &[("reelgate_actor_exits_total{actor=\"persister\",result=\"panicked\"}", ONE)],
        fires: 2,
        clears: 17,
    },
    Fault {
        alert: "ReelgateCostAnomaly",
        labels: &[("scope", "prefix")],
        series: &[("reelgate_cost_anomalies_total{scope=\"prefix\"}", ONE)],
        fires: 2,
        clears: 363,
    },
    Fault {
        alert: "ReelgateScratchTooSmall",
        labels: &[],
        series: &[("reelgate_source_bytes_total{result=\"fetched_not_kept\"}", "1000000x400")],
        fires: 2,
        clears: 363,
    },
];

/// What grows in each minute of a clean day; everything else stays 0. Uploads come without a pause.
const GROWS: &[(&str, u32)] = &[
    ("reelgate_uploads_total{result=\"new\"}", 1),
    ("reelgate_tasks_began_total{stage=\"transcode\"}", 20),
    ("reelgate_tasks_ended_total{stage=\"transcode\",result=\"success\"}", 20),
    ("reelgate_assets_ended_total{phase=\"published\"}", 1),
    ("reelgate_faults_total{code=\"truncated\",class=\"bad_media\"}", 3),
    ("reelgate_faults_total{code=\"worker_lost\",class=\"infrastructure\"}", 1),
    ("reelgate_self_tests_total{result=\"passed\"}", 1),
    ("reelgate_config_looks_total{result=\"same\"}", 1),
    ("reelgate_swept_total{result=\"listed\"}", 100),
    ("reelgate_source_bytes_total{result=\"fetched\"}", 1_000_000),
];

/// Series of a clean time, by name and labels, with the values of `minutes` samples: gauges at 0, counters as they grow, and
/// histograms whose observations are all quick.
pub fn clean(minutes: u32) -> Vec<(String, String)> {
    let receivers = ["webhook".to_owned(), "sns".to_owned()];
    let mut series = Vec::new();
    for signal in catalogue::ALL {
        for values in signal.from_start(&receivers) {
            let pairs: Vec<String> = signal
                .labels
                .iter()
                .zip(&values)
                .map(|(label, value)| format!("{label}=\"{value}\""))
                .collect();
            let Kind::Histogram(bounds) = signal.kind else {
                let name = match pairs[..] {
                    [] => signal.name.to_owned(),
                    _ => format!("{}{{{}}}", signal.name, pairs.join(",")),
                };
                let grows = GROWS.iter().find(|(grows, _)| *grows == name).map_or(0, |(_, by)| *by);
                series.push((name, format!("0+{grows}x{minutes}")));
                continue;
            };
            let steady = format!("0+1000x{minutes}");
            let bounds = bounds.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
            for bound in bounds {
                let pairs = [&pairs[..], &[format!("le=\"{bound}\"")]].concat().join(",");
                series.push((format!("{}_bucket{{{pairs}}}", signal.name), steady.clone()));
            }
            let pairs = if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) };
            series.push((format!("{}_count{pairs}", signal.name), steady.clone()));
            series.push((format!("{}_sum{pairs}", signal.name), steady));
        }
    }
    series
}
