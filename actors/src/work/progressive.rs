//! Writes the progressive file of an asset from its segments, wherever they are: in staging, or, after a redo that kept them, where
//! they were published.

use reelgate_flow::reason::Fault;
use reelgate_pipelines::progressive::{Builder, PATH, media};
use reelgate_pipelines::recipes::package::StagedFile;
use reelgate_ports::objects::{PublishItem, StagedWriter};
use reelgate_ports::records::Claim;

use crate::engine_context::EngineContext;
use crate::work::products::Products;
use crate::work::publication::find_kept;
use crate::work::{SEGMENT_BYTES_MAX, joined, ours};

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
    let mut items = files.map(|file| products.item(file)).collect::<Result<Vec<_>, _>>()?;
    find_kept(context, &asset, &mut items).await?;
    let mut items = items.into_iter().map(|(_, item)| item);
    let mut builder = Builder::default();
    let mut segments = Vec::with_capacity(tracks.len());
    for files in &tracks {
        let mut items = items.by_ref().take(files.len());
        if let Some(init) = items.next() {
            builder.track(&read(context, &init).await?)?;
        }
        let items: Vec<PublishItem> = items.collect();
        for item in &items {
            builder.segment(&read(context, item).await?)?;
        }
        segments.push(items);
    }
    let head = builder.finish()?;
    let mut writer = blocking(writer, move |writer| {
        writer.open(PATH).map_err(ours)?;
        writer.write(&head.bytes).map_err(ours)
    })
    .await?;
    for (track, segment) in head.order {
        let bytes = read(context, &segments[track][segment]).await?;
        writer = blocking(writer, move |writer| writer.write(media(&bytes)?).map_err(ours)).await?;
    }
    blocking(writer, |writer| writer.close().map_err(ours)).await
}

async fn read(context: &EngineContext, item: &PublishItem) -> Result<Vec<u8>, Fault> {
    context.objects.read_staged(&item.staged, SEGMENT_BYTES_MAX).await.map_err(ours)
}

/// Calls a writer, whose calls block, on a thread for that.
async fn blocking(
    mut writer: Box<dyn StagedWriter>,
    call: impl FnOnce(&mut dyn StagedWriter) -> Result<(), Fault> + Send + 'static,
) -> Result<Box<dyn StagedWriter>, Fault> {
    let called = tokio::task::spawn_blocking(move || call(&mut *writer).map(|()| writer));
    joined(called.await)?
}
