//! A film and the caption files beside it. Each file is an asset of its own: it arrives, waits for its film, and then is *attached*.
//! The film reads the files, searches them together with its own text, and publishes them.
//!
//! What is published of caption files is what was searched: whenever a film reads them, it is screened again. What happens to
//! the film happens to its files too, so that nothing stays where the film may not be.

use alloc::vec::Vec;

use super::cause::Cause;
use super::messages::{Effect, Note, OriginalEnd, Stale, WithFilm};
use super::state::Asset;
use super::task_record::TaskRecord;
use super::words::{Exit, Phase, Response, Severity, TaskState, Verdict};
use crate::limits::REDRIVES_MAX;
use crate::task::TaskKey;

impl Asset {
    /// A caption file whose film is there.
    pub(super) fn attached(&mut self, effects: &mut Vec<Effect>) {
        self.flags.attached = true;
        self.end(Phase::Attached, effects);
        effects.push(Effect::ReadByFilm);
    }

    /// Takes a caption file into account that has come beside the film.
    pub(super) fn caption_file_came(&mut self, effects: &mut Vec<Effect>) -> Result<(), Stale> {
        if self.tasks.is_empty() || self.exit.is_some() || self.flags.attached {
            return Err(Stale);
        }
        let anew = self.redrives < REDRIVES_MAX && !self.flags.held;
        match self.phase {
            // The file is read with everything else, or by the redrive.
            Phase::Received | Phase::Failed if !self.flags.captioned => self.flags.captioned = true,
            // What its original publishes does not have the file.
            Phase::Linked | Phase::Screened if self.linked => {
                self.flags.captioned = true;
                self.begin_again(effects);
            }
            Phase::Processing if self.will_read_caption_files() => return Err(Stale),
            Phase::Processing | Phase::Screened => self.read_caption_files(effects),
            Phase::Published if anew => {
                self.redrives += 1;
                effects.push(Effect::NotifyDuplicates(OriginalEnd::NOTHING));
                if self.linked {
                    self.flags.captioned = true;
                    self.begin_again(effects);
                } else {
                    self.read_caption_files(effects);
                }
            }
            _ => return Err(Stale),
        }
        Ok(())
    }

    /// Reads the caption files, searches them with all other text, and packages again. Encodes are kept.
    pub(super) fn read_caption_files(&mut self, effects: &mut Vec<Effect>) {
        // The text that was gathered is kept until the asset ends.
        let is_text_gone = !matches!(self.phase, Phase::Processing | Phase::Screened);
        self.flags.captioned = true;
        self.verdict = Verdict::Unscanned;
        self.severity = Severity::None;
        self.surfaces.clear();
        self.flags.response = Response::Log;
        effects.push(Effect::Note(Note::ReadingCaptionFiles));
        for task in [TaskKey::Screen, TaskKey::ExternalScan, TaskKey::Package, TaskKey::Publish] {
            self.settle(task, TaskState::Dropped, effects);
        }
        if is_text_gone {
            self.settle(TaskKey::Enrich, TaskState::Dropped, effects);
        }
        self.enter(Phase::Processing, effects);
        self.start(TaskKey::Captions, effects);
        let is_gathered = matches!(self.state_of(TaskKey::Enrich), Some(TaskState::Done | TaskState::Ready));
        // The text of a redacted asset comes from its encodes, and follows them.
        if !is_gathered && !self.flags.redacted {
            self.start(TaskKey::Enrich, effects);
        }
    }

    /// Whether the next attempt at a task reads the caption files, and none is reading them now.
    fn will_read_caption_files(&self) -> bool {
        let waits =
            |record: &TaskRecord| record.state == TaskState::Ready && record.attempts == record.answered;
        self.flags.captioned && self.tasks.get(&TaskKey::Captions).is_some_and(waits)
    }

    /// Whether caption files are still to be read before the text is searched.
    pub(super) fn awaits_caption_files(&self) -> bool {
        self.flags.captioned && !self.linked && self.state_of(TaskKey::Captions) == Some(TaskState::Ready)
    }

    /// The caption files are read: the text is searched if all of it is there.
    pub(super) fn screen_caption_files(&mut self, effects: &mut Vec<Effect>) {
        let is_searched = matches!(self.state_of(TaskKey::Screen), Some(TaskState::Done | TaskState::Ready));
        if self.flags.captioned && self.is_done(TaskKey::Enrich) && !is_searched {
            self.start(TaskKey::Screen, effects);
        }
    }

    /// Has the asset's film, or its caption files, leave by the same exit.
    pub(super) fn leave_together(&self, exit: Exit, effects: &mut Vec<Effect>) {
        let files = match exit {
            Exit::Quarantine => Some(WithFilm::Quarantine),
            Exit::Erase => Some(WithFilm::Erase),
            // A new upload of the film has the same files.
            Exit::Reject | Exit::Supersede => None,
        };
        self.step_caption_files(files, effects);
        let follows = self.reason.as_ref().is_some_and(|reason| reason.detail == Cause::Film.as_str());
        if self.flags.attached && exit == Exit::Quarantine && !follows {
            effects.push(Effect::QuarantineFilm);
        }
    }

    /// Steps the caption files of this film, if it has any.
    pub(super) fn step_caption_files(&self, change: Option<WithFilm>, effects: &mut Vec<Effect>) {
        effects.extend(change.filter(|_| self.flags.captioned).map(Effect::StepCaptionFiles));
    }
}
