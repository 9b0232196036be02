//! Encodes one chunk of video or the whole audio without what must not be seen or heard.
//!
//! It is encoded twice: without the redaction, and with it. Only the touched segments of the second run are used. The
//! encoder gives the same bytes for the same frames, so every other segment stays byte for byte as it was published,
//! even if its earlier file no longer exists.

use std::collections::BTreeSet;
use std::sync::Arc;

use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::client::CancelFlag;
use reelgate_pipelines::messages::{AudioEncoded, AudioResult, Finished, Job, VideoResult};
use reelgate_pipelines::recipes::redact::{
    Request, of_audio, of_chunk, replaced, splice_audio, splice_video, touches,
};
use reelgate_ports::records::{Claim, Success};

use crate::engine_context::EngineContext;
use crate::stage::AttemptFacts;
use crate::work::encode_task::encode_budget;
use crate::work::media::{JobFiles, MediaOrder, other_result, own_names, run_into};
use crate::work::output::{self, Output, Part};
use crate::work::package::video_part;
use crate::work::products::{Encoded, MediaJob, Planned, document, to_document};
use crate::work::{joined, ours, source};

/// Folder of the second run's files within the attempt's staging area.
const AGAIN: &str = "again/";

/// Whether a request touches a task.
pub fn is_touched(job: &Job, request: &Request) -> Result<bool, Fault> {
    match job {
        Job::Video(job) => touches(job, request),
        Job::Audio(_) => Ok(!request.mutes.is_empty()),
        // Captions leave things out when they are packaged.
        _ => Ok(false),
    }
}

/// Runs an encode that a request touches.
pub async fn redacted(
    context: &Arc<EngineContext>,
    claim: &Claim,
    planned: MediaJob,
    request: &Request,
    cancel: &CancelFlag,
    learned: &mut AttemptFacts,
) -> Result<Success, Fault> {
    let task = claim.fence.task;
    let budget = encode_budget(&context.settings.budgets, &planned)?;
    let MediaJob { job: plain, media_ns, segments, .. } = planned;
    // Only the few chunks that a redaction touches read the whole plan.
    let planned: Planned = document(&*context.store, &claim.fence.asset, TaskKey::Validate).await?;
    let planned = &planned;
    let (writer, parts) = output::stage(context, claim, segments).await?;
    let (source, opened) = source::open(context, claim).await?.split();
    let files = JobFiles { source, writer, named: own_names() };
    let order = MediaOrder { job: plain, budget: budget.clone(), media_ns };
    let first = run_into(context, claim, order, files, cancel, learned).await?;
    source::check_current(context, &opened).await?;
    let (again, names) = second(planned, task, &first.finished, request)?;
    let wanted = names.clone();
    let named = move |name: &str| {
        let is_wanted = wanted.contains(name) || name.ends_with("/init.mp4");
        is_wanted.then(|| format!("{AGAIN}{name}"))
    };
    let (source, opened) = source::open(context, claim).await?.split();
    let files = JobFiles { source, writer: first.writer, named: Box::new(named) };
    let order = MediaOrder { job: again, budget, media_ns };
    let second = run_into(context, claim, order, files, cancel, learned).await?;
    let writer = second.writer;
    let staged = joined(tokio::task::spawn_blocking(move || writer.finish().map_err(ours)).await)??;
    source::check_current(context, &opened).await?;
    let gstreamer = first.gstreamer;
    let (new, old): (Vec<Output>, Vec<Output>) = Output::all(&staged, &parts.take())
        .into_iter()
        .partition(|output| output.staged.name.starts_with(AGAIN));
    let new: Vec<Output> = new.into_iter().map(renamed).collect();
    let outputs = merged(&old, &new, &names);
    let parts: Vec<Part> = outputs.iter().filter_map(Output::as_part).collect();
    let result = match (first.finished, second.finished) {
        (Finished::Video(before), Finished::Video(after)) => {
            let (before, after) = (video_part(task, before, &old)?, video_part(task, after, &new)?);
            let numbers = touched_numbers(planned, task, &before.result, request)?;
            let result = splice_video(&before, &after, &numbers)?.result;
            to_document(&Encoded { gstreamer, result, parts: parts.clone() })?
        }
        (Finished::Audio(before), Finished::Audio(after)) => {
            same_inits(&before, &old, &new)?;
            let touched = of_audio(&planned.plan, &before, request)?.map(|redaction| redaction.tracks);
            let result = splice_audio(&before, &after, &touched.unwrap_or_default())?;
            to_document(&Encoded { gstreamer, result, parts: parts.clone() })?
        }
        _ => return Err(other_result()),
    };
    context.progress_board.progressed(&claim.fence.asset, task, media_ns);
    let outputs = match parts.is_empty() {
        true => outputs.into_iter().map(|output| output.staged).collect(),
        // The one file that holds them all.
        false => staged,
    };
    Ok(Success::Produced { result, outputs })
}

/// The second job, and the names of its files that are used.
fn second(
    planned: &Planned,
    task: TaskKey,
    first: &Finished,
    request: &Request,
) -> Result<(Job, BTreeSet<String>), Fault> {
    let plan = &planned.plan;
    let gone = || Fault::new(Code::Internal, "a redaction touches a task of another plan");
    match (task, first) {
        (TaskKey::Video { chunk }, Finished::Video(result)) => {
            let redaction = of_chunk(plan, chunk, result, request)?.ok_or_else(gone)?;
            let rungs = result.rungs.iter().flat_map(|rung| replaced(&rung.name, &redaction.segments));
            Ok((Job::Video(redaction.job(plan).ok_or_else(gone)?), rungs.collect()))
        }
        (_, Finished::Audio(result)) => {
            let redaction = of_audio(plan, result, request)?.ok_or_else(gone)?;
            let tracks = redaction.tracks.iter();
            let names = tracks.flat_map(|track| replaced(&track.name, &track.segments)).collect();
            Ok((Job::Audio(redaction.job(plan).ok_or_else(gone)?), names))
        }
        _ => Err(other_result()),
    }
}

/// The segments of the second run of a chunk that are used.
fn touched_numbers(
    planned: &Planned,
    task: TaskKey,
    first: &VideoResult,
    request: &Request,
) -> Result<Vec<u32>, Fault> {
    let TaskKey::Video { chunk } = task else { return Err(other_result()) };
    let redaction = of_chunk(&planned.plan, chunk, first, request)?;
    Ok(redaction.map(|redaction| redaction.segments).unwrap_or_default())
}

fn renamed(mut output: Output) -> Output {
    if let Some(name) = output.staged.name.strip_prefix(AGAIN) {
        output.staged.name = name.to_owned();
    }
    output
}

/// The outputs of the first run, each replaced where the second run's file is used.
fn merged(old: &[Output], new: &[Output], names: &BTreeSet<String>) -> Vec<Output> {
    let chosen = |old: &Output| {
        let is_it = |new: &&Output| new.staged.name == old.staged.name && names.contains(&new.staged.name);
        new.iter().find(is_it).unwrap_or(old).clone()
    };
    old.iter().map(chosen).collect()
}

/// Checks that both runs have the same initialization segment of every track.
fn same_inits(first: &AudioResult, old: &[Output], new: &[Output]) -> Result<(), Fault> {
    let same = |encoded: &AudioEncoded| {
        let name = format!("{}/init.mp4", encoded.track.name);
        let hash = |outputs: &[Output]| {
            let init = outputs.iter().find(|output| output.staged.name == name);
            init.map(|output| output.staged.sha256.clone())
        };
        hash(old) == hash(new)
    };
    if first.encoded().all(same) {
        return Ok(());
    }
    Err(Fault::new(
        Code::CountMismatch,
        "expected the initialization segments of the first run, found others",
    ))
}
