//! An asset's publication: its path, its manifest, and the outputs in it that a redo keeps.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_flow::asset::{Phase, TaskState};
use reelgate_flow::ids::AssetId;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::TaskKey;
use reelgate_ports::objects::{PublishItem, Turn};
use reelgate_ports::records::{AssetRecord, Claim, HistoryEvent, HistoryRecord, SourceRecord, TaskRow};

use crate::engine_context::EngineContext;
use crate::work::manifest::Manifest;
use crate::work::ours;

/// Largest manifest read back, bytes: an entry is about 200, and 24 h in three rungs have some 65,000.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// The path where an asset's outputs are published, or would be. A published asset keeps its path, whatever the template has become
/// since: a redo replaces what is there, and a withdrawal removes it.
pub fn published_path(context: &EngineContext, asset: &AssetRecord) -> String {
    let known =
        asset.published_location.as_ref().and_then(|location| context.objects.published_path(location));
    known.unwrap_or_else(|| planned_path(context, &asset.id, &asset.source))
}

/// The asset of a claim, and the claim's turn to change what is visible of it. The number of starts of all tasks that do so
/// grows with each start, and only one of these tasks is due at a time. Fails if the attempt is no longer the current one.
pub(super) async fn turn(context: &EngineContext, claim: &Claim) -> Result<(Turn, AssetRecord), Fault> {
    let detail = context.store.asset(&claim.fence.asset).await.map_err(ours)?;
    let is_current = |row: &TaskRow| {
        row.task == claim.fence.task && row.attempts == claim.fence.attempt && row.state == TaskState::Ready
    };
    if !detail.tasks.iter().any(is_current) {
        return Err(Fault::new(Code::WorkerLost, "another attempt has taken over"));
    }
    let changes =
        |row: &&TaskRow| matches!(row.task, TaskKey::Publish | TaskKey::Withdraw | TaskKey::Restore);
    let number = detail.tasks.iter().filter(changes).map(|row| u64::from(row.attempts)).sum();
    Ok((Turn { asset: claim.fence.asset.clone(), number }, detail.asset))
}

fn planned_path(context: &EngineContext, asset: &AssetId, source: &SourceRecord) -> String {
    // The key of a file that `run` reads in place is its absolute path; its leading slash is not a component.
    let key = source.id.key.trim_start_matches('/');
    context.path_template.render(&source.id.bucket, key, asset.as_str())
}

/// Sets the location of the outputs that were kept since the asset was last published: they exist only in the publication.
/// Changes nothing where the asset is not published.
pub(super) async fn find_kept(
    context: &EngineContext,
    asset: &AssetRecord,
    items: &mut [(TaskKey, PublishItem)],
) -> Result<(), Fault> {
    let Some(published_at) = &asset.published_location else { return Ok(()) };
    let made = made_since(&context.store.history(&asset.id).await.map_err(ours)?);
    let kept = items.iter_mut().filter(|(task, _)| !made.contains(task));
    find_published(context, asset, published_at, kept.map(|(_, item)| item)).await
}

/// Tasks that finished after the asset was last published. Their outputs are staged; the staged outputs of all other tasks
/// were discarded when the asset was published.
fn made_since(history: &[HistoryRecord]) -> BTreeSet<TaskKey> {
    let published = |line: &HistoryRecord| line.event == HistoryEvent::Entered(Phase::Published);
    let since = history.iter().rposition(published).map_or(0, |at| at + 1);
    let finished = history.iter().skip(since).filter(|line| line.event == HistoryEvent::Finished);
    finished.filter_map(|line| line.task).collect()
}

/// Finds outputs in the current publication by their content: their names may have changed.
async fn find_published(
    context: &EngineContext,
    asset: &AssetRecord,
    published_at: &str,
    kept: impl Iterator<Item = &mut PublishItem>,
) -> Result<(), Fault> {
    let gone = |what: &str| {
        let detail =
            format!("expected {what} where it was published, found it gone; redo the asset from validate");
        Fault::new(Code::CountMismatch, detail)
    };
    let manifest =
        published_manifest(context, published_at, &asset.id).await?.ok_or_else(|| gone("the manifest"))?;
    let by_content: BTreeMap<(&str, u64), &str> =
        manifest.outputs.iter().map(|output| ((&*output.sha256, output.size), &*output.name)).collect();
    for item in kept {
        let name = by_content.get(&(&*item.staged.sha256, item.staged.size_bytes));
        let name = name.ok_or_else(|| gone("an output that is kept"))?;
        item.staged.location = context.objects.visible(published_at, name);
    }
    Ok(())
}

/// The manifest of an asset's publication; `None` where the asset is no longer published there.
pub(super) async fn published_manifest(
    context: &EngineContext,
    published_at: &str,
    asset: &AssetId,
) -> Result<Option<Manifest>, Fault> {
    let Some(text) = context.objects.manifest(published_at, MANIFEST_BYTES_MAX).await.map_err(ours)? else {
        return Ok(None);
    };
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| Fault::new(Code::Internal, format!("a manifest cannot be read: {error}")))?;
    Ok(Some(manifest).filter(|manifest| manifest.asset_id == asset.as_str()))
}
