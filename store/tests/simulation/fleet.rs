//! The workers, the messages between them and the store, and everything that goes wrong.

use std::collections::BTreeSet;

use reelgate_flow::asset::{
    Cause, Input, Original, Outcome, Parts, Phase, Redo, Response, Screening, Severity, TaskState, Verdict,
};
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::TaskKey;
use reelgate_ports::external_scanner::findings::join;
use reelgate_ports::judgement::{in_content, response, severity, strictest, with_name};
use reelgate_ports::records::FindingRecord;

use crate::journal::{Hit, Hits, Journal};
use crate::observed::{LEASE_MS, Observed};
use crate::oracle;
use crate::rng::Rng;
use crate::truth::Truth;

const WORKERS: usize = 4;
/// Turns with faults.
const TURNS: usize = 600;
/// Turns without faults, after which everything must have ended.
const REST_TURNS_MAX: usize = 5_000;

const OURS: &[Code] = &[
    Code::StorageInconsistent,
    Code::PluginMissing,
    Code::WorkerUnavailable,
    Code::Internal,
    Code::StoreUnavailable,
    Code::ObjectUnavailable,
    Code::QuotaDisk,
];
/// What every attempt meets while a service is away or a disk is full.
const AWAY: &[Code] = &[Code::StoreUnavailable, Code::ObjectUnavailable, Code::QuotaDisk];
pub const PASSING: &[Code] = &[Code::DecoderCrashed, Code::BudgetWall];

/// A claimed task of a worker. A worker that is not scheduled for long becomes a zombie.
#[derive(Clone, Copy)]
struct Job {
    row: usize,
    task: TaskKey,
    attempt: u32,
    linked: bool,
    keeps_outputs: bool,
    /// A stalled worker does nothing before this time, and has lost its lease by then.
    wakes_ms: u64,
}

/// A worker's answer on its way to the store.
#[derive(Clone)]
struct Report {
    row: usize,
    input: Input,
    /// What a screening has searched and found.
    searched: Option<Searched>,
}

/// What a screening reports besides its judgement.
#[derive(Clone)]
pub struct Searched {
    pub findings: Vec<FindingRecord>,
    /// Only the name was searched; the rest is known from the original.
    pub shared: bool,
    /// The classifier was the later one.
    pub upgraded: bool,
    /// The rules by which it was judged.
    pub rules: usize,
    /// What was found in the source and is not in the outputs.
    pub removed: Vec<FindingRecord>,
}

#[derive(Clone)]
enum Worker {
    Idle,
    Working(Job),
    /// The effect has happened, but not the commit.
    Acted(Report),
}

impl Worker {
    fn is_idle(&self) -> bool {
        matches!(self, Self::Idle)
    }
}

/// The probability of each fault in percent. It is drawn again regularly, so that some periods are calm and others are not.
struct Weather {
    loss: u64,
    doubling: u64,
    crash: u64,
    stall: u64,
    drain: u64,
    ours: u64,
    passing: u64,
    /// The service that is away for all workers at once.
    away: Option<Code>,
}

impl Weather {
    const CALM: Self =
        Self { loss: 0, doubling: 0, crash: 0, stall: 0, drain: 0, ours: 0, passing: 0, away: None };

    fn new(rng: &mut Rng) -> Self {
        Self {
            loss: rng.pick(&[0, 0, 5, 20]),
            doubling: rng.pick(&[0, 0, 10, 40]),
            crash: rng.pick(&[0, 0, 5, 20]),
            stall: rng.pick(&[0, 0, 10, 30]),
            drain: rng.pick(&[0, 0, 5, 20]),
            ours: rng.pick(&[0, 0, 5, 70]),
            passing: rng.pick(&[0, 0, 5, 20]),
            away: rng.percent(20).then(|| rng.pick(AWAY)),
        }
    }
}

pub struct SimulatedFleet {
    rng: Rng,
    weather: Weather,
    store: Observed,
    workers: [Worker; WORKERS],
    wire: Vec<Report>,
    events: Vec<usize>,
}

/// Runs one schedule. Returns the counters, and the trace if it was asked for.
pub fn run(seed: u64, hits: Hits, tracing: bool) -> (Result<(), String>, Journal) {
    let mut rng = Rng::new(seed);
    let truth = Truth::new(&mut rng, TURNS).with_caption_files(&mut Rng::new(!seed), TURNS);
    let weather = Weather::new(&mut rng);
    let store = Observed::new(truth, Journal { hits, trace: tracing.then(Vec::new) });
    let workers = std::array::from_fn(|_| Worker::Idle);
    let mut fleet = SimulatedFleet { rng, weather, store, workers, wire: Vec::new(), events: Vec::new() };
    let result = fleet.live();
    (result, fleet.store.journal)
}

impl SimulatedFleet {
    fn live(&mut self) -> Result<(), String> {
        for turn in 0..TURNS {
            let uploads = &self.store.truth.uploads;
            let uploaded = |upload: &usize| uploads[*upload].uploaded_turn == turn;
            self.events.extend((0..uploads.len()).filter(uploaded));
            if self.rng.percent(1) {
                self.weather = Weather::new(&mut self.rng);
            }
            self.store.begin_turn(turn);
            self.turn()?;
        }
        self.weather = Weather::CALM;
        // The sweep finds uploads whose events were lost.
        self.events = (0..self.store.truth.uploads.len()).collect();
        self.come_to_rest()?;
        oracle::at_rest(&self.store, false)?;
        for row in 0..self.store.rows.len() {
            if self.store.rows[row].asset.phase == Phase::Failed {
                self.store.redrive(row)?;
            }
        }
        self.come_to_rest()?;
        oracle::at_rest(&self.store, true)?;
        self.store.settle_accounts()
    }

    fn turn(&mut self) -> Result<(), String> {
        self.step()?;
        oracle::under_hold(&mut self.store)
    }

    fn step(&mut self) -> Result<(), String> {
        match self.rng.below(100) {
            0..10 => self.receive_event(),
            10..34 => self.claim(),
            34..59 => self.work(),
            59..84 => self.deliver(),
            84..88 => self.store.reap(false),
            88..94 => {
                let ms = self.rng.pick(&[1, 500, 2_000, 20_000, LEASE_MS]);
                self.store.advance_ms(ms);
                Ok(())
            }
            94..96 => self.redrive_any(),
            97 => self.redo_any(),
            98 => self.decide_any(),
            96 if self.rng.percent(self.weather.crash) => self.kill_node(),
            _ => self.notify(),
        }
    }

    fn come_to_rest(&mut self) -> Result<(), String> {
        for _ in 0..REST_TURNS_MAX {
            self.store.reap(false)?;
            oracle::under_hold(&mut self.store)?;
            let claimable = !self.store.claimable().is_empty() && self.workers.iter().any(Worker::is_idle);
            if !self.events.is_empty() {
                self.receive_event()?;
            } else if !self.wire.is_empty() {
                self.deliver()?;
            } else if !self.awake().is_empty() {
                self.work()?;
            } else if claimable {
                self.claim()?;
            } else if let Some(at) = self.next_due_ms() {
                self.store.advance_ms(at - self.store.now_ms());
            } else if self.store.outbox().is_none() {
                return Ok(());
            } else {
                self.notify()?;
            }
        }
        Err("L1: nothing comes to rest".into())
    }

    /// The workers that have something to do and are not stalled.
    fn awake(&self) -> Vec<usize> {
        let is_awake = |worker: &usize| match &self.workers[*worker] {
            Worker::Idle => false,
            Worker::Working(job) => job.wakes_ms <= self.store.now_ms(),
            Worker::Acted(_) => true,
        };
        (0..WORKERS).filter(is_awake).collect()
    }

    /// When the next delay, lease or stall ends. A leased task waits for the end of its lease.
    fn next_due_ms(&self) -> Option<u64> {
        let due = self.store.rows.iter().flat_map(|row| {
            let ready = row.asset.tasks.iter().filter(|(_, t)| t.state.as_str() == "ready");
            ready.filter_map(|(task, _)| row.leases.get(task).or(row.ready_at.get(task)))
        });
        let wakes = self.workers.iter().filter_map(|worker| match worker {
            Worker::Working(job) => Some(&job.wakes_ms),
            _ => None,
        });
        due.chain(wakes).filter(|at| **at > self.store.now_ms()).min().copied()
    }

    fn receive_event(&mut self) -> Result<(), String> {
        if self.events.is_empty() {
            return Ok(());
        }
        let at = self.rng.below(self.events.len());
        if at > 0 {
            self.store.journal.hit(Hit::EventReordered);
        }
        let upload = if self.rng.percent(self.weather.doubling) {
            self.store.journal.hit(Hit::EventDoubled);
            self.events[at]
        } else {
            self.events.swap_remove(at)
        };
        if self.rng.percent(self.weather.loss) {
            self.store.journal.hit(Hit::EventLost);
            return Ok(());
        }
        self.store.ingest(upload)
    }

    fn claim(&mut self) -> Result<(), String> {
        let Some(idle) = self.workers.iter().position(Worker::is_idle) else { return Ok(()) };
        let mut claimable = self.store.claimable();
        if self.weather.crash > 0 {
            claimable.extend(self.store.expired());
        }
        if claimable.is_empty() {
            return Ok(());
        }
        let (row, task) = self.rng.pick(&claimable);
        let claim = self.store.claim(row, task)?;
        let (attempt, linked, keeps_outputs) = (claim.fence.attempt, claim.linked, claim.keeps_outputs);
        self.store.journal.say(|| format!("  worker {idle} claims asset {row} {task} attempt {attempt}"));
        let mut wakes_ms = self.store.now_ms();
        if self.rng.percent(self.weather.stall) {
            self.store.journal.hit(Hit::Stalled);
            wakes_ms += LEASE_MS * self.rng.pick(&[1, 2, 5]);
        }
        self.workers[idle] = Worker::Working(Job { row, task, attempt, linked, keeps_outputs, wakes_ms });
        Ok(())
    }

    /// Moves one busy worker by one step: it acts, or sends its answer.
    fn work(&mut self) -> Result<(), String> {
        let busy = self.awake();
        if busy.is_empty() {
            return Ok(());
        }
        let worker = self.rng.pick(&busy);
        let crashes = self.rng.percent(self.weather.crash);
        match std::mem::replace(&mut self.workers[worker], Worker::Idle) {
            Worker::Idle => {}
            Worker::Working(_) if crashes => self.store.journal.hit(Hit::CrashBeforeEffect),
            Worker::Working(job) => {
                let (input, searched) = self.act(job)?;
                self.workers[worker] = Worker::Acted(Report { row: job.row, input, searched });
            }
            Worker::Acted(_) if crashes => self.store.journal.hit(Hit::CrashBeforeCommit),
            Worker::Acted(report) => self.wire.push(report),
        }
        Ok(())
    }

    fn act(&mut self, job: Job) -> Result<(Input, Option<Searched>), String> {
        let Job { row, task, attempt, .. } = job;
        if self.rng.percent(self.weather.drain) {
            self.store.journal.hit(Hit::Drained);
            return Ok((Input::GivenBack { task, attempt }, None));
        }
        let failed = |code| Ok((Input::Failed { task, attempt, fault: Fault::new(code, "") }, None));
        if let Some(code) = self.weather.away {
            self.store.journal.hit(if task == TaskKey::Withdraw { Hit::WithdrawDelayed } else { Hit::Away });
            return failed(code);
        }
        if self.rng.percent(self.weather.ours) {
            self.store.journal.hit(Hit::Infrastructure);
            return failed(if task == TaskKey::ExternalScan {
                Code::ScannerUnanswered
            } else {
                self.rng.pick(OURS)
            });
        }
        let media =
            !matches!(task, TaskKey::Publish | TaskKey::Withdraw | TaskKey::Restore | TaskKey::KeepSource);
        if media && self.rng.percent(self.weather.passing) {
            self.store.journal.hit(Hit::Transient);
            return failed(self.rng.pick(PASSING));
        }
        let upload = self.store.rows[row].upload;
        if let Some(code) = self.store.truth.fault_at(upload, task) {
            let troubled = self.store.truth.uploads[upload].trouble == Some(code);
            self.store.journal.hit(if troubled { Hit::SourceTrouble } else { Hit::Poisoned });
            return failed(code);
        }
        if task == TaskKey::Validate && self.store.truth.uploads[upload].film.is_some() {
            return self.look_for_film(job);
        }
        if let Some(code) = self.touch_files(job)? {
            return failed(code);
        }
        let (outcome, searched) = self.outcome(job);
        Ok((Input::Done { task, attempt, outcome }, searched))
    }

    /// A caption file gives up after some time without a film.
    fn look_for_film(&mut self, job: Job) -> Result<(Input, Option<Searched>), String> {
        let Job { row, task, attempt, .. } = job;
        if self.store.films_of(row).next().is_none() {
            if self.rng.percent(20) {
                self.store.journal.hit(Hit::CaptionFileMissedFilm);
                return Ok((Input::Failed { task, attempt, fault: Fault::new(Code::FilmMissing, "") }, None));
            }
            self.store.journal.hit(Hit::CaptionFileWaited);
        }
        Ok((Input::Done { task, attempt, outcome: Outcome::Attached }, None))
    }

    fn outcome(&mut self, job: Job) -> (Outcome, Option<Searched>) {
        match job.task {
            TaskKey::Screen => self.screening(job),
            TaskKey::ExternalScan => self.scan(job),
            _ => (self.other_outcome(job), None),
        }
    }

    fn other_outcome(&mut self, job: Job) -> Outcome {
        if self.weather.crash > 0 && self.rng.percent(1) {
            self.store.journal.hit(Hit::Misfit);
            return Outcome::Validated {
                video_chunks: 0,
                audio: false,
                captions: false,
                files: false,
                original: Original::None,
            };
        }
        match job.task {
            // Each validation draws a plan, as if the settings had changed meanwhile.
            TaskKey::Validate => {
                let video_chunks = self.rng.below(3) as u16;
                Outcome::Validated {
                    video_chunks,
                    audio: video_chunks == 0 || self.rng.percent(50),
                    captions: self.rng.percent(15),
                    files: false,
                    original: Original::None,
                }
            }
            TaskKey::Restore => Outcome::Restored { outputs: self.store.rows[job.row].visible.is_some() },
            _ => Outcome::Finished,
        }
    }

    /// Screens as the stage does: a linked asset shares what its original knows, unless that was searched less than is asked now.
    fn screening(&mut self, job: Job) -> (Outcome, Option<Searched>) {
        let row = &self.store.rows[job.row];
        let upload = row.upload;
        let named = self.store.truth.named(upload);
        let searched = row.asset.tasks.get(&TaskKey::Enrich).is_some_and(|t| t.state == TaskState::Done);
        if !job.linked || searched {
            let redacted = row.asset.flags.redacted && !job.linked;
            let (upgraded, removed) =
                (self.store.upgraded, if redacted { row.removed.clone() } else { Vec::new() });
            let content = match redacted {
                true => self.still_unwanted(upload, &removed),
                false => self.store.truth.findings(upload, upgraded),
            };
            let scan = !redacted && self.store.truth.is_left_to_scanner(upload);
            return self.judged(job, with_name(&content, &named), removed, false, scan);
        }
        let Some(original) = row.linked_to.filter(|original| self.store.rows[*original].screened()) else {
            return (Outcome::LooksAgain, None);
        };
        if self.store.upgraded && !self.store.rows[original].upgraded {
            self.store.journal.hit(Hit::LookedAgain);
            return (Outcome::LooksAgain, None);
        }
        let removed = self.store.rows[original].removed.clone();
        let still = self.still_unwanted(upload, &removed);
        let content = with_name(&in_content(&self.store.findings(original)), &still);
        let scan = self.rng.percent(30);
        self.judged(job, with_name(&content, &named), removed, true, scan)
    }

    /// What the outputs leave out, and policy answers with a quarantine all the same.
    fn still_unwanted(&self, upload: usize, removed: &[FindingRecord]) -> Vec<FindingRecord> {
        let (policy, key) = (self.store.knowledge.policy(), self.store.truth.key(upload));
        let still = removed.iter().filter(|one| response(policy, &key, one) == Response::Quarantine);
        still.cloned().collect()
    }

    fn judged(
        &mut self,
        job: Job,
        findings: Vec<FindingRecord>,
        removed: Vec<FindingRecord>,
        shared: bool,
        scan: bool,
    ) -> (Outcome, Option<Searched>) {
        let row = &self.store.rows[job.row];
        let (policy, key) = (self.store.knowledge.policy(), self.store.truth.key(row.upload));
        let answer = strictest(policy, &key, &findings);
        let mut screening = Screening { response: answer, ..Screening::of(severity(&findings)) };
        // A name cannot be redacted.
        let named = self.store.truth.named(row.upload);
        let in_name = named.iter().any(|one| response(policy, &key, one) == Response::RedactThenPublish);
        if answer == Response::RedactThenPublish && !job.linked && !in_name {
            let (chunks, audio, _) = row.plan;
            screening.parts =
                Some(Parts { chunks: (0..chunks.min(1)).collect(), audio: audio && chunks == 0 });
            self.store.journal.hit(Hit::RedactedByPolicy);
        }
        screening.scan = scan && answer < Response::RedactThenPublish;
        let (upgraded, rules) = (self.store.upgraded, self.store.knowledge.rules_now());
        let searched = Searched { findings, shared, upgraded, rules, removed };
        (Outcome::Screened(screening), Some(searched))
    }

    /// The findings that only the external scanner has. Of a linked asset it read only the name.
    fn scan(&mut self, job: Job) -> (Outcome, Option<Searched>) {
        if self.rng.percent(40) {
            return (Outcome::Waiting { delay_ms: self.rng.below(2_000) as u64 }, None);
        }
        let row = &self.store.rows[job.row];
        let read_all = row.judged.own && !row.asset.flags.redacted;
        let found = if read_all { self.store.truth.scanned(row.upload) } else { Vec::new() };
        if !found.is_empty() {
            self.store.journal.hits.hit(Hit::FoundByScanner);
        }
        let row = &self.store.rows[job.row];
        let (policy, key) = (self.store.knowledge.policy(), self.store.truth.key(row.upload));
        let response = strictest(policy, &key, &found);
        let screening = Screening { response, ..Screening::of(severity(&found)) };
        let findings = join(&self.store.findings(job.row), &found);
        let (upgraded, rules) = (row.upgraded, self.store.knowledge.rules_now());
        let removed = row.removed.clone();
        let searched = Searched { findings, shared: !row.judged.own, upgraded, rules, removed };
        (Outcome::ExternallyScanned(screening), Some(searched))
    }

    /// Does the work of an attempt outside the store; returns the code of the fault if it fails.
    fn touch_files(&mut self, job: Job) -> Result<Option<Code>, String> {
        let current = self.store.is_current(job.row, job.task, job.attempt);
        let original = self.store.rows[job.row].linked_to.map(|original| &self.store.rows[original]);
        let copy_is_redacted = original.is_some_and(|original| original.redacted);
        let (copied, leaving) = original
            .map_or((None, false), |original| (original.visible, original.asset.phase == Phase::Withdrawing));
        let row = &mut self.store.rows[job.row];
        match job.task {
            TaskKey::Video { .. } | TaskKey::Audio | TaskKey::Captions | TaskKey::Enrich if current => {
                row.staged.insert(job.task);
                if job.task == TaskKey::Captions {
                    row.read = job.attempt;
                }
            }
            TaskKey::Screen if current => row.searched = row.read,
            TaskKey::Package if current => {
                row.packaged = row.read;
                let (chunks, audio, captions) = row.plan;
                let there = |task: &TaskKey| row.staged.contains(task) || row.shown.contains(task);
                let video = (0..chunks).all(|chunk| there(&TaskKey::Video { chunk }));
                if !video || (audio && !there(&TaskKey::Audio)) {
                    return Err(format!("asset {}: S1: packaging finds an encode missing", job.row));
                }
                // They are packaged into other files, so those that were published do not help.
                let captioned = captions || row.asset.flags.captioned;
                if captioned && !row.staged.contains(&TaskKey::Captions) {
                    return Err(format!("asset {}: S1: packaging finds no cues", job.row));
                }
            }
            TaskKey::Publish if !current => self.store.journal.hit(Hit::FencedPublish),
            TaskKey::Withdraw | TaskKey::Restore if !current => self.store.journal.hit(Hit::FencedWithdraw),
            TaskKey::Publish => {
                if row.asset.verdict == Verdict::Unscanned || row.asset.phase != Phase::Screened {
                    return Err(format!("asset {}: S14: outputs become visible unscreened", job.row));
                }
                if row.asset.flags.captioned && !job.linked && row.searched != row.packaged {
                    return Err(format!("asset {}: S14: captions become visible unsearched", job.row));
                }
                let content = self.store.truth.uploads[row.upload].content;
                let source = if job.linked { copied } else { Some(content) };
                if source.is_none() && !leaving {
                    return Err(format!(
                        "asset {}: L1: a duplicate waits for an original that has left",
                        job.row
                    ));
                }
                if source.is_none() {
                    self.store.journal.hit(Hit::CopyMissedOriginal);
                    return Ok(Some(Code::StorageInconsistent));
                }
                if !job.linked {
                    let (chunks, audio, _) = row.plan;
                    let planned: BTreeSet<TaskKey> = (0..chunks)
                        .map(|chunk| TaskKey::Video { chunk })
                        .chain(audio.then_some(TaskKey::Audio))
                        .chain([TaskKey::Enrich])
                        .collect();
                    if planned.iter().any(|task| !row.staged.contains(task) && !row.shown.contains(task)) {
                        return Err(format!("asset {}: S1: publishing finds an output missing", job.row));
                    }
                    if planned.iter().any(|task| !row.staged.contains(task)) {
                        self.store.journal.hits.hit(Hit::KeptFromBefore);
                    }
                    row.shown = planned;
                }
                row.redacted = if job.linked { copy_is_redacted } else { row.asset.flags.redacted };
                row.made_by = row.asset.redrives;
                self.store.show(job.row, source);
            }
            TaskKey::Restore => {
                let kept = row.kept.take();
                let outputs = kept.or(row.visible);
                self.store.journal.hit(if outputs.is_some() {
                    Hit::RestoredWhole
                } else {
                    Hit::RestoredWithout
                });
                self.store.show(job.row, outputs);
            }
            TaskKey::Withdraw => {
                // The outputs are kept as a whole or removed, as the store decided when it made the claim.
                row.kept = if job.keeps_outputs { row.visible.or(row.kept) } else { None };
                row.staged.clear();
                if row.kept.is_none() {
                    row.shown.clear();
                }
                self.store.show(job.row, None);
            }
            _ => {}
        }
        Ok(None)
    }

    fn deliver(&mut self) -> Result<(), String> {
        if self.wire.is_empty() {
            return Ok(());
        }
        let at = self.rng.below(self.wire.len());
        if at > 0 {
            self.store.journal.hit(Hit::ResultReordered);
        }
        let report = self.wire.swap_remove(at);
        if self.rng.percent(self.weather.loss) {
            self.store.journal.hit(Hit::ResultLost);
            return Ok(());
        }
        if self.rng.percent(self.weather.doubling) {
            self.store.journal.hit(Hit::ResultDoubled);
            self.wire.push(report.clone());
        }
        let applied = self.store.complete(report.row, &report.input, report.searched.as_ref())?;
        if !applied {
            self.store.journal.hit(Hit::ResultLate);
        }
        if applied && self.rng.percent(self.weather.crash) {
            // The sender does not get the answer, and sends again.
            self.store.journal.hit(Hit::CrashAfterCommit);
            self.wire.push(report);
        }
        Ok(())
    }

    fn redrive_any(&mut self) -> Result<(), String> {
        if self.store.rows.is_empty() {
            return Ok(());
        }
        let row = self.rng.below(self.store.rows.len());
        self.store.redrive(row)
    }

    fn redo_any(&mut self) -> Result<(), String> {
        if self.store.rows.is_empty() {
            return Ok(());
        }
        let row = self.rng.below(self.store.rows.len());
        let what = self.rng.pick(Redo::ALL);
        self.store.redo(row, what)
    }

    fn decide_any(&mut self) -> Result<(), String> {
        if self.store.rows.is_empty() {
            return Ok(());
        }
        let row = self.rng.below(self.store.rows.len());
        let (chunks, audio, _) = self.store.rows[row].plan;
        let parts = Parts { chunks: (0..chunks).collect(), audio: audio && self.rng.percent(50) };
        let choices = [
            Input::Quarantine(self.rng.pick(&[Cause::Person, Cause::Expired])),
            Input::Release,
            Input::Release,
            Input::Redact(parts),
            Input::Found {
                severity: self.rng.pick(&[Severity::Low, Severity::Medium, Severity::High]),
                response: Response::Log,
                cause: Cause::Scanner,
            },
            Input::Hold(self.rng.percent(50)),
            Input::Erase,
        ];
        let at = self.rng.below(choices.len());
        let for_a_while = self.rng.percent(50);
        self.store.decide(row, &choices[at], for_a_while)
    }

    /// All workers die at once, and their messages are lost. The next start of the node ends their leases.
    fn kill_node(&mut self) -> Result<(), String> {
        self.store.journal.hit(Hit::NodeKilled);
        self.workers.fill(Worker::Idle);
        self.wire.clear();
        self.store.reap(true)
    }

    fn notify(&mut self) -> Result<(), String> {
        let Some((receiver, notice)) = self.store.outbox() else { return Ok(()) };
        if self.store.sent.insert((receiver.clone(), notice.id.clone())) {
            self.store.journal.owed(notice.kind);
        }
        if self.rng.percent(self.weather.loss) {
            // Delivered, but the answer was lost: the notice stays in the outbox and is delivered again.
            self.store.journal.hit(Hit::NoticeRepeated);
            return Ok(());
        }
        self.store.delivered(&receiver, &notice.id)
    }
}
