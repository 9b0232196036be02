//! What is promised, and how fast the room for exceptions is used up.
//!
//! An objective of 99 % leaves 1 % of the events of 30 days as room. A burn rate of 1 uses exactly that in 30 days. Each alert
//! looks at a long and at a short window: the long one says that it matters, the short one that it still goes on.

/// One objective.
pub struct Slo {
    /// Label `slo` of its rules.
    pub id: &'static str,
    /// The part of an alert's name.
    pub name: &'static str,
    /// The histogram of seconds.
    pub histogram: &'static str,
    /// Bound of the histogram within which an event is good.
    pub within: &'static str,
    /// Share of good events.
    pub objective: f64,
    /// What it means that it is missed.
    pub meaning: &'static str,
    pub consequence: &'static str,
    pub runbook: &'static str,
    pub command: &'static str,
}

/// A burn rate and the windows over which it is measured.
pub struct Burn {
    pub rate: f64,
    pub long: &'static str,
    pub short: &'static str,
    /// Whether it wakes somebody.
    pub pages: bool,
}

pub const BURNS: [Burn; 4] = [
    Burn { rate: 14.4, long: "1h", short: "5m", pages: true },
    Burn { rate: 6.0, long: "6h", short: "30m", pages: true },
    Burn { rate: 3.0, long: "1d", short: "2h", pages: false },
    Burn { rate: 1.0, long: "3d", short: "6h", pages: false },
];

pub const ALL: [Slo; 4] = [
    Slo {
        id: "detection",
        name: "Detection",
        histogram: "reelgate_detection_seconds",
        within: "900",
        objective: 0.99,
        meaning: "Too many uploads are screened later than 15 minutes after they came.",
        consequence: "Personal data stays unknown for longer than is promised; nothing is published before it is screened.",
        runbook: "docs/guide/operations.md#scaling",
        command: "reelgate queue",
    },
    Slo {
        id: "response",
        name: "Response",
        histogram: "reelgate_response_seconds",
        within: "300",
        objective: 0.99,
        meaning: "Too many quarantines take longer than 5 minutes.",
        consequence: "Personal data that was found may be readable for longer than is promised.",
        runbook: "docs/guide/incident-runbook.md#1-you-receive-a-notice",
        command: "reelgate list --state withdrawing",
    },
    Slo {
        id: "alert",
        name: "Alert",
        histogram: "reelgate_alert_seconds",
        within: "60",
        objective: 0.99,
        meaning: "Too many notices of quarantines reach a receiver later than a minute.",
        consequence: "Security officers act later than is promised.",
        runbook: "docs/guide/operations.md#failure-by-failure",
        command: "reelgate check",
    },
    Slo {
        id: "upload",
        name: "Upload",
        histogram: "reelgate_upload_seconds",
        within: "3600",
        objective: 0.95,
        meaning: "Too many uploads end later than an hour after they came.",
        consequence: "Producers wait longer than is promised.",
        runbook: "docs/guide/operations.md#scaling",
        command: "reelgate queue",
    },
];

/// Each window once, shortest first.
pub const WINDOWS: [&str; 7] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"];

/// Name of the recorded share of bad events over a window.
pub fn recorded(window: &str) -> String {
    format!("reelgate:slo_bad:share_{window}")
}

impl Slo {
    /// The share of bad events over a window; nothing while there were no events.
    pub fn bad_share(&self, window: &str) -> String {
        let Self { histogram, within, .. } = self;
        format!(
            "1 - (sum(increase({histogram}_bucket{{le=\"{within}\"}}[{window}])) / (sum(increase({histogram}_count[{window}])) > 0))"
        )
    }

    /// Whether the room is used up this fast, by urgency.
    pub fn burns(&self, pages: bool) -> String {
        let one = |burn: &Burn| {
            let bound = format!("{} * {:.2}", burn.rate, 1.0 - self.objective);
            let over = |window| format!("{}{{slo=\"{}\"}} > ({bound})", recorded(window), self.id);
            format!("({} and {})", over(burn.long), over(burn.short))
        };
        BURNS.iter().filter(|burn| burn.pages == pages).map(one).collect::<Vec<_>>().join(" or ")
    }
}
