//! Staged outputs of attempts, before anything is visible. Each attempt has its own prefix. Small outputs are written with
//! one request, larger ones in parts while their bytes arrive. The number of requests in flight is limited, so memory is
//! bounded by `connections` parts and one buffer. Parts have `part_bytes`, and more in an output of more than a thousand.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};

use data_encoding::HEXLOWER;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::meter::{Meter, carried};
use reelgate_ports::objects::{OutputRange, StagedWriter};
use reelgate_ports::records::{Fence, StagedOutput};
use sha2::{Digest, Sha256};
use tokio::task::AbortHandle;

use super::bucket::{Bucket, Label, Only};
use super::engine::interrupted;
use super::list::asset_name;
use super::multipart::{Multipart, Part};
use super::settings::Areas;
use super::store_context::StoreContext;
use crate::location::{KEY_BYTES_MAX, Location, stays_inside};

/// Metadata of a small staged output: its SHA-256, so that a repeated request recognises its own object.
const SHA256: &str = "reelgate-sha256";
const WRITE: &str = "write a staged output";
/// So many parts have the same size; the next ones are larger.
const PARTS_BEFORE_LARGER: i32 = 1_000;

/// Starts the staging area of an attempt, empty.
pub(super) async fn stage(context: Arc<StoreContext>, fence: Fence) -> PortResult<Box<dyn StagedWriter>> {
    let attempt = format!("{}/{}-{}/", asset_name(&fence.asset)?, fence.task, fence.attempt);
    let area = context.areas.work.at(&attempt);
    clear(&context.bucket, &area).await?;
    let (sender, receiver) = mpsc::channel();
    let requests = Requests { sender, receiver, in_flight: 0, tasks: Vec::new(), parts: Vec::new() };
    let meter = Meter::current();
    Ok(Box::new(Writer {
        context,
        area,
        requests,
        meter,
        current: None,
        staged: Vec::new(),
        finished: false,
    }))
}

/// Removes all staging areas of an asset, including the parts of unfinished uploads.
pub(super) async fn discard(context: &StoreContext, asset: &AssetId) -> PortResult<()> {
    let area = context.areas.work.at(&format!("{}/", asset_name(asset)?));
    clear(&context.bucket, &area).await
}

/// Reads an output and verifies its hash.
pub(super) async fn read(
    context: &StoreContext,
    staged: &StagedOutput,
    bytes_max: u64,
) -> PortResult<Vec<u8>> {
    let operation = "read an output";
    let bucket = &context.bucket;
    let at = output(&context.areas, &staged.location)?;
    let gone =
        || PortError::new(Port::Objects, ErrorKind::Missing, operation, "expected the output, found nothing");
    let head = bucket.head(operation, &at, None).await?.ok_or_else(gone)?;
    let bytes = bucket.read(operation, &at, &head, bytes_max).await?;
    if HEXLOWER.encode(&Sha256::digest(&bytes)) != staged.sha256 {
        let (expected, found) = (staged.size_bytes, bytes.len());
        let detail = format!("expected {expected} bytes with the recorded SHA-256, found {found} others");
        return Err(PortError::new(Port::Objects, ErrorKind::Corrupt, operation, detail));
    }
    Ok(bytes)
}

/// Reads a part of an output and verifies its hash. One request: the hash says whether it is the part that was recorded.
pub(super) async fn read_range(context: &StoreContext, range: &OutputRange) -> PortResult<Vec<u8>> {
    let operation = "read a part of an output";
    let at = output(&context.areas, &range.location)?;
    // No range of bytes is empty (RFC 9110, 14.1.2).
    let read = match range.size_bytes {
        0 => Some(Vec::new()),
        size_bytes => context.bucket.read_range(operation, &at, range.offset, size_bytes).await?,
    };
    if let Some(bytes) = read
        && HEXLOWER.encode(&Sha256::digest(&bytes)) == range.sha256
    {
        return Ok(bytes);
    }
    let detail = format!("expected {} bytes with the recorded SHA-256, found others", range.size_bytes);
    Err(PortError::new(Port::Objects, ErrorKind::Corrupt, operation, detail))
}

/// The location of an output in the work or the published area.
pub(super) fn output(areas: &Areas, location: &str) -> PortResult<Location> {
    let at = Location::parse(location)?;
    let areas = [&areas.work, &areas.published];
    let known = areas.iter().any(|area| area.name_of(&at).is_some_and(stays_inside));
    let detail = "expected an output in the work area or the published one";
    if known {
        Ok(at)
    } else {
        Err(PortError::new(Port::Objects, ErrorKind::Invalid, "read an output's location", detail))
    }
}

/// The location of an output's relative name below a prefix.
pub(super) fn named(prefix: &Location, name: &str) -> PortResult<Location> {
    let key = format!("{}{name}", prefix.key);
    if stays_inside(name) && key.len() <= KEY_BYTES_MAX {
        return Ok(Location::new(&prefix.bucket, key));
    }
    let detail =
        format!("expected a relative path of plain names, at most {KEY_BYTES_MAX} bytes with its prefix");
    Err(PortError::new(Port::Objects, ErrorKind::Invalid, "name an output", detail))
}

/// Removes everything below a prefix of the work area.
async fn clear(bucket: &Bucket, area: &Location) -> PortResult<()> {
    let operation = "remove a staging area";
    for (key, upload_id) in bucket.unfinished(operation, &area.bucket, &area.key).await? {
        bucket.abort(operation, &Location::new(&area.bucket, key), &upload_id).await?;
    }
    let found = bucket.versions(operation, &area.bucket, &area.key).await?;
    bucket.delete_all(operation, &area.bucket, &found).await
}

struct Writer {
    context: Arc<StoreContext>,
    /// The attempt's prefix; ends with `/`.
    area: Location,
    requests: Requests,
    /// That of the attempt, which pays for requests that blocking threads make.
    meter: Option<Meter>,
    current: Option<Output>,
    staged: Vec<StagedOutput>,
    finished: bool,
}

struct Output {
    name: String,
    at: Location,
    buffer: Vec<u8>,
    hash: Sha256,
    size_bytes: u64,
    /// The multipart upload with the number of its last part, once the output is larger than one part.
    parts: Option<(Multipart, i32)>,
}

impl StagedWriter for Writer {
    fn open(&mut self, name: &str) -> PortResult<()> {
        let operation = "open a staged output";
        if self.current.is_some() {
            return Err(PortError::new(
                Port::Objects,
                ErrorKind::Invalid,
                operation,
                "expected the previous output to be closed",
            ));
        }
        let at = named(&self.area, name)?;
        let (buffer, hash) = (Vec::new(), Sha256::new());
        self.current = Some(Output { name: name.to_owned(), at, buffer, hash, size_bytes: 0, parts: None });
        Ok(())
    }

    fn write(&mut self, mut bytes: &[u8]) -> PortResult<()> {
        let least = self.context.bucket.settings.part_bytes;
        let output = self.current.as_mut().ok_or_else(|| none_open(WRITE))?;
        while !bytes.is_empty() {
            let part_bytes = part_bytes(least, output.parts.as_ref().map_or(0, |(_, last)| *last));
            let (now, later) = bytes.split_at(bytes.len().min(part_bytes - output.buffer.len()));
            output.buffer.extend_from_slice(now);
            output.hash.update(now);
            output.size_bytes += now.len() as u64;
            bytes = later;
            if output.buffer.len() == part_bytes {
                send_part(&self.context, &mut self.requests, &self.meter, output)?;
            }
        }
        Ok(())
    }

    fn close(&mut self) -> PortResult<()> {
        let operation = "close a staged output";
        let mut output = self.current.take().ok_or_else(|| none_open(operation))?;
        let sha256 = HEXLOWER.encode(&output.hash.clone().finalize());
        if output.parts.is_some() {
            if !output.buffer.is_empty() {
                send_part(&self.context, &mut self.requests, &self.meter, &mut output)?;
            }
            let parts = self.requests.wait_all()?;
            if let Some((upload, _)) = output.parts.take() {
                let complete = async move { upload.complete(&parts, Only::Absent).await };
                self.context.engine.wait(carried(self.meter.clone(), complete))?;
            }
        } else {
            let (bucket, at, sha256) = (self.context.bucket.clone(), output.at.clone(), sha256.clone());
            let bytes = std::mem::take(&mut output.buffer);
            let put = async move { put(&bucket, &at, bytes, sha256).await.map(|()| None) };
            self.requests.start(&self.context, carried(self.meter.clone(), put))?;
        }
        self.staged.push(StagedOutput {
            location: output.at.to_string(),
            name: output.name,
            size_bytes: output.size_bytes,
            sha256,
        });
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> PortResult<Vec<StagedOutput>> {
        if self.current.is_some() {
            let detail = "expected every output to be closed";
            return Err(PortError::new(Port::Objects, ErrorKind::Invalid, "finish staging", detail));
        }
        self.requests.wait_all()?;
        self.finished = true;
        Ok(std::mem::take(&mut self.staged))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        self.requests.abort();
        let (bucket, area) = (self.context.bucket.clone(), self.area.clone());
        let cleared = async move { clear(&bucket, &area).await };
        if let Err(error) = self.context.engine.wait(carried(self.meter.clone(), cleared)) {
            tracing::warn!(%error, "removing an unfinished staging area failed; the sweep of staging areas will remove it");
        }
    }
}

/// Bytes of the part behind part `last`. An upload has at most 10,000 parts, so they grow: from 8 MiB on, up to an output of 429 GiB.
fn part_bytes(least: u64, last: i32) -> usize {
    let times = 1 + u64::try_from(last / PARTS_BEFORE_LARGER).unwrap_or(0);
    usize::try_from(least.saturating_mul(times)).unwrap_or(usize::MAX)
}

/// Sends the buffer as the next part; the first part begins the upload.
fn send_part(
    context: &Arc<StoreContext>,
    requests: &mut Requests,
    meter: &Option<Meter>,
    output: &mut Output,
) -> PortResult<()> {
    let (upload, last) = match output.parts.take() {
        Some(begun) => begun,
        None => {
            // Parts of the previous output must not mix with these.
            requests.wait_all()?;
            let (bucket, at) = (context.bucket.clone(), output.at.clone());
            let begin = Multipart::begin(bucket, WRITE, at, Label::default());
            (context.engine.wait(carried(meter.clone(), begin))?, 0)
        }
    };
    let number = last + 1;
    output.parts = Some((upload.clone(), number));
    let bytes = std::mem::take(&mut output.buffer);
    let part = async move { upload.part(number, bytes).await.map(Some) };
    requests.start(context, carried(meter.clone(), part))
}

/// Writes a small output if there is no object yet. If the response was lost or the request was repeated, the hash shows
/// whether the existing object is this output.
async fn put(bucket: &Bucket, at: &Location, bytes: Vec<u8>, sha256: String) -> PortResult<()> {
    let size_bytes = bytes.len() as u64;
    let label = Label { content_type: None, metadata: [(SHA256, sha256.clone())].into() };
    let Err(error) = bucket.put(WRITE, at, bytes, &label, Only::Absent).await else { return Ok(()) };
    if !matches!(error.kind, ErrorKind::Conflict | ErrorKind::Unavailable) {
        return Err(error);
    }
    let found = bucket.head(WRITE, at, None).await?;
    let ours = found
        .is_some_and(|found| found.size_bytes == size_bytes && found.metadata.get(SHA256) == Some(&sha256));
    if ours { Ok(()) } else { Err(error) }
}

/// Requests in flight. A request may return a part of the open output.
struct Requests {
    sender: Sender<PortResult<Option<Part>>>,
    receiver: Receiver<PortResult<Option<Part>>>,
    /// Requests whose result was not received yet.
    in_flight: usize,
    tasks: Vec<AbortHandle>,
    parts: Vec<Part>,
}

impl Requests {
    /// Starts a request. If too many are in flight, waits for another first; returns the error of a request that failed.
    fn start(
        &mut self,
        context: &StoreContext,
        work: impl Future<Output = PortResult<Option<Part>>> + Send + 'static,
    ) -> PortResult<()> {
        while self.in_flight >= context.bucket.settings.connections {
            self.wait()?;
        }
        let result = ResultSender(Some(self.sender.clone()));
        let task = context.engine.spawn(async move { result.send(work.await) })?;
        self.in_flight += 1;
        self.tasks.retain(|task| !task.is_finished());
        self.tasks.push(task.abort_handle());
        Ok(())
    }

    /// Waits for one request.
    fn wait(&mut self) -> PortResult<()> {
        let part = self.receiver.recv().map_err(|_| interrupted())?;
        self.in_flight -= 1;
        self.parts.extend(part?);
        Ok(())
    }

    /// Waits for all requests; returns their parts in order.
    fn wait_all(&mut self) -> PortResult<Vec<Part>> {
        while self.in_flight > 0 {
            self.wait()?;
        }
        self.parts.sort_by_key(|part| part.number);
        Ok(std::mem::take(&mut self.parts))
    }

    fn abort(&mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
        }
    }
}

/// Sends the result of a request, even if the request is aborted.
struct ResultSender(Option<Sender<PortResult<Option<Part>>>>);

impl ResultSender {
    fn send(mut self, part: PortResult<Option<Part>>) {
        if let Some(sender) = self.0.take() {
            // This fails only if the writer is gone.
            let _ = sender.send(part);
        }
    }
}

impl Drop for ResultSender {
    fn drop(&mut self) {
        if let Some(sender) = self.0.take() {
            let _ = sender.send(Err(interrupted()));
        }
    }
}

fn none_open(operation: &'static str) -> PortError {
    PortError::new(Port::Objects, ErrorKind::Invalid, operation, "expected an open output")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::PARTS_MAX;

    #[test]
    fn parts_grow_so_that_a_track_of_a_day_at_any_rate_fits() {
        assert_eq!([0, 999, 1_000, 1_999, 2_000].map(|last| part_bytes(8, last)), [8, 8, 16, 16, 24]);
        let largest: u64 = (0..PARTS_MAX as i32).map(|last| part_bytes(8 << 20, last) as u64).sum();
        assert_eq!(largest, 55_000 * (8 << 20));
    }
}
