//! Writes the one file of each track from its segments, wherever they are: in staging, or, after a redo that kept them, in the file
//! that is published.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use reelgate_flow::reason::Fault;
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::recipes::package::{Packaged, PartFacts, Rendition, StagedFile, index};
use reelgate_ports::objects::StagedWriter;
use reelgate_ports::records::{Claim, StagedOutput};

use crate::engine_context::EngineContext;
use crate::work::manifest::ManifestPart;
use crate::work::output::Output;
use crate::work::products::Products;
use crate::work::publication::Current;
use crate::work::{blocking, ours};

/// Segments of a track that are read at once: a store answers each after a wait, and this many are held in memory.
const READS: usize = 4;

/// What is known of a staged file of a track.
pub fn facts(products: &Products, file: &StagedFile) -> Result<PartFacts, Fault> {
    let (_, Output { staged, .. }) = products.output(file)?;
    Ok(PartFacts { size_bytes: staged.size_bytes, sha256: staged.sha256 })
}

/// The parts of every track file, by its path.
pub fn parts(products: &Products, packaged: &Packaged) -> Result<BTreeMap<String, Vec<ManifestPart>>, Fault> {
    let mut parts = BTreeMap::new();
    for rendition in &packaged.renditions {
        if let Some(file) = &rendition.file {
            parts.insert(file.path.clone(), parts_of(products, packaged, rendition)?);
        }
    }
    Ok(parts)
}

fn parts_of(
    products: &Products,
    packaged: &Packaged,
    rendition: &Rendition,
) -> Result<Vec<ManifestPart>, Fault> {
    let offsets = rendition.file.as_ref().map(|file| file.offsets(rendition)).unwrap_or_default();
    let part = |(file, offset): (&StagedFile, u64)| {
        let PartFacts { size_bytes, sha256 } = facts(products, file)?;
        Ok(ManifestPart { offset, size: size_bytes, sha256 })
    };
    packaged.files_of(rendition).into_iter().zip(offsets).map(part).collect()
}

/// Appends the file of each track to what an attempt stages. Returns those beside it that are published already, with the same parts:
/// a redo of other tracks or of captions does not read and write them again.
pub async fn write(
    context: &Arc<EngineContext>,
    claim: &Claim,
    products: &Products,
    packaged: &Packaged,
    mut writer: Box<dyn StagedWriter>,
) -> Result<(Box<dyn StagedWriter>, Vec<StagedOutput>), Fault> {
    if packaged.renditions.iter().all(|rendition| rendition.file.is_none()) {
        return Ok((writer, Vec::new()));
    }
    let asset = context.store.asset(&claim.fence.asset).await.map_err(ours)?.asset;
    let current = Current::of(context, &asset).await?;
    let mut kept = Vec::new();
    for rendition in &packaged.renditions {
        let Some(file) = &rendition.file else { continue };
        let parts = parts_of(products, packaged, rendition)?;
        if let Some(published) =
            current.as_ref().and_then(|current| current.file(context, &file.path, &parts))
        {
            kept.push(published);
            continue;
        }
        let files = packaged.files_of(rendition).into_iter();
        let mut outputs = files.map(|file| products.output(file)).collect::<Result<Vec<_>, _>>()?;
        if let Some(current) = &current {
            current.find_kept(context, outputs.iter_mut().map(|(task, output)| (*task, output)))?;
        }
        writer = join(context, writer, file.path.clone(), outputs, index(rendition)?).await?;
    }
    Ok((writer, kept))
}

/// Writes the initialization segment, the index, and all segments.
async fn join(
    context: &Arc<EngineContext>,
    writer: Box<dyn StagedWriter>,
    path: String,
    outputs: Vec<(TaskKey, Output)>,
    index: Vec<u8>,
) -> Result<Box<dyn StagedWriter>, Fault> {
    let mut writer = blocking(writer, move |writer| writer.open(&path).map_err(ours)).await?;
    let reads = outputs.into_iter().map(|(_, output)| read(Arc::clone(context), output));
    let mut reads = stream::iter(reads).buffered(READS);
    let mut index = Some(index);
    while let Some(bytes) = reads.next().await {
        let mut bytes = bytes?;
        // Behind the first of them.
        bytes.extend(index.take().unwrap_or_default());
        writer = blocking(writer, move |writer| writer.write(&bytes).map_err(ours)).await?;
    }
    blocking(writer, |writer| writer.close().map_err(ours)).await
}

async fn read(context: Arc<EngineContext>, output: Output) -> Result<Vec<u8>, Fault> {
    output.read(&context).await
}
