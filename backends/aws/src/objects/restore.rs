//! Restores a quarantined asset: copies the outputs that were visible, with the manifest last, and moves the source to the
//! rejected area, where tasks can read it.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use reelgate_flow::asset::Exit;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::objects::{MANIFEST, Restored};
use reelgate_ports::records::SourceRecord;

use super::bucket::Bucket;
use super::copy::copy_whole;
use super::listed_version::ListedVersion;
use super::move_source::move_source;
use super::owner::Owner;
use super::publish::prefix;
use super::source::{SourceLocation, moved_name};
use super::store_context::StoreContext;
use super::withdrawal_record::{kept, plan};
use crate::location::Location;

const OPERATION: &str = "restore outputs";
/// Copy requests in flight; S3 copies, and we only wait.
const COPIES: usize = 16;

/// Restores an asset; a repeated call changes nothing.
pub(super) async fn restore(
    context: Arc<StoreContext>,
    asset: AssetId,
    path: String,
    source: SourceRecord,
) -> PortResult<Restored> {
    let bucket = &context.bucket;
    let target = prefix(&context.areas, &path)?;
    let kept = kept(&context, &asset)?;
    let found = bucket.versions(OPERATION, &kept.bucket, &kept.key).await?;
    if found.iter().any(|found| found.key.ends_with(MANIFEST)) {
        check_path(bucket, &asset, &target).await?;
        let (manifests, files): (Vec<ListedVersion>, Vec<ListedVersion>) = found
            .iter()
            .filter(|found| found.latest)
            .cloned()
            .partition(|found| found.key.ends_with(MANIFEST));
        for objects in [files, manifests] {
            copy_all(bucket, &kept, &target, objects).await?;
        }
    }
    // The manifest is removed last: without it, a second attempt would not find the remaining files.
    let (manifests, files): (Vec<ListedVersion>, Vec<ListedVersion>) =
        found.into_iter().partition(|found| found.key.ends_with(MANIFEST));
    for objects in [files, manifests] {
        bucket.delete_all(OPERATION, &kept.bucket, &objects).await?;
    }
    let place = SourceLocation::of(&context.areas, &source)?;
    let quarantined = context.areas.quarantine.at(&moved_name(&source)?);
    let source_location = if *place.location() == quarantined {
        let released = context.areas.rejected.at(&moved_name(&source)?);
        move_source(bucket, &source, &place, released, "released").await?
    } else {
        source.location.clone()
    };
    let plan = plan(&context, &asset, Exit::Quarantine)?;
    let plans = bucket.versions(OPERATION, &plan.bucket, &plan.key).await?;
    bucket.delete_all(OPERATION, &plan.bucket, &plans).await?;
    let visible = current_owner(bucket, &target).await?.is_some_and(|owner| owner.asset == asset);
    let published_location = visible.then(|| target.to_string().trim_end_matches('/').to_owned());
    Ok(Restored { source_location, published_location })
}

async fn current_owner(bucket: &Bucket, target: &Location) -> PortResult<Option<Owner>> {
    let manifest = Location::new(&target.bucket, format!("{}{MANIFEST}", target.key));
    let head = bucket.head(OPERATION, &manifest, None).await?;
    Ok(head.as_ref().map(|head| Owner::read(OPERATION, head)).transpose()?.flatten())
}

/// Checks that the path is free, or has outputs from an earlier attempt of this restoration.
async fn check_path(bucket: &Bucket, asset: &AssetId, target: &Location) -> PortResult<()> {
    match current_owner(bucket, target).await? {
        Some(owner) if owner.asset != *asset => {
            let detail = "expected a free output path, found another version's outputs";
            Err(PortError::new(Port::Objects, ErrorKind::Conflict, OPERATION, detail))
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
        copy_whole(bucket, OPERATION, from, to).await
    };
    stream::iter(objects).map(one).buffer_unordered(COPIES).try_collect().await
}
