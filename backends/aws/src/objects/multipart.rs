//! One multipart upload: parts with checksums, a completion that survives a lost response, and an abort.
//!
//! With checksums enabled, every part has a CRC-64/NVME, and the completion has the CRC of the whole object, which S3
//! compares with its own; Amazon S3 User Guide, "Checking object integrity for multipart uploads".

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};

use super::bucket::{Bucket, Label, Only};
use super::checksum::{crc64nvme, crc64nvme_text, whole_crc};
use crate::error::ApiCall;
use crate::location::Location;

/// Metadata that distinguishes this upload from any other of the same key.
const UPLOAD: &str = "reelgate-upload";

/// An upload that was begun.
#[derive(Clone)]
pub(crate) struct Multipart {
    bucket: Arc<Bucket>,
    operation: &'static str,
    pub at: Location,
    pub upload_id: String,
    /// The value of [`UPLOAD`].
    pub nonce: String,
}

/// A part that S3 has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Part {
    /// From 1.
    pub number: i32,
    pub etag: String,
    pub size_bytes: u64,
    /// CRC-64/NVME of its bytes.
    pub crc: u64,
}

impl Multipart {
    pub(crate) async fn begin(
        bucket: Arc<Bucket>,
        operation: &'static str,
        at: Location,
        mut label: Label,
    ) -> PortResult<Self> {
        let nonce = nonce();
        label.metadata.insert(UPLOAD, nonce.clone());
        let checks = bucket.verifies();
        let answer = bucket
            .s3
            .create_multipart_upload()
            .bucket(&at.bucket)
            .key(&at.key)
            .set_checksum_algorithm(checks.then_some(ChecksumAlgorithm::Crc64Nvme))
            .set_checksum_type(checks.then_some(ChecksumType::FullObject))
            .set_content_type(label.content_type.map(str::to_owned))
            .set_metadata(Some(label.metadata()))
            .set_server_side_encryption(bucket.encryption())
            .set_ssekms_key_id(bucket.settings.kms_key_id.clone())
            .set_expected_bucket_owner(bucket.owner(&at.bucket))
            .send()
            .await
            .map_err(ApiCall::new(Port::Objects, operation, "s3:PutObject").failed())?;
        let upload_id = answer.upload_id.unwrap_or_default();
        Ok(Self { bucket, operation, at, upload_id, nonce })
    }

    /// Resumes an upload that was begun earlier.
    pub(crate) fn resume(
        bucket: Arc<Bucket>,
        operation: &'static str,
        at: Location,
        upload_id: String,
        nonce: String,
    ) -> Self {
        Self { bucket, operation, at, upload_id, nonce }
    }

    /// Parts that S3 has: number, entity tag, bytes. `Missing` if the upload no longer exists.
    pub(crate) async fn parts(&self) -> PortResult<Vec<(i32, String, u64)>> {
        let (mut all, mut marker) = (Vec::new(), None);
        loop {
            let answer = self
                .bucket
                .s3
                .list_parts()
                .bucket(&self.at.bucket)
                .key(&self.at.key)
                .upload_id(&self.upload_id)
                .set_part_number_marker(marker.take())
                .set_expected_bucket_owner(self.bucket.owner(&self.at.bucket))
                .send()
                .await
                .map_err(
                    ApiCall::new(Port::Objects, self.operation, "s3:ListMultipartUploadParts").failed(),
                )?;
            for part in answer.parts() {
                let bytes = part.size().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0);
                all.push((
                    part.part_number().unwrap_or(0),
                    part.e_tag().unwrap_or_default().to_owned(),
                    bytes,
                ));
            }
            match (answer.is_truncated(), answer.next_part_number_marker()) {
                (Some(true), Some(next)) => marker = Some(next.to_owned()),
                _ => return Ok(all),
            }
        }
    }

    /// Sends one part, numbered from 1.
    pub(crate) async fn part(&self, number: i32, bytes: Vec<u8>) -> PortResult<Part> {
        let (size_bytes, crc) = (bytes.len() as u64, crc64nvme(&bytes));
        let answer = self
            .bucket
            .s3
            .upload_part()
            .bucket(&self.at.bucket)
            .key(&self.at.key)
            .upload_id(&self.upload_id)
            .part_number(number)
            .set_checksum_crc64_nvme(self.bucket.verifies().then(|| crc64nvme_text(crc)))
            .set_expected_bucket_owner(self.bucket.owner(&self.at.bucket))
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(ApiCall::new(Port::Objects, self.operation, "s3:PutObject").failed())?;
        Ok(Part { number, etag: answer.e_tag.unwrap_or_default(), size_bytes, crc })
    }

    /// Completes the object from its parts, which are in order. If the response was lost, or a repeated request failed
    /// because the first one succeeded, the object in the bucket decides.
    pub(crate) async fn complete(&self, parts: &[Part], only: Only) -> PortResult<()> {
        let size_bytes: u64 = parts.iter().map(|part| part.size_bytes).fold(0, u64::saturating_add);
        let crc = whole_crc(parts.iter().map(|part| (part.crc, part.size_bytes)));
        let checks = self.bucket.verifies();
        let echoed = parts.iter().map(|part| {
            CompletedPart::builder()
                .part_number(part.number)
                .e_tag(&part.etag)
                .set_checksum_crc64_nvme(checks.then(|| crc64nvme_text(part.crc)))
                .build()
        });
        let echoed = CompletedMultipartUpload::builder().set_parts(Some(echoed.collect())).build();
        let answer = self
            .bucket
            .s3
            .complete_multipart_upload()
            .bucket(&self.at.bucket)
            .key(&self.at.key)
            .upload_id(&self.upload_id)
            .multipart_upload(echoed)
            .set_checksum_crc64_nvme(checks.then(|| crc64nvme_text(crc)))
            .set_checksum_type(checks.then_some(ChecksumType::FullObject))
            .set_mpu_object_size(checks.then(|| i64::try_from(size_bytes).ok()).flatten())
            .set_if_match(only.if_match())
            .set_if_none_match(only.if_none_match())
            .set_expected_bucket_owner(self.bucket.owner(&self.at.bucket))
            .send()
            .await;
        let Err(error) = answer else { return Ok(()) };
        let error = ApiCall::new(Port::Objects, self.operation, "s3:PutObject").error(&error);
        let unclear = matches!(error.kind, ErrorKind::Missing | ErrorKind::Conflict | ErrorKind::Unavailable);
        if unclear && self.is_there(size_bytes).await? { Ok(()) } else { Err(gone_is_not_missing(error)) }
    }

    /// Whether the object in the bucket is from this upload.
    async fn is_there(&self, size_bytes: u64) -> PortResult<bool> {
        let found = self.bucket.head(self.operation, &self.at, None).await?;
        Ok(found.is_some_and(|found| {
            found.size_bytes == size_bytes && found.metadata.get(UPLOAD) == Some(&self.nonce)
        }))
    }

    /// Aborts the upload and removes its parts.
    pub(crate) async fn abort(&self) -> PortResult<()> {
        self.bucket.abort(self.operation, &self.at, &self.upload_id).await
    }
}

impl Bucket {
    /// Removes the parts of an unfinished upload; an upload that is already gone is no error.
    pub(crate) async fn abort(
        &self,
        operation: &'static str,
        at: &Location,
        upload_id: &str,
    ) -> PortResult<()> {
        let request = self.s3.abort_multipart_upload().bucket(&at.bucket).key(&at.key).upload_id(upload_id);
        let answer = request.set_expected_bucket_owner(self.owner(&at.bucket)).send().await;
        match answer.map_err(ApiCall::new(Port::Objects, operation, "s3:AbortMultipartUpload").failed()) {
            Err(error) if error.kind != ErrorKind::Missing => Err(error),
            _ => Ok(()),
        }
    }
}

/// Reports an upload that was removed while it ran as `Unavailable`. `Missing` would mean that an object is gone, but there
/// never was one.
fn gone_is_not_missing(error: PortError) -> PortError {
    if error.kind != ErrorKind::Missing {
        return error;
    }
    PortError::new(
        Port::Objects,
        ErrorKind::Unavailable,
        error.operation,
        format!("the unfinished upload is gone; {}", error.detail),
    )
}

/// A value that is unique among the uploads of this process, and by time and process id among all uploads.
fn nonce() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{:x}-{:x}-{next:x}", since.as_nanos(), std::process::id())
}
