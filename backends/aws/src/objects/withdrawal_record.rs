//! The record of a withdrawal: what it is going to take, written down before the first step, and the proof afterwards
//! that nothing of it can be read. The engine looks with its own role, which may read more than any viewer's, and, where
//! one is named, with the viewers' role: what is quarantined must be out of their reach too.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use reelgate_flow::asset::Exit;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::records::{SourceRecord, Taken, WithdrawalRecord};

use super::Inner;
use super::bucket::{Bucket, Label, Only};
use super::list::{ListedVersion, asset_name};
use super::owner::ASSET;
use super::source::{SourceLocation, moved_name};
use super::withdraw::exact;
use crate::location::Location;

const PLAN: &str = "plan a withdrawal";
const PROVE: &str = "prove a withdrawal";
/// Largest plan read, bytes: an entry is about 60, and 24 h in three rungs have some 65,000.
const PLAN_BYTES_MAX: u64 = 64 << 20;
/// Objects looked at at once.
const LOOKS: usize = 16;

/// What a withdrawal is about.
pub(super) struct Scene {
    pub inner: Arc<Inner>,
    pub asset: AssetId,
    /// The prefix of its publication, if it may have one.
    pub published: Option<Location>,
    pub source: SourceRecord,
    /// Where its source was when the withdrawal began.
    pub place: SourceLocation,
}

impl Scene {
    fn bucket(&self) -> &Arc<Bucket> {
        &self.inner.bucket
    }

    /// Where outputs are kept that were visible when the asset was quarantined; ends with `/`.
    pub(super) fn kept(&self) -> PortResult<Location> {
        kept(&self.inner, &self.asset)
    }

    fn staged(&self) -> PortResult<Location> {
        Ok(self.inner.areas.work.at(&format!("{}/", asset_name(&self.asset)?)))
    }

    /// Every version of the moved source.
    pub(super) async fn apart(&self) -> PortResult<Vec<(Location, ListedVersion)>> {
        let mut all = Vec::new();
        for area in [&self.inner.areas.quarantine, &self.inner.areas.rejected] {
            let at = area.at(&moved_name(&self.source)?);
            let found = self.bucket().versions(PROVE, &at.bucket, &at.key).await?;
            all.extend(
                found.into_iter().filter(|found| found.key == at.key).map(|found| (at.clone(), found)),
            );
        }
        Ok(all)
    }
}

/// Where outputs are kept that were visible when their asset was quarantined; ends with `/`.
pub(super) fn kept(inner: &Inner, asset: &AssetId) -> PortResult<Location> {
    Ok(inner.areas.quarantine.at(&format!("{}/outputs/", asset_name(asset)?)))
}

/// Where the plan lies: beside what is quarantined, and without keys, so that it may stay.
pub(super) fn plan(inner: &Inner, asset: &AssetId, exit: Exit) -> PortResult<Location> {
    Ok(inner.areas.quarantine.at(&format!("{}/{}.json", asset_name(asset)?, exit.as_str())))
}

/// What is to be taken: as it was written down when this withdrawal was first tried, or as it is now.
pub(super) async fn planned(scene: &Scene, exit: Exit) -> PortResult<WithdrawalRecord> {
    let at = plan(&scene.inner, &scene.asset, exit)?;
    let lasting = matches!(exit, Exit::Quarantine | Exit::Erase);
    if lasting && let Some(head) = scene.bucket().head(PLAN, &at, None).await? {
        let text = scene.bucket().read(PLAN, &at, &head, PLAN_BYTES_MAX).await?;
        let corrupt = |_| {
            PortError::new(
                Port::Objects,
                ErrorKind::Corrupt,
                PLAN,
                "expected a plan of this version beside the source",
            )
        };
        return serde_json::from_slice(&text).map_err(corrupt);
    }
    let withdrawal_record = survey(scene, exit).await?;
    if lasting {
        let text = serde_json::to_vec(&withdrawal_record);
        let text =
            text.map_err(|error| PortError::new(Port::Objects, ErrorKind::Invalid, PLAN, error.to_string()))?;
        let label = Label { content_type: Some("application/json"), ..Label::default() };
        scene.bucket().put(PLAN, &at, text, &label, Only::Always).await?;
    }
    Ok(withdrawal_record)
}

/// Looks at every address again; `Unavailable` where one of them can be read. Returns how many there were.
pub(super) async fn prove(
    scene: &Scene,
    exit: Exit,
    withdrawal_record: &WithdrawalRecord,
) -> PortResult<u64> {
    let mut readable = 0;
    if let Some(path) = &scene.published {
        readable += visible(scene.bucket(), &scene.asset, path).await?.len();
    }
    let staged = scene.staged()?;
    readable += scene.bucket().versions(PROVE, &staged.bucket, &staged.key).await?.len();
    if let (SourceLocation::Uploaded(at), true) = (&scene.place, exit != Exit::Supersede) {
        let there = exact(scene.bucket(), at, &scene.place, &scene.source).await?;
        readable += usize::from(there.is_some());
    }
    if exit == Exit::Erase {
        let kept = scene.kept()?;
        readable += scene.bucket().versions(PROVE, &kept.bucket, &kept.key).await?.len();
        readable += scene.apart().await?.len();
    }
    if readable > 0 {
        let detail =
            format!("expected nothing readable at any address, found {readable} objects; it is tried again");
        return Err(PortError::new(Port::Objects, ErrorKind::Unavailable, PROVE, detail));
    }
    let as_viewer = match (&scene.inner.viewer, exit) {
        (Some(viewer), Exit::Quarantine | Exit::Erase) => unseen(viewer, scene, withdrawal_record).await?,
        _ => 0,
    };
    Ok(withdrawal_record.taken.len() as u64 + as_viewer)
}

/// Tries to read every address where anything of the asset was or is kept as a viewer would; `Unavailable` where one of them
/// can be read. Returns how many there were.
async fn unseen(
    viewer: &Arc<Bucket>,
    scene: &Scene,
    withdrawal_record: &WithdrawalRecord,
) -> PortResult<u64> {
    let (kept, staged) = (scene.kept()?, scene.staged()?);
    let below =
        |prefix: &Location, name: &str| Location::new(&prefix.bucket, format!("{}{name}", prefix.key));
    let mut addresses = Vec::new();
    for Taken { area, name, .. } in &withdrawal_record.taken {
        match (area.as_str(), &scene.published) {
            ("published", Some(path)) => addresses.extend([below(path, name), below(&kept, name)]),
            ("work", _) => addresses.push(below(&staged, name)),
            ("quarantine", _) => addresses.push(below(&kept, name)),
            _ => {}
        }
    }
    for area in [&scene.inner.areas.quarantine, &scene.inner.areas.rejected] {
        addresses.push(area.at(&moved_name(&scene.source)?));
    }
    let tried = addresses.len() as u64 + 1;
    let look = |at: Location| async move {
        let found = hidden(viewer.head(PROVE, &at, None).await)?;
        // Another asset's file may stand there by now.
        let ours = |asset: &String| *asset == scene.asset.as_str();
        Ok::<_, PortError>(found.is_some_and(|head| head.metadata.get(ASSET).is_none_or(ours)))
    };
    let looked: Vec<bool> = stream::iter(addresses).map(look).buffer_unordered(LOOKS).try_collect().await?;
    let (SourceLocation::Uploaded(at) | SourceLocation::Moved(at)) = &scene.place;
    let source = hidden(exact(viewer, at, &scene.place, &scene.source).await)?;
    let seen = looked.into_iter().filter(|seen| *seen).count() + usize::from(source.is_some());
    if seen > 0 {
        let detail = format!(
            "expected nothing that the viewers' role can read, found {seen} objects; deny it the quarantine and rejected areas"
        );
        return Err(PortError::new(Port::Objects, ErrorKind::Unavailable, PROVE, detail));
    }
    Ok(tried)
}

/// What is denied is out of reach.
fn hidden<T>(looked: PortResult<Option<T>>) -> PortResult<Option<T>> {
    match looked {
        Err(error) if error.kind == ErrorKind::Denied => Ok(None),
        other => other,
    }
}

/// What this asset has below a path. Older versions below one of its objects are among it, because they would come back
/// in its place; another asset's are not.
pub(super) async fn visible(
    bucket: &Arc<Bucket>,
    asset: &AssetId,
    path: &Location,
) -> PortResult<Vec<ListedVersion>> {
    let found = bucket.versions(PLAN, &path.bucket, &path.key).await?;
    let whose = |found: ListedVersion| async move {
        let at = Location::new(&path.bucket, &found.key);
        let head = bucket.head(PLAN, &at, found.version_id.as_deref()).await?;
        let ours =
            head.is_some_and(|head| head.metadata.get(ASSET).map(String::as_str) == Some(asset.as_str()));
        Ok::<_, PortError>((found, ours))
    };
    // In order: newest first below each key.
    let looked: Vec<(ListedVersion, bool)> =
        stream::iter(found).map(whose).buffered(LOOKS).try_collect().await?;
    let mut latest_is_ours = std::collections::BTreeMap::new();
    for (found, ours) in looked.iter().filter(|(found, _)| found.latest) {
        latest_is_ours.insert(found.key.clone(), *ours);
    }
    let goes = |(found, ours): (ListedVersion, bool)| {
        (ours || latest_is_ours.get(&found.key) == Some(&true)).then_some(found)
    };
    Ok(looked.into_iter().filter_map(goes).collect())
}

async fn survey(scene: &Scene, exit: Exit) -> PortResult<WithdrawalRecord> {
    let mut withdrawal_record = WithdrawalRecord::default();
    let mut take = |area: &str, prefix: &Location, found: &[ListedVersion]| {
        let taken = found.iter().map(|found| Taken {
            area: area.to_owned(),
            name: found.key.strip_prefix(&prefix.key).unwrap_or_default().to_owned(),
            size_bytes: found.size_bytes,
        });
        withdrawal_record.taken.extend(taken);
    };
    if let Some(path) = &scene.published {
        take("published", path, &visible(scene.bucket(), &scene.asset, path).await?);
    }
    let staged = scene.staged()?;
    take("work", &staged, &scene.bucket().versions(PLAN, &staged.bucket, &staged.key).await?);
    if exit == Exit::Erase {
        let kept = scene.kept()?;
        take("quarantine", &kept, &scene.bucket().versions(PLAN, &kept.bucket, &kept.key).await?);
    }
    let (area, at) = match &scene.place {
        SourceLocation::Uploaded(at) => ("ingest", at),
        SourceLocation::Moved(at) => ("moved", at),
    };
    if let Some(head) = exact(scene.bucket(), at, &scene.place, &scene.source).await? {
        withdrawal_record.taken.push(Taken {
            area: area.into(),
            name: "source".into(),
            size_bytes: head.size_bytes,
        });
    }
    withdrawal_record.taken.sort_by(|a, b| (&a.area, &a.name).cmp(&(&b.area, &b.name)));
    Ok(withdrawal_record)
}
