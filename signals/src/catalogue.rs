//! Every metric. A node registers a metric by naming its entry here, so there is no metric that the dashboards, the rules and the
//! page of metrics do not know. No key, name or content of an upload is ever a label.

use reelgate_cost::daily::Scope;
use reelgate_cost::resource::Resource;
use reelgate_flow::asset::{Phase, Severity};
use reelgate_flow::invariants::Violation;
use reelgate_flow::reason::Code;
use reelgate_flow::task::Lane;

use crate::signal::{Series, Signal, Unit};

/// Stages of tasks.
pub const STAGES: &[&str] = &[
    "validate",
    "transcode",
    "enrich",
    "screen",
    "external_scan",
    "package",
    "publish",
    "withdraw",
    "restore",
    "keep_source",
];
/// Actors that run tasks.
pub const STAGE_ACTORS: &[&str] = &["validator", "transcoder", "enricher", "screener", "publisher"];
/// The other actors of a node.
const OTHER_ACTORS: &[&str] = &["intake", "persister", "notifier", "node_maintenance"];
/// Services behind a node, whose failures in a row make it wait.
pub const SERVICES: &[&str] = &["objects", "disk", "store", "external_scanner"];
/// Calls that are counted when they fail, most of them of the store.
pub const OPERATIONS: &[&str] = &[
    "abandon events",
    "backlog",
    "claim",
    "close days",
    "complete",
    "count dead letters",
    "end_unserved",
    "heartbeat",
    "history",
    "ingest",
    "keep events",
    "node_maintenance",
    "node_seen",
    "nodes",
    "notice_deferred",
    "outbox",
    "reap",
    "reclaim",
    "retain",
    "stop events",
    "sweep",
    "sweep findings",
];

/// Bounds for what has a target of minutes.
const WITHIN_MINUTES: &[f64] = &[0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0];
const DETECTION: &[f64] = &[1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0];
const ATTEMPT: &[f64] = &[0.01, 0.05, 0.25, 1.0, 5.0, 20.0, 60.0, 300.0, 1_200.0];
const UPLOAD: &[f64] = &[5.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0];

/// One set for each value of one label.
fn one(values: &[&'static str]) -> Vec<Vec<&'static str>> {
    values.iter().map(|value| vec![*value]).collect()
}

/// One set for each pair.
fn two(first: &[&'static str], second: &[&'static str]) -> Vec<Vec<&'static str>> {
    first.iter().flat_map(|one| second.iter().map(move |other| vec![*one, *other])).collect()
}

fn lanes() -> Vec<Vec<&'static str>> {
    Lane::ALL.iter().map(|lane| vec![lane.as_str()]).collect()
}

fn phases() -> Vec<Vec<&'static str>> {
    Phase::ALL.iter().map(|phase| vec![phase.as_str()]).collect()
}

fn codes() -> Vec<Vec<&'static str>> {
    Code::ALL.iter().map(|code| vec![code.as_str(), code.class().as_str()]).collect()
}

/// Requests to S3 that are paid for.
const S3: [Resource; 5] =
    [Resource::S3Put, Resource::S3Copy, Resource::S3List, Resource::S3Get, Resource::S3Head];

/// The label of a request to S3; `None` for everything else that is used.
pub fn s3_request(resource: Resource) -> Option<&'static str> {
    S3.contains(&resource).then(|| resource.as_str())
}

fn s3_requests() -> Vec<Vec<&'static str>> {
    S3.iter().map(|resource| vec![resource.as_str()]).collect()
}

fn actor_exits() -> Vec<Vec<&'static str>> {
    two(&[OTHER_ACTORS, STAGE_ACTORS].concat(), &["panicked", "stopped"])
}

macro_rules! catalogue {
    ($($name:ident = $signal:expr;)*) => {
        $(pub static $name: Signal = $signal;)*
        /// Every metric, by name.
        pub static ALL: &[&Signal] = &[$(&$name),*];
    };
}

catalogue! {
    ACTOR_EXITS = Signal::counter("reelgate_actor_exits_total", Unit::Count, "Actors that ended and were rebuilt.")
        .by(&["actor", "result"], Series::Closed(actor_exits))
        .normal("0; a panic is a mistake in the program");
    ALERT_SECONDS = Signal::seconds("reelgate_alert_seconds", WITHIN_MINUTES,
        "Seconds from the end of a quarantine to the delivery of its notice, once for each receiver.")
        .normal("below 60");
    ASSETS = Signal::gauge("reelgate_assets", Unit::Count, "Assets by phase.")
        .by(&["phase"], Series::Closed(phases))
        .normal("`failed` does not grow; `withdrawing` and `releasing` empty within minutes");
    ASSETS_ENDED = Signal::counter("reelgate_assets_ended_total", Unit::Count, "Assets that reached an end.")
        .by(&["phase"], Series::Closed(|| {
            Phase::ALL.iter().filter(|phase| phase.is_ended()).map(|phase| vec![phase.as_str()]).collect()
        }))
        .normal("follows the uploads");
    AUDIT_SEAL_AGE_SECONDS = Signal::gauge("reelgate_audit_seal_age_seconds", Unit::Seconds,
        "Seconds since this node last sealed the audit log and found the kept seal in it, or since its start; it does so every ten seconds with the role intake.")
        .normal("below 30");
    BATCHES_FENCED = Signal::counter("reelgate_batches_fenced_total", Unit::Count,
        "Batches of events refused because another node owns their shard now.")
        .normal("grows by a few when nodes come and go");
    CONFIG_LOOKS = Signal::counter("reelgate_config_looks_total", Unit::Count,
        "Times a running node read its configuration again, by result.")
        .by(&["result"], Series::Closed(|| one(&["same", "changed", "refused", "unreachable"])))
        .normal("`refused` and `unreachable` stay 0");
    COST_ANOMALIES = Signal::counter("reelgate_cost_anomalies_total", Unit::Count,
        "Days on which a GB of the uploads of a prefix or a profile cost unusually much, told by the node that judged the day.")
        .by(&["scope"], Series::Closed(|| Scope::ALL.iter().map(|scope| vec![scope.as_str()]).collect()))
        .normal("0 on most days");
    COST_NANO_USD = Signal::counter("reelgate_cost_nano_usd_total", Unit::NanoUsd,
        "List price of what attempts used that ended on this node; 0 where the node has no price. The ledger has the lines.")
        .by(&["stage"], Series::Closed(|| one(STAGES)))
        .normal("most of it is `transcode`");
    DEAD_LETTERS = Signal::gauge("reelgate_dead_letters", Unit::Count,
        "Events in the dead-letter queue, about; counted every minute by nodes with the role intake.")
        .normal("0");
    DETECTION_SECONDS = Signal::seconds("reelgate_detection_seconds", DETECTION,
        "Seconds from the ingestion of an upload to the result of its first screening.")
        .normal("below 900");
    FAULTS = Signal::counter("reelgate_faults_total", Unit::Count, "Faults of attempts.")
        .by(&["code", "class"], Series::Closed(codes))
        .normal("`bad_media` and `policy` follow the producers; the other classes stay near 0");
    FINDINGS_SWEPT = Signal::counter("reelgate_findings_swept_total", Unit::Count,
        "Findings of the external scanner seen by sweeps; `found`: their event had not come.")
        .by(&["result"], Series::Closed(|| one(&["listed", "found"])))
        .normal("`found` stays 0");
    FINDINGS = Signal::counter("reelgate_findings_total", Unit::Count,
        "Kinds of personal data found, once for each screening.")
        .by(&["kind", "severity"], Series::Open {
            most: 300,
            reason: "policy adds kinds and changes their severity",
        })
        .normal("what the producers' uploads hold");
    HISTORY_REMOVED = Signal::counter("reelgate_history_removed_total", Unit::Count,
        "Pieces of history removed for their age: months in PostgreSQL, assets in SQLite.")
        .normal("grows once a day or once a month")
        .not_shown("it tells that a daily job ran, which is no reason to look at a dashboard");
    INVARIANT_VIOLATIONS = Signal::gauge("reelgate_invariant_violations", Unit::Count,
        "Invariants found broken since the start.")
        .by(&["id"], Series::Closed(|| one(Violation::IDS)))
        .normal("0, always");
    LEASES_LOST = Signal::counter("reelgate_leases_lost_total", Unit::Count,
        "Tasks stopped because their lease could not be renewed.")
        .normal("0");
    NOTICES = Signal::counter("reelgate_notices_total", Unit::Count, "Deliveries of notices by result and receiver.")
        .by(&["result", "receiver"], Series::Receivers(&["delivered", "ended", "refused"]))
        .normal("`refused` stays 0");
    OUTBOX = Signal::gauge("reelgate_outbox", Unit::Count, "Notices not yet delivered, once for each receiver.")
        .by(&["state"], Series::Closed(|| one(&["owed"])))
        .normal("returns to 0");
    OUTBOX_AGE_SECONDS = Signal::gauge("reelgate_outbox_age_seconds", Unit::Seconds,
        "Seconds since the oldest notice that a receiver has not got yet was put into the outbox.")
        .by(&["receiver"], Series::Receivers(&[]))
        .normal("below 60");
    OUTBOX_NOTICES = Signal::gauge("reelgate_outbox_notices", Unit::Count, "Notices that a receiver has not got yet.")
        .by(&["receiver"], Series::Receivers(&[]))
        .normal("returns to 0");
    QUARANTINES = Signal::counter("reelgate_quarantines_total", Unit::Count,
        "Quarantines completed: everything was removed, and a check showed that nothing is readable.")
        .normal("follows the findings of high severity");
    REPORTS_STALE = Signal::counter("reelgate_reports_stale_total", Unit::Count,
        "Results refused because their attempt was no longer current.")
        .normal("grows by a few when nodes die");
    RESPONSE_SECONDS = Signal::seconds("reelgate_response_seconds", WITHIN_MINUTES,
        "Seconds from the decision to quarantine an asset to the proof that nothing of it is readable.")
        .normal("below 300");
    S3_REQUESTS = Signal::counter("reelgate_s3_requests_total", Unit::Count,
        "Requests to S3 that attempts sent, repeated ones too; DELETE is free and not among them.")
        .by(&["kind"], Series::Closed(s3_requests))
        .normal("follows the uploads: two writes for each segment");
    SCREENINGS = Signal::counter("reelgate_screenings_total", Unit::Count,
        "Screenings by the highest severity of what they found, and whether everything that policy requires was searched.")
        .by(&["severity", "searched"], Series::Closed(|| {
            let severities: Vec<_> = Severity::ALL.iter().map(|severity| severity.as_str()).collect();
            two(&severities, &["whole", "incomplete"])
        }))
        .normal("`incomplete` stays near 0");
    SELF_TESTS = Signal::counter("reelgate_self_tests_total", Unit::Count, "Self-tests of this node.")
        .by(&["result"], Series::Closed(|| one(&["passed", "failed"])))
        .normal("`failed` stays 0");
    SERVICE_AWAY = Signal::gauge("reelgate_service_away", Unit::Count,
        "1 while this node's tasks fail in a row because of a service, otherwise 0.")
        .by(&["service"], Series::Closed(|| one(SERVICES)))
        .normal("0");
    SOURCE_BYTES = Signal::counter("reelgate_source_bytes_total", Unit::Bytes,
        "Bytes of sources that tasks opened: `local`, `fetched` from the object store, or `fetched_not_kept` because they are larger than objects.scratch_bytes_max.")
        .by(&["result"], Series::Closed(|| one(&["local", "fetched", "fetched_not_kept"])))
        .normal("`fetched_not_kept` stays 0");
    SPANS = Signal::counter("reelgate_spans_total", Unit::Count, "Spans by result: exported, failed or dropped.")
        .by(&["result"], Series::Closed(|| one(&["exported", "failed", "dropped"])))
        .normal("`failed` and `dropped` stay 0");
    STORE_ANSWER_AGE_SECONDS = Signal::gauge("reelgate_store_answer_age_seconds", Unit::Seconds,
        "Seconds since the store answered this node's report, which is sent every few seconds; the counts of work are no newer.")
        .normal("below 10");
    STORE_FAILURES = Signal::counter("reelgate_store_failures_total", Unit::Count, "Store calls that failed.")
        .by(&["operation"], Series::Closed(|| one(OPERATIONS)))
        .normal("0 but for a restart of the database");
    SWEPT = Signal::counter("reelgate_swept_total", Unit::Count, "Uploads seen by sweeps.")
        .by(&["result"], Series::Closed(|| one(&["listed", "found"])))
        .normal("`found` stays 0");
    TASK_SECONDS = Signal::seconds("reelgate_task_seconds", ATTEMPT, "Wall-clock seconds of one attempt.")
        .by(&["stage"], Series::Closed(|| one(STAGES)))
        .normal("steady for each stage");
    TASKS_BEGAN = Signal::counter("reelgate_tasks_began_total", Unit::Count, "Attempts begun.")
        .by(&["stage"], Series::Closed(|| one(STAGES)))
        .normal("as many as end");
    TASKS_ENDED = Signal::counter("reelgate_tasks_ended_total", Unit::Count, "Attempts ended.")
        .by(&["stage", "result"], Series::Closed(|| two(STAGES, &["success", "fault", "given_back"])))
        .normal("almost all `success`");
    TASKS_LEASED = Signal::gauge("reelgate_tasks_leased", Unit::Count, "Tasks under a live lease.")
        .by(&["lane"], Series::Closed(lanes))
        .normal("at most what the nodes run at once");
    TASKS_READY = Signal::gauge("reelgate_tasks_ready", Unit::Count, "Tasks claimable or waiting for a retry.")
        .by(&["lane"], Series::Closed(lanes))
        .normal("returns to 0 after each wave of uploads");
    TASKS_REFUSED = Signal::counter("reelgate_tasks_refused_total", Unit::Count, "Claims a stage's mailbox refused.")
        .by(&["stage"], Series::Closed(|| one(STAGE_ACTORS)))
        .normal("0");
    UNARCHIVED = Signal::counter("reelgate_unarchived_total", Unit::Count,
        "Events that an upload was restored from its archive, by what became of its asset.")
        .by(&["result"], Series::Closed(|| one(&["redriven", "unknown", "not_waiting", "refused"])))
        .normal("follows restorations")
        .not_shown("restorations are rare and are followed asset by asset with `reelgate why`");
    UPLOAD_SECONDS = Signal::seconds("reelgate_upload_seconds", UPLOAD,
        "Seconds from the ingestion of an upload to its first end.")
        .normal("below 3,600");
    UPLOADS = Signal::counter("reelgate_uploads_total", Unit::Count, "Upload events ingested.")
        .by(&["result"], Series::Closed(|| one(&["new", "again", "refused"])))
        .normal("`refused` stays 0");
    WITHDRAWALS_DELAYED = Signal::counter("reelgate_withdrawals_delayed_total", Unit::Count,
        "Attempts to withdraw an asset (reject, quarantine, supersede, erase) that failed and are tried again; until one succeeds, its outputs may be readable.")
        .normal("0");
    WORK_LEFT_SECONDS = Signal::gauge("reelgate_work_left_seconds", Unit::Seconds,
        "Seconds until the lane is empty at the fleet's present capacity; reported by nodes with the role intake.")
        .by(&["lane"], Series::Closed(lanes))
        .normal("below what producers accept");
    WORKER_CPU_MILLISECONDS = Signal::counter("reelgate_worker_cpu_milliseconds_total", Unit::Milliseconds,
        "CPU milliseconds of media workers.")
        .by(&["stage"], Series::Closed(|| one(STAGES)))
        .normal("most of it is `transcode`");
}
