//! Sources: where they are, whether they are still the recorded version, and how they are opened.

use std::sync::Arc;

use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::identity::asset_id;
use reelgate_ports::objects::OpenSource;
use reelgate_ports::records::SourceRecord;

use super::bucket::{Bucket, Head};
use super::list::asset_name;
use super::read::{OPERATION, fetch};
use super::scratch::SourceVersion;
use super::settings::Areas;
use super::store_context::StoreContext;
use crate::location::{Location, Version, version_of};

/// Where a source is.
pub(super) enum SourceLocation {
    /// Under its producer's key, in the ingest area.
    Uploaded(Location),
    /// Where a withdrawal has moved it. No other object ever has this key.
    Moved(Location),
}

impl SourceLocation {
    /// The location of a source. A location that is neither its upload nor its place in the quarantine or rejected area is
    /// refused.
    pub(super) fn of(areas: &Areas, source: &SourceRecord) -> PortResult<Self> {
        let location = Location::parse(&source.location)?;
        let uploaded = Location::new(&source.id.bucket, &source.id.key);
        if location == uploaded && areas.ingest.name_of(&uploaded).is_some() {
            return Ok(Self::Uploaded(location));
        }
        for area in [&areas.quarantine, &areas.rejected] {
            let moved = area.at(&moved_name(source)?);
            if location == moved {
                return Ok(Self::Moved(moved));
            }
        }
        let detail = "expected the source's upload in the ingest area, or its place in the quarantine or rejected area";
        Err(PortError::new(Port::Objects, ErrorKind::Corrupt, "read a source's location", detail))
    }

    pub(super) fn location(&self) -> &Location {
        match self {
            Self::Uploaded(at) | Self::Moved(at) => at,
        }
    }
}

/// The name of a moved source. It does not contain the key, which may be long, hostile or personal.
pub(super) fn moved_name(source: &SourceRecord) -> PortResult<String> {
    Ok(format!("{}/source", asset_name(&asset_id(&source.id))?))
}

/// Opens a source for reading.
pub(super) async fn open(context: Arc<StoreContext>, source: SourceRecord) -> PortResult<OpenSource> {
    let place = SourceLocation::of(&context.areas, &source)?;
    let head = recorded(&context.bucket, &place, &source).await?;
    let at = place.location().clone();
    let version = version_of(head.version_id.as_deref(), &head.etag);
    let size_bytes = head.size_bytes;
    let of = SourceVersion { at: at.clone(), version, size_bytes };
    let bucket = context.bucket.clone();
    let file = context.scratch.file(of, |file| fetch(bucket, at, head, file)).await?;
    Ok(OpenSource { file, size_bytes })
}

/// Whether the source still exists in the recorded version.
pub(super) async fn unchanged(context: &StoreContext, source: &SourceRecord) -> PortResult<bool> {
    let place = SourceLocation::of(&context.areas, source)?;
    match recorded(&context.bucket, &place, source).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::Missing) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reads a small file next to the source.
pub(super) async fn sidecar(
    context: &StoreContext,
    source: &SourceRecord,
    suffix: &str,
    bytes_max: u64,
) -> PortResult<Option<Vec<u8>>> {
    let operation = "read the file next to the source";
    let place = SourceLocation::of(&context.areas, source)?;
    let at = place.location();
    let at = Location::new(&at.bucket, format!("{}{suffix}", at.key));
    if at.key.len() > crate::location::KEY_BYTES_MAX {
        // No object can have this key.
        return Ok(None);
    }
    let Some(head) = context.bucket.head(operation, &at, None).await? else { return Ok(None) };
    context.bucket.read(operation, &at, &head, bytes_max).await.map(Some)
}

/// The current object at the source's location, if it is the recorded version. A newer upload of the key makes work on the
/// older one useless, so it is a `Conflict`, even if the bucket still has the older version.
async fn recorded(bucket: &Bucket, place: &SourceLocation, source: &SourceRecord) -> PortResult<Head> {
    let found = bucket.head(OPERATION, place.location(), None).await?;
    let gone = || {
        PortError::new(
            Port::Objects,
            ErrorKind::Missing,
            OPERATION,
            "expected the recorded version, found nothing",
        )
    };
    let found = found.ok_or_else(gone)?;
    let same = match place {
        SourceLocation::Uploaded(_) => is_version(&found, Version::parse(&source.id.version)),
        // The copy has its own version, so only the size can be compared.
        SourceLocation::Moved(_) => found.size_bytes == source.size_bytes,
    };
    let changed = || {
        PortError::new(
            Port::Objects,
            ErrorKind::Conflict,
            OPERATION,
            "expected the recorded version, found another",
        )
    };
    if same { Ok(found) } else { Err(changed()) }
}

/// Whether an object has this version.
pub(super) fn is_version(found: &Head, version: Version<'_>) -> bool {
    match version {
        Version::Id(id) => found.version_id.as_deref() == Some(id),
        Version::Etag(etag) => found.etag.trim_matches('"') == etag,
    }
}
