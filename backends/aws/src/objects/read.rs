//! Downloads a source from S3 to a local file: exact ranges over several connections. Each range is retried on its own from
//! where it stopped. The whole file is compared with the checksum that S3 has, if there is one.
//!
//! Memory does not grow with the object: each connection uses a fraction of a mebibyte, the buffer of the HTTP client.
//! [`super::checksum`] lists the checksums that cannot be verified; length and version are verified in any case.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::meter::{Meter, carried};
use tokio::task::JoinSet;

use super::bucket::{Bucket, Head, cut, reading};
use super::checksum::{Algorithm, Piece, RunningCrc};
use crate::error::ApiCall;
use crate::location::Location;

pub(super) const OPERATION: &str = "read the source";
/// Interrupted bodies that one object may have, in addition to one for every eighth range: retries are a bounded share of
/// the load.
const RETRIES: i64 = 8;
/// Attempts in a row without progress in one range.
const TRIES_MAX: u32 = 5;
/// Wait before the second attempt at a position. It doubles with each attempt, so five attempts wait about 1.5 s.
const BACKOFF_MS: u64 = 100;
/// Reads of the whole object while its checksum does not match and no two reads agree.
const READS_MAX: u32 = 3;

/// The download of one object.
struct RangedRead {
    bucket: Arc<Bucket>,
    at: Location,
    head: Head,
    file: Arc<File>,
    algorithm: Option<Algorithm>,
    retries_left: AtomicI64,
    /// Bytes of all bodies, those that were read again included.
    received_bytes: AtomicU64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Range {
    part: usize,
    offset: u64,
    size_bytes: u64,
}

/// Fills a file with exactly the object of `head`. `Missing` if the object is gone, `Conflict` if it was replaced,
/// `ChecksumMismatch` if two reads agree on bytes that do not match its checksum, `Unavailable` if no two agree: then they are
/// damaged on their way. Returns how many bytes were transferred, repetitions included.
pub(super) async fn fetch(bucket: Arc<Bucket>, at: Location, head: Head, file: Arc<File>) -> PortResult<u64> {
    let (mut parts, verified) = parts(&bucket, &at, &head).await?;
    let algorithm = verified.then(|| head.checksum.as_ref().map(|stored| stored.algorithm)).flatten();
    let mut ranges = self::ranges(&parts, bucket.settings.range_bytes);
    let retries = RETRIES + i64::try_from(ranges.len() / 8).unwrap_or(i64::MAX - RETRIES);
    let retries_left = AtomicI64::new(retries);
    let received_bytes = AtomicU64::new(0);
    let reading = Arc::new(RangedRead { bucket, at, head, file, algorithm, retries_left, received_bytes });
    let received = || reading.received_bytes.load(Ordering::Relaxed);
    let mut before = None;
    for _ in 0..READS_MAX {
        let pieces = all(&reading, &ranges).await?;
        let Some(stored) = reading.head.checksum.clone().filter(|_| verified) else { return Ok(received()) };
        let (file, lengths, wanted) = (reading.file.clone(), parts.clone(), stored.clone());
        // Hashing a whole file takes seconds.
        let found = tokio::task::spawn_blocking(move || wanted.of(&file, &pieces, &lengths)).await;
        let found = found.map_err(|_| super::engine::interrupted())?;
        let found = found.map_err(|error| PortError::io(Port::Objects, OPERATION, &error))?;
        if found == stored {
            return Ok(received());
        }
        // Parts of different sizes may be as many as equal ones would be.
        if let (Some(count), None) = (stored.parts, &before) {
            let each = reading.bucket.each_part_bytes(OPERATION, &reading.at, &reading.head, count).await?;
            if let Some(each) = each.filter(|each| *each != parts) {
                ranges = self::ranges(&each, reading.bucket.settings.range_bytes);
                parts = each;
                continue;
            }
        }
        if before.as_ref() == Some(&found) {
            let detail = format!("expected bytes with {stored}, found {found} in two reads");
            return Err(PortError::new(Port::Objects, ErrorKind::ChecksumMismatch, OPERATION, detail));
        }
        tracing::warn!("the source does not match its checksum; reading it again");
        before = Some(found);
    }
    let detail =
        "expected two reads of the source to agree, found other bytes in each; none matches its checksum";
    Err(PortError::new(Port::Objects, ErrorKind::Unavailable, OPERATION, detail))
}

/// The lengths of the parts that the stored checksum covers, and whether it can be verified.
async fn parts(bucket: &Bucket, at: &Location, head: &Head) -> PortResult<(Vec<u64>, bool)> {
    let whole = vec![head.size_bytes];
    match head.checksum.as_ref().map(|stored| stored.parts) {
        None => Ok((whole, false)),
        Some(None) => Ok((whole, true)),
        Some(Some(count)) => Ok(match bucket.part_bytes(OPERATION, at, head, count).await? {
            Some(parts) => (parts, true),
            None => (whole, false),
        }),
    }
}

/// Ranges that cover the parts; no range crosses the border of a part.
fn ranges(parts: &[u64], range_bytes: u64) -> Vec<Range> {
    let mut offset = 0u64;
    let mut ranges = Vec::new();
    for (part, bytes) in parts.iter().enumerate() {
        for size_bytes in cut(*bytes, range_bytes).into_iter().filter(|bytes| *bytes > 0) {
            ranges.push(Range { part, offset, size_bytes });
            offset += size_bytes;
        }
    }
    ranges
}

/// Reads every range, several at once; returns their checksums in order.
async fn all(reading: &Arc<RangedRead>, ranges: &[Range]) -> PortResult<Vec<Piece>> {
    let mut pieces = vec![None; ranges.len()];
    let mut running = JoinSet::new();
    let mut waiting = ranges.iter().copied().enumerate();
    loop {
        while running.len() < reading.bucket.settings.connections
            && let Some((index, range)) = waiting.next()
        {
            let reading = reading.clone();
            let read = async move { (index, reading.range(range).await) };
            running.spawn(carried(Meter::current(), read));
        }
        let Some(done) = running.join_next().await else { break };
        let (index, piece) = done.map_err(|_| super::engine::interrupted())?;
        pieces[index] = Some(piece?);
    }
    Ok(pieces.into_iter().flatten().collect())
}

impl RangedRead {
    /// Reads one range to its end, with retries.
    async fn range(&self, range: Range) -> PortResult<Piece> {
        let mut crc = RunningCrc::new(self.algorithm);
        let mut done = 0u64;
        let mut tries = 0;
        loop {
            let before = done;
            let Err(error) = self.body(range, &mut done, &mut crc).await else {
                return Ok(Piece { part: range.part, crc: crc.finish(), size_bytes: range.size_bytes });
            };
            tries = if done > before { 1 } else { tries + 1 };
            let allowed = error.kind == ErrorKind::Unavailable && tries < TRIES_MAX;
            if !allowed || self.retries_left.fetch_sub(1, Ordering::Relaxed) <= 0 {
                return Err(error);
            }
            // Ranges that failed together are retried at different times: the wait varies by up to half.
            let wait_ms = BACKOFF_MS << (tries - 1);
            let apart_ms = (range.offset / self.bucket.settings.range_bytes) % 8 * wait_ms / 16;
            tokio::time::sleep(Duration::from_millis(wait_ms / 2 + apart_ms)).await;
        }
    }

    /// Requests the rest of a range and writes the body to the file; `done` counts the written bytes.
    async fn body(&self, range: Range, done: &mut u64, crc: &mut RunningCrc) -> PortResult<()> {
        let (first, last) = (range.offset + *done, range.offset + range.size_bytes - 1);
        let answer = self
            .bucket
            .s3
            .get_object()
            .bucket(&self.at.bucket)
            .key(&self.at.key)
            .set_version_id(self.head.version_id.clone())
            .if_match(&self.head.etag)
            .range(format!("bytes={first}-{last}"))
            .set_expected_bucket_owner(self.bucket.owner(&self.at.bucket))
            .send()
            .await
            .map_err(
                ApiCall::new(Port::Objects, OPERATION, reading(self.head.version_id.as_deref())).failed(),
            )?;
        if answer.e_tag() != Some(self.head.etag.as_str()) {
            return Err(PortError::new(
                Port::Objects,
                ErrorKind::Conflict,
                OPERATION,
                "expected the recorded version, found another",
            ));
        }
        let expected = format!("bytes {first}-{last}/{}", self.head.size_bytes);
        if answer.content_range() != Some(expected.as_str()) {
            return Err(PortError::new(
                Port::Objects,
                ErrorKind::Unavailable,
                OPERATION,
                "expected the requested range, found another",
            ));
        }
        let mut body = answer.body;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|_| {
                PortError::new(Port::Objects, ErrorKind::Unavailable, OPERATION, "the body ended early")
            })?;
            let size_bytes = chunk.len() as u64;
            self.received_bytes.fetch_add(size_bytes, Ordering::Relaxed);
            if size_bytes > range.size_bytes - *done {
                let detail = "expected the requested range, found a longer body";
                return Err(PortError::new(Port::Objects, ErrorKind::Unavailable, OPERATION, detail));
            }
            let offset = range.offset + *done;
            self.file
                .write_all_at(&chunk, offset)
                .map_err(|error| PortError::io(Port::Objects, OPERATION, &error))?;
            crc.update(&chunk);
            *done += size_bytes;
        }
        if *done < range.size_bytes { Err(super::bucket::cut_off(OPERATION)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_every_byte_once_and_cross_no_part() {
        let found = ranges(&[10, 3, 0], 4);
        let expected = [(0, 0, 4), (0, 4, 4), (0, 8, 2), (1, 10, 3)];
        let expected = expected.map(|(part, offset, size_bytes)| Range { part, offset, size_bytes });
        assert_eq!(found, expected);
        assert_eq!(ranges(&[0], 4), []);
        assert_eq!(ranges(&[8], 4).len(), 2);
    }
}
