//! The documents that a task leaves for later tasks. They are written and read only here, so that both sides agree.

use reelgate_flow::ids::AssetId;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::messages::{Inspection, Job, VideoJob};
use reelgate_pipelines::recipes::package::StagedFile;
use reelgate_pipelines::recipes::plan::{Plan, VideoChunk};
use reelgate_pipelines::recipes::settings::Segments;
use reelgate_ports::records::{AttemptWork, Claim, StagedOutput, TaskJob};
use reelgate_ports::store::{Product, Store};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::engine_context::EngineContext;
use crate::work::output::{Output, Part};
use crate::work::{ours, planned_work};

/// Encoding one audio track costs about a twentieth of encoding video of the same length.
const AUDIO_SHARE: u64 = 20;
/// Sampling costs about a tenth of encoding: it decodes few frames.
const ENRICH_SHARE: u64 = 10;
/// Reading cues costs about a hundredth of encoding: it decodes no picture.
const CAPTIONS_SHARE: u64 = 100;

/// The document that validation leaves.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Planned {
    pub inspection: Inspection,
    pub plan: Plan,
}

impl Planned {
    pub fn video_chunks(&self) -> Result<u16, Fault> {
        u16::try_from(self.plan.video.len())
            .map_err(|_| Fault::new(Code::Internal, "more chunks than the core allows"))
    }

    /// The jobs of its media tasks; their claims carry them.
    pub fn jobs(&self) -> Result<Vec<TaskJob>, Fault> {
        let (duration_ns, segments) = (self.plan.duration_ns, self.plan.segments);
        let media_ns = self.inspection.facts.duration_ns;
        let mut jobs = Vec::with_capacity(self.plan.video.len() + 3);
        let facts = &self.inspection.facts;
        for (chunk, planned) in (0..self.video_chunks()?).zip(&self.plan.video) {
            let VideoChunk { job, .. } = planned;
            let work = Some(planned_work::of_chunk(facts, planned));
            let (media_ns, job) = (chunk_ns(job), Job::Video(job.clone()));
            let planned = MediaJob { job, media_ns, duration_ns, segments, work };
            jobs.push(planned.of(TaskKey::Video { chunk })?);
        }
        if let Some(audio) = &self.plan.audio {
            let job = Job::Audio(audio.clone());
            let media_ns = (media_ns / AUDIO_SHARE).saturating_mul(audio.passes());
            let work = Some(planned_work::of_audio(audio, duration_ns));
            jobs.push(MediaJob { job, media_ns, duration_ns, segments, work }.of(TaskKey::Audio)?);
        }
        if let Some(captions) = &self.plan.captions {
            let job = Job::Captions(captions.job.clone());
            let work = Some(planned_work::of_captions(media_ns));
            let media_ns = media_ns / CAPTIONS_SHARE;
            jobs.push(MediaJob { job, media_ns, duration_ns, segments, work }.of(TaskKey::Captions)?);
        }
        let job = Job::Enrich(self.plan.enrich.clone());
        let work = Some(planned_work::of_samples(facts, &self.plan.enrich));
        let media_ns = media_ns / ENRICH_SHARE;
        jobs.push(MediaJob { job, media_ns, duration_ns, segments, work }.of(TaskKey::Enrich)?);
        Ok(jobs)
    }

    pub fn to_document(&self) -> Result<serde_json::Value, Fault> {
        to_document(self)
    }
}

/// The document that the claim of a media task carries: everything it needs of the plan.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct MediaJob {
    pub job: Job,
    /// Length of the media that the task processes, nanoseconds: the measure of progress.
    pub media_ns: u64,
    /// Length of the presentation, nanoseconds: the measure of the budgets of tasks that process it whole.
    pub duration_ns: u64,
    /// How segments are published, which decides how they are staged.
    #[serde(default)]
    pub segments: Segments,
    /// How much work it is; `None` in plans of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<AttemptWork>,
}

impl MediaJob {
    /// The job that a claim carries.
    ///
    /// # Errors
    /// `internal` where the claim carries no job, or one of another version.
    pub fn carried(claim: &Claim) -> Result<Self, Fault> {
        let task = claim.fence.task;
        let job = claim.job.as_ref();
        let job = job.ok_or_else(|| Fault::new(Code::Internal, format!("no job was planned for {task}")))?;
        Self::deserialize(job)
            .map_err(|error| Fault::new(Code::Internal, format!("the job of {task} cannot be read: {error}")))
    }

    fn of(&self, task: TaskKey) -> Result<TaskJob, Fault> {
        Ok(TaskJob { task, media_ns: self.media_ns, job: to_document(self)? })
    }
}

/// Length of a chunk on the segment grid, nanoseconds.
fn chunk_ns(job: &VideoJob) -> u64 {
    let first_ns = u64::from(job.first_segment).saturating_mul(job.segment_ns);
    let track_ns = job.track_end_ns.saturating_sub(job.zero_ns);
    let end_ns = job.end_segment.map_or(track_ns, |end| u64::from(end).saturating_mul(job.segment_ns));
    end_ns.min(track_ns).saturating_sub(first_ns)
}

/// The document that the encode of a chunk or of the audio leaves.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Encoded<T> {
    pub gstreamer: String,
    pub result: T,
    /// Its outputs, where they are parts of one staged file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

/// The document that one finished task left.
pub async fn document<T: DeserializeOwned>(
    from: &dyn Store,
    asset: &AssetId,
    task: TaskKey,
) -> Result<T, Fault> {
    read_document(task, product(from, asset, task).await?.as_ref())
}

/// What one finished task left; `None` where it left nothing.
pub async fn product(from: &dyn Store, asset: &AssetId, task: TaskKey) -> Result<Option<Product>, Fault> {
    from.product(asset, task).await.map_err(ours)
}

/// Everything that an asset's finished tasks left, for the tasks that join it.
pub struct Products(Vec<(Product, Vec<Output>)>);

impl Products {
    /// Loads them from the store.
    pub async fn read(context: &EngineContext, asset: &AssetId) -> Result<Self, Fault> {
        let products = context.store.products(asset).await.map_err(ours)?;
        let with_outputs = |product: Product| outputs(&product).map(|outputs| (product, outputs));
        products.into_iter().map(with_outputs).collect::<Result<_, _>>().map(Self)
    }

    /// The document of one task.
    pub fn document<T: DeserializeOwned>(&self, task: TaskKey) -> Result<T, Fault> {
        read_document(task, self.get(task))
    }

    /// The staged files of one task.
    pub fn files(&self, task: TaskKey) -> &[StagedOutput] {
        self.get(task).map_or(&[], |product| &product.outputs)
    }

    /// The outputs of one task: its staged files, or their parts.
    pub fn outputs(&self, task: TaskKey) -> &[Output] {
        self.0.iter().find(|(product, _)| product.task == task).map_or(&[], |(_, outputs)| outputs)
    }

    /// The output that is this file, with the task that made it.
    ///
    /// # Errors
    /// `count_mismatch` if the task has not left it.
    pub fn output(&self, file: &StagedFile) -> Result<(TaskKey, Output), Fault> {
        let output = self.outputs(file.task).iter().find(|output| output.staged.name == file.staged);
        let lost = || Fault::new(Code::CountMismatch, format!("{} lost an output", file.task));
        Ok((file.task, output.ok_or_else(lost)?.clone()))
    }

    /// Tasks that left something.
    pub fn tasks(&self) -> impl Iterator<Item = TaskKey> {
        self.0.iter().map(|(product, _)| product.task)
    }

    fn get(&self, task: TaskKey) -> Option<&Product> {
        self.0.iter().map(|(product, _)| product).find(|product| product.task == task)
    }
}

/// What a task staged. Only encodes stage parts.
fn outputs(product: &Product) -> Result<Vec<Output>, Fault> {
    let parts = match product.task {
        TaskKey::Video { .. } | TaskKey::Audio => {
            read_document::<Encoded<serde_json::Value>>(product.task, Some(product))?.parts
        }
        _ => Vec::new(),
    };
    Ok(Output::all(&product.outputs, &parts))
}

/// The document of a product that a task left.
pub fn read_document<T: DeserializeOwned>(task: TaskKey, product: Option<&Product>) -> Result<T, Fault> {
    let product = product.ok_or_else(|| Fault::new(Code::Internal, format!("{task} left no result")))?;
    T::deserialize(&product.result)
        .map_err(|error| Fault::new(Code::Internal, format!("the result of {task} cannot be read: {error}")))
}

pub fn to_document<T: Serialize>(value: &T) -> Result<serde_json::Value, Fault> {
    serde_json::to_value(value)
        .map_err(|error| Fault::new(Code::Internal, format!("write a result: {error}")))
}
