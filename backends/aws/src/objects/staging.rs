//! What attempts write before anything is visible: each under its own prefix, small outputs by one request, larger ones
//! part by part while they come. A few requests are under way at once, so memory is bounded by
//! `connections × part_bytes` and one buffer.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};

use data_encoding::HEXLOWER;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::objects::StagedWriter;
use reelgate_ports::records::{Fence, StagedOutput};
use sha2::{Digest, Sha256};
use tokio::task::AbortHandle;

use super::Inner;
use super::bucket::{Bucket, Label, Only};
use super::engine::interrupted;
use super::list::asset_name;
use super::multipart::{Multipart, Part};
use super::settings::Areas;
use crate::location::{KEY_BYTES_MAX, Location, stays_inside};

/// Metadata of a small staged output: its SHA-256, so that a repeated request knows its own work.
const SHA256: &str = "reelgate-sha256";
const WRITE: &str = "write a staged output";

/// Starts an attempt's area, empty.
pub(super) async fn stage(inner: Arc<Inner>, fence: Fence) -> PortResult<Box<dyn StagedWriter>> {
    let attempt = format!("{}/{}-{}/", asset_name(&fence.asset)?, fence.task, fence.attempt);
    let area = inner.areas.work.at(&attempt);
    clear(&inner.bucket, &area).await?;
    let (landed, landing) = mpsc::channel();
    let flights = Flights { landed, landing, under_way: 0, tasks: Vec::new(), parts: Vec::new() };
    Ok(Box::new(Writer { inner, area, flights, current: None, staged: Vec::new(), finished: false }))
}

/// Removes all staging areas of an asset, with the parts of unfinished uploads.
pub(super) async fn discard(inner: &Inner, asset: &AssetId) -> PortResult<()> {
    let area = inner.areas.work.at(&format!("{}/", asset_name(asset)?));
    clear(&inner.bucket, &area).await
}

/// Reads an output back and verifies it.
pub(super) async fn read(inner: &Inner, staged: &StagedOutput, bytes_max: u64) -> PortResult<Vec<u8>> {
    let what = "read an output";
    let bucket = &inner.bucket;
    let at = output(&inner.areas, &staged.location)?;
    let gone =
        || PortError::new(Port::Objects, ErrorKind::Missing, what, "expected the output, found nothing");
    let head = bucket.head(what, &at, None).await?.ok_or_else(gone)?;
    let bytes = bucket.read(what, &at, &head, bytes_max).await?;
    if HEXLOWER.encode(&Sha256::digest(&bytes)) != staged.sha256 {
        let (expected, found) = (staged.size_bytes, bytes.len());
        let detail = format!("expected {expected} bytes with the recorded SHA-256, found {found} others");
        return Err(PortError::new(Port::Objects, ErrorKind::Corrupt, what, detail));
    }
    Ok(bytes)
}

/// The object of an output: staged, or visible.
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

/// A relative name of an output, put behind a prefix.
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
    let what = "remove a staging area";
    for (key, upload_id) in bucket.unfinished(what, &area.bucket, &area.key).await? {
        bucket.abort(what, &Location::new(&area.bucket, key), &upload_id).await?;
    }
    let found = bucket.versions(what, &area.bucket, &area.key).await?;
    bucket.delete_all(what, &area.bucket, &found).await
}

struct Writer {
    inner: Arc<Inner>,
    /// The attempt's prefix, ends with `/`.
    area: Location,
    flights: Flights,
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
    /// Begun once the output is larger than one part, with the number of its last part.
    parts: Option<(Multipart, i32)>,
}

impl StagedWriter for Writer {
    fn open(&mut self, name: &str) -> PortResult<()> {
        let what = "open a staged output";
        if self.current.is_some() {
            return Err(PortError::new(
                Port::Objects,
                ErrorKind::Invalid,
                what,
                "expected the one before to be closed",
            ));
        }
        let at = named(&self.area, name)?;
        let (buffer, hash) = (Vec::new(), Sha256::new());
        self.current = Some(Output { name: name.to_owned(), at, buffer, hash, size_bytes: 0, parts: None });
        Ok(())
    }

    fn write(&mut self, mut bytes: &[u8]) -> PortResult<()> {
        let part_bytes = usize::try_from(self.inner.bucket.settings.part_bytes).unwrap_or(usize::MAX);
        let output = self.current.as_mut().ok_or_else(|| none_open(WRITE))?;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(part_bytes - output.buffer.len()));
            output.buffer.extend_from_slice(now);
            output.hash.update(now);
            output.size_bytes += now.len() as u64;
            bytes = later;
            if output.buffer.len() == part_bytes {
                send_part(&self.inner, &mut self.flights, output)?;
            }
        }
        Ok(())
    }

    fn close(&mut self) -> PortResult<()> {
        let what = "close a staged output";
        let mut output = self.current.take().ok_or_else(|| none_open(what))?;
        let sha256 = HEXLOWER.encode(&output.hash.clone().finalize());
        if output.parts.is_some() {
            if !output.buffer.is_empty() {
                send_part(&self.inner, &mut self.flights, &mut output)?;
            }
            let parts = self.flights.land_all()?;
            if let Some((upload, _)) = output.parts.take() {
                self.inner.engine.wait(async move { upload.complete(&parts, Only::Absent).await })?;
            }
        } else {
            let (bucket, at, sha256) = (self.inner.bucket.clone(), output.at.clone(), sha256.clone());
            let bytes = std::mem::take(&mut output.buffer);
            let put = async move { put(&bucket, &at, bytes, sha256).await.map(|()| None) };
            self.flights.launch(&self.inner, put)?;
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
        self.flights.land_all()?;
        self.finished = true;
        Ok(std::mem::take(&mut self.staged))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        self.flights.give_up();
        let (bucket, area) = (self.inner.bucket.clone(), self.area.clone());
        if let Err(error) = self.inner.engine.wait(async move { clear(&bucket, &area).await }) {
            // The sweep of staging areas finds it again.
            tracing::warn!(%error, "an unfinished staging area was not removed");
        }
    }
}

/// Sends the buffer as the next part; begins the upload with the first one.
fn send_part(inner: &Arc<Inner>, flights: &mut Flights, output: &mut Output) -> PortResult<()> {
    let (upload, last) = match output.parts.take() {
        Some(begun) => begun,
        None => {
            // The one before must not have its parts mixed with these.
            flights.land_all()?;
            let (bucket, at) = (inner.bucket.clone(), output.at.clone());
            (inner.engine.wait(Multipart::begin(bucket, WRITE, at, Label::default()))?, 0)
        }
    };
    let number = last + 1;
    output.parts = Some((upload.clone(), number));
    let bytes = std::mem::take(&mut output.buffer);
    flights.launch(inner, async move { upload.part(number, bytes).await.map(Some) })
}

/// Writes a small output where nothing is. Where the answer was lost, or the request repeated, the object there is
/// this one if its hash says so.
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

/// Requests under way; some give a part of the output that is open.
struct Flights {
    landed: Sender<PortResult<Option<Part>>>,
    landing: Receiver<PortResult<Option<Part>>>,
    /// Those that have not been parsed of.
    under_way: usize,
    tasks: Vec<AbortHandle>,
    parts: Vec<Part>,
}

impl Flights {
    /// Starts one, after waiting for another where too many are under way; tells of one that failed before.
    fn launch(
        &mut self,
        inner: &Inner,
        work: impl Future<Output = PortResult<Option<Part>>> + Send + 'static,
    ) -> PortResult<()> {
        while self.under_way >= inner.bucket.settings.connections {
            self.land()?;
        }
        let report = Report(Some(self.landed.clone()));
        let task = inner.engine.spawn(async move { report.send(work.await) })?;
        self.under_way += 1;
        self.tasks.retain(|task| !task.is_finished());
        self.tasks.push(task.abort_handle());
        Ok(())
    }

    /// Waits for one to end.
    fn land(&mut self) -> PortResult<()> {
        let landed = self.landing.recv().map_err(|_| interrupted())?;
        self.under_way -= 1;
        self.parts.extend(landed?);
        Ok(())
    }

    /// Waits for all; the parts they gave, in order.
    fn land_all(&mut self) -> PortResult<Vec<Part>> {
        while self.under_way > 0 {
            self.land()?;
        }
        self.parts.sort_by_key(|part| part.number);
        Ok(std::mem::take(&mut self.parts))
    }

    fn give_up(&mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
        }
    }
}

/// Tells how a request ended, also where it was cut short.
struct Report(Option<Sender<PortResult<Option<Part>>>>);

impl Report {
    fn send(mut self, landed: PortResult<Option<Part>>) {
        if let Some(sender) = self.0.take() {
            // Nobody listens any more where the writer is gone.
            let _ = sender.send(landed);
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if let Some(sender) = self.0.take() {
            let _ = sender.send(Err(interrupted()));
        }
    }
}

fn none_open(what: &'static str) -> PortError {
    PortError::new(Port::Objects, ErrorKind::Invalid, what, "expected an open output")
}
