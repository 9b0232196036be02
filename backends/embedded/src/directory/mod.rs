//! Buckets as directories below one home. Nothing half-done is ever visible: outputs are written under `work/`,
//! assembled there, and appear below `published/` by one rename.
//!
//! ```text
//! ingest/…                        uploads at the paths that producers chose
//! work/ASSET/TASK-ATTEMPT/…       staged files, one directory for each attempt
//! work/.turns/ASSET/NUMBER/…      what the latest attempt is making visible or hiding
//! published/PATH/…                visible outputs, always whole
//! quarantine/ASSET/source         quarantined for personal data; only the owner may enter
//! quarantine/ASSET/outputs/…      outputs that were visible, kept for its release or as long as it is under hold
//! rejected/ASSET/source           refused, untouched
//! released/ASSET/source           source that was released from quarantine, or the copy of one under hold
//! ```
//!
//! The bucket [`FILE_BUCKET`](crate::paths::FILE_BUCKET) holds files outside the home: they are read in place, never
//! moved or removed.

mod files;
#[cfg(test)]
mod freeze;
#[cfg(test)]
mod frozen_tests;
mod home_directory;
mod keep;
mod location;
mod owner;
mod publish;
mod restore;
mod source;
mod staging;
mod turn;
pub mod visible;
mod withdraw;
mod withdrawal_record;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use reelgate_flow::asset::Exit;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{Port, PortError, PortResult};
use reelgate_ports::objects::{
    MANIFEST, MeasuredOutput, Objects, OpenSource, OutputRange, Publication, Restored, StagedWriter, Turn,
    Withdrawn,
};
use reelgate_ports::records::{Fence, KeptSource, MediaEvent, SourceRecord, StagedOutput};

use crate::blocking::on_thread;
use crate::{paths, watch};

use home_directory::{AREAS, HomeDirectory, TRASH};

const OPEN: &str = "open the home directory";

/// The object store of one home.
#[derive(Clone)]
pub struct DirectoryObjects {
    inner: Arc<HomeDirectory>,
}

impl DirectoryObjects {
    /// Opens a home and creates missing directories. Blocking; several processes may share a home.
    pub fn open(home: &Path) -> PortResult<Self> {
        make_areas(home).map_err(|e| PortError::io(Port::Objects, OPEN, &e))?;
        files::remove_tree(&home.join(TRASH)).map_err(|e| PortError::io(Port::Objects, OPEN, &e))?;
        Self::inspect(home)
    }

    /// Opens a home as it is and changes nothing in it.
    pub fn inspect(home: &Path) -> PortResult<Self> {
        let home = home.canonicalize().map_err(|e| PortError::io(Port::Objects, OPEN, &e))?;
        Ok(Self { inner: Arc::new(HomeDirectory { home }) })
    }

    /// The home's absolute path.
    pub fn home(&self) -> &Path {
        &self.inner.home
    }

    /// Runs a blocking call off the executor's threads.
    async fn blocking<T: Send + 'static>(
        &self,
        call: impl FnOnce(&HomeDirectory) -> PortResult<T> + Send + 'static,
    ) -> PortResult<T> {
        let inner = self.inner.clone();
        on_thread(Port::Objects, "use the home directory", move || call(&inner)).await
    }
}

#[async_trait]
impl Objects for DirectoryObjects {
    async fn open(&self, source: &SourceRecord) -> PortResult<OpenSource> {
        let source = source.clone();
        self.blocking(move |inner| source::open(inner, &source)).await
    }

    async fn check_current(&self, source: &SourceRecord) -> PortResult<()> {
        let source = source.clone();
        self.blocking(move |inner| source::open(inner, &source).map(drop)).await
    }

    async fn restamped(&self, source: &SourceRecord) -> PortResult<SourceRecord> {
        let source = source.clone();
        self.blocking(move |inner| source::restamped(inner, &source)).await
    }

    async fn sidecar(
        &self,
        source: &SourceRecord,
        suffix: &str,
        bytes_max: u64,
    ) -> PortResult<Option<Vec<u8>>> {
        let (source, suffix) = (source.clone(), suffix.to_owned());
        self.blocking(move |inner| source::sidecar(inner, &source, &suffix, bytes_max)).await
    }

    async fn stage(&self, fence: &Fence) -> PortResult<Box<dyn StagedWriter>> {
        let fence = fence.clone();
        self.blocking(move |inner| staging::stage(inner, &fence)).await
    }

    async fn read_staged(&self, output: &StagedOutput, bytes_max: u64) -> PortResult<Vec<u8>> {
        let output = output.clone();
        self.blocking(move |inner| staging::read(inner, &output, bytes_max)).await
    }

    async fn read_range(&self, range: &OutputRange) -> PortResult<Vec<u8>> {
        let range = range.clone();
        self.blocking(move |inner| staging::read_range(inner, &range)).await
    }

    async fn publish(&self, publication: &Publication) -> PortResult<String> {
        let publication = publication.clone();
        self.blocking(move |inner| publish::publish(inner, &publication)).await
    }

    fn visible(&self, publication_location: &str, name: &str) -> String {
        let path = Path::new(publication_location).join(name);
        let below = path.strip_prefix(&self.inner.home).unwrap_or(&path);
        below.to_string_lossy().into_owned()
    }

    fn published_path(&self, publication_location: &str) -> Option<String> {
        let published = self.inner.home.join("published");
        let path = Path::new(publication_location).strip_prefix(published).ok()?;
        path.to_str().filter(|path| !path.is_empty()).map(str::to_owned)
    }

    async fn manifest(&self, publication_location: &str, bytes_max: u64) -> PortResult<Option<Vec<u8>>> {
        let location = self.visible(publication_location, MANIFEST);
        self.blocking(move |inner| publish::manifest(inner, &location, bytes_max)).await
    }

    async fn visible_names(&self, publication_location: &str) -> PortResult<Vec<String>> {
        let location = publication_location.to_owned();
        self.blocking(move |inner| visible::names(&output_directory(inner, &location)?)).await
    }

    async fn measure(&self, publication_location: &str, name: &str) -> PortResult<Option<MeasuredOutput>> {
        let (location, name) = (publication_location.to_owned(), name.to_owned());
        self.blocking(move |inner| visible::measure(&output_directory(inner, &location)?, &name)).await
    }

    async fn withdraw(
        &self,
        turn: &Turn,
        published_path: Option<&str>,
        source: &SourceRecord,
        exit: Exit,
        keep: bool,
    ) -> PortResult<Withdrawn> {
        let (turn, path) = (turn.clone(), published_path.map(str::to_owned));
        let source = source.clone();
        self.blocking(move |inner| withdraw::withdraw(inner, &turn, path.as_deref(), &source, exit, keep))
            .await
    }

    async fn restore(
        &self,
        turn: &Turn,
        published_path: &str,
        source: &SourceRecord,
    ) -> PortResult<Restored> {
        let (turn, path, source) = (turn.clone(), published_path.to_owned(), source.clone());
        self.blocking(move |inner| restore::restore(inner, &turn, &path, &source)).await
    }

    async fn keep_source(&self, asset: &AssetId, source: &SourceRecord) -> PortResult<KeptSource> {
        let (asset, source) = (asset.clone(), source.clone());
        self.blocking(move |inner| keep::keep_source(inner, &asset, &source)).await
    }

    async fn discard_staging(&self, asset: &AssetId) -> PortResult<()> {
        let asset = asset.clone();
        self.blocking(move |inner| staging::discard(inner, &asset)).await
    }

    async fn staged_assets(&self) -> PortResult<Vec<AssetId>> {
        self.blocking(staging::assets).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        uploads_max: usize,
    ) -> PortResult<Vec<MediaEvent>> {
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        self.blocking(move |inner| {
            watch::list(&paths::ingest_dir(&inner.home), &prefix, after.as_deref(), uploads_max)
        })
        .await
    }

    async fn check(&self) -> PortResult<String> {
        self.blocking(check).await
    }
}

/// The directory of a publication.
fn output_directory(inner: &HomeDirectory, publication_location: &str) -> PortResult<PathBuf> {
    let path = Path::new(publication_location);
    let below = path.strip_prefix(&inner.home).unwrap_or(path);
    location::output(inner, &below.to_string_lossy())
}

/// Makes missing directories. Uploads and outputs are for others too, unless the operator has changed that since.
fn make_areas(home: &Path) -> io::Result<()> {
    for area in AREAS {
        let dir = home.join(area);
        if dir.exists() {
            continue;
        }
        files::make_dirs(&dir)?;
        if ["ingest", "published"].contains(&area) {
            files::allow_reading(&dir)?;
        }
    }
    Ok(())
}

/// Checks every permission that will be needed, without using it.
fn check(inner: &HomeDirectory) -> PortResult<String> {
    use rustix::fs::{Access, access, statvfs};
    let usable = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    let missing = AREAS.iter().filter(|area| !inner.home.join(area).exists()).count();
    let areas = AREAS.iter().map(|area| inner.home.join(area)).filter(|area| area.exists());
    // Missing directories are made in the home.
    for dir in areas.chain((missing > 0).then(|| inner.home.clone())) {
        access(dir, usable)
            .map_err(|e| PortError::io(Port::Objects, "check a directory of the home", &e.into()))?;
    }
    let space =
        statvfs(&inner.home).map_err(|e| PortError::io(Port::Objects, "ask for free space", &e.into()))?;
    let free_mb = space.f_bavail.saturating_mul(space.f_frsize) / 1_000_000;
    let made = if missing > 0 { format!(", {missing} to be made") } else { String::new() };
    Ok(format!("{} directories writable{made}, {free_mb} MB free", AREAS.len() - missing))
}
