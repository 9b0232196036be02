//! Objects in S3.
//!
//! ```text
//! ingest/…                        uploads, under their producers' keys
//! work/ASSET/TASK-ATTEMPT/…       staged outputs, separate for each attempt
//! published/PATH/…                visible outputs; `manifest.json` is written last
//! quarantine/ASSET/source         source, quarantined for personal data
//! quarantine/ASSET/turn           number of the latest attempt that may change what is visible
//! quarantine/ASSET/outputs/…      outputs that were visible, kept for a release or as long as the asset is under hold
//! rejected/ASSET/source           source, rejected, released from quarantine, or the copy of one under hold; unchanged
//! ```
//!
//! Each of these is a bucket or a prefix of one. A source is read and moved at its exact version: by version id if the
//! bucket has versioning, otherwise by entity tag. Delete markers are never used: objects are removed by version,
//! permanently.

pub(crate) mod bucket;
mod check;
pub(crate) mod checksum;
mod copy;
mod engine;
mod keep_replaced;
pub(crate) mod list;
mod listed_version;
mod move_source;
pub(crate) mod multipart;
mod owner;
mod publish;
mod read;
mod request_counter;
mod restore;
mod scratch;
mod settings;
mod source;
mod staging;
mod store_context;
mod turn;
mod visible;
mod withdraw;
mod withdrawal_record;

use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use reelgate_flow::asset::Exit;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::PortResult;
use reelgate_ports::objects::{
    MANIFEST, MeasuredOutput, Objects, OpenSource, OutputRange, Publication, Restored, SourceLabels,
    StagedWriter, Turn, Withdrawn,
};
use reelgate_ports::records::{Fence, KeptSource, MediaEvent, SourceRecord, StagedOutput};

use crate::location::Location;
use bucket::Bucket;
use engine::Engine;
use scratch::Scratch;
use store_context::StoreContext;

pub use settings::{
    Areas, COPY_BYTES_MAX, Checksums, ObjectsSettings, PART_BYTES_MIN, PARTS_MAX, TransferSettings,
};

/// The object store in S3.
#[derive(Clone)]
pub struct S3Objects {
    context: Arc<StoreContext>,
}

impl S3Objects {
    /// The object store of these areas. The first use connects. `Invalid` if the settings are invalid.
    pub fn new(config: &SdkConfig, settings: ObjectsSettings) -> PortResult<Self> {
        let ObjectsSettings { areas, transfer, scratch_dir, scratch_bytes_max, viewer } = settings;
        areas.check()?;
        let viewer = viewer.map(|config| Bucket::new(&config, transfer.clone()).map(Arc::new));
        let viewer = viewer.transpose()?;
        let bucket = Arc::new(Bucket::new(config, transfer)?);
        let scratch = Scratch::new(scratch_dir, scratch_bytes_max);
        let engine = Engine::new()?;
        Ok(Self { context: Arc::new(StoreContext { areas, bucket, viewer, scratch, engine }) })
    }
}

#[async_trait]
impl Objects for S3Objects {
    async fn open(&self, source: &SourceRecord) -> PortResult<OpenSource> {
        self.context.engine.run(source::open(self.context.clone(), source.clone())).await
    }

    async fn check_current(&self, source: &SourceRecord) -> PortResult<()> {
        let (context, source) = (self.context.clone(), source.clone());
        self.context.engine.run(async move { source::check_current(&context, &source).await }).await
    }

    async fn sidecar(
        &self,
        source: &SourceRecord,
        suffix: &str,
        bytes_max: u64,
    ) -> PortResult<Option<Vec<u8>>> {
        let (context, source, suffix) = (self.context.clone(), source.clone(), suffix.to_owned());
        self.context
            .engine
            .run(async move { source::sidecar(&context, &source, &suffix, bytes_max).await })
            .await
    }

    async fn labels(&self, source: &SourceRecord) -> PortResult<SourceLabels> {
        let (context, source) = (self.context.clone(), source.clone());
        self.context.engine.run(async move { source::labels(&context, &source).await }).await
    }

    async fn stage(&self, fence: &Fence) -> PortResult<Box<dyn StagedWriter>> {
        self.context.engine.run(staging::stage(self.context.clone(), fence.clone())).await
    }

    async fn read_staged(&self, output: &StagedOutput, bytes_max: u64) -> PortResult<Vec<u8>> {
        let (context, output) = (self.context.clone(), output.clone());
        self.context.engine.run(async move { staging::read(&context, &output, bytes_max).await }).await
    }

    async fn read_range(&self, range: &OutputRange) -> PortResult<Vec<u8>> {
        let (context, range) = (self.context.clone(), range.clone());
        self.context.engine.run(async move { staging::read_range(&context, &range).await }).await
    }

    async fn publish(&self, publication: &Publication) -> PortResult<String> {
        self.context.engine.run(publish::publish(self.context.clone(), publication.clone())).await
    }

    fn visible(&self, publication_location: &str, name: &str) -> String {
        format!("{publication_location}/{name}")
    }

    fn published_path(&self, publication_location: &str) -> Option<String> {
        let at = Location::parse(publication_location).ok()?;
        self.context.areas.published.name_of(&at).map(str::to_owned)
    }

    async fn manifest(&self, publication_location: &str, bytes_max: u64) -> PortResult<Option<Vec<u8>>> {
        let (context, location) = (self.context.clone(), self.visible(publication_location, MANIFEST));
        self.context.engine.run(async move { publish::manifest(&context, &location, bytes_max).await }).await
    }

    async fn visible_names(&self, publication_location: &str) -> PortResult<Vec<String>> {
        let (context, location) = (self.context.clone(), publication_location.to_owned());
        self.context.engine.run(async move { visible::names(&context, &location).await }).await
    }

    async fn measure(&self, publication_location: &str, name: &str) -> PortResult<Option<MeasuredOutput>> {
        let (context, location, name) =
            (self.context.clone(), publication_location.to_owned(), name.to_owned());
        self.context.engine.run(async move { visible::measure(&context, &location, &name).await }).await
    }

    async fn withdraw(
        &self,
        turn: &Turn,
        published_path: Option<&str>,
        source: &SourceRecord,
        exit: Exit,
        keep: bool,
    ) -> PortResult<Withdrawn> {
        let (context, turn, path) = (self.context.clone(), turn.clone(), published_path.map(str::to_owned));
        self.context.engine.run(withdraw::withdraw(context, turn, path, source.clone(), exit, keep)).await
    }

    async fn restore(
        &self,
        turn: &Turn,
        published_path: &str,
        source: &SourceRecord,
    ) -> PortResult<Restored> {
        let (turn, path, source) = (turn.clone(), published_path.to_owned(), source.clone());
        self.context.engine.run(restore::restore(self.context.clone(), turn, path, source)).await
    }

    async fn keep_source(&self, _: &AssetId, source: &SourceRecord) -> PortResult<KeptSource> {
        let (context, source) = (self.context.clone(), source.clone());
        self.context.engine.run(async move { move_source::keep_source(&context, &source).await }).await
    }

    async fn discard_staging(&self, asset: &AssetId) -> PortResult<()> {
        let (context, asset) = (self.context.clone(), asset.clone());
        self.context.engine.run(async move { staging::discard(&context, &asset).await }).await
    }

    async fn staged_assets(&self) -> PortResult<Vec<AssetId>> {
        let context = self.context.clone();
        let listed = async move { list::staged_assets(&context.bucket, &context.areas.work).await };
        self.context.engine.run(listed).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        uploads_max: usize,
    ) -> PortResult<Vec<MediaEvent>> {
        let (context, prefix, after) = (self.context.clone(), prefix.to_owned(), after.map(str::to_owned));
        let listed = async move {
            list::uploads(&context.bucket, &context.areas.ingest, &prefix, after.as_deref(), uploads_max)
                .await
        };
        self.context.engine.run(listed).await
    }

    async fn check(&self) -> PortResult<String> {
        self.context.engine.run(check::check(self.context.clone())).await
    }
}
