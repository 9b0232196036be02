//! What of an upload is not in its renditions, and why. Every track that inspection lists is either published or named here.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use crate::facts::MediaFacts;

/// What a track contains.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum TrackKind {
    /// Moving pictures.
    Video,
    /// Sound.
    Audio,
    /// Subtitles or captions.
    Subtitle,
    /// Anything else: a cover picture, chapters, time codes, device data.
    Other,
}

impl TrackKind {
    /// The word used in JSON and for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Subtitle => "subtitle",
            Self::Other => "other",
        }
    }
}

/// Why a track is left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum WhyLeftOut {
    /// One track of each kind is published, and it is another one.
    OneOfItsKind,
    /// No decoder is allowed for its codec, or its beginning cannot be decoded.
    NotDecodable,
    /// It holds nothing.
    Empty,
    /// Only pictures and sound are published.
    KindNotPublished,
}

impl WhyLeftOut {
    /// The reason for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::OneOfItsKind => "one track of its kind is published, another one",
            Self::NotDecodable => "it cannot be decoded here",
            Self::Empty => "it holds nothing",
            Self::KindNotPublished => "only pictures and sound are published",
        }
    }
}

/// A track that is not published.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LeftOut {
    /// Position among all tracks of the file, from 0.
    pub track: u32,
    /// What it contains.
    pub kind: TrackKind,
    /// Codec as in the facts; empty where unknown.
    pub codec: String,
    /// BCP 47 or ISO 639 code; empty where unknown.
    pub language: String,
    /// Why it is left out.
    pub why: WhyLeftOut,
}

/// The tracks of a file that are not published, in the order of the file.
pub fn left_out(facts: &MediaFacts) -> Vec<LeftOut> {
    let why = |decodable: bool, samples: u64| match (samples, decodable) {
        (0, _) => WhyLeftOut::Empty,
        (_, false) => WhyLeftOut::NotDecodable,
        _ => WhyLeftOut::OneOfItsKind,
    };
    let (main_video, main_audio) = (facts.main_video(), facts.main_audio());
    let video = facts.video.iter().filter(|one| main_video.is_none_or(|main| main.track != one.track));
    let video = video.map(|one| LeftOut {
        track: one.track,
        kind: TrackKind::Video,
        codec: one.codec.clone(),
        language: one.language.clone(),
        why: why(one.decodable, one.frames),
    });
    let audio = facts.audio.iter().filter(|one| main_audio.is_none_or(|main| main.track != one.track));
    let audio = audio.map(|one| LeftOut {
        track: one.track,
        kind: TrackKind::Audio,
        codec: one.codec.clone(),
        language: one.language.clone(),
        why: why(one.decodable, one.packets),
    });
    let subtitles = facts.subtitles.iter().filter(|one| one.cues == 0 || !one.is_text());
    let subtitles = subtitles.map(|one| LeftOut {
        track: one.track,
        kind: TrackKind::Subtitle,
        codec: one.codec.clone(),
        language: one.language.clone(),
        why: if one.cues == 0 { WhyLeftOut::Empty } else { WhyLeftOut::KindNotPublished },
    });
    let mut all: Vec<LeftOut> = video.chain(audio).chain(subtitles).chain(others(facts)).collect();
    all.sort_by_key(|one| one.track);
    all
}

/// Tracks of other kinds are only counted. Their positions are those that no other track has.
fn others(facts: &MediaFacts) -> impl Iterator<Item = LeftOut> {
    let video = facts.video.iter().map(|one| one.track);
    let audio = facts.audio.iter().map(|one| one.track);
    let subtitles = facts.subtitles.iter().map(|one| one.track);
    let known: BTreeSet<u32> = video.chain(audio).chain(subtitles).collect();
    let free = (0..u32::MAX).filter(move |track| !known.contains(track));
    free.take(facts.other_tracks as usize).map(|track| LeftOut {
        track,
        kind: TrackKind::Other,
        codec: String::new(),
        language: String::new(),
        why: WhyLeftOut::KindNotPublished,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{AudioFacts, Container, SubtitleFacts};

    fn audio(track: u32, packets: u64, decodable: bool) -> AudioFacts {
        AudioFacts {
            track,
            codec: String::from("aac"),
            sample_rate: 48_000,
            channels: 2,
            start_ns: 0,
            end_ns: 1,
            bytes: 1,
            packets,
            language: String::from("de"),
            decodable,
        }
    }

    fn facts() -> MediaFacts {
        MediaFacts {
            container: Container::IsoBmff,
            brand: String::new(),
            declared_duration_ns: None,
            duration_ns: 1,
            bitrate_bps: 1,
            video: Vec::new(),
            audio: Vec::new(),
            subtitles: Vec::new(),
            other_tracks: 0,
            tags: Vec::new(),
            chapters: Vec::new(),
        }
    }

    #[test]
    fn every_track_is_published_or_left_out() {
        let subtitle = |track, codec, cues| SubtitleFacts {
            track,
            codec: String::from(codec),
            cues,
            language: String::new(),
        };
        let facts = MediaFacts {
            audio: [audio(5, 9, true), audio(0, 9, true), audio(2, 0, true), audio(3, 9, false)].into(),
            subtitles: [subtitle(6, "pgs", 3), subtitle(7, "text", 0), subtitle(9, "text", 3)].into(),
            other_tracks: 3,
            ..facts()
        };
        let found: Vec<_> = left_out(&facts).into_iter().map(|one| (one.track, one.kind, one.why)).collect();
        let expected = [
            (0, TrackKind::Audio, WhyLeftOut::OneOfItsKind),
            (1, TrackKind::Other, WhyLeftOut::KindNotPublished),
            (2, TrackKind::Audio, WhyLeftOut::Empty),
            (3, TrackKind::Audio, WhyLeftOut::NotDecodable),
            (4, TrackKind::Other, WhyLeftOut::KindNotPublished),
            (6, TrackKind::Subtitle, WhyLeftOut::KindNotPublished),
            (7, TrackKind::Subtitle, WhyLeftOut::Empty),
            (8, TrackKind::Other, WhyLeftOut::KindNotPublished),
        ];
        assert_eq!(found, expected, "track 5 is the first that can be decoded");
        assert!(left_out(&MediaFacts { audio: [audio(0, 9, true)].into(), ..facts }).len() > 4);
    }

    #[test]
    fn a_file_with_one_track_leaves_nothing_out() {
        assert_eq!(left_out(&MediaFacts { audio: [audio(0, 1, true)].into(), ..facts() }), []);
    }
}
