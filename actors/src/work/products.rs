//! Documents that one task leaves for later ones: written and read here only, so that they cannot drift apart.

use reelgate_flow::ids::AssetId;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::messages::{Inspection, VideoJob};
use reelgate_pipelines::recipes::plan::{Plan, VideoChunk};
use reelgate_ports::records::StagedOutput;
use reelgate_ports::store::{Product, Store};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::house::House;
use crate::work::ours;

/// Audio costs about a twentieth of video of the same length.
const AUDIO_SHARE: u64 = 20;
/// Sampling decodes few frames.
const ENRICH_SHARE: u64 = 10;

/// What validation leaves.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Planned {
    /// Facts and index.
    pub inspection: Inspection,
    /// Jobs.
    pub plan: Plan,
}

impl Planned {
    /// Chunks of video in the plan.
    pub fn video_chunks(&self) -> Result<u16, Fault> {
        u16::try_from(self.plan.video.len())
            .map_err(|_| Fault::new(Code::Internal, "more chunks than the core allows"))
    }

    /// The job of one chunk.
    pub fn chunk(&self, chunk: u16) -> Result<&VideoChunk, Fault> {
        self.plan
            .video
            .get(usize::from(chunk))
            .ok_or_else(|| Fault::new(Code::Internal, "the plan holds no such chunk"))
    }

    /// How much media a task works through, nanoseconds: the measure of progress and of budgets.
    pub fn media_ns(&self, task: TaskKey) -> u64 {
        match task {
            TaskKey::Video { chunk } => {
                self.plan.video.get(usize::from(chunk)).map_or(0, |chunk| chunk_ns(&chunk.job))
            }
            TaskKey::Audio => {
                self.plan.audio.as_ref().map_or(0, |_| self.inspection.facts.duration_ns / AUDIO_SHARE)
            }
            TaskKey::Enrich => self.inspection.facts.duration_ns / ENRICH_SHARE,
            _ => 0,
        }
    }

    /// As a document.
    pub fn to_document(&self) -> Result<serde_json::Value, Fault> {
        to_document(self)
    }
}

/// Length of a chunk on the segment grid, nanoseconds.
fn chunk_ns(job: &VideoJob) -> u64 {
    let first_ns = u64::from(job.first_segment).saturating_mul(job.segment_ns);
    let track_ns = job.track_end_ns.saturating_sub(job.zero_ns);
    let end_ns = job.end_segment.map_or(track_ns, |end| u64::from(end).saturating_mul(job.segment_ns));
    end_ns.min(track_ns).saturating_sub(first_ns)
}

/// What a chunk or the audio leaves.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Encoded<T> {
    /// The version of GStreamer that made it.
    pub gstreamer: String,
    /// The worker's result.
    pub result: T,
}

/// Everything an asset's finished tasks left.
pub struct Products(Vec<Product>);

impl Products {
    /// Reads them from the house's store.
    pub async fn read(house: &House, asset: &AssetId) -> Result<Self, Fault> {
        Self::of(&*house.store, asset).await
    }

    /// Reads them from a store.
    pub async fn of(from: &dyn Store, asset: &AssetId) -> Result<Self, Fault> {
        Ok(Self(from.products(asset).await.map_err(ours)?))
    }

    /// The document of one task.
    pub fn document<T: DeserializeOwned>(&self, task: TaskKey) -> Result<T, Fault> {
        let product =
            self.get(task).ok_or_else(|| Fault::new(Code::Internal, format!("{task} left no result")))?;
        serde_json::from_value(product.result.clone()).map_err(|error| {
            Fault::new(Code::Internal, format!("the result of {task} cannot be read: {error}"))
        })
    }

    /// The staged files of one task.
    pub fn outputs(&self, task: TaskKey) -> &[StagedOutput] {
        self.get(task).map_or(&[], |product| &product.outputs)
    }

    /// Tasks that left something.
    pub fn tasks(&self) -> impl Iterator<Item = TaskKey> {
        self.0.iter().map(|product| product.task)
    }

    fn get(&self, task: TaskKey) -> Option<&Product> {
        self.0.iter().find(|product| product.task == task)
    }
}

/// A value of ours as a document.
pub fn to_document<T: Serialize>(value: &T) -> Result<serde_json::Value, Fault> {
    serde_json::to_value(value)
        .map_err(|error| Fault::new(Code::Internal, format!("write a result: {error}")))
}
