//! Makes part of a published asset again: with another ladder, a better classifier, or because a playlist was lost.
//!
//! The published outputs stay visible until the new ones replace them, and parts that are not redone are kept. If the asset is
//! refused on the way, it is withdrawn like any other asset, and its old outputs are not shown any longer.

use alloc::vec;
use alloc::vec::Vec;

use super::messages::{Effect, Note, OriginalEnd, Stale};
use super::state::Asset;
use super::words::{Phase, Redo, Response, Severity, TaskState, Verdict};
use crate::limits::REDRIVES_MAX;
use crate::task::TaskKey;

impl Asset {
    pub(super) fn redone(&mut self, what: Redo, effects: &mut Vec<Effect>) -> Result<(), Stale> {
        let Begin { tasks, outdated } = self.begin_of(what);
        // A copy has no encodes of its own, so it can only begin again.
        let may = self.phase == Phase::Published
            && self.redrives < REDRIVES_MAX
            && !self.flags.held
            && (!self.linked || what == Redo::Validate)
            && !tasks.is_empty();
        if !may {
            return Err(Stale);
        }
        self.redrives += 1;
        effects.push(Effect::Note(Note::Redone(what, self.redrives)));
        // A duplicate without a copy must not copy while the files are replaced.
        effects.push(Effect::NotifyDuplicates(OriginalEnd::NOTHING));
        if what == Redo::Validate {
            self.begin_again(effects);
            return Ok(());
        }
        for task in &outdated {
            self.settle(*task, TaskState::Dropped, effects);
        }
        if outdated.contains(&TaskKey::Screen) {
            self.verdict = Verdict::Unscanned;
            self.severity = Severity::None;
            self.surfaces.clear();
            self.flags.response = Response::Log;
        }
        self.enter(if what == Redo::Publish { Phase::Screened } else { Phase::Processing }, effects);
        for task in tasks {
            self.start(task, effects);
        }
        Ok(())
    }

    /// Where a redo begins; without tasks if the asset has no such part.
    fn begin_of(&self, what: Redo) -> Begin {
        let done = self.tasks_in(&[TaskState::Done]);
        let encodes =
            |wanted: fn(&TaskKey) -> bool| -> Vec<TaskKey> { done.iter().copied().filter(wanted).collect() };
        let mut outdated = outdated_by(what).to_vec();
        let mut tasks = match what {
            Redo::Validate => vec![TaskKey::Validate],
            Redo::Transcode => encodes(|task| matches!(task, TaskKey::Video { .. } | TaskKey::Audio)),
            Redo::Video => encodes(|task| matches!(task, TaskKey::Video { .. })),
            Redo::Audio => encodes(|task| *task == TaskKey::Audio),
            Redo::Enrich | Redo::Screen => vec![TaskKey::Enrich],
            Redo::Package => vec![TaskKey::Package],
            Redo::Publish => vec![TaskKey::Publish],
        };
        // The cues are not kept, and whoever needs them waits for them.
        if self.is_done(TaskKey::Captions) && !tasks.is_empty() {
            match what {
                Redo::Transcode | Redo::Video | Redo::Audio => tasks.push(TaskKey::Captions),
                Redo::Package => {
                    tasks = vec![TaskKey::Captions];
                    outdated.push(TaskKey::Package);
                }
                // What is searched in a redacted asset is what it publishes.
                Redo::Enrich | Redo::Screen if self.flags.redacted => {
                    tasks = vec![TaskKey::Captions];
                    outdated.extend([TaskKey::Enrich, TaskKey::Package]);
                }
                Redo::Enrich | Redo::Screen | Redo::Validate | Redo::Publish => {}
            }
        }
        self.read_with_caption_files(what, &mut tasks, &mut outdated);
        Begin { tasks, outdated }
    }

    /// Adds what follows from reading caption files: they are read for every search and searched whenever they are read.
    fn read_with_caption_files(&self, what: Redo, tasks: &mut Vec<TaskKey>, outdated: &mut Vec<TaskKey>) {
        let reads = !matches!(what, Redo::Validate | Redo::Publish);
        if !self.flags.captioned || !reads || tasks.is_empty() || !self.is_done(TaskKey::Captions) {
            return;
        }
        if !tasks.contains(&TaskKey::Captions) {
            tasks.push(TaskKey::Captions);
        }
        outdated.extend([TaskKey::Screen, TaskKey::ExternalScan, TaskKey::Package]);
        // The text of a redacted asset comes from its encodes, and follows them.
        match self.flags.redacted {
            true => outdated.push(TaskKey::Enrich),
            false if !tasks.contains(&TaskKey::Enrich) => tasks.push(TaskKey::Enrich),
            false => {}
        }
    }
}

/// Where a redo begins.
struct Begin {
    tasks: Vec<TaskKey>,
    /// Other tasks whose results are outdated.
    outdated: Vec<TaskKey>,
}

/// Tasks whose results are outdated by a redo, besides the tasks with which it begins.
fn outdated_by(what: Redo) -> &'static [TaskKey] {
    match what {
        Redo::Transcode | Redo::Video | Redo::Audio => &[TaskKey::Package, TaskKey::Publish],
        Redo::Enrich | Redo::Screen => &[TaskKey::Screen, TaskKey::ExternalScan, TaskKey::Publish],
        Redo::Package => &[TaskKey::Publish],
        Redo::Validate | Redo::Publish => &[],
    }
}
