//! The encodes of all audio tracks.

use reelgate_flow::facts::{AUDIO_TRACKS_MAX, AudioFacts};

use super::language::language;
use crate::messages::{
    AudioEncode, AudioJob, AudioTraits, EDGE_SLACK_NS, Inspection, MAIN_AUDIO, SURROUND_CHANNELS, Span,
};
use crate::recipes::settings::{AudioSettings, Settings};

/// The job that encodes every audio track, the main one first. The main one is called `audio`, the others `audio-2`,
/// `audio-3` …, and what is in 5.1 has `-surround` behind the name of its track.
pub fn job(inspection: &Inspection, time: &Span, settings: &Settings, size_bytes: u64) -> AudioJob {
    let facts = &inspection.facts;
    let mut encodes = Vec::new();
    for (number, audio) in (1..).zip(facts.playable_audio().take(AUDIO_TRACKS_MAX)) {
        let traits = inspection.audio.iter().find(|traits| traits.track == audio.track);
        let name = if number == 1 { MAIN_AUDIO.to_owned() } else { format!("{MAIN_AUDIO}-{number}") };
        let ends_early = audio.end_ns.saturating_add(EDGE_SLACK_NS) < time.end_ns;
        let fill_to_ns = ends_early.then_some(time.end_ns);
        let filled = |encode| AudioEncode { fill_to_ns, ..encode };
        encodes.extend(of_track(audio, traits, name, &settings.audio).map(filled));
    }
    AudioJob {
        container: facts.container,
        size_bytes,
        zero_ns: time.start_ns,
        segment_ns: settings.cut.segment_ns(),
        sample_rate: settings.audio.sample_rate,
        encodes,
        loudness_lufs: settings.audio.loudness_lufs,
        mutes: Vec::new(),
    }
}

fn of_track(
    audio: &AudioFacts,
    traits: Option<&AudioTraits>,
    name: String,
    settings: &AudioSettings,
) -> impl Iterator<Item = AudioEncode> {
    let most = settings.channels;
    let channels = u8::try_from(audio.channels).map_or(most, |channels| channels.clamp(1, most));
    let plain = AudioEncode {
        track: audio.track,
        name,
        channels,
        bitrate_bps: settings.bitrate_bps / u32::from(most.max(1)) * u32::from(channels),
        language: language(&audio.language),
        role: traits.map(|traits| traits.role).unwrap_or_default(),
        fill_to_ns: None,
    };
    let is_placed = traits.is_some_and(|traits| traits.placed_channels > 2);
    let surround = (settings.surround && is_placed).then(|| AudioEncode {
        name: format!("{}-surround", plain.name),
        channels: SURROUND_CHANNELS,
        bitrate_bps: settings.surround_bitrate_bps,
        ..plain.clone()
    });
    std::iter::once(plain).chain(surround)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::messages::AudioRole;
    use crate::recipes::plan::plan;
    use crate::recipes::testing::{S, audio, inspection};

    fn encodes(inspection: &Inspection, settings: &Settings) -> Vec<(u32, String, u8, u32)> {
        let job = plan(inspection, settings, 1).unwrap().audio.unwrap();
        let of = |one: AudioEncode| (one.track, one.name, one.channels, one.bitrate_bps);
        job.encodes.into_iter().map(of).collect()
    }

    #[test]
    fn every_track_that_can_be_decoded_is_encoded_in_the_order_of_the_facts() {
        let mut media = inspection(10 * S, S);
        let track = |track, channels, decodable| AudioFacts { track, channels, decodable, ..audio(S) };
        media.facts.audio = vec![track(3, 2, false), track(1, 6, true), track(2, 1, true), track(4, 2, true)];
        media.facts.audio[3].packets = 0;
        let expected = [(1, "audio".to_owned(), 2, 128_000), (2, "audio-2".to_owned(), 1, 64_000)];
        assert_eq!(encodes(&media, &Settings::default()), expected);
        media.facts.audio = (0..40).map(|number| track(number, 2, true)).collect();
        let many = encodes(&media, &Settings::default());
        assert_eq!((many.len(), many[31].1.as_str()), (AUDIO_TRACKS_MAX, "audio-32"));
        let names: BTreeSet<&String> = many.iter().map(|(_, name, ..)| name).collect();
        assert_eq!(names.len(), many.len());
    }

    #[test]
    fn placed_channels_get_a_rendition_in_surround_if_that_is_wanted() {
        let mut media = inspection(10 * S, S);
        media.facts.audio = vec![AudioFacts { channels: 6, ..audio(S) }, AudioFacts { track: 2, ..audio(S) }];
        let role = AudioRole::Programme;
        media.audio = vec![
            AudioTraits { track: 1, role, placed_channels: 6 },
            AudioTraits { track: 2, role: AudioRole::Commentary, placed_channels: 2 },
        ];
        let mut settings = Settings::default();
        assert_eq!(encodes(&media, &settings).len(), 2);
        settings.audio.surround = true;
        let surround = encodes(&media, &settings);
        let names: Vec<&str> = surround.iter().map(|(_, name, ..)| name.as_str()).collect();
        assert_eq!(names, ["audio", "audio-surround", "audio-2"]);
        assert_eq!((surround[1].2, surround[1].3), (6, 384_000));
        media.audio[0].placed_channels = 0;
        assert_eq!(encodes(&media, &settings).len(), 2, "channels without a position are no 5.1");
    }

    #[test]
    fn a_track_that_ends_before_the_others_is_filled_with_silence() {
        let mut media = inspection(10 * S, S);
        let track = |track, end_ns| AudioFacts { track, end_ns, ..audio(S) };
        media.facts.audio = vec![track(1, 10 * S - EDGE_SLACK_NS), track(2, 4 * S), track(3, 10 * S)];
        let job = plan(&media, &Settings::default(), 1).unwrap().audio.unwrap();
        let filled: Vec<Option<u64>> = job.encodes.iter().map(|encode| encode.fill_to_ns).collect();
        assert_eq!(filled, [None, Some(10 * S), None]);
    }

    #[test]
    fn only_a_language_code_passes_as_a_language() {
        assert_eq!(language("en-US").as_deref(), Some("en-US"));
        for text in ["und", "", "english", "e\"n", "de,X=1", "en-", "en\nX"] {
            assert_eq!(language(text), None, "{text}");
        }
    }
}
