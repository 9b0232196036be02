//! Single behaviours of `step`; the seeded schedules of the store combine them.

mod caption_files;
mod decisions;
mod duplicates;
mod exits;
mod external_scan;
mod incomplete;
mod publishing;
mod redaction;
mod redo;
mod retries;

use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::invariants::{check, check_step};
use crate::reason::{Code, Fault};
use crate::task::TaskKey;

/// A redrive of an asset without committed outputs.
pub(super) const REDRIVE: Input = Input::Redrive { published: false };

/// One asset, stepped by a test; every step is checked against the invariants.
pub(super) struct Life {
    pub asset: Asset,
    /// The effects of the latest step.
    pub effects: Vec<Effect>,
}

impl Life {
    pub fn arrived() -> Self {
        let mut life = Self { asset: Asset::new(7), effects: Vec::new() };
        life.feed(Input::Arrived).expect("an asset arrives once");
        life
    }

    /// Two chunks and audio, encoding.
    pub fn processing() -> Self {
        let mut life = Self::arrived();
        life.validate(2, true, Original::None);
        life
    }

    pub fn screened() -> Self {
        let mut life = Self::processing();
        life.finish_all_but_screen();
        life.screen(Severity::None);
        life
    }

    pub fn published() -> Self {
        let mut life = Self::screened();
        life.finish(TaskKey::Publish);
        life
    }

    pub fn rejected() -> Self {
        let mut life = Self::processing();
        life.fail(TaskKey::Audio, Code::DamagedStream);
        life.finish(TaskKey::Withdraw);
        life
    }

    pub fn linked(original: Original) -> Self {
        let mut life = Self::arrived();
        life.validate(2, true, original);
        life
    }

    pub fn feed(&mut self, input: Input) -> Result<(), Stale> {
        let before = self.asset.clone();
        self.effects.clear();
        let result = self.asset.step(input.clone(), &mut self.effects);
        assert_eq!(check_step(&before, &input, &self.asset, &self.effects), Ok(()));
        assert_eq!(check(&self.asset), Ok(()));
        assert_eq!(result.is_err(), before == self.asset, "stale exactly where nothing changed");
        result
    }

    /// Starts the next attempt, as the store's claim does.
    pub fn claim(&mut self, task: TaskKey) -> u32 {
        let record = self.asset.tasks.get_mut(&task).expect("the task exists");
        assert_eq!(record.state, TaskState::Ready, "{task} is due");
        record.attempts += 1;
        record.attempts
    }

    pub fn done(&mut self, task: TaskKey, outcome: Outcome) {
        let attempt = self.claim(task);
        self.feed(Input::Done { task, attempt, outcome }).expect("the attempt is current");
    }

    pub fn finish(&mut self, task: TaskKey) {
        self.done(task, Outcome::Finished);
    }

    pub fn validate(&mut self, video_chunks: u16, audio: bool, original: Original) {
        self.done(
            TaskKey::Validate,
            Outcome::Validated { video_chunks, audio, captions: false, files: false, original },
        );
    }

    pub fn screen(&mut self, severity: Severity) {
        self.done(TaskKey::Screen, Outcome::Screened(Screening::of(severity)));
    }

    pub fn finish_all_but_screen(&mut self) {
        for task in [video(0), video(1), TaskKey::Audio, TaskKey::Enrich, TaskKey::Package] {
            self.finish(task);
        }
    }

    pub fn fail(&mut self, task: TaskKey, code: Code) {
        let attempt = self.claim(task);
        self.feed(Input::Failed { task, attempt, fault: Fault::new(code, "") })
            .expect("the attempt is current");
    }

    /// Fails attempts until the asset has failed.
    pub fn exhaust(&mut self, task: TaskKey, code: Code) {
        for _ in 0..code.attempts_max() {
            self.fail(task, code);
        }
        assert_eq!(self.asset.phase, Phase::Failed);
    }

    pub fn state(&self, task: TaskKey) -> Option<TaskState> {
        self.asset.state_of(task)
    }

    pub fn due(&self) -> Vec<TaskKey> {
        self.asset.tasks_in(&[TaskState::Ready])
    }

    pub fn owed(&self) -> Vec<NoticeKind> {
        let owed = |effect: &Effect| if let Effect::Owe(kind) = effect { Some(*kind) } else { None };
        self.effects.iter().filter_map(owed).collect()
    }

    pub fn reason(&self) -> Option<Code> {
        self.asset.reason.as_ref().map(|fault| fault.code)
    }
}

pub(super) fn video(chunk: u16) -> TaskKey {
    TaskKey::Video { chunk }
}

pub(super) fn ended(phase: Phase, reason: Option<Code>) -> OriginalEnd {
    OriginalEnd { phase, released: false, redacted: false, reason: reason.map(|code| Fault::new(code, "")) }
}

/// An original that was quarantined for this cause.
pub(super) fn quarantined_for(detail: &str) -> OriginalEnd {
    let reason = Some(Fault::new(Code::PersonalData, detail));
    OriginalEnd { phase: Phase::Quarantined, released: false, redacted: false, reason }
}

#[test]
fn every_word_is_parsed_back() {
    fn all<T: Copy + PartialEq + core::fmt::Debug>(
        words: &[T],
        text: fn(T) -> &'static str,
        parse: fn(&str) -> Option<T>,
    ) {
        for word in words {
            assert_eq!(parse(text(*word)), Some(*word));
        }
        assert_eq!(parse("no such word"), None);
    }
    all(Phase::ALL, Phase::as_str, Phase::parse);
    all(Verdict::ALL, Verdict::as_str, Verdict::parse);
    all(Severity::ALL, Severity::as_str, Severity::parse);
    all(TaskState::ALL, TaskState::as_str, TaskState::parse);
    all(Exit::ALL, Exit::as_str, Exit::parse);
    all(NoticeKind::ALL, NoticeKind::as_str, NoticeKind::parse);
    all(Redo::ALL, Redo::as_str, Redo::parse);
    all(Response::ALL, Response::as_str, Response::parse);
}

#[test]
fn an_asset_arrives_once() {
    let mut life = Life::arrived();
    assert_eq!(life.due(), vec![TaskKey::Validate]);
    assert_eq!(life.feed(Input::Arrived), Err(Stale));
}
