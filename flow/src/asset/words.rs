//! The words for an asset's state. Rows, JSON and metrics use the same ones.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];
            /// The word used in rows, JSON and metrics.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
            /// Parses the text of `as_str`.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

pub(crate) use words;

words!(
    /// The phase of an asset's life.
    Phase {
        /// Ingested; validation is due.
        Received = "received",
        /// It has the content of another asset: waits for that asset's end, then for the screening of its own name.
        Linked = "linked",
        /// Validated; media work and screening are due.
        Processing = "processing",
        /// Screened, and packaged or linked; publishing is due.
        Screened = "screened",
        /// It leaves through one of the exits; outputs are being removed.
        Withdrawing = "withdrawing",
        /// Outputs are visible.
        Published = "published",
        /// A caption file that belongs to a film, which is read and published with it.
        Attached = "attached",
        /// Refused; the producer must act.
        Rejected = "rejected",
        /// It holds personal data, or not everything in it could be searched; a security officer must decide.
        Quarantined = "quarantined",
        /// Out of attempts; an operator must act and may redrive it.
        Failed = "failed",
        /// A newer version of the key replaced it.
        Superseded = "superseded",
        /// A security officer released it; source and outputs are being restored.
        Releasing = "releasing",
        /// Everything but its record was removed.
        Erased = "erased",
    }
);

impl Phase {
    /// Whether nothing happens any more without a new input from outside.
    pub fn is_ended(self) -> bool {
        matches!(
            self,
            Self::Published
                | Self::Attached
                | Self::Rejected
                | Self::Quarantined
                | Self::Failed
                | Self::Superseded
                | Self::Erased
        )
    }

    /// The notice that is due when an asset ends in this phase. A superseded asset has none; its newer version has. An attached
    /// one has none either; its film has.
    pub fn notice(self) -> Option<NoticeKind> {
        match self {
            Self::Published => Some(NoticeKind::Published),
            Self::Rejected => Some(NoticeKind::Rejected),
            Self::Quarantined => Some(NoticeKind::Quarantined),
            Self::Failed => Some(NoticeKind::Failed),
            Self::Erased => Some(NoticeKind::Erased),
            _ => None,
        }
    }
}

words!(
    /// The part with which a redo of a published asset begins; later stages are done again too.
    Redo {
        /// From the beginning, as a new upload.
        Validate = "validate",
        /// Every encode, video and audio.
        Transcode = "transcode",
        /// The encodes of the video, all rungs: a chunk's are encoded together.
        Video = "video",
        /// The encode of the audio.
        Audio = "audio",
        /// Sampled frames and text, and with them the screening.
        Enrich = "enrich",
        /// The screening. The text is gathered again for it, because none is kept after an asset has ended.
        Screen = "screen",
        /// Playlists.
        Package = "package",
        /// Publishing alone, with its notice.
        Publish = "publish",
    }
);

words!(
    /// The result of screening. `unscanned` never counts as clean.
    Verdict {
        /// Not screened, or not completely.
        Unscanned = "unscanned",
        /// Every surface that policy requires was screened whole; nothing of medium severity or above.
        Clean = "clean",
        /// Screened; something of medium severity or above.
        Flagged = "flagged",
    }
);

words!(
    /// Severity of a finding, or the highest severity among the findings of an asset. Configurations may spell it as Macie
    /// does, too: `HIGH` or `High`.
    Severity {
        /// There is no finding.
        None = "none",
        /// Logged.
        #[cfg_attr(feature = "serde", serde(alias = "LOW", alias = "Low"))]
        Low = "low",
        /// Published with a flag.
        #[cfg_attr(feature = "serde", serde(alias = "MEDIUM", alias = "Medium"))]
        Medium = "medium",
        /// Quarantined.
        #[cfg_attr(feature = "serde", serde(alias = "HIGH", alias = "High"))]
        High = "high",
    }
);

words!(
    /// What policy asks for because of a finding, in the order of strictness.
    #[derive(Default)]
    Response {
        /// The finding is recorded, and nothing else.
        #[default]
        Log = "log",
        /// Published, and marked as flagged.
        PublishTagged = "publish_tagged",
        /// What was found is removed from picture and sound, then the asset is published.
        RedactThenPublish = "redact_then_publish",
        /// Quarantined.
        Quarantine = "quarantine",
    }
);

words!(
    /// The state of a task. The store keeps its lease.
    TaskState {
        /// May be claimed, or is claimed.
        Ready = "ready",
        /// Paused while the asset is failed; a redrive starts it again.
        Parked = "parked",
        /// Finished.
        Done = "done",
        /// Out of attempts.
        Dead = "dead",
        /// No longer needed, because the asset is withdrawn or began again. Kept because its attempts are the fence.
        Dropped = "dropped",
    }
);

words!(
    /// The exit through which an asset is withdrawn; kept after it has left.
    Exit {
        /// To `rejected`.
        Reject = "reject",
        /// To `quarantined`.
        Quarantine = "quarantine",
        /// To `superseded`.
        Supersede = "supersede",
        /// To `erased`.
        Erase = "erase",
    }
);

impl Exit {
    /// The phase in which an asset ends that leaves through it.
    pub fn leads_to(self) -> Phase {
        match self {
            Self::Reject => Phase::Rejected,
            Self::Quarantine => Phase::Quarantined,
            Self::Supersede => Phase::Superseded,
            Self::Erase => Phase::Erased,
        }
    }
}

words!(
    /// What a notice reports.
    NoticeKind {
        /// Outputs are visible.
        Published = "published",
        /// Refused.
        Rejected = "rejected",
        /// Quarantined for personal data, or because not everything could be searched for it.
        Quarantined = "quarantined",
        /// Out of attempts.
        Failed = "failed",
        /// Everything but its record was removed.
        Erased = "erased",
        /// In quarantine for long; a security officer should decide.
        ReviewDue = "review_due",
        /// How far the audit log has come; it concerns no asset.
        AuditSealed = "audit_sealed",
        /// Uploads cost unusually much on a day; it concerns no asset.
        CostAnomaly = "cost_anomaly",
    }
);
