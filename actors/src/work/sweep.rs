//! Finds uploads whose event was lost: lists the bucket and ingests the uploads that the store does not know.

use reelgate_flow::ids::AssetId;
use reelgate_ports::error::PortResult;
use reelgate_ports::events::EventBatch;
use reelgate_ports::identity::asset_id;
use reelgate_ports::objects::Objects;
use reelgate_ports::order::Priority;
use reelgate_ports::records::MediaEvent;
use reelgate_ports::store::Store;

use crate::profiles::Profiles;

/// Uploads compared at once: one page of an S3 listing.
pub const PAGE: usize = 1_000;

/// What a sweep found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Swept {
    pub listed: u64,
    /// Uploads that were unknown; they are ingested now.
    pub found: u64,
}

/// One page of the listing, with the uploads that the store does not know.
pub struct Page {
    /// The last key of the page; `None` where the listing ends here.
    pub next: Option<String>,
    /// Uploads on the page.
    pub listed: u64,
    /// Uploads that the store does not know.
    pub unknown: Vec<MediaEvent>,
}

/// Reads the page after a key.
pub async fn page(
    store: &dyn Store,
    objects: &dyn Objects,
    prefix: &str,
    after: Option<&str>,
) -> PortResult<Page> {
    let uploads = objects.list(prefix, after, PAGE).await?;
    let ids: Vec<AssetId> = uploads.iter().map(|upload| asset_id(&upload.source)).collect();
    let known = store.known(&ids).await?;
    let listed = uploads.len() as u64;
    let full = uploads.len() >= PAGE;
    let next = uploads.last().filter(|_| full).map(|upload| upload.source.key.clone());
    let unknown = uploads.into_iter().zip(ids).filter(|(_, id)| !known.contains(id));
    Ok(Page { next, listed, unknown: unknown.map(|(upload, _)| upload).collect() })
}

/// Lists everything under a prefix and ingests what is unknown, each upload with the priority of its profile; with `dry_run` it
/// only counts.
pub async fn sweep(
    store: &dyn Store,
    objects: &dyn Objects,
    profiles: &Profiles,
    prefix: &str,
    dry_run: bool,
) -> PortResult<Swept> {
    let mut swept = Swept::default();
    let mut after: Option<String> = None;
    loop {
        let mut page = page(store, objects, prefix, after.as_deref()).await?;
        profiles.prioritise(&mut page.unknown);
        swept.listed += page.listed;
        swept.found += page.unknown.len() as u64;
        if !dry_run && !page.unknown.is_empty() {
            store.ingest(&EventBatch::of(page.unknown)).await?;
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(swept),
        }
    }
}

/// The same uploads with this priority, for the import of a back-catalogue.
pub fn with_priority(uploads: Vec<MediaEvent>, priority: Priority) -> Vec<MediaEvent> {
    uploads.into_iter().map(|upload| MediaEvent { priority, ..upload }).collect()
}
