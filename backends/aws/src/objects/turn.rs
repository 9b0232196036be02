//! Turns: the right of one attempt to change what is visible of an asset, which a later attempt takes away from it.
//!
//! The number of the latest turn is an object, `quarantine/ASSET/turn`, which is replaced on the condition that nobody else has
//! replaced it. S3 cannot make a write of one object depend on another one. So an attempt asks for its turn before each
//! step and once more after what it has made visible, and stamps what it makes visible with its number. If a later turn was
//! taken in between, it removes the objects with its own stamp that were not there before. Removals name exact versions; in a
//! bucket without versioning, one request that was on its way when the process was frozen can still remove an object.

use std::collections::BTreeSet;
use std::sync::Arc;

use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::objects::{MANIFEST, Turn};

use super::bucket::{Head, Label, Only};
use super::list::asset_name;
use super::owner::{ASSET, TURN};
use super::store_context::StoreContext;
use crate::location::Location;

/// Operation of every error about a turn.
pub(super) const TAKE: &str = "take the turn of an attempt";
/// Attempts to take a turn while others take turns of the same asset.
const ROUNDS_MAX: u32 = 8;

/// A turn that was taken.
pub(super) struct TakenTurn {
    context: Arc<StoreContext>,
    pub turn: Turn,
    at: Location,
}

impl TakenTurn {
    /// Takes a turn; `Conflict` if a later one was taken. The same turn may be taken again.
    pub(super) async fn take(context: Arc<StoreContext>, turn: Turn) -> PortResult<Self> {
        let at = context.areas.quarantine.at(&format!("{}/turn", asset_name(&turn.asset)?));
        let this = Self { context, turn, at };
        for _ in 0..ROUNDS_MAX {
            let head = this.context.bucket.head(TAKE, &this.at, None).await?;
            let only = match head {
                None => Only::Absent,
                Some(head) => match head.metadata.get(TURN).and_then(|number| number.parse::<u64>().ok()) {
                    Some(latest) if latest > this.turn.number => return Err(taken_over()),
                    Some(latest) if latest == this.turn.number => return Ok(this),
                    _ => Only::Over(head.etag),
                },
            };
            let label = Label { content_type: Some("text/plain"), metadata: [(TURN, this.stamp())].into() };
            // The body makes the entity tags of two turns differ.
            let body = this.stamp().into_bytes();
            match this.context.bucket.put(TAKE, &this.at, body, &label, only).await {
                // Another attempt was faster, or the response to this write was lost.
                Err(error) if error.kind == ErrorKind::Conflict => {}
                written => return written.map(|_| this),
            }
        }
        let detail = "expected nobody else to take turns of this asset for a moment, found others";
        Err(PortError::new(Port::Objects, ErrorKind::Unavailable, TAKE, detail))
    }

    /// The number, as metadata.
    pub(super) fn stamp(&self) -> String {
        self.turn.number.to_string()
    }

    /// `Conflict` if a later turn was taken.
    pub(super) async fn check(&self) -> PortResult<()> {
        let head = self.context.bucket.head(TAKE, &self.at, None).await?;
        let is_latest = head.is_some_and(|head| head.metadata.get(TURN) == Some(&self.stamp()));
        if is_latest { Ok(()) } else { Err(taken_over()) }
    }

    /// Whether a later turn of the same asset has made this object visible, or has taken it over.
    fn is_before(&self, head: &Head) -> bool {
        let same = head.metadata.get(ASSET).map(String::as_str) == Some(self.turn.asset.as_str());
        let number = head.metadata.get(TURN).and_then(|number| number.parse::<u64>().ok());
        same && number.is_some_and(|number| number > self.turn.number)
    }

    /// If `result` is an error and a later turn was taken: removes what this turn has made visible below a path too late, except under
    /// the keys that were there before. Where a later turn's manifest of the same asset stands, everything stays: what is there
    /// belongs to it.
    pub(super) async fn settle<T>(
        &self,
        result: PortResult<T>,
        path: &Location,
        before: &BTreeSet<String>,
    ) -> PortResult<T> {
        let Err(error) = &result else { return result };
        // Another error may come of what the later attempt did.
        let taken_over = match is_taken_over(error) {
            true => taken_over(),
            false => match self.check().await {
                Err(error) if is_taken_over(&error) => error,
                _ => return result,
            },
        };
        let bucket = &self.context.bucket;
        let manifest = Location::new(&path.bucket, format!("{}{MANIFEST}", path.key));
        let stands = bucket.head(TAKE, &manifest, None).await?.is_some_and(|head| self.is_before(&head));
        if stands {
            return Err(taken_over);
        }
        for found in bucket.versions(TAKE, &path.bucket, &path.key).await? {
            if before.contains(&found.key) {
                continue;
            }
            let at = Location::new(&path.bucket, &found.key);
            let Some(head) = bucket.head(TAKE, &at, found.version_id.as_deref()).await? else { continue };
            let is_ours = head.metadata.get(ASSET).map(String::as_str) == Some(self.turn.asset.as_str())
                && head.metadata.get(TURN) == Some(&self.stamp());
            if is_ours {
                bucket.delete_exact(TAKE, &at, &head).await?;
            }
        }
        Err(taken_over)
    }
}

/// Whether an error says that a later turn was taken.
pub(super) fn is_taken_over(error: &PortError) -> bool {
    error.operation == TAKE && error.kind == ErrorKind::Conflict
}

fn taken_over() -> PortError {
    let detail =
        "expected the latest attempt, found that a later one has taken over; this one changes nothing";
    PortError::new(Port::Objects, ErrorKind::Conflict, TAKE, detail)
}
