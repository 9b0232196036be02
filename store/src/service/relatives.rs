//! Consequences of steps for other assets, carried out in rounds.

use std::collections::BTreeSet;

use reelgate_flow::ids::AssetId;
use reelgate_ports::caption_files::{family_sha256, is_film};
use reelgate_ports::error::PortResult;

use super::budgets::settle;
use crate::session::{Answer, Session};
use crate::work::{FollowUp, UnitOfWork};

/// Carries out the consequences of steps for other assets until there are no more, then books the cost of what has ended. A round loads the assets of all
/// consequences so far at once; this is correct because a report and the consequences of another asset's report have no
/// order.
pub(super) async fn follow_up<S: Session>(session: &mut S) -> Answer<(), S> {
    loop {
        let work = session.work();
        let round: Vec<FollowUp> = std::iter::from_fn(|| work.next_follow_up()).collect();
        if round.is_empty() {
            return settle(session).await;
        }
        let wanted = Wanted::of(session.work(), &round)?;
        if !wanted.duplicates_of.is_empty() {
            session.load_duplicates(&wanted.duplicates_of).await?;
        }
        if !wanted.keys.is_empty() {
            session.load_versions(&wanted.keys).await?;
        }
        if !wanted.families.is_empty() {
            session.load_families(&wanted.families).await?;
        }
        if !wanted.contents.is_empty() {
            session.load_same_content(&wanted.contents).await?;
        }
        if wanted.judges {
            learn_releases(session).await?;
        }
        for next in round {
            session.work().carry_out(next)?;
        }
    }
}

/// What a round must load.
#[derive(Default)]
struct Wanted {
    duplicates_of: BTreeSet<AssetId>,
    keys: BTreeSet<String>,
    contents: BTreeSet<String>,
    families: BTreeSet<String>,
    /// Findings are judged, so it counts what was known of the released assets.
    judges: bool,
}

impl Wanted {
    fn of(work: &mut UnitOfWork, round: &[FollowUp]) -> PortResult<Self> {
        let mut wanted = Self::default();
        for next in round {
            match next {
                FollowUp::Duplicates(id, _) => {
                    wanted.duplicates_of.insert(id.clone());
                }
                FollowUp::Older(id) => {
                    wanted.keys.insert(work.at(id)?.row.key_sha256.clone());
                }
                FollowUp::SameKey { id, same_content } => {
                    let row = &work.at(id)?.row;
                    wanted.keys.insert(row.key_sha256.clone());
                    wanted.contents.extend(row.sha256.clone().filter(|_| *same_content));
                }
                FollowUp::ReadByFilms(id) | FollowUp::QuarantineFilms(id) | FollowUp::CaptionFiles(id, _) => {
                    wanted.families.insert(family_sha256(&work.at(id)?.row.source.id.key));
                }
                FollowUp::Redaction(id) => wanted.contents.extend(work.at(id)?.row.sha256.clone()),
                FollowUp::SameContent { id, .. } => {
                    wanted.contents.extend(work.at(id)?.row.sha256.clone());
                    wanted.judges = true;
                }
            }
        }
        Ok(wanted)
    }
}

/// Learns what was stored as found in these loaded assets, if this call does not know it yet.
pub(super) async fn learn_findings<S: Session>(session: &mut S, mut of: BTreeSet<AssetId>) -> Answer<(), S> {
    of.retain(|id| !session.work().known.contains_key(id));
    if of.is_empty() {
        return Ok(());
    }
    let mut known = session.findings_of(&of).await?;
    for id in of {
        let found = known.remove(&id).unwrap_or_default();
        session.work().known.insert(id, found);
    }
    Ok(())
}

/// Learns what the releases of all loaded assets cover. A release that was given by a version which did not write that down covers
/// everything that is stored as found.
pub(super) async fn learn_releases<S: Session>(session: &mut S) -> Answer<(), S> {
    let work = session.work();
    let mut released = work.released();
    released.retain(|id| !work.covered.contains_key(id));
    if released.is_empty() {
        return Ok(());
    }
    learn_findings(session, released.clone()).await?;
    let mut documents = session.covered_by_releases(&released).await?;
    for id in released {
        let known = session.work().known.get(&id).cloned().unwrap_or_default();
        let covered = match documents.remove(&id) {
            // What cannot be read covers nothing.
            Some(document) => serde_json::from_value(document).unwrap_or_default(),
            None => known,
        };
        session.work().covered.insert(id, covered);
    }
    Ok(())
}

/// Loads every version of the key of a loaded asset.
pub(super) async fn load_versions_of<S: Session>(session: &mut S, id: &AssetId) -> Answer<(), S> {
    let key = session.work().at(id)?.row.key_sha256.clone();
    session.load_versions(&BTreeSet::from([key])).await
}

/// Loads the films and caption files whose names are of the family of a loaded caption file.
pub(super) async fn load_family_of<S: Session>(session: &mut S, id: &AssetId) -> Answer<(), S> {
    let key = &session.work().at(id)?.row.source.id.key;
    if is_film(key) {
        return Ok(());
    }
    let family = family_sha256(key);
    session.load_families(&BTreeSet::from([family])).await
}
