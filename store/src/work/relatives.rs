//! Related assets: those with the same content, and versions of the same key.

use reelgate_flow::asset::{Cause, Input, Original, OriginalEnd, Phase};
use reelgate_flow::ids::AssetId;

use super::rows::LearnedFact;
use super::rows::Loaded;
use super::steps::{FollowUp, UnitOfWork};
use crate::history_lines::{self, Attribution};
use reelgate_ports::error::PortResult;
use reelgate_ports::records::{FindingRecord, HistoryEvent};

/// Another version of the same key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Version {
    /// The asset of this version.
    pub id: AssetId,
    /// It is newer than the asset that was asked for.
    pub newer: bool,
    /// Its outputs are visible, or those of the film to which it is attached.
    pub published: bool,
}

impl UnitOfWork {
    /// The other loaded versions of an asset's key.
    pub fn versions(&mut self, id: &AssetId) -> PortResult<Vec<Version>> {
        self.at(id)?;
        let Some(this) = self.loaded.get(id).map(|loaded| &loaded.row) else { return Ok(Vec::new()) };
        let same_key = |other: &&Loaded| {
            // By the key's hash, because an erased asset has no key any more but is still a version of it.
            let same = other.row.key_sha256 == this.key_sha256;
            other.row.id != *id && same && other.row.source.id.bucket == this.source.id.bucket
        };
        let version = |other: &Loaded| Version {
            id: other.row.id.clone(),
            newer: this.is_older_than(&other.row),
            published: matches!(other.row.core.phase, Phase::Published | Phase::Attached),
        };
        Ok(self.loaded.values().filter(same_key).map(version).collect())
    }

    /// Takes the next consequence of the steps so far for other assets. The caller loads the assets it concerns (waiting
    /// duplicates, or every version of a key) and then calls [`UnitOfWork::carry_out`].
    ///
    /// The sequence is finite: an asset ends once between two redrives, and only an ending has consequences.
    pub fn next_follow_up(&mut self) -> Option<FollowUp> {
        self.follow_ups.pop_front()
    }

    /// Steps the assets that a follow-up concerns; the caller has loaded them.
    pub fn carry_out(&mut self, next: FollowUp) -> PortResult<()> {
        match next {
            FollowUp::Duplicates(id, end) => self.notify_duplicates(&id, &end),
            FollowUp::Older(id) => self.supersede_older(&id),
            FollowUp::SameKey { id, same_content } => self.close_over(&id, same_content),
            FollowUp::SameContent { id, findings } => self.judge_same_content(&id, &findings),
            FollowUp::Redaction(id) => self.redact_same_content(&id),
            FollowUp::ReadByFilms(id) => self.read_by_films(&id),
            FollowUp::QuarantineFilms(id) => self.quarantine_films(&id),
            FollowUp::CaptionFiles(id, change) => self.step_caption_files(&id, change),
        }
    }

    fn notify_duplicates(&mut self, id: &AssetId, end: &OriginalEnd) -> PortResult<()> {
        let is_linked = |loaded: &&Loaded| loaded.row.linked_to.as_ref() == Some(id);
        let duplicates: Vec<AssetId> =
            self.loaded.values().filter(is_linked).map(|loaded| loaded.row.id.clone()).collect();
        for duplicate in duplicates {
            if end.redacted {
                self.take_over_redaction(&duplicate, id)?;
            }
            self.step(&duplicate, Input::OriginalEnded(end.clone()), Attribution::default())?;
        }
        Ok(())
    }

    fn supersede_older(&mut self, id: &AssetId) -> PortResult<()> {
        let location = self.at(id)?.row.published_location.clone();
        for other in self.versions(id)?.iter().filter(|other| !other.newer) {
            // What is under hold stays where it is, unless the newer version has taken its place.
            let row = &self.at(&other.id)?.row;
            let stands_beside = row.published_location.is_some() && row.published_location != location;
            if other.published && row.core.flags.held && stands_beside {
                continue;
            }
            self.step(&other.id, Input::Superseded, Attribution::default())?;
        }
        Ok(())
    }

    /// Supersedes a version that only its hold has kept beside a newer published one. Every version of its key is loaded.
    pub(super) fn supersede_after_hold(&mut self, id: &AssetId) -> PortResult<()> {
        let published = self.at(id)?.row.core.phase == Phase::Published;
        if published && self.versions(id)?.iter().any(|other| other.newer && other.published) {
            self.step(id, Input::Superseded, Attribution::default())?;
        }
        Ok(())
    }

    /// Quarantines the older versions of its key and, if `same_content`, every asset with the same content; all are loaded.
    fn close_over(&mut self, id: &AssetId, same_content: bool) -> PortResult<()> {
        for other in self.versions(id)?.iter().filter(|other| !other.newer) {
            self.step(&other.id, Input::Quarantine(Cause::NewerVersion), Attribution::default())?;
        }
        if same_content {
            for other in self.same_content(id)? {
                self.step(&other, Input::Quarantine(Cause::SameContent), Attribution::default())?;
            }
        }
        Ok(())
    }

    /// Lets policy answer what was found in the content for every other asset with it; all are loaded.
    fn judge_same_content(&mut self, id: &AssetId, findings: &[FindingRecord]) -> PortResult<()> {
        for other in self.same_content(id)? {
            self.add_findings(&other, findings, Cause::FoundInContent)?;
        }
        Ok(())
    }

    /// Has every other asset with the same content redacted like this one; all are loaded. The history names those that cannot
    /// be, with the next step.
    fn redact_same_content(&mut self, id: &AssetId) -> PortResult<()> {
        let (mut redacted, mut lines) = (0, Vec::new());
        for other in self.same_content(id)? {
            let row = &mut self.at(&other)?.row;
            let before = row.linked_to.clone();
            // Its outputs are replaced by a copy of this asset's.
            if row.core.linked {
                row.linked_to = Some(id.clone());
            }
            let stepped = self.step(&other, Input::ContentRedacted, Attribution::default())?;
            let row = &mut self.at(&other)?.row;
            if stepped && row.core.exit.is_none() {
                redacted += 1;
                let (asset, original) = (other.clone(), id.clone());
                self.learned.push(LearnedFact::SameRedaction { asset, original });
                continue;
            }
            if row.core.linked {
                row.linked_to = before;
            }
            if stepped {
                lines.push(format!("asset {other} has the same content and is quarantined, because it is under hold, has failed or is just being published; upload it again to publish it redacted"));
            } else if row.core.flags.cleared && row.core.exit.is_none() {
                lines.push(format!("asset {other} has the same content and stays as it is, because a person released it; quarantine it to withdraw it"));
            }
        }
        if redacted > 0 {
            lines.insert(
                0,
                format!("other uploads of the same content that are redacted with it: {redacted}"),
            );
        }
        for line in lines {
            let now_ms = self.now_ms;
            self.note(id, history_lines::line(now_ms, HistoryEvent::Redacting, line))?;
        }
        Ok(())
    }

    /// Keeps the redaction of an original for a duplicate that shares its outputs, unless the duplicate has one of its own.
    fn take_over_redaction(&mut self, duplicate: &AssetId, original: &AssetId) -> PortResult<()> {
        if !self.at(duplicate)?.row.core.flags.redacted {
            let (asset, original) = (duplicate.clone(), original.clone());
            self.learned.push(LearnedFact::SameRedaction { asset, original });
        }
        Ok(())
    }

    /// The other loaded assets with the same content.
    pub(super) fn same_content(&mut self, id: &AssetId) -> PortResult<Vec<AssetId>> {
        let Some(sha256) = self.at(id)?.row.sha256.clone() else { return Ok(Vec::new()) };
        let same = |loaded: &&Loaded| loaded.row.sha256.as_ref() == Some(&sha256) && loaded.row.id != *id;
        Ok(self.loaded.values().filter(same).map(|loaded| loaded.row.id.clone()).collect())
    }

    /// Links an asset to the earliest loaded asset with the same content whose result can be shared.
    pub(super) fn link_to_original(&mut self, id: &AssetId, sha256: Option<&str>) -> PortResult<Original> {
        let Some(sha256) = sha256 else { return Ok(Original::None) };
        if self.at(id)?.row.forced {
            return Ok(Original::None);
        }
        let fits = |loaded: &&Loaded| {
            let same = loaded.row.sha256.as_deref() == Some(sha256) && loaded.row.id != *id;
            same && loaded.row.core.as_original() != Original::None
        };
        let earliest = self.loaded.values().filter(fits).min_by_key(|loaded| loaded.row.arrival);
        let Some(earliest) = earliest else { return Ok(Original::None) };
        let (original_id, original) = (earliest.row.id.clone(), earliest.row.core.as_original());
        if earliest.row.core.flags.redacted {
            self.take_over_redaction(id, &original_id)?;
        }
        self.at(id)?.row.linked_to = Some(original_id);
        Ok(original)
    }
}
