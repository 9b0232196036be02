//! An asset's publication: its path, its manifest, and the outputs in it that a redo keeps.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_flow::asset::{Phase, TaskState};
use reelgate_flow::ids::AssetId;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::TaskKey;
use reelgate_ports::objects::Turn;
use reelgate_ports::records::{
    AssetRecord, Claim, HistoryEvent, HistoryRecord, SourceRecord, StagedOutput, TaskRow,
};

use crate::engine_context::EngineContext;
use crate::work::manifest::{Manifest, ManifestOutput, ManifestPart};
use crate::work::ours;
use crate::work::output::Output;

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

/// What is published of an asset until a redo replaces it.
pub(super) struct Current {
    published_at: String,
    manifest: Manifest,
    /// Tasks that finished after it was published.
    made: BTreeSet<TaskKey>,
}

impl Current {
    /// `None` where the asset is not published.
    ///
    /// # Errors
    /// `count_mismatch` if its publication is gone.
    pub(super) async fn of(context: &EngineContext, asset: &AssetRecord) -> Result<Option<Self>, Fault> {
        let Some(published_at) = asset.published_location.clone() else { return Ok(None) };
        let made = made_since(&context.store.history(&asset.id).await.map_err(ours)?);
        let manifest = published_manifest(context, &published_at, &asset.id).await?;
        let manifest = manifest.ok_or_else(|| gone("the manifest"))?;
        Ok(Some(Self { published_at, manifest, made }))
    }

    /// Sets the location of the outputs that were kept since the asset was published: they exist only in the publication. They are
    /// found by their content, because their names may have changed.
    ///
    /// # Errors
    /// `count_mismatch` if one of them is not published.
    pub(super) fn find_kept<'a>(
        &self,
        context: &EngineContext,
        outputs: impl Iterator<Item = (TaskKey, &'a mut Output)>,
    ) -> Result<(), Fault> {
        let published = self.manifest.outputs.iter();
        let files = published.clone().map(|file| ((&*file.sha256, file.size), (&*file.name, None)));
        let parts = published.flat_map(|file| {
            let named = |part: &'_ ManifestPart| (&*file.name, Some(part.offset));
            file.parts.iter().map(move |part| ((&*part.sha256, part.size), named(part)))
        });
        let by_content: BTreeMap<(&str, u64), (&str, Option<u64>)> = parts.chain(files).collect();
        for (_, output) in outputs.filter(|(task, _)| !self.made.contains(task)) {
            let staged = &mut output.staged;
            let found = by_content.get(&(&*staged.sha256, staged.size_bytes));
            let (name, offset) = found.ok_or_else(|| gone("an output that is kept"))?;
            staged.location = context.objects.visible(&self.published_at, name);
            output.offset = *offset;
        }
        Ok(())
    }

    /// The file of this name and of these parts, where it is published.
    pub(super) fn file(
        &self,
        context: &EngineContext,
        name: &str,
        parts: &[ManifestPart],
    ) -> Option<StagedOutput> {
        let file = self.manifest.outputs.iter().find(|file| file.name == name && file.parts == parts)?;
        let ManifestOutput { name, size, sha256, .. } = file.clone();
        let location = context.objects.visible(&self.published_at, &name);
        Some(StagedOutput { name, location, size_bytes: size, sha256 })
    }
}

fn gone(what: &str) -> Fault {
    let detail =
        format!("expected {what} where it was published, found it gone; redo the asset from validate");
    Fault::new(Code::CountMismatch, detail)
}

/// Tasks that finished after the asset was last published. Their outputs are staged; the staged outputs of all other tasks
/// were discarded when the asset was published.
fn made_since(history: &[HistoryRecord]) -> BTreeSet<TaskKey> {
    let published = |line: &HistoryRecord| line.event == HistoryEvent::Entered(Phase::Published);
    let since = history.iter().rposition(published).map_or(0, |at| at + 1);
    let finished = history.iter().skip(since).filter(|line| line.event == HistoryEvent::Finished);
    finished.filter_map(|line| line.task).collect()
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
