//! Restores a quarantined asset: copies the outputs that were visible, with the manifest last, and moves the source to the
//! rejected area, where tasks can read it.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use reelgate_flow::asset::Exit;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::objects::{MANIFEST, Owner, Restored, Turn};
use reelgate_ports::records::SourceRecord;

use super::bucket::{Bucket, Only};
use super::copy::copy_whole;
use super::listed_version::{ListedVersion, latest};
use super::move_source::{RELEASED, move_source};
use super::owner;
use super::publish::prefix;
use super::source::{SourceLocation, moved_name};
use super::store_context::StoreContext;
use super::turn::TakenTurn;
use super::withdrawal_record::{kept, plan};
use crate::location::Location;

const OPERATION: &str = "restore outputs";
/// Copy requests in flight; S3 copies, and we only wait.
const COPIES: usize = 16;

/// Restores an asset; a repeated call changes nothing.
pub(super) async fn restore(
    context: Arc<StoreContext>,
    turn: Turn,
    path: String,
    source: SourceRecord,
) -> PortResult<Restored> {
    let asset = turn.asset.clone();
    let turn = TakenTurn::take(context.clone(), turn).await?;
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
        let existing = latest(bucket.versions(OPERATION, &target.bucket, &target.key).await?);
        let shown = async {
            for objects in [files, manifests] {
                turn.check().await?;
                copy_all(bucket, &turn, &kept, &target, &existing, objects).await?;
            }
            turn.check().await
        };
        let (shown, before) = (shown.await, existing.keys().cloned().collect());
        turn.settle(shown, &target, &before).await?;
    }
    // The manifest is removed last: without it, a second attempt would not find the remaining files.
    let (manifests, files): (Vec<ListedVersion>, Vec<ListedVersion>) =
        found.into_iter().partition(|found| found.key.ends_with(MANIFEST));
    for objects in [files, manifests] {
        turn.check().await?;
        bucket.delete_all(OPERATION, &kept.bucket, &objects).await?;
    }
    turn.check().await?;
    let place = SourceLocation::of(&context.areas, &source)?;
    let quarantined = context.areas.quarantine.at(&moved_name(&source)?);
    let source_location = if *place.location() == quarantined {
        let released = context.areas.rejected.at(&moved_name(&source)?);
        move_source(bucket, &source, &place, released, RELEASED).await?
    } else {
        source.location.clone()
    };
    let plan = plan(&context, &asset, Exit::Quarantine)?;
    let plans = bucket.versions(OPERATION, &plan.bucket, &plan.key).await?;
    turn.check().await?;
    bucket.delete_all(OPERATION, &plan.bucket, &plans).await?;
    let visible = current_owner(bucket, &target).await?.is_some_and(|owner| owner.asset == asset);
    let published_location = visible.then(|| target.to_string().trim_end_matches('/').to_owned());
    Ok(Restored { source_location, published_location })
}

async fn current_owner(bucket: &Bucket, target: &Location) -> PortResult<Option<Owner>> {
    let manifest = Location::new(&target.bucket, format!("{}{MANIFEST}", target.key));
    let head = bucket.head(OPERATION, &manifest, None).await?;
    Ok(head.as_ref().map(|head| owner::read(OPERATION, head)).transpose()?.flatten())
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
    turn: &TakenTurn,
    kept: &Location,
    target: &Location,
    existing: &BTreeMap<String, String>,
    objects: Vec<ListedVersion>,
) -> PortResult<()> {
    let one = |found: ListedVersion| async move {
        let name = found.key.strip_prefix(&kept.key).unwrap_or_default();
        let from = Location::new(&kept.bucket, &found.key);
        let to = Location::new(&target.bucket, format!("{}{name}", target.key));
        // An earlier attempt may have copied it. Nobody else's object is replaced.
        let only = Only::over(existing, &to);
        copy_whole(bucket, OPERATION, from, to, only, Some(turn.stamp())).await
    };
    stream::iter(objects).map(one).buffer_unordered(COPIES).try_collect().await
}
