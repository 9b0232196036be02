//! Keeps the stream time of Matroska equal to the times that the file states.
//!
//! GStreamer's demuxer lets stream time begin with the first packet that it reads. Where a later packet is earlier, as sound that
//! begins a little before the picture that is stored in front of it, it corrects itself only then, and the packets until
//! then are early.

use gstreamer as gst;

use gst::prelude::*;

/// Corrects every segment that leaves a pad.
pub fn keep(pad: &gst::Pad) {
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, |pad, info| {
        let Some(event) = info.event() else { return gst::PadProbeReturn::Ok };
        let gst::EventView::Segment(segment) = event.view() else { return gst::PadProbeReturn::Ok };
        let Some(times) = segment.segment().downcast_ref::<gst::ClockTime>() else {
            return gst::PadProbeReturn::Ok;
        };
        if times.time() == times.start() {
            return gst::PadProbeReturn::Ok;
        }
        let mut corrected = times.clone();
        corrected.set_time(times.start());
        let corrected = gst::event::Segment::builder(&corrected).seqnum(event.seqnum()).build();
        // The pad pushes what is stored on it, so the corrected event follows at once, and is what others read on the pad.
        match pad.store_sticky_event(&corrected) {
            Ok(_) => gst::PadProbeReturn::Handled,
            Err(_) => gst::PadProbeReturn::Ok,
        }
    });
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;
    use std::sync::{Arc, Mutex};

    use reelgate_flow::facts::Container;

    use super::*;
    use crate::codecs;
    use crate::corpus::open_path;
    use crate::demux::{Branch, Demuxed, TrackKind, stream_time};

    /// The times of pictures that ffprobe reads in a file, milliseconds, in their order.
    fn stated(file: &Path) -> Vec<u64> {
        let mut probe = Command::new("ffprobe");
        probe.args([
            "-v",
            "error",
            "-select_streams",
            "v",
            "-show_entries",
            "packet=pts_time",
            "-of",
            "csv=p=0",
        ]);
        let listed = probe.arg(file).output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        let seconds = listed.lines().map(|line| line.trim_matches(',').parse::<f64>().unwrap());
        let mut times: Vec<u64> = seconds.map(|seconds| (seconds * 1_000.0).round() as u64).collect();
        times.sort_unstable();
        times
    }

    /// Stream times of the pictures of a file with sound, milliseconds, in their order, and those that the file states.
    fn times(offset_s: &str) -> (Vec<u64>, Vec<u64>) {
        gst::init().unwrap();
        let file = tempfile::Builder::new().suffix(".mkv").tempfile().unwrap();
        let made = Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=1"])
            .args(["-f", "lavfi", "-i", "sine=440:d=1", "-c:v", "libx264", "-bf", "2", "-c:a", "aac"])
            .args(["-output_ts_offset", offset_s])
            .arg(file.path())
            .status()
            .unwrap();
        assert!(made.success());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let times = seen.clone();
        let demuxed = Demuxed::open(&open_path(file.path()), Container::Matroska, move |track| {
            if track.kind == TrackKind::Video {
                let seen = seen.clone();
                track.pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
                    let time = stream_time(pad, info.buffer().unwrap().pts().unwrap()).unwrap();
                    seen.lock().unwrap().push(time.mseconds());
                    gst::PadProbeReturn::Ok
                });
            }
            let sink = codecs::make("fakesink")?;
            // One thread feeds both.
            sink.set_property("async", false);
            Ok(Branch::Elements(vec![sink]))
        })
        .unwrap();
        demuxed.run(|| Ok(())).unwrap();
        let mut times = times.lock().unwrap().clone();
        times.sort_unstable();
        (times, stated(file.path()))
    }

    #[test]
    fn the_first_picture_has_the_time_that_the_file_states() {
        // The sound begins a frame of AAC before the picture, and is stored behind it.
        for offset_s in ["0", "3600"] {
            let (found, stated) = times(offset_s);
            assert_eq!(stated.len(), 25);
            assert_eq!(found, stated, "{offset_s}");
        }
    }
}
