use super::*;
use reelgate_flow::facts::{Container, Rational, Rotation};
use reelgate_pipelines::messages::{Rung, TrackRef};

/// A job over a 30 frames per second file whose track is the first.
pub fn job(rungs: &[(&str, u32, u32)]) -> VideoJob {
    let rungs = rungs.iter().map(|&(name, width, height)| Rung {
        name: name.into(),
        width,
        height,
        bitrate_bps: 2_000_000,
    });
    VideoJob {
        source: TrackRef { container: Container::IsoBmff, size_bytes: 0, track: 0 },
        zero_ns: 0,
        segment_ns: 4_000_000_000,
        first_segment: 0,
        end_segment: None,
        seek_ns: None,
        frame_rate: Rational::new(30, 1),
        track_end_ns: 0,
        timescale: 30_000,
        rotation: Rotation::default(),
        interlaced: false,
        rungs: rungs.collect(),
        preset: "veryfast".into(),
        crf: 23,
        encoder_threads: 2,
    }
}
