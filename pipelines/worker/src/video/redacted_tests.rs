//! Redaction through the whole job: what the rungs contain, and what does not change.

use super::tests::{SECOND_NS, encode, spans, whole};
use super::*;
use gstreamer_video as gst_video;
use reelgate_flow::facts::Rotation;
use reelgate_flow::place::FrameBox;
use reelgate_pipelines::messages::{Redaction, RedactionStyle};

use crate::testing::{Media, pictures};

/// A picture with text: a fine black and white pattern in a box on a grey, moving background.
pub fn with_text(frames: u32, size: (u32, u32), text: FrameBox, pattern: &str) -> Media {
    let (width, height) = size;
    let FrameBox { x, y, width: w, height: h } = text;
    Media::made_by(&format!(
        "videotestsrc num-buffers={frames} pattern={pattern} ! video/x-raw,width={w},height={h},framerate=30/1 ! \
         mix.sink_1 videotestsrc num-buffers={frames} pattern=ball animation-mode=frames motion=sweep \
         background-color=0xff406080 ! video/x-raw,width={width},height={height},framerate=30/1 ! mix.sink_0 \
         compositor name=mix sink_0::zorder=0 sink_1::zorder=1 sink_1::xpos={x} sink_1::ypos={y} ! \
         video/x-raw,format=I420,width={width},height={height} ! \
         x264enc speed-preset=ultrafast key-int-max=30 quantizer=10 pass=qual ! mp4mux"
    ))
}

pub const TEXT: FrameBox = FrameBox { x: 101, y: 61, width: 120, height: 30 };

fn redaction(start: u64, end: u64, style: RedactionStyle) -> Redaction {
    let ns = |frame| frame * SECOND_NS / 30;
    Redaction { start_ns: ns(start), end_ns: ns(end), area: Some(TEXT), style }
}

/// Mean square of the differences between neighbours in a line, over a part of a picture. It is high for letters.
pub fn detail(luma: &[u8], line: usize, part: FrameBox) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for y in part.y..part.y + part.height {
        for x in part.x..part.x + part.width - 1 {
            let at = y as usize * line + x as usize;
            sum += f64::from(luma[at].abs_diff(luma[at + 1])).powi(2);
            count += 1.0;
        }
    }
    sum / count
}

#[test]
fn no_rung_shows_the_text_in_the_range_and_every_frame_outside_does() {
    let media = with_text(240, (320, 180), TEXT, "snow");
    for style in [RedactionStyle::Fill, RedactionStyle::Blur] {
        let plain = whole(&[("180p", 320, 180), ("90p", 160, 90)], &media);
        let covered = VideoJob { redactions: vec![redaction(130, 190, style)], ..plain.clone() };
        let ((old, old_files), (new, new_files)) = (encode(&plain, &media), encode(&covered, &media));
        assert_eq!(new.frames_in, 240);
        for (before, after) in old.rungs.iter().zip(&new.rungs) {
            assert_eq!(spans(before), spans(after));
            let scale = if before.name == "90p" { 2 } else { 1 };
            let (width, height) = (320 / scale, 180 / scale);
            let before = pictures(&Media::of(&old_files.joined(before)).path(), width, height);
            let after = pictures(&Media::of(&new_files.joined(after)).path(), width, height);
            let FrameBox { x, y, width: w, height: h } = TEXT;
            let part = FrameBox { x: x / scale, y: y / scale, width: w / scale, height: h / scale };
            for (frame, ((_, before), (_, after))) in before.iter().zip(&after).enumerate() {
                let seen = detail(before, width as usize, part);
                let left = detail(after, width as usize, part);
                assert!(seen > 500.0, "the text is visible before: {seen} at {frame}");
                match (129..=190).contains(&frame) {
                    true => assert!(left < 12.0, "{left} of {seen} is left at {frame}, {style:?}"),
                    false => assert!(left > seen / 2.0, "{left} of {seen} at {frame}, {style:?}"),
                }
            }
        }
    }
}

#[test]
fn encodes_of_sources_that_differ_only_under_the_cover_are_the_same() {
    // Lossless, so that the text stays inside its box in the source.
    let lossless = |pattern: &str| {
        let FrameBox { x, y, width: w, height: h } = TEXT;
        Media::made_by(&format!(
            "videotestsrc num-buffers=60 pattern={pattern} ! video/x-raw,width={w},height={h},framerate=30/1 ! \
             mix.sink_1 videotestsrc num-buffers=60 pattern=smpte ! \
             video/x-raw,width=320,height=180,framerate=30/1 ! mix.sink_0 \
             compositor name=mix sink_0::zorder=0 sink_1::zorder=1 sink_1::xpos={x} sink_1::ypos={y} ! \
             video/x-raw,format=I420,width=320,height=180 ! \
             x264enc speed-preset=ultrafast key-int-max=30 quantizer=0 pass=quant ! mp4mux"
        ))
    };
    let (one, other) = (lossless("snow"), lossless("checkers-2"));
    for style in [RedactionStyle::Fill, RedactionStyle::Blur] {
        let job = whole(&[("180p", 320, 180), ("90p", 160, 90)], &one);
        let seen = encode(&job, &one).1.all();
        assert!(seen != encode(&job, &other).1.all(), "the sources differ");
        let job = VideoJob { redactions: vec![redaction(0, 60, style)], ..job };
        assert!(encode(&job, &one).1.all() == encode(&job, &other).1.all(), "{style:?}");
    }
}

#[test]
fn a_redaction_elsewhere_in_the_video_does_not_change_a_chunk() {
    let media = with_text(240, (320, 180), TEXT, "snow");
    let plain = whole(&[("180p", 320, 180)], &media);
    let elsewhere = VideoJob { redactions: vec![redaction(130, 190, RedactionStyle::Fill)], ..plain.clone() };
    let first = |job: &VideoJob| VideoJob { end_segment: Some(1), ..job.clone() };
    assert!(encode(&first(&plain), &media).1.all() == encode(&first(&elsewhere), &media).1.all());
    let (old, new) = (encode(&plain, &media).1, encode(&elsewhere, &media).1);
    for name in ["180p/init.mp4", "180p/00000.m4s"] {
        assert!(old.get(name) == new.get(name), "{name} differs");
    }
    assert_ne!(old.get("180p/00001.m4s"), new.get("180p/00001.m4s"));
}

#[test]
fn boxes_are_those_of_the_picture_as_displayed() {
    // White in the box as stored. After rotation it is elsewhere.
    let stored = FrameBox { x: 20, y: 100, width: 60, height: 24 };
    let media = with_text(20, (320, 180), stored, "white");
    for (degrees, x, y) in
        [(0_u16, 20, 100), (90, 180 - 124, 20), (180, 320 - 80, 180 - 124), (270, 100, 320 - 80)]
    {
        let turned = degrees % 180 == 90;
        let (width, height) = if turned { (180, 320) } else { (320, 180) };
        let (w, h) = if turned { (24, 60) } else { (60, 24) };
        let area = FrameBox { x, y, width: w, height: h };
        let redaction = Redaction { area: Some(area), ..redaction(0, 20, RedactionStyle::Fill) };
        let rotation = Rotation { degrees, mirrored: false };
        let plain = VideoJob { rotation, ..whole(&[("a", width, height)], &media) };
        for (redactions, is_white) in [(vec![], true), (vec![redaction], false)] {
            let (result, progress_sink) = encode(&VideoJob { redactions, ..plain.clone() }, &media);
            let file = Media::of(&progress_sink.joined(&result.rungs[0]));
            let (_, picture) = &pictures(&file.path(), width, height)[10];
            let brightest = (y..y + h).flat_map(|y| (x..x + w).map(move |x| (x, y)));
            let luma = brightest.map(|(x, y)| picture[(y * width + x) as usize]);
            let (least, most) = luma.fold((255, 0), |(least, most), luma| (luma.min(least), luma.max(most)));
            match is_white {
                true => assert!(least > 150, "turned by {degrees}: {least}"),
                false => assert!(most < 60, "turned by {degrees}: {most}"),
            }
        }
    }
}

/// Redactions cover pictures, but not the text that some encoders write next to them.
#[test]
fn captions_inside_the_pictures_are_removed() {
    gst::init().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let launch = format!(
        "videotestsrc num-buffers=60 ! video/x-raw,format=I420,width=160,height=90,framerate=30/1 ! \
         x264enc name=encoder speed-preset=ultrafast ! mp4mux ! filesink location={}",
        file.path().display()
    );
    let pipeline = gst::parse::launch(&launch).unwrap().downcast::<gst::Pipeline>().unwrap();
    let pad = pipeline.by_name("encoder").unwrap().static_pad("sink").unwrap();
    pad.add_probe(gst::PadProbeType::BUFFER, |_, info| {
        let buffer = info.buffer_mut().unwrap().make_mut();
        // "AB" in field 1 of CEA-608, as CTA-708 carries it.
        gst_video::VideoCaptionMeta::add(buffer, gst_video::VideoCaptionType::Cea708Raw, &[0xfc, 0xc1, 0xc2]);
        gst::PadProbeReturn::Ok
    });
    pipeline.set_state(gst::State::Playing).unwrap();
    let bus = pipeline.bus().unwrap();
    bus.timed_pop_filtered(gst::ClockTime::NONE, &[gst::MessageType::Eos, gst::MessageType::Error]).unwrap();
    pipeline.set_state(gst::State::Null).unwrap();
    let media = Media::of(&std::fs::read(file.path()).unwrap());
    // ATSC's mark of captions in a user data SEI message (ATSC A/72, 6.4.2).
    let captions = |bytes: &[u8]| bytes.windows(4).filter(|four| four == b"GA94").count();
    assert!(captions(&std::fs::read(media.path()).unwrap()) > 50, "the source has captions");
    let (_, files) = encode(&whole(&[("90p", 160, 90), ("45p", 80, 46)], &media), &media);
    for (name, bytes) in files.all() {
        assert_eq!(captions(&bytes), 0, "{name}");
    }
}
