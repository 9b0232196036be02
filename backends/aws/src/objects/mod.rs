//! Objects in S3.
//!
//! ```text
//! ingest/…                        uploads, each where its producer put it
//! work/ASSET/TASK-ATTEMPT/…       what attempts stage, apart from each other
//! published/PATH/…                what is visible; `manifest.json` is written last
//! quarantine/ASSET/source         quarantined for personal data
//! quarantine/ASSET/outputs/…      what was visible when it was quarantined, kept for its release
//! rejected/ASSET/source           refused, untouched; or let go from quarantine
//! ```
//!
//! Each of these is a bucket or a prefix of one. A source is read and moved at its exact version: by version id where
//! the bucket keeps versions, else by entity tag. Nothing is ever hidden behind a delete marker: what is removed is
//! removed by version, for good.

pub(crate) mod bucket;
mod check;
pub(crate) mod checksum;
mod copy;
mod engine;
pub(crate) mod list;
pub(crate) mod multipart;
mod owner;
mod publish;
mod read;
mod restore;
mod scratch;
mod settings;
mod source;
mod staging;
mod withdraw;
mod withdrawal_record;

use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use reelgate_flow::asset::Exit;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::PortResult;
use reelgate_ports::objects::{
    MANIFEST, Objects, OpenSource, Publication, Restored, StagedWriter, Withdrawn,
};
use reelgate_ports::records::{Fence, MediaEvent, SourceRecord, StagedOutput};

pub use settings::{
    Areas, COPY_BYTES_MAX, Checksums, ObjectsSettings, PART_BYTES_MIN, PARTS_MAX, TransferSettings,
};

/// The object store in S3.
#[derive(Clone)]
pub struct S3Objects {
    inner: Arc<Inner>,
}

struct Inner {
    areas: Areas,
    bucket: Arc<bucket::Bucket>,
    /// With the rights of those who watch, to prove what they cannot read.
    viewer: Option<Arc<bucket::Bucket>>,
    scratch: scratch::Scratch,
    engine: engine::Engine,
}

impl S3Objects {
    /// The object store of these areas; connects when it is first used. `Invalid` where the settings cannot be.
    pub fn new(config: &SdkConfig, settings: ObjectsSettings) -> PortResult<Self> {
        let ObjectsSettings { areas, transfer, scratch_dir, scratch_bytes_max, viewer } = settings;
        areas.check()?;
        let viewer = viewer.map(|config| bucket::Bucket::new(&config, transfer.clone()).map(Arc::new));
        let viewer = viewer.transpose()?;
        let bucket = Arc::new(bucket::Bucket::new(config, transfer)?);
        let scratch = scratch::Scratch::new(scratch_dir, scratch_bytes_max);
        Ok(Self { inner: Arc::new(Inner { areas, bucket, viewer, scratch, engine: engine::Engine::new()? }) })
    }
}

#[async_trait]
impl Objects for S3Objects {
    async fn open(&self, source: &SourceRecord) -> PortResult<OpenSource> {
        self.inner.engine.run(source::open(self.inner.clone(), source.clone())).await
    }

    async fn unchanged(&self, source: &SourceRecord) -> PortResult<bool> {
        let (inner, source) = (self.inner.clone(), source.clone());
        self.inner.engine.run(async move { source::unchanged(&inner, &source).await }).await
    }

    async fn sidecar(
        &self,
        source: &SourceRecord,
        suffix: &str,
        bytes_max: u64,
    ) -> PortResult<Option<Vec<u8>>> {
        let (inner, source, suffix) = (self.inner.clone(), source.clone(), suffix.to_owned());
        self.inner.engine.run(async move { source::sidecar(&inner, &source, &suffix, bytes_max).await }).await
    }

    async fn stage(&self, fence: &Fence) -> PortResult<Box<dyn StagedWriter>> {
        self.inner.engine.run(staging::stage(self.inner.clone(), fence.clone())).await
    }

    async fn read_staged(&self, output: &StagedOutput, bytes_max: u64) -> PortResult<Vec<u8>> {
        let (inner, output) = (self.inner.clone(), output.clone());
        self.inner.engine.run(async move { staging::read(&inner, &output, bytes_max).await }).await
    }

    async fn publish(&self, publication: &Publication) -> PortResult<String> {
        self.inner.engine.run(publish::publish(self.inner.clone(), publication.clone())).await
    }

    fn visible(&self, publication_location: &str, name: &str) -> String {
        format!("{publication_location}/{name}")
    }

    async fn manifest(&self, publication_location: &str, bytes_max: u64) -> PortResult<Option<Vec<u8>>> {
        let (inner, location) = (self.inner.clone(), self.visible(publication_location, MANIFEST));
        self.inner.engine.run(async move { publish::manifest(&inner, &location, bytes_max).await }).await
    }

    async fn withdraw(
        &self,
        asset: &AssetId,
        published_path: Option<&str>,
        source: &SourceRecord,
        exit: Exit,
    ) -> PortResult<Withdrawn> {
        let (inner, asset, path) = (self.inner.clone(), asset.clone(), published_path.map(str::to_owned));
        self.inner.engine.run(withdraw::withdraw(inner, asset, path, source.clone(), exit)).await
    }

    async fn restore(
        &self,
        asset: &AssetId,
        published_path: &str,
        source: &SourceRecord,
    ) -> PortResult<Restored> {
        let (asset, path, source) = (asset.clone(), published_path.to_owned(), source.clone());
        self.inner.engine.run(restore::restore(self.inner.clone(), asset, path, source)).await
    }

    async fn discard_staging(&self, asset: &AssetId) -> PortResult<()> {
        let (inner, asset) = (self.inner.clone(), asset.clone());
        self.inner.engine.run(async move { staging::discard(&inner, &asset).await }).await
    }

    async fn staged_assets(&self) -> PortResult<Vec<AssetId>> {
        let inner = self.inner.clone();
        let listed = async move { list::staged_assets(&inner.bucket, &inner.areas.work).await };
        self.inner.engine.run(listed).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        uploads_max: usize,
    ) -> PortResult<Vec<MediaEvent>> {
        let (inner, prefix, after) = (self.inner.clone(), prefix.to_owned(), after.map(str::to_owned));
        let listed = async move {
            list::uploads(&inner.bucket, &inner.areas.ingest, &prefix, after.as_deref(), uploads_max).await
        };
        self.inner.engine.run(listed).await
    }

    async fn check(&self) -> PortResult<String> {
        self.inner.engine.run(check::check(self.inner.clone())).await
    }
}
