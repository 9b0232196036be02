//! What can be used and paid for, and in which measure it is counted.

use serde::{Deserialize, Serialize};

/// How a quantity is counted. Quantities are whole numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Measure {
    /// Milliseconds of one item; of a node: of one of its virtual CPUs.
    Milliseconds,
    /// Requests, messages or objects.
    Count,
    /// Bytes.
    Bytes,
    /// Bytes kept for an hour.
    ByteHours,
}

impl Measure {
    /// The word used in rows and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Count => "count",
            Self::Bytes => "bytes",
            Self::ByteHours => "byte-hours",
        }
    }

    /// What it counts, for people.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Milliseconds => "time",
            Self::Count => "requests",
            Self::Bytes => "bytes",
            Self::ByteHours => "bytes kept for a time",
        }
    }
}

/// Something that an attempt uses. Requests that cost nothing (DELETE, the abortion of an upload in parts) are none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resource {
    /// Time of the node's virtual CPUs.
    NodeTime,
    /// S3: PUT, POST, and each request of an upload in parts.
    S3Put,
    /// S3: copies of objects and of parts. They cost as much as a PUT.
    S3Copy,
    /// S3: lists of objects, versions, parts and uploads.
    S3List,
    /// S3: GET.
    S3Get,
    /// S3: HEAD, and every other request that reads.
    S3Head,
    /// Bytes sent out of AWS.
    BytesOut,
    /// S3 Standard.
    StorageStandard,
    /// S3 Standard-Infrequent Access.
    StorageInfrequent,
    /// S3 Glacier Deep Archive.
    StorageDeepArchive,
    /// Kinesis: shards.
    KinesisShard,
    /// SNS: messages published.
    SnsPublish,
    /// SQS: requests.
    SqsRequest,
    /// KMS: requests for keys.
    KmsRequest,
    /// Macie: bytes that jobs read.
    MacieBytes,
}

impl Resource {
    /// Every resource.
    pub const ALL: [Self; 15] = [
        Self::NodeTime,
        Self::S3Put,
        Self::S3Copy,
        Self::S3List,
        Self::S3Get,
        Self::S3Head,
        Self::BytesOut,
        Self::StorageStandard,
        Self::StorageInfrequent,
        Self::StorageDeepArchive,
        Self::KinesisShard,
        Self::SnsPublish,
        Self::SqsRequest,
        Self::KmsRequest,
        Self::MacieBytes,
    ];

    /// The word used in rows and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NodeTime => "node-time",
            Self::S3Put => "s3-put",
            Self::S3Copy => "s3-copy",
            Self::S3List => "s3-list",
            Self::S3Get => "s3-get",
            Self::S3Head => "s3-head",
            Self::BytesOut => "bytes-out",
            Self::StorageStandard => "storage-standard",
            Self::StorageInfrequent => "storage-infrequent",
            Self::StorageDeepArchive => "storage-deep-archive",
            Self::KinesisShard => "kinesis-shard",
            Self::SnsPublish => "sns-publish",
            Self::SqsRequest => "sqs-request",
            Self::KmsRequest => "kms-request",
            Self::MacieBytes => "macie-bytes",
        }
    }

    /// The name of its price: AWS has one for several kinds of requests.
    pub fn price_name(self) -> &'static str {
        match self {
            Self::S3Put | Self::S3Copy | Self::S3List => "s3-write",
            Self::S3Get | Self::S3Head => "s3-read",
            Self::BytesOut => "internet-transfer",
            Self::StorageStandard => "s3-standard",
            Self::StorageInfrequent => "s3-infrequent",
            Self::StorageDeepArchive => "s3-deep-archive",
            Self::MacieBytes => "macie-data",
            Self::NodeTime | Self::KinesisShard | Self::SnsPublish | Self::SqsRequest | Self::KmsRequest => {
                self.as_str()
            }
        }
    }

    /// Parses the word of [`Resource::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resource| resource.as_str() == text)
    }

    /// How it is counted.
    pub fn measure(self) -> Measure {
        match self {
            Self::NodeTime | Self::KinesisShard => Measure::Milliseconds,
            Self::S3Put
            | Self::S3Copy
            | Self::S3List
            | Self::S3Get
            | Self::S3Head
            | Self::SnsPublish
            | Self::SqsRequest
            | Self::KmsRequest => Measure::Count,
            Self::BytesOut | Self::MacieBytes => Measure::Bytes,
            Self::StorageStandard | Self::StorageInfrequent | Self::StorageDeepArchive => Measure::ByteHours,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parsed_back() {
        for resource in Resource::ALL {
            assert_eq!(Resource::parse(resource.as_str()), Some(resource));
        }
        assert_eq!(Resource::parse("s3-delete"), None);
    }
}
