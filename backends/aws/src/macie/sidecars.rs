//! Sidecars and their maps in the scanner's bucket.

use std::sync::Arc;

use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::external_scanner::sidecar::write;
use reelgate_ports::external_scanner::{BatchId, Removed, Sidecar, SidecarMap, SidecarName};

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

/// Writes a sidecar and its map. The map is written first, so that the lines of every scanned sidecar can be located.
pub(super) async fn deliver(
    bucket: &Bucket,
    area: &Area,
    batch: &BatchId,
    sidecar: &Sidecar,
) -> PortResult<()> {
    let name = SidecarName { batch: batch.clone(), asset: sidecar.asset.clone() };
    let written = write(&sidecar.lines);
    // The scanner would silently skip an empty object, and an asset without text needs no scan.
    if written.map.is_empty() {
        return Ok(());
    }
    let label = |kind| Label { content_type: Some(kind), ..Label::default() };
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

/// Removes every version of the sidecar and the map of one asset, and checks that none is left.
pub(super) async fn remove(
    bucket: &Bucket,
    area: &Area,
    batch: &BatchId,
    asset: &AssetId,
) -> PortResult<Removed> {
    let name = SidecarName { batch: batch.clone(), asset: asset.clone() };
    let mut removed = Removed::default();
    for name in [name.scanned(), name.map()] {
        let key = area.key(&name);
        let found = bucket.versions(REMOVE, &area.bucket, &key).await?;
        removed.objects += found.len() as u64;
        removed.bytes += found.iter().map(|one| one.size_bytes).sum::<u64>();
        bucket.delete_all(REMOVE, &area.bucket, &found).await?;
        let left = bucket.versions(REMOVE, &area.bucket, &key).await?.len();
        if left > 0 {
            let detail = format!("expected no remaining version, found {left}");
            return Err(PortError::new(Port::ExternalScanner, ErrorKind::Unavailable, REMOVE, detail));
        }
    }
    Ok(removed)
}

/// Proves that the bucket can be listed and written.
pub(super) async fn check(bucket: &Arc<Bucket>, area: &Area) -> PortResult<()> {
    bucket.page(CHECK, &area.bucket, &area.key(PROBE), Marker::default()).await?;
    Multipart::begin(bucket.clone(), CHECK, area.at(PROBE), Label::default()).await?.abort().await
}
