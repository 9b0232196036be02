//! New uploads: each version is ingested once, and an older version never overrides a newer one.

use reelgate_flow::asset::{Asset, Input};
use reelgate_flow::ids::AssetId;

use super::rows::AssetRow;
use super::steps::UnitOfWork;
use crate::history_lines::{self, Attribution};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::identity;
use reelgate_ports::records::{HistoryEvent, MediaEvent, SourceRecord};

/// Refuses an event that a database cannot hold: text with a zero byte, or a size of 2^63 bytes or more.
pub fn check_event(event: &MediaEvent) -> PortResult<()> {
    let texts = [&event.source.bucket, &event.source.key, &event.source.version, &event.location];
    let refuse = |detail| Err(PortError::new(Port::Store, ErrorKind::Invalid, "ingest an upload", detail));
    if texts.iter().any(|text| text.contains('\0')) {
        return refuse("expected text without zero bytes, found one in an event");
    }
    if i64::try_from(event.size_bytes).is_err() {
        return refuse("expected a size below 2^63 bytes, found a larger one");
    }
    Ok(())
}

/// The row of a new asset; [`Session::add_assets`](crate::session::Session::add_assets) numbers it.
pub fn new_row(now_ms: u64, event: &MediaEvent, id: &AssetId) -> AssetRow {
    AssetRow {
        arrival: 0,
        id: id.clone(),
        source: SourceRecord {
            id: event.source.clone(),
            sequencer: event.sequencer.clone(),
            size_bytes: event.size_bytes,
            location: event.location.clone(),
        },
        key_sha256: identity::key_sha256(&event.source.key),
        forced: event.force,
        sha256: None,
        core: Asset::new(identity::jitter_seed(id)),
        linked_to: None,
        published_location: None,
        received_ms: now_ms,
        ended_ms: None,
        history_lines: 0,
        priority: event.priority,
        queue_position: now_ms,
    }
}

impl UnitOfWork {
    /// Steps a new asset through its arrival, then supersedes either it or the older versions of its key. The caller has
    /// loaded every version of its key; `deleted` means that the producer has already deleted the upload.
    pub fn arrive(&mut self, id: &AssetId, deleted: bool) -> PortResult<()> {
        let now_ms = self.now_ms;
        let size_bytes = self.at(id)?.row.source.size_bytes;
        self.note(id, history_lines::line(now_ms, HistoryEvent::Arrived, format!("{size_bytes} bytes")))?;
        self.step(id, Input::Arrived, Attribution::default())?;
        let others = self.versions(id)?;
        if deleted || others.iter().any(|other| other.newer) {
            self.step(id, Input::Superseded, Attribution::default())?;
            return Ok(());
        }
        // A published version stays until this one is published too.
        for older in others.iter().filter(|other| !other.published) {
            self.step(&older.id, Input::Superseded, Attribution::default())?;
        }
        Ok(())
    }
}
