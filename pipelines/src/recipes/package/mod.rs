//! Packaging: turns checked results into renditions, playlists and the names under which files are published.
//!
//! Final layout, relative to the asset's outputs: `master.m3u8`, `manifest.mpd`,
//! `video/720p/{playlist.m3u8,iframes.m3u8,init.mp4,00000.m4s}`, `audio/{playlist.m3u8,init.mp4,00000.m4s}`, `audio-2/…` for
//! further audio, `captions-1/{playlist.m3u8,captions.vtt,00000.vtt}`, `poster.jpg`, `storyboard-000.jpg`,
//! `storyboard.vtt`. With [`Segments::ByteRanges`](crate::recipes::settings::Segments::ByteRanges) each track of video and audio is one file (`TrackFile`) in the place of `init.mp4` and
//! its segments. Workers stage segments under their number on the segment grid, which has
//! gaps where a picture does not change. Published names are numbered without gaps, as DASH templates require.

mod captions;
mod dash;
mod files;
mod hls;
mod join;
mod labels;
mod rendition;
mod track_file;
mod video_part;

pub use captions::CODEC as CAPTIONS_CODEC;
pub use files::{StagedFile, TextFile, TrackFile};
pub use rendition::{Captions, Kind, Picture, Rendition, Segment, Sound};
pub use track_file::{PartFacts, index};
pub use video_part::VideoPart;

use super::plan::Plan;
use crate::messages::{AudioResult, Enrichment, Loudness};
use crate::recipes::captions::CaptionTrack;
use crate::recipes::storyboard;
use join::{JoinedAudio, JoinedRung, JoinedSound};
use reelgate_flow::caption_file::CaptionFormat;
use reelgate_flow::facts::MediaFacts;
use reelgate_flow::ids::AssetId;
use reelgate_flow::left_out::{AudioOutcome, Encoded, LeftOut, TrackKind, WhyLeftOut, left_out};
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::TaskKey;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

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
    /// What became of each audio track that was encoded; empty in documents of versions that published one.
    #[serde(default)]
    pub audio: Vec<AudioOutcome>,
    /// Tracks of subtitles and captions that are published; `None` in documents of versions that published none.
    #[serde(default)]
    pub subtitles: Option<Vec<u32>>,
    /// What became of each caption file beside the film.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caption_files: Vec<CaptionFileOutcome>,
    /// Staged files of video and audio and their final paths. What a track file holds is not published under these.
    pub files: Vec<StagedFile>,
    /// Playlists and manifests to be written.
    pub texts: Vec<TextFile>,
    /// Whether there is one progressive file beside them ([`crate::progressive`]).
    #[serde(default)]
    pub progressive: bool,
}

/// What became of a caption file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptionFileOutcome {
    /// The asset of the file.
    pub file: AssetId,
    pub format: CaptionFormat,
    /// BCP 47; `None` if its name has none.
    pub language: Option<String>,
    /// Why it is not published; `None` if it is.
    pub left_out: Option<WhyLeftOut>,
    /// Why it cannot be read.
    pub code: Option<Code>,
}

impl CaptionFileOutcome {
    fn left_out(&self) -> Option<LeftOut> {
        Some(LeftOut {
            track: None,
            file: Some(self.file.clone()),
            kind: TrackKind::Subtitle,
            codec: self.format.as_str().to_owned(),
            language: self.language.clone().unwrap_or_default(),
            why: self.left_out?,
            code: self.code,
        })
    }
}

impl Packaged {
    /// The tracks of the source that are not published, and then the caption files.
    pub fn left_out(&self, facts: &MediaFacts) -> Vec<LeftOut> {
        let files = self.caption_files.iter().filter_map(CaptionFileOutcome::left_out);
        self.tracks_left_out(facts).into_iter().chain(files).collect()
    }

    fn tracks_left_out(&self, facts: &MediaFacts) -> Vec<LeftOut> {
        let has_audio = self.renditions.iter().any(|rendition| matches!(rendition.kind, Kind::Audio(_)));
        if self.audio.is_empty() && has_audio {
            let main = facts.main_audio().map(|main| AudioOutcome { track: main.track, failed: None });
            return left_out(facts, Some(&Encoded { audio: main.as_slice(), subtitles: None }));
        }
        left_out(facts, Some(&Encoded { audio: &self.audio, subtitles: self.subtitles.as_deref() }))
    }

    /// The tracks of the source that are published.
    pub fn published(&self, plan: &Plan) -> Vec<u32> {
        let video = plan.video.first().map(|chunk| chunk.job.source.track);
        let audio = self.renditions.iter().filter_map(|rendition| match &rendition.kind {
            Kind::Audio(sound) => Some(sound.track),
            Kind::Video(_) | Kind::Captions(_) => None,
        });
        let audio: BTreeSet<u32> = audio.collect();
        let subtitles = self.subtitles.iter().flatten().copied();
        video.into_iter().chain(audio).chain(subtitles).collect()
    }

    /// The staged files of a rendition of video or audio in order: the initialization segment, then all segments.
    pub fn files_of(&self, rendition: &Rendition) -> Vec<&StagedFile> {
        let is_part = |file: &&StagedFile| {
            file.path.strip_prefix(&rendition.folder).is_some_and(|name| name.starts_with('/'))
        };
        self.files.iter().filter(is_part).collect()
    }

    /// The same with one file for each track of video and audio; `staged` says what is known of a staged file.
    ///
    /// # Errors
    /// `count_mismatch` if a file is not the segment that its worker described, `internal` if no index can list all segments.
    pub fn in_track_files(
        mut self,
        staged: impl Fn(&StagedFile) -> Result<PartFacts, Fault>,
    ) -> Result<Self, Fault> {
        let of = |rendition: &Rendition| {
            let parts = self.files_of(rendition).into_iter().map(&staged).collect::<Result<Vec<_>, _>>()?;
            TrackFile::of(rendition, &parts)
        };
        let is_media = |rendition: &Rendition| !matches!(rendition.kind, Kind::Captions(_));
        let file = |rendition: &Rendition| is_media(rendition).then(|| of(rendition)).transpose();
        let files = self.renditions.iter().map(file).collect::<Result<Vec<_>, _>>()?;
        self.renditions.iter_mut().zip(files).for_each(|(rendition, file)| rendition.file = file);
        let mut texts = lists(&self.renditions)?;
        let is_other = |text: &TextFile| texts.iter().all(|list| list.path != text.path);
        let others: Vec<TextFile> = self.texts.into_iter().filter(is_other).collect();
        texts.extend(others);
        Ok(Self { texts, ..self })
    }

    /// The staged files that are published as they are.
    pub fn published_files(&self) -> &[StagedFile] {
        if self.renditions.iter().any(|rendition| rendition.file.is_some()) { &[] } else { &self.files }
    }

    /// Loudness of the audio renditions by their names, as far as it was measured.
    pub fn loudness(&self) -> BTreeMap<String, Loudness> {
        let of = |rendition: &Rendition| match &rendition.kind {
            Kind::Audio(sound) => Some((rendition.name.clone(), sound.loudness?)),
            Kind::Video(_) | Kind::Captions(_) => None,
        };
        self.renditions.iter().filter_map(of).collect()
    }
}

/// Joins all results of a plan; `video` holds one part per chunk, in order, and `captions` what is published of them.
///
/// # Errors
/// `count_mismatch` with the numbers if frames, segments or settings do not agree, `damaged_stream` if damage cost too
/// many frames, the fault of the main audio if no audio track was encoded.
pub fn package(
    plan: &Plan,
    video: &[VideoPart],
    audio: Option<&AudioResult>,
    captions: &[CaptionTrack],
) -> Result<Packaged, Fault> {
    let rungs = join::video(&plan.video, video)?;
    let JoinedAudio { tracks, outcomes } = match (&plan.audio, audio) {
        (Some(job), Some(result)) => join::audio(job, plan.audio_language.as_deref(), result)?,
        (None, None) => JoinedAudio::default(),
        (planned, _) => {
            let (expected, found) = if planned.is_some() { (1, 0) } else { (0, 1) };
            return Err(Fault::new(
                Code::CountMismatch,
                format!("expected {expected} audio results, found {found}"),
            ));
        }
    };
    let mut files = video_files(&rungs)?;
    files.extend(tracks.iter().flat_map(audio_files));
    let sounds = tracks.into_iter().map(|sound| sound.rendition);
    let renditions: Vec<Rendition> = rungs.into_iter().map(|rung| rung.rendition).chain(sounds).collect();
    if renditions.is_empty() {
        return Err(Fault::new(Code::CountMismatch, "the plan has neither video nor audio"));
    }
    let planned = plan.captions.iter().flat_map(|captions| &captions.job.tracks);
    let subtitles = planned.filter(|planned| captions.iter().any(|one| one.track == Some(**planned)));
    let subtitles = Some(subtitles.copied().collect());
    let length_ns = renditions.iter().map(Rendition::length_ns).max().unwrap_or(0);
    let (captions, caption_files) = captions::captions(captions, &plan.default_captions, length_ns)?;
    let renditions = [renditions, captions].concat();
    let mut texts = lists(&renditions)?;
    texts.extend(caption_files);
    let caption_files = Vec::new();
    let progressive = plan.progressive_height > 0;
    Ok(Packaged { renditions, audio: outcomes, subtitles, caption_files, files, texts, progressive })
}

/// Playlists and manifests of renditions.
fn lists(renditions: &[Rendition]) -> Result<Vec<TextFile>, Fault> {
    let mut texts = vec![
        TextFile { path: HLS_PATH.into(), text: hls::multivariant(renditions) },
        TextFile { path: DASH_PATH.into(), text: dash::manifest(renditions)? },
    ];
    texts.extend(renditions.iter().map(|rendition| TextFile {
        path: format!("{}/{}", rendition.folder, hls::MEDIA_NAME),
        text: hls::media(rendition),
    }));
    let tricks = renditions.iter().filter(|rendition| rendition.has_first_pictures());
    texts.extend(tricks.map(|rendition| TextFile {
        path: format!("{}/{}", rendition.folder, hls::FIRST_PICTURES_NAME),
        text: hls::first_pictures(rendition),
    }));
    Ok(texts)
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

fn audio_files(sound: &JoinedSound) -> Vec<StagedFile> {
    let (name, folder) = (&sound.rendition.name, &sound.rendition.folder);
    let segments = sound.numbers.iter().enumerate();
    let segments = segments.map(|(at, number)| segment_file(TaskKey::Audio, name, folder, *number, at));
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
mod audio_tests;
#[cfg(test)]
mod tests;
