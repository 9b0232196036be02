//! Several tracks in one job.

use super::tests::{decoded_channels, encode, job};
use super::*;
use reelgate_flow::facts::Container;

use crate::testing::{Media, MemorySink, progress_sink};

/// A Matroska file of three tracks: 440 Hz, 880 Hz, and 1,320 Hz with an hour and more before it.
fn three_tracks() -> Media {
    let track = |hertz: u32, offset_s: u64| {
        format!(
            "audiotestsrc num-buffers=100 samplesperbuffer=960 freq={hertz} timestamp-offset={} ! \
             audio/x-raw,rate=48000,channels=2 ! flacenc ! queue ! m. ",
            offset_s * 1_000_000_000
        )
    };
    let tracks = track(440, 0) + &track(880, 0) + &track(1_320, 4_000);
    Media::made_by(&format!("{tracks} matroskamux name=m"))
}

/// Oscillations per second of the first channel.
fn pitch(name: &str, result: &AudioResult, files: &MemorySink) -> f64 {
    let encoded = result.encoded().find(|encoded| encoded.track.name == name).unwrap();
    let samples: Vec<f32> = decoded_channels(encoded, files, 1).1;
    let middle = &samples[24_000..72_000];
    middle.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count() as f64
}

#[test]
fn every_track_gets_its_own_sound_and_one_that_fails_costs_no_other() {
    let media = three_tracks();
    let files = progress_sink();
    let encodes = vec![encode(2, "audio", 2), encode(1, "audio-2", 2), encode(0, "audio-3", 1)];
    let job = AudioJob { encodes, ..job(Container::Matroska, 0) };
    let result = run(&job, &media.source(), files.clone()).unwrap();
    let AudioEnding::Failed(fault) = &result.encodes[0] else { panic!("{:?}", result.encodes[0]) };
    assert_eq!(fault.code, Code::TimestampsBroken, "{fault}");
    assert!((pitch("audio-2", &result, &files) - 880.0).abs() <= 2.0);
    assert!((pitch("audio-3", &result, &files) - 440.0).abs() <= 2.0);
    let lengths: Vec<u64> = result.encoded().map(|encoded| encoded.samples_in).collect();
    assert_eq!(lengths, [96_000, 96_000]);
}

#[test]
fn if_no_track_works_the_fault_of_the_main_one_counts() {
    let media = three_tracks();
    let encodes = vec![encode(2, "audio", 2), encode(9, "audio-2", 2)];
    let job = AudioJob { encodes, ..job(Container::Matroska, 0) };
    let fault = run(&job, &media.source(), progress_sink()).unwrap_err();
    assert_eq!(fault.code, Code::TimestampsBroken, "{fault}");
}

/// A WAVE file of a second in 5.1 with 60 Hz in one channel.
fn tone_in(channel: usize) -> Media {
    const SAMPLES: u32 = 48_000;
    let mut wave = Vec::new();
    wave.extend_from_slice(b"RIFF");
    wave.extend_from_slice(&(60 + SAMPLES * 12).to_le_bytes());
    wave.extend_from_slice(b"WAVEfmt \x28\0\0\0\xfe\xff\x06\0");
    wave.extend_from_slice(&48_000_u32.to_le_bytes());
    wave.extend_from_slice(&(48_000_u32 * 12).to_le_bytes());
    // 12 bytes in a frame, 16 bits, 22 bytes more: 16 valid bits, the positions, the identifier of PCM.
    wave.extend_from_slice(
        b"\x0c\0\x10\0\x16\0\x10\0\x3f\0\0\0\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71data",
    );
    wave.extend_from_slice(&(SAMPLES * 12).to_le_bytes());
    for n in 0..SAMPLES {
        let tone = (f64::from(n) * 60.0 * std::f64::consts::TAU / 48_000.0).sin() * 16_000.0;
        let frame = (0..6).map(|of| if of == channel { tone as i16 } else { 0 });
        wave.extend(frame.flat_map(i16::to_le_bytes));
    }
    Media::of(&wave)
}

#[test]
fn surround_keeps_every_channel_in_its_place() {
    for channel in 0..6 {
        let media = tone_in(channel);
        let files = progress_sink();
        let job = AudioJob { encodes: vec![encode(0, "audio-surround", 6)], ..job(Container::Wav, 0) };
        let result = run(&job, &media.source(), files.clone()).unwrap();
        let encoded = result.encoded().next().unwrap();
        let samples = decoded_channels(encoded, &files, 6).1;
        let loudest = |of: usize| {
            samples
                .iter()
                .skip(of)
                .step_by(6)
                .skip(9_600)
                .fold(0.0_f32, |most, sample| most.max(sample.abs()))
        };
        let levels: Vec<f32> = (0..6).map(loudest).collect();
        for (of, level) in levels.iter().enumerate() {
            assert_eq!(*level > 0.3, of == channel, "channel {channel}: {levels:?}");
        }
    }
}

#[test]
fn a_target_loudness_is_met_and_mutes_do_not_change_it() {
    let media = Media::made_by(
        "audiotestsrc num-buffers=500 samplesperbuffer=960 freq=997 volume=0.02 ! audio/x-raw,rate=48000,channels=2 ! wavenc",
    );
    let plain = AudioJob { loudness_lufs: Some(-23), ..job(Container::Wav, 0) };
    let muted = reelgate_pipelines::messages::Span { start_ns: 0, end_ns: 5_000_000_000 };
    let covered = AudioJob { mutes: vec![muted], ..plain.clone() };
    let (old_files, new_files) = (progress_sink(), progress_sink());
    let old = run(&plain, &media.source(), old_files.clone()).unwrap();
    let new = run(&covered, &media.source(), new_files.clone()).unwrap();
    let of = |result: &AudioResult| result.encoded().next().unwrap().clone();
    let loudness = of(&old).loudness.unwrap();
    assert!((loudness.integrated_lufs.unwrap() + 23.0).abs() < 0.05, "{loudness:?}");
    let loudest = |result: &AudioResult, files: &MemorySink| {
        let samples = decoded_channels(&of(result), files, 1).1;
        samples[8 * 48_000..].iter().fold(0.0_f32, |most, sample| most.max(sample.abs()))
    };
    let (before, after) = (loudest(&old, &old_files), loudest(&new, &new_files));
    assert!((before - after).abs() < 0.01 && before > 0.05, "{before} {after}");
}
