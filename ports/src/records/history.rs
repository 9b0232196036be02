//! Lines of an asset's history. The event of a line is a type, because publishing and metrics depend on it. Its words are
//! only for rows, exports and people.

use reelgate_flow::asset::Phase;
use reelgate_flow::ids::NodeId;
use reelgate_flow::task::TaskKey;
use serde::{Deserialize, Serialize};

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// The event of a line of history.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum HistoryEvent {
            /// The asset entered this phase; the line's detail is the phase's word.
            Entered(Phase),
            $($(#[$doc])* $variant,)*
        }

        impl HistoryEvent {
            /// The word used in rows, exports and the output of `why`.
            pub fn as_str(self) -> &'static str {
                match self {
                    Self::Entered(_) => "entered",
                    $(Self::$variant => $text,)*
                }
            }

            /// Parses a stored line's word, and its detail if the word alone is not enough.
            pub fn parse(word: &str, detail: &str) -> Option<Self> {
                match word {
                    "entered" => Phase::parse(detail).map(Self::Entered),
                    $($text => Some(Self::$variant),)*
                    _ => None,
                }
            }

            #[cfg(test)]
            const WITHOUT_PHASE: &[Self] = &[$(Self::$variant,)*];
        }
    };
}

events! {
    /// An upload event made the asset.
    Arrived = "event",
    /// A task may be claimed.
    Due = "due",
    /// A node has claimed a task.
    Claimed = "claimed",
    /// A task succeeded.
    Finished = "finished",
    /// An attempt failed, and the task is retried.
    Retrying = "retrying",
    /// An attempt failed, and it was the last one.
    GaveUp = "gave_up",
    /// A node gave a task back without a result.
    GivenBack = "given_back",
    /// Screening reached a verdict.
    Judged = "judged",
    /// The asset shares the outputs of another one with the same content.
    Linked = "linked",
    /// An operator redrove a failed asset.
    Redriven = "redriven",
    /// The asset goes into quarantine.
    Quarantining = "quarantining",
    /// A caption file beside it has come.
    Captioned = "captioned",
    /// A hold was placed or lifted.
    Held = "held",
    /// Parts are encoded again with something covered.
    Redacting = "redacting",
    /// A published asset is processed again.
    Redone = "redone",
    /// Its work waits for money.
    OverBudget = "over_budget",
    /// The external scanner found something.
    Scanned = "scanned",
    /// The review of a quarantined asset is due.
    ReviewDue = "review_due",
    /// The producer deleted the upload.
    Deleted = "deleted",
    /// Every receiver got the notice.
    NoticeSent = "notice_sent",
    /// A withdrawal removed everything and proved it.
    Closed = "closed",
    /// A person decided.
    Decided = "decided",
    /// A person proposed a decision, which a second person has to approve.
    Proposed = "proposed",
    /// The rule that some decisions need two people was switched on or off. It concerns no single asset, so only the audit log has it.
    RuleChanged = "rule_changed",
    /// A message could not be parsed as an event. It belongs to no asset, so only the audit log has it.
    Refused = "refused",
}

/// A line of an asset's history.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "StoredLine", into = "StoredLine")]
pub struct HistoryRecord {
    /// Position in the asset's history, from 1, without gaps.
    pub sequence: u64,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// The event.
    pub event: HistoryEvent,
    /// The task it concerns.
    pub task: Option<TaskKey>,
    /// The attempt it concerns.
    pub attempt: Option<u32>,
    /// The node that acted.
    pub node: Option<NodeId>,
    /// Milliseconds it took.
    pub wall_ms: Option<u64>,
    /// Further details, as text without personal data.
    pub detail: String,
}

/// The stored form of a line.
#[derive(Serialize, Deserialize)]
struct StoredLine {
    sequence: u64,
    at_ms: u64,
    what: String,
    task: Option<TaskKey>,
    attempt: Option<u32>,
    node: Option<NodeId>,
    wall_ms: Option<u64>,
    detail: String,
}

impl TryFrom<StoredLine> for HistoryRecord {
    type Error = String;

    fn try_from(stored: StoredLine) -> Result<Self, String> {
        let StoredLine { sequence, at_ms, what, task, attempt, node, wall_ms, detail } = stored;
        let event = HistoryEvent::parse(&what, &detail).ok_or("expected a known event of history")?;
        Ok(Self { sequence, at_ms, event, task, attempt, node, wall_ms, detail })
    }
}

impl From<HistoryRecord> for StoredLine {
    fn from(line: HistoryRecord) -> Self {
        let HistoryRecord { sequence, at_ms, event, task, attempt, node, wall_ms, detail } = line;
        Self { sequence, at_ms, what: event.as_str().to_owned(), task, attempt, node, wall_ms, detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_back_as_they_are_written() {
        for event in HistoryEvent::WITHOUT_PHASE {
            assert_eq!(HistoryEvent::parse(event.as_str(), "published"), Some(*event));
        }
        for phase in Phase::ALL {
            let event = HistoryEvent::Entered(*phase);
            assert_eq!(HistoryEvent::parse(event.as_str(), phase.as_str()), Some(event));
        }
    }

    #[test]
    fn a_line_with_an_unknown_word_or_phase_is_refused_and_a_known_line_keeps_its_form() {
        let line = |what: &str, detail: &str| {
            format!(
                r#"{{"sequence":1,"at_ms":2,"what":"{what}","task":null,"attempt":null,"node":null,"wall_ms":null,"detail":"{detail}"}}"#
            )
        };
        for (what, detail) in [("vanished", ""), ("entered", "nowhere"), ("entered", "")] {
            assert!(serde_json::from_str::<HistoryRecord>(&line(what, detail)).is_err(), "{what} {detail}");
        }
        let known = line("entered", "published");
        let read: HistoryRecord = serde_json::from_str(&known).unwrap();
        assert_eq!(read.event, HistoryEvent::Entered(Phase::Published));
        assert_eq!(serde_json::to_string(&read).unwrap(), known);
    }
}
