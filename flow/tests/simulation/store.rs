//! The model store: what one transaction of the real one does, in memory.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_flow::asset::{
    Asset, Cause, Effect, Exit, Input, NoticeKind, Original, OriginalEnd, Outcome, Phase, Redo, TaskState,
};
use reelgate_flow::invariants::{check, check_step};
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::TaskKey;

use crate::journal::{Hit, Journal};
use crate::oracle;
use crate::rng::Rng;
use crate::truth::Truth;

pub const LEASE_MS: u64 = 30_000;

/// Asset, what happened, place in the asset's history: the same notice has the same id whenever it is sent.
pub type NoticeId = (usize, NoticeKind, u64);

/// An asset, its tasks' leases and the place where its files lie.
pub struct Row {
    pub upload: usize,
    pub asset: Asset,
    pub linked_to: Option<usize>,
    pub leases: BTreeMap<TaskKey, u64>,
    pub ready_at: BTreeMap<TaskKey, u64>,
    /// Chunks and audio, as the latest validation planned.
    pub plan: (u16, bool),
    pub history: u64,
    /// Endings so far that owe a notice.
    pub endings: usize,
    /// Attempts that ended with a producer's code, by task.
    pub producers_faults: BTreeMap<TaskKey, u32>,
    pub staged: BTreeSet<TaskKey>,
    /// Whose outputs the publication that stands holds and no redo has outdated.
    pub shown: BTreeSet<TaskKey>,
    /// Outputs that were visible when it was quarantined, kept with it.
    pub kept: Option<usize>,
    /// Its outputs leave out what was found, be they its own or a copy.
    pub redacted: bool,
    /// The content this asset has put into its key's place, be it shown or displaced by a newer version's.
    pub visible: Option<usize>,
}

pub struct Store {
    pub now_ms: u64,
    pub truth: Truth,
    pub rows: Vec<Row>,
    /// By key: who has outputs in the place all its versions share; the last one's are shown, those below
    /// are kept aside until their own asset is withdrawn.
    pub places: BTreeMap<usize, Vec<usize>>,
    pub outbox: BTreeSet<NoticeId>,
    pub sent: BTreeSet<NoticeId>,
    pub journal: Journal,
}

impl Store {
    pub fn new(truth: Truth, journal: Journal) -> Self {
        Self {
            now_ms: 0,
            truth,
            rows: Vec::new(),
            places: BTreeMap::new(),
            outbox: BTreeSet::new(),
            sent: BTreeSet::new(),
            journal,
        }
    }

    /// Takes an event in: an upload that is known changes nothing.
    pub fn ingest(&mut self, upload: usize) -> Result<(), String> {
        if let Some(known) = self.rows.iter().position(|row| row.upload == upload) {
            return self.step(known, Input::Arrived).map(|_| ());
        }
        self.rows.push(Row {
            upload,
            asset: Asset::new(upload as u64),
            linked_to: None,
            leases: BTreeMap::new(),
            ready_at: BTreeMap::new(),
            plan: (0, false),
            history: 0,
            endings: 0,
            producers_faults: BTreeMap::new(),
            staged: BTreeSet::new(),
            shown: BTreeSet::new(),
            kept: None,
            redacted: false,
            visible: None,
        });
        let row = self.rows.len() - 1;
        self.step(row, Input::Arrived)?;
        if self.has_newer(row) {
            return self.step(row, Input::Superseded).map(|_| ());
        }
        for older in self.older(row) {
            // A published one stays until this one is published too.
            if self.rows[older].asset.phase != Phase::Published {
                self.step(older, Input::Superseded)?;
            }
        }
        Ok(())
    }

    /// Tasks that may be claimed now.
    pub fn claimable(&self) -> Vec<(usize, TaskKey)> {
        let mut found = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            for (task, record) in &row.asset.tasks {
                let due = row.ready_at.get(task).is_some_and(|at| *at <= self.now_ms);
                if record.state == TaskState::Ready && due && !row.leases.contains_key(task) {
                    found.push((index, *task));
                }
            }
        }
        found
    }

    /// Tasks whose lease ran out and was not reaped yet: a store may claim over them, which must be safe;
    /// only the first few starts, since starts nobody answers for have no other bound.
    pub fn expired(&self) -> Vec<(usize, TaskKey)> {
        let mut found = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            let expired = row.leases.iter().filter(|(_, until)| **until <= self.now_ms);
            let early = expired.filter(|(task, _)| row.asset.tasks[*task].counted() < 3);
            found.extend(early.map(|(task, _)| (index, *task)));
        }
        found
    }

    /// Counts the attempt before any work starts, and leases the task.
    pub fn claim(&mut self, row: usize, task: TaskKey) -> u32 {
        let until = self.now_ms + LEASE_MS;
        let row = &mut self.rows[row];
        if row.leases.insert(task, until).is_some() {
            self.journal.hit(Hit::ClaimedOverExpired);
        }
        let record = row.asset.tasks.get_mut(&task).expect("claimable names existing tasks");
        record.attempts += 1;
        record.attempts
    }

    /// Whether this attempt is the one the store waits for: what a worker asks under the place's lock
    /// before it makes outputs visible or removes them.
    pub fn is_current(&self, row: usize, task: TaskKey, attempt: u32) -> bool {
        self.rows[row]
            .asset
            .tasks
            .get(&task)
            .is_some_and(|t| t.state == TaskState::Ready && t.attempts == attempt && t.answered < attempt)
    }

    /// Puts outputs on top of what stands in the place, or takes this asset's away and nobody else's.
    pub fn show(&mut self, row: usize, content: Option<usize>) {
        let key = self.truth.uploads[self.rows[row].upload].key;
        let place = self.places.entry(key).or_default();
        place.retain(|other| *other != row);
        place.extend(content.map(|_| row));
        self.rows[row].visible = content;
    }

    /// Whether the place of the key shows this asset's outputs. A newer version that failed after it had
    /// put its own there, and before the commit, may cover them until it is redriven.
    pub fn is_shown(&self, row: usize) -> bool {
        let key = self.truth.uploads[self.rows[row].upload].key;
        let place = self.places.get(&key).map_or(&[][..], Vec::as_slice);
        let covers = |other: &&usize| self.rows[**other].asset.phase != Phase::Failed;
        place.iter().rev().find(covers) == Some(&row)
    }

    /// Commits an answer; the store alone can look for an original. True where it was not stale.
    pub fn complete(&mut self, row: usize, mut input: Input, rng: &mut Rng) -> Result<bool, String> {
        let mut found = None;
        let mut planned = None;
        if let Input::Done { outcome: Outcome::Validated { video_chunks, audio, original }, .. } = &mut input
        {
            (found, *original) = self.find_original(row, rng);
            planned = Some((*video_chunks, *audio));
        }
        if let Input::Failed { task, attempt, fault } = &input
            && fault.code.class().is_producers()
            && self.is_current(row, *task, *attempt)
        {
            *self.rows[row].producers_faults.entry(*task).or_default() += 1;
        }
        let before = self.rows[row].plan;
        // The link is written with the state: a duplicate's step may already ask for it.
        if let Some(plan) = planned
            && self.rows[row].asset.phase == Phase::Received
        {
            self.rows[row].linked_to = found;
            self.rows[row].plan = plan;
        }
        let applied = self.step(row, input)?;
        if applied && planned.is_some_and(|plan| plan.0 < before.0) {
            self.journal.hit(Hit::PlanShrank);
        }
        Ok(applied)
    }

    fn find_original(&mut self, row: usize, rng: &mut Rng) -> (Option<usize>, Original) {
        let content = self.truth.uploads[self.rows[row].upload].content;
        let mut originals = Vec::new();
        for (index, other) in self.rows.iter().enumerate() {
            let same = index != row && self.truth.uploads[other.upload].content == content;
            let own = !other.asset.linked || other.asset.phase == Phase::Published;
            if same
                && own
                && let Some(original) = as_original(&other.asset)
            {
                originals.push((Some(index), original));
            }
        }
        if originals.is_empty() {
            self.journal.hit(Hit::OriginalNone);
            return (None, Original::None);
        }
        let (found, original) = originals.swap_remove(rng.below(originals.len()));
        self.journal.hit(if original == Original::Running {
            Hit::OriginalRunning
        } else {
            Hit::OriginalEnds
        });
        (found, original)
    }

    /// Ends expired leases as lost attempts; with `all`, every lease, as after a node was killed.
    pub fn reap(&mut self, all: bool) -> Result<(), String> {
        let mut lost = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            for (task, until) in &row.leases {
                if all || *until <= self.now_ms {
                    lost.push((index, *task, row.asset.tasks[task].attempts));
                }
            }
        }
        for (row, task, attempt) in lost {
            self.journal.hit(Hit::LeaseExpired);
            self.step(row, Input::Failed { task, attempt, fault: Fault::new(Code::WorkerLost, "") })?;
        }
        Ok(())
    }

    pub fn redrive(&mut self, row: usize) -> Result<(), String> {
        let before = (self.rows[row].asset.phase, self.rows[row].asset.exit, self.rows[row].asset.linked);
        let scan = |asset: &Asset| asset.tasks.get(&TaskKey::ExternalScan).map(|scan| scan.state);
        let unanswered = scan(&self.rows[row].asset) == Some(TaskState::Dead);
        if !self.step(row, Input::Redrive)? {
            return Ok(());
        }
        if unanswered && scan(&self.rows[row].asset) == Some(TaskState::Dropped) {
            self.journal.hit(Hit::ScannerAskedAnew);
        }
        self.journal.hit(match before {
            (Phase::Rejected, ..) => Hit::RejectedRedriven,
            (_, Some(_), _) => Hit::WithdrawRedriven,
            (_, _, true) => Hit::LinkedRedriven,
            _ => Hit::OperatorRedrive,
        });
        if self.has_newer(row) {
            self.journal.hit(Hit::RedrivenIntoNewer);
            self.step(row, Input::Superseded)?;
        }
        Ok(())
    }

    /// Makes part of a published asset anew; not where a newer version is about to take its place.
    pub fn redo(&mut self, row: usize, what: Redo) -> Result<(), String> {
        if self.has_newer(row) || !self.step(row, Input::Redo(what))? {
            return Ok(());
        }
        let this = &mut self.rows[row];
        let kept = |task: &TaskKey| this.asset.tasks.get(task).is_some_and(|t| t.state == TaskState::Done);
        this.shown.retain(kept);
        Ok(())
    }

    /// One step and all its effects: one transaction.
    fn step(&mut self, row: usize, input: Input) -> Result<bool, String> {
        let before = self.rows[row].asset.clone();
        let mut effects = Vec::new();
        let told = input.clone();
        let applied = self.rows[row].asset.step(input, &mut effects).is_ok();
        let after = &self.rows[row].asset;
        self.journal.say(|| {
            format!(
                "{:>7} ms asset {row}: {} -> {} by {told:?}{}",
                self.now_ms,
                before.phase.as_str(),
                after.phase.as_str(),
                if applied { "" } else { " (stale)" }
            )
        });
        self.journal.input(&told, applied);
        check_step(&before, &told, after, &effects).map_err(|v| format!("asset {row}: {v:?}"))?;
        check(after).map_err(|v| format!("asset {row}: {v:?}"))?;
        if applied != (before != *after) {
            return Err(format!("asset {row}: S3: a stale step changed something, or another nothing"));
        }
        if !applied {
            return Ok(false);
        }
        self.journal.state(&self.rows[row].asset);
        self.apply(row, &before, effects)?;
        Ok(true)
    }

    fn apply(&mut self, row: usize, before: &Asset, effects: Vec<Effect>) -> Result<(), String> {
        let (mut told, mut closing) = (None, None);
        for effect in effects {
            self.journal.effect(&effect);
            let now_ms = self.now_ms;
            let this = &mut self.rows[row];
            match effect {
                Effect::Start { task, delay_ms } => {
                    this.leases.remove(&task);
                    this.ready_at.insert(task, now_ms + delay_ms);
                }
                Effect::Settle { task, .. } => {
                    this.leases.remove(&task);
                }
                Effect::Owe(kind) => {
                    this.endings += 1;
                    if !self.outbox.insert((row, kind, this.history)) {
                        return Err(format!("asset {row}: S8: a notice is owed twice"));
                    }
                }
                Effect::NotifyDuplicates(end) => told = Some(end),
                Effect::CloseOver { same_content } => closing = Some(same_content),
                Effect::Note(_) => this.history += 1,
            }
        }
        if before.phase != self.rows[row].asset.phase {
            oracle::entered(self, row, before)?;
        }
        if let Some(end) = told {
            self.notify_duplicates(row, &end)?;
        }
        if let Some(same_content) = closing {
            self.close_over(row, same_content)?;
        }
        if self.rows[row].asset.phase == Phase::Published && before.phase != Phase::Published {
            for older in self.older(row) {
                self.step(older, Input::Superseded)?;
            }
        }
        Ok(())
    }

    fn notify_duplicates(&mut self, original: usize, end: &OriginalEnd) -> Result<(), String> {
        for duplicate in 0..self.rows.len() {
            let row = &self.rows[duplicate];
            if row.linked_to != Some(original) || !row.asset.linked {
                continue;
            }
            let published = row.asset.phase == Phase::Published;
            let applied = self.step(duplicate, Input::OriginalEnded(end.clone()))?;
            let phase = self.rows[duplicate].asset.phase;
            match (applied, phase) {
                (true, Phase::Received) => self.journal.hit(Hit::DuplicateBeganAgain),
                (false, _) if published => self.journal.hit(Hit::DuplicateOutlivedOriginal),
                _ => {}
            }
        }
        Ok(())
    }

    fn close_over(&mut self, row: usize, same_content: bool) -> Result<(), String> {
        for older in self.older(row) {
            self.step(older, Input::Quarantine(Cause::NewerVersion))?;
        }
        let content = self.truth.uploads[self.rows[row].upload].content;
        for other in 0..self.rows.len() {
            let same = self.truth.uploads[self.rows[other].upload].content == content;
            if same_content && same && other != row {
                self.step(other, Input::Quarantine(Cause::SameContent))?;
            }
        }
        Ok(())
    }

    /// What a security officer decides about any asset.
    pub fn decide(&mut self, row: usize, input: Input) -> Result<(), String> {
        let taken_back = matches!(input, Input::Redact(_) | Input::Release) && self.has_newer(row);
        if taken_back || !self.step(row, input)? {
            return Ok(());
        }
        let this = &mut self.rows[row];
        let kept = |task: &TaskKey| this.asset.tasks.get(task).is_some_and(|t| t.state == TaskState::Done);
        this.shown.retain(kept);
        Ok(())
    }

    pub fn has_newer(&self, row: usize) -> bool {
        let this = &self.truth.uploads[self.rows[row].upload];
        self.rows.iter().any(|other| {
            let other = &self.truth.uploads[other.upload];
            other.key == this.key && other.sequencer > this.sequencer
        })
    }

    pub fn older(&self, row: usize) -> Vec<usize> {
        let this = &self.truth.uploads[self.rows[row].upload];
        let older = |index: &usize| {
            let other = &self.truth.uploads[self.rows[*index].upload];
            other.key == this.key && other.sequencer < this.sequencer
        };
        (0..self.rows.len()).filter(older).collect()
    }
}

fn as_original(asset: &Asset) -> Option<Original> {
    match asset.phase {
        Phase::Processing | Phase::Screened => Some(Original::Running),
        Phase::Withdrawing if asset.exit != Some(Exit::Supersede) => Some(Original::Running),
        Phase::Published | Phase::Quarantined => Some(Original::Ended(OriginalEnd {
            phase: asset.phase,
            severity: asset.severity,
            response: asset.shared_response(),
            reason: asset.reason.clone(),
        })),
        _ => None,
    }
}
