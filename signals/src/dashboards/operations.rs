//! Operations: whether work goes on, and what it waits for.

use super::panel::{Dashboard, lines, number, query, zero};
use crate::signal::Unit;

pub const OPERATIONS: Dashboard = Dashboard {
    id: "operations",
    title: "Reelgate: operational health",
    about: "Does work go on, how much of it is left, and what does it wait for?",
    panels: &[
        number(
            "Work left",
            Unit::Seconds,
            &[query("max by (lane) (reelgate_work_left_seconds{$node})", "{{lane}}")],
            "Below what producers accept.",
        ),
        number(
            "Uploads that ended within an hour",
            Unit::Share,
            &[query(
                "sum(reelgate_upload_seconds_bucket{$node,le=\"3600\"}) / sum(reelgate_upload_seconds_count{$node})",
                "in time",
            )],
            "Above 0.95. Since the nodes started.",
        ),
        lines(
            "Upload to first end",
            Unit::Seconds,
            &[
                query(
                    "histogram_quantile(0.5, sum by (le) (rate(reelgate_upload_seconds_bucket{$node}[$window])))",
                    "half of them",
                ),
                query(
                    "histogram_quantile(0.95, sum by (le) (rate(reelgate_upload_seconds_bucket{$node}[$window])))",
                    "95 %",
                ),
            ],
            "95 % below 3,600. A gap is a time in which nothing ended.",
        ),
        lines(
            "Tasks that wait",
            Unit::Count,
            &[query("max by (lane) (reelgate_tasks_ready{$node})", "{{lane}}")],
            "Returns to 0 after each wave of uploads.",
        ),
        lines(
            "Tasks under way",
            Unit::Count,
            &[query("max by (lane) (reelgate_tasks_leased{$node})", "{{lane}}")],
            "At most what the nodes run at once; not 0 while tasks wait.",
        ),
        lines(
            "Assets that have not ended",
            Unit::Count,
            &[query(
                "max by (phase) (reelgate_assets{$node,phase=~\"received|linked|processing|screened|withdrawing|releasing|failed\"})",
                "{{phase}}",
            )],
            "Each returns to 0, and `failed` does not grow.",
        ),
        lines(
            "Attempts begun",
            Unit::Count,
            &[query("sum by (stage) (increase(reelgate_tasks_began_total{$node}[$window]))", "{{stage}}")],
            "As many as end.",
        ),
        lines(
            "Attempts by ending",
            Unit::Count,
            &[query("sum by (result) (increase(reelgate_tasks_ended_total{$node}[$window]))", "{{result}}")],
            "Almost all `success`; `given_back` when nodes drain.",
        ),
        lines(
            "Faults by class",
            Unit::Count,
            &[query("sum by (class) (increase(reelgate_faults_total{$node}[$window]))", "{{class}}")],
            "`bad_media` and `policy` are the producers'; the others are near 0.",
        ),
        lines(
            "Seconds of an attempt, 95th percentile",
            Unit::Seconds,
            &[query(
                "histogram_quantile(0.95, sum by (stage, le) (rate(reelgate_task_seconds_bucket{$node}[$window])))",
                "{{stage}}",
            )],
            "Steady for each stage. A gap is a time in which nothing of it ended.",
        ),
        lines(
            "Notices not delivered",
            Unit::Count,
            &[
                query("max by (state) (reelgate_outbox{$node})", "{{state}}"),
                query("max by (receiver) (reelgate_outbox_notices{$node})", "{{receiver}}"),
            ],
            "Returns to 0.",
        ),
        lines(
            "Deliveries of notices",
            Unit::Count,
            &[query("sum by (result) (increase(reelgate_notices_total{$node}[$window]))", "{{result}}")],
            "`delivered` follows the assets that end; `refused` is 0.",
        ),
        lines(
            "Age of the store's last answer",
            Unit::Seconds,
            &[query("max by (instance) (reelgate_store_answer_age_seconds{$node})", "{{instance}}")],
            "Below 10.",
        ),
        lines(
            "Store calls that failed",
            Unit::Count,
            &[query(
                "sum by (operation) (increase(reelgate_store_failures_total{$node}[$window]))",
                "{{operation}}",
            )],
            "0 but for a restart of the database.",
        ),
        lines(
            "Self-tests",
            Unit::Count,
            &[query("sum by (result) (increase(reelgate_self_tests_total{$node}[$window]))", "{{result}}")],
            "`failed` is 0.",
        ),
        lines(
            "Looks at the configuration",
            Unit::Count,
            &[query("sum by (result) (increase(reelgate_config_looks_total{$node}[$window]))", "{{result}}")],
            "`refused` and `unreachable` are 0.",
        ),
        zero(
            "Services away",
            &[query("max by (service) (reelgate_service_away{$node})", "{{service}}")],
            "0. At 1 the node's tasks wait for that service.",
        ),
        zero(
            "Dead letters",
            &[query("max(reelgate_dead_letters{$node})", "waiting")],
            "0. Nothing reads them by itself.",
        ),
        zero(
            "Uploads whose event never came",
            &[query("sum(increase(reelgate_swept_total{$node,result=\"found\"}[$window]))", "found")],
            "0. Sweeps bring them, hours later.",
        ),
        zero(
            "Leases lost",
            &[query(
                "sum by (instance) (increase(reelgate_leases_lost_total{$node}[$window]))",
                "{{instance}}",
            )],
            "0. The node cannot reach the database.",
        ),
        zero(
            "Actors that ended",
            &[query("sum by (actor) (increase(reelgate_actor_exits_total{$node}[$window]))", "{{actor}}")],
            "0. Each is built again at once.",
        ),
        zero(
            "Claims that a mailbox refused",
            &[query("sum by (stage) (increase(reelgate_tasks_refused_total{$node}[$window]))", "{{stage}}")],
            "0.",
        ),
        lines(
            "Refused because somebody else owns it",
            Unit::Count,
            &[
                query(
                    "sum(increase(reelgate_reports_stale_total{$node}[$window]))",
                    "results of old attempts",
                ),
                query(
                    "sum(increase(reelgate_batches_fenced_total{$node}[$window]))",
                    "batches of another node's shard",
                ),
            ],
            "A few when nodes come and go.",
        ),
        lines(
            "Spans",
            Unit::Count,
            &[query("sum by (result) (increase(reelgate_spans_total{$node}[$window]))", "{{result}}")],
            "`failed` and `dropped` are 0. All are 0 without a collector.",
        ),
    ],
};
