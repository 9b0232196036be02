//! Withdraws an asset: removes every version of its outputs and moves its source, with a plan before and a proof after.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use reelgate_flow::asset::Exit;
use reelgate_ports::error::PortResult;
use reelgate_ports::objects::{MANIFEST, Turn, Withdrawn};
use reelgate_ports::records::SourceRecord;

use super::bucket::Only;
use super::copy::copy_whole;
use super::listed_version::{ListedVersion, latest};
use super::move_source::{HELD, REJECTED, move_source, recorded_version};
use super::publish::prefix;
use super::source::{SourceLocation, moved_name};
use super::staging::discard;
use super::store_context::StoreContext;
use super::turn::TakenTurn;
use super::withdrawal_record::{self, Withdrawal};
use crate::location::Location;

const OPERATION: &str = "withdraw outputs";
const ERASE: &str = "erase the source";
/// Copy requests in flight; S3 copies, and we only wait.
const COPIES: usize = 16;

/// Removes outputs, then moves the source. A repeated call changes nothing.
///
/// The plan of what will be removed is stored first, so that the record is complete even after a crash. Staged files are
/// removed before visible ones: a publisher that is still running then has nothing left to copy, and files that it has
/// already made visible are removed after that.
pub(super) async fn withdraw(
    context: Arc<StoreContext>,
    turn: Turn,
    published_path: Option<String>,
    source: SourceRecord,
    exit: Exit,
    keep: bool,
) -> PortResult<Withdrawn> {
    let published = published_path.map(|path| prefix(&context.areas, &path)).transpose()?;
    let place = SourceLocation::of(&context.areas, &source)?;
    context.scratch.forget(place.location());
    let asset = turn.asset.clone();
    let turn = TakenTurn::take(context.clone(), turn).await?;
    let withdrawal = Withdrawal { context, asset, published, source, place };
    let mut withdrawal_record = withdrawal_record::planned(&withdrawal, &turn, exit).await?;
    turn.check().await?;
    discard(&withdrawal.context, &withdrawal.asset).await?;
    hide(&withdrawal, &turn, keep).await?;
    let Withdrawal { context, source, place, .. } = &withdrawal;
    let (bucket, areas) = (&context.bucket, &context.areas);
    if !keep {
        let kept = withdrawal.kept()?;
        let found = bucket.versions(OPERATION, &kept.bucket, &kept.key).await?;
        turn.check().await?;
        bucket.delete_all(OPERATION, &kept.bucket, &found).await?;
    }
    turn.check().await?;
    let source_location = match exit {
        // The newer version has replaced it.
        Exit::Supersede => source.location.clone(),
        Exit::Reject => {
            // Of a refused upload, outputs are kept only under hold.
            let why = if keep { HELD } else { REJECTED };
            move_source(bucket, source, place, areas.rejected.at(&moved_name(source)?), why).await?
        }
        Exit::Quarantine => {
            let to = areas.quarantine.at(&moved_name(source)?);
            move_source(bucket, source, place, to, "quarantined").await?
        }
        Exit::Erase => {
            erase_source(&withdrawal).await?;
            source.location.clone()
        }
    };
    // The copy of a source under hold was moved; its upload holds the same.
    if exit != Exit::Supersede && matches!(place, SourceLocation::Moved(_)) {
        remove_upload(&withdrawal).await?;
    }
    withdrawal_record.looked_at = withdrawal_record::prove(&withdrawal, exit, &withdrawal_record).await?;
    Ok(Withdrawn { source_location, withdrawal_record })
}

/// Removes this asset's files below its path, the manifest first. If they are kept, all of them are copied before.
async fn hide(withdrawal: &Withdrawal, turn: &TakenTurn, keep: bool) -> PortResult<()> {
    let Some(path) = &withdrawal.published else { return Ok(()) };
    let bucket = &withdrawal.context.bucket;
    let visible = withdrawal_record::visible(bucket, &withdrawal.asset, path).await?;
    let (manifests, files): (Vec<ListedVersion>, Vec<ListedVersion>) =
        visible.into_iter().partition(|found| found.key.ends_with(MANIFEST));
    if keep {
        // The manifest is copied last: if the kept outputs have one, they are complete.
        let kept = withdrawal.kept()?;
        let existing = latest(bucket.versions(OPERATION, &kept.bucket, &kept.key).await?);
        let copied = async {
            for objects in [&files, &manifests] {
                turn.check().await?;
                keep_copies(withdrawal, turn, path, &existing, objects).await?;
            }
            turn.check().await
        };
        let copied = copied.await;
        turn.settle(copied, &kept, &existing.keys().cloned().collect()).await?;
    }
    for objects in [manifests, files] {
        turn.check().await?;
        bucket.delete_all(OPERATION, &path.bucket, &objects).await?;
    }
    Ok(())
}

async fn keep_copies(
    withdrawal: &Withdrawal,
    turn: &TakenTurn,
    path: &Location,
    existing: &BTreeMap<String, String>,
    objects: &[ListedVersion],
) -> PortResult<()> {
    let kept = withdrawal.kept()?;
    let one = |found: ListedVersion| {
        let name = found.key.strip_prefix(&path.key).unwrap_or_default();
        let from = Location::new(&path.bucket, &found.key);
        let to = Location::new(&kept.bucket, format!("{}{name}", kept.key));
        // An earlier attempt may have copied it.
        let only = Only::over(existing, &to);
        copy_whole(&withdrawal.context.bucket, OPERATION, from, to, only, Some(turn.stamp()))
    };
    let latest: Vec<ListedVersion> = objects.iter().filter(|found| found.latest).cloned().collect();
    stream::iter(latest).map(one).buffer_unordered(COPIES).try_collect().await
}

/// Removes the source from every area to which a withdrawal may have moved it, and its exact version from the ingest area.
async fn erase_source(withdrawal: &Withdrawal) -> PortResult<()> {
    let bucket = &withdrawal.context.bucket;
    for (at, found) in withdrawal.moved_sources().await? {
        bucket.delete_all(ERASE, &at.bucket, &[found]).await?;
    }
    remove_upload(withdrawal).await
}

/// Removes the exact version of the upload, if it is still there.
async fn remove_upload(withdrawal: &Withdrawal) -> PortResult<()> {
    let Some(upload) = withdrawal.upload() else { return Ok(()) };
    let bucket = &withdrawal.context.bucket;
    match recorded_version(bucket, upload.location(), &upload, &withdrawal.source).await? {
        Some(head) => bucket.delete_exact(ERASE, upload.location(), &head).await,
        None => Ok(()),
    }
}
