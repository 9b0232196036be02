//! Security: how soon personal data is found, withdrawn and reported, and whether anything of it may still be readable.

use super::panel::{Dashboard, lines, number, query, zero};
use crate::signal::Unit;

pub const SECURITY: Dashboard = Dashboard {
    id: "security",
    title: "Reelgate: security overview",
    about: "Is personal data found, withdrawn and reported in time, and is anything readable that must not be?",
    panels: &[
        number(
            "Found within 15 minutes",
            Unit::Share,
            &[query(
                "sum(reelgate_detection_seconds_bucket{$node,le=\"900\"}) / sum(reelgate_detection_seconds_count{$node})",
                "found in time",
            )],
            "Above 0.99. Since the nodes started.",
        ),
        number(
            "Withdrawn within 5 minutes",
            Unit::Share,
            &[query(
                "sum(reelgate_response_seconds_bucket{$node,le=\"300\"}) / sum(reelgate_response_seconds_count{$node})",
                "withdrawn in time",
            )],
            "Above 0.99. No number until something was quarantined.",
        ),
        number(
            "Told within 1 minute",
            Unit::Share,
            &[query(
                "sum(reelgate_alert_seconds_bucket{$node,le=\"60\"}) / sum(reelgate_alert_seconds_count{$node})",
                "told in time",
            )],
            "Above 0.99. No number until something was quarantined.",
        ),
        number(
            "Age of the audit log's seal",
            Unit::Seconds,
            &[query("min(reelgate_audit_seal_age_seconds{$node})", "age")],
            "Below 30 seconds: the log is sealed every ten.",
        ),
        lines(
            "Detection, response and alert, 99th percentile",
            Unit::Seconds,
            &[
                query(
                    "histogram_quantile(0.99, sum by (le) (rate(reelgate_detection_seconds_bucket{$node}[$window])))",
                    "found",
                ),
                query(
                    "histogram_quantile(0.99, sum by (le) (rate(reelgate_response_seconds_bucket{$node}[$window])))",
                    "withdrawn",
                ),
                query(
                    "histogram_quantile(0.99, sum by (le) (rate(reelgate_alert_seconds_bucket{$node}[$window])))",
                    "told",
                ),
            ],
            "Found below 900, withdrawn below 300, told below 60. A gap is a time without any.",
        ),
        lines(
            "Screenings by the highest severity found",
            Unit::Count,
            &[query(
                "sum by (severity) (increase(reelgate_screenings_total{$node}[$window]))",
                "{{severity}}",
            )],
            "Mostly none.",
        ),
        lines(
            "Screenings that could not search everything",
            Unit::Count,
            &[query(
                "sum(increase(reelgate_screenings_total{$node,searched=\"incomplete\"}[$window]))",
                "incomplete",
            )],
            "Near 0. These assets do not count as clean.",
        ),
        lines(
            "Kinds of personal data",
            Unit::Count,
            &[query(
                "topk(10, sum by (kind) (increase(reelgate_findings_total{$node}[$window])))",
                "{{kind}}",
            )],
            "What producers' uploads hold; a new kind is worth a look. Empty until something is found.",
        ),
        lines(
            "Quarantines completed",
            Unit::Count,
            &[query("sum(increase(reelgate_quarantines_total{$node}[$window]))", "quarantines")],
            "Follows screenings with high severity.",
        ),
        lines(
            "Quarantined, and on the way out or back",
            Unit::Count,
            &[query(
                "max by (phase) (reelgate_assets{$node,phase=~\"quarantined|withdrawing|releasing\"})",
                "{{phase}}",
            )],
            "`withdrawing` and `releasing` empty within minutes; `quarantined` waits for a security officer.",
        ),
        lines(
            "Releases carried out",
            Unit::Count,
            &[query(
                "sum(increase(reelgate_tasks_ended_total{$node,stage=\"restore\",result=\"success\"}[$window]))",
                "releases",
            )],
            "As many as were decided. Who decided and who approved is in the audit log, not in a metric.",
        ),
        zero(
            "Withdrawals that failed and are tried again",
            &[query("sum(increase(reelgate_withdrawals_delayed_total{$node}[$window]))", "delayed")],
            "0. Otherwise outputs may still be readable.",
        ),
        zero(
            "Refused by the jail",
            &[query(
                "sum(increase(reelgate_faults_total{$node,code=\"jail_violation\"}[$window]))",
                "jail violations",
            )],
            "0. A media worker asked the kernel for something that it never needs.",
        ),
        zero(
            "Broken invariants",
            &[query("sum by (id) (reelgate_invariant_violations{$node})", "{{id}}")],
            "0, always.",
        ),
        zero(
            "Findings of the external scanner whose event had not come",
            &[query(
                "sum(increase(reelgate_findings_swept_total{$node,result=\"found\"}[$window]))",
                "found",
            )],
            "0. Sweeps bring them, later than an event would have.",
        ),
        lines(
            "Age of the oldest notice that a receiver has not got",
            Unit::Seconds,
            &[query("max by (receiver) (reelgate_outbox_age_seconds{$node})", "{{receiver}}")],
            "Below 60. Security alerts are among these notices.",
        ),
    ],
};
