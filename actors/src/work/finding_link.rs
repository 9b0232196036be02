//! Links findings of the external scanner to their assets and to places in them, before the findings are ingested. Maps
//! are read in parallel and with one time limit: a slow bucket costs a finding its places, and never blocks the stream.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use reelgate_flow::ids::AssetId;
use reelgate_ports::external_scanner::findings::fold;
use reelgate_ports::external_scanner::{BatchId, ExternalScanner, SidecarMap, SidecarName};
use reelgate_ports::records::ExternalScanEvent;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::engine_context::EngineContext;

/// Longest wait for all maps of one batch of events.
const MAPS_WAIT: Duration = Duration::from_secs(5);
/// Maps read at once: a map may have 64 MiB.
const MAPS_AT_ONCE: usize = 4;

type Wanted = (BatchId, AssetId);

/// Links each event to its asset and to places in it. Where a map cannot be read in time, only the places are missing.
pub async fn link(context: &EngineContext, scans: &mut [ExternalScanEvent]) {
    let bucket = context.external_scan.as_ref().map_or("", |batcher| &batcher.settings.bucket);
    let named = |scan: &ExternalScanEvent| SidecarName::of(scan.source.as_ref()?, bucket);
    let wanted: BTreeSet<Wanted> =
        scans.iter().filter_map(named).map(|name| (name.batch, name.asset)).collect();
    let maps = match &context.external_scan {
        Some(batcher) => maps(&batcher.scanner, wanted).await,
        None => BTreeMap::new(),
    };
    for scan in scans {
        let name = named(scan);
        let map = name.as_ref().and_then(|name| maps.get(&(name.batch.clone(), name.asset.clone())));
        let folded = fold([&*scan], bucket).findings;
        scan.findings = folded.iter().flat_map(|finding| finding.records(map)).collect();
        scan.asset = name.map(|name| name.asset);
    }
}

/// The maps that could be read in time.
async fn maps(scanner: &Arc<dyn ExternalScanner>, wanted: BTreeSet<Wanted>) -> BTreeMap<Wanted, SidecarMap> {
    let until = Instant::now() + MAPS_WAIT;
    let permits = Arc::new(Semaphore::new(MAPS_AT_ONCE));
    let mut reads = JoinSet::new();
    for wanted in wanted {
        let (scanner, permits) = (Arc::clone(scanner), Arc::clone(&permits));
        reads.spawn(async move {
            let read = async {
                let _permit = permits.acquire().await;
                scanner.map(&wanted.0, &wanted.1).await
            };
            let read = timeout_at(until, read).await;
            (wanted, read)
        });
    }
    let mut found = BTreeMap::new();
    while let Some(read) = reads.join_next().await {
        let Ok((wanted, read)) = read else {
            tracing::warn!("finding ingested without its places: reading their map panicked");
            continue;
        };
        match read {
            Ok(Ok(Some(map))) => drop(found.insert(wanted, map)),
            Ok(Ok(None)) => {}
            Ok(Err(error)) => {
                tracing::warn!(
                    asset = %wanted.1,
                    %error,
                    "finding ingested without its places: their map cannot be read"
                );
            }
            Err(_) => {
                let wait_s = MAPS_WAIT.as_secs();
                tracing::warn!(
                    asset = %wanted.1,
                    wait_s,
                    "finding ingested without its places: their map was not read in time"
                );
            }
        }
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use reelgate_ports::error::PortResult;
    use reelgate_ports::external_scanner::{
        Begun, Delivered, FindingPage, JobId, JobStatus, Removed, Sidecar,
    };

    use super::*;

    /// A scanner whose maps take a second each, except one, which never comes.
    #[derive(Default)]
    struct SlowMaps {
        reading: AtomicUsize,
        reading_max: AtomicUsize,
    }

    #[async_trait]
    impl ExternalScanner for SlowMaps {
        async fn map(&self, _: &BatchId, asset: &AssetId) -> PortResult<Option<SidecarMap>> {
            let reading = self.reading.fetch_add(1, Ordering::Relaxed) + 1;
            self.reading_max.fetch_max(reading, Ordering::Relaxed);
            let took_s = if asset.as_str() == "never" { u64::from(u32::MAX) } else { 1 };
            tokio::time::sleep(Duration::from_secs(took_s)).await;
            self.reading.fetch_sub(1, Ordering::Relaxed);
            Ok(Some(SidecarMap::default()))
        }

        async fn prepare(&self) -> PortResult<String> {
            unreachable!("only maps are read")
        }

        async fn deliver(&self, _: &Delivered, _: &Sidecar) -> PortResult<()> {
            unreachable!("only maps are read")
        }

        async fn begin(&self, _: &BatchId) -> PortResult<Begun> {
            unreachable!("only maps are read")
        }

        async fn status(&self, _: &JobId) -> PortResult<JobStatus> {
            unreachable!("only maps are read")
        }

        async fn findings(&self, _: &JobId) -> PortResult<Vec<ExternalScanEvent>> {
            unreachable!("only maps are read")
        }

        async fn findings_since(&self, _: u64, _: Option<&str>) -> PortResult<FindingPage> {
            unreachable!("only maps are read")
        }

        async fn remove(&self, _: &AssetId, _: Option<&Delivered>) -> PortResult<Removed> {
            unreachable!("only maps are read")
        }

        async fn check(&self) -> PortResult<String> {
            unreachable!("only maps are read")
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_map_that_never_comes_costs_only_its_own_places_and_the_time_limit() {
        let slow = Arc::new(SlowMaps::default());
        let scanner: Arc<dyn ExternalScanner> = slow.clone();
        let batch = BatchId::of("area", 1, 2);
        let wanted = |id: &str| (batch.clone(), AssetId::new(id));
        let ids = ["a", "b", "c", "d", "e", "f", "never"];
        let since = Instant::now();
        let found = maps(&scanner, ids.into_iter().map(wanted).collect()).await;
        assert_eq!(since.elapsed().as_secs(), MAPS_WAIT.as_secs());
        let read: Vec<&str> = found.keys().map(|(_, asset)| asset.as_str()).collect();
        assert_eq!(read, ["a", "b", "c", "d", "e", "f"]);
        assert_eq!(slow.reading_max.load(Ordering::Relaxed), MAPS_AT_ONCE);
    }
}
