//! Films and the caption files beside them. Both are in one bucket and have one family of names, so they are found and loaded together.

use reelgate_flow::asset::{Cause, Exit, Input, Phase, TaskState, WithFilm};
use reelgate_flow::caption_file::CaptionFormat;
use reelgate_flow::ids::AssetId;
use reelgate_flow::task::TaskKey;
use reelgate_ports::caption_files::{family_sha256, films_of, readers_of};
use reelgate_ports::error::PortResult;
use reelgate_ports::records::{AssetRecord, Decided, Ending, HistoryEvent, Success, TaskReport};

use super::rows::Loaded;
use super::steps::UnitOfWork;
use crate::history_lines::{self, Attribution};

impl UnitOfWork {
    /// The families that must be loaded before this report is applied, as SHA-256 in lower-case hexadecimal.
    pub fn family_to_look_for(&self, report: &TaskReport) -> Option<String> {
        let wants =
            matches!(report.ending, Ending::Success(Success::Validated { .. } | Success::Attached { .. }));
        let loaded =
            self.loaded.get(&report.fence.asset).filter(|loaded| wants && loaded.holds_lease(report))?;
        Some(family_sha256(&loaded.row.source.id.key))
    }

    /// The films to which a caption file belongs, each by its newest version. Its family is loaded.
    pub(super) fn films_of(&self, file: &AssetId) -> Vec<AssetId> {
        self.of_file(file, films_of)
    }

    fn of_file(
        &self,
        file: &AssetId,
        choose: for<'a> fn(&AssetRecord, &'a [AssetRecord]) -> Vec<&'a AssetRecord>,
    ) -> Vec<AssetId> {
        let Some(file) = self.loaded.get(file) else { return Vec::new() };
        let same_bucket = |other: &&Loaded| other.row.source.id.bucket == file.row.source.id.bucket;
        let records: Vec<AssetRecord> =
            self.loaded.values().filter(same_bucket).map(|loaded| loaded.row.record()).collect();
        choose(&file.row.record(), &records).into_iter().map(|film| film.id.clone()).collect()
    }

    /// The caption files of a film, whatever their state. Its family is loaded.
    pub(super) fn caption_files_of(&self, film: &AssetId) -> Vec<AssetId> {
        let is_file = |loaded: &&Loaded| {
            let row = &loaded.row;
            CaptionFormat::of_key(&row.source.id.key).is_some() && row.core.phase != Phase::Erased
        };
        let files = self.loaded.values().filter(is_file).map(|loaded| loaded.row.id.clone());
        files.filter(|file| self.films_of(file).contains(film)).collect()
    }

    /// Whether a caption file is attached to this film.
    pub(super) fn has_caption_files(&self, film: &AssetId) -> bool {
        let is_attached =
            |id: &AssetId| self.loaded.get(id).is_some_and(|loaded| loaded.row.core.phase == Phase::Attached);
        self.caption_files_of(film).iter().any(is_attached)
    }

    /// Has the caption files of a new film look for it at once, which wait for one.
    pub fn wake_caption_files(&mut self, film: &AssetId) -> PortResult<()> {
        let now_ms = self.now_ms;
        for id in self.caption_files_of(film) {
            let loaded = self.at(&id)?;
            let waits = loaded.row.core.phase == Phase::Received
                && loaded.row.core.tasks.get(&TaskKey::Validate).is_some_and(|t| t.state == TaskState::Ready)
                && loaded.extras.get(&TaskKey::Validate).is_some_and(|extra| extra.lease.is_none());
            if waits {
                loaded.touch(TaskKey::Validate, now_ms);
            }
        }
        Ok(())
    }

    /// Steps the films of a caption file that has come. Its family is loaded.
    pub(super) fn read_by_films(&mut self, file: &AssetId) -> PortResult<()> {
        let released = self.at(file)?.row.core.flags.cleared;
        for film in self.of_file(file, readers_of) {
            let flags = self.at(&film)?.row.core.flags;
            // They were quarantined and released together, and the film is to be as it was.
            if released && flags.cleared && flags.captioned {
                continue;
            }
            if self.step(&film, Input::CaptionFileCame, Attribution::default())? {
                continue;
            }
            let core = &self.at(&film)?.row.core;
            if core.exit == Some(Exit::Quarantine) {
                self.step(file, Input::Quarantine(Cause::Film), Attribution::default())?;
            } else if core.phase == Phase::Published {
                let refused = "a caption file has come and is not read, because the asset is under hold or was redone too often; \
                               `reelgate redo ASSET --stage screen` reads it when that is possible again";
                let now_ms = self.now_ms;
                self.note(&film, history_lines::line(now_ms, HistoryEvent::Captioned, refused))?;
            }
        }
        Ok(())
    }

    /// Quarantines the films of a caption file that is quarantined.
    pub(super) fn quarantine_films(&mut self, file: &AssetId) -> PortResult<()> {
        for film in self.films_of(file) {
            if self.at(&film)?.row.core.flags.captioned {
                self.step(&film, Input::Quarantine(Cause::CaptionFile), Attribution::default())?;
            }
        }
        Ok(())
    }

    /// Steps the caption files of a film with what happens to it. What belongs to another film too goes with either.
    pub(super) fn step_caption_files(&mut self, film: &AssetId, change: WithFilm) -> PortResult<()> {
        for file in self.caption_files_of(film) {
            let input = match change {
                WithFilm::Quarantine => Input::Quarantine(Cause::Film),
                WithFilm::Release => Input::Release,
                WithFilm::Erase => Input::Erase,
                WithFilm::Hold(held) => Input::Hold(held),
            };
            // One that was never attached is not part of the film.
            if self.at(&file)?.row.core.flags.attached {
                self.step(&file, input, Attribution::default())?;
            }
        }
        Ok(())
    }

    /// The film about which is decided in place of a caption file; `None` where the file has none, or may be decided about alone.
    pub(super) fn decided_with(&self, id: &AssetId, what: &Decided) -> Option<AssetId> {
        let core = &self.loaded.get(id)?.row.core;
        let with_film = match what {
            // What its film shows of it would stay.
            Decided::Erase => core.phase == Phase::Attached,
            Decided::Release => true,
            _ => false,
        };
        self.films_of(id).into_iter().next().filter(|_| core.flags.attached && with_film)
    }
}
