//! A producer's upload: parts with checksums, several at once. An interrupted upload resumes with the parts that S3 already
//! has. Every such part is compared with the file again before it counts, so a file that changed in between is uploaded
//! anew, and versions are never mixed.

mod journal;

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_config::SdkConfig;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use tokio::task::JoinSet;

use crate::location::{Location, version_of};
use crate::objects::bucket::{Bucket, Label, Only, cut};
use crate::objects::checksum::{crc64nvme, crc64nvme_text, whole_crc};
use crate::objects::multipart::{Multipart, Part};
use crate::objects::{PARTS_MAX, TransferSettings};
use journal::Journal;

const OPERATION: &str = "upload a file";
/// Part sizes are whole mebibytes, so that they are easy to read.
const MEBIBYTE: u64 = 1 << 20;

/// Progress of an upload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Bytes that S3 has.
    pub sent_bytes: u64,
    /// Bytes of the file.
    pub size_bytes: u64,
}

/// A completed upload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Uploaded {
    pub at: Location,
    /// Its version, as in the asset's identity.
    pub version: String,
    pub size_bytes: u64,
    /// Bytes that an earlier attempt had sent.
    pub resumed_bytes: u64,
    /// CRC-64/NVME of the file, base64; S3 has verified it if checksums are enabled.
    pub crc64nvme: String,
}

/// Uploads files to S3.
pub struct Uploader {
    bucket: Arc<Bucket>,
    journals: PathBuf,
}

impl Uploader {
    /// An uploader with the directory of its journals, which other programs must not use.
    pub fn new(config: &SdkConfig, settings: TransferSettings, journals: PathBuf) -> PortResult<Self> {
        Ok(Self { bucket: Arc::new(Bucket::new(config, settings)?), journals })
    }

    /// Uploads a file; calls `progress` after every part. A repeated call with the same file and target resumes an
    /// interrupted upload. `Conflict` if the file changes meanwhile; `Missing` or `Denied` if the file or the bucket is
    /// missing or denied.
    pub async fn upload(
        &self,
        file: &Path,
        to: &Location,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> PortResult<Uploaded> {
        let source = Source::open(file)?;
        let (resumed_bytes, crc) = if source.size_bytes <= self.bucket.settings.part_bytes {
            (0, self.whole(&source, to).await?)
        } else {
            self.in_parts(&source, to, progress).await?
        };
        source.is_unchanged()?;
        progress(Progress { sent_bytes: source.size_bytes, size_bytes: source.size_bytes });
        let gone = || {
            PortError::new(
                Port::Objects,
                ErrorKind::Conflict,
                OPERATION,
                "expected the uploaded object, found none",
            )
        };
        let head = self.bucket.head(OPERATION, to, None).await?.ok_or_else(gone)?;
        if head.size_bytes != source.size_bytes {
            return Err(PortError::new(
                Port::Objects,
                ErrorKind::Conflict,
                OPERATION,
                "expected the uploaded object, found another",
            ));
        }
        Ok(Uploaded {
            at: to.clone(),
            version: version_of(head.version_id.as_deref(), &head.etag),
            size_bytes: source.size_bytes,
            resumed_bytes,
            crc64nvme: crc64nvme_text(crc),
        })
    }

    /// Uploads a small file with one request; returns its CRC.
    async fn whole(&self, source: &Source, to: &Location) -> PortResult<u64> {
        let bytes = source.read(0, source.size_bytes)?;
        let crc = crc64nvme(&bytes);
        self.bucket.put(OPERATION, to, bytes, &Label::default(), Only::Always).await?;
        Ok(crc)
    }

    /// Uploads a larger file in parts; returns the bytes that S3 already had, and the file's CRC.
    async fn in_parts(
        &self,
        source: &Source,
        to: &Location,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> PortResult<(u64, u64)> {
        let mut journal = Journal::of(&self.journals, &source.path, to)?;
        let (upload, part_bytes, mut parts) = match self.resume(source, to, &mut journal).await? {
            Some(resumed) => resumed,
            None => {
                let part_bytes = part_bytes(source.size_bytes, self.bucket.settings.part_bytes);
                let upload =
                    Multipart::begin(self.bucket.clone(), OPERATION, to.clone(), Label::default()).await?;
                journal.begin(&upload.upload_id, &upload.nonce, part_bytes)?;
                (upload, part_bytes, Vec::new())
            }
        };
        let resumed_bytes = parts.iter().map(|part: &Part| part.size_bytes).sum();
        let mut sent_bytes = resumed_bytes;
        progress(Progress { sent_bytes, size_bytes: source.size_bytes });
        let mut missing = missing(source.size_bytes, part_bytes, &parts).into_iter();
        let mut running = JoinSet::new();
        let mut failed = None;
        loop {
            while failed.is_none()
                && running.len() < self.bucket.settings.connections
                && let Some((number, offset, bytes)) = missing.next()
            {
                let (upload, source) = (upload.clone(), source.share()?);
                running.spawn(async move { upload.part(number, source.read(offset, bytes)?).await });
            }
            let Some(done) = running.join_next().await else { break };
            let interrupted = |_| {
                PortError::new(
                    Port::Objects,
                    ErrorKind::Unavailable,
                    OPERATION,
                    "the transfer was interrupted",
                )
            };
            match done.map_err(interrupted).flatten() {
                Ok(part) => {
                    journal.sent(&part)?;
                    sent_bytes += part.size_bytes;
                    progress(Progress { sent_bytes, size_bytes: source.size_bytes });
                    parts.push(part);
                }
                // Parts in flight still finish and count for the next attempt.
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        parts.sort_by_key(|part| part.number);
        if let Err(changed) = source.is_unchanged() {
            upload.abort().await?;
            journal.end()?;
            return Err(changed);
        }
        upload.complete(&parts, Only::Always).await?;
        journal.end()?;
        Ok((resumed_bytes, whole_crc(parts.iter().map(|part| (part.crc, part.size_bytes)))))
    }

    /// The upload that an earlier attempt began, with the parts that S3 has and that still match the file.
    async fn resume(
        &self,
        source: &Source,
        to: &Location,
        journal: &mut Journal,
    ) -> PortResult<Option<(Multipart, u64, Vec<Part>)>> {
        let Some(begun) = journal.read()? else { return Ok(None) };
        let upload =
            Multipart::resume(self.bucket.clone(), OPERATION, to.clone(), begun.upload_id, begun.nonce);
        let there = match upload.parts().await {
            Ok(there) => there,
            // The upload was completed unnoticed, aborted by a lifecycle rule, or belonged to another bucket of this name.
            Err(error) if error.kind == ErrorKind::Missing => {
                journal.end()?;
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let mut kept = Vec::new();
        for (number, offset, bytes) in missing(source.size_bytes, begun.part_bytes, &[]) {
            let there = there.iter().find(|(there, etag, _)| *there == number && !etag.is_empty());
            let Some((_, etag, size_bytes)) = there.filter(|(_, _, size_bytes)| *size_bytes == bytes) else {
                continue;
            };
            // S3 verified the part's checksum when it was sent. Here the part is compared with the current file.
            let sent = begun.parts.iter().find(|sent| sent.number == number && sent.etag == *etag);
            let crc = crc64nvme(&source.read(offset, bytes)?);
            if sent.is_some_and(|sent| sent.crc == crc) {
                kept.push(Part { number, etag: etag.clone(), size_bytes: *size_bytes, crc });
            }
        }
        Ok(Some((upload, begun.part_bytes, kept)))
    }
}

/// Bytes of a part: at least `least`, or more if the file would have too many parts.
fn part_bytes(size_bytes: u64, least: u64) -> u64 {
    size_bytes.div_ceil(PARTS_MAX).next_multiple_of(MEBIBYTE).max(least)
}

/// Parts that S3 does not have yet: number, offset, bytes.
fn missing(size_bytes: u64, part_bytes: u64, there: &[Part]) -> Vec<(i32, u64, u64)> {
    let mut offset = 0;
    let mut all = Vec::new();
    for (number, bytes) in (1..).zip(cut(size_bytes, part_bytes)) {
        if !there.iter().any(|part| part.number == number) {
            all.push((number, offset, bytes));
        }
        offset += bytes;
    }
    all
}

/// The file that is uploaded.
struct Source {
    file: File,
    path: PathBuf,
    size_bytes: u64,
    changed_ns: i128,
}

impl Source {
    fn open(path: &Path) -> PortResult<Self> {
        let io = |error: std::io::Error| PortError::io(Port::Objects, "open the file", &error);
        let file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if !metadata.is_file() {
            return Err(PortError::new(
                Port::Objects,
                ErrorKind::Invalid,
                "open the file",
                "expected an ordinary file",
            ));
        }
        let path = path.canonicalize().map_err(io)?;
        Ok(Self { size_bytes: metadata.len(), changed_ns: changed_ns(&metadata), file, path })
    }

    fn share(&self) -> PortResult<Self> {
        let file =
            self.file.try_clone().map_err(|error| PortError::io(Port::Objects, "open the file", &error))?;
        Ok(Self { file, path: self.path.clone(), ..*self })
    }

    fn read(&self, offset: u64, bytes: u64) -> PortResult<Vec<u8>> {
        let too_large = |_| {
            PortError::new(
                Port::Objects,
                ErrorKind::Invalid,
                "read the file",
                "expected a part that fits in memory",
            )
        };
        let mut buffer = vec![0; usize::try_from(bytes).map_err(too_large)?];
        match self.file.read_exact_at(&mut buffer, offset) {
            Ok(()) => Ok(buffer),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(changed()),
            Err(error) => Err(PortError::io(Port::Objects, "read the file", &error)),
        }
    }

    /// `Conflict` if the file was changed since it was opened.
    fn is_unchanged(&self) -> PortResult<()> {
        let now =
            self.file.metadata().map_err(|error| PortError::io(Port::Objects, "read the file", &error))?;
        let same = now.len() == self.size_bytes && changed_ns(&now) == self.changed_ns;
        if same { Ok(()) } else { Err(changed()) }
    }
}

fn changed() -> PortError {
    PortError::new(
        Port::Objects,
        ErrorKind::Conflict,
        "read the file",
        "expected an unchanged file, found it changed; upload it again",
    )
}

fn changed_ns(metadata: &std::fs::Metadata) -> i128 {
    i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_large_enough_for_the_most_parts() {
        assert_eq!(part_bytes(100 << 20, 8 << 20), 8 << 20);
        let largest = 50u64 << 40;
        let bytes = part_bytes(largest, 8 << 20);
        assert_eq!(bytes % MEBIBYTE, 0);
        assert!(largest.div_ceil(bytes) <= PARTS_MAX);
    }

    #[test]
    fn missing_parts_exclude_parts_that_s3_has() {
        let there = Part { number: 2, etag: "e".into(), size_bytes: 4, crc: 0 };
        assert_eq!(missing(10, 4, &[there]), [(1, 0, 4), (3, 8, 2)]);
    }
}
