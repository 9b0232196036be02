use super::*;
use reelgate_flow::facts::Container;
use reelgate_pipelines::messages::{AudioRole, Span};
use reelgate_pipelines::recipes::redact::{TouchedSegments, replaced, splice_audio};

use crate::testing::{Media, MemorySink, play, progress_sink};

const SECOND_NS: u64 = 1_000_000_000;

pub fn job(container: Container, track: u32) -> AudioJob {
    AudioJob {
        container,
        size_bytes: 0,
        zero_ns: 0,
        segment_ns: 4 * SECOND_NS,
        sample_rate: 48_000,
        encodes: vec![encode(track, "audio", 2)],
        loudness_lufs: None,
        mutes: Vec::new(),
    }
}

pub fn encode(track: u32, name: &str, channels: u8) -> AudioEncode {
    let (language, role) = (None, AudioRole::default());
    AudioEncode { track, name: name.into(), channels, bitrate_bps: 128_000, language, role, fill_to_ns: None }
}

/// The same with one channel at another rate.
fn mono_at(sample_rate: u32, container: Container) -> AudioJob {
    AudioJob { sample_rate, encodes: vec![encode(0, "audio", 1)], ..job(container, 0) }
}

/// Runs a job of one encode.
fn run_one(
    job: &AudioJob,
    source: &Source,
    progress_sink: Arc<dyn ProgressSink>,
) -> Result<AudioEncoded, Fault> {
    let result = run(job, source, progress_sink)?;
    assert_eq!(result.encodes.len(), 1);
    Ok(result.encoded().next().unwrap().clone())
}

/// Left channel of an encoded track as a player decodes it, and the time of its first sample.
fn decoded(result: &AudioEncoded, progress_sink: &MemorySink) -> (u64, Vec<f32>) {
    decoded_channels(result, progress_sink, 1)
}

/// The same with more channels, interleaved.
pub fn decoded_channels(result: &AudioEncoded, progress_sink: &MemorySink, channels: u8) -> (u64, Vec<f32>) {
    let file = Media::of(&progress_sink.joined(&result.track));
    let channels = format!("audio/x-raw,format=F32LE,layout=interleaved,channels={channels}");
    let buffers = play(&file.path(), &format!("qtdemux ! aacparse ! avdec_aac ! audioconvert ! {channels}"));
    let samples = buffers.iter().flat_map(|(_, bytes)| bytes.chunks_exact(4));
    let samples = samples.map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
    (buffers[0].0, samples)
}

/// A WAVE file of one channel that is silent except for a click of 64 samples.
fn click(rate: u32, samples: u32, at: u32) -> Media {
    let mut wave = Vec::new();
    wave.extend_from_slice(b"RIFF");
    wave.extend_from_slice(&(36 + samples * 2).to_le_bytes());
    wave.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wave.extend_from_slice(&rate.to_le_bytes());
    wave.extend_from_slice(&(rate * 2).to_le_bytes());
    wave.extend_from_slice(b"\x02\0\x10\0data");
    wave.extend_from_slice(&(samples * 2).to_le_bytes());
    for n in 0..samples {
        let loud = (at..at + 64).contains(&n);
        wave.extend_from_slice(&(if loud { 20_000i16 } else { 0 }).to_le_bytes());
    }
    Media::of(&wave)
}

fn loud_at(samples: &[f32]) -> usize {
    samples.iter().position(|sample| sample.abs() > 0.2).expect("the click is audible")
}

#[test]
fn sound_lands_on_the_sample_it_came_from() {
    for (rate, tolerance) in [(48_000, 2), (44_100, 12)] {
        let media = click(rate, rate * 10, rate * 5);
        let progress_sink = progress_sink();
        let result = run_one(&job(Container::Wav, 0), &media.source(), progress_sink.clone()).unwrap();
        assert!(result.samples_in.abs_diff(480_000) <= 1);
        assert_eq!((result.samples_filled, result.samples_cut), (0, 0));
        let (start, samples) = decoded(&result, &progress_sink);
        assert_eq!(start, 0);
        assert!(loud_at(&samples).abs_diff(240_000) <= tolerance, "{rate}: {}", loud_at(&samples));
    }
}

#[test]
fn segments_follow_the_grid_and_end_with_the_sound() {
    let media = click(48_000, 490_000, 0);
    let progress_sink = progress_sink();
    let result = run_one(&job(Container::Wav, 0), &media.source(), progress_sink.clone()).unwrap();
    assert_eq!((result.track.name.as_str(), result.track.codecs.as_str()), ("audio", "mp4a.40.2"));
    let mut at = 0;
    for (index, segment) in result.track.segments.iter().enumerate() {
        assert_eq!((segment.number as usize, segment.start_ticks), (index, at));
        assert!(at.abs_diff(index as u64 * 192_000) <= 512);
        at += segment.duration_ticks;
    }
    assert_eq!(at, 490_000);
    assert_eq!(result.track.segments.len(), 3);
}

#[test]
fn less_than_half_a_segment_at_the_end_belongs_to_the_segment_before() {
    for (samples, durations) in [
        (384_000 + 1_000, vec![192_000, 193_000]),
        (384_000 + 90_000, vec![192_000, 282_000]),
        (384_000 + 100_000, vec![192_000, 192_000, 100_000]),
        (1_000, vec![1_000]),
    ] {
        let media = click(48_000, samples, 0);
        let progress_sink = progress_sink();
        let result = run_one(&job(Container::Wav, 0), &media.source(), progress_sink.clone()).unwrap();
        let found: Vec<_> = result.track.segments.iter().map(|segment| segment.duration_ticks).collect();
        assert_eq!(found.len(), durations.len(), "{samples}: {found:?}");
        assert!(
            found.iter().zip(&durations).all(|(found, expected)| found.abs_diff(*expected) <= 512),
            "{found:?}"
        );
        assert_eq!(found.iter().sum::<u64>(), samples as u64);
        assert!(decoded(&result, &progress_sink).1.len() as u64 >= samples as u64);
    }
}

#[test]
fn sound_before_output_time_0_is_cut_and_a_late_start_filled() {
    let media = click(48_000, 96_000, 48_000);
    let sink_cut = progress_sink();
    let cut = AudioJob { zero_ns: SECOND_NS / 2, ..job(Container::Wav, 0) };
    let result = run_one(&cut, &media.source(), sink_cut.clone()).unwrap();
    assert_eq!((result.samples_in, result.samples_cut), (96_000, 24_000));
    assert!(loud_at(&decoded(&result, &sink_cut).1).abs_diff(24_000) <= 2);
    let late = Media::made_by(
        "audiotestsrc num-buffers=20 samplesperbuffer=2400 timestamp-offset=500000000 ! \
         audio/x-raw,rate=48000,channels=1 ! avenc_aac ! m. \
         videotestsrc num-buffers=30 ! video/x-raw,framerate=30/1 ! x264enc speed-preset=ultrafast ! mp4mux name=m",
    );
    let result = run_one(&job(Container::IsoBmff, 0), &late.source(), progress_sink()).unwrap();
    assert!(result.samples_filled.abs_diff(24_000) <= 1_100, "{result:?}");
}

#[test]
fn a_job_without_sound_is_refused() {
    let media = click(48_000, 4_800, 0);
    let after_the_end = AudioJob { zero_ns: 10 * SECOND_NS, ..job(Container::Wav, 0) };
    let fault = run_one(&after_the_end, &media.source(), progress_sink()).unwrap_err();
    assert_eq!(fault.code, Code::NoFrameDecodes);
}

#[test]
fn six_channels_with_and_without_positions_become_two() {
    for mask in ["0x3f", "0x0"] {
        let media = Media::made_by(&format!(
            "audiotestsrc num-buffers=50 ! audio/x-raw,rate=48000,channels=6,channel-mask=(bitmask){mask} ! wavenc"
        ));
        let progress_sink = progress_sink();
        let result = run_one(&job(Container::Wav, 0), &media.source(), progress_sink.clone()).unwrap();
        assert_eq!(result.samples_in, 51_200, "mask {mask}");
        assert!(decoded(&result, &progress_sink).1.iter().any(|sample| sample.abs() > 0.05), "mask {mask}");
    }
}

/// Speech-like sound that never repeats: tones under noise.
fn speech_like(seconds: u32) -> Media {
    let buffers = seconds * 48_000 / 4_800;
    Media::made_by(&format!(
        "audiomixer name=mix ! audio/x-raw,format=S16LE,rate=48000,channels=2 ! wavenc name=end \
         audiotestsrc num-buffers={buffers} samplesperbuffer=4800 wave=sine freq=310 ! audio/x-raw,rate=48000 ! mix. \
         audiotestsrc num-buffers={buffers} samplesperbuffer=4800 wave=pink-noise volume=0.4 ! audio/x-raw,rate=48000 ! mix. \
         end."
    ))
}

#[test]
fn a_mute_is_silent_and_moves_no_sample() {
    let media = speech_like(40);
    let span = Span { start_ns: 17 * SECOND_NS, end_ns: 18 * SECOND_NS };
    let (plain, covered) = (job(Container::Wav, 0), AudioJob { mutes: vec![span], ..job(Container::Wav, 0) });
    let (old_files, new_files) = (progress_sink(), progress_sink());
    let both = run(&plain, &media.source(), old_files.clone()).unwrap();
    let both_new = run(&covered, &media.source(), new_files.clone()).unwrap();
    let first = |result: &AudioResult| result.encoded().next().unwrap().clone();
    let (old, new) = (first(&both), first(&both_new));
    assert_eq!((old.samples_in, old.samples_filled), (new.samples_in, new.samples_filled));
    let shape = |result: &AudioEncoded| -> Vec<_> {
        result.track.segments.iter().map(|s| (s.number, s.start_ticks, s.duration_ticks, s.samples)).collect()
    };
    assert_eq!(shape(&old), shape(&new));
    let (before, after) = (decoded(&old, &old_files).1, decoded(&new, &new_files).1);
    assert_eq!(before.len(), after.len());
    let loudest = |samples: &[f32]| samples.iter().fold(0.0_f32, |most, sample| most.max(sample.abs()));
    // Up to a frame beyond the edges, the codec's window may still contain sound that is not muted.
    let inside = 17 * 48_000 - 900..18 * 48_000 + 900;
    assert!(loudest(&before[inside.clone()]) > 0.2, "the sound is audible before the mute");
    assert!(loudest(&after[17 * 48_000..18 * 48_000]) < 0.01, "{}", loudest(&after[inside]));
    assert!(loudest(&after[16 * 48_000..16 * 48_000 + 24_000]) > 0.2);
    // The encoder has a memory, so segments behind the mute differ too. Splicing keeps the old ones.
    for segment in 0..4 {
        let name = crate::cmaf::segment_name("audio", segment);
        assert!(old_files.get(&name) == new_files.get(&name), "{name} differs");
    }
    assert_eq!(old_files.get("audio/init.mp4"), new_files.get("audio/init.mp4"));
    // The muted segment and its neighbours go into the old track. The seams must not be audible.
    let touched = TouchedSegments { name: "audio".into(), segments: vec![3, 4, 5] };
    let spliced = first(&splice_audio(&both, &both_new, &[touched]).unwrap());
    let files = progress_sink();
    for (name, bytes) in old_files.all() {
        let is_new = replaced("audio", &[3, 4, 5]).any(|replaced| replaced == name);
        files.output(&name, if is_new { new_files.get(&name) } else { bytes }.as_slice()).unwrap();
    }
    let spliced = decoded(&spliced, &files).1;
    assert_eq!(spliced.len(), before.len());
    let error = |range: std::ops::Range<usize>| -> f32 {
        let pairs = before[range.clone()].iter().zip(&spliced[range.clone()]);
        (pairs.map(|(a, b)| (a - b).powi(2)).sum::<f32>() / range.len() as f32).sqrt()
    };
    let (seam, settled) = (error(24 * 48_000 - 2_048..24 * 48_000 + 2_048), error(26 * 48_000..40 * 48_000));
    assert!(settled == 0.0 && seam < 0.02, "{settled} behind the seam, {seam} at it");
    assert!(loudest(&spliced[17 * 48_000..18 * 48_000]) < 0.01);
}

#[test]
fn compressed_sound_in_wave_files_is_published_whole() {
    gst::init().unwrap();
    for (name, rate) in [("mp3.wav", 44_100), ("adpcm.wav", 16_000), ("adpcm-ima.wav", 16_000)] {
        let source = crate::testing::source(&crate::corpus::small(name));
        let job = mono_at(rate, Container::Wav);
        let result = run_one(&job, &source, progress_sink()).unwrap();
        let placed = result.samples_in + result.samples_filled - result.samples_cut;
        assert!(u64::from(rate) <= placed && placed < u64::from(rate) * 113 / 100, "{name}: {result:?}");
        assert_eq!((result.samples_filled, result.samples_cut), (0, 0), "{name}");
    }
}

#[test]
fn packets_of_amr_with_several_frames_are_decoded_whole() {
    let media = Media::made_by(
        "audiotestsrc num-buffers=50 samplesperbuffer=160 ! audio/x-raw,rate=8000,channels=1 ! amrnbenc ! 3gppmux",
    );
    let job = mono_at(8_000, Container::IsoBmff);
    for _ in 0..3 {
        let result = run_one(&job, &media.source(), progress_sink()).unwrap();
        assert_eq!((result.samples_in, result.samples_filled, result.samples_cut), (8_000, 0, 0));
    }
}

#[test]
fn shared_sound_of_a_phone_is_the_same_at_each_run() {
    gst::init().unwrap();
    let source = crate::testing::source(&reelgate_test_media::shared("cases/real/sample.3gp"));
    let job = mono_at(8_000, Container::IsoBmff);
    let runs: Vec<_> = (0..5).map(|_| run_one(&job, &source, progress_sink()).unwrap()).collect();
    assert!(runs[0].samples_in.abs_diff(39_467) < 400, "4.93 s: {:?}", runs[0]);
    assert!(runs.iter().all(|run| *run == runs[0]), "{runs:?}");
}
