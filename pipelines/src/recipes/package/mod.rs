//! Packaging: turns checked results into renditions, playlists and the names under which files are published.
//!
//! Final layout, relative to the asset's outputs: `master.m3u8`, `manifest.mpd`,
//! `video/720p/{playlist.m3u8,init.mp4,00000.m4s}`, `audio/{playlist.m3u8,init.mp4,00000.m4s}`,
//! `captions-1/{playlist.m3u8,captions.vtt,00000.vtt}`, `poster.jpg`, `storyboard-000.jpg`, `storyboard.vtt`. Workers stage segments under their number on the segment grid, which has
//! gaps where a picture does not change. Published names are numbered without gaps, as DASH templates require.

mod captions;
mod dash;
mod hls;
mod join;
mod rendition;
mod video_part;

pub use captions::CODEC as CAPTIONS_CODEC;
pub use rendition::{Captions, Kind, Picture, Rendition, Segment, Sound};
pub use video_part::VideoPart;

use super::plan::Plan;
use crate::messages::{AudioResult, Enrichment};
use crate::recipes::captions::CaptionTrack;
use crate::recipes::storyboard;
use join::JoinedRung;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::TaskKey;
use serde::{Deserialize, Serialize};

/// Path of the HLS multivariant playlist among the outputs.
pub const HLS_PATH: &str = "master.m3u8";
/// Path of the DASH manifest among the outputs.
pub const DASH_PATH: &str = "manifest.mpd";

/// Everything needed to publish the media of an asset.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packaged {
    /// Video from the highest rung to the lowest, then audio, then captions.
    pub renditions: Vec<Rendition>,
    /// Staged files and their final paths.
    pub files: Vec<StagedFile>,
    /// Playlists and manifests to be written.
    pub texts: Vec<TextFile>,
}

/// A file that a task has staged, and its path among the outputs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StagedFile {
    /// The task that made it.
    pub task: TaskKey,
    /// Its name in staging, as the worker gave it.
    pub staged: String,
    /// Its path among the outputs.
    pub path: String,
}

/// A small text file that packaging makes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextFile {
    /// Its path among the outputs.
    pub path: String,
    /// Its content, UTF-8.
    pub text: String,
}

/// Joins all results of a plan; `video` holds one part per chunk, in order, and `captions` what is published of them.
///
/// # Errors
/// `count_mismatch` with the numbers if frames, segments or settings do not agree, `damaged_stream` if damage cost too
/// many frames.
pub fn package(
    plan: &Plan,
    video: &[VideoPart],
    audio: Option<&AudioResult>,
    captions: &[CaptionTrack],
) -> Result<Packaged, Fault> {
    let rungs = join::video(&plan.video, video)?;
    let sound = match (&plan.audio, audio) {
        (Some(job), Some(result)) => {
            Some((join::audio(job, plan.audio_language.as_deref(), result)?, result))
        }
        (None, None) => None,
        (planned, _) => {
            let (expected, found) = if planned.is_some() { (1, 0) } else { (0, 1) };
            return Err(Fault::new(
                Code::CountMismatch,
                format!("expected {expected} audio results, found {found}"),
            ));
        }
    };
    let mut files = video_files(&rungs)?;
    files.extend(sound.iter().flat_map(|(rendition, result)| audio_files(rendition, result)));
    let renditions: Vec<Rendition> =
        rungs.into_iter().map(|rung| rung.rendition).chain(sound.map(|(rendition, _)| rendition)).collect();
    if renditions.is_empty() {
        return Err(Fault::new(Code::CountMismatch, "the plan has neither video nor audio"));
    }
    let length_ns = renditions.iter().map(Rendition::length_ns).max().unwrap_or(0);
    let (captions, caption_files) = captions::captions(captions, length_ns)?;
    let renditions = [renditions, captions].concat();
    let mut texts = vec![
        TextFile { path: HLS_PATH.into(), text: hls::multivariant(&renditions) },
        TextFile { path: DASH_PATH.into(), text: dash::manifest(&renditions)? },
    ];
    texts.extend(renditions.iter().map(|rendition| TextFile {
        path: format!("{}/{}", rendition.folder, hls::MEDIA_NAME),
        text: hls::media(rendition),
    }));
    texts.extend(caption_files);
    Ok(Packaged { renditions, files, texts })
}

/// The files of the enrichment that are published. Its text is never published.
pub fn enrichment_files(enrichment: &Enrichment) -> Vec<StagedFile> {
    let poster = enrichment.poster_ns.map(|_| "poster.jpg".to_owned());
    let sheets = (0..enrichment.storyboard_sheets as usize).map(storyboard::sheet_name);
    let index = (enrichment.storyboard_sheets > 0).then(|| storyboard::INDEX_NAME.to_owned());
    let names = poster.into_iter().chain(sheets).chain(index);
    names.map(|name| StagedFile { task: TaskKey::Enrich, staged: name.clone(), path: name }).collect()
}

fn video_files(rungs: &[JoinedRung]) -> Result<Vec<StagedFile>, Fault> {
    let mut files = Vec::new();
    for JoinedRung { rendition, origins } in rungs {
        let (name, folder) = (&rendition.name, &rendition.folder);
        files.push(init_file(TaskKey::Video { chunk: 0 }, name, folder));
        for (position, origin) in origins.iter().enumerate() {
            let chunk = u16::try_from(origin.chunk).map_err(|_| {
                Fault::new(Code::CountMismatch, format!("chunk {} is out of range", origin.chunk))
            })?;
            files.push(segment_file(TaskKey::Video { chunk }, name, folder, origin.number, position));
        }
    }
    Ok(files)
}

fn audio_files(rendition: &Rendition, result: &AudioResult) -> Vec<StagedFile> {
    let (name, folder) = (&rendition.name, &rendition.folder);
    let segments = result.track.segments.iter().enumerate();
    let segments =
        segments.map(|(at, segment)| segment_file(TaskKey::Audio, name, folder, segment.number, at));
    [init_file(TaskKey::Audio, name, folder)].into_iter().chain(segments).collect()
}

fn init_file(task: TaskKey, name: &str, folder: &str) -> StagedFile {
    StagedFile { task, staged: format!("{name}/init.mp4"), path: format!("{folder}/init.mp4") }
}

fn segment_file(task: TaskKey, name: &str, folder: &str, number: u32, position: usize) -> StagedFile {
    StagedFile {
        task,
        staged: format!("{name}/{number:05}.m4s"),
        path: format!("{folder}/{position:05}.m4s"),
    }
}

#[cfg(test)]
mod tests;
