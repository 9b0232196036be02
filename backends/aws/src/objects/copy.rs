//! Copies inside S3, of any size. No byte passes through this machine.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart, MetadataDirective,
    ServerSideEncryption,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};

use super::bucket::{Bucket, Head, Label, Only, cut};
use super::owner::TURN;
use super::settings::PARTS_MAX;
use crate::error::ApiCall;
use crate::location::Location;

/// All characters except unreserved ones (RFC 3986, section 2.3) and the slash.
const SOURCE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// One copy of an exact version.
#[derive(Clone)]
pub(super) struct Copy {
    pub operation: &'static str,
    pub from: Location,
    /// The source's state when it was checked; any change is a `Conflict`.
    pub head: Head,
    pub to: Location,
    /// Content type and metadata of the copy; `None`: the source's own metadata, tags and encryption.
    pub label: Option<Label>,
    /// Added to the source's metadata if there is no label: the turn in which the copy becomes visible.
    pub stamp: Option<String>,
    pub only: Only,
}

impl Copy {
    /// The `x-amz-copy-source` header: `bucket/key?versionId=…`.
    fn source(&self) -> String {
        let path = format!("{}/{}", self.from.bucket, self.from.key);
        let path = utf8_percent_encode(&path, SOURCE);
        match &self.head.version_id {
            Some(id) => format!("{path}?versionId={}", utf8_percent_encode(id, SOURCE)),
            None => path.to_string(),
        }
    }

    /// The metadata of the copy; `None` for the source's own.
    fn metadata(&self) -> Option<HashMap<String, String>> {
        let stamped = |stamp: &String| {
            let mut metadata = self.head.metadata.clone();
            metadata.insert(TURN.to_owned(), stamp.clone());
            metadata
        };
        self.label.as_ref().map(Label::metadata).or_else(|| self.stamp.as_ref().map(stamped))
    }

    /// The content type of a copy whose metadata is replaced.
    fn content_type(&self) -> Option<String> {
        let given = self.label.as_ref().map(|label| label.content_type.map(str::to_owned));
        given.unwrap_or_else(|| self.head.output.content_type().map(str::to_owned))
    }

    /// Encryption algorithm and key of the copy.
    fn encryption(&self, bucket: &Bucket) -> (Option<ServerSideEncryption>, Option<String>) {
        let source = &self.head.output;
        match (&self.label, source.server_side_encryption()) {
            (None, Some(kms))
                if bucket.settings.kms_key_id.is_none() && *kms == ServerSideEncryption::AwsKms =>
            {
                (Some(kms.clone()), source.ssekms_key_id().map(str::to_owned))
            }
            _ => (bucket.encryption(), bucket.settings.kms_key_id.clone()),
        }
    }
}

/// Copies an object; returns the entity tag of the copy. `Conflict` if the source changed or the condition does not hold.
pub(super) async fn copy(bucket: &Arc<Bucket>, copy: &Copy) -> PortResult<String> {
    if copy.head.size_bytes > bucket.settings.copy_bytes_max {
        return in_parts(bucket, copy).await;
    }
    let (algorithm, key_id) = copy.encryption(bucket);
    let metadata = copy.metadata();
    let replaced = metadata.is_some();
    let answer = bucket
        .s3
        .copy_object()
        .copy_source(copy.source())
        .copy_source_if_match(&copy.head.etag)
        .bucket(&copy.to.bucket)
        .key(&copy.to.key)
        .set_metadata_directive(replaced.then_some(MetadataDirective::Replace))
        .set_metadata(metadata)
        .set_content_type(copy.content_type().filter(|_| replaced))
        .set_server_side_encryption(algorithm)
        .set_ssekms_key_id(key_id)
        .set_if_match(copy.only.if_match())
        .set_if_none_match(copy.only.if_none_match())
        .set_expected_bucket_owner(bucket.owner(&copy.to.bucket))
        .set_expected_source_bucket_owner(bucket.owner(&copy.from.bucket))
        .send()
        .await
        .map_err(
            ApiCall::new(
                Port::Objects,
                copy.operation,
                "s3:GetObject of the source and s3:PutObject of the copy",
            )
            .failed(),
        )?;
    let etag = answer.copy_object_result.and_then(|result| result.e_tag);
    etag.ok_or_else(|| {
        PortError::new(Port::Objects, ErrorKind::Unavailable, copy.operation, "the answer has no entity tag")
    })
}

/// Copies the current object with its metadata and encryption, and verifies the copy by its size.
pub(super) async fn copy_whole(
    bucket: &Arc<Bucket>,
    operation: &'static str,
    from: Location,
    to: Location,
    only: Only,
    stamp: Option<String>,
) -> PortResult<()> {
    let gone = || {
        PortError::new(
            Port::Objects,
            ErrorKind::Unavailable,
            operation,
            "expected an object that was just listed, found none",
        )
    };
    let head = bucket.head(operation, &from, None).await?.ok_or_else(gone)?;
    let size_bytes = head.size_bytes;
    let order = Copy { operation, from, head, to: to.clone(), label: None, stamp, only };
    copy(bucket, &order).await?;
    let copied = bucket.head(operation, &to, None).await?;
    if copied.is_none_or(|copied| copied.size_bytes != size_bytes) {
        let detail = "expected a complete copy, found none; the original stays in place";
        return Err(PortError::new(Port::Objects, ErrorKind::Unavailable, operation, detail));
    }
    Ok(())
}

async fn in_parts(bucket: &Arc<Bucket>, copy: &Copy) -> PortResult<String> {
    let upload_id = begin(bucket, copy).await?;
    let copied = parts(bucket, copy, &upload_id).await;
    if copied.is_err()
        && let Err(error) = bucket.abort(copy.operation, &copy.to, &upload_id).await
    {
        tracing::warn!(%error, "removing the parts of a failed copy failed; a lifecycle rule must remove them");
    }
    copied
}

/// Begins the upload with the properties that a plain copy would take over by itself.
async fn begin(bucket: &Arc<Bucket>, copy: &Copy) -> PortResult<String> {
    let source = &copy.head.output;
    let (algorithm, key_id) = copy.encryption(bucket);
    let request = bucket.s3.create_multipart_upload().bucket(&copy.to.bucket).key(&copy.to.key);
    let request = match &copy.label {
        Some(label) => request
            .set_metadata(Some(label.metadata()))
            .set_content_type(label.content_type.map(str::to_owned)),
        None => request
            .set_metadata(copy.metadata().or_else(|| source.metadata().cloned()))
            .set_content_type(source.content_type().map(str::to_owned))
            .set_content_disposition(source.content_disposition().map(str::to_owned))
            .set_content_encoding(source.content_encoding().map(str::to_owned))
            .set_content_language(source.content_language().map(str::to_owned))
            .set_cache_control(source.cache_control().map(str::to_owned))
            .set_tagging(tagging(bucket, copy).await?),
    };
    let checks = bucket.verifies();
    let answer = request
        .set_checksum_algorithm(checks.then_some(ChecksumAlgorithm::Crc64Nvme))
        .set_checksum_type(checks.then_some(ChecksumType::FullObject))
        .set_server_side_encryption(algorithm)
        .set_ssekms_key_id(key_id)
        .set_expected_bucket_owner(bucket.owner(&copy.to.bucket))
        .send()
        .await
        .map_err(ApiCall::new(Port::Objects, copy.operation, "s3:PutObject").failed())?;
    Ok(answer.upload_id.unwrap_or_default())
}

/// The source's tags as a header: a query string.
async fn tagging(bucket: &Arc<Bucket>, copy: &Copy) -> PortResult<Option<String>> {
    let tags = bucket.tags(copy.operation, &copy.from, copy.head.version_id.clone()).await?;
    let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs = tags.iter().map(|tag| format!("{}={}", escaped(tag.key()), escaped(tag.value())));
    let pairs: Vec<String> = pairs.collect();
    Ok((!pairs.is_empty()).then(|| pairs.join("&")))
}

async fn parts(bucket: &Arc<Bucket>, copy: &Copy, upload_id: &str) -> PortResult<String> {
    let size_bytes = copy.head.size_bytes;
    let each = bucket.settings.copy_part_bytes.max(size_bytes.div_ceil(PARTS_MAX));
    let mut offset = 0u64;
    let mut ranges = Vec::new();
    for (index, bytes) in cut(size_bytes, each).into_iter().enumerate() {
        ranges.push((i32::try_from(index + 1).unwrap_or(i32::MAX), offset, offset + bytes - 1));
        offset += bytes;
    }
    let part = |(number, first, last): (i32, u64, u64)| async move {
        let answer = bucket
            .s3
            .upload_part_copy()
            .copy_source(copy.source())
            .copy_source_if_match(&copy.head.etag)
            .copy_source_range(format!("bytes={first}-{last}"))
            .bucket(&copy.to.bucket)
            .key(&copy.to.key)
            .upload_id(upload_id)
            .part_number(number)
            .set_expected_bucket_owner(bucket.owner(&copy.to.bucket))
            .set_expected_source_bucket_owner(bucket.owner(&copy.from.bucket))
            .send()
            .await
            .map_err(
                ApiCall::new(
                    Port::Objects,
                    copy.operation,
                    "s3:GetObject of the source and s3:PutObject of the copy",
                )
                .failed(),
            )?;
        let unread = || {
            PortError::new(
                Port::Objects,
                ErrorKind::Unavailable,
                copy.operation,
                "the answer has no entity tag",
            )
        };
        let part = answer.copy_part_result.ok_or_else(unread)?;
        let echoed = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(part.e_tag)
            .set_checksum_crc64_nvme(part.checksum_crc64_nvme);
        Ok::<_, PortError>(echoed.build())
    };
    let copied: Vec<CompletedPart> =
        stream::iter(ranges).map(part).buffered(bucket.settings.connections).try_collect().await?;
    let answer = bucket
        .s3
        .complete_multipart_upload()
        .bucket(&copy.to.bucket)
        .key(&copy.to.key)
        .upload_id(upload_id)
        .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(copied)).build())
        .set_if_match(copy.only.if_match())
        .set_if_none_match(copy.only.if_none_match())
        .set_expected_bucket_owner(bucket.owner(&copy.to.bucket))
        .send()
        .await
        .map_err(ApiCall::new(Port::Objects, copy.operation, "s3:PutObject").failed());
    match answer {
        Ok(answer) if answer.e_tag().is_some_and(|etag| !etag.trim_matches('"').is_empty()) => {
            Ok(answer.e_tag.unwrap_or_default())
        }
        // Some servers omit the entity tag.
        Ok(_) => {
            let found = bucket.head(copy.operation, &copy.to, None).await?;
            found.map(|found| found.etag).ok_or_else(|| {
                PortError::new(
                    Port::Objects,
                    ErrorKind::Conflict,
                    copy.operation,
                    "expected the new copy, found nothing",
                )
            })
        }
        // The first response was lost and the request was repeated. The caller checks again.
        Err(error) if error.kind == ErrorKind::Missing => Err(PortError::new(
            Port::Objects,
            ErrorKind::Conflict,
            copy.operation,
            "the copy's parts are gone; the copy may be complete",
        )),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_escaped_for_its_header_except_for_slashes() {
        let text = utf8_percent_encode("bucket/a b/ü+%2F?.mp4", SOURCE).to_string();
        assert_eq!(text, "bucket/a%20b/%C3%BC%2B%252F%3F.mp4");
    }
}
