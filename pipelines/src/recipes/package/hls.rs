//! HLS playlists (RFC 8216 and its successor draft-pantos-hls-rfc8216bis) over CMAF segments.

use super::labels::{self, LabelledAudio, LabelledCaptions};
use super::rendition::{self, Kind, Rendition, Segment, Sound};
use crate::messages::AudioRole;
use m3u8_rs::{
    AlternativeMedia, AlternativeMediaType, ByteRange, ClosedCaptionGroupId, Map, MasterPlaylist,
    MediaPlaylist, MediaPlaylistType, MediaSegment, Resolution, VariantStream,
};

/// Name of a rendition's own playlist in its folder.
pub const MEDIA_NAME: &str = "playlist.m3u8";
/// Name of the playlist of a rung's first pictures, by which players show a film at high speed.
pub const FIRST_PICTURES_NAME: &str = "iframes.m3u8";
/// Playlist version. EXT-X-MAP in playlists with more than I-frames requires version 6; tools write 7.
const VERSION: usize = 7;
/// Group of the renditions that every player can play.
const AUDIO_GROUP: &str = "audio";
/// Group with the renditions in 5.1. Apple's authoring specification wants numbers of channels in groups of their own, and
/// RFC 8216 (4.3.4.1.1) the same members in every group, so a track without 5.1 is in this group as it is.
const SURROUND_GROUP: &str = "audio-surround";
/// Group of subtitles and captions.
const CAPTIONS_GROUP: &str = "captions";
/// Characteristics of captions for people who do not hear (RFC 8216, 4.3.4.1).
const TRANSCRIBES: &str =
    "public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound";
/// Descriptions of pictures (RFC 8216, 4.3.4.1).
const DESCRIBES_VIDEO: &str = "public.accessibility.describes-video";

/// One group of audio renditions, and what players choose it by.
struct AudioGroup<'a> {
    id: &'static str,
    /// In the order of the tracks, the main one first.
    members: Vec<(&'a LabelledAudio<'a>, &'a Rendition, &'a Sound)>,
}

impl AudioGroup<'_> {
    /// A variant states the highest rates of the renditions that may be played with it (RFC 8216, 4.3.4.2).
    fn highest(&self, of: fn(&Rendition) -> u64) -> u64 {
        self.members.iter().map(|(_, rendition, _)| of(rendition)).max().unwrap_or(0)
    }

    /// Every format in the group, each once.
    fn codecs(&self) -> Vec<&str> {
        let mut codecs: Vec<&str> = Vec::new();
        for (_, rendition, _) in &self.members {
            if !codecs.contains(&rendition.codecs.as_str()) {
                codecs.push(&rendition.codecs);
            }
        }
        codecs
    }
}

fn groups<'a>(tracks: &'a [LabelledAudio<'a>]) -> Vec<AudioGroup<'a>> {
    let plain = tracks.iter().map(|track| (track, track.plain.0, track.plain.1));
    let mut groups = vec![AudioGroup { id: AUDIO_GROUP, members: plain.collect() }];
    if tracks.iter().any(|track| track.surround.is_some()) {
        let best = tracks.iter().map(|track| (track, track.surround.unwrap_or(track.plain)));
        let members = best.map(|(track, (rendition, sound))| (track, rendition, sound)).collect();
        groups.push(AudioGroup { id: SURROUND_GROUP, members });
    }
    groups
}

/// The multivariant playlist: one variant for each video rung and each group of audio, with the audio as renditions of their
/// own. If there is only audio, the main one is the variant.
pub fn multivariant(renditions: &[Rendition]) -> String {
    let tracks = labels::audio(renditions);
    let groups = groups(&tracks);
    let video = |rendition: &&Rendition| matches!(rendition.kind, Kind::Video(_));
    let has_video = renditions.iter().any(|rendition| video(&rendition));
    let has_choice = groups.len() > 1 || tracks.len() > 1;
    let alternatives = groups.iter().filter(|_| has_video || has_choice).flat_map(|group| {
        group.members.iter().map(|(track, rendition, sound)| alternative(group.id, track, rendition, sound))
    });
    let captions = labels::captions(renditions);
    let variants = groups
        .iter()
        .flat_map(|group| match has_video {
            true => {
                let rungs = renditions.iter().filter(video);
                rungs.filter_map(|rung| video_variant(rung, group)).collect::<Vec<_>>()
            }
            false => audio_variant(group, has_choice).into_iter().collect(),
        })
        .map(|variant| VariantStream {
            subtitles: (!captions.is_empty()).then(|| CAPTIONS_GROUP.to_owned()),
            // Captions of the source's pictures are not in the encodes.
            closed_captions: has_video.then_some(ClosedCaptionGroupId::None),
            ..variant
        })
        .collect::<Vec<_>>();
    let tricks = renditions.iter().filter(video).filter_map(first_pictures_variant);
    let captions = captions.iter().map(caption);
    let playlist = MasterPlaylist {
        version: Some(VERSION),
        independent_segments: true,
        alternatives: alternatives.chain(captions).collect(),
        variants: variants.into_iter().chain(tricks).collect(),
        ..MasterPlaylist::default()
    };
    let mut bytes = Vec::new();
    playlist.write_to(&mut bytes).expect("writing to memory does not fail");
    text(bytes)
}

/// The playlist of one rendition.
pub fn media(rendition: &Rendition) -> String {
    let independent_segments = !is_text(rendition);
    written(&MediaPlaylist { independent_segments, ..all_segments(rendition) })
}

/// The playlist of the first picture of each segment (RFC 8216, 4.3.3.6). A range begins with the segment, whose header says how
/// the picture is to be decoded.
pub fn first_pictures(rendition: &Rendition) -> String {
    let mut playlist = MediaPlaylist { i_frames_only: true, ..all_segments(rendition) };
    for (listed, segment) in playlist.segments.iter_mut().zip(&rendition.segments) {
        let offset = listed.byte_range.as_ref().and_then(|range| range.offset).or(Some(0));
        listed.byte_range = Some(ByteRange { length: segment.first_picture_end, offset });
    }
    written(&playlist)
}

/// What all playlists of a rendition have in common. Segments of one file are ranges of it (RFC 8216, 4.3.2.2 and 4.3.2.5).
fn all_segments(rendition: &Rendition) -> MediaPlaylist {
    let (is_text, file) = (is_text(rendition), rendition.file.as_ref());
    let offsets = file.map(|file| file.offsets(rendition)).unwrap_or_default();
    let init = match file {
        Some(file) => Map { uri: file.name().into(), byte_range: Some(file.init_range()), ..Map::default() },
        None => Map { uri: "init.mp4".into(), ..Map::default() },
    };
    let segment = |(position, segment): (usize, &Segment)| MediaSegment {
        uri: match file {
            Some(file) => file.name().into(),
            None if is_text => caption_segment(position),
            None => format!("{position:05}.m4s"),
        },
        byte_range: offsets
            .get(position + 1)
            .map(|offset| ByteRange { length: segment.bytes, offset: Some(*offset) }),
        // Written as the shortest decimal that parses to the same `f32`: less than 1 µs off for segments up to 10 s.
        duration: rendition.seconds(segment.duration_ticks) as f32,
        map: (position == 0 && !is_text).then(|| init.clone()),
        ..MediaSegment::default()
    };
    MediaPlaylist {
        version: Some(VERSION),
        target_duration: rendition.target_duration_s(),
        segments: rendition.segments.iter().enumerate().map(segment).collect(),
        end_list: true,
        playlist_type: Some(MediaPlaylistType::Vod),
        ..MediaPlaylist::default()
    }
}

fn is_text(rendition: &Rendition) -> bool {
    matches!(rendition.kind, Kind::Captions(_))
}

fn written(playlist: &MediaPlaylist) -> String {
    let mut bytes = Vec::new();
    playlist.write_to(&mut bytes).expect("writing to memory does not fail");
    text(bytes)
}

fn first_pictures_variant(rung: &Rendition) -> Option<VariantStream> {
    let Kind::Video(picture) = &rung.kind else { return None };
    rung.has_first_pictures().then(|| VariantStream {
        is_i_frame: true,
        uri: format!("{}/{FIRST_PICTURES_NAME}", rung.folder),
        bandwidth: rendition::first_pictures_bps(&rung.segments, rung.timescale),
        codecs: Some(rung.codecs.clone()),
        resolution: Some(Resolution { width: picture.width.into(), height: picture.height.into() }),
        ..VariantStream::default()
    })
}

/// Rates and codecs of a variant are those of the video and the audio played with it (RFC 8216, 4.3.4.2).
fn video_variant(rung: &Rendition, group: &AudioGroup<'_>) -> Option<VariantStream> {
    let Kind::Video(picture) = &rung.kind else { return None };
    let codecs: Vec<&str> = [rung.codecs.as_str()].into_iter().chain(group.codecs()).collect();
    let with = |own: u64, of: fn(&Rendition) -> u64| own.saturating_add(group.highest(of));
    Some(VariantStream {
        uri: format!("{}/{MEDIA_NAME}", rung.folder),
        bandwidth: with(rung.peak_bps, |audio| audio.peak_bps),
        average_bandwidth: Some(with(rung.average_bps, |audio| audio.average_bps)),
        codecs: Some(codecs.join(",")),
        resolution: Some(Resolution { width: picture.width.into(), height: picture.height.into() }),
        // Rounded to three decimals, as the tag requires.
        frame_rate: Some((picture.frame_rate.as_f64() * 1_000.0).round() / 1_000.0),
        audio: (!group.members.is_empty()).then(|| group.id.to_owned()),
        ..VariantStream::default()
    })
}

/// The main audio as a variant, where there is no video.
fn audio_variant(group: &AudioGroup<'_>, has_choice: bool) -> Option<VariantStream> {
    let (_, main, _) = group.members.first()?;
    Some(VariantStream {
        uri: format!("{}/{MEDIA_NAME}", main.folder),
        bandwidth: group.highest(|audio| audio.peak_bps),
        average_bandwidth: Some(group.highest(|audio| audio.average_bps)),
        codecs: Some(group.codecs().join(",")),
        audio: has_choice.then(|| group.id.to_owned()),
        ..VariantStream::default()
    })
}

/// Players choose by the language of the system among renditions that differ by language and purpose. They never choose a
/// commentary by themselves.
fn alternative(
    group: &str,
    track: &LabelledAudio<'_>,
    rendition: &Rendition,
    sound: &Sound,
) -> AlternativeMedia {
    let describes = sound.role == AudioRole::Description;
    AlternativeMedia {
        media_type: AlternativeMediaType::Audio,
        uri: Some(format!("{}/{MEDIA_NAME}", rendition.folder)),
        group_id: group.into(),
        language: sound.language.clone(),
        name: track.name.clone(),
        default: track.is_main,
        autoselect: track.is_main || (track.is_distinct && sound.role != AudioRole::Commentary),
        channels: Some(sound.channels.to_string()),
        characteristics: describes.then(|| DESCRIBES_VIDEO.to_owned()),
        ..AlternativeMedia::default()
    }
}

/// Players show what is forced without being asked, in the language of the sound (RFC 8216, 4.3.4.1).
fn caption(labelled: &LabelledCaptions<'_>) -> AlternativeMedia {
    let LabelledCaptions { name, rendition, captions, is_default } = labelled;
    // Captions of broadcasts write down what is heard.
    let transcribes = captions.channel.is_some() || captions.flags.hearing_impaired;
    AlternativeMedia {
        media_type: AlternativeMediaType::Subtitles,
        uri: Some(format!("{}/{MEDIA_NAME}", rendition.folder)),
        group_id: CAPTIONS_GROUP.into(),
        language: captions.language.clone(),
        name: name.clone(),
        default: *is_default,
        autoselect: true,
        forced: captions.flags.forced,
        characteristics: transcribes.then(|| TRANSCRIBES.to_owned()),
        ..AlternativeMedia::default()
    }
}

/// Name of a segment of captions.
pub fn caption_segment(position: usize) -> String {
    format!("{position:05}.vtt")
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("every value that was written is a string")
}
