//! The state of an asset.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::flags::Flags;
use super::messages::{Effect, Note};
use super::task_record::TaskRecord;
use super::words::{Exit, Phase, Severity, TaskState, Verdict};
use crate::reason::Fault;
use crate::surface::SurfaceReport;
use crate::task::TaskKey;

/// The core's state of an asset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asset {
    /// Its phase of life.
    pub phase: Phase,
    /// Its tasks, at most [`crate::limits::TASKS_MAX`]. None is ever removed, because its attempts are the fence.
    pub tasks: BTreeMap<TaskKey, TaskRecord>,
    /// The result of screening so far.
    pub verdict: Verdict,
    /// Highest severity of its findings so far.
    pub severity: Severity,
    /// How far each surface was analysed that the verdict is made of; empty before screening.
    pub surfaces: Vec<SurfaceReport>,
    /// Decisions of people and policy about it.
    pub flags: Flags,
    /// Why it was withdrawn or failed; `None` while neither is the case.
    pub reason: Option<Fault>,
    /// The exit through which it is withdrawn; kept after it has left.
    pub exit: Option<Exit>,
    /// Whether its outputs are a copy of an earlier asset's outputs instead of its own encodes.
    pub linked: bool,
    /// How often it was redriven, redone, redacted by a person or released.
    pub redrives: u32,
    /// Seed of the jitter, so that assets do not retry at the same time; the store derives it from the id.
    pub jitter_seed: u64,
}

impl Asset {
    /// A new asset; its first input is [`Input::Arrived`](super::Input::Arrived).
    pub fn new(jitter_seed: u64) -> Self {
        Self {
            phase: Phase::Received,
            tasks: BTreeMap::new(),
            verdict: Verdict::Unscanned,
            severity: Severity::None,
            surfaces: Vec::new(),
            flags: Flags::default(),
            reason: None,
            exit: None,
            linked: false,
            redrives: 0,
            jitter_seed,
        }
    }

    /// Whether an external scanner was asked and has not answered yet.
    pub(crate) fn awaits_scan(&self) -> bool {
        !matches!(self.state_of(TaskKey::ExternalScan), None | Some(TaskState::Done | TaskState::Dropped))
    }

    /// Whether everything that is packaged is done; encodes of an earlier plan are dropped and do not count.
    pub(crate) fn is_encoded(&self) -> bool {
        let planned = |(key, t): &(&TaskKey, &TaskRecord)| {
            matches!(key, TaskKey::Video { .. } | TaskKey::Audio | TaskKey::Captions)
                && t.state != TaskState::Dropped
        };
        self.tasks.iter().filter(planned).all(|(_, t)| t.state == TaskState::Done)
    }

    /// Whether an attempt to publish may have made outputs visible, so that publishing again may replace them.
    pub(super) fn may_be_visible(&self) -> bool {
        self.tasks.get(&TaskKey::Publish).is_some_and(|publish| publish.attempts > 0)
    }

    pub(super) fn enter(&mut self, phase: Phase, effects: &mut Vec<Effect>) {
        self.phase = phase;
        // These move the source themselves. If it is not kept afterwards, the next end starts to keep it.
        let moves_source = matches!(phase, Phase::Withdrawing | Phase::Releasing);
        if moves_source && self.state_of(TaskKey::KeepSource) == Some(TaskState::Ready) {
            self.settle(TaskKey::KeepSource, TaskState::Dropped, effects);
        }
        effects.push(Effect::Note(Note::Entered(phase)));
    }
}
