//! Uploads: where they lie, whether they are still the recorded version, and opening them.

use std::sync::Arc;

use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::identity::asset_id;
use reelgate_ports::objects::OpenSource;
use reelgate_ports::records::SourceRecord;

use super::Inner;
use super::bucket::{Bucket, Head};
use super::list::asset_name;
use super::read::{WHAT, fetch};
use super::scratch::Bytes;
use super::settings::Areas;
use crate::location::{Location, Version, version_of};

/// Where a source lies.
pub(super) enum SourceLocation {
    /// Where its producer put it.
    Uploaded(Location),
    /// Where a withdrawal put it: nothing else ever has this key.
    Moved(Location),
}

impl SourceLocation {
    /// The place of a source; a location that is neither its upload nor one of its places apart is refused.
    pub(super) fn of(areas: &Areas, source: &SourceRecord) -> PortResult<Self> {
        let location = Location::parse(&source.location)?;
        let uploaded = Location::new(&source.id.bucket, &source.id.key);
        if location == uploaded && areas.ingest.name_of(&uploaded).is_some() {
            return Ok(Self::Uploaded(location));
        }
        for area in [&areas.quarantine, &areas.rejected] {
            let apart = area.at(&moved_name(source)?);
            if location == apart {
                return Ok(Self::Moved(apart));
            }
        }
        let detail = "expected the source's own place in the ingest area, or its place apart";
        Err(PortError::new(Port::Objects, ErrorKind::Corrupt, "read a source's location", detail))
    }

    pub(super) fn location(&self) -> &Location {
        match self {
            Self::Uploaded(at) | Self::Moved(at) => at,
        }
    }
}

/// The name of a source that was moved. Not its key: that may be long, hostile or personal.
pub(super) fn moved_name(source: &SourceRecord) -> PortResult<String> {
    Ok(format!("{}/source", asset_name(&asset_id(&source.id))?))
}

/// Opens a source for reading.
pub(super) async fn open(inner: Arc<Inner>, source: SourceRecord) -> PortResult<OpenSource> {
    let place = SourceLocation::of(&inner.areas, &source)?;
    let head = recorded(&inner.bucket, &place, &source).await?;
    let at = place.location().clone();
    let version = version_of(head.version_id.as_deref(), &head.etag);
    let size_bytes = head.size_bytes;
    let of = Bytes { at: at.clone(), version, size_bytes };
    let bucket = inner.bucket.clone();
    let file = inner.scratch.file(of, |file| fetch(bucket, at, head, file)).await?;
    Ok(OpenSource { file, size_bytes })
}

/// Whether the source is still there and of the recorded version.
pub(super) async fn unchanged(inner: &Inner, source: &SourceRecord) -> PortResult<bool> {
    let place = SourceLocation::of(&inner.areas, source)?;
    match recorded(&inner.bucket, &place, source).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::Missing) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reads a small file beside the source.
pub(super) async fn sidecar(
    inner: &Inner,
    source: &SourceRecord,
    suffix: &str,
    bytes_max: u64,
) -> PortResult<Option<Vec<u8>>> {
    let what = "read the file beside the source";
    let place = SourceLocation::of(&inner.areas, source)?;
    let at = place.location();
    let at = Location::new(&at.bucket, format!("{}{suffix}", at.key));
    if at.key.len() > crate::location::KEY_BYTES_MAX {
        // No object can have this key.
        return Ok(None);
    }
    let Some(head) = inner.bucket.head(what, &at, None).await? else { return Ok(None) };
    inner.bucket.read(what, &at, &head, bytes_max).await.map(Some)
}

/// What is at the source's place now, if that is the recorded version. A newer upload of the key makes work on an
/// older one useless, so it is a `Conflict` although a bucket that keeps versions still has the older one.
async fn recorded(bucket: &Bucket, place: &SourceLocation, source: &SourceRecord) -> PortResult<Head> {
    let found = bucket.head(WHAT, place.location(), None).await?;
    let gone = || {
        PortError::new(
            Port::Objects,
            ErrorKind::Missing,
            WHAT,
            "expected the recorded version, found nothing",
        )
    };
    let found = found.ok_or_else(gone)?;
    let same = match place {
        SourceLocation::Uploaded(_) => is_version(&found, Version::parse(&source.id.version)),
        // The copy has a version of its own; only the size can be compared.
        SourceLocation::Moved(_) => found.size_bytes == source.size_bytes,
    };
    let changed = || {
        PortError::new(
            Port::Objects,
            ErrorKind::Conflict,
            WHAT,
            "expected the recorded version, found another",
        )
    };
    if same { Ok(found) } else { Err(changed()) }
}

/// Whether an object is of this version.
pub(super) fn is_version(found: &Head, version: Version<'_>) -> bool {
    match version {
        Version::Id(id) => found.version_id.as_deref() == Some(id),
        Version::Etag(etag) => found.etag.trim_matches('"') == etag,
    }
}
