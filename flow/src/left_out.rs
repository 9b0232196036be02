//! What of an upload is not in its renditions, and why. Every track that inspection lists is either published or named here.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::facts::{AUDIO_TRACKS_MAX, AudioFacts, MediaFacts, SubtitleFacts};
use crate::ids::AssetId;
use crate::reason::Code;

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
    /// One track of its kind is published, and it is another one.
    OneOfItsKind,
    /// More audio tracks than [`AUDIO_TRACKS_MAX`] can be decoded, and it is behind them.
    TooMany,
    /// No decoder is allowed for its codec, or its beginning cannot be decoded.
    NotDecodable,
    /// Decoding or encoding it failed.
    EncodeFailed,
    /// It holds nothing.
    Empty,
    /// Something was found in its text, and it is withheld.
    Redacted,
    /// Only pictures, sound and text are published.
    KindNotPublished,
    /// It cannot be read whole.
    Unreadable,
    /// More caption files stand beside the film than are published.
    TooManyFiles,
}

impl WhyLeftOut {
    /// The word used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OneOfItsKind => "one_of_its_kind",
            Self::TooMany => "too_many",
            Self::NotDecodable => "not_decodable",
            Self::EncodeFailed => "encode_failed",
            Self::Empty => "empty",
            Self::Redacted => "redacted",
            Self::KindNotPublished => "kind_not_published",
            Self::Unreadable => "unreadable",
            Self::TooManyFiles => "too_many_files",
        }
    }

    /// The reason for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::OneOfItsKind => "one track of its kind is published, another one",
            Self::TooMany => "more audio tracks than are published",
            Self::NotDecodable => "it cannot be decoded here",
            Self::EncodeFailed => "it could not be encoded",
            Self::Empty => "it holds nothing",
            Self::Redacted => "something was found in its text",
            Self::KindNotPublished => "only pictures, sound and text are published",
            Self::Unreadable => "it cannot be read",
            Self::TooManyFiles => "more caption files than are published",
        }
    }
}

/// A track, or a caption file beside the upload, that is not published.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LeftOut {
    /// Position among all tracks of the file, from 0; `None` for a caption file.
    pub track: Option<u32>,
    /// The asset of the caption file; `None` for a track.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub file: Option<AssetId>,
    /// What it contains.
    pub kind: TrackKind,
    /// Codec as in the facts; empty where unknown.
    pub codec: String,
    /// BCP 47 or ISO 639 code; empty where unknown.
    pub language: String,
    /// Why it is left out.
    pub why: WhyLeftOut,
    /// What failed, where it is [`WhyLeftOut::EncodeFailed`], or a caption file that cannot be read.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub code: Option<Code>,
}

impl LeftOut {
    /// `#2`, or `file` for a caption file.
    pub fn place(&self) -> String {
        self.track.map_or_else(|| String::from("file"), |track| format!("#{track}"))
    }

    /// Why it is left out, for people.
    pub fn reason(&self) -> String {
        match self.code {
            Some(code) => format!("{} ({})", self.why.label(), code.as_str()),
            None => String::from(self.why.label()),
        }
    }
}

/// What became of an audio track that was encoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AudioOutcome {
    /// Position among all tracks.
    pub track: u32,
    /// Why it failed; `None` if it is published.
    pub failed: Option<Code>,
}

/// What became of the tracks that were to be published.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Encoded<'a> {
    /// Each audio track that was encoded.
    pub audio: &'a [AudioOutcome],
    /// The tracks of text that are published; `None` for a version that published none.
    pub subtitles: Option<&'a [u32]>,
}

/// The tracks of a file that are not published, in the order of the file. Before the asset is packaged, `encoded` is `None`,
/// and the answer is what the facts lead to expect.
pub fn left_out(facts: &MediaFacts, encoded: Option<&Encoded<'_>>) -> Vec<LeftOut> {
    let main_video = facts.main_video();
    let video = facts.video.iter().filter(|one| main_video.is_none_or(|main| main.track != one.track));
    let video = video.map(|one| LeftOut {
        track: Some(one.track),
        file: None,
        kind: TrackKind::Video,
        codec: one.codec.clone(),
        language: one.language.clone(),
        why: unplayable(one.decodable, one.frames).unwrap_or(WhyLeftOut::OneOfItsKind),
        code: None,
    });
    let audio = facts.audio.iter().filter_map(|one| {
        let (why, code) = not_heard(facts, one, encoded.map(|encoded| encoded.audio))?;
        let (codec, language) = (one.codec.clone(), one.language.clone());
        Some(LeftOut {
            track: Some(one.track),
            file: None,
            kind: TrackKind::Audio,
            codec,
            language,
            why,
            code,
        })
    });
    let subtitles = facts.subtitles.iter().filter_map(|one| {
        let why = not_read(one, encoded)?;
        let (codec, language) = (one.codec.clone(), one.language.clone());
        let (track, kind) = (Some(one.track), TrackKind::Subtitle);
        Some(LeftOut { track, file: None, kind, codec, language, why, code: None })
    });
    let mut all: Vec<LeftOut> = video.chain(audio).chain(subtitles).chain(others(facts)).collect();
    all.sort_by_key(|one| one.track);
    all
}

/// Whether each track of a file is either published or left out, and none is both.
pub fn is_complete(facts: &MediaFacts, published: &[u32], left_out: &[LeftOut]) -> bool {
    let named = published.iter().copied().chain(left_out.iter().filter_map(|one| one.track));
    let distinct: BTreeSet<u32> = named.clone().collect();
    distinct.len() == named.count() && distinct.len() == facts.tracks()
}

fn unplayable(decodable: bool, samples: u64) -> Option<WhyLeftOut> {
    match (samples, decodable) {
        (0, _) => Some(WhyLeftOut::Empty),
        (_, false) => Some(WhyLeftOut::NotDecodable),
        _ => None,
    }
}

/// Why an audio track is not published; `None` if it is.
fn not_heard(
    facts: &MediaFacts,
    one: &AudioFacts,
    encoded: Option<&[AudioOutcome]>,
) -> Option<(WhyLeftOut, Option<Code>)> {
    let outcome = encoded.and_then(|all| all.iter().find(|outcome| outcome.track == one.track));
    if let Some(outcome) = outcome {
        return outcome.failed.map(|code| (WhyLeftOut::EncodeFailed, Some(code)));
    }
    let place = facts.playable_audio().position(|playable| playable.track == one.track);
    let why = match (unplayable(one.decodable, one.packets), place) {
        (Some(why), _) => why,
        (None, Some(place)) if place < AUDIO_TRACKS_MAX => {
            // Earlier versions published one audio track.
            encoded.map(|_| WhyLeftOut::OneOfItsKind)?
        }
        (None, _) => WhyLeftOut::TooMany,
    };
    Some((why, None))
}

/// Why a track of subtitles is not published; `None` if it is.
fn not_read(one: &SubtitleFacts, encoded: Option<&Encoded<'_>>) -> Option<WhyLeftOut> {
    match (one.cues, one.is_text(), encoded.map(|encoded| encoded.subtitles)) {
        (0, ..) => Some(WhyLeftOut::Empty),
        (_, false, _) | (_, _, Some(None)) => Some(WhyLeftOut::KindNotPublished),
        (_, true, Some(Some(published))) if !published.contains(&one.track) => Some(WhyLeftOut::Redacted),
        (_, true, _) => None,
    }
}

/// Tracks of other kinds are only counted. Their positions are those that no other track has.
fn others(facts: &MediaFacts) -> impl Iterator<Item = LeftOut> {
    let video = facts.video.iter().map(|one| one.track);
    let audio = facts.audio.iter().map(|one| one.track);
    let subtitles = facts.subtitles.iter().map(|one| one.track);
    let known: BTreeSet<u32> = video.chain(audio).chain(subtitles).collect();
    let free = (0..u32::MAX).filter(move |track| !known.contains(track));
    free.take(facts.other_tracks as usize).map(|track| LeftOut {
        track: Some(track),
        file: None,
        kind: TrackKind::Other,
        codec: String::new(),
        language: String::new(),
        why: WhyLeftOut::KindNotPublished,
        code: None,
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

    fn subtitle(track: u32, codec: &str, cues: u64) -> SubtitleFacts {
        SubtitleFacts { track, codec: String::from(codec), cues, language: String::new() }
    }

    fn named(left_out: &[LeftOut]) -> Vec<(u32, TrackKind, WhyLeftOut)> {
        left_out.iter().map(|one| (one.track.unwrap(), one.kind, one.why)).collect()
    }

    #[test]
    fn each_track_that_is_not_published_is_named_with_the_reason() {
        let facts = MediaFacts {
            audio: [audio(5, 9, true), audio(0, 9, true), audio(2, 0, true), audio(3, 9, false)].into(),
            subtitles: [subtitle(6, "pgs", 3), subtitle(7, "text", 0), subtitle(9, "text", 3)].into(),
            other_tracks: 3,
            ..facts()
        };
        let expected = [
            (1, TrackKind::Other, WhyLeftOut::KindNotPublished),
            (2, TrackKind::Audio, WhyLeftOut::Empty),
            (3, TrackKind::Audio, WhyLeftOut::NotDecodable),
            (4, TrackKind::Other, WhyLeftOut::KindNotPublished),
            (6, TrackKind::Subtitle, WhyLeftOut::KindNotPublished),
            (7, TrackKind::Subtitle, WhyLeftOut::Empty),
            (8, TrackKind::Other, WhyLeftOut::KindNotPublished),
        ];
        assert_eq!(named(&left_out(&facts, None)), expected, "tracks 0 and 5 are published");
        let failed = AudioOutcome { track: 0, failed: Some(Code::TimestampsBroken) };
        let encoded = [AudioOutcome { track: 5, failed: None }, failed];
        let of = |audio, subtitles| left_out(&facts, Some(&Encoded { audio, subtitles }));
        let found = of(&encoded, Some(&[9]));
        assert_eq!(found[0].reason(), "it could not be encoded (timestamps_broken)");
        assert_eq!(named(&found[1..]), expected);
        // A version that published one audio track encoded no other.
        let found = of(&encoded[..1], None);
        assert_eq!(named(&found)[0], (0, TrackKind::Audio, WhyLeftOut::OneOfItsKind));
        let last = |found: &[LeftOut]| found.last().map(|one| (one.track.unwrap(), one.why));
        assert_eq!(last(&found), Some((9, WhyLeftOut::KindNotPublished)));
        assert_eq!(last(&of(&encoded, Some(&[]))), Some((9, WhyLeftOut::Redacted)));
    }

    #[test]
    fn a_file_whose_tracks_are_all_published_leaves_nothing_out() {
        let two = MediaFacts { audio: [audio(0, 1, true), audio(1, 1, true)].into(), ..facts() };
        assert_eq!(left_out(&two, None), []);
        let audio = [0, 1].map(|track| AudioOutcome { track, failed: None });
        assert_eq!(left_out(&two, Some(&Encoded { audio: &audio, subtitles: None })), []);
    }

    #[test]
    fn audio_tracks_beyond_the_most_are_named() {
        let tracks = 0..AUDIO_TRACKS_MAX as u32 + 2;
        let many = MediaFacts { audio: tracks.map(|track| audio(track, 1, true)).collect(), ..facts() };
        let found: Vec<_> =
            left_out(&many, None).into_iter().map(|one| (one.track.unwrap(), one.why)).collect();
        assert_eq!(found, [(32, WhyLeftOut::TooMany), (33, WhyLeftOut::TooMany)]);
    }

    #[test]
    fn a_track_that_is_named_twice_or_not_at_all_is_noticed() {
        let facts = MediaFacts { audio: [audio(0, 1, true), audio(1, 0, true)].into(), ..facts() };
        let rest = left_out(&facts, None);
        assert!(is_complete(&facts, &[0], &rest));
        for published in [&[][..], &[1], &[0, 0], &[0, 1], &[2, 0]] {
            assert!(!is_complete(&facts, published, &rest), "{published:?}");
        }
    }
}
