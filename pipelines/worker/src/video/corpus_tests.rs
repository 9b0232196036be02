//! Files of many kinds: no frame may be lost between a source and its rungs.

use super::tests::job;
use super::*;

use std::path::Path;

use reelgate_flow::facts::Container;
use reelgate_pipelines::messages::{Redaction, RedactionStyle, Rung, TrackResult};

use crate::corpus;
use crate::demux::{TrackKind, stream_time};
use crate::testing::{Media, ffprobe_frames, pictures, progress_sink};

/// First video track, its frames' stream times in order. A packet without a time is a header or a second field,
/// unless none has a time, as in MXF.
fn frames(source: &Source, container: Container) -> (u32, Vec<u64>) {
    let seen = Arc::new(Mutex::new((None, Vec::new())));
    let found = seen.clone();
    let demuxed = Demuxed::open(source, container, move |track| {
        if track.kind != TrackKind::Video || found.lock().unwrap().0.is_some() {
            return Ok(Branch::Ignore);
        }
        found.lock().unwrap().0 = Some(track.index);
        let mut chain = codecs::parser(&track.caps)?;
        let sink = codecs::make("fakesink")?;
        let found = found.clone();
        sink.static_pad("sink").unwrap().add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            let time = info.buffer().and_then(|buffer| stream_time(pad, buffer.pts()?));
            found.lock().unwrap().1.push(time.map(gst::ClockTime::nseconds));
            gst::PadProbeReturn::Ok
        });
        chain.push(sink);
        Ok(Branch::Elements(chain))
    })
    .unwrap();
    demuxed.preroll().unwrap();
    demuxed.run(|| Ok(())).unwrap();
    let (track, packets): (Option<u32>, Vec<Option<u64>>) = seen.lock().unwrap().clone();
    let mut times: Vec<u64> = packets.iter().flatten().copied().collect();
    if times.is_empty() {
        times = vec![0; packets.len()];
    }
    times.sort_unstable();
    (track.unwrap(), times)
}

/// Encodes a file on two rungs, which are checked and returned whole with their sizes.
fn encoded(file: &Path, spoil: impl Fn(&mut VideoJob)) -> Vec<(Vec<u8>, u32, u32)> {
    gst::init().unwrap();
    let (source, container, path) = (corpus::open_path(file), corpus::container(file), file.display());
    let (track, times) = frames(&source, container);
    assert!(!times.is_empty(), "{path}: no frame");
    let mut job = job(&[("a", 160, 120), ("b", 80, 60)]);
    job.source.track = track;
    job.source.container = container;
    (job.frame_rate, job.timescale, job.preset) = (None, 90_000, "ultrafast".into());
    (job.zero_ns, job.track_end_ns) = (times[0], times[times.len() - 1] + 40_000_000);
    spoil(&mut job);
    let progress_sink = progress_sink();
    let result = run(&job, &source, progress_sink.clone()).unwrap_or_else(|fault| panic!("{path}: {fault}"));
    assert_eq!(result.frames_in, times.len() as u64, "{path}");
    let whole = |(track, rung): (&TrackResult, &Rung)| (progress_sink.joined(track), rung.width, rung.height);
    let files = result.rungs.iter().zip(&job.rungs).map(whole).collect::<Vec<_>>();
    for (rung, (bytes, ..)) in result.rungs.iter().zip(&files) {
        let samples: u64 = rung.segments.iter().map(|segment| u64::from(segment.samples)).sum();
        assert_eq!(samples, result.frames_in, "{path}");
        assert!(rung.segments.iter().all(|segment| segment.starts_with_idr), "{path}");
        for pair in rung.segments.windows(2) {
            assert_eq!(pair[0].start_ticks + pair[0].duration_ticks, pair[1].start_ticks, "{path}");
        }
        assert_eq!(ffprobe_frames(&Media::of(bytes).path()) as u64, samples, "{path}");
    }
    files
}

/// An area of every picture is covered, whatever form a decoder gives.
fn assert_covered(file: &Path, interlaced: bool) {
    for style in [RedactionStyle::Fill, RedactionStyle::Blur] {
        let redaction = Redaction { start_ns: 0, end_ns: u64::MAX, area: None, style };
        let covered = |job: &mut VideoJob| (job.redactions, job.interlaced) = (vec![redaction], interlaced);
        for (bytes, width, height) in encoded(file, covered) {
            for (_, luma) in pictures(&Media::of(&bytes).path(), width, height) {
                let (least, most) = luma.iter().fold((255, 0), |(a, b), luma| (a.min(*luma), b.max(*luma)));
                assert!(most <= 18 && most - least <= 1, "{}: luma from {least} to {most}", file.display());
            }
        }
    }
}

/// The fields of an interlaced source become frames.
fn interlaced(job: &mut VideoJob) {
    job.interlaced = true;
}

#[test]
fn every_codec_keeps_its_frames() {
    // Without MPEG-4 in AVI: the parser gives most of its packets no time, so this test cannot count them.
    for name in [
        "av1.mp4",
        "ffv1.mkv",
        "flv1-mp3.flv",
        "fragmented.mp4",
        "h263-aac.3gp",
        "h264-aac.flv",
        "h264-aac.mp4",
        "h264-aac.ts",
        "h264-flac.mkv",
        "hevc.mp4",
        "mjpeg-pcm.avi",
        "mpeg2-mp2.m2ts",
        "mpeg2-mp2.mpg",
        "mpeg2-pcm.mxf",
        "mpeg4-aac.m4v",
        "odd-size-444.mp4",
        "one-picture.mp4",
        "prores-pcm.mov",
        "starts-late.ts",
        "ten-bit.mp4",
        "theora-vorbis.ogv",
        "variable-rate.mp4",
        "vp8-vorbis.webm",
        "vp9-opus.webm",
    ] {
        encoded(&corpus::small(name), |_| {});
    }
}

#[test]
fn fields_become_as_many_frames() {
    encoded(&corpus::small("interlaced.mov"), interlaced);
}

#[test]
fn every_form_of_picture_is_covered() {
    for name in [
        "av1.mp4",
        "hevc.mp4",
        "mjpeg-pcm.avi", // full range
        "mpeg2-pcm.mxf",
        "odd-size-444.mp4",
        "prores-pcm.mov", // 4:2:2, 10 bits
        "ten-bit.mp4",
        "theora-vorbis.ogv",
        "vp9-opus.webm",
    ] {
        assert_covered(&corpus::small(name), false);
    }
    assert_covered(&corpus::small("interlaced.mov"), true);
}

/// Encodes the segments of a chunk from the keyframe at `seek_ns` on; returns the frames.
fn chunk(file: &Path, container: Container, segments: (u32, Option<u32>), seek_ns: u64) -> u64 {
    let mut job = job(&[("a", 160, 120), ("b", 80, 60)]);
    (job.source.container, job.preset, job.track_end_ns) = (container, "ultrafast".into(), 70_000_000_000);
    (job.first_segment, job.end_segment, job.seek_ns) = (segments.0, segments.1, Some(seek_ns));
    let result = run(&job, &corpus::open_path(file), progress_sink());
    let result = result.unwrap_or_else(|fault| panic!("{}: {fault}", file.display()));
    assert_eq!(result.frames_damaged, 0);
    result.frames_in
}

mod shared_files {
    use super::*;

    #[test]
    fn of_slides_begin_each_segment_with_a_key_picture() {
        let slides = reelgate_test_media::shared("cases/media/slides_pcr.ts");
        encoded(&slides, |job| job.preset = "veryfast".into());
    }

    #[test]
    fn in_matroska_give_the_same_frames_after_every_seek() {
        gst::init().unwrap();
        let path = reelgate_test_media::shared("cases/media/k8.mkv");
        for _ in 0..20 {
            assert_eq!(chunk(&path, Container::Matroska, (5, Some(10)), 20_000_000_000), 200);
        }
    }

    #[test]
    fn of_every_codec_keep_their_frames() {
        for path in [
            "androidx-media/hdr10-av1.mp4",
            "androidx-media/sample.flv",
            "auto-editor/webvtt.mkv",
            "exoplayer/video_desks.3gp",
            "file-type/fixture.mxf",
            "metadata-extractor-images/100_0306.AVI",
            "moviepy/transparent.webm",
            "nom-exif/udta.auth.mp4",
            "shaka-packager/bear-320x240-multitrack.webm",
            "shaka-packager/bear-640x360-hevc.mp4",
            "shaka-packager/bear-640x360.ts",
            "shaka-packager/bear.ogv",
            "subtitleedit/sample_MKV_VobSub_PGS.mkv",
            "torchcodec/h264_10bits.mp4",
        ] {
            encoded(&corpus::shared(path), |_| {});
        }
    }

    #[test]
    fn of_odd_sizes_and_shapes_keep_their_frames() {
        for path in [
            "moviepy/test_video.mp4",                        // one pixel, 4:4:4
            "rails/video_with_rectangular_samples.mp4",      // pixels of 3:2
            "streamio-ffmpeg/awesome movie.mov",             // variable rate, two edits
            "androidx-media/sample_android_slow_motion.mp4", // variable rate
            "androidx-media/edit_list_positive_shift.mp4",   // starts with an empty edit
            "mp4ff/main_1.mp4",                              // fragmented, starts at 10 s
        ] {
            encoded(&corpus::shared(path), |_| {});
        }
    }

    #[test]
    fn whose_resolution_changes_on_the_way_keep_their_frames() {
        encoded(&corpus::shared("firefox-esr/resolution-change.webm"), |_| {});
    }

    #[test]
    fn with_fields_give_as_many_frames() {
        encoded(&corpus::shared("format-corpus/xdcam-ex-1080i60.mov"), interlaced);
        encoded(&corpus::shared("metadata-extractor-images/Sony ILCE-7M3 (A7M3).mts"), interlaced);
    }

    #[test]
    fn of_every_form_of_picture_are_covered() {
        for (path, interlaced) in [
            ("androidx-media/hdr10-av1.mp4", false), // 10 bits
            ("torchcodec/h264_10bits.mp4", false),
            ("moviepy/transparent.webm", false),
            ("moviepy/test_video.mp4", false), // one pixel, 4:4:4
            ("rails/video_with_rectangular_samples.mp4", false),
            ("file-type/fixture.mxf", false),
            ("metadata-extractor-images/100_0306.AVI", false), // full range
            ("shaka-packager/bear.ogv", false),
            ("shaka-packager/bear-640x360.ts", false),
            ("firefox-esr/resolution-change.webm", false),
            ("format-corpus/xdcam-ex-1080i60.mov", true),
        ] {
            assert_covered(&corpus::shared(path), interlaced);
        }
    }
}
