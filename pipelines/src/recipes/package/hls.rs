//! HLS playlists (RFC 8216 and its successor draft-pantos-hls-rfc8216bis) over CMAF segments.

use super::rendition::{Captions, Kind, Rendition, Segment, Sound};
use m3u8_rs::{
    AlternativeMedia, AlternativeMediaType, ClosedCaptionGroupId, Map, MasterPlaylist, MediaPlaylist,
    MediaPlaylistType, MediaSegment, Resolution, VariantStream,
};

/// Name of a rendition's own playlist in its folder.
pub const MEDIA_NAME: &str = "playlist.m3u8";
/// Playlist version. EXT-X-MAP in playlists with more than I-frames requires version 6; tools write 7.
const VERSION: usize = 7;
const AUDIO_GROUP: &str = "audio";
const CAPTIONS_GROUP: &str = "captions";

/// Characteristics of captions for people who do not hear (RFC 8216, 4.3.4.1).
const TRANSCRIBES: &str =
    "public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound";

/// The multivariant playlist: one variant per video rung, with the audio as a rendition of its own. If there is only
/// audio, the audio is the variant.
pub fn multivariant(renditions: &[Rendition]) -> String {
    let audio = renditions.iter().find(|rendition| matches!(rendition.kind, Kind::Audio(_)));
    let has_captions = renditions.iter().any(|rendition| matches!(rendition.kind, Kind::Captions(_)));
    let has_video = renditions.iter().any(|rendition| matches!(rendition.kind, Kind::Video(_)));
    let playlist = MasterPlaylist {
        version: Some(VERSION),
        independent_segments: true,
        alternatives: match audio {
            Some(Rendition { kind: Kind::Audio(sound), folder, .. }) if has_video => {
                vec![alternative(sound, folder)]
            }
            _ => Vec::new(),
        }
        .into_iter()
        .chain(caption_alternatives(renditions))
        .collect(),
        variants: renditions
            .iter()
            .filter_map(|rendition| variant(rendition, audio, has_video))
            .map(|variant| VariantStream {
                subtitles: has_captions.then(|| CAPTIONS_GROUP.to_owned()),
                // Captions of the source's pictures are not in the encodes.
                closed_captions: has_video.then_some(ClosedCaptionGroupId::None),
                ..variant
            })
            .collect(),
        ..MasterPlaylist::default()
    };
    let mut bytes = Vec::new();
    playlist.write_to(&mut bytes).expect("writing to memory does not fail");
    text(bytes)
}

/// The playlist of one rendition.
pub fn media(rendition: &Rendition) -> String {
    let is_text = matches!(rendition.kind, Kind::Captions(_));
    let segment = |(position, segment): (usize, &Segment)| MediaSegment {
        uri: if is_text { caption_segment(position) } else { format!("{position:05}.m4s") },
        // Written as the shortest decimal that parses to the same `f32`: less than 1 µs off for segments up to 10 s.
        duration: rendition.seconds(segment.duration_ticks) as f32,
        map: (position == 0 && !is_text).then(|| Map { uri: "init.mp4".into(), ..Map::default() }),
        ..MediaSegment::default()
    };
    let playlist = MediaPlaylist {
        version: Some(VERSION),
        target_duration: rendition.target_duration_s(),
        segments: rendition.segments.iter().enumerate().map(segment).collect(),
        end_list: true,
        playlist_type: Some(MediaPlaylistType::Vod),
        independent_segments: !is_text,
        ..MediaPlaylist::default()
    };
    let mut bytes = Vec::new();
    playlist.write_to(&mut bytes).expect("writing to memory does not fail");
    text(bytes)
}

/// Rates and codecs of a variant are those of the video and the audio played with it (RFC 8216, 4.3.4.2).
fn variant(rendition: &Rendition, audio: Option<&Rendition>, has_video: bool) -> Option<VariantStream> {
    let uri = format!("{}/{MEDIA_NAME}", rendition.folder);
    let Kind::Video(picture) = &rendition.kind else {
        let is_sound = matches!(rendition.kind, Kind::Audio(_));
        return (!has_video && is_sound).then(|| VariantStream {
            uri,
            bandwidth: rendition.peak_bps,
            average_bandwidth: Some(rendition.average_bps),
            codecs: Some(rendition.codecs.clone()),
            ..VariantStream::default()
        });
    };
    let with = |own: u64, of: fn(&Rendition) -> u64| own.saturating_add(audio.map_or(0, of));
    let codecs =
        audio.map_or(rendition.codecs.clone(), |audio| format!("{},{}", rendition.codecs, audio.codecs));
    Some(VariantStream {
        uri,
        bandwidth: with(rendition.peak_bps, |audio| audio.peak_bps),
        average_bandwidth: Some(with(rendition.average_bps, |audio| audio.average_bps)),
        codecs: Some(codecs),
        resolution: Some(Resolution { width: picture.width.into(), height: picture.height.into() }),
        // Rounded to three decimals, as the tag requires.
        frame_rate: Some((picture.frame_rate.as_f64() * 1_000.0).round() / 1_000.0),
        audio: audio.map(|_| AUDIO_GROUP.to_owned()),
        ..VariantStream::default()
    })
}

fn alternative(sound: &Sound, folder: &str) -> AlternativeMedia {
    AlternativeMedia {
        media_type: AlternativeMediaType::Audio,
        uri: Some(format!("{folder}/{MEDIA_NAME}")),
        group_id: AUDIO_GROUP.into(),
        language: sound.language.clone(),
        name: "main".into(),
        default: true,
        autoselect: true,
        channels: Some(sound.channels.to_string()),
        ..AlternativeMedia::default()
    }
}

/// Name of a segment of captions.
pub fn caption_segment(position: usize) -> String {
    format!("{position:05}.vtt")
}

fn caption_alternatives(renditions: &[Rendition]) -> Vec<AlternativeMedia> {
    let captions = renditions.iter().filter_map(|rendition| match &rendition.kind {
        Kind::Captions(captions) => Some((rendition, captions)),
        _ => None,
    });
    let mut names = Vec::new();
    let alternative = |(rendition, captions): (&Rendition, &Captions)| AlternativeMedia {
        media_type: AlternativeMediaType::Subtitles,
        uri: Some(format!("{}/{MEDIA_NAME}", rendition.folder)),
        group_id: CAPTIONS_GROUP.into(),
        language: captions.language.clone(),
        name: captions.label(&mut names),
        autoselect: true,
        // Captions of broadcasts write down what is heard, for people who do not hear it (CTA-708-E).
        characteristics: captions.channel.is_some().then(|| TRANSCRIBES.to_owned()),
        ..AlternativeMedia::default()
    };
    captions.map(alternative).collect()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("every value that was written is a string")
}
