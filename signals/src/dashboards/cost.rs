//! Cost: what the nodes spend their time, their cores and their transfers on.

use super::panel::{Dashboard, lines, number, query, zero};
use crate::signal::Unit;

pub const COST: Dashboard = Dashboard {
    id: "cost",
    title: "Reelgate: cost analytics",
    about: "What do uploads take, which stage takes it, and how much of it is wasted?",
    panels: &[
        number(
            "List price of each published asset",
            Unit::Usd,
            &[query(
                "sum(reelgate_cost_nano_usd_total{$node}) / 1000000000 / sum(reelgate_assets_ended_total{$node,phase=\"published\"})",
                "US dollars",
            )],
            "Steady. 0 where nodes have no price. `reelgate cost report` has the lines behind it.",
        ),
        number(
            "CPU seconds for each published asset",
            Unit::Seconds,
            &[query(
                "sum(reelgate_worker_cpu_milliseconds_total{$node}) / 1000 / sum(reelgate_assets_ended_total{$node,phase=\"published\"})",
                "CPU",
            )],
            "Steady. It rises with longer films, higher ladders and repeated work.",
        ),
        number(
            "Node seconds for each published asset",
            Unit::Seconds,
            &[query(
                "sum(reelgate_task_seconds_sum{$node}) / sum(reelgate_assets_ended_total{$node,phase=\"published\"})",
                "attempts",
            )],
            "Steady. Attempts run side by side, so it is more than a producer waits.",
        ),
        number(
            "Attempts that had no effect",
            Unit::Share,
            &[query(
                "sum(reelgate_tasks_ended_total{$node,result=~\"fault|given_back\"}) / sum(reelgate_tasks_ended_total{$node})",
                "wasted",
            )],
            "Below 0.05. Refused uploads are among them.",
        ),
        zero(
            "Prefixes and profiles with an unusual day",
            &[query("sum by (scope) (increase(reelgate_cost_anomalies_total{$node}[1d]))", "{{scope}}")],
            "0. `reelgate cost anomalies` names them.",
        ),
        lines(
            "List price of an hour, by stage",
            Unit::Usd,
            &[query(
                "sum by (stage) (rate(reelgate_cost_nano_usd_total{$node}[$window])) * 3600 / 1000000000",
                "{{stage}}",
            )],
            "`transcode` takes most of it; `package` and `publish` are requests to S3.",
        ),
        lines(
            "Requests to S3, by kind",
            Unit::Count,
            &[query("sum by (kind) (rate(reelgate_s3_requests_total{$node}[$window]))", "{{kind}}")],
            "As many `s3-copy` as `s3-put`, for each segment is staged and then published.",
        ),
        lines(
            "Cores in use by media workers, by stage",
            Unit::Count,
            &[query(
                "sum by (stage) (rate(reelgate_worker_cpu_milliseconds_total{$node}[$window])) / 1000",
                "{{stage}}",
            )],
            "`transcode` takes most of it.",
        ),
        lines(
            "Attempts under way, by stage",
            Unit::Count,
            &[query("sum by (stage) (rate(reelgate_task_seconds_sum{$node}[$window]))", "{{stage}}")],
            "Node seconds spent each second: what is paid for while it works.",
        ),
        lines(
            "Mean seconds of an attempt, by stage",
            Unit::Seconds,
            &[query(
                "sum by (stage) (rate(reelgate_task_seconds_sum{$node}[$window])) / sum by (stage) (rate(reelgate_task_seconds_count{$node}[$window]) > 0)",
                "{{stage}}",
            )],
            "Steady. A stage has a gap while nothing of it ends.",
        ),
        lines(
            "Bytes of sources opened",
            Unit::Bytes,
            &[query("sum by (result) (rate(reelgate_source_bytes_total{$node}[$window]))", "{{result}}")],
            "`local` is several times `fetched`; `fetched_not_kept` is 0, otherwise sources are fetched again and again.",
        ),
        lines(
            "Uploads ingested",
            Unit::Count,
            &[query("sum by (result) (increase(reelgate_uploads_total{$node}[$window]))", "{{result}}")],
            "What producers send; `again` are events that came twice.",
        ),
        lines(
            "Assets that ended",
            Unit::Count,
            &[query("sum by (phase) (increase(reelgate_assets_ended_total{$node}[$window]))", "{{phase}}")],
            "Mostly `published`. Work on the others is paid for too.",
        ),
    ],
};
