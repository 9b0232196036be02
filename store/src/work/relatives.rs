//! Assets that concern each other: the same content, or versions of the same key.

use reelgate_flow::asset::{Cause, Door, Input, Phase, Twin, TwinEnd};
use reelgate_flow::ids::AssetId;

use super::rows::Loaded;
use super::steps::{FollowUp, Work};
use crate::history_lines::By;
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

impl Work {
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

    /// What the steps so far cause at other assets, one at a time. The store loads those it names (the followers
    /// that wait, or every version of the key) and then has it carried out.
    ///
    /// It ends: an asset ends once between two redrives, and only an ending is followed up.
    pub fn next_follow_up(&mut self) -> Option<FollowUp> {
        self.follow_ups.pop_front()
    }

    /// Carries out what [`Work::next_follow_up`] named.
    pub fn carry_out(&mut self, next: FollowUp) -> PortResult<()> {
        match next {
            FollowUp::Followers(id, end) => self.tell_followers(&id, &end),
            FollowUp::Older(id) => self.supersede_older(&id),
            FollowUp::Closing { id, same_content } => self.close_over(&id, same_content),
        }
    }

    fn tell_followers(&mut self, id: &AssetId, end: &TwinEnd) -> PortResult<()> {
        let follows = |loaded: &&Loaded| loaded.row.linked_to.as_ref() == Some(id);
        let followers: Vec<AssetId> =
            self.loaded.values().filter(follows).map(|loaded| loaded.row.id.clone()).collect();
        for follower in followers {
            self.step(&follower, Input::TwinEnded(end.clone()), By::default())?;
        }
        Ok(())
    }

    fn supersede_older(&mut self, id: &AssetId) -> PortResult<()> {
        for other in self.versions(id)?.iter().filter(|other| !other.newer) {
            self.step(&other.id, Input::Superseded, By::default())?;
        }
        Ok(())
    }

    /// Every version of its key is loaded, and, where asked for, every asset with the same content.
    fn close_over(&mut self, id: &AssetId, same_content: bool) -> PortResult<()> {
        for other in self.versions(id)?.iter().filter(|other| !other.newer) {
            self.step(&other.id, Input::SetApart(Cause::NewerVersion), By::default())?;
        }
        let Some(sha256) = self.at(id)?.row.sha256.clone().filter(|_| same_content) else { return Ok(()) };
        let same = |loaded: &&Loaded| loaded.row.sha256.as_ref() == Some(&sha256) && loaded.row.id != *id;
        let twins: Vec<AssetId> =
            self.loaded.values().filter(same).map(|loaded| loaded.row.id.clone()).collect();
        for twin in twins {
            self.step(&twin, Input::SetApart(Cause::SameContent), By::default())?;
        }
        Ok(())
    }

    /// Links an asset to the earliest loaded one with the same content whose result can be shared.
    pub(super) fn link_to_twin(&mut self, id: &AssetId, sha256: Option<&str>) -> PortResult<Twin> {
        let Some(sha256) = sha256 else { return Ok(Twin::None) };
        if self.at(id)?.row.forced {
            return Ok(Twin::None);
        }
        let fits = |loaded: &&Loaded| {
            let same = loaded.row.sha256.as_deref() == Some(sha256) && loaded.row.id != *id;
            same && shared_by(loaded).is_some()
        };
        let earliest = self.loaded.values().filter(fits).min_by_key(|loaded| loaded.row.arrival);
        let Some((twin_id, twin)) = earliest.and_then(|twin| Some((twin.row.id.clone(), shared_by(twin)?)))
        else {
            return Ok(Twin::None);
        };
        self.at(id)?.row.linked_to = Some(twin_id);
        Ok(twin)
    }
}

/// What others with the same content may share of this asset.
fn shared_by(loaded: &Loaded) -> Option<Twin> {
    let core = &loaded.row.core;
    // A linked asset has nothing of its own before its copy is published.
    if core.linked && core.phase != Phase::Published {
        return None;
    }
    match core.phase {
        Phase::Processing | Phase::Screened => Some(Twin::Running),
        Phase::Withdrawing if core.door != Some(Door::Supersede) => Some(Twin::Running),
        Phase::Published | Phase::Quarantined => Some(Twin::Ended(TwinEnd {
            phase: core.phase,
            severity: core.severity,
            response: core.shared_response(),
            reason: core.reason.clone(),
        })),
        _ => None,
    }
}
