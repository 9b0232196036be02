//! Writes the progressive file of an asset from its segments, wherever they are: in staging, or, after a redo that kept them, where
//! they were published.

use reelgate_flow::reason::Fault;
use reelgate_pipelines::progressive::{Builder, PATH, media};
use reelgate_pipelines::recipes::package::StagedFile;
use reelgate_ports::objects::StagedWriter;
use reelgate_ports::records::Claim;

use crate::engine_context::EngineContext;
use crate::work::output::Output;
use crate::work::products::Products;
use crate::work::publication::Current;
use crate::work::{blocking, ours};

/// Appends the file to what an attempt stages. `tracks` holds the files of each rendition, the initialization segment first.
///
/// Segments are read twice, once for the index and once for the media, because one at a time is all that memory must hold.
pub async fn write(
    context: &EngineContext,
    claim: &Claim,
    products: &Products,
    tracks: Vec<Vec<&StagedFile>>,
    writer: Box<dyn StagedWriter>,
) -> Result<Box<dyn StagedWriter>, Fault> {
    let asset = context.store.asset(&claim.fence.asset).await.map_err(ours)?.asset;
    let files = tracks.iter().flatten();
    let mut outputs = files.map(|file| products.output(file)).collect::<Result<Vec<_>, _>>()?;
    if let Some(current) = Current::of(context, &asset).await? {
        current.find_kept(context, outputs.iter_mut().map(|(task, output)| (*task, output)))?;
    }
    let mut outputs = outputs.into_iter().map(|(_, output)| output);
    let mut builder = Builder::default();
    let mut segments = Vec::with_capacity(tracks.len());
    for files in &tracks {
        let mut outputs = outputs.by_ref().take(files.len());
        if let Some(init) = outputs.next() {
            builder.track(&init.read(context).await?)?;
        }
        let outputs: Vec<Output> = outputs.collect();
        for output in &outputs {
            builder.segment(&output.read(context).await?)?;
        }
        segments.push(outputs);
    }
    let head = builder.finish()?;
    let mut writer = blocking(writer, move |writer| {
        writer.open(PATH).map_err(ours)?;
        writer.write(&head.bytes).map_err(ours)
    })
    .await?;
    for (track, segment) in head.order {
        let bytes = segments[track][segment].read(context).await?;
        writer = blocking(writer, move |writer| writer.write(media(&bytes)?).map_err(ours)).await?;
    }
    blocking(writer, |writer| writer.close().map_err(ours)).await
}
