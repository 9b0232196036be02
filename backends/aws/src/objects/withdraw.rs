//! Taking an asset's outputs away and setting its source apart: for good, in every version.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use reelgate_flow::asset::Door;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{PortError, PortResult, Trouble};
use reelgate_ports::objects::MANIFEST;
use reelgate_ports::records::SourceRecord;

use super::Inner;
use super::bucket::{Bucket, Head, Only};
use super::copy::{Copy, copy};
use super::list::Found;
use super::owner::ASSET;
use super::publish::prefix;
use super::source::{Place, apart_name, is_version};
use super::staging::discard;
use crate::location::{Location, Version};

const WHAT: &str = "withdraw outputs";
const SET_APART: &str = "set the source apart";
/// Objects looked at at once.
const LOOKS: usize = 16;
/// Tag of a source set apart: why, for policies and rules of the life cycle.
const TAG: &str = "reelgate-door";

/// Removes outputs, then sets the source apart. Doing it again changes nothing.
///
/// Staged files go first: a publisher that is still at work then has nothing left to copy, and what it made visible
/// before is removed after.
pub(super) async fn withdraw(
    inner: Arc<Inner>,
    asset: AssetId,
    published_path: Option<String>,
    source: SourceRecord,
    door: Door,
) -> PortResult<String> {
    let bucket = &inner.bucket;
    let place = Place::of(&inner.areas, &source)?;
    inner.scratch.forget(place.location());
    discard(&inner, &asset).await?;
    if let Some(path) = published_path {
        hide(bucket, &asset, &prefix(&inner.areas, &path)?).await?;
    }
    let areas = &inner.areas;
    match door {
        // The newer version stands in its place.
        Door::Supersede => Ok(source.location.clone()),
        Door::Reject => {
            set_apart(bucket, &source, &place, areas.rejected.at(&apart_name(&source)?), "rejected").await
        }
        Door::Quarantine => {
            let to = areas.quarantine.at(&apart_name(&source)?);
            set_apart(bucket, &source, &place, to, "quarantined").await
        }
    }
}

/// Removes what this asset has below a path, the manifest first. Another asset's files stay; older versions below a
/// removed one go with it, because they would come back in its place.
async fn hide(bucket: &Arc<Bucket>, asset: &AssetId, path: &Location) -> PortResult<()> {
    let found = bucket.versions(WHAT, &path.bucket, &path.key).await?;
    let whose = |found: Found| async move {
        let at = Location::new(&path.bucket, &found.key);
        let head = bucket.head(WHAT, &at, found.version_id.as_deref()).await?;
        let ours =
            head.is_some_and(|head| head.metadata.get(ASSET).map(String::as_str) == Some(asset.as_str()));
        Ok::<_, PortError>((found, ours))
    };
    // In order: newest first below each key.
    let looked: Vec<(Found, bool)> = stream::iter(found).map(whose).buffered(LOOKS).try_collect().await?;
    let mut latest_is_ours = BTreeMap::new();
    for (found, ours) in looked.iter().filter(|(found, _)| found.latest) {
        latest_is_ours.insert(found.key.clone(), *ours);
    }
    let goes = |(found, ours): (Found, bool)| {
        (ours || latest_is_ours.get(&found.key) == Some(&true)).then_some(found)
    };
    let gone: Vec<Found> = looked.into_iter().filter_map(goes).collect();
    let (manifests, files): (Vec<Found>, Vec<Found>) =
        gone.into_iter().partition(|found| found.key.ends_with(MANIFEST));
    for objects in [manifests, files] {
        bucket.delete_all(WHAT, &path.bucket, &objects).await?;
    }
    Ok(())
}

/// Copies the exact version to its place apart, with metadata, tags and encryption, proves the copy, and removes the
/// version; returns where it is.
async fn set_apart(
    bucket: &Arc<Bucket>,
    source: &SourceRecord,
    place: &Place,
    to: Location,
    why: &str,
) -> PortResult<String> {
    let moved = to.to_string();
    let from = match place {
        Place::SetApart(at) if *at == to => return Ok(moved),
        // From the one place apart to the other, or from where it was put.
        Place::SetApart(at) | Place::Uploaded(at) => at.clone(),
    };
    let head = exact(bucket, &from, place, source).await?;
    let there = bucket.head(SET_APART, &to, None).await?;
    let Some(head) = head else {
        // Moved before its commit was lost; or replaced, or gone, and then there is nothing to set apart.
        return Ok(if there.is_some() { moved } else { source.location.clone() });
    };
    if there.is_none() {
        let order = Copy {
            what: SET_APART,
            from: from.clone(),
            head: head.clone(),
            to: to.clone(),
            label: None,
            only: Only::Absent,
        };
        match copy(bucket, &order).await {
            Err(error) if error.trouble != Trouble::Conflict => return Err(error),
            // It came there meanwhile, or the source went: the proof tells.
            _ => {}
        }
    }
    let copied = bucket.head(SET_APART, &to, None).await?;
    if copied.is_none_or(|copied| copied.size_bytes != head.size_bytes) {
        let detail = "expected a whole copy of the source, found none; it stays where it is";
        return Err(PortError::new(Trouble::Unavailable, SET_APART, detail));
    }
    bucket.add_tag(SET_APART, &to, TAG, why).await?;
    bucket.delete_exact(SET_APART, &from, &head).await?;
    Ok(moved)
}

/// The recorded version, whatever came after it; `None` where it is gone.
async fn exact(
    bucket: &Bucket,
    from: &Location,
    place: &Place,
    source: &SourceRecord,
) -> PortResult<Option<Head>> {
    let version = Version::parse(&source.id.version);
    let id = match place {
        Place::Uploaded(_) => version.id(),
        Place::SetApart(_) => None,
    };
    let found = bucket.head(SET_APART, from, id).await?;
    Ok(found.filter(|found| matches!(place, Place::SetApart(_)) || is_version(found, version)))
}
