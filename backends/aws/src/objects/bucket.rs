//! Requests to S3 with what every one of them carries: the bucket's expected owner, encryption, conditions. The only
//! file that knows how a request is spelled, with `copy` and `multipart` for those that take several.

use std::collections::{BTreeMap, HashMap};

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumMode, Delete, ObjectIdentifier, ServerSideEncryption, Tag, Tagging};
use data_encoding::BASE64;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use sha2::{Digest, Sha256};

use super::checksum::{Algorithm, Stored};
use super::settings::{Checksums, TransferSettings};
use crate::error::ApiCall;
use crate::location::Location;

/// Objects that one request removes at most; Amazon S3 API Reference, `DeleteObjects`.
const DELETE_MAX: usize = 1_000;
/// Tags of one object at most; Amazon S3 User Guide, "Categorizing your storage using tags".
const TAGS_MAX: usize = 10;

/// Requests with their settings.
pub(crate) struct Bucket {
    pub s3: Client,
    pub settings: TransferSettings,
}

/// What S3 knows about an object without reading it.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub size_bytes: u64,
    /// With its quotes.
    pub etag: String,
    pub version_id: Option<String>,
    pub metadata: HashMap<String, String>,
    pub checksum: Option<Stored>,
    /// The answer, for what is only handed on.
    pub output: HeadObjectOutput,
}

/// A condition on what is there before a write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Only {
    /// Whatever is there.
    Always,
    /// Nothing is there: `If-None-Match: *`.
    Absent,
    /// The object with this entity tag is there: `If-Match`.
    Over(String),
}

impl Only {
    pub(crate) fn if_match(&self) -> Option<String> {
        if let Self::Over(etag) = self { Some(etag.clone()) } else { None }
    }

    pub(crate) fn if_none_match(&self) -> Option<String> {
        (*self == Self::Absent).then(|| "*".to_owned())
    }
}

/// What is written beside the bytes of an object of ours.
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
            .force_path_style(settings.path_style)
            .request_checksum_calculation(checksums)
            // Ranges are held against the whole object's checksum, which the SDK cannot do.
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build();
        Ok(Self { s3: Client::from_conf(config), settings })
    }

    pub(crate) fn owner(&self, bucket: &str) -> Option<String> {
        self.settings.owners.get(bucket).cloned()
    }

    /// Encryption of what is written; `None` leaves it to the bucket.
    pub(crate) fn encryption(&self) -> Option<ServerSideEncryption> {
        self.settings.kms_key_id.as_ref().map(|_| ServerSideEncryption::AwsKms)
    }

    pub(crate) fn verifies(&self) -> bool {
        self.settings.checksums == Checksums::WhenSupported
    }

    /// The object, at a version or as it is now; `None` where there is none.
    pub(crate) async fn head(
        &self,
        what: &'static str,
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
        match answer {
            Ok(output) => Head::of(what, output).map(Some),
            Err(error) => absent(ApiCall::new(Port::Objects, what, reading(version_id)).error(&error)),
        }
    }

    /// Sizes of an object's parts where it was uploaded in `parts`; `None` where S3 does not tell, or where they are not
    /// all alike but the last.
    pub(crate) async fn part_bytes(
        &self,
        what: &'static str,
        at: &Location,
        head: &Head,
        parts: u64,
    ) -> PortResult<Option<Vec<u64>>> {
        let answer = self
            .s3
            .head_object()
            .bucket(&at.bucket)
            .key(&at.key)
            .set_version_id(head.version_id.clone())
            .if_match(&head.etag)
            .part_number(1)
            .set_expected_bucket_owner(self.owner(&at.bucket))
            .send()
            .await
            .map_err(ApiCall::new(Port::Objects, what, reading(head.version_id.as_deref())).failed())?;
        let first = answer.content_length().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0);
        let told = answer.parts_count().and_then(|count| u64::try_from(count).ok());
        let alike = first > 0 && told == Some(parts) && head.size_bytes.div_ceil(first) == parts;
        Ok(alike.then(|| cut(head.size_bytes, first)))
    }

    /// A small object, whole; `Invalid` where it is larger than `bytes_max`.
    pub(crate) async fn read(
        &self,
        what: &'static str,
        at: &Location,
        head: &Head,
        bytes_max: u64,
    ) -> PortResult<Vec<u8>> {
        let too_large = |found: u64| {
            let detail = format!("expected at most {bytes_max} bytes, found {found}");
            PortError::new(Port::Objects, ErrorKind::Invalid, what, detail)
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
            .map_err(ApiCall::new(Port::Objects, what, reading(head.version_id.as_deref())).failed())?;
        let mut body = answer.body;
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|_| cut_off(what))?;
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > head.size_bytes {
                return Err(too_large(bytes.len() as u64));
            }
        }
        if (bytes.len() as u64) < head.size_bytes { Err(cut_off(what)) } else { Ok(bytes) }
    }

    /// Writes a small object; returns its entity tag. `Conflict` where the condition does not hold.
    pub(crate) async fn put(
        &self,
        what: &'static str,
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
            .map_err(ApiCall::new(Port::Objects, what, "s3:PutObject").failed())?;
        Ok(answer.e_tag.unwrap_or_default())
    }

    /// Removes one version for good, or, where the bucket keeps none, the object with this entity tag.
    pub(crate) async fn delete_exact(
        &self,
        what: &'static str,
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
            // A server that cannot delete on a condition; what is there was looked at a moment ago.
            Err(error) if error.code() == Some("NotImplemented") => delete().send().await,
            answer => answer,
        };
        match answer {
            Ok(_) => Ok(()),
            Err(error) => absent::<()>(ApiCall::new(Port::Objects, what, action).error(&error)).map(|_| ()),
        }
    }

    /// Removes exact versions; those that are gone already are fine.
    pub(crate) async fn delete_all(
        &self,
        what: &'static str,
        bucket: &str,
        found: &[super::list::ListedVersion],
    ) -> PortResult<()> {
        let call = ApiCall::new(Port::Objects, what, "s3:DeleteObject and s3:DeleteObjectVersion");
        for some in found.chunks(DELETE_MAX) {
            let named = some.iter().map(|found| {
                ObjectIdentifier::builder().key(&found.key).set_version_id(found.version_id.clone()).build()
            });
            let named = named.collect::<Result<Vec<_>, _>>();
            let delete =
                named.and_then(|named| Delete::builder().set_objects(Some(named)).quiet(true).build());
            let delete = delete
                .map_err(|_| PortError::new(Port::Objects, ErrorKind::Invalid, what, "expected keys"))?;
            let request = self.s3.delete_objects().bucket(bucket).delete(delete);
            let answer = request.set_expected_bucket_owner(self.owner(bucket)).send().await;
            // The request as a whole succeeds where single objects were refused.
            for refused in answer.map_err(call.failed())?.errors() {
                if !matches!(refused.code(), Some("NoSuchKey" | "NoSuchVersion")) {
                    return Err(call.answered(refused.code(), None, None));
                }
            }
        }
        Ok(())
    }

    /// Adds one tag to an object and keeps the others. An object that has the most tags already stays as it is.
    pub(crate) async fn add_tag(
        &self,
        what: &'static str,
        at: &Location,
        name: &str,
        value: &str,
    ) -> PortResult<()> {
        let owner = self.owner(&at.bucket);
        let mut tags = self.tags(what, at, None).await?;
        if tags.iter().any(|tag| tag.key() == name && tag.value() == value) {
            return Ok(());
        }
        tags.retain(|tag| tag.key() != name);
        if tags.len() >= TAGS_MAX {
            tracing::warn!(tag = name, "an object has no room for another tag; it keeps its own");
            return Ok(());
        }
        let tag = Tag::builder().key(name).value(value).build();
        tags.extend(tag.ok());
        let tagging = Tagging::builder().set_tag_set(Some(tags)).build();
        let tagging =
            tagging.map_err(|_| PortError::new(Port::Objects, ErrorKind::Invalid, what, "expected tags"))?;
        let request = self.s3.put_object_tagging().bucket(&at.bucket).key(&at.key).tagging(tagging);
        let answer = request.set_expected_bucket_owner(owner).send().await;
        answer.map(|_| ()).map_err(ApiCall::new(Port::Objects, what, "s3:PutObjectTagging").failed())
    }

    /// An object's tags.
    pub(crate) async fn tags(
        &self,
        what: &'static str,
        at: &Location,
        version_id: Option<String>,
    ) -> PortResult<Vec<Tag>> {
        let action = if version_id.is_some() { "s3:GetObjectVersionTagging" } else { "s3:GetObjectTagging" };
        let request = self.s3.get_object_tagging().bucket(&at.bucket).key(&at.key);
        let request = request.set_version_id(version_id);
        let answer = request.set_expected_bucket_owner(self.owner(&at.bucket)).send().await;
        answer.map(|answer| answer.tag_set).map_err(ApiCall::new(Port::Objects, what, action).failed())
    }
}

impl Head {
    fn of(what: &'static str, output: HeadObjectOutput) -> PortResult<Self> {
        let size_bytes = output.content_length().and_then(|bytes| u64::try_from(bytes).ok());
        let (Some(size_bytes), Some(etag)) = (size_bytes, output.e_tag()) else {
            return Err(PortError::new(
                Port::Objects,
                ErrorKind::Unavailable,
                what,
                "the answer has no size or no entity tag",
            ));
        };
        let given = [
            (Algorithm::Crc64Nvme, output.checksum_crc64_nvme()),
            (Algorithm::Crc32c, output.checksum_crc32_c()),
            (Algorithm::Crc32, output.checksum_crc32()),
            (Algorithm::Sha256, output.checksum_sha256()),
        ];
        let checksum = given.into_iter().find_map(|(algorithm, text)| Stored::parse(algorithm, text?));
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

/// The action that a read needs; it is another one where the request names a version.
pub(crate) fn reading(version_id: Option<&str>) -> &'static str {
    if version_id.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" }
}

/// `None` where the object is not there.
fn absent<T>(error: PortError) -> PortResult<Option<T>> {
    if error.kind == ErrorKind::Missing { Ok(None) } else { Err(error) }
}

pub(crate) fn cut_off(what: &'static str) -> PortError {
    PortError::new(Port::Objects, ErrorKind::Unavailable, what, "the body ended early")
}

/// A whole in pieces of `each`, the last one shorter.
pub(crate) fn cut(whole: u64, each: u64) -> Vec<u64> {
    let full = whole / each.max(1);
    let rest = whole - full * each.max(1);
    let mut pieces = vec![each.max(1); usize::try_from(full).unwrap_or(0)];
    if rest > 0 || pieces.is_empty() {
        pieces.push(rest);
    }
    pieces
}
