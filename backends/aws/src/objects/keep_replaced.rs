//! Keeps the outputs in whose place another asset's are about to become visible. Only the store knows whether their asset is
//! under hold, and only the withdrawal of that asset removes them.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::objects::{MANIFEST, Owner};

use super::bucket::Only;
use super::copy::{Copy, copy};
use super::listed_version::ListedVersion;
use super::owner::{self, ASSET};
use super::store_context::StoreContext;
use super::turn::TakenTurn;
use super::withdrawal_record::{kept, visible};
use crate::location::Location;

const OPERATION: &str = "keep the outputs that are replaced";
/// Copy requests in flight; S3 copies, and we only wait.
const COPIES: usize = 16;

/// Copies the outputs of the asset that owns the publication at `path` to its place in the quarantine, the manifest last:
/// with it, they are complete.
pub(super) async fn keep_replaced(
    context: &Arc<StoreContext>,
    turn: &TakenTurn,
    owner: &Owner,
    path: &Location,
) -> PortResult<()> {
    let bucket = &context.bucket;
    let to = kept(context, &owner.asset)?;
    let manifest = Location::new(&to.bucket, format!("{}{MANIFEST}", to.key));
    let head = bucket.head(OPERATION, &manifest, None).await?;
    let known = head.as_ref().map(|head| owner::read(OPERATION, head)).transpose()?.flatten();
    if known.as_ref() == Some(owner) {
        return Ok(());
    }
    let before = bucket.versions(OPERATION, &to.bucket, &to.key).await?;
    let found = visible(bucket, &owner.asset, path).await?;
    let latest = found.into_iter().filter(|found| found.latest);
    let (manifests, files): (Vec<ListedVersion>, Vec<ListedVersion>) =
        latest.partition(|found| found.key.ends_with(MANIFEST));
    let mut names = BTreeSet::new();
    for objects in [files, manifests] {
        let pairs = objects.iter().map(|found| {
            let name = found.key.strip_prefix(&path.key).unwrap_or_default();
            (Location::new(&path.bucket, &found.key), Location::new(&to.bucket, format!("{}{name}", to.key)))
        });
        let pairs: Vec<(Location, Location)> = pairs.collect();
        names.extend(pairs.iter().map(|(_, to)| to.key.clone()));
        let one = |(from, to): (Location, Location)| keep_one(context, owner, from, to);
        stream::iter(pairs).map(one).buffer_unordered(COPIES).try_collect::<()>().await?;
    }
    // What an earlier publication of that asset has left there.
    let outdated: Vec<ListedVersion> =
        before.into_iter().filter(|found| !names.contains(&found.key)).collect();
    turn.check().await?;
    bucket.delete_all(OPERATION, &to.bucket, &outdated).await
}

/// Copies one object, exactly as it is while it is that asset's.
async fn keep_one(
    context: &Arc<StoreContext>,
    owner: &Owner,
    from: Location,
    to: Location,
) -> PortResult<()> {
    let bucket = &context.bucket;
    let head = bucket.head(OPERATION, &from, None).await?;
    let is_owners = |asset: &String| *asset == owner.asset.as_str();
    let Some(head) = head.filter(|head| head.metadata.get(ASSET).is_some_and(is_owners)) else {
        let detail =
            "expected the outputs of the asset that is replaced, found that another writer replaced them";
        return Err(PortError::new(Port::Objects, ErrorKind::Conflict, OPERATION, detail));
    };
    let order = Copy { operation: OPERATION, from, head, to, label: None, stamp: None, only: Only::Always };
    copy(bucket, &order).await.map(drop)
}
