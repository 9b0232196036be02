//! Opens the source of a claim, and proves that a file whose metadata has changed is still the recorded upload.
//!
//! A file in a directory can be written again by whoever has it open, so its metadata must be as they were recorded. They also
//! change without its content: by a new owner or mode, or by a backup that adds a link. Then the hash that validation has
//! computed decides. Before that nothing was derived from the file, and what is read is what the hash will be of.

use std::fs::File;

use reelgate_flow::reason::{Code, Fault};
use reelgate_ports::error::ErrorKind;
use reelgate_ports::objects::OpenSource;
use reelgate_ports::records::{Claim, SourceRecord};
use reelgate_ports::sha256::hash_file;

use crate::engine_context::EngineContext;
use crate::work::{joined, ours, sources};

/// A source opened for one attempt.
pub struct OpenedSource {
    pub file: File,
    pub size_bytes: u64,
    /// What the source must still be when the attempt has read it.
    record: SourceRecord,
}

impl OpenedSource {
    /// Separates the file, which a media worker gets, from what the source must still be afterwards.
    pub fn split(self) -> (File, SourceRecord) {
        (self.file, self.record)
    }
}

/// Opens the source of a claim.
pub async fn open(context: &EngineContext, claim: &Claim) -> Result<OpenedSource, Fault> {
    match context.objects.open(&claim.source).await {
        Ok(opened) => Ok(counted(context, opened, claim.source.clone())),
        Err(error) if error.kind == ErrorKind::Conflict => match proved(context, claim).await? {
            Some(record) => {
                let opened = context.objects.open(&record).await.map_err(sources)?;
                Ok(counted(context, opened, record))
            }
            None => Err(sources(error)),
        },
        Err(error) => Err(sources(error)),
    }
}

/// Fails if the source is no longer what an attempt has opened. Called after it was read.
pub async fn check_current(context: &EngineContext, record: &SourceRecord) -> Result<(), Fault> {
    context.objects.check_current(record).await.map_err(sources)
}

/// The record of a source of which only metadata have changed; `None` where its content may have.
pub async fn proved(context: &EngineContext, claim: &Claim) -> Result<Option<SourceRecord>, Fault> {
    let asset = context.store.asset(&claim.fence.asset).await.map_err(ours)?.asset;
    proved_as(context, &claim.source, asset.sha256.as_deref()).await
}

/// The same of any source, with the hash that is recorded of it.
pub async fn proved_as(
    context: &EngineContext,
    source: &SourceRecord,
    recorded: Option<&str>,
) -> Result<Option<SourceRecord>, Fault> {
    let record = match context.objects.restamped(source).await {
        Ok(record) => record,
        Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::Missing) => return Ok(None),
        Err(error) => return Err(sources(error)),
    };
    let Some(recorded) = recorded else { return Ok(Some(record)) };
    let OpenSource { file, .. } = context.objects.open(&record).await.map_err(sources)?;
    let hashed = joined(tokio::task::spawn_blocking(move || hash_file(&file)).await)?;
    let hashed =
        hashed.map_err(|error| Fault::new(Code::ObjectUnavailable, format!("read the source: {error}")))?;
    check_current(context, &record).await?;
    Ok((hashed == recorded).then_some(record))
}

fn counted(context: &EngineContext, opened: OpenSource, record: SourceRecord) -> OpenedSource {
    context.signals.sources().opened(&opened);
    let OpenSource { file, size_bytes, .. } = opened;
    OpenedSource { file, size_bytes, record }
}
