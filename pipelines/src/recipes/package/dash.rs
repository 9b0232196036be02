//! The DASH manifest (ISO/IEC 23009-1) over the same segments as the HLS playlists.

use super::labels::{self, LabelledAudio, LabelledCaptions};
use super::rendition::{Kind, Rendition, Segment, Sound};
use crate::messages::AudioRole;
use dash_mpd_core::{
    Accessibility, AdaptationSet, AudioChannelConfiguration, BaseURL, Initialization, Label, MPD, Period,
    Representation, Role, S, SegmentBase, SegmentTemplate, SegmentTimeline,
};
use reelgate_flow::caption_file::CaptionFlags;
use reelgate_flow::reason::{Code, Fault};
use std::fmt::Write as _;
use std::time::Duration;

/// The live profile: templates with a timeline belong to it even if nothing is live (ISO/IEC 23009-1, 8.4).
const PROFILE: &str = "urn:mpeg:dash:profile:isoff-live:2011";
/// The on-demand profile: each representation is one file with an index (8.3).
const PROFILE_OF_FILES: &str = "urn:mpeg:dash:profile:isoff-on-demand:2011";

/// The scheme of roles (ISO/IEC 23009-1, 5.8.5.5).
const ROLE_SCHEME: &str = "urn:mpeg:dash:role:2011";
/// The purposes of audio by TV-Anytime, which DASH players read for accessibility (DASH-IF IOP, 3.9.4).
const PURPOSE_SCHEME: &str = "urn:tva:metadata:cs:AudioPurposeCS:2007";
const PURPOSE_VISUALLY_IMPAIRED: &str = "1";

/// The static manifest: one adaptation set with all video rungs, and one for each audio rendition.
///
/// # Errors
/// `internal` if the model cannot be written as XML.
pub fn manifest(renditions: &[Rendition]) -> Result<String, Fault> {
    let is_video = |rendition: &&Rendition| matches!(rendition.kind, Kind::Video(_));
    let video: Vec<&Rendition> = renditions.iter().filter(is_video).collect();
    let audio = labels::audio(renditions);
    let media = || renditions.iter().filter(|rendition| !matches!(rendition.kind, Kind::Captions(_)));
    let longest =
        media().map(|rendition| duration(rendition, rendition.end_ticks())).max().unwrap_or_default();
    let segment_longest = media().flat_map(|rendition| {
        rendition.segments.iter().map(|segment| duration(rendition, segment.duration_ticks))
    });
    let segment_longest = segment_longest.max().unwrap_or_default();
    let mut adaptations = Vec::new();
    if !video.is_empty() {
        adaptations.push(video_set(&video));
    }
    for track in &audio {
        let all = [Some(track.plain), track.surround].into_iter().flatten();
        adaptations.extend(all.map(|(rendition, sound)| audio_set(track, rendition, sound)));
    }
    let captions = labels::captions(renditions).into_iter();
    adaptations.extend(captions.map(caption_set));
    for (id, set) in adaptations.iter_mut().enumerate() {
        set.id = Some(id.to_string());
    }
    let period =
        Period { id: Some("0".into()), start: Some(Duration::ZERO), adaptations, ..Period::default() };
    let is_of_files = renditions.iter().any(|rendition| rendition.file.is_some());
    let mpd = MPD {
        xmlns: Some("urn:mpeg:dash:schema:mpd:2011".into()),
        profiles: Some(if is_of_files { PROFILE_OF_FILES } else { PROFILE }.into()),
        mpdtype: Some("static".into()),
        mediaPresentationDuration: Some(longest),
        // Bit rates are peaks over about one segment, so a buffer of one segment is enough (5.3.5.2).
        minBufferTime: Some(segment_longest),
        maxSegmentDuration: (!is_of_files).then_some(segment_longest),
        maxSubsegmentDuration: is_of_files.then_some(segment_longest),
        periods: vec![period],
        ..MPD::default()
    };
    let mut text = String::new();
    writeln!(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{mpd}")
        .map_err(|_| Fault::new(Code::Internal, "the DASH manifest cannot be written as XML"))?;
    Ok(text)
}

/// The set of all rungs. They share one timeline, as the join has checked, so the manifest has it once.
fn video_set(rungs: &[&Rendition]) -> AdaptationSet {
    let set = AdaptationSet {
        contentType: Some("video".into()),
        mimeType: Some("video/mp4".into()),
        representations: rungs.iter().map(|rung| video_representation(rung)).collect(),
        ..AdaptationSet::default()
    };
    match rungs.first() {
        Some(first) => segmented(set, first, "video/$RepresentationID$"),
        None => set,
    }
}

/// A set whose segments are those of this rendition: a template of their names, or an index in each file. All begin with a sample
/// that is decoded alone.
fn segmented(set: AdaptationSet, rendition: &Rendition, folder: &str) -> AdaptationSet {
    match rendition.file {
        Some(_) => AdaptationSet { subsegmentAlignment: Some(true), subsegmentStartsWithSAP: Some(1), ..set },
        None => AdaptationSet {
            segmentAlignment: Some(true),
            startWithSAP: Some(1),
            SegmentTemplate: Some(template(rendition, folder)),
            ..set
        },
    }
}

/// A representation with its file, if it has one.
fn located(representation: Representation, rendition: &Rendition) -> Representation {
    let Some(file) = &rendition.file else { return representation };
    let (init, index) = file.dash_ranges();
    let base = SegmentBase {
        timescale: Some(rendition.timescale.into()),
        indexRange: Some(index),
        indexRangeExact: Some(true),
        Initialization: Some(Initialization { range: Some(init), ..Initialization::default() }),
        ..SegmentBase::default()
    };
    Representation {
        BaseURL: vec![BaseURL { base: file.path.clone(), ..BaseURL::default() }],
        SegmentBase: Some(base),
        ..representation
    }
}

fn video_representation(rung: &Rendition) -> Representation {
    let mut representation = Representation {
        id: Some(rung.name.clone()),
        bandwidth: Some(rung.peak_bps),
        codecs: Some(rung.codecs.clone()),
        ..Representation::default()
    };
    if let Kind::Video(picture) = &rung.kind {
        let rate = picture.frame_rate;
        representation.width = Some(picture.width.into());
        representation.height = Some(picture.height.into());
        representation.sar = Some("1:1".into());
        representation.frameRate =
            Some(if rate.den == 1 { rate.num.to_string() } else { format!("{}/{}", rate.num, rate.den) });
    }
    located(representation, rung)
}

fn audio_set(track: &LabelledAudio<'_>, rendition: &Rendition, sound: &Sound) -> AdaptationSet {
    let channels = AudioChannelConfiguration {
        schemeIdUri: "urn:mpeg:dash:23003:3:audio_channel_configuration:2011".into(),
        value: Some(sound.channels.to_string()),
        ..AudioChannelConfiguration::default()
    };
    let representation = Representation {
        id: Some(rendition.name.clone()),
        bandwidth: Some(rendition.peak_bps),
        codecs: Some(rendition.codecs.clone()),
        audioSamplingRate: Some(sound.sample_rate.to_string()),
        AudioChannelConfiguration: vec![channels],
        ..Representation::default()
    };
    let role = match (sound.role, track.is_main) {
        (AudioRole::Commentary, _) => "commentary",
        (AudioRole::Description, _) => "description",
        (AudioRole::Programme, true) => "main",
        (AudioRole::Programme, false) => "alternate",
    };
    let role = Role { schemeIdUri: ROLE_SCHEME.into(), value: Some(role.into()), ..Role::default() };
    let describes = (sound.role == AudioRole::Description).then(|| Accessibility {
        schemeIdUri: PURPOSE_SCHEME.into(),
        value: Some(PURPOSE_VISUALLY_IMPAIRED.into()),
        ..Accessibility::default()
    });
    let set = AdaptationSet {
        contentType: Some("audio".into()),
        mimeType: Some("audio/mp4".into()),
        lang: sound.language.clone(),
        Label: vec![Label { content: track.name.clone(), ..Label::default() }],
        Accessibility: describes.into_iter().collect(),
        Role: vec![role],
        representations: vec![located(representation, rendition)],
        ..AdaptationSet::default()
    };
    segmented(set, rendition, &rendition.folder)
}

/// A track of captions as the whole file, without segments, as DASH players read WebVTT outside of MP4.
fn caption_set(labelled: LabelledCaptions<'_>) -> AdaptationSet {
    let LabelledCaptions { name, rendition, captions, is_default } = labelled;
    let kind = match captions.flags {
        CaptionFlags { forced: true, .. } => "forced-subtitle",
        CaptionFlags { hearing_impaired: true, .. } => "caption",
        _ if captions.channel.is_some() => "caption",
        _ => "subtitle",
    };
    let roles = [Some(kind), is_default.then_some("main")];
    let role =
        |role: &str| Role { schemeIdUri: ROLE_SCHEME.into(), value: Some(role.into()), ..Role::default() };
    let file = format!("{}/{}", rendition.folder, super::captions::WHOLE);
    AdaptationSet {
        contentType: Some("text".into()),
        mimeType: Some("text/vtt".into()),
        lang: captions.language.clone(),
        Label: vec![Label { content: name, ..Label::default() }],
        Role: roles.into_iter().flatten().map(role).collect(),
        representations: vec![Representation {
            id: Some(rendition.name.clone()),
            bandwidth: Some(rendition.peak_bps),
            BaseURL: vec![BaseURL { base: file, ..BaseURL::default() }],
            ..Representation::default()
        }],
        ..AdaptationSet::default()
    }
}

fn template(rendition: &Rendition, folder: &str) -> SegmentTemplate {
    SegmentTemplate {
        timescale: Some(rendition.timescale.into()),
        initialization: Some(format!("{folder}/init.mp4")),
        media: Some(format!("{folder}/$Number%05d$.m4s")),
        startNumber: Some(0),
        SegmentTimeline: Some(SegmentTimeline { segments: timeline(&rendition.segments) }),
        ..SegmentTemplate::default()
    }
}

/// Segments of equal length become one entry (5.3.9.6). An entry has a start time only at the beginning and after a
/// gap.
fn timeline(segments: &[Segment]) -> Vec<S> {
    let mut runs: Vec<S> = Vec::new();
    let mut end = None;
    for segment in segments {
        let follows = end == Some(segment.start_ticks);
        end = Some(segment.start_ticks.saturating_add(segment.duration_ticks));
        match runs.last_mut() {
            Some(run) if follows && run.d == segment.duration_ticks => run.r = Some(run.r.unwrap_or(0) + 1),
            _ => {
                let t = (!follows).then_some(segment.start_ticks);
                runs.push(S { t, d: segment.duration_ticks, ..S::default() });
            }
        }
    }
    runs
}

/// A duration to the nanosecond, the resolution in which the attribute is written.
fn duration(rendition: &Rendition, ticks: u64) -> Duration {
    let nanos = u128::from(ticks) * 1_000_000_000 / u128::from(rendition.timescale.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
