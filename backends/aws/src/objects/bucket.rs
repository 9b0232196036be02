//! Requests to S3 with the parameters that all of them share: the bucket's expected owner, encryption, conditions. The files
//! `copy`, `list`, `multipart` and `read` build the requests of their own operations.

use std::collections::{BTreeMap, HashMap};

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumMode, Delete, ObjectIdentifier, ServerSideEncryption, Tag, Tagging};
use data_encoding::BASE64;
use futures_util::{StreamExt, TryStreamExt, stream};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use sha2::{Digest, Sha256};

use super::checksum::{Algorithm, StoredChecksum};
use super::listed_version::ListedVersion;
use super::request_counter::RequestCounter;
use super::settings::{Checksums, TransferSettings};
use crate::clients::https_client;
use crate::error::ApiCall;
use crate::location::Location;

/// Most objects that one request removes; Amazon S3 API Reference, `DeleteObjects`.
const DELETE_MAX: usize = 1_000;
/// Most tags of one object; Amazon S3 User Guide, "Categorizing your storage using tags".
const TAGS_MAX: usize = 10;

/// The S3 client with the settings of its requests.
pub(crate) struct Bucket {
    pub s3: Client,
    pub settings: TransferSettings,
}

/// What S3 returns about an object without its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub size_bytes: u64,
    /// Including its quotes.
    pub etag: String,
    pub version_id: Option<String>,
    pub metadata: HashMap<String, String>,
    pub checksum: Option<StoredChecksum>,
    /// The whole response, for the fields that copies pass on.
    pub output: HeadObjectOutput,
}

/// A condition of a write on the object that is there before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Only {
    /// No condition.
    Always,
    /// There is no object: `If-None-Match: *`.
    Absent,
    /// There is an object with this entity tag: `If-Match`.
    Over(String),
}

impl Only {
    /// The condition that an object is as it was when `existing` (key to entity tag) was listed.
    pub(crate) fn over(existing: &BTreeMap<String, String>, at: &Location) -> Self {
        existing.get(&at.key).map_or(Self::Absent, |etag| Self::Over(etag.clone()))
    }

    pub(crate) fn if_match(&self) -> Option<String> {
        if let Self::Over(etag) = self { Some(etag.clone()) } else { None }
    }

    pub(crate) fn if_none_match(&self) -> Option<String> {
        (*self == Self::Absent).then(|| "*".to_owned())
    }
}

/// Content type and metadata of an object that we write.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Label {
    pub content_type: Option<&'static str>,
    pub metadata: BTreeMap<&'static str, String>,
}

impl Label {
    pub(crate) fn metadata(&self) -> HashMap<String, String> {
        self.metadata.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }
}

impl Bucket {
    pub(crate) fn new(config: &SdkConfig, settings: TransferSettings) -> PortResult<Self> {
        settings.check()?;
        let checksums = match settings.checksums {
            Checksums::WhenSupported => RequestChecksumCalculation::WhenSupported,
            Checksums::WhenRequired => RequestChecksumCalculation::WhenRequired,
        };
        let config = aws_sdk_s3::config::Builder::from(config)
            // A pooled connection is driven by the runtime that opened it. A transfer blocks threads of other runtimes; a
            // connection shared with one of those could wait for the thread that waits for it.
            .http_client(https_client())
            .interceptor(RequestCounter)
            .force_path_style(settings.path_style)
            .request_checksum_calculation(checksums)
            // `read` verifies ranges against the whole object's checksum, which the SDK cannot do.
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build();
        Ok(Self { s3: Client::from_conf(config), settings })
    }

    pub(crate) fn owner(&self, bucket: &str) -> Option<String> {
        self.settings.owners.get(bucket).cloned()
    }

    /// Encryption of written objects; `None` for the bucket's default.
    pub(crate) fn encryption(&self) -> Option<ServerSideEncryption> {
        self.settings.kms_key_id.as_ref().map(|_| ServerSideEncryption::AwsKms)
    }

    pub(crate) fn verifies(&self) -> bool {
        self.settings.checksums == Checksums::WhenSupported
    }

    /// The object at a version, or the current object; `None` if there is none.
    pub(crate) async fn head(
        &self,
        operation: &'static str,
        at: &Location,
        version_id: Option<&str>,
    ) -> PortResult<Option<Head>> {
        let answer = self
            .s3
            .head_object()
            .bucket(&at.bucket)
            .key(&at.key)
            .set_version_id(version_id.map(str::to_owned))
            .set_checksum_mode(self.verifies().then_some(ChecksumMode::Enabled))
            .set_expected_bucket_owner(self.owner(&at.bucket))
            .send()
            .await;
        let answer = match answer {
            // An answer to HEAD has no body, so 400 says nothing: expired credentials and a customer-provided key look alike.
            Err(error) if error.raw_response().is_some_and(|raw| raw.status().as_u16() == 400) => {
                return match self.first_byte(operation, at, version_id).await {
                    Ok(()) => Err(ApiCall::new(Port::Objects, operation, reading(version_id)).error(&error)),
                    Err(reason) => absent(reason),
                };
            }
            answer => answer,
        };
        match answer {
            Ok(output) => Head::of(operation, output).map(Some),
            Err(error) => absent(ApiCall::new(Port::Objects, operation, reading(version_id)).error(&error)),
        }
    }

    /// Asks for the first byte of an object, for the error that a HEAD cannot give.
    async fn first_byte(
        &self,
        operation: &'static str,
        at: &Location,
        version_id: Option<&str>,
    ) -> PortResult<()> {
        let request = self.s3.get_object().bucket(&at.bucket).key(&at.key).range("bytes=0-0");
        let request = request.set_version_id(version_id.map(str::to_owned));
        let answer = request.set_expected_bucket_owner(self.owner(&at.bucket)).send().await;
        answer.map(drop).map_err(ApiCall::new(Port::Objects, operation, reading(version_id)).failed())
    }

    /// Sizes of the parts of an object that was uploaded in `parts` parts; `None` if S3 does not report them. Only the first part
    /// is asked for where the number of parts fits to equal ones, as nearly every tool makes them.
    pub(crate) async fn part_bytes(
        &self,
        operation: &'static str,
        at: &Location,
        head: &Head,
        parts: u64,
    ) -> PortResult<Option<Vec<u64>>> {
        let (first, reported) = self.part(operation, at, head, 1).await?;
        if first == 0 || reported != Some(parts) {
            return Ok(None);
        }
        if head.size_bytes.div_ceil(first) == parts {
            return Ok(Some(cut(head.size_bytes, first)));
        }
        self.each_part_bytes(operation, at, head, parts).await
    }

    /// As [`Bucket::part_bytes`], with a request for each part.
    pub(crate) async fn each_part_bytes(
        &self,
        operation: &'static str,
        at: &Location,
        head: &Head,
        parts: u64,
    ) -> PortResult<Option<Vec<u64>>> {
        let sizes = stream::iter(1..=parts).map(|number| async move {
            self.part(operation, at, head, number).await.map(|(bytes, _)| bytes)
        });
        let sizes: Vec<u64> = sizes.buffered(self.settings.connections).try_collect().await?;
        let whole = sizes.iter().try_fold(0u64, |sum, bytes| sum.checked_add(*bytes));
        Ok((whole == Some(head.size_bytes)).then_some(sizes))
    }

    /// The size of one part, from 1, and how many parts the object has.
    async fn part(
        &self,
        operation: &'static str,
        at: &Location,
        head: &Head,
        number: u64,
    ) -> PortResult<(u64, Option<u64>)> {
        let answer = self
            .s3
            .head_object()
            .bucket(&at.bucket)
            .key(&at.key)
            .set_version_id(head.version_id.clone())
            .if_match(&head.etag)
            .part_number(i32::try_from(number).unwrap_or(i32::MAX))
            .set_expected_bucket_owner(self.owner(&at.bucket))
            .send()
            .await
            .map_err(ApiCall::new(Port::Objects, operation, reading(head.version_id.as_deref())).failed())?;
        let size_bytes = answer.content_length().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0);
        Ok((size_bytes, answer.parts_count().and_then(|count| u64::try_from(count).ok())))
    }

    /// Reads a small object as a whole; `Invalid` if it is larger than `bytes_max`.
    pub(crate) async fn read(
        &self,
        operation: &'static str,
        at: &Location,
        head: &Head,
        bytes_max: u64,
    ) -> PortResult<Vec<u8>> {
        let too_large = |found: u64| {
            let detail = format!("expected at most {bytes_max} bytes, found {found}");
            PortError::new(Port::Objects, ErrorKind::Invalid, operation, detail)
        };
        if head.size_bytes > bytes_max {
            return Err(too_large(head.size_bytes));
        }
        let answer = self
            .s3
            .get_object()
            .bucket(&at.bucket)
            .key(&at.key)
            .set_version_id(head.version_id.clone())
            .if_match(&head.etag)
            .set_expected_bucket_owner(self.owner(&at.bucket))
            .send()
            .await
            .map_err(ApiCall::new(Port::Objects, operation, reading(head.version_id.as_deref())).failed())?;
        let mut body = answer.body;
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|_| cut_off(operation))?;
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > head.size_bytes {
                return Err(too_large(bytes.len() as u64));
            }
        }
        if (bytes.len() as u64) < head.size_bytes { Err(cut_off(operation)) } else { Ok(bytes) }
    }

    /// Reads a range of the current object; `None` if the object does not have all of it.
    pub(crate) async fn read_range(
        &self,
        operation: &'static str,
        at: &Location,
        offset: u64,
        size_bytes: u64,
    ) -> PortResult<Option<Vec<u8>>> {
        let Some(last) = offset.checked_add(size_bytes).and_then(|end| end.checked_sub(1)) else {
            return Ok(None);
        };
        let request = self.s3.get_object().bucket(&at.bucket).key(&at.key);
        let request = request.range(format!("bytes={offset}-{last}"));
        let answer = request.set_expected_bucket_owner(self.owner(&at.bucket)).send().await;
        let answer = match answer {
            Err(error) if error.raw_response().is_some_and(|raw| raw.status().as_u16() == 416) => {
                return Ok(None);
            }
            answer => answer.map_err(ApiCall::new(Port::Objects, operation, reading(None)).failed())?,
        };
        let expected = format!("bytes {offset}-{last}/");
        if !answer.content_range().is_some_and(|found| found.starts_with(&expected)) {
            return Ok(None);
        }
        let mut body = answer.body;
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk.map_err(|_| cut_off(operation))?);
            if bytes.len() as u64 > size_bytes {
                return Ok(None);
            }
        }
        if (bytes.len() as u64) < size_bytes { Err(cut_off(operation)) } else { Ok(Some(bytes)) }
    }

    /// Writes a small object; returns its entity tag. `Conflict` if the condition does not hold.
    pub(crate) async fn put(
        &self,
        operation: &'static str,
        at: &Location,
        bytes: Vec<u8>,
        label: &Label,
        only: Only,
    ) -> PortResult<String> {
        let sha256 = self.verifies().then(|| BASE64.encode(&Sha256::digest(&bytes)));
        let answer = self
            .s3
            .put_object()
            .bucket(&at.bucket)
            .key(&at.key)
            .set_checksum_sha256(sha256)
            .set_content_type(label.content_type.map(str::to_owned))
            .set_metadata(Some(label.metadata()))
            .set_server_side_encryption(self.encryption())
            .set_ssekms_key_id(self.settings.kms_key_id.clone())
            .set_if_match(only.if_match())
            .set_if_none_match(only.if_none_match())
            .set_expected_bucket_owner(self.owner(&at.bucket))
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(ApiCall::new(Port::Objects, operation, "s3:PutObject").failed())?;
        Ok(answer.e_tag.unwrap_or_default())
    }

    /// Removes one version permanently, or in a bucket without versioning the object with this entity tag.
    pub(crate) async fn delete_exact(
        &self,
        operation: &'static str,
        at: &Location,
        head: &Head,
    ) -> PortResult<()> {
        let versioned = head.version_id.as_deref().is_some_and(|id| id != "null");
        let delete = || {
            let request = self.s3.delete_object().bucket(&at.bucket).key(&at.key);
            let request = request.set_version_id(head.version_id.clone());
            request.set_expected_bucket_owner(self.owner(&at.bucket))
        };
        let action = if versioned { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" };
        let answer = if versioned { delete() } else { delete().if_match(&head.etag) }.send().await;
        let answer = match answer {
            // Some servers do not support conditional deletes. The object was checked a moment ago.
            Err(error) if error.code() == Some("NotImplemented") => delete().send().await,
            answer => answer,
        };
        match answer {
            Ok(_) => Ok(()),
            Err(error) => {
                absent::<()>(ApiCall::new(Port::Objects, operation, action).error(&error)).map(|_| ())
            }
        }
    }

    /// Removes exact versions; versions that are already gone are no error.
    pub(crate) async fn delete_all(
        &self,
        operation: &'static str,
        bucket: &str,
        found: &[ListedVersion],
    ) -> PortResult<()> {
        let call = ApiCall::new(Port::Objects, operation, "s3:DeleteObject and s3:DeleteObjectVersion");
        for some in found.chunks(DELETE_MAX) {
            let named = some.iter().map(|found| {
                ObjectIdentifier::builder().key(&found.key).set_version_id(found.version_id.clone()).build()
            });
            let named = named.collect::<Result<Vec<_>, _>>();
            let delete =
                named.and_then(|named| Delete::builder().set_objects(Some(named)).quiet(true).build());
            let delete = delete
                .map_err(|_| PortError::new(Port::Objects, ErrorKind::Invalid, operation, "expected keys"))?;
            let request = self.s3.delete_objects().bucket(bucket).delete(delete);
            let answer = request.set_expected_bucket_owner(self.owner(bucket)).send().await;
            // The request succeeds even if single objects were refused.
            for refused in answer.map_err(call.failed())?.errors() {
                if !matches!(refused.code(), Some("NoSuchKey" | "NoSuchVersion")) {
                    return Err(call.answered(refused.code(), None, None));
                }
            }
        }
        Ok(())
    }

    /// Adds tags to an object and keeps its other tags. An object for which they would be too many is not changed.
    pub(crate) async fn add_tags(
        &self,
        operation: &'static str,
        at: &Location,
        added: &[(&str, &str)],
    ) -> PortResult<()> {
        let owner = self.owner(&at.bucket);
        let mut tags = self.tags(operation, at, None).await?;
        let has = |tag: &(&str, &str)| tags.iter().any(|old| (old.key(), old.value()) == *tag);
        if added.iter().all(has) {
            return Ok(());
        }
        tags.retain(|tag| added.iter().all(|(name, _)| tag.key() != *name));
        if tags.len() + added.len() > TAGS_MAX {
            let names = added.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
            tracing::warn!(tags = names, "not tagging the object: it already has the most tags");
            return Ok(());
        }
        tags.extend(
            added.iter().filter_map(|(name, value)| Tag::builder().key(*name).value(*value).build().ok()),
        );
        let tagging = Tagging::builder().set_tag_set(Some(tags)).build();
        let tagging = tagging
            .map_err(|_| PortError::new(Port::Objects, ErrorKind::Invalid, operation, "expected tags"))?;
        let request = self.s3.put_object_tagging().bucket(&at.bucket).key(&at.key).tagging(tagging);
        let answer = request.set_expected_bucket_owner(owner).send().await;
        answer.map(|_| ()).map_err(ApiCall::new(Port::Objects, operation, "s3:PutObjectTagging").failed())
    }

    pub(crate) async fn tags(
        &self,
        operation: &'static str,
        at: &Location,
        version_id: Option<String>,
    ) -> PortResult<Vec<Tag>> {
        let action = if version_id.is_some() { "s3:GetObjectVersionTagging" } else { "s3:GetObjectTagging" };
        let request = self.s3.get_object_tagging().bucket(&at.bucket).key(&at.key);
        let request = request.set_version_id(version_id);
        let answer = request.set_expected_bucket_owner(self.owner(&at.bucket)).send().await;
        answer.map(|answer| answer.tag_set).map_err(ApiCall::new(Port::Objects, operation, action).failed())
    }
}

impl Head {
    fn of(operation: &'static str, output: HeadObjectOutput) -> PortResult<Self> {
        let size_bytes = output.content_length().and_then(|bytes| u64::try_from(bytes).ok());
        let (Some(size_bytes), Some(etag)) = (size_bytes, output.e_tag()) else {
            return Err(PortError::new(
                Port::Objects,
                ErrorKind::Unavailable,
                operation,
                "the answer has no size or no entity tag",
            ));
        };
        let given = [
            (Algorithm::Crc64Nvme, output.checksum_crc64_nvme()),
            (Algorithm::Crc32c, output.checksum_crc32_c()),
            (Algorithm::Crc32, output.checksum_crc32()),
            (Algorithm::Sha256, output.checksum_sha256()),
        ];
        let checksum =
            given.into_iter().find_map(|(algorithm, text)| StoredChecksum::parse(algorithm, text?));
        Ok(Self {
            size_bytes,
            etag: etag.to_owned(),
            version_id: output.version_id().map(str::to_owned),
            metadata: output.metadata().cloned().unwrap_or_default(),
            checksum,
            output,
        })
    }
}

/// The IAM action of a read; a read of a version needs another action.
pub(crate) fn reading(version_id: Option<&str>) -> &'static str {
    if version_id.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" }
}

/// `None` if the object is missing.
fn absent<T>(error: PortError) -> PortResult<Option<T>> {
    if error.kind == ErrorKind::Missing { Ok(None) } else { Err(error) }
}

pub(crate) fn cut_off(operation: &'static str) -> PortError {
    PortError::new(Port::Objects, ErrorKind::Unavailable, operation, "the body ended early")
}

/// Splits `whole` into pieces of `each`; the last piece may be shorter.
pub(crate) fn cut(whole: u64, each: u64) -> Vec<u64> {
    let full = whole / each.max(1);
    let rest = whole - full * each.max(1);
    let mut pieces = vec![each.max(1); usize::try_from(full).unwrap_or(0)];
    if rest > 0 || pieces.is_empty() {
        pieces.push(rest);
    }
    pieces
}
