//! Names of objects in buckets: areas, locations and versions. They are defined once, so that events, listings and the
//! object store always refer to the same bytes.

use std::fmt;
use std::str::FromStr;

use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::identity::ETAG_VERSION;

/// Longest key, bytes of UTF-8; Amazon S3 User Guide, "Naming Amazon S3 objects".
pub const KEY_BYTES_MAX: usize = 1_024;

const SCHEME: &str = "s3://";

/// One object, in the form of [`reelgate_ports::records::MediaEvent::location`]: `s3://bucket/key` with the raw key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    pub bucket: String,
    /// The raw key, not encoded.
    pub key: String,
}

impl Location {
    pub fn new(bucket: impl Into<String>, key: impl Into<String>) -> Self {
        Self { bucket: bucket.into(), key: key.into() }
    }

    /// Parses a location; `Corrupt` if the text has another form.
    pub fn parse(text: &str) -> PortResult<Self> {
        let corrupt = || {
            PortError::new(Port::Objects, ErrorKind::Corrupt, "read a location", "expected s3://bucket/key")
        };
        let (bucket, key) = split(text).ok_or_else(corrupt)?;
        let fits = !key.is_empty() && key.len() <= KEY_BYTES_MAX;
        if fits { Ok(Self::new(bucket, key)) } else { Err(corrupt()) }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.bucket, self.key)
    }
}

/// Shows only the bucket, because keys may be personal.
impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/…", self.bucket)
    }
}

/// A bucket, or the part of it below a prefix: `s3://bucket`, `s3://bucket/prefix`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Area {
    pub bucket: String,
    /// Empty, or a prefix that ends with `/`.
    pub prefix: String,
}

impl Area {
    /// The key of a name in this area.
    pub fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The location of a name in this area.
    pub fn at(&self, name: &str) -> Location {
        Location::new(&self.bucket, self.key(name))
    }

    /// The name of an object in this area; `None` if the object is outside it.
    pub fn name_of<'a>(&self, location: &'a Location) -> Option<&'a str> {
        let name = location.key.strip_prefix(&self.prefix)?;
        (location.bucket == self.bucket && !name.is_empty()).then_some(name)
    }
}

impl FromStr for Area {
    type Err = PortError;

    fn from_str(text: &str) -> PortResult<Self> {
        let invalid = || {
            let detail =
                "expected s3://bucket or s3://bucket/prefix, without `//`, `.` or `..` in the prefix";
            PortError::new(Port::Objects, ErrorKind::Invalid, "read the address of a bucket", detail)
        };
        let (bucket, prefix) = split(text).ok_or_else(invalid)?;
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        if prefix.is_empty() {
            return Ok(Self { bucket: bucket.to_owned(), prefix: String::new() });
        }
        let prefix = stays_inside(prefix).then(|| format!("{prefix}/")).ok_or_else(invalid)?;
        Ok(Self { bucket: bucket.to_owned(), prefix })
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.bucket, self.prefix)
    }
}

/// One version of an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version<'a> {
    /// The bucket's version id.
    Id(&'a str),
    /// The entity tag, without quotes, of an object without a version id.
    Etag(&'a str),
}

impl<'a> Version<'a> {
    /// Parses what [`version_of`] wrote.
    pub fn parse(text: &'a str) -> Self {
        text.strip_prefix(ETAG_VERSION).map_or(Self::Id(text), Self::Etag)
    }

    /// The value of a request's `versionId`.
    pub fn id(self) -> Option<&'a str> {
        match self {
            Self::Id(id) => Some(id),
            Self::Etag(_) => None,
        }
    }

    /// The value of a request's `If-Match`, with the entity tag in quotes (RFC 9110, section 8.8.3).
    pub fn if_match(self) -> Option<String> {
        match self {
            Self::Id(_) => None,
            Self::Etag(etag) => Some(format!("\"{etag}\"")),
        }
    }
}

/// The version in an object's identity: the bucket's version id if there is one, otherwise `etag-` and the entity tag. S3
/// gives `null` for an object from before the bucket's versioning was enabled.
pub fn version_of(version_id: Option<&str>, etag: &str) -> String {
    match version_id {
        Some(id) if !id.is_empty() && id != "null" => id.to_owned(),
        _ => format!("{ETAG_VERSION}{}", etag.trim_matches('"')),
    }
}

/// Whether a relative name after a prefix stays below that prefix however a reader resolves it, and has only one spelling.
pub fn stays_inside(name: &str) -> bool {
    let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
    name.split('/').all(plain)
}

/// The bucket and the rest, which may be empty.
fn split(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix(SCHEME)?;
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    let named = bucket.len() >= 3
        && bucket.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    named.then_some((bucket, key))
}

/// Whether an object of the ingest area is an upload. Consoles create empty objects with a key that ends with `/` to show
/// a folder, and a checksum file or a job file belongs to the upload next to it. `size_bytes` is `None` where it is not known.
pub(crate) fn is_upload(key: &str, size_bytes: Option<u64>) -> bool {
    let is_folder = key.ends_with('/') && size_bytes == Some(0);
    !is_folder && !key.ends_with(".sha256") && !key.ends_with(".reelgate.toml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_parsed_as_it_was_written() {
        for key in ["a", "a/b c+%2F.mp4", "ü\n'\"\\", "../a", "//"] {
            let location = Location::new("bucket", key);
            assert_eq!(Location::parse(&location.to_string()).unwrap(), location);
            assert_eq!(format!("{location:?}"), "s3://bucket/…", "a key is not shown in logs");
        }
    }

    #[test]
    fn text_of_another_form_is_corrupt() {
        let long = format!("s3://bucket/{}", "k".repeat(KEY_BYTES_MAX + 1));
        for text in
            ["", "a", "file:/a", "s3://", "s3://bucket", "s3://bucket/", "s3://b/c", "s3://a b/c", &long]
        {
            assert_eq!(Location::parse(text).unwrap_err().kind, ErrorKind::Corrupt, "{text}");
        }
    }

    #[test]
    fn an_area_contains_only_its_own_objects() {
        let area: Area = "s3://bucket/some/prefix/".parse().unwrap();
        assert_eq!(area, "s3://bucket/some/prefix".parse().unwrap());
        assert_eq!(area.name_of(&area.at("a/b")), Some("a/b"));
        for other in ["s3://other/some/prefix/a", "s3://bucket/some/prefixed", "s3://bucket/some/prefix/"] {
            assert_eq!(area.name_of(&Location::parse(other).unwrap()), None, "{other}");
        }
        let whole: Area = "s3://bucket".parse().unwrap();
        assert_eq!(whole.name_of(&whole.at("a")), Some("a"));
        for wrong in ["bucket", "s3://", "s3://bucket/../a", "s3://bucket//a", "s3://bucket/a//"] {
            assert_eq!(wrong.parse::<Area>().unwrap_err().kind, ErrorKind::Invalid, "{wrong}");
        }
    }

    #[test]
    fn a_version_is_the_bucket_s_own_or_the_entity_tag() {
        assert_eq!(version_of(Some("3HL4"), "\"abc\""), "3HL4");
        for none in [None, Some(""), Some("null")] {
            assert_eq!(version_of(none, "\"abc-2\""), "etag-abc-2");
        }
        assert_eq!(version_of(None, "abc"), version_of(None, "\"abc\""), "events do not quote it");
        assert_eq!(Version::parse("3HL4").id(), Some("3HL4"));
        assert_eq!(Version::parse("etag-abc-2").if_match().as_deref(), Some("\"abc-2\""));
    }
}
