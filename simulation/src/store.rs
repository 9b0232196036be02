//! The model of the store: which tasks are due, and which attempts are current. The core takes every decision about an asset
//! (`Asset::step`, `Asset::as_original`), about order (`ports::order`, `TaskKey::urgency`) and about invariants.
//!
//! It is a model, and not `store::memory` behind `store::service`, for two reasons. A run of a million uploads has 19 million
//! tasks, and this model takes about 3 µs for a task. The service loads, copies, checks and writes whole rows, lines of
//! history and notices in each call: 115 to 150 µs for a task of an asset with 18 tasks (measured in the `dev` profile on a
//! busy machine), which makes five minutes three hours. And the memory store keeps every asset with its history and products,
//! 31 KB for such an asset (measured), where this model keeps three bytes of an ended asset. The seeded schedules of
//! `store/tests` drive the production service instead.
//!
//! Each call does what a backend does in one transaction, and counts the rows that a database would write. The model keeps no
//! leases: the fleet decides when a claim is reported or lost.

use std::collections::{BTreeMap, VecDeque};

use reelgate_flow::asset::{
    Asset, Effect, Input, Original, OriginalEnd, Outcome, Phase, Screening, TaskState,
};
use reelgate_flow::invariants::{self, Violation};
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::order::{self, Priority};

use crate::agenda::{MS, Ns};
use crate::life::{EndedAsset, Life};
use crate::media::{AttemptEnding, Workload};
use crate::queue::{Due, DueQueue};

/// Every step is checked for one asset of this many; the end is checked for all assets.
const CHECKED_ONE_IN: u32 = 64;
/// The store's clock at the start of virtual time, milliseconds: a day after 1970, so that the head start of a priority is not
/// cut off.
const BEGIN_MS: u64 = 86_400_000;

/// Rows written to ingest one upload: asset, event, history, and the end of its producer's queue.
const ROWS_OF_INGEST: u64 = 4;
/// Rows written by a claim: the task with its lease, and a line of history.
const ROWS_OF_CLAIM: u64 = 2;

/// Names the attempt that may report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fence {
    pub(crate) asset: u32,
    pub(crate) task: TaskKey,
    pub(crate) attempt: u32,
}

/// How an attempt ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AttemptOutcome {
    Ended(AttemptEnding),
    GivenBack,
    /// No report came before the lease expired.
    Lost,
}

/// Something that the simulation must act on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum News {
    /// The task becomes due again at this time.
    Due { at: Ns, asset: u32, task: TaskKey },
    /// An asset ended this long after its arrival.
    Ended { phase: Phase, priority: Priority, took: Ns },
}

/// Counts since the start of the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) claims: u64,
    pub(crate) rows: u64,
    pub(crate) committed: u64,
    pub(crate) stale: u64,
    pub(crate) faults: u64,
    pub(crate) lost: u64,
    pub(crate) given_back: u64,
    pub(crate) ended: u64,
    pub(crate) checked_steps: u64,
}

/// The modelled store.
pub(crate) struct StoreModel {
    workload: Workload,
    lives: Vec<Option<Box<Life>>>,
    pub(crate) ended: Vec<EndedAsset>,
    light: DueQueue,
    heavy: DueQueue,
    behind: BTreeMap<(u32, Priority), u64>,
    effects: Vec<Effect>,
    follow_ups: VecDeque<(Vec<u32>, OriginalEnd)>,
    pub(crate) news: Vec<News>,
    pub(crate) counts: Counts,
    pub(crate) violations: BTreeMap<&'static str, (u64, &'static str)>,
}

impl StoreModel {
    /// An empty store for this many assets.
    pub(crate) fn new(workload: Workload, assets: u32) -> Self {
        let assets = assets as usize;
        Self {
            workload,
            lives: std::iter::repeat_with(|| None).take(assets).collect(),
            ended: vec![EndedAsset::NOT; assets],
            light: DueQueue::default(),
            heavy: DueQueue::default(),
            behind: BTreeMap::new(),
            effects: Vec::new(),
            follow_ups: VecDeque::new(),
            news: Vec::new(),
            counts: Counts::default(),
            violations: BTreeMap::new(),
        }
    }

    /// The due tasks of a lane.
    pub(crate) fn queue(&mut self, lane: Lane) -> &mut DueQueue {
        match lane {
            Lane::Light => &mut self.light,
            Lane::Heavy => &mut self.heavy,
        }
    }

    /// Ingests an upload that arrived at `arrived`.
    pub(crate) fn ingest(&mut self, now: Ns, asset: u32, arrived: Ns) {
        let upload = self.workload.upload(asset);
        let flow = (upload.producer, upload.priority);
        let place = order::place(clock_ms(now), upload.priority, self.behind.get(&flow).copied());
        self.behind.insert(flow, order::after(place, upload.size_bytes));
        let replaces = upload.replaces;
        // Spreads the index over all bits, as the store's seed from the asset's id is.
        let core = Asset::new(u64::from(asset).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let life = Life { core, upload, place, arrived, duplicates: Vec::new() };
        if let Some(slot) = self.lives.get_mut(asset as usize) {
            *slot = Some(Box::new(life));
        }
        self.counts.rows += ROWS_OF_INGEST;
        self.step(now, asset, Input::Arrived);
        // Superseding a published version is not modelled.
        if let Some(older) = replaces {
            self.step(now, older, Input::Superseded);
        }
        self.follow_up(now);
    }

    /// A delayed task becomes due.
    pub(crate) fn due(&mut self, now: Ns, asset: u32, task: TaskKey) {
        if let Some(place) = self.life(asset).map(|life| life.place) {
            self.queue(task.lane()).put(place, asset, task, now);
        }
    }

    /// Leases the first due task of a lane and counts the attempt.
    pub(crate) fn claim(&mut self, lane: Lane) -> Option<(Fence, Due)> {
        while let Some(due) = self.queue(lane).take() {
            let Some(life) = self.lives.get_mut(due.asset as usize).and_then(Option::as_mut) else {
                continue;
            };
            let is_due =
                life.core.tasks.get(&due.task).is_some_and(|record| {
                    record.state == TaskState::Ready && record.attempts == record.answered
                });
            if !is_due {
                continue;
            }
            let Some(attempt) = life.count_attempt(due.task) else { continue };
            self.counts.claims += 1;
            self.counts.rows += ROWS_OF_CLAIM;
            return Some((Fence { asset: due.asset, task: due.task, attempt }, due));
        }
        None
    }

    /// How long the attempt of a claimed task takes, and how it ends.
    pub(crate) fn attempt(&self, fence: Fence) -> Option<(Ns, AttemptEnding)> {
        let life = self.life(fence.asset)?;
        Some(self.workload.attempt(fence.asset, &life.upload, fence.task, fence.attempt))
    }

    /// Commits a report; false if it is stale.
    pub(crate) fn complete(&mut self, now: Ns, fence: Fence, outcome: AttemptOutcome) -> bool {
        let Fence { asset, task, attempt } = fence;
        let input = match outcome {
            AttemptOutcome::Ended(AttemptEnding::Success) => {
                Input::Done { task, attempt, outcome: self.outcome(asset, task) }
            }
            AttemptOutcome::Ended(AttemptEnding::Fault(code)) => {
                Input::Failed { task, attempt, fault: AttemptEnding::fault(code) }
            }
            AttemptOutcome::GivenBack => Input::GivenBack { task, attempt },
            AttemptOutcome::Lost => Input::Failed { task, attempt, fault: Fault::new(Code::WorkerLost, "") },
        };
        if !self.step(now, asset, input) {
            self.counts.stale += 1;
            return false;
        }
        let counts = &mut self.counts;
        match outcome {
            AttemptOutcome::Ended(AttemptEnding::Success) => counts.committed += 1,
            AttemptOutcome::Ended(AttemptEnding::Fault(_)) => counts.faults += 1,
            AttemptOutcome::GivenBack => counts.given_back += 1,
            AttemptOutcome::Lost => counts.lost += 1,
        }
        self.follow_up(now);
        true
    }

    /// Number of assets that arrived and have not ended.
    pub(crate) fn unended(&self) -> usize {
        self.lives.iter().flatten().count()
    }

    fn life(&self, asset: u32) -> Option<&Life> {
        self.lives.get(asset as usize).and_then(Option::as_deref)
    }

    fn outcome(&mut self, asset: u32, task: TaskKey) -> Outcome {
        let Some(life) = self.life(asset) else { return Outcome::Finished };
        match task {
            TaskKey::Validate => {
                let (video_chunks, duplicate_of) = (life.upload.chunks, life.upload.duplicate_of);
                let original = duplicate_of.map_or(Original::None, |earlier| self.original(asset, earlier));
                Outcome::Validated { video_chunks, audio: true, captions: false, files: false, original }
            }
            TaskKey::Screen => Outcome::Screened(Screening::of(life.upload.severity)),
            _ => Outcome::Finished,
        }
    }

    /// What the earlier asset with the same content can share; links the asset to it if it has not ended.
    fn original(&mut self, asset: u32, earlier: u32) -> Original {
        match self.lives.get_mut(earlier as usize).and_then(Option::as_mut) {
            Some(life) => {
                let original = life.core.as_original();
                if matches!(original, Original::Running { .. }) {
                    life.duplicates.push(asset);
                }
                original
            }
            None => self.ended.get(earlier as usize).map_or(Original::None, |ended| ended.as_original()),
        }
    }

    /// Steps an asset and carries out the effects; false if the input was stale.
    fn step(&mut self, now: Ns, asset: u32, input: Input) -> bool {
        let Some(mut life) = self.lives.get_mut(asset as usize).and_then(Option::take) else { return false };
        let mut effects = std::mem::take(&mut self.effects);
        let before = asset.is_multiple_of(CHECKED_ONE_IN).then(|| (life.core.clone(), input.clone()));
        let applied = life.core.step(input, &mut effects).is_ok();
        if let Some((before, input)) = before {
            self.counts.checked_steps += 1;
            let checked = invariants::check_step(&before, &input, &life.core, &effects)
                .and_then(|()| invariants::check(&life.core));
            self.hold(checked);
        }
        if applied {
            self.carry_out(now, asset, &mut life, &effects);
        }
        effects.clear();
        self.effects = effects;
        if applied && life.core.phase.is_ended() {
            self.hold(invariants::check(&life.core));
            self.counts.ended += 1;
            let took = now - life.arrived;
            self.news.push(News::Ended { phase: life.core.phase, priority: life.upload.priority, took });
            if let Some(ended) = self.ended.get_mut(asset as usize) {
                ended.phase = life.core.phase;
                ended.endings = ended.endings.saturating_add(1);
            }
        } else if let Some(slot) = self.lives.get_mut(asset as usize) {
            *slot = Some(life);
        }
        applied
    }

    fn carry_out(&mut self, now: Ns, asset: u32, life: &mut Life, effects: &[Effect]) {
        // The asset's own row, and one row of history for the whole step.
        self.counts.rows += 2;
        for effect in effects {
            match effect {
                Effect::Start { task, delay_ms } => {
                    self.counts.rows += 1;
                    if *delay_ms == 0 {
                        self.queue(task.lane()).put(life.place, asset, *task, now);
                    } else {
                        self.news.push(News::Due { at: now + delay_ms * MS, asset, task: *task });
                    }
                }
                Effect::Settle { .. } => self.counts.rows += 1,
                // A modelled asset is quarantined for content that no other one has, and nobody redacts one.
                Effect::CloseOver { .. } | Effect::RedactSameContent => {}
                // No modelled upload is a caption file.
                Effect::ReadByFilm | Effect::QuarantineFilm | Effect::StepCaptionFiles(_) => {}
                Effect::Owe(_) => {
                    // Written now; removed with a line of history after its delivery.
                    self.counts.rows += 3;
                    if let Some(ended) = self.ended.get_mut(asset as usize) {
                        ended.notices = ended.notices.saturating_add(1);
                    }
                }
                Effect::NotifyDuplicates(end) => {
                    let duplicates = std::mem::take(&mut life.duplicates);
                    if !duplicates.is_empty() {
                        self.follow_ups.push_back((duplicates, end.clone()));
                    }
                }
                Effect::Note(_) => {}
            }
        }
    }

    fn follow_up(&mut self, now: Ns) {
        while let Some((duplicates, end)) = self.follow_ups.pop_front() {
            for duplicate in duplicates {
                self.step(now, duplicate, Input::OriginalEnded(end.clone()));
            }
        }
    }

    fn hold(&mut self, checked: Result<(), Violation>) {
        if let Err(Violation { id, sentence }) = checked {
            self.violations.entry(id).or_insert((0, sentence)).0 += 1;
        }
    }
}

/// The store's clock, milliseconds since 1970.
fn clock_ms(now: Ns) -> u64 {
    BEGIN_MS + now / MS
}
