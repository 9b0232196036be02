//! Bytes: sources, staged outputs, publications. Shaped by the slower backend, where a put may half-happen.

use std::fs::File;

use async_trait::async_trait;
use reelgate_flow::asset::Exit;
use reelgate_flow::ids::AssetId;

use crate::error::PortResult;
use crate::records::{Fence, MediaEvent, SourceRecord, StagedOutput, WithdrawalRecord};

/// A source opened for reading at exactly the recorded version.
#[derive(Debug)]
pub struct OpenSource {
    /// Read-only; dropped when the work is done.
    pub file: File,
    /// Bytes.
    pub size_bytes: u64,
}

/// Writes the outputs of one attempt. Blocking: used on a thread of its own.
///
/// Dropped without [`StagedWriter::finish`], everything it wrote is removed.
pub trait StagedWriter: Send {
    /// Begins an output; the one before must be closed.
    fn open(&mut self, name: &str) -> PortResult<()>;
    /// Appends.
    fn write(&mut self, bytes: &[u8]) -> PortResult<()>;
    /// Completes the output.
    fn close(&mut self) -> PortResult<()>;
    /// Ends the attempt; what was staged, in order, with size and hash.
    fn finish(self: Box<Self>) -> PortResult<Vec<StagedOutput>>;
}

/// Name of the file that ends every publication and lists the others.
pub const MANIFEST: &str = "manifest.json";

/// One file of a publication.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublishItem {
    /// Where it lies now: staged, or in a publication ([`Objects::visible`]): an original's, or the asset's own that this
    /// one takes the place of.
    pub staged: StagedOutput,
    /// Its final relative name: `video/720p/00003.m4s`.
    pub name: String,
}

/// Everything that becomes visible at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Publication {
    /// Which asset.
    pub asset: AssetId,
    /// The upload it was made from: its key owns the path, and its sequencer orders replacements.
    pub source: SourceRecord,
    /// Predictable path from the template, relative, sanitised.
    pub path: String,
    /// The files.
    pub items: Vec<PublishItem>,
    /// [`MANIFEST`], written last.
    pub manifest: Vec<u8>,
    /// Its verdict is `flagged`: a store that can mark objects flags manifest and playlists.
    pub flagged: bool,
}

/// What a withdrawal did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Withdrawn {
    /// Where the source is now; where it was, where nothing is left of it.
    pub source_location: String,
    /// What was taken away, and the proof.
    pub withdrawal_record: WithdrawalRecord,
}

/// What a restoration did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Restored {
    /// Where the source is now.
    pub source_location: String,
    /// Where outputs are visible again; `None` where none were kept.
    pub published_location: Option<String>,
}

/// The object store.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Opens the source; `Missing` where it is gone, `Conflict` where it is no longer that version.
    async fn open(&self, source: &SourceRecord) -> PortResult<OpenSource>;

    /// Whether the source is still the recorded version (after it was read).
    async fn unchanged(&self, source: &SourceRecord) -> PortResult<bool>;

    /// A small file beside the source (`movie.mp4` + `.sha256`), at most `bytes_max`; `None` where there is none.
    async fn sidecar(
        &self,
        source: &SourceRecord,
        suffix: &str,
        bytes_max: u64,
    ) -> PortResult<Option<Vec<u8>>>;

    /// Starts an attempt's staging area, empty, apart from every other attempt's.
    async fn stage(&self, fence: &Fence) -> PortResult<Box<dyn StagedWriter>>;

    /// Reads a staged output back, at most `bytes_max`; verifies its hash.
    async fn read_staged(&self, output: &StagedOutput, bytes_max: u64) -> PortResult<Vec<u8>>;

    /// Makes a publication visible, whole, replacing what an older version of the same key has at its path;
    /// doing it twice changes nothing. `Conflict` where a newer version or another key stands there.
    /// Returns where it is visible.
    async fn publish(&self, publication: &Publication) -> PortResult<String>;

    /// Where one file of a publication lies, as a [`StagedOutput::location`], so that another publication can copy it.
    fn visible(&self, publication_location: &str, name: &str) -> String;

    /// Reads the [`MANIFEST`] of a publication, at most `bytes_max`; `None` where none stands there.
    async fn manifest(&self, publication_location: &str, bytes_max: u64) -> PortResult<Option<Vec<u8>>>;

    /// Takes every output of the asset away, staged first, then visible under `published_path` (a
    /// [`Publication::path`]), and moves the source as the exit says. What another asset has at that path
    /// stays. Doing it twice, or again after a crash at any step, changes nothing.
    ///
    /// Through [`Exit::Quarantine`] what was visible is kept beside the source, out of sight, for
    /// [`Objects::restore`]; through every other exit it is removed, and so is what was kept. [`Exit::Erase`] removes
    /// the source too, wherever it is by now. In the end every address is looked at again: `Unavailable` where one can
    /// still be read.
    async fn withdraw(
        &self,
        asset: &AssetId,
        published_path: Option<&str>,
        source: &SourceRecord,
        exit: Exit,
    ) -> PortResult<Withdrawn>;

    /// Brings a quarantined asset back: what was visible under `published_path` is visible there again, byte for byte,
    /// and the source leaves the quarantine for a place where work can read it; not for the ingest area, where it would
    /// count as a new upload. `Conflict` where another asset has the path by now. Doing it twice changes nothing.
    async fn restore(
        &self,
        asset: &AssetId,
        published_path: &str,
        source: &SourceRecord,
    ) -> PortResult<Restored>;

    /// Removes the staging area of an ended asset.
    async fn discard_staging(&self, asset: &AssetId) -> PortResult<()>;

    /// Assets that have a staging area, for the sweep of leftovers.
    async fn staged_assets(&self) -> PortResult<Vec<AssetId>>;

    /// Current uploads in the ingest area in order of key, beginning after `after`, at most `uploads_max`; for the
    /// sweep and for imports of a back-catalogue. Fewer than asked for means that there are no more.
    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        uploads_max: usize,
    ) -> PortResult<Vec<MediaEvent>>;

    /// Proves that every area can be reached and written, changing nothing.
    async fn check(&self) -> PortResult<String>;
}
