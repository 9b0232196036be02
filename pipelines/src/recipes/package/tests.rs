use super::*;
use crate::messages::{AudioEncoded, AudioEnding, Loudness, SegmentResult, TrackResult, VideoResult};
use crate::recipes::captions::Shown;
use crate::recipes::plan::{VideoChunk, plan};
use crate::recipes::settings::Settings;
use crate::recipes::testing::{S, inspection};
use m3u8_rs::{MediaPlaylistType, parse_master_playlist_res, parse_media_playlist_res};
use reelgate_flow::caption_file::CaptionFlags;

/// 65 s at 25 frames a second on a 4 s grid, with sound.
pub fn planned() -> Plan {
    plan(&inspection(65 * S, 2 * S), &Settings::default(), 1_000).unwrap()
}

/// The result of an honest worker for a chunk; higher rungs have more bytes.
fn part(chunk: &VideoChunk, frames_total: u64) -> VideoPart {
    let job = &chunk.job;
    let frame_ticks = u64::from(job.timescale) / 25;
    let end = job.end_segment.unwrap_or(u32::try_from(frames_total.div_ceil(100)).unwrap());
    let segments = |bytes: u64| -> Vec<SegmentResult> {
        let of = |number: u32| {
            let first = u64::from(number) * 100;
            let samples = (frames_total - first).min(100);
            SegmentResult {
                number,
                start_ticks: first * frame_ticks,
                duration_ticks: samples * frame_ticks,
                samples: u32::try_from(samples).unwrap(),
                bytes: bytes + u64::from(number),
                starts_with_idr: true,
                first_picture_end: 1_500,
            }
        };
        (job.first_segment..end).map(of).collect()
    };
    let track = |(position, name): (u64, String)| TrackResult {
        name,
        codecs: "avc1.64001F".into(),
        timescale: job.timescale,
        segments: segments(400_000 / (position + 1)),
    };
    let names = job.rungs.iter().map(|rung| rung.name.clone());
    VideoPart {
        result: VideoResult {
            frames_in: chunk.frames,
            frames_damaged: 0,
            rungs: (0..).zip(names).map(track).collect(),
        },
        init_sha256: (0..).map(|rung| [rung; 32]).take(job.rungs.len()).collect(),
    }
}

pub fn parts(plan: &Plan) -> Vec<VideoPart> {
    let frames = plan.video.iter().map(|chunk| chunk.frames).sum();
    plan.video.iter().map(|chunk| part(chunk, frames)).collect()
}

/// The result of the one encode of [`planned`].
pub fn sound() -> AudioResult {
    AudioResult { encodes: vec![AudioEnding::Encoded(encoded("audio", 64_000))] }
}

/// AAC frames of 1,024 samples, 188 to a segment of about 4 s and of `bytes` bytes.
pub fn encoded(name: &str, bytes: u64) -> AudioEncoded {
    let segment = |number: u32| SegmentResult {
        number,
        start_ticks: u64::from(number) * 188 * 1_024,
        duration_ticks: if number == 16 { 40 * 1_024 } else { 188 * 1_024 },
        samples: if number == 16 { 40 } else { 188 },
        bytes,
        starts_with_idr: true,
        first_picture_end: 0,
    };
    let track = TrackResult {
        name: name.into(),
        codecs: "mp4a.40.2".into(),
        timescale: 48_000,
        segments: (0..17).map(segment).collect(),
    };
    let loudness = Loudness { integrated_lufs: Some(-23.0), range_lu: 4.0, true_peak_dbtp: Some(-3.0) };
    let samples_in = 65 * 48_000;
    AudioEncoded { track, samples_in, samples_filled: 0, samples_cut: 0, loudness: Some(loudness) }
}

fn packaged() -> Packaged {
    let plan = planned();
    package(&plan, &parts(&plan), Some(&sound()), &[]).unwrap()
}

/// [`packaged`] with one file for each track; every header has 700 bytes.
pub fn packaged_in_track_files() -> Packaged {
    let packaged = packaged();
    let sizes: BTreeMap<String, u64> = packaged
        .renditions
        .iter()
        .flat_map(|rendition| {
            let path = |at: usize| format!("{}/{at:05}.m4s", rendition.folder);
            rendition.segments.iter().enumerate().map(move |(at, segment)| (path(at), segment.bytes))
        })
        .collect();
    let facts = |file: &StagedFile| {
        let size_bytes = sizes.get(&file.path).copied().unwrap_or(700);
        Ok(PartFacts { size_bytes, sha256: file.path.clone() })
    };
    packaged.in_track_files(facts).unwrap()
}

pub fn text_at<'a>(packaged: &'a Packaged, path: &str) -> &'a str {
    &packaged.texts.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("{path} is missing")).text
}

/// The fault after spoiling one thing.
fn refused(spoil: impl FnOnce(&mut Vec<VideoPart>, &mut AudioEncoded)) -> Fault {
    let plan = planned();
    let (mut video, mut audio) = (parts(&plan), encoded("audio", 64_000));
    spoil(&mut video, &mut audio);
    let audio = AudioResult { encodes: vec![AudioEnding::Encoded(audio)] };
    package(&plan, &video, Some(&audio), &[]).unwrap_err()
}

#[test]
fn every_frame_and_segment_is_in_a_rendition() {
    let packaged = packaged();
    assert_eq!(
        packaged.renditions.iter().map(|r| r.folder.as_str()).collect::<Vec<_>>(),
        ["video/1080p", "video/720p", "video/480p", "video/240p", "audio"]
    );
    for rendition in &packaged.renditions[..4] {
        let Kind::Video(picture) = &rendition.kind else { panic!("video comes first") };
        assert_eq!(picture.frames, 1_625);
        assert_eq!(rendition.end_ticks(), 65 * u64::from(rendition.timescale));
        assert_eq!(rendition.segments.len(), 17);
    }
}

#[test]
fn staged_files_get_dense_names_in_their_final_folders() {
    let packaged = packaged();
    assert_eq!(packaged.files.len(), 5 * (17 + 1));
    let find = |path: &str| packaged.files.iter().find(|file| file.path == path).unwrap();
    assert_eq!(find("video/720p/init.mp4").task, TaskKey::Video { chunk: 0 });
    assert_eq!(find("video/720p/00005.m4s").task, TaskKey::Video { chunk: 1 });
    assert_eq!(find("video/720p/00005.m4s").staged, "720p/00005.m4s");
    assert_eq!(find("audio/00016.m4s").task, TaskKey::Audio);
    let mut paths: Vec<_> = packaged.files.iter().map(|file| &file.path).collect();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), packaged.files.len());
}

#[test]
fn a_still_picture_leaves_no_gap_in_the_names() {
    let mut plan = planned();
    plan.video.truncate(1);
    plan.video[0].job.end_segment = None;
    plan.video[0].job.frame_rate = None;
    plan.audio = None;
    let mut video = vec![part(&plan.video[0], 500)];
    for track in &mut video[0].result.rungs {
        // The last frame of segment 1 is shown until segment 3 begins.
        let gone = track.segments.remove(2);
        track.segments[1].duration_ticks += gone.duration_ticks;
    }
    video[0].result.frames_in = 400;
    plan.video[0].frames = 400;
    let packaged = package(&plan, &video, None, &[]).unwrap();
    let third = packaged.files.iter().find(|file| file.path == "video/1080p/00002.m4s").unwrap();
    assert_eq!(third.staged, "1080p/00003.m4s");
    let Kind::Video(picture) = &packaged.renditions[0].kind else { panic!("video comes first") };
    assert_eq!((picture.frame_rate.num, picture.frame_rate.den), (25_000, 1_000));
    let playlist =
        parse_media_playlist_res(text_at(&packaged, "video/1080p/playlist.m3u8").as_bytes()).unwrap();
    assert_eq!(playlist.target_duration, 8);
}

#[test]
fn counts_that_do_not_agree_are_refused_with_numbers() {
    let cases = [
        refused(|video, _| drop(video.pop())),
        refused(|video, _| video[1].result.frames_in -= 1),
        refused(|video, _| video[1].result.frames_in += 1),
        refused(|video, _| video[1].result.rungs[2].segments[0].samples -= 1),
        refused(|video, _| drop(video[1].result.rungs.pop())),
        refused(|video, _| video[1].result.rungs[0].name = "144p".into()),
        refused(|video, _| video[1].result.rungs[3].timescale = 90_000),
        refused(|video, _| video[1].result.rungs[3].codecs = "avc1.640028".into()),
        refused(|video, _| video[1].init_sha256[3] = [9; 32]),
        refused(|video, _| video[0].result.rungs[1].segments[2].starts_with_idr = false),
        refused(|video, _| video[0].result.rungs[1].segments[2].bytes = 0),
        refused(|video, _| {
            video.iter_mut().for_each(|part| part.result.rungs[0].codecs = "avc1\"\n#EXT".into())
        }),
        refused(|video, _| video.swap(0, 1)),
        // All rungs agree, but the end of the chunk leaves a gap before the next chunk.
        refused(|video, _| {
            for track in &mut video[0].result.rungs {
                track.segments.last_mut().unwrap().duration_ticks -= 1;
            }
        }),
        refused(|video, _| {
            for track in &mut video[0].result.rungs {
                track.segments[0].start_ticks = 1;
                track.segments[0].duration_ticks -= 1;
            }
        }),
        refused(|_, audio| audio.track.segments.retain(|segment| segment.number != 3)),
        refused(|_, audio| audio.track.segments.clear()),
        refused(|_, audio| audio.track.timescale = 44_100),
    ];
    for (number, fault) in cases.iter().enumerate() {
        assert_eq!(fault.code, Code::CountMismatch, "case {number}: {fault}");
        assert!(fault.detail.chars().any(|c| c.is_ascii_digit()) || number >= 16, "case {number}: {fault}");
    }
    let plan = planned();
    assert_eq!(
        package(&plan, &parts(&plan), None, &[]).unwrap_err().detail,
        "expected 1 audio results, found 0"
    );
    let none = AudioResult { encodes: Vec::new() };
    let fault = package(&plan, &parts(&plan), Some(&none), &[]).unwrap_err();
    assert_eq!(fault.detail, "expected 1 encodes of audio, found 0");
    assert_eq!(cases[1].detail, "chunk 1: expected 500 frames, found 499, 0 damaged");
}

#[test]
fn up_to_a_tenth_of_the_frames_may_be_lost_to_reported_damage() {
    let lose = |count: u32| {
        let plan = planned();
        let mut video = parts(&plan);
        video[1].result.frames_damaged = 1;
        video[1].result.frames_in -= u64::from(count);
        for track in &mut video[1].result.rungs {
            track.segments.iter_mut().fold(count, |left, segment| {
                let taken = left.min(segment.samples - 1);
                segment.samples -= taken;
                left - taken
            });
        }
        package(&plan, &video, Some(&sound()), &[]).map_err(|fault| fault.code)
    };
    assert!(lose(162).is_ok());
    assert_eq!(lose(163).unwrap_err(), Code::DamagedStream);
}

#[test]
fn a_frame_lost_at_a_seam_may_leave_a_gap_but_no_overlap() {
    let plan = planned();
    let frame_ticks = u64::from(plan.video[0].job.timescale) / 25;
    let mut video = parts(&plan);
    video[1].result.frames_damaged = 1;
    video[1].result.frames_in -= 1;
    for track in &mut video[1].result.rungs {
        let first = &mut track.segments[0];
        (first.samples, first.start_ticks, first.duration_ticks) =
            (first.samples - 1, first.start_ticks + frame_ticks, first.duration_ticks - frame_ticks);
    }
    let packaged = package(&plan, &video, Some(&sound()), &[]).unwrap();
    let mpd = dash_mpd_core::parse(text_at(&packaged, DASH_PATH)).unwrap();
    let template = mpd.periods[0].adaptations[0].SegmentTemplate.as_ref().unwrap();
    let runs = &template.SegmentTimeline.as_ref().unwrap().segments;
    assert_eq!((runs[0].t, runs[0].r), (Some(0), Some(4)));
    assert_eq!((runs[1].t, runs[1].d), (Some(501 * frame_ticks), 99 * frame_ticks));
    assert_eq!((runs[2].t, runs[2].r), (None, Some(9)));
    for track in &mut video[1].result.rungs {
        track.segments[0].start_ticks -= 2 * frame_ticks;
        track.segments[0].duration_ticks += 2 * frame_ticks;
    }
    assert_eq!(package(&plan, &video, Some(&sound()), &[]).unwrap_err().code, Code::DamagedStream);
}

#[test]
fn the_multivariant_playlist_parses_with_the_measured_rates() {
    let packaged = packaged();
    let master = parse_master_playlist_res(text_at(&packaged, HLS_PATH).as_bytes()).unwrap();
    assert_eq!((master.version, master.independent_segments), (Some(7), true));
    assert_eq!(master.variants.len(), 8, "with the pictures alone");
    let (rung, audio) = (&packaged.renditions[1], &packaged.renditions[4]);
    let variant = &master.variants[1];
    assert_eq!(variant.uri, "video/720p/playlist.m3u8");
    // The last two segments, 200,015 and 200,016 bytes, last 5 s, which is within 1.5 target durations.
    assert_eq!(rung.peak_bps, (400_031_u64 * 8).div_ceil(5));
    assert_eq!(variant.bandwidth, rung.peak_bps + audio.peak_bps);
    assert_eq!(variant.average_bandwidth, Some(rung.average_bps + audio.average_bps));
    assert_eq!(variant.codecs.as_deref(), Some("avc1.64001F,mp4a.40.2"));
    let resolution = variant.resolution.unwrap();
    assert_eq!((resolution.width, resolution.height, variant.frame_rate), (1280, 720, Some(25.0)));
    assert_eq!(variant.audio.as_deref(), Some("audio"));
    let alternative = &master.alternatives[0];
    assert_eq!(alternative.uri.as_deref(), Some("audio/playlist.m3u8"));
    assert_eq!((alternative.language.as_deref(), alternative.channels.as_deref()), (Some("eng"), Some("2")));
    assert!(alternative.default && alternative.autoselect);
}

#[test]
fn media_playlists_parse_with_every_segment() {
    let packaged = packaged();
    for rendition in &packaged.renditions {
        let path = format!("{}/playlist.m3u8", rendition.folder);
        let playlist = parse_media_playlist_res(text_at(&packaged, &path).as_bytes()).unwrap();
        assert_eq!((playlist.target_duration, playlist.end_list), (4, true));
        assert_eq!(playlist.playlist_type, Some(MediaPlaylistType::Vod));
        assert_eq!(playlist.segments[0].map.as_ref().unwrap().uri, "init.mp4");
        assert_eq!(playlist.segments.len(), rendition.segments.len());
        for (position, (read, segment)) in playlist.segments.iter().zip(&rendition.segments).enumerate() {
            assert_eq!(read.uri, format!("{position:05}.m4s"));
            let exact = segment.duration_ticks as f64 / f64::from(rendition.timescale);
            assert!((f64::from(read.duration) - exact).abs() < 1e-6, "{} {exact}", read.duration);
            assert!(read.duration.round() as u64 <= playlist.target_duration);
        }
        let sum: f64 = playlist.segments.iter().map(|segment| f64::from(segment.duration)).sum();
        assert!((sum - rendition.seconds(rendition.end_ticks())).abs() < 1e-4);
    }
}

#[test]
fn the_dash_manifest_parses_with_the_same_segments() {
    let packaged = packaged();
    let mpd = dash_mpd_core::parse(text_at(&packaged, DASH_PATH)).unwrap();
    assert_eq!(mpd.mpdtype.as_deref(), Some("static"));
    // The audio has whole AAC frames, so it is a little longer than the video.
    assert_eq!(
        mpd.mediaPresentationDuration,
        Some(std::time::Duration::from_nanos(3_048 * 1_024 * S / 48_000))
    );
    let sets = &mpd.periods[0].adaptations;
    assert_eq!(sets.len(), 2);
    for (set, renditions) in sets.iter().zip([&packaged.renditions[..4], &packaged.renditions[4..]]) {
        let template = set.SegmentTemplate.as_ref().unwrap();
        assert_eq!(
            (set.segmentAlignment, set.startWithSAP, template.startNumber),
            (Some(true), Some(1), Some(0))
        );
        let runs = &template.SegmentTimeline.as_ref().unwrap().segments;
        let lengths: Vec<u64> = runs
            .iter()
            .flat_map(|run| vec![run.d; usize::try_from(run.r.unwrap_or(0)).unwrap() + 1])
            .collect();
        assert_eq!(runs.len(), 2, "equal segments are written as one run");
        for (representation, rendition) in set.representations.iter().zip(renditions) {
            assert_eq!(
                lengths,
                rendition.segments.iter().map(|segment| segment.duration_ticks).collect::<Vec<_>>()
            );
            assert_eq!(template.timescale, Some(rendition.timescale.into()));
            assert_eq!(representation.bandwidth, Some(rendition.peak_bps));
            let id = representation.id.as_deref().unwrap();
            let media = template.media.as_ref().unwrap().replace("$RepresentationID$", id);
            assert_eq!(media.replace("$Number%05d$", "00003"), format!("{}/00003.m4s", rendition.folder));
        }
    }
    let video = &sets[0].representations[0];
    assert_eq!((video.width, video.height, video.frameRate.as_deref()), (Some(1920), Some(1080), Some("25")));
    let audio = &sets[1].representations[0];
    assert_eq!(audio.AudioChannelConfiguration[0].value.as_deref(), Some("2"));
    assert_eq!((audio.audioSamplingRate.as_deref(), sets[1].lang.as_deref()), (Some("48000"), Some("eng")));
}

#[test]
fn audio_alone_is_its_own_variant() {
    let mut plan = planned();
    plan.video.clear();
    let packaged = package(&plan, &[], Some(&sound()), &[]).unwrap();
    let master = parse_master_playlist_res(text_at(&packaged, HLS_PATH).as_bytes()).unwrap();
    assert!(master.alternatives.is_empty());
    assert_eq!(master.variants.len(), 1);
    assert_eq!(master.variants[0].uri, "audio/playlist.m3u8");
    assert_eq!(master.variants[0].codecs.as_deref(), Some("mp4a.40.2"));
    assert!(master.variants[0].resolution.is_none() && master.variants[0].audio.is_none());
    assert_eq!(dash_mpd_core::parse(text_at(&packaged, DASH_PATH)).unwrap().periods[0].adaptations.len(), 1);
}

#[test]
fn video_alone_has_no_audio_in_its_playlists() {
    let mut plan = planned();
    plan.audio = None;
    let packaged = package(&plan, &parts(&plan), None, &[]).unwrap();
    let master = parse_master_playlist_res(text_at(&packaged, HLS_PATH).as_bytes()).unwrap();
    assert!(master.alternatives.is_empty() && master.variants.iter().all(|variant| variant.audio.is_none()));
    assert_eq!(master.variants[0].codecs.as_deref(), Some("avc1.64001F"));
}

#[test]
fn every_rung_has_a_playlist_of_its_first_pictures() {
    let packaged = packaged();
    let master = parse_master_playlist_res(text_at(&packaged, HLS_PATH).as_bytes()).unwrap();
    let tricks: Vec<_> = master.variants.iter().filter(|variant| variant.is_i_frame).collect();
    let uris: Vec<&str> = tricks.iter().map(|variant| variant.uri.as_str()).collect();
    assert_eq!(uris, ["1080p", "720p", "480p", "240p"].map(|name| format!("video/{name}/iframes.m3u8")));
    assert_eq!((tricks[1].bandwidth, tricks[1].codecs.as_deref()), (12_000, Some("avc1.64001F")));
    assert!(tricks[1].audio.is_none() && tricks[1].resolution.is_some_and(|size| size.width == 1280));
    let playlist = text_at(&packaged, "video/720p/iframes.m3u8");
    assert!(playlist.contains("#EXT-X-I-FRAMES-ONLY"));
    let playlist = parse_media_playlist_res(playlist.as_bytes()).unwrap();
    assert_eq!(playlist.segments.len(), packaged.renditions[1].segments.len());
    let range = playlist.segments[3].byte_range.as_ref().unwrap();
    assert_eq!(
        (playlist.segments[3].uri.as_str(), range.length, range.offset),
        ("00003.m4s", 1_500, Some(0))
    );
    // A result of an earlier version does not say where a picture ends.
    let plan = planned();
    let mut older = parts(&plan);
    older[0].result.rungs[0].segments[0].first_picture_end = 0;
    let packaged = package(&plan, &older, Some(&sound()), &[]).unwrap();
    assert!(!text_at(&packaged, HLS_PATH).contains("1080p/iframes"));
    assert!(packaged.texts.iter().all(|file| file.path != "video/1080p/iframes.m3u8"));
}

#[test]
fn captions_are_renditions_of_both_manifests() {
    let plan = planned();
    let shown = |text: &str| vec![Shown { start_ns: S, end_ns: 62 * S, text: text.to_owned() }];
    let track = |track, channel: Option<&str>, language: Option<&str>| CaptionTrack {
        track: Some(track),
        file: None,
        flags: CaptionFlags::default(),
        channel: channel.map(str::to_owned),
        language: language.map(str::to_owned),
        shown: shown("hi"),
    };
    let tracks = [track(0, Some("cc1"), None), track(2, None, Some("de")), track(3, None, Some("de"))];
    let packaged = package(&plan, &parts(&plan), Some(&sound()), &tracks).unwrap();
    let master = parse_master_playlist_res(text_at(&packaged, HLS_PATH).as_bytes()).unwrap();
    let named: Vec<_> = master.alternatives[1..]
        .iter()
        .map(|one| (one.name.as_str(), one.language.as_deref(), one.characteristics.is_some(), one.default))
        .collect();
    let expected =
        [("CC1", None, true, false), ("de", Some("de"), false, false), ("de (2)", Some("de"), false, false)];
    assert_eq!(named, expected);
    let films = || master.variants.iter().filter(|variant| !variant.is_i_frame);
    assert!(films().all(|variant| variant.subtitles.as_deref() == Some("captions")));
    let list = text_at(&packaged, "captions-2/playlist.m3u8");
    let playlist = parse_media_playlist_res(list.as_bytes()).unwrap();
    assert_eq!((playlist.target_duration, playlist.segments.len()), (60, 2));
    assert_eq!((playlist.segments[1].uri.as_str(), playlist.segments[0].map.is_none()), ("00001.vtt", true));
    let (first, second) = (playlist.segments[0].duration, playlist.segments[1].duration);
    // The sound is a little longer than the video.
    assert!((f64::from(first + second) - 65.024).abs() < 0.001, "{first} {second}");
    assert_eq!(text_at(&packaged, "captions-2/00001.vtt").matches("hi").count(), 1);
    let mpd = dash_mpd_core::parse(text_at(&packaged, DASH_PATH)).unwrap();
    let sets = &mpd.periods[0].adaptations[2..];
    let roles: Vec<_> = sets.iter().map(|set| set.Role[0].value.as_deref().unwrap()).collect();
    assert_eq!(roles, ["caption", "subtitle", "subtitle"]);
    assert_eq!(sets[1].representations[0].BaseURL[0].base, "captions-2/captions.vtt");
    assert!(
        text_at(&packaged, "captions-2/captions.vtt").starts_with("WEBVTT\n\n00:00:01.000 --> 00:01:02.000")
    );
}

fn caption_file(number: u32, language: Option<&str>, flags: CaptionFlags) -> CaptionTrack {
    CaptionTrack {
        track: None,
        file: Some(AssetId::new(number.to_string())),
        flags,
        channel: None,
        language: language.map(str::to_owned),
        shown: Vec::new(),
    }
}

#[test]
fn the_captions_that_are_asked_for_are_shown_by_default() {
    let plain = CaptionFlags::default();
    let files = [
        caption_file(1, Some("en"), CaptionFlags { forced: true, ..plain }),
        caption_file(2, Some("en"), CaptionFlags { hearing_impaired: true, default: true, ..plain }),
        caption_file(3, Some("en"), plain),
        caption_file(4, Some("de"), plain),
    ];
    for (asked, expected) in
        [("", Some(1)), ("none", None), ("EN", Some(2)), ("de", Some(3)), ("fr", Some(1))]
    {
        let plan = Plan { default_captions: asked.into(), ..planned() };
        let packaged = package(&plan, &parts(&plan), Some(&sound()), &files).unwrap();
        let master = parse_master_playlist_res(text_at(&packaged, HLS_PATH).as_bytes()).unwrap();
        let shown: Vec<bool> = master.alternatives[1..].iter().map(|one| one.default).collect();
        let found: Vec<usize> = (0..files.len()).filter(|at| shown[*at]).collect();
        assert_eq!(found, Vec::from_iter(expected), "{asked:?}");
    }
}

#[test]
fn what_captions_are_for_is_told_in_both_manifests() {
    let (plan, file) = (planned(), caption_file);
    let plain = CaptionFlags::default();
    let files = [
        file(1, None, plain),
        file(2, Some("en"), CaptionFlags { default: true, ..plain }),
        file(3, Some("en"), CaptionFlags { hearing_impaired: true, default: true, ..plain }),
        file(4, Some("en"), CaptionFlags { forced: true, ..plain }),
    ];
    let packaged = package(&plan, &parts(&plan), Some(&sound()), &files).unwrap();
    let master = parse_master_playlist_res(text_at(&packaged, HLS_PATH).as_bytes()).unwrap();
    let named: Vec<_> = master.alternatives[1..]
        .iter()
        .map(|one| (one.name.as_str(), one.default, one.forced, one.characteristics.is_some()))
        .collect();
    let expected = [
        ("subtitles", false, false, false),
        ("en", true, false, false),
        ("en SDH", false, false, true),
        ("en forced", false, true, false),
    ];
    assert_eq!(named, expected, "one is shown by default");
    assert!(master.alternatives[1..].iter().all(|one| one.autoselect));
    let mpd = dash_mpd_core::parse(text_at(&packaged, DASH_PATH)).unwrap();
    let sets = &mpd.periods[0].adaptations[2..];
    let roles = |set: &dash_mpd_core::AdaptationSet| {
        set.Role.iter().filter_map(|role| role.value.clone()).collect::<Vec<_>>().join(" ")
    };
    let roles: Vec<String> = sets.iter().map(roles).collect();
    assert_eq!(roles, ["subtitle", "subtitle main", "caption", "forced-subtitle"]);
    assert!(packaged.published(&plan).len() == 2, "a file is no track");
}

#[test]
fn enrichment_publishes_pictures_and_never_text() {
    let enrichment = Enrichment {
        samples: Vec::new(),
        poster_ns: Some(1),
        storyboard_sheets: 2,
        text_lines: 9,
        screen_text: crate::messages::ScreenTextCost::default(),
        surfaces: Vec::new(),
    };
    let paths: Vec<_> = enrichment_files(&enrichment).into_iter().map(|file| file.path).collect();
    assert_eq!(paths, ["poster.jpg", "storyboard-000.jpg", "storyboard-001.jpg", "storyboard.vtt"]);
    let none = Enrichment { poster_ns: None, storyboard_sheets: 0, ..enrichment };
    assert!(enrichment_files(&none).is_empty());
}
