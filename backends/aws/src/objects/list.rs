//! Listings of versions, unfinished uploads and folders.

use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::EncodingType;
use percent_encoding::percent_decode_str;
use reelgate_flow::ids::{AssetId, Sequencer, SourceId};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::identity::ID_CHARS;
use reelgate_ports::order::Priority;
use reelgate_ports::records::{EventKind, MediaEvent};

use super::bucket::Bucket;
use super::listed_version::ListedVersion;
use crate::error::ApiCall;
use crate::location::{Area, Location, is_upload, version_of};

/// The position at which a listing continues.
#[derive(Clone, Default)]
pub(crate) struct Marker {
    key: Option<String>,
    version_id: Option<String>,
}

impl Marker {
    pub(super) fn after(key: Option<&str>) -> Self {
        Self { key: key.map(str::to_owned), version_id: None }
    }
}

/// At most a thousand versions, and the position of the rest.
pub(crate) struct Page {
    pub found: Vec<ListedVersion>,
    pub next: Option<Marker>,
}

impl Bucket {
    /// A page of versions below a prefix in order of key, newest first, without delete markers.
    pub(crate) async fn page(
        &self,
        operation: &'static str,
        bucket: &str,
        prefix: &str,
        from: Marker,
    ) -> PortResult<Page> {
        let answer = self
            .s3
            .list_object_versions()
            .bucket(bucket)
            .prefix(prefix)
            // Keys may contain characters that XML cannot.
            .encoding_type(EncodingType::Url)
            .set_key_marker(from.key)
            .set_version_id_marker(from.version_id)
            .set_expected_bucket_owner(self.owner(bucket))
            .send()
            .await
            .map_err(ApiCall::new(Port::Objects, operation, "s3:ListBucketVersions").failed())?;
        let mut found = Vec::new();
        for version in answer.versions() {
            found.push(ListedVersion {
                key: decoded(operation, version.key().unwrap_or_default())?,
                version_id: version.version_id().map(str::to_owned),
                etag: version.e_tag().unwrap_or_default().to_owned(),
                size_bytes: version.size().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
                latest: version.is_latest().unwrap_or(false),
                modified: version.last_modified().copied(),
            });
        }
        let next = match (answer.is_truncated(), answer.next_key_marker()) {
            (Some(true), Some(key)) => Some(Marker {
                key: Some(decoded(operation, key)?),
                version_id: answer.next_version_id_marker().map(str::to_owned),
            }),
            _ => None,
        };
        Ok(Page { found, next })
    }

    /// Every version below a prefix of one asset.
    pub(crate) async fn versions(
        &self,
        operation: &'static str,
        bucket: &str,
        prefix: &str,
    ) -> PortResult<Vec<ListedVersion>> {
        let mut all = Vec::new();
        let mut from = Some(Marker::default());
        while let Some(marker) = from {
            let page = self.page(operation, bucket, prefix, marker).await?;
            all.extend(page.found);
            from = page.next;
        }
        Ok(all)
    }

    /// Unfinished multipart uploads below a prefix: key and id.
    pub(super) async fn unfinished(
        &self,
        operation: &'static str,
        bucket: &str,
        prefix: &str,
    ) -> PortResult<Vec<(String, String)>> {
        let (mut all, mut key_marker, mut id_marker) = (Vec::new(), None, None);
        loop {
            let answer = self
                .s3
                .list_multipart_uploads()
                .bucket(bucket)
                .prefix(prefix)
                .encoding_type(EncodingType::Url)
                .set_key_marker(key_marker.take())
                .set_upload_id_marker(id_marker.take())
                .set_expected_bucket_owner(self.owner(bucket))
                .send()
                .await
                .map_err(ApiCall::new(Port::Objects, operation, "s3:ListBucketMultipartUploads").failed())?;
            for upload in answer.uploads() {
                let key = decoded(operation, upload.key().unwrap_or_default())?;
                // Some servers ignore the prefix.
                if key.starts_with(prefix) {
                    all.push((key, upload.upload_id().unwrap_or_default().to_owned()));
                }
            }
            match (answer.is_truncated(), answer.next_key_marker()) {
                (Some(true), Some(key)) => key_marker = Some(decoded(operation, key)?),
                _ => return Ok(all),
            }
            id_marker = answer.next_upload_id_marker().map(str::to_owned);
        }
    }

    /// The first folder of every name below an area.
    pub(super) async fn folders(&self, operation: &'static str, area: &Area) -> PortResult<Vec<String>> {
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let answer = self
                .s3
                .list_objects_v2()
                .bucket(&area.bucket)
                .prefix(&area.prefix)
                .delimiter("/")
                .encoding_type(EncodingType::Url)
                .set_continuation_token(token.take())
                .set_expected_bucket_owner(self.owner(&area.bucket))
                .send()
                .await
                .map_err(ApiCall::new(Port::Objects, operation, "s3:ListBucket").failed())?;
            for folder in answer.common_prefixes() {
                let key = decoded(operation, folder.prefix().unwrap_or_default())?;
                let name = key.strip_prefix(&area.prefix).unwrap_or(&key);
                all.push(name.trim_end_matches('/').to_owned());
            }
            match answer.next_continuation_token() {
                Some(next) if answer.is_truncated() == Some(true) => token = Some(next.to_owned()),
                _ => return Ok(all),
            }
        }
    }
}

/// Current uploads, in order of key, after `after`.
pub(super) async fn uploads(
    bucket: &Bucket,
    area: &Area,
    prefix: &str,
    after: Option<&str>,
    uploads_max: usize,
) -> PortResult<Vec<MediaEvent>> {
    let operation = "list uploads";
    let prefix = match (prefix.starts_with(&area.prefix), area.prefix.starts_with(prefix)) {
        (true, _) => prefix,
        (false, true) => &area.prefix,
        // No upload has such a key.
        (false, false) => return Ok(Vec::new()),
    };
    let mut events = Vec::new();
    let mut from = Some(Marker::after(after));
    while let Some(marker) = from {
        let page = bucket.page(operation, &area.bucket, prefix, marker).await?;
        let is_fresh = |found: &ListedVersion| found.latest && is_upload(&found.key, Some(found.size_bytes));
        let fresh = page.found.into_iter().filter(is_fresh);
        let fresh = fresh.filter(|found| after.is_none_or(|after| found.key.as_str() > after));
        for found in fresh {
            if events.len() == uploads_max {
                return Ok(events);
            }
            events.push(event(&area.bucket, found)?);
        }
        from = page.next.filter(|_| events.len() < uploads_max);
    }
    Ok(events)
}

fn event(bucket: &str, found: ListedVersion) -> PortResult<MediaEvent> {
    Ok(MediaEvent {
        kind: EventKind::Created,
        sequencer: sequencer(found.modified.as_ref())?,
        size_bytes: found.size_bytes,
        location: Location::new(bucket, &found.key).to_string(),
        force: false,
        priority: Priority::default(),
        source: SourceId {
            version: version_of(found.version_id.as_deref(), &found.etag),
            bucket: bucket.to_owned(),
            key: found.key,
        },
    })
}

/// A sequencer for a listed upload, because a listing has none. The sequencers of events begin with the second of the write
/// since 1970, in ten hexadecimal digits (true for every published sample, but not documented). This one is the end of
/// that second: the version that is still current afterwards was the last one in it.
fn sequencer(modified: Option<&DateTime>) -> PortResult<Sequencer> {
    let secs = modified.and_then(|time| u64::try_from(time.secs()).ok());
    let text = secs.map(|secs| format!("{secs:010X}FFFFFFFF"));
    text.and_then(|text| Sequencer::parse(&text)).ok_or_else(|| {
        PortError::new(
            Port::Objects,
            ErrorKind::Unavailable,
            "list uploads",
            "the response has no modification time of an object",
        )
    })
}

/// Decodes a key of a listing with `encoding-type=url`.
fn decoded(operation: &'static str, text: &str) -> PortResult<String> {
    // Amazon S3 writes a space as `+`, as HTML forms do; a plus sign is always escaped.
    let text = text.replace('+', "%20");
    let key = percent_decode_str(&text).decode_utf8();
    let key = key.map_err(|_| {
        PortError::new(Port::Objects, ErrorKind::Unavailable, operation, "expected keys in UTF-8")
    })?;
    Ok(key.into_owned())
}

/// Assets that have a staging area.
pub(super) async fn staged_assets(bucket: &Bucket, area: &Area) -> PortResult<Vec<AssetId>> {
    let operation = "list staging areas";
    let mut names = bucket.folders(operation, area).await?;
    for (key, _) in bucket.unfinished(operation, &area.bucket, &area.prefix).await? {
        let name = key.strip_prefix(&area.prefix).and_then(|name| name.split('/').next());
        names.extend(name.map(str::to_owned));
    }
    names.sort();
    names.dedup();
    Ok(names.into_iter().map(AssetId::new).filter(|asset| asset_name(asset).is_ok()).collect())
}

/// An asset's id as part of a key. Ids come from the store, but a key is never built from unvalidated text.
pub(super) fn asset_name(asset: &AssetId) -> PortResult<&str> {
    let plain = asset.as_str().len() == ID_CHARS && asset.as_str().bytes().all(|b| b.is_ascii_alphanumeric());
    let invalid = || {
        PortError::new(Port::Objects, ErrorKind::Invalid, "name an asset's objects", "expected an asset id")
    };
    if plain { Ok(asset.as_str()) } else { Err(invalid()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequencer_of_a_listed_upload_is_ordered_with_those_of_events() {
        let listed = sequencer(Some(&DateTime::from_secs(0x55AE_D6DC))).unwrap();
        let event = |text| Sequencer::parse(text).unwrap();
        assert!(event("0055AED6DCD90281E5") < listed, "the same second, as the User Guide's sample");
        assert!(event("0055AED6DB") < listed);
        assert!(event("0055AED6DD00000001") > listed);
        assert_eq!(sequencer(None).unwrap_err().kind, ErrorKind::Unavailable);
    }

    #[test]
    fn keys_of_a_listing_are_decoded_once() {
        for (text, key) in [("a%2Bb+c%252F", "a+b c%2F"), ("line%0A%C3%BC", "line\nü")] {
            assert_eq!(decoded("list", text).unwrap(), key);
        }
        assert!(decoded("list", "%FF").is_err());
    }
}
