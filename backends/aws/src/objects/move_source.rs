//! Moves a source at its exact version between areas, or copies one that is under hold.

use std::sync::Arc;

use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::records::{KeptSource, SourceRecord};

use super::bucket::{Bucket, Head, Only};
use super::copy::{Copy, copy};
use super::source::{SourceLocation, is_version, moved_name};
use super::store_context::StoreContext;
use crate::location::{Location, Version};

const MOVE_SOURCE: &str = "move the source to its area";
/// Tag of a moved source: the reason, for policies and lifecycle rules. The stack removes after a while what has [`REJECTED`].
const TAG: &str = "reelgate-exit";
/// The tag's value for a refused source.
pub(super) const REJECTED: &str = "rejected";
/// The tag's value for a source under hold, which no rule may remove.
pub(super) const HELD: &str = "held";
/// The tag's value for a source whose outputs may be published.
pub(super) const RELEASED: &str = "released";

/// Moves the exact version of a source to the location `to`: copies it with metadata, tags and encryption, verifies the
/// copy, and removes the version. Returns the new location.
pub(super) async fn move_source(
    bucket: &Arc<Bucket>,
    source: &SourceRecord,
    place: &SourceLocation,
    to: Location,
    why: &str,
) -> PortResult<String> {
    let moved = to.to_string();
    let from = match place {
        SourceLocation::Moved(at) if *at == to => return Ok(moved),
        // From the quarantine to the rejected area or back, or from the ingest area.
        SourceLocation::Moved(at) | SourceLocation::Uploaded(at) => at.clone(),
    };
    let Some(head) = recorded_version(bucket, &from, place, source).await? else {
        // An earlier attempt moved it, or it was replaced or deleted, so that there is nothing to move.
        let existing = bucket.head(MOVE_SOURCE, &to, None).await?;
        return Ok(if existing.is_some() { moved } else { source.location.clone() });
    };
    copy_source(bucket, &from, &head, &to, why).await?;
    bucket.delete_exact(MOVE_SOURCE, &from, &head).await?;
    Ok(moved)
}

/// Copies a source under hold to the rejected area, where its producer cannot replace or remove it; or takes the mark of a refused one
/// from it if it is there already.
pub(super) async fn keep_source(context: &StoreContext, source: &SourceRecord) -> PortResult<KeptSource> {
    let place = SourceLocation::of(&context.areas, source)?;
    let bucket = &context.bucket;
    let to = context.areas.rejected.at(&moved_name(source)?);
    let from = match &place {
        SourceLocation::Uploaded(from) => from,
        SourceLocation::Moved(at) if *at == to => {
            if bucket.head(MOVE_SOURCE, &to, None).await?.is_none() {
                return Ok(KeptSource::Gone);
            }
            bucket.add_tags(MOVE_SOURCE, &to, &[(TAG, HELD)]).await?;
            return Ok(KeptSource::Already);
        }
        SourceLocation::Moved(_) => return Ok(KeptSource::Already),
    };
    match recorded_version(bucket, from, &place, source).await? {
        Some(head) => copy_source(bucket, from, &head, &to, HELD).await?,
        // An earlier attempt copied it.
        None if bucket.head(MOVE_SOURCE, &to, None).await?.is_some() => {}
        None => return Ok(KeptSource::Gone),
    }
    Ok(KeptSource::Copied(to.to_string()))
}

/// Takes the mark of a refused source from one that is published after all: another redo needs it.
pub(super) async fn spare_source(context: &StoreContext, source: &SourceRecord) -> PortResult<()> {
    let SourceLocation::Moved(at) = SourceLocation::of(&context.areas, source)? else { return Ok(()) };
    let bucket = &context.bucket;
    if at != context.areas.rejected.at(&moved_name(source)?)
        || bucket.head(MOVE_SOURCE, &at, None).await?.is_none()
    {
        return Ok(());
    }
    let tags = bucket.tags(MOVE_SOURCE, &at, None).await?;
    match tags.iter().any(|tag| tag.key() == TAG && tag.value() == REJECTED) {
        true => bucket.add_tags(MOVE_SOURCE, &at, &[(TAG, RELEASED)]).await,
        false => Ok(()),
    }
}

/// Copies a source with metadata, tags and encryption, unless an earlier attempt has done so, and verifies the copy.
async fn copy_source(
    bucket: &Arc<Bucket>,
    from: &Location,
    head: &Head,
    to: &Location,
    why: &str,
) -> PortResult<()> {
    if bucket.head(MOVE_SOURCE, to, None).await?.is_none() {
        let order = Copy {
            operation: MOVE_SOURCE,
            from: from.clone(),
            head: head.clone(),
            to: to.clone(),
            label: None,
            stamp: None,
            only: Only::Absent,
        };
        match copy(bucket, &order).await {
            Err(error) if error.kind != ErrorKind::Conflict => return Err(error),
            // Another writer created the copy, or the source is gone. The check below decides.
            _ => {}
        }
    }
    let copied = bucket.head(MOVE_SOURCE, to, None).await?;
    if copied.is_none_or(|copied| copied.size_bytes != head.size_bytes) {
        let detail = "expected a complete copy of the source, found none; the source stays in place";
        return Err(PortError::new(Port::Objects, ErrorKind::Unavailable, MOVE_SOURCE, detail));
    }
    bucket.add_tags(MOVE_SOURCE, to, &[(TAG, why)]).await
}

/// The recorded version, even if there are newer ones; `None` if it is gone.
pub(super) async fn recorded_version(
    bucket: &Bucket,
    from: &Location,
    place: &SourceLocation,
    source: &SourceRecord,
) -> PortResult<Option<Head>> {
    let version = Version::parse(&source.id.version);
    let id = match place {
        SourceLocation::Uploaded(_) => version.id(),
        SourceLocation::Moved(_) => None,
    };
    let found = bucket.head(MOVE_SOURCE, from, id).await?;
    Ok(found.filter(|found| matches!(place, SourceLocation::Moved(_)) || is_version(found, version)))
}
