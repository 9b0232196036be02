//! Taking an asset's outputs away and moving its source: planned, done in every version, and proved.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use reelgate_flow::asset::Exit;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::objects::{MANIFEST, Withdrawn};
use reelgate_ports::records::SourceRecord;

use super::Inner;
use super::bucket::{Bucket, Head, Only};
use super::copy::{Copy, copy};
use super::list::ListedVersion;
use super::publish::prefix;
use super::restore::copy_whole;
use super::source::{SourceLocation, is_version, moved_name};
use super::staging::discard;
use super::withdrawal_record::{self, Scene};
use crate::location::{Location, Version};

const WHAT: &str = "withdraw outputs";
const MOVE_SOURCE: &str = "move the source to its area";
const ERASE: &str = "erase the source";
/// Requests at once while copying: S3 copies, we only wait.
const COPIES: usize = 16;
/// Tag of a source that was moved: why, for policies and rules of the life cycle.
const TAG: &str = "reelgate-exit";

/// Takes outputs away, then moves the source. Doing it again changes nothing.
///
/// What is to be taken is written down first, so that the record is whole whatever happens on the way. Staged files
/// go before visible ones: a publisher that is still at work then has nothing left to copy, and what it made visible
/// before is taken after.
pub(super) async fn withdraw(
    inner: Arc<Inner>,
    asset: AssetId,
    published_path: Option<String>,
    source: SourceRecord,
    exit: Exit,
) -> PortResult<Withdrawn> {
    let published = published_path.map(|path| prefix(&inner.areas, &path)).transpose()?;
    let place = SourceLocation::of(&inner.areas, &source)?;
    inner.scratch.forget(place.location());
    let scene = Scene { inner, asset, published, source, place };
    let mut withdrawal_record = withdrawal_record::planned(&scene, exit).await?;
    discard(&scene.inner, &scene.asset).await?;
    hide(&scene, exit == Exit::Quarantine).await?;
    let Scene { inner, source, place, .. } = &scene;
    let (bucket, areas) = (&inner.bucket, &inner.areas);
    if exit != Exit::Quarantine {
        let kept = scene.kept()?;
        let found = bucket.versions(WHAT, &kept.bucket, &kept.key).await?;
        bucket.delete_all(WHAT, &kept.bucket, &found).await?;
    }
    let source_location = match exit {
        // The newer version stands in its place.
        Exit::Supersede => source.location.clone(),
        Exit::Reject => {
            move_source(bucket, source, place, areas.rejected.at(&moved_name(source)?), "rejected").await?
        }
        Exit::Quarantine => {
            let to = areas.quarantine.at(&moved_name(source)?);
            move_source(bucket, source, place, to, "quarantined").await?
        }
        Exit::Erase => {
            erase_source(&scene).await?;
            source.location.clone()
        }
    };
    withdrawal_record.looked_at = withdrawal_record::prove(&scene, exit, &withdrawal_record).await?;
    Ok(Withdrawn { source_location, withdrawal_record })
}

/// Removes what this asset has below its path, the manifest first; where it is kept, after all of it was copied.
async fn hide(scene: &Scene, keep: bool) -> PortResult<()> {
    let Some(path) = &scene.published else { return Ok(()) };
    let bucket = &scene.inner.bucket;
    let gone = withdrawal_record::visible(bucket, &scene.asset, path).await?;
    let (manifests, files): (Vec<ListedVersion>, Vec<ListedVersion>) =
        gone.into_iter().partition(|found| found.key.ends_with(MANIFEST));
    if keep {
        // The manifest is copied last: what is kept is whole where it has one.
        for objects in [&files, &manifests] {
            put_aside(scene, path, objects).await?;
        }
    }
    for objects in [manifests, files] {
        bucket.delete_all(WHAT, &path.bucket, &objects).await?;
    }
    Ok(())
}

async fn put_aside(scene: &Scene, path: &Location, objects: &[ListedVersion]) -> PortResult<()> {
    let kept = scene.kept()?;
    let one = |found: ListedVersion| {
        let name = found.key.strip_prefix(&path.key).unwrap_or_default();
        let from = Location::new(&path.bucket, &found.key);
        let to = Location::new(&kept.bucket, format!("{}{name}", kept.key));
        copy_whole(&scene.inner.bucket, WHAT, from, to)
    };
    let latest: Vec<ListedVersion> = objects.iter().filter(|found| found.latest).cloned().collect();
    stream::iter(latest).map(one).buffer_unordered(COPIES).try_collect().await
}

/// Removes the source wherever a withdrawal may have put it, and where its producer put it, in its exact version.
async fn erase_source(scene: &Scene) -> PortResult<()> {
    let bucket = &scene.inner.bucket;
    for (at, found) in scene.apart().await? {
        bucket.delete_all(ERASE, &at.bucket, &[found]).await?;
    }
    let SourceLocation::Uploaded(at) = &scene.place else { return Ok(()) };
    match exact(bucket, at, &scene.place, &scene.source).await? {
        Some(head) => bucket.delete_exact(ERASE, at, &head).await,
        None => Ok(()),
    }
}

/// Copies the exact version to its place apart, with metadata, tags and encryption, proves the copy, and removes the
/// version; returns where it is.
pub(super) async fn move_source(
    bucket: &Arc<Bucket>,
    source: &SourceRecord,
    place: &SourceLocation,
    to: Location,
    why: &str,
) -> PortResult<String> {
    let moved = to.to_string();
    let from = match place {
        SourceLocation::Moved(at) if *at == to => return Ok(moved),
        // From the one place apart to the other, or from where it was put.
        SourceLocation::Moved(at) | SourceLocation::Uploaded(at) => at.clone(),
    };
    let head = exact(bucket, &from, place, source).await?;
    let there = bucket.head(MOVE_SOURCE, &to, None).await?;
    let Some(head) = head else {
        // Moved before its commit was lost; or replaced, or gone, and then there is nothing to move.
        return Ok(if there.is_some() { moved } else { source.location.clone() });
    };
    if there.is_none() {
        let order = Copy {
            what: MOVE_SOURCE,
            from: from.clone(),
            head: head.clone(),
            to: to.clone(),
            label: None,
            only: Only::Absent,
        };
        match copy(bucket, &order).await {
            Err(error) if error.kind != ErrorKind::Conflict => return Err(error),
            // It came there meanwhile, or the source went: the proof tells.
            _ => {}
        }
    }
    let copied = bucket.head(MOVE_SOURCE, &to, None).await?;
    if copied.is_none_or(|copied| copied.size_bytes != head.size_bytes) {
        let detail = "expected a whole copy of the source, found none; it stays where it is";
        return Err(PortError::new(Port::Objects, ErrorKind::Unavailable, MOVE_SOURCE, detail));
    }
    bucket.add_tag(MOVE_SOURCE, &to, TAG, why).await?;
    bucket.delete_exact(MOVE_SOURCE, &from, &head).await?;
    Ok(moved)
}

/// The recorded version, whatever came after it; `None` where it is gone.
pub(super) async fn exact(
    bucket: &Bucket,
    from: &Location,
    place: &SourceLocation,
    source: &SourceRecord,
) -> PortResult<Option<Head>> {
    let version = Version::parse(&source.id.version);
    let id = match place {
        SourceLocation::Uploaded(_) => version.id(),
        SourceLocation::Moved(_) => None,
    };
    let found = bucket.head(MOVE_SOURCE, from, id).await?;
    Ok(found.filter(|found| matches!(place, SourceLocation::Moved(_)) || is_version(found, version)))
}
