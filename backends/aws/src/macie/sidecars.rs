//! Sidecars and their maps in the scanner's bucket.

use std::collections::BTreeSet;
use std::sync::Arc;

use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::external_scanner::sidecar::write;
use reelgate_ports::external_scanner::{BatchId, Delivered, Removed, Sidecar, SidecarMap, SidecarName};

use crate::location::Area;
use crate::objects::bucket::{Bucket, Label, Only};
use crate::objects::list::Marker;
use crate::objects::multipart::Multipart;

const DELIVER: &str = "put a sidecar where the scanner reads it";
const MAP: &str = "read the map of a sidecar";
const REMOVE: &str = "remove a sidecar";
const CHECK: &str = "check the bucket of sidecars";
/// Largest map that is read, bytes; the map of a film with all captions is below 2 MB.
const MAP_BYTES_MAX: u64 = 64 << 20;
/// The check begins an upload under this name and aborts it to prove write access. No object ever has this name.
const PROBE: &str = ".reelgate-check";

/// Writes a sidecar and its map, and before them the record by which they are found. The map is written before the sidecar, so
/// that the lines of every scanned sidecar can be located.
pub(super) async fn deliver(
    bucket: &Bucket,
    area: &Area,
    to: &Delivered,
    sidecar: &Sidecar,
) -> PortResult<()> {
    let name = SidecarName { batch: to.batch.clone(), asset: sidecar.asset.clone() };
    let written = write(&sidecar.lines);
    // The scanner would silently skip an empty object, and an asset without text needs no scan.
    if written.map.is_empty() {
        return Ok(());
    }
    let label = |kind| Label { content_type: Some(kind), ..Label::default() };
    let sent = area.at(&name.sent(to.job_from_ms));
    bucket.put(DELIVER, &sent, Vec::new(), &label("text/plain"), Only::Always).await?;
    let (map, text) = (area.at(&name.map()), area.at(&name.scanned()));
    bucket.put(DELIVER, &map, written.map.to_bytes(), &label("application/json"), Only::Always).await?;
    bucket.put(DELIVER, &text, written.jsonl, &label("application/jsonl"), Only::Always).await?;
    Ok(())
}

/// The map of one sidecar; `None` if it was removed.
pub(super) async fn map(
    bucket: &Bucket,
    area: &Area,
    batch: &BatchId,
    asset: &AssetId,
) -> PortResult<Option<SidecarMap>> {
    let name = SidecarName { batch: batch.clone(), asset: asset.clone() };
    let at = area.at(&name.map());
    let Some(head) = bucket.head(MAP, &at, None).await? else { return Ok(None) };
    let bytes = bucket.read(MAP, &at, &head, MAP_BYTES_MAX).await?;
    SidecarMap::parse(&bytes).map(Some)
}

/// Removes every version of the sidecars and maps of one asset that were sent, up to those of the batch `until`, and checks that
/// none is left. The records of them are removed last.
pub(super) async fn remove(
    bucket: &Bucket,
    area: &Area,
    asset: &AssetId,
    until: Option<&Delivered>,
) -> PortResult<Removed> {
    let sent = bucket.versions(REMOVE, &area.bucket, &area.key(&SidecarName::sent_prefix(asset))).await?;
    let is_over = |one: &Delivered| until.is_none_or(|until| one.job_from_ms <= until.job_from_ms);
    let over: Vec<(String, Delivered)> = sent
        .iter()
        .filter_map(|record| Some((record.key.clone(), SidecarName::parse_sent(&record.key)?)))
        .filter(|(_, one)| is_over(one))
        .collect();
    let batches: BTreeSet<&BatchId> =
        over.iter().map(|(_, one)| &one.batch).chain(until.map(|until| &until.batch)).collect();
    let mut removed = Removed::default();
    for batch in batches {
        let name = SidecarName { batch: batch.clone(), asset: asset.clone() };
        for key in [name.scanned(), name.map()] {
            remove_versions(bucket, area, &area.key(&key), &mut removed).await?;
        }
    }
    for key in over.into_iter().map(|(key, _)| key).collect::<BTreeSet<_>>() {
        // A record is no text, so it does not count.
        remove_versions(bucket, area, &key, &mut Removed::default()).await?;
    }
    Ok(removed)
}

async fn remove_versions(bucket: &Bucket, area: &Area, key: &str, removed: &mut Removed) -> PortResult<()> {
    let found = bucket.versions(REMOVE, &area.bucket, key).await?;
    removed.objects += found.len() as u64;
    removed.bytes += found.iter().map(|one| one.size_bytes).sum::<u64>();
    removed.addresses += 1;
    bucket.delete_all(REMOVE, &area.bucket, &found).await?;
    let left = bucket.versions(REMOVE, &area.bucket, key).await?.len();
    if left > 0 {
        let detail = format!("expected no remaining version, found {left}");
        return Err(PortError::new(Port::ExternalScanner, ErrorKind::Unavailable, REMOVE, detail));
    }
    Ok(())
}

/// Proves that the bucket can be listed and written.
pub(super) async fn check(bucket: &Arc<Bucket>, area: &Area) -> PortResult<()> {
    bucket.page(CHECK, &area.bucket, &area.key(PROBE), Marker::default()).await?;
    Multipart::begin(bucket.clone(), CHECK, area.at(PROBE), Label::default()).await?.abort().await
}
