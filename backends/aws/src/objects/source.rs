//! Sources: where they are, whether they are still the recorded version, and how they are opened.

use std::sync::Arc;

use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::identity::asset_id;
use reelgate_ports::objects::{OpenSource, SourceLabels};
use reelgate_ports::records::SourceRecord;

use super::bucket::{Bucket, Head};
use super::list::asset_name;
use super::read::{OPERATION, fetch};
use super::scratch::{ScratchFile, SourceVersion};
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
        if let Some(upload) = Self::of_upload(areas, source).filter(|upload| *upload.location() == location) {
            return Ok(upload);
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

    /// Where a source was uploaded, wherever it is now; `None` if that is not in the ingest area.
    pub(super) fn of_upload(areas: &Areas, source: &SourceRecord) -> Option<Self> {
        let uploaded = Location::new(&source.id.bucket, &source.id.key);
        areas.ingest.name_of(&uploaded).is_some().then_some(Self::Uploaded(uploaded))
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
    match context.scratch.file(of, |file| fetch(bucket, at, head, file)).await {
        Ok(ScratchFile { file, fetched_bytes }) => {
            let is_kept = context.scratch.keeps(size_bytes);
            if fetched_bytes > 0 && !is_kept {
                tracing::warn!(
                    size_bytes,
                    "source fetched that is larger than objects.scratch_bytes_max: its next task fetches it again, unless one still reads it"
                );
            }
            Ok(OpenSource { file, size_bytes, fetched_bytes, is_kept })
        }
        // It went away or was replaced while it was read: what is there now says which.
        Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::Missing) => {
            recorded(&context.bucket, &place, &source).await?;
            Err(error)
        }
        Err(error) => Err(error),
    }
}

/// Fails as [`open`] does if the recorded version is no longer the current one.
pub(super) async fn check_current(context: &StoreContext, source: &SourceRecord) -> PortResult<()> {
    let place = SourceLocation::of(&context.areas, source)?;
    recorded(&context.bucket, &place, source).await.map(drop)
}

/// The metadata and tags of the recorded version.
pub(super) async fn labels(context: &StoreContext, source: &SourceRecord) -> PortResult<SourceLabels> {
    let place = SourceLocation::of(&context.areas, source)?;
    let head = recorded(&context.bucket, &place, source).await?;
    let tags = context.bucket.tags("read the tags of the source", place.location(), head.version_id).await?;
    Ok(SourceLabels {
        metadata: head.metadata.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(),
        tags: tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
    })
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
/// older one useless, and so does a deletion after which the bucket still has the version: it is `Superseded`, and stays where it
/// is. The event of the upload or deletion may come later than this.
async fn recorded(bucket: &Bucket, place: &SourceLocation, source: &SourceRecord) -> PortResult<Head> {
    let unexpected = |kind, found: &str| {
        PortError::new(
            Port::Objects,
            kind,
            OPERATION,
            format!("expected the recorded version, found {found}"),
        )
    };
    let found = bucket.head(OPERATION, place.location(), None).await?;
    let SourceLocation::Uploaded(at) = place else {
        let found = found.ok_or_else(|| unexpected(ErrorKind::Missing, "nothing"))?;
        // The copy has its own version, so only the size can be compared. No producer writes to its place.
        let same = found.size_bytes == source.size_bytes;
        return if same { Ok(found) } else { Err(unexpected(ErrorKind::Conflict, "another")) };
    };
    let version = Version::parse(&source.id.version);
    match found {
        Some(found) if is_version(&found, version) => Ok(found),
        Some(_) => Err(unexpected(ErrorKind::Superseded, "a newer one")),
        None => match version.id() {
            Some(id) if bucket.head(OPERATION, at, Some(id)).await?.is_some() => {
                Err(unexpected(ErrorKind::Superseded, "the key deleted and the version still there"))
            }
            _ => Err(unexpected(ErrorKind::Missing, "nothing")),
        },
    }
}

/// Whether an object has this version.
pub(super) fn is_version(found: &Head, version: Version<'_>) -> bool {
    match version {
        Version::Id(id) => found.version_id.as_deref() == Some(id),
        Version::Etag(etag) => found.etag.trim_matches('"') == etag,
    }
}
