//! Assets that concern each other: the same content, or versions of the same key.

use reelgate_flow::asset::{Cause, Exit, Input, Original, OriginalEnd, Phase};
use reelgate_flow::ids::AssetId;

use super::rows::Loaded;
use super::steps::{FollowUp, UnitOfWork};
use crate::history_lines::Attribution;
use reelgate_ports::error::PortResult;

/// Another version of the same key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Version {
    /// Its id.
    pub id: AssetId,
    /// It comes after the one asked for.
    pub newer: bool,
    /// Its outputs are visible.
    pub published: bool,
}

impl UnitOfWork {
    /// The other loaded versions of an asset's key.
    pub fn versions(&mut self, id: &AssetId) -> PortResult<Vec<Version>> {
        self.at(id)?;
        let Some(this) = self.loaded.get(id).map(|loaded| &loaded.row) else { return Ok(Vec::new()) };
        let same_key = |other: &&Loaded| {
            // By its hash: an erased asset has lost its key, and is a version of it still.
            let same = other.row.key_sha256 == this.key_sha256;
            other.row.id != *id && same && other.row.source.id.bucket == this.source.id.bucket
        };
        let version = |other: &Loaded| Version {
            id: other.row.id.clone(),
            newer: this.is_older_than(&other.row),
            published: other.row.core.phase == Phase::Published,
        };
        Ok(self.loaded.values().filter(same_key).map(version).collect())
    }

    /// What the steps so far cause at other assets, one at a time. The store loads those it names (the duplicates
    /// that wait, or every version of the key) and then has it carried out.
    ///
    /// It ends: an asset ends once between two redrives, and only an ending is followed up.
    pub fn next_follow_up(&mut self) -> Option<FollowUp> {
        self.follow_ups.pop_front()
    }

    /// Carries out what [`UnitOfWork::next_follow_up`] named.
    pub fn carry_out(&mut self, next: FollowUp) -> PortResult<()> {
        match next {
            FollowUp::Duplicates(id, end) => self.notify_duplicates(&id, &end),
            FollowUp::Older(id) => self.supersede_older(&id),
            FollowUp::SameKey { id, same_content } => self.close_over(&id, same_content),
        }
    }

    fn notify_duplicates(&mut self, id: &AssetId, end: &OriginalEnd) -> PortResult<()> {
        let follows = |loaded: &&Loaded| loaded.row.linked_to.as_ref() == Some(id);
        let duplicates: Vec<AssetId> =
            self.loaded.values().filter(follows).map(|loaded| loaded.row.id.clone()).collect();
        for duplicate in duplicates {
            self.step(&duplicate, Input::OriginalEnded(end.clone()), Attribution::default())?;
        }
        Ok(())
    }

    fn supersede_older(&mut self, id: &AssetId) -> PortResult<()> {
        for other in self.versions(id)?.iter().filter(|other| !other.newer) {
            self.step(&other.id, Input::Superseded, Attribution::default())?;
        }
        Ok(())
    }

    /// Every version of its key is loaded, and, where asked for, every asset with the same content.
    fn close_over(&mut self, id: &AssetId, same_content: bool) -> PortResult<()> {
        for other in self.versions(id)?.iter().filter(|other| !other.newer) {
            self.step(&other.id, Input::Quarantine(Cause::NewerVersion), Attribution::default())?;
        }
        let Some(sha256) = self.at(id)?.row.sha256.clone().filter(|_| same_content) else { return Ok(()) };
        let same = |loaded: &&Loaded| loaded.row.sha256.as_ref() == Some(&sha256) && loaded.row.id != *id;
        let originals: Vec<AssetId> =
            self.loaded.values().filter(same).map(|loaded| loaded.row.id.clone()).collect();
        for original in originals {
            self.step(&original, Input::Quarantine(Cause::SameContent), Attribution::default())?;
        }
        Ok(())
    }

    /// Links an asset to the earliest loaded one with the same content whose result can be shared.
    pub(super) fn link_to_original(&mut self, id: &AssetId, sha256: Option<&str>) -> PortResult<Original> {
        let Some(sha256) = sha256 else { return Ok(Original::None) };
        if self.at(id)?.row.forced {
            return Ok(Original::None);
        }
        let fits = |loaded: &&Loaded| {
            let same = loaded.row.sha256.as_deref() == Some(sha256) && loaded.row.id != *id;
            same && shared_by(loaded).is_some()
        };
        let earliest = self.loaded.values().filter(fits).min_by_key(|loaded| loaded.row.arrival);
        let Some((original_id, original)) =
            earliest.and_then(|original| Some((original.row.id.clone(), shared_by(original)?)))
        else {
            return Ok(Original::None);
        };
        self.at(id)?.row.linked_to = Some(original_id);
        Ok(original)
    }
}

/// What others with the same content may share of this asset.
fn shared_by(loaded: &Loaded) -> Option<Original> {
    let core = &loaded.row.core;
    // A linked asset has nothing of its own before its copy is published.
    if core.linked && core.phase != Phase::Published {
        return None;
    }
    match core.phase {
        Phase::Processing | Phase::Screened => Some(Original::Running),
        Phase::Withdrawing if core.exit != Some(Exit::Supersede) => Some(Original::Running),
        Phase::Published | Phase::Quarantined => Some(Original::Ended(OriginalEnd {
            phase: core.phase,
            severity: core.severity,
            response: core.shared_response(),
            reason: core.reason.clone(),
        })),
        _ => None,
    }
}
