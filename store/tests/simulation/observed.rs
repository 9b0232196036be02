//! The memory store under observation: every call goes through the production service, and after each call every asset is
//! checked. The files outside the store are modelled here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use reelgate_conformance::ManualClock;
use reelgate_conformance::samples::principal;
use reelgate_cost::charge::Method;
use reelgate_flow::asset::{Asset, Cause, Input, Outcome, Phase, Redo, TaskState};
use reelgate_flow::ids::{AssetId, NodeId, NoticeId, ReceiverName, Sequencer, SourceId};
use reelgate_flow::task::TaskKey;
use reelgate_ports::clock::Clock;
use reelgate_ports::error::{ErrorKind, PortResult};
use reelgate_ports::events::EventBatch;
use reelgate_ports::external_scanner::findings::join;
use reelgate_ports::identity;
use reelgate_ports::judgement::{in_content, not_covered};
use reelgate_ports::order::Priority;
use reelgate_ports::records::{
    Applied, Claim, Decided, Decision, Ending, EventKind, ExternalScanEvent, Fence, Finder, FindingRecord,
    HistoryEvent, HistoryRecord, KeptSource, LedgerRow, MediaEvent, NoticeRecord, Success, TaskReport,
    UsageRecord, WithdrawalRecord,
};
use reelgate_ports::store::{Decisions, Intake, LedgerFilter, Maintenance, Nodes, Outbox, Queries, Queue};
use reelgate_store::memory::{Inspected, MemoryStore, now};
use serde_json::{Value, json};

use crate::fleet::Searched;
use crate::journal::{Hit, Journal};
use crate::knowledge::{Judged, Knowledge};
use crate::oracle;
use crate::spending::{self, Spending};
use crate::truth::{Truth, finding};

pub const LEASE_MS: u64 = 30_000;

/// Milliseconds; longer than any schedule, so that no reminder is ever due.
const REVIEW_MS: u64 = 1 << 50;

/// An asset as it was observed last, and the state of its files.
pub struct Row {
    pub upload: usize,
    id: AssetId,
    pub asset: Asset,
    pub linked_to: Option<usize>,
    pub leases: BTreeMap<TaskKey, u64>,
    pub ready_at: BTreeMap<TaskKey, u64>,
    /// Number of lines of its history that were observed.
    lines: usize,
    /// Chunks and audio, as the latest validation planned.
    pub plan: (u16, bool, bool),
    /// Number of endings so far that need a notice.
    pub endings: usize,
    /// A decision or a finding of the external scanner quarantines it. Taken from its history, because the reason is replaced
    /// when a withdrawal fails.
    pub quarantined: bool,
    /// Attempts that ended with a producer's code, by task.
    pub producers_faults: BTreeMap<TaskKey, u32>,
    pub staged: BTreeSet<TaskKey>,
    /// The asset whose outputs the current publication contains, unless a redo has outdated them.
    pub shown: BTreeSet<TaskKey>,
    /// Outputs that were visible when it was quarantined, and are kept for a release.
    pub kept: Option<usize>,
    /// Whether the store says that its outputs are visible.
    pub located: bool,
    /// How often it had begun again when the outputs were made that it has now.
    pub made_by: u32,
    /// The outputs that it had when its hold began, or got during it: their content, and how often it had begun again.
    pub under_hold: Option<(usize, u32)>,
    /// Its outputs leave out what was found, whether they are its own or a copy.
    pub redacted: bool,
    /// How it was judged at its latest screening.
    pub judged: Judged,
    /// Its content was searched by the later classifier.
    pub upgraded: bool,
    /// What was found in its source and is not in the outputs.
    pub removed: Vec<FindingRecord>,
    /// Its content is known to the store.
    pub hashed: bool,
    /// Found by the scanner before its content was known.
    early: Vec<FindingRecord>,
    /// What was known when it was released last.
    covered: Vec<FindingRecord>,
    /// The content that this asset published at the path of its key, even if a newer version covers it.
    pub visible: Option<usize>,
    /// It was published, and not withdrawn since.
    pub was_published: bool,
    /// The attempt that has read its captions last, and the one whose captions were searched and packaged last.
    pub read: u32,
    pub searched: u32,
    pub packaged: u32,
    /// It was under hold at some time.
    pub was_held: bool,
}

pub struct Observed {
    store: MemoryStore,
    clock: Arc<ManualClock>,
    node: NodeId,
    scans: u64,
    pub truth: Truth,
    pub knowledge: Knowledge,
    /// The classifier finds more from now on.
    pub upgraded: bool,
    pub rows: Vec<Row>,
    /// By key: the assets that have outputs at the path of the key. The outputs of the last one are visible; those of the others
    /// stay covered until their asset is withdrawn.
    pub places: BTreeMap<usize, Vec<usize>>,
    pub sent: BTreeSet<(ReceiverName, NoticeId)>,
    pub journal: Journal,
    spending: Spending,
}

/// The output of a call, which never waits because there is no concurrent call.
fn call<T>(future: impl Future<Output = T>) -> T {
    now(future).expect("a call without a concurrent one is ready at once")
}

impl Observed {
    pub fn new(truth: Truth, journal: Journal) -> Self {
        let clock = Arc::new(ManualClock::default());
        let rules = truth.rules[0].1.clone();
        let store = MemoryStore::new(clock.clone()).with_policy(rules.clone());
        call(store.node_seen(&spending::node("node-a"))).expect("a store in memory takes every report");
        Self {
            store,
            clock,
            node: NodeId::new("node-a"),
            scans: 0,
            truth,
            knowledge: Knowledge::new(rules),
            upgraded: false,
            rows: Vec::new(),
            places: BTreeMap::new(),
            sent: BTreeSet::new(),
            journal,
            spending: Spending::default(),
        }
    }

    /// Compares the ledger with what attempts used, once everything rests.
    pub fn settle_accounts(&mut self) -> Result<(), String> {
        let filter = LedgerFilter { lines_max: u32::MAX, ..LedgerFilter::default() };
        let ledger = call(self.store.ledger(&filter)).map_err(|error| error.to_string())?;
        let numbers: BTreeMap<&AssetId, usize> =
            self.rows.iter().enumerate().map(|(index, row)| (&row.id, index)).collect();
        let ledger = ledger.into_iter().filter_map(|row| Some((*numbers.get(&row.record.asset)?, row)));
        let ledger: Vec<_> = ledger.collect();
        let histories = self.rows.iter().map(|row| call(self.store.history(&row.id)));
        let histories = histories.collect::<PortResult<Vec<_>>>().map_err(|error| error.to_string())?;
        let estimated = std::mem::take(&mut self.spending).compare(&histories, &ledger)?;
        let late =
            |(_, row): &&(usize, LedgerRow)| row.record.waste && row.record.charge.method == Method::Measured;
        (0..estimated).for_each(|_| self.journal.hit(Hit::LostAttemptCharged));
        ledger.iter().filter(late).for_each(|_| self.journal.hit(Hit::WasteCharged));
        Ok(())
    }

    /// The nodes are restarted with other rules, or with a classifier that finds more.
    pub fn begin_turn(&mut self, turn: usize) {
        let changed = self.truth.rules.iter().skip(1).filter(|(from, _)| *from == turn);
        for (_, rules) in changed.cloned().collect::<Vec<_>>() {
            self.store = self.store.clone().with_policy(rules.clone());
            self.knowledge.change_rules(rules);
            self.journal.hit(Hit::RulesChanged);
        }
        if self.truth.upgrade_turn == turn {
            self.upgraded = true;
            self.journal.hit(Hit::ClassifierUpgraded);
        }
    }

    /// The stored findings of an asset.
    pub fn findings(&self, row: usize) -> Vec<FindingRecord> {
        call(self.store.asset(&self.rows[row].id)).map(|detail| detail.findings).unwrap_or_default()
    }

    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    pub fn advance_ms(&self, ms: u64) {
        self.clock.advance_ms(ms);
    }

    fn source(&self, upload: usize) -> SourceId {
        let key = self.truth.key(upload);
        SourceId { bucket: "ingest".into(), key, version: format!("v{upload}") }
    }

    /// Ingests an event; the event of a known upload changes nothing.
    pub fn ingest(&mut self, upload: usize) -> Result<(), String> {
        let source = self.source(upload);
        let event = MediaEvent {
            kind: EventKind::Created,
            location: format!("ingest/{}", source.key),
            source,
            sequencer: Sequencer::from_nanos(1 + self.truth.uploads[upload].sequencer as u64),
            size_bytes: 1_000,
            force: self.truth.uploads[upload].forced,
            priority: Priority::Normal,
        };
        let taken = call(self.store.ingest(&EventBatch::of([event]))).map_err(|e| e.to_string())?;
        self.journal.input(&Input::Arrived, taken[0].new);
        if taken[0].new {
            self.rows.push(Row::new(upload, taken[0].asset.clone()));
        }
        let changed = self.observe()?;
        hold(taken[0].new || changed.is_empty(), "S3: a repeated event changed something")
    }

    /// Tasks that may be claimed now.
    pub fn claimable(&self) -> Vec<(usize, TaskKey)> {
        let mut found = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            for (task, record) in &row.asset.tasks {
                let due = row.ready_at.get(task).is_some_and(|at| *at <= self.now_ms());
                if record.state == TaskState::Ready && due && !row.leases.contains_key(task) {
                    found.push((index, *task));
                }
            }
        }
        found
    }

    /// Tasks whose lease expired and was not reaped yet. A store may claim them again, which must be safe. Only the first few
    /// starts, because starts without an answer have no other bound.
    pub fn expired(&self) -> Vec<(usize, TaskKey)> {
        let mut found = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            let expired = row.leases.iter().filter(|(_, until)| **until <= self.now_ms());
            let early = expired.filter(|(task, _)| row.asset.tasks[*task].counted() < 3);
            found.extend(early.map(|(task, _)| (index, *task)));
        }
        found
    }

    /// Counts the attempt before any work starts, and leases the task.
    pub fn claim(&mut self, row: usize, task: TaskKey) -> Result<Claim, String> {
        if self.rows[row].leases.contains_key(&task) {
            self.journal.hit(Hit::ClaimedOverExpired);
        }
        let claim = self.store.lease_task(&self.node, &self.rows[row].id, task, LEASE_MS);
        self.observe()?;
        claim.ok_or_else(|| "claimable names existing tasks".to_owned())
    }

    /// Whether this attempt is current: a worker asks this under the lock of the path before it makes outputs visible or
    /// removes them.
    pub fn is_current(&self, row: usize, task: TaskKey, attempt: u32) -> bool {
        self.rows[row]
            .asset
            .tasks
            .get(&task)
            .is_some_and(|t| t.state == TaskState::Ready && t.attempts == attempt && t.answered < attempt)
    }

    /// Puts this asset's outputs over those at the path of its key, or removes only this asset's outputs.
    pub fn show(&mut self, row: usize, content: Option<usize>) {
        let key = self.truth.uploads[self.rows[row].upload].key;
        let place = self.places.entry(key).or_default();
        place.retain(|other| *other != row);
        place.extend(content.map(|_| row));
        self.rows[row].visible = content;
    }

    /// Whether the path of the key shows this asset's outputs. A newer version that published its own and failed before the
    /// commit may cover them until it is redriven.
    pub fn is_shown(&self, row: usize) -> bool {
        let key = self.truth.uploads[self.rows[row].upload].key;
        let place = self.places.get(&key).map_or(&[][..], Vec::as_slice);
        let covers = |other: &&usize| self.rows[**other].asset.phase != Phase::Failed;
        place.iter().rev().find(covers) == Some(&row)
    }

    /// Commits an answer; false if it was stale.
    pub fn complete(
        &mut self,
        row: usize,
        input: &Input,
        searched: Option<&Searched>,
    ) -> Result<bool, String> {
        let (task, attempt, ending, hash) = self.ending(row, input, searched)?;
        let hashed = hash.is_some();
        let current = self.is_current(row, task, attempt);
        if let Ending::Fault(fault) = &ending
            && fault.code.class().is_producers()
            && current
        {
            *self.rows[row].producers_faults.entry(task).or_default() += 1;
        }
        let planned = match input {
            Input::Done { outcome: Outcome::Validated { video_chunks, audio, captions, .. }, .. } => {
                Some((*video_chunks, *audio, *captions))
            }
            _ => None,
        };
        let report = TaskReport {
            fence: Fence { asset: self.rows[row].id.clone(), task, attempt },
            node: self.node.clone(),
            sha256: hash,
            facts: None,
            metadata: None,
            ending,
            usage: UsageRecord::default(),
            cost: spending::cost((row, task, attempt)),
        };
        let applied = call(self.store.complete(&[report])).map_err(|error| error.to_string())?;
        self.spending.reported((row, task, attempt));
        let applied = matches!(applied[0], Applied::Committed(_));
        self.journal.input(input, applied);
        if applied {
            if hashed && !self.rows[row].hashed {
                self.rows[row].hashed = true;
                // It counts for later looks at the content from now on, and for its other uploads once this one is screened.
                let (content, early) =
                    (self.truth.uploads[self.rows[row].upload].content, &self.rows[row].early);
                self.knowledge.learn(content, early, None, &BTreeSet::from([row]));
            }
            if let Some(searched) = searched {
                self.learn(row, task, searched);
            }
        }
        let before = self.rows[row].plan;
        if let Some(plan) = planned.filter(|_| applied && task == TaskKey::Validate) {
            self.rows[row].plan = plan;
            if plan.0 < before.0 {
                self.journal.hit(Hit::PlanShrank);
            }
        }
        let changed = self.observe()?;
        hold(applied || changed.is_empty(), "S3: a stale report changed something")?;
        if planned.is_some() && applied && task == TaskKey::Validate {
            let this = &self.rows[row];
            self.journal.hit(match (this.asset.linked, this.asset.phase) {
                (true, Phase::Linked) => Hit::OriginalRunning,
                (true, _) => Hit::OriginalEnds,
                (false, Phase::Withdrawing) if this.asset.reason.is_some() => Hit::OriginalEnds,
                _ => Hit::OriginalNone,
            });
        }
        Ok(applied)
    }

    /// A worker's answer as it reports it: task, attempt, ending, and the hash it computed.
    fn ending(
        &self,
        row: usize,
        input: &Input,
        searched: Option<&Searched>,
    ) -> Result<(TaskKey, u32, Ending, Option<String>), String> {
        let findings = || searched.map(|searched| searched.findings.clone()).unwrap_or_default();
        let (task, attempt, outcome) = match input {
            Input::Failed { task, attempt, fault } => {
                return Ok((*task, *attempt, Ending::Fault(fault.clone()), None));
            }
            Input::GivenBack { task, attempt } => return Ok((*task, *attempt, Ending::GivenBack, None)),
            Input::Done { task, attempt, outcome } => (*task, *attempt, outcome),
            other => return Err(format!("{other:?} is no worker's answer")),
        };
        let mut hash = None;
        let success = match outcome {
            Outcome::Validated { video_chunks, audio, captions, .. } => {
                let content = self.truth.uploads[self.rows[row].upload].content;
                hash = Some(identity::key_sha256(&format!("content {content}")));
                Success::Validated {
                    priority: None,
                    video_chunks: *video_chunks,
                    audio: *audio,
                    captions: *captions,
                    plan: Value::Null,
                    jobs: Vec::new(),
                }
            }
            Outcome::Attached => Success::Attached { delay_ms: 1_000 },
            Outcome::Screened(screening) => Success::Screened {
                screening: screening.clone(),
                findings: findings(),
                shared: searched.is_some_and(|searched| searched.shared),
                redaction: screening.parts.as_ref().map(|_| json!({})),
                result: screening.scan.then(|| json!({})),
            },
            Outcome::ExternallyScanned(screening) => {
                Success::ExternallyScanned { screening: screening.clone(), findings: findings() }
            }
            Outcome::LooksAgain => Success::LooksAgain,
            Outcome::Waiting { delay_ms } => Success::Waiting { delay_ms: *delay_ms },
            Outcome::Restored { outputs } => Success::Restored {
                source_location: "released".into(),
                published_location: outputs.then(|| "published".into()),
            },
            Outcome::Finished => finished(task),
        };
        Ok((task, attempt, Ending::Success(success), hash))
    }

    /// The assets with the content of this one that the store knows to have it, without erased ones.
    fn same_content(&self, row: usize) -> BTreeSet<usize> {
        let content = |row: &Row| self.truth.uploads[row.upload].content;
        let same = |other: &Row| {
            other.hashed && other.asset.phase != Phase::Erased && content(other) == content(&self.rows[row])
        };
        self.rows.iter().enumerate().filter(|(_, other)| same(other)).map(|(index, _)| index).collect()
    }

    /// Keeps in mind what a committed screening made known.
    fn learn(&mut self, row: usize, task: TaskKey, searched: &Searched) {
        let content = self.truth.uploads[self.rows[row].upload].content;
        let committed = self.knowledge.rules_now();
        if task == TaskKey::Screen {
            let this = &mut self.rows[row];
            this.judged = Judged { rules: searched.rules, committed, own: !searched.shared };
            this.upgraded = searched.upgraded;
            this.removed.clone_from(&searched.removed);
        }
        let holders = self.same_content(row);
        if task == TaskKey::Screen {
            match self.rows[row].linked_to.filter(|_| searched.shared) {
                Some(original) => self.knowledge.inherited(row, content, original),
                None => self.knowledge.searched(content, &holders),
            }
        }
        let early = std::mem::take(&mut self.rows[row].early);
        self.knowledge.learn(content, &early, None, &holders);
        let news: Vec<FindingRecord> = match task {
            TaskKey::ExternalScan => {
                let known = self.knowledge.of(row);
                not_covered(&known, &searched.findings).into_iter().cloned().collect()
            }
            _ if searched.shared => Vec::new(),
            _ => searched.findings.clone(),
        };
        self.knowledge.learn(content, &news, Some(row), &holders);
    }

    /// Ends expired leases as lost attempts; with `all`, every lease, as after a node was killed.
    pub fn reap(&mut self, all: bool) -> Result<(), String> {
        let ended = match all {
            true => call(self.store.reclaim(&self.node)),
            false => call(self.store.reap()),
        };
        for _ in 0..ended.map_err(|error| error.to_string())? {
            self.journal.hit(Hit::LeaseExpired);
        }
        self.observe().map(|_| ())
    }

    pub fn redrive(&mut self, row: usize) -> Result<(), String> {
        let before = (self.rows[row].asset.phase, self.rows[row].asset.linked);
        let scan = |asset: &Asset| asset.tasks.get(&TaskKey::ExternalScan).map(|scan| scan.state);
        let unanswered = scan(&self.rows[row].asset) == Some(TaskState::Dead);
        let asked = call(self.store.redrive(&self.rows[row].id));
        let published = self.rows[row].located;
        if !self.asked(&Input::Redrive { published }, asked)? {
            return Ok(());
        }
        if unanswered && scan(&self.rows[row].asset) == Some(TaskState::Dropped) {
            self.journal.hit(Hit::ScannerAskedAnew);
        }
        let asset = &self.rows[row].asset;
        let publishes = asset.tasks.get(&TaskKey::Publish).is_some_and(|publish| publish.attempts > 0);
        if asset.flags.held && publishes && asset.phase == Phase::Screened {
            self.journal.hit(Hit::HeldPublishingRedriven);
        }
        self.journal.hit(match before {
            (Phase::Rejected, _) => Hit::RejectedRedriven,
            (_, true) => Hit::LinkedRedriven,
            _ => Hit::OperatorRedrive,
        });
        if self.has_newer(row) {
            self.journal.hit(Hit::RedrivenIntoNewer);
        }
        Ok(())
    }

    /// Makes part of a published asset again, unless a newer version is about to replace it.
    pub fn redo(&mut self, row: usize, what: Redo) -> Result<(), String> {
        let asked = call(self.store.redo(&self.rows[row].id, what));
        if self.asked(&Input::Redo(what), asked)? {
            self.forget_outdated(row);
        }
        Ok(())
    }

    /// A decision of a security officer, or a finding of the external scanner, about any asset. A release may expire.
    pub fn decide(&mut self, row: usize, input: &Input, for_a_while: bool) -> Result<(), String> {
        let what = match input {
            Input::Quarantine(Cause::Person) => Decided::Quarantine,
            Input::Quarantine(Cause::Expired) => return self.review(),
            Input::Release => Decided::Release,
            Input::Erase => Decided::Erase,
            Input::Hold(held) => [Decided::Unhold, Decided::Hold][usize::from(*held)].clone(),
            Input::Redact(parts) => Decided::Redact { parts: parts.clone(), redaction: json!({}) },
            Input::Found { .. } => return self.found(row, input),
            other => return Err(format!("{other:?} is nobody's decision")),
        };
        let decision = Decision {
            what,
            by: principal("officer"),
            reason: "because".into(),
            expires_ms: for_a_while.then(|| self.now_ms() + 2 * LEASE_MS),
        };
        let asked = call(self.store.decide(&self.rows[row].id, &decision)).map(drop);
        if self.asked(input, asked)? {
            self.forget_outdated(row);
            match input {
                Input::Release => self.cover(row),
                Input::Redact(_) => self.remove(row),
                _ => {}
            }
        }
        Ok(())
    }

    /// A release covers everything that is known of the asset.
    fn cover(&mut self, row: usize) {
        let this = &self.rows[row];
        let (known, named) = (self.knowledge.of(row), self.truth.named(this.upload));
        let covered = known.into_iter().chain(named).chain(this.early.iter().cloned()).collect();
        self.rows[row].covered = covered;
    }

    /// What was known of a content is left out of the outputs from now on.
    fn remove(&mut self, row: usize) {
        let found = in_content(&self.findings(row));
        let this = &mut self.rows[row];
        this.removed = join(&this.removed, &found);
        // Other uploads of the content that begin again or wait for a copy get the same redaction.
        let (removed, others) = (this.removed.clone(), self.same_content(row));
        for other in others {
            let Row { asset, removed: kept, .. } = &mut self.rows[other];
            if asset.flags.redacted && matches!(asset.phase, Phase::Received | Phase::Linked) {
                kept.clone_from(&removed);
                self.journal.hit(Hit::RedactedWithContent);
            }
        }
    }

    fn review(&mut self) -> Result<(), String> {
        for _ in 0..call(self.store.review(REVIEW_MS)).map_err(|error| error.to_string())? {
            self.journal.hit(Hit::ReleaseExpired);
        }
        self.observe().map(|_| ())
    }

    fn found(&mut self, row: usize, input: &Input) -> Result<(), String> {
        let Input::Found { severity, .. } = input else { return Ok(()) };
        self.scans += 1;
        let kind = "EVENT";
        let found = FindingRecord {
            locations: Vec::new(),
            ..finding(Finder::Macie, kind, *severity, "tag").ok_or("a finding has a severity")?
        };
        let scan = ExternalScanEvent {
            id: format!("finding-{}", self.scans),
            kind: "SensitiveData:S3Object/Personal".into(),
            severity: *severity,
            source: Some(self.source(self.rows[row].upload)),
            asset: None,
            findings: vec![found.clone()],
            sample: false,
            summary: json!({}),
        };
        self.journal.say(|| format!("  the scanner finds {} in asset {row}", severity.as_str()));
        let batch = EventBatch { scans: vec![scan], ..EventBatch::default() };
        let before = self.rows[row].asset.clone();
        call(self.store.ingest(&batch)).map_err(|error| error.to_string())?;
        if self.rows[row].hashed {
            let content = self.truth.uploads[self.rows[row].upload].content;
            self.knowledge.learn(content, &[found], None, &self.same_content(row));
        } else {
            self.rows[row].early.push(found);
        }
        self.observe()?;
        // The finding is in the history in either case.
        self.journal.input(input, self.rows[row].asset != before);
        Ok(())
    }

    /// An operator's request, which is either carried out or refused as a conflict without any change.
    fn asked(&mut self, input: &Input, answer: PortResult<()>) -> Result<bool, String> {
        let applied = match answer {
            Ok(()) => true,
            Err(error) if error.kind == ErrorKind::Conflict => false,
            Err(error) => return Err(error.to_string()),
        };
        self.journal.input(input, applied);
        let changed = self.observe()?;
        hold(applied || changed.is_empty(), "S3: a refused request changed something")?;
        Ok(applied)
    }

    fn forget_outdated(&mut self, row: usize) {
        let this = &mut self.rows[row];
        let kept = |task: &TaskKey| this.asset.tasks.get(task).is_some_and(|t| t.state == TaskState::Done);
        this.shown.retain(kept);
    }

    /// The oldest delivery that is owed, of any receiver. Addresses the notices that are not yet.
    pub fn outbox(&self) -> Option<(ReceiverName, NoticeRecord)> {
        let new = call(self.store.outbox(u16::MAX, 0)).ok()?;
        let addressed: Vec<_> = new.into_iter().map(|notice| (notice.id, receivers())).collect();
        call(self.store.address_notices(&addressed)).ok()?;
        receivers().into_iter().find_map(|receiver| {
            let notice = call(self.store.deliveries(&receiver, 1, 0)).ok()?.pop()?;
            Some((receiver, notice))
        })
    }

    pub fn delivered(&mut self, receiver: &ReceiverName, notice: &NoticeId) -> Result<(), String> {
        call(self.store.notices_delivered(receiver, std::slice::from_ref(notice)))
            .map_err(|error| error.to_string())?;
        self.observe().map(|_| ())
    }

    /// Checks every asset that a call has changed; returns those assets.
    fn observe(&mut self) -> Result<Vec<usize>, String> {
        if let Some((id, _)) = call(async { self.store.violations() }).first() {
            return Err(format!("{id}: an invariant was broken in a step"));
        }
        let numbers: BTreeMap<AssetId, usize> =
            self.rows.iter().enumerate().map(|(index, row)| (row.id.clone(), index)).collect();
        let mut changed = Vec::new();
        for (index, row) in self.rows.iter_mut().enumerate() {
            let before = (row.asset.phase, row.asset.linked);
            let Some(lines) = self.store.inspect(&row.id.clone(), |seen| row.see(&seen, &numbers)).flatten()
            else {
                continue;
            };
            changed.push((index, before));
            lines.iter().for_each(|line| self.journal.line(line));
            row.endings += lines.iter().filter(|line| owes_notice(line)).count();
            row.quarantined |= lines.iter().any(|line| line.event == HistoryEvent::Quarantining);
            let causes = [
                (Cause::FoundInContent, Hit::FoundInContent),
                (Cause::AfterRelease, Hit::NotCoveredByRelease),
                (Cause::Film, Hit::CaptionFileLeftWithFilm),
            ];
            let late = before.0 == Phase::Published && row.asset.flags.captioned;
            if late && lines.iter().any(|line| line.event == HistoryEvent::Captioned) {
                self.journal.hit(Hit::CaptionFileReadLate);
            }
            for (cause, hit) in causes {
                let is_it = |line: &HistoryRecord| {
                    line.event == HistoryEvent::Quarantining && line.detail == cause.as_str()
                };
                lines.iter().filter(|line| is_it(line)).for_each(|_| self.journal.hit(hit));
            }
            self.journal.state(&row.asset);
            self.journal.say(|| {
                let (from, to) = (before.0.as_str(), row.asset.phase.as_str());
                format!("{:>7} ms asset {index}: {from} -> {to}", self.clock.now_ms())
            });
        }
        for (index, _) in &changed {
            if self.rows[*index].asset.phase == Phase::Erased {
                self.knowledge.erased(*index);
            }
        }
        if !changed.is_empty() {
            oracle::keeps_rules(self)?;
        }
        for (index, (phase, linked)) in &changed {
            self.ways(*index, *phase, *linked);
            if *phase != self.rows[*index].asset.phase {
                oracle::entered(self, *index, *phase)?;
            }
        }
        Ok(changed.into_iter().map(|(index, _)| index).collect())
    }

    fn ways(&mut self, index: usize, phase: Phase, linked: bool) {
        let now = &self.rows[index].asset;
        if linked && !now.linked && now.phase == Phase::Received {
            self.journal.hit(Hit::DuplicateBeganAgain);
        }
        let left = phase == Phase::Published && now.phase != Phase::Published;
        let stays = |row: &Row| row.linked_to == Some(index) && row.asset.phase == Phase::Published;
        if left && self.rows.iter().any(stays) {
            self.journal.hit(Hit::DuplicateOutlivedOriginal);
        }
    }

    pub fn has_newer(&self, row: usize) -> bool {
        self.newer(row).next().is_some()
    }

    pub fn has_newer_published(&self, row: usize) -> bool {
        self.newer(row).any(|newer| newer.asset.phase == Phase::Published)
    }

    fn newer(&self, row: usize) -> impl Iterator<Item = &Row> {
        let this = &self.truth.uploads[self.rows[row].upload];
        self.rows.iter().filter(|other| {
            let other = &self.truth.uploads[other.upload];
            other.key == this.key && other.sequencer > this.sequencer
        })
    }

    /// The films of a caption file that were not refused, replaced or erased; of each the newest version.
    pub fn films_of(&self, file: usize) -> impl Iterator<Item = usize> {
        let film = self.truth.uploads[self.rows[file].upload].film;
        let is_there =
            |row: &Row| !matches!(row.asset.phase, Phase::Rejected | Phase::Superseded | Phase::Erased);
        let of_key = move |index: &usize| {
            film.is_some_and(|film| self.truth.uploads[self.rows[*index].upload].key == film)
        };
        let there = (0..self.rows.len()).filter(of_key).filter(move |index| is_there(&self.rows[*index]));
        there.max_by_key(|index| self.truth.uploads[self.rows[*index].upload].sequencer).into_iter()
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

impl Row {
    fn new(upload: usize, id: AssetId) -> Self {
        Self {
            upload,
            asset: Asset::new(identity::jitter_seed(&id)),
            id,
            linked_to: None,
            leases: BTreeMap::new(),
            ready_at: BTreeMap::new(),
            lines: 0,
            plan: (0, false, false),
            endings: 0,
            quarantined: false,
            producers_faults: BTreeMap::new(),
            staged: BTreeSet::new(),
            shown: BTreeSet::new(),
            kept: None,
            located: false,
            made_by: 0,
            under_hold: None,
            redacted: false,
            judged: Judged::default(),
            upgraded: false,
            removed: Vec::new(),
            hashed: false,
            early: Vec::new(),
            covered: Vec::new(),
            visible: None,
            was_published: false,
            read: 0,
            searched: 0,
            packaged: 0,
            was_held: false,
        }
    }

    /// Whether its latest screening is in force.
    pub fn screened(&self) -> bool {
        self.asset.tasks.get(&TaskKey::Screen).is_some_and(|screen| screen.state == TaskState::Done)
    }

    /// What a release covers that is in force.
    pub fn covered(&self) -> Option<&[FindingRecord]> {
        self.asset.flags.cleared.then_some(self.covered.as_slice())
    }

    /// Records the observed state of an asset; returns its new lines of history if anything changed.
    fn see(
        &mut self,
        seen: &Inspected<'_>,
        numbers: &BTreeMap<AssetId, usize>,
    ) -> Option<Vec<HistoryRecord>> {
        if self.asset == seen.row.core && self.lines == seen.history.len() {
            return None;
        }
        self.asset = seen.row.core.clone();
        self.was_held |= self.asset.flags.held;
        self.located = seen.row.published_location.is_some();
        self.linked_to = seen.row.linked_to.as_ref().and_then(|id| numbers.get(id)).copied();
        let extras = || seen.extras.iter();
        self.leases =
            extras().filter_map(|(task, extra)| Some((*task, extra.lease.as_ref()?.until_ms))).collect();
        self.ready_at = extras().map(|(task, extra)| (*task, extra.ready_at_ms)).collect();
        let fresh = seen.history[self.lines..].to_vec();
        self.lines = seen.history.len();
        Some(fresh)
    }
}

fn finished(task: TaskKey) -> Success {
    match task {
        TaskKey::Package => Success::Packaged {
            result: Value::Null,
            renditions: Vec::new(),
            left_out: Vec::new(),
            outputs: Vec::new(),
        },
        TaskKey::KeepSource => Success::SourceKept(KeptSource::Copied("kept".into())),
        TaskKey::Publish => Success::Published { location: "published".into() },
        TaskKey::Withdraw => Success::Withdrawn {
            source_location: "withdrawn".into(),
            withdrawal_record: WithdrawalRecord::default(),
        },
        _ => Success::Produced { result: Value::Null, outputs: Vec::new() },
    }
}

/// Whom every notice is delivered to.
pub fn receivers() -> Vec<ReceiverName> {
    ["webhook", "topic"].map(ReceiverName::new).to_vec()
}

fn owes_notice(line: &HistoryRecord) -> bool {
    let owing = |phase| {
        matches!(
            phase,
            Phase::Published | Phase::Rejected | Phase::Quarantined | Phase::Failed | Phase::Erased
        )
    };
    matches!(line.event, HistoryEvent::Entered(phase) if owing(phase))
}

fn hold(holds: bool, sentence: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(sentence.to_owned()) }
}
