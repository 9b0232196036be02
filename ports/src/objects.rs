//! Sources, staged outputs and publications. The traits suit the weaker backend, in which a put may fail half-way.

use std::collections::BTreeMap;
use std::fs::File;

use async_trait::async_trait;
use data_encoding::HEXLOWER;
use reelgate_flow::asset::{Exit, Verdict};
use reelgate_flow::ids::{AssetId, Sequencer};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{ErrorKind, Port, PortError, PortResult};
use crate::records::{Fence, KeptSource, MediaEvent, SourceRecord, StagedOutput, WithdrawalRecord};

/// A source opened for reading at exactly the recorded version.
#[derive(Debug)]
pub struct OpenSource {
    /// Opened read-only; drop it when the work is done.
    pub file: File,
    /// Bytes.
    pub size_bytes: u64,
    /// Bytes that were transferred for this call, repetitions included; 0 where the file was on the local disk.
    pub fetched_bytes: u64,
    /// Whether the next task finds it on the local disk; false for a source that is larger than the store keeps.
    pub is_kept: bool,
}

/// Writes the outputs of one attempt. Its calls block, so use it on a thread of its own.
///
/// A writer that is dropped without [`StagedWriter::finish`] removes everything it wrote.
pub trait StagedWriter: Send {
    /// Begins an output; the previous output must be closed.
    fn open(&mut self, name: &str) -> PortResult<()>;
    /// Appends to the open output.
    fn write(&mut self, bytes: &[u8]) -> PortResult<()>;
    /// Completes the open output.
    fn close(&mut self) -> PortResult<()>;
    /// Ends the attempt; returns the staged outputs in order, with size and hash.
    fn finish(self: Box<Self>) -> PortResult<Vec<StagedOutput>>;
}

/// Name of the file that is written last in every publication and lists all others.
pub const MANIFEST: &str = "manifest.json";

/// What a producer stored with a source, beside its bytes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SourceLabels {
    /// Names in lower case, in S3 without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// Tags of the object.
    pub tags: BTreeMap<String, String>,
}

/// What a visible file really holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MeasuredOutput {
    /// Bytes.
    pub size_bytes: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

/// A part of a staged or visible file that is read on its own: one segment of a file that holds many.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutputRange {
    /// The file's [`StagedOutput::location`].
    pub location: String,
    /// Its first byte.
    pub offset: u64,
    /// Bytes.
    pub size_bytes: u64,
    /// SHA-256 of these bytes, lower-case hexadecimal.
    pub sha256: String,
}

/// One file of a publication.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublishItem {
    /// Where the file is now: in staging, or in a publication ([`Objects::visible`]). That publication is an original's, or
    /// the asset's own that this one replaces.
    pub staged: StagedOutput,
    /// Its final relative name: `video/720p/00003.m4s`.
    pub name: String,
}

/// The right of one attempt to change what is visible of an asset. A store remembers the latest turn of each asset and refuses
/// an earlier one with `Conflict`, at each step that changes what is visible: a process that was frozen while another attempt
/// took over changes nothing when it wakes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Turn {
    /// The asset.
    pub asset: AssetId,
    /// Grows with each attempt of any task that changes what is visible of the asset.
    pub number: u64,
}

/// The files of an asset that become visible together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Publication {
    /// The published asset, and the turn of this attempt.
    pub turn: Turn,
    /// The upload that the files were made from: its key owns the path, and its sequencer orders replacements.
    pub source: SourceRecord,
    /// Predictable path from the template, relative, sanitised.
    pub path: String,
    /// The files.
    pub items: Vec<PublishItem>,
    /// [`MANIFEST`], written last.
    pub manifest: Vec<u8>,
    /// The asset's verdict: a store that can tag objects puts it on manifest and playlists.
    pub verdict: Verdict,
    /// How far each surface was analysed, in the short form for a tag beside the verdict.
    pub surfaces: String,
}

/// The asset and the upload that outputs at a path belong to. Object stores keep it beside the outputs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Owner {
    /// The asset that published them.
    pub asset: AssetId,
    /// SHA-256 of bucket and key, because the key itself may be personal.
    pub key_sha256: String,
    /// Orders it among the uploads of its key.
    pub sequencer: Sequencer,
    /// SHA-256 of the manifest's bytes.
    pub manifest_sha256: String,
}

impl Owner {
    /// Whom the outputs of this publication belong to.
    pub fn of(publication: &Publication) -> Self {
        let id = &publication.source.id;
        let key = Sha256::new().chain_update(&id.bucket).chain_update([0]).chain_update(&id.key);
        Self {
            asset: publication.turn.asset.clone(),
            key_sha256: HEXLOWER.encode(&key.finalize()),
            sequencer: publication.source.sequencer.clone(),
            manifest_sha256: HEXLOWER.encode(&Sha256::digest(&publication.manifest)),
        }
    }
}

/// The result of a withdrawal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Withdrawn {
    /// Where the source is now; its former location if nothing is left of it.
    pub source_location: String,
    /// What was removed, and the proof.
    pub withdrawal_record: WithdrawalRecord,
}

/// The result of a restoration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Restored {
    /// Where the source is now.
    pub source_location: String,
    /// Where outputs are visible again; `None` if none were kept.
    pub published_location: Option<String>,
}

/// The object store.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Opens the source; `Missing` if it is gone, `Conflict` if the file was changed in place, `Superseded` if the object store
    /// keeps versions apart and the recorded one is no longer the current one, `ChecksumMismatch` if its bytes do not match the
    /// checksum that the object store keeps with it.
    async fn open(&self, source: &SourceRecord) -> PortResult<OpenSource>;

    /// Fails as [`Objects::open`] does if the source is no longer the recorded version. Called after the source was read: the
    /// result would describe another file.
    async fn check_current(&self, source: &SourceRecord) -> PortResult<()>;

    /// The record of the source as it is now, for a file of which more than its content may have changed since it was
    /// recorded, such as its owner or its number of links: [`Objects::open`] refuses it, and only its bytes tell whether it is
    /// still the recorded version. `Conflict` if it is another version for certain, as in a store whose objects never change.
    async fn restamped(&self, _: &SourceRecord) -> PortResult<SourceRecord> {
        let detail = "expected the recorded version, found another";
        Err(PortError::new(Port::Objects, ErrorKind::Conflict, "look at the source again", detail))
    }

    /// Reads a small file next to the source (`movie.mp4` + `.sha256`), at most `bytes_max`; `None` if there is none.
    async fn sidecar(
        &self,
        source: &SourceRecord,
        suffix: &str,
        bytes_max: u64,
    ) -> PortResult<Option<Vec<u8>>>;

    /// The metadata and tags that the producer stored with the source. Files have none.
    async fn labels(&self, _: &SourceRecord) -> PortResult<SourceLabels> {
        Ok(SourceLabels::default())
    }

    /// Starts the staging area of an attempt: empty and separate from every other attempt's.
    async fn stage(&self, fence: &Fence) -> PortResult<Box<dyn StagedWriter>>;

    /// Reads a staged output back, at most `bytes_max`; verifies its hash.
    async fn read_staged(&self, output: &StagedOutput, bytes_max: u64) -> PortResult<Vec<u8>>;

    /// Reads a part of a staged or visible file; verifies its hash. `Missing` if the file is gone, `Corrupt` if it ends before the
    /// part does.
    async fn read_range(&self, range: &OutputRange) -> PortResult<Vec<u8>>;

    /// Makes a whole publication visible and replaces what an older version of the same key has at its path. What it replaces
    /// of another asset is first kept in the quarantine, as [`Objects::withdraw`] keeps outputs: only the withdrawal of that
    /// asset removes it, because only the store knows whether it is under hold. A repeated call changes nothing. `Conflict` if a newer version or another key has the path. Returns where the publication is visible.
    async fn publish(&self, publication: &Publication) -> PortResult<String>;

    /// Where one file of a publication is, as a [`StagedOutput::location`], so that another publication can copy it.
    fn visible(&self, publication_location: &str, name: &str) -> String;

    /// The path of a publication ([`Publication::path`]) by where it is visible; `None` if that is not in this store.
    fn published_path(&self, publication_location: &str) -> Option<String>;

    /// Reads the [`MANIFEST`] of a publication, at most `bytes_max`; `None` if there is none.
    async fn manifest(&self, publication_location: &str, bytes_max: u64) -> PortResult<Option<Vec<u8>>>;

    /// The names of all visible files of a publication, in order, [`MANIFEST`] among them; none where there is no publication.
    async fn visible_names(&self, publication_location: &str) -> PortResult<Vec<String>>;

    /// Reads a visible file of a publication to its end; `None` if there is none.
    async fn measure(&self, publication_location: &str, name: &str) -> PortResult<Option<MeasuredOutput>>;

    /// Removes every output of the asset: first the staged ones, then those visible under `published_path` (a
    /// [`Publication::path`]). Then moves the source as the exit requires. What another asset has at that path
    /// stays. A repeated call, even after a crash at any step, changes nothing.
    ///
    /// With `keep`, the visible outputs are kept in the quarantine, for [`Objects::restore`] or for as long as a hold lasts.
    /// Otherwise they are removed, and so are outputs kept earlier. [`Exit::Erase`] also removes the source, wherever it is by
    /// then. A source that [`Objects::keep_source`] has copied is moved or removed together with its upload. At the end every address is read again: `Unavailable` if one of them is still readable.
    async fn withdraw(
        &self,
        turn: &Turn,
        published_path: Option<&str>,
        source: &SourceRecord,
        exit: Exit,
        keep: bool,
    ) -> PortResult<Withdrawn>;

    /// Restores a quarantined asset: its outputs become visible under `published_path` again, byte for byte, and the source
    /// moves from the quarantine to an area where tasks can read it. That is not the ingest area, where it would count as a
    /// new upload. `Conflict` if another asset has the path by then. A repeated call changes nothing.
    async fn restore(&self, turn: &Turn, published_path: &str, source: &SourceRecord)
    -> PortResult<Restored>;

    /// Copies a source to an area where only Reelgate writes and where tasks can read it, because its producer may replace or
    /// remove an upload. The upload stays. A repeated call changes nothing.
    async fn keep_source(&self, asset: &AssetId, source: &SourceRecord) -> PortResult<KeptSource>;

    /// Removes the staging area of an ended asset.
    async fn discard_staging(&self, asset: &AssetId) -> PortResult<()>;

    /// Assets that have a staging area, for the sweep of abandoned ones.
    async fn staged_assets(&self) -> PortResult<Vec<AssetId>>;

    /// Current uploads in the ingest area in order of key, after `after`, at most `uploads_max`; for the sweep and for
    /// imports of a back-catalogue. Fewer than `uploads_max` means that there are no more.
    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        uploads_max: usize,
    ) -> PortResult<Vec<MediaEvent>>;

    /// Proves that every area can be reached and written. Changes nothing.
    async fn check(&self) -> PortResult<String>;
}
