//! Settings of the object store: areas, and limits of transfers.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aws_config::SdkConfig;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};

use crate::location::Area;

/// Smallest part of a multipart upload except the last, bytes; Amazon S3 User Guide, "Amazon S3 multipart upload limits".
pub const PART_BYTES_MIN: u64 = 5 << 20;
/// Most parts of one multipart upload; same source.
pub const PARTS_MAX: u64 = 10_000;
/// Largest object that one copy request allows, bytes: 5 GiB; Amazon S3 API Reference, `CopyObject`.
pub const COPY_BYTES_MAX: u64 = 5 << 30;
/// Bytes of sources that are kept for their next task: 8 GiB, a long film in high quality.
const SCRATCH_BYTES_MAX: u64 = 8 << 30;

/// The areas of the object store. Areas may share a bucket, but no area is inside another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Areas {
    /// Uploads of producers.
    pub ingest: Area,
    /// Staged outputs, separate for each attempt.
    pub work: Area,
    /// Visible outputs.
    pub published: Area,
    /// Sources quarantined for personal data.
    pub quarantine: Area,
    /// Rejected sources.
    pub rejected: Area,
}

impl Areas {
    /// Every area with its name.
    pub fn all(&self) -> [(&'static str, &Area); 5] {
        [
            ("ingest", &self.ingest),
            ("work", &self.work),
            ("published", &self.published),
            ("quarantine", &self.quarantine),
            ("rejected", &self.rejected),
        ]
    }

    /// `Invalid` if one area is inside another, because staged outputs in it would count as uploads.
    pub fn check(&self) -> PortResult<()> {
        for (name, area) in self.all() {
            for (other_name, other) in self.all() {
                let inside = area.bucket == other.bucket && area.prefix.starts_with(&other.prefix);
                if name != other_name && inside {
                    let detail = format!("expected separate areas, found {name} in {other_name}");
                    return Err(PortError::new(
                        Port::Objects,
                        ErrorKind::Invalid,
                        "read the addresses of buckets",
                        detail,
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Checksums that the endpoint supports.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Checksums {
    /// Amazon S3: every write has a checksum, and every read is compared with the stored one.
    #[default]
    WhenSupported,
    /// Servers without S3's newer checksums (Ceph's gateway up to 16, garage): only if a call requires one.
    WhenRequired,
}

/// Settings of all transfers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransferSettings {
    /// Bucket → account that must own it, twelve digits; sent with every call. Default: none.
    pub owners: BTreeMap<String, String>,
    /// KMS key of written objects; default: the bucket's encryption.
    pub kms_key_id: Option<String>,
    /// Default: [`Checksums::WhenSupported`].
    pub checksums: Checksums,
    /// Bucket names in the path instead of the host name, as stand-ins require. Default: false.
    pub path_style: bool,
    /// Bytes of a written part. A writer uses up to `connections` times this memory. Default: 8 MiB.
    pub part_bytes: u64,
    /// Bytes of one ranged read. Default: 8 MiB.
    pub range_bytes: u64,
    /// Parallel transfers of one source, one attempt or one upload. Default: 6.
    pub connections: usize,
    /// Largest object that is copied with one request, bytes; larger ones are copied in parts. Default: [`COPY_BYTES_MAX`].
    pub copy_bytes_max: u64,
    /// Bytes of a part of such a copy. Default: 512 MiB.
    pub copy_part_bytes: u64,
}

impl Default for TransferSettings {
    fn default() -> Self {
        Self {
            owners: BTreeMap::new(),
            kms_key_id: None,
            checksums: Checksums::default(),
            path_style: false,
            part_bytes: 8 << 20,
            range_bytes: 8 << 20,
            connections: 6,
            copy_bytes_max: COPY_BYTES_MAX,
            copy_part_bytes: 512 << 20,
        }
    }
}

impl TransferSettings {
    /// `Invalid` if S3 would refuse requests with these settings, or transfers would make no progress.
    pub fn check(&self) -> PortResult<()> {
        let bounds = [
            ("part_bytes", self.part_bytes, PART_BYTES_MIN, COPY_BYTES_MAX),
            ("range_bytes", self.range_bytes, 1, u64::MAX),
            ("connections", self.connections as u64, 1, 64),
            ("copy_bytes_max", self.copy_bytes_max, PART_BYTES_MIN, COPY_BYTES_MAX),
            ("copy_part_bytes", self.copy_part_bytes, PART_BYTES_MIN, COPY_BYTES_MAX),
        ];
        for (name, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                let detail = format!("expected {name} from {least} to {most}, found {value}");
                return Err(PortError::new(
                    Port::Objects,
                    ErrorKind::Invalid,
                    "read the settings of transfers",
                    detail,
                ));
            }
        }
        Ok(())
    }
}

/// Settings of [`crate::objects::S3Objects`].
#[derive(Clone, Debug)]
pub struct ObjectsSettings {
    pub areas: Areas,
    pub transfer: TransferSettings,
    /// Directory of the nameless files for sources while tasks read them.
    pub scratch_dir: PathBuf,
    /// Most bytes of sources that no task reads and that are kept for the next task of the same asset. Default: 8 GiB.
    pub scratch_bytes_max: u64,
    /// S3 with the viewers' role, to prove that viewers cannot read quarantined files. Default: no such check.
    pub viewer: Option<SdkConfig>,
}

impl ObjectsSettings {
    pub fn new(areas: Areas, scratch_dir: PathBuf) -> Self {
        let transfer = TransferSettings::default();
        Self { areas, transfer, scratch_dir, scratch_bytes_max: SCRATCH_BYTES_MAX, viewer: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_inside_another_is_refused() {
        let area = |text: &str| text.parse::<Area>().unwrap();
        let separate = Areas {
            ingest: area("s3://one/in"),
            work: area("s3://one/work"),
            published: area("s3://two"),
            quarantine: area("s3://one/quarantine"),
            rejected: area("s3://one/rejected"),
        };
        separate.check().unwrap();
        for work in ["s3://one/in", "s3://one/in/work", "s3://one", "s3://two/work"] {
            let inside = Areas { work: area(work), ..separate.clone() };
            assert_eq!(inside.check().unwrap_err().kind, ErrorKind::Invalid, "{work}");
        }
    }

    #[test]
    fn a_part_smaller_than_the_least_is_refused() {
        TransferSettings::default().check().unwrap();
        let small = TransferSettings { part_bytes: 1 << 20, ..TransferSettings::default() };
        assert!(small.check().unwrap_err().detail.contains("part_bytes"));
    }
}
