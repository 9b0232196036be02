//! Several audio tracks in playlists, and what becomes of tracks that fail.

use super::tests::{encoded, parts, planned, sound, text_at};
use super::*;
use crate::messages::{AudioEncode, AudioEnding, AudioRole, AudioTraits, Inspection};
use crate::recipes::plan::plan;
use crate::recipes::settings::Settings;
use crate::recipes::testing::{S, audio, inspection, video};
use m3u8_rs::parse_master_playlist_res;
use proptest::prelude::*;
use reelgate_flow::caption_file::CaptionFlags;
use reelgate_flow::facts::{AudioFacts, SubtitleFacts, VideoFacts};
use reelgate_flow::left_out::{WhyLeftOut, is_complete};

/// A film in two languages, the second twice, with a commentary, a description and a track without language.
fn many() -> Plan {
    let mut plan = planned();
    let job = plan.audio.as_mut().unwrap();
    let encode = |track: u32, language: Option<&str>, role| AudioEncode {
        track,
        name: if track == 1 { "audio".into() } else { format!("audio-{track}") },
        channels: 2,
        bitrate_bps: 128_000,
        language: language.map(str::to_owned),
        role,
        fill_to_ns: None,
    };
    job.encodes = vec![
        encode(1, Some("de"), AudioRole::Programme),
        encode(2, Some("en"), AudioRole::Programme),
        encode(3, Some("en"), AudioRole::Programme),
        encode(4, Some("en"), AudioRole::Commentary),
        encode(5, Some("de"), AudioRole::Description),
        encode(6, None, AudioRole::Programme),
    ];
    plan
}

/// The result of an honest worker; later encodes have more bytes.
fn sounds(plan: &Plan) -> AudioResult {
    let encodes = (1..).zip(&plan.audio.as_ref().unwrap().encodes);
    let encodes = encodes.map(|(number, one)| AudioEnding::Encoded(encoded(&one.name, number * 10_000)));
    AudioResult { encodes: encodes.collect() }
}

fn failed() -> AudioEnding {
    AudioEnding::Failed(Fault::new(Code::TimestampsBroken, "sound jumps by 5000 s"))
}

#[test]
fn every_track_is_a_rendition_of_its_group() {
    let plan = many();
    let packaged = package(&plan, &parts(&plan), Some(&sounds(&plan)), &[]).unwrap();
    let master = parse_master_playlist_res(text_at(&packaged, HLS_PATH).as_bytes()).unwrap();
    let found: Vec<_> = master
        .alternatives
        .iter()
        .map(|one| {
            let uri = one.uri.as_deref().unwrap();
            (one.name.as_str(), one.language.as_deref(), uri, one.default, one.autoselect)
        })
        .collect();
    let expected = [
        ("de", Some("de"), "audio/playlist.m3u8", true, true),
        ("en", Some("en"), "audio-2/playlist.m3u8", false, true),
        ("en (2)", Some("en"), "audio-3/playlist.m3u8", false, false),
        ("en commentary", Some("en"), "audio-4/playlist.m3u8", false, false),
        ("de description", Some("de"), "audio-5/playlist.m3u8", false, true),
        ("alternate", None, "audio-6/playlist.m3u8", false, true),
    ];
    assert_eq!(found, expected);
    let characteristics: Vec<_> =
        master.alternatives.iter().filter_map(|one| one.characteristics.as_deref()).collect();
    assert_eq!(characteristics, ["public.accessibility.describes-video"]);
    assert_eq!(master.variants.iter().filter(|variant| !variant.is_i_frame).count(), 4);
    let (rung, largest) = (&packaged.renditions[1], packaged.renditions.last().unwrap());
    assert_eq!(largest.name, "audio-6");
    assert_eq!(master.variants[1].bandwidth, rung.peak_bps + largest.peak_bps);
    assert_eq!(master.variants[1].codecs.as_deref(), Some("avc1.64001F,mp4a.40.2"));
    let mpd = dash_mpd_core::parse(text_at(&packaged, DASH_PATH)).unwrap();
    let sets = &mpd.periods[0].adaptations[1..];
    let found: Vec<_> = sets
        .iter()
        .map(|set| {
            (set.lang.as_deref(), set.Role[0].value.as_deref().unwrap(), set.Label[0].content.as_str())
        })
        .collect();
    let expected = [
        (Some("de"), "main", "de"),
        (Some("en"), "alternate", "en"),
        (Some("en"), "alternate", "en (2)"),
        (Some("en"), "commentary", "en commentary"),
        (Some("de"), "description", "de description"),
        (None, "alternate", "alternate"),
    ];
    assert_eq!(found, expected);
    assert_eq!(sets[4].Accessibility.len(), 1);
    let paths = |folder: &str| packaged.files.iter().filter(|file| file.path.starts_with(folder)).count();
    assert_eq!((paths("audio/"), paths("audio-6/")), (18, 18));
}

#[test]
fn surround_is_a_group_of_its_own_with_the_same_tracks() {
    let mut plan = many();
    let encodes = &mut plan.audio.as_mut().unwrap().encodes;
    encodes.truncate(2);
    let surround = AudioEncode { name: "audio-surround".into(), channels: 6, ..encodes[0].clone() };
    encodes.insert(1, surround);
    let result = sounds(&plan);
    let packaged = package(&plan, &parts(&plan), Some(&result), &[]).unwrap();
    let master = parse_master_playlist_res(text_at(&packaged, HLS_PATH).as_bytes()).unwrap();
    let found: Vec<_> = master
        .alternatives
        .iter()
        .map(|one| (one.group_id.as_str(), one.name.as_str(), one.uri.as_deref().unwrap()))
        .collect();
    let expected = [
        ("audio", "de", "audio/playlist.m3u8"),
        ("audio", "en", "audio-2/playlist.m3u8"),
        ("audio-surround", "de", "audio-surround/playlist.m3u8"),
        ("audio-surround", "en", "audio-2/playlist.m3u8"),
    ];
    assert_eq!(found, expected);
    assert_eq!(master.alternatives[2].channels.as_deref(), Some("6"));
    let films = master.variants.iter().filter(|variant| !variant.is_i_frame);
    let groups: Vec<_> = films.map(|variant| variant.audio.as_deref().unwrap()).collect();
    assert_eq!(groups, [["audio"; 4], ["audio-surround"; 4]].concat());
    let mpd = dash_mpd_core::parse(text_at(&packaged, DASH_PATH)).unwrap();
    let channels = mpd.periods[0].adaptations[1..]
        .iter()
        .map(|set| set.representations[0].AudioChannelConfiguration[0].value.clone().unwrap());
    assert_eq!(channels.collect::<Vec<_>>(), ["2", "6", "2"]);
    // One encode of a track is enough to publish it.
    let one_of_two =
        AudioResult { encodes: vec![result.encodes[0].clone(), failed(), result.encodes[2].clone()] };
    let packaged = package(&plan, &parts(&plan), Some(&one_of_two), &[]).unwrap();
    assert!(packaged.audio.iter().all(|outcome| outcome.failed.is_none()), "{:?}", packaged.audio);
}

#[test]
fn audio_tracks_without_video_are_renditions_of_the_main_one() {
    let mut plan = many();
    plan.video.clear();
    let packaged = package(&plan, &[], Some(&sounds(&plan)), &[]).unwrap();
    let master = parse_master_playlist_res(text_at(&packaged, HLS_PATH).as_bytes()).unwrap();
    assert_eq!((master.alternatives.len(), master.variants.len()), (6, 1));
    assert_eq!(master.variants[0].uri, "audio/playlist.m3u8");
    assert_eq!(master.variants[0].audio.as_deref(), Some("audio"));
    assert_eq!(master.variants[0].bandwidth, packaged.renditions[5].peak_bps);
}

#[test]
fn a_track_that_fails_costs_no_other() {
    let plan = many();
    let mut result = sounds(&plan);
    result.encodes[0] = failed();
    let packaged = package(&plan, &parts(&plan), Some(&result), &[]).unwrap();
    assert!(packaged.files.iter().all(|file| !file.path.starts_with("audio/")));
    let master = parse_master_playlist_res(text_at(&packaged, HLS_PATH).as_bytes()).unwrap();
    assert_eq!(master.alternatives.len(), 5);
    assert!(master.alternatives[0].default && master.alternatives[0].name == "en");
    result.encodes.fill(failed());
    result.encodes[0] = AudioEnding::Failed(Fault::new(Code::DamagedStream, "the main one"));
    let fault = package(&plan, &parts(&plan), Some(&result), &[]).unwrap_err();
    assert_eq!((fault.code, fault.detail.as_str()), (Code::DamagedStream, "the main one"));
}

#[test]
fn documents_of_versions_with_one_track_leave_the_others_out() {
    let mut plan = planned();
    plan.audio_language = plan.audio.as_mut().unwrap().encodes[0].language.take();
    let mut packaged = package(&plan, &parts(&plan), Some(&sound()), &[]).unwrap();
    let Kind::Audio(main) = &packaged.renditions[4].kind else { panic!("audio comes last") };
    assert_eq!(main.language.as_deref(), Some("eng"), "the plan of version 2 has it");
    packaged.audio.clear();
    let mut media = inspection(65 * S, 2 * S);
    media.facts.audio.push(AudioFacts { track: 2, ..audio(S) });
    let left_out = packaged.left_out(&media.facts);
    assert_eq!((left_out[0].track, left_out[0].why), (Some(2), WhyLeftOut::OneOfItsKind));
    let text = serde_json::to_string(&packaged).unwrap();
    let old = text.replace("\"audio\":[],", "").replace(",\"track\":1,\"role\":\"programme\"", "");
    assert!(old.len() + 30 < text.len(), "{old}");
    let old: Packaged = serde_json::from_str(&old).unwrap();
    assert_eq!(old.left_out(&media.facts), left_out);
}

/// What a file may hold: for each track its kind, whether it can be decoded, and whether it holds anything.
fn media() -> impl Strategy<Value = Inspection> {
    // Most tracks are of sound, so that some files have more than are published.
    let track = (0..10_u8, prop::bool::weighted(0.8), prop::bool::weighted(0.9));
    (prop::collection::vec(track, 1..90), any::<u64>()).prop_map(|(tracks, seed)| {
        let mut media = inspection(20 * S, 2 * S);
        let main = media.facts.video.remove(0);
        media.facts.audio.clear();
        for (track, (kind, decodable, holds)) in (0..).zip(tracks) {
            let samples = if holds { 500 } else { 0 };
            let facts = &mut media.facts;
            match kind {
                0 => facts.video.push(VideoFacts { track, decodable, frames: samples, ..video(1280, 720) }),
                1 => facts.subtitles.push(SubtitleFacts {
                    track,
                    codec: "text".into(),
                    cues: samples,
                    language: String::new(),
                }),
                2 => facts.other_tracks += 1,
                _ => facts.audio.push(AudioFacts { track, decodable, packets: samples, ..audio(S) }),
            }
        }
        let audio = &mut media.facts.audio;
        let turn = usize::try_from(seed % 64).unwrap() % audio.len().max(1);
        audio.rotate_left(turn); // what the file names as the one to play first comes first
        media.audio = audio
            .iter()
            .map(|one| AudioTraits { track: one.track, role: AudioRole::default(), placed_channels: 6 })
            .collect();
        if let Some(first) = media.facts.video.iter_mut().find(|one| one.decodable && one.frames > 0) {
            (first.frames, first.end_ns) = (main.frames, main.end_ns);
        }
        media
    })
}

proptest! {
    #[test]
    fn every_track_is_published_or_left_out(
        media in media(),
        surround: bool,
        fails in prop::collection::vec(prop::bool::weighted(0.2), 64),
    ) {
        let mut settings = Settings::default();
        settings.audio.surround = surround;
        let Ok(plan) = plan(&media, &settings, 1) else { return Ok(()) };
        let main = media.facts.main_video().map(|video| video.track);
        let planned = plan.audio.iter().flat_map(|job| job.encodes.iter().map(|one| one.track));
        let texts = plan.captions.iter().flat_map(|captions| captions.job.tracks.iter().copied());
        let texts: Vec<u32> = texts.collect();
        let planned = planned.collect::<std::collections::BTreeSet<_>>();
        let planned: Vec<u32> = main.into_iter().chain(planned).chain(texts.clone()).collect();
        prop_assert!(is_complete(&media.facts, &planned, &left_out(&media.facts, None)));
        let result = plan.audio.as_ref().map(|_| {
            let mut result = sounds(&plan);
            result.encodes.iter_mut().zip(&fails).filter(|(_, fails)| **fails).for_each(|(one, _)| *one = failed());
            result
        });
        let kept = texts.iter().zip(&fails).filter(|(_, withheld)| !**withheld);
        let captions: Vec<CaptionTrack> = kept
            .map(|(track, _)| CaptionTrack {
                track: Some(*track),
                file: None,
                channel: None,
                language: None,
                flags: CaptionFlags::default(),
                shown: Vec::new(),
            })
            .collect();
        let Ok(packaged) = package(&plan, &parts(&plan), result.as_ref(), &captions) else {
            prop_assert!(result.is_some_and(|result| result.encoded().count() == 0));
            return Ok(());
        };
        let published = packaged.published(&plan);
        prop_assert!(is_complete(&media.facts, &published, &packaged.left_out(&media.facts)), "{published:?}");
        let heard = packaged.renditions.iter().filter_map(|rendition| match &rendition.kind {
            Kind::Audio(sound) => Some(sound.track),
            Kind::Video(_) | Kind::Captions(_) => None,
        });
        let heard: std::collections::BTreeSet<u32> = heard.collect();
        prop_assert!(heard.iter().all(|track| published.contains(track)));
        prop_assert_eq!(heard.len() + main.iter().len() + captions.len(), published.len());
    }
}
