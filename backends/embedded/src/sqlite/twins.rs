//! Assets that concern each other: the same content, or versions of the same key.

use std::collections::BTreeSet;

use reelgate_flow::asset::{Door, Input, Phase, Twin, TwinEnd};
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::PortResult;
use reelgate_ports::telling::By;
use sqlx::SqliteConnection;

use super::error::db;
use super::work::{FollowUp, Loaded, Work, json};

/// Another version of the same key.
pub(super) struct Version {
    pub id: AssetId,
    pub newer: bool,
    pub published: bool,
}

/// The other loaded versions of an asset's key.
pub(super) fn versions(work: &mut Work, id: &AssetId) -> PortResult<Vec<Version>> {
    work.at(id)?;
    let Some(this) = work.loaded.get(id).map(|loaded| &loaded.row) else { return Ok(Vec::new()) };
    let same_key = |other: &&Loaded| {
        let theirs = &other.row.source.id;
        other.row.id != *id && theirs.bucket == this.source.id.bucket && theirs.key == this.source.id.key
    };
    let version = |other: &Loaded| Version {
        id: other.row.id.clone(),
        newer: this.is_older_than(&other.row),
        published: other.row.core.phase == Phase::Published,
    };
    Ok(work.loaded.values().filter(same_key).map(version).collect())
}

/// Carries out what steps cause at other assets, until nothing more follows.
///
/// It ends: an asset ends once between two redrives, and only an ending is followed up.
pub(super) async fn follow_up(conn: &mut SqliteConnection, work: &mut Work) -> PortResult<()> {
    while let Some(next) = work.follow_ups.pop_front() {
        match next {
            FollowUp::Followers(id, end) => tell_followers(conn, work, &id, &end).await?,
            FollowUp::Older(id) => supersede_older(conn, work, &id).await?,
        }
    }
    Ok(())
}

async fn tell_followers(
    conn: &mut SqliteConnection,
    work: &mut Work,
    id: &AssetId,
    end: &TwinEnd,
) -> PortResult<()> {
    let stored = sqlx::query_scalar::<_, String>(
        "SELECT id FROM assets WHERE linked_to = ? AND phase IN ('linked', 'screened')",
    )
    .bind(id.as_str())
    .fetch_all(&mut *conn)
    .await
    .map_err(db("look for assets with the same content"))?;
    let stored: Vec<AssetId> = stored.into_iter().map(AssetId::new).collect();
    work.load(conn, &stored).await?;
    let follows = |loaded: &&Loaded| loaded.row.linked_to.as_ref() == Some(id);
    let followers: Vec<AssetId> =
        work.loaded.values().filter(follows).map(|loaded| loaded.row.id.clone()).collect();
    for follower in followers {
        work.step(&follower, Input::TwinEnded(end.clone()), By::default())?;
    }
    Ok(())
}

async fn supersede_older(conn: &mut SqliteConnection, work: &mut Work, id: &AssetId) -> PortResult<()> {
    load_versions(conn, work, std::slice::from_ref(id)).await?;
    for other in versions(work, id)?.iter().filter(|other| !other.newer) {
        work.step(&other.id, Input::Superseded, By::default())?;
    }
    Ok(())
}

/// Loads every version of the keys of these assets.
pub(super) async fn load_versions(
    conn: &mut SqliteConnection,
    work: &mut Work,
    ids: &[AssetId],
) -> PortResult<()> {
    let keys: BTreeSet<&str> = ids
        .iter()
        .filter_map(|id| work.loaded.get(id))
        .map(|loaded| loaded.row.key_sha256.as_str())
        .collect();
    let stored = sqlx::query_scalar::<_, String>(
        "SELECT id FROM assets WHERE key_sha256 IN (SELECT value FROM json_each(?))",
    )
    .bind(json(&keys)?)
    .fetch_all(&mut *conn)
    .await
    .map_err(db("look for other versions"))?;
    let stored: Vec<AssetId> = stored.into_iter().map(AssetId::new).collect();
    work.load(conn, &stored).await
}

/// Looks for an earlier asset with the same content whose result can be shared, and links to it.
pub(super) async fn find_twin(
    conn: &mut SqliteConnection,
    work: &mut Work,
    id: &AssetId,
    sha256: Option<&str>,
) -> PortResult<Twin> {
    let Some(sha256) = sha256 else { return Ok(Twin::None) };
    if work.at(id)?.row.forced {
        return Ok(Twin::None);
    }
    let stored = sqlx::query_scalar::<_, String>(
        "SELECT id FROM assets WHERE sha256 = ? AND id <> ? AND (linked_to IS NULL OR phase = 'published')
             AND phase IN ('processing', 'screened', 'published', 'quarantined', 'withdrawing')
         ORDER BY arrival LIMIT 8",
    )
    .bind(sha256)
    .bind(id.as_str())
    .fetch_all(&mut *conn)
    .await
    .map_err(db("look for the same content"))?;
    let stored: Vec<AssetId> = stored.into_iter().map(AssetId::new).collect();
    work.load(conn, &stored).await?;
    let fits = |loaded: &&Loaded| {
        let same = loaded.row.sha256.as_deref() == Some(sha256) && loaded.row.id != *id;
        same && shared_by(loaded).is_some()
    };
    let earliest = work.loaded.values().filter(fits).min_by_key(|loaded| loaded.row.arrival);
    let Some((twin_id, twin)) = earliest.and_then(|twin| Some((twin.row.id.clone(), shared_by(twin)?)))
    else {
        return Ok(Twin::None);
    };
    work.at(id)?.row.linked_to = Some(twin_id);
    Ok(twin)
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
            reason: core.reason.clone(),
        })),
        _ => None,
    }
}
