//! Bringing a quarantined asset back: copies of what was visible, the manifest last, and the source to where work can
//! read it, beside the rejected ones.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use reelgate_flow::asset::Exit;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::objects::{MANIFEST, Restored};
use reelgate_ports::records::SourceRecord;

use super::Inner;
use super::bucket::{Bucket, Only};
use super::copy::{Copy, copy};
use super::list::ListedVersion;
use super::owner::Owner;
use super::publish::prefix;
use super::source::{SourceLocation, moved_name};
use super::withdraw::move_source;
use super::withdrawal_record::{kept, plan};
use crate::location::Location;

const WHAT: &str = "bring outputs back";
/// Requests at once while copying: S3 copies, we only wait.
const COPIES: usize = 16;

/// Restores; doing it again changes nothing.
pub(super) async fn restore(
    inner: Arc<Inner>,
    asset: AssetId,
    path: String,
    source: SourceRecord,
) -> PortResult<Restored> {
    let bucket = &inner.bucket;
    let target = prefix(&inner.areas, &path)?;
    let kept = kept(&inner, &asset)?;
    let found = bucket.versions(WHAT, &kept.bucket, &kept.key).await?;
    if found.iter().any(|found| found.key.ends_with(MANIFEST)) {
        may_stand(bucket, &asset, &target).await?;
        let (manifests, files): (Vec<ListedVersion>, Vec<ListedVersion>) = found
            .iter()
            .filter(|found| found.latest)
            .cloned()
            .partition(|found| found.key.ends_with(MANIFEST));
        for objects in [files, manifests] {
            copy_all(bucket, &kept, &target, objects).await?;
        }
    }
    // The manifest goes last here too: without it a second try would take what is left for nothing.
    let (manifests, files): (Vec<ListedVersion>, Vec<ListedVersion>) =
        found.into_iter().partition(|found| found.key.ends_with(MANIFEST));
    for objects in [files, manifests] {
        bucket.delete_all(WHAT, &kept.bucket, &objects).await?;
    }
    let place = SourceLocation::of(&inner.areas, &source)?;
    let quarantined = inner.areas.quarantine.at(&moved_name(&source)?);
    let source_location = if *place.location() == quarantined {
        let released = inner.areas.rejected.at(&moved_name(&source)?);
        move_source(bucket, &source, &place, released, "released").await?
    } else {
        source.location.clone()
    };
    let plan = plan(&inner, &asset, Exit::Quarantine)?;
    let plans = bucket.versions(WHAT, &plan.bucket, &plan.key).await?;
    bucket.delete_all(WHAT, &plan.bucket, &plans).await?;
    let shown = standing(bucket, &target).await?.is_some_and(|owner| owner.asset == asset);
    let published_location = shown.then(|| target.to_string().trim_end_matches('/').to_owned());
    Ok(Restored { source_location, published_location })
}

async fn standing(bucket: &Bucket, target: &Location) -> PortResult<Option<Owner>> {
    let manifest = Location::new(&target.bucket, format!("{}{MANIFEST}", target.key));
    let head = bucket.head(WHAT, &manifest, None).await?;
    Ok(head.as_ref().map(Owner::read).transpose()?.flatten())
}

/// An empty place, or one where an earlier try of this restoration has begun.
async fn may_stand(bucket: &Bucket, asset: &AssetId, target: &Location) -> PortResult<()> {
    match standing(bucket, target).await? {
        Some(owner) if owner.asset != *asset => {
            let detail = "expected a free output path, found another version's outputs";
            Err(PortError::new(Port::Objects, ErrorKind::Conflict, WHAT, detail))
        }
        _ => Ok(()),
    }
}

async fn copy_all(
    bucket: &Arc<Bucket>,
    kept: &Location,
    target: &Location,
    objects: Vec<ListedVersion>,
) -> PortResult<()> {
    let one = |found: ListedVersion| async move {
        let name = found.key.strip_prefix(&kept.key).unwrap_or_default();
        let from = Location::new(&kept.bucket, &found.key);
        let to = Location::new(&target.bucket, format!("{}{name}", target.key));
        copy_whole(bucket, WHAT, from, to).await
    };
    stream::iter(objects).map(one).buffer_unordered(COPIES).try_collect().await
}

/// Copies what is there now with its metadata and encryption, and proves the copy by its size.
pub(super) async fn copy_whole(
    bucket: &Arc<Bucket>,
    what: &'static str,
    from: Location,
    to: Location,
) -> PortResult<()> {
    let gone = || {
        PortError::new(
            Port::Objects,
            ErrorKind::Unavailable,
            what,
            "expected an object that was just listed, found none",
        )
    };
    let head = bucket.head(what, &from, None).await?.ok_or_else(gone)?;
    let size_bytes = head.size_bytes;
    let order = Copy { what, from, head, to: to.clone(), label: None, only: Only::Always };
    copy(bucket, &order).await?;
    let copied = bucket.head(what, &to, None).await?;
    if copied.is_none_or(|copied| copied.size_bytes != size_bytes) {
        let detail = "expected a whole copy, found none; the original stays where it is";
        return Err(PortError::new(Port::Objects, ErrorKind::Unavailable, what, detail));
    }
    Ok(())
}
