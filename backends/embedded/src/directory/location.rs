//! Paths of sources and outputs below the home; any other path is refused.

use std::path::{Path, PathBuf};

use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::identity::ID_CHARS;
use reelgate_ports::records::SourceRecord;

use super::home_directory::HomeDirectory;
use crate::paths::{FILE_BUCKET, INGEST_BUCKET, Location, stays_inside};

/// Where a source is.
pub(super) enum SourceLocation {
    /// Below an area of the home; the path is relative to the area and holds only names.
    Home { area: &'static str, path: PathBuf },
    /// Outside, named by its user.
    Outside(PathBuf),
}

impl SourceLocation {
    /// The location of a source; only the bucket of outside files may be outside.
    pub(super) fn of(source: &SourceRecord) -> PortResult<Self> {
        let (area, name) = match Location::parse(&source.location)? {
            Location::File(path) if source.id.bucket == FILE_BUCKET => return Ok(Self::Outside(path)),
            Location::File(_) => return Err(invalid("a location below the home")),
            Location::Ingest(name) => ("ingest", name),
            Location::Quarantine(name) => ("quarantine", name),
            Location::Rejected(name) => ("rejected", name),
            Location::Released(name) => ("released", name),
        };
        Ok(Self::Home { area, path: PathBuf::from(name) })
    }

    /// Whether others than Reelgate write there.
    pub(super) fn is_others(&self) -> bool {
        matches!(self, Self::Outside(_) | Self::Home { area: "ingest", .. })
    }

    /// The path for the system.
    pub(super) fn path(&self, inner: &HomeDirectory) -> PathBuf {
        match self {
            Self::Home { area, path } => inner.home.join(area).join(path),
            Self::Outside(path) => path.clone(),
        }
    }

    /// Where a source was uploaded to the home, wherever it is now; `None` if it was read in place.
    pub(super) fn of_upload(source: &SourceRecord) -> Option<Self> {
        let key = &source.id.key;
        let uploaded = source.id.bucket == INGEST_BUCKET && stays_inside(key);
        uploaded.then(|| Self::Home { area: "ingest", path: PathBuf::from(key) })
    }

    /// The same location with text added to its last name.
    pub(super) fn with_suffix(&self, suffix: &str) -> Self {
        let longer = |path: &Path| {
            let mut text = path.as_os_str().to_owned();
            text.push(suffix);
            PathBuf::from(text)
        };
        match self {
            Self::Home { area, path } => Self::Home { area, path: longer(path) },
            Self::Outside(path) => Self::Outside(longer(path)),
        }
    }
}

/// The absolute path of an output: staged below `work/` or visible below `published/`.
pub(super) fn output(inner: &HomeDirectory, location: &str) -> PortResult<PathBuf> {
    let path = names(location)?;
    let known = ["work", "published"].iter().any(|area| path.starts_with(area) && path != Path::new(area));
    if known { Ok(inner.home.join(path)) } else { Err(invalid("an output below the home")) }
}

/// A relative path made of plain names only.
pub(super) fn names(text: &str) -> PortResult<&Path> {
    if stays_inside(text) { Ok(Path::new(text)) } else { Err(invalid("a relative path of plain names")) }
}

/// An asset's id as a directory's name; ids come from the store, but a path must not depend on that.
pub(super) fn asset_name(asset: &AssetId) -> PortResult<&str> {
    let plain = asset.as_str().len() == ID_CHARS && asset.as_str().bytes().all(|b| b.is_ascii_alphanumeric());
    let invalid = || {
        PortError::new(Port::Objects, ErrorKind::Invalid, "name an asset's directory", "expected an asset id")
    };
    if plain { Ok(asset.as_str()) } else { Err(invalid()) }
}

/// Where outputs are kept that were visible when their asset was quarantined, or that a newer version has replaced.
pub(super) fn kept_outputs(inner: &HomeDirectory, asset: &AssetId) -> PortResult<PathBuf> {
    Ok(inner.home.join("quarantine").join(asset_name(asset)?).join("outputs"))
}

fn invalid(expected: &str) -> PortError {
    PortError::new(Port::Objects, ErrorKind::Invalid, "read a location", format!("expected {expected}"))
}
