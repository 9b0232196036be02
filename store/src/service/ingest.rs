//! Ingests a batch: each version once, never an older version over a newer one, and the checkpoint in the same transaction.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_flow::asset::Phase;
use reelgate_flow::ids::AssetId;
use reelgate_ports::caption_files::{family_sha256, is_film};
use reelgate_ports::events::EventBatch;
use reelgate_ports::identity;
use reelgate_ports::order::{self, prefix_of};
use reelgate_ports::records::{EventKind, ExternalScanEvent, Ingested, MediaEvent};

use super::relatives::{follow_up, learn_releases};
use super::write_call::WriteCall;
use crate::session::{Answer, EventDelivery, Lock, ProducerQueue, Session};
use crate::work::{AssetRow, Deletion, UnitOfWork, check_event, fresh_scans, new_row};

/// Ingests a batch in order and moves its checkpoint. Returns one result per created upload, in order.
#[derive(Debug)]
pub struct Ingest<'a>(pub &'a EventBatch);

impl WriteCall for Ingest<'_> {
    type Output = Vec<Ingested>;

    const OPERATION: &'static str = "ingest events";

    /// Locks keys: if two versions of a key arrive at the same time, one must see the other.
    fn locks(&self) -> Option<Vec<Lock>> {
        Some(self.keys().into_iter().map(Lock::Key).collect())
    }

    async fn run<S: Session>(&self, session: &mut S) -> Answer<Vec<Ingested>, S> {
        let batch = self.0;
        for event in &batch.events {
            check_event(event)?;
        }
        if let Some(checkpoint) = &batch.checkpoint {
            session.advance(checkpoint).await?;
        }
        if !batch.refused.is_empty() {
            session.keep_refused(&batch.refused).await?;
        }
        let ingested = self.ingest_uploads(session).await?;
        if !batch.scans.is_empty() {
            ingest_scans(session, &batch.scans).await?;
        }
        follow_up(session).await?;
        Ok(ingested)
    }
}

/// Ingests findings of the external scanner alone; returns the ids of those that were not known.
#[derive(Debug)]
pub struct IngestFindings<'a>(pub &'a [ExternalScanEvent]);

impl WriteCall for IngestFindings<'_> {
    type Output = Vec<String>;

    const OPERATION: &'static str = "ingest findings";

    async fn run<S: Session>(&self, session: &mut S) -> Answer<Vec<String>, S> {
        let fresh = ingest_scans(session, self.0).await?;
        follow_up(session).await?;
        Ok(fresh)
    }
}

impl Ingest<'_> {
    fn keys(&self) -> BTreeSet<String> {
        self.0.events.iter().map(|event| identity::key_sha256(&event.source.key)).collect()
    }

    async fn ingest_uploads<S: Session>(&self, session: &mut S) -> Answer<Vec<Ingested>, S> {
        let keys = self.keys();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let of_kind = |kind| self.0.events.iter().filter(move |event| event.kind == kind);
        let deleted = Deletion::latest(of_kind(EventKind::Deleted));
        let created: Vec<&MediaEvent> = of_kind(EventKind::Created).collect();
        if !deleted.is_empty() {
            session.keep_deletions(&deleted).await?;
        }
        session.load_versions(&keys).await?;
        let ingested = create(session, &created, &keys, &deleted).await?;
        session.work().delete(&deleted)?;
        Ok(ingested)
    }
}

/// Creates the assets of new uploads. Every known version of their keys is loaded; `deleted` are the deletions of this batch.
async fn create<S: Session>(
    session: &mut S,
    events: &[&MediaEvent],
    keys: &BTreeSet<String>,
    deleted: &[Deletion],
) -> Answer<Vec<Ingested>, S> {
    let work = session.work();
    let mut ingested = Vec::with_capacity(events.len());
    let mut rows: Vec<AssetRow> = Vec::new();
    let mut seen = BTreeSet::new();
    for event in events {
        let asset = identity::asset_id(&event.source);
        let new = !work.loaded.contains_key(&asset) && seen.insert(asset.clone());
        if new {
            rows.push(new_row(work.now_ms, event, &asset));
        }
        ingested.push(Ingested { asset, new });
    }
    let fresh: Vec<AssetId> = rows.iter().map(|row| row.id.clone()).collect();
    if !rows.is_empty() {
        assign_places(session, &mut rows).await?;
        session.add_assets(&mut rows).await?;
        rows.into_iter().for_each(|row| session.work().add(row));
    }
    if !events.is_empty() {
        let deliveries: Vec<EventDelivery<'_>> = events
            .iter()
            .zip(&ingested)
            .map(|(event, taken)| EventDelivery { asset: &taken.asset, event, new: taken.new })
            .collect();
        session.count_deliveries(&deliveries).await?;
    }
    if fresh.is_empty() {
        return Ok(ingested);
    }
    let mut deletions = session.deletions_of(keys).await?;
    deletions.extend_from_slice(deleted);
    for id in &fresh {
        let row = &session.work().at(id)?.row;
        let hidden = deletions.iter().any(|deletion| deletion.hides(row));
        session.work().arrive(id, hidden)?;
    }
    wake_caption_files(session, &fresh).await?;
    for scan in session.take_unlinked(&fresh).await? {
        if let Some(id) = scan.about() {
            session.work().scanned(&id, &scan)?;
        }
    }
    Ok(ingested)
}

/// Has caption files that wait for one of these new films look for it at once.
async fn wake_caption_files<S: Session>(session: &mut S, fresh: &[AssetId]) -> Answer<(), S> {
    let mut films = Vec::new();
    let mut families = BTreeSet::new();
    for id in fresh {
        let key = &session.work().at(id)?.row.source.id.key;
        if is_film(key) {
            families.insert(family_sha256(key));
            films.push(id.clone());
        }
    }
    if films.is_empty() {
        return Ok(());
    }
    session.load_families(&families).await?;
    for film in &films {
        session.work().wake_caption_files(film)?;
    }
    Ok(())
}

/// Gives every new asset its position in its producer's queue, and keeps the end of each queue for the next asset.
async fn assign_places<S: Session>(session: &mut S, rows: &mut [AssetRow]) -> Answer<(), S> {
    let queues: BTreeSet<ProducerQueue> = rows.iter().map(queue).collect();
    let mut ends: BTreeMap<ProducerQueue, u64> = session.queue_ends(&queues).await?;
    for row in rows.iter_mut() {
        let queue = queue(row);
        row.queue_position = order::place(row.received_ms, row.priority, ends.get(&queue).copied());
        ends.insert(queue, order::after(row.queue_position, row.source.size_bytes));
    }
    session.move_queue_ends(&ends).await
}

fn queue(row: &AssetRow) -> ProducerQueue {
    let id = &row.source.id;
    (id.bucket.clone(), identity::key_sha256(prefix_of(&id.key)), row.priority)
}

/// Steps assets with the findings of an external scanner. A finding about an unknown upload is kept until the upload arrives,
/// because the two events come from different sources in any order. Returns the ids of the new findings.
async fn ingest_scans<S: Session>(session: &mut S, scans: &[ExternalScanEvent]) -> Answer<Vec<String>, S> {
    let ids: Vec<AssetId> = scans.iter().filter_map(ExternalScanEvent::about).collect();
    session.load(&ids).await?;
    let scans: Vec<ExternalScanEvent> =
        scans.iter().map(|scan| without_erased_key(session.work(), scan)).collect();
    let written = session.keep_scans(&scans).await?;
    learn_releases(session).await?;
    let mut unlinked = Vec::new();
    for scan in fresh_scans(&scans, &written) {
        let Some(id) = scan.about() else { continue };
        if session.work().loaded.contains_key(&id) {
            session.work().scanned(&id, scan)?;
        } else if !scan.sample {
            unlinked.push(ExternalScanEvent { asset: Some(id), source: None, ..scan.clone() });
        }
    }
    if !unlinked.is_empty() {
        session.keep_unlinked(&unlinked).await?;
    }
    Ok(written)
}

/// The finding to keep: about an erased upload it names only the asset, not the key.
fn without_erased_key(work: &UnitOfWork, scan: &ExternalScanEvent) -> ExternalScanEvent {
    let erased = |id: &AssetId| work.loaded.get(id).is_some_and(|l| l.row.core.phase == Phase::Erased);
    match scan.about().filter(erased) {
        Some(id) => ExternalScanEvent { asset: Some(id), source: None, ..scan.clone() },
        None => scan.clone(),
    }
}
