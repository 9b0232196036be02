//! Counts what schedules meet, for assertions that something happens sometimes, and traces a replayed seed.

use reelgate_flow::asset::{Asset, Exit, Input, NoticeKind, Phase, Severity, TaskState, Verdict};
use reelgate_ports::records::{HistoryEvent, HistoryRecord};

macro_rules! hits {
    ($($name:ident)*) => {
        #[derive(Clone, Copy)]
        pub enum Hit { $($name,)* }
        const NAMES: &[&str] = &[$(stringify!($name),)*];
    };
}

hits! {
    // faults
    EventDoubled EventReordered EventLost ResultLost ResultDoubled ResultReordered ResultLate
    Stalled ClaimedOverExpired CopyMissedOriginal
    CrashBeforeEffect CrashBeforeCommit CrashAfterCommit NodeKilled LeaseExpired Drained Infrastructure Away
    Transient Poisoned SourceTrouble Misfit FencedPublish FencedWithdraw NoticeRepeated OperatorRedrive
    // inputs, and inputs found stale
    Arrived Done Failed GivenBack Superseded Redrive Redo Quarantine Release Erase Hold Redact Found
    StaleArrived StaleDone StaleFailed StaleGivenBack StaleRedrive StaleRedo
    StaleQuarantine StaleRelease StaleErase StaleHold StaleRedact StaleFound RedactedWithContent
    // notices and lines of history
    Owe NoteEntered NoteDue NoteFinished NoteRetrying NoteGaveUp NoteGivenBack
    NoteJudged NoteLinked NoteRedriven NoteRedone NoteQuarantining NoteHeld NoteRedacting
    // states
    PhaseReceived PhaseLinked PhaseProcessing PhaseScreened PhaseWithdrawing PhasePublished PhaseRejected
    PhaseQuarantined PhaseFailed PhaseSuperseded PhaseReleasing PhaseErased PhaseAttached
    TaskReady TaskParked TaskDone TaskDead TaskDropped
    DoorReject DoorQuarantine DoorSupersede DoorErase
    VerdictUnscanned VerdictClean VerdictFlagged SeverityNone SeverityLow SeverityMedium SeverityHigh
    OwedPublished OwedRejected OwedQuarantined OwedFailed OwedErased
    // rare sequences
    OriginalNone OriginalRunning OriginalEnds DuplicatePublished DuplicateQuarantined DuplicateRejected DuplicateBeganAgain
    PublishedWithdrawn WithdrawDelayed RejectedRedriven LinkedRedriven RedrivenIntoNewer
    PlanShrank DuplicateOutlivedOriginal KeptFromBefore RedoWithdrawn
    ReleaseExpired RestoredWhole RestoredWithout RedactedByPolicy FoundByScanner ScannerAskedAnew
    HeldSuperseded RedoStoppedByHold HeldPublishingRedriven
    CaptionFileWaited CaptionFileMissedFilm CaptionFileRead CaptionFileReadLate CaptionFileLeftWithFilm
    LostAttemptCharged WasteCharged
    RulesChanged ClassifierUpgraded LookedAgain FoundInContent NotCoveredByRelease
}

/// Counts every [`Hit`] over all schedules, in a fixed array because this is the hot path.
pub struct Hits([u64; NAMES.len()]);

impl Hits {
    pub fn new() -> Self {
        Self([0; NAMES.len()])
    }

    pub fn hit(&mut self, hit: Hit) {
        self.0[hit as usize] += 1;
    }

    /// The names of hits that never happened.
    pub fn missed(&self) -> Vec<&'static str> {
        NAMES.iter().zip(self.0).filter(|(_, count)| *count == 0).map(|(name, _)| *name).collect()
    }

    pub fn lines(&self) -> String {
        NAMES.iter().zip(self.0).map(|(name, count)| format!("{name}={count} ")).collect()
    }
}

pub struct Journal {
    pub hits: Hits,
    /// `None` unless a seed is replayed, because formatting a step costs more than the step.
    pub trace: Option<Vec<String>>,
}

impl Journal {
    pub fn say(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(line());
        }
    }

    pub fn hit(&mut self, hit: Hit) {
        self.say(|| format!("    {}", NAMES[hit as usize]));
        self.hits.hit(hit);
    }

    pub fn input(&mut self, input: &Input, applied: bool) {
        let (taken, stale) = match input {
            Input::Arrived => (Hit::Arrived, Hit::StaleArrived),
            Input::Done { .. } => (Hit::Done, Hit::StaleDone),
            Input::Failed { .. } => (Hit::Failed, Hit::StaleFailed),
            Input::GivenBack { .. } => (Hit::GivenBack, Hit::StaleGivenBack),
            Input::OriginalEnded(_)
            | Input::Superseded
            | Input::ContentRedacted
            | Input::CaptionFileCame
            | Input::OverBudget { .. } => return,
            Input::Redrive { .. } => (Hit::Redrive, Hit::StaleRedrive),
            Input::Redo(_) => (Hit::Redo, Hit::StaleRedo),
            Input::Quarantine(_) => (Hit::Quarantine, Hit::StaleQuarantine),
            Input::Found { .. } => (Hit::Found, Hit::StaleFound),
            Input::Release => (Hit::Release, Hit::StaleRelease),
            Input::Erase => (Hit::Erase, Hit::StaleErase),
            Input::Hold(_) => (Hit::Hold, Hit::StaleHold),
            Input::Redact(_) => (Hit::Redact, Hit::StaleRedact),
        };
        self.hits.hit(if applied { taken } else { stale });
    }

    /// Counts a new line of history. Claims are counted elsewhere.
    pub fn line(&mut self, line: &HistoryRecord) {
        let hit = match line.event {
            HistoryEvent::Entered(_) => Hit::NoteEntered,
            HistoryEvent::Due => Hit::NoteDue,
            HistoryEvent::Finished => Hit::NoteFinished,
            HistoryEvent::Retrying => Hit::NoteRetrying,
            HistoryEvent::GaveUp => Hit::NoteGaveUp,
            HistoryEvent::GivenBack => Hit::NoteGivenBack,
            HistoryEvent::Judged => Hit::NoteJudged,
            HistoryEvent::Linked => Hit::NoteLinked,
            HistoryEvent::Redriven => Hit::NoteRedriven,
            HistoryEvent::Redone => Hit::NoteRedone,
            HistoryEvent::Quarantining => Hit::NoteQuarantining,
            HistoryEvent::Held => Hit::NoteHeld,
            HistoryEvent::Redacting => Hit::NoteRedacting,
            HistoryEvent::Captioned => Hit::CaptionFileRead,
            _ => return,
        };
        self.hits.hit(hit);
    }

    /// Counts a notice in the outbox.
    pub fn owed(&mut self, kind: NoticeKind) {
        self.hits.hit(Hit::Owe);
        self.hits.hit(match kind {
            NoticeKind::Published => Hit::OwedPublished,
            NoticeKind::Rejected => Hit::OwedRejected,
            NoticeKind::Quarantined => Hit::OwedQuarantined,
            NoticeKind::Failed => Hit::OwedFailed,
            NoticeKind::Erased => Hit::OwedErased,
            // Reminders, seals and unusual costs are caused by time, not by a step; schedules have none.
            NoticeKind::ReviewDue | NoticeKind::AuditSealed | NoticeKind::CostAnomaly => return,
        });
    }

    pub fn state(&mut self, asset: &Asset) {
        self.hits.hit(match asset.phase {
            Phase::Received => Hit::PhaseReceived,
            Phase::Linked => Hit::PhaseLinked,
            Phase::Processing => Hit::PhaseProcessing,
            Phase::Screened => Hit::PhaseScreened,
            Phase::Withdrawing => Hit::PhaseWithdrawing,
            Phase::Published => Hit::PhasePublished,
            Phase::Rejected => Hit::PhaseRejected,
            Phase::Quarantined => Hit::PhaseQuarantined,
            Phase::Failed => Hit::PhaseFailed,
            Phase::Superseded => Hit::PhaseSuperseded,
            Phase::Releasing => Hit::PhaseReleasing,
            Phase::Erased => Hit::PhaseErased,
            Phase::Attached => Hit::PhaseAttached,
        });
        for record in asset.tasks.values() {
            self.hits.hit(match record.state {
                TaskState::Ready => Hit::TaskReady,
                TaskState::Parked => Hit::TaskParked,
                TaskState::Done => Hit::TaskDone,
                TaskState::Dead => Hit::TaskDead,
                TaskState::Dropped => Hit::TaskDropped,
            });
        }
        match asset.exit {
            Some(Exit::Reject) => self.hits.hit(Hit::DoorReject),
            Some(Exit::Quarantine) => self.hits.hit(Hit::DoorQuarantine),
            Some(Exit::Supersede) => {
                self.hits.hit(Hit::Superseded);
                self.hits.hit(Hit::DoorSupersede);
            }
            Some(Exit::Erase) => self.hits.hit(Hit::DoorErase),
            None => {}
        }
        self.hits.hit(match asset.verdict {
            Verdict::Unscanned => Hit::VerdictUnscanned,
            Verdict::Clean => Hit::VerdictClean,
            Verdict::Flagged => Hit::VerdictFlagged,
        });
        self.hits.hit(match asset.severity {
            Severity::None => Hit::SeverityNone,
            Severity::Low => Hit::SeverityLow,
            Severity::Medium => Hit::SeverityMedium,
            Severity::High => Hit::SeverityHigh,
        });
    }
}
