//! The words an asset's state is written in: rows, JSON and metrics use the same ones.

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
            /// Reads what `as_str` wrote.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

words!(
    /// Where an asset is in its life.
    Phase {
        /// Taken in; validation is due.
        Received = "received",
        /// Same content as another asset: waits for that one's end, then for its own name's screening.
        Linked = "linked",
        /// Validated; media work and screening are due.
        Processing = "processing",
        /// Screened, and packaged or linked; publishing is due.
        Screened = "screened",
        /// On the way out by one of the exits; outputs are being removed.
        Withdrawing = "withdrawing",
        /// Outputs are visible.
        Published = "published",
        /// Refused: the producer's to mend.
        Rejected = "rejected",
        /// Personal data: a security officer's to decide.
        Quarantined = "quarantined",
        /// Ours to mend; redrivable.
        Failed = "failed",
        /// A newer version of the key took its place.
        Superseded = "superseded",
        /// A security officer let it go; source and outputs are being brought back.
        Releasing = "releasing",
        /// Nothing of it is left but its record.
        Erased = "erased",
    }
);

impl Phase {
    /// Nothing further happens by itself.
    pub fn is_ended(self) -> bool {
        matches!(
            self,
            Self::Published
                | Self::Rejected
                | Self::Quarantined
                | Self::Failed
                | Self::Superseded
                | Self::Erased
        )
    }

    /// The notice that ending here owes; a superseded asset owes none, the newer version's tells.
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
    /// Where making a published asset anew begins; what comes after it is done again too.
    Redo {
        /// From the beginning, as a new upload.
        Validate = "validate",
        /// Every encode, video and audio.
        Transcode = "transcode",
        /// The encodes of the video, all rungs: a chunk's are encoded together.
        Video = "video",
        /// The encode of the audio.
        Audio = "audio",
        /// Pictures and text, and with the text the screening.
        Enrich = "enrich",
        /// The screening; the text is gathered again for it, since none is kept once an asset has ended.
        Screen = "screen",
        /// Playlists.
        Package = "package",
        /// Publishing alone, with its notice.
        Publish = "publish",
    }
);

words!(
    /// What screening found. `unscanned` never counts as clean.
    Verdict {
        /// Not screened, or not completely.
        Unscanned = "unscanned",
        /// Screened; nothing of medium severity or above.
        Clean = "clean",
        /// Screened; something of medium severity or above.
        Flagged = "flagged",
    }
);

words!(
    /// The highest severity among the findings.
    Severity {
        /// No finding.
        None = "none",
        /// Logged.
        Low = "low",
        /// Published with a flag.
        Medium = "medium",
        /// Quarantined.
        High = "high",
    }
);

words!(
    /// What policy asks for because of a finding. The order is the order of strictness.
    #[derive(Default)]
    Response {
        /// Nothing but the record.
        #[default]
        Log = "log",
        /// Published, and marked as flagged.
        PublishTagged = "publish_tagged",
        /// What was found is taken out of picture and sound, then published.
        RedactThenPublish = "redact_then_publish",
        /// Quarantined.
        Quarantine = "quarantine",
    }
);

words!(
    /// Where a task stands. Leases are the store's matter.
    TaskState {
        /// May be claimed, or is claimed.
        Ready = "ready",
        /// Set aside while the asset is failed; a redrive starts it again.
        Parked = "parked",
        /// Finished.
        Done = "done",
        /// Out of attempts.
        Dead = "dead",
        /// No longer needed: the asset is on its way out, or began again. Kept for its attempts, the fence.
        Dropped = "dropped",
    }
);

words!(
    /// The exit a withdrawing asset leaves by; kept once it has left.
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
    /// The phase behind it.
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
    /// What a notice tells.
    NoticeKind {
        /// Outputs are visible.
        Published = "published",
        /// Refused.
        Rejected = "rejected",
        /// Quarantined for personal data.
        Quarantined = "quarantined",
        /// Out of attempts.
        Failed = "failed",
        /// Nothing is left of it.
        Erased = "erased",
        /// Quarantined for long; somebody should decide.
        ReviewDue = "review_due",
    }
);
