//! What wakes somebody, or asks for somebody within days. Each alert says what it means, what follows if nobody acts, where the
//! runbook is, and one command to begin with.

/// One alert of Prometheus.
pub struct Alert {
    pub name: &'static str,
    pub expression: &'static str,
    /// How long the expression must hold; `0s`: not at all.
    pub lasts: &'static str,
    /// Whether it wakes somebody; otherwise it waits for working hours.
    pub pages: bool,
    pub meaning: &'static str,
    pub consequence: &'static str,
    /// Page and heading.
    pub runbook: &'static str,
    pub command: &'static str,
}

const FAILURES: &str = "docs/guide/operations.md#failure-by-failure";
const EVENTS: &str = "docs/guide/operations.md#events-that-were-not-delivered";

/// All but those of the objectives ([`crate::slo`]).
pub const ALL: &[Alert] = &[
    Alert {
        name: "ReelgateWithdrawalDelayed",
        expression: "sum(increase(reelgate_withdrawals_delayed_total[10m])) > 0",
        lasts: "0s",
        pages: true,
        meaning: "An asset that must not be readable could not be withdrawn.",
        consequence: "Its outputs may be readable until a later try succeeds.",
        runbook: "docs/guide/incident-runbook.md#1-you-receive-a-notice",
        command: "reelgate list --state withdrawing",
    },
    Alert {
        name: "ReelgateInvariantBroken",
        expression: "sum by (id) (reelgate_invariant_violations) > 0",
        lasts: "0s",
        pages: true,
        meaning: "The store found an asset in a state that must not exist.",
        consequence: "What is shown or kept of that asset may be wrong. It is a mistake of the program; the alert stays until the node is started again.",
        runbook: "docs/guide/incident-runbook.md#was-the-record-changed",
        command: "reelgate audit verify",
    },
    Alert {
        name: "ReelgateJailViolation",
        expression: "sum(increase(reelgate_faults_total{code=\"jail_violation\"}[1h])) > 0",
        lasts: "0s",
        pages: true,
        meaning: "A media worker asked the kernel for something that the jail forbids, and was ended.",
        consequence: "Nothing got out. Somebody may be trying to, by an upload.",
        runbook: "docs/design/jail.md#the-jail",
        command: "reelgate list --state failed",
    },
    Alert {
        name: "ReelgateAuditNotSealed",
        expression: "min(reelgate_audit_seal_age_seconds) > 600",
        lasts: "0s",
        pages: true,
        meaning: "No node could seal the audit log, or it does not hold the seal that was kept.",
        consequence: "Changes of the record from now on would not be found. The database may be an older copy.",
        runbook: "docs/guide/incident-runbook.md#was-the-record-changed",
        command: "reelgate audit verify",
    },
    Alert {
        name: "ReelgateNoNode",
        expression: "absent(reelgate_leases_lost_total)",
        lasts: "5m",
        pages: true,
        meaning: "Prometheus reads the metrics of no node.",
        consequence: "Uploads wait, and no other alert can tell anything.",
        runbook: "docs/guide/operations.md#watching",
        command: "reelgate fleet status",
    },
    Alert {
        name: "ReelgateStoreSilent",
        expression: "max by (instance) (reelgate_store_answer_age_seconds) > 60",
        lasts: "1m",
        pages: true,
        meaning: "The database has not answered this node for more than a minute.",
        consequence: "The node claims nothing; its finished work waits in memory, and its leases expire.",
        runbook: FAILURES,
        command: "reelgate check",
    },
    Alert {
        name: "ReelgateServiceAway",
        expression: "max by (service) (reelgate_service_away) > 0",
        lasts: "5m",
        pages: true,
        meaning: "Tasks fail in a row because a service does not answer or a disk is full.",
        consequence: "Tasks wait for it and use up no attempts; uploads take longer.",
        runbook: FAILURES,
        command: "reelgate check",
    },
    Alert {
        name: "ReelgateNoticeNotDelivered",
        expression: "max by (receiver) (reelgate_outbox_age_seconds) > 600",
        lasts: "0s",
        pages: true,
        meaning: "A receiver has not got a notice for more than ten minutes.",
        consequence: "It knows nothing of assets that ended since, nor of personal data that was found.",
        runbook: FAILURES,
        command: "reelgate check",
    },
    Alert {
        name: "ReelgateFaults",
        expression: "sum(increase(reelgate_faults_total{class!~\"bad_media|policy\"}[15m])) / (sum(increase(reelgate_tasks_ended_total[15m])) > 0) > 0.1",
        lasts: "10m",
        pages: true,
        meaning: "More than a tenth of the attempts fail for reasons that are not the producers'.",
        consequence: "Work is repeated and assets may fail.",
        runbook: "docs/guide/troubleshooting.md#the-log-says",
        command: "reelgate list --state failed",
    },
    Alert {
        name: "ReelgateNodeUnfit",
        expression: "sum by (instance) (increase(reelgate_self_tests_total{result=\"failed\"}[10m])) > 0",
        lasts: "0s",
        pages: false,
        meaning: "A node failed its self-test.",
        consequence: "It takes no work until it passes; the others do its share.",
        runbook: FAILURES,
        command: "reelgate fleet status",
    },
    Alert {
        name: "ReelgateLongWait",
        expression: "max by (lane) (reelgate_work_left_seconds) > 3600",
        lasts: "30m",
        pages: false,
        meaning: "More than an hour of work is left in a lane.",
        consequence: "Producers wait longer than is promised.",
        runbook: "docs/guide/operations.md#scaling",
        command: "reelgate queue",
    },
    Alert {
        name: "ReelgateDeadLetters",
        expression: "max(reelgate_dead_letters) > 0",
        lasts: "5m",
        pages: false,
        meaning: "Events could not be delivered.",
        consequence: "Their uploads are not known until the events are sent again or a sweep finds them.",
        runbook: EVENTS,
        command: "reelgate events redrive-dlq",
    },
    Alert {
        name: "ReelgateEventsLost",
        expression: "sum(increase(reelgate_swept_total{result=\"found\"}[1h])) > 0",
        lasts: "0s",
        pages: false,
        meaning: "A sweep found uploads whose event never came.",
        consequence: "Uploads begin hours late as long as events are lost.",
        runbook: EVENTS,
        command: "reelgate check",
    },
    Alert {
        name: "ReelgateFindingsLost",
        expression: "sum(increase(reelgate_findings_swept_total{result=\"found\"}[1h])) > 0",
        lasts: "0s",
        pages: false,
        meaning: "A sweep found findings of the external scanner whose event had not come.",
        consequence: "Personal data is found hours late as long as events are lost.",
        runbook: EVENTS,
        command: "reelgate check",
    },
    Alert {
        name: "ReelgateMessagesRefused",
        expression: "sum(increase(reelgate_uploads_total{result=\"refused\"}[15m])) > 0",
        lasts: "0s",
        pages: false,
        meaning: "Messages came that are no events of Reelgate.",
        consequence: "They are skipped. If they were meant to be events, their uploads are not known.",
        runbook: FAILURES,
        command: "reelgate sweep --dry-run",
    },
    Alert {
        name: "ReelgateConfigurationRefused",
        expression: "sum(increase(reelgate_config_looks_total{result=\"refused\"}[15m])) > 0",
        lasts: "0s",
        pages: false,
        meaning: "A new configuration is one with which no node could start.",
        consequence: "Running nodes keep the old one; a node that starts now fails.",
        runbook: "docs/guide/operations.md#changing-the-configuration",
        command: "reelgate check",
    },
    Alert {
        name: "ReelgateLeasesLost",
        expression: "sum by (instance) (increase(reelgate_leases_lost_total[15m])) > 0",
        lasts: "0s",
        pages: false,
        meaning: "A node could not renew its leases in time and stopped its tasks.",
        consequence: "Other nodes repeat that work.",
        runbook: FAILURES,
        command: "reelgate fleet status",
    },
    Alert {
        name: "ReelgateActorPanicked",
        expression: "sum by (actor) (increase(reelgate_actor_exits_total{result=\"panicked\"}[15m])) > 0",
        lasts: "0s",
        pages: false,
        meaning: "A part of a node panicked and was built again.",
        consequence: "Its work is repeated. It is a mistake of the program.",
        runbook: FAILURES,
        command: "reelgate fleet status",
    },
    Alert {
        name: "ReelgateCostAnomaly",
        expression: "sum by (scope) (increase(reelgate_cost_anomalies_total[6h])) > 0",
        lasts: "0s",
        pages: false,
        meaning: "A GB of the uploads of a prefix or a profile cost unusually much yesterday.",
        consequence: "It may cost as much every day.",
        runbook: "docs/guide/cost.md#an-unusual-day",
        command: "reelgate cost anomalies",
    },
    Alert {
        name: "ReelgateScratchTooSmall",
        expression: "sum(increase(reelgate_source_bytes_total{result=\"fetched_not_kept\"}[6h])) > 0",
        lasts: "0s",
        pages: false,
        meaning: "Sources are larger than the room in which a node keeps them.",
        consequence: "Each task fetches its source again, which takes time and money.",
        runbook: "docs/guide/operations.md#disk",
        command: "reelgate check",
    },
];

/// An alert of either kind, as its rule and its row in the page say it.
pub struct Described {
    pub name: String,
    pub expression: String,
    pub lasts: &'static str,
    pub pages: bool,
    pub meaning: &'static str,
    pub consequence: &'static str,
    pub runbook: &'static str,
    pub command: &'static str,
}

/// Every alert, those of the objectives last.
pub fn all() -> Vec<Described> {
    let of_signals = ALL.iter().map(|alert| Described {
        name: alert.name.to_owned(),
        expression: alert.expression.to_owned(),
        lasts: alert.lasts,
        pages: alert.pages,
        meaning: alert.meaning,
        consequence: alert.consequence,
        runbook: alert.runbook,
        command: alert.command,
    });
    let of_objectives = crate::slo::ALL.iter().flat_map(|slo| {
        [true, false].map(|pages| Described {
            name: format!("Reelgate{}Budget{}", slo.name, if pages { "Burns" } else { "Shrinks" }),
            expression: slo.burns(pages),
            lasts: "0s",
            pages,
            meaning: slo.meaning,
            consequence: slo.consequence,
            runbook: slo.runbook,
            command: slo.command,
        })
    });
    of_signals.chain(of_objectives).collect()
}

/// The word in rules and pages.
pub fn urgency(pages: bool) -> &'static str {
    if pages { "page" } else { "ticket" }
}
