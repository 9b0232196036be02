//! Real files of many kinds: no frame may be lost between a source and its rungs.

use super::tests::job;
use super::*;

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

/// Encodes a file on two rungs, which are checked and returned whole with their sizes; `None` without a corpus.
fn encoded(
    path: &str,
    container: Container,
    spoil: impl Fn(&mut VideoJob),
) -> Option<Vec<(Vec<u8>, u32, u32)>> {
    gst::init().unwrap();
    let source = corpus::open(path)?;
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
        let file = Media::of(bytes);
        assert!(ffprobe_frames(&file.path()).is_none_or(|frames| frames as u64 == samples), "{path}");
    }
    Some(files)
}

fn check(path: &str, container: Container, spoil: impl Fn(&mut VideoJob)) -> bool {
    encoded(path, container, spoil).is_some()
}

#[test]
fn every_codec_keeps_its_frames() {
    use Container::{Avi, Flv, IsoBmff, Matroska, MpegTs, Mxf, Ogg};
    for (path, container) in [
        ("androidx-media/hdr10-av1.mp4", IsoBmff),
        ("androidx-media/sample.flv", Flv),
        ("auto-editor/webvtt.mkv", Matroska),
        ("exoplayer/video_desks.3gp", IsoBmff),
        ("file-type/fixture.mxf", Mxf),
        ("metadata-extractor-images/100_0306.AVI", Avi),
        ("moviepy/transparent.webm", Matroska),
        ("nom-exif/udta.auth.mp4", IsoBmff),
        ("shaka-packager/bear-320x240-multitrack.webm", Matroska),
        ("shaka-packager/bear-640x360-hevc.mp4", IsoBmff),
        ("shaka-packager/bear-640x360.ts", MpegTs),
        ("shaka-packager/bear.ogv", Ogg),
        ("subtitleedit/sample_MKV_VobSub_PGS.mkv", Matroska),
        ("torchcodec/h264_10bits.mp4", IsoBmff),
    ] {
        if !check(path, container, |_| {}) {
            return;
        }
    }
}

#[test]
fn odd_sizes_and_shapes_keep_their_frames() {
    for path in [
        "moviepy/test_video.mp4",                        // one pixel, 4:4:4
        "rails/video_with_rectangular_samples.mp4",      // pixels of 3:2
        "streamio-ffmpeg/awesome movie.mov",             // variable rate, two edits
        "androidx-media/sample_android_slow_motion.mp4", // variable rate
        "androidx-media/edit_list_positive_shift.mp4",   // starts with an empty edit
        "mp4ff/main_1.mp4",                              // fragmented, starts at 10 s
    ] {
        if !check(path, Container::IsoBmff, |_| {}) {
            return;
        }
    }
}

#[test]
fn a_resolution_that_changes_on_the_way_breaks_nothing() {
    check("firefox-esr/resolution-change.webm", Container::Matroska, |_| {});
}

#[test]
fn fields_become_as_many_frames() {
    let interlaced = |job: &mut VideoJob| job.interlaced = true;
    check("format-corpus/xdcam-ex-1080i60.mov", Container::IsoBmff, interlaced);
    check("metadata-extractor-images/Sony ILCE-7M3 (A7M3).mts", Container::MpegTs, interlaced);
}

/// Whatever form a decoder gives, an area of the picture is black on every rung.
#[test]
fn every_form_of_picture_is_covered() {
    use Container::{Avi, IsoBmff, Matroska, MpegTs, Mxf, Ogg};
    for (path, container, interlaced) in [
        ("androidx-media/hdr10-av1.mp4", IsoBmff, false), // 10 bits
        ("torchcodec/h264_10bits.mp4", IsoBmff, false),
        ("moviepy/transparent.webm", Matroska, false),
        ("moviepy/test_video.mp4", IsoBmff, false), // one pixel, 4:4:4
        ("rails/video_with_rectangular_samples.mp4", IsoBmff, false),
        ("file-type/fixture.mxf", Mxf, false),
        ("metadata-extractor-images/100_0306.AVI", Avi, false), // full range
        ("shaka-packager/bear.ogv", Ogg, false),
        ("shaka-packager/bear-640x360.ts", MpegTs, false),
        ("firefox-esr/resolution-change.webm", Matroska, false),
        ("format-corpus/xdcam-ex-1080i60.mov", IsoBmff, true),
    ] {
        for style in [RedactionStyle::Fill, RedactionStyle::Blur] {
            let redaction = Redaction { start_ns: 0, end_ns: u64::MAX, area: None, style };
            let covered =
                |job: &mut VideoJob| (job.redactions, job.interlaced) = (vec![redaction], interlaced);
            let Some(files) = encoded(path, container, covered) else { return };
            for (bytes, width, height) in files {
                for (_, luma) in pictures(&Media::of(&bytes).path(), width, height) {
                    let (least, most) =
                        luma.iter().fold((255, 0), |(a, b), luma| (a.min(*luma), b.max(*luma)));
                    assert!(most <= 18 && most - least <= 1, "{path}: luma from {least} to {most}");
                }
            }
        }
    }
}
