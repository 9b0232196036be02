//! The record of a withdrawal: the plan of what it removes, stored before the first step, and the proof afterwards that
//! nothing of it is readable. The engine reads with its own role, which may read more than any viewer's. If a viewers'
//! role is configured, the engine also reads with that role, because viewers must not reach quarantined files either.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use reelgate_flow::asset::Exit;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::records::{SourceRecord, Taken, WithdrawalRecord};

use super::bucket::{Bucket, Label, Only};
use super::list::asset_name;
use super::listed_version::ListedVersion;
use super::move_source::recorded_version;
use super::owner::{ASSET, TURN};
use super::source::{SourceLocation, moved_name};
use super::store_context::StoreContext;
use super::turn::TakenTurn;
use crate::location::Location;

const PLAN: &str = "plan a withdrawal";
const PROVE: &str = "prove a withdrawal";
/// Largest plan that is read, bytes. An entry has about 60, and 24 h in three renditions have about 65,000 entries.
const PLAN_BYTES_MAX: u64 = 64 << 20;
/// Objects that are checked in parallel.
const CHECKS: usize = 16;

/// The asset that is withdrawn, and where its files are.
pub(super) struct Withdrawal {
    pub context: Arc<StoreContext>,
    pub asset: AssetId,
    /// The prefix of its publication, if there may be one.
    pub published: Option<Location>,
    pub source: SourceRecord,
    /// Where the source was when the withdrawal began.
    pub place: SourceLocation,
}

impl Withdrawal {
    fn bucket(&self) -> &Arc<Bucket> {
        &self.context.bucket
    }

    /// The prefix of the kept outputs; see [`kept`].
    pub(super) fn kept(&self) -> PortResult<Location> {
        kept(&self.context, &self.asset)
    }

    /// Where the source was uploaded, wherever it is now.
    pub(super) fn upload(&self) -> Option<SourceLocation> {
        SourceLocation::of_upload(&self.context.areas, &self.source)
    }

    fn staged(&self) -> PortResult<Location> {
        Ok(self.context.areas.work.at(&format!("{}/", asset_name(&self.asset)?)))
    }

    /// Every version of the moved source, in the quarantine and rejected areas.
    pub(super) async fn moved_sources(&self) -> PortResult<Vec<(Location, ListedVersion)>> {
        let mut all = Vec::new();
        for area in [&self.context.areas.quarantine, &self.context.areas.rejected] {
            let at = area.at(&moved_name(&self.source)?);
            let found = self.bucket().versions(PROVE, &at.bucket, &at.key).await?;
            all.extend(
                found.into_iter().filter(|found| found.key == at.key).map(|found| (at.clone(), found)),
            );
        }
        Ok(all)
    }
}

/// The prefix of outputs that were visible when their asset was quarantined, and are kept; ends with `/`.
pub(super) fn kept(context: &StoreContext, asset: &AssetId) -> PortResult<Location> {
    Ok(context.areas.quarantine.at(&format!("{}/outputs/", asset_name(asset)?)))
}

/// The location of the plan: with the quarantined files. The plan contains no keys, so it may stay after an erasure.
pub(super) fn plan(context: &StoreContext, asset: &AssetId, exit: Exit) -> PortResult<Location> {
    Ok(context.areas.quarantine.at(&format!("{}/{}.json", asset_name(asset)?, exit.as_str())))
}

/// The plan of what is removed: the stored plan of the first attempt of this withdrawal, or the current state.
pub(super) async fn planned(
    withdrawal: &Withdrawal,
    turn: &TakenTurn,
    exit: Exit,
) -> PortResult<WithdrawalRecord> {
    let at = plan(&withdrawal.context, &withdrawal.asset, exit)?;
    let lasting = matches!(exit, Exit::Quarantine | Exit::Erase);
    if lasting && let Some(head) = withdrawal.bucket().head(PLAN, &at, None).await? {
        let text = withdrawal.bucket().read(PLAN, &at, &head, PLAN_BYTES_MAX).await?;
        // It is this attempt's plan now.
        store(withdrawal, turn, &at, text.clone(), Only::Over(head.etag)).await?;
        let corrupt = |_| {
            PortError::new(
                Port::Objects,
                ErrorKind::Corrupt,
                PLAN,
                "expected a plan of this version in the quarantine area",
            )
        };
        return serde_json::from_slice(&text).map_err(corrupt);
    }
    let withdrawal_record = survey(withdrawal, exit).await?;
    if lasting {
        let text = serde_json::to_vec(&withdrawal_record);
        let text =
            text.map_err(|error| PortError::new(Port::Objects, ErrorKind::Invalid, PLAN, error.to_string()))?;
        store(withdrawal, turn, &at, text, Only::Absent).await?;
    }
    Ok(withdrawal_record)
}

/// Stores a plan, unless a later attempt has taken over.
async fn store(
    withdrawal: &Withdrawal,
    turn: &TakenTurn,
    at: &Location,
    text: Vec<u8>,
    only: Only,
) -> PortResult<()> {
    let metadata = [(ASSET, withdrawal.asset.to_string()), (TURN, turn.stamp())].into();
    let label = Label { content_type: Some("application/json"), metadata };
    let stored = match withdrawal.bucket().put(PLAN, at, text, &label, only).await {
        Ok(_) => turn.check().await,
        Err(error) => Err(error),
    };
    turn.settle(stored, at, &BTreeSet::new()).await
}

/// Reads every address again; `Unavailable` if one of them is readable. Returns the number of addresses.
pub(super) async fn prove(
    withdrawal: &Withdrawal,
    exit: Exit,
    withdrawal_record: &WithdrawalRecord,
) -> PortResult<u64> {
    let mut readable = 0;
    if let Some(path) = &withdrawal.published {
        readable += visible(withdrawal.bucket(), &withdrawal.asset, path).await?.len();
    }
    let staged = withdrawal.staged()?;
    readable += withdrawal.bucket().versions(PROVE, &staged.bucket, &staged.key).await?.len();
    if let Some(upload) = withdrawal.upload().filter(|_| exit != Exit::Supersede) {
        let (bucket, at) = (withdrawal.bucket(), upload.location());
        let source = recorded_version(bucket, at, &upload, &withdrawal.source).await?;
        readable += usize::from(source.is_some());
    }
    if exit == Exit::Erase {
        let kept = withdrawal.kept()?;
        readable += withdrawal.bucket().versions(PROVE, &kept.bucket, &kept.key).await?.len();
        readable += withdrawal.moved_sources().await?.len();
    }
    if readable > 0 {
        let detail = format!(
            "expected nothing readable at any address, found {readable} objects; the withdrawal is retried"
        );
        return Err(PortError::new(Port::Objects, ErrorKind::Unavailable, PROVE, detail));
    }
    let as_viewer = match (&withdrawal.context.viewer, exit) {
        (Some(viewer), Exit::Quarantine | Exit::Erase) => {
            prove_as_viewer(viewer, withdrawal, withdrawal_record).await?
        }
        _ => 0,
    };
    Ok(withdrawal_record.taken.len() as u64 + as_viewer)
}

/// Tries to read, with the viewers' role, every address where a file of the asset was or is kept; `Unavailable` if one of
/// them is readable. Returns the number of addresses.
async fn prove_as_viewer(
    viewer: &Arc<Bucket>,
    withdrawal: &Withdrawal,
    withdrawal_record: &WithdrawalRecord,
) -> PortResult<u64> {
    let (kept, staged) = (withdrawal.kept()?, withdrawal.staged()?);
    let below =
        |prefix: &Location, name: &str| Location::new(&prefix.bucket, format!("{}{name}", prefix.key));
    let mut addresses = Vec::new();
    for Taken { area, name, .. } in &withdrawal_record.taken {
        match (area.as_str(), &withdrawal.published) {
            ("published", Some(path)) => addresses.extend([below(path, name), below(&kept, name)]),
            ("work", _) => addresses.push(below(&staged, name)),
            ("quarantine", _) => addresses.push(below(&kept, name)),
            _ => {}
        }
    }
    for area in [&withdrawal.context.areas.quarantine, &withdrawal.context.areas.rejected] {
        addresses.push(area.at(&moved_name(&withdrawal.source)?));
    }
    let tried = addresses.len() as u64 + 1;
    let check = |at: Location| async move {
        let found = denied_as_none(viewer.head(PROVE, &at, None).await)?;
        // Another asset's file may have replaced it.
        let ours = |asset: &String| *asset == withdrawal.asset.as_str();
        Ok::<_, PortError>(found.is_some_and(|head| head.metadata.get(ASSET).is_none_or(ours)))
    };
    let readable: Vec<bool> =
        stream::iter(addresses).map(check).buffer_unordered(CHECKS).try_collect().await?;
    let (SourceLocation::Uploaded(at) | SourceLocation::Moved(at)) = &withdrawal.place;
    let source = denied_as_none(recorded_version(viewer, at, &withdrawal.place, &withdrawal.source).await)?;
    let readable = readable.into_iter().filter(|one| *one).count() + usize::from(source.is_some());
    if readable > 0 {
        let detail = format!(
            "expected nothing that the viewers' role can read, found {readable} objects; deny it the quarantine and rejected areas"
        );
        return Err(PortError::new(Port::Objects, ErrorKind::Unavailable, PROVE, detail));
    }
    Ok(tried)
}

/// A denied read proves that the object is out of reach.
fn denied_as_none<T>(found: PortResult<Option<T>>) -> PortResult<Option<T>> {
    match found {
        Err(error) if error.kind == ErrorKind::Denied => Ok(None),
        other => other,
    }
}

/// This asset's object versions below a path. If the latest version of a key is this asset's, all older versions of the key
/// are included, because they would reappear in its place. Otherwise versions of other assets are not included.
pub(super) async fn visible(
    bucket: &Arc<Bucket>,
    asset: &AssetId,
    path: &Location,
) -> PortResult<Vec<ListedVersion>> {
    let found = bucket.versions(PLAN, &path.bucket, &path.key).await?;
    let owned = |found: ListedVersion| async move {
        let at = Location::new(&path.bucket, &found.key);
        let head = bucket.head(PLAN, &at, found.version_id.as_deref()).await?;
        let ours =
            head.is_some_and(|head| head.metadata.get(ASSET).map(String::as_str) == Some(asset.as_str()));
        Ok::<_, PortError>((found, ours))
    };
    // In order: the newest version of each key first.
    let checked: Vec<(ListedVersion, bool)> =
        stream::iter(found).map(owned).buffered(CHECKS).try_collect().await?;
    let mut latest_is_ours = std::collections::BTreeMap::new();
    for (found, ours) in checked.iter().filter(|(found, _)| found.latest) {
        latest_is_ours.insert(found.key.clone(), *ours);
    }
    let withdrawn = |(found, ours): (ListedVersion, bool)| {
        (ours || latest_is_ours.get(&found.key) == Some(&true)).then_some(found)
    };
    Ok(checked.into_iter().filter_map(withdrawn).collect())
}

async fn survey(withdrawal: &Withdrawal, exit: Exit) -> PortResult<WithdrawalRecord> {
    let mut withdrawal_record = WithdrawalRecord::default();
    let mut take = |area: &str, prefix: &Location, found: &[ListedVersion]| {
        let taken = found.iter().map(|found| Taken {
            area: area.to_owned(),
            name: found.key.strip_prefix(&prefix.key).unwrap_or_default().to_owned(),
            size_bytes: found.size_bytes,
        });
        withdrawal_record.taken.extend(taken);
    };
    if let Some(path) = &withdrawal.published {
        take("published", path, &visible(withdrawal.bucket(), &withdrawal.asset, path).await?);
    }
    let staged = withdrawal.staged()?;
    take("work", &staged, &withdrawal.bucket().versions(PLAN, &staged.bucket, &staged.key).await?);
    if exit == Exit::Erase {
        let kept = withdrawal.kept()?;
        take("quarantine", &kept, &withdrawal.bucket().versions(PLAN, &kept.bucket, &kept.key).await?);
    }
    let (area, at) = match &withdrawal.place {
        SourceLocation::Uploaded(at) => ("ingest", at),
        SourceLocation::Moved(at) => ("moved", at),
    };
    if let Some(head) =
        recorded_version(withdrawal.bucket(), at, &withdrawal.place, &withdrawal.source).await?
    {
        withdrawal_record.taken.push(Taken {
            area: area.into(),
            name: "source".into(),
            size_bytes: head.size_bytes,
        });
    }
    withdrawal_record.taken.sort_by(|a, b| (&a.area, &a.name).cmp(&(&b.area, &b.name)));
    Ok(withdrawal_record)
}
