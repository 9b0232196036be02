//! The life of an asset: [`Asset::step`] alone knows what comes after what.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::limits::{BACKOFF_MAX_MS, BACKOFF_MIN_MS, CHUNKS_MAX, REDRIVES_MAX, TASKS_MAX};
use crate::reason::{Code, Fault};
use crate::task::TaskKey;

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
        /// Same content as another asset; waits for that one's end.
        Linked = "linked",
        /// Validated; media work and screening are due.
        Processing = "processing",
        /// Screened and packaged; publishing is due.
        Screened = "screened",
        /// On the way out by one of the doors; outputs are being removed.
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
    }
);

impl Phase {
    /// Nothing further happens by itself.
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Published | Self::Rejected | Self::Quarantined | Self::Failed | Self::Superseded)
    }
}

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
    /// Where a task stands. Leases are the store's matter.
    TaskState {
        /// May be claimed, or is claimed.
        Ready = "ready",
        /// Set aside while the asset is failed, or no longer needed.
        Parked = "parked",
        /// Finished.
        Done = "done",
        /// Out of attempts.
        Dead = "dead",
    }
);

words!(
    /// The door a withdrawing asset leaves by.
    Door {
        /// To `rejected`.
        Reject = "reject",
        /// To `quarantined`.
        Quarantine = "quarantine",
        /// To `superseded`.
        Supersede = "supersede",
    }
);

words!(
    /// What a notice tells.
    NoticeKind {
        /// Outputs are visible.
        Published = "published",
        /// Refused.
        Rejected = "rejected",
        /// Set apart for personal data.
        Quarantined = "quarantined",
        /// Out of attempts.
        Failed = "failed",
    }
);

/// One task as the core sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TaskRecord {
    /// Where it stands.
    pub state: TaskState,
    /// Times it was started: the fence. Only grows; the claim counts it before work starts.
    pub attempts: u32,
    /// Starts that do not count against the limit: before the last redrive, or given back.
    pub excused: u32,
}

/// How the asset with the same content ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TwinEnd {
    /// Its final phase.
    pub phase: Phase,
    /// Its severity.
    pub severity: Severity,
    /// Its reason, where it has one.
    pub reason: Option<Fault>,
}

/// What validation learned of an earlier asset with the same content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Twin {
    /// There is none that can be linked to.
    None,
    /// It has not ended yet.
    Running,
    /// It has ended.
    Ended(TwinEnd),
}

/// The result of a task that went well.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Validate: the plan's size.
    Validated {
        /// Chunks of video, 0 for audio-only.
        video_chunks: u16,
        /// Whether there is audio to encode.
        audio: bool,
        /// Filled in by the store, which alone can look.
        twin: Twin,
    },
    /// Screen: the highest severity found.
    Screened {
        /// Highest severity among the findings.
        severity: Severity,
    },
    /// Any other task is simply finished.
    Finished,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// The upload was taken in.
    Arrived,
    /// An attempt went well.
    Done {
        /// Which task.
        task: TaskKey,
        /// Which attempt; must be the current one.
        attempt: u32,
        /// Its result.
        outcome: Outcome,
    },
    /// An attempt went wrong, or its lease ran out (`worker_lost`).
    Failed {
        /// Which task.
        task: TaskKey,
        /// Which attempt; must be the current one.
        attempt: u32,
        /// What went wrong.
        fault: Fault,
    },
    /// A claimed task was given back unfinished (drain); the start is excused.
    GivenBack {
        /// Which task.
        task: TaskKey,
        /// Which attempt; must be the current one.
        attempt: u32,
    },
    /// The asset with the same content ended.
    TwinEnded(TwinEnd),
    /// A newer version of the key arrived, or was published.
    Superseded,
    /// An operator wants another try.
    Redrive,
}

/// What must be done about it, in the same transaction as the new state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Make the task claimable after the delay, lease cleared.
    Start {
        /// Which task.
        task: TaskKey,
        /// Milliseconds from now.
        delay_ms: u64,
    },
    /// Write the task's new state, lease cleared; whoever holds it is fenced.
    Settle {
        /// Which task.
        task: TaskKey,
        /// Its state.
        state: TaskState,
    },
    /// Put a notice into the outbox.
    Owe(NoticeKind),
    /// Feed [`Input::TwinEnded`] to every asset linked to this one.
    TellFollowers(TwinEnd),
    /// A line for the asset's history.
    Note(Note),
}

/// A line of the asset's history: what `reelgate why` prints.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Note {
    /// The phase changed.
    Entered(Phase),
    /// A task is due.
    Due(TaskKey),
    /// A task went well.
    Finished(TaskKey, u32),
    /// An attempt went wrong; the next one starts after the delay.
    Retrying(TaskKey, u32, Fault, u64),
    /// An attempt went wrong and was the last.
    GaveUp(TaskKey, u32, Fault),
    /// Given back unfinished.
    GivenBack(TaskKey, u32),
    /// Screening's result.
    Judged(Verdict, Severity),
    /// Linked to an earlier asset with the same content.
    LinkedToTwin,
    /// An operator asked for another try.
    Redriven(u32),
}

/// The input does not apply to the asset as it stands; nothing was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stale;

/// An asset as the core sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asset {
    /// Where it is in its life.
    pub phase: Phase,
    /// Its tasks, at most [`TASKS_MAX`].
    pub tasks: BTreeMap<TaskKey, TaskRecord>,
    /// Screening's result so far.
    pub verdict: Verdict,
    /// Highest severity so far; a twin's counts as its own.
    pub severity: Severity,
    /// Why it was refused or failed.
    pub reason: Option<Fault>,
    /// The door it leaves by while withdrawing.
    pub door: Option<Door>,
    /// Whether it shows an earlier asset's outputs instead of its own.
    pub linked: bool,
    /// Times it was redriven.
    pub redrives: u32,
    /// Seeds the jitter, so that assets do not retry in step; derived from the id by the store.
    pub jitter_seed: u64,
}

impl Asset {
    /// An asset that [`Input::Arrived`] is about to be fed to.
    pub fn new(jitter_seed: u64) -> Self {
        Self {
            phase: Phase::Received,
            tasks: BTreeMap::new(),
            verdict: Verdict::Unscanned,
            severity: Severity::None,
            reason: None,
            door: None,
            linked: false,
            redrives: 0,
            jitter_seed,
        }
    }

    /// Applies one input: either changes the asset and lists the effects, or changes nothing.
    pub fn step(&mut self, input: Input, effects: &mut Vec<Effect>) -> Result<(), Stale> {
        match input {
            Input::Arrived => self.arrived(effects),
            Input::Done { task, attempt, outcome } => self.done(task, attempt, outcome, effects),
            Input::Failed { task, attempt, fault } => self.failed(task, attempt, fault, effects),
            Input::GivenBack { task, attempt } => self.given_back(task, attempt, effects),
            Input::TwinEnded(end) => self.twin_ended(end, effects),
            Input::Superseded => self.superseded(effects),
            Input::Redrive => self.redriven(effects),
        }
    }

    fn arrived(&mut self, effects: &mut Vec<Effect>) -> Result<(), Stale> {
        if self.phase != Phase::Received || !self.tasks.is_empty() {
            return Err(Stale);
        }
        effects.push(Effect::Note(Note::Entered(Phase::Received)));
        self.start(TaskKey::Validate, effects);
        Ok(())
    }

    fn done(
        &mut self,
        task: TaskKey,
        attempt: u32,
        outcome: Outcome,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Stale> {
        self.check_fence(task, attempt)?;
        let fits = match (&outcome, task) {
            (Outcome::Validated { video_chunks, audio, .. }, TaskKey::Validate) => {
                *video_chunks <= CHUNKS_MAX && (*video_chunks > 0 || *audio)
            }
            (Outcome::Screened { .. }, TaskKey::Screen) => true,
            (Outcome::Finished, TaskKey::Validate | TaskKey::Screen) => false,
            (Outcome::Finished, _) => true,
            _ => false,
        };
        if !fits {
            return Err(Stale);
        }
        self.settle(task, TaskState::Done, effects);
        effects.push(Effect::Note(Note::Finished(task, attempt)));
        match outcome {
            Outcome::Validated { video_chunks, audio, twin } => {
                self.validated(video_chunks, audio, twin, effects)
            }
            Outcome::Screened { severity } => self.screened(severity, effects),
            Outcome::Finished => self.finished(task, effects),
        }
        Ok(())
    }

    fn validated(&mut self, video_chunks: u16, audio: bool, twin: Twin, effects: &mut Vec<Effect>) {
        match twin {
            Twin::None => {
                self.enter(Phase::Processing, effects);
                for chunk in 0..video_chunks {
                    self.start(TaskKey::Video { chunk }, effects);
                }
                if audio {
                    self.start(TaskKey::Audio, effects);
                }
                self.start(TaskKey::Enrich, effects);
            }
            Twin::Running => self.link(effects),
            Twin::Ended(end) => {
                self.link(effects);
                self.follow(end, effects);
            }
        }
    }

    fn link(&mut self, effects: &mut Vec<Effect>) {
        self.linked = true;
        self.enter(Phase::Linked, effects);
        effects.push(Effect::Note(Note::LinkedToTwin));
    }

    fn twin_ended(&mut self, end: TwinEnd, effects: &mut Vec<Effect>) -> Result<(), Stale> {
        let waits = self.phase == Phase::Linked && !self.tasks.contains_key(&TaskKey::Screen);
        if !waits || !end.phase.is_ended() {
            return Err(Stale);
        }
        self.follow(end, effects);
        Ok(())
    }

    fn follow(&mut self, end: TwinEnd, effects: &mut Vec<Effect>) {
        match end.phase {
            // The content was screened with the twin; this upload's own name was not.
            Phase::Published => {
                self.severity = self.severity.max(end.severity);
                self.start(TaskKey::Screen, effects);
            }
            Phase::Quarantined => {
                self.severity = self.severity.max(end.severity);
                self.verdict = Verdict::Flagged;
                self.withdraw(Door::Quarantine, end.reason, effects);
            }
            Phase::Rejected => self.withdraw(Door::Reject, end.reason, effects),
            // The twin left no result to share: this upload is processed on its own.
            _ => {
                self.linked = false;
                self.enter(Phase::Received, effects);
                self.start(TaskKey::Validate, effects);
            }
        }
    }

    fn screened(&mut self, severity: Severity, effects: &mut Vec<Effect>) {
        self.severity = self.severity.max(severity);
        self.verdict = if self.severity >= Severity::Medium { Verdict::Flagged } else { Verdict::Clean };
        effects.push(Effect::Note(Note::Judged(self.verdict, self.severity)));
        if self.severity == Severity::High {
            let fault = Fault::new(Code::PersonalData, "");
            return self.withdraw(Door::Quarantine, Some(fault), effects);
        }
        if self.linked {
            return self.end(Phase::Published, effects);
        }
        self.publish_when_ready(effects);
    }

    fn finished(&mut self, task: TaskKey, effects: &mut Vec<Effect>) {
        match task {
            TaskKey::Video { .. } | TaskKey::Audio => {
                let encodes = |key: &TaskKey| matches!(key, TaskKey::Video { .. } | TaskKey::Audio);
                if self.tasks.iter().filter(|(key, _)| encodes(key)).all(|(_, t)| t.state == TaskState::Done)
                {
                    self.start(TaskKey::Package, effects);
                }
            }
            TaskKey::Enrich => self.start(TaskKey::Screen, effects),
            TaskKey::Package => self.publish_when_ready(effects),
            TaskKey::Publish => self.end(Phase::Published, effects),
            TaskKey::Withdraw => {
                let phase = match self.door {
                    Some(Door::Quarantine) => Phase::Quarantined,
                    Some(Door::Supersede) => Phase::Superseded,
                    Some(Door::Reject) | None => Phase::Rejected,
                };
                self.end(phase, effects);
            }
            TaskKey::Validate | TaskKey::Screen => {}
        }
    }

    fn publish_when_ready(&mut self, effects: &mut Vec<Effect>) {
        let packaged = self.is_done(TaskKey::Package);
        let accepted = self.is_done(TaskKey::Screen) && self.verdict != Verdict::Unscanned;
        if packaged && accepted {
            self.enter(Phase::Screened, effects);
            self.start(TaskKey::Publish, effects);
        }
    }

    fn failed(
        &mut self,
        task: TaskKey,
        attempt: u32,
        fault: Fault,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Stale> {
        let record = self.check_fence(task, attempt)?;
        let counted = attempt.saturating_sub(record.excused);
        if counted < fault.code.attempts_max() {
            let delay_ms = self.backoff_ms(task, counted);
            effects.push(Effect::Note(Note::Retrying(task, attempt, fault, delay_ms)));
            effects.push(Effect::Start { task, delay_ms });
            return Ok(());
        }
        self.settle(task, TaskState::Dead, effects);
        effects.push(Effect::Note(Note::GaveUp(task, attempt, fault.clone())));
        // While withdrawing, the first reason stays: a refused asset must not change its reason.
        let refuses = fault.code.class().is_producers() && self.phase != Phase::Withdrawing;
        if refuses {
            let door = if fault.code == Code::Superseded { Door::Supersede } else { Door::Reject };
            self.withdraw(door, Some(fault), effects);
            return Ok(());
        }
        if self.door.is_none() {
            self.reason = Some(fault);
        }
        self.park_ready(effects);
        self.end(Phase::Failed, effects);
        Ok(())
    }

    fn given_back(&mut self, task: TaskKey, attempt: u32, effects: &mut Vec<Effect>) -> Result<(), Stale> {
        self.check_fence(task, attempt)?;
        if let Some(record) = self.tasks.get_mut(&task) {
            record.excused += 1;
        }
        effects.push(Effect::Note(Note::GivenBack(task, attempt)));
        effects.push(Effect::Start { task, delay_ms: 0 });
        Ok(())
    }

    fn superseded(&mut self, effects: &mut Vec<Effect>) -> Result<(), Stale> {
        match self.phase {
            // The newer version's outputs already stand where this one's stood.
            Phase::Published => self.end(Phase::Superseded, effects),
            Phase::Received | Phase::Linked | Phase::Processing | Phase::Screened | Phase::Failed => {
                self.withdraw(Door::Supersede, Some(Fault::new(Code::Superseded, "")), effects);
            }
            Phase::Withdrawing | Phase::Rejected | Phase::Quarantined | Phase::Superseded => {
                return Err(Stale);
            }
        }
        Ok(())
    }

    fn redriven(&mut self, effects: &mut Vec<Effect>) -> Result<(), Stale> {
        let may = matches!(self.phase, Phase::Failed | Phase::Rejected) && self.redrives < REDRIVES_MAX;
        if !may {
            return Err(Stale);
        }
        self.redrives += 1;
        effects.push(Effect::Note(Note::Redriven(self.redrives)));
        if self.phase == Phase::Rejected {
            // Its outputs are gone: from the beginning.
            self.forget_results(effects);
            self.enter(Phase::Received, effects);
            self.start(TaskKey::Validate, effects);
            return Ok(());
        }
        let phase = self.phase_before_failure();
        if self.door.is_none() {
            self.reason = None;
        }
        self.enter(phase, effects);
        let stopped: Vec<TaskKey> = self.stopped_tasks();
        for task in stopped {
            self.start(task, effects);
        }
        Ok(())
    }

    fn stopped_tasks(&self) -> Vec<TaskKey> {
        let withdrawing = self.door.is_some();
        let stopped = |(key, t): &(&TaskKey, &TaskRecord)| {
            let belongs = !withdrawing || **key == TaskKey::Withdraw;
            belongs && matches!(t.state, TaskState::Parked | TaskState::Dead)
        };
        self.tasks.iter().filter(stopped).map(|(key, _)| *key).collect()
    }

    fn phase_before_failure(&self) -> Phase {
        if self.door.is_some() {
            return Phase::Withdrawing;
        }
        if !self.is_done(TaskKey::Validate) {
            return Phase::Received;
        }
        if self.linked {
            return Phase::Linked;
        }
        if self.tasks.contains_key(&TaskKey::Publish) { Phase::Screened } else { Phase::Processing }
    }

    fn forget_results(&mut self, effects: &mut Vec<Effect>) {
        self.verdict = Verdict::Unscanned;
        self.severity = Severity::None;
        self.reason = None;
        self.door = None;
        self.linked = false;
        let all: Vec<TaskKey> = self.tasks.keys().copied().collect();
        for task in all {
            self.settle(task, TaskState::Parked, effects);
        }
    }

    fn withdraw(&mut self, door: Door, reason: Option<Fault>, effects: &mut Vec<Effect>) {
        self.park_ready(effects);
        self.door = Some(door);
        self.reason = reason;
        self.enter(Phase::Withdrawing, effects);
        self.start(TaskKey::Withdraw, effects);
    }

    fn end(&mut self, phase: Phase, effects: &mut Vec<Effect>) {
        self.enter(phase, effects);
        let notice = match phase {
            Phase::Published => Some(NoticeKind::Published),
            Phase::Rejected => Some(NoticeKind::Rejected),
            Phase::Quarantined => Some(NoticeKind::Quarantined),
            Phase::Failed => Some(NoticeKind::Failed),
            _ => None,
        };
        effects.extend(notice.map(Effect::Owe));
        let end = TwinEnd { phase, severity: self.severity, reason: self.reason.clone() };
        if !self.linked {
            effects.push(Effect::TellFollowers(end));
        }
    }

    fn enter(&mut self, phase: Phase, effects: &mut Vec<Effect>) {
        self.phase = phase;
        effects.push(Effect::Note(Note::Entered(phase)));
    }

    fn start(&mut self, task: TaskKey, effects: &mut Vec<Effect>) {
        assert!(self.tasks.len() <= TASKS_MAX, "an asset has at most TASKS_MAX tasks");
        let record =
            self.tasks.entry(task).or_insert(TaskRecord { state: TaskState::Ready, attempts: 0, excused: 0 });
        record.state = TaskState::Ready;
        record.excused = record.attempts;
        effects.push(Effect::Note(Note::Due(task)));
        effects.push(Effect::Start { task, delay_ms: 0 });
    }

    fn settle(&mut self, task: TaskKey, state: TaskState, effects: &mut Vec<Effect>) {
        if let Some(record) = self.tasks.get_mut(&task) {
            record.state = state;
            effects.push(Effect::Settle { task, state });
        }
    }

    fn park_ready(&mut self, effects: &mut Vec<Effect>) {
        let ready = |(_, t): &(&TaskKey, &TaskRecord)| t.state == TaskState::Ready;
        let tasks: Vec<TaskKey> = self.tasks.iter().filter(ready).map(|(key, _)| *key).collect();
        for task in tasks {
            self.settle(task, TaskState::Parked, effects);
        }
    }

    fn is_done(&self, task: TaskKey) -> bool {
        self.tasks.get(&task).is_some_and(|t| t.state == TaskState::Done)
    }

    fn check_fence(&self, task: TaskKey, attempt: u32) -> Result<TaskRecord, Stale> {
        let record = self.tasks.get(&task).ok_or(Stale)?;
        let current = record.state == TaskState::Ready && record.attempts == attempt && attempt > 0;
        if current { Ok(*record) } else { Err(Stale) }
    }

    /// Exponential, capped, with up to a quarter added by a hash, so that the core needs no randomness.
    fn backoff_ms(&self, task: TaskKey, attempts: u32) -> u64 {
        let doublings = attempts.saturating_sub(1).min(16);
        let base = (BACKOFF_MIN_MS << doublings).min(BACKOFF_MAX_MS);
        let chunk = if let TaskKey::Video { chunk } = task { u64::from(chunk) } else { 0 };
        let mut hash = self.jitter_seed ^ (chunk << 32) ^ u64::from(attempts);
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash ^= hash >> 33;
        base + hash % (base / 4).max(1)
    }
}
