//! Facts of invented media for the tests of the recipes.

use crate::messages::{Inspection, VideoIndex};
use reelgate_flow::facts::{AudioFacts, Colour, Container, MediaFacts, Rational, Rotation, VideoFacts};

pub const S: u64 = 1_000_000_000;

pub fn video(width: u32, height: u32) -> VideoFacts {
    VideoFacts {
        track: 0,
        codec: "h264".into(),
        profile: String::new(),
        level: String::new(),
        width,
        height,
        pixel_aspect: Rational { num: 1, den: 1 },
        rotation: Rotation::default(),
        frame_rate: Rational::new(25, 1),
        variable_rate: false,
        interlaced: false,
        bit_depth: 8,
        chroma: "4:2:0".into(),
        colour: Colour::default(),
        frames: 0,
        start_ns: 0,
        end_ns: 0,
        bytes: 1_000_000,
        keyframes: 0,
        gop_frames_max: 50,
        language: String::new(),
        decodable: true,
    }
}

pub fn audio(end_ns: u64) -> AudioFacts {
    AudioFacts {
        track: 1,
        codec: "aac".into(),
        sample_rate: 44_100,
        channels: 2,
        start_ns: 0,
        end_ns,
        bytes: 100_000,
        packets: 100,
        language: "eng".into(),
        decodable: true,
    }
}

/// 1080p at 25 frames a second with a keyframe every `gop_ns` and sound, on a 4 s grid.
pub fn inspection(duration_ns: u64, gop_ns: u64) -> Inspection {
    let frame_ns = S / 25;
    let frames = duration_ns / frame_ns;
    let mut main = video(1920, 1080);
    main.frames = frames;
    main.end_ns = duration_ns;
    let segments = usize::try_from(duration_ns.div_ceil(4 * S)).unwrap();
    let mut segment_frames = vec![0_u32; segments];
    for frame in 0..frames {
        segment_frames[usize::try_from(frame * frame_ns / (4 * S)).unwrap()] += 1;
    }
    let keyframes_ns: Vec<u64> = (0..duration_ns).step_by(usize::try_from(gop_ns).unwrap()).collect();
    main.keyframes = keyframes_ns.len() as u64;
    Inspection {
        facts: MediaFacts {
            container: Container::IsoBmff,
            brand: "isom".into(),
            declared_duration_ns: Some(duration_ns),
            duration_ns,
            bitrate_bps: 1_000_000,
            video: vec![main],
            audio: vec![audio(duration_ns)],
            subtitles: Vec::new(),
            other_tracks: 0,
            tags: Vec::new(),
            chapters: Vec::new(),
        },
        index: Some(VideoIndex { keyframes_ns, lead_ns: 0, segment_frames, seekable: true }),
        audio: Vec::new(),
        subtitles: Vec::new(),
        captioned: Vec::new(),
    }
}
